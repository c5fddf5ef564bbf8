"""What may stand for a word, and what it costs."""

from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ocrloom.library.skeletons import CONFUSIONS, skeleton
from ocrloom.library.tolerance import CONFUSION, ODD, doubt, reading_cost

words = st.text("abcdehilmnorsuw01589", min_size=1, max_size=9)


@pytest.mark.parametrize(("one", "other"), CONFUSIONS)
def test_what_is_confused_has_one_skeleton(one, other):
    # An index of skeletons would not find it otherwise.
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("word", "read", "cost"),
    [
        ("modern", "modern", 0),
        ("modern", "modem", CONFUSION),
        ("modern", "rnodern", CONFUSION),
        ("modern", "rnodem", 2 * CONFUSION),
        ("2019", "2o19", CONFUSION),
        ("2019", "zolg", 4 * CONFUSION),
        ("william", "wi11iam", 2 * CONFUSION),
        ("william", "vvilliam", CONFUSION),
        ("clean", "dean", CONFUSION),
        ("loom", "lo0rn", 2 * CONFUSION),
        ("москва", "мocква", 2 * CONFUSION),
        ("loom", "loon", ODD),
        ("loom", "loo", ODD),
        ("loom", "looms", ODD),
        ("loom", "1oon", CONFUSION + ODD),
        ("loom", "lamp", inf),
        ("cat", "car", inf),  # too short for anything that is not usual
        ("cat", "cot", inf),
        ("", "a", inf),
    ],
)
def test_what_a_reading_costs(word, read, cost):
    assert reading_cost(word, read) == cost


def test_odd_errors_can_be_left_out():
    assert reading_cost("loom", "loon", odd=False) == inf
    assert reading_cost("loom", "l0om", odd=False) == CONFUSION


@given(words, words)
def test_a_confusion_goes_both_ways(one, other):
    assert reading_cost(one, other, odd=False) == reading_cost(other, one, odd=False)


@given(words, st.data())
def test_confusions_add_up(word, data):
    read, cost, place = "", 0.0, 0
    while place < len(word):
        pairs = [
            (one, other)
            for pair in CONFUSIONS
            for one, other in (pair, pair[::-1])
            if word.startswith(one, place)
        ]
        pair = data.draw(st.none() | st.sampled_from(pairs)) if pairs else None
        one, other = pair or (word[place], word[place])
        read, place, cost = read + other, place + len(one), cost + CONFUSION * (pair is not None)
    assert reading_cost(word, read) <= cost
    assert skeleton(word) == skeleton(read)


@given(words.filter(lambda word: len(word) >= 4), st.integers(0, 9), st.sampled_from("kxyt"))
def test_one_odd_letter_is_found(word, place, letter):
    place = min(place, len(word) - 1)
    for read in (
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place:],
    ):
        assert reading_cost(word, read) <= ODD


@pytest.mark.parametrize(("confidence", "factor"), [(0, 0.5), (0.4, 0.5), (0.8, 0.8), (1, 1)])
def test_doubt_makes_costs_less(confidence, factor):
    assert doubt(confidence) == factor
