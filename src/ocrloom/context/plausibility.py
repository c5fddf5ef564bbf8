"""How plausible a piece of text between two spaces is in a language.

A sum of logarithms of probabilities: of its words by a lexicon, of everything else (numbers, codes,
punctuation, capitals) by what such pieces of ordinary pages look like.
"""

from __future__ import annotations

import re
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.context.lexicon import Lexicon

__all__ = ["CLOSING", "OPENING", "Plausibility", "core_of"]

OPENING = "([{<'\"“‘«»„‚¿¡-–—*#$£€§~"
CLOSING = ")]}>'\"”“’»«.,;:!?-–—*%°º"
_CURRENCY = frozenset("$£€")

_MOST_KNOWN = 50_000  # texts that are remembered
# Natural logarithms.
_MARK, _MARKS = -1.0, -1.5  # one mark of punctuation before or after, or two the same
_BARE = -12.0  # nothing but punctuation
_UNPRICED = -9.0  # a sign of currency before what is no number
_JOINTS, _JOINT = frozenset("-–—/'’.&"), -2.0  # between the parts of a word
_ODD_JOINT, _ODD_SIGN = -5.0, -9.0  # other marks there, of ASCII and not
_NUMBER, _DIGIT = -3.5, -1.6
_POINTS, _POINT, _ODD_POINT = frozenset(".,:°"), -1.0, -2.5  # between the parts of a number
_JOINED = re.compile("[-–—/'’&]")  # between numbers, and between numbers and words
_MIXED, _LETTER = -9.0, -3.2  # letters next to digits, and each of them if they are no word
_SHORT = 3  # letters that need not be like a word's there
_ALONE = {"I": -3.5, "a": -3.5, "A": -5.0}  # letters by themselves
_CAPITAL_ALONE, _SMALL_ALONE = -6.5, -9.0
_TITLE, _CAPITALS, _ODD_CAPITALS = -0.5, -1.0, -9.0  # how a word is capitalised


def core_of(text: str) -> str:
    """The text without the punctuation around it."""
    return text.lstrip(OPENING).rstrip(CLOSING)


class Plausibility:
    """Judges texts by a lexicon, and remembers what it has judged."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._known: dict[str, float] = {}

    def __call__(self, text: str) -> float:
        """Natural logarithm of the probability of a text of one piece, or several."""
        found = self._known.get(text)
        if found is None:
            if len(self._known) > _MOST_KNOWN:
                self._known.clear()
            found = self._known[text] = sum(map(self._piece, text.split(" ")))
        return found

    def _piece(self, text: str) -> float:
        core = text.lstrip(OPENING)
        before = text[: len(text) - len(core)]
        core = core.rstrip(CLOSING)
        after = text[len(before) + len(core) :]
        total = _marks(before) + _marks(after)
        if not core:
            return total + _BARE
        if before and before[-1] in _CURRENCY and not core[0].isdigit():
            total += _UNPRICED
        return total + self._core(core)

    def _core(self, core: str) -> float:
        folded = self._lexicon.folded(core)
        if self._lexicon.owns(folded):
            return self._word(core)
        if not any(map(str.isdigit, core)):
            # It may hold an apostrophe. Lists have numbers too, but as one for all of a length.
            return self._word(core) if self._lexicon.knows(folded) else self._words(core)
        parts = [part for part in _JOINED.split(core) if part]
        joints = len(core) - sum(map(len, parts))
        return _POINT * joints + sum(
            self._number(part) if any(map(str.isdigit, part)) else self._words(part)
            for part in parts
        )

    def _words(self, text: str) -> float:
        bare = (not text[0].isalpha()) + (not text[-1].isalpha())  # joints that join nothing
        return _ODD_JOINT * bare + sum(
            self._word(part) if kind == "letters" else sum(map(_joint, part))
            for kind, part in _parts(text)
        )

    def _word(self, letters: str) -> float:
        if len(letters) == 1:
            return self._letter(letters)
        return self._lexicon.likelihood(self._lexicon.folded(letters)) + _capitals(letters)

    def _letter(self, letter: str) -> float:
        if letter in _ALONE:
            return _ALONE[letter]
        found = _CAPITAL_ALONE if letter.isupper() else _SMALL_ALONE
        folded = self._lexicon.folded(letter)
        if self._lexicon.knows(folded):  # in some languages articles and prepositions are so short
            found = max(found, self._lexicon.likelihood(folded) - 1.0)
        return found

    def _number(self, text: str) -> float:
        parts = list(_parts(text))
        mixed = sum({"letters", "digits"} == {a, b} for (a, _), (b, _) in pairwise(parts))
        return _NUMBER + _MIXED * mixed + sum(self._of_number(kind, part) for kind, part in parts)

    def _of_number(self, kind: str, part: str) -> float:
        if kind == "digits":
            return _DIGIT * len(part)
        if kind == "signs":
            return sum(_POINT if sign in _POINTS else _ODD_POINT for sign in part)
        if len(part) == 1:
            return _LETTER
        likelihood = self._lexicon.likelihood(self._lexicon.folded(part))
        if len(part) <= _SHORT:
            likelihood = max(likelihood, _LETTER * len(part))
        return likelihood + _capitals(part)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    for kind, characters in groupby(text, _kind):
        yield kind, "".join(characters)


def _kind(character: str) -> str:
    if character.isdigit():
        return "digits"
    return "letters" if character.isalpha() else "signs"


def _marks(text: str) -> float:
    return sum(_MARKS if len(list(same)) == 2 else _MARK for _, same in groupby(text))


def _joint(mark: str) -> float:
    if mark in _JOINTS:
        return _JOINT
    return _ODD_JOINT if mark.isascii() else _ODD_SIGN


def _capitals(letters: str) -> float:
    if letters.islower():
        return 0.0
    if letters[1:].islower():
        return _TITLE
    return _CAPITALS if letters.isupper() else _ODD_CAPITALS
