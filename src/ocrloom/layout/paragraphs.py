"""Which rows of a column belong together."""

from __future__ import annotations

import itertools
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.layout.rows import Row

__all__ = ["part_rows"]

_FURTHER = 1.35  # of the usual distance between rows: more begins a new block
_TALLER = 1.4  # times the height of the line before or after: another kind of line
_FLUSH = 0.4  # of a line's height: distance from the usual left edge that is none
_WIDE = 1.5  # of a line's height: a space that is none between words
_INDENT = 0.8, 5.0  # of a line's height: by how much a paragraph's first line is moved in or out


def part_rows(rows: Sequence[Row]) -> list[list[Row]]:
    """Parts the rows of one column into paragraphs, headings and what else stands together.

    Args:
        rows: From top to bottom; at least one.

    Returns:
        The same rows, parted where they are further apart than usual, where they are of other
        heights, before lines that begin further in or out than those around them, and after lines
        that end before they are full where the next one is.
    """
    return [part for block in _by_distance(rows) for part in _by_lines(block)]


def _by_distance(rows: Sequence[Row]) -> list[list[Row]]:
    middles = [median(piece.span.middle for piece in row) for row in rows]
    heights = [median(piece.span.height for piece in row) for row in rows]
    steps = [below - above for above, below in itertools.pairwise(middles)]
    # Paragraphs of two or three lines are common, so that half of the steps may be wide ones.
    height = median(heights)
    usual = sorted(steps)[len(steps) // 4] / height if steps else 0.0
    blocks = [[rows[0]]]
    for row, step, (above, below) in zip(rows[1:], steps, itertools.pairwise(heights), strict=True):
        low, high = sorted((above, below))
        if step > _FURTHER * usual * max(low, height) or high > _TALLER * low:
            blocks.append([])
        blocks[-1].append(row)
    return blocks


def _by_lines(rows: list[Row]) -> list[list[Row]]:
    """Parts rows by where they begin and end."""
    unit = median(piece.span.height for row in rows for piece in row)
    lefts = [row[0].span.left for row in rows]
    usual = median(lefts)
    away = [abs(left - usual) for left in lefts]
    flush = [distance <= _FLUSH * unit for distance in away]
    if 2 * sum(flush) < len(rows):
        return [rows]  # a verse, or centred
    broken = _broken(rows, unit)
    low, high = (times * unit for times in _INDENT)
    blocks = [[rows[0]]]
    for number in range(1, len(rows)):
        beside = flush[number - 1 : number] + flush[number + 1 : number + 2]
        first = low <= away[number] <= high and all(beside)
        if first or (broken[number - 1] and not broken[number]):
            blocks.append([])
        blocks[-1].append(rows[number])
    return blocks


def _broken(rows: Sequence[Row], unit: float) -> list[bool]:
    """Of each row, whether the next one's first word had room at its end, or it is no prose."""
    right = max(piece.span.right for row in rows for piece in row)
    broken = []
    for row, after in itertools.zip_longest(rows, rows[1:]):
        ink = sorted((ink for piece in row for ink in piece.ink), key=lambda ink: ink.left)
        gaps = [second.left - first.right for first, second in itertools.pairwise(ink)]
        needed = min((ink.left, ink.width) for ink in after[0].ink)[1] if after else 0.0
        room = right - ink[-1].right - needed
        broken.append(not after or room > unit or max(gaps, default=0.0) > _WIDE * unit)
    return broken
