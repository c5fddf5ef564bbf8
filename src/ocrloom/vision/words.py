"""From a crop's characters with positions to words with polygons."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.bidi import logical
from ocrloom.result import Word
from ocrloom.vision.ink import Columns, gaps, line_ink
from ocrloom.vision.mending import mended, rejoined, spans_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.context import Mender
    from ocrloom.result import Polygon
    from ocrloom.vision.crops import Crop
    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box

__all__ = ["words_of"]

# Chosen on 275,000 gaps of 231 pages of all kinds: of 400 spaces that were lost this finds 100, and
# adds 25 where there is none. The unit is the height of the line's ink, ascenders and all.
_TIGHT = 0.21  # gap that is a space where the recogniser was certain of one
# The same beside marks that stand off from their word in some hands of type, and between digits,
# which are all as wide as the widest.
_LOOSE = 0.33
_WEIGHT = 0.15  # more of a gap is needed for every power of ten by which it was less certain
_LEAST = 1e-4  # what is as improbable as that is not more improbable
_OPENING = frozenset("([{'\"“«¿¡-–—")
_CLOSING = frozenset(".,;:!?)]}'\"”’»%-–—|")
_UNSPACED = "\u2e80"  # scripts from here on are written without spaces


def words_of(crop: Crop, reading: Reading, mender: Mender | None = None) -> tuple[Word, ...]:
    """Splits a reading at its spaces and finds each word's place on the page.

    A word reaches from the middle of the widest gap before it to the middle of the widest gap
    after it, then shrinks to the ink in between. A gap as wide as none inside a word is a space
    too, even if the recogniser found another reading likelier.

    Args:
        crop: The crop that was read.
        reading: What was read in it.
        mender: What settles by context what was read; none leaves it as it is.

    Returns:
        Words from left to right as they stand, the characters of each in reading order; polygons
        in page pixels.
    """
    marks = np.array([i for i, c in enumerate(reading.text) if c != " "], dtype=int)
    if not len(marks):
        return ()
    height, width = crop.pixels.shape[:2]
    grey = crop.pixels if crop.pixels.ndim == 2 else cv2.extractChannel(crop.pixels, 1)
    ink = Columns.of(line_ink(grey))
    middles = (reading.starts[marks] + reading.ends[marks]) / 2 * width
    between = gaps(ink.inked, np.minimum(middles.astype(int), width - 1))
    across, down = crop.box.width / width, crop.box.height / height
    size = (between[:, 1] - between[:, 0]) * across / max(1.0, ink.tall * down)
    parted = _parted(reading, marks, size)
    cuts = between.sum(axis=1) // 2
    settled: list[str] | None = None
    if mender is not None and reading.lattice is not None:
        parted = rejoined(reading, marks, parted, size, mender)
        borders = np.array([0, *cuts.tolist(), width])
        settled, parted = mended(reading, reading.lattice, marks, parted, (ink, borders), mender)
    (ends,) = parted.nonzero()
    edges = np.array([0, *cuts[ends].tolist(), width])
    polygons = _polygons(crop.box, ink.spans(edges) * (across, down, across, down))
    confidences = reading.confidences[marks]
    spans = spans_of(parted)
    raw = [logical(reading.text[marks[first] : marks[end - 1] + 1]) for first, end in spans]
    return tuple(
        Word(
            text=text,
            polygon=polygon,
            confidence=float(confidences[first:end].mean()),
            recogniser=reading.recogniser,
            raw=None if read == text else read,
        )
        for (first, end), read, text, polygon in zip(
            spans, raw, settled or raw, polygons, strict=True
        )
    )


def _polygons(box: Box, spans: np.ndarray) -> Iterator[Polygon]:
    """Corners on the page of rectangles in a box.

    Args:
        box: The box.
        spans: (N, 4) float: left, top, right, bottom in page pixels from the box's corner.
    """
    left, top, right, bottom = spans.T
    corners = (left, top), (right, top), (right, bottom), (left, bottom)
    placed = [box.point(along, across) for along, across in corners]
    return zip(*(zip(x.tolist(), y.tolist(), strict=True) for x, y in placed), strict=True)


def _parted(reading: Reading, marks: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Between which characters a word ends: at a space that was read, or at one that was not.

    The wider the gap, the smaller a probability of a space is enough, and the other way round.

    Args:
        reading: What was read.
        marks: (N,) integer, its characters that are not spaces.
        size: (N - 1,) float, the gaps between them in heights of the line.
    """
    found: np.ndarray = marks[1:] - marks[:-1] > 1
    for i in (~found & (size > _TIGHT)).nonzero()[0].tolist():
        before, after = int(marks[i]), int(marks[i + 1])
        left, right = reading.text[before], reading.text[after]
        if max(left, right) < _UNSPACED:
            loose = left in _OPENING or right in _CLOSING or (left.isdigit() and right.isdigit())
            needed = _LOOSE if loose else _TIGHT
            chance = max(reading.space(before, after), _LEAST)
            found[i] = size[i] + _WEIGHT * log10(chance) > needed
    return found
