"""What recognisers take for each other, and the form that words have in common which differ in it.

Every character is drawn with strokes: ``m`` with those of ``r`` and ``n``, ``0`` as ``o``. Words of
the same strokes, their skeleton, are what the usual confusions make of each other, however many
there are, so that an index of skeletons finds them all with one look. Pure.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CONFUSIONS", "STROKES", "skeleton"]

STROKES: Final = {
    # digits
    "0": "o",
    "1": "l",
    "2": "z",
    "5": "s",
    "6": "b",
    "8": "b",
    "9": "g",
    # single letters
    "e": "c",
    "i": "l",
    "j": "l",
    "q": "g",
    # letters like two others
    "d": "cl",
    "h": "ll",
    "m": "rrl",
    "n": "rl",
    "u": "ll",
    "w": "vv",
    # letters of other alphabets
    "а": "a",
    "е": "c",
    "і": "l",
    "ј": "l",
    "о": "o",
    "р": "p",
    "с": "c",
    "ѕ": "s",
    "у": "y",
    "х": "x",
    "ο": "o",
    "ν": "v",
    "ρ": "p",
}
"""What a small, folded letter or digit is drawn with, where that is not itself."""

_TABLE: Final = str.maketrans(STROKES)

CONFUSIONS: Final = (
    ("0", "o"),
    ("1", "l"),
    ("1", "i"),
    ("l", "i"),
    ("i", "j"),
    ("2", "z"),
    ("5", "s"),
    ("6", "b"),
    ("8", "b"),
    ("6", "8"),
    ("9", "g"),
    ("9", "q"),
    ("g", "q"),
    ("c", "e"),
    ("h", "li"),
    ("h", "ll"),
    ("u", "ii"),
    ("u", "ll"),
    ("d", "cl"),
    ("d", "ci"),
    ("n", "ri"),
    ("n", "rl"),
    ("m", "rn"),
    ("m", "rri"),
    ("w", "vv"),
    *((letter, look) for letter, look in STROKES.items() if letter > "\u0370"),
    ("е", "e"),
    ("і", "i"),
    ("ј", "j"),
)
"""Pairs of which either is usually read for the other. Both have the same skeleton."""


def skeleton(term: str) -> str:
    """The strokes of a folded word."""
    return term.translate(_TABLE)
