"""Which doubtful short readings are text, by the company they keep.

A single character that is read with little confidence is nearly always a speck, unless its ink
begins and ends at the very heights of a word beside it: specks do not stand on a baseline.
"""

from __future__ import annotations

from math import radians, tan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.result import Word
    from ocrloom.vision.segment import Segment

__all__ = ["in_company"]

_LEVEL = 0.12  # of its height: by how much ink may end above or below that of the word beside it
_NEAR = 8.0  # of its height: distance to that word


class _Ink(NamedTuple):
    """Where words stand: numbers, or arrays of them."""

    x: np.ndarray | float
    """Middle along the line."""
    half: np.ndarray | float
    """Half of the width."""
    top: np.ndarray | float
    """At the middle."""
    bottom: np.ndarray | float
    """The same."""


def in_company(doubtful: Sequence[Segment], sure: Sequence[Segment]) -> list[Segment]:
    """The doubtful ones of which every word stands level with a sure one beside it."""
    places = [_place(word) for segment in sure for word in segment.words]
    if not doubtful or not places:
        return []
    slopes = np.array([tan(radians(s.box.angle)) for s in sure for _ in s.words])
    beside = _Ink(*np.array(places).T)
    return [
        segment
        for segment in doubtful
        if all(_level(_place(word), beside, slopes) for word in segment.words)
    ]


def _place(word: Word) -> _Ink:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = word.polygon
    return _Ink((ax + bx + cx + dx) / 4, abs(bx - ax) / 2, (ay + by) / 2, (cy + dy) / 2)


def _level(ink: _Ink, others: _Ink, slopes: np.ndarray) -> bool:
    height = ink.bottom - ink.top
    along = others.x - ink.x
    near = np.abs(along) - others.half - ink.half <= _NEAR * height
    rise = slopes * along
    level = np.maximum(
        np.abs(others.top - rise - ink.top), np.abs(others.bottom - rise - ink.bottom)
    )
    return bool(np.any(near & (level <= _LEVEL * height)))
