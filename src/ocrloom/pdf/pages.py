"""Pages that are made of pictures, on their way into the document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocrloom.pdf.layer import layer
from ocrloom.pdf.sizes import page_size

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.pdf.bench import Bench
    from ocrloom.pdf.font import Codes
    from ocrloom.pdf.plan import Given
    from ocrloom.result import Page

__all__ = ["MadePages"]

# In one file: so many are open at a time, and later as many files as they fill.
_BOUND: Final = 64


class MadePages:
    """Files of one page each, bound into larger ones as they become many."""

    def __init__(self, bench: Bench, codes: Codes) -> None:
        self.bench = bench
        self.codes = codes
        self._loose: list[Path] = []
        self._bound: list[Path] = []
        self.count = 0
        """Pages that were made so far."""

    def make(
        self, given: Given, number: int, page: Page | None, cost: int = 0
    ) -> tuple[float, float]:
        """Makes a page of a picture.

        Args:
            given: The source of the picture.
            number: Place of the picture in the source, from 1.
            page: What was read in it, if it was.
            cost: Bytes that decoding it takes.

        Returns:
            Width and height of the page in points.

        Raises:
            OcrImageError: The picture can neither be kept nor decoded.
            OcrOutputError: There is no room for it.
        """
        size, content = None, b""
        if page is not None:
            size = page_size(page.width, page.height, page.dpi)
            content = layer(page, size, self.codes)
        target = self.bench.folder / f"page-{self.count}.pdf"
        made: tuple[float, float] = self.bench.run(
            *("images:place", given, number, size, content, target),
            what=given.name,
            # Encoded and decoded, each at most in so many copies.
            memory=4 * (given.path.stat().st_size + cost),
            seconds=given.limits.max_decode_seconds,
        )
        self._loose.append(target)
        self.count += 1
        self._bind()
        return made

    def files(self) -> tuple[Path, ...]:
        """All pages, some dozens in a file."""
        if self._loose:
            self._bind_loose()
        return tuple(self._bound)

    def _bind(self) -> None:
        if len(self._loose) == _BOUND:
            self._bind_loose()

    def _bind_loose(self) -> None:
        target = self.bench.folder / f"bound-{len(self._bound)}.pdf"
        loose, self._loose = self._loose, []
        self.bench.run("assembly:bind", loose, target, what=str(target))
        for path in loose:
            path.unlink()
        self._bound.append(target)
