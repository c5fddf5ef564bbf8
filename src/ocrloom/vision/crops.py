"""Pieces of a page, straightened for the recogniser, and where the ink stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.vision.geometry import Box
from ocrloom.vision.widths import HEIGHT

if TYPE_CHECKING:
    from ocrloom.image.lazy import Pixels

__all__ = ["Crop", "cut", "ink_spans", "stacked_lines"]

_RULE = 0.75  # share of a crop's width that is inked in a row of pixels that is a ruled line
_MIN_LINE = 0.2  # height, in widths of a tall box, of what may be a line in it


@dataclass(frozen=True, slots=True)
class Crop:
    """A straightened piece of a page; ``pixels`` are (48, W, 3) uint8 BGR."""

    box: Box
    pixels: np.ndarray


def cut(page: Pixels, box: Box, width: int) -> Crop:
    """Cuts a box out of a page and scales it to the recogniser's height.

    Args:
        page: (H, W) or (H, W, 3) RGB uint8.
        box: Where.
        width: Pixels of width that the crop is scaled to.
    """
    # Shrinking by more than a half in one step would skip pixels: cut larger, then average.
    factor = max(1, round(box.height / HEIGHT))
    size = (width * factor, HEIGHT * factor)
    pixels = _straightened(page, box, *size)
    if factor > 1:
        pixels = cv2.resize(pixels, (width, HEIGHT), interpolation=cv2.INTER_AREA)
    colour = cv2.COLOR_GRAY2BGR if pixels.ndim == 2 else cv2.COLOR_RGB2BGR
    return Crop(box, cv2.cvtColor(pixels, colour))


def ink_spans(crop: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Tight rectangles around the ink between given columns.

    Args:
        crop: (48, W, 3) uint8.
        bounds: (N, 2) integer, first and one past the last column of each stretch.

    Returns:
        (N, 4) float: left, top, right, bottom in crop pixels; a stretch without ink keeps its
        columns and the crop's full height.
    """
    mask = _ink(crop[:, :, 1])
    columns = np.flatnonzero(mask.any(axis=0))
    spans = np.empty((len(bounds), 4))
    for i, (start, end) in enumerate(bounds.tolist()):
        inked = columns[np.searchsorted(columns, start) : np.searchsorted(columns, end)]
        if not len(inked):
            spans[i] = start, 0, end, crop.shape[0]
            continue
        left, right = int(inked[0]), int(inked[-1]) + 1
        rows = np.flatnonzero(mask[:, left:right].any(axis=1))
        spans[i] = left, rows[0], right, rows[-1] + 1
    return spans


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
    inked = _ink(pixels if pixels.ndim == 2 else pixels[:, :, 1]).any(axis=1)
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


def _ink(grey: np.ndarray) -> np.ndarray:
    """Mask of the ink, (H, W) uint8 0 or 1, dark on light or light on dark, without ruled lines."""
    _, mask = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    if 2 * np.count_nonzero(mask) > mask.size:
        mask = 1 - mask
    mask[mask.mean(axis=1) > _RULE] = 0
    return mask
