"""The cells of single rows: what stands in which columns of a table."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.layout.chunks import Chunk
from ocrloom.layout.frame import Placed, Span, around

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Draft", "Entry", "White", "column_inks", "cut", "entries_of", "without_signs"]

White: TypeAlias = tuple[float, float]
"""Left and right of the white between two columns."""
_WORD_GAP = 0.25  # of a line's height, the least between two words of different cells
_CELL_GAP = 0.5  # of a line's height: a wider gap is more than a word space
_IN_GAP = 0.6  # share of the white between two columns that the gap of two cells takes
_SLACK = 0.5  # of a line's height: what reaches less far into a column does not stand in it
_TORN = 1.5  # of a line's height: texts farther apart are not one
_SPARSE = 0.12  # share of rows in which a column is filled, that is none of its own


@dataclass(frozen=True, slots=True)
class Draft:
    """A table before its cells are known."""

    rows: tuple[tuple[Chunk, ...], ...]
    """What stands side by side, from top to bottom; no row is empty."""
    whites: tuple[White, ...]
    """What divides its columns, from left to right."""

    @property
    def span(self) -> Span:
        """Around all chunks."""
        return around(chunk.span for row in self.rows for chunk in row)


@dataclass(slots=True)
class Entry:
    """Parts of one row that go to one cell: columns ``first`` to ``last``."""

    first: int
    last: int
    parts: list[Placed]

    @property
    def span(self) -> Span:
        """Around its parts."""
        return around(part.span for part in self.parts)

    @property
    def is_torn(self) -> bool:
        """Whether its parts are too far from each other for one text."""
        return any(
            right.span.left - left.span.right > _TORN * right.span.height
            for left, right in itertools.pairwise(self.parts)
        )

    @property
    def text(self) -> str:
        """Its words, one space between each two."""
        return " ".join(word.text for part in self.parts for word in part.words)

    @property
    def is_value(self) -> bool:
        """Whether it holds numbers, amounts, dates or dashes, and no text."""
        return all(Chunk(part, 0).is_value for part in self.parts)


def without_signs(draft: Draft) -> Draft:
    """The same without columns in which only a currency sign stands here and there."""
    whites = list(draft.whites)
    lines = [entries_of(row, draft.whites) for row in draft.rows]
    for column in range(len(draft.whites) - 1, -1, -1):
        alone = [e.text for line in lines for e in line if e.first == e.last == column]
        if len(alone) <= max(1, _SPARSE * len(lines)) and all(len(text) == 1 for text in alone):
            del whites[column]
    return replace(draft, whites=tuple(whites))


def column_inks(draft: Draft) -> list[list[list[Span]]]:
    """The words of each column row by row, from left to right, without what is in others too."""
    columns: list[list[list[Span]]] = [[] for _ in range(len(draft.whites) + 1)]
    for row in draft.rows:
        for entry in entries_of(row, draft.whites):
            if entry.first == entry.last:
                inks = (ink for part in entry.parts for ink in part.ink)
                columns[entry.first].append(sorted(inks, key=lambda ink: ink.left))
    return columns


def entries_of(row: Sequence[Chunk], whites: Sequence[White]) -> list[Entry]:
    """The chunks of a row cut at the columns' borders, what shares a column together."""
    entries: list[Entry] = []
    for chunk in row:
        for part, first, last in cut(chunk.part, whites):
            if entries and first <= entries[-1].last:
                entries[-1].parts.append(part)
                entries[-1].last = max(last, entries[-1].last)
            else:
                entries.append(Entry(first, last, [part]))
    return entries


def cut(part: Placed, whites: Sequence[White]) -> list[tuple[Placed, int, int]]:
    """A part of a line, cut where a gap between words holds the white between two columns.

    Returns:
        Each piece with the first and the last column in which it stands.
    """
    pieces: list[tuple[Placed, int, int]] = []
    rest, least = part, 0
    for number, white in enumerate(whites):
        inside = rest.span.left < white[1] and white[0] < rest.span.right
        place = _gap_at(rest, white) if inside else None
        left, right = rest.split(place) if place is not None else (None, None)
        if left is not None and right is not None:
            pieces.append((left, *_columns(left, whites, least, number)))
            rest, least = right, number + 1
    return [*pieces, (rest, *_columns(rest, whites, least, len(whites)))]


def _gap_at(part: Placed, white: White) -> float | None:
    """The middle between two words that stand on both sides of a white."""
    for before, after in itertools.pairwise(sorted(part.ink, key=lambda ink: ink.left)):
        common = min(white[1], after.left) - max(white[0], before.right)
        gap, height = after.left - before.right, part.span.height
        # What is no wider than a word space has to lie right between the columns.
        least = min(white[1] - white[0], gap if gap >= _CELL_GAP * height else inf)
        if gap >= _WORD_GAP * height and common >= _IN_GAP * least:
            return (before.centre + after.centre) / 2
    return None


def _columns(part: Placed, whites: Sequence[White], least: int, most: int) -> tuple[int, int]:
    """First and last column in which a part stands, of those from ``least`` to ``most``."""
    slack = part.span.width / 3
    if len(part.words) > 1:  # the box of a single word may reach too far, but it is in one column
        slack = min(slack, _SLACK * part.span.height)
    first = sum(part.span.left + slack > (left + right) / 2 for left, right in whites)
    last = sum(part.span.right - slack > (left + right) / 2 for left, right in whites)
    return min(max(first, least), most), min(max(first, last, least), most)
