"""Opened sources between two pages: a few stay open, so that not every page opens its file anew."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.image import Image, Reader

__all__ = ["Shelf"]


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
        self._idle: deque[tuple[Image, Reader, ExitStack]] = deque()
        self._lock = threading.RLock()  # see `Document`: its end may come at any place

    @contextmanager
    def lend(self, image: Image) -> Iterator[Reader]:
        """A reader of a source, open until the end of the block at least.

        Raises:
            OcrException: The source cannot be opened; see `Image.open`.
        """
        reader, closing = self._find(image) or _open(image)
        try:
            yield reader
        finally:
            with self._lock:
                self._idle.append((image, reader, closing))
                oldest = self._idle.popleft() if len(self._idle) > self._most else None
            if oldest:
                oldest[2].close()

    def close(self, image: Image) -> None:
        """Closes the idle readers of a source."""
        while found := self._find(image):
            found[1].close()

    def _find(self, image: Image) -> tuple[Reader, ExitStack] | None:
        with self._lock:
            for entry in self._idle:
                if entry[0] is image:
                    self._idle.remove(entry)
                    return entry[1:]
        return None


def _open(image: Image) -> tuple[Reader, ExitStack]:
    closing = ExitStack()
    return closing.enter_context(image.open()), closing
