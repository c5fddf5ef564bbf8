"""Where decoded bands are put together: in full, as bits, or scaled down on the way.

Bands come from the top of the frame as it is stored to its bottom. Each kind of canvas puts them
where a viewer shows them, so that a turned frame needs no second copy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ocrloom.image.bilevel import Bilevel
from ocrloom.image.pixels import drop_colour, is_large, turn_upright

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ocrloom.image.lazy import Pixels

__all__ = ["Canvas", "fitting", "make_canvas"]


class Canvas(Protocol):
    """Takes the bands of a frame."""

    def put(self, top: int, band: NDArray[np.uint8]) -> None:
        """Take the next band.

        Args:
            top: Its first row in the frame as stored; the band before ended above it.
            band: (h, W) or (h, W, 3) uint8; it may be kept.
        """

    def finish(self, watch: Callable[[], None]) -> Pixels:
        """The pixels of the frame as a viewer shows it; ``watch`` is called if it takes long."""


def fitting(size: tuple[int, int], box: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height scaled down to fit into a box, at least 1 × 1; never scaled up."""
    if box is None or (size[0] <= box[0] and size[1] <= box[1]):
        return size
    share = min(box[0] / size[0], box[1] / size[1])
    width, height = (
        max(1, min(most, round(side * share))) for side, most in zip(size, box, strict=True)
    )
    return width, height


def make_canvas(
    size: tuple[int, int], target: tuple[int, int], *, orientation: int, bilevel: bool
) -> Canvas:
    """The canvas for a frame.

    Args:
        size: Width and height of what will be put on it, as stored.
        target: Width and height to which that is scaled down; the same for no scaling.
        orientation: TIFF or EXIF orientation, 1 to 8, that the pixels will get.
        bilevel: Whether the pixels are only black and white.
    """
    if target != size:
        return _Reduction(size, target, orientation)
    if bilevel and is_large(size):
        return _Bits(size, orientation)
    return _Full(size, orientation)


class _Full:
    """Bytes: grey until colour comes."""

    def __init__(self, size: tuple[int, int], orientation: int) -> None:
        self._orientation = orientation
        self._size = size
        # Made with the first band, which may be all and then takes its place.
        self._pixels = np.empty((0, 0), np.uint8)

    def put(self, top: int, band: NDArray[np.uint8]) -> None:
        """See `Canvas.put`."""
        if self._pixels.ndim == 2:
            band = _without_colour(band)
            whole = band.shape[1::-1] == self._size and band.flags.c_contiguous
            if whole and self._orientation not in range(2, 9):
                self._pixels = band
                return
        if not self._pixels.size:
            self._pixels = self._blank(band.shape[2:])
        elif band.ndim > self._pixels.ndim:
            grey, self._pixels = self._pixels, self._blank((3,))
            self._stored(self._pixels)[:top] = self._stored(grey)[:top, :, np.newaxis]
        elif band.ndim < self._pixels.ndim:
            band = band[:, :, np.newaxis]
        self._stored(self._pixels)[top : top + len(band)] = band

    def finish(self, _watch: Callable[[], None]) -> NDArray[np.uint8]:
        """See `Canvas.finish`: C-contiguous."""
        return self._pixels

    def _blank(self, channels: tuple[int, ...]) -> NDArray[np.uint8]:
        width, height = self._size[::-1] if self._orientation in (5, 6, 7, 8) else self._size
        return np.empty((height, width, *channels), np.uint8)

    def _stored(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A view of the upright pixels in the order in which the file stores them."""
        if self._orientation in (2, 3, 6, 7):
            pixels = pixels[:, ::-1]
        if self._orientation in (3, 4, 7, 8):
            pixels = pixels[::-1]
        return pixels.swapaxes(0, 1) if self._orientation in (5, 6, 7, 8) else pixels


class _Bits:
    """One bit a pixel."""

    def __init__(self, size: tuple[int, int], orientation: int) -> None:
        self._width = size[0]
        self._orientation = orientation
        self._bits = np.empty((size[1], (size[0] + 7) // 8), np.uint8)

    def put(self, top: int, band: NDArray[np.uint8]) -> None:
        """See `Canvas.put`."""
        self._bits[top : top + len(band)] = np.packbits(band, axis=1)

    def finish(self, watch: Callable[[], None]) -> Bilevel:
        """See `Canvas.finish`."""
        return Bilevel(self._bits, self._width).upright(self._orientation, watch)


class _Reduction:
    """The mean over the area of each smaller pixel, while the large ones come by."""

    def __init__(self, size: tuple[int, int], small: tuple[int, int], orientation: int) -> None:
        self._width, height = small
        self._share = height / size[1]
        self._orientation = orientation
        self._sums = np.zeros((height, self._width), np.float32)

    def put(self, top: int, band: NDArray[np.uint8]) -> None:
        """See `Canvas.put`."""
        # Here and not at the top: OpenCV takes as long to load as all the rest.
        import cv2

        if self._sums.ndim == 2:
            band = _without_colour(band)
            if band.ndim == 3:
                self._sums = np.repeat(self._sums[:, :, np.newaxis], 3, axis=2)
        rows = len(band)
        narrow = cv2.resize(band, (self._width, rows), interpolation=cv2.INTER_AREA)
        if narrow.ndim < self._sums.ndim:
            narrow = narrow[:, :, np.newaxis]
        # Edges of the band's rows, measured in rows of the reduction.
        edges = np.arange(top, top + rows + 1) * self._share
        first, last = math.floor(edges[0]), min(math.ceil(edges[-1]), len(self._sums))
        places = np.arange(first, last)[:, np.newaxis]
        overlap = np.minimum(edges[1:], places + 1) - np.maximum(edges[:-1], places)
        weights = np.maximum(overlap, 0).astype(np.float32)
        self._sums[first:last] += np.tensordot(weights, narrow.astype(np.float32), axes=1)

    def finish(self, _watch: Callable[[], None]) -> NDArray[np.uint8]:
        """See `Canvas.finish`: C-contiguous."""
        np.rint(self._sums, out=self._sums)
        np.clip(self._sums, 0, 255, out=self._sums)
        return turn_upright(self._sums.astype(np.uint8), self._orientation)


def _without_colour(band: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return drop_colour(band) if band.ndim == 3 else band
