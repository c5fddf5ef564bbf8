"""Which characters a language may have, which it is written with, and what that settles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ocrloom import Language
from ocrloom.languages import PPOCR, Script
from ocrloom.vision.alphabets import alphabet_of, everything, restricted
from ocrloom.vision.ctc import Reading
from ocrloom.vision.letters import Spelling, letters_of, may_differ
from ocrloom.vision.recognise import dictionary

# Of these no list of letters is known.
UNLISTED = {
    Language.MALAY,
    Language.MIDDLE_ENGLISH,
    Language.MIDDLE_FRENCH,
    Language.OLD_SPANISH,
}
LATIN = [each for each in Language if each.script is Script.LATIN and PPOCR in each.recognisers]

# Letters


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        (Language.ENGLISH, ""),
        (Language.FRENCH, "àâæçèéêëîïôùûüÿœ"),
        (Language.GERMAN, "ßäöü"),
        (Language.POLISH, "óąćęłńśźż"),
        (Language.CZECH, "áéíóúýčďěňřšťůž"),
        (Language.TURKISH, "çöüğışİ"),
        (Language.SWEDISH, "àåäéö"),
        (Language.ITALIAN, "àèéìîòóù"),
    ],
)
def test_a_language_is_written_with_its_letters(language, marked):
    letters = letters_of([language])
    assert set("abcdeABCDE") <= letters
    small = {letter for letter in letters if letter.islower() or letter == "İ"}
    assert set(marked) - small <= set("îóß")  # lists of one release differ from another's in these
    if language is Language.ENGLISH:
        assert all(map(str.isascii, letters))


@pytest.mark.parametrize("language", sorted(set(LATIN) - UNLISTED, key=lambda each: each.name))
def test_what_ppocr_is_named_for_it_can_spell(language):
    gaps = {
        Language.BRETON: "ʼ",
        Language.GERMAN: "ẞ",
        Language.QUECHUA: "ʼ",
        Language.TONGAN: "ʻ",
        Language.UZBEK: "ʻʼ",
        Language.WELSH: "ẀẁẂẃẄẅỲỳ",
    }
    assert letters_of([language]) - set(dictionary()) <= set(gaps.get(language, ""))


def test_the_letters_of_several_languages_are_all_of_theirs():
    both = letters_of([Language.CZECH, Language.TURKISH])
    assert both == letters_of([Language.CZECH]) | letters_of([Language.TURKISH])


@pytest.mark.parametrize("languages", [[], [Language.AUTO], [Language.CZECH, Language.AUTO]])
def test_the_letters_of_what_is_not_known_are_not_known(languages):
    assert letters_of(languages) is None


# Odds

CHARACTERS = ["", "e", "é", "è", "i", "ı", "ł", "l", "x"]


def steps(*rows):
    """Probabilities by character, one step each; what is left goes to the blank."""
    table = np.zeros((len(rows), len(CHARACTERS)), np.float32)
    for step, row in zip(table, rows, strict=True):
        for character, probability in row.items():
            step[CHARACTERS.index(character)] = probability
        step[0] = 1 - step.sum()
    return table


def settled(letters, *rows):
    return "".join(
        CHARACTERS[i] for i in Spelling(CHARACTERS, frozenset(letters)).settle(steps(*rows))
    )


@pytest.mark.parametrize(
    ("letters", "row", "expected"),
    [
        ("e", {"é": 0.6, "e": 0.35}, "e"),
        ("e", {"é": 0.97, "e": 0.01}, "é"),
        ("eé", {"é": 0.25, "e": 0.7}, "é"),
        ("eé", {"é": 0.1, "e": 0.85}, "e"),
        ("eé", {"è": 0.6, "é": 0.2}, "é"),
        ("l", {"ł": 0.8, "l": 0.1}, "l"),
        ("lł", {"ł": 0.3, "l": 0.6}, "ł"),
        ("e", {"x": 0.9, "é": 0.1}, "x"),
        ("eé", {"é": 0.3}, ""),
    ],
    ids=str,
)
def test_odds_among_letters_of_one_shape(letters, row, expected):
    assert settled(letters, row) == expected


@pytest.mark.parametrize("shift", [0.0, -1.0, -2.0])
def test_a_dotless_i_is_told_by_the_others_of_its_line(shift):
    """In some type faces the recogniser takes each ı for an i, only less surely than a true i."""
    dotless, dotted = 10 ** (0.3 + shift), 10 ** (-3.5 + shift)
    rows = []
    for odds in [dotted, dotless, dotless, dotted, dotted]:
        rows += [{"ı": odds / (1 + odds), "i": 1 / (1 + odds)}, {}]
    assert settled("iı", *rows) == "iııii"
    assert settled("i", *rows) == "iiiii"


@given(
    arrays(np.float32, (7, len(CHARACTERS)), elements=st.floats(2**-20, 1, width=32)),
    st.sets(st.sampled_from(CHARACTERS[1:])),
)
def test_odds_move_within_a_family_only(probabilities, letters):
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    before = probabilities.copy()
    classes = Spelling(CHARACTERS, frozenset(letters)).settle(probabilities)
    np.testing.assert_array_equal(classes, probabilities.argmax(axis=1))
    assert (probabilities >= 0).all()
    for family in ([0], [1, 2, 3], [4, 5], [6, 7], [8]):
        np.testing.assert_allclose(
            probabilities[:, family].sum(axis=1), before[:, family].sum(axis=1), rtol=1e-4
        )


@pytest.mark.parametrize(
    ("text", "confidence", "letters", "expected"),
    [
        ("plain", 0.9, "abc", False),
        ("plain", 0.9, "aá", True),
        ("plain", 1.0, "aá", False),
        ("plaín", 0.9, "abc", True),
        ("plain", 1.0, "iı", True),
    ],
)
def test_what_may_differ_by_language(text, confidence, letters, expected):
    ends = np.arange(len(text)) / len(text)
    reading = Reading(text, ends, ends, np.full(len(text), confidence))
    assert may_differ(reading, frozenset(letters)) is expected


# Restrictions


def test_what_is_allowed_and_what_is_ignored():
    english = alphabet_of([Language.ENGLISH])
    assert restricted(english, None, "") is english
    assert restricted(english, "0123456789", "").characters == set("0123456789 ")
    assert restricted(english, "0123456789Ж", "01").characters == set("23456789 ")
    assert restricted(english, None, "|").characters == english.characters - {"|"}
    assert restricted(everything(), "éx", "").letters is None
