"""Grids: the rows, columns and cells of a table, from its chunks and what divides them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ocrloom.layout.cells import Draft, Entry, entries_of
from ocrloom.layout.frame import Span, around

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.result import Word

__all__ = ["Grid", "GridCell", "lay_out"]

_SLACK = 0.5  # of a line's height: what reaches less far into a column does not stand in it
_TIGHT = 1.3  # times the usual distance of rows, the most to a line that continues a cell


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell that is not empty."""

    row: int
    column: int
    row_span: int
    column_span: int
    words: tuple[Word, ...]
    """In reading order."""
    span: Span
    """Around its words."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells in rows and columns."""

    rows: int
    columns: int
    cells: tuple[GridCell, ...]
    """Row by row, those of a row from left to right; no two cover one place."""


def lay_out(draft: Draft, rules: Sequence[Span] = ()) -> Grid:
    """Finds the cells of a table whose columns are known.

    A line whose first column is empty and whose texts go on from those above is no row of its
    own. What reaches into several columns without a gap between words there spans them, and a
    heading over several columns spans those whose middle it stands at.

    Args:
        draft: The table.
        rules: Horizontal rules; no cell goes on below one.
    """
    lines = [entries_of(row, draft.whites) for row in draft.rows]
    rows: list[list[Entry]] = []
    for number, line in enumerate(lines):
        if number and _continues(lines[number - 1], line, rows[-1], lines, rules):
            for entry in line:
                next(e for e in rows[-1] if _meet(e, entry)).parts += entry.parts
        else:
            rows.append([replace(entry, parts=list(entry.parts)) for entry in line])
    head = _head(rows)
    bodies = _bodies(rows[head:], draft)
    cells = [
        GridCell(
            number,
            first,
            1,
            last - first + 1,
            tuple(word for part in entry.parts for word in part.words),
            around(ink for part in entry.parts for ink in part.ink),
        )
        for number, row in enumerate(rows)
        for entry, (first, last) in zip(row, _spread(row, bodies, head=number < head), strict=True)
    ]
    return Grid(len(rows), len(draft.whites) + 1, tuple(cells))


def _meet(a: Entry, b: Entry) -> bool:
    return a.first <= b.last and b.first <= a.last


def _continues(
    above: Sequence[Entry],
    line: Sequence[Entry],
    row: Sequence[Entry],
    lines: Sequence[Sequence[Entry]],
    rules: Sequence[Span],
) -> bool:
    """Whether a line only goes on with texts of the row above it."""
    if line[0].first == 0 or row[0].first != 0 or len(line) > len(row):
        return False
    if any(sum(_meet(entry, other) for other in row) != 1 for entry in line):
        return False
    top, bottom = (around(e.span for e in each) for each in (above, line))
    if any(
        top.middle < rule.middle < bottom.middle
        and rule.left < bottom.right
        and rule.right > bottom.left
        for rule in rules
    ):
        return False
    if bottom.middle - top.middle > _TIGHT * _usual_step(lines):
        return False
    return all(_goes_on(entry, above, lines) for entry in line)


def _goes_on(entry: Entry, above: Sequence[Entry], lines: Sequence[Sequence[Entry]]) -> bool:
    """Whether a text belongs to the one above it: that was broken because it was full."""
    before = next((other for other in above if _meet(entry, other)), None)
    if before is None or (entry.is_value and before.is_value):
        return False
    column = [e.span.right for line in lines for e in line if e.last == before.last]
    word = entry.parts[0].ink[0]
    return before.span.right + 0.2 * word.height + word.width > max(column)


def _usual_step(lines: Sequence[Sequence[Entry]]) -> float:
    """The lower quartile of the distances between lines: of rows that are close together."""
    middles = [around(entry.span for entry in line).middle for line in lines]
    steps = sorted(below - above for above, below in itertools.pairwise(middles))
    return steps[len(steps) // 4]


def _bodies(rows: Sequence[Sequence[Entry]], draft: Draft) -> list[Span]:
    """Around what stands in each column alone, heads of several columns left out."""
    span = draft.span
    edges = [span.left, *((left + right) / 2 for left, right in draft.whites), span.right]
    bodies = []
    for column, (left, right) in enumerate(itertools.pairwise(edges)):
        alone = [e.span for row in rows for e in row if e.first == e.last == column]
        bodies.append(around(alone) if alone else Span(left, span.top, right, span.bottom))
    return bodies


def _head(rows: Sequence[Sequence[Entry]]) -> int:
    """Number of rows above the first that has something in the first column."""
    return next((number for number, row in enumerate(rows) if row[0].first == 0), 0)


def _spread(row: Sequence[Entry], bodies: Sequence[Span], *, head: bool) -> list[tuple[int, int]]:
    """Columns of each entry; one over several columns reaches as far as its middle tells."""
    found: list[tuple[int, int]] = []
    for number, entry in enumerate(row):
        least = found[-1][1] + 1 if found else 0
        most = row[number + 1].first - 1 if number + 1 < len(row) else len(bodies) - 1
        body, slack = bodies[entry.first], _SLACK * entry.span.height
        out = entry.span.left < body.left - slack or entry.span.right > body.right + slack
        if entry.first < entry.last or (head and out):
            found.append(_under(entry, bodies, least, most))
        else:
            found.append((entry.first, entry.last))
    return found


def _under(entry: Entry, bodies: Sequence[Span], least: int, most: int) -> tuple[int, int]:
    """The columns over whose common middle an entry stands, its own among them."""
    choices = [
        (first, last)
        for first in range(least, entry.first + 1)
        for last in range(entry.last, most + 1)
    ]

    def misfit(choice: tuple[int, int]) -> tuple[float, int]:
        first, last = choice
        middle = (bodies[first].left + bodies[last].right) / 2
        return abs(middle - entry.span.centre), last - first

    return min(choices, key=misfit)
