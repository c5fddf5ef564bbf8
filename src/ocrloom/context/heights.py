"""Whether a letter stands as tall as capitals or as low as an x, measured in its line.

Some letters have the same shape in both cases, and a crop of a word does not show its size: the
line's other letters do.
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SAME_SHAPE", "rises_of", "talls_of"]

SAME_SHAPE = frozenset("cosuvwxzCOSUVWXZ")
"""Letters that differ from their other case in size only."""
_LOW = frozenset("aemnrgpqy")
_ASCENDING = frozenset("bdfhkl")
_CAPITALS = frozenset("ABDEFGHKLMNPQRTY")
_LEVEL = 0.1  # of their height: by how much letters of one height differ
_FEW = 2  # letters of a kind, fewer of which tell nothing
_APART = 3.0  # rows between low and high letters, of a crop 48 high; less tells nothing
_REACHED = 0.8  # share of a letter's columns that do not rise above what counts as its height
_OWN = 0.15, 0.85  # part of a letter's columns into which none of its neighbours reach
_INITIAL = 0.0, 0.6  # the same where nothing stands on its left


def rises_of(rises: np.ndarray, edges: np.ndarray, initial: np.ndarray) -> np.ndarray:
    """How high characters rise.

    Args:
        rises: (W,) integer, for each column of a crop the rows from its highest ink down to the
            crop's lower edge; 0 without ink.
        edges: (N + 1,) integer, ascending: where characters begin, and where the last ends.
        initial: (N,) bool, whether a character is the first of a word.

    Returns:
        (N,) float, in rows; NaN for a character without ink.
    """
    count = len(edges) - 1
    which = np.repeat(np.arange(count), np.diff(edges))
    rises = rises[edges[0] : edges[-1]].astype(int)
    which, rises = which[rises > 0], rises[rises > 0]
    first, sizes = _extents(which, count)
    place = (np.arange(len(which)) - first[which] + 0.5) / sizes[which]
    start, end = np.where(initial[:, None], _INITIAL, _OWN)[which].T
    own = (start <= place) & (place <= end)
    which, rises = which[own], rises[own]
    rises = rises[np.lexsort((rises, which))]
    first, sizes = _extents(which, count)
    found = np.full(count, np.nan)
    inked = sizes > 0
    found[inked] = rises[(first + np.ceil(_REACHED * sizes).astype(int) - 1)[inked]]
    return found


def _extents(which: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each number begins in ascending ones, and how often it is there."""
    numbers = np.arange(count)
    first = which.searchsorted(numbers)
    return first, which.searchsorted(numbers, side="right") - first


def talls_of(text: Sequence[str], rises: np.ndarray, initial: np.ndarray) -> list[float | None]:
    """For each character how tall it is: 0 as low letters, 1 as high ones, in between by size.

    In a word of capitals a letter that is as high as the others is a capital, however low: many
    books set names in small ones.

    Args:
        text: The characters of a line.
        rises: (N,) float, how high they rise.
        initial: (N,) bool, whether a character is the first of a word.

    Returns:
        None for characters that have different shapes in upper and lower case, and for all of them
        if the line has too few others to compare with.
    """
    talls = _by_line(text, rises.tolist(), initial)
    for start, end in pairwise([*initial.nonzero()[0].tolist(), len(text)]):
        _raise_small_capitals(text, rises, (start + 1, end), talls)
    return talls


def _by_line(
    text: Sequence[str], rises: Sequence[float], initial: np.ndarray
) -> list[float | None]:
    # Capitals inside of words may be small ones.
    low, high = [], []
    for character, rise, begins in zip(text, rises, initial.tolist(), strict=True):
        if rise == rise:
            if character in _LOW:
                low.append(rise)
            elif character in _ASCENDING or (begins and character in _CAPITALS):
                high.append(rise)
    if len(low) < _FEW or len(high) < _FEW:
        return [None] * len(text)
    base, top = median(low), median(high)
    if top - base < _APART:
        return [None] * len(text)
    return [
        (rise - base) / (top - base) if character in SAME_SHAPE and rise == rise else None
        for character, rise in zip(text, rises, strict=True)
    ]


def _raise_small_capitals(
    text: Sequence[str],
    rises: np.ndarray,
    span: tuple[int, int],
    talls: list[float | None],
) -> None:
    """Counts letters of a word as tall that are as high as its capitals after the first."""
    letters = text[slice(*span)]
    capitals = [place for place in range(*span) if text[place] in _CAPITALS]
    if not capitals or any(c.islower() and c not in SAME_SHAPE for c in letters):
        return
    level = median(rises[place] for place in capitals)
    for place in range(*span):
        if text[place] in SAME_SHAPE and abs(rises[place] - level) <= _LEVEL * level:
            talls[place] = 1.0
