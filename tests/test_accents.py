"""Letters that only Tesseract knows, read together with PP-OCRv6."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom.languages import TESSERACT
from ocrloom.vision.accents import with_plain_letters, with_tones
from ocrloom.vision.ctc import Reading

LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạấầẩẫậếềểễệốồổỗộớờởỡợứừửữựíìỉĩị -.Ll0"


def reading(text, confidence=0.99, **options):
    places = np.linspace(0, 1, len(text) + 1)
    return Reading(text, places[:-1], places[1:], np.full(len(text), confidence), **options)


def united(text, plain, confidence=0.99):
    ours = reading(text, recogniser=TESSERACT)
    found = with_plain_letters(ours, reading(plain, confidence))
    assert found.starts is ours.starts
    assert found.recogniser == TESSERACT
    return found.text


@pytest.mark.parametrize(
    ("text", "plain", "expected"),
    [
        ("vui Lòng", "vui lòng", "vui lòng"),
        ("0CR tà async", "OCR la async", "OCR là async"),
        ("byte nuLL", "byte null", "byte null"),
        # What PP-OCRv6 leaves out or adds is no other letter.
        ("được áp dụng", "duc áp dng", "được áp dụng"),
        ("Lệnh", "Lnh", "Lệnh"),
        # It does not know letters with marks, and marks it takes for others.
        ("đặt", "dǎt", "đặt"),
        ("tô” hợp", "to' hop", "tô” hợp"),
        ("", "abc", ""),
        ("abc", "", "abc"),
    ],
)
def test_plain_letters_are_those_of_pp_ocr(text, plain, expected):
    assert united(text, plain) == expected


def test_letters_that_pp_ocr_is_not_sure_of_are_left():
    assert united("vui Lòng", "vui lòng", confidence=0.7) == "vui Lòng"


@pytest.mark.parametrize(
    ("drawn", "spelt"),
    [
        ("Nêú", "Nếu"),
        ("điêù", "điều"),
        ("sưả", "sửa"),
        ("cuôí", "cuối"),
        ("NÊÚ", "NẾU"),
        ("cừơng", "cường"),
        ("Nêú điêù giúp, cuôí!", "Nếu điều giúp, cuối!"),
        # As they should be, or not Vietnamese.
        ("trường", "trường"),
        ("hữu", "hữu"),
        ("nghĩa", "nghĩa"),
        ("khuỷu", "khuỷu"),
        ("été fenêtre naïve", "été fenêtre naïve"),
        ("säñ", "säñ"),
        ("", ""),
    ],
)
def test_tones_stand_where_vietnamese_has_them(drawn, spelt):
    assert with_tones(drawn) == spelt


@given(st.text(LETTERS, max_size=30))
def test_no_letter_is_lost(text):
    found = with_tones(text)
    assert len(found) == len(text)
    assert unicodedata.is_normalized("NFC", found)
    assert with_tones(found) == found


@given(st.text(LETTERS, max_size=20), st.text(LETTERS, max_size=20))
def test_only_plain_letters_change(text, plain):
    found = united(text, plain)
    assert len(found) == len(text)
    changed = [(a, b) for a, b in zip(text, found, strict=True) if a != b]
    assert all(a.isascii() and b.isascii() and b.isalnum() for a, b in changed)
