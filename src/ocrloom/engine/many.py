"""Many sources, a bounded number of them in flight, one outcome for each."""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
)
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Self, TypeAlias, TypeVar

from ocrloom.engine.closing import Closing
from ocrloom.errors import OcrCancelled, OcrEngineError, OcrOptionError
from ocrloom.image import Image
from ocrloom.scheduling.channel import Channel, Closed
from ocrloom.scheduling.finalizers import call_soon, prepare
from ocrloom.scheduling.future import Future

if TYPE_CHECKING:
    from ocrloom.engine.futures import OcrFuture
    from ocrloom.image.lazy import ImageLike
    from ocrloom.result import OcrResult

__all__ = ["Many", "OcrOutcome", "Outcomes", "Sources", "name_of", "outcome_of"]

Sources: TypeAlias = "Iterable[ImageLike] | AsyncIterable[ImageLike]"

F = TypeVar("F", bound=Future[Any])
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OcrOutcome:
    """What became of one source: a result or an error, never both."""

    index: int
    """Place among the sources, from 0."""
    source: ImageLike
    """What was given."""
    name: str | None
    """The source's name for people; None for bytes and arrays."""
    result: OcrResult | None = None
    """What was read; look at its ``failures``, too."""
    error: BaseException | None = None
    """Why nothing was read: an ``OcrException``, unless there is a defect."""

    def unwrap(self) -> OcrResult:
        """The result; raises the error if there is one."""
        if self.result is None:
            raise self.error or OcrEngineError("neither a result nor an error")
        return self.result


class Many(Closing, Generic[F, T]):
    """What became of each source, for ``async for`` and for ``for``.

    No more sources are begun than were asked for ahead of the consumer: a slow one holds the
    reading up and not the memory. Sources may come from an endless or from an asynchronous
    iterable; it is asked for the next one when there is room. To leave early, break out of the
    loop, or call `close`, or use it in a ``with`` or ``async with`` block.
    """

    def __init__(
        self,
        sources: Sources,
        begin: Callable[[ImageLike], F],
        *,
        ahead: Callable[[], int],
        ordered: bool,
    ) -> None:
        """Makes it without beginning.

        Args:
            sources: What to read.
            begin: Starts the work on one.
            ahead: How many may be begun and not given out, at the moment.
            ordered: In the order of the sources; otherwise as they are done.

        Raises:
            OcrOptionError: The sources are a single one, or none that can be gone through.
        """
        _refuse_single(sources)
        prepare()
        self._begin = begin
        self._ahead = ahead
        self._ordered = ordered
        self._plain: Iterator[ImageLike] | None = None
        self._loops: AsyncIterator[ImageLike] | None = None
        if isinstance(sources, AsyncIterable):
            self._loops = aiter(sources)
        else:
            self._plain = iter(sources)
        self._coming: asyncio.Future[ImageLike] | None = None
        self._begun: dict[int, tuple[ImageLike, F | Exception]] = {}
        self._ready: set[int] = set()
        self._done: Channel[int] = Channel()
        self._number = self._turn = 0
        self._exhausted = False

    def close(self) -> None:
        """Cancels what was begun and not given out."""
        self._drop()

    async def aclose(self) -> None:
        """The same as `close`, and closes the sources where they are an asynchronous generator."""
        self.close()
        if self._coming is not None:
            # A generator cannot be closed while it is asked for something.
            await asyncio.wait([self._coming])
        if isinstance(self._loops, AsyncGenerator):
            await self._loops.aclose()

    @abstractmethod
    def _outcome(self, index: int, source: ImageLike, ended: F | Exception) -> T:
        """What became of a source.

        Args:
            index: Its place among the sources, from 0.
            source: What was given.
            ended: Its work, which is done, or why that could not even be begun.
        """

    def cancel(self) -> list[T]:
        """Cancels what was begun and not given out, and gives what there is of it.

        Returns:
            One for each such source, in their order. Where it was not done, its error is an
            `OcrCancelled`, with the finished pages in ``.partial``.
        """
        return [self._outcome(index, *begun) for index, begun in self._drop().items()]

    def _drop(self) -> dict[int, tuple[ImageLike, F | Exception]]:
        self._exhausted = True
        if self._coming is not None:
            self._coming.cancel()
        begun, self._begun = self._begun, {}
        _cancel(future for _, future in begun.values())
        self._done.close()
        return begun

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next one, blocking."""
        if self._loops is not None:
            raise TypeError("these sources are asynchronous: iterate with 'async for'")
        while True:
            self._fill()
            if (outcome := self._give()) is not None:
                return outcome
            if not self._begun:
                raise StopIteration
            self._note(self._done.get)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next one."""
        try:
            while True:
                self._fill()
                if (outcome := self._give()) is not None:
                    return outcome
                if not self._begun and self._exhausted:
                    raise StopAsyncIteration
                await self._wait()
        except BaseException:
            # The waiting task was cancelled, or the end: nobody will come back for the rest.
            self.close()
            raise

    def _fill(self) -> None:
        """Begins as many sources as there is room for."""
        while not self._exhausted and self._plain is not None and self._room():
            try:
                source = next(self._plain)
            except StopIteration:
                self._exhausted = True
            else:
                self._start(source)

    def _room(self) -> bool:
        return len(self._begun) < self._ahead()

    def _start(self, source: ImageLike) -> None:
        index = self._number
        self._number += 1
        try:
            future = self._begin(source)
        except Exception as error:  # noqa: BLE001  # of a file object, say; it is this source's
            self._begun[index] = source, error
            self._done.put(index)
        else:
            self._begun[index] = source, future
            future.add_done_callback(partial(_tell, self._done, index))

    def _give(self) -> T | None:
        """The one whose turn it is, if it is ready."""
        if not self._ready or (self._ordered and self._turn not in self._ready):
            return None
        index = self._turn if self._ordered else min(self._ready)
        self._ready.discard(index)
        self._turn += 1
        # Nothing is left of it where another thread has closed this meanwhile.
        begun = self._begun.pop(index, None)
        return None if begun is None else self._outcome(index, *begun)

    def _note(self, get: Callable[[], int]) -> None:
        try:
            self._ready.add(get())
        except Closed:
            self._begun.clear()

    async def _wait(self) -> None:
        """Waits until a source is done or, if there is room for one, until the next one comes."""
        if self._loops is not None and not self._exhausted and self._room() and not self._coming:
            self._coming = asyncio.ensure_future(anext(self._loops))
        waiting: set[asyncio.Future[Any]] = {self._coming} if self._coming else set()
        done = asyncio.ensure_future(self._done.aget())
        try:
            await asyncio.wait({done, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not done.done():
                done.cancel()
        if done.done() and not done.cancelled():
            self._note(done.result)
        if self._coming is not None and self._coming.done():
            coming, self._coming = self._coming, None
            try:
                self._start(coming.result())
            except StopAsyncIteration:
                self._exhausted = True

    def __del__(self) -> None:
        if self.__dict__.get("_begun"):
            call_soon(partial(_cancel, [future for _, future in self._begun.values()]))


class Outcomes(Many["OcrFuture", OcrOutcome]):
    """One outcome for each source."""

    def _outcome(self, index: int, source: ImageLike, ended: OcrFuture | Exception) -> OcrOutcome:
        if isinstance(ended, Exception):
            return OcrOutcome(index=index, source=source, name=name_of(source), error=ended)
        return outcome_of(index, source, ended)


def _refuse_single(sources: object) -> None:
    """Refuses what is one source: its letters, lines or bytes are none."""
    single = isinstance(sources, (str, bytes, bytearray, os.PathLike, Image))
    several = any(hasattr(sources, name) for name in ("__aiter__", "__iter__", "__getitem__"))
    if single or not several or hasattr(sources, "read"):
        raise OcrOptionError(
            f"sources must be a list or another iterable of sources, got {type(sources).__name__}; "
            "put a single one into a list"
        )


def _cancel(begun: Iterable[Future[Any] | Exception]) -> None:
    for future in begun:
        if not isinstance(future, Exception):
            future.cancel()


def _tell(done: Channel[int], index: int, _: object) -> None:
    done.put(index)


def outcome_of(index: int, source: ImageLike, ended: OcrFuture) -> OcrOutcome:
    """What became of a source whose reading is done."""
    name = ended.progress.source
    try:
        error = ended.exception()
    except OcrCancelled as cancelled:
        error = cancelled
    if error is not None:
        return OcrOutcome(index=index, source=source, name=name, error=error)
    return OcrOutcome(index=index, source=source, name=name, result=ended.result())


def name_of(source: ImageLike) -> str | None:
    """The name of a source that could not even be loaded; None where it has none."""
    # First, for a path has a ``name`` too, which is only its end.
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else None
