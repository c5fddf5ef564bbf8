"""Which of the things that a word's pixels may spell it is, by what words there are.

A noisy channel (Kernighan, Church and Gale, "A Spelling Correction Program Based on a Noisy Channel
Model", 1990) whose channel is the recogniser itself: only what it gave a probability, or what looks
the same as that, may be taken. A word is left as it was read unless another reading is better by a
margin, and no word is so usual that it outweighs clear pixels: names, codes and rare words stay.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from math import exp, inf, log
from typing import TYPE_CHECKING, NamedTuple

from ocrloom.context.heights import SAME_SHAPE
from ocrloom.context.lexicon import lexicon_of
from ocrloom.context.plausibility import CLOSING, OPENING, Plausibility, core_of
from ocrloom.context.spelling import spellings
from ocrloom.languages import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocrloom.context.lexicon import Lexicon
    from ocrloom.context.spelling import Steps

__all__ = ["Mender", "Token", "mender_of"]

# Chosen on books and on pages in ten languages; the pages they are judged by are others.
_SURE = 0.97  # confidence of every character from which a known word is not looked at
_WEIGHT = 0.5  # of plausibility beside pixels: the recogniser's probabilities are too extreme
_MOST = 5.0  # by which plausibility can outweigh pixels
_BEYOND = 0.15  # share of what goes beyond that
_LONGEST = 64  # characters; no list has a longer word
_MARGIN = 0.5  # by which another reading must be better
_ALIKE, _RECASED, _AGAIN = log(0.02), log(0.01), log(0.3)  # another of one shape; once more
_NEVER = 1e-7  # of the likeliest reading's probability; what is less likely is not considered
_PARTED = 8.0  # by which a word must be more plausible than its parts, however they were read
_SPACE = 0.02  # the same for a space that was not read
_SLOPE, _TALL = 12.0, 4.0  # how fast height tells case, and how much at most
_STOP = 1.5  # against a full stop before a small letter
_ABBREVIATED = 4  # letters of what may well end in a full stop there
_SHAPES = ("1lI|", "0oO")
_SAME = {c: [d for d in shape if d not in (c, "|")] for shape in _SHAPES for c in shape}
_DIGITS, _LETTERS = str.maketrans("lI|oO", "11100"), str.maketrans("10", "lo")
_PARTS = re.compile(r"[^\w]")
_EXPANDED = 3  # likeliest readings for which look-alikes are considered


class Token(NamedTuple):
    """What was read between two spaces."""

    text: str
    confidences: Sequence[float]
    """Of its characters, 0..1."""
    steps: Callable[[], Steps]
    """What the recogniser saw there."""
    talls: Sequence[float | None]
    """How tall its characters stand; see ``heights.talls_of``."""
    preceding: str
    """What was read before it on the line."""
    following: str
    """The same after it."""


class Mender:
    """Settles by a lexicon what was read.

    Args:
        lexicon: The words of the text's languages.
        attaches: Whether marks such as ; and ! are written without a space before them.
        allowed: The only characters that a text may become, beside spaces; None for all.
        ignored: Characters that it may not.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        *,
        attaches: bool = True,
        allowed: frozenset[str] | None = None,
        ignored: frozenset[str] = frozenset(),
    ) -> None:
        self.attaches = attaches
        self._allowed = allowed
        self._ignored = ignored
        self._lexicon = lexicon
        self._plausibility = Plausibility(lexicon)

    def knows(self, text: str) -> bool:
        """Whether a list has a text, leaving out the punctuation around it."""
        core = core_of(text)
        return len(core) > 1 and self._lexicon.knows(self._lexicon.folded(core))

    def joins(self, first: str, second: str) -> bool:
        """Whether two texts are one word that a gap in it has parted."""
        left, right = first.lstrip(OPENING), second.rstrip(CLOSING)
        if not (left.isalpha() and right.isalpha()) or 1 in (len(left), len(right)):
            return False
        if not self.knows(left + right):
            return False
        parted = self._plausibility(f"{first} {second}")
        return self._plausibility(first + second) > parted + _PARTED

    def mend(self, token: Token) -> str:
        """The likeliest text of a token, spaces in it if it is several; mostly as it was read."""
        if not self._doubtful(token):
            return token.text
        found = self._readings(token)
        best = max(found.values())
        own = self._plausibility(token.text)
        worth = {
            text: chance
            - best
            + _weighed(self._plausibility(text) - own)
            - _misfit(text, token.talls)
            - _misplaced_stop(token.preceding, text)
            - _misplaced_stop(text, token.following)
            for text, chance in found.items()
        }
        likeliest = max(worth, key=worth.__getitem__)
        return likeliest if worth[likeliest] > worth[token.text] + _MARGIN else token.text

    def _doubtful(self, token: Token) -> bool:
        """Whether a token may be mended and there is a reason to look at it."""
        core = core_of(token.text)
        if len(core) > _LONGEST or not any(map(str.isalnum, core)):
            return False
        if not all(map(_is_plain, core)) or _is_code(core):
            return False
        if min(token.confidences) < _SURE or _recased(token):
            return True
        if core.isalpha() and len(core) > 1:
            usual = core[1:].islower() or core.isupper()
            return not usual or not self._lexicon.knows(self._lexicon.folded(core))
        return core not in "aAI" and not core.replace(",", "").replace(".", "").isdecimal()

    def _readings(self, token: Token) -> dict[str, float]:
        """What a token may be, with the logarithms of the probabilities of its pixels."""
        chances: dict[str, float] = {}
        for text, chance in spellings(token.steps()).items():
            text = text.strip()
            chances[text] = chances.get(text, 0.0) + chance
        best = max(chances.values())
        chances[token.text] = max(chances.get(token.text, best), best * _NEVER * 2)
        found = {
            text: log(chance)
            for text, chance in chances.items()
            if chance > best * (_SPACE if " " in text else _NEVER) and _is_alike(text, token.text)
        }
        for text, chance in sorted(found.items(), key=lambda item: -item[1])[:_EXPANDED]:
            for other, cost in _look_alikes(text):
                if self._may_be(other):
                    found[other] = max(found.get(other, -inf), chance + cost)
        return found

    def _may_be(self, text: str) -> bool:
        marks = set(text) - {" "}
        return (self._allowed is None or marks <= self._allowed) and not marks & self._ignored


def _weighed(gain: float) -> float:
    """What a gain of plausibility is worth beside pixels; more than enough counts for little."""
    gain *= _WEIGHT
    return gain if gain < _MOST else _MOST + _BEYOND * (gain - _MOST)


def _is_plain(character: str) -> bool:
    """Whether it is of words and numbers; formulas have other letters and signs."""
    if character.isascii():
        return True
    kind = unicodedata.category(character)
    if kind.startswith("L"):
        return unicodedata.name(character, "").startswith("LATIN ")
    return kind.startswith("P") or character in "£€§°º"


def _is_code(core: str) -> bool:
    """Whether it may be an address, or a part of it a number with letters, which no list knows."""
    if "@" in core or "//" in core or core.lower().startswith("www."):
        return True
    for part in _PARTS.split(core):
        digits = sum(map(str.isdecimal, part))
        letters = [c for c in part if c.isalpha() and c not in _SAME]
        titled = part[:1].isalpha() and part[1:].islower() and len(letters) > 1
        if digits and letters and (digits > 1 or any(map(str.isupper, letters[titled:]))):
            return True
    return False


def _recased(token: Token) -> bool:
    """Whether a letter does not stand as tall as its case."""
    return any(
        tall is not None and (tall > 0.5) != character.isupper()
        for character, tall in zip(token.text, token.talls, strict=True)
    )


def _is_alike(text: str, read: str) -> bool:
    """Whether what was read may become a text: the places of its characters must be known."""
    if " " in text and (len(text) != len(read) + text.count(" ") or "  " in text):
        return False
    return any(map(str.isalnum, text)) and all(map(_is_plain, set(text) - set(read)))


def _look_alikes(text: str) -> list[tuple[str, float]]:
    """Texts of the same shape, with the logarithms of how much less likely they are."""
    found = []
    core = core_of(text)
    numeric = any(map(str.isdecimal, text)) or all(character in _SAME for character in core)
    for place, character in enumerate(text):
        others = [
            (other, _ALIKE)
            for other in _SAME.get(character, ())
            if numeric or not other.isdecimal()
        ]
        if character in SAME_SHAPE:
            others.append((character.swapcase(), _RECASED))
        found += [(text[:place] + other + text[place + 1 :], cost) for other, cost in others]
    if numeric:
        found.append((text.translate(_DIGITS), _ALIKE))
        found.append((text.translate(_LETTERS), _ALIKE + _AGAIN))
    wholes = []
    for start in (0, 1):
        for case in (str.upper, str.lower):
            rest = "".join(case(c) if c in SAME_SHAPE else c for c in text[start:])
            wholes.append((text[:start] + rest, _RECASED))
    for whole, cost in wholes:
        changed = sum(a != b for a, b in zip(text, whole, strict=True))
        if changed > 1:
            found.append((whole, cost + _AGAIN * (changed - 1)))
    return found


def _misfit(text: str, talls: Sequence[float | None]) -> float:
    """How much the heights of a text's letters speak against their cases."""
    text = text.replace(" ", "")
    if len(text) != len(talls):
        return 0.0
    total = 0.0
    for character, tall in zip(text, talls, strict=True):
        if tall is not None and character in SAME_SHAPE:
            off = (0.5 - tall) if character.isupper() else (tall - 0.5)
            total += min(_TALL, log(1 + exp(_SLOPE * off)))
    return total


def _misplaced_stop(text: str, following: str) -> float:
    """How much a small letter that follows speaks against a text's full stop."""
    core = core_of(text)
    ends = text.endswith(".") and following[:1].islower()
    return _STOP if ends and len(core) > _ABBREVIATED and "." not in core else 0.0


@lru_cache(maxsize=32)
def mender_of(
    languages: tuple[Language, ...],
    user_words: tuple[str, ...] = (),
    allowed: str | None = None,
    ignored: str = "",
) -> Mender | None:
    """What settles text in some languages; None if there are no words to compare with.

    Args:
        languages: Those of the text, by preference.
        user_words: Words that are likely in it though no list has them.
        allowed: The only characters that it may become, beside spaces; None for all.
        ignored: Characters that it may not.
    """
    lexicon = lexicon_of(languages).with_own(user_words)
    if lexicon.empty:
        return None
    return Mender(
        lexicon,
        attaches=Language.FRENCH not in languages,
        allowed=None if allowed is None else frozenset(allowed),
        ignored=frozenset(ignored),
    )
