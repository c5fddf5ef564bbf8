"""Makes image files for tests, by hand where Pillow cannot write a variant."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
import PIL.Image


def page(width: int = 40, height: int = 30) -> np.ndarray:
    """(H, W, 3) uint8 without symmetry: white with a red block, a grey ramp and a dark bar."""
    rgb = np.full((height, width, 3), 255, np.uint8)
    rgb[: height // 3, : width // 4] = (200, 30, 40)
    rgb[height // 2 : height // 2 + 4] = np.linspace(0, 255, width, dtype=np.uint8)[:, None]
    rgb[height - 6 :, width // 2 :] = 10
    return rgb


def grey_page(width: int = 40, height: int = 30) -> np.ndarray:
    """(H, W) uint8 from black to white."""
    ramp = np.linspace(0, 255, width * height, dtype=np.uint8).reshape(height, width)
    ramp[: height // 3, : width // 4] = 255
    return ramp


def encoded(picture: PIL.Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """What Pillow writes."""
    if isinstance(picture, np.ndarray):
        picture = PIL.Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pack_bits(values: np.ndarray, bits: int) -> bytes:
    """Rows of samples of any number of bits, most significant first, each row padded."""
    rows = []
    for row in values.reshape(values.shape[0], -1):
        digits = "".join(f"{int(value):0{bits}b}" for value in row)
        digits += "0" * (-len(digits) % 8)
        rows.append(int(digits, 2).to_bytes(len(digits) // 8, "big"))
    return b"".join(rows)


@dataclass
class TiffFrame:
    """One frame to be packed: its tags, numbers only, and the data of its strips or tiles."""

    width: int
    height: int
    parts: list[bytes]
    photometric: int = 1
    bits: int = 8
    samples: int = 1
    compression: int = 1
    sample_format: int = 1
    planar: int = 1
    tags: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    """Further tags, or other values: number to field type and values."""
    tile: tuple[int, int] | None = None
    rows_per_strip: int | None = None

    def fields(self, long: int) -> dict[int, tuple[int, tuple[int, ...]]]:
        """All tags but the offsets of the parts, whose places are not known yet."""
        found = {
            256: (4, (self.width,)),
            257: (4, (self.height,)),
            258: (3, (self.bits,) * self.samples),
            259: (3, (self.compression,)),
            262: (3, (self.photometric,)),
            277: (3, (self.samples,)),
            284: (3, (self.planar,)),
            339: (3, (self.sample_format,) * self.samples),
        }
        sizes = tuple(len(part) for part in self.parts)
        if self.tile:
            found |= {322: (4, self.tile[:1]), 323: (4, self.tile[1:]), 325: (long, sizes)}
        else:
            found |= {278: (4, (self.rows_per_strip or self.height,)), 279: (long, sizes)}
        return found | self.tags


_LETTERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 16: "Q"}


def tiff(
    *frames: TiffFrame, order: str = "<", big: bool = False, last_link: int | None = None
) -> bytes:
    """A TIFF or BigTIFF file. ``last_link`` points the last frame's link at a frame, from 1."""
    word, entry = ("Q", "HHQ") if big else ("I", "HHI")
    inline = 8 if big else 4
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HH", 8, 0) if big else b""
    body = bytearray(head) + bytes(inline)
    link_at, starts = len(head), []
    for frame in frames:
        offsets = []
        for part in frame.parts:
            offsets.append(len(body))
            body += part + b"\0" * (len(part) % 2)
        long = 16 if big else 4
        fields = frame.fields(long) | {324 if frame.tile else 273: (long, tuple(offsets))}
        table = bytearray()
        for tag, (kind, values) in sorted(fields.items()):
            data = struct.pack(order + _LETTERS[kind] * len(values), *values)
            count = len(values) // 2 if kind == 5 else len(values)
            if len(data) > inline:
                at = len(body)
                body += data + b"\0" * (len(data) % 2)
                data = struct.pack(order + word, at)
            table += struct.pack(order + entry, tag, kind, count) + data.ljust(inline, b"\0")
        start = len(body)
        starts.append(start)
        body[link_at : link_at + inline] = struct.pack(order + word, start)
        body += struct.pack(order + ("Q" if big else "H"), len(fields)) + table
        link_at = len(body)
        body += bytes(inline)
    if last_link is not None:
        body[link_at : link_at + inline] = struct.pack(order + word, starts[last_link - 1])
    return bytes(body)


def raw_frame(
    values: np.ndarray,
    *,
    order: str = "<",
    photometric: int = 1,
    planar: int = 1,
    deflate: bool = False,
    tags: dict[int, tuple[int, tuple[int, ...]]] | None = None,
    tile: tuple[int, int] | None = None,
) -> TiffFrame:
    """A frame of an array: (H, W) or (H, W, samples) of whatever dtype TIFF has."""
    height, width = values.shape[:2]
    samples = 1 if values.ndim == 2 else values.shape[2]
    stored = values.astype(values.dtype.newbyteorder(order))
    blocks = [stored]
    if planar == 2:
        blocks = [stored[:, :, sample] for sample in range(samples)]
    elif tile:
        blocks = _tiles(stored, *tile)
    parts = [np.ascontiguousarray(block).tobytes() for block in blocks]
    return TiffFrame(
        width=width,
        height=height,
        parts=[zlib.compress(part) for part in parts] if deflate else parts,
        photometric=photometric,
        bits=values.dtype.itemsize * 8,
        samples=samples,
        compression=8 if deflate else 1,
        sample_format={"u": 1, "i": 2, "f": 3}[values.dtype.kind],
        planar=planar,
        tags=tags or {},
        tile=tile,
    )


def _tiles(values: np.ndarray, width: int, height: int) -> list[np.ndarray]:
    tiles = []
    for top in range(0, values.shape[0], height):
        for left in range(0, values.shape[1], width):
            tile = np.zeros((height, width, *values.shape[2:]), values.dtype)
            part = values[top : top + height, left : left + width]
            tile[: part.shape[0], : part.shape[1]] = part
            tiles.append(tile)
    return tiles


def png(
    width: int, height: int, *, depth: int, colour: int, rows: bytes, extra: bytes = b""
) -> bytes:
    """A PNG of raw rows, each beginning with its filter byte; ``extra`` goes before the data."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + extra
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Length, kind, data and check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
