"""Deep pixels by OpenCV, where Pillow has no mode for them: colour of 16 bits, 64-bit floats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import NDArray

__all__ = ["decode_deep", "is_dark"]


def decode_deep(data: bytes) -> NDArray[Any] | None:
    """The first frame of a TIFF or PNG with the depth it has.

    Args:
        data: The whole file. The caller has checked the size of the frame.

    Returns:
        (H, W), (H, W, 3) RGB or (H, W, 4) RGBA of the file's type; None if OpenCV cannot.
    """
    # Here and not at the top: OpenCV takes as long to load as all the rest.
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if pixels is None:
        return None
    if pixels.ndim == 2:
        return np.asarray(pixels)
    # OpenCV's order is blue, green, red, alpha.
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(pixels.shape[2])
    return None if order is None else np.asarray(pixels[:, :, order])


def is_dark(picture: PIL.Image.Image) -> bool:
    """Whether 8-bit colour cut from 16 bits is so dark that it was data of 14 bits or fewer."""
    return int(np.asarray(picture).max()) < 64
