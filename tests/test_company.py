"""Which doubtful short readings are kept for the words beside them."""

import math

import pytest

from ocrloom.result import Word
from ocrloom.vision.company import in_company
from ocrloom.vision.geometry import Box
from ocrloom.vision.segment import Segment


def segment(text, left, top, right, bottom, angle=0.0):
    """A piece of one word, on a page that is turned by an angle."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    polygon = tuple((x * c - y * s, x * s + y * c) for x, y in corners)
    word = Word(text=text, polygon=polygon, confidence=0.7, recogniser="fake")
    box = Box(0.0, 0.0, right - left, 1.3 * (bottom - top), angle)
    return Segment(box=box, words=(word,))


@pytest.mark.parametrize("angle", [-5.0, 0.0, 5.0])
@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ((300, 100, 312, 120), True),  # a figure in the next column
        ((300, 101, 312, 121), True),
        ((380, 100, 392, 120), False),  # too far away
        ((300, 106, 312, 120), False),  # less high
        ((300, 92, 312, 120), False),  # higher
        ((300, 130, 312, 150), False),  # between two lines
    ],
)
def test_ink_as_high_as_that_of_a_word_beside_it_is_kept(angle, place, kept):
    sure = [segment("4.26", 150, 100, 210, 120, angle)]
    doubtful = segment("0", *place, angle)
    assert in_company([doubtful], sure) == ([doubtful] if kept else [])


def test_all_words_of_a_piece_must_keep_company():
    first, second = segment("0", 300, 100, 312, 120), segment("x", 330, 60, 342, 80)
    both = Segment(box=first.box, words=(*first.words, *second.words))
    assert in_company([both, first], [segment("4.26", 200, 100, 260, 120)]) == [first]


def test_nothing_keeps_company_with_nothing():
    doubtful = segment("0", 300, 100, 312, 120)
    assert in_company([doubtful], []) == []
    assert in_company([], [doubtful]) == []
