"""A reading's words as the mender wants them, and as they are when it has settled them."""

from __future__ import annotations

from functools import partial
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.context import Token
from ocrloom.context.heights import rises_of, talls_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.context import Mender
    from ocrloom.vision.ctc import Lattice, Reading
    from ocrloom.vision.ink import Columns

__all__ = ["mended", "rejoined", "spans_of"]

_BEFORE_WORDS = frozenset('"“‘')
_AFTER_WORDS = frozenset(";!?")  # a colon may stand in a column of its own
_MARGIN = 1  # steps beside a word's characters that belong to it


def spans_of(parted: np.ndarray) -> list[tuple[int, int]]:
    """First character of each word and the one after its last, spaces not counted.

    Args:
        parted: (N - 1,) bool, between which of N characters a word ends.
    """
    ends = (parted.nonzero()[0] + 1).tolist()
    return list(pairwise([0, *ends, len(parted) + 1]))


def _texts(reading: Reading, marks: np.ndarray, spans: Iterable[tuple[int, int]]) -> list[str]:
    """The words' characters without spaces."""
    return ["".join(reading.text[mark] for mark in marks[first:end]) for first, end in spans]


def rejoined(
    reading: Reading, marks: np.ndarray, parted: np.ndarray, size: np.ndarray, mender: Mender
) -> np.ndarray:
    """Takes back spaces that are none.

    Those between words and marks that many a printer set a little off them: quotes that are nearer
    to the word after them than to the one before, and others if the space is no wider than half of
    the line's. And those inside of a word whose parts are no words.

    Args:
        reading: What was read.
        marks: (N,) integer, its characters that are not spaces.
        parted: (N - 1,) bool, between which of them a word ends.
        size: (N - 1,) float, the gaps between them.
        mender: What knows words.

    Returns:
        ``parted`` with fewer set.
    """
    (ends,) = parted.nonzero()
    if not len(ends):
        return parted
    usual = np.median(size[ends])
    read = _texts(reading, marks, spans_of(parted))
    before = [np.inf, *size[ends].tolist()]
    kept = parted.copy()
    for end, space, (left, right) in zip(ends.tolist(), before, pairwise(read), strict=False):
        follows = right[0] in _AFTER_WORDS and left[-1].isalnum() and size[end] <= usual
        leads = left in _BEFORE_WORDS and right[0].isalnum() and size[end] < space
        if (mender.attaches and (follows or leads)) or mender.joins(left, right):
            kept[end] = False
    return kept


def mended(
    reading: Reading,
    lattice: Lattice,
    marks: np.ndarray,
    parted: np.ndarray,
    ink: tuple[Columns, np.ndarray],
    mender: Mender,
) -> tuple[list[str], np.ndarray]:
    """Settles the words of a reading.

    Args:
        reading: What was read.
        lattice: What else it may be.
        marks: (N,) integer, its characters that are not spaces.
        parted: (N - 1,) bool, between which of them a word ends.
        ink: The crop's columns; (N + 1,) integer, where each character begins and the last ends.
        mender: What settles them.

    Returns:
        The words' texts, and ``parted`` with ends where words were found to be two.
    """
    first = np.concatenate([[True], parted])
    columns, edges = ink
    characters = [reading.text[mark] for mark in marks]
    talls = talls_of(characters, rises_of(columns.rises, edges, first), first)
    spans = spans_of(parted)
    read = _texts(reading, marks, spans)
    texts = []
    parted = parted.copy()
    around = zip(["", *read], read, [*read[1:], ""], strict=False)
    for (a, b), (preceding, text, following) in zip(spans, around, strict=True):
        token = Token(
            text=text,
            confidences=reading.confidences[marks[a:b]].tolist(),
            steps=partial(_steps, reading, lattice, marks, a, b),
            talls=talls[a:b],
            preceding=preceding,
            following=following,
        )
        found = mender.mend(token).split(" ")
        texts += found
        parted[[a + end - 1 for end in accumulate(map(len, found[:-1]))]] = True
    return texts, parted


def _steps(
    reading: Reading, lattice: Lattice, marks: np.ndarray, first: int, last: int
) -> list[list[tuple[str, float]]]:
    """The lattice's steps from one character of a reading to another."""
    margin = _MARGIN / lattice.count
    start, end = reading.starts[marks[first]] - margin, reading.ends[marks[last - 1]] + margin
    # Spaces have steps of their own.
    before, after = marks[first] - 1, marks[last - 1] + 1
    if before >= 0:
        start = max(start, reading.ends[before])
    if after < len(reading.text):
        end = min(end, reading.starts[after])
    steps = lattice.between(max(start, 0.0), min(end, 1.0))
    if " " in reading.text[marks[first] : marks[last - 1] + 1]:
        # One that was taken back is not to come again.
        return [[("" if mark == " " else mark, p) for mark, p in step] for step in steps]
    return steps
