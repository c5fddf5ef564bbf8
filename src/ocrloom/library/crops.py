"""Pictures of hits: the part of the page where something was found, marked."""

from __future__ import annotations

from math import ceil, floor, sqrt
from statistics import median
from typing import TYPE_CHECKING, Final, TypeAlias

from ocrloom.errors import OcrOptionError
from ocrloom.library.hits import Hit
from ocrloom.library.keeping import source_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import PIL.Image

    from ocrloom.image import Image
    from ocrloom.image.lazy import Extent, Frame, ImageLike
    from ocrloom.result import Polygon

__all__ = ["MARGIN", "crop", "cut_out"]

MARGIN: Final = 2.0
"""Room above and below what was found, in heights of its words: a line each."""

# Pixels of a page that is decoded; a larger one is decoded smaller. A sheet of A4 at 600 dpi has
# 35 million, and no screen shows more of it.
_MOST: Final = 64_000_000
_BESIDE: Final = 3  # times as much room: a word each, as words are wider than they are tall
_YELLOW: Final = (255, 235, 0)
_COVER: Final = 0.4  # of the marker: letters under it stay as they are on light and on dark paper

_Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def crop(
    hit: Hit,
    keep: Path | None,
    *,
    source: ImageLike | None = None,
    margin: float = MARGIN,
    highlight: bool = True,
) -> PIL.Image.Image:
    """Cuts out what a search has found; blocks, so call it in a worker.

    Args:
        hit: What was found; the whole page is given where nothing on it matches.
        keep: Folder of the library's copies, if it has one.
        source: What the document was read from, if neither a copy nor its file is to be used.
        margin: Room above and below it, in heights of its words; three times as much beside it.
        highlight: Whether its words are marked.

    Returns:
        RGB, at the resolution of the page. Pages of more than 64 million pixels are made smaller.

    Raises:
        OcrOptionError: The margin is none.
        OcrNotInLibrary: There is neither a copy nor the file any more, or it was changed.
        OcrException: The page cannot be decoded.
    """
    if not isinstance(hit, Hit):
        raise OcrOptionError(f"hit must be a Hit, as searches give, got {type(hit).__name__}")
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not 0 <= margin <= 1000:
        raise OcrOptionError(f"margin must be a number from 0 to 1000, got {margin!r}")
    return cut_out(hit, source_of(hit.document, keep, source), margin, highlight=highlight)


def cut_out(
    hit: Hit, source: Image, margin: float = MARGIN, *, highlight: bool = True
) -> PIL.Image.Image:
    """Cuts a hit out of what its document was read from, which is not examined; see `crop`."""
    # Here and not at the top: searches show few of their hits.
    import numpy as np
    import PIL.Image

    frame = _frame(source, hit.page)
    height, width = frame.pixels.shape[:2]
    scale = (width / hit.width, height / hit.height)
    polygons = [_scaled(polygon, scale) for polygon in hit.polygons]
    left, top, right, bottom = _box(polygons, margin, (width, height))
    # Only the part becomes three bytes a pixel.
    picture = PIL.Image.fromarray(np.asarray(frame.pixels[top:bottom, left:right])).convert("RGB")
    return _marked(picture, polygons, (left, top)) if highlight else picture


def _frame(image: Image, number: int) -> Frame:
    with image.open() as reader:
        fit = _fit(reader.extent(number))
        if fit is None:
            return reader.read(number)
    with image.thumbnail(fit).open() as reader:
        return reader.read(number)


def _fit(extent: Extent) -> tuple[int, int] | None:
    """Width and height that a page is made smaller to; None where it need not be."""
    share = sqrt(_MOST / (extent.width * extent.height))
    if share >= 1:
        return None
    return max(1, floor(extent.width * share)), max(1, floor(extent.height * share))


def _scaled(polygon: Polygon, scale: tuple[float, float]) -> Polygon:
    one, two, three, four = ((x * scale[0], y * scale[1]) for x, y in polygon)
    return one, two, three, four


def _box(polygons: Sequence[Polygon], margin: float, size: tuple[int, int]) -> _Box:
    """What is cut out: all polygons and a margin, as far as the page has it."""
    width, height = size
    if not polygons:
        return 0, 0, width, height
    room = margin * median(map(_height, polygons))
    beside = _BESIDE * room
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    left = min(max(0, floor(min(xs) - beside)), width - 1)
    top = min(max(0, floor(min(ys) - room)), height - 1)
    right = max(left + 1, min(width, ceil(max(xs) + beside)))
    bottom = max(top + 1, min(height, ceil(max(ys) + room)))
    return left, top, right, bottom


def _height(polygon: Polygon) -> float:
    """How tall a word is, whichever way it stands."""
    (left, top), _, _, (below, bottom) = polygon
    return sqrt((below - left) ** 2 + (bottom - top) ** 2)


def _marked(
    picture: PIL.Image.Image, polygons: Sequence[Polygon], corner: tuple[int, int]
) -> PIL.Image.Image:
    import PIL.Image
    import PIL.ImageDraw

    left, top = corner
    cover = PIL.Image.new("L", picture.size, 0)
    draw = PIL.ImageDraw.Draw(cover)
    for polygon in polygons:
        draw.polygon([(x - left, y - top) for x, y in polygon], fill=round(255 * _COVER))
    return PIL.Image.composite(PIL.Image.new("RGB", picture.size, _YELLOW), picture, cover)
