"""One source on its way through the scheduler: opened, then read frame by frame."""

from __future__ import annotations

import logging
from bisect import bisect_left
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ocrloom.engine.course import Course
from ocrloom.errors import OcrException, OcrImageTooLarge
from ocrloom.image.source import shown
from ocrloom.image.text import TextReader
from ocrloom.progress import Stage
from ocrloom.result import PageFailure
from ocrloom.scheduling.fair import OverBudget
from ocrloom.scheduling.pool import Stopped
from ocrloom.selection import select_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ocrloom.engine.protocols import Outcome
    from ocrloom.engine.readers import Shelf
    from ocrloom.image import Image, PageText, Reader
    from ocrloom.journal import KeptPages, PageKeeper
    from ocrloom.options import OcrOptions
    from ocrloom.result import Page
    from ocrloom.scheduling.context import Context
    from ocrloom.scheduling.pool import Pool, WorkShare

__all__ = ["Document"]

_LOG = logging.getLogger(__name__)


class Document(Course):
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
        journal: PageKeeper | None = None,
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
        super().__init__(image.name, timeout=options.timeout, window=window)
        self._image: Image | None = image
        self._options = options if image.pdf is None else replace(options, pdf=image.pdf)
        self._pool = pool
        self._shelf = shelf
        self._journal = journal
        self._entry: KeptPages | None = None
        self._job = pool.job(share)
        self._numbers: Sequence[int] = ()  # of the pages that are read, once it is opened
        self._planned = self._handed = 0

    def _start(self) -> None:
        if not self._pool.add(self._job, self._step(self._open_source)):
            self.stop()

    def consumed(self, number: int) -> None:
        """Forgets a page, which somebody has taken, and makes room for another."""
        with self._lock:
            self._settled.pop(number, None)
            self._consumed += 1
        self._pool.add(self._job, self._step(self._plan))

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

    def _open_source(self, context: Context) -> None:
        image = self._image
        if image is None:
            return
        with self._lend(image, context) as reader:
            self._numbers = select_pages(self._options.pages, reader.count, shown(self.name))
        if self._journal is not None:
            self._entry = _entry_of(self._journal, image, self._options, context)
        self._open(len(self._numbers))
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

    def _settle(self, number: int, outcome: Outcome) -> bool:
        if not super()._settle(number, outcome):
            return False
        with self._lock:
            # Only now, so that the end comes after the last page in every listener's view.
            self._handed += 1
            last = self._handed == self._count
            # Beside pages that were read, failures are part of the result.
            failure = self._failure if self._failed == self._count else None
        if last:
            self._end(None if failure is None else failure.error)
        return True

    def _release(self) -> None:
        self._pool.stop(self._job)
        # A source given as bytes or as an array may be large; who waits keeps the result only.
        image, self._image = self._image, None
        if image is not None:
            self._shelf.close(image)


def _own_text(reader: Reader, number: int, context: Context) -> PageText | None:
    """What a page holds as text; None of sources that hold pictures alone."""
    return reader.text(number, context.checkpoint) if isinstance(reader, TextReader) else None


def _entry_of(
    journal: PageKeeper, image: Image, options: OcrOptions, context: Context
) -> KeptPages:
    # Here and not at the top: few readings keep a journal.
    from ocrloom.journal import content_digest, document_key

    digest = content_digest(image.source, context.checkpoint, image.limits)
    return journal.entry(document_key(digest, options, image.fit))
