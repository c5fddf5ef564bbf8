"""Finding the white gutter between two columns of running text.

After the whitespace cover of Breuel ("Two Geometric Algorithms for Layout Analysis", DAS 2002):
columns are told apart by the tall empty rectangles between them, not by the text itself. A gutter
counts only if running text stands on both sides, so that the columns of a table, whose rows have
to be read across, are left together.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ocrloom.layout.frame import Placed, Span
from ocrloom.layout.rows import group_rows

__all__ = ["find_gutter"]

_MIN_WIDTH = 0.7  # of a line's height
_MIN_LINES = 4.0  # height of the gutter in line heights
_MIN_ROWS = 4  # lines of running text on each side
_MAX_CROSSED = 0.25  # share of the pieces beside it that detection did not break at it
_MIN_SHARE = 0.3  # of the lines on each side that are running text
_RUNNING = 7.0  # width, in line heights, from which a line is running text
_WORD_SPACE = 1.0  # of a line's height: a wider space divides cells, not words


def find_gutter(pieces: Sequence[Placed]) -> Span | None:
    """The tallest gutter between columns of running text, or None.

    Args:
        pieces: All pieces of lines in the region; at least one.

    Returns:
        The empty rectangle; text above and below it runs across.
    """
    unit = median(piece.span.height for piece in pieces)
    gaps = _empty_rectangles([ink for piece in pieces for ink in piece.ink], unit)
    for gap in sorted(gaps, key=lambda gap: (gap.height, gap.width), reverse=True):
        beside = [piece for piece in pieces if gap.top <= piece.span.middle <= gap.bottom]
        parts = [piece.split(gap.centre) for piece in beside]
        # Rivers of white run through typed text too, but there detection sees whole lines.
        if sum(left is not None and right is not None for left, right in parts) > (
            _MAX_CROSSED * len(parts)
        ):
            continue
        sides = ([left for left, _ in parts if left], [right for _, right in parts if right])
        if all(_is_column(side, unit) for side in sides):
            return gap
    return None


def _is_column(pieces: Sequence[Placed], unit: float) -> bool:
    rows = group_rows(pieces)
    running = sum(_is_running_text(row, unit) for row in rows)
    return running >= max(_MIN_ROWS, _MIN_SHARE * len(rows))


def _is_running_text(row: Sequence[Placed], unit: float) -> bool:
    """Whether a row is long, without wide spaces, and made of letters more than of figures."""
    ink = sorted((ink for piece in row for ink in piece.ink), key=lambda ink: ink.left)
    if ink[-1].right - ink[0].left < _RUNNING * unit:
        return False
    spaces = [after.left - before.right for before, after in zip(ink, ink[1:], strict=False)]
    if max(spaces, default=0.0) > _WORD_SPACE * unit:
        return False
    text = "".join(word.text for piece in row for word in piece.words)
    return 2 * sum(map(str.isalpha, text)) > len(text)


def _empty_rectangles(words: Sequence[Span], unit: float) -> list[Span]:
    """For each word's right edge, the rectangles to the next word on its right.

    Walking up and down from the gap behind a word until something crosses it finds every gutter
    that touches a word, which all gutters between columns do.
    """
    by_top = sorted(words, key=lambda word: word.middle)
    found: list[Span] = []
    for index, word in enumerate(by_top):
        start, end = word.right, _next_on_the_right(by_top, index, unit)
        if end - start < _MIN_WIDTH * unit:
            continue
        centre = (start + end) / 2
        if any(g.left < centre < g.right and g.top <= word.middle <= g.bottom for g in found):
            continue  # seen from another word beside it
        gap = _extended(by_top, index, start, end, unit)
        if gap is not None:
            found.append(gap)
    return found


def _next_on_the_right(words: Sequence[Span], index: int, unit: float) -> float:
    """Left edge of the nearest word beside this one, or minus infinity."""
    word = words[index]
    nearest = float("inf")
    for step in (-1, 1):
        other = index + step
        while 0 <= other < len(words) and abs(words[other].middle - word.middle) < 0.6 * unit:
            if words[other].left >= word.right:
                nearest = min(nearest, words[other].left)
            other += step
    return nearest if nearest != float("inf") else float("-inf")


def _extended(
    words: Sequence[Span], index: int, start: float, end: float, unit: float
) -> Span | None:
    """The gap grown up and down while it stays wide enough."""
    top, bottom = words[index].top, words[index].bottom
    for step in (-1, 1):
        other = index + step
        while 0 <= other < len(words):
            word = words[other]
            left, right = start, end
            if word.right > start and word.left < end:  # it reaches into the gap
                if word.left - start >= end - word.right:
                    right = min(end, word.left)
                else:
                    left = max(start, word.right)
                if right - left < _MIN_WIDTH * unit:
                    break
            start, end = left, right
            top, bottom = min(top, word.top), max(bottom, word.bottom)
            other += step
    if bottom - top < _MIN_LINES * unit:
        return None
    return Span(start, top, end, bottom)
