"""Ruled tables: what stands in the cells of a lattice, if it is a table's and not a page's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.chunks import Chunk, chunk_rows
from ocrloom.layout.frame import around
from ocrloom.layout.grids import Grid, GridCell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocrloom.layout.frame import Placed
    from ocrloom.layout.lattice import Block, Lattice

__all__ = ["Contents", "contents_of"]

_MIN_CELLS = 4  # with text
_MIN_FILLED = 0.25  # share of cells with text
_MAX_CROWDED = 0.2  # share of lines in which several texts stand side by side in one cell
_MAX_VALUES = 0.3  # share of lines in cells that are values below values: rows of their own
_MAX_LINES = 6  # median of a cell's lines
_MAX_BROKEN = 0.6  # share of lines in tall cells that are no running text: rows of their own
_TALL = 4  # lines of a cell that may be rows of their own
_PAGE = 8  # lines of a cell from which it may be a page's part
_SENTENCE = 4  # words of a line of running text
_MIN_HEIGHT = 0.8  # line heights: a lower row holds no text, nor does a narrower column


@dataclass(frozen=True, slots=True)
class Contents:
    """The text in a lattice."""

    lattice: Lattice
    parts: Mapping[Block, tuple[Placed, ...]]
    """Of each cell that is not empty."""
    lines: Mapping[Block, list[list[Chunk]]]
    """The same in rows of chunks."""

    @property
    def is_table(self) -> bool:
        """Whether each cell of the lattice is a cell of a table, and none holds rows of its own."""
        rows = {row for top, _, bottom, _ in self.parts for row in range(top, bottom)}
        columns = {column for _, left, _, right in self.parts for column in range(left, right)}
        if min(len(rows), len(columns)) < 2 or len(self.parts) < _MIN_CELLS:
            return False
        if len(self.parts) < _MIN_FILLED * self.lattice.cells:
            return False
        return not self._is_subdivided

    @property
    def is_frame(self) -> bool:
        """Whether its cells are parts of a page, full of running text."""
        if not self.parts:
            return False
        lines = [line for rows in self.lines.values() for line in rows]
        text = sum(sum(len(c.part.words) for c in line) >= _SENTENCE for line in lines)
        return self._usual_lines >= _PAGE and text >= 0.5 * len(lines)

    @property
    def _usual_lines(self) -> float:
        return median(len(rows) for rows in self.lines.values())

    @property
    def _is_subdivided(self) -> bool:
        """Whether the columns or the rows go on being divided inside its cells."""
        lines = [line for rows in self.lines.values() for line in rows]
        crowded = sum(len(line) > 1 for line in lines)
        pairs = [pair for rows in self.lines.values() for pair in itertools.pairwise(rows)]
        values = sum(all(c.is_value for line in pair for c in line) for pair in pairs)
        return (
            crowded > _MAX_CROWDED * len(lines)
            or values > _MAX_VALUES * len(pairs)
            or self._usual_lines > _MAX_LINES
            or self._has_lists
        )

    @property
    def _has_lists(self) -> bool:
        """Whether tall cells side by side hold as many lines each, at the same heights."""
        tall = [(block, rows) for block, rows in self.lines.items() if len(rows) >= _TALL]
        pairs = beside = 0
        for (a, ours), (b, theirs) in itertools.combinations(tall, 2):
            if a[0] == b[0]:
                pairs += 1
                beside += len(ours) == len(theirs)
        return pairs > 0 and beside > _MAX_BROKEN * pairs and len(tall) > 0.5 * len(self.lines)

    def grid(self, unit: float) -> Grid:
        """Its cells, without rows and columns that are only the white in a double rule.

        Args:
            unit: Usual height of a line.
        """
        row_of = _numbers(self.lattice.ys, {block[0] for block in self.parts}, unit)
        column_of = _numbers(self.lattice.xs, {block[1] for block in self.parts}, unit)
        cells = []
        for block, parts in sorted(self.parts.items()):
            top, left, bottom, right = block
            words = (
                word for line in self.lines[block] for chunk in line for word in chunk.part.words
            )
            cells.append(
                GridCell(
                    row_of[top],
                    column_of[left],
                    row_of[bottom] - row_of[top],
                    column_of[right] - column_of[left],
                    tuple(words),
                    around(ink for part in parts for ink in part.ink),
                )
            )
        return Grid(row_of[-1], column_of[-1], tuple(cells))


def _numbers(places: Sequence[float], used: set[int], unit: float) -> list[int]:
    """For each line of a lattice, how many rows or columns that count are before it."""
    counts = [
        number in used or after - before >= _MIN_HEIGHT * unit
        for number, (before, after) in enumerate(itertools.pairwise(places))
    ]
    return [0, *itertools.accumulate(map(int, counts))]


def contents_of(lattice: Lattice, pieces: Sequence[Placed]) -> Contents:
    """Puts words into the cells that their middles lie in.

    Args:
        lattice: The lattice.
        pieces: Pieces of lines, sorted in a way that does not depend on how they came.
    """
    parts: dict[Block, list[Placed]] = {}
    for piece in pieces:
        inside: dict[Block, list[int]] = {}
        for number, ink in enumerate(piece.ink):
            block = lattice.cell_at(ink.centre, ink.middle)
            if block is not None:
                inside.setdefault(block, []).append(number)
        for block, numbers in inside.items():
            parts.setdefault(block, []).append(piece.only(numbers))
    return Contents(
        lattice,
        {block: tuple(found) for block, found in parts.items()},
        {block: chunk_rows(found) for block, found in parts.items()},
    )
