"""Chunks: words of one row that no wide gap, and no ruled line, parts."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ocrloom.layout.frame import Placed, Span, middle_of
from ocrloom.layout.rows import Row, group_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Chunk", "chunk_rows", "flows", "is_leader", "lines_of", "walls_between"]

_CELL_GAP = 0.9  # of a line's height: words farther apart are two chunks
_PIECE_GAP = 0.35  # the same where detection has parted them already
_TOUCHING = 0.1  # the same: what is nearer was not parted at a word space
_PAIRS = 3  # lines with one below, the fewest that tell whether text flows
_FLOWING_WORDS = 4  # mean of a line of running text, at least
_FLOWING = 0.65  # share of them that are full, from which it does
_LEADER = re.compile(r"[.·…_]{4,}|(?:[.·…] ){3,}")


@dataclass(eq=False)
class Chunk:
    """Words that stand together on one row; what a cell's line is made of."""

    part: Placed
    row: int
    """Number of its row on the page, from 0."""

    @property
    def span(self) -> Span:
        """Its place."""
        return self.part.span

    @cached_property
    def text(self) -> str:
        """Its words, one space between each two."""
        return " ".join(word.text for word in self.part.words)

    @cached_property
    def is_value(self) -> bool:
        """Whether it is a number, an amount, a date, a code or a dash, not a text."""
        digits = sum(map(str.isdigit, self.text))
        letters = sum(map(str.isalpha, self.text))
        return letters < digits or letters == 0

    @cached_property
    def is_text(self) -> bool:
        """Whether it is several words, mostly of letters."""
        letters = sum(map(str.isalpha, self.text))
        return len(self.part.words) >= 2 and letters > 0.6 * len(self.text.replace(" ", ""))


def chunk_rows(pieces: Sequence[Placed], walls: Sequence[Span] = ()) -> list[list[Chunk]]:
    """Rows of chunks.

    Args:
        pieces: Pieces of lines, sorted in a way that does not depend on how they came.
        walls: Vertical rules, which part what stands on both sides; sorted from left to right.

    Returns:
        Rows from top to bottom, the chunks of each from left to right.
    """
    return [
        [Chunk(part, number) for part in _joined(list(_split(row, walls)), walls)]
        for number, row in enumerate(lines_of(pieces))
    ]


def lines_of(pieces: Sequence[Placed]) -> list[Row]:
    """Rows as ``group_rows`` finds them, but none with one piece above another.

    Between two columns whose lines are not at the same heights, a line of the one may bind two
    of the other.
    """
    return [
        sorted(line, key=lambda piece: piece.span.left)
        for row in group_rows(pieces)
        for line in _unstacked(row)
    ]


def _unstacked(row: Row) -> list[Row]:
    rows: list[Row] = []
    for piece in sorted(row, key=middle_of):
        # The first of a row is the highest above the piece: none other is if that one is not.
        high = rows and _is_below(rows[-1][0].span, piece.span)
        if not rows or (high and any(_above(other.span, piece.span) for other in rows[-1])):
            rows.append([])
        rows[-1].append(piece)
    return rows


def _above(upper: Span, lower: Span) -> bool:
    """Whether one of two pieces stands above the other, not beside it."""
    common = min(upper.right, lower.right) - max(upper.left, lower.left)
    return common > 0.3 * min(upper.width, lower.width) and _is_below(upper, lower)


def _is_below(upper: Span, lower: Span) -> bool:
    return lower.middle - upper.middle > 0.3 * lower.height


def _split(row: Sequence[Placed], walls: Sequence[Span]) -> Iterator[Placed]:
    """The pieces of a row, parted at wide gaps and at walls between words."""
    for piece in row:
        rest: Placed = piece
        words = sorted(piece.ink, key=lambda ink: ink.left)
        for before, after in itertools.pairwise(words):
            gap = after.left - before.right
            wide = gap > _CELL_GAP * piece.span.height
            if wide or walls_between(before.centre, after.centre, piece.span, walls):
                left, right = rest.split((before.centre + after.centre) / 2)
                if left is not None and right is not None:
                    yield left
                    rest = right
        yield rest


def _joined(parts: Sequence[Placed], walls: Sequence[Span]) -> list[Placed]:
    """The parts of a row with those together that are as close as words of one text."""
    joined: list[Placed] = []
    for part in sorted(parts, key=lambda part: (part.span.left, part.span.right)):
        last = joined[-1] if joined else None
        if (
            last is not None
            and _TOUCHING < (part.span.left - last.span.right) / part.span.height < _PIECE_GAP
            and not walls_between(last.span.right, part.span.left, part.span, walls)
        ):
            joined[-1] = _together(last, part)
        else:
            joined.append(part)
    return joined


def _together(left: Placed, right: Placed) -> Placed:
    a, b = left.span, right.span
    span = Span(
        min(a.left, b.left), min(a.top, b.top), max(a.right, b.right), max(a.bottom, b.bottom)
    )
    return Placed(left.words + right.words, span, left.ink + right.ink)


def walls_between(left: float, right: float, span: Span, walls: Sequence[Span]) -> list[Span]:
    """Vertical rules that stand between two positions of a line.

    Args:
        left: The one.
        right: The other.
        span: The line.
        walls: Vertical rules, sorted from left to right.
    """
    start = bisect_right(walls, left, key=_centre)
    end = bisect_left(walls, right, lo=start, key=_centre)
    return [wall for wall in walls[start:end] if wall.top <= span.middle <= wall.bottom]


def _centre(span: Span) -> float:
    return span.centre


def flows(lines: Sequence[Chunk]) -> bool:
    """Whether lines are running text: each as full as the one below allows.

    The next line's first word would not have fitted on a line that was broken because it was
    full; lines of a list end where they end.
    """
    texts = [line for line in lines if line.is_text]
    words = sum(len(line.part.words) for line in texts)
    if len(texts) < 0.5 * len(lines) or words < _FLOWING_WORDS * len(texts):
        return False
    pairs = [
        (above, below)
        for above, below in itertools.pairwise(lines)
        if below.span.middle - above.span.middle < 2 * below.span.height
    ]
    if len(pairs) < _PAIRS:
        return False
    right = max(line.span.right for line in lines)
    full = sum(
        above.span.right + 0.3 * below.span.height + below.part.ink[0].width > right
        for above, below in pairs
    )
    return full >= _FLOWING * len(pairs)


def is_leader(text: str) -> bool:
    """Whether dots or strokes lead the eye across it."""
    return _LEADER.search(text) is not None
