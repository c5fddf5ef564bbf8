"""Which language a text is in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ocrloom.languages import Language, Script
from ocrloom.once import once

if TYPE_CHECKING:
    from collections.abc import Iterable

    from py3langid.langid import LanguageIdentifier

__all__ = ["likely_languages", "rank_languages"]

_LEAST = 25  # letters of a text that is long enough
_TELLING = 0.5  # probability of the likeliest, below which nothing is known
_ALSO = 0.15  # of another, from which the text may be in it too
_WORD = re.compile(r"[^\W\d_]+")
# A fifth of all words of an English text. Looking for these first spares most pages the half
# second in which a process loads the identifier, and is as sure of them.
_ENGLISH = frozenset(
    {"the", "of", "and", "to", "that", "for", "with", "it", "as", "by"}
    | {"this", "from", "are", "have", "which", "not", "on", "be"}
)
_ENGLISH_SHARE = 0.15
_ENGLISH_WORDS = 20  # words of a text whose share of these is telling
_NORWEGIAN = ("nb", "nn", "no")


def likely_languages(text: str, among: Iterable[Language]) -> tuple[Language, ...]:
    """The languages that a text is in or may be in.

    Args:
        text: A few lines of it; the more the better.
        among: The languages that come into question.

    Returns:
        The likeliest first; none if the text is too short or like nothing known.
    """
    languages = frozenset(among)
    if Language.ENGLISH in languages and _is_english(text):
        return (Language.ENGLISH,)
    if sum(map(len, _WORD.findall(text))) < _LEAST:
        return ()
    ranked = rank_languages(text, languages)
    if not ranked or ranked[0][1] < _TELLING:
        return ()
    return tuple(language for language, share in ranked if share >= _ALSO)


def rank_languages(text: str, among: Iterable[Language]) -> list[tuple[Language, float]]:
    """Languages that the identifier knows with how likely a text is in each of them.

    Args:
        text: A few lines of it.
        among: The languages that come into question.

    Returns:
        The likeliest first, with probabilities that sum up to 1.
    """
    codes = _codes(frozenset(among))
    found: dict[Language, float] = {}
    for code, share in _identifier().rank(" ".join(text.split())):
        if code in codes:
            found[codes[code]] = found.get(codes[code], 0.0) + share
    whole = sum(found.values())
    shares = ((language, share / whole) for language, share in found.items() if whole)
    return sorted(shares, key=lambda pair: -pair[1])


def _is_english(text: str) -> bool:
    words = _WORD.findall(text.lower())
    common = sum(word in _ENGLISH for word in words)
    return len(words) >= _ENGLISH_WORDS and common >= _ENGLISH_SHARE * len(words)


@once
def _codes(languages: frozenset[Language]) -> dict[str, Language]:
    """Languages by the identifier's codes; of several with one code the first of the table."""
    codes: dict[str, Language] = {}
    for language in Language:
        if language in languages and language.script is not Script.ANY:
            codes.setdefault(language.iso639_1 or language.iso639_3, language)
    if Language.NORWEGIAN in languages:
        codes.update(dict.fromkeys(_NORWEGIAN, Language.NORWEGIAN))
    return codes


@once
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
