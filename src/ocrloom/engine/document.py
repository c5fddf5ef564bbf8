"""One source on its way through the scheduler: opened, then read frame by frame."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrImageTooLarge,
    OcrStopped,
    OcrTimeout,
)
from ocrloom.image.source import shown
from ocrloom.image.text import TextReader
from ocrloom.progress import Progress, Stage
from ocrloom.result import OcrResult, Page, PageFailure
from ocrloom.scheduling.deadlines import Deadline, call_after
from ocrloom.scheduling.fair import OverBudget
from ocrloom.scheduling.pool import Stopped
from ocrloom.selection import select_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ocrloom.engine.readers import Shelf
    from ocrloom.image import Image, PageText, Reader
    from ocrloom.journal import Entry, Journal
    from ocrloom.options import OcrOptions
    from ocrloom.scheduling.context import Context
    from ocrloom.scheduling.pool import Pool, WorkShare

__all__ = ["Document", "Listener", "Outcome"]

_LOG = logging.getLogger(__name__)

Outcome: TypeAlias = "Page | PageFailure"


class Listener(Protocol):
    """Who waits for a document. Called from workers, whose time it takes."""

    def settled(self, outcome: Outcome) -> None:
        """A page was read, or could not be; in the order in which that happens."""

    def ended(self, error: BaseException | None) -> None:
        """All is settled, or this error has ended it: that of the first page if none could be read.

        Called once, and last unless it was ended early: then a page may still be on its way.
        """


class Document:
    """The reading of one source.

    Each frame is a step of the scheduler, and beginning one lets the next wait for its turn. So
    frames begin in their order, as many at a time as there are workers and memory for, and what
    has not begun takes neither.
    """

    def __init__(
        self,
        image: Image,
        options: OcrOptions,
        pool: Pool,
        shelf: Shelf,
        *,
        share: WorkShare,
        window: int | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Makes it without beginning.

        Args:
            image: The source.
            options: How to read it.
            pool: Where it is read.
            shelf: Where its readers wait.
            share: With whose turns its pages are read, see ``scheduling.fair``.
            window: Pages that may be begun and not yet consumed; any number if not given.
            journal: Where finished pages are kept, and looked up.
        """
        self.name = image.name
        self._image: Image | None = image
        self._options = options if image.pdf is None else replace(options, pdf=image.pdf)
        self._pool = pool
        self._shelf = shelf
        self._window = window
        self._journal = journal
        self._entry: Entry | None = None
        self._job = pool.job(share)
        self._listener: Listener | None = None
        # Reentrant, as a stream that the garbage collector finds stops its document anywhere.
        self._lock = threading.RLock()
        self._watchers: tuple[Callable[[Progress], None], ...] = ()
        self._untold: deque[tuple[Progress, tuple[Callable[[Progress], None], ...]]] = deque()
        self._telling = False
        self._begun = monotonic()
        self._opened = self._begun
        self._deadline: Deadline | None = None
        self._settled: dict[int, Outcome] = {}
        self._failure: PageFailure | None = None  # of the page with the lowest number
        self._numbers: Sequence[int] = ()  # of the pages that are read, once it is opened
        self._count: int | None = None
        self._planned = self._consumed = self._done = self._failed = self._handed = 0
        self._ended = self._over = False
        self._last = Progress(source=self.name, stage=Stage.WAITING)

    def watch(self, watcher: Callable[[Progress], None]) -> None:
        """Has a function called with the last event and all that come, one after the other.

        Args:
            watcher: Called from workers, whose time it takes; what it raises is logged.
        """
        with self._lock:
            self._watchers = (*self._watchers, watcher)
            self._untold.append((self._last, (watcher,)))
        self._deliver()

    def start(self, listener: Listener) -> None:
        """Lets the source wait for its turn."""
        with self._lock:
            over = self._over
            self._listener = None if over else listener
        if over:
            # Its engine was closed in between.
            listener.ended(self.cancelled())
            return
        seconds = self._options.timeout
        if seconds is not None:
            self._deadline = call_after(seconds, self._expire)
        if not self._pool.add(self._job, self._step(self._open)):
            self.stop()

    def stop(self) -> None:
        """Drops what waits and ends what runs at its next checkpoint; no effect after the end."""
        if self._claim():
            self._finish(self.cancelled())

    def cancelled(self) -> OcrStopped:
        """The error that says it was cancelled, with what is finished."""
        return self._stopped(OcrCancelled, "was cancelled")

    def consumed(self, number: int) -> None:
        """Forgets a page, which somebody has taken, and makes room for another."""
        with self._lock:
            self._settled.pop(number, None)
            self._consumed += 1
        self._pool.add(self._job, self._step(self._plan))

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._last

    @property
    def result(self) -> OcrResult:
        """The pages that are finished and not consumed, in the order of the source."""
        with self._lock:
            settled = [outcome for _, outcome in sorted(self._settled.items())]
        pages = tuple(outcome for outcome in settled if isinstance(outcome, Page))
        failures = tuple(outcome for outcome in settled if isinstance(outcome, PageFailure))
        return OcrResult(pages=pages, failures=failures, source=self.name)

    def _step(self, work: Callable[[Context], None]) -> Callable[[Context], None]:
        return partial(self._attempt, work)

    def _attempt(self, work: Callable[[Context], None], context: Context) -> None:
        """Runs a step; an error that is not one page's own ends the whole."""
        try:
            work(context)
        except Stopped:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever it was belongs to who waits
            self._end(error)

    def _open(self, context: Context) -> None:
        image = self._image
        if image is None:
            return
        with self._lend(image, context) as reader:
            self._numbers = select_pages(self._options.pages, reader.count, shown(self.name))
        self._count = len(self._numbers)
        if self._journal is not None:
            self._entry = _entry_of(self._journal, image, self._options, context)
        self._opened = monotonic()
        self._tell(Stage.OPENED)
        self._plan(context)

    def place(self, number: int) -> int:
        """Which of the pages that are read one is, from 1."""
        return bisect_left(self._numbers, number) + 1

    def _plan(self, context: Context) -> None:
        """Lets the next frame wait for its turn, if there is one that may."""
        while (number := self._next()) is not None:
            context.checkpoint()
            try:
                self._add(number, context)
            except OcrException as error:
                self._settle(number, PageFailure.of(number, error))
            else:
                return

    def _next(self) -> int | None:
        with self._lock:
            full = self._window is not None and self._planned - self._consumed >= self._window
            if full or self._ended or self._planned == self._count:
                return None
            self._planned += 1
            return self._numbers[self._planned - 1]

    def _add(self, number: int, context: Context) -> None:
        image = self._image
        if image is None:
            return
        known = None if self._entry is None else self._entry.get(number)
        cost = 1
        if known is None:
            with self._lend(image, context, number) as reader:
                text = _own_text(reader, number, context)
                # Text takes next to nothing, and the picture of its page may be over any limit.
                if text is None or text.needs_ocr:
                    cost = max(1, reader.cost(number))
        work = self._step(partial(self._read, image, number, known))
        try:
            self._pool.add(self._job, work, cost)
        except OverBudget:
            raise OcrImageTooLarge(
                f"{self.name or 'the image'}, frame {number}: decoding it takes {cost} bytes, over "
                f"the budget of {self._pool.budget}; if there is as much memory, raise it with "
                "OcrEngine(memory=…) or --memory"
            ) from None

    def _read(self, image: Image, number: int, known: Page | None, context: Context) -> None:
        self._plan(context)
        try:
            page = known or self._recognise(image, number, context)
        except OcrException as error:
            # The failure keeps the message; where it came from is for those who look for defects.
            _LOG.debug("page %d could not be read", number, exc_info=True)
            self._settle(number, PageFailure.of(number, error))
            return
        if self._entry is not None and known is None:
            self._entry.put(page)
        # Not in what is kept: another run may ask for another quality.
        page = replace(page, review=page.expected_cer > 1 - self._options.min_quality)
        self._settle(number, page)

    def _recognise(self, image: Image, number: int, context: Context) -> Page:
        # Here and not at the top: this import brings NumPy, OpenCV and OpenVINO.
        from ocrloom.reading import read_frame, read_text

        self._tell(Stage.DECODING, number)
        with self._lend(image, context, number) as reader:
            # Once more, as what was planned is not kept: many sources may wait for their turns.
            text = _own_text(reader, number, context)
            if text is not None and not text.needs_ocr:
                return read_text(text, self._options)
            frame = reader.read(number, context.checkpoint)
        self._tell(Stage.READING, number)
        page = read_frame(frame, self._options, context)
        return page if text is None else replace(page, reason=text.reason)

    @contextmanager
    def _lend(self, image: Image, context: Context, number: int = 0) -> Iterator[Reader]:
        try:
            with self._shelf.lend(image, context.checkpoint, number) as reader:
                yield reader
        finally:
            if self._ended:
                self._shelf.close(image)

    def _settle(self, number: int, outcome: Outcome) -> None:
        with self._lock:
            if self._ended:
                return
            self._settled[number] = outcome
            self._done += 1
            if isinstance(outcome, PageFailure):
                self._failed += 1
                if self._failure is None or number < self._failure.number:
                    self._failure = outcome
        self._tell(Stage.PAGE_DONE, number)
        if (listener := self._listener) is not None:
            listener.settled(outcome)
        with self._lock:
            # Only now, so that the end comes after the last page in every listener's view.
            self._handed += 1
            last = self._handed == self._count
            # Beside pages that were read, failures are part of the result.
            failure = self._failure if self._failed == self._count else None
        if last:
            self._end(None if failure is None else failure.error)

    def _expire(self) -> None:
        seconds = self._options.timeout
        what = f"was not finished within the timeout of {seconds:g} s"
        if self._claim():
            self._finish(self._stopped(OcrTimeout, what))

    def _stopped(self, kind: type[OcrStopped], what: str) -> OcrStopped:
        pages = "" if self._count is None else f" of {self._count}"
        # Of a stream, whose window this is, the consumer has them.
        where = " and are in the exception's .partial" if self._window is None else ""
        error = kind(
            f"{self.name or 'the image'}: {what}; {self._done}{pages} pages were finished{where}"
        )
        error.partial = self.result
        return error

    def _end(self, error: BaseException | None) -> None:
        if self._claim():
            self._finish(error)

    def _claim(self) -> bool:
        """Whether it is the caller who has to end it."""
        with self._lock:
            first, self._ended = not self._ended, True
            return first

    def _finish(self, error: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._pool.stop(self._job)
        # A source given as bytes or as an array may be large; who waits keeps the result only.
        image, self._image = self._image, None
        if image is not None:
            self._shelf.close(image)
        self._tell(Stage.DONE)
        with self._lock:
            listener, self._listener = self._listener, None
            self._over = True
        if listener is not None:
            listener.ended(error)

    def _tell(self, stage: Stage, page: int | None = None) -> None:
        with self._lock:
            if self._last.stage is Stage.DONE:
                return  # a step that was running when the end came
            now = monotonic()
            done, count = self._done, self._count
            left = (now - self._opened) * (count - done) / done if count and done else None
            self._last = Progress(
                source=self.name,
                stage=stage,
                page=page,
                pages_done=done,
                pages_failed=self._failed,
                pages=count,
                elapsed=now - self._begun,
                remaining=left,
            )
            self._untold.append((self._last, self._watchers))
        self._deliver()

    def _deliver(self) -> None:
        """Calls the watchers, without the lock and yet in order: one thread does it for all."""
        with self._lock:
            if self._telling:
                return
            self._telling = True
        try:
            while True:
                with self._lock:
                    if not self._untold:
                        self._telling = False
                        return
                    event, watchers = self._untold.popleft()
                for watcher in watchers:
                    _call(watcher, event)
        except BaseException:
            # An interrupt, in the user's own thread; whoever has the next event goes on.
            self._telling = False
            raise


def _call(watcher: Callable[[Progress], None], event: Progress) -> None:
    try:
        watcher(event)
    except BaseException as error:
        # Only there Python interrupts: it is meant for the program and not for the callback.
        main = threading.current_thread() is threading.main_thread()
        if main and isinstance(error, KeyboardInterrupt):
            raise
        _LOG.exception("a progress callback ended with an exception")


def _own_text(reader: Reader, number: int, context: Context) -> PageText | None:
    """What a page holds as text; None of sources that hold pictures alone."""
    return reader.text(number, context.checkpoint) if isinstance(reader, TextReader) else None


def _entry_of(journal: Journal, image: Image, options: OcrOptions, context: Context) -> Entry:
    # Here and not at the top: few readings keep a journal.
    from ocrloom.journal import content_digest, document_key

    digest = content_digest(image.source, context.checkpoint, image.limits)
    return journal.entry(document_key(digest, options, image.fit))
