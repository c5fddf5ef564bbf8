"""Reading order: which pieces make a line, which lines a block, and which block comes first.

A page is split at the gutters between columns of running text, left before right, what runs
across before and after them; inside a column, pieces that share a baseline in the page's own
slope are a line, read from left to right, and lines follow from top to bottom. So tables of
figures come row by row. In scripts that are written from right to left, columns and words are
read so too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocrloom.bidi import runs_right_to_left
from ocrloom.layout.cuts import find_cut
from ocrloom.layout.frame import Frame, Placed, Span, place_of
from ocrloom.layout.gutters import find_gutter
from ocrloom.layout.kinds import classify
from ocrloom.layout.paragraphs import part_rows
from ocrloom.layout.rows import Row, group_rows, line_of
from ocrloom.layout.tables import TableRegion, find_tables, placed_rules, table_block, without
from ocrloom.result import Block, Word
from ocrloom.vision.geometry import page_slope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ocrloom.vision.rules import Rule

__all__ = ["Piece", "arrange"]

_SIDEWAYS = 5.0  # times as high as wide: a line that runs up or down
_MAX_SIDEWAYS = 0.3  # share of the pieces from which these are no exception
_MIN_SLOPE_ASPECT = 4.0  # pieces shorter than this in their heights tell no slope


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that were read together, on one stretch of one line."""

    words: tuple[Word, ...]
    angle: float
    """Slope of the stretch in degrees, positive when it falls to the right."""
    width: float
    """Length along the text in pixels."""
    height: float
    """Height of the line in pixels, ascenders and descenders included."""
    middle: tuple[float, float]
    """Centre in pixels."""


def arrange(
    pieces: Iterable[Piece], rules: Iterable[Rule] = (), bars: Iterable[Rule] = ()
) -> tuple[tuple[Block, ...], float]:
    """Puts pieces of lines into reading order. The order of the input does not matter.

    Args:
        pieces: What was read on one upright page.
        rules: Lines that are drawn on the same page.
        bars: Edges of its bars and pictures.

    Returns:
        Blocks in reading order, and the page's slope in degrees.
    """
    pieces = [piece for piece in pieces if piece.words]
    sloped = [
        piece
        for piece in pieces
        if abs(piece.angle) < 45 and piece.width >= _MIN_SLOPE_ASPECT * piece.height
    ]
    slope = page_slope([piece.angle for piece in sloped], [piece.width for piece in sloped])
    frame = Frame(slope)
    placed = sorted((_place(piece, frame) for piece in pieces), key=place_of)
    drawn = placed_rules((rule for rule in rules if rule.length), frame)
    tables = find_tables(placed, drawn)
    flow, sideways = _apart(without(placed, tables))
    across = [rule for rule in [*drawn, *placed_rules(bars, frame)] if rule.width > rule.height]
    places = {id(table.pieces[0].words[0]): table for table in tables}
    columns = _columns([*flow, *map(_mark, tables)], across)
    blocks = [block for column in columns for block in _blocks(column, places, frame)]
    blocks += [_block([[piece]], frame) for piece in sideways]
    return classify(blocks, frame), slope


def _mark(table: TableRegion) -> Placed:
    """A single piece that goes through the order in place of a table."""
    return Placed(table.pieces[0].words[:1], table.span, (table.span,))


def _blocks(
    column: Sequence[Placed], places: Mapping[int, TableRegion], frame: Frame
) -> Iterator[Block]:
    """The blocks of a column; tables stand for themselves.

    Args:
        column: Its pieces.
        places: Tables by the identity of the word that goes through the order for them.
        frame: Where all this is.
    """
    text: list[Row] = []
    for row in group_rows(column):
        tables = [places[id(piece.words[0])] for piece in row if id(piece.words[0]) in places]
        beside = [piece for piece in row if id(piece.words[0]) not in places]
        text += [beside] if beside else []
        if tables and text:
            yield from (_block(rows, frame) for rows in part_rows(text))
            text = []
        yield from (table_block(table, frame) for table in tables)
    if text:
        yield from (_block(rows, frame) for rows in part_rows(text))


def _place(piece: Piece, frame: Frame) -> Placed:
    ink = tuple(frame.span([word.polygon]) for word in piece.words)
    x, y = piece.middle
    centre = frame.span([((x, y), (x, y), (x, y), (x, y))])
    # A piece that runs up or down the page reaches over as many rows as it is long.
    half = (piece.height if abs(piece.angle) < 45 else piece.width) / 2
    span = Span(
        min(word.left for word in ink),
        centre.top - half,
        max(word.right for word in ink),
        centre.top + half,
    )
    return Placed(piece.words, span, ink)


def _apart(pieces: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
    """Parts the lines that run up or down beside the others, as along a picture, from these."""
    sideways = [piece for piece in pieces if piece.span.height > _SIDEWAYS * piece.span.width]
    if len(sideways) > _MAX_SIDEWAYS * len(pieces):
        return list(pieces), []
    flow = [piece for piece in pieces if piece.span.height <= _SIDEWAYS * piece.span.width]
    return flow, sorted(sideways, key=lambda piece: (piece.span.left, piece.span.top))


def _columns(pieces: Sequence[Placed], rules: Sequence[Span]) -> list[list[Placed]]:
    """Splits a region at its gutters, parts in reading order."""
    if not pieces:
        return []
    gap = find_gutter(pieces)
    if gap is None:
        return [list(pieces)]
    cut = find_cut(pieces, gap, rules)
    if cut is not None:
        upper = [piece for piece in pieces if piece.span.middle < cut]
        lower = [piece for piece in pieces if piece.span.middle >= cut]
        return _columns(upper, rules) + _columns(lower, rules)
    above = [piece for piece in pieces if piece.span.middle < gap.top]
    below = [piece for piece in pieces if piece.span.middle > gap.bottom]
    left: list[Placed] = []
    right: list[Placed] = []
    for piece in pieces:
        if gap.top <= piece.span.middle <= gap.bottom:
            for part, side in zip(piece.split(gap.centre), (left, right), strict=True):
                if part is not None:
                    side.append(part)
    sides = (left, right)
    if runs_right_to_left(word.text for side in sides for piece in side for word in piece.words):
        sides = (right, left)
    return [column for part in (above, *sides, below) for column in _columns(part, rules)]


def _block(rows: Sequence[Row], frame: Frame) -> Block:
    lines = tuple(line_of(row, frame) for row in rows)
    return Block(lines=lines, polygon=frame.around(line.polygon for line in lines))
