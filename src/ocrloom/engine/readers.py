"""Opened sources between two pages: a few stay open, so that not every page opens its file anew."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocrloom.image import Image, Reader

__all__ = ["Shelf"]


_RECENT = 8  # pages that a reader is remembered for


@dataclass(slots=True, eq=False)
class _Entry:
    image: Image
    reader: Reader
    closing: ExitStack
    pages: tuple[int, ...] = ()
    """What it was used for last, of which it may still know something."""


class Shelf:
    """Readers that nobody uses at the moment, those used last kept open.

    A reader has one position in its file, so each is used by one worker at a time; a source that
    several workers read has several.
    """

    def __init__(self, most: int) -> None:
        """Makes an empty shelf.

        Args:
            most: How many idle readers stay open, of all sources together.
        """
        self._most = most
        self._idle: deque[_Entry] = deque()
        self._lock = threading.RLock()  # see `Document`: its end may come at any place

    @contextmanager
    def lend(
        self, image: Image, checkpoint: Callable[[], None], number: int = 0
    ) -> Iterator[Reader]:
        """A reader of a source, open until the end of the block at least.

        Args:
            image: The source.
            checkpoint: Called often if it takes long to open it.
            number: The page that it is wanted for; one that was used for it before is preferred.

        Raises:
            OcrException: The source cannot be opened; see `Image.open`.
        """
        entry = self._find(image, number) or _open(image, checkpoint)
        entry.pages = (*entry.pages[1 - _RECENT :], number)
        try:
            yield entry.reader
        finally:
            with self._lock:
                self._idle.append(entry)
                oldest = self._idle.popleft() if len(self._idle) > self._most else None
            if oldest:
                oldest.closing.close()

    def close(self, image: Image) -> None:
        """Closes the idle readers of a source."""
        while found := self._find(image, 0):
            found.closing.close()

    def _find(self, image: Image, number: int) -> _Entry | None:
        with self._lock:
            entries = [entry for entry in self._idle if entry.image is image]
            if not entries:
                return None
            # Otherwise the one whose pages were done longest ago.
            knowing = (entry for entry in entries if number in entry.pages)
            found = next(knowing, None) or min(entries, key=lambda entry: entry.pages)
            self._idle.remove(found)
        return found


def _open(image: Image, checkpoint: Callable[[], None]) -> _Entry:
    closing = ExitStack()
    return _Entry(image, closing.enter_context(image.open(checkpoint)), closing)
