"""Dashes that stand alone in a cell of a table, as they do for "nothing".

The detector overlooks them, and the recogniser, which sees a dash without a letter beside it,
takes it for any mark: its shape and its place in a row and a column are better evidence.
"""

from __future__ import annotations

from math import ceil, floor
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.result import Word
from ocrloom.vision.geometry import Box
from ocrloom.vision.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ocrloom.image.lazy import Pixels

__all__ = ["SHAPE", "find_dashes"]

SHAPE = "shape"
"""Provenance of words that no recogniser read."""

# In heights of the text in the same row.
_SHORTEST, _LONGEST = 0.15, 1.0
_THICKEST = 0.3
_OFF = 0.25  # from the middle of the row
_FREE, _CLEARANCE = 0.5, 0.7  # without ink beside it, and above and below
_CELL = 12.0  # the longest text in the column that tells that there is one
_NEXT, _FAR = 0.8, 6.0  # distance to the next in the column
_BLUR = 0.1  # by which it may be longer than it looked on the reduced page
_GREY = 24  # levels by which a dash is darker than the ground at least


def find_dashes(pixels: Pixels, strokes: np.ndarray, segments: Sequence[Segment]) -> list[Segment]:
    """Finds the dashes that were not read with other text.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        strokes: (N, 4) float, what could be dashes: left, top, right, bottom in page pixels.
        segments: The text that was read.

    Returns:
        A segment for each dash.
    """
    if not len(strokes) or not segments:
        return []
    text = _Text([segment.box for segment in segments], [_tall(segment) for segment in segments])
    strokes = strokes[~text.covers(strokes)]
    in_row, heights = text.in_row(strokes)
    strokes, heights = strokes[in_row], heights[in_row]
    found: list[Segment] = []
    while len(strokes):
        in_column = text.in_column(strokes, heights)
        candidates = zip(strokes[in_column].tolist(), heights[in_column].tolist(), strict=True)
        new = [segment for each in candidates if (segment := _dash(pixels, *each))]
        if not new:
            break
        found += new
        # What stands above or below a dash is in a column too.
        text = _Text([segment.box for segment in new], [segment.box.height for segment in new])
        strokes, heights = strokes[~in_column], heights[~in_column]
    return found


class _Text:
    """Pieces of lines, as columns of an array."""

    def __init__(self, boxes: Sequence[Box], heights: Sequence[float]) -> None:
        """Takes the pieces' boxes and the heights of their ink."""
        placed = [(box.x, box.y, box.width, box.height, box.angle) for box in boxes]
        self._x, self._y, self._width, self._height, angle = np.array(placed).reshape(-1, 5).T
        self._slope = np.tan(np.radians(angle))
        self._tall = np.array(heights)

    def _off(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N, M) distances from the middles along and across, positive to the right and down."""
        x = (strokes[:, [0]] + strokes[:, [2]]) / 2
        y = (strokes[:, [1]] + strokes[:, [3]]) / 2
        along = x - self._x
        return along, y - self._y - along * self._slope

    def covers(self, strokes: np.ndarray) -> NDArray[np.bool_]:
        """Which strokes lie in one of the pieces."""
        along, across = self._off(strokes)
        inside = (2 * abs(along) < self._width) & (2 * abs(across) < self._height)
        covered: NDArray[np.bool_] = np.any(inside, axis=1)
        return covered

    def in_row(self, strokes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which strokes are dashes of a row by size and place, and the text height of the row."""
        along, across = self._off(strokes)
        width, height = strokes[:, [2]] - strokes[:, [0]], strokes[:, [3]] - strokes[:, [1]]
        fits = (
            (abs(across) <= _OFF * self._tall)
            & (width >= _SHORTEST * self._tall)
            & (width <= _LONGEST * self._tall)
            & (height <= _THICKEST * self._tall)
        )
        nearest = np.where(fits, abs(along), np.inf).argmin(axis=1)
        return fits.any(axis=1), self._tall[nearest]

    def in_column(self, strokes: np.ndarray, heights: np.ndarray) -> NDArray[np.bool_]:
        """Which strokes stand above or below one of the pieces, which is a cell's."""
        along, across = self._off(strokes)
        tall = heights[:, None]
        next_to = (
            (2 * abs(along) <= self._width)
            & (self._width <= _CELL * tall)
            & (abs(across) >= _NEXT * tall)
            & (abs(across) <= _FAR * tall)
        )
        found: NDArray[np.bool_] = np.any(next_to, axis=1)
        return found


def _tall(segment: Segment) -> float:
    """Height of a segment's ink."""
    return median(abs(word.polygon[3][1] - word.polygon[0][1]) for word in segment.words)


def _dash(pixels: Pixels, stroke: list[float], tall: float) -> Segment | None:
    """The segment of a stroke in a row of text of that height; None if there is ink around it."""
    left, top, right, bottom = stroke
    middle = (top + bottom) / 2
    x, y = floor(left - _FREE * tall), floor(middle - _CLEARANCE * tall)
    to_x, to_y = ceil(right + _FREE * tall), ceil(middle + _CLEARANCE * tall)
    if x < 0 or y < 0 or to_x > pixels.shape[1] or to_y > pixels.shape[0]:
        return None
    part = np.asarray(pixels[y:to_y, x:to_x])
    grey = part if part.ndim == 2 else part[:, :, 1]
    ground, darkest = float(np.median(grey)), float(grey.min())
    rows, columns = np.nonzero(grey < (ground + darkest) / 2)
    left, right = x + int(columns.min()), x + int(columns.max()) + 1
    top, bottom = y + int(rows.min()), y + int(rows.max()) + 1
    if ground - darkest < _GREY or max(stroke[0] - left, right - stroke[2]) > _BLUR * tall:
        return None
    if bottom - top > _THICKEST * tall:
        return None
    polygon = (left, top), (right, top), (right, bottom), (left, bottom)
    word = Word(text="-", polygon=polygon, confidence=1.0, recogniser=SHAPE)
    return Segment(
        box=Box((left + right) / 2, (top + bottom) / 2, right - left, tall, 0.0), words=(word,)
    )
