"""Tables, ruled and unruled, with their rows, columns and cells. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.bidi import has_right_to_left
from ocrloom.layout.aligned import aligned_tables
from ocrloom.layout.chunks import chunk_rows, lines_of
from ocrloom.layout.frame import place_of
from ocrloom.layout.grids import Grid, lay_out
from ocrloom.layout.lattice import find_lattices, without_letters
from ocrloom.layout.rows import line_of
from ocrloom.layout.ruled import contents_of
from ocrloom.layout.tubes import find_tubes
from ocrloom.result import Block, BlockKind, Cell, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.layout.cells import Draft
    from ocrloom.layout.frame import Frame, Placed, Span
    from ocrloom.layout.lattice import Lattice
    from ocrloom.result import Line, Word
    from ocrloom.vision.rules import Rule

__all__ = ["TableRegion", "find_tables", "placed_rules", "table_block", "without"]


@dataclass(frozen=True, slots=True)
class TableRegion:
    """A table and where it is."""

    span: Span
    pieces: tuple[Placed, ...]
    """Pieces, or parts of pieces, that stand in it."""
    grid: Grid


def find_tables(pieces: Sequence[Placed], rules: Sequence[Span]) -> list[TableRegion]:
    """Finds the tables of a page. The order of the input does not matter.

    Args:
        pieces: All pieces of lines.
        rules: Ruled lines in the same frame, as ``placed_rules`` gives them.

    Returns:
        Tables from top to bottom; no word is in two.
    """
    pieces = sorted(pieces, key=place_of)
    rules = without_letters(rules, pieces)
    across = sorted((r for r in rules if r.width >= r.height), key=lambda r: (r.middle, r.left))
    walls = sorted((r for r in rules if r.width < r.height), key=lambda r: (r.centre, r.top))
    if not pieces:
        return []
    unit = median(piece.span.height for piece in pieces)
    found, parts = _ruled(pieces, find_lattices(across, walls, unit), unit)
    for part in parts:
        rows = chunk_rows(part, walls)
        found += [
            _region(draft, across)
            for draft in aligned_tables(rows, find_tubes(rows, walls), across)
        ]
    return sorted(found, key=lambda region: (region.span.top, region.span.left))


def _ruled(
    pieces: Sequence[Placed], lattices: Sequence[Lattice], unit: float
) -> tuple[list[TableRegion], list[list[Placed]]]:
    """Ruled tables, and what else stands on the page: in its frames, each for itself, and outside.

    A lattice whose cells are divided further without rules is left as it is.
    """
    tables: list[TableRegion] = []
    parts: list[list[Placed]] = []
    rest = list(pieces)
    for lattice in sorted(lattices, key=lambda each: -each.span.width * each.span.height):
        contents = contents_of(lattice, rest)
        if contents.is_table:
            inside = tuple(part for each in contents.parts.values() for part in each)
            tables.append(TableRegion(lattice.span, inside, contents.grid(unit)))
        elif contents.is_frame:
            parts += [list(each) for each in contents.parts.values()]
        else:
            continue
        rest = _outside(rest, [part for each in contents.parts.values() for part in each])
    return tables, [part for part in (*parts, rest) if part]


def _region(draft: Draft, across: Sequence[Span]) -> TableRegion:
    parts = tuple(chunk.part for row in draft.rows for chunk in row)
    return TableRegion(draft.span, parts, lay_out(draft, across))


def placed_rules(rules: Iterable[Rule], frame: Frame) -> list[Span]:
    """Ruled lines as thin spans in a frame: wider than high, or higher than wide."""
    return [frame.span([(rule.start, rule.end, rule.end, rule.start)]) for rule in rules]


def table_block(region: TableRegion, frame: Frame) -> Block:
    """A table as a block of the page.

    Args:
        region: The table.
        frame: The frame it was found in.

    Returns:
        A block whose lines run across all columns, with the cells in ``Block.table``.
    """
    lines = tuple(line_of(row, frame) for row in lines_of(region.pieces))
    cells = tuple(
        Cell(
            row=cell.row,
            column=cell.column,
            row_span=cell.row_span,
            column_span=cell.column_span,
            words=_as_read(cell.words, lines),
            polygon=frame.polygon(cell.span),
        )
        for cell in region.grid.cells
    )
    return Block(
        lines=lines,
        polygon=frame.around(line.polygon for line in lines),
        kind=BlockKind.TABLE,
        table=Table(rows=region.grid.rows, columns=region.grid.columns, cells=cells),
    )


def _as_read(words: tuple[Word, ...], lines: Iterable[Line]) -> tuple[Word, ...]:
    """The words of a cell as the lines have them, where some are written from right to left."""
    if not any(has_right_to_left(word.text) for word in words):
        return words
    wanted = set(map(id, words))
    return tuple(word for line in lines for word in line.words if id(word) in wanted)


def without(pieces: Iterable[Placed], regions: Iterable[TableRegion]) -> list[Placed]:
    """What stands outside of tables.

    Args:
        pieces: All pieces of lines, as they were given to ``find_tables``.
        regions: What it found.

    Returns:
        The pieces, or what is left of them, in their order.
    """
    return _outside(pieces, [part for region in regions for part in region.pieces])


def _outside(pieces: Iterable[Placed], parts: Iterable[Placed]) -> list[Placed]:
    """The pieces without the words of some parts of them."""
    gone = {id(word) for part in parts for word in part.words}
    left = []
    for piece in pieces:
        kept = [number for number, word in enumerate(piece.words) if id(word) not in gone]
        if kept:
            left.append(piece.only(kept))
    return left
