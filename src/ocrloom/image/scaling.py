"""Deep values (16 bits and more, floats) as grey levels of 0..255. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["bands", "scaling"]

# Values that are converted at a time: temporaries stay small beside the picture itself.
_BAND: Final = 1 << 18

# Depths that cameras and scanners deliver in larger containers.
_DEPTHS: Final = (8, 10, 12, 14, 16, 24, 32)


def scaling(
    dtype: np.dtype[Any], parts: Iterable[NDArray[Any]], *, invert: bool
) -> Callable[[NDArray[Any]], NDArray[np.uint8]]:
    """The function that makes grey levels of a frame's values; NaN, not measured, becomes white.

    Args:
        dtype: Of the values; 8-bit ones are taken as they are.
        parts: All values, if their range decides, in parts.
        invert: Whether values fall towards white.
    """
    if dtype == np.uint8:
        return _inverted if invert else np.asarray
    if dtype == np.bool_:
        return lambda values: np.multiply(values != invert, 255, dtype=np.uint8)
    # float32 has 24 bits, enough to round 16-bit values to 8.
    work = np.dtype(np.float32 if dtype.itemsize <= 2 or dtype == np.float32 else np.float64)
    floats = dtype.kind == "f"
    with np.errstate(all="ignore"):
        low, high = _extremes(parts, floats=floats)
        low = min(low, 0.0)
        factor = 255.0 / _white_of(high - low, floats=floats)

    def scaled(values: NDArray[Any]) -> NDArray[np.uint8]:
        with np.errstate(all="ignore"):
            part: NDArray[Any] = (values.astype(work) - work.type(low)) * work.type(factor)
            grey = np.rint(np.clip(np.nan_to_num(part, nan=0.0, posinf=255.0), 0, 255))
            pixels: NDArray[np.uint8] = (255 - grey if invert else grey).astype(np.uint8)
        if floats:
            pixels[np.isnan(values)] = 255
        return pixels

    return scaled


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """The rows of an array of this shape in bands that are small beside a large one."""
    values = 1
    for side in shape[1:]:
        values *= side
    rows = max(1, _BAND // max(1, values))
    for top in range(0, shape[0], rows):
        yield slice(top, min(top + rows, shape[0]))


def _inverted(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.subtract(255, values, dtype=np.uint8)


def _white_of(top: float, *, floats: bool) -> float:
    """The value that stands for white, which the data does not say.

    Scaling by the brightest pixel would make a dark page bright and a grey one white, differently
    on each page. Scaling by the container makes 12-bit data in 16 bits nearly black. So the
    smallest depth that sensors have and that holds the brightest pixel is taken.

    Args:
        top: The brightest value, after a shift to make negative ones zero.
        floats: Floats up to 1 have white at 1. A little more is let through, because a filter's
            overshoot or a shift of -1..1 must not turn a picture into 8-bit values that are black.
    """
    if floats and top <= 2:
        return max(1.0, top)
    for bits in _DEPTHS:
        if top <= 2**bits - 1:
            return float(2**bits - 1)
    return top


def _extremes(parts: Iterable[NDArray[Any]], *, floats: bool) -> tuple[float, float]:
    """The lowest and the highest finite value; 0 and 0 if there is none."""
    low, high = np.inf, -np.inf
    for values in parts:
        part = values[np.isfinite(values)] if floats else values
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    return (low, high) if low <= high else (0.0, 0.0)
