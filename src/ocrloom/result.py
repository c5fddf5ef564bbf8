"""The result tree: ``OcrResult`` > ``Page`` > ``Block`` > ``Line`` > ``Word``.

Plain immutable data; every export, index and view is made from it later, without a second
recognition. A polygon is a tuple of four ``(x, y)`` points in pixels of the source frame as a
viewer shows it (EXIF orientation applied), origin at its top left corner, clockwise, beginning
with the corner where the text begins. Confidences are in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ocrloom import errors
from ocrloom.errors import OcrException

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Block",
    "Line",
    "OcrResult",
    "Page",
    "PageFailure",
    "Point",
    "Polygon",
    "Word",
]

Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Characters without white space between them."""

    text: str
    polygon: Polygon
    confidence: float
    """Mean probability that the recogniser gave to the word's characters, 0..1."""
    recogniser: str
    """Provenance: the name of the recogniser that read the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Words on one baseline, in reading order."""

    words: tuple[Word, ...]
    polygon: Polygon

    @property
    def text(self) -> str:
        """The words, one space between each two."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return _mean_confidence(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that belong together: a paragraph, a heading, a column's part, a table."""

    lines: tuple[Line, ...]
    polygon: Polygon

    @property
    def text(self) -> str:
        """The lines, each on a line of its own."""
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One frame of the source. A frame without text is a page without blocks."""

    number: int
    """Place in the source, from 1."""
    width: int
    """Pixels, as a viewer shows the frame."""
    height: int
    """Pixels, as a viewer shows the frame."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution that the source states, if it states one."""
    rotation: int = 0
    """Degrees, clockwise, by which the frame was turned to stand upright: 0, 90, 180 or 270."""
    scale: float = 1.0
    """Side of the picture that was read over the frame's side; below 1 only where a smaller copy
    was asked for."""
    skew: float = 0.0
    """Slope of the text lines on the upright page in degrees; positive falls to the right."""
    blocks: tuple[Block, ...] = ()

    @property
    def effective_dpi(self) -> tuple[float, float] | None:
        """The resolution at which the page was read; None where the source states none."""
        return self.dpi and (self.dpi[0] * self.scale, self.dpi[1] * self.scale)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in reading order."""
        return tuple(line for block in self.blocks for line in block.lines)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in reading order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def text(self) -> str:
        """The blocks, an empty line between each two."""
        return "\n\n".join(block.text for block in self.blocks)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return _mean_confidence(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFailure:
    """A frame that could not be read, while others of its source could."""

    number: int
    """Place in the source, from 1."""
    kind: str
    """Name of the exception's class, such as ``OcrDamagedImage``."""
    message: str
    """What was expected, what was found and what to do; it names the source and the frame."""

    @classmethod
    def of(cls, number: int, error: OcrException) -> PageFailure:
        """The failure that an exception tells of."""
        return cls(number=number, kind=type(error).__name__, message=str(error))

    @property
    def error(self) -> OcrException:
        """An exception of that class with that message, to be raised or asked for its codes."""
        known = getattr(errors, self.kind, OcrException)
        # A parsed document may say anything.
        is_ours = isinstance(known, type) and issubclass(known, OcrException)
        return known(self.message) if is_ours else OcrException(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrResult:
    """What was read from one source."""

    pages: tuple[Page, ...]
    """The pages that were read, in the order of the source."""
    failures: tuple[PageFailure, ...] = ()
    """The frames that could not be read, in the same order; no page stands for them."""
    source: str | None = field(default=None, compare=False)
    """Name of the source for people: a path, or None for bytes and arrays."""

    @property
    def text(self) -> str:
        """The pages' texts, a form feed between each two."""
        return "\f".join(page.text for page in self.pages)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return _mean_confidence(word for page in self.pages for word in page.words)


def _mean_confidence(words: Iterable[Word]) -> float:
    total = characters = 0.0
    for word in words:
        total += word.confidence * len(word.text)
        characters += len(word.text)
    return total / characters if characters else 0.0
