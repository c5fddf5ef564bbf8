"""Which part of a page is meant: left, top, right and bottom in pixels. Pure."""

from __future__ import annotations

from math import ceil, floor, isfinite
from typing import Final, TypeAlias

from ocrloom.errors import OcrOptionError

__all__ = ["Region", "parse_region", "pixels_of"]

Region: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels of a page as a viewer shows it."""

_EXPECTED: Final = (
    "region must be left, top, right and bottom in pixels, each from 0, left below right and top "
    "below bottom, such as (100, 200, 1600, 900) or '100,200,1600,900'"
)


def parse_region(given: object) -> Region | None:
    """Four numbers of what stands for a region; None for all of a page.

    Args:
        given: Four numbers, text with commas between four numbers, or None.

    Raises:
        OcrOptionError: It is something else, or what it says is no part of any page.
    """
    if given is None:
        return None
    numbers = _numbers(given)
    if len(numbers) == 4:
        left, top, right, bottom = numbers
        if all(map(isfinite, numbers)) and 0 <= left < right and 0 <= top < bottom:
            return left, top, right, bottom
    raise OcrOptionError(f"{_EXPECTED}, got {given!r}")


def _numbers(given: object) -> list[float]:
    """The numbers that it consists of; none where it holds anything else."""
    parts = given.split(",") if isinstance(given, str) else given
    if not isinstance(parts, (tuple, list)):
        return []
    try:
        return [float(part) for part in parts]
    except (OverflowError, TypeError, ValueError):
        return []


def pixels_of(
    region: Region | None, full: tuple[int, int], size: tuple[int, int], what: str
) -> tuple[int, int, int, int]:
    """The pixels of a picture that a region takes in, in part or as a whole.

    Args:
        region: What is meant, None for everything. What lies beyond the page counts for nothing.
        full: Width and height of the page that it is measured on.
        size: Width and height of the page's picture, which may be a smaller copy.
        what: What the page is called in a message.

    Returns:
        Left, top, right and bottom; there is at least one pixel between.

    Raises:
        OcrOptionError: All of it lies beyond the page.
    """
    (full_width, full_height), (width, height) = full, size
    if region is None:
        return 0, 0, width, height
    left, top, right, bottom = region
    if left >= full_width or top >= full_height:
        raise OcrOptionError(
            f"{what} has {full_width} × {full_height} pixels, the region {_shown(region)} lies "
            "beyond them; give left, top, right and bottom within the page"
        )
    first, last = _whole(left, right, width / full_width, width)
    upper, lower = _whole(top, bottom, height / full_height, height)
    return first, upper, last, lower


def _whole(first: float, last: float, scale: float, count: int) -> tuple[int, int]:
    """The pixels out of ``count`` that a stretch touches, from the first to behind the last."""
    begin = min(floor(first * scale), count - 1)
    return begin, max(begin + 1, min(ceil(last * scale), count))


def _shown(region: Region) -> str:
    return ", ".join(f"{side:g}" for side in region)
