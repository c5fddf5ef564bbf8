"""Text on bars that are printed or scanned as dots: greys and colours behind titles.

Reduced to the size that the detector sees, dots and letters become one pattern; smoothed before,
the dots are an even ground.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.scheduling.context import INLINE
from ocrloom.vision.detect import detect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocrloom.image.lazy import Pixels
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.geometry import Box
    from ocrloom.vision.rules import Rule
    from ocrloom.vision.survey import Survey

__all__ = ["find_on_dots"]

# In detection pixels, of which a line of text is some fifteen high.
_LOWEST, _HIGHEST = 10, 64  # bars with a line or two; what is higher is a picture as a rule
_AROUND = 24  # that are looked at too: text at an edge is found less well
_SMOOTH = 0.8  # standard deviation of what makes dots even
_UNEVEN = 24  # grey levels by which a dot and what is between dots differ from their mean
_DOTTED = 0.4  # share of such pixels; of plain bars only the outlines of letters are


def find_on_dots(
    pixels: Pixels, view: Survey, boxes: Iterable[Box], context: Context = INLINE
) -> tuple[list[Box], frozenset[Box]]:
    """Looks once more, smoothed, at the bars of a page that are made of dots.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        view: The survey of the same page.
        boxes: What was found on it.
        context: Asked for a checkpoint before every look.

    Returns:
        All boxes, on such bars those of the second look if there are any; and which those are.

    Raises:
        OcrEngineError: The runtime failed.
    """
    kept = list(boxes)
    found: set[Box] = set()
    for upper, lower in _bars(view):
        seen = _seen(pixels, view, (upper, lower), context)
        if on_bar := [box for box in seen if _between(upper, lower, box)]:
            kept = [box for box in kept if not _between(upper, lower, box)] + on_bar
            found.update(on_bar)
    return kept, frozenset(found)


def _bars(view: Survey) -> Iterator[tuple[Rule, Rule]]:
    """The upper and the lower edge of each bar that may hold a line of text."""
    edges = sorted(view.bars, key=lambda edge: (edge.start[0], edge.end[0], edge.start[1]))
    for upper, lower in pairwise(edges):
        same = upper.start[0] == lower.start[0] and upper.end[0] == lower.end[0]
        height = (lower.start[1] + lower.end[1] - upper.start[1] - upper.end[1]) / 2 * view.scale
        if same and _LOWEST <= height <= _HIGHEST:
            yield upper, lower


def _between(upper: Rule, lower: Rule, box: Box) -> bool:
    """Whether the middle of a box lies between two edges."""
    (left, _), (right, _) = upper.start, upper.end
    at = (box.x - left) / (right - left)
    top, bottom = (edge.start[1] + at * (edge.end[1] - edge.start[1]) for edge in (upper, lower))
    return 0 <= at <= 1 and top <= box.y <= bottom


def _seen(pixels: Pixels, view: Survey, edges: tuple[Rule, Rule], context: Context) -> list[Box]:
    """What the detector finds on and around a bar once its dots are smoothed; nothing if none are.

    Boxes are in page pixels.
    """
    around = _AROUND / view.scale
    xs, ys = zip(*(end for edge in edges for end in (edge.start, edge.end)), strict=True)
    left, top = max(0, floor(min(xs) - around)), max(0, floor(min(ys) - around))
    # Turned pages are views with other strides than OpenCV knows.
    part = np.ascontiguousarray(pixels[top : ceil(max(ys) + around), left : ceil(max(xs) + around)])
    smooth = cv2.GaussianBlur(part, (0, 0), _SMOOTH / view.scale)
    uneven = cv2.absdiff(part, smooth) > _UNEVEN
    on_bar = uneven[floor(min(ys)) - top : ceil(max(ys)) - top]
    if on_bar.mean() < _DOTTED:
        return []
    height, width = part.shape[:2]
    whole = replace(view, left=0, top=0, right=width, bottom=height)
    found = detect(smooth.astype(np.uint8, copy=False), whole, context)
    return [replace(box, x=left + box.x, y=top + box.y) for box in found]
