"""Words that a hyphen parts at the end of a line."""

import numpy as np
import pytest
from hypothesis import given
from results import block, pages, table

import ocrloom as ocr
from ocrloom.formats.prose import joined, running
from ocrloom.layout.hyphens import with_whole_words
from ocrloom.result import BlockKind
from ocrloom.wholes import whole_lines


def told(*texts, known=None, **changes):
    (made,) = with_whole_words([block(*texts, **changes)], known)
    return made


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("the infor-", "mation here"), "the information\nhere"),
        (("the infor\u00ad", "mation here"), "the information\nhere"),
        (("the infor\u2010", "mation, here"), "the information,\nhere"),
        (("(infor-", "mation"), "(information"),
        (("one in-", "for-", "mation here"), "one infor-\nmation here"),
        (("a infor-", "mation and para-", "graph"), "a information\nand paragraph"),
        (("Marie-", "Louise"), "Marie-\nLouise"),
        (("pages 17-", "18 and"), "pages 17-\n18 and"),
        (("a-", "b"), "a-\nb"),
        (("so – and", "on"), "so – and\non"),
        (("the infor-",), "the infor-"),
        (("no break", "here"), "no break\nhere"),
    ],
)
def test_a_word_is_whole_in_the_first_of_its_lines(lines, text):
    assert told(*lines).text == text


def test_without_being_told_nothing_is_joined():
    assert block("the infor-", "mation here").text == "the infor-\nmation here"


def test_both_parts_stay_where_they_are():
    made = told("the infor-", "mation here")
    plain = block("the infor-", "mation here")
    assert [[word.text for word in line.words] for line in made.lines] == [
        ["the", "infor-"],
        ["mation", "here"],
    ]
    assert [word.polygon for line in made.lines for word in line.words] == [
        word.polygon for line in plain.lines for word in line.words
    ]
    assert made.lines[0].words[1].whole == "information"
    assert [line.text for line in made.lines] == ["the infor-", "mation here"]


WORDS = {"well", "known", "information", "for", "mation", "some", "body"}


@pytest.mark.parametrize(
    ("lines", "whole"),
    [
        (("infor-", "mation"), "information"),
        (("Well-", "known."), "Well-known."),
        (("a-well-", "known"), "a-well-known"),
        (("quix-", "otry"), "quixotry"),
        (("well-", "otry"), "wellotry"),
    ],
)
def test_a_hyphen_stays_between_words_that_are_known_apart_and_not_together(lines, whole):
    assert told(*lines, known=WORDS.__contains__).lines[0].words[0].whole == whole


def test_tables_are_left_alone():
    made = table(["infor-", "x"], ["mation", "y"])
    assert with_whole_words([made]) == (made,)


@pytest.mark.parametrize("kind", [each for each in BlockKind if each is not BlockKind.TABLE])
def test_every_other_kind_is_joined(kind):
    assert told("infor-", "mation", kind=kind).text == "information"


@pytest.mark.parametrize("form", [joined, lambda lines: " ".join(running(lines))])
def test_running_text_has_what_was_decided(form):
    words = WORDS.__contains__
    assert form(told("it is well-", "known here", known=words).lines) == "it is well-known here"
    assert form(told("the infor-", "mation here", known=words).lines) == "the information here"
    # As without the option, where there is no list of words to ask.
    assert form(block("it is well-", "known here").lines) == "it is wellknown here"


@given(pages)
def test_any_page_has_a_text_and_lines_of_it(made):
    for each in made.blocks:
        assert len(whole_lines(each.lines)) == len(each.lines)
        assert isinstance(each.text, str)


def test_the_option_is_for_text_and_the_words_are_kept(note):
    first, second = (note(text) for text in ("He gave the infor-", "mation to nobody"))
    width = max(first.shape[1], second.shape[1])
    rows = [
        np.pad(each[10:80], ((0, 0), (0, width - each.shape[1])), constant_values=255)
        for each in (first, second)
    ]
    pixels = np.pad(np.concatenate(rows), 40, constant_values=255)
    plain = ocr.OcrEngine().process(pixels)
    whole = ocr.OcrEngine(options=ocr.OcrOptions(join_hyphens=True)).process(pixels)
    assert plain.text == "He gave the infor-\nmation to nobody"
    assert whole.text == whole.export("txt").strip() == "He gave the information\nto nobody"
    assert [word.text for word in whole.pages[0].words] == [
        word.text for word in plain.pages[0].words
    ]
    assert ocr.OcrResult.from_json(whole.export("json")) == whole
