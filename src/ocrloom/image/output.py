"""Making `Frame`s: upright, read-only, with the resolution in the order of the turned sides."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocrloom.image.canvas import fitting, make_canvas
from ocrloom.image.lazy import Extent, Frame
from ocrloom.image.pixels import drop_colour, is_plain, pour_array, pour_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import PIL.Image
    from numpy.typing import NDArray

    from ocrloom.image.canvas import Canvas
    from ocrloom.image.lazy import Pixels

__all__ = ["Outline", "array_frame", "outline_of", "picture_frame"]

# Below, the field holds an aspect ratio or nothing; above, no scanner goes.
_DPI_RANGE: Final = (2.0, 30_000.0)

_ORIENTATION: Final = 0x0112
_X_RESOLUTION: Final = 0x011A
_Y_RESOLUTION: Final = 0x011B
_RESOLUTION_UNIT: Final = 0x0128


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What is known of a frame before its pixels are decoded."""

    number: int
    """Place in the source, from 1."""
    size: tuple[int, int]
    """Width and height as stored."""
    dpi: object = None
    """Horizontal and vertical resolution as stored, as credible as the source is."""
    orientation: int = 1
    """TIFF or EXIF orientation, 1 to 8; other values are taken for 1, as viewers do."""
    fit: tuple[int, int] | None = None
    """Width and height into which the upright frame is to be scaled down, or None."""

    @property
    def turned(self) -> bool:
        """Whether a viewer shows it with its sides exchanged."""
        return self.orientation in (5, 6, 7, 8)

    @property
    def target(self) -> tuple[int, int]:
        """Width and height that it will have, in the order in which it is stored."""
        box = self.fit[::-1] if self.fit and self.turned else self.fit
        return fitting(self.size, box)

    @property
    def extent(self) -> Extent:
        """How large the frame is as a viewer shows it."""
        width, height = self.size[::-1] if self.turned else self.size
        resolution = _credible(self.dpi)
        return Extent(width, height, resolution[::-1] if resolution and self.turned else resolution)

    def canvas(self, size: tuple[int, int] | None = None, *, bilevel: bool = False) -> Canvas:
        """A canvas for the pixels.

        Args:
            size: Width and height of what will be put on it, if it was decoded smaller.
            bilevel: Whether the pixels are only black and white.
        """
        return make_canvas(
            size or self.size, self.target, orientation=self.orientation, bilevel=bilevel
        )

    def frame(self, pixels: Pixels) -> Frame:
        """The frame of finished pixels."""
        if isinstance(pixels, np.ndarray):
            # A view, because the array may be the user's, and theirs must stay writable.
            pixels = pixels.view()
            pixels.flags.writeable = False
        extent = self.extent
        return Frame(
            number=self.number,
            pixels=pixels,
            dpi=extent.dpi,
            scale=max(self.target) / max(self.size),
            full_size=(extent.width, extent.height),
        )


def outline_of(
    picture: PIL.Image.Image,
    number: int,
    *,
    fit: tuple[int, int] | None,
    size: tuple[int, int] | None = None,
) -> Outline:
    """What a Pillow image states about itself; complete only when it is loaded.

    Args:
        picture: Loaded; it is not changed.
        number: Place in the source, from 1.
        fit: See `Outline.fit`.
        size: Width and height of the frame, if the picture was decoded smaller.
    """
    exif = _exif_of(picture)
    return Outline(
        number=number,
        size=size or picture.size,
        dpi=_dpi_of(picture, exif),
        orientation=exif.get(_ORIENTATION, 1),
        fit=fit,
    )


def array_frame(
    array: NDArray[Any],
    outline: Outline,
    watch: Callable[[], None],
    *,
    white_is_zero: bool = False,
) -> Frame:
    """A frame of an array; one that holds what a frame holds is not copied.

    Args:
        array: See `pour_array`.
        outline: The rest.
        watch: Called between bands.
        white_is_zero: Whether deep values fall towards white.
    """
    unchanged = outline.orientation not in range(2, 9) and outline.target == outline.size
    if unchanged and not white_is_zero and is_plain(array):
        return outline.frame(
            drop_colour(array) if array.shape[2:] == (3,) else array.reshape(array.shape[:2])
        )
    canvas = outline.canvas()
    pour_array(array, canvas, watch, white_is_zero=white_is_zero)
    return outline.frame(canvas.finish(watch))


def picture_frame(
    picture: PIL.Image.Image,
    outline: Outline,
    watch: Callable[[], None],
    *,
    white_is_zero: bool = False,
    prepare: Callable[[PIL.Image.Image], PIL.Image.Image] | None = None,
) -> Frame:
    """A frame of a loaded Pillow image; see `pour_picture`."""
    canvas = outline.canvas(picture.size, bilevel=picture.mode == "1")
    pour_picture(picture, canvas, watch, white_is_zero=white_is_zero, prepare=prepare)
    return outline.frame(canvas.finish(watch))


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
