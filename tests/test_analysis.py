"""Text into the words that a library finds."""

import sys
import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from ocrloom.library.analysis import GRAM, Unit, grams, is_gram, normal, row_of, units


def texts(text, **options):
    return [unit.text for unit in units(text, **options)]


@pytest.mark.parametrize(
    ("text", "folded", "exact"),
    [
        ("Invoice No. 42", "invoice no 42", "invoice no 42"),
        ("don't 3.50 a/b x_y", "don t 3 50 a b x y", "don t 3 50 a b x y"),
        ("Été NAÏVE", "ete naive", "été naïve"),
        ("e\u0301te\u0301", "ete", "été"),
        ("Łódź smørrebrød", "lodz smorrebrod", "łódź smørrebrød"),
        ("STRASSE Straße", "strasse strasse", "strasse strasse"),
        ("ﬁnd œuvre", "find oeuvre", "find œuvre"),
        ("İstanbul ışık", "istanbul isik", "i̇stanbul ışık"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ", "σίσυφοσ"),
        ("infor\u00admation", "information", "information"),
        ("½ m²", "1 2 m2", "1 2 m2"),
        ("ＡＢＣ １２", "abc 12", "abc 12"),
        ("п'ять п’ять пʼять", "п ять п ять п ять", "п ять п ять п ять"),
        ("a\ufe0f \u200fb\u200e", "a b", "a b"),
        # Points of Hebrew and Arabic are seldom written; vowels of Indic scripts always are.
        ("שָׁלוֹם", "שלום", "שָׁלוֹם"),
        ("צה״ל", "צה ל", "צה ל"),
        ("كَتَبَ", "كتب", "كَتَبَ"),
        ("كتـــاب", "كتاب", "كتاب"),
        ("می\u200cخواهم", "میخواهم", "میخواهم"),
        ("हिन्दी", "हिन्दी", "हिन्दी"),
        ("தமிழ்", "தமிழ்", "தமிழ்"),
        # Digits of all scripts are those of keyboards.
        ("۱۴۰۲ ١٢ १२ ๒๕", "1402 12 12 25", "1402 12 12 25"),
    ],
)
def test_words(text, folded, exact):
    assert texts(text) == folded.split()
    assert texts(text, fold=False) == [unicodedata.normalize("NFC", each) for each in exact.split()]
    assert not any(unit.is_run for unit in units(text))


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("東京都", "東京都"),
        ("東京 、\n都", "東京都"),
        ("ひらがなカタカナ", "ひらがなカタカナ"),
        ("ｶﾞｷﾞﾊﾟ", "ガギパ"),
        ("か\u3099", "が"),
        ("葛\U000e0100飾", "葛飾"),
        ("한국어", "한국어"),
        (unicodedata.normalize("NFD", "한국어"), "한국어"),
        ("㈠", "一"),
        ("ไทย", "ไทย"),
        ("ภาษาที่", "ภาษาที่"),
        ("นำ", "น\u0e4dา"),
    ],
)
def test_every_character_of_a_run_has_a_place(text, characters):
    assert texts(text) == list(characters)
    assert all(unit.is_run for unit in units(text))


def test_where_units_stand():
    assert units("Été, Aß東か\u3099!") == (
        Unit("ete", 0, 3),
        Unit("ass", 5, 7),
        Unit("東", 7, 8, is_run=True),
        Unit("が", 8, 10, is_run=True),
    )
    assert [(unit.start, unit.stop) for unit in units("3.50")] == [(0, 1), (2, 4)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("大東京都", ["大東京", "東京都", "京都", "都"]),
        ("東京 都", ["東京都", "京都", "都"]),
        ("東", ["東"]),
        ("ABC東京abc", ["abc", "東京", "京", "abc"]),
        ("東abc京", ["東", "abc", "京"]),
        ("", []),
    ],
)
def test_what_an_index_keeps(text, tokens):
    assert grams(units(text)) == tokens


@pytest.mark.parametrize(
    ("words", "runs", "prefix", "asked"),
    [
        (["annual", "rep"], [False, False], True, (("annual", "rep"), True, 2)),
        (["東"], [True], False, (("東",), True, 1)),
        (["東京"], [True], False, (("東京",), True, 2)),
        (["東京都"], [True], False, (("東京都",), False, 3)),
        (["大東京都"], [True], False, (("大東京", "東京都"), False, 4)),
        (["東京", "abc"], [True, False], False, (("東京", "京", "abc"), False, 3)),
        (["abc", "東京"], [False, True], False, (("abc", "東京"), True, 3)),
    ],
)
def test_what_an_index_is_asked_for(words, runs, prefix, asked):
    row = row_of(words, runs, prefix=prefix)
    assert (row.tokens, row.prefix, row.length) == asked


ANY = st.text(st.characters(codec=None), max_size=30)


def test_every_character_of_unicode():
    for mark in map(chr, range(sys.maxunicode + 1)):
        if not mark.isalnum() and unicodedata.category(mark)[0] != "M":
            assert units(mark) == ()
            continue
        folded, exact = units(mark), units(mark, fold=False)
        assert [unit.is_run for unit in folded] == [unit.is_run for unit in exact]
        for unit in folded:
            assert unit.is_run == is_gram(unit.text)
            assert texts(unit.text) == [unit.text]


@settings(max_examples=500)
@given(ANY, st.booleans())
@example("\u17dd\u108d\u0345", False)
@example("ʼn\u0149", True)
@example("a\u0e34", True)
def test_tokens_hold_nothing_that_an_index_parts_them_at(text, fold):
    for unit in units(text, fold=fold):
        # The tokenizer of SQLite parts at ASCII alone, splitting stored tokens at blanks.
        assert not any(mark.isascii() and not mark.isalnum() for mark in unit.text)
        assert unit.text == "".join(unit.text.split())
        assert unit.text
        assert unit.is_run == is_gram(unit.text)
        assert 0 <= unit.start < unit.stop <= len(text)
        unit.text.encode()


@settings(max_examples=500)
@given(ANY, st.booleans())
@example("か\u0345", True)
def test_what_is_parted_is_not_parted_further(text, fold):
    for unit in units(text, fold=fold):
        assert texts(unit.text, fold=fold) == [unit.text]
    assert normal(normal(text)) == normal(text)


@settings(max_examples=500)
@given(ANY)
def test_folding_leaves_places_as_they_are(text):
    folded, exact = units(text), units(text, fold=False)
    assert [(unit.start, unit.stop, unit.is_run) for unit in folded] == [
        (unit.start, unit.stop, unit.is_run) for unit in exact
    ]


@given(ANY, ANY)
def test_text_is_parted_at_blanks(one, other):
    parts = texts(one) + texts(other)
    assert texts(f"{one} {other}") == parts
    assert len(grams(units(f"{one} {other}"))) == len(parts)


@given(st.text(st.sampled_from("東京都a い"), min_size=1, max_size=12), st.data())
def test_a_row_stands_wherever_its_text_does(text, data):
    found = units(text)
    start = data.draw(st.integers(0, len(found)))
    stop = data.draw(st.integers(start, len(found)))
    some = found[start:stop]
    if not some:
        return
    row = row_of([unit.text for unit in some], [unit.is_run for unit in some])
    tokens = grams(found)
    assert row.length == len(some)
    there = tokens[start : start + len(row.tokens)]
    assert there[:-1] == list(row.tokens[:-1])
    assert there[-1].startswith(row.tokens[-1]) if row.prefix else there[-1] == row.tokens[-1]
    assert len(max(tokens, key=len)) <= GRAM or any(not unit.is_run for unit in found)
