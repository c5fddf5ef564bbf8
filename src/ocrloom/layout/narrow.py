"""Columns that stand so close that detection reads their cells as one text."""

from __future__ import annotations

import itertools
from dataclasses import replace
from statistics import quantiles
from typing import TYPE_CHECKING

from ocrloom.layout.cells import column_inks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.layout.cells import Draft, White
    from ocrloom.layout.frame import Span

__all__ = ["with_narrow_columns"]

_LEAST = 0.35  # of a word's height, the least white between two columns
_WIDER = 1.6  # times a usual word space, the same
_MIN_ROWS = 3  # with words on both sides
_MIN_SHARE = 0.5  # of the column's rows, the same
_MAX_CROSSED = 0.1  # share of the rows that have a word or a word space there, besides one


def with_narrow_columns(draft: Draft) -> Draft:
    """A table whose columns are parted where all rows have a gap wider than a word space."""
    spaces = sorted(gap for row in draft.rows for c in row for gap in _spaces(c.part.ink))
    if len(spaces) < _MIN_ROWS:
        return draft
    least = max(_LEAST, _WIDER * quantiles(spaces, n=4, method="inclusive")[0])
    whites = list(draft.whites)
    columns = column_inks(draft)
    while columns:
        rows = columns.pop()
        white = _white(rows, least)
        if white is not None:
            whites.append(white)
            columns += _parted(rows, white)
    return replace(draft, whites=tuple(sorted(whites)))


def _parted(rows: Sequence[Sequence[Span]], white: White) -> list[list[list[Span]]]:
    """The columns left and right of a white, rows without words left out."""
    middle = (white[0] + white[1]) / 2
    left = [[ink for ink in row if ink.centre < middle] for row in rows]
    right = [[ink for ink in row if ink.centre >= middle] for row in rows]
    return [[row for row in side if row] for side in (left, right)]


def _spaces(words: Sequence[Span]) -> Iterator[float]:
    """Gaps between the words of a text, in their heights."""
    for before, after in itertools.pairwise(sorted(words, key=lambda ink: ink.left)):
        yield (after.left - before.right) / after.height


def _white(rows: Sequence[Sequence[Span]], least: float) -> White | None:
    """The white that most rows of a column share."""
    gaps = [
        (before.right, after.left)
        for row in rows
        for before, after in itertools.pairwise(row)
        if after.left - before.right >= least * after.height
    ]
    best: tuple[int, White] | None = None
    for left, right in gaps:
        place = (left + right) / 2
        shared = [gap for gap in gaps if gap[0] <= place <= gap[1]]
        beside = [row for row in rows if row[0].left < place < row[-1].right]
        if len(shared) < max(_MIN_ROWS, _MIN_SHARE * len(rows)):
            continue
        if len(beside) - len(shared) > 1 + _MAX_CROSSED * len(rows):
            continue
        white = max(gap[0] for gap in shared), min(gap[1] for gap in shared)
        if best is None or (len(shared), white) > best:
            best = len(shared), white
    return best and best[1]
