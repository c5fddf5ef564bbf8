"""Pages of one source as they are ready."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from ocrloom.engine.closing import Closing
from ocrloom.engine.events import Events
from ocrloom.errors import OcrPagesFailed
from ocrloom.result import Page, PageFailure
from ocrloom.scheduling.channel import Channel, Closed
from ocrloom.scheduling.finalizers import call_soon, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.engine.protocols import Outcome, Reading
    from ocrloom.progress import Progress

__all__ = ["PageStream"]


class PageStream(Closing):
    """The pages of one source, for ``async for`` and for ``for``, each as soon as it is ready.

    No more pages are read ahead than were asked for: a slow consumer holds the reading up and not
    the memory. A frame that cannot be read does not end the stream: the others come, and after the
    last one `OcrPagesFailed` is raised, which names it; where none can be read it is the first
    one's own error. To leave early, break out of the loop, or call `close`, or use it in a ``with``
    or ``async with`` block.
    """

    def __init__(self, document: Reading, *, ordered: bool) -> None:
        """Begins to read.

        Args:
            document: Not started, with a window.
            ordered: In the order of the source; otherwise as they are done.
        """
        self._document = document
        self._failures: list[PageFailure] = []
        self._closed = False
        self._line = _Line(document.place if ordered else None)
        prepare()
        document.start(self._line)

    @property
    def progress(self) -> Progress:
        """How far the reading has come."""
        return self._document.progress

    @property
    def failures(self) -> tuple[PageFailure, ...]:
        """The frames that could not be read, as far as the stream was consumed."""
        return tuple(self._failures)

    def events(self) -> Events:
        """Progress as it happens, for ``async for`` and for ``for``; ends with the reading."""
        return Events(self._document)

    def close(self) -> None:
        """Ends the reading, and the stream; what was not consumed is dropped."""
        self._closed = True
        self._document.stop()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Page:
        """The next page, blocking.

        Raises:
            OcrPagesFailed: After the last page, if any could not be read.
            OcrException: The source could not be read, or the reading was ended.
        """
        while not self._closed:
            try:
                outcome = self._line.channel.get()
            except Closed:
                break
            if (page := self._consume(outcome)) is not None:
                return page
        self._finish()
        raise StopIteration

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Page:
        """The next page; raises what `__next__` raises."""
        while not self._closed:
            try:
                outcome = await self._line.channel.aget()
            except Closed:
                break
            except BaseException:
                # The waiting task was cancelled: nobody will come back for the rest. Who does is
                # told so.
                self._document.stop()
                raise
            if (page := self._consume(outcome)) is not None:
                return page
        self._finish()
        raise StopAsyncIteration

    def _consume(self, outcome: Outcome) -> Page | None:
        self._document.consumed(outcome.number)
        if isinstance(outcome, Page):
            return outcome
        self._failures.append(outcome)
        return None

    def _finish(self) -> None:
        """Raises what ended the stream, once; afterwards it is an empty one."""
        if self._closed:
            return
        self._closed = True
        error, self._line.error = self._line.error, None
        if error is not None:
            try:
                raise error
            finally:
                # The traceback knows this frame: no cycle, which would keep the pages alive.
                del error
        if self._failures:
            raise OcrPagesFailed.of(self._document.name, self._failures)

    def __del__(self) -> None:
        # The document knows the line and not the stream, so this is called after a mere `break`.
        document = getattr(self, "_document", None)
        if document is not None:
            call_soon(document.stop)


class _Line:
    """Outcomes that wait for the consumer, put in order where their places are known."""

    def __init__(self, place: Callable[[int], int] | None) -> None:
        self.channel: Channel[Outcome] = Channel()
        self.error: BaseException | None = None
        self._place = place
        self._early: dict[int, Outcome] = {}
        self._turn = 1
        self._lock = threading.Lock()

    @property
    def starved(self) -> bool:
        with self._lock:
            return bool(self._early) and not len(self.channel)

    def settled(self, outcome: Outcome) -> None:
        with self._lock:
            if self._place is None:
                self.channel.put(outcome)
                return
            self._early[self._place(outcome.number)] = outcome
            while (following := self._early.pop(self._turn, None)) is not None:
                self.channel.put(following)
                self._turn += 1

    def ended(self, error: BaseException | None) -> None:
        self.error = error
        self.channel.close()
