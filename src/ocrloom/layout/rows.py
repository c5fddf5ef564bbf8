"""Pieces that share a baseline."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from ocrloom.layout.frame import Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Row", "group_rows"]

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
    for piece in sorted(pieces, key=lambda piece: piece.span.middle):
        if rows and _shares_row(piece, rows[-1]):
            rows[-1].append(piece)
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.span.left) for row in rows]


def _shares_row(piece: Placed, row: Row) -> bool:
    nearest = min(row, key=lambda other: abs(other.span.middle - piece.span.middle))
    height = min(piece.span.height, nearest.span.height)
    return abs(piece.span.middle - nearest.span.middle) < _SAME_ROW * height
