"""Searchable PDFs: pictures with their bytes, existing PDFs with everything else as it was."""

from __future__ import annotations

import errno
import io
import os
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pikepdf
import PIL.Image
import pypdfium2
import pytest
from documents import frames
from image_files import raw_frame, tiff
from pdf_files import (
    LETTER,
    PARAGRAPH,
    add_page,
    bomb,
    encrypted,
    form,
    helvetica,
    lines,
    nested_forms,
    pdf_of,
    saved,
    scans,
    with_text,
)
from pdf_files import scan as scanned
from pdf_readers import (
    line_of,
    page_of,
    page_with,
    pdfium,
    pdfminer,
    search,
    upright,
    word,
)
from pikepdf import Array, Dictionary, Name, String

import ocrloom
from ocrloom import (
    Image,
    Limits,
    Line,
    OcrDamagedImage,
    OcrImageTooLarge,
    OcrOptionError,
    OcrOutputError,
    OcrPasswordError,
    OcrResult,
    OcrSourceNotFound,
    Page,
    PdfOptions,
    ReadBy,
)
from ocrloom.pdf import Mode, PdfWriter, make, render
from ocrloom.pdf.existing import lay
from ocrloom.pdf.font import Codes, add_font
from ocrloom.pdf.layer import layer
from ocrloom.pdf.stripping import strip_invisible
from ocrloom.scheduling.helpers import Helper, HelperDied


def drawing(width=200, height=300):
    """A picture on which every turn and every colour shows."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[20:60, 30:150] = 200, 30, 30
    pixels[100:220, 20:60] = 10, 120, 40
    pixels[250:280, 150:190] = 0
    return PIL.Image.fromarray(pixels)


def stored(path, number=1):
    """The picture of a page."""
    with pikepdf.open(path) as pdf:
        return pdf.pages[number - 1].obj.Resources.XObject.Im0.read_raw_bytes()


def drawn(path, number=1, scale=1.0):
    """A page as PDFium shows it, RGB."""
    document = pypdfium2.PdfDocument(path)
    try:
        return document[number - 1].render(scale=scale).to_numpy()[..., 2::-1].copy()
    finally:
        document.close()


def written(tmp_path, source, *pages, name="out.pdf", **options):
    """The file that a writer makes of one source."""
    with PdfWriter(**options) as writer:
        writer.begin(source)
        for page in pages:
            writer.add(page)
        writer.finish(tmp_path / name)
    return tmp_path / name


# --- pictures ---------------------------------------------------------------------------------


def save(folder, name, picture=None, **options):
    path = folder / name
    (picture or drawing()).save(path, **options)
    return path


def turned(orientation):
    exif = PIL.Image.Exif()
    exif[0x112] = orientation
    return exif


KEPT = {
    "jpeg": lambda to: save(to, "a.jpg", quality=95),
    "progressive": lambda to: save(to, "a.jpg", quality=95, progressive=True),
    "grey jpeg": lambda to: save(to, "a.jpg", drawing().convert("L"), quality=95),
    "jpeg 2000": lambda to: save(to, "a.jp2"),
    "png": lambda to: save(to, "a.png"),
    "grey png": lambda to: save(to, "a.png", drawing().convert("L")),
    "palette png": lambda to: save(to, "a.png", drawing().convert("P")),
    "1-bit png": lambda to: save(to, "a.png", drawing().convert("1", dither=0)),
    "group 4": lambda to: save(to, "a.tif", drawing().convert("1"), compression="group4"),
}
CHANGED = {
    "alpha": lambda to: save(to, "a.png", drawing().convert("RGBA")),
    "interlaced": lambda to: _interlaced(to),
    "inks": lambda to: save(to, "a.jpg", drawing().convert("CMYK")),
    "ink tiff": lambda to: save(to, "a.tif", drawing().convert("CMYK")),
    "webp": lambda to: save(to, "a.webp", lossless=True),
    "gif": lambda to: save(to, "a.gif", drawing().convert("P")),
    "bmp": lambda to: save(to, "a.bmp"),
    "ppm": lambda to: save(to, "a.ppm"),
    "raw tiff": lambda to: save(to, "a.tif"),
    "lzw": lambda to: save(to, "a.tif", compression="tiff_lzw"),
    "deflate": lambda to: save(to, "a.tif", compression="tiff_deflate"),
    "jpeg tiff": lambda to: save(to, "a.tif", compression="jpeg"),
    "group 3": lambda to: save(to, "a.tif", drawing().convert("1"), compression="group3"),
    "16-bit tiff": lambda to: _deep(to),
}


def _jpeg_tiff(folder):
    """A frame that is one JPEG, with its tables elsewhere as libtiff has it."""
    path = folder / "a.tif"
    options = {"compression": "jpeg", "tiffinfo": {278: 300, 262: 6}}
    drawing().convert("YCbCr").save(path, **options)
    return path


def _interlaced(folder):
    """Pillow writes none; the seven passes of a picture of one pixel are its one row."""
    path = folder / "a.png"

    def chunk(kind, data):
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = (1).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 1])
    data = zlib.compress(b"\0\x80")
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def _deep(folder):
    path = folder / "a.tif"
    path.write_bytes(tiff(raw_frame(np.arange(0, 60_000, 100, np.uint16).reshape(20, 30))))
    return path


def same_picture(path, source):
    """Whether a page shows what our own reader gives."""
    (frame,) = Image.load(source).frames()
    pixels = np.asarray(frame.pixels)
    height, width = pixels.shape[:2]
    with pikepdf.open(path) as pdf:
        box = pdf.pages[0].mediabox
    shown = drawn(path, scale=width / float(box[2]))[:height, :width]
    expected = np.dstack([pixels] * 3) if pixels.ndim == 2 else pixels
    # At edges PDFium mixes pixels where a page is no whole number of them.
    return np.abs(shown.astype(int) - expected[: len(shown), : shown.shape[1]]).mean() < 2


@pytest.mark.parametrize("kind", KEPT)
def test_a_picture_keeps_its_bytes(tmp_path, kind):
    source = KEPT[kind](tmp_path)
    path = written(tmp_path, source)
    assert stored(path) in source.read_bytes()
    assert same_picture(path, source)


def test_a_jpeg_in_a_tiff_gets_its_tables_back(tmp_path):
    source = _jpeg_tiff(tmp_path)
    path = written(tmp_path, source)
    # Behind the tables and the header, all of it.
    assert stored(path)[-2000:] in source.read_bytes()
    assert same_picture(path, source)


@pytest.mark.parametrize("kind", CHANGED)
def test_a_picture_that_no_pdf_holds_is_stored_without_loss(tmp_path, kind):
    source = CHANGED[kind](tmp_path)
    assert same_picture(written(tmp_path, source), source)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "tif"])
def test_a_turned_picture_keeps_its_bytes_and_is_shown_upright(tmp_path, orientation, ending):
    if ending == "tif":
        options = {"compression": "group4", "tiffinfo": {274: orientation}}
        source = save(tmp_path, "a.tif", drawing().convert("1"), **options)
    else:
        source = save(tmp_path, f"a.{ending}", exif=turned(orientation))
    path = written(tmp_path, source)
    assert stored(path) in source.read_bytes()
    assert same_picture(path, source)


def test_words_lie_on_a_turned_picture(tmp_path):
    source = save(tmp_path, "a.jpg", exif=turned(6))
    page = page_with([line_of("upright", 20)], width=300, height=200, dpi=None)
    path = written(tmp_path, source, page)
    assert search(path, "upright") == pytest.approx([150, 15, 281.25, 52.5], abs=0.8)


def test_every_frame_is_a_page_with_its_own_bytes(tmp_path):
    first, second = drawing().convert("1"), drawing(400, 200).convert("1")
    source = tmp_path / "a.tif"
    first.save(source, save_all=True, append_images=[second], compression="group4", dpi=(200, 200))
    path = written(tmp_path, source)
    with pikepdf.open(path) as pdf:
        assert [[float(side) for side in page.mediabox[2:]] for page in pdf.pages] == [
            [72, 108],
            [144, 72],
        ]
    assert all(stored(path, number) in source.read_bytes() for number in (1, 2))


@pytest.mark.parametrize("kind", ["bytes", "array", "picture", "file"])
def test_a_source_may_be_given_in_every_way(tmp_path, kind):
    buffer = io.BytesIO()
    drawing().save(buffer, "PNG")
    sources = {
        "bytes": buffer.getvalue(),
        "array": np.asarray(drawing()),
        "picture": drawing(),
        "file": io.BytesIO(buffer.getvalue()),
    }
    path = written(tmp_path, sources[kind], page_of("some text", width=200, height=300, dpi=None))
    assert pdfminer(path) == "some text"
    reference = save(tmp_path, "reference.png")
    assert same_picture(path, reference)


def test_pages_that_nobody_has_read_are_there_without_text(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(4, size=(100, 100)))
    page = page_of("third", width=100, height=100, dpi=None, number=3)
    path = written(tmp_path, source, page)
    with pikepdf.open(path) as pdf:
        assert len(pdf.pages) == 4
        assert ["/Font" in each.obj.Resources for each in pdf.pages] == [False, False, True, False]
    assert pdfminer(path) == "third"


def test_a_frame_that_cannot_be_decoded_is_told_and_the_others_are_there(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(3, damaged=[2], size=(100, 100)))
    with PdfWriter() as writer:
        writer.begin(source)
        writer.add(page_of("first", width=100, height=100, dpi=None))
        (failure,) = writer.end()
        assert writer.finish(tmp_path / "out.pdf") == 2
    assert (failure.number, failure.kind) == (2, "OcrDamagedImage")


def test_a_damaged_jpeg_is_kept_as_it_is(tmp_path):
    whole = KEPT["jpeg"](tmp_path).read_bytes()
    source = tmp_path / "cut.jpg"
    source.write_bytes(whole[: len(whole) // 2])
    assert stored(written(tmp_path, source)) == source.read_bytes()


def test_many_frames_are_bound_in_several_files(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(130, size=(20, 20)))
    texts = {number: f"page{number}" for number in (1, 64, 65, 128, 129, 130)}
    made = [
        page_of(text, width=2000, height=2000, dpi=None, number=number)
        for number, text in texts.items()
    ]
    path = written(tmp_path, source, *made)
    with pikepdf.open(path) as pdf:
        assert len(pdf.pages) == 130
        fonts = {
            page.obj.Resources.Font.OcrLoom.objgen
            for page in pdf.pages
            if "/Font" in page.obj.Resources
        }
        assert len(fonts) == 1
    document = pypdfium2.PdfDocument(path)
    for number, text in texts.items():
        assert document[number - 1].get_textpage().get_text_bounded() == text
    document.close()


def test_pages_must_come_in_their_order(tmp_path):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(3))
    with PdfWriter() as writer:
        with pytest.raises(OcrOptionError, match="begin"):
            writer.add(page_of("x"))
        writer.begin(source)
        writer.add(page_of("x", number=2))
        with pytest.raises(OcrOptionError, match="after page 2"):
            writer.add(page_of("x", number=2))


# --- existing PDFs ----------------------------------------------------------------------------


def rich():
    """A PDF with all that a layer must leave alone."""
    pdf = pikepdf.open(io.BytesIO(form("Smith")))
    for number in (2, 3):
        add_page(pdf, b"0.5 g %d 100 50 50 re f\n" % (100 * number))
    with pdf.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem("Chapter", 1))
    pdf.attachments["data.txt"] = b"attached"
    pdf.docinfo[Name.Title] = "A title"
    with pdf.open_metadata() as metadata:
        metadata["dc:title"] = "A title"
    pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(S=Name.r)]))
    return saved(pdf)


def test_all_but_the_layer_stays_as_it_was(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(rich())
    page = page_of("layered", width=1700, height=2200, number=2)
    path = written(tmp_path, source, page)
    with pikepdf.open(source) as old, pikepdf.open(path) as new:
        assert len(new.pages) == 3
        for number, (before, after) in enumerate(zip(old.pages, new.pages, strict=True), 1):
            contents = after.obj.Contents
            own = contents[-1] if isinstance(contents, Array) else contents
            assert isinstance(contents, Array) == (number == 2)
            assert own.read_raw_bytes() == before.obj.Contents.read_raw_bytes()
        assert new.docinfo == old.docinfo
        assert new.Root.Metadata.read_bytes() == old.Root.Metadata.read_bytes()
        assert new.attachments["data.txt"].get_file().read_bytes() == b"attached"
        assert new.Root.AcroForm.Fields[0].V == "Smith"
        assert new.Root.PageLabels == old.Root.PageLabels
        with new.open_outline() as outline:
            assert [item.title for item in outline.root] == ["Chapter"]
            assert new.Root.Outlines.First.Dest[0].objgen == new.pages[1].obj.objgen
    assert "layered" in pdfminer(path)
    assert np.array_equal(drawn(source, 2), drawn(path, 2))


TURNS = [0, 90, 180, 270, 450, -90]


@pytest.mark.parametrize("crop", [None, (100, 50, 500, 700), (-50, -50, 400, 900)])
@pytest.mark.parametrize("turn", TURNS)
def test_words_lie_where_a_viewer_shows_them(tmp_path, turn, crop):
    """The reference is PDFium's own text of a page whose text is seen."""
    pdf = pikepdf.new()
    page = add_page(pdf, b"", box=(20, 30, 632, 822), crop=crop, rotate=turn)
    source = tmp_path / "in.pdf"
    source.write_bytes(saved(pdf))
    document = pypdfium2.PdfDocument(source)
    width, height = (round(side * 2) for side in document[0].get_size())
    document.close()
    line = Line(words=(word("here", upright(100, 300, 260, 340)),), polygon=upright(0, 0, 9, 9))
    read = page_with([line], width=width, height=height, dpi=(144, 144))
    path = written(tmp_path, source, read)
    box = _shown_box(path, "here")
    assert box == pytest.approx((50, 150, 130, 170), abs=0.5)
    del page


def _shown_box(path, text):
    """Where a viewer shows a word, turned and cropped as it does that."""
    from ocrloom.pdf import looking

    (width, height), found = looking.words(path, 1)
    (box,) = [box for each, box in found if each == text]
    return tuple(part * side for part, side in zip(box, (width, height) * 2, strict=True))


def test_a_page_may_be_measured_in_larger_units(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(pdf_of(b"", box=(0, 0, 100, 200), unit=10.0))
    line = Line(words=(word("here", upright(100, 300, 260, 340)),), polygon=upright(0, 0, 9, 9))
    path = written(tmp_path, source, page_with([line], width=1000, height=2000, dpi=(72, 72)))
    document = pypdfium2.PdfDocument(path)
    size = document[0].get_size()
    document.close()
    left, top, right, bottom = _shown_box(path, "here")
    scale = size[0] / 1000
    assert (left, top, right, bottom) == pytest.approx(
        [part * scale for part in (100, 300, 260, 340)], abs=1.0
    )


def test_resources_that_pages_share_or_inherit_stay_theirs(tmp_path):
    pdf = pikepdf.new()
    for _ in range(2):
        page = add_page(pdf, lines(["seen"]))
        del page.obj["/Resources"]
    pdf.Root.Pages.Resources = pdf.make_indirect(Dictionary(Font=Dictionary(F1=helvetica())))
    pdf.pages[1].obj.Contents = pdf.pages[0].obj.Contents
    source = tmp_path / "in.pdf"
    source.write_bytes(saved(pdf))
    path = written(tmp_path, source, page_of("layered", width=1700, height=2200))
    with pikepdf.open(path) as made:
        # pikepdf.open pushes nothing down: what is inherited still is.
        assert "/OcrLoom" in made.pages[0].obj.Resources.Font
        assert "/F1" in made.pages[0].obj.Resources.Font
        assert "/Resources" not in made.pages[1].obj or (
            "/OcrLoom" not in made.pages[1].obj.Resources.Font
        )
    document = pypdfium2.PdfDocument(path)
    texts = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    assert ("layered" in texts[0], "layered" in texts[1]) == (True, False)
    assert all("seen" in text for text in texts)


def test_a_graphics_state_that_was_left_open_moves_nothing(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(pdf_of(b"q 0.1 0 0 0.1 300 300 cm q 1 0 0 1 9 9 cm"))
    line = Line(words=(word("here", upright(100, 300, 260, 340)),), polygon=upright(0, 0, 9, 9))
    path = written(tmp_path, source, page_with([line], width=1224, height=1584, dpi=(144, 144)))
    assert _shown_box(path, "here") == pytest.approx((50, 150, 130, 170), abs=0.5)


def test_an_earlier_font_of_that_name_is_left_alone(tmp_path):
    pdf = pikepdf.new()
    page = add_page(pdf, b"BT /OcrLoom 12 Tf 100 100 Td (old) Tj ET")
    page.obj.Resources.Font["/OcrLoom"] = helvetica()
    codes = Codes()
    content = layer(page_of("new (text)"), (612.0, 792.0), codes)
    lay(pdf, page, add_font(pdf, codes.characters), content, (612.0, 792.0))
    path = tmp_path / "out.pdf"
    pdf.save(path)
    assert sorted(pdfium(path).split()) == ["(text)", "new", "old"]


def test_an_encrypted_pdf_is_opened_and_what_is_written_is_said_not_to_be(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(encrypted(pdf_of(b""), user="secret"))
    page = page_of("layered", width=1700, height=2200)
    with PdfWriter() as writer:
        writer.begin(source, pdf=PdfOptions(password="secret"))
        writer.add(page)
        writer.finish(tmp_path / "out.pdf")
        assert writer.notes == (f"{source}: it is encrypted, and the PDF that is written is not",)
    assert pdfminer(tmp_path / "out.pdf") == "layered"
    with PdfWriter() as writer, pytest.raises(OcrPasswordError):
        writer.begin(source, pdf=PdfOptions(password="wrong"))


def test_a_signed_pdf_is_told_of(tmp_path):
    pdf = pikepdf.new()
    add_page(pdf, b"")
    signature = Dictionary(Type=Name.Sig, Filter=Name("/Adobe.PPKLite"))
    field = pdf.make_indirect(Dictionary(FT=Name.Sig, T=String("sign"), V=signature))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)
    source = tmp_path / "in.pdf"
    source.write_bytes(saved(pdf))
    with PdfWriter() as writer:
        writer.begin(source)
        assert "its signatures do not hold" in writer.notes[0]


def test_several_sources_become_one_file_in_their_order(tmp_path):
    picture = save(tmp_path, "a.png")
    first, last = tmp_path / "first.pdf", tmp_path / "last.pdf"
    first.write_bytes(rich())
    last.write_bytes(rich())
    with PdfWriter() as writer:
        writer.begin(first)
        writer.begin(picture)
        writer.add(page_of("picture", width=2000, height=3000, dpi=None))
        writer.begin(last)
        writer.add(page_of("layered", width=1700, height=2200, number=3))
        assert writer.finish(tmp_path / "out.pdf") == 7
        (note,) = writer.notes
    assert note.startswith(f"{last}: only its pages come along, not its bookmarks, form fields")
    document = pypdfium2.PdfDocument(tmp_path / "out.pdf")
    texts = [page.get_textpage().get_text_bounded().strip() for page in document]
    document.close()
    assert (texts[3], texts[6]) == ("picture", "layered")
    with pikepdf.open(tmp_path / "out.pdf") as pdf, pdf.open_outline() as outline:
        assert [item.title for item in outline.root] == ["Chapter"]


def test_a_damaged_pdf_is_an_error(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(b"%PDF-1.7\nnothing of the kind\n%%EOF\n")
    with PdfWriter() as writer, pytest.raises(OcrDamagedImage, match=r"in\.pdf"):
        writer.begin(source)


# --- what becomes of text that is there -------------------------------------------------------


def layered(text, *, mode=3):
    """A scan with text on it, hidden as OCR leaves it."""
    data = scanned(drawing(850, 1100), dpi=100)
    return with_text(data, lines([text], mode=mode))


def of_page(text, **more):
    return page_of(text, width=850, height=1100, dpi=(100, 100), **more)


def test_good_text_is_left_alone(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(layered("earlier"))
    page = Page(number=1, width=850, height=1100, read_by=ReadBy.TEXT_LAYER)
    path = written(tmp_path, source, page)
    assert pdfminer(path) == "earlier"
    with pikepdf.open(path) as new, pikepdf.open(source) as old:
        assert [each.read_raw_bytes() for each in new.pages[0].obj.Contents] == [
            each.read_raw_bytes() for each in old.pages[0].obj.Contents
        ]


def test_a_layer_that_is_no_good_gives_way(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(layered("garbage"))
    path = written(tmp_path, source, of_page("recognised"))
    assert pdfminer(path) == "recognised"
    assert np.array_equal(drawn(source), drawn(path))


def test_pages_with_any_text_can_be_skipped(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(layered("garbage"))
    path = written(tmp_path, source, of_page("recognised"), mode="skip-text")
    assert pdfminer(path) == "garbage"


def test_text_that_is_seen_stays_and_is_not_there_twice(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(layered("visible", mode=0))
    seen = word("visible", upright(100, 120, 160, 130))
    hidden = word("in-the-picture", upright(100, 500, 300, 530))
    words = [Line(words=(each,), polygon=each.polygon) for each in (seen, hidden)]
    page = page_with(words, width=850, height=1100, dpi=(100, 100))
    path = written(tmp_path, source, page, mode=Mode.REDO)
    assert sorted(pdfminer(path).split()) == ["in-the-picture", "visible"]
    assert np.array_equal(drawn(source), drawn(path))


def test_redoing_takes_out_a_layer_of_ours_and_of_others(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(scanned(drawing(850, 1100), dpi=100))
    first = written(tmp_path, source, of_page("once"), name="first.pdf", mode="redo")
    second = written(tmp_path, first, of_page("twice"), name="second.pdf", mode="redo")
    third = written(tmp_path, second, of_page("thrice"), name="third.pdf", mode="redo")
    assert [pdfminer(each) for each in (first, second, third)] == ["once", "twice", "thrice"]
    with pikepdf.open(third) as pdf:
        (layer_, *rest) = [each.read_bytes() for each in pdf.pages[0].obj.Contents]
        assert b"Tj" in layer_
        assert not any(b"Tj" in each for each in rest)


def test_forced_pages_are_pictures_with_a_layer(tmp_path):
    source = tmp_path / "in.pdf"
    pdf = pikepdf.new()
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([9, 9, 99, 99]))
    for _ in range(2):
        page = add_page(pdf, lines(PARAGRAPH), crop=(50, 50, 562, 742), rotate=90)
        page.obj.Annots = Array([pdf.make_indirect(link)])
    source.write_bytes(saved(pdf))
    document = pypdfium2.PdfDocument(source)
    width, height = (round(each * 2) for each in document[0].get_size())
    document.close()
    read = page_of("only this", width=width, height=height, dpi=(144, 144))
    options = PdfOptions(dpi=144)
    with PdfWriter(mode="force") as writer:
        writer.begin(source, pdf=options)
        writer.add(read)
        writer.finish(tmp_path / "out.pdf")
    path = tmp_path / "out.pdf"
    document = pypdfium2.PdfDocument(path)
    texts = [each.get_textpage().get_text_bounded().strip() for each in document]
    document.close()
    assert texts[0] == "only this"
    assert "The committee" in texts[1]
    difference = np.abs(drawn(source).astype(int) - drawn(path))
    assert difference.mean() < 2
    with pikepdf.open(path) as made:
        assert len(made.pages[0].obj.Annots) == 1
        assert made.pages[0].obj.Rotate == 90


def test_there_is_no_other_mode():
    with pytest.raises(OcrOptionError, match="auto, skip-text, redo, force"):
        PdfWriter(mode="redo-all")


# --- taking text out --------------------------------------------------------------------------


def strip(content, tmp_path, **resources):
    """What is left of a page's content, and whether anything went."""
    pdf = pikepdf.new()
    page = add_page(pdf, content, **resources)
    before = tmp_path / "before.pdf"
    pdf.save(before)
    gone = strip_invisible(pdf, page)
    after = tmp_path / "after.pdf"
    pdf.save(after)
    assert np.array_equal(drawn(before), drawn(after))
    return pdf, gone, after


SEEN = b"BT /F1 20 Tf 100 600 Td (seen) Tj ET\n"
HIDDEN = b"BT 3 Tr /F1 20 Tf 100 500 Td (hidden) Tj 0 Tr ET\n"


def test_a_page_without_invisible_text_is_not_touched(tmp_path):
    pdf, gone, _ = strip(SEEN, tmp_path)
    assert not gone
    assert pdf.pages[0].obj.Contents.read_bytes() == SEEN


@pytest.mark.parametrize(
    "content",
    [
        SEEN + HIDDEN,
        b"q 3 Tr BT /F1 9 Tf 9 9 Td (hidden) Tj ET Q " + SEEN,
        # What is set stays set; lines go on.
        b"BT 3 Tr /F1 20 Tf 14 TL 100 500 Td (hidden) Tj (hidden) ' ET BT 0 Tr 9 9 Td (seen) Tj ET",
        b'BT /F1 20 Tf 14 TL 100 500 Td 3 Tr 5 2 (hidden) " 0 Tr T* (seen) Tj ET',
        b"BT 3 Tr /F1 20 Tf 100 500 Td [(hid) -20 (den)] TJ 0 Tr 0 -50 Td (seen) Tj ET",
        SEEN + b"BT 3 Tr ET BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI " + HIDDEN,
    ],
)
def test_invisible_text_goes_and_what_is_seen_stays(tmp_path, content):
    _, gone, path = strip(content, tmp_path)
    assert gone
    assert pdfium(path) == "seen"


def test_invisible_text_behind_which_visible_text_follows_stays(tmp_path):
    content = b"BT /F1 20 Tf 100 500 Td 3 Tr (hidden) Tj 0 Tr (seen) Tj ET"
    _, gone, path = strip(content, tmp_path)
    assert not gone
    assert pdfium(path) == "hiddenseen"


def test_text_in_forms_is_found_and_others_keep_the_form(tmp_path):
    pdf = pikepdf.new()

    def made(content, **resources):
        fonts = Dictionary(F1=helvetica())
        return pdf.make_stream(
            content,
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array(LETTER),
            Resources=Dictionary(Font=fonts, **resources),
        )

    inner = made(HIDDEN)
    outer = made(b"/In Do " + SEEN, XObject=Dictionary(In=inner))
    resources = Dictionary(Font=Dictionary(F1=helvetica()), XObject=Dictionary(Out=outer))
    shared = pdf.make_indirect(resources)
    for _ in range(2):
        page = add_page(pdf, b"/Out Do")
        page.obj.Resources = shared
    assert strip_invisible(pdf, pdf.pages[0])
    path = tmp_path / "out.pdf"
    pdf.save(path)
    document = pypdfium2.PdfDocument(path)
    texts = [each.get_textpage().get_text_bounded().split() for each in document]
    document.close()
    assert texts == [["seen"], ["hidden", "seen"]]


def test_a_form_that_draws_itself_ends(tmp_path):
    pdf = pikepdf.new()
    round_ = pdf.make_stream(b"/R Do " + HIDDEN, Subtype=Name.Form, BBox=Array(LETTER))
    round_.Resources = Dictionary(XObject=Dictionary(R=round_), Font=Dictionary(F1=helvetica()))
    page = add_page(pdf, b"/R Do", XObject=Dictionary(R=round_))
    assert strip_invisible(pdf, page)


# --- PDF/A ------------------------------------------------------------------------------------


def test_an_archival_file_has_what_the_standard_wants(tmp_path):
    source = save(tmp_path, "a.png")
    page = page_of("some text שלום", width=200, height=300, dpi=None)
    path = written(tmp_path, source, page, archival=True)
    with pikepdf.open(path) as pdf:
        with pdf.open_metadata() as metadata:
            assert metadata.pdfa_status == "2B"
            assert metadata["pdf:Producer"] == str(pdf.docinfo.Producer)
        assert "/Filter" not in pdf.Root.Metadata
        (intent,) = pdf.Root.OutputIntents
        assert (intent.S, intent.DestOutputProfile.N) == (Name.GTS_PDFA1, 3)
        assert intent.DestOutputProfile.read_bytes()[36:40] == b"acsp"
        assert len(pdf.trailer.ID) == 2
        assert not pdf.is_encrypted
        assert pdf.pdf_version == "1.7"
        for each in pdf.objects:
            if not isinstance(each, (pikepdf.Dictionary, pikepdf.Stream)):
                continue
            assert "/LZWDecode" not in str(each.get("/Filter", ""))
            assert not {"/SMask", "/AA", "/JavaScript", "/Launch"} & set(each.keys())
        font = pdf.pages[0].obj.Resources.Font.OcrLoom
        (descendant,) = font.DescendantFonts
        assert descendant.FontDescriptor.FontFile2.Length1 > 0
        assert descendant.CIDToGIDMap.read_bytes()
        assert font.ToUnicode.read_bytes()
    assert path.read_bytes()[8:10] in (b"\n%", b"\r%")


def test_of_a_pdf_no_archival_file_is_promised(tmp_path):
    source = tmp_path / "in.pdf"
    source.write_bytes(pdf_of(b""))
    with PdfWriter(archival=True) as writer, pytest.raises(OcrOptionError, match="OCRmyPDF"):
        writer.begin(source)


# --- files ------------------------------------------------------------------------------------


@pytest.fixture
def work(tmp_path, monkeypatch):
    """The folder in which temporary files are made."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_nothing_is_left_behind(tmp_path, work):
    source = save(tmp_path, "a.png")
    written(tmp_path, source, page_of("x", width=200, height=300))
    with PdfWriter() as writer:
        writer.begin(source)
        writer.add(page_of("x", width=200, height=300))
        assert list(work.iterdir())
    assert not list(work.iterdir())
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "out.pdf", "work"]


def test_a_target_that_cannot_be_written_is_an_error_and_stays_as_it_was(tmp_path, monkeypatch):
    source = save(tmp_path, "a.png")
    with pytest.raises(OcrOutputError, match="cannot be written"):
        written(tmp_path, source, name="no/out.pdf")
    target = tmp_path / "out.pdf"
    target.write_bytes(b"before")

    def full(self, other):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OcrOutputError, match=os.strerror(errno.ENOSPC)):
        written(tmp_path, source)
    assert target.read_bytes() == b"before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "out.pdf"]


def test_no_room_for_temporary_files_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with PdfWriter() as writer, pytest.raises(OcrOutputError, match="TMPDIR"):
        writer.begin(b"some bytes")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_full_disk_is_an_error(tmp_path):
    source = save(tmp_path, "a.png")
    with PdfWriter() as writer:
        writer.begin(source)
        with pytest.raises(OcrOutputError, match=os.strerror(errno.ENOSPC)):
            writer.finish("/dev/full")


def test_a_writer_without_pages_writes_nothing(tmp_path):
    with PdfWriter() as writer, pytest.raises(OcrOutputError, match="no page"):
        writer.finish(tmp_path / "out.pdf")
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_ends_it_and_the_helper(tmp_path, work):
    class Enough(Exception):
        pass

    def stop():
        raise Enough

    source = save(tmp_path, "a.png")
    with PdfWriter(checkpoint=stop) as writer:
        writer.begin(source)
        with pytest.raises(Enough):
            writer.add(page_of("x", width=200, height=300))
    assert not list(work.iterdir())


# --- of a result, and all at once -------------------------------------------------------------


def test_a_result_is_shown_on_its_source(tmp_path):
    source = save(tmp_path, "a.png")
    page = page_of("some text", width=200, height=300, dpi=None)
    data = render(OcrResult(pages=(page,), source=str(source)))
    assert render(OcrResult(pages=(page,)), source.read_bytes())[:5] == data[:5] == b"%PDF-"
    path = tmp_path / "out.pdf"
    path.write_bytes(data)
    assert pdfminer(path) == "some text"


def test_a_result_without_a_source_cannot_be_shown(tmp_path):
    with pytest.raises(OcrOptionError, match="source="):
        render(OcrResult(pages=()))
    with pytest.raises(OcrSourceNotFound):
        render(OcrResult(pages=(), source=str(tmp_path / "gone.png")))


def test_a_result_is_shown_on_what_was_read_and_on_nothing_shorter(tmp_path):
    picture = save(tmp_path, "a.png")
    document = tmp_path / "a.pdf"
    document.write_bytes(scanned(PIL.Image.new("L", (200, 300), 255)))
    second = OcrResult(pages=(page_of("x", number=2, width=200, height=300),))
    for source in (picture, document):
        with pytest.raises(OcrOptionError, match="from 1 to 1, got page 2; give the source"):
            render(second, source)


def changed(owner, entries):
    for key, value in entries.items():
        owner[key] = value


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pdf: changed(pdf.Root, {"/Names": Name.Odd, "/Outlines": Array([1])}),
        lambda pdf: changed(pdf.Root, {"/AcroForm": Dictionary(Fields=5)}),
        lambda pdf: changed(
            pdf.Root, {"/AcroForm": Dictionary(Fields=Array([Dictionary(Kids=Name.Odd)]))}
        ),
        lambda pdf: changed(pdf.pages[0].obj, {"/CropBox": Array([String("a")] * 4)}),
        lambda pdf: changed(pdf.pages[0].obj, {"/CropBox": 5, "/Rotate": Name.Odd}),
        lambda pdf: changed(pdf.pages[0].obj, {"/Resources": Array([])}),
    ],
)
def test_what_is_broken_but_not_needed_does_no_harm(tmp_path, spoil):
    source = tmp_path / "a.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(612, 792))
        spoil(pdf)
        pdf.save(source)
    with PdfWriter(verifiable=True) as writer:
        writer.begin(source)
        writer.add(page_of("some text", width=200, height=300))
        writer.finish(tmp_path / "out.pdf")
        assert writer.verify().recall == 1.0


def test_one_source_must_be_in_a_list(tmp_path, engine):
    with pytest.raises(OcrOptionError, match="got one str; put it into a list"):
        make(engine, str(save(tmp_path, "a.png")), tmp_path / "out.pdf")


def test_where_nothing_can_be_written_nothing_is_read(tmp_path):
    for target in (tmp_path, tmp_path / "no folder" / "out.pdf"):
        with pytest.raises(OcrOutputError, match="expected the name of a file in a folder"):
            make(None, [save(tmp_path, "a.png")], target)


def test_sources_are_read_and_written_in_one_go(tmp_path, engine, note):
    texts = ["The first note", "A second one", "And the third"]
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.png")
        PIL.Image.fromarray(note(text)).save(paths[-1], dpi=(200, 200))
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(scans([note("Scanned words"), note("Other words")], dpi=200))
    taken = []
    made = make(
        engine,
        [*paths, scan, tmp_path / "missing.tif"],
        tmp_path / "out.pdf",
        verify=True,
        took=taken.append,
    )
    assert made.pages == 5
    assert made.taken == tuple(taken)
    assert [type(each.error) for each in taken] == [type(None)] * 4 + [OcrSourceNotFound]
    assert [len(each.result.pages) for each in taken[:4]] == [1, 1, 1, 2]
    assert (made.verification.recall, made.verification.words) == (1.0, 13)
    assert made.verification.median_error < 2
    document = pypdfium2.PdfDocument(tmp_path / "out.pdf")
    found = [page.get_textpage().get_text_bounded().strip() for page in document]
    document.close()
    assert found == [*texts, "Scanned words", "Other words"]


def test_where_nothing_can_be_read_nothing_is_written(tmp_path, engine):
    with pytest.raises(OcrSourceNotFound):
        make(engine, [tmp_path / "missing.tif"], tmp_path / "out.pdf")
    with pytest.raises(OcrOptionError, match="at least one"):
        make(engine, [], tmp_path / "out.pdf")
    assert not list(tmp_path.iterdir())


def test_a_page_that_gets_no_layer_does_not_stop_the_others(tmp_path, recogniser, monkeypatch):
    source = tmp_path / "in.pdf"
    source.write_bytes(pdf_of(SEEN, SEEN, SEEN))
    run = Helper.run

    def failing(self, function, *arguments, **options):
        if function.endswith(":visible_text") and arguments[-1] == 2:
            raise OcrDamagedImage("page 2 cannot be looked at")
        return run(self, function, *arguments, **options)

    monkeypatch.setattr(Helper, "run", failing)
    made = make(ocrloom.OcrEngine(), [source], tmp_path / "out.pdf", mode="redo")
    (taken,) = made.taken
    assert (made.pages, [page.number for page in taken.result.pages]) == (3, [1, 3])
    assert [failure.message for failure in taken.result.failures] == ["page 2 cannot be looked at"]


def test_a_timeout_leaves_the_pictures(tmp_path, recogniser, note):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(3, size=(100, 100)))
    recogniser.hold()
    recogniser.let(1)
    options = ocrloom.OcrOptions(timeout=1.0)
    with ocrloom.OcrEngine(options=options, workers=1) as engine:
        made = make(engine, [source], tmp_path / "out.pdf")
    (taken,) = made.taken
    assert isinstance(taken.error, ocrloom.OcrTimeout)
    assert (made.pages, len(taken.result.pages)) == (3, 1)


def test_chosen_pages_are_read_and_the_others_are_there(tmp_path, recogniser):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(4, size=(100, 100)))
    options = ocrloom.OcrOptions(pages="2-3")
    made = make(ocrloom.OcrEngine(options=options), [source], tmp_path / "out.pdf")
    assert (made.pages, sorted(recogniser.done)) == (4, [2, 3])


def test_verification_says_what_is_lost():
    from ocrloom.pdf.verify import compare

    one, two, three = (0.1, 0.1, 0.2, 0.2), (0.3, 0.1, 0.4, 0.2), (0.5, 0.0, 1.0, 1.0)
    expected = [("one", one), ("two", two), ("one", three)]
    seen = [("one", three), ("one", (0.1, 0.1, 0.2, 0.25)), ("(x", two)]
    assert compare(expected, seen, (100, 100)) == pytest.approx([5.0, 0.0])
    assert compare([("x)", (0, 0, 1, 1))], [("x(", (0, 0, 1, 1))], (1, 1)) == [0.0]


def test_only_what_was_kept_can_be_verified():
    with PdfWriter() as writer, pytest.raises(OcrOptionError, match="verifiable"):
        writer.verify()


# --- what is meant to do harm -----------------------------------------------------------------


def test_forms_within_forms_by_the_million_are_gone_through_once(tmp_path):
    with pikepdf.open(io.BytesIO(nested_forms())) as pdf:
        assert not strip_invisible(pdf, pdf.pages[0])


@pytest.mark.parametrize("mode", ["auto", "redo"])
def test_a_bomb_is_an_error_and_harms_nothing(tmp_path, work, mode):
    source = tmp_path / "in.pdf"
    source.write_bytes(bomb())
    # As if somebody had read it.
    with pytest.raises((OcrDamagedImage, OcrImageTooLarge)):
        written(tmp_path, source, of_page("text"), mode=mode)
    assert not (tmp_path / "out.pdf").exists()
    assert not list(work.iterdir())


def test_what_hangs_is_ended(tmp_path, monkeypatch):
    source = save(tmp_path, "a.png")
    run = Helper.run

    def hanging(self, function, *arguments, checkpoint, **options):
        while function.endswith(":place"):
            checkpoint()
        return run(self, function, *arguments, checkpoint=checkpoint, **options)

    monkeypatch.setattr(Helper, "run", hanging)
    with PdfWriter() as writer:
        writer.begin(source, limits=Limits(max_decode_seconds=0.05))
        writer.add(page_of("x", width=200, height=300))
        (failure,) = writer.end()
    assert "longer than the limit of 0.05 seconds" in failure.message


def test_a_helper_that_dies_is_an_error_of_that_page(tmp_path, monkeypatch):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(2, size=(20, 20)))
    run = Helper.run
    deaths = iter([True])

    def dying(self, function, *arguments, **options):
        if function.endswith(":place") and next(deaths, False):
            self.end()
            raise HelperDied("SIGSEGV")
        return run(self, function, *arguments, **options)

    monkeypatch.setattr(Helper, "run", dying)
    with PdfWriter() as writer:
        writer.begin(source)
        (failure,) = writer.end()
        assert writer.finish(tmp_path / "out.pdf") == 1
    assert (failure.number, failure.kind) == (1, "OcrDamagedImage")
    assert "SIGSEGV" in failure.message


def test_where_no_helper_can_be_had_it_is_done_in_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr("ocrloom.pdf.bench.available", lambda: False)
    source = save(tmp_path, "a.png")
    page = page_of("some text", width=200, height=300, dpi=None)
    assert pdfminer(written(tmp_path, source, page)) == "some text"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
def test_a_disk_that_is_full_in_between_is_an_error(tmp_path):
    from ocrloom.pdf.assembly import bind

    page = tmp_path / "page.pdf"
    page.write_bytes(pdf_of(b""))
    with pytest.raises(OcrOutputError, match=os.strerror(errno.ENOSPC)):
        bind([page], Path("/dev/full"))


def test_a_picture_beyond_pillows_own_limit_is_placed(tmp_path):
    """Pillow refuses twice its limit; ours was compared before."""
    source = save(tmp_path, "a.jpg", PIL.Image.new("L", (14_000, 14_000), 255))
    assert stored(written(tmp_path, source)) == source.read_bytes()
