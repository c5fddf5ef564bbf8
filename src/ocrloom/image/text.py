"""The text that a source holds itself, beside the pixels of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ocrloom.image.lazy import go_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.result import Word

__all__ = ["PageText", "Stretch", "TextReader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Words that stand side by side on one line; polygons in pixels of the frame."""

    words: tuple[Word, ...]
    """In the order in which they are read; at least one."""
    angle: float
    """Slope in degrees, positive when it falls to the right; -180 to 180."""
    width: float
    """Length along the text in pixels."""
    height: float
    """Height of the line in pixels, ascenders and descenders included."""
    middle: tuple[float, float]
    """Centre in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """What a page holds as text, and whether that is enough."""

    number: int
    """Place in the source, from 1."""
    width: int
    """Pixels of the frame that `Reader.read` would give."""
    height: int
    """Pixels of the frame that `Reader.read` would give."""
    dpi: tuple[float, float]
    """Horizontal and vertical resolution of that frame."""
    needs_ocr: bool
    """Whether the text is to be recognised in the frame, and `stretches` not to be used."""
    reason: str
    """Why, for people."""
    stretches: tuple[Stretch, ...] = ()
    """The words, in the order in which the page draws them; none where they are not to be used."""


@runtime_checkable
class TextReader(Protocol):
    """A `Reader` of a source whose pages may hold text."""

    def text(self, number: int, checkpoint: Callable[[], None] = go_on) -> PageText:
        """What a page holds as text; ask it before `Reader.cost`, which then knows more.

        Args:
            number: Place in the source, from 1 to ``count``.
            checkpoint: Called often meanwhile; what it raises ends the work.

        Raises:
            OcrException: What `Reader.read` raises.
        """
