"""A first look at a page, cheap enough to be always worth it: letters, margins, ruled lines."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.vision.bars import bars_in
from ocrloom.vision.rules import Rule, rules_in
from ocrloom.vision.shrink import grey_copy

if TYPE_CHECKING:
    from ocrloom.image.lazy import Pixels

__all__ = ["Survey", "grey_copy", "survey"]

_BAND = 1 << 24  # pixels that are looked at at a time
_LABELS, _ROWS = (1 << 16) - 1, 128  # numbers of two bytes; fewer rows are not worth it
_AROUND = 31  # pixels of that image whose mean is a pixel's surroundings
_CLEAR, _FAINT = 20, 6  # grey levels by which letters, and the faintest text, are darker
_MIN_LETTERS = 20  # fewer tell no letter height
_DASH = 1.5  # times its height, the least width of a dash

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
    strokes: np.ndarray
    """(N, 4) float: left, top, right and bottom in page pixels of what may be dashes."""
    rules: tuple[Rule, ...]
    """The ruled lines."""
    bars: tuple[Rule, ...]
    """The straight edges of what is dark across the page."""


def survey(pixels: Pixels) -> Survey:
    """Finds the letter height and the empty margins of a page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
    """
    height, width = pixels.shape[:2]
    small, shrink = grey_copy(pixels)
    lines = tuple(rules_in(small, (width, height))), tuple(bars_in(small, (width, height)))
    depth = cv2.subtract(cv2.blur(small, (_AROUND, _AROUND)), small)  # 0 where it is lighter
    stats = _components((depth > _CLEAR).astype(np.uint8))
    strokes = _strokes(stats, shrink)
    letters = _letter_height(stats, max(depth.shape))
    scale = _SMALLEST / max(height, width)
    if letters:
        scale = max(scale, min(_ENLARGED, _LETTER_PIXELS / (letters * shrink)))
    elif max(height, width) > _STRIP * min(height, width):
        scale = max(scale, min(1.0, _STRIP_PIXELS / min(height, width)))
    marked = depth > _FAINT
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    if not len(rows):
        return Survey(scale, 0, 0, width, height, strokes, *lines)
    margin = _MARGIN / scale
    left, top = (max(0, int(marks[0] * shrink - margin)) for marks in (columns, rows))
    right = min(width, int((columns[-1] + 1) * shrink + margin))
    bottom = min(height, int((rows[-1] + 1) * shrink + margin))
    # Sides of whole multiples are scaled down without a remainder.
    step = max(1, min(floor(1 / scale), right - left, bottom - top))
    right, bottom = right - (right - left) % step, bottom - (bottom - top) % step
    return Survey(scale, left, top, right, bottom, strokes, *lines)


def _components(ink: np.ndarray) -> np.ndarray:
    """Statistics of the connected pixels of a mask, (N, 5) as OpenCV gives them."""
    height, width = ink.shape
    # Labels of two bytes take half the time; of so many rows they number every component there is.
    most = 4 * _LABELS // (width + 1) - 1
    kind = cv2.CV_16U if most >= _ROWS else cv2.CV_32S
    most = most if most >= _ROWS else max(1, _BAND // width)
    blank = ~np.any(ink, axis=1)
    found = []
    top = 0
    while top < height:
        bottom = min(top + most, height)
        if bottom < height:  # rather between two lines than through one
            (free,) = np.nonzero(blank[bottom - most // 4 : bottom])
            bottom -= most // 4 - int(free[-1]) if len(free) else 0
        _, _, stats, _ = cv2.connectedComponentsWithStats(
            ink[top:bottom], connectivity=8, ltype=kind
        )
        stats[:, cv2.CC_STAT_TOP] += top
        found.append(stats[1:])  # the first is the ground
        top = bottom
    return np.concatenate(found)


def _letter_height(stats: np.ndarray, side: int) -> float | None:
    """Median height in pixels of what looks like letters; None where there is too little.

    Args:
        stats: The components of a page.
        side: Its longer side in pixels.
    """
    width, height, area = (
        stats[:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
    )
    letters = (
        (height >= 4)
        & (height <= side / 15)
        & (width <= 4 * height)
        & (height <= 8 * width)
        & (area >= 0.12 * width * height)
    )
    return float(np.median(height[letters])) if letters.sum() >= _MIN_LETTERS else None


def _strokes(stats: np.ndarray, shrink: float) -> np.ndarray:
    """Left, top, right and bottom of the components that may be dashes, times a factor."""
    left, top, width, height, area = stats.T
    flat = (
        (width >= _DASH * height)
        & (width <= 16 * height)
        & (width >= 3)
        & (area >= 0.7 * width * height)
    )
    sides = np.stack([left, top, left + width, top + height], axis=1)[flat]
    found: np.ndarray = sides * shrink
    return found
