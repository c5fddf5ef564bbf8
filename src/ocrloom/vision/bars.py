"""The straight edges of what is dark across a page: bars behind titles, bands of colour, pictures.

Such an edge divides a page like a ruled line does. White letters on a bar leave its margins whole,
dark ones are part of it; so what is looked for is darkness in which nothing is as light as paper.
"""

from __future__ import annotations

import cv2
import numpy as np

from ocrloom.vision.rules import Rule

__all__ = ["bars_in"]

# All lengths are in pixels of half the grey copy, in which letters are some five pixels high.
_AROUND = 3  # pixels around one that are as dark: letters on paper never are
_DARKER = 50  # grey levels below the paper
_PAPER = 90  # percentile of the grey levels that is the paper
_LONGEST = 0.25  # share of the page's width from which a dark stretch divides it
_WHOLE = 0.8  # share of an edge that is there and lies on its straight line
_STRAIGHT = 1.5  # distance of a point that still lies on it


def bars_in(grey: np.ndarray, size: tuple[int, int]) -> list[Rule]:
    """Finds the upper and lower edges of wide dark areas on a grey copy of a page, skewed ones too.

    Args:
        grey: (h, w) uint8, as ``shrink.grey_copy`` gives it.
        size: Width and height of the page in pixels.

    Returns:
        In pixels of the page, edges from left to right, without thickness, from the top down.
    """
    half = max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2)
    small = cv2.resize(grey, half, interpolation=cv2.INTER_AREA)
    # What is left of a dithered grey must not look like paper.
    lightest = cv2.dilate(cv2.blur(small, (2, 2)), np.ones((_AROUND, _AROUND), np.uint8))
    dark = (lightest < np.percentile(small[::2, ::2], _PAPER) - _DARKER).astype(np.uint8)
    few = cv2.countNonZero(dark) < 1 << 16  # so that labels of two bytes are enough
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        dark, connectivity=8, ltype=cv2.CV_16U if few else cv2.CV_32S
    )
    edges = []
    for number in np.flatnonzero(stats[:, cv2.CC_STAT_WIDTH] >= _LONGEST * half[0]):
        if number:
            left, top, width, height = stats[number, :4].tolist()
            part = labels[top : top + height, left : left + width] == number
            edges += [(left, top, *edge) for edge in _edges(part)]
    across, down = (side / copied for side, copied in zip(size, half, strict=True))
    return sorted(
        (
            Rule(
                (left * across, (top + start) * down),
                ((left + width) * across, (top + end) * down),
                0.0,
            )
            for left, top, width, start, end in edges
        ),
        key=lambda rule: rule.start[::-1],
    )


def _edges(part: np.ndarray) -> list[tuple[int, float, float]]:
    """The upper and the lower edge of a component where they are straight.

    Args:
        part: (h, w) bool.

    Returns:
        Width of the component and heights of the edge at its left and right end.
    """
    height, width = part.shape
    columns = np.flatnonzero(part.any(axis=0))
    if len(columns) < _WHOLE * width:
        return []
    found = []
    for edge in (part.argmax(axis=0)[columns], height - part[::-1].argmax(axis=0)[columns]):
        third = max(1, len(columns) // 3)
        left, right = float(np.median(edge[:third])), float(np.median(edge[-third:]))
        slope = (right - left) / max(1, width - third)
        middle = (left + right) / 2
        off = np.abs(edge - (middle + slope * (columns - width / 2)))
        if np.mean(off <= _STRAIGHT) >= _WHOLE:
            found.append((width, middle - slope * width / 2, middle + slope * width / 2))
    return found
