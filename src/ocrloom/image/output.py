"""Making `Frame`s: upright, read-only, with the resolution in the order of the turned sides."""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, Final

from ocrloom.image.lazy import Frame
from ocrloom.image.pixels import from_picture, turn_upright

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

__all__ = ["make_frame", "picture_frame"]

# Below, the field holds an aspect ratio or nothing; above, no scanner goes.
_DPI_RANGE: Final = (2.0, 30_000.0)

_ORIENTATION: Final = 0x0112
_X_RESOLUTION: Final = 0x011A
_Y_RESOLUTION: Final = 0x011B
_RESOLUTION_UNIT: Final = 0x0128


def make_frame(
    number: int, pixels: NDArray[np.uint8], *, dpi: object = None, orientation: int = 1
) -> Frame:
    """A frame of decoded pixels.

    Args:
        number: Place in the source, from 1.
        pixels: (H, W) or (H, W, 3) as stored.
        dpi: Horizontal and vertical resolution as stored, as credible as the source is.
        orientation: TIFF or EXIF orientation, 1 to 8, to be applied.
    """
    resolution = _credible(dpi)
    if resolution and orientation in (5, 6, 7, 8):
        resolution = resolution[::-1]
    # A view, because the array may be the user's, and theirs must stay writable.
    upright = turn_upright(pixels, orientation).view()
    upright.flags.writeable = False
    return Frame(number=number, pixels=upright, dpi=resolution)


def picture_frame(
    picture: PIL.Image.Image, number: int, *, pixels: NDArray[np.uint8] | None = None
) -> Frame:
    """A frame of a loaded Pillow image, with the orientation and the resolution it states.

    Args:
        picture: Loaded; it is not changed.
        number: Place in the source, from 1.
        pixels: What to take instead of the picture's own pixels.
    """
    exif = _exif_of(picture)
    return make_frame(
        number,
        from_picture(picture) if pixels is None else pixels,
        dpi=_dpi_of(picture, exif),
        orientation=exif.get(_ORIENTATION, 1),
    )


def _dpi_of(picture: PIL.Image.Image, exif: Mapping[int, Any]) -> object:
    """What the file states about its resolution, if it does."""
    stated = picture.info.get("dpi")
    # A JPEG with EXIF data and no resolution gets 72 from Pillow, as the EXIF standard has it;
    # for a scan that is worse than to know nothing.
    invented = picture.format in ("JPEG", "MPO") and picture.info.get("jfif_unit") not in (1, 2)
    if stated is not None and not invented:
        return stated
    across, down = exif.get(_X_RESOLUTION), exif.get(_Y_RESOLUTION)
    unit = {2: 1.0, 3: 2.54}.get(exif.get(_RESOLUTION_UNIT, 2))
    try:
        return (float(across) * unit, float(down) * unit)  # type: ignore[arg-type, operator] # None is the TypeError
    except (TypeError, ValueError, ArithmeticError):
        return None


def _exif_of(picture: PIL.Image.Image) -> Mapping[int, Any]:
    """The EXIF tags; none if they are broken, which harms no pixel."""
    try:
        return dict(picture.getexif())
    except (SyntaxError, ValueError, TypeError, LookupError, OSError, struct.error):
        return {}


def _credible(dpi: object) -> tuple[float, float] | None:
    """Both resolutions as floats, or None if one of them can be none in dots per inch."""
    try:
        across, down = (float(part) for part in dpi)  # type: ignore[attr-defined] # what is no pair raises TypeError
    except (TypeError, ValueError, ArithmeticError):
        return None
    low, high = _DPI_RANGE
    # NaN, which a fraction over zero gives, fails the comparison too.
    inside = all(math.isfinite(part) and low <= part <= high for part in (across, down))
    return (across, down) if inside else None
