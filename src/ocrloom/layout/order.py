"""Reading order: which pieces make a line, which lines a block, and which block comes first.

A page is split at the gutters between columns of running text, left before right, what runs
across before and after them; inside a column, pieces that share a baseline in the page's own
slope are a line, read from left to right, and lines follow from top to bottom. So tables of
figures come row by row.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.frame import Frame, Placed, Span, page_slope
from ocrloom.layout.gutters import find_gutter
from ocrloom.layout.rows import group_rows
from ocrloom.result import Block, Line, Polygon, Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Piece", "arrange"]

_PARAGRAPH = 1.45  # of the usual distance between rows: more begins a new block
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


def arrange(pieces: Iterable[Piece]) -> tuple[tuple[Block, ...], float]:
    """Puts pieces of lines into reading order. The order of the input does not matter.

    Args:
        pieces: What was read on one upright page.

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
    placed = sorted(
        (_place(piece, frame) for piece in pieces),
        key=lambda p: (p.span.middle, p.span.left, p.span.right, [w.text for w in p.words]),
    )
    blocks = [_block(rows, frame) for column in _columns(placed) for rows in _blocks(column)]
    return tuple(blocks), slope


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


def _columns(pieces: Sequence[Placed]) -> list[list[Placed]]:
    """Splits a region at its gutters, parts in reading order."""
    if not pieces:
        return []
    gap = find_gutter(pieces)
    if gap is None:
        return [list(pieces)]
    above = [piece for piece in pieces if piece.span.middle < gap.top]
    below = [piece for piece in pieces if piece.span.middle > gap.bottom]
    left: list[Placed] = []
    right: list[Placed] = []
    for piece in pieces:
        if gap.top <= piece.span.middle <= gap.bottom:
            for part, side in zip(piece.split(gap.centre), (left, right), strict=True):
                if part is not None:
                    side.append(part)
    return [column for part in (above, left, right, below) for column in _columns(part)]


def _blocks(pieces: Sequence[Placed]) -> list[list[list[Placed]]]:
    """Rows of one column, parted where the distance between them is more than usual."""
    rows = group_rows(pieces)
    middles = [median(piece.span.middle for piece in row) for row in rows]
    steps = [below - above for above, below in itertools.pairwise(middles)]
    usual = median(steps) if steps else 0.0
    blocks = [[rows[0]]]
    for row, step in zip(rows[1:], steps, strict=True):
        if step > _PARAGRAPH * usual:
            blocks.append([])
        blocks[-1].append(row)
    return blocks


def _block(rows: Sequence[Sequence[Placed]], frame: Frame) -> Block:
    lines = tuple(_line(row, frame) for row in rows)
    return Block(lines=lines, polygon=_around((line.polygon for line in lines), frame))


def _line(row: Sequence[Placed], frame: Frame) -> Line:
    words = tuple(word for piece in row for word in piece.words)
    return Line(words=words, polygon=_around((word.polygon for word in words), frame))


def _around(polygons: Iterable[Polygon], frame: Frame) -> Polygon:
    return frame.polygon(frame.span(polygons))
