"""PDFs as sources: pages drawn as a viewer shows them, text where it stands, and bad files."""

import io
import re
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pdf_files as made
import pikepdf
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name
from steps import LONG, until

import ocrloom
from ocrloom import Image, Limits, OcrEngine, OcrOptions, PdfOptions, ReadBy, TextLayer
from ocrloom.image import TextReader
from ocrloom.image.pdf import desk
from ocrloom.scheduling import helpers
from ocrloom.scheduling.helpers import HelperPool

TEXT = made.pdf_of(made.lines(made.PARAGRAPH))


def frame_of(data, number=1, **options):
    with Image.load(data, pdf=PdfOptions(**options)).open() as reader:
        return reader.read(number)


def text_of(data, number=1, **options):
    with Image.load(data, pdf=PdfOptions(**options)).open() as reader:
        return reader.text(number)


def words_of(text):
    return [word.text for stretch in text.stretches for word in stretch.words]


def noise(width, height):
    """(H, W) uint8 in which every pixel counts."""
    return np.random.default_rng(3).integers(0, 2, (height, width)).astype(np.uint8) * 255


# --- drawing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "kind"), [("1", "TIFF"), ("L", "PNG"), ("RGB", "PNG")])
@pytest.mark.parametrize(
    ("width", "height", "dpi"),
    [(850, 1100, 100), (864, 1143, 204), (833, 1111, 97), (620, 877, 75)],
)
def test_a_scan_is_drawn_pixel_for_pixel(width, height, dpi, mode, kind):
    pixels = noise(width, height)
    picture = PIL.Image.fromarray(pixels).convert(mode)
    if mode == "RGB":
        picture.putpixel((0, 0), (200, 30, 40))
        pixels = np.asarray(picture)
    data = made.scan(picture, dpi=dpi, kind=kind)
    frame = frame_of(data)
    assert frame.pixels.shape == pixels.shape
    assert np.array_equal(frame.pixels, pixels)
    assert frame.dpi == pytest.approx((dpi, dpi), rel=0.001)
    assert (frame.scale, frame.full_size) == (1.0, (width, height))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_scan_is_drawn_pixel_for_pixel(rotation):
    pixels = noise(600, 413)
    with pikepdf.open(io.BytesIO(made.scan(pixels, dpi=111))) as pdf:
        pdf.pages[0].obj.Rotate = rotation
        data = made.saved(pdf)
    assert np.array_equal(frame_of(data).pixels, np.rot90(pixels, -rotation // 90))


def test_a_scan_whose_pixels_are_no_squares_loses_none():
    pixels = noise(864, 550)
    pdf = pikepdf.open(io.BytesIO(made.scan(pixels, dpi=204)))
    page = pdf.pages[0]
    # As if the resolution down the page were half of that across it.
    width, height = (float(side) for side in page.obj.MediaBox[2:])
    page.obj.MediaBox = Array([0, 0, width, 2 * height])
    page.obj.Contents = pdf.make_stream(
        b"q %g 0 0 %g 0 0 cm " % (width, 2 * height)
        + next(iter(page.obj.Resources.XObject.keys())).encode()
        + b" Do Q"
    )
    frame = frame_of(made.saved(pdf))
    assert frame.pixels.shape == (1100, 864)
    assert frame.dpi == pytest.approx((204, 204), rel=0.001)


def test_pages_without_colour_come_as_grey():
    assert frame_of(TEXT).pixels.ndim == 2
    assert frame_of(made.pdf_of(b"1 0 0 rg 0 0 99 99 re f")).pixels.ndim == 3
    assert frame_of(made.pdf_of(b"")).pixels.shape == (3300, 2550)


@pytest.mark.parametrize("dpi", [10, 72, 200])
def test_the_resolution_that_is_asked_for_is_used(dpi):
    frame = frame_of(made.scan(noise(850, 1100), dpi=100), dpi=dpi)
    assert frame.dpi == (dpi, dpi)
    assert frame.pixels.shape == (round(11 * dpi), round(8.5 * dpi))


def test_a_thumbnail_is_drawn_small():
    with Image.load(TEXT).thumbnail((200, 200)).open() as reader:
        frame = reader.read(1)
    assert frame.pixels.shape == (200, 155)
    assert frame.full_size == (2550, 3300)
    assert frame.scale == pytest.approx(200 / 3300)
    assert frame.dpi == (300, 300)


def test_fields_and_annotations_are_drawn_and_read():
    filled, empty = made.form("Ada Lovelace"), made.form("")
    assert words_of(text_of(filled))[-2:] == ["Ada", "Lovelace"]
    assert words_of(text_of(empty)) == " ".join(made.PARAGRAPH).split()
    drawn = [frame_of(data, dpi=72).pixels for data in (filled, empty)]
    assert (drawn[0] != drawn[1])[792 - 524 : 792 - 500].any()


@pytest.mark.parametrize("needed", [True, False])
def test_fields_without_a_look_get_one(needed):
    with pikepdf.open(io.BytesIO(made.form("Ada Lovelace"))) as pdf:
        del pdf.pages[0].obj.Annots[0].AP
        pdf.Root.AcroForm.NeedAppearances = needed
        data = made.saved(pdf)
    assert words_of(text_of(data))[-2:] == ["Ada", "Lovelace"]
    assert frame_of(data, dpi=72).pixels[792 - 524 : 792 - 500].min() < 128


def test_a_unit_is_found_where_the_file_is_packed():
    with pikepdf.open(io.BytesIO(made.pdf_of(b"", unit=2, box=(0, 0, 72, 72)))) as pdf:
        data = made.saved(pdf, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    assert b"UserUnit" not in data
    assert frame_of(data, dpi=50).pixels.shape == (100, 100)


def test_frames_are_drawn_even_where_there_is_text():
    (frame,) = Image.load(TEXT, pdf=PdfOptions(text_layer="only", dpi=20)).frames()
    assert frame.pixels.shape == (220, 170)
    assert frame.pixels.min() < 128


def test_the_cost_covers_the_pixels():
    with Image.load(made.scan(noise(850, 1100), dpi=100)).open() as reader:
        assert reader.cost(1) >= 3 * reader.read(1).pixels.nbytes
    with Image.load(TEXT).open() as reader:
        assert reader.cost(1) >= 2550 * 3300 * 3


# --- where text stands ------------------------------------------------------------------------


def around(pixels):
    """Left, top, right and bottom of what is dark."""
    rows, columns = (
        np.flatnonzero((pixels < 128).any(axis=1)),
        np.flatnonzero((pixels < 128).any(axis=0)),
    )
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (100, 250, 460, 700)])
@pytest.mark.parametrize("unit", [None, 1.7])
@pytest.mark.parametrize("content", ["right", "up", "left", "down"])
def test_words_lie_on_their_ink(rotation, crop, unit, content):
    turn = {"right": b"1 0 0 1", "up": b"0 1 -1 0", "left": b"-1 0 0 -1", "down": b"0 -1 1 0"}
    drawn = b"BT /F1 24 Tf %b 280 450 Tm (Hamburg) Tj ET" % turn[content]
    data = made.pdf_of(drawn, crop=crop, rotate=rotation, unit=unit, box=(10, 20, 600, 780))
    text, frame = text_of(data, dpi=150), frame_of(data, dpi=150)
    height, width = frame.pixels.shape
    assert (text.width, text.height) == (width, height)
    sides = (360, 450) if crop else (590, 760)
    inches = [side * (unit or 1) / 72 for side in (sides[::-1] if rotation % 180 else sides)]
    assert (width, height) == tuple(round(150 * side) for side in inches)
    (word,) = (word for stretch in text.stretches for word in stretch.words)
    assert word.text == "Hamburg"
    assert word.recogniser == "text-layer"
    assert word.confidence == 1.0
    x, y = zip(*word.polygon, strict=True)
    assert (min(x), min(y), max(x), max(y)) == pytest.approx(around(frame.pixels), abs=1.5)
    # The polygon begins where the text begins, and goes clockwise.
    quarters = (["right", "down", "left", "up"].index(content) + rotation // 90) % 4
    corners = [(min(x), min(y)), (max(x), min(y)), (max(x), max(y)), (min(x), max(y))]
    assert word.polygon[0] == pytest.approx(corners[quarters], abs=0.01)
    assert word.polygon[1] == pytest.approx(corners[(quarters + 1) % 4], abs=0.01)
    (stretch,) = text.stretches
    assert (stretch.angle - 90 * quarters) % 360 == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("degrees", [-20, -5, 2, 10])
def test_sloping_words_have_tight_boxes(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    drawn = b"BT /F1 40 Tf %g %g %g %g 150 400 Tm (HIHIHI) Tj ET" % (c, -s, s, c)
    text = text_of(made.pdf_of(drawn), dpi=100)
    (stretch,) = text.stretches
    assert stretch.angle == pytest.approx(degrees, abs=0.1)
    a, b, c, d = (np.array(point) for point in stretch.words[0].polygon)
    height = 40 * 0.718 * 100 / 72  # capitals of Helvetica
    assert np.hypot(*(d - a)) == pytest.approx(height, rel=0.06)
    assert np.degrees(np.arctan2(*(b - a)[::-1])) == pytest.approx(degrees, abs=0.1)


WORD = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHI0123456789.,;:()'", min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.lists(st.lists(WORD, min_size=1, max_size=6), min_size=1, max_size=8),
    mode=st.sampled_from([0, 3]),
    size=st.integers(6, 14),
)
def test_words_come_as_they_were_set(rows, mode, size):
    content = made.lines([" ".join(row) for row in rows], mode=mode, size=size, left=20)
    text = text_of(made.pdf_of(content), text_layer="only")
    assert [[word.text for word in stretch.words] for stretch in text.stretches] == rows


@pytest.mark.parametrize(
    ("content", "words"),
    [
        # Words without a space between them, and cells.
        (b"[(one) -600 (two) -4000 (three)] TJ", [["one", "two"], ["three"]]),
        (b"(ed-) Tj 0 -14 Td (itor) Tj", [["ed-"], ["itor"]]),
        (b"(soft\xad) Tj 0 -14 Td (hyphen) Tj", [["soft-"], ["hyphen"]]),
        (b"(no\xa0break) Tj", [["no", "break"]]),
        # A smaller one, raised or lowered, belongs to the word.
        (b"(H) Tj /F1 8 Tf -3 Ts (2) Tj /F1 12 Tf 0 Ts (O) Tj", [["H2O"]]),
        (b"(left) Tj 300 0 Td (right) Tj -300 -14 Td (next) Tj", [["left"], ["right"], ["next"]]),
    ],
)
def test_words_end_at_spaces_and_at_gaps(content, words):
    data = made.pdf_of(b"BT /F1 12 Tf 72 700 Td %b ET" % content)
    text = text_of(data, text_layer="only")
    assert [[word.text for word in stretch.words] for stretch in text.stretches] == words


def with_unicode(mapping):
    """A page on which the letters a, b, c … stand for these."""
    pdf = pikepdf.new()
    page = made.add_page(pdf, b"")
    codes = range(0x61, 0x61 + len(mapping))
    entries = b"".join(
        b"<%02x> <%b>\n" % (code, target.encode("utf-16-be", "surrogatepass").hex().encode())
        for code, target in zip(codes, mapping, strict=True)
    )
    page.obj.Resources.Font.F1.ToUnicode = pdf.make_stream(
        b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange %d beginbfchar\n%b"
        b"endbfchar endcmap" % (len(mapping), entries)
    )
    page.obj.Contents = pdf.make_stream(made.lines([bytes(codes).decode("latin-1")]))
    return made.saved(pdf)


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        (["ﬁ", "n", "ﬄ"], "finffl"),
        (["a", "\U0001d49c", "b"], "a\U0001d49cb"),
        (["a", "\x03", "b", "\u200b", "c"], "abc"),
        (["日", "本"], "日本"),
        (["a", "\u200d", "b"], "a\u200db"),
        # As drawn from left to right; they are read from right to left.
        (["ם", "ו", "ל", "ש"], "שלום"),
        (["ם", "ו", "ל", "ש", " ", "ה", "ז"], "זהשלום"),
    ],
)
def test_characters_are_given_as_people_would_search_them(mapping, text):
    assert "".join(words_of(text_of(with_unicode(mapping), text_layer="only"))) == text


def test_text_outside_the_cropped_page_is_left_out():
    content = made.lines(["inside"], top=500) + made.lines(["outside"], top=100)
    text = text_of(made.pdf_of(content, crop=(0, 300, 612, 792)), text_layer="only")
    assert words_of(text) == ["inside"]


# --- whether a page is recognised -------------------------------------------------------------


SCAN = made.scan(noise(425, 550), dpi=50)
STAMPED = made.with_text(SCAN, made.lines(["Page 1 of 3"]))
LAYERED = made.with_text(SCAN, made.lines(made.PARAGRAPH, mode=3))


@pytest.mark.parametrize(
    ("data", "needs_ocr", "reason"),
    [
        (TEXT, False, "it has text of its own"),
        (made.pdf_of(made.lines(["Contents"])), False, "it has text of its own"),
        (SCAN, True, "no text"),
        (STAMPED, True, "only 8 characters of text, and pictures on 100 % of it"),
        (LAYERED, False, "it has a hidden layer of text"),
        (made.garbage(), True, "its text is garbage: 100 % of 256 characters mean nothing"),
        (made.pdf_of(b""), False, "nothing is on it"),
        (made.pdf_of(b"0 0 m 9 9 l S"), True, "no text"),
    ],
)
def test_a_page_is_recognised_where_its_text_is_not_good(data, needs_ocr, reason):
    text = text_of(data)
    assert (text.needs_ocr, text.reason) == (needs_ocr, reason)
    assert bool(text.stretches) == (not needs_ocr and reason != "nothing is on it")


@pytest.mark.parametrize("data", [TEXT, SCAN, made.garbage()])
def test_no_page_is_looked_at_where_text_is_ignored(data):
    text = text_of(data, text_layer="ignore")
    assert text.needs_ocr
    assert text.reason == "asked for by text_layer=ignore"
    assert text.stretches == ()


def test_no_page_is_recognised_where_only_text_counts():
    assert text_of(TEXT, text_layer="only").reason == "it has text of its own"
    none = text_of(SCAN, text_layer="only")
    assert (none.needs_ocr, none.stretches) == (False, ())
    assert none.reason == "no text, and text_layer=only forbids to recognise it"
    stamped = text_of(STAMPED, text_layer="only")
    assert words_of(stamped) == ["Page", "1", "of", "3"]
    assert not stamped.needs_ocr


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", b"\n", b"junk " * 200])
@pytest.mark.parametrize("kind", ["bytes", "path", "stream"])
def test_a_pdf_is_known_by_its_content(before, kind, tmp_path):
    data = before + TEXT
    path = tmp_path / "scan.png"
    path.write_bytes(data)
    source = {"bytes": data, "path": path, "stream": io.BytesIO(data)}[kind]
    with Image.load(source).open() as reader:
        assert isinstance(reader, TextReader)
        assert (reader.count, words_of(reader.text(1))[:2]) == (1, ["The", "committee"])


def refusal_of(data, **options):
    limits = options.pop("limits", Limits())
    with pytest.raises(ocrloom.OcrException) as caught:
        list(Image.load(data, limits=limits, pdf=PdfOptions(**options)).frames())
    return type(caught.value).__name__, str(caught.value)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (made.without_pages(), "OcrSourceEmpty", "a PDF without pages"),
        (made.xfa(), "OcrFormatError", "a dynamic XFA form"),
        (made.portfolio(), "OcrFormatError", "a PDF portfolio"),
        (TEXT[: len(TEXT) // 2], "OcrDamagedImage", "damaged beyond repair"),
        (b"%PDF-1.7\n" + bytes(range(256)), "OcrDamagedImage", "damaged beyond repair"),
        (made.bomb(), "OcrDamagedImage", "page 1: .* ended the process that draws pages"),
        (made.nested_forms(), "OcrDamagedImage", "page 1: .* ended the process that draws pages"),
        (
            made.pdf_of(b"0 0 9 9 re f", box=(0, 0, 14400, 14400)),
            "OcrImageTooLarge",
            "page 1: 200 × 200 inches at 300 dpi are 60000 × 60000 = .*; give .*, --dpi 158, or",
        ),
        (made.pdf_of(b"0 0 9 9 re f", box=(0, 0, 1e9, 1e9)), "OcrImageTooLarge", "over the limit"),
        (made.pdf_of(b"f", box=(0, 0, 720, 720), unit=20), "OcrImageTooLarge", "200 × 200 inches"),
    ],
)
def test_what_cannot_be_read_is_refused(data, kind, words):
    found, message = refusal_of(data)
    assert found == kind
    assert re.search(words, message), message


def test_a_bomb_is_small():
    assert len(made.bomb()) < 1500
    assert len(made.nested_forms()) < 10_000


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (0, 0, 0, 99), (612, 792, 0, 0)])
def test_a_page_without_size_is_shown_as_viewers_show_it(box):
    assert frame_of(made.pdf_of(b"", box=box), dpi=72).pixels.shape == (792, 612)


def test_a_damaged_table_of_references_is_mended():
    broken = TEXT.replace(b"\nxref", b"\nyref").replace(b"startxref\n", b"startxref\n9")
    assert words_of(text_of(broken)) == " ".join(made.PARAGRAPH).split()


def test_limits_hold():
    assert refusal_of(TEXT, limits=Limits(max_pixels=2550 * 3300 - 1))[0] == "OcrImageTooLarge"
    two = made.pdf_of(b"", b"")
    name, message = refusal_of(two, limits=Limits(max_frames=1))
    assert name == "OcrImageTooLarge"
    assert "2 pages are over the limit of 1" in message
    assert refusal_of(TEXT, limits=Limits(max_bytes=len(TEXT) - 1))[0] == "OcrImageTooLarge"


def test_a_page_that_is_missing_is_told():
    pdf = pikepdf.open(io.BytesIO(made.pdf_of(made.lines(["one"]), made.lines(["two"]))))
    pdf.Root.Pages.Kids[1] = pdf.make_indirect(Dictionary(Type=Name.Nonsense))
    result = OcrEngine().process(made.saved(pdf))
    assert [page.text for page in result.pages] == ["one"]
    (failure,) = result.failures
    assert failure.kind == "OcrDamagedImage"
    assert "page 2: expected a page that can be drawn, found one that is missing" in failure.message


def test_a_picture_on_a_page_is_within_the_limits_too():
    data = made.scan(noise(850, 1100), dpi=100)
    name, message = refusal_of(data, dpi=10, limits=Limits(max_pixels=850 * 1100 - 1))
    assert name == "OcrImageTooLarge"
    assert "page 1, a picture on it: 850 × 1100" in message


def test_a_picture_that_is_drawn_often_costs_no_more_memory():
    pdf = pikepdf.open(io.BytesIO(made.scan(noise(850, 1100), dpi=100)))
    name = next(iter(pdf.pages[0].obj.Resources.XObject.keys())).encode()
    pdf.pages[0].obj.Contents = pdf.make_stream(
        b"".join(b"q 9 0 0 9 %d 9 cm %b Do Q " % (place, name) for place in range(500))
    )
    with Image.load(made.saved(pdf), pdf=PdfOptions(dpi=20)).open() as reader:
        assert reader.cost(1) < 200_000_000
        assert reader.read(1).pixels.shape == (220, 170)


def test_colours_of_jpeg_2000_are_not_asked_for_before_it_is_drawn():
    picture = PIL.Image.new("RGB", (3000, 3000), "white")
    with Image.load(made.scan(picture, dpi=300, kind="JPEG2000")).open() as reader:
        assert reader.text(1).needs_ocr
        assert reader.cost(1) > 24 * 3000 * 3000


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_raise_our_errors_only(seed):
    random = np.random.default_rng(seed)
    whole = [TEXT, SCAN, SECRET, made.form("Ada"), made.nested_forms(3, 3)]
    for _ in range(40):
        data = bytearray(whole[random.integers(len(whole))])
        for _ in range(random.integers(1, 12)):
            place = int(random.integers(len(data)))
            part = random.choice([b"", b"0", b"-1", b"9999999999", b"<<", b">>", b" R ", b"\0"])
            data[place : place + int(random.integers(30))] = part
        with (
            suppress(ocrloom.OcrImageError, ocrloom.OcrSourceEmpty),
            Image.load(bytes(data), limits=Limits(max_pixels=10**7)).open() as reader,
        ):
            reader.text(1)
            reader.read(1)


SECRET = made.encrypted(TEXT, user="geheimnis", owner="über")


@pytest.mark.parametrize(("password", "says"), [(None, "needs a password"), ("no", "another")])
def test_a_password_is_asked_for(password, says):
    name, message = refusal_of(SECRET, password=password)
    assert name == "OcrPasswordError"
    assert says in message
    assert "geheimnis" not in message


@pytest.mark.parametrize("password", ["geheimnis", "über"])
def test_either_password_opens(password):
    assert words_of(text_of(SECRET, password=password))[0] == "The"


def test_what_only_its_owner_may_change_opens_without_a_password():
    assert words_of(text_of(made.encrypted(TEXT, user="")))[0] == "The"


def test_one_bad_page_is_no_error_of_the_others():
    pdf = pikepdf.open(io.BytesIO(made.pdf_of(b"", b"")))
    with pikepdf.open(io.BytesIO(made.bomb())) as bomb:
        pdf.pages.insert(1, bomb.pages[0])
        data = made.saved(
            pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none
        )
    result = OcrEngine().process(data)
    assert [page.number for page in result.pages] == [1, 3]
    (failure,) = result.failures
    assert (failure.number, failure.kind) == (2, "OcrDamagedImage")


# --- helpers ----------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch):
    """The processes that a test has started."""
    processes = []
    start = helpers._start_process

    def remember(box):
        processes.append(start(box))
        return processes[-1]

    monkeypatch.setattr(helpers, "_start_process", remember)
    return processes


@pytest.fixture
def own_pool(started, monkeypatch):
    """Helpers that nobody else has used."""
    pool = HelperPool()
    monkeypatch.setattr("ocrloom.image.pdf.reader.shared_helpers", lambda: pool)
    yield pool
    pool.close()


def test_pdfium_is_never_loaded_here(run_python, tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(TEXT)
    code = """
import sys
from ocrloom import Image
with Image.load(sys.argv[1]).open() as reader:
    reader.text(1)
    reader.read(1)
assert not [name for name in sys.modules if name.startswith(("pypdfium2", "pikepdf"))]
"""
    run_python(code, path)


def test_drawing_that_takes_too_long_is_ended():
    with Image.load(made.endless(), pdf=PdfOptions(dpi=300)).open() as reader:
        assert reader.text(1).needs_ocr
        # Only now, as a helper may take as long to start.
        reader._limits = Limits(max_decode_seconds=0.5)
        with pytest.raises(ocrloom.OcrImageTooLarge, match="page 1: decoding it takes longer"):
            reader.read(1)


def test_cancelling_ends_a_page_that_draws_for_ever(own_pool, started):
    events = []
    engine = OcrEngine(options=OcrOptions(pdf=PdfOptions(text_layer="ignore")))
    future = engine.process_async(made.endless(), progress=events.append)
    assert until(lambda: any(event.stage is ocrloom.Stage.DECODING for event in events))
    future.cancel()
    with pytest.raises(ocrloom.OcrCancelled):
        future.result(timeout=LONG)
    assert until(lambda: any(process.returncode is not None for process in started))


def test_cancelling_ends_an_opening_that_lasts_for_ever(own_pool, started, monkeypatch):
    run = helpers.Helper.run
    begun = []

    def sleep(self, function, *_, checkpoint, **__):
        begun.append(function)
        return run(self, "time:sleep", 600, checkpoint=checkpoint)

    monkeypatch.setattr(helpers.Helper, "run", sleep)
    future = OcrEngine().process_async(TEXT)
    assert until(lambda: begun)
    future.cancel()
    with pytest.raises(ocrloom.OcrCancelled):
        future.result(timeout=LONG)
    assert until(lambda: started[0].returncode is not None)
    assert begun == ["ocrloom.image.pdf.helper:open_document"]


def test_a_helper_that_dies_is_replaced(own_pool, started):
    data = made.pdf_of(made.lines(["one"]), made.lines(["two"]))
    with Image.load(data, pdf=PdfOptions(dpi=72)).open() as reader:
        assert words_of(reader.text(1)) == ["one"]
        started[0].kill()
        assert until(lambda: started[0].returncode is not None)
        assert words_of(reader.text(2)) == ["two"]
        assert reader.read(1).pixels.shape == (792, 612)
    assert len(started) == 2


def test_without_helpers_no_pdf_is_read(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr("ocrloom.image.pdf.reader.shared_helpers", HelperPool)
    name, message = refusal_of(TEXT)
    assert name == "OcrEngineError"
    assert "PDFs are read in a process of their own, and there is none" in message


def test_however_many_are_open_few_processes_wait(own_pool, started, monkeypatch):
    monkeypatch.setattr(desk, "_DESK", desk.Desk(2))
    data = [made.pdf_of(made.lines([name])) for name in "abcdef"]
    with ExitStack() as stack:
        readers = [stack.enter_context(Image.load(each).open()) for each in data]
        for name, reader in zip("abcdef", readers, strict=True):
            assert words_of(reader.text(1)) == [name]
        assert words_of(readers[0].text(1)) == ["a"]
    assert len(started) <= 3


def test_nothing_stays_open(own_pool, started):
    with Image.load(TEXT).open() as reader:
        reader.text(1)
    own_pool.close()
    assert until(lambda: all(process.returncode is not None for process in started))
    assert not any(owner is reader for owner in desk.shared_desk()._idle)


# --- with the engine --------------------------------------------------------------------------


def test_text_is_taken_as_it_is(monkeypatch):
    monkeypatch.setattr("ocrloom.reading.read_frame", lambda *_: pytest.fail("not needed"))
    (page,) = OcrEngine().process(TEXT).pages
    assert page.text == "\n".join(made.PARAGRAPH)
    assert page.read_by is ReadBy.TEXT_LAYER
    assert page.reason == "it has text of its own"
    assert (page.width, page.height, page.dpi) == (2550, 3300, (300.0, 300.0))
    assert page.confidence == 1.0


def test_a_page_too_large_to_draw_has_text_all_the_same():
    data = made.pdf_of(made.lines(["Plan"]), box=(0, 0, 14400, 14400))
    (page,) = OcrEngine(memory=1_000_000).process(data).pages
    assert (page.text, page.width) == ("Plan", 60000)


def test_pages_without_text_are_recognised(note):
    data = made.scan(note("read me"), dpi=100)
    (page,) = OcrEngine(language="eng").process(data).pages
    assert (page.text, page.read_by, page.reason) == ("read me", ReadBy.OCR, "no text")
    options = OcrOptions(pdf=PdfOptions(text_layer="only"))
    (page,) = OcrEngine(options=options).process(data).pages
    assert (page.blocks, page.read_by) == ((), ReadBy.TEXT_LAYER)


def test_text_and_its_picture_agree():
    one = OcrEngine(language="eng").process(TEXT).pages[0]
    options = OcrOptions(languages="eng", pdf=PdfOptions(text_layer=TextLayer.IGNORE))
    other = OcrEngine(options=options).process(TEXT).pages[0]
    assert one.text == other.text
    assert other.read_by is ReadBy.OCR
    for ours, seen in zip(one.words, other.words, strict=True):
        assert np.allclose(ours.polygon, seen.polygon, atol=8)


@pytest.mark.parametrize(("rotation", "upright"), [(0, 90), (90, 0), (180, 270), (270, 180)])
def test_text_that_lies_on_its_side_is_read_upright(rotation, upright):
    rows = b" ".join(b"(%b) Tj T*" % line.encode() for line in made.PARAGRAPH)
    content = b"BT /F1 10 Tf 14 TL 0 1 -1 0 200 100 Tm %b ET" % rows
    data = made.pdf_of(content, rotate=rotation)
    (page,) = OcrEngine().process(data).pages
    assert page.text == "\n".join(made.PARAGRAPH)
    assert page.rotation == upright
    on_ink = around(frame_of(data).pixels)
    x, y = zip(*(point for word in page.words for point in word.polygon), strict=True)
    assert (min(x), min(y), max(x), max(y)) == pytest.approx(on_ink, abs=2)


def test_an_image_keeps_its_own_options(recogniser):
    image = Image.load(TEXT, pdf=PdfOptions(text_layer="ignore", dpi=20))
    assert image.pdf.dpi == 20
    options = OcrOptions(pdf=PdfOptions(dpi=40, text_layer="ignore"))
    engine = OcrEngine(options=options)
    assert engine.process(image).pages[0].width == 170
    assert engine.process(TEXT).pages[0].width == 340
    assert engine.process(Image.load(TEXT)).pages[0].width == 340
    assert (
        engine.process(Image.load(image, pdf=PdfOptions(text_layer="ignore", dpi=10)))
        .pages[0]
        .width
        == 85
    )


def test_a_password_reaches_the_file():
    options = OcrOptions(pdf=PdfOptions(password="geheimnis"))
    assert OcrEngine(options=options).process(SECRET).text.startswith("The committee")
    with pytest.raises(ocrloom.OcrPasswordError):
        OcrEngine().process(SECRET)


def test_a_long_document_takes_few_helpers(own_pool, started, recogniser):
    data = made.pdf_of(*[b"0 0 9 9 re f"] * 60)
    engine = OcrEngine(workers=2, options=OcrOptions(pdf=PdfOptions(dpi=20)))
    assert [page.number for page in engine.stream(data)] == list(range(1, 61))
    engine.close()
    # One for each worker, and one that is planned with.
    assert len(started) <= 3


def test_a_document_is_opened_anew_after_some_pages(monkeypatch):
    # Here and not at the top: only helpers load PDFium.
    from ocrloom.image.pdf import helper, opened

    loads = []
    load = opened._load_document

    def counted(*arguments):
        loads.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(opened, "_load_document", counted)
    monkeypatch.setattr(opened, "_FRESH", 3)
    names = [f"page{number}" for number in range(1, 11)]
    data = made.pdf_of(*(made.lines([name]) for name in names))
    assert helper.open_document(data, None) == (10, None)
    try:
        for number, name in enumerate(names, 1):
            for _ in range(2):
                _, letters = helper.look(number, True)
                assert "".join(map(chr, letters.codes)) == name
    finally:
        helper.close_document()
    assert len(loads) == 4


def test_several_documents_are_read_at_once(recogniser):
    data = [made.pdf_of(*[b"0 0 9 9 re f"] * count) for count in range(1, 9)]
    engine = OcrEngine(workers=3, options=OcrOptions(pdf=PdfOptions(dpi=10)))
    outcomes = list(engine.process_many(data, ordered=True))
    assert [len(outcome.unwrap().pages) for outcome in outcomes] == list(range(1, 9))
    engine.close()


def test_the_path_of_a_file_may_hold_anything(tmp_path):
    path = Path(tmp_path, "Überweisung № 1 (日本).pdf")
    path.write_bytes(TEXT)
    assert OcrEngine().process(path).text.startswith("The committee")


def test_forms_within_forms_are_looked_into():
    pdf = pikepdf.open(io.BytesIO(made.scan(noise(425, 550), dpi=50)))
    page = pdf.pages[0]
    form = pdf.make_stream(
        page.Contents.read_bytes(),
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=page.MediaBox,
        Matrix=Array([0.5, 0, 0, 0.5, 0, 0]),
        Resources=page.obj.Resources,
    )
    page.obj.Resources = Dictionary(XObject=Dictionary(X=form))
    page.obj.Contents = pdf.make_stream(b"q 2 0 0 2 0 0 cm /X Do Q")
    frame = frame_of(made.saved(pdf))
    assert frame.dpi == pytest.approx((50, 50))
    assert np.array_equal(frame.pixels, noise(425, 550))
