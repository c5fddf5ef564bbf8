"""Finding the white gutter between two columns of running text.

After the whitespace cover of Breuel ("Two Geometric Algorithms for Layout Analysis", DAS 2002):
columns are told apart by the tall empty rectangles between them, not by the text itself. A gutter
counts only if running text stands on both sides, so that the columns of a table, whose rows have
to be read across, are left together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.layout.frame import Placed, Span, middle_of
from ocrloom.layout.rows import Row, group_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_ALIGNED", "aligned", "find_gutter", "is_column_of_text", "sides"]

_MIN_WIDTH = 0.7  # of a line's height
_MIN_LINES = 4.0  # height of the gutter in line heights
_MIN_ROWS = 4  # lines of running text on each side
_MIN_SIDE_BAR = 6  # lines on each side where only one of them is running text
_MAX_CROSSED = 0.25  # share of the pieces beside it that detection did not break at it
_MIN_SHARE = 0.3  # of the lines on each side that are running text
_RUNNING = 7.0  # width, in line heights, from which a line is running text
_ALIGNED = 0.15  # of a line's height: distance of two baselines that are the same
MAX_ALIGNED = 0.6  # share of rows on a common baseline from which two sides are one table
_BESIDE = (0.6, 1.2)  # of a line's height: distance of two words that stand side by side
_WORD_SPACE = 1.0  # of a line's height: a wider space divides cells, not words

_Sides: TypeAlias = tuple[float, float, float, float]
"""What a span holds, where so many are made that its own making would take most of the time."""


def find_gutter(pieces: Sequence[Placed]) -> Span | None:
    """The tallest gutter between columns of running text, or None.

    Args:
        pieces: All pieces of lines in the region; at least one.

    Returns:
        The empty rectangle; text above and below it runs across.
    """
    unit = median(piece.span.height for piece in pieces)
    gaps = _empty_rectangles([ink for piece in pieces for ink in piece.ink], unit)
    by_middle = sorted(pieces, key=middle_of)
    # Of two that are as tall the left one: the other may part line numbers from their lines.
    for gap in sorted(gaps, key=lambda gap: (-gap.height, gap.left)):
        start = bisect_left(by_middle, gap.top, key=middle_of)
        stop = bisect_right(by_middle, gap.bottom, lo=start, key=middle_of)
        beside = by_middle[start:stop]
        # Rivers of white run through typed text too, but there detection sees whole lines.
        crossed = sum(None not in piece.split(gap.centre) for piece in beside)
        if crossed <= _MAX_CROSSED * len(beside) and _are_columns(*sides(beside, gap), unit):
            return gap
    return None


def sides(beside: Sequence[Placed], gap: Span) -> tuple[list[Row], list[Row]]:
    """The rows left and right of a gap, of what stands beside it."""
    parts = [piece.split(gap.centre) for piece in beside]
    left = group_rows([left for left, _ in parts if left])
    right = group_rows([right for _, right in parts if right])
    return left, right


def _are_columns(left: Sequence[Row], right: Sequence[Row], unit: float) -> bool:
    """Whether two sides of a gap are read one after the other, not row by row."""
    running = [is_column_of_text(rows, unit) for rows in (left, right)]
    if all(running):
        return True
    # A table's cells share their baselines with the text beside them, a side bar does not.
    return (
        any(running)
        and min(len(left), len(right)) >= _MIN_SIDE_BAR
        and (aligned(left, right, unit) < MAX_ALIGNED)
    )


def is_column_of_text(rows: Sequence[Row], unit: float) -> bool:
    """Whether enough of the rows are running text, given the height of a line."""
    running = sum(_is_running_text(row, unit) for row in rows)
    return running >= max(_MIN_ROWS, _MIN_SHARE * len(rows))


def _is_running_text(row: Row, unit: float) -> bool:
    """Whether a row has a long stretch without wide spaces, mostly of letters."""
    words = sorted(
        (pair for piece in row for pair in zip(piece.ink, piece.words, strict=True)),
        key=lambda pair: pair[0].left,
    )
    start, text = words[0][0].left, ""
    previous = words[0][0]
    for ink, word in words:
        if ink.left - previous.right > _WORD_SPACE * unit:
            start, text = ink.left, ""
        text += word.text
        previous = ink
        if ink.right - start >= _RUNNING * unit and 2 * sum(map(str.isalpha, text)) > len(text):
            return True
    return False


def aligned(left: Sequence[Row], right: Sequence[Row], unit: float) -> float:
    """Share of the rows on the shorter side that stand beside a row of the other, 0..1."""
    few, many = sorted(
        ([median(piece.span.middle for piece in row) for row in rows] for rows in (left, right)),
        key=len,
    )
    close = sum(any(abs(a - b) < _ALIGNED * unit for b in many) for a in few)
    return close / len(few)


def _empty_rectangles(words: Sequence[Span], unit: float) -> list[Span]:
    """For each word's right edge, the rectangles to the next word on its right.

    Walking up and down from the gap behind a word until something crosses it finds every gutter
    that touches a word, which all gutters between columns do.
    """
    height = max(word.bottom for word in words) - min(word.top for word in words)
    if height < _MIN_LINES * unit:
        return []
    by_top = sorted(words, key=lambda word: word.middle)
    middles = [word.middle for word in by_top]
    found: list[Span] = []
    for index, word in enumerate(by_top):
        start, end = word.right, _next_on_the_right(by_top, middles, index, unit)
        if end - start < _MIN_WIDTH * unit:
            continue
        centre = (start + end) / 2
        if any(g.left < centre < g.right and g.top <= word.middle <= g.bottom for g in found):
            continue  # seen from another word beside it
        gap = _extended(by_top, index, start, end, unit)
        if gap is not None:
            found.append(gap)
    return found


def _next_on_the_right(
    words: Sequence[Span], middles: Sequence[float], index: int, unit: float
) -> float:
    """Left edge of the nearest word beside this one, or minus infinity.

    Lines of two columns need not stand side by side: where nothing does, those half a line above
    and below count.
    """
    middle, right = middles[index], words[index].right
    for reach in _BESIDE:
        start = bisect_right(middles, middle - reach * unit)
        stop = bisect_left(middles, middle + reach * unit)
        beyond = [word.left for word in words[start:stop] if word.left >= right]
        if beyond:
            return min(beyond)
    return float("-inf")


def _extended(
    words: Sequence[Span], index: int, start: float, end: float, unit: float
) -> Span | None:
    """The gap grown up and down while it stays wide enough.

    It ends before the whole row in which a word blocks it, though other words of that row may
    have let it through.
    """
    gap = start, words[index].top, end, words[index].bottom
    for step in (-1, 1):
        grown = [gap]
        other = index + step
        while 0 <= other < len(words):
            word = words[other]
            narrowed = _beside(grown[-1], word)
            if narrowed[2] - narrowed[0] < _MIN_WIDTH * unit:
                while len(grown) > 1 and word.top <= words[other - step].middle <= word.bottom:
                    grown.pop()
                    other -= step
                break
            grown.append(narrowed)
            other += step
        gap = grown[-1]
    found = Span(*gap)
    return found if found.height >= _MIN_LINES * unit else None


def _beside(gap: _Sides, word: Span) -> _Sides:
    """The gap grown over a word's row, and cut at the word where that reaches into it."""
    left, top, right, bottom = gap
    if word.right > left and word.left < right:
        if word.left - left >= right - word.right:
            right = min(right, word.left)
        else:
            left = max(left, word.right)
    return left, min(top, word.top), right, max(bottom, word.bottom)
