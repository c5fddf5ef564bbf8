"""Any picture or array as uint8 pixels: grey (H, W) or RGB (H, W, 3), on white, upright. Pure.

Pillow's own conversions cut 16 and 32 bits down to their lowest eight, drop alpha without a look
at what it hides, and know no CIELAB; the results look fine to a program and are not the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import PIL.Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["from_array", "from_picture", "turn_upright"]

_DEEP_MODES: Final = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_ALPHA_MODES: Final = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})

# Pixels that are converted at a time: temporaries stay small beside the picture itself.
_BAND: Final = 1 << 20

# Depths that cameras and scanners deliver in larger containers.
_DEPTHS: Final = (8, 10, 12, 14, 16, 24, 32)


def from_picture(picture: PIL.Image.Image, *, white_is_zero: bool = False) -> NDArray[np.uint8]:
    """The pixels of a loaded Pillow image of any mode, transparency laid on white.

    Args:
        picture: Loaded; it is not changed.
        white_is_zero: Whether deep values (16 bits and more, floats) fall towards white.

    Returns:
        uint8, C-contiguous: (H, W) if all pixels are grey, otherwise (H, W, 3) RGB.
    """
    if picture.mode in _DEEP_MODES:
        values = np.asarray(picture)
        grey = _to_bytes(values, invert=white_is_zero)
        return _key_out(grey, values, _colour_key(picture))
    if picture.mode in ("1", "L"):
        grey = np.ascontiguousarray(picture if picture.mode == "L" else picture.convert("L"))
        return _key_out(grey, grey, _colour_key(picture))
    if picture.mode == "RGB":
        rgb = np.ascontiguousarray(picture)
        return drop_colour(_key_out(rgb, rgb, _colour_key(picture)))
    return drop_colour(np.ascontiguousarray(_on_white(picture)))


def from_array(array: NDArray[Any], *, white_is_zero: bool = False) -> NDArray[np.uint8]:
    """The pixels of an array.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; bool, integers or floats.
            8-bit values are taken as they are, deeper ones are scaled, see `_white_of`.
        white_is_zero: Whether deep values fall towards white.

    Returns:
        uint8, C-contiguous: (H, W) if all pixels are grey, otherwise (H, W, 3) RGB. A
        contiguous uint8 array of these shapes is returned as it is, without a copy.
    """
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    pixels = np.ascontiguousarray(_to_bytes(array, invert=white_is_zero))
    if pixels.ndim == 2:
        return pixels
    return drop_colour(_flatten(pixels) if pixels.shape[2] == 4 else pixels)


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
    for rows in _bands(rgb):
        # Ends at the first coloured band, which in a photo is the first of all.
        red, green, blue = (rgb[rows, :, channel] for channel in range(3))
        if not (np.array_equal(red, green) and np.array_equal(red, blue)):
            return rgb
    return np.ascontiguousarray(rgb[:, :, 0])


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
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    for rows in _bands(rgba):
        ink = 255 - rgba[rows, :, :3].astype(np.uint32)
        rgb[rows] = 255 - (ink * rgba[rows, :, 3:] + 127) // 255
    return rgb


def _to_bytes(values: NDArray[Any], *, invert: bool) -> NDArray[np.uint8]:
    """Scale to 0..255; NaN, which is where nothing was measured, becomes white."""
    if values.dtype == np.uint8:
        return np.subtract(255, values, dtype=np.uint8) if invert else values
    if values.dtype == np.bool_:
        white = np.invert(values) if invert else values
        return np.where(white, np.uint8(255), np.uint8(0))
    # float32 has 24 bits, enough to round 16-bit values to 8.
    small = values.dtype.itemsize <= 2
    work = np.dtype(np.float32 if small or values.dtype == np.float32 else np.float64)
    with np.errstate(all="ignore"):
        low, high = _extremes(values)
        low = min(low, 0.0)
        factor = 255.0 / _white_of(high - low, floats=values.dtype.kind == "f")
        pixels = np.empty(values.shape, np.uint8)
        for rows in _bands(values):
            part: NDArray[Any] = values[rows].astype(work)
            part = (part - work.type(low)) * work.type(factor)
            grey = np.rint(np.clip(np.nan_to_num(part, nan=0.0, posinf=255.0), 0, 255))
            pixels[rows] = 255 - grey if invert else grey
            if values.dtype.kind == "f":
                pixels[rows][np.isnan(values[rows])] = 255
    return pixels


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


def _extremes(values: NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest finite value; 0 and 0 if there is none."""
    low, high = np.inf, -np.inf
    for rows in _bands(values):
        part = values[rows]
        if values.dtype.kind == "f":
            part = part[np.isfinite(part)]
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _bands(array: NDArray[Any]) -> Iterator[slice]:
    height = max(1, _BAND // max(1, array.shape[1]))
    for top in range(0, array.shape[0], height):
        yield slice(top, top + height)
