"""What a process of a cluster does: it reads, with models that stay loaded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict, deque
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ocrloom._version import __version__
from ocrloom.engine import OcrEngine
from ocrloom.errors import OcrException
from ocrloom.image.source import shown
from ocrloom.journal import content_digest, document_key
from ocrloom.ray.parcel import Shipped
from ocrloom.ray.protocols import Look, Reading
from ocrloom.scheduling.cpus import limit_cpus, usable_cpus
from ocrloom.scheduling.memory import default_budget
from ocrloom.selection import select_pages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ocrloom.engine import PageStream
    from ocrloom.image import Image
    from ocrloom.ray.parcel import Parcel

__all__ = ["Reader"]

_KEPT: Final = 8  # sources that stay fetched, of which more slices may come
_KEPT_BYTES: Final = 256 * 1024**2


class Reader:
    """Reads slices of sources, several side by side. To be used in one event loop."""

    def __init__(self, cpus: int, memory: int | None = None) -> None:
        """Makes it, and has the process use no more than its share of the machine.

        Args:
            cpus: Pages that it reads at a time.
            memory: Bytes that decoded pages may take; by default its share of half of what
                processes may use here.
        """
        # Here and not at the top: this brings OpenCV, which has threads of its own.
        import cv2

        if memory is None:
            memory = default_budget() * cpus // max(cpus, usable_cpus())
        limit_cpus(cpus)
        cv2.setNumThreads(cpus)
        self._engine = OcrEngine(workers=cpus, memory=memory)
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()
        self._room = _Room()
        self._seconds = time.process_time()

    async def version(self) -> str:
        """The version of ocrloom that reads here."""
        return __version__

    async def look(self, parcel: Parcel, *, key: bool) -> Look:
        """See `Readers.look`."""
        async with self._room.shared():
            image = await self._image(parcel)
            stopping = _Stopping()
            try:
                return await asyncio.to_thread(_look, image, parcel, stopping, key=key)
            finally:
                stopping.stop()

    async def read(
        self, parcel: Parcel, numbers: tuple[int, ...], *, alone: bool
    ) -> AsyncGenerator[Reading | None]:
        """See `Readers.read`."""
        async with self._room.alone() if alone else self._room.shared():
            yield None
            image = await self._image(parcel)
            pages = ",".join(map(str, numbers))
            # The time counts where it was asked for, from the call.
            engine = self._engine.like(replace(parcel.options, pages=pages, timeout=None))
            async with engine.stream(image, ordered=False) as stream:
                async for reading in self._readings(stream, len(numbers)):
                    yield reading

    async def _readings(self, stream: PageStream, count: int) -> AsyncIterator[Reading]:
        told = read = 0
        try:
            async for page in stream:
                read += 1
                yield Reading(page, self._spent())
                for failure in stream.failures[told:]:
                    told += 1
                    yield Reading(failure, self._spent())
        except OcrException:
            # Of pages, each of which is told of; or something has ended the whole.
            if read + len(stream.failures) < count:
                raise
        for failure in stream.failures[told:]:
            yield Reading(failure, self._spent())

    def _spent(self) -> float:
        before, self._seconds = self._seconds, time.process_time()
        return self._seconds - before

    async def _image(self, parcel: Parcel) -> Image:
        """The source, which is fetched only once while it is wanted."""
        if not isinstance(parcel.source, (Shipped, str)):
            return await asyncio.to_thread(parcel.image)
        fetched = self._fetched.get(parcel.id)
        if fetched is None:
            fetched = self._fetched[parcel.id] = _Fetched()
            fetched.task = asyncio.ensure_future(self._fetch(parcel, fetched))
        self._fetched.move_to_end(parcel.id)
        try:
            # Others may wait for it too.
            return await asyncio.shield(fetched.task)
        finally:
            if fetched.failed and self._fetched.get(parcel.id) is fetched:
                del self._fetched[parcel.id]
            self._tidy()

    async def _fetch(self, parcel: Parcel, fetched: _Fetched) -> Image:
        if isinstance(parcel.source, Shipped):
            content = await parcel.source.content
            fetched.size = parcel.source.size
        else:
            # Here and not at the top: few sources are elsewhere.
            from ocrloom.locations import fetch

            content = await asyncio.to_thread(fetch, str(parcel.source), parcel.limits)
            fetched.size = len(content)
        return await asyncio.to_thread(parcel.image, content)

    def _tidy(self) -> None:
        """Forgets what was fetched longest ago; who reads it still has it."""
        while len(self._fetched) > 1 and (
            len(self._fetched) > _KEPT
            or sum(each.size for each in self._fetched.values()) > _KEPT_BYTES
        ):
            self._fetched.popitem(last=False)


class _Fetched:
    """A source that is fetched, or was."""

    task: asyncio.Task[Image]
    size = 0
    """Bytes, once they are here."""

    @property
    def failed(self) -> bool:
        """Whether it could not be fetched."""
        task = self.task
        return task.done() and (task.cancelled() or task.exception() is not None)


class _Stopping:
    """Ends what a thread does, at its next checkpoint."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def __call__(self) -> None:
        if self._stopped.is_set():
            raise InterruptedError("nobody waits for it any more")


class _Room:
    """Lets many in, or one alone, in the order in which they come."""

    def __init__(self) -> None:
        self._inside = 0
        self._closed = False  # with one who is alone
        self._waiting: deque[tuple[bool, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        await self._enter(alone=False)
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        await self._enter(alone=True)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, *, alone: bool) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((alone, waiter))
        self._admit()
        try:
            await waiter
        except asyncio.CancelledError:
            # It may have been let in at the same moment; otherwise it is passed over.
            if waiter.done() and not waiter.cancelled():
                self._leave()
            else:
                self._admit()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._closed = False
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            alone, waiter = self._waiting[0]
            if not waiter.done():
                if self._closed or (alone and self._inside):
                    return
                self._inside += 1
                self._closed = alone
                waiter.set_result(None)
            self._waiting.popleft()


def _look(image: Image, parcel: Parcel, checkpoint: _Stopping, *, key: bool) -> Look:
    options = parcel.options
    with image.open(checkpoint) as reader:
        numbers = select_pages(options.pages, reader.count, shown(image.name))
    known = None
    if key:
        digest = content_digest(image.source, checkpoint, image.limits)
        known = document_key(digest, options, image.fit)
    return Look(tuple(numbers), known)
