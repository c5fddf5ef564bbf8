"""How large the letters of a line are, whatever letters they are."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.layout.frame import Frame
    from ocrloom.result import Line

__all__ = ["letter_size", "usual_size"]

# Heights over the baseline, and depths below it, as shares of an em in most faces.
_HIGH, _LOW = 0.72, 0.5
_TAILED, _COMMA = 0.21, 0.12
_WITH_TAIL = frozenset("gjpqyQçşţșțģķļņ()[]{}|/@§")
_HIGH_SIGNS = frozenset("bdfhijklt()[]{}|/!?&%$#£€\"'“”‘’")
_FLAT = frozenset("-–—=~.,;:·•_…*^°")
_WIDE = 0.92  # of an em, the height of most signs of Chinese and Japanese


def letter_size(line: Line, frame: Frame) -> float | None:
    """Size of a line's letters, an em in pixels; None where no word of it tells.

    Words of few characters, of dashes and dots, and such that run up or down the page tell none.
    """
    sizes = []
    for word in line.words:
        share = _share_of_em(word.text)
        span = frame.span([word.polygon])
        upright = span.width >= 0.25 * span.height * len(word.text)
        if share is not None and upright and span.height > 0:
            sizes += [span.height / share] * len(word.text)
    return median(sizes) if sizes else None


def usual_size(blocks: Iterable[Iterable[Line]], frame: Frame) -> float:
    """Size of most characters of a page; 0 where none tells."""
    sizes = [
        (size, len(line.text))
        for lines in blocks
        for line in lines
        if (size := letter_size(line, frame)) is not None
    ]
    half, passed = sum(length for _, length in sizes) / 2, 0
    for size, length in sorted(sizes):
        passed += length
        if passed >= half:
            return size
    return 0.0


def _share_of_em(text: str) -> float | None:
    """Height of a word's ink in ems."""
    letters = [character for character in text if character not in _FLAT]
    if not letters:
        return None
    if any(ord(character) >= 0x2E80 for character in letters):
        return _WIDE
    high = any(c.isupper() or c.isdigit() or c in _HIGH_SIGNS or ord(c) > 0x7F for c in letters)
    tailed = any(c in _WITH_TAIL for c in letters)
    below = _TAILED if tailed else _COMMA if any(c in ",;" for c in text) else 0.0
    return (_HIGH if high else _LOW) + below
