"""Pictures as pages of a PDF, their encoded bytes kept where a PDF can hold them.

JPEG, JPEG 2000 and PNG go in as they are, of TIFF a JPEG too and CCITT as Group 4, by img2pdf. What
it would not place as a viewer shows it (transparency, colours of printing inks without a profile,
interlaced PNG, other kinds of TIFF, and formats that PDF does not know) is decoded by our own
readers and stored without loss.

These functions run in a helper process, where a decoder may crash, hang or take too much memory.
"""

from __future__ import annotations

import io
import logging
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import img2pdf
import numpy as np
import pikepdf
import PIL.Image
from pikepdf import Dictionary, Name
from PIL import JpegImagePlugin, PngImagePlugin

from ocrloom.image import Image
from ocrloom.image.bilevel import Bilevel
from ocrloom.image.formats import HEAD_SIZE, Format, sniff
from ocrloom.image.guard import guard, quiet
from ocrloom.image.output import Outline, outline_of
from ocrloom.image.source import shown
from ocrloom.image.tiff_structure import Chain, Ifd, Tag, write_tiff
from ocrloom.pdf.fax import join_strips
from ocrloom.pdf.layer import LAYER_FONT
from ocrloom.pdf.sizes import page_size
from ocrloom.pdf.writing import writing
from ocrloom.scheduling.helpers import available

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from ocrloom.image.lazy import Pixels
    from ocrloom.pdf.plan import Given

__all__ = ["encode", "place"]

# A frame knows how a viewer shows it, whatever its pixels are.
_NO_PIXELS: Final = np.zeros((1, 1), np.uint8)

_LOG = logging.getLogger(__name__)

# How the unit square of a picture comes to lie on a page of width w and height h, for each TIFF
# orientation: the factors of w and h in the six numbers of the matrix.
_TURNS: Final = {
    1: ((1, 0), (0, 0), (0, 0), (0, 1), (0, 0), (0, 0)),
    2: ((-1, 0), (0, 0), (0, 0), (0, 1), (1, 0), (0, 0)),
    3: ((-1, 0), (0, 0), (0, 0), (0, -1), (1, 0), (0, 1)),
    4: ((1, 0), (0, 0), (0, 0), (0, -1), (0, 0), (0, 1)),
    5: ((0, 0), (0, -1), (-1, 0), (0, 0), (1, 0), (0, 1)),
    6: ((0, 0), (0, -1), (1, 0), (0, 0), (0, 0), (0, 1)),
    7: ((0, 0), (0, 1), (1, 0), (0, 0), (0, 0), (0, 0)),
    8: ((0, 0), (0, 1), (-1, 0), (0, 0), (1, 0), (0, 0)),
}
_PAGE: Final = 72.0
_QUALITY: Final = 90  # of JPEG: no difference can be seen, and OCR finds none
_COMPRESSION: Final = 5  # of PNG: a third quicker than 6, for 2 % more bytes of a scan
_CCITT: Final = frozenset({2, 3, 4})
_GROUP4: Final = 4
_GROUP4_OPTIONS: Final = 293
_LOW_BIT_FIRST: Final = 2
_MOST_JOINED: Final = 8 * 1024**2  # bytes of strips: to join them takes 32 times as many
_JPEG: Final = 7
_JPEG_TABLES: Final = 347
_YCBCR: Final = 6
# What tells how CCITT data is to be decoded, the options of T.4 and T.6 included.
_FAX_TAGS: Final = (
    *(Tag.WIDTH, Tag.HEIGHT, Tag.BITS, Tag.COMPRESSION, Tag.PHOTOMETRIC, Tag.FILL_ORDER),
    *(Tag.SAMPLES, Tag.ROWS_PER_STRIP, Tag.STRIP_SIZES, 292, _GROUP4_OPTIONS),
)
_MOST_TAG: Final = 1 << 16
"""Bytes of a tag that tells how data is to be decoded; a few are usual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A picture as it is stored in a PDF, and how a viewer shows it."""

    pdf: bytes
    """A PDF of one page that shows it."""
    size: tuple[int, int]
    """Width and height in pixels as a viewer shows it."""
    dpi: tuple[float, float] | None
    """Horizontal and vertical resolution as a viewer shows it, if one is stated."""
    orientation: int = 1
    """TIFF orientation of what is stored."""


def place(
    given: Given, number: int, size: tuple[float, float] | None, layer: bytes, target: Path
) -> tuple[float, float]:
    """Writes a PDF of one page with one picture.

    Args:
        given: The source of the picture.
        number: Place of the picture in the source, from 1.
        size: Width and height of the page in points; by its resolution if not given.
        layer: Content that the page begins with.
        target: The file to write.

    Returns:
        Width and height of the page in points.

    Raises:
        OcrImageError: The picture can neither be kept nor decoded.
        OcrOutputError: The file cannot be written.
    """
    with guard(f"{shown(given.name)}, frame {number}", "image"):
        stored = _kept(given, number) or _drawn(given, number)
    size = size or page_size(*stored.size, stored.dpi)
    matrix = " ".join(
        f"{a * size[0] + b * size[1]:.4f}" for a, b in _TURNS.get(stored.orientation, _TURNS[1])
    )
    with pikepdf.Pdf.new() as pdf, pikepdf.open(io.BytesIO(stored.pdf)) as source:
        picture = next(iter(source.pages[0].Resources.XObject.as_dict().values()))
        pdf.add_blank_page(page_size=size)
        page = pdf.pages[0].obj
        page.Resources = Dictionary(XObject=Dictionary(Im0=pdf.copy_foreign(picture)))
        if layer:
            # In its place comes the document's font.
            blank = pdf.make_indirect(Dictionary(Type=Name.Font))
            page.Resources.Font = Dictionary({f"/{LAYER_FONT}": blank})
        page.Contents = pdf.make_stream(layer + f"q {matrix} cm /Im0 Do Q\n".encode("ascii"))
        with writing(target):
            pdf.save(target, compress_streams=True)
    return size


def _kept(given: Given, number: int) -> _Stored | None:
    """The picture with its encoded bytes; None where it must be decoded."""
    with given.path.open("rb") as file:
        known = sniff(file.read(HEAD_SIZE), given.name)
        file.seek(0)
        try:
            return _READERS[known](file, given, number) if known in _READERS else None
        except Exception:  # noqa: BLE001  # whatever it is that they cannot do, we decode it
            _LOG.debug("%s, frame %d: its bytes are not kept", given.name, number, exc_info=True)
            return None


def _kept_jpeg(file: BinaryIO, given: Given, number: int) -> _Stored | None:
    picture = JpegImagePlugin.JpegImageFile(file)
    inks = picture.mode == "CMYK" and not (
        "adobe" in picture.info and "icc_profile" in picture.info
    )
    return None if inks else _kept_file(file, picture, number)


def _kept_jpeg2000(file: BinaryIO, given: Given, number: int) -> _Stored | None:
    from PIL import Jpeg2KImagePlugin

    picture = Jpeg2KImagePlugin.Jpeg2KImageFile(file)
    return _kept_file(file, picture, number) if picture.mode in ("L", "RGB") else None


def _kept_png(file: BinaryIO, given: Given, number: int) -> _Stored | None:
    picture = PngImagePlugin.PngImageFile(file)
    if picture.info.get("interlace") or picture.has_transparency_data:
        return None
    # What it says of its orientation may stand behind the pixels.
    picture.load()
    return _kept_file(file, picture, number)


def _kept_file(file: BinaryIO, picture: Any, number: int) -> _Stored:  # noqa: ANN401  # of many classes
    outline = outline_of(picture, number, fit=None)
    file.seek(0)
    return _stored(file.read(), outline)


def _kept_tiff(file: BinaryIO, given: Given, number: int) -> _Stored | None:
    """CCITT data, whatever its strips are, and a JPEG that is one strip."""
    chain = Chain(file, given.name or "the image", given.limits.max_frames)
    ifd = Ifd(file, chain, number)
    parts = _strips(file, ifd)
    if not parts:
        return None
    if _is_fax(ifd):
        data = _fax(chain.order, ifd, parts)
    elif _is_jpeg(ifd) and len(parts) == 1:
        _, _, tables = ifd.entry(_JPEG_TABLES, _MOST_TAG) or (0, 0, b"")
        # Both begin with a marker and end with another one.
        data = parts[0][:2] + tables[2:-2] + parts[0][2:]
    else:
        return None
    outline = Outline(
        number=number,
        size=(ifd.value(Tag.WIDTH, 0), ifd.value(Tag.HEIGHT, 0)),
        dpi=ifd.resolution(),
        orientation=ifd.value(Tag.ORIENTATION, 1),
    )
    return _stored(data, outline)


def _strips(file: BinaryIO, ifd: Ifd) -> list[bytes]:
    """The strips of a frame; none if it has tiles or is broken."""
    sizes, offsets = ifd.table(Tag.STRIP_SIZES), ifd.table(Tag.STRIP_OFFSETS)
    if Tag.TILE_WIDTH in ifd or sizes is None or offsets is None or len(sizes) != len(offsets):
        return []
    # Strips that lie over each other could add up to any number of bytes.
    if sizes.min() < 0 or sizes.sum() > file.seek(0, io.SEEK_END):
        return []
    parts = []
    for offset, size in zip(offsets.tolist(), sizes.tolist(), strict=True):
        file.seek(offset)
        parts.append(file.read(size))
    return parts


def _fax(order: str, ifd: Ifd, parts: list[bytes]) -> bytes:
    """A file of CCITT data, of one strip where its strips need no decoding to be one."""
    entries = {tag: found for tag in _FAX_TAGS if (found := ifd.entry(tag, _MOST_TAG))}
    plain = ifd.value(Tag.COMPRESSION, 1) == _GROUP4 and not ifd.value(_GROUP4_OPTIONS, 0)
    if plain and len(parts) > 1 and sum(map(len, parts)) <= _MOST_JOINED:
        backwards = ifd.value(Tag.FILL_ORDER, 1) == _LOW_BIT_FIRST
        whole = join_strips(parts, ifd.value(Tag.WIDTH, 0), reverse=backwards)
        if whole is not None:
            # One strip has all rows if nothing is said.
            for tag in (Tag.FILL_ORDER, Tag.ROWS_PER_STRIP):
                entries.pop(tag, None)
            entries[Tag.STRIP_SIZES] = (4, 1, struct.pack(order + "I", len(whole)))
            parts = [whole]
    return write_tiff(order, entries, Tag.STRIP_OFFSETS, parts)


def _is_fax(ifd: Ifd) -> bool:
    plain = ifd.value(Tag.BITS, 1) == 1 and ifd.value(Tag.SAMPLES, 1) == 1
    return (
        plain
        and ifd.value(Tag.COMPRESSION, 1) in _CCITT
        and ifd.value(Tag.PHOTOMETRIC, 0) in (0, 1)
    )


def _is_jpeg(ifd: Ifd) -> bool:
    """Whether it is a JPEG of greys or of the colours that JPEGs have if they say nothing else."""
    colours = ifd.value(Tag.SAMPLES, 1), ifd.value(Tag.PHOTOMETRIC, 0)
    return ifd.value(Tag.COMPRESSION, 1) == _JPEG and colours in ((1, 1), (3, _YCBCR))


_READERS: Final = {
    Format.JPEG: _kept_jpeg,
    Format.JPEG2000: _kept_jpeg2000,
    Format.PNG: _kept_png,
    Format.TIFF: _kept_tiff,
}


def _stored(data: bytes, outline: Outline) -> _Stored:
    frame = outline.frame(_NO_PIXELS)
    return _Stored(
        pdf=_placed(data), size=frame.full_size, dpi=frame.dpi, orientation=outline.orientation
    )


def _drawn(given: Given, number: int) -> _Stored:
    """The picture decoded, and stored again without loss.

    Raises:
        OcrImageError: It cannot be decoded.
    """
    with Image.load(given.path, limits=given.limits).open() as reader:
        frame = reader.read(number)
    return _Stored(pdf=_placed(encode(frame.pixels)), size=frame.full_size, dpi=frame.dpi)


def encode(pixels: Pixels, *, dpi: tuple[float, float] | None = None, small: bool = False) -> bytes:
    """The file of a picture, such as `place` keeps as small as it is.

    Args:
        pixels: Of a frame.
        dpi: The resolution that the file is to state.
        small: Whether what has colours or greys may lose a little of them.
    """
    picture = _picture_of(pixels)
    stated = {} if dpi is None else {"dpi": dpi}
    buffer = io.BytesIO()
    if picture.mode == "1":
        # Of pictures in black and white img2pdf makes Group 4, if they are no PNG.
        picture.save(buffer, "TIFF", **stated)
    elif small:
        picture.save(buffer, "JPEG", quality=_QUALITY, **stated)
    else:
        picture.save(buffer, "PNG", compress_level=_COMPRESSION, **stated)
    return buffer.getvalue()


def _picture_of(pixels: Pixels) -> PIL.Image.Image:
    if isinstance(pixels, Bilevel):
        height, width = pixels.shape
        bits = pixels.bits.tobytes()
        return PIL.Image.frombytes("1", (width, height), bits, "raw", "1")
    picture = PIL.Image.fromarray(pixels)
    if picture.mode == "L" and not sum(picture.histogram()[1:255]):
        return picture.convert("1", dither=PIL.Image.Dither.NONE)
    return picture


def _placed(data: bytes) -> bytes:
    """A PDF of one page by img2pdf; the size of the page is of no account."""
    if available():
        # Then this is a helper, whose limits are ours: the size was compared with the user's.
        PIL.Image.MAX_IMAGE_PIXELS = None
    with quiet():
        made = img2pdf.convert(
            data,
            engine=img2pdf.Engine.pikepdf,
            rotation=img2pdf.Rotation.none,
            first_frame_only=True,
            nodate=True,
            layout_fun=lambda *_: (_PAGE, _PAGE, _PAGE, _PAGE),
        )
    assert isinstance(made, bytes)  # noqa: S101  # no stream was given
    return made
