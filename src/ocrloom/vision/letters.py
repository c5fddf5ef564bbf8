"""Which letters a language is written with, and choosing among letters that differ by a mark.

The recogniser learnt from text in many languages, so it reads ``À`` for a capital with a speck on
it on an English page and ``i`` for nearly every ``ı`` of some type faces on a Turkish one. Among
letters of one shape the odds are therefore set right by what the language writes (Saerens et al.,
"Adjusting the Outputs of a Classifier to New a Priori Probabilities", Neural Computation, 2002).
Nothing is made impossible: a name keeps its foreign letter where the recogniser is sure of it.
"""

from __future__ import annotations

import re
import unicodedata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.languages import Language
from ocrloom.once import once

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.vision.ctc import Reading

__all__ = ["Spelling", "letters_of", "may_differ"]

# Fitted on lines set in 60 languages and ten type faces, clean, as 1-bit scans and at 150 dpi.
_OWN = 5.0  # odds of a marked letter that the language writes, against those of its plain letter
_FOREIGN = 0.05  # the same of one that it does not write
_SURE = 0.99  # probability of a letter that these odds cannot overturn

# Of ı and i: how far apart the logarithms (to ten) of their odds lie, whatever the type face, how
# they spread, and where their middle lies in the type faces at large.
_APART = 4.0
_SPREAD = 0.7
_MIDDLE = -1.5
_MIDDLE_SPREAD = 0.7
_DOTLESS_SHARE = 0.35  # of ı among both in Turkish
_MIDDLES = np.arange(-4.5, 1.01, 0.1)
_LEAST = 1e-7  # probability; below, the odds say nothing more

_LOOK_ALIKES = {"ı": "i", "β": "ß"}
# Where the name of a language's file is not made of its codes.
_FILES = {
    Language.ITALIAN: "it_Latn",
    Language.KURDISH_KURMANJI: "ku_Latn",
    Language.NORWEGIAN: "nb_Latn",
    Language.OLD_ITALIAN: "it_Latn",
}
_LISTED = re.compile(r'^\s*base: "((?:[^"\\]|\\.)*)"', re.MULTILINE)


def letters_of(languages: Iterable[Language]) -> frozenset[str] | None:
    """The letters with which some languages are written, as the Unicode CLDR lists them.

    Returns:
        Letters, capitals and small ones; None if those of a language are not known.
    """
    found = [_letters(language) for language in languages]
    known = [letters for letters in found if letters]
    return frozenset().union(*known) if known and len(known) == len(found) else None


@once
def _letters(language: Language) -> frozenset[str]:
    code = language.iso639_1 or language.iso639_3
    name = _FILES.get(language, f"{code}_{language.script.value}")
    # Found without being imported, as importing it takes longer than reading a page.
    package = find_spec("gflanguages")
    folders = (package and package.submodule_search_locations) or ()
    for folder in folders:
        file = Path(folder, "data", "languages", f"{name}.textproto")
        if file.exists() and (listed := _LISTED.search(file.read_text(encoding="utf-8"))):
            return frozenset(filter(str.isalpha, unicodedata.normalize("NFC", listed[1])))
    return frozenset()


def _plain(character: str) -> str:
    """The letter without its marks: ``l`` of ``ł``."""
    if character in _LOOK_ALIKES:
        return _LOOK_ALIKES[character]
    name, parted, _ = unicodedata.name(character[0], "").partition(" WITH ")
    if not parted or not name.startswith("LATIN "):
        return character
    try:
        return unicodedata.lookup(name)
    except KeyError:
        return character


class Spelling:
    """Settles between letters that differ by a mark, by what some languages write."""

    def __init__(self, characters: Sequence[str], letters: frozenset[str]) -> None:
        """Sorts the characters into families.

        Args:
            characters: The recogniser's, by class; class 0 is the blank.
            letters: Those that the languages write.
        """
        families: dict[str, list[int]] = {}
        for index, character in enumerate(characters):
            if character:
                families.setdefault(_plain(character), []).append(index)
        kept = [family for family in families.values() if len(family) > 1]
        self._columns = np.array([index for family in kept for index in family], dtype=int)
        self._starts = np.cumsum([0, *map(len, kept)])[:-1]
        self._sizes = np.array([len(family) for family in kept], dtype=int)
        self._odds = np.array(
            [_odds(characters[index], letters) for index in self._columns], np.float32
        )
        self._dotted = 0
        self._dotless = 0
        if "ı" in letters and "ı" in characters and "i" in characters:
            self._dotted, self._dotless = (list(characters).index(c) for c in "iı")

    def settle(self, probabilities: np.ndarray) -> np.ndarray:
        """Sets the odds within each family right, in place; its sum stays as it was.

        Args:
            probabilities: (T, K) float, of all classes at all steps.

        Returns:
            (T,) integer, the best class of every step.
        """
        if self._dotless:
            self._settle_dots(probabilities)
        classes: np.ndarray = probabilities.argmax(axis=1)
        best = probabilities[np.arange(len(classes)), classes]
        rows = np.flatnonzero((classes != 0) & (best < _SURE))
        if not len(rows) or not len(self._columns):
            return classes
        where = np.ix_(rows, self._columns)
        before = probabilities[where]
        after = before * self._odds
        sums = np.add.reduceat(before, self._starts, axis=1)
        sums /= np.maximum(np.add.reduceat(after, self._starts, axis=1), _LEAST)
        probabilities[where] = after * np.repeat(sums, self._sizes, axis=1)
        classes[rows] = probabilities[rows].argmax(axis=1)
        return classes

    def _settle_dots(self, probabilities: np.ndarray) -> None:
        """Tells ı from i by the other ones of the line.

        Type faces differ in how much an ı looks like an i: in some of them the recogniser gives it
        half of the probability, in others a thousandth, but to an i always three to four powers of
        ten less.
        """
        pair = [self._dotted, self._dotless]
        is_one = np.isin(probabilities.argmax(axis=1), pair)
        edges = np.flatnonzero(np.diff(is_one, prepend=False, append=False)).reshape(-1, 2)
        if not len(edges):
            return
        both = probabilities[:, pair]
        peaks = [first + int(both[first:last].sum(axis=1).argmax()) for first, last in edges]
        dotted, dotless = (both[peaks] + _LEAST).T
        odds = np.log10(dotless / dotted)
        limit = _middle(odds)
        for (first, last), ratio in zip(edges.tolist(), odds.tolist(), strict=True):
            chosen, other = reversed(pair) if ratio >= limit else pair
            probabilities[first:last, chosen] += probabilities[first:last, other]
            probabilities[first:last, other] = 0.0


def may_differ(reading: Reading, letters: frozenset[str]) -> bool:
    """Whether a reading may have come out differently if these letters had been preferred."""
    if "ı" in letters and set(reading.text) & {"i", "ı"}:
        return True
    plain = set(map(_plain, letters - set(map(_plain, letters))))
    return any(
        confidence < _SURE and (not mark.isascii() or mark in plain)
        for mark, confidence in zip(reading.text, reading.confidences.tolist(), strict=True)
    )


def _odds(character: str, letters: frozenset[str]) -> float:
    if character == "ı" and character in letters:
        return 1.0  # settled by itself
    if character in letters:
        return _OWN if not character.isascii() else 1.0
    return 1.0 if character.isascii() else _FOREIGN


def _middle(odds: np.ndarray) -> float:
    """Where the odds of a line's ı end and those of its i begin, most likely.

    Args:
        odds: (N,) logarithms to ten.
    """
    off = odds[:, None] - _MIDDLES
    dotless = np.log(_DOTLESS_SHARE) - np.abs(off - _APART / 2) / _SPREAD
    dotted = np.log(1 - _DOTLESS_SHARE) - np.abs(off + _APART / 2) / _SPREAD
    likelihood = np.logaddexp(dotless, dotted).sum(axis=0)
    prior = ((_MIDDLES - _MIDDLE) / _MIDDLE_SPREAD) ** 2 / 2
    return float(_MIDDLES[np.argmax(likelihood - prior)])
