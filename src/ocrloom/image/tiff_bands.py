"""Decoding large TIFF frames band by band.

Pillow decodes a frame whole. Here each few strips or rows of tiles become a TIFF of their own,
small and in memory, with those tags of the frame that tell how they are to be decoded.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, Self

import numpy as np

from ocrloom.errors import OcrImageTooLarge
from ocrloom.image.tiff_structure import Tag, write_tiff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ocrloom.image.tiff_structure import Entry, Ifd

__all__ = ["TiffBands"]

_UNCOMPRESSED: Final = 1
_JPEG: Final = 7
# None, CCITT, LZW, JPEG, deflate, PackBits, LZMA, Zstandard. Old-style JPEG keeps its tables
# outside of the strips.
_COMPRESSIONS: Final = frozenset({_UNCOMPRESSED, 2, 3, 4, 5, _JPEG, 8, 32773, 32946, 34925, 50000})

# Grey of both directions, RGB, palette, CMYK; YCbCr only as JPEG, which makes RGB of it itself.
_PHOTOMETRICS: Final = frozenset({0, 1, 2, 3, 5})
_YCBCR: Final = 6

# What tells, besides sizes and places, how the bytes of a strip become pixels: T4 and T6 options,
# predictor, palette, inks, extra samples, JPEG tables, YCbCr parameters.
_COPIED: Final = (
    *(Tag.BITS, Tag.COMPRESSION, Tag.PHOTOMETRIC, Tag.FILL_ORDER, Tag.SAMPLES, Tag.PLANAR),
    *(292, 293, 317, 320, 332, 334, 338, Tag.SAMPLE_FORMAT, 347, 529, 530, 531, 532),
)
_MAX_TAG: Final = 1 << 16
_LONG: Final = 4
_LONG8: Final = 16

# Bytes of the pixels that are decoded at a time, as Pillow holds them.
_BAND: Final = 1 << 22

# More bytes than this times its pixels no strip needs: CCITT may swell sixfold, others less. The
# headers of small ones are bounded by their number.
_SWELL: Final = 8
_SLACK: Final = 1 << 14
_MAX_PARTS: Final = 1 << 10
# libtiff's and Pillow's sizes of a strip are signed.
_MAX_PART: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TiffBands:
    """The strips or tiles of one frame, in groups that are decoded one at a time."""

    order: str
    """Byte order as `struct` has it."""
    entries: dict[int, Entry]
    """The tags that all bands share."""
    size: tuple[int, int]
    """Width and height of the frame as stored."""
    part: tuple[int, int]
    """Width and height of a strip or tile."""
    tiled: bool
    row_bytes: int
    """Bytes of a row of a strip or tile when it is decoded."""
    free: bool
    """Whether the frame can be cut between any two rows, as uncompressed strips can."""
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    """Where each strip or tile is in the file, and how many bytes of it are read."""

    @classmethod
    def of(cls, ifd: Ifd, size: tuple[int, int], what: str) -> Self | None:
        """The bands of a frame; None if it is of a kind that is better decoded whole.

        Args:
            ifd: The frame's tags.
            size: Its width and height as stored.
            what: The frame, for the message.

        Raises:
            OcrImageTooLarge: One strip or tile is more than any decoder takes.
        """
        tiled = Tag.TILE_OFFSETS in ifd
        part = _part(ifd, size)
        count = -(-size[0] // part[0]) * -(-size[1] // part[1]) if min(part) > 0 else 0
        if not count or not _is_simple(ifd) or size[0] > part[0] * _MAX_PARTS:
            return None
        offsets = ifd.table(Tag.TILE_OFFSETS if tiled else Tag.STRIP_OFFSETS)
        sizes = ifd.table(Tag.TILE_SIZES if tiled else Tag.STRIP_SIZES)
        entries = _entries(ifd)
        if offsets is None or sizes is None or entries is None:
            return None
        # A size of zero makes libtiff guess.
        if len(offsets) != count or len(sizes) != count or not sizes.all():
            return None
        bits = ifd.value(Tag.SAMPLES, 1) * max(ifd.values(Tag.BITS) or (1,))
        row_bytes = (part[0] * bits + 7) // 8
        most = row_bytes * part[1]
        raw = ifd.value(Tag.COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
        free = raw and not tiled
        if not free and most > _MAX_PART:
            raise OcrImageTooLarge(
                f"{what}: a strip or tile of {part[0]} × {part[1]} pixels is more than TIFF"
                " decoders take; save it with smaller strips"
            )
        return cls(
            order=ifd.order,
            entries=entries,
            size=size,
            part=part,
            tiled=tiled,
            row_bytes=row_bytes,
            free=free,
            offsets=offsets,
            # Of uncompressed tiles, what the file says is not asked by Pillow either.
            sizes=np.full(count, most) if raw else np.minimum(sizes, most * _SWELL + _SLACK),
        )

    def cost(self, pixel_bytes: int, canvas: int) -> int:
        """Bytes that decoding the frame takes.

        Args:
            pixel_bytes: Of one pixel, as Pillow holds it.
            canvas: Bytes that the whole frame's pixels take.
        """
        rows = min(self._rows(pixel_bytes), self.size[1])
        pixels = self.size[0] * rows * pixel_bytes
        if self.free:
            data, part = rows * self.row_bytes, 0
        else:
            firsts = np.arange(0, len(self.sizes), -(-rows // self.part[1]) * self._across)
            data = int(np.add.reduceat(self.sizes, firsts).max())
            # libtiff's buffer.
            part = self.row_bytes * self.part[1]
        decoding = max(2 * data, data + part + pixels)
        if rows == self.size[1]:
            return max(decoding, pixels + canvas)
        # A band of grey goes to NumPy in one piece, see `pour_picture`.
        return canvas + max(decoding, pixels * (4 if pixel_bytes == 1 else 1))

    def files(self, file: BinaryIO, pixel_bytes: int) -> Iterator[tuple[int, bytes]]:
        """Each band's first row and a TIFF file that holds the band.

        Args:
            file: What the frame is in.
            pixel_bytes: Of one pixel, as Pillow holds it.
        """
        step = self._rows(pixel_bytes)
        for top in range(0, self.size[1], step):
            bottom = min(top + step, self.size[1])
            yield top, self._tiff(bottom - top, self._data(file, top, bottom))

    @property
    def _across(self) -> int:
        """Strips or tiles beside each other."""
        return -(-self.size[0] // self.part[0])

    def _rows(self, pixel_bytes: int) -> int:
        """Rows of a band, but for the last."""
        rows = max(1, _BAND // (self.size[0] * pixel_bytes))
        if self.free:
            return rows
        return max(1, min(rows // self.part[1], _MAX_PARTS // self._across)) * self.part[1]

    def _data(self, file: BinaryIO, top: int, bottom: int) -> list[bytes]:
        """What a band's strips or tiles hold in the file; uncompressed, it becomes one strip."""
        if self.free:
            return [b"".join(self._read_rows(file, top, bottom))]
        return list(self._read_parts(file, top, bottom))

    def _read_rows(self, file: BinaryIO, top: int, bottom: int) -> Iterator[bytes]:
        while top < bottom:
            strip, row = divmod(top, self.part[1])
            rows = min(bottom - top, self.part[1] - row)
            file.seek(int(self.offsets[strip]) + row * self.row_bytes)
            yield file.read(rows * self.row_bytes)
            top += rows

    def _read_parts(self, file: BinaryIO, top: int, bottom: int) -> Iterator[bytes]:
        first = top // self.part[1] * self._across
        last = -(-bottom // self.part[1]) * self._across
        for index in range(first, last):
            file.seek(int(self.offsets[index]))
            yield file.read(int(self.sizes[index]))

    def _tiff(self, rows: int, parts: list[bytes]) -> bytes:
        entries = self.entries | {
            Tag.WIDTH: self._numbers(self.size[0]),
            Tag.HEIGHT: self._numbers(rows),
        }
        sizes = self._numbers(*map(len, parts))
        if self.tiled:
            entries[Tag.TILE_WIDTH] = self._numbers(self.part[0])
            entries[Tag.TILE_HEIGHT] = self._numbers(self.part[1])
            entries[Tag.TILE_SIZES] = sizes
            return write_tiff(self.order, entries, Tag.TILE_OFFSETS, parts)
        entries[Tag.ROWS_PER_STRIP] = self._numbers(rows if self.free else self.part[1])
        entries[Tag.STRIP_SIZES] = sizes
        return write_tiff(self.order, entries, Tag.STRIP_OFFSETS, parts)

    def _numbers(self, *values: int) -> Entry:
        return _LONG, len(values), struct.pack(f"{self.order}{len(values)}I", *values)


def _is_simple(ifd: Ifd) -> bool:
    """Whether strips stand for themselves and pixels for themselves, in at most 8 bits each."""
    compression = ifd.value(Tag.COMPRESSION, _UNCOMPRESSED)
    photometric = ifd.value(Tag.PHOTOMETRIC, 0)
    return (
        compression in _COMPRESSIONS
        and (photometric in _PHOTOMETRICS or (photometric, compression) == (_YCBCR, _JPEG))
        and ifd.value(Tag.PLANAR, 1) == 1
        and set(ifd.values(Tag.SAMPLE_FORMAT)) <= {1}
        and max(ifd.values(Tag.BITS) or (1,)) <= 8
        and (Tag.TILE_OFFSETS in ifd) != (Tag.STRIP_OFFSETS in ifd)
        and (Tag.TILE_OFFSETS in ifd) == (Tag.TILE_WIDTH in ifd)
    )


def _part(ifd: Ifd, size: tuple[int, int]) -> tuple[int, int]:
    if Tag.TILE_OFFSETS in ifd:
        return ifd.value(Tag.TILE_WIDTH, 0), ifd.value(Tag.TILE_HEIGHT, 0)
    return size[0], min(size[1], ifd.value(Tag.ROWS_PER_STRIP, size[1]))


def _entries(ifd: Ifd) -> dict[int, Entry] | None:
    """The tags to be copied; None if one is broken."""
    entries = {}
    for tag in _COPIED:
        if tag not in ifd:
            continue
        entry = ifd.entry(tag, _MAX_TAG)
        # 64-bit numbers are for BigTIFF only, and here always for what needs no 64 bits.
        if entry is None or entry[0] == _LONG8:
            return None
        entries[tag] = entry
    return entries
