"""Pieces that share a baseline."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.bidi import has_right_to_left, reading_order
from ocrloom.layout.frame import Placed, middle_of
from ocrloom.result import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.layout.frame import Frame

__all__ = ["Row", "group_rows", "line_of"]

Row: TypeAlias = list[Placed]
"""Pieces on one baseline, from left to right."""

_SAME_ROW = 0.45  # of the lower height: distance of middles that still make one row


def group_rows(pieces: Sequence[Placed]) -> list[Row]:
    """Groups pieces into rows.

    Args:
        pieces: Pieces of one column.

    Returns:
        Rows from top to bottom, the pieces of each from left to right.
    """
    rows: list[Row] = []
    for piece in sorted(pieces, key=middle_of):
        if rows and _share_row(rows[-1][-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.span.left) for row in rows]


def line_of(row: Sequence[Placed], frame: Frame) -> Line:
    """A row as a line of the page, its words in reading order."""
    words = tuple(word for piece in row for word in piece.words)
    if any(has_right_to_left(word.text) for word in words):
        inks = [ink.left for piece in row for ink in piece.ink]
        # A PDF may have words of its own in the order of reading.
        _, words = zip(*sorted(zip(inks, words, strict=True), key=itemgetter(0)), strict=True)
        words = tuple(words[i] for i in reading_order([word.text for word in words]))
    return Line(words=words, polygon=frame.around(word.polygon for word in words))


def _share_row(above: Placed, piece: Placed) -> bool:
    """Whether a piece goes on the row whose last one so far, the nearest to it, is another."""
    height = min(piece.span.height, above.span.height)
    return piece.span.middle - above.span.middle < _SAME_ROW * height
