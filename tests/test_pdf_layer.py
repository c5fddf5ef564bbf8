"""The invisible text of a page: what readers find of it, and where."""

from __future__ import annotations

import io
import math
import unicodedata
import zlib

import pikepdf
import PIL.ImageFont
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pdf_readers import (
    boxes,
    characters,
    goes_left,
    line_of,
    page_of,
    page_with,
    pdfium,
    pdfminer,
    poppler,
    search,
    upright,
    word,
)
from pikepdf import Dictionary, Name

from ocrloom import Line, OcrOutputError, Page
from ocrloom.pdf.font import Codes, add_font, font_file
from ocrloom.pdf.layer import LAYER_FONT, layer
from ocrloom.pdf.sizes import page_size

A4 = (595.44, 842.04)


@pytest.fixture
def lay(tmp_path):
    """Writes a PDF with nothing but the layer of a page."""

    def write(page, size=None):
        size = size or page_size(page.width, page.height, page.dpi)
        codes = Codes()
        content = layer(page, size, codes)
        path = tmp_path / "layer.pdf"
        with pikepdf.new() as pdf:
            pdf.add_blank_page(page_size=size)
            fonts = Dictionary({f"/{LAYER_FONT}": add_font(pdf, codes.characters)})
            pdf.pages[0].obj.Resources = Dictionary(Font=fonts)
            pdf.pages[0].obj.Contents = pdf.make_stream(content)
            pdf.save(path)
        return path

    return write


# --- every script, in logical order, for every reader -----------------------------------------

LEFT_TO_RIGHT = [
    "The quick (brown) fox",
    "Tiếng Việt được đọc",
    "nai\u0308ve cafe\u0301",
    "Ελληνικά γράμματα",
    "Русский текст",
    "中文文字识别 测试",
    "日本語の テキスト",
    "한국어 텍스트",
    "हिन्दी में पाठ",
    "ภาษาไทย ทดสอบ",
    "one 😀 two 👨‍👩‍👧 three",
    r"back\slash (paren) ) ( 100%",
]
RIGHT_TO_LEFT = [
    "שלום עולם זה מבחן",
    "בְּרֵאשִׁית בָּרָא אֱלֹהִים",
    "مرحبا بالعالم هذا اختبار",
    "السَّلَامُ عَلَيْكُمْ",
    "لا إله",
]
MIXED = ["בשנת 1948 הוקמה המדינה", "في عام ٢٠٢٤ كان", "שלום world זה", "גיל 12 ו-34"]


@pytest.mark.parametrize("text", LEFT_TO_RIGHT)
def test_text_from_left_to_right_comes_back_from_every_reader(lay, text):
    path = lay(page_of(text))
    assert pdfminer(path) == text
    assert poppler(path) == poppler(path, "-raw") == text
    assert pdfium(path) == text


@pytest.mark.parametrize("text", RIGHT_TO_LEFT)
def test_text_from_right_to_left_comes_back_in_logical_order(lay, text):
    path = lay(page_of(text))
    assert pdfminer(path) == text
    assert poppler(path) == text
    # PDFium puts marks in their canonical order.
    assert _composed(pdfium(path)) == _composed(text)


@pytest.mark.parametrize("text", MIXED)
def test_numbers_and_foreign_words_within_a_line_keep_their_own_direction(lay, text):
    path = lay(page_of(text))
    assert pdfminer(path) == text
    # Poppler loses a space beside them, whoever has written the PDF.
    found = poppler(path)
    assert all(part in found for part in text.split(" ") if "-" not in part)
    if "-" not in text:
        assert pdfium(path) == text


def test_lines_and_blocks_stay_apart(lay):
    texts = ["First line of all", "second line", "שורה שלישית", "4 last"]
    path = lay(page_of(*texts))
    for read in (pdfminer, pdfium, poppler):
        found = [line.strip() for line in read(path).splitlines() if line.strip()]
        # What stands at the other margin is another column to some.
        assert sorted(found) == sorted(texts)


def test_words_near_to_each_other_stay_apart(lay):
    words = [word("near", upright(200, 200, 300, 250)), word("by", upright(301, 200, 350, 250))]
    path = lay(page_with([Line(words=tuple(words), polygon=upright(200, 200, 350, 250))]))
    for text in (pdfminer(path), poppler(path), poppler(path, "-raw"), pdfium(path)):
        assert text == "near by"


def test_what_no_text_can_hold_is_left_out():
    codes = Codes()
    page = page_of("a\0b\u202ec\ud800")
    assert layer(page, A4, codes)
    assert codes.characters == (" ", "a", "b", "c", "\N{REPLACEMENT CHARACTER}")


def test_a_page_without_text_has_no_layer():
    assert layer(Page(number=1, width=10, height=10), A4, Codes()) == b""
    empty = page_with(
        [Line(words=(word("\x07", upright(0, 0, 9, 9)),), polygon=upright(0, 0, 9, 9))]
    )
    assert layer(empty, A4, Codes()) == b""


def test_the_graphics_state_is_left_as_it_was():
    content = layer(page_of("Some text", "שלום"), A4, Codes())
    with pikepdf.new() as pdf:
        names = [
            str(each.operator) for each in pikepdf.parse_content_stream(pdf.make_stream(content))
        ]
    assert (names[0], names[-1]) == ("q", "Q")
    assert [names.count(each) for each in ("q", "BT", "ET", "Q")] == [1, 1, 1, 1]
    assert names.index("Tr") < min(names.index(each) for each in ("Tj",))


def test_a_layer_is_small():
    text = " ".join(["The committee met on the first of March and heard reports"] * 4)
    content = layer(page_with([line_of(text, 100 + 60 * row) for row in range(10)]), A4, Codes())
    words = 10 * len(text.split())
    assert len(zlib.compress(content, 9)) < 12 * words


# --- places -----------------------------------------------------------------------------------


def _turned(x, y, angle, about=(827, 1170)):
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    dx, dy = x - about[0], y - about[1]
    return about[0] + dx * c - dy * s, about[1] + dx * s + dy * c


def _page_at(angle):
    """Three lines in the middle of the page, turned as a whole."""
    lines = []
    for row in range(3):
        line = line_of("alpha beta gamma", 1070 + 80 * row)
        words = tuple(
            word(each.text, tuple(_turned(x + 250, y, angle) for x, y in each.polygon))
            for each in line.words
        )
        polygon = tuple(_turned(x + 250, y, angle) for x, y in line.polygon)
        lines.append(Line(words=words, polygon=polygon))
    return page_with(lines)


@pytest.mark.parametrize("angle", [0, 5, -5, 2, 90, 180, 270, 92, 45])
def test_a_search_marks_the_word_on_a_turned_line(lay, angle):
    page = _page_at(angle)
    path = lay(page)
    scale = 72 / 200
    for text in ("alpha", "beta", "gamma"):
        expected = next(each for each in page.words if each.text == text)
        xs = [x * scale for x, _ in expected.polygon]
        ys = [y * scale for _, y in expected.polygon]
        assert search(path, text) == pytest.approx((min(xs), min(ys), max(xs), max(ys)), abs=0.6)


@pytest.mark.parametrize("text", ["Searchable", "שלום", "مرحبا", "漢字", "Việt"])
def test_a_search_marks_the_word_in_every_script(lay, text):
    line = line_of(f"{text} 12", 400, goes_left(text))
    path = lay(page_with([line]))
    expected = [
        coordinate * 72 / 200 for point in line.words[0].polygon[::2] for coordinate in point
    ]
    box = search(path, text)
    assert box == pytest.approx(expected, abs=0.3)


def test_a_part_of_a_word_is_marked_where_it_is(lay):
    path = lay(page_with([line_of("abcdefghij", 400)]))
    box = search(path, "fghij")
    assert box[0] == pytest.approx((200 + 125) * 72 / 200, abs=0.3)


def test_words_of_a_line_stand_on_one_foot(lay):
    """Ink boxes differ in height; readers would take them for several lines."""
    heights = [(20, 50), (0, 50), (20, 62), (0, 62), (40, 46), (0, 50)]
    words = [
        word(text, upright(200 + 150 * place, 400 + top, 320 + 150 * place, 400 + low))
        for place, (text, (top, low)) in enumerate(
            zip(["once", "hill", "gap", "play", "--", "told"], heights, strict=True)
        )
    ]
    path = lay(page_with([Line(words=tuple(words), polygon=upright(200, 400, 1100, 462))]))
    for text in (pdfminer(path), poppler(path), poppler(path, "-raw"), pdfium(path)):
        assert text == "once hill gap play -- told"
    ((_, _, found),) = boxes(path)
    assert len({(box[1], box[3]) for _, box in found}) == 1


def test_a_word_far_from_its_line_stays_where_it_is(lay):
    words = [word("line", upright(200, 400, 300, 440)), word("far", upright(320, 600, 400, 640))]
    path = lay(page_with([Line(words=tuple(words), polygon=upright(200, 400, 400, 640))]))
    box = search(path, "far")
    assert box == pytest.approx([each * 0.36 for each in (320, 600, 400, 640)], abs=0.3)


# --- anything at all --------------------------------------------------------------------------

_NUMBERS = st.floats(-50, 250) | st.sampled_from([0.0, 100.0])
_POINTS = st.tuples(_NUMBERS, _NUMBERS)
_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
_WORDS = st.builds(word, _TEXTS, st.tuples(_POINTS, _POINTS, _POINTS, _POINTS))
_LINES = st.builds(
    lambda words: Line(words=tuple(words), polygon=words[0].polygon),
    st.lists(_WORDS, min_size=1, max_size=3),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(lines=st.lists(_LINES, max_size=3))
def test_any_words_anywhere_make_a_pdf_from_which_they_come_back(lay, lines):
    path = lay(page_with(lines, width=200, height=200, dpi=(72, 72)), (200.0, 200.0))
    with pikepdf.open(path) as pdf:
        assert pdf.check_pdf_syntax() == []
    expected = "".join(
        letter
        for line in lines
        for each in line.words
        for letter in each.text
        if not letter.isspace()
        and unicodedata.category(letter) != "Cc"
        and (unicodedata.category(letter) != "Cf" or letter in "\u200c\u200d")
    )
    assert "".join(characters(path).split(" ")) == expected


# --- the font ---------------------------------------------------------------------------------


def test_the_font_is_one_that_freetype_reads_and_its_glyph_fills_its_box():
    font = PIL.ImageFont.truetype(io.BytesIO(font_file()), 100)
    assert font.getbbox("a", anchor="ls") == (0, -100, 50, 0)
    assert font.getmask("a").getbbox() is None or font.getmask("a", mode="1").getbbox() is None


def test_checksums_of_the_font_are_right():
    data = font_file()
    words = [int.from_bytes(data[at : at + 4]) for at in range(0, len(data), 4)]
    assert sum(words) & 0xFFFFFFFF == 0xB1B0AFBA


def test_a_character_has_one_code_in_a_document():
    codes = Codes()
    assert codes.encode("a") == codes.encode("a") != codes.encode("b")
    assert codes.encode(" ") == b"\0\1"
    assert codes.characters == (" ", "a", "b")


def test_more_characters_than_a_font_holds_are_refused():
    codes = Codes()
    for number in range(0xFFFE):
        codes.encode(chr(0x10000 + number))
    with pytest.raises(OcrOutputError, match="several PDFs"):
        codes.encode("a")


def test_nothing_of_a_layer_is_seen(lay):
    import pypdfium2

    document = pypdfium2.PdfDocument(lay(page_of("Some text", "שלום עולם")))
    pixels = document[0].render().to_numpy()
    document.close()
    assert pixels.min() == 255


def test_the_font_is_found_by_name(lay):
    with pikepdf.open(lay(page_of("text"))) as pdf:
        font = pdf.pages[0].obj.Resources.Font[f"/{LAYER_FONT}"]
        assert font.BaseFont == Name.OcrloomInvisible


# --- sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("picture", "dpi", "inches"),
    [
        ((2550, 3300), (300, 300), (8.5, 11)),
        ((1728, 1100), (204, 98), (8.47, 11.22)),
        # Nothing stated: a sheet of A4, but what is small stays small.
        ((2480, 3508), None, (8.27, 11.69)),
        ((3508, 2480), None, (11.69, 8.27)),
        ((640, 480), None, (6.67, 5)),
        # A phone's 72 dpi is none; a small picture's may be one.
        ((4000, 3000), (72, 72), (11.02, 8.27)),
        ((720, 720), (72, 72), (10, 10)),
        # No page is larger than 200 inches.
        ((10000, 5000), (10, 10), (200, 100)),
    ],
)
def test_a_page_is_as_large_as_its_picture_is_meant_to_be(picture, dpi, inches):
    size = page_size(*picture, dpi)
    assert [side / 72 for side in size] == pytest.approx(inches, abs=0.01)


_SIDES = st.integers(1, 60_000)


@given(_SIDES, _SIDES, st.none() | st.tuples(*[st.floats(2, 3e4)] * 2))
def test_every_page_has_a_size_that_a_pdf_can_have(width, height, dpi):
    assert all(3 <= side <= 14_400 for side in page_size(width, height, dpi))


def _composed(text):
    return unicodedata.normalize("NFC", text)
