"""From the order in which text stands to the order in which it is read."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom.bidi import has_right_to_left, logical, reading_order, turned
from ocrloom.layout import Piece, arrange
from ocrloom.result import Word

# Letters of both directions, digits of both kinds, marks, signs.
CHARACTERS = st.text("abCאבגשاب12٣٤\u05b8\u0301.,-()+%/", max_size=12)


@pytest.mark.parametrize(
    ("stands", "read"),
    [
        ("word", "word"),
        ("", ""),
        ("םולש", "שלום"),
        # A mark stays on its letter.
        ("ם\u05b7ולש", "שלום\u05b7"),
        # Numbers run from left to right in every script, with their signs.
        ("2024-ב", "ב-2024"),
        ("1,250.5ל", "ל1,250.5"),
        ("٢٠٢٤ماع", "عام٢٠٢٤"),
        # So do Latin letters.
        ("PDF-ה", "ה-PDF"),
        (".םולש", "שלום."),
        (")םולש(", "(שלום)"),
    ],
)
def test_a_word_is_read_in_its_direction(stands, read):
    assert logical(stands) == read


@pytest.mark.parametrize(
    ("stands", "read"),
    [
        ("one two three", "one two three"),
        ("ועוד 45 שלום", "שלום 45 ועוד"),
        # Two numbers of a line from right to left follow each other so too.
        ("ועוד 45 12 שלום", "שלום 12 45 ועוד"),
        # What is in the other direction keeps its own order, with the number behind it.
        ("ועוד Windows 10 שלום", "שלום Windows 10 ועוד"),
        ("ועוד (Hello World) שלום", "שלום (Hello World) ועוד"),
        ("ועוד one - two שלום", "שלום one - two ועוד"),
        ("ועוד - one שלום", "שלום one - ועוד"),
        ("He said עולם שלום and left early", "He said שלום עולם and left early"),
        ("He said עולם 123 שלום and left early", "He said שלום 123 עולם and left early"),
        # Half of the words are enough.
        ("ab בא", "בא ab"),
        ("12 34", "12 34"),
        # A word of both directions is one of the other direction, and takes a number with it.
        ("C C 1 CCא", "C C CCא 1"),
    ],
)
def test_a_line_is_read_in_the_direction_of_most_words(stands, read):
    words = stands.split()
    assert " ".join(words[i] for i in reading_order(words)) == read


@given(st.lists(CHARACTERS))
def test_every_word_is_read_once(words):
    order = reading_order(words)
    assert sorted(order) == list(range(len(words)))
    # A word with a single letter of the other direction counts as one of that direction.
    if not any(map(has_right_to_left, words)):
        assert order == sorted(order)


@given(st.lists(CHARACTERS.filter(bool)))
def test_turning_twice_is_no_turning(clusters):
    there = [clusters[i] for i in turned(clusters)]
    assert [there[i] for i in turned(there)] == clusters


@given(CHARACTERS)
def test_no_character_is_lost(word):
    assert sorted(logical(word)) == sorted(word)


# --- on a page --------------------------------------------------------------------------------


def placed(text, right, top, unit=10.0):
    """A piece of a line that ends at a place, its words as they stand from left to right."""
    left, words = right - unit * len(text), []
    for found in re.finditer(r"\S+", text):
        start, end = left + unit * found.start(), left + unit * found.end()
        box = (start, top), (end, top), (end, top + 20), (start, top + 20)
        words.append(Word(text=logical(found[0]), polygon=box, confidence=1, recogniser="x"))
    middle = (left + right) / 2, top + 10.0
    return Piece(tuple(words), 0.0, right - left, 20.0, middle)


def read(*pieces):
    blocks, _ = arrange(pieces)
    return [line.text for block in blocks for line in block.lines]


def test_pieces_of_a_row_follow_from_right_to_left():
    assert read(placed("םולש", 500, 0), placed("2024 הנש", 400, 0)) == ["שלום שנה 2024"]
    assert read(placed("one", 100, 0), placed("two", 200, 0)) == ["one two"]


def test_words_that_a_pdf_has_in_reading_order_stay_so():
    piece = placed("םלוע םולש", 500, 0)
    assert read(replace(piece, words=piece.words[::-1])) == ["שלום עולם"]


def test_columns_follow_from_right_to_left():
    letters = "אבגדהוזחט"
    text = [" ".join((letter * 9, letter * 8, letter * 9)) for letter in letters]
    others = [" ".join(("קר" * 4, "שתק" * 3, letter * 9)) for letter in letters]
    left = [placed(line, 300, 30 * row) for row, line in enumerate(text)]
    right = [placed(line, 700, 30 * row) for row, line in enumerate(others)]
    found = read(*left, *right)
    assert [line[0] for line in found] == [*letters, *letters]
    assert all("שתק"[::-1] in line for line in found[:9])
