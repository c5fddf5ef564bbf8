"""What is decided about a page of a PDF, from what was found on it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom.image.pdf.need import decide
from ocrloom.image.pdf.resolution import covered, pixels_of, resolution
from ocrloom.image.pdf.sheet import Letters, Picture, Sheet
from ocrloom.image.pdf.words import stretches_of
from ocrloom.options import TextLayer

A4 = (595.0, 842.0)


def sheet(*pictures, **facts):
    return Sheet(size=A4, box=(0, 0, *A4), rotation=0, pictures=pictures, **facts)


def picture(dpi, share=1.0, down=None):
    pixels = (round(A4[0] * dpi / 72), round(A4[1] * dpi / 72))
    return Picture(pixels=pixels, dpi=(dpi, down or dpi), share=share, grey=True)


def letters(text, *, unknown=False):
    """Characters of ten by ten units in a row."""
    count = len(text)
    left = 10.0 * np.arange(count)
    boxes = np.stack([left, np.full(count, 100), left + 10, np.full(count, 110)], axis=1)
    return Letters(
        codes=np.array([ord(each) for each in text], np.uint32),
        ink=boxes.astype(np.float32),
        cells=boxes.astype(np.float32),
        angles=np.zeros(count, np.float32),
        unknown=np.full(count, unknown),
        added=np.zeros(count, np.bool_),
    )


@pytest.mark.parametrize(
    ("pictures", "dpi"),
    [
        # Nothing, or too little of it, to tell.
        ((), 300),
        ((picture(200, share=0.4),), 300),
        # A backdrop of a few pixels.
        ((picture(12),), 300),
        # Scans.
        ((picture(200),), 200),
        ((picture(75),), 75),
        ((picture(600),), 600),
        # In strips; in layers; with a logo that is finer.
        ([picture(240, share=0.1)] * 8, 240),
        ((picture(100), picture(400)), 400),
        ((picture(150), picture(1200, share=0.02)), 150),
        # Finer than letters are.
        ((picture(1200),), 600),
        ((picture(720),), 360),
        ((picture(2400),), 600),
        # A fax, whose pixels are no squares.
        ((picture(204, down=98),), 204),
    ],
)
def test_a_page_is_drawn_at_the_resolution_of_its_pictures(pictures, dpi):
    assert resolution(sheet(*pictures), None) == (dpi, dpi)
    assert resolution(sheet(*pictures), 123) == (123, 123)


def test_text_over_a_coarse_picture_is_drawn_finely():
    assert resolution(sheet(picture(96), shown_texts=1), None) == (300, 300)
    assert resolution(sheet(picture(96), shapes=1), None) == (300, 300)
    assert resolution(sheet(picture(96), hidden_texts=1), None) == (96, 96)
    assert resolution(sheet(picture(200), shown_texts=1), None) == (200, 200)


def test_nearly_square_pixels_stay_as_they_are():
    assert resolution(sheet(picture(300, down=299.7)), None) == (300, 299.7)


@given(dpi=st.integers(10, 2400))
def test_a_page_has_at_least_a_pixel(dpi):
    tiny = Sheet(size=(0.01, 500.0), box=(0, 0, 1, 1), rotation=0)
    assert pixels_of(tiny, (dpi, dpi)) == (1, round(500 * dpi / 72))


def test_coverage_is_at_most_all():
    assert covered(sheet()) == 0
    assert covered(sheet(picture(100, share=0.2), picture(100, share=0.3))) == pytest.approx(0.5)
    assert covered(sheet(picture(100), picture(100))) == 1


GOOD = "All that is written here is as it should be, and no character of it is missing. " * 3


@pytest.mark.parametrize(
    ("text", "facts", "reason"),
    [
        ("", {"shapes": 1}, "no text"),
        (" \n ", {"shapes": 1}, "no text"),
        ("\ufffd" * 20 + "a" * 80, {}, "its text is garbage: 20 % of 100 characters mean nothing"),
        ("\ue000" * 11 + "a" * 89, {}, "its text is garbage: 11 % of 100 characters mean nothing"),
        ("\x01" * 11 + "a" * 89, {}, "its text is garbage: 11 % of 100 characters mean nothing"),
        ("\ue000" * 10 + "a" * 90, {}, None),
        # A hyphen at the end of a line is a control character of PDFium's.
        ("\x02" * 20 + "a" * 90, {}, None),
        (GOOD, {"pictures": (picture(200),)}, None),
        ("a" * 99, {"pictures": (picture(200),)}, "only 99 characters of text, and pictures on "),
        ("a", {"pictures": (picture(200),)}, "only 1 character of text, and pictures on 100 %"),
        ("a" * 99, {"pictures": (picture(200, share=0.4),)}, None),
        ("a" * 99, {"shapes": 500}, "only 99 characters of text, and 500 drawn shapes"),
        ("a" * 99, {"shapes": 499}, None),
        ("日本語" * 40, {"pictures": (picture(200),)}, None),
    ],
)
def test_why_a_page_is_recognised(text, facts, reason):
    found = Sheet(size=A4, box=(0, 0, *A4), rotation=0, shown_texts=bool(text), **facts)
    need = decide(found, letters(text), TextLayer.AUTO)
    assert need.ocr == (reason is not None)
    assert need.reason.startswith(reason or "it has text of its own")
    assert decide(found, letters(text), TextLayer.IGNORE).ocr
    assert not decide(found, letters(text), TextLayer.ONLY).ocr


def test_glyphs_that_no_font_explains_are_garbage():
    need = decide(sheet(shown_texts=1), letters(GOOD, unknown=True), TextLayer.AUTO)
    assert (need.ocr, need.reason[:24]) == (True, "its text is garbage: 100")


@given(st.lists(st.integers(0, 0x120000), max_size=40))
def test_no_character_is_too_odd(codes):
    odd = letters("a" * len(codes))
    odd.codes[:] = codes
    decide(sheet(), odd, TextLayer.AUTO)
    for stretch in stretches_of(sheet(), odd, (595, 842)):
        assert stretch.words
        for word in stretch.words:
            assert word.text
            assert not any(map(str.isspace, word.text))
            word.text.encode("utf-8")


@given(
    st.lists(
        st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4, st.floats(0, 360, width=32)), max_size=20
    )
)
def test_no_place_is_too_odd(boxes):
    odd = letters("a" * len(boxes))
    for index, (*box, angle) in enumerate(boxes):
        odd.ink[index] = odd.cells[index] = box
        odd.angles[index] = angle
    for stretch in stretches_of(sheet(), odd, (595, 842)):
        assert np.isfinite([stretch.angle, stretch.width, stretch.height, *stretch.middle]).all()
        assert -180 <= stretch.angle <= 180
        for word in stretch.words:
            assert np.isfinite(word.polygon).all()


def test_fonts_without_ink_or_without_height():
    text = letters("ab")
    text.ink[:] = 0
    (stretch,) = stretches_of(sheet(), text, (595, 842))
    assert stretch.words[0].polygon[0] == pytest.approx((0, 842 - 110))
    text = letters("ab")
    text.cells[:, 3] = text.cells[:, 1]
    (stretch,) = stretches_of(sheet(), text, (595, 842))
    assert stretch.height == pytest.approx(14, rel=0.01)
