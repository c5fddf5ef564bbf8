"""What decoding a frame takes in memory, known from its headers. Pure.

The figures are what Pillow and its libraries were seen to hold; tests compare them with the truth.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from ocrloom.image.formats import Format
from ocrloom.image.headers import jpeg2000_tile, jpeg_is_sequential
from ocrloom.image.pixels import is_large, is_plain

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import NDArray

    from ocrloom.image.output import Outline

__all__ = [
    "SLACK",
    "animation_cost",
    "array_cost",
    "canvas_cost",
    "file_cost",
    "file_size",
    "is_grey",
    "picture_cost",
    "pillow_bytes",
]

# Bands of 2**18 values in several copies, and whatever else has no name.
_BAND: Final = 1 << 18
_BESIDE: Final = 32
SLACK: Final = 2 << 20
"""Bytes of what no formula knows: tables, buffers and blocks of the allocator."""
# OpenCV's threads, and their parts of a band.
_OPENCV: Final = 8 << 20

# Pixels in smaller modes than four bytes.
_SMALL_MODES: Final = {"1": 1, "L": 1, "P": 1}
_GREY_MODES: Final = frozenset({"1", "L", "I", "F"})

# Pillow's decoders in Python hold all values in a growing bytearray, and then a copy of it; the one
# for plain text also the numbers of a megabyte, each as an object.
_PYTHON: Final = {"bmp_rle": 2.3, "ppm": 2.3, "ppm_plain": 4.3}
_NUMBERS: Final = 28 << 20


def pillow_bytes(mode: str) -> int:
    """Bytes of a pixel in a Pillow image."""
    return 2 if mode.startswith("I;16") else _SMALL_MODES.get(mode, 4)


def canvas_cost(outline: Outline, *, grey: bool, bilevel: bool = False) -> int:
    """Bytes of the frame's pixels while they are put together, and of a few bands.

    Args:
        outline: The frame.
        grey: Whether it can have no colour.
        bilevel: Whether it is only black and white.
    """
    pixels = outline.size[0] * outline.size[1]
    beside = min(pixels, _BAND) * _BESIDE + SLACK
    if outline.target != outline.size:
        # Sums in float32, and their copy in bytes and turned; twice while colour appears.
        sums = outline.target[0] * outline.target[1] * (6 if grey else 18)
        return sums + beside + _OPENCV
    if bilevel and is_large(outline.size):
        bits = (outline.size[0] + 7) // 8 * outline.size[1]
        return bits * (1 if outline.orientation in (0, 1) else 2) + beside
    if grey:
        # A frame that is not large comes from Pillow in one piece, which takes copies.
        return pixels + beside if is_large(outline.size) else 3 * pixels + SLACK
    # Colour may appear in the last band, when grey has been put together.
    return pixels * 4 + beside


def array_cost(array: NDArray[Any], outline: Outline) -> int:
    """Bytes that making a frame of an array takes beside the array."""
    pixels = outline.size[0] * outline.size[1]
    grey = array.shape[2:] in ((), (1,))
    if is_plain(array) and outline.target == outline.size:
        # Grey that is stored as colour gets an array of its own.
        return 0 if grey else pixels
    return canvas_cost(outline, grey=grey)


def picture_cost(picture: PIL.Image.Image, outline: Outline) -> int:
    """Bytes that making a frame of a Pillow image takes, with its pixels if they are not loaded."""
    canvas = canvas_cost(outline, grey=is_grey(picture.mode), bilevel=picture.mode == "1")
    # Where nothing is left to be decoded, Pillow empties the list.
    if not isinstance(picture, ImageFile) or not picture.tile:
        return canvas
    decoder = _decoder(picture) + SLACK
    return _pixels_of(picture) * pillow_bytes(picture.mode) + max(canvas, decoder)


def file_cost(picture: ImageFile, outline: Outline, file: BinaryIO) -> int:
    """Bytes that reading the only frame of a file takes.

    Args:
        picture: Opened, not loaded; drafted, if it will be.
        outline: The frame.
        file: What it was opened from.
    """
    pixels = _pixels_of(picture)
    if picture.format == "JPEG2000":
        size = jpeg2000_tile(file) or picture.size
        part = min(size[0], picture.size[0]) * min(size[1], picture.size[1])
        canvas = canvas_cost(outline, grey=is_grey(picture.mode))
        decoder = part * _openjpeg_bytes(picture) * 21 // 20 + file_size(file)
        return pixels * pillow_bytes(picture.mode) + max(canvas, decoder)
    cost = picture_cost(picture, outline)
    if picture.tile and picture.tile[0].args == "RGB;16B":
        # If it is dark it is decoded again, by OpenCV, with all its bits and in two orders.
        cost = max(cost, pixels * 18 + file_size(file) + _OPENCV)
    return cost


def animation_cost(known: Format, outline: Outline, file_size: int, *, first: bool) -> int:
    """Bytes that reading one frame of a GIF or WebP file takes.

    Args:
        known: Which of the two.
        outline: The frame.
        file_size: Of the whole file, in bytes.
        first: Whether it is the first frame, which in a GIF has none below it.
    """
    pixels = outline.size[0] * outline.size[1]
    canvas = canvas_cost(outline, grey=False)
    if known is Format.WEBP:
        # The decoder's two canvases, the frame as bytes, as Pillow's image and as ours.
        return 2 * file_size + max(16 * pixels, 12 * pixels + canvas)
    return 2 * pixels + canvas if first else max(35 * pixels // 2, 9 * pixels + canvas)


def file_size(file: BinaryIO) -> int:
    """Bytes of a file; where it stands does not change."""
    place = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(place)
    return size


def is_grey(mode: str) -> bool:
    """Whether a Pillow image of this mode can have no colour."""
    return mode in _GREY_MODES or mode.startswith("I;16")


def _pixels_of(picture: PIL.Image.Image) -> int:
    return picture.size[0] * picture.size[1]


def _decoder(picture: ImageFile) -> int:
    """Bytes that a Pillow image's decoder holds beside the image."""
    codec = picture.tile[0].codec_name
    pixels = _pixels_of(picture)
    if isinstance(picture, JpegImageFile):
        return _coefficients(picture)
    if codec == "jpeg2k":
        return pixels * _openjpeg_bytes(picture)
    if codec in _PYTHON:
        values = 4 if picture.mode == "I" else len(picture.getbands())
        numbers = _NUMBERS if codec == "ppm_plain" else 0
        return round(pixels * values * _PYTHON[codec]) + numbers
    # libtiff's strip, which may be the whole frame; or what a format of its own needs.
    return pixels * pillow_bytes(picture.mode) if codec == "libtiff" else 0


def _openjpeg_bytes(picture: PIL.Image.Image) -> int:
    """Bytes of a pixel in what is decoded at a time: a whole number and a sample each."""
    return len(picture.getbands()) * (6 if picture.mode.startswith("I;16") else 5)


def _coefficients(picture: JpegImageFile) -> int:
    """Bytes of a JPEG's coefficients, which are all held until the last scan is there."""
    file = cast("BinaryIO", picture.fp)
    if "progressive" not in picture.info and jpeg_is_sequential(file, picture.layers):
        return 0
    width, height = picture.size
    # Drafted, it is decoded smaller from as many coefficients.
    scale = (picture.decoderconfig or (1,))[0]
    across = max(layer[1] for layer in picture.layer)
    down = max(layer[2] for layer in picture.layer)
    blocks = 0
    for _, part_across, part_down, _ in picture.layer:
        columns = -(-width * scale * part_across // (8 * across)) + part_across
        rows = -(-height * scale * part_down // (8 * down)) + part_down
        blocks += columns * rows
    return blocks * 128
