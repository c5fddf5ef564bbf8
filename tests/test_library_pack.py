"""Pages as few bytes, and back."""

import dataclasses

import hypothesis.strategies as st
import pytest
import results
from hypothesis import given, settings

from ocrloom import OcrLibraryDamaged, OcrOptionError
from ocrloom.languages import Language
from ocrloom.library.pack import PackedWords, packed, unpacked

# Pixels of real pages, and a little beyond.
near = st.integers(-(2**20), 2**20).map(lambda eighths: eighths / 8)
corners = st.tuples(*[st.tuples(near, near)] * 4)
confidences = st.integers(0, 10_000).map(lambda share: share / 10_000)


def with_places(page, draw):
    """A page all of whose numbers are such as are kept exactly."""

    def placed(part, **changes):
        return dataclasses.replace(part, polygon=draw(corners), **changes)

    def words_of(words):
        return {word: placed(word, confidence=draw(confidences)) for word in words}

    blocks = []
    for block in page.blocks:
        new = words_of(word for line in block.lines for word in line.words)
        lines = [placed(line, words=tuple(map(new.get, line.words))) for line in block.lines]
        table = block.table and dataclasses.replace(
            block.table,
            cells=tuple(
                placed(cell, words=tuple(map(new.get, cell.words))) for cell in block.table.cells
            ),
        )
        blocks.append(placed(block, lines=tuple(lines), table=table))
    return dataclasses.replace(page, blocks=tuple(blocks))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_a_page_comes_back(data):
    page = with_places(data.draw(results.pages), data.draw)
    new = packed(page)
    assert unpacked(new.words, new.tree) == page


def test_numbers_are_rounded_and_no_more():
    polygon = results.box(10.06, 20.0, 30.9, 40.3)
    page = results.page(results.word("ab", polygon=polygon, confidence=0.123456))
    new = packed(page)
    (word,) = unpacked(new.words, new.tree).words
    assert word.confidence == 0.1235
    assert word.polygon == results.box(10.0, 20.0, 30.875, 40.25)


def test_a_full_page_takes_few_bytes():
    lines = [
        results.line(
            "the weaver keeps a book of patterns and a card of every yarn",
            polygon=results.box(150.5, 90.25 + 41 * row, 2100.75, 122 + 41 * row),
        )
        for row in range(25)
    ]
    block = dataclasses.replace(results.block(), lines=tuple(lines))
    new = packed(results.page(blocks=[block]))
    assert len(new.tokens) == 25 * 13
    assert len(new.words) + len(new.tree) < 8 * len(new.tokens)


def test_the_words_know_their_tokens():
    new = packed(results.page(*map(results.word, ["Nr.", "3.50", "—", "日本語"])))
    words = PackedWords.of(new.words)
    assert new.tokens == ("nr", "3", "50", "日本語", "本語", "語")
    assert words.owners == [(0, 0), (1, 0), (1, 1), (3, 0), (3, 1), (3, 2)]
    assert (words.width, words.height) == (10, 5)


def test_words_that_a_hyphen_parts_are_found_whole():
    page = results.page(blocks=[results.block("one exam-", "ple more")])
    new = packed(page)
    assert new.tokens == ("one", "example", "more")
    words = PackedWords.of(new.words)
    assert words.owners == [(0, 0), (1, 0), (3, 0)]
    assert words.reach(1) == 3
    assert words.joined(0) == ("one", 3)
    assert words.joined(1) == ("example", 4)
    assert unpacked(new.words, new.tree) == page


def test_words_that_keep_their_hyphen_are_found_one_by_one():
    page = results.page(
        blocks=[results.block("a half-", "forgotten draft")], languages=(Language.ENGLISH,)
    )
    assert packed(page).tokens == ("a", "half", "forgotten", "draft")


def test_a_page_without_words_is_kept():
    page = results.page()
    new = packed(page)
    assert new.tokens == ()
    assert unpacked(new.words, new.tree) == page


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e9])
def test_places_that_are_none_are_refused(number):
    page = results.page(results.word(polygon=results.box(0, 0, number, 5)))
    with pytest.raises(OcrOptionError, match="must be pixels"):
        packed(page)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), 1e9, 1e308])
@pytest.mark.parametrize("part", ["blocks", "lines", "cells"])
def test_places_of_other_parts_that_are_none_are_refused(part, number):
    polygon = results.box(0, 0, number, 5)
    block = results.table(["a", "b"])
    if part == "blocks":
        block = dataclasses.replace(block, polygon=polygon)
    elif part == "lines":
        lines = tuple(dataclasses.replace(line, polygon=polygon) for line in block.lines)
        block = dataclasses.replace(block, lines=lines)
    else:
        cells = tuple(dataclasses.replace(cell, polygon=polygon) for cell in block.table.cells)
        block = dataclasses.replace(block, table=dataclasses.replace(block.table, cells=cells))
    with pytest.raises(OcrOptionError, match=f"polygons of {part} must be pixels"):
        packed(results.page(blocks=[block]))


@pytest.mark.parametrize("name", ["number", "width", "height"])
@pytest.mark.parametrize("value", [-1, 2**63, 2**80, 1.0, 10.5, float("nan"), True, "1", None])
def test_numbers_that_no_page_has_are_refused(name, value):
    page = dataclasses.replace(results.page(results.word()), **{name: value})
    with pytest.raises(OcrOptionError, match=f"the {name} of a page must be a whole number"):
        packed(page)


def test_the_largest_numbers_of_a_page_are_kept():
    page = results.page(number=2**63 - 1, width=2**32 - 1, height=0)
    new = packed(page)
    assert new.number == 2**63 - 1
    assert unpacked(new.words, new.tree) == page
    with pytest.raises(OcrOptionError, match="number"):
        packed(results.page(number=0))
    with pytest.raises(OcrOptionError, match="width"):
        packed(results.page(width=2**32))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_confidences_that_are_no_numbers_are_refused(value):
    with pytest.raises(OcrOptionError, match="confidences"):
        packed(results.page(results.word(), results.word(confidence=value)))


def test_a_word_of_a_book_s_length_is_refused():
    with pytest.raises(OcrOptionError, match="fewer than 65535 parts"):
        packed(results.page(results.word("本" * 70_000)))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_page_are_told(data):
    with pytest.raises(OcrLibraryDamaged, match="cannot be read"):
        PackedWords.of(data)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_page_is_told_or_still_a_page(data):
    new = packed(results.page(*map(results.word, ["one", "two"])))
    place = data.draw(st.integers(0, len(new.tree) - 1))
    tree = bytearray(new.tree)
    tree[place] ^= data.draw(st.integers(1, 255))
    try:
        found = unpacked(new.words, bytes(tree))
    except OcrLibraryDamaged:
        return
    # Some bits of what is compressed say nothing of it.
    assert found == unpacked(new.words, new.tree)
