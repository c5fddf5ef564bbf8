"""Pieces of a page, straightened for the recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.vision.geometry import Box
from ocrloom.vision.ink import all_ink
from ocrloom.vision.widths import HEIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.image.lazy import Pixels
    from ocrloom.vision.rules import Rule

__all__ = ["Crop", "cut", "stacked_lines"]

_RULE = 3.0  # heights of a box, the least length of a ruled line that crosses it
_BLUR = 1.5  # pixels of a crop by which a ruled line is wider than it should be, on both sides
_WIDEST = 0.4  # heights of a crop; what takes more of its width is left alone
_DOWN = 0.9  # share of a crop's rows that a ruled line darkens
_RULED = 0.75  # share of a row that is inked where a ruled line is
_MIN_LINE = 0.2  # height, in widths of a tall box, of what may be a line in it


@dataclass(frozen=True, slots=True)
class Crop:
    """A straightened piece of a page; ``pixels`` are (48, W) or (48, W, 3) BGR uint8."""

    box: Box
    pixels: np.ndarray


def cut(page: Pixels, box: Box, width: int, rules: Sequence[Rule] = ()) -> Crop:
    """Cuts a box out of a page and scales it to the recogniser's height.

    Args:
        page: (H, W) or (H, W, 3) RGB uint8.
        box: Where.
        width: Pixels of width that the crop is scaled to.
        rules: The page's ruled lines; those across the box are left out of the crop.
    """
    # Shrinking by more than a half in one step would skip pixels: cut larger, then average.
    factor = max(1, round(box.height / HEIGHT))
    size = (width * factor, HEIGHT * factor)
    pixels = _straightened(page, box, *size)
    if factor > 1:
        pixels = cv2.resize(pixels, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    if rules:
        _without_rules(pixels, box, rules)
    return Crop(box, pixels)


def _without_rules(pixels: np.ndarray, box: Box, rules: Sequence[Rule]) -> None:
    """Wipes the ruled lines out of a crop that cross it from its top to its bottom.

    At the end of a cell they are read as brackets and bars. Lines along the text stay: they touch
    letters, and the recogniser overlooks them.
    """
    height, width = pixels.shape[:2]
    to_crop = box.to_crop(width, height)
    reach = (box.width + box.height) / 2
    for rule in rules:
        if not _near(rule, box, reach) or rule.length < _RULE * box.height:
            continue
        ends = [(to_crop @ (*end, 1.0)).tolist() for end in (rule.start, rule.end)]
        (upper, top), (lower, bottom) = sorted(ends, key=lambda end: end[1])
        if top > 0 or bottom < height:
            continue
        # Where it enters and leaves the crop.
        slope = (lower - upper) / (bottom - top)
        sides = upper - slope * top, upper + slope * (height - top)
        around = rule.thickness * width / box.width / 2 + _BLUR
        left, right = floor(min(sides) - around), ceil(max(sides) + around)
        if right > 0 and left < width and right - left <= _WIDEST * height:
            _wipe(pixels, max(0, left), min(right, width))


def _near(rule: Rule, box: Box, reach: float) -> bool:
    """Whether a rule may come as near to a box's centre as that."""
    (left, top), (right, bottom) = rule.start, rule.end
    return (
        min(left, right) - reach <= box.x <= max(left, right) + reach
        and min(top, bottom) - reach <= box.y <= max(top, bottom) + reach
    )


def _wipe(pixels: np.ndarray, left: int, right: int) -> None:
    """Fills columns with what is beside them, if they are dark all the way down."""
    grey = pixels if pixels.ndim == 2 else pixels[:, :, 1]
    ground = np.median(grey)
    darkest = grey[:, left:right].min(axis=1)
    if np.mean(darkest < (ground + darkest.min()) / 2) < _DOWN:
        return
    beside = [column for column in (left - 1, right) if 0 <= column < pixels.shape[1]]
    if beside:
        pixels[:, left:right] = pixels[:, beside].max(axis=1, keepdims=True)


def stacked_lines(page: Pixels, box: Box) -> list[Box]:
    """The lines of a tall box in which detection joined short ones, like a column of numbers.

    Args:
        page: (H, W) or (H, W, 3) RGB uint8.
        box: A box taller than wide.

    Returns:
        A box for each line from top to bottom; fewer than two if the ink has no gaps.
    """
    width, height = max(1, round(box.width)), max(1, round(box.height))
    pixels = _straightened(page, box, width, height)
    mask = all_ink(pixels if pixels.ndim == 2 else pixels[:, :, 1])
    share = mask.mean(axis=1)
    inked = (share > 0) & (share <= _RULED)
    edges = np.flatnonzero(np.diff(inked, prepend=False, append=False)).reshape(-1, 2)
    lines = [(top, bottom) for top, bottom in edges.tolist() if bottom - top >= _MIN_LINE * width]
    margin = 0.25 * min((bottom - top for top, bottom in lines), default=0)
    boxes = []
    for top, bottom in lines:
        x, y = box.point(box.width / 2, (top + bottom) / 2)
        boxes.append(Box(x, y, box.width, bottom - top + 2 * margin, box.angle))
    return boxes


def _straightened(page: Pixels, box: Box, width: int, height: int) -> np.ndarray:
    """The box as an image of that size.

    Only the part of the page around the box is handed on: OpenCV refuses images with a side of
    more than 32,767 pixels.
    """
    corners = [box.point(x, y) for x in (0, box.width) for y in (0, box.height)]
    left, top = (max(0, floor(min(values)) - 2) for values in zip(*corners, strict=True))
    right, bottom = (max(1, ceil(max(values)) + 2) for values in zip(*corners, strict=True))
    left, top = min(left, page.shape[1] - 1), min(top, page.shape[0] - 1)
    to_crop = box.to_crop(width, height)
    to_crop[:, 2] += to_crop[:, :2] @ (left, top)
    return cv2.warpAffine(
        # Turned pages are views with other strides than OpenCV knows.
        np.ascontiguousarray(page[top:bottom, left:right]),
        to_crop,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
