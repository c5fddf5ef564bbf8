"""From the order in which text stands to the order in which it is read.

A picture shows what stands side by side, from left to right; which of it comes first depends on its
direction. This inverts the Unicode bidirectional algorithm (UAX #9) for one line, as far as it can
be inverted: a number between two directions may belong to either.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "clusters_of",
    "has_right_to_left",
    "is_mark",
    "logical",
    "reading_order",
    "runs_right_to_left",
    "turned",
]

_FIRST = "\u0590"  # no character before it is written from right to left
_RIGHT: Final = frozenset({"R", "AL"})
_NUMBERS: Final = frozenset({"EN", "AN"})
# What keeps two numbers, or a number and its sign, together.
_SEPARATORS: Final = frozenset({"ES", "CS", "ET"})
_JOINERS: Final = frozenset("\u200c\u200d")


def has_right_to_left(text: str) -> bool:
    """Whether a text has letters that are written from right to left."""
    return max(text, default="") >= _FIRST and any(
        unicodedata.bidirectional(character) in _RIGHT for character in text
    )


def logical(word: str) -> str:
    """The characters of a word in the order in which they are read.

    Args:
        word: As it stands, from left to right, but marks after their letters and brackets as they
            are read.

    Returns:
        The same characters; those of a word without right-to-left letters in the same order.
    """
    if not has_right_to_left(word):
        return word
    clusters = list(clusters_of(word))
    return "".join(clusters[i] for i in turned(clusters))


def turned(clusters: Sequence[str]) -> list[int]:
    """From a word's order as it stands to that in which it is read, or the other way round.

    Args:
        clusters: The characters of the word, each with its marks.

    Returns:
        Their numbers in the other order, which is the same without right-to-left letters.
    """
    if not any(map(has_right_to_left, clusters)):
        return list(range(len(clusters)))
    return _order(_joined([_kind(cluster) for cluster in clusters]), right_to_left=True)


def reading_order(words: Sequence[str]) -> list[int]:
    """Which words of a line come first.

    The line runs the way that most of its words do; words of the other direction that stand side
    by side keep theirs among themselves.

    Args:
        words: From left to right as they stand.

    Returns:
        Their numbers, in reading order.
    """
    if not any(map(has_right_to_left, words)):
        return list(range(len(words)))
    kinds = [_kind(word) for word in words]
    return _order(kinds, right_to_left=runs_right_to_left(words))


def runs_right_to_left(words: Iterable[str]) -> bool:
    """Whether at least half of the words that have a direction run from right to left."""
    found = list(words)
    if not any(map(has_right_to_left, found)):
        return False
    kinds = [_kind(word) for word in found]
    return kinds.count("R") >= kinds.count("L")


def _kind(text: str) -> str:
    """What decides on a text's place: R, L, N for a number, or nothing."""
    kinds = {unicodedata.bidirectional(character) for character in text}
    if kinds & _RIGHT:
        return "R"
    if "L" in kinds:
        return "L"
    return "N" if kinds & _NUMBERS else "S" if kinds & _SEPARATORS else ""


def _joined(kinds: Sequence[str]) -> list[str]:
    """The kinds of a word's characters, those of its numbers, signs and all, as of a Latin word."""
    joined = []
    for before, kind, after in zip(("", *kinds[:-1]), kinds, (*kinds[1:], ""), strict=True):
        number = kind == "N" or (kind == "S" and before == after == "N")
        joined.append("L" if number else kind)
    return joined


def _order(kinds: Sequence[str], *, right_to_left: bool) -> list[int]:
    """Numbers in reading order: runs of the other direction turned round within the line's."""
    other = "L" if right_to_left else "R"
    numbers = range(len(kinds)) if right_to_left else range(len(kinds) - 1, -1, -1)
    runs: list[list[int]] = []
    open_run = False
    waiting: list[int] = []
    for number in numbers:
        kind = kinds[number]
        if kind == other:
            if open_run:
                runs[-1] += [*waiting, number]
            else:
                runs += [[each] for each in waiting]
                runs.append([number])
            waiting, open_run = [], True
        elif kind == "N" and open_run and not waiting:
            # After letters a number goes with them, as in the name of a product.
            runs[-1].append(number)
        elif kind in {"", "S", "N"} and open_run:
            waiting.append(number)
        else:
            runs += [[each] for each in (*waiting, number)]
            waiting, open_run = [], False
    runs += [[each] for each in waiting]
    return [number for run in reversed(runs) for number in run]


def is_mark(text: str) -> bool:
    """Whether a text begins with what belongs to the letter before it."""
    return unicodedata.category(text[0]).startswith("M") or text[0] in _JOINERS


def clusters_of(text: str) -> Iterator[str]:
    """The characters of a text, each with its marks."""
    cluster = ""
    for character in text:
        if cluster and not is_mark(character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster
