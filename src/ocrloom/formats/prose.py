"""Lines of a page as running text, with only those breaks that mean something."""

from __future__ import annotations

import re
from itertools import pairwise
from math import hypot
from typing import TYPE_CHECKING

from ocrloom.formats.markup import one_line
from ocrloom.formats.scripts import dense, rtl
from ocrloom.wholes import whole_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.result import Line, Point

__all__ = ["joined", "running"]

# A word that goes on in the next line.
_BROKEN = re.compile("[^\\W\\d_]{2}[-\u2010\u00ad]$")

# What stands before an entry of a list. Longer dashes begin lines of prose, too.
_MARKS = frozenset("•‣◦▪▫●○■□*-")

# In heights of the line: a space that is set at most, and one that parts columns.
_SPACE, _COLUMNS = 0.5, 2.5


def joined(lines: Sequence[Line]) -> str:
    """Lines as one, with the words that were broken at their ends whole again.

    A hyphen is taken for a break if letters stand before it and the next line goes on with a
    small letter. No space comes between characters of scripts that are written without.
    """
    text = ""
    for more in whole_lines(lines):
        text = _joined(text, one_line(more))
    return text


def running(lines: Sequence[Line]) -> list[str]:
    """The same, parted where the writer began a new line on purpose.

    A break is no accident where the next line's first word would still have had room before it,
    the room reaching to where the block's longest line ends; beside a line of columns, such as a
    label and an amount; and before the mark of an entry in a list.
    """
    parts: list[str] = []
    before: Line | None = None
    columns = False
    edge = _edge(lines)
    for line, more in zip(lines, whole_lines(lines), strict=True):
        text = one_line(more)
        if not text:
            continue
        beside = columns
        columns = _has_columns(line)
        if before is None or (
            _has_ended(before, parts[-1]) and (beside or columns or _is_meant(before, line, edge))
        ):
            parts.append(text)
        else:
            parts[-1] = _joined(parts[-1], text)
        before = line
    return parts


def _joined(text: str, more: str) -> str:
    if not text or not more:
        return text + more
    if _BROKEN.search(text[-3:]) and more[0].islower():
        return text[:-1] + more
    if dense(text[-1]) and dense(more[0]):
        return text + more
    return f"{text} {more}"


def _has_ended(line: Line, text: str) -> bool:
    """Whether a word ends with the line; in scripts without spaces nobody knows."""
    return line.words[-1].whole is None and not (_BROKEN.search(text[-3:]) or dense(text[-1]))


def _is_meant(line: Line, after: Line, edge: float) -> bool:
    if after.words[0].text in _MARKS:
        return True
    first = after.words[0].polygon
    return edge - _end(line) > _length(first[0], first[1]) + _SPACE * _height(line)


def _has_columns(line: Line) -> bool:
    widest = _COLUMNS * _height(line)
    return any(
        _length(one.polygon[1], other.polygon[0]) > widest for one, other in pairwise(line.words)
    )


def _edge(lines: Sequence[Line]) -> float:
    return max((_end(line) for line in lines), default=0.0)


def _end(line: Line) -> float:
    """How far the line reaches in its own direction, in pixels from any fixed place."""
    (left, top), (right, base), _, _ = line.polygon
    length = hypot(right - left, base - top)
    if not length:
        return 0.0
    across, down = (right - left) / length, (base - top) / length
    if rtl(line.text):
        return -(left * across + top * down)
    return right * across + base * down


def _height(line: Line) -> float:
    return _length(line.polygon[0], line.polygon[3])


def _length(one: Point, other: Point) -> float:
    return hypot(other[0] - one[0], other[1] - one[1])
