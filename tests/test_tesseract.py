"""The second recogniser: real Tesseract on lines drawn here."""

import gc
import os
import sys
import threading
from pathlib import Path

import matplotlib as mpl
import numpy as np
import PIL.features
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest

from ocrloom import Language, OcrEngine
from ocrloom.errors import OcrEngineError, OcrLanguageNotInstalled
from ocrloom.languages import TESSERACT
from ocrloom.scheduling.helpers import HelperDied, HelperPool
from ocrloom.tessdata import folders
from ocrloom.vision import tesseract
from ocrloom.vision.crops import Crop
from ocrloom.vision.geometry import Box
from ocrloom.vision.tesseract import HEIGHT, Tesseract
from ocrloom.vision.words import words_of

FONT = Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
VIETNAMESE = "Tiếng Việt có sáu thanh điệu"
RUSSIAN = "Съешь ещё этих мягких французских булок"
SHALOM = "שלום עולם"


def needs(*languages):
    """Skips where Tesseract does not read some languages."""
    lacking = " ".join(f"tesseract-ocr-{language.code}" for language in languages)
    return pytest.mark.skipif(
        not folders.readable(languages), reason=f"no tesserocr or no {lacking}"
    )


vietnamese = needs(Language.VIETNAMESE)


def drawn(text, **options):
    """A crop of one line, `HEIGHT` high."""
    font = PIL.ImageFont.truetype(FONT, 34, **options)
    left, top, right, bottom = font.getbbox(text)
    picture = PIL.Image.new("L", (round(right - left) + 16, round(bottom - top) + 14), 255)
    PIL.ImageDraw.Draw(picture).text((8 - left, 7 - top), text, fill=0, font=font)
    width = round(picture.width * HEIGHT / picture.height)
    return np.asarray(picture.resize((width, HEIGHT), PIL.Image.Resampling.BICUBIC))


def as_it_stands(text):
    """A crop of text from right to left without a library that would turn it: drawn turned."""
    return drawn(text[::-1], layout_engine=PIL.ImageFont.Layout.BASIC)


def words(pixels, reading):
    height, width = pixels.shape[:2]
    return words_of(Crop(Box(width / 2, height / 2, width, height, 0), pixels), reading)


# --- reading ----------------------------------------------------------------------------------


@vietnamese
def test_a_line_is_read_with_the_places_of_its_characters():
    pixels = drawn(VIETNAMESE)
    reading = Tesseract((Language.VIETNAMESE,)).read(pixels)
    assert reading.text == VIETNAMESE
    assert reading.recogniser == TESSERACT
    assert len(reading.starts) == len(reading.ends) == len(reading.confidences) == len(VIETNAMESE)
    assert np.all(np.diff(reading.starts) >= 0)
    assert np.all(np.diff(reading.ends) >= 0)
    assert 0 <= reading.starts.min() < 0.05
    assert 0.95 < reading.ends.max() <= 1
    assert 0.9 < reading.confidence <= 1
    found = words(pixels, reading)
    assert [word.text for word in found] == VIETNAMESE.split()
    assert {word.recogniser for word in found} == {TESSERACT}
    # Every word's place has its ink: what is outside of all is white.
    left = [word.polygon[0][0] for word in found]
    right = [word.polygon[1][0] for word in found]
    between = zip(right[:-1], left[1:], strict=True)
    assert all((pixels[:, round(a) : round(b)] > 128).all() for a, b in between)


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        pytest.param((Language.RUSSIAN,), RUSSIAN, marks=needs(Language.RUSSIAN)),
        pytest.param(
            (Language.GREEK,),
            "Το τεμπέλικο σκυλί μου",  # without the sign for a millionth
            marks=needs(Language.GREEK),
        ),
        pytest.param(
            (Language.RUSSIAN, Language.ENGLISH),
            "Слово Windows по-русски",
            marks=needs(Language.RUSSIAN, Language.ENGLISH),
        ),
    ],
)
def test_other_scripts(languages, text):
    assert Tesseract(languages).read(drawn(text)).text == text


@vietnamese
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda line: np.stack([line] * 3, axis=2), id="colour"),
        pytest.param(lambda line: 255 - line, id="light on dark"),
        pytest.param(
            lambda line: (line * np.linspace(0.9, 0.35, line.shape[1])).astype(np.uint8),
            id="a shadow",
        ),
        pytest.param(lambda line: np.vstack([line[-8:] * 0, line, line[-8:]])[4:], id="a rule"),
        pytest.param(lambda line: np.vstack([line[26:34], line, line[12:20]]), id="neighbours"),
        pytest.param(lambda line: line.repeat(2, axis=0).repeat(2, axis=1), id="large"),
        pytest.param(np.asfortranarray, id="in another order"),
    ],
)
def test_lines_that_are_not_clean(spoil):
    assert Tesseract((Language.VIETNAMESE,)).read(spoil(drawn(VIETNAMESE))).text == VIETNAMESE


@vietnamese
@pytest.mark.parametrize("shape", [(48, 0), (0, 9), (1, 1), (48, 2), (48, 3), (48, 200), (5, 4000)])
def test_where_nothing_is_written_nothing_is_read(shape):
    reading = Tesseract((Language.VIETNAMESE,)).read(np.full(shape, 255, np.uint8))
    assert (reading.text, reading.confidence) == ("", 0)
    assert words(np.full((48, 50), 255, np.uint8), reading) == ()


@vietnamese
def test_a_line_may_be_very_long():
    pixels = np.hstack([drawn(VIETNAMESE)] * 70)
    assert pixels.shape[1] > 1 << 15
    Tesseract((Language.VIETNAMESE,)).read(pixels)


@vietnamese
def test_only_what_is_allowed_is_read_and_only_in_that_call():
    reader = Tesseract((Language.VIETNAMESE,))
    assert set(reader.read(drawn("Nam 1975 O1"), allowed=frozenset("0123456789")).text) <= set(
        "0123456789 "
    )
    assert reader.read(drawn(VIETNAMESE)).text == VIETNAMESE


@vietnamese
def test_a_line_ends_when_its_time_is_over(monkeypatch):
    monkeypatch.setattr("ocrloom.vision.tesseract._SECONDS", 0.001)
    pixels = np.hstack([drawn(VIETNAMESE)] * 40)
    reader = Tesseract((Language.VIETNAMESE,))
    assert reader.read(pixels).text == ""
    monkeypatch.undo()
    assert reader.read(drawn(VIETNAMESE)).text == VIETNAMESE


# --- from right to left -----------------------------------------------------------------------


@needs(Language.HEBREW)
def test_words_are_spelt_in_reading_order_and_stand_where_they_stand():
    pixels = as_it_stands(SHALOM)
    reading = Tesseract((Language.HEBREW,)).read(pixels)
    assert reading.text == SHALOM[::-1]
    second, first = words(pixels, reading)
    assert (first.text, second.text) == tuple(SHALOM.split())
    assert first.polygon[0][0] > second.polygon[1][0]


@needs(Language.HEBREW)
def test_a_page_from_right_to_left():
    lines = ("שלום לכל בני האדם", "בשנת 1948 נולדו", "כולם שווים")
    page = np.full((400, 900), 255, np.uint8)
    for number, line in enumerate(lines):
        turned = " ".join(word if word.isdigit() else word[::-1] for word in reversed(line.split()))
        pixels = drawn(turned, layout_engine=PIL.ImageFont.Layout.BASIC)
        top, right = 40 + 90 * number, 860
        page[top : top + HEIGHT, right - pixels.shape[1] : right] = pixels
    result = OcrEngine(language="heb").process(page)
    assert result.text.split("\n") == list(lines)
    first = next(iter(result.pages[0].blocks)).lines[0].words
    assert [word.polygon[0][0] for word in first] == sorted(
        (word.polygon[0][0] for word in first), reverse=True
    )


@needs(Language.ARABIC)
@pytest.mark.skipif(not PIL.features.check("raqm"), reason="Pillow cannot draw Arabic here")
def test_arabic_with_numbers():
    text = "ولد الناس سنة 1948 في باريس"
    pixels = drawn(text, layout_engine=PIL.ImageFont.Layout.RAQM)
    page = np.pad(pixels, 40, constant_values=255)
    assert OcrEngine(language="ara").process(page).text.strip() == text


# --- threads ----------------------------------------------------------------------------------


@vietnamese
def test_every_thread_has_an_object_of_its_own_that_ends_with_it(monkeypatch):
    made = []
    load = tesseract._load

    def counted(*arguments):
        made.append((threading.get_ident(), load(*arguments)))
        return made[-1][1]

    monkeypatch.setattr(tesseract, "_load", counted)
    monkeypatch.setattr(tesseract, "_objects", tesseract._Objects())
    reader = Tesseract((Language.VIETNAMESE,))
    pixels = drawn(VIETNAMESE)
    read = []
    ready = threading.Barrier(4)

    def work():
        ready.wait()
        read.extend(reader.read(pixels).text for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [VIETNAMESE] * 20
    assert len({thread for thread, _ in made}) == len(made) == 4
    gc.collect()
    # Nothing but this list, and the call below, holds them.
    assert {sys.getrefcount(pair[1]) for pair in made} == {2}


@needs(Language.VIETNAMESE, Language.ENGLISH)
def test_a_thread_keeps_few_objects(monkeypatch):
    monkeypatch.setattr(tesseract, "_KEPT", 2)
    monkeypatch.setattr(tesseract, "_objects", tesseract._Objects())
    pixels = drawn("Viet Nam")
    sets = [
        (Language.VIETNAMESE,),
        (Language.ENGLISH,),
        (Language.VIETNAMESE, Language.ENGLISH),
        (Language.VIETNAMESE,),
    ]
    for languages in sets:
        assert Tesseract(languages).read(pixels).text == "Viet Nam"
        assert len(tesseract._objects._kept) <= 2


@vietnamese
def test_the_limit_on_threads_is_for_tesseract_only(run_python):
    code = """
import os, sys
from ocrloom.vision.tesseract import library
assert "tesserocr" not in sys.modules
os.environ["OMP_THREAD_LIMIT"] = "7"
library()
assert "tesserocr" in sys.modules
print(os.environ["OMP_THREAD_LIMIT"])
"""
    environment = {**os.environ}
    environment.pop("OMP_THREAD_LIMIT", None)
    assert run_python(code, env=environment) == "7\n"
    code = code.replace('os.environ["OMP_THREAD_LIMIT"] = "7"', "").replace(
        'os.environ["OMP_THREAD_LIMIT"])', '"OMP_THREAD_LIMIT" in os.environ)'
    )
    assert run_python(code, env=environment) == "False\n"


# --- what is wrong ----------------------------------------------------------------------------


@pytest.fixture
def vie(no_language_data):
    """Path of the only language data that is looked for."""
    no_language_data.mkdir(parents=True)
    return no_language_data / "vie.traineddata"


REAL = folders.find(Language.VIETNAMESE)


def real():
    return REAL.read_bytes()


def crashing():
    """Data that ends the process which loads it: two parts of its network do not fit together."""
    data = bytearray(real())
    inputs = data.index(b"Convolve") + len(b"Convolve") + 6
    assert data[inputs] == 1
    data[inputs] = 5
    return bytes(data)


@vietnamese
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"\x00" * 100_000, id="zeros"),
        pytest.param(lambda: b"no language data at all " * 999, id="garbage"),
        pytest.param(lambda: real()[:100], id="its head"),
        pytest.param(lambda: real()[:300_000], id="a half"),
        pytest.param(lambda: real()[:-1000], id="nearly all"),
        pytest.param(lambda: b"\xff" * 200 + real()[200:], id="another head"),
        pytest.param(lambda: real()[:4] + real()[-1000:], id="its ends"),
        pytest.param(crashing, id="crashing"),
    ],
)
def test_damaged_data_is_an_error(vie, data):
    vie.write_bytes(data())
    with pytest.raises(OcrEngineError, match="or a damaged file; fetch it again") as caught:
        Tesseract((Language.VIETNAMESE,)).read(drawn("Nam"))
    assert str(vie) in str(caught.value)
    assert str(caught.value).endswith("ocrloom languages add vie")


@vietnamese
def test_data_that_crashes_does_so_elsewhere(vie):
    vie.write_bytes(crashing())
    pool = HelperPool()
    with pytest.raises(HelperDied, match="SIG"):
        pool.lease().run("ocrloom.tessdata.probing:load", str(vie.parent), "vie")
    pool.close()


@vietnamese
def test_data_of_another_release_is_read(vie):
    vie.write_bytes(real() + b"\0")
    assert Tesseract((Language.VIETNAMESE,)).read(drawn(VIETNAMESE)).text == VIETNAMESE


@vietnamese
def test_tesseract_complains_to_nobody_else(vie, capfd):
    vie.write_bytes(b"garbage")
    with pytest.raises(OcrEngineError):
        Tesseract((Language.VIETNAMESE,)).read(drawn("Nam"))
    assert capfd.readouterr() == ("", "")


@vietnamese
def test_a_folder_of_that_name_is_an_error(vie):
    vie.mkdir()
    with pytest.raises(OcrEngineError, match=r"expected language data, got Is a directory"):
        Tesseract((Language.VIETNAMESE,)).read(drawn("Nam"))


@vietnamese
def test_data_that_may_not_be_read_is_an_error(vie, monkeypatch):
    vie.touch()

    def refuse(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OcrEngineError, match="got Permission denied; make it a file that you may"):
        Tesseract((Language.VIETNAMESE,)).read(drawn("Nam"))


@vietnamese
def test_data_that_was_removed_meanwhile_is_an_error(vie, monkeypatch):
    monkeypatch.setattr(tesseract, "_objects", tesseract._Objects())
    vie.symlink_to(REAL)
    reader = Tesseract((Language.VIETNAMESE,))
    vie.unlink()
    with pytest.raises(OcrLanguageNotInstalled, match="ocrloom languages add vie"):
        reader.read(drawn("Nam"))


@vietnamese
def test_links_are_not_needed(vie, monkeypatch):
    vie.symlink_to(REAL)

    def refuse(*_, **__):
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert Tesseract((Language.VIETNAMESE,)).read(drawn(VIETNAMESE)).text == VIETNAMESE


@pytest.mark.usefixtures("no_language_data")
def test_a_language_without_data_is_refused():
    with pytest.raises(OcrLanguageNotInstalled, match="ocrloom languages add vie"):
        Tesseract((Language.VIETNAMESE,))


@vietnamese
def test_a_library_that_does_not_load_is_an_error(monkeypatch):
    def fail(name):
        raise ImportError(f"lib{name}.so: cannot open shared object file")

    monkeypatch.setattr(tesseract, "import_module", fail)
    load = tesseract.library.__wrapped__
    with pytest.raises(OcrEngineError, match=r"libtesserocr.so.*; install it again: pip install"):
        load()


@vietnamese
def test_an_engine_reads_a_language_that_only_tesseract_reads(note):
    page = OcrEngine(language="vie").process(note("Tiếng Việt có sáu thanh")).pages[0]
    (line,) = page.blocks[0].lines
    assert line.text == "Tiếng Việt có sáu thanh"
    assert {word.recogniser for word in line.words} == {TESSERACT}
