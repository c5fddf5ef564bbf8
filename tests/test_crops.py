"""Pictures of hits."""

from __future__ import annotations

import numpy as np
import pdf_files
import PIL.Image
import pytest
from documents import frames, pages_of
from results import box, page, word

import ocrloom.library.crops as crops_module
from ocrloom import (
    Image,
    Library,
    OcrNotInLibrary,
    OcrOptionError,
    OcrPasswordError,
    OcrResult,
    PdfOptions,
)
from ocrloom.library.crops import crop

WHITE = (255, 255, 255)


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path / "scans.db") as library:
        yield library


def grey(width=200, height=100):
    return np.full((height, width), 255, np.uint8)


def read(size, *words, number=1, source=None):
    """A result of one page of words at places."""
    width, height = size
    made = page(
        *(word(text, polygon=polygon) for text, polygon in words),
        number=number,
        width=width,
        height=height,
    )
    return OcrResult(pages=(made,), source=source)


def found(library, query, result, source):
    library.add(result, source=source).result()
    (hit,) = library.search(query)
    return hit


def colours(picture):
    return {colour for _, colour in picture.getcolors(maxcolors=100_000)}


HARBOUR = ("harbour", box(80, 40, 120, 50))
QUIET = ("quiet", box(130, 40, 150, 52))


def test_the_words_and_some_room_around_them(library, tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(grey()).save(path)
    hit = found(library, "harbour", read((200, 100), HARBOUR, QUIET), path)
    picture = library.crop(hit).result()
    assert picture.mode == "RGB"
    assert picture.size == (40 + 2 * 60, 10 + 2 * 20)
    assert colours(picture) == {WHITE, (255, 247, 153)}
    marked = np.all(np.asarray(picture) == (255, 247, 153), axis=2)
    rows, columns = np.nonzero(marked)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 30, 60, 100)


def test_unmarked_and_with_another_margin(library, tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(grey()).save(path)
    hit = found(library, "harbour", read((200, 100), HARBOUR), path)
    picture = library.crop(hit, margin=0, highlight=False).result()
    assert (picture.size, colours(picture)) == ((40, 10), {WHITE})
    assert library.crop(hit, margin=1000).result().size == (200, 100)


@pytest.mark.parametrize("margin", [-1, float("nan"), float("inf"), "2", None, True])
def test_a_margin_that_is_none(library, tmp_path, margin):
    hit = found(library, "harbour", read((200, 100), HARBOUR), grey())
    with pytest.raises(OcrOptionError, match="margin must be a number"):
        library.crop(hit, margin=margin).result()


def test_all_matches_are_in_it(library):
    source = grey()
    hit = found(library, "harbour quiet", read((200, 100), HARBOUR, QUIET), source)
    picture = crop(hit, None, source=source, margin=0)
    assert picture.size == (70, 12)


def test_without_a_match_the_whole_page(library):
    source = grey()
    hit = found(library, "language:eng OR NOT harbour", read((200, 100), QUIET), source)
    assert hit.matches == ()
    picture = crop(hit, None, source=source)
    assert (picture.size, colours(picture)) == ((200, 100), {WHITE})


def test_letters_stay_legible_under_the_marker(library):
    for ink, paper in ((0, 255), (255, 0)):
        source = np.full((100, 200), paper, np.uint8)
        source[44:46, 80:120] = ink
        hit = found(library, "harbour", read((200, 100), HARBOUR), source)
        picture = crop(hit, None, source=source, margin=0).convert("L")
        assert abs(picture.getpixel((20, 5)) - picture.getpixel((20, 1))) > 140
        library.remove(hit.document.id).result()


def test_the_right_page_of_several(library):
    one, two = grey(), grey()
    two[:] = 100
    data = pages_of([one, two])
    hit = found(library, "harbour", read((200, 100), HARBOUR, number=2), data)
    assert hit.page == 2
    assert colours(crop(hit, None, source=data, highlight=False)) == {(100, 100, 100)}


def test_words_beyond_the_page_are_cut(library):
    source = grey()
    words = ("harbour", box(190, -20, 260, 10)), ("quiet", box(900, 900, 950, 920))
    hit = found(library, "harbour", read((200, 100), *words), source)
    assert crop(hit, None, source=source, margin=0).size == (10, 10)
    (hit,) = library.search("quiet")
    assert crop(hit, None, source=source, margin=0).size == (1, 1)


def test_words_that_stand_upright_have_their_own_height(library):
    # Read from below to above, it begins at its lower left corner.
    polygon = ((50.0, 90.0), (50.0, 30.0), (60.0, 30.0), (60.0, 90.0))
    source = grey()
    hit = found(library, "harbour", read((200, 100), ("harbour", polygon)), source)
    assert crop(hit, None, source=source, margin=1).size == (70, 80)


# Pages of PDFs


def test_a_page_of_a_pdf_is_scaled_to_the_result(library, tmp_path):
    # A black field of half an inch by a quarter, on a page of two inches by one.
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_files.pdf_of(b"0 0 0 rg 54 36 36 18 re f", box=(0, 0, 144, 72)))
    for dpi in (100, 300):
        places = box(0.75 * dpi, 0.25 * dpi, 1.25 * dpi, 0.5 * dpi)
        result = read((2 * dpi, dpi), ("harbour", places))
        hit = found(library, "harbour", result, path)
        picture = library.crop(hit, margin=0, highlight=False).result()
        assert picture.size == (150, 75)
        assert colours(picture) == {(0, 0, 0)}


def test_an_encrypted_pdf_wants_its_password(library, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_files.encrypted(pdf_files.pdf_of(b""), user="geheimnis"))
    hit = found(library, "harbour", read((2550, 3300), HARBOUR), path)
    with pytest.raises(OcrPasswordError):
        library.crop(hit).result()
    source = Image.load(path, pdf=PdfOptions(password="geheimnis"))
    assert library.crop(hit, source=source).result().size == (160, 50)


# Large pages


def test_a_page_that_is_too_large_is_made_smaller(library, monkeypatch):
    monkeypatch.setattr(crops_module, "_MOST", 5000)
    source = grey()
    hit = found(library, "harbour", read((200, 100), HARBOUR), source)
    assert crop(hit, None, source=source, margin=0).size == (20, 5)
    (hit,) = library.search("NOT quiet")
    assert crop(hit, None, source=source).size == (100, 50)


def test_black_and_white_of_one_bit_a_pixel(library, tmp_path):
    path = tmp_path / "plan.png"
    PIL.Image.new("1", (5000, 4000), 1).save(path)
    hit = found(library, "harbour", read((5000, 4000), HARBOUR), path)
    assert library.crop(hit).result().size == (160, 50)


# Where the picture comes from


def test_a_copy_serves_when_the_file_is_gone(tmp_path):
    path = tmp_path / "a.png"
    PIL.Image.fromarray(grey()).save(path)
    with Library(tmp_path / "scans.db", keep=tmp_path / "kept") as library:
        hit = found(library, "harbour", read((200, 100), HARBOUR), path)
        path.unlink()
        assert library.crop(hit).result().size == (160, 50)


def test_a_copy_of_pixels_serves_too(tmp_path):
    with Library(tmp_path / "scans.db", keep=tmp_path / "kept") as library:
        hit = found(library, "harbour", read((200, 100), HARBOUR), grey())
        assert library.crop(hit).result().size == (160, 50)


def test_a_file_that_is_gone(library, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(frames(1, size=(200, 100)))
    hit = found(library, "harbour", read((200, 100), HARBOUR), path)
    path.unlink()
    with pytest.raises(OcrNotInLibrary, match=r"no copy of it.*no such file.*keep="):
        library.crop(hit).result()


def test_a_file_that_has_changed(library, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(frames(1, size=(200, 100)))
    hit = found(library, "harbour", read((200, 100), HARBOUR), path)
    path.write_bytes(frames(2, size=(200, 100)))
    with pytest.raises(OcrNotInLibrary, match="found another content"):
        library.crop(hit).result()
    with pytest.raises(OcrNotInLibrary, match="given as its source"):
        library.crop(hit, source=grey()).result()


def test_what_was_no_file_needs_a_copy(library):
    hit = found(library, "harbour", read((200, 100), HARBOUR), frames(1, size=(200, 100)))
    with pytest.raises(OcrNotInLibrary, match="was read from no file"):
        library.crop(hit).result()
