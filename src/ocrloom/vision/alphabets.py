"""Which of the recogniser's characters may occur in a language, and which are likely.

An alphabet's characters are chosen by script. Narrowing them further, to the letters of one
language, loses the accents of foreign names; so the letters that a language is not written with
stay possible and need more evidence (``ocrloom.vision.letters``).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ocrloom.languages import Language, Script
from ocrloom.once import once
from ocrloom.vision.letters import letters_of
from ocrloom.vision.recognise import dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Alphabet", "alphabet_of", "everything", "is_latin", "restricted"]

# Encodings that list what is written in a language, which spares a table of our own.
_CHARACTER_SETS = {
    Script.HANS: "gbk",
    Script.HANT: "big5hkscs",
    Script.JAPANESE: "cp932",
}
# Greek letters that stand in formulas and do not look like a Latin letter.
_FORMULA_LETTERS = frozenset("ΓΔΘΛΞΠΣΦΨΩβδθλμπσφψ")
# What is neither letter nor digit: punctuation, currency, arithmetic, arrows, bullets.
_MARKS = frozenset({"Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sc", "Sm", "Sk", "So", "No"})
_LAST_LATIN_MARK = 0x2E7F  # CJK radicals, punctuation and full-width forms begin above


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Characters that a recogniser may choose from."""

    characters: frozenset[str]
    letters: frozenset[str] | None = None
    """Those with which the languages are written; None if it is not known which languages."""


@once
def everything() -> Alphabet:
    """All characters of the dictionary."""
    return Alphabet(frozenset(dictionary()[1:]))


@once
def _of_script(script: Script) -> frozenset[str]:
    latin = frozenset(filter(is_latin, dictionary()[1:]))
    encoding = _CHARACTER_SETS.get(script)
    if encoding is None:
        return latin
    return latin | frozenset(c for c in dictionary()[1:] if c.encode(encoding, "ignore"))


def is_latin(character: str) -> bool:
    """Whether a character occurs in text of Latin script, formulas and list marks included."""
    if character.isascii() or character in _FORMULA_LETTERS:
        return True
    if unicodedata.category(character[0]) in _MARKS:
        return ord(character[0]) <= _LAST_LATIN_MARK
    return unicodedata.name(character[0], "").startswith(
        ("LATIN ", "MICRO ", "FEMININE ORD", "MASCULINE ORD")
    )


def alphabet_of(languages: Iterable[Language]) -> Alphabet:
    """The union of the languages' alphabets.

    Args:
        languages: Members that PP-OCRv6 reads; AUTO stands for all characters.
    """
    languages = frozenset(languages)
    if Language.AUTO in languages:
        return everything()
    return _of_languages(languages)


@once
def _of_languages(languages: frozenset[Language]) -> Alphabet:
    characters = _of_scripts(frozenset(language.script for language in languages))
    return Alphabet(characters, letters_of(languages))


@once
def _of_scripts(scripts: frozenset[Script]) -> frozenset[str]:
    return frozenset().union(*map(_of_script, scripts))


@once
def restricted(alphabet: Alphabet, allowed: str | None, ignored: str) -> Alphabet:
    """An alphabet without some of its characters; the space always stays.

    Args:
        alphabet: What may be read at most.
        allowed: The only characters that stay; None for all of them.
        ignored: Characters that go.
    """
    if allowed is None and not ignored:
        return alphabet
    kept = alphabet.characters if allowed is None else alphabet.characters & set(allowed)
    return replace(alphabet, characters=(kept - set(ignored)) | {" "})
