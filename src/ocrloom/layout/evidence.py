"""What makes aligned rows a table: numbers, rules, and texts that keep to their columns."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.cells import cut, entries_of
from ocrloom.layout.chunks import is_leader

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.layout.cells import Draft, White
    from ocrloom.layout.frame import Placed, Span

__all__ = ["ACROSS", "MIN_ROWS", "distinct", "is_table"]

MIN_ROWS = 3
ACROSS = 0.8
"""Share of a table's width that a rule of its own covers."""
_MIN_VALUES = 0.4  # share of values outside the first column
_NUMBERS = 0.8  # share of values in a column of numbers
_MIN_NUMBERS = 4  # the fewest that make one, beside columns of text
_SURE_VALUES = 0.7  # the same where there are only two columns
_MIN_FULL = 0.5  # share of rows in which several columns are filled
_MIN_FILLED = 0.4  # share of cells that are not empty
_MIN_FILLED_TEXT = 0.5  # the same where rules and few numbers make the table
_MAX_LEADERS = 0.3  # share of rows with dotted leaders
_MAX_DISORDER = 0.25  # share of cells in which texts stand apart, or which reach over several
_MIN_UNIFORM = 0.75  # share of texts that are of their column's kind, numbers or not
_WORD_SPACE = 0.5  # of a line's height: a wider gap is more than a word space


def is_table(draft: Draft, rules: Sequence[Span]) -> bool:
    """Whether the rows are a table's, not a list's, an index's or a page's columns."""
    rows = draft.rows
    full = [row for row in rows if len(row) > 1]
    if len(full) < MIN_ROWS or len(full) < _MIN_FULL * len(rows):
        return False
    if sum(any(is_leader(c.text) for c in row) for row in rows) > _MAX_LEADERS * len(rows):
        return False
    columns = [column for column in _kinds(draft) if column]
    texts = sum(map(len, columns))
    uniform = sum(max(sum(column), len(column) - sum(column)) for column in columns)
    if _disorder(draft) >= _MAX_DISORDER or uniform < _MIN_UNIFORM * texts:
        return False
    values = sum(map(sum, columns)) / max(1, texts)
    ruled = _rules_of(draft, rules)
    filled = texts + sum(entries_of(row, draft.whites)[0].first == 0 for row in rows)
    share = filled / (len(rows) * (len(draft.whites) + 1))
    if share < (_MIN_FILLED if values >= _MIN_VALUES else _MIN_FILLED_TEXT):
        return False
    if len(draft.whites) == 1:
        return (ruled.outside > 1 and values >= _SURE_VALUES) or ruled.with_head
    numbers = any(
        len(column) >= _MIN_NUMBERS and sum(column) >= _NUMBERS * len(column) for column in columns
    )
    return numbers or values >= _MIN_VALUES or ruled.with_head


@dataclass(frozen=True, slots=True)
class _Ruling:
    """How many rules run across a table."""

    outside: int
    inside: int

    @property
    def with_head(self) -> bool:
        """Whether they part what heads the columns from the rows, and these from what follows."""
        return self.outside > 0 and self.inside > 0 and self.outside + self.inside > 2


def _rules_of(draft: Draft, rules: Sequence[Span]) -> _Ruling:
    """Rules across a table, its borders and those between its rows."""
    span = draft.span
    height = median(chunk.span.height for row in draft.rows for chunk in row)
    across = distinct(
        (
            rule.middle
            for rule in rules
            if span.top - 1.5 * height < rule.middle < span.bottom + 1.5 * height
            and min(rule.right, span.right) - max(rule.left, span.left) > ACROSS * span.width
        ),
        height / 2,
    )
    first, last = (median(chunk.span.middle for chunk in draft.rows[number]) for number in (0, -1))
    inside = sum(first < place < last for place in across)
    return _Ruling(len(across) - inside, inside)


def distinct(places: Iterable[float], least: float) -> list[float]:
    """Places without those that are nearer than ``least`` to one before."""
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] >= least:
            kept.append(place)
    return kept


def _disorder(draft: Draft) -> float:
    """Share of what does not keep to the columns, in 0..1.

    That is texts that reach over several columns, that are torn apart at a mere word space, or
    that stand far from each other in one cell.
    """
    wrong = total = 0
    for row in draft.rows:
        entries = entries_of(row, draft.whites)
        total += len(entries)
        wrong += sum(entry.first < entry.last or entry.is_torn for entry in entries)
        wrong += sum(_is_torn_apart(chunk.part, draft.whites) for chunk in row)
    return wrong / total


def _kinds(draft: Draft) -> list[list[bool]]:
    """Of each text in each column but the first whether it is a number, without the first row.

    First row and first column say what the others mean.
    """
    columns: list[list[bool]] = [[] for _ in draft.whites]
    for row in draft.rows[1:]:
        for entry in entries_of(row, draft.whites):
            if entry.first == entry.last > 0:
                columns[entry.first - 1].append(entry.is_value)
    return columns


def _is_torn_apart(part: Placed, whites: Sequence[White]) -> bool:
    return any(
        right.span.left - left.span.right < _WORD_SPACE * part.span.height
        for (left, *_), (right, *_) in itertools.pairwise(cut(part, whites))
    )
