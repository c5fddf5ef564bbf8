"""``Bilevel``: a page of one bit a pixel, for scans that would not fit as bytes.

At 30,000 × 30,000 pixels the bits take 113 MB and bytes would take 900.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from ocrloom.errors import OcrOptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray

__all__ = ["Bilevel"]

_Cut: TypeAlias = "slice | tuple[slice, slice]"

# Pixels that are bytes at a time while a page is turned.
_BLOCK: Final = 1 << 22


class Bilevel:
    """An immutable page of black and white, which is cut like a read-only (H, W) uint8 array.

    ``page[top:bottom, left:right]`` gives a new C-contiguous uint8 array of 0 and 255 and
    ``numpy.asarray(page)`` the whole page, one byte a pixel.
    """

    __slots__ = ("_bits", "_width")

    ndim: Final = 2
    dtype: Final = np.dtype(np.uint8)
    """Of what cutting gives."""

    def __init__(self, bits: NDArray[np.uint8], width: int) -> None:
        """Takes the bits as they are, without a copy.

        Args:
            bits: (H, ⌈W / 8⌉) uint8, which must stay unchanged: eight pixels a byte, the
                leftmost in the highest bit, 1 is white. What is behind the width is ignored.
            width: W, in pixels.
        """
        if bits.ndim != 2 or bits.dtype != np.uint8 or bits.shape[1] != (width + 7) // 8:
            raise OcrOptionError(
                f"bits of {width} pixels a row must be uint8 of the shape (H, {(width + 7) // 8}),"
                f" got {bits.dtype} of {bits.shape}"
            )
        self._bits = bits.view()
        self._bits.flags.writeable = False
        self._width = width

    @property
    def bits(self) -> NDArray[np.uint8]:
        """What the page was made of: (H, ⌈W / 8⌉) uint8, read-only."""
        return self._bits

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._bits.shape[0], self._width

    @property
    def nbytes(self) -> int:
        """Bytes that the bits take."""
        return self._bits.nbytes

    def __len__(self) -> int:
        return int(self._bits.shape[0])

    def __getitem__(self, cut: _Cut) -> NDArray[np.uint8]:
        """A part of the page, (h, w) uint8 of 0 and 255, new and C-contiguous.

        Args:
            cut: ``top:bottom`` or ``top:bottom, left:right``, each with a positive step if any.

        Raises:
            OcrOptionError: It is something else.
        """
        rows, columns = cut if isinstance(cut, tuple) and len(cut) == 2 else (cut, slice(None))
        (top, bottom, down), (left, right, across) = (
            _limits(part, side) for part, side in zip((rows, columns), self.shape, strict=True)
        )
        first = left // 8
        some = np.unpackbits(self._bits[top:bottom:down, first : (right + 7) // 8], axis=1)
        # 1 becomes 255, as the negative of an unsigned byte.
        np.negative(some, out=some)
        return np.ascontiguousarray(some[:, left - 8 * first : right - 8 * first : across])

    def part(self, left: int, top: int, right: int, bottom: int) -> Bilevel:
        """A part of the page as a page of its own, again one bit a pixel.

        Args:
            left: First column.
            top: First row.
            right: The column behind the last one, over ``left`` and within the page.
            bottom: The row behind the last one, over ``top`` and within the page.
        """
        width, height = right - left, bottom - top
        bits = np.empty((height, (width + 7) // 8), np.uint8)
        step = max(1, _BLOCK // width)
        for row in range(0, height, step):
            end = min(row + step, height)
            some = self[slice(top + row, top + end), slice(left, right)]
            bits[row:end] = np.packbits(some, axis=1)
        return Bilevel(bits, width)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a page of one bit a pixel cannot become an array without a copy")
        pixels = self[:, :]
        return pixels if dtype is None else pixels.astype(dtype, copy=False)

    def turned(self, quarters: int) -> Bilevel:
        """The page turned clockwise.

        Args:
            quarters: Quarter turns, any whole number; negative ones turn the other way.
        """
        return self.upright((1, 6, 3, 8)[quarters % 4])

    def upright(self, orientation: int, checkpoint: Callable[[], None] = lambda: None) -> Bilevel:
        """The page as a viewer shows it.

        Args:
            orientation: TIFF or EXIF orientation, 1 to 8; other values are taken for 1.
            checkpoint: Called often meanwhile.
        """
        if orientation not in range(2, 9):
            return self
        height, width = self.shape if orientation < 5 else self.shape[::-1]
        bits = np.empty((height, (width + 7) // 8), np.uint8)
        # Whole bytes of rows and columns, so that no byte is unpacked twice.
        step = max(8, _BLOCK // width // 8 * 8)
        for top in range(0, height, step):
            checkpoint()
            bottom = min(top + step, height)
            # Mirrored top to bottom, rows come from the other end.
            place = (
                (height - bottom, height - top) if orientation in (3, 4, 7, 8) else (top, bottom)
            )
            part = self[:, slice(*place)].T if orientation > 4 else self[slice(*place)]
            if orientation in (3, 4, 7, 8):
                part = part[::-1]
            if orientation in (2, 3, 6, 7):
                part = part[:, ::-1]
            bits[top:bottom] = np.packbits(part, axis=1)
        return Bilevel(bits, width)

    def __reduce__(self) -> tuple[type[Bilevel], tuple[NDArray[np.uint8], int]]:
        return Bilevel, (self._bits, self._width)

    def __repr__(self) -> str:
        return f"Bilevel({self.shape[0]} × {self.shape[1]})"


def _limits(part: object, side: int) -> tuple[int, int, int]:
    if not isinstance(part, slice) or (part.step is not None and part.step < 1):
        raise OcrOptionError(
            "a page of one bit a pixel is cut as [top:bottom, left:right], steps forward, got"
            f" {part!r}; numpy.asarray gives all of it"
        )
    start, stop, step = part.indices(side)
    return start, max(start, stop), step
