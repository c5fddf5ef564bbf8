"""What pixels cannot tell is settled by words; what no list has stays as it was read."""

from __future__ import annotations

import random
from itertools import pairwise
from math import isclose

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom import Language, OcrEngine, OcrOptions
from ocrloom.context import Token, mender_of
from ocrloom.context.heights import rises_of, talls_of
from ocrloom.context.lexicon import lexicon_of
from ocrloom.context.plausibility import Plausibility
from ocrloom.context.spelling import spellings
from ocrloom.vision.ctc import lattice_of

ENGLISH = (Language.ENGLISH,)


def steps_of(text, doubts=None, sure=0.999):
    """What a recogniser would give for a text: a step a character, blanks between them.

    ``doubts`` says at which characters it is not sure: what else may be there, how likely.
    """
    steps = []
    for place, character in enumerate(text):
        others = (doubts or {}).get(place, {})
        steps.append([("", 1.0)])
        own = (1 - sum(others.values())) * (1.0 if others else sure)
        steps.append([(character, own), *others.items()])
    return steps


def token_of(text, doubts=None, *, talls=None, preceding="", following=""):
    confidences = [1 - sum((doubts or {}).get(place, {}).values()) for place in range(len(text))]
    return Token(
        text=text,
        confidences=confidences,
        steps=lambda: steps_of(text, doubts),
        talls=talls or [None] * len(text),
        preceding=preceding,
        following=following,
    )


def mended(text, doubts=None, languages=ENGLISH, user_words=(), **around):
    return mender_of(languages, user_words).mend(token_of(text, doubts, **around))


# Spelling


def test_paths_of_one_text_are_added():
    found = spellings([[("a", 0.6), ("", 0.4)], [("a", 0.5), ("", 0.5)]])
    assert found.keys() == {"a", ""}
    assert found["a"] == 1
    assert isclose(found[""], 0.4 * 0.5 / (0.6 * 0.5 + 0.4 * 0.5 + 0.6 * 0.5))


def test_letters_are_doubled_only_across_a_blank():
    assert set(spellings([[("l", 1.0)], [("l", 1.0)]])) == {"l"}
    assert set(spellings([[("l", 1.0)], [("", 1.0)], [("l", 1.0)]])) == {"ll"}


@given(st.text(alphabet="abl1", max_size=12))
def test_a_sure_text_is_spelt_as_it_is(text):
    found = spellings(steps_of(text, sure=1.0))
    assert max(found, key=found.__getitem__) == text


@given(
    st.lists(
        st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda row: sum(row) > 0.1),
        min_size=1,
        max_size=6,
    )
)
def test_probabilities_are_those_of_all_paths(rows):
    weights = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    found = spellings([list(zip(["", "a", "b"], row, strict=True)) for row in weights.tolist()])
    ways = {"": 0.0}
    for path in np.ndindex(*[3] * len(rows)):
        chance = float(np.prod(weights[range(len(rows)), path]))
        letters = [at for before, at in pairwise((0, *path)) if at and at != before]
        text = "".join("ab"[at - 1] for at in letters)
        ways[text] = ways.get(text, 0.0) + chance
    assert max(found.values()) == 1
    assert found.keys() <= ways.keys()
    if len(rows) < 3:  # so few texts are all followed
        most = max(ways.values())
        assert all(isclose(found.get(t, 0), p / most, abs_tol=1e-4) for t, p in ways.items())


def test_a_line_of_any_length_is_spelt():
    assert spellings([[(c, 1 / 20) for c in "abcdefghijklmnopqrs"] + [("", 1 / 20)]] * 600)
    assert spellings([[]] * 3) == {"": 1.0}
    assert mended("lI1O0o" * 200) == "lI1O0o" * 200


def test_a_lattice_gives_the_characters_of_each_step():
    probabilities = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    lattice = lattice_of(probabilities, np.array(["", "a", "b"], dtype=object))
    assert lattice.between(0.0, 0.5) == [
        [("", 0.9), ("a", 0.1)],
        [("", 0.2), ("a", 0.3), ("b", 0.5)],
    ]
    assert lattice.between(0.5, 1.0) == [[("b", 1.0)], [("", 1.0)]]


# Words


@pytest.mark.parametrize(
    ("read", "doubts", "expected"),
    [
        ("gencrated", {3: {"e": 0.2}}, "generated"),
        ("l00", {0: {"1": 0.1}}, "100"),
        ("2,0oo", {}, "2,000"),
        ("wil1", {3: {"l": 0.02}}, "will"),
        ("Wel1", {}, "Well"),
        ("3oo", {0: {"z": 0.01}}, "300"),
        ("saíd", {2: {"i": 0.04}}, "said"),
        ("(WIPp)", {4: {"P": 0.3}}, "(WIPP)"),
        ("Greenvile", {}, "Greenvile"),
        ("aneffectual", {}, "aneffectual"),
    ],
)
def test_a_word_is_mended_where_the_pixels_allow_it(read, doubts, expected):
    assert mended(read, doubts) == expected


def test_a_space_that_was_doubtful_parts_two_words():
    steps = steps_of("ofwhose")
    steps.insert(4, [("", 0.8), (" ", 0.2)])
    token = token_of("ofwhose")._replace(steps=lambda: steps)
    assert mender_of(ENGLISH).mend(token) == "of whose"


@pytest.mark.parametrize(
    "text",
    [
        *("Joraans", "Nguyen", "Wolfsberg", "Q7X9-0OI1", "A1l3B", "info@1ocal0.example"),
        *("HC0F", "UE25a", "β-decay", "3σ", "x²", "//server/O0", "www.il1.org", "—", "§", "½"),
        *("O", "0", "1.0", "don’t", "U.S.A.", "1,234.56", "日本語", "привет", ""),
    ],
)
def test_what_is_clear_stays(text):
    assert mended(text) == text if text else True


@pytest.mark.parametrize("text", ["Q7X9-0OI1", "info@1ocal0.example", "//srv/O0l1", "SO2", "B9101"])
def test_codes_stay_even_where_pixels_are_doubtful(text):
    doubts = {
        place: {other: 0.4}
        for place, character in enumerate(text)
        for other in {"0": "O", "O": "0", "1": "l", "l": "1", "I": "1", "B": "8"}.get(character, "")
    }
    assert mended(text, doubts) == text


def test_no_word_outweighs_clear_pixels():
    assert mended("hause", {2: {"o": 0.002, "u": 0.0}}) == "hause"
    assert mended("hause", {1: {"o": 0.2}}) == "house"


def test_words_of_the_user_are_known():
    doubts = {3: {"m": 0.05}}
    assert mended("ocrloon", {6: {"m": 0.05}}) == "ocrloon"
    assert mended("ocrloon", {6: {"m": 0.05}}, user_words=("ocrloom",)) == "ocrloom"
    assert mended("Ocrloon", {6: {"m": 0.05}}, user_words=("ocrloom",)) == "Ocrloom"
    assert mended("xyzn", doubts, user_words=("XYZM",)) == "xyzm"


def test_only_allowed_characters_come_out():
    token = token_of("RuBENs", talls=[None, 1.0, None, None, None, 1.0])
    assert mender_of(ENGLISH).mend(token) == "RUBENS"
    assert mender_of(ENGLISH, (), None, "S").mend(token) == "RuBENs"
    assert mender_of(ENGLISH, (), "RuBENs").mend(token) == "RuBENs"


def test_languages_differ():
    doubts = {1: {"ı": 0.2}}
    assert mended("kiz", doubts, (Language.TURKISH,)) == "kız"
    assert mended("l'ami", {0: {"1": 0.3}}, (Language.FRENCH,)) == "l'ami"
    assert mended("und", {0: {"a": 0.3}}, ENGLISH) == "and"
    assert mended("und", {0: {"a": 0.3}}, (Language.GERMAN,)) == "und"
    assert mended("und", {0: {"a": 0.3}}, (Language.GERMAN, Language.ENGLISH)) == "und"


def test_languages_without_words_are_left_alone():
    assert mender_of((Language.JAPANESE,)) is None
    assert mender_of((Language.KHMER,)) is None
    assert mender_of((Language.KHMER,), ("word",)) is not None


# Stops, and capitals after them


def test_a_full_stop_before_a_small_letter_is_a_comma():
    doubts = {7: {",": 0.3}}
    assert mended("qualify.", doubts, following="the") == "qualify,"
    assert mended("qualify.", doubts, following="The") == "qualify."
    assert mended("etc.", {3: {",": 0.3}}, following="the") == "etc."


# Heights


def test_height_tells_the_case_of_letters_of_one_shape():
    low, high = 0.0, 1.0
    doubts = {0: {"W": 0.3}}
    assert mended("warm", doubts, talls=[low, None, None, None]) == "warm"
    assert mended("warm", doubts, talls=[high, None, None, None]) == "Warm"
    assert mended("SIGNs", {4: {"S": 0.3}}, talls=[high, None, None, None, high]) == "SIGNS"


def test_heights_are_measured_in_the_line():
    text = list("Some wide hand")
    marks = [character for character in text if character != " "]
    rises = np.array([30, 20, 20, 20, 20, 20, 30, 20, 30, 20, 20, 30], dtype=float)
    initial = np.array([c in (0, 4, 8) for c in range(len(marks))])
    talls = talls_of(marks, rises, initial)
    assert talls == [1.0, 0.0, *[None] * 2, 0.0, *[None] * 7]


def test_small_capitals_are_capitals():
    marks = list("byRuBENsthedog")
    rises = np.array([30, 20, 30, *[22] * 5, 30, 30, 20, 30, 20, 20], dtype=float)
    initial = np.zeros(len(marks), dtype=bool)
    initial[[0, 2, 8, 11]] = True
    talls = talls_of(marks, rises, initial)
    assert (talls[3], talls[7]) == (1.0, 1.0)
    assert talls[12] == 0.0


def test_a_line_of_one_height_tells_nothing():
    marks = list("SOUVWXZsouvwxz")
    assert talls_of(marks, np.full(14, 20.0), np.zeros(14, dtype=bool)) == [None] * 14


def test_rises_are_those_of_most_columns():
    columns = np.array([0, 20, 20, 20, 20, 20, 0, 30, 30, 30, 30, 30, 0, 0])
    found = rises_of(columns, np.array([0, 7, 12, 14]), np.array([True, False, False]))
    assert found[:2].tolist() == [20, 30]
    assert np.isnan(found[2])


# Plausibility


def test_ordinary_text_is_more_plausible():
    plausibility = Plausibility(lexicon_of(ENGLISH))
    pairs = [
        *(("the", "tbe"), ("100", "l00"), ("$100", "$loo"), ("1,000", "1,O00"), ("will", "wil1")),
        *(("RUBENS", "RuBENS"), ("I", "l"), ("1982)", "l982)"), ("H-1,", "H-l,"), ("to", "tO")),
        *(("Greenville", "Greenvile"), ("of whose", "ofwhose"), ("mm/yr", "rnm/yr")),
    ]
    for better, worse in pairs:
        assert plausibility(better) > plausibility(worse), (better, worse)


@given(st.text(max_size=20).filter(lambda text: text.strip() == text))
def test_every_text_has_a_plausibility(text):
    assert Plausibility(lexicon_of(ENGLISH))(text) <= 0


# Pages

SURNAMES = (
    *(
        "Abernathy",
        "Achterberg",
        "Bjornstad",
        "Czarnecki",
        "Dalrymple",
        "Eichelberger",
        "Goncalves",
    ),
    *("Featherstonehaugh", "Hrubesch", "Iwanowski", "Jaskolski", "Kowalczyk", "Lindqvist"),
    *("Mcgillicuddy", "Nakagawa", "Oyelaran", "Przybylski", "Quesenberry", "Rasmussen", "Xenakis"),
    *("Szymanski", "Thistlethwaite", "Uchtdorf", "Vanderbilt", "Wojciechowski", "Yarborough"),
    *("Zellweger", "Ogard"),
)
DOMAINS = ("mail.example", "post.example.org", "il0.example.net")


def codes(count, seed=5):
    chance = random.Random(seed)
    for _ in range(count):
        runs = [
            "".join(chance.choices(signs, k=chance.randint(2, 4)))
            for signs in ("ABCDEFGHJKLMNPRSTUVWXYZ", "0123456789", "ABCDEF0123456789")
        ]
        yield "-".join(runs)


def lines_of(words, per_line=4):
    return [words[at : at + per_line] for at in range(0, len(words), per_line)]


@pytest.fixture(scope="module")
def register():
    """A page of what no list of words has: names, codes and addresses; with its words."""
    import matplotlib as mpl

    face = f"{mpl.get_data_path()}/fonts/ttf/DejaVuSans.ttf"
    addresses = [
        f"{name.lower()}{number}@{DOMAINS[number % 3]}" for number, name in enumerate(SURNAMES[:12])
    ]
    rows = lines_of(list(SURNAMES)) + lines_of(list(codes(24))) + lines_of(addresses, 2)
    page = PIL.Image.new("L", (1700, 90 + 62 * len(rows)), 255)
    draw = PIL.ImageDraw.Draw(page)
    font = PIL.ImageFont.truetype(face, 30)
    for number, row in enumerate(rows):
        for place, word in enumerate(row):
            draw.text((60 + place * 1600 / len(row), 50 + 62 * number), word, 0, font)
    noise = np.random.default_rng(3)
    pixels = np.asarray(page, dtype=float) + noise.normal(0, 40, (page.height, page.width))
    bilevel = np.where(pixels > 128, 255, 0).astype(np.uint8)
    return bilevel, [word for row in rows for word in row]


def test_names_codes_and_addresses_come_through(register):
    pixels, words = register
    right = {}
    for context in (False, True):
        options = OcrOptions(languages=Language.ENGLISH, context=context)
        found = OcrEngine(options=options).process(pixels).text.split()
        right[context] = sum(word in found for word in words)
    assert right[True] >= right[False]
    assert right[True] >= 0.9 * len(words)


def words_in(page):
    return [word for block in page.blocks for line in block.lines for word in line.words]


def test_the_raw_text_stays_on_the_word(scan):
    options = OcrOptions(languages=Language.ENGLISH)
    plain = OcrEngine(options=OcrOptions(languages=Language.ENGLISH, context=False))
    page = OcrEngine(options=options).process(scan("letter.tif")).pages[0]
    raw = plain.process(scan("letter.tif")).pages[0]
    assert all(
        word.raw is None for block in raw.blocks for line in block.lines for word in line.words
    )
    words = [word for block in page.blocks for line in block.lines for word in line.words]
    assert all(word.raw != word.text for word in words)
    assert [word.raw or word.text for word in words] == raw.text.split()
