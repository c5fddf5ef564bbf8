"""Jobs for those who have asked for them: every call awaits the database and nothing else."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrJobNotReady
from ocrloom.jobs import queue, register
from ocrloom.jobs.bell import Bell
from ocrloom.jobs.rows import page_of
from ocrloom.library import opening
from ocrloom.library.desk import Desk
from ocrloom.result import OcrResult

if TYPE_CHECKING:
    from ocrloom.jobs.records import Event, Job, NewJob, Status
    from ocrloom.jobs.register import Room
    from ocrloom.jobs.rows import PageText
    from ocrloom.jobs.spool import Spool
    from ocrloom.library.storage.base import Store
    from ocrloom.library.storage.records import Row

__all__ = ["Jobs"]

_MANY: Final = 100  # pages or events that are asked for at a time


class Jobs:
    """The jobs in a library's database."""

    def __init__(self, where: str, spool: Spool) -> None:
        """Names the database; it is opened by the first call.

        Args:
            where: What `ocrloom.Library` takes.
            spool: The folder of what was sent.
        """
        self.spool = spool
        self.bell = Bell()
        # Its own connections: a large document that is being stored holds no job up.
        self.desk = Desk(opening.connector(opening.checked(where)))
        self._known: dict[str, int] = {}

    async def submit(self, new: NewJob, room: Room) -> tuple[Job, bool]:
        """Has a job wait; see `register.submit`."""
        job, fresh = await self.desk.write(lambda store: register.submit(store, new, room))
        if fresh:
            self.bell.queued.set()
        return job, fresh

    async def check_room(self, owner: str, room: Room) -> None:
        """Looks whether a further job may wait; see `register.check_room`."""
        await self.desk.read(lambda store: register.check_room(store, owner, room))

    async def get(self, job: str, owner: str) -> Job:
        """A job of an owner; see `register.find`."""
        return await self.desk.read(lambda store: register.find(store, job, owner))

    async def listed(
        self, owner: str, *, status: Status | None = None, before: int | None = None, limit: int
    ) -> list[Job]:
        """The jobs of an owner, the newest first; see `register.listed`."""
        return await self.desk.read(
            lambda store: register.listed(store, owner, status=status, before=before, limit=limit)
        )

    async def position(self, job: Job) -> int | None:
        """Which one of those that wait it is, from 1."""
        return await self.desk.read(lambda store: register.position(store, job))

    async def page_texts(self, job: str, *, after: int, limit: int) -> list[PageText]:
        """Its pages that are finished, as JSON, in the order in which that happened.

        Args:
            job: Its id, which `get` has let through; so for the next two.
            after: Only those after the one of this place.
            limit: No more than this.
        """
        return await self.desk.read(lambda store: register.page_texts(store, job, after, limit))

    async def page_text(self, job: str, number: int) -> PageText | None:
        """One of them by its number in the source; None while it is not finished."""
        return await self.desk.read(lambda store: register.page_text(store, job, number))

    async def events(self, job: str, *, after: int = 0, limit: int = _MANY) -> list[Event]:
        """Its events after the one of a number."""
        return await self.desk.read(lambda store: register.events(store, job, after, limit))

    async def result(self, job: str, owner: str) -> OcrResult:
        """What was read, of a job that is done.

        Raises:
            OcrJobNotReady: It is not.
        """
        found = await self.get(job, owner)
        if not found.status.ended:
            raise OcrJobNotReady(
                f"the job is {found.status.value}; wait for it with ?wait= or follow its events"
            )
        return await self.read_so_far(found)

    async def read_so_far(self, job: Job) -> OcrResult:
        """What was read of a job, whether or not it is done."""
        rows: list[Row] = []
        # By and by, and taken apart in another thread: others have questions too.
        while some := await self.desk.read(partial(_raw, job, rows[-1][1] if rows else 0)):
            rows += some
        return await asyncio.to_thread(_result, job, rows)

    async def changed(self, job: Job, seconds: float) -> Job:
        """Waits for news of a job.

        Args:
            job: As it was known.
            seconds: To wait, after which it is given as it is.
        """
        ends = time.monotonic() + seconds
        with self.bell.listening(job.id) as news:
            while True:
                news.clear()
                found = await self.get(job.id, job.owner)
                left = ends - time.monotonic()
                if found.last_event != job.last_event or left <= 0 or self.bell.closed:
                    return found
                try:
                    await asyncio.wait_for(news.wait(), left)
                except TimeoutError:
                    return await self.get(job.id, job.owner)

    async def ended(self, job: Job, seconds: float) -> Job:
        """Waits for the end of a job, for so many seconds at most."""
        ends = time.monotonic() + seconds
        while not job.status.ended and (left := ends - time.monotonic()) > 0:
            job = await self.changed(job, left)
            if self.bell.closed:
                break
        return job

    async def cancel(self, job: str, owner: str) -> Job:
        """Has a job end early; see `register.cancel`."""
        found = await self.desk.write(lambda store: register.cancel(store, job, owner))
        self.bell.ring(job)
        return found

    async def purge(self, job: str, owner: str) -> None:
        """Forgets a job and all of it, also on the disk, once it has ended.

        Raises:
            OcrJobNotFound: There is none.
            OcrJobNotReady: It does not end, although it was cancelled; it will.
        """
        found = await self.ended(await self.get(job, owner), queue.LEASE)
        if not found.status.ended:
            raise OcrJobNotReady("the job is being cancelled; delete it when that is done")
        upload = await self.desk.write(lambda store: register.forget(store, job, owner))
        await asyncio.to_thread(self.spool.remove, [upload])
        self.bell.ring(job)

    async def look(self) -> None:
        """Wakes who waits for news that other servers have written."""
        awaited = self.bell.awaited
        found = await self.desk.read(partial(_latest, awaited)) if awaited else {}
        for job in awaited:
            if found.get(job) != self._known.get(job):
                self.bell.ring(job)
        self._known = found

    async def close(self) -> None:
        """Lets the database go."""
        await asyncio.to_thread(self.desk.close)


def _latest(jobs: list[str], store: Store) -> dict[str, int]:
    return register.latest(store, jobs)


def _raw(job: Job, after: int, store: Store) -> list[Row]:
    return register.raw_pages(store, job.id, after, _MANY)


def _result(job: Job, rows: list[Row]) -> OcrResult:
    found = sorted((page_of(row) for row in rows), key=lambda each: each.number)
    return OcrResult(
        pages=tuple(each.page for each in found if each.page is not None),
        failures=tuple(each.failure for each in found if each.failure is not None),
        source=job.name,
    )
