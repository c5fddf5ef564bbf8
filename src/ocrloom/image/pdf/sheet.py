"""What a helper finds out about a page of a PDF: plain data, passed between processes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Letters", "PageBroken", "Picture", "Problem", "Sheet"]


class PageBroken(Exception):
    """PDFium can make nothing of a page; says what it found."""


class Problem(StrEnum):
    """Why a PDF cannot be opened, or is not worth it."""

    PASSWORD = "password"  # noqa: S105  # it is none
    SECURITY = "security"
    DAMAGED = "damaged"
    XFA = "xfa"
    PORTFOLIO = "portfolio"


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that a page draws."""

    pixels: tuple[int, int]
    """Width and height as stored."""
    dpi: tuple[float, float]
    """Resolution across and down the page as it is shown."""
    share: float
    """Of the page's area, 0 to 1."""
    grey: bool
    """Whether it can have no colour."""
    cost: int = 0
    """Bytes that decoding it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page, before anything is drawn."""

    size: tuple[float, float]
    """Width and height as shown, in points of 1/72 inch."""
    box: tuple[float, float, float, float]
    """Left, bottom, right and top of what is shown, in the units of its content."""
    rotation: int
    """Degrees, clockwise, by which it is turned to be shown: 0, 90, 180 or 270."""
    pictures: tuple[Picture, ...] = ()
    shapes: int = 0
    """Drawn paths and shadings."""
    shown_texts: int = 0
    """Pieces of text that are painted."""
    hidden_texts: int = 0
    """Pieces of text that are not, as OCR leaves them."""

    @property
    def grey(self) -> bool:
        """Whether it is sure to have no colour, as a plain scan is."""
        return not self.shapes and not self.shown_texts and all(each.grey for each in self.pictures)

    @property
    def empty(self) -> bool:
        """Whether nothing at all is drawn on it."""
        return not (self.pictures or self.shapes or self.shown_texts or self.hidden_texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letters:
    """The characters of a page in the order in which it draws them; N of them.

    Boxes are left, bottom, right and top in the units of the page's content.
    """

    codes: NDArray[np.uint32]
    """(N,) Unicode code points, or halves of a surrogate pair."""
    ink: NDArray[np.float32]
    """(N, 4) boxes around the glyphs' ink; without extent where a glyph has none."""
    cells: NDArray[np.float32]
    """(N, 4) boxes from the font's descent to its ascent."""
    angles: NDArray[np.float32]
    """(N,) directions in which the text runs, in degrees from 0 to 360, clockwise."""
    unknown: NDArray[np.bool_]
    """(N,) whether the font does not say which character a glyph is."""
    added: NDArray[np.bool_]
    """(N,) whether it is a space or an end of a line that the page does not draw."""

    def __len__(self) -> int:
        return len(self.codes)
