"""Small facts from headers that Pillow tells too late, too dearly or wrongly."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

__all__ = ["GifScan", "jpeg2000_tile", "jpeg_is_sequential", "scan_gif", "webp_size"]


def webp_size(head: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP file; None if its header is cut short or not one.

    Pillow tells them only after its decoder has reserved memory for them.
    """
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        width, height = head[24:27] + b"\0", head[27:30] + b"\0"
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(head) >= 30:
        width_field, height_field = struct.unpack_from("<HH", head, 26)
        return width_field & 0x3FFF, height_field & 0x3FFF
    return None


class GifScan(NamedTuple):
    """What a GIF's blocks claim."""

    frames: int
    """Frames, at most one more than asked for."""
    width: int
    """Pixels; the screen's, or as far right as a frame reaches."""
    height: int


def scan_gif(file: BinaryIO, max_frames: int) -> GifScan:
    """Walk over a GIF's blocks without decoding, from its beginning.

    Pillow enlarges the picture while it seeks, when a frame reaches over the screen, and counts
    frames without a bound; here both are known before.

    Raises:
        struct.error: The file ends within the header.
        IndexError: The same.
    """
    file.seek(0)
    header = file.read(13)
    width, height = struct.unpack_from("<HH", header, 6)
    _skip_palette(file, header[10])
    count = 0
    while count <= max_frames:
        kind = file.read(1)
        if kind in (b"", b";"):
            break
        if kind == b"!":
            file.read(1)
            _skip_blocks(file)
        elif kind == b",":
            descriptor = file.read(9)
            count += 1
            # A frame that is cut short is counted, so that reading it says so.
            if len(descriptor) < 9:
                break
            left, top, across, down = struct.unpack_from("<HHHH", descriptor)
            width, height = max(width, left + across), max(height, top + down)
            _skip_palette(file, descriptor[8])
            file.read(1)
            _skip_blocks(file)
    return GifScan(count, width, height)


def _skip_palette(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << (flags & 7) + 1, 1)


def _skip_blocks(file: BinaryIO) -> None:
    while (size := file.read(1)) not in (b"", b"\0"):
        file.seek(size[0], 1)


def jpeg_is_sequential(file: BinaryIO, components: int) -> bool:
    """Whether a JPEG's first scan holds all components, so that rows can be decoded one by one.

    Args:
        file: Standing behind the header of the first scan, where Pillow leaves it; it will again.
        components: How many the image has.
    """
    place = file.tell()
    size = 6 + 2 * components
    file.seek(max(0, place - size - 2))
    header = file.read(5)
    file.seek(place)
    return header == b"\xff\xda" + struct.pack(">HB", size, components)


def jpeg2000_tile(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height of the tiles of a JPEG 2000 file; None if they are not found."""
    at = _codestream(file)
    if at is None:
        return None
    file.seek(at)
    sizes = file.read(40)
    return struct.unpack_from(">II", sizes, 24) if len(sizes) == 40 else None


def _codestream(file: BinaryIO) -> int | None:
    """Where the codestream of a JPEG 2000 file begins, by a walk over a few boxes."""
    at = 0
    for _ in range(100):
        file.seek(at)
        head = file.read(16)
        if head[:4] == b"\xff\x4f\xff\x51":
            return at
        if len(head) < 16:
            return None
        size, kind = struct.unpack_from(">I4s", head)
        start = 8
        if size == 1:
            (size,), start = struct.unpack_from(">Q", head, 8), 16
        # 0 is for the last box, which ends with the file.
        step = start if kind == b"jp2c" else size
        if step < start or at + step > 2**62:
            return None
        at += step
    return None
