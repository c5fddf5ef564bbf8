"""At which resolution a page is drawn. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ocrloom.image.pdf.sheet import Picture, Sheet

__all__ = ["covered", "pixels_of", "resolution"]

_USUAL: Final = 300.0  # what drawn text is read at: letters of 6 points are 13 pixels high
_LEAST: Final = 150.0  # of a scan that something else is drawn over
_MOST: Final = 600.0  # more shows nothing but the paper
_PAGE: Final = 0.5  # of the page's area, from which pictures are what it is about
_SQUARE: Final = 1.05  # ratio of two resolutions that is still a matter of rounding
_PICTURE: Final = 400  # pixels of the longer side below which nothing is a scan


def resolution(sheet: Sheet, dpi: int | None) -> tuple[float, float]:
    """Dots per inch across and down the page.

    A scan is drawn pixel for pixel. One of more than 600 dpi is drawn at a whole fraction of that.

    Args:
        sheet: The page.
        dpi: What was asked for, if anything was.
    """
    if dpi is not None:
        return float(dpi), float(dpi)
    own = _own(sheet)
    if own is None:
        return _USUAL, _USUAL
    if (sheet.shapes or sheet.shown_texts) and max(own) < _LEAST:
        return _USUAL, _USUAL
    across, down = own
    if max(own) > _SQUARE * min(own):
        # A fax, whose pixels are no squares; none of them may be lost.
        across = down = max(own)
    parts = math.ceil(max(across, down) / (_MOST * _SQUARE))
    return round(across / parts, 3), round(down / parts, 3)


def covered(sheet: Sheet) -> float:
    """Share of the page's area that lies under pictures, 0 to 1; overlaps count twice."""
    return min(1.0, math.fsum(picture.share for picture in sheet.pictures))


def pixels_of(sheet: Sheet, dpi: tuple[float, float]) -> tuple[int, int]:
    """Width and height of a page in pixels, at least 1 × 1."""
    width, height = (
        max(1, round(side * dots / 72)) for side, dots in zip(sheet.size, dpi, strict=True)
    )
    return width, height


def _own(sheet: Sheet) -> tuple[float, float] | None:
    """The highest resolution in which pictures cover half of the page; None if they do not.

    So a scan in strips is one picture, and of a scan in layers the sharpest one that reaches over
    the page counts, not a logo.
    """
    area = 0.0
    for picture in sorted(sheet.pictures, key=_fineness, reverse=True):
        area += picture.share
        if area >= _PAGE:
            return picture.dpi if _is_scan(sheet, picture) else None
    return None


def _fineness(picture: Picture) -> float:
    return max(picture.dpi)


def _is_scan(sheet: Sheet, picture: Picture) -> bool:
    """Whether so fine a picture of the whole page could hold text; a backdrop is coarser."""
    return max(pixels_of(sheet, picture.dpi)) >= _PICTURE
