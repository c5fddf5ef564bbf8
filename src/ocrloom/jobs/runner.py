"""A server at work: it claims jobs, reads them, and takes up what killed servers have left."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from ocrloom.errors import OcrException, OcrJobEnded
from ocrloom.jobs import queue, register
from ocrloom.jobs.work import Work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ocrloom.engine import OcrEngine
    from ocrloom.jobs.jobs import Jobs
    from ocrloom.jobs.records import Job
    from ocrloom.library import Library
    from ocrloom.library.storage.base import Store
    from ocrloom.options import Limits
    from ocrloom.progress import Progress
    from ocrloom.ray.engine import RayEngine
    from ocrloom.result import Page, PageFailure

__all__ = ["Retention", "Runner", "Shop", "Watcher"]

_LOG = logging.getLogger(__name__)

_LOOK: Final = 0.5  # seconds between two looks at what was cancelled elsewhere
_RENEW: Final = queue.LEASE / 3
_RECOVER: Final = 5.0  # seconds between two looks for jobs of servers that were killed
_TIDY: Final = 60.0  # seconds between two looks at what is to be forgotten
_SCRUB: Final = 2.0  # seconds between two looks at whether removed things are left on the disk
_REST: Final = 300.0  # seconds in which they are taken from there only once
_NEWS: Final = 1.0  # seconds between two looks at what other servers have written
_ENDING: Final = 5.0  # seconds in which what was stopped must have ended
_AGAIN: Final = 2.0  # seconds after which what failed is tried again
_TOMBS: Final = 7 * 24 * 3600.0  # seconds for which it is remembered that there was a job


class Watcher(Protocol):
    """Who counts what happens."""

    def started(self, job: Job) -> None:
        """A job is begun with."""

    def progress(self, job: Job, event: Progress) -> None:
        """Something happens to it."""

    def page(self, outcome: Page | PageFailure) -> None:
        """A page of it is finished."""

    def ended(self, job: Job) -> None:
        """It is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What is forgotten of jobs that are done."""

    seconds: float
    """After this time, everything."""
    bytes: int
    """What their files may take; beyond it the oldest go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What jobs are read with."""

    jobs: Jobs
    engine: OcrEngine | RayEngine
    library: Library
    """Where what was read becomes a document."""
    limits: Limits
    seconds: float
    """That a job may take."""
    running: int
    """Jobs that are read at a time."""
    retention: Retention
    watcher: Watcher
    fetch: Callable[[Job], Awaitable[Path]]
    """Gets the file of a job that names only where it is, into the spool."""
    able: Callable[[], bool] = lambda: True
    """Whether the engine can read at the moment; jobs wait while it cannot."""


class Runner:
    """Works in the event loop in which it was started."""

    def __init__(self, shop: Shop) -> None:
        """Makes an idle one."""
        self._shop = shop
        self._jobs = shop.jobs
        self._worker = shop.jobs.spool.worker
        self._works: dict[str, Work] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._duties: list[asyncio.Task[None]] = []
        self._draining = False
        self._next_scrub = 0.0

    @property
    def running(self) -> int:
        """Jobs that are read now."""
        return len(self._works)

    @property
    def draining(self) -> bool:
        """Whether it takes no further jobs."""
        return self._draining

    @property
    def alive(self) -> bool:
        """Whether all that it has to do is being done."""
        return bool(self._duties) and not any(duty.done() for duty in self._duties)

    async def start(self) -> None:
        """Opens the database, takes up what was left, and begins."""
        await asyncio.to_thread(self._jobs.spool.live)
        await self._recover()
        await self._remove_strays([])
        duties = (
            (self._claim, 0.0),
            (self._look, _LOOK),
            (self._renew, _RENEW),
            (self._recover, _RECOVER),
            (self._tidy, _TIDY),
            (self._scrub, _SCRUB),
            (self._jobs.look, _NEWS),
        )
        self._duties = [asyncio.create_task(self._repeat(*duty)) for duty in duties]

    async def stop(self, seconds: float) -> None:
        """Takes no further jobs, and ends.

        Args:
            seconds: In which jobs may come to their ends; the others wait for a server again.
        """
        self._draining = True
        self._duties[0].cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for work in list(self._works.values()):
            work.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_ENDING)
        left = [*self._duties, *self._tasks]
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        # Where even this cannot be written, the jobs are taken up when their leases have passed.
        with suppress(OcrException, TimeoutError):
            async with asyncio.timeout(_ENDING):
                await self._jobs.desk.write(lambda store: queue.release(store, self._worker))

    def cancel(self, job: str) -> None:
        """Ends the reading of a job that is to be cancelled, if it is read here."""
        if (work := self._works.get(job)) is not None:
            work.cancel()

    async def purge(self, job: str, owner: str) -> None:
        """Forgets a job and all of it; see `Jobs.purge`."""
        found = await self._jobs.get(job, owner)
        if not found.status.ended:
            with suppress(OcrJobEnded):  # in between
                await self._jobs.cancel(job, owner)
            self.cancel(job)
        await self._jobs.purge(job, owner)

    # Duties

    async def _repeat(self, duty: Callable[[], Awaitable[None]], pause: float) -> None:
        """Does something for ever; a database that is away for a while changes nothing."""
        while True:
            try:
                await asyncio.sleep(pause)
                await duty()
            except Exception:  # noqa: BLE001  # whatever it is, the duty has to be done
                _LOG.exception("the database, or the spool, does not do as it should")
                await asyncio.sleep(_AGAIN)

    async def _claim(self) -> None:
        """Begins with jobs as long as there are some and there is room."""
        news = self._jobs.bell.queued
        news.clear()
        while len(self._works) < self._shop.running and self._shop.able():
            job = await self._jobs.desk.write(lambda store: queue.claim(store, self._worker))
            if job is None:
                break
            self._begin(job)
        with suppress(TimeoutError):
            # Other servers' callers do not ring here.
            await asyncio.wait_for(news.wait(), queue.LEASE / 30)

    def _begin(self, job: Job) -> None:
        work = Work(self._shop, job)
        before = self._works.get(job.id)
        if before is not None:
            before.stop()  # another server took this one for dead in between
        self._works[job.id] = work
        self._shop.watcher.started(job)
        self._jobs.bell.ring(job.id)
        if job.canceling:
            work.cancel()
        task = asyncio.create_task(self._do(work, before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, work: Work, before: Work | None) -> None:
        try:
            if before is not None:
                await before.done.wait()
            await work.do()
        except Exception:  # noqa: BLE001  # whatever it is, the job is not lost: see `_renew`
            _LOG.exception("a job could not be ended", extra={"job_id": work.job.id})
        finally:
            work.done.set()
            if self._works.get(work.job.id) is work:
                del self._works[work.job.id]
            self._jobs.bell.queued.set()
            self._jobs.bell.ring(work.job.id)

    async def _look(self) -> None:
        """Ends what was cancelled by way of other servers."""
        if self._works:
            for job in await self._jobs.desk.read(
                lambda store: queue.canceling(store, self._worker)
            ):
                self.cancel(job)

    async def _renew(self) -> None:
        """Keeps the jobs that are read here, and gives back those that only seem to be."""
        known = set(self._works)
        mine = await self._jobs.desk.write(lambda store: queue.renew(store, self._worker))
        for job in known - mine:
            # Another server took this one for dead.
            if (work := self._works.get(job)) is not None:
                work.stop()
        for job in mine - known - set(self._works):
            await self._jobs.desk.write(partial(self._give_back, job))
            self._jobs.bell.queued.set()

    def _give_back(self, job: str, store: Store) -> list[str]:
        return queue.give_back(store, self._worker, job)

    async def _recover(self) -> None:
        """Has jobs wait again whose servers were killed."""
        spool = self._jobs.spool
        dead = await asyncio.to_thread(spool.dead)
        for job in await self._jobs.desk.write(
            lambda store: queue.recover(store, self._worker, dead)
        ):
            _LOG.warning("a job waits again, as its server has ended", extra={"job_id": job})
            self._jobs.bell.ring(job)
            self._jobs.bell.queued.set()
        if dead:
            await self._remove_strays(dead)
            await asyncio.to_thread(spool.bury, dead)

    async def _remove_strays(self, dead: list[str]) -> None:
        """Removes files of the spool that belong to no job, of servers that have ended."""
        spool = self._jobs.spool
        strays = await asyncio.to_thread(spool.strays, dead)
        if strays:
            named = await self._jobs.desk.read(lambda store: register.named(store, strays))
            await asyncio.to_thread(spool.remove, set(strays) - named)

    async def _tidy(self) -> None:
        """Forgets what is to be forgotten."""
        keep = self._shop.retention
        while await self._forget(time.time() - keep.seconds):
            pass
        until = await self._jobs.desk.read(lambda store: register.beyond(store, keep.bytes))
        while until is not None and await self._forget(until):
            pass

    async def _scrub(self) -> None:
        """Takes from the disk what removed jobs and documents have left there.

        The log at once; the rest, which keeps others from writing, now and then.
        """
        if not await self._jobs.desk.read(register.is_to_be_scrubbed):
            return
        if time.monotonic() < self._next_scrub:
            await self._jobs.desk.write(lambda store: store.empty_log())
        elif await self._shop.library.scrub():
            self._next_scrub = time.monotonic() + _REST

    @property
    def _tombs(self) -> float:
        """The time before which jobs must have been done for nothing to be known of them."""
        return time.time() - self._shop.retention.seconds - _TOMBS

    async def _forget(self, until: float) -> bool:
        uploads = await self._jobs.desk.write(
            lambda store: register.expire(store, until=until, tombs=self._tombs)
        )
        await asyncio.to_thread(self._jobs.spool.remove, uploads)
        return bool(uploads)
