"""How large a page is. Pure."""

from __future__ import annotations

from typing import Final

__all__ = ["POINTS", "page_size", "resolution"]

POINTS: Final = 72.0
"""To the inch; a PDF's unit unless a page says otherwise."""

_A4: Final = 210 / 25.4, 297 / 25.4  # inches
_SCREEN: Final = 96.0  # dots per inch of what was never meant for paper
# What many programs and all phones write where nobody knows the resolution.
_DEFAULTS: Final = (72.0, 96.0)
_PAPER: Final = 17.0  # inches: the longer side of the largest sheet that is common, rounded up
_LEAST, _MOST = 3.0, 14_400.0  # points of a side, ISO 32000-1, annex C


def page_size(width: int, height: int, dpi: tuple[float, float] | None) -> tuple[float, float]:
    """Width and height in points of the page for a picture.

    Args:
        width: Pixels, as a viewer shows the picture.
        height: Pixels, as a viewer shows the picture.
        dpi: Horizontal and vertical resolution that the picture states, if it does.
    """
    across, down = resolution(width, height, dpi)
    sides = width / across * POINTS, height / down * POINTS
    # No format says that a page must not be a thread; the larger side decides.
    shrink = min(1.0, _MOST / max(sides))
    across, down = (min(_MOST, max(_LEAST, side * shrink)) for side in sides)
    return across, down


def resolution(width: int, height: int, dpi: tuple[float, float] | None) -> tuple[float, float]:
    """The resolution that makes a page of a sensible size.

    Where a picture states none, or one that is only a program's default and would make a page
    larger than any sheet, it is that at which the picture fills a sheet of A4, but not less than
    a screen's.
    """
    if dpi is not None:
        is_default = round(dpi[0]) == round(dpi[1]) and round(dpi[0]) in _DEFAULTS
        if not is_default or max(width, height) / dpi[0] <= _PAPER:
            return dpi
    short, long = sorted((width, height))
    guess = max(_SCREEN, short / _A4[0], long / _A4[1])
    return guess, guess
