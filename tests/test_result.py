"""The result tree: texts joined, confidences weighted."""

import dataclasses
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom import Block, Line, OcrResult, Page, Word

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def word(text, confidence=1.0):
    return Word(text=text, polygon=SQUARE, confidence=confidence, recogniser="fake")


def line(*words):
    return Line(words=words, polygon=SQUARE)


def block(*lines):
    return Block(lines=lines, polygon=SQUARE)


def page(*blocks, number=1):
    return Page(number=number, width=10, height=10, blocks=blocks)


words = st.builds(word, st.text("ab.é紙", min_size=1, max_size=4), st.floats(0, 1))
lines = st.lists(words, max_size=3).map(lambda parts: line(*parts))
blocks = st.lists(lines, max_size=3).map(lambda parts: block(*parts))
pages = st.lists(blocks, max_size=3).map(lambda parts: page(*parts))
results = st.lists(pages, max_size=3).map(lambda parts: OcrResult(pages=tuple(parts)))


def test_texts_are_joined_by_what_lies_between():
    first = page(block(line(word("A"), word("title"))), block(line(word("one")), line(word("two"))))
    result = OcrResult(pages=(first, page(number=2), page(block(line(word("end"))), number=3)))
    assert result.text == "A title\n\none\ntwo\f\fend"
    assert [each.text for each in first.lines] == ["A title", "one", "two"]
    assert [each.text for each in first.words] == ["A", "title", "one", "two"]


def test_confidence_is_weighted_by_length():
    parts = line(word("abc", 0.9), word("d", 0.5))
    assert parts.confidence == pytest.approx(0.8)
    assert page(block(parts)).confidence == pytest.approx(0.8)
    two = OcrResult(pages=(page(block(parts)), page(block(line(word("efgh", 1.0))))))
    assert two.confidence == pytest.approx(0.9)


def test_nothing_read_is_an_empty_result():
    empty = OcrResult(pages=(page(),))
    assert (empty.text, empty.confidence) == ("", 0.0)
    assert (page().lines, page().words, page().text) == ((), (), "")
    assert OcrResult(pages=()).text == ""


def test_the_source_is_not_compared():
    assert OcrResult(pages=(), source="a.png") == OcrResult(pages=(), source=None)


@given(results)
def test_no_word_is_lost_or_doubled(result):
    read = [each.text for part in result.pages for each in part.words]
    assert result.text.split() == read
    assert result.text.count("\f") == max(0, len(result.pages) - 1)
    for part in result.pages:
        assert part.words == tuple(each for line in part.lines for each in line.words)


@given(results)
def test_confidence_lies_between_the_words(result):
    found = [each.confidence for part in result.pages for each in part.words]
    low, high = (min(found), max(found)) if found else (0.0, 0.0)
    assert low - 1e-9 <= result.confidence <= high + 1e-9


@given(results)
def test_results_are_plain_data(result):
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(dataclasses.replace(result))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.pages = ()
