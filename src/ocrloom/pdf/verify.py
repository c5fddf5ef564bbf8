"""Whether the words of a PDF can be found again, and where."""

from __future__ import annotations

import json
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.pdf.bench import Bench
    from ocrloom.pdf.looking import Rect, Seen
    from ocrloom.result import Page

__all__ = ["Expected", "Verification", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """How a PDF compares with what was recognised."""

    words: int
    """That were recognised."""
    found: int
    """Those of them that another reader finds."""
    errors: tuple[float, ...]
    """For each word that was found, points by which that edge of its box is off which is furthest
    off; ascending."""

    @property
    def recall(self) -> float:
        """Part of the words that was found, 0..1; 1 without words."""
        return self.found / self.words if self.words else 1.0

    @property
    def median_error(self) -> float:
        """Half of the words are off by no more, in points."""
        return median(self.errors) if self.errors else 0.0

    @property
    def high_error(self) -> float:
        """95 of 100 words are off by no more, in points."""
        return self.errors[(len(self.errors) - 1) * 95 // 100] if self.errors else 0.0


class Expected:
    """The words of each page, kept in files until they are compared."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._files: dict[int, Path] = {}

    def add(self, place: int, page: Page) -> None:
        """Keeps the words of a page.

        Args:
            place: Of the page in the document, from 0.
            page: What its layer holds.
        """
        words = [(word.text, _box(word.polygon, page)) for word in page.words]
        data = json.dumps(words).encode("ascii")
        self._files[place] = self._bench.write(f"words-{place}", data)

    def compare(self, path: Path) -> Verification:
        """Compares all pages with those of a document.

        Raises:
            OcrImageError: It cannot be read again.
        """
        words = found = 0
        errors: list[float] = []
        for place, file in self._files.items():
            expected: list[Seen] = [
                (text, tuple(box)) for text, box in json.loads(file.read_bytes())
            ]
            size, seen = self._bench.run("looking:words", path, place + 1, what=str(path))
            off = compare(expected, seen, size)
            words += len(expected)
            found += len(off)
            errors += off
        return Verification(words=words, found=found, errors=tuple(sorted(errors)))


def compare(expected: list[Seen], seen: list[Seen], size: tuple[float, float]) -> list[float]:
    """Finds words again, each of the same text where it is nearest.

    Args:
        expected: The words that are looked for.
        seen: Those that are there.
        size: Of the page in points.

    Returns:
        For each that was found the distance of its box in points.
    """
    there: dict[str, list[Rect]] = defaultdict(list)
    for text, box in seen:
        there[_plain(text)].append(box)
    errors = []
    for text, box in expected:
        candidates = there[_plain(text)]
        if candidates:
            nearest = min(candidates, key=lambda other: _distance(box, other, size))
            candidates.remove(nearest)
            errors.append(_distance(box, nearest, size))
    return errors


def _plain(text: str) -> str:
    """The text as far as readers agree on it: they resolve ligatures, and mirror brackets."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        "(" if unicodedata.mirrored(letter) else letter
        for letter in plain
        if unicodedata.category(letter) not in ("Cf", "Cc", "Cs")
    )


def _distance(one: Rect, other: Rect, size: tuple[float, float]) -> float:
    sides = (*size, *size)
    return max(abs(a - b) * side for a, b, side in zip(one, other, sides, strict=True))


def _box(polygon: tuple[tuple[float, float], ...], page: Page) -> Rect:
    """The upright rectangle around a polygon, in parts of the page."""
    xs = [x / max(1, page.width) for x, _ in polygon]
    ys = [y / max(1, page.height) for _, y in polygon]
    return min(xs), min(ys), max(xs), max(ys)
