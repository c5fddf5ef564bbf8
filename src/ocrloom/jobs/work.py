"""One job that is read: its pages are kept as they come."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ocrloom.errors import (
    OcrClusterUnavailable,
    OcrException,
    OcrLibraryError,
    OcrPagesFailed,
    OcrSourceNotFound,
)
from ocrloom.image import Image
from ocrloom.jobs import queue, register
from ocrloom.jobs.records import Status
from ocrloom.wire import code_of, parse_options, told

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ocrloom.engine import OcrEngine, PageStream
    from ocrloom.jobs.records import Job
    from ocrloom.jobs.runner import Shop
    from ocrloom.library.desk import Desk
    from ocrloom.library.storage.base import Store
    from ocrloom.progress import Progress
    from ocrloom.ray.engine import RayEngine
    from ocrloom.result import Page, PageFailure

__all__ = ["Work"]

_LOG = logging.getLogger(__name__)


class _Lost(Exception):
    """The job belongs to another server by now, or to nobody."""


class _Fallen(Exception):
    """Nothing can be read, or kept, now; the job is to be taken up again when it can."""


_UNSTORED: Final = "what was read did not become a document; the service's log says why"
_UNEXPECTED: Final = {
    "code": "internal_error",
    "detail": "the service failed unexpectedly; its log says more under the job's id",
}


class Work:
    """The reading of one job by this server."""

    def __init__(self, shop: Shop, job: Job) -> None:
        """Makes it without beginning.

        Args:
            shop: What it is read with.
            job: Claimed by this server.
        """
        self.job = job
        self.done = asyncio.Event()
        """Set by who has it done."""
        self._shop = shop
        self._desk = shop.jobs.desk
        self._worker = shop.jobs.spool.worker
        self._stream: PageStream | None = None
        self._fetching: asyncio.Task[Path] | None = None
        self._stopped = self._cancelled = False
        self._told = 0  # failures that are kept

    def cancel(self) -> None:
        """Ends it for good."""
        self._cancelled = True
        self.stop()

    def stop(self) -> None:
        """Ends it here; what is not finished is for another server, or for later."""
        self._stopped = True
        if self._fetching is not None:
            self._fetching.cancel()
        if self._stream is not None:
            self._stream.close()

    async def do(self) -> None:
        """Reads it to its end, unless it is stopped before; what goes wrong is the job's end."""
        try:
            error = await self._read()
            if self._cancelled or not self._stopped:
                await self._end(error)
        except _Lost:
            _LOG.warning("a job belongs to another server now", extra={"job_id": self.job.id})
        finally:
            self._shop.jobs.bell.forget(self.job.id)

    async def _read(self) -> Mapping[str, str] | None:
        """Reads what is to be read, and says what has ended it before its end."""
        try:
            if not self._stopped:
                await self._read_pages(await self._source())
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        except OcrPagesFailed:
            pass
        except OcrClusterUnavailable as error:
            raise _Fallen from error
        except OcrException as error:
            return _told(error)
        except (_Lost, _Fallen):
            raise
        except Exception:  # noqa: BLE001  # a defect ends the job, and not the server
            _LOG.exception("a job failed unexpectedly", extra={"job_id": self.job.id})
            return _UNEXPECTED
        return None

    async def _source(self) -> Path:
        """The file, which is fetched first where the job only names it."""
        if self.job.upload is not None:
            return self._shop.jobs.spool.path(self.job.upload)
        self._fetching = asyncio.ensure_future(self._shop.fetch(self.job))
        path = await self._fetching
        size, digest = path.stat().st_size, ""
        await self._mine(
            lambda store: queue.fetched(store, self.job.id, self._worker, path.name, size, digest)
        )
        self.job = replace(self.job, upload=path.name, size=size)
        return path

    async def _read_pages(self, path: Path) -> None:
        engine = self._engine()
        image = await self._load(path)
        stream = engine.stream(image, ordered=False, progress=self._take)
        self._stream = stream
        async with stream:
            if self._stopped:
                return
            try:
                async for page in stream:
                    await self._keep(page)
                    await self._keep_failures(stream)
            finally:
                await self._keep_failures(stream)

    async def _load(self, path: Path) -> Image:
        try:
            image = await asyncio.to_thread(Image.load, path, limits=self._shop.limits)
        except OcrSourceNotFound:
            # Where it was is nobody's business.
            raise OcrSourceNotFound("what was sent is not there any more; send it again") from None
        return image.named(self.job.name)

    def _engine(self) -> OcrEngine | RayEngine:
        job, shop = self.job, self._shop
        options = parse_options(job.options)
        options = replace(
            options,
            limits=shop.limits,
            timeout=min(options.timeout or shop.seconds, shop.seconds),
        )
        # What an earlier attempt has finished is not read once more.
        kept = _Kept(self._desk, job.id) if job.pages_done else None
        return shop.engine.like(options, journal=kept)

    def _take(self, event: Progress) -> None:
        self._shop.watcher.progress(self.job, event)
        if event.pages is not None and self.job.pages is None:
            self.job = replace(self.job, pages=event.pages)
            self._desk.write(
                lambda store: queue.opened(store, self.job.id, self._worker, event.pages or 0)
            )
        self._shop.jobs.bell.tell(self.job.id, event)

    async def _keep_failures(self, stream: PageStream) -> None:
        for failure in stream.failures[self._told :]:
            self._told += 1
            await self._keep(failure)

    async def _keep(self, outcome: Page | PageFailure) -> None:
        await self._mine(lambda store: queue.page_done(store, self.job.id, self._worker, outcome))
        self._shop.watcher.page(outcome)
        self._shop.jobs.bell.ring(self.job.id)

    async def _mine(self, write: Callable[[Store], bool]) -> None:
        try:
            mine = await self._desk.write(write)
        except OcrLibraryError as error:
            raise _Fallen from error
        if not mine:
            raise _Lost

    # The end

    async def _end(self, error: Mapping[str, str] | None) -> None:
        job = await self._desk.read(lambda store: register.find(store, self.job.id, self.job.owner))
        read = job.pages_done - job.pages_failed
        if self._cancelled:
            status = Status.CANCELED
        elif read and (error is not None or job.pages_failed):
            status = Status.PARTIAL
        else:
            status = Status.SUCCEEDED if error is None and read else Status.FAILED
        document = None
        if job.store and status in (Status.SUCCEEDED, Status.PARTIAL):
            document, error = await self._store(job, error)
        if error is None and status is Status.FAILED:
            error = await self._first_failure(job)
        await self._mine(
            lambda store: queue.end(
                store, job.id, self._worker, status, error=error, document=document
            )
        )
        self._shop.watcher.ended(replace(job, status=status, finished=time.time()))

    async def _store(
        self, job: Job, error: Mapping[str, str] | None
    ) -> tuple[int | None, Mapping[str, str] | None]:
        """Makes a document of it; the job has its pages also where that fails."""
        result = await self._shop.jobs.read_so_far(job)
        if job.upload is None:
            return None, error
        path = self._shop.jobs.spool.path(job.upload)
        library = self._shop.library.of(job.owner)
        try:
            document = await library.add(
                result, source=await self._load(path), digest=job.digest or None
            )
        except OcrException as failed:
            _LOG.exception("a result could not be stored", extra={"job_id": job.id})
            return None, error or {"code": code_of(failed), "detail": _UNSTORED}
        return document.id, error

    async def _first_failure(self, job: Job) -> dict[str, str] | None:
        """Why nothing could be read, where that was the same for every page."""
        failures = (await self._shop.jobs.read_so_far(job)).failures
        if not failures:
            return None
        return {"code": code_of(type(failures[0].error)), "detail": failures[0].message}


def _told(error: OcrException) -> Mapping[str, str]:
    return {"code": code_of(error), "detail": told(error)}


class _Kept:
    """The pages of a job that are finished already, for the engine."""

    def __init__(self, desk: Desk, job: str) -> None:
        self._desk = desk
        self._job = job

    def entry(self, key: str) -> _Kept:
        """They are this job's."""
        return self

    def get(self, number: int) -> Page | None:
        """A page, if it was read."""
        try:
            return self._desk.read(lambda store: register.page(store, self._job, number)).result()
        except OcrLibraryError:
            # Reading the page again is always right.
            return None

    def put(self, page: Page) -> None:
        """Nothing, as what the stream gives is kept."""
