"""Reading a part of each page: what is meant, what is read, and where it stands."""

import img2pdf
import numpy as np
import PIL.Image
import pytest
from documents import pages_of
from hypothesis import given
from hypothesis import strategies as st
from pdf_files import lines, pdf_of

import ocrloom as ocr
from ocrloom.image.bilevel import Bilevel
from ocrloom.region import parse_region, pixels_of


@pytest.mark.parametrize(
    "region", [(1, 2, 3, 4), [1, 2, 3, 4], "1,2,3,4", " 1, 2.0 ,3,4 ", tuple(np.arange(1, 5))]
)
def test_a_region_is_four_numbers(region):
    assert parse_region(region) == (1.0, 2.0, 3.0, 4.0)
    assert all(type(side) is float for side in parse_region(region))
    assert ocr.OcrOptions(region=region) == ocr.OcrOptions(region=(1, 2, 3, 4))


@pytest.mark.parametrize(
    "region",
    [
        *("", "1,2,3", "1,2,3,4,5", "1;2;3;4", "a,b,c,d", "3,2,1,4", "1,4,3,2", "-1,2,3,4"),
        *((1, 2, 1, 4), (1, 2, 3, float("nan")), (0, 0, float("inf"), 1), 5, {1, 2, 3, 4}),
        (None, 2, 3, 4),
    ],
)
def test_anything_else_is_refused(region):
    with pytest.raises(ocr.OcrOptionError, match="region must be left, top, right and bottom"):
        ocr.OcrOptions(region=region)


@given(
    full=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    smaller=st.floats(0.01, 1),
    corner=st.tuples(st.floats(0, 6000), st.floats(0, 6000)),
    sides=st.tuples(st.floats(0.001, 6000), st.floats(0.001, 6000)),
)
def test_a_region_on_the_page_has_pixels_of_it(full, smaller, corner, sides):
    size = tuple(max(1, round(side * smaller)) for side in full)
    region = (*corner, corner[0] + sides[0], corner[1] + sides[1])
    if corner[0] >= full[0] or corner[1] >= full[1]:
        with pytest.raises(ocr.OcrOptionError, match="lies beyond"):
            pixels_of(region, full, size, "page 1")
        return
    left, top, right, bottom = pixels_of(region, full, size, "page 1")
    assert 0 <= left < right <= size[0]
    assert 0 <= top < bottom <= size[1]


def test_all_of_a_page_is_all_of_it():
    assert pixels_of(None, (9, 7), (9, 7), "page 1") == (0, 0, 9, 7)
    assert pixels_of((0, 0, 9, 7), (9, 7), (9, 7), "page 1") == (0, 0, 9, 7)
    assert pixels_of((0, 0, 99, 99), (18, 14), (9, 7), "page 1") == (0, 0, 9, 7)


@pytest.fixture(scope="module")
def stacked(note):
    """A page of three lines, and the rows between which each stands."""
    texts = "The harbour was quiet", "Nobody came that way", "Until the evening"
    rows = [np.pad(note(text), ((20, 20), (0, 600)), constant_values=255) for text in texts]
    width = min(row.shape[1] for row in rows)
    pixels = np.concatenate([row[:, :width] for row in rows])
    return pixels, texts, pixels.shape[0] // 3


def middle(word):
    return tuple(sum(values) / 4 for values in zip(*word.polygon, strict=True))


def only(source, region, **options):
    (page,) = ocr.OcrEngine(options=ocr.OcrOptions(region=region, **options)).process(source).pages
    return page


def test_only_the_region_is_read_and_places_are_those_of_the_page(stacked):
    pixels, texts, step = stacked
    everything = only(pixels, None)
    assert everything.text.split("\n")[-1] == texts[2]
    page = only(pixels, (0, step, pixels.shape[1], 2 * step))
    assert page.text == texts[1]
    assert (page.width, page.height) == pixels.shape[::-1]
    same = [word for word in everything.words if step < middle(word)[1] < 2 * step]
    for mine, other in zip(page.words, same, strict=True):
        assert np.allclose(mine.polygon, other.polygon, atol=3)


def test_the_way_up_is_found_within_the_region(stacked):
    pixels, texts, step = stacked
    turned = np.ascontiguousarray(np.rot90(pixels))
    height, width = turned.shape
    page = only(turned, (step, 0, 2 * step, height))
    assert page.text == texts[1]
    assert page.rotation == 90
    assert (page.width, page.height) == (width, height)
    assert all(step < middle(word)[0] < 2 * step for word in page.words)


def test_a_region_is_measured_on_the_source_of_a_thumbnail(stacked):
    pixels, texts, step = stacked
    height, width = pixels.shape
    small = ocr.Image.load(pixels).thumbnail((width * 3 // 4, height * 3 // 4))
    page = only(small, (0, step, width, 2 * step))
    assert page.text == texts[1]
    assert all(step < middle(word)[1] < 2 * step for word in page.words)


def test_a_region_that_reaches_beyond_the_page_is_what_is_on_it(stacked):
    pixels, texts, step = stacked
    page = only(pixels, (0, 2 * step, 1e9, 1e9))
    assert page.text == texts[2]
    assert all(x <= page.width and y <= page.height for w in page.words for x, y in w.polygon)


def test_an_empty_part_is_a_page_without_blocks(stacked):
    pixels, _, step = stacked
    page = only(pixels, (pixels.shape[1] - 20, 0, pixels.shape[1], step))
    assert (page.blocks, page.text) == ((), "")


def test_a_page_that_has_no_such_region_fails_and_the_others_are_read(stacked, note):
    pixels, texts, step = stacked
    small = PIL.Image.fromarray(note("Small"))
    options = ocr.OcrOptions(region=(0, 2 * step, 5000, 5000))
    result = ocr.OcrEngine(options=options).process(pages_of([pixels, np.asarray(small)]))
    assert [page.text for page in result.pages] == [texts[2]]
    (failure,) = result.failures
    assert (failure.number, failure.kind) == (2, "OcrOptionError")
    assert f"page 2 has {small.width} × {small.height} pixels" in failure.message
    assert f"the region 0, {2 * step}, 5000, 5000 lies beyond them" in failure.message


def test_of_a_pdf_the_text_in_the_region_is_taken():
    content = lines(["Above the line", "Below it left", "and right"], size=20)
    data = pdf_of(content)
    engine = ocr.OcrEngine(options=ocr.OcrOptions(pdf=ocr.PdfOptions(text_layer="only")))
    (whole,) = engine.process(data).pages
    word = next(word for word in whole.words if word.text == "it")
    (left, top), _, (right, bottom), _ = word.polygon
    region = (left - 3, top - 3, right + 3, bottom + 3)
    engine.options = ocr.OcrOptions(region=region, pdf=ocr.PdfOptions(text_layer="only"))
    (page,) = engine.process(data).pages
    assert page.read_by is ocr.ReadBy.TEXT_LAYER
    assert page.words == (word,)
    assert (page.width, page.height) == (whole.width, whole.height)


def test_a_scanned_page_of_a_pdf_is_read_in_its_region(stacked, tmp_path):
    pixels, texts, step = stacked
    path = tmp_path / "page.png"
    PIL.Image.fromarray(pixels).save(path, dpi=(200, 200))
    page = only(img2pdf.convert(path.read_bytes()), (0, step, pixels.shape[1], 2 * step))
    assert page.text == texts[1]


@pytest.mark.parametrize("part", [(0, 0, 21, 13), (3, 2, 20, 13), (8, 0, 16, 5), (7, 12, 8, 13)])
def test_a_part_of_a_page_of_bits_is_one_again(part):
    random = np.random.default_rng(5)
    pixels = random.integers(0, 2, (13, 21), np.uint8) * np.uint8(255)
    left, top, right, bottom = part
    cut = Bilevel(np.packbits(pixels, axis=1), 21).part(*part)
    assert isinstance(cut, Bilevel)
    assert np.array_equal(np.asarray(cut), pixels[top:bottom, left:right])


def test_a_page_of_bits_is_read_in_its_region(stacked, monkeypatch):
    pixels, texts, step = stacked
    from ocrloom.image import Frame
    from ocrloom.reading import read_frame

    white = np.packbits(pixels > 128, axis=1)
    frame = Frame(number=1, pixels=Bilevel(white, pixels.shape[1]))
    options = ocr.OcrOptions(region=(0, step, pixels.shape[1], 2 * step))
    assert read_frame(frame, options).text == texts[1]
