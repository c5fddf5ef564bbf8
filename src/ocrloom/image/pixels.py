"""Any picture or array as uint8 pixels: grey (H, W) or RGB (H, W, 3), on white, upright. Pure.

Pillow's own conversions cut 16 and 32 bits down to their lowest eight, drop alpha without a look
at what it hides, and know no CIELAB; the results look fine to a program and are not the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import PIL.Image

from ocrloom.image.scaling import bands, scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ocrloom.image.canvas import Canvas

__all__ = [
    "LARGE",
    "drop_colour",
    "is_large",
    "is_plain",
    "pour_array",
    "pour_picture",
    "turn_upright",
]

LARGE: Final = 16_000_000
"""Pixels over which a frame of one bit a pixel stays one and TIFF is decoded in bands."""

_DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA_MODES: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


def pour_picture(
    picture: PIL.Image.Image,
    canvas: Canvas,
    watch: Callable[[], None],
    *,
    top: int = 0,
    white_is_zero: bool = False,
    prepare: Callable[[PIL.Image.Image], PIL.Image.Image] | None = None,
) -> None:
    """Put the pixels of a loaded Pillow image of any mode on a canvas, transparency on white.

    In bands, because each of Pillow's ways to NumPy takes two copies of all it is given, and
    because what is small stays in the processor's cache.

    Args:
        picture: Loaded; it is not changed.
        canvas: What takes them.
        watch: Called before each band.
        top: Row of the canvas where the picture begins.
        white_is_zero: Whether deep values (16 bits and more, floats) fall towards white.
        prepare: What is to be done to each band before.
    """
    if picture.mode in _DEEP_MODES:
        dtype = np.asarray(picture.crop((0, 0, 1, 1))).dtype
        values = (np.asarray(band) for _, band in _picture_bands(picture))
        levels = scaling(dtype, values, invert=white_is_zero)
    for row, band in _picture_bands(picture):
        watch()
        if picture.mode in _DEEP_MODES:
            deep = np.asarray(band)
            pixels = _key_out(levels(deep), deep, _colour_key(band))
        else:
            pixels = _shown(prepare(band) if prepare else band)
        canvas.put(top + row, pixels)


def pour_array(
    array: NDArray[Any],
    canvas: Canvas,
    watch: Callable[[], None],
    *,
    white_is_zero: bool = False,
) -> None:
    """Put the pixels of an array on a canvas.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; bool, integers or floats.
            8-bit values are taken as they are, deeper ones are scaled, see `scaling`.
        canvas: What takes them.
        watch: Called before each band.
        white_is_zero: Whether values fall towards white.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    values = (array[rows] for rows in bands(array.shape))
    levels = scaling(array.dtype, values, invert=white_is_zero)
    for rows in bands(array.shape):
        watch()
        pixels = levels(array[rows])
        canvas.put(rows.start, _flatten(pixels) if array.shape[2:] == (4,) else pixels)


def is_large(size: tuple[int, int]) -> bool:
    """Whether a frame of this width and height is to be handled with care for memory."""
    return size[0] * size[1] > LARGE


def is_plain(array: NDArray[Any]) -> bool:
    """Whether an array's pixels are what a frame holds: contiguous uint8, grey or RGB."""
    shaped = array.ndim == 2 or array.shape[2] in (1, 3)
    return shaped and array.dtype == np.uint8 and array.flags.c_contiguous


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply a TIFF or EXIF orientation.

    Args:
        pixels: (H, W) or (H, W, 3) as stored.
        orientation: 1 to 8; other values are taken for 1, as viewers do.

    Returns:
        The pixels as a viewer shows them, C-contiguous.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def drop_colour(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W) if the three channels of (H, W, 3) are equal everywhere, otherwise ``rgb`` itself."""
    for rows in bands(rgb.shape):
        # Ends at the first coloured band, which in a photo is the first of all.
        red, green, blue = (rgb[rows, :, channel] for channel in range(3))
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return rgb
    return np.ascontiguousarray(rgb[:, :, 0])


def _picture_bands(picture: PIL.Image.Image) -> Iterator[tuple[int, PIL.Image.Image]]:
    width, height = picture.size
    # Grey needs the fewest bytes and so little time that the parting would be felt.
    if picture.mode in ("1", "L") and not is_large(picture.size):
        yield 0, picture
        return
    for rows in bands((height, width)):
        # As crop() does it, but for its question whether the part is over Pillow's own limit.
        part = picture.im.crop((0, rows.start, width, rows.stop))
        yield rows.start, picture._new(part)


def _shown(picture: PIL.Image.Image) -> NDArray[np.uint8]:
    """The pixels of a picture whose values are no deeper than 8 bits."""
    if picture.mode in ("1", "L"):
        grey = np.asarray(picture if picture.mode == "L" else picture.convert("L"))
        return _key_out(grey, grey, _colour_key(picture))
    if picture.mode == "RGB":
        rgb = np.asarray(picture)
        return _key_out(rgb, rgb, _colour_key(picture))
    return np.asarray(_on_white(picture))


def _on_white(picture: PIL.Image.Image) -> PIL.Image.Image:
    """An RGB image of any mode that is neither grey nor deep."""
    if picture.mode == "LAB":
        return _from_lab(picture)
    if picture.mode not in _ALPHA_MODES and not picture.has_transparency_data:
        return picture.convert("RGB")
    # La has no direct way to RGBA.
    rgba = (picture.convert("LA") if picture.mode == "La" else picture).convert("RGBA")
    alpha = rgba.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return rgba.convert("RGB")
    page = PIL.Image.new("RGB", rgba.size, "white")
    page.paste(rgba, mask=alpha)
    return page


def _from_lab(picture: PIL.Image.Image) -> PIL.Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    # The profile constants' stubs want ImageCmsProfile; createProfile's result is accepted too.
    converted = ImageCms.profileToProfile(
        picture, ImageCms.ImageCmsProfile(lab), ImageCms.ImageCmsProfile(srgb), outputMode="RGB"
    )
    if converted is None:  # only with inPlace
        raise ValueError("no conversion from CIELAB to sRGB")
    return converted


def _colour_key(picture: PIL.Image.Image) -> int | tuple[int, ...] | None:
    """The one colour that is transparent (a PNG's tRNS chunk), or None."""
    key = picture.info.get("transparency")
    # Bytes belong to a palette that is gone.
    return key if isinstance(key, (int, tuple)) else None


def _key_out(
    pixels: NDArray[np.uint8], values: NDArray[Any], key: int | tuple[int, ...] | None
) -> NDArray[np.uint8]:
    """White where the values are the transparent colour."""
    # A key that does not fit the channels is from a picture that was converted since.
    if key is None or isinstance(key, tuple) != (values.ndim == 3):
        return pixels
    hidden = values == np.array(key)
    if values.ndim == 3:
        hidden = hidden.all(axis=2)
    if not hidden.any():
        return pixels
    pixels = pixels.copy()
    pixels[hidden] = 255
    return pixels


def _flatten(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    ink = 255 - rgba[:, :, :3].astype(np.uint32)
    return (255 - (ink * rgba[:, :, 3:] + 127) // 255).astype(np.uint8)
