"""Where a region of columns is to be read in two parts, one above the other.

After the XY cut of Nagy and Seth ("Hierarchical representation of optically scanned documents",
ICPR 1984) and its weighing by Ha, Haralick and Phillips ("Recursive X-Y cut using bounding boxes
of connected components", ICDAR 1995): what is empty across all columns, or ruled off, divides.
"""

from __future__ import annotations

import itertools
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.frame import around
from ocrloom.layout.gutters import MAX_ALIGNED, aligned, find_gutter, is_column_of_text, sides
from ocrloom.layout.rows import group_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.layout.frame import Placed, Span

__all__ = ["find_cut"]

_MIN_BAND = 1.7  # of a line's height: what is empty across all columns and divides them
_RULED = 0.5  # share of each side's width that a rule between two parts reaches over


def find_cut(pieces: Sequence[Placed], gap: Span, rules: Sequence[Span]) -> float | None:
    """Where the two sides of a gutter are cut across, or None.

    Args:
        pieces: All pieces of lines in the region.
        gap: A gutter between two of its columns.
        rules: Lines drawn on the page that run along its text lines.

    Returns:
        A position across the lines, with pieces above and below it.
    """
    beside = [piece for piece in pieces if gap.top <= piece.span.middle <= gap.bottom]
    ink = sorted((ink for piece in beside for ink in piece.ink), key=lambda ink: ink.top)
    whole = around(ink)
    for rule in sorted(rules, key=lambda rule: rule.middle):
        if _parts(rule, ink, whole, gap):
            return rule.middle
    for cut in _bands(beside, ink):
        parts = [
            [piece for piece in beside if (piece.span.middle < cut) == above]
            for above in (True, False)
        ]
        if all(_may_stand_alone(part, gap) for part in parts):
            return cut
    return None


def _parts(rule: Span, ink: Sequence[Span], whole: Span, gap: Span) -> bool:
    """Whether a rule runs between words, over much of what is on both sides of a gutter.

    Args:
        rule: The rule.
        ink: The words beside the gutter, sorted by their tops.
        whole: Around all of them.
        gap: The gutter.
    """
    return (
        ink[0].bottom < rule.middle < ink[-1].top
        and rule.left < gap.left - _RULED * (gap.left - whole.left)
        and rule.right > gap.right + _RULED * (whole.right - gap.right)
        and not any(word.top < rule.middle < word.bottom for word in ink)
    )


def _bands(beside: Sequence[Placed], ink: Sequence[Span]) -> list[float]:
    """Middles of the bands without ink that are higher than what is between lines as a rule."""
    unit = median(piece.span.height for piece in beside)
    rows = group_rows(beside)
    middles = [median(piece.span.middle for piece in row) for row in rows]
    steps = [below - above for above, below in itertools.pairwise(middles)]
    least = max(_MIN_BAND * unit, median(steps)) if steps else float("inf")
    found = []
    bottom = ink[0].bottom
    for word in ink:
        if word.top - bottom > least:
            found.append((word.top - bottom, (word.top + bottom) / 2))
        bottom = max(bottom, word.bottom)
    return [middle for _, middle in sorted(found, reverse=True)]


def _may_stand_alone(part: Sequence[Placed], gap: Span) -> bool:
    """Whether a part is read as well without the rest: it has columns itself, or never had any.

    Where there is text in columns, or lines stand side by side, it would be read across them.
    """
    left, right = sides(part, gap)
    if not left or not right or find_gutter(part) is not None:
        return True
    unit = median(piece.span.height for piece in part)
    if any(is_column_of_text(rows, unit) for rows in (left, right)):
        return False
    return aligned(left, right, unit) < MAX_ALIGNED
