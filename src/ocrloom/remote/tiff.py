"""Pixels as a TIFF without loss, which keeps the resolution exactly as other formats do not."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["tiff_of"]

# Bytes of pixels that are compressed together, so that not all need to be decoded at once.
_STRIP: Final = 1 << 20

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_SIZES: Final = {_SHORT: 2, _LONG: 4, _RATIONAL: 8}
_LARGEST: Final = 2**31  # of the two numbers of a resolution

_DEFLATE, _INCH = 8, 2
_GREY, _RGB = 1, 2


def tiff_of(pixels: NDArray[np.uint8], dpi: tuple[float, float] | None) -> bytes:
    """The file of one page.

    Args:
        pixels: uint8, grey as (H, W) or RGB as (H, W, 3).
        dpi: Horizontal and vertical dots per inch, if they are known.
    """
    height, width = pixels.shape[:2]
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows = max(1, _STRIP // (width * samples))
    strips = [
        zlib.compress(pixels[top : top + rows].tobytes(), 6) for top in range(0, height, rows)
    ]
    begins = [8]
    for strip in strips:
        # At even places, as the format wants them.
        begins.append(begins[-1] + len(strip) + len(strip) % 2)
    tags: dict[int, tuple[int, list[int]]] = {
        256: (_LONG, [width]),
        257: (_LONG, [height]),
        258: (_SHORT, [8] * samples),
        259: (_SHORT, [_DEFLATE]),
        262: (_SHORT, [_GREY if samples == 1 else _RGB]),
        273: (_LONG, begins[:-1]),
        277: (_SHORT, [samples]),
        278: (_LONG, [rows]),
        279: (_LONG, [len(strip) for strip in strips]),
    }
    if dpi is not None:
        tags[282], tags[283] = ((_RATIONAL, _ratio(each)) for each in dpi)
        tags[296] = _SHORT, [_INCH]
    body = b"".join(strip + b"\0" * (len(strip) % 2) for strip in strips)
    return struct.pack("<2sHI", b"II", 42, begins[-1]) + body + _directory(tags, begins[-1])


def _ratio(dpi: float) -> list[int]:
    """Two numbers whose ratio it is, as nearly as the format can say it."""
    nearest = Fraction(dpi).limit_denominator(int(_LARGEST / max(1.0, dpi)))
    return [nearest.numerator, nearest.denominator]


def _directory(tags: dict[int, tuple[int, list[int]]], begin: int) -> bytes:
    """The directory of a page, and behind it the values that it has no room for.

    Args:
        tags: By number: type and values, a rational one as two.
        begin: Where in the file it is put.
    """
    entries, behind = b"", b""
    after = begin + 2 + 12 * len(tags) + 4
    for tag, (kind, values) in tags.items():
        packed = struct.pack(f"<{len(values)}{'H' if kind == _SHORT else 'I'}", *values)
        number = len(packed) // _SIZES[kind]
        if len(packed) > 4:
            place = struct.pack("<I", after + len(behind))
            behind += packed + b"\0" * (len(packed) % 2)
            packed = place
        entries += struct.pack("<HHI", tag, kind, number) + packed.ljust(4, b"\0")
    return struct.pack("<H", len(tags)) + entries + b"\0" * 4 + behind
