"""One source that a service reads: sent, listened to, its pages fetched as they are finished."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
from contextlib import aclosing, nullcontext, suppress
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from ocrloom.engine.course import Course
from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrLibraryError,
    OcrLibraryUnavailable,
    OcrNetworkError,
    OcrOptionError,
    OcrServiceBusy,
    OcrServiceError,
    OcrServiceUnavailable,
    OcrStopped,
)
from ocrloom.formats.json_ import parse_failure, parse_page
from ocrloom.image.source import shown
from ocrloom.progress import Stage
from ocrloom.remote.service import Trial
from ocrloom.remote.upload import Upload
from ocrloom.selection import place_of
from ocrloom.wire import error_of, options_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from ocrloom.engine.protocols import Outcome
    from ocrloom.image import Image
    from ocrloom.loop import Loop
    from ocrloom.options import OcrOptions
    from ocrloom.remote.service import Service

__all__ = ["RemoteReading"]

_LOG = logging.getLogger(__name__)

_ENDS: Final = frozenset({"succeeded", "partial", "failed", "canceled"})
_STAGES: Final = {stage.value: stage for stage in (Stage.DECODING, Stage.READING)}

_PASSING: Final = (
    OcrNetworkError,
    OcrServiceBusy,
    OcrServiceUnavailable,
    OcrLibraryUnavailable,
)
"""Errors after which listening is tried again."""

_MOST_PAGES: Final = 20
"""Pages that are fetched at a time."""
_POLL: Final = 1.0
"""Seconds between questions, where nobody listens or pages are late."""


class RemoteReading(Course):
    """The reading of one source by a service."""

    def __init__(
        self,
        image: Image,
        options: OcrOptions,
        service: Service,
        loop: Loop,
        *,
        store: bool,
        window: int | None,
    ) -> None:
        """Makes it without beginning.

        Args:
            image: The source.
            options: How to read it.
            service: What reads it.
            loop: Where the service is talked to.
            store: Whether it becomes a document of the service's library.
            window: Pages that may be fetched and not yet consumed; any number if not given.

        Raises:
            OcrOptionError: The source cannot be sent.
        """
        super().__init__(image.name, timeout=options.timeout, window=window)
        how = options if image.pdf is None else replace(options, pdf=image.pdf)
        self._upload: Upload | None = Upload(
            image, {"options": options_document(how), "store": store}
        )
        self._pages = options.pages
        self._store = store
        self._service = service
        self._loop = loop
        self._cancel: Callable[[], object] | None = None
        self._underway = False
        self._gone = threading.Event()
        # What follows is the loop's.
        self._news = asyncio.Event()
        self._status = "queued"
        self._title = ""  # what the service calls the source
        self._last: str | None = None  # event
        self._finished = self._fetched = 0

    def consumed(self, number: int) -> None:
        """Forgets a page, which somebody has taken, and makes room for another."""
        with self._lock:
            self._settled.pop(number, None)
            self._consumed += 1
        self._loop.call(self._news.set)

    def place(self, number: int) -> int:
        """Which of the pages that are read one is, from 1."""
        return place_of(number, self._pages)

    def wait_until_gone(self, seconds: float) -> None:
        """Waits until the service knows of the end, at most so long."""
        if self._underway:
            self._gone.wait(seconds)

    def _start(self) -> None:
        self._underway = True
        self._cancel = self._loop.begin(self._read(), self._left)
        if self._ended:
            # Stopped in between.
            self._release()

    def _release(self) -> None:
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    # In the loop

    def _left(self) -> None:
        self._upload = None
        self._gone.set()

    async def _read(self) -> None:
        job: str | None = None
        try:
            async with self._turn():
                job = await self._send()
                error = await self._follow(job)
            await self._conclude(error)
        except asyncio.CancelledError:
            pass
        except Exception as error:  # noqa: BLE001  # whatever it was belongs to who waits
            await self._conclude(error)
        finally:
            if job is not None and self._status not in _ENDS:
                await self._service.leave(job)

    def _turn(self) -> AbstractAsyncContextManager[object]:
        """Waits for a place among those that are under way."""
        # A stream waits for its consumer, who may be waiting for another one.
        return self._service.jobs if self._window is None else nullcontext()

    async def _conclude(self, error: BaseException | None) -> None:
        # It ends by itself.
        self._cancel = None
        try:
            await asyncio.to_thread(self._end, error)
        except RuntimeError:
            # The program is ending, and there are no threads any more.
            self._end(error)

    async def _send(self) -> str:
        """Sends the source, and gives the id of the job."""
        upload, self._upload = self._upload, None
        if upload is None:
            raise OcrServiceError("a source is sent only once")
        sending = asyncio.ensure_future(self._service.send(upload, secrets.token_hex(16)))
        try:
            job = await asyncio.shield(sending)
        except asyncio.CancelledError:
            if upload.owed:
                # The service may have it, and would read it for nobody.
                asyncio.get_running_loop().call_later(self._service.patience, sending.cancel)
                with suppress(asyncio.CancelledError, OcrException):
                    await self._service.leave(str((await sending)["id"]))
            sending.cancel()
            raise
        self._service.progress()
        self._title = str(job.get("name") or "")
        return str(job["id"])

    async def _follow(self, job: str) -> OcrException | None:
        """Takes the pages of a job to its end, and gives the error that it ended with."""
        listening = asyncio.ensure_future(self._listen(job))
        listening.add_done_callback(lambda _: self._news.set())
        try:
            await self._fetch(job, listening)
        finally:
            listening.cancel()
            await asyncio.wait([listening])
        self._service.progress()
        if self._status == "succeeded" and not self._store:
            return None
        document = await self._service.job(job)
        # The pages may have come to their end before the events.
        self._status = str(document["status"])
        return self._error_in(document)

    async def _listen(self, job: str) -> None:
        """Hears of what happens to a job, to its end."""
        trial = Trial(self._service)
        while self._status not in _ENDS:
            try:
                if self._service.listeners.locked():
                    document = await self._service.job(job)
                    trial.succeeded()
                    await self._take(document["status"], document)
                    await asyncio.sleep(_POLL)
                else:
                    await self._hear(job, trial)
            except _PASSING as error:
                await trial.pause(error)

    async def _hear(self, job: str, trial: Trial) -> None:
        service = self._service
        signs: list[float] = []
        events = service.events(job, self._last, lambda: signs.append(monotonic()))
        async with service.listeners, aclosing(events) as heard:
            try:
                async for event in heard:
                    trial.succeeded()
                    self._last = event.number or self._last
                    await self._take(event.kind, event.data)
            finally:
                if signs and signs[-1] - signs[0] > _POLL:
                    # There was nothing to hear for a while, and nothing wrong.
                    trial.succeeded()
        if self._status not in _ENDS:
            # So does a service that ends; another one may be there soon.
            raise OcrNetworkError(
                f"{service.url} ends the connection before the job has ended; look at its log"
            )

    async def _take(self, kind: str, told: Mapping[str, Any]) -> None:
        """Takes what an event, or a look at the job, tells."""
        progress = told.get("progress")
        if isinstance(progress, dict):
            done, count = progress.get("pages_done"), progress.get("pages_total")
            if isinstance(count, int) and self._count is None:
                await asyncio.to_thread(self._open, count)
            if isinstance(done, int):
                self._finished = max(self._finished, done)
            stage = _STAGES.get(progress.get("stage") or "")
            if stage is not None:
                await asyncio.to_thread(self._tell, stage)
        if kind in _ENDS:
            self._status = kind
        self._news.set()

    async def _fetch(self, job: str, listening: asyncio.Future[None]) -> None:
        """Takes the pages as they are finished, and no more than there is room for."""
        cursor = "0"
        while True:
            self._news.clear()
            ended = self._status in _ENDS
            if listening.done() and not ended:
                listening.result()
            room = self._room()
            if room and (ended or self._finished > self._fetched):
                answer = await self._service.pages(job, cursor, room)
                items = answer["items"]
                await asyncio.to_thread(self._hand, items)
                self._fetched += len(items)
                if items:
                    self._service.progress()
                cursor = str(answer["next"])
                if answer["done"]:
                    return
                if not items:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), _POLL)
            else:
                await self._news.wait()

    def _room(self) -> int:
        """How many pages may be fetched."""
        if self._window is None:
            return _MOST_PAGES
        free = self._window - (self._fetched - self._consumed)
        listener = self._listener
        if free <= 0 and listener is not None and listener.starved:
            # The page that is waited for was finished after so many others.
            free = self._window
        return max(0, min(free, _MOST_PAGES))

    # In threads, as callers' callbacks take their time

    def _hand(self, items: object) -> None:
        for outcome in self._outcomes(items):
            self._settle(outcome.number, outcome)

    def _outcomes(self, items: object) -> list[Outcome]:
        """What has become of some pages.

        Raises:
            OcrNetworkError: The answer is none of such pages.
        """
        try:
            if not isinstance(items, list):
                raise OcrOptionError(f"expected a list of pages, got {type(items).__name__}")
            return [self._outcome(item) for item in items]
        except OcrOptionError as error:
            raise OcrNetworkError(
                f"{self._service.url} answered with pages that cannot be understood: {error}; use "
                "the version of ocrloom that the service has"
            ) from error

    def _outcome(self, item: object) -> Outcome:
        if not isinstance(item, dict):
            raise OcrOptionError(f"expected an object for a page, got {type(item).__name__}")
        if item.get("page") is not None:
            return parse_page(item["page"])
        failure = parse_failure(item.get("failure"))
        return replace(failure, message=self._renamed(failure.message))

    def _error_in(self, job: Mapping[str, Any]) -> OcrException | None:
        """The error that a job has ended with."""
        told = job.get("error")
        if self._status == "canceled":
            return self._stopped(OcrCancelled, "was cancelled at the service")
        if not isinstance(told, dict):
            unread = self._status == "failed"
            return OcrServiceError(f"{shown(self.name)}: could not be read") if unread else None
        error = error_of(str(told.get("code")), self._renamed(str(told.get("detail"))))
        if self._status != "failed" and isinstance(error, OcrLibraryError):
            # It was read, and that is what was asked for.
            _LOG.warning("%s was read and not stored: %s", shown(self.name), error)
            return None
        if isinstance(error, OcrStopped):
            error.partial = self.result
        return error

    def _renamed(self, message: str) -> str:
        """A message about the source, with the name that it has here."""
        if self._title and message.startswith(self._title):
            return shown(self.name) + message.removeprefix(self._title)
        return message
