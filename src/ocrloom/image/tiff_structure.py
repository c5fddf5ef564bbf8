"""The structure of TIFF files: the chain of frames and what each frame says about itself.

Ours and not Pillow's, because it is needed before and around decoding: how many frames there are
without the risk of walking in circles, how large one is before memory is reserved for it, and the
few variants that Pillow decodes wrongly without a word.
"""

from __future__ import annotations

import io
import struct
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

import numpy as np

from ocrloom.errors import OcrDamagedImage, OcrImageTooLarge
from ocrloom.image.watch import WatchedFile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["Chain", "Entry", "Ifd", "PatchedFile", "Tag", "write_tiff"]

Entry: TypeAlias = tuple[int, int, bytes]
"""What a tag has: field type, number of values and the values."""

# Field types: struct letter and size. 2 and 7 are bytes; floats are no measure of ours.
_TYPES: Final = {
    1: ("B", 1),
    3: ("H", 2),
    4: ("I", 4),
    5: ("II", 8),
    8: ("h", 2),
    9: ("i", 4),
    16: ("Q", 8),
}

_SIZES: Final = {kind: size for kind, (_, size) in _TYPES.items()} | {2: 1, 7: 1}

# No tag of which `Ifd.values` is asked has more; a count of billions in a broken file is not
# followed.
_MAX_VALUES: Final = 16
_MAX_PARTS: Final = 1 << 20


class Tag:
    """Numbers of the tags that are read here."""

    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_SIZES = 279
    X_RESOLUTION = 282
    Y_RESOLUTION = 283
    PLANAR = 284
    RESOLUTION_UNIT = 296
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_SIZES = 325
    SAMPLE_FORMAT = 339


class Chain:
    """Where the frames of a TIFF file are, found by following each frame's link to the next."""

    def __init__(self, file: BinaryIO, name: str, max_frames: int) -> None:
        head = file.read(16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = struct.unpack_from(self.order + "H", head, 2)[0] == 43
        self.link_at = 8 if self.big else 4
        self.link_format = self.order + ("Q" if self.big else "I")
        self.offsets: list[int] = []
        self.problem: str | None = None
        """Why the chain ends without its regular end: a frame more than can be found."""
        self._follow(file, name, max_frames)
        if not self.offsets:
            raise OcrDamagedImage(
                f"{name}: expected a TIFF image, found none: {self.problem or 'no first frame'};"
                " get or save the file again"
            )

    @property
    def is_big_endian_bigtiff(self) -> bool:
        """The one kind of header that Pillow takes for another."""
        return self.big and self.order == ">"

    def _follow(self, file: BinaryIO, name: str, max_frames: int) -> None:
        size = file.seek(0, io.SEEK_END)
        seen: set[int] = set()
        offset = self._number(file, self.link_at, self.link_format)
        while offset:
            if offset in seen:
                self.problem = "the link to it leads back to an earlier frame"
                return
            if offset is None or offset + 2 > size:
                self.problem = "the link to it leads behind the end of the file"
                return
            if len(seen) == max_frames:
                raise OcrImageTooLarge(
                    f"{name}: more frames than the limit of {max_frames}; if that is right,"
                    " raise it with Limits(max_frames=…) or --max-frames"
                )
            seen.add(offset)
            self.offsets.append(offset)
            offset = self._next(file, offset)

    def _next(self, file: BinaryIO, offset: int) -> int | None:
        count = self._number(file, offset, self.order + ("Q" if self.big else "H"))
        if count is None:
            return None
        entries = offset + (8 + 20 * count if self.big else 2 + 12 * count)
        return self._number(file, entries, self.link_format)

    @staticmethod
    def _number(file: BinaryIO, at: int, form: str) -> int | None:
        size = struct.calcsize(form)
        # Files cannot be longer, and seek() refuses more.
        if at > 2**62:
            return None
        file.seek(at)
        data = file.read(size)
        return int(struct.unpack(form, data)[0]) if len(data) == size else None


class Ifd:
    """The tags of one frame."""

    def __init__(self, file: BinaryIO, chain: Chain, number: int) -> None:
        self._file = file
        self.order = chain.order
        self._inline = 8 if chain.big else 4
        self._entries: dict[int, tuple[int, int, int]] = {}
        """Tag: type, count, position of the value or of the offset to it."""
        self._repeated: set[int] = set()
        offset = chain.offsets[number - 1]
        file.seek(offset)
        width = 8 if chain.big else 2
        count = int.from_bytes(file.read(width), "little" if chain.order == "<" else "big")
        form = chain.order + ("HHQ" if chain.big else "HHI")
        step = 20 if chain.big else 12
        # 65535 is all that classic TIFF can hold; BigTIFF's field goes on for ever.
        table = file.read(min(count, 0xFFFF) * step)
        for index in range(len(table) // step):
            tag, kind, values = struct.unpack_from(form, table, index * step)
            at = offset + width + index * step + struct.calcsize(form)
            if tag in self._entries:
                self._repeated.add(tag)
            self._entries[tag] = (kind, values, at)

    def values(self, tag: int) -> tuple[int, ...]:
        """The values of a tag (fractions as two numbers each); empty if absent or unreadable."""
        kind, count, at = self._entries.get(tag, (0, 0, 0))
        letters, size = _TYPES.get(kind, ("", 0))
        count = min(count, _MAX_VALUES)
        data = self._bytes(kind, count, at) if letters and count else None
        if data is None:
            return ()
        if len(data) < count * size:
            return (0,)
        return struct.unpack(self.order + letters * count, data)

    def value(self, tag: int, default: int) -> int:
        """The first value of a tag, or the default."""
        return next(iter(self.values(tag)), default)

    def claims(self, tag: int) -> tuple[int, ...]:
        """All that decoders may take for a tag's value; 0 stands for what is not known here."""
        values = self.values(tag)
        # Of two tags libtiff takes the first, others the last; and there are types unknown here.
        clear = tag not in self._entries or (len(values) == 1 and tag not in self._repeated)
        return values if clear else (*values, 0)

    def table(self, tag: int) -> NDArray[np.int64] | None:
        """The values of a tag that has one for each strip or tile; None if there are none.

        Nor if they are broken, or more than a million.
        """
        kind, count, at = self._entries.get(tag, (0, 0, 0))
        if kind not in (3, 4, 16) or not 0 < count <= _MAX_PARTS:
            return None
        data = self._bytes(kind, count, at)
        form = np.dtype(self.order + {3: "u2", 4: "u4", 16: "u8"}[kind])
        if data is None or len(data) != count * form.itemsize:
            return None
        found = np.frombuffer(data, form)
        return found.astype(np.int64) if found.max() < 2**62 else None

    def entry(self, tag: int, most: int) -> Entry | None:
        """A tag as it is; None if it is absent, broken or longer than ``most`` bytes."""
        kind, count, at = self._entries.get(tag, (0, 0, 0))
        size = _SIZES.get(kind, 0)
        if not 0 < count * size <= most:
            return None
        data = self._bytes(kind, count, at)
        return (kind, count, data) if data is not None and len(data) == count * size else None

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def patch(self, tag: int, value: int) -> dict[int, bytes]:
        """What to write where, so that a tag whose value stands inline has another value."""
        kind, count, at = self._entries.get(tag, (0, 0, 0))
        if kind not in (1, 3, 4) or count != 1:
            return {}
        letters, _ = _TYPES[kind]
        return {at: struct.pack(self.order + letters, value)}

    def resolution(self) -> tuple[float, float] | None:
        """Horizontal and vertical dots per inch as stored, however odd; None without a unit."""
        across, down = self.values(Tag.X_RESOLUTION), self.values(Tag.Y_RESOLUTION)
        # The default unit is the inch.
        unit = {2: 1.0, 3: 2.54}.get(self.value(Tag.RESOLUTION_UNIT, 2))
        if unit is None or len(across) != 2 or len(down) != 2 or not (across[1] and down[1]):
            return None
        return across[0] / across[1] * unit, down[0] / down[1] * unit

    def _bytes(self, kind: int, count: int, at: int) -> bytes | None:
        """The bytes of a tag's values, fewer if the file ends; None if no file is so long."""
        size = count * _SIZES[kind]
        if size > self._inline:
            self._file.seek(at)
            word = self._file.read(self._inline)
            at = int.from_bytes(word, "little" if self.order == "<" else "big")
        if at > 2**62:
            return None
        self._file.seek(at)
        return self._file.read(size)


class PatchedFile(WatchedFile):
    """A file that reads as if some of its bytes were others; the original stays as it is.

    Pillow finds a frame only by way of all frames before it, so one broken frame would hide the
    rest; with the header's link patched, the wanted frame is the first. libtiff, which Pillow
    calls for compressed data, reads the original by file descriptor or by ``getvalue`` and gets
    the frame's position from Pillow.
    """

    def __init__(
        self, file: BinaryIO, patches: Mapping[int, bytes], watch: Callable[[], None]
    ) -> None:
        super().__init__(file, watch)
        self._patches = patches

    def read(self, size: int = -1) -> bytes:
        """Like the file's ``read``, with the patches."""
        start = self._file.tell()
        data = super().read(size)
        for at, patch in self._patches.items():
            low, high = max(at, start), min(at + len(patch), start + len(data))
            if low < high:
                data = data[: low - start] + patch[low - at : high - at] + data[high - start :]
        return data


def write_tiff(order: str, entries: Mapping[int, Entry], places: int, parts: list[bytes]) -> bytes:
    """A TIFF file of one frame.

    Args:
        order: Byte order as `struct` has it.
        entries: The frame's tags, all but the one for the places of its strips or tiles.
        places: That tag.
        parts: The data of the strips or tiles.
    """
    sizes = [len(part) for part in parts]
    ends = list(accumulate(sizes))

    def located(start: int) -> Entry:
        numbers = (start + end - size for end, size in zip(ends, sizes, strict=True))
        return 4, len(parts), struct.pack(f"{order}{len(parts)}I", *numbers)

    found = {**entries, places: located(0)}
    at = 14 + 12 * len(found)
    long = sum(len(data) for _, _, data in found.values() if len(data) > 4)
    found[places] = located(at + long)
    table, values = [], []
    for tag, (kind, count, data) in sorted(found.items()):
        inline = data.ljust(4, b"\0")
        if len(data) > 4:
            values.append(data)
            inline = struct.pack(order + "I", at)
            at += len(data)
        table.append(struct.pack(order + "HHI", tag, kind, count) + inline)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(found))
    return b"".join([head, *table, bytes(4), *values, *parts])
