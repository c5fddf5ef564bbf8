"""A first look at a page, cheap enough to be always worth it: letter height and empty margins."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.vision.shrink import shrunk

if TYPE_CHECKING:
    from ocrloom.image.lazy import Pixels

__all__ = ["Survey", "survey"]

_BAND = 1 << 24  # pixels of a page that are looked at at a time
_LONG, _SHORT = 1600, 1100  # sides of the image for the first look, none is made smaller
_MOST = 4.0  # the most by which the page is reduced for it
_AROUND = 31  # pixels of that image whose mean is a pixel's surroundings
_CLEAR, _FAINT = 20, 6  # grey levels by which letters, and the faintest text, are darker
_MIN_LETTERS = 20  # fewer tell no letter height

_MARGIN = 48  # detection pixels left around the rest: text at an edge is found less well
_LETTER_PIXELS = 8.0  # letter height that the detector gets to see
_SMALLEST = 960  # least pixels of the detection image's long side
_ENLARGED = 2.0  # the most by which a page is enlarged for the sake of its letters
_STRIP, _STRIP_PIXELS = 3, 480  # what is longer than 3 : 1 is given its short side's pixels


@dataclass(frozen=True, slots=True)
class Survey:
    """What a quick look tells about a page before detection."""

    scale: float
    """Factor from page pixels to detection pixels, chosen from the page's own letters."""
    left: int
    top: int
    right: int
    bottom: int
    """Bounds of everything that is not empty margin, in page pixels."""


def survey(pixels: Pixels) -> Survey:
    """Finds the letter height and the empty margins of a page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
    """
    height, width = pixels.shape[:2]
    # Letters must not vanish in the reduced copy of a long strip or a large plan.
    long, short = max(height, width), min(height, width)
    shrink = max(1.0, min(long / _LONG, short / _SHORT, _MOST))
    if shrink >= 2:
        shrink = float(floor(shrink))  # quicker by far than what lies between
    small = _grey_copy(pixels, max(1, int(width / shrink)), max(1, int(height / shrink)), shrink)
    depth = cv2.subtract(cv2.blur(small, (_AROUND, _AROUND)), small)  # 0 where it is lighter
    letters = _letter_height(depth)
    scale = _SMALLEST / max(height, width)
    if letters:
        scale = max(scale, min(_ENLARGED, _LETTER_PIXELS / (letters * shrink)))
    elif max(height, width) > _STRIP * min(height, width):
        scale = max(scale, min(1.0, _STRIP_PIXELS / min(height, width)))
    marked = depth > _FAINT
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not len(rows):
        return Survey(scale, 0, 0, width, height)
    margin = _MARGIN / scale
    left, top = (max(0, int(marks[0] * shrink - margin)) for marks in (columns, rows))
    right = min(width, int((columns[-1] + 1) * shrink + margin))
    bottom = min(height, int((rows[-1] + 1) * shrink + margin))
    # Sides of whole multiples are scaled down without a remainder.
    step = max(1, min(floor(1 / scale), right - left, bottom - top))
    return Survey(scale, left, top, right - (right - left) % step, bottom - (bottom - top) % step)


def _grey_copy(pixels: Pixels, width: int, height: int, factor: float) -> np.ndarray:
    """A smaller copy of a page, (height, width) uint8, made band by band: a page may be large."""
    small = np.empty((height, width), np.uint8)
    rows = max(1, round(_BAND / (factor * pixels.shape[1])))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        # Turned pages are views with other strides than OpenCV knows.
        band = np.ascontiguousarray(pixels[floor(top * factor) : ceil(bottom * factor)])
        grey = band if band.ndim == 2 else cv2.cvtColor(band, cv2.COLOR_RGB2GRAY)
        small[top:bottom] = shrunk(grey, width, bottom - top)
    return small


def _letter_height(depth: np.ndarray) -> float | None:
    """Median height in pixels of what looks like letters; None where there is too little."""
    rows = max(1, _BAND // depth.shape[1])
    heights = np.concatenate(
        [
            _letter_heights((depth[top : top + rows] > _CLEAR).astype(np.uint8), max(depth.shape))
            for top in range(0, depth.shape[0], rows)
        ]
    )
    return float(np.median(heights)) if len(heights) >= _MIN_LETTERS else None


def _letter_heights(ink: np.ndarray, side: int) -> np.ndarray:
    """Heights of what looks like letters on a page of which the longer side is given."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    width, height, area = (
        stats[1:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
    )
    letters = (
        (height >= 4)
        & (height <= side / 15)
        & (width <= 4 * height)
        & (height <= 8 * width)
        & (area >= 0.12 * width * height)
    )
    found: np.ndarray = height[letters]
    return found
