"""Smaller copies of images, each pixel the mean over its area."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ocrloom.image.lazy import Pixels

__all__ = ["grey_copy", "shrunk"]

_BAND = 1 << 24  # pixels of a page that are looked at at a time
_LONG, _SHORT = 1600, 1100  # sides of the copy for a first look, none is made smaller
_MOST = 4.0  # the most by which a page is reduced for it


def shrunk(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """An image scaled to a size, down as a rule.

    By a whole factor first, which takes a fiftieth of the time that any other takes, and then by
    what is left, on few pixels. Where a side is no multiple of that factor, the last pixels of it,
    fewer than the factor, are left out.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        width: Pixels, at least 1.
        height: Pixels, at least 1.
    """
    factor = min(image.shape[0] // height, image.shape[1] // width)
    if factor > 1:
        rows, columns = (side // factor for side in image.shape[:2])
        whole = image[: rows * factor, : columns * factor]
        image = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def grey_copy(pixels: Pixels) -> tuple[np.ndarray, float]:
    """A smaller copy of a page, small enough to be looked at quickly and not to lose its letters.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.

    Returns:
        (h, w) uint8, and the factor by which the page was reduced, at least 1.
    """
    # Letters must not vanish in the reduced copy of a long strip or a large plan.
    long, short = max(pixels.shape[:2]), min(pixels.shape[:2])
    factor = max(1.0, min(long / _LONG, short / _SHORT, _MOST))
    if factor >= 2:
        factor = float(floor(factor))  # quicker by far than what lies between
    height, width = (max(1, int(side / factor)) for side in pixels.shape[:2])
    small = np.empty((height, width), np.uint8)
    # Band by band: a page may be large.
    rows = max(1, round(_BAND / (factor * pixels.shape[1])))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        # Turned pages are views with other strides than OpenCV knows.
        band = np.ascontiguousarray(pixels[floor(top * factor) : ceil(bottom * factor)])
        grey = band if band.ndim == 2 else cv2.cvtColor(band, cv2.COLOR_RGB2GRAY)
        small[top:bottom] = shrunk(grey, width, bottom - top)
    return small, factor
