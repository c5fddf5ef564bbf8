"""Tubes: gaps between the chunks of a row that go on in the rows below.

What divides two columns, of a table as of a page, is white space that runs down between them
(Breuel, "Two Geometric Algorithms for Layout Analysis", DAS 2002); as the stacked gaps of rows
it needs no other measure than the rows themselves.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocrloom.layout.chunks import walls_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.layout.chunks import Chunk
    from ocrloom.layout.frame import Span

__all__ = ["Gap", "Tube", "find_tubes"]

_MIN_WIDTH = 0.35  # of a line's height
_MIN_ROWS = 2
_CROSSINGS = 2  # rows in a row that may cross a tube: a heading inside a table
_MIN_SHARE = 0.6  # of the rows beside a tube that have a gap there
_REACH = 4.0  # line heights to the next row of the same tube
_MAX_BOXED = 0.3  # share of gaps between two boxes
_APART = 1.5  # line heights between two walls that belong to two boxes, not to one table


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """What is white between two chunks that are neighbours on a row."""

    before: Chunk
    after: Chunk

    @property
    def left(self) -> float:
        """Where the chunk before it ends."""
        return self.before.span.right

    @property
    def right(self) -> float:
        """Where the chunk after it begins."""
        return self.after.span.left


@dataclass(slots=True, eq=False)
class Tube:
    """Gaps of several rows above each other, and the white that they have in common."""

    left: float
    right: float
    gaps: list[Gap] = field(default_factory=list)
    before: list[Chunk] = field(default_factory=list)
    """What stands in the column on its left."""
    after: list[Chunk] = field(default_factory=list)
    """What stands in the column on its right."""
    crossings: int = 0
    """Rows between its gaps in which something stands across."""
    _pending: int = 0

    @property
    def centre(self) -> float:
        """Half way between left and right."""
        return (self.left + self.right) / 2

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    def take(self, row: Sequence[Chunk], gaps: Sequence[Gap]) -> Gap | None:
        """Goes on into a row, if it has a gap there."""
        least = _MIN_WIDTH * row[0].span.height
        best = max(gaps, key=self._common, default=None)
        if best is not None and self._common(best) >= least:
            self.left, self.right = max(self.left, best.left), min(self.right, best.right)
            self.gaps.append(best)
            self.crossings, self._pending = self.crossings + self._pending, 0
            return best
        self._pass(row, least)
        return None

    def ends_before(self, row: Sequence[Chunk]) -> bool:
        """Whether a row is too far below, or too much was in between."""
        last, next_ = self.gaps[-1].before.span, row[0].span
        return self._pending > _CROSSINGS or next_.middle - last.middle > _REACH * last.height

    def passes(self, span: Span, reach: float = 0.0) -> bool:
        """Whether something is beside it, or above or below by so many line heights."""
        top, bottom = self.gaps[0].after.span.middle, self.gaps[-1].after.span.middle
        return top - reach * span.height <= span.middle <= bottom + reach * span.height

    def _common(self, gap: Gap) -> float:
        return min(self.right, gap.right) - max(self.left, gap.left)

    def _pass(self, row: Sequence[Chunk], least: float) -> None:
        """Past a row without a gap of its own, narrower if something reaches into the tube."""
        left, right = self.left, self.right
        for chunk in row:
            span = chunk.span
            if span.right > left and span.left < right:
                if span.right < right - least and span.left <= left:
                    left = span.right
                elif span.left > left + least and span.right >= right:
                    right = span.left
                else:
                    self._pending += 1
                    return
        self.left, self.right = left, right


def find_tubes(rows: Sequence[Sequence[Chunk]], walls: Sequence[Span] = ()) -> list[Tube]:
    """All tubes of a page.

    Args:
        rows: Rows of chunks from top to bottom.
        walls: Vertical rules, sorted from left to right; two in one gap are sides of two boxes.
    """
    tubes: list[Tube] = []
    active: list[Tube] = []
    for row in rows:
        gaps = [Gap(before, after) for before, after in itertools.pairwise(row)]
        active = [tube for tube in active if not tube.ends_before(row)]
        taken = {tube.take(row, gaps) for tube in active}
        begun = [
            Tube(gap.left, gap.right, [gap])
            for gap in gaps
            if gap not in taken and gap.right - gap.left >= _MIN_WIDTH * gap.after.span.height
        ]
        active += begun
        tubes += begun
    found = [tube for tube in tubes if _counts(tube, walls)]
    by_centre = sorted(found, key=_centre)
    for tube in found:
        _find_sides(tube, by_centre)
    return found


def _centre(tube: Tube) -> float:
    return tube.centre


def _counts(tube: Tube, walls: Sequence[Span]) -> bool:
    rows = len(tube.gaps)
    if rows < _MIN_ROWS or rows < _MIN_SHARE * (rows + tube.crossings):
        return False
    return sum(_between_boxes(gap, walls) for gap in tube.gaps) <= _MAX_BOXED * rows


def _between_boxes(gap: Gap, walls: Sequence[Span]) -> bool:
    before, span = gap.before.span, gap.after.span
    found = walls_between(before.centre, span.centre, span, walls)
    return len(found) > 1 and found[-1].centre - found[0].centre > _APART * span.height


def _find_sides(tube: Tube, tubes: Sequence[Tube]) -> None:
    """Tells the chunks in the columns beside a tube from those beyond an empty cell.

    Args:
        tube: The tube.
        tubes: It and all others, sorted from left to right.
    """
    for gap in tube.gaps:
        start = bisect_left(tubes, gap.left, key=_centre)
        stop = bisect_right(tubes, gap.right, lo=start, key=_centre)
        others = [
            other
            for other in tubes[start:stop]
            if other is not tube and other.passes(gap.after.span)
        ]
        if not any(other.left >= tube.right for other in others):
            tube.after.append(gap.after)
        if not any(other.right <= tube.left for other in others):
            tube.before.append(gap.before)
