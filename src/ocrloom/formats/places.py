"""Polygons as the whole pixels that older formats know."""

from __future__ import annotations

from math import atan2, degrees
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.errors import OcrOutputError

if TYPE_CHECKING:
    from ocrloom.result import Page, Polygon

__all__ = ["Bounds", "Corners", "angle", "bounds", "corners", "is_upright", "points"]

Corners: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""x and y of the four corners, in the polygon's order."""

Bounds: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom."""


def corners(polygon: Polygon, page: Page) -> Corners:
    """The corners in whole pixels, moved onto the page where they lie beside it.

    Raises:
        OcrOutputError: A coordinate is not a number.
    """
    width, height = page.width, page.height
    (a, b), (c, d), (e, f), (g, h) = polygon
    try:
        # Spelled out: it is called for every word. A half is rounded up, as none is below 0.
        return (
            width if a >= width else 0 if a < 0 else int(a + 0.5),
            height if b >= height else 0 if b < 0 else int(b + 0.5),
            width if c >= width else 0 if c < 0 else int(c + 0.5),
            height if d >= height else 0 if d < 0 else int(d + 0.5),
            width if e >= width else 0 if e < 0 else int(e + 0.5),
            height if f >= height else 0 if f < 0 else int(f + 0.5),
            width if g >= width else 0 if g < 0 else int(g + 0.5),
            height if h >= height else 0 if h < 0 else int(h + 0.5),
        )
    except ValueError as error:
        raise OcrOutputError(
            f"a result must hold finite numbers to be written, found a polygon {polygon}"
        ) from error


def bounds(found: Corners) -> Bounds:
    """The smallest upright rectangle that holds the corners."""
    a, b, c, d, e, f, g, h = found
    # Most text is upright, and four times as quickly told.
    if a == g <= c == e and b == d <= f == h:
        return a, b, c, f
    return min(a, c, e, g), min(b, d, f, h), max(a, c, e, g), max(b, d, f, h)


def is_upright(found: Corners) -> bool:
    """Whether the corners are those of their bounds, beginning at any of them."""
    a, b, c, d, e, f, g, h = found
    return (a == g and c == e and b == d and f == h) or (a == c and e == g and b == h and d == f)


def points(found: Corners) -> str:
    """The corners as ALTO and PAGE write them: ``x,y x,y x,y x,y``."""
    return "{},{} {},{} {},{} {},{}".format(*found)


def angle(polygon: Polygon) -> float:
    """Degrees, counter-clockwise, by which the text in it is turned, to one decimal."""
    (left, top), (right, end), _, _ = polygon
    # The sum makes of -0.0, which has a sign, a plain zero.
    return round(degrees(atan2(top - end, right - left)), 1) + 0.0
