"""Confidences that are chances, what they tell of a page, and pages that are marked for review."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from documents import pages_of
from hypothesis import given
from hypothesis import strategies as st
from results import page, word

import ocrloom as ocr
from ocrloom.calibration import CURVES, Curve, calibrated, certainty
from ocrloom.languages import PPOCR

CURVE = {"fake": Curve(-2.0, 1.0, 0.5)}


@pytest.mark.parametrize("name", CURVES)
@given(one=st.floats(0, 1), other=st.floats(0, 1))
def test_a_surer_word_is_likelier_right(name, one, other):
    low, high = (
        calibrated(word(recogniser=name, confidence=each)) for each in sorted((one, other))
    )
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("name", CURVES)
def test_a_recogniser_is_believed_in_the_end(name):
    assert calibrated(word(recogniser=name, confidence=1.0)) > 0.99


def test_pp_ocr_is_believed_less_than_itself():
    # Tesseract judges its words more modestly.
    assert calibrated(word(recogniser=PPOCR, confidence=0.9)) < 0.8


def test_what_is_no_reading_keeps_its_confidence():
    assert calibrated(word(recogniser="text-layer", confidence=0.123)) == 0.123


def test_a_word_that_was_mended_has_odds_of_its_own():
    read = word(confidence=0.95)
    plain, mended = (calibrated(each, CURVE) for each in (read, replace(read, raw="Eté")))
    assert 0 < plain < mended < 1


def test_certainty_counts_from_none_to_what_can_be_told():
    assert certainty(0.0) == 0
    assert certainty(1 - 1e-4) == pytest.approx(9.21, abs=0.01)
    assert certainty(1.0) == certainty(1.5) == pytest.approx(11.51, abs=0.01)


def test_words_come_with_their_chance(engine, note, monkeypatch):
    (known,) = engine.process(note("harbour")).pages[0].words
    assert known.recogniser == PPOCR
    monkeypatch.setitem(CURVES, PPOCR, Curve(0.0, 0.0, 0.0))
    (even,) = engine.process(note("harbour")).pages[0].words
    assert (known.confidence > 0.9, even.confidence) == (True, 0.5)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), 0.0),
        ((word("Été", confidence=1.0),), 0.0),
        ((word("Été", confidence=0.0),), 0.5),
        ((word("a", confidence=0.0),), 1.0),
        ((word("harbour", confidence=0.8), word("was", confidence=1.0)), 0.3 / 11),
        ((word("", confidence=0.0),), 0.0),
    ],
)
def test_the_expected_error_rate_follows_from_the_words(words, expected):
    assert page(*words).expected_cer == pytest.approx(expected)


@given(st.lists(st.tuples(st.text(max_size=9), st.floats(0, 1)), max_size=9))
def test_the_expected_error_rate_is_one(words):
    made = page(*(word(text, confidence=confidence) for text, confidence in words))
    assert 0 <= made.expected_cer <= 1


@pytest.fixture
def worn(note):
    """Two pages, the second of which is hardly legible, as one source."""
    clean = note("The harbour was quiet")
    noise = np.random.default_rng(3).normal(0, 10, clean.shape)
    poor = np.clip(cv2.GaussianBlur(clean, (0, 0), 5) + noise, 0, 255)
    return pages_of([clean, poor.astype(np.uint8)])


def reviews(result):
    return [page.review for page in result.pages]


def test_pages_of_too_little_quality_are_marked(worn):
    result = ocr.OcrEngine(options=ocr.OcrOptions(min_quality=0.99)).process(worn)
    good, poor = result.pages
    assert good.expected_cer < 0.01 < poor.expected_cer
    assert reviews(result) == [False, True]
    assert ocr.OcrResult.from_json(result.export("json")) == result


def test_no_page_is_marked_by_itself(worn):
    assert reviews(ocr.OcrEngine().process(worn)) == [False, False]


def test_another_quality_repeats_no_page(worn, tmp_path, monkeypatch):
    def engine(quality):
        options = ocr.OcrOptions(min_quality=quality)
        return ocr.OcrEngine(options=options, journal=ocr.Journal(tmp_path))

    first = engine(0.0).process(worn)
    monkeypatch.delattr("ocrloom.reading.read_frame")
    again = engine(0.99).process(worn)
    assert (reviews(first), reviews(again)) == ([False, False], [False, True])
    assert [page.words for page in again.pages] == [page.words for page in first.pages]
