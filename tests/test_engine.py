"""The engine on real pages: one result by every way of asking, and every bad input refused."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import io
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
from documents import running
from image_files import encoded, grey_page, png_chunk

import ocrloom
import ocrloom.reading
from ocrloom import (
    Image,
    Language,
    Limits,
    OcrDamagedImage,
    OcrEngine,
    OcrEngineError,
    OcrFormatError,
    OcrImageTooLarge,
    OcrLanguageNotInstalled,
    OcrOptionError,
    OcrOptions,
    OcrSourceEmpty,
    OcrSourceIsDirectory,
    OcrSourceNotAFile,
    OcrSourceNotFound,
    OcrSourceUnreadable,
    OcrUnknownLanguage,
)
from ocrloom.scheduling.cpus import usable_cpus

LONG = 60.0  # seconds after which a test that waits has failed
SMALL = "cmyk.jpg"  # a page that is read fast


async def awaited(engine, source):
    return await engine.process_async(source)


# One result, however it is asked for


def test_every_way_of_asking_gives_the_same(engine, scan, truth, cer):
    path = scan(SMALL)
    blocking = engine.process(path)
    assert cer(truth(SMALL), blocking.text) < 0.01
    assert engine.process_async(path).result(LONG) == blocking
    assert asyncio.run(awaited(engine, path)) == blocking
    assert asyncio.run(awaited(engine, Image.load(path))) == blocking
    assert tuple(engine.stream(path)) == blocking.pages
    (outcome,) = engine.process_many([path])
    (batched,) = asyncio.run(engine.process_batch([path]))
    assert outcome.result == batched.result == blocking
    assert blocking.source == outcome.name == str(path)


@pytest.mark.parametrize(
    "give",
    [
        str,
        Path.read_bytes,
        lambda path: io.BytesIO(path.read_bytes()),
        PIL.Image.open,
        lambda path: np.asarray(PIL.Image.open(path)),
        lambda path: np.stack([np.asarray(PIL.Image.open(path))] * 3, axis=2),
    ],
    ids=["name", "bytes", "file", "PIL", "array", "RGB"],
)
def test_every_kind_of_source_gives_the_same_text(engine, scan, reading, give):
    found = engine.process(give(scan("small.png")))
    assert found.text == reading("small.png").text
    assert len(found.text) > 500


def test_a_source_may_be_processed_again(engine, note):
    image = Image.load(note("twice the same"))
    assert engine.process(image) == engine.process(image)
    assert engine.process(image).text == "twice the same"


# Languages and options


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Language.FRENCH, Language.FRENCH),
        ("fr", Language.FRENCH),
        ("German", Language.GERMAN),
        ({Language.ENGLISH, Language.CZECH}, (Language.CZECH, Language.ENGLISH)),
        (["swe", "English"], (Language.SWEDISH, Language.ENGLISH)),
        ("eng+fra", (Language.ENGLISH, Language.FRENCH)),
        ([Language.POLISH], Language.POLISH),
        (Language.AUTO, Language.AUTO),
    ],
)
def test_the_language_takes_many_forms(given, found):
    engine = OcrEngine()
    assert engine.language is Language.AUTO
    engine.language = given
    assert engine.language == found
    assert OcrEngine(language=given).language == found


def test_a_wrong_language_changes_nothing():
    engine = OcrEngine(language="fra")
    for wrong, error in (("klingon", OcrUnknownLanguage), ([], OcrOptionError)):
        with pytest.raises(error):
            engine.language = wrong
        with pytest.raises(error):
            OcrEngine(language=wrong)
    assert engine.language is Language.FRENCH


def test_the_language_overrides_the_options_and_leaves_the_rest():
    options = OcrOptions(languages="fra", min_confidence=0.7)
    engine = OcrEngine(language="deu", options=options)
    assert engine.options == OcrOptions(languages="deu", min_confidence=0.7)
    assert options.languages == (Language.FRENCH,)


def test_what_was_started_keeps_its_options(recogniser, note):
    with OcrEngine(workers=1) as engine:
        futures = []
        for code in ("fra", "deu", "jpn"):
            engine.language = code
            futures.append(engine.process_async(note("page")))
        engine.options = OcrOptions(languages="pol")
        concurrent.futures.wait(futures, timeout=LONG)
    languages = [options.languages[0].code for options in recogniser.options]
    assert languages == ["fra", "deu", "jpn"]


def test_engines_share_the_workers(recogniser, note):
    pixels = note("page")
    futures = [OcrEngine().process_async(pixels) for _ in range(40)]
    assert not concurrent.futures.wait(futures, timeout=LONG).not_done
    assert len(recogniser.threads) == 40
    assert len(set(recogniser.threads)) <= usable_cpus()


@pytest.mark.parametrize("own", [{"workers": 1}, {"memory": 10**9}])
def test_workers_of_its_own(recogniser, note, own):
    with OcrEngine(**own) as first:
        for engine in (first, OcrEngine()):
            engine.process(note("page"))
    mine, shared = recogniser.threads
    assert mine is not shared
    assert not mine.is_alive()
    assert shared.is_alive()


@pytest.mark.parametrize("value", [0, -1, 2.5, "2", True])
@pytest.mark.parametrize("name", ["workers", "memory"])
def test_no_workers_and_no_memory_are_refused(name, value):
    with pytest.raises(OcrOptionError, match=f"{name} must be .* at least 1, got {value!r}"):
        OcrEngine(**{name: value})


def test_a_closed_engine_reads_nothing_more(samples):
    for engine in (OcrEngine(), OcrEngine(workers=1)):
        engine.close()
        engine.close()
        for begin in (engine.process_async, engine.process, engine.stream):
            with pytest.raises(OcrEngineError, match="closed"):
                begin(samples / "small.png")


def test_closing_an_engine_leaves_the_others_alone(samples):
    other = OcrEngine().process_async(samples / "small.png")
    with OcrEngine() as engine:
        mine = engine.process_async(samples / "small.png")
    assert mine.cancelled() or mine.done()
    assert other.result().text


def test_a_forgotten_engine_ends_what_it_began_and_then_its_threads(samples):
    def workers() -> int:
        return sum(thread.name == "ocrloom-worker" for thread in threading.enumerate())

    before = workers()
    future = OcrEngine(workers=1).process_async(samples / "small.png")
    gc.collect()
    assert future.result().text
    deadline = time.monotonic() + 30
    while workers() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers() <= before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_after_reading_began_is_told_so(samples):
    code = f"""
import os, sys
import ocrloom as ocr
path = {str(samples / "small.png")!r}
engine = ocr.OcrEngine()
engine.process(path)
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    engine.process(path)
except ocr.OcrEngineError as error:
    os._exit(7 if "spawn" in str(error) else 8)
os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 7, done.stderr


def test_closing_leaves_shared_workers_alone(note):
    with OcrEngine() as engine:
        assert engine.process(note("inside")).text == "inside"
    assert OcrEngine().process(note("outside")).text == "outside"


# Many at once


WORDS = [f"{word} {number}" for number in range(130, 140) for word in (*("loom", "paper", "yarn"),)]


async def tutorial(source):
    """The tutorial's way: an engine for every call."""
    engine = ocrloom.OcrEngine()
    engine.language = ocrloom.Language.ENGLISH
    future = engine.process_async(ocrloom.Image.load(source))
    await asyncio.sleep(0)
    return (await future).text


def test_fifty_calls_at_once_each_get_their_own_text(note):
    texts = (WORDS * 2)[:50]

    async def main():
        return await asyncio.gather(*(tutorial(note(text)) for text in texts))

    assert asyncio.run(main()) == texts


def test_failures_stay_with_their_own_call(note, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    sources = [note("first"), broken, note("second"), tmp_path / "missing.png"]

    async def main():
        calls = (tutorial(source) for source in sources)
        return await asyncio.gather(*calls, return_exceptions=True)

    first, damaged, second, missing = asyncio.run(main())
    assert (first, second) == ("first", "second")
    assert (type(damaged), type(missing)) == (OcrFormatError, OcrSourceNotFound)


def test_two_documents_at_once_read_as_each_alone(engine, scan, reading):
    names = ("french.png", "table.png", "french.png", SMALL)

    async def main():
        return await asyncio.gather(*(engine.process_async(scan(name)) for name in names))

    assert asyncio.run(main()) == [reading(name) for name in names]


def test_one_engine_in_several_event_loops(engine, note):
    found = {}

    def loop(text):
        found[text] = asyncio.run(awaited(engine, note(text))).text

    threads = [threading.Thread(target=loop, args=(text,)) for text in WORDS[:6]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert found == {text: text for text in WORDS[:6]}


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_cancelling_frees_the_worker(scan, note, how):
    with OcrEngine(workers=1) as engine:
        future = engine.process_async(scan("book.tif"))

        async def main():
            await asyncio.to_thread(running, future)
            if how == "cancel":
                assert future.cancel()
            else:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(future, 0.01)
            return await engine.process_async(note("free again"))

        assert asyncio.run(main()).text == "free again"
        assert future.cancelled()
        assert not future.running()


# Pages


def test_frames_become_pages_in_order(reading, truth, cer):
    result = reading("book.tif")
    assert [page.number for page in result.pages] == [1, 2, 3]
    for page, text in zip(result.pages, truth("book.tif").split("\f"), strict=True):
        assert cer(text, page.text) < 0.02
        assert (page.width, page.height, page.dpi) == (1276, 2055, (300, 300))
    assert result.text.count("\f") == 2


@pytest.mark.parametrize(
    "pixels",
    [np.full((1200, 850), 255, np.uint8), np.zeros((400, 300), np.uint8), np.ones((1, 1), bool)],
    ids=["white", "black", "one pixel"],
)
def test_a_page_without_text_is_empty(engine, pixels):
    (page,) = engine.process(pixels).pages
    assert (page.text, page.blocks, page.rotation) == ("", (), 0)
    assert (page.height, page.width) == pixels.shape


def test_a_blank_scan_is_an_empty_result(reading):
    result = reading("blank.png")
    assert (result.text, result.confidence, len(result.pages)) == ("", 0.0, 1)


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_no_text_and_no_error(engine, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (500, 400), np.uint8)
    assert len(engine.process(noise).text) < 20


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (12, 12), (5, 900), (33, 2)])
def test_odd_shapes_do_no_harm(engine, shape):
    pixels = np.full(shape, 255, np.uint8)
    pixels[shape[0] // 2, shape[1] // 2] = 0
    assert engine.process(pixels).text == ""


@pytest.mark.parametrize("name", ["palette.gif", SMALL, "grey16.tif", "book.tif", "colour.png"])
def test_pages_that_others_find_empty(reading, truth, cer, name):
    assert cer(truth(name), reading(name).text) < 0.02


@pytest.mark.parametrize("name", ["report.png", "receipt.jpg", "skewed.png", "turned.jpg"])
def test_words_lie_on_the_page_and_on_ink(scan, reading, name):
    (page,) = reading(name).pages
    grey = cv2.imread(str(scan(name)), cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (page.height, page.width)
    ink = cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 51, 15)
    for word in page.words:
        polygon = np.array(word.polygon)
        assert (polygon >= -0.5).all()
        assert (polygon <= (page.width + 0.5, page.height + 0.5)).all()
        mask = np.zeros_like(ink)
        cv2.fillConvexPoly(mask, np.rint(polygon).astype(np.int32), 1)
        assert ink[mask > 0].mean() > 0.05, word
        assert 0 <= word.confidence <= 1
        assert word.recogniser == "pp-ocrv6-small"
        assert word.text == word.text.strip() != ""


@pytest.mark.parametrize(("name", "skew"), [("skewed.png", 2.5), ("letter.tif", 0.6)])
def test_the_skew_is_measured(reading, name, skew):
    (page,) = reading(name).pages
    assert page.skew == pytest.approx(skew, abs=0.15)
    (left, top), (right, end) = max(page.lines, key=lambda line: len(line.text)).polygon[:2]
    assert math.degrees(math.atan2(end - top, right - left)) == pytest.approx(skew, abs=0.3)


@pytest.mark.parametrize(("name", "rotation"), [("turned.jpg", 90), ("upside.png", 180)])
def test_turned_scans_are_found(reading, name, rotation):
    assert reading(name).pages[0].rotation == rotation


# Bad input


def write(data):
    def make(folder):
        path = folder / "scan.png"
        path.write_bytes(data)
        return path

    return make


def folder_itself(folder):
    return folder


def missing(folder):
    return folder / "missing.png"


def fifo(folder):
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def device(_folder):
    return Path(os.devnull)


def half(kind, **options):
    whole = encoded(grey_page(200, 150), kind, **options)
    return write(whole[: len(whole) // 2])


HUGE_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + png_chunk(b"IHDR", (60_000).to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0]))
    + png_chunk(b"IDAT", b"x")
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
BAD = [
    pytest.param(missing, OcrSourceNotFound, "no such file", id="missing"),
    pytest.param(folder_itself, OcrSourceIsDirectory, "a folder", id="folder"),
    pytest.param(write(b""), OcrSourceEmpty, "0 bytes", id="empty"),
    pytest.param(write(b"Dear Sir,\n"), OcrFormatError, "plain text", id="text"),
    pytest.param(write(b"%!PS-Adobe-3.0 EPSF-3.0\n"), OcrFormatError, "EPS", id="EPS"),
    pytest.param(half("PNG"), OcrDamagedImage, "PNG", id="half PNG"),
    pytest.param(half("JPEG"), OcrDamagedImage, "JPEG", id="half JPEG"),
    pytest.param(half("TIFF"), OcrDamagedImage, "TIFF", id="half TIFF"),
    pytest.param(half("TIFF", compression="tiff_lzw"), OcrDamagedImage, "TIFF", id="half LZW"),
    pytest.param(write(HUGE_PNG), OcrImageTooLarge, "60000", id="60000 x 60000"),
    pytest.param(fifo, OcrSourceNotAFile, "FIFO", id="FIFO", marks=posix),
    pytest.param(device, OcrSourceNotAFile, "device", id="device", marks=posix),
]


@pytest.mark.parametrize(("make", "error", "said"), BAD)
def test_bad_input_has_its_own_error(engine, note, tmp_path, make, error, said):
    path = make(tmp_path)
    with pytest.raises(error, match=said) as blocking:
        engine.process(path)
    with pytest.raises(error) as awaiting:
        asyncio.run(awaited(engine, str(path)))
    assert type(blocking.value) is type(awaiting.value) is error
    assert str(blocking.value) == str(awaiting.value)
    assert str(path) in str(blocking.value)
    assert engine.process(note("still alive")).text == "still alive"


@posix
@pytest.mark.skipif(os.geteuid() == 0 if os.name == "posix" else True, reason="root reads all")
def test_a_file_without_permission(engine, tmp_path):
    path = write(b"x")(tmp_path)
    path.chmod(0)
    with pytest.raises(OcrSourceUnreadable, match="permissions"):
        engine.process(path)


@pytest.mark.parametrize("source", [None, 5, object(), ["scan.png"], np.zeros((2, 2, 2, 2))])
def test_what_is_no_source(engine, source):
    with pytest.raises(OcrOptionError):
        engine.process(source)


def test_the_engines_limits_are_obeyed(note):
    pixels = encoded(note("too large"), "PNG")
    for limits, said in ((Limits(max_pixels=100), "100"), (Limits(max_bytes=100), "100")):
        with pytest.raises(OcrImageTooLarge, match=said):
            OcrEngine(options=OcrOptions(limits=limits)).process(pixels)


def test_a_damaged_frame_fails_alone(engine, tmp_path):
    frames = [PIL.Image.fromarray(grey_page(300, 200)) for _ in range(2)]
    path = tmp_path / "two.tif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[:-40_000])
    result = engine.process(path)
    assert [page.number for page in result.pages] == [1]
    (failure,) = result.failures
    assert isinstance(failure.error, OcrDamagedImage)
    assert failure.message.startswith(f"{path}, frame 2: ")


@pytest.mark.parametrize(
    ("language", "name"),
    [
        (Language.VIETNAMESE, "Vietnamese"),
        ("vie", "Vietnamese"),
        ("eng+rus", "Russian"),
        ([Language.KOREAN], "Korean"),
    ],
)
@pytest.mark.usefixtures("no_language_data")
def test_a_language_that_is_not_installed(note, language, name):
    engine = OcrEngine(language=language)
    with pytest.raises(OcrLanguageNotInstalled) as caught:
        engine.process_async(note("page"))
    assert f"ocrloom languages add {Language.parse(name).code}" in str(caught.value)
    assert str(caught.value).startswith(f"{name}: expected the recogniser Tesseract")
    engine.language = "eng"
    assert engine.process(note("page")).text == "page"


# Shapes


def lines_of_text(width, height, places):
    """A white page with a short text at each place, and the texts."""
    page = PIL.Image.new("L", (width, height), 255)
    draw = PIL.ImageDraw.Draw(page)
    font = PIL.ImageFont.load_default(26)
    texts = [f"piece number {number} here" for number in range(len(places))]
    for place, text in zip(places, texts, strict=True):
        draw.text(place, text, 0, font=font)
    return np.asarray(page), texts


@pytest.mark.parametrize(
    ("width", "height", "places"),
    [
        (900, 16000, [(60, y) for y in range(60, 15900, 160)]),
        (24000, 160, [(x, 60) for x in range(60, 23500, 480)]),
        (6500, 8000, [(x, y) for y in range(60, 7900, 700) for x in range(60, 6000, 700)]),
    ],
    ids=["long", "wide", "large"],
)
def test_nothing_is_lost_on_pages_of_unusual_shape(width, height, places):
    pixels, texts = lines_of_text(width, height, places)
    found = OcrEngine(language="eng").process(pixels).text
    assert [text for text in texts if text not in found] == []


@pytest.mark.parametrize("shape", [(1, 1), (33, 2), (2, 33), (3000, 12), (12, 3000), (64, 64, 3)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_pages_of_one_colour_have_no_text(shape, level):
    assert OcrEngine().process(np.full(shape, level, np.uint8)).text == ""


def test_a_foreign_error_becomes_ours(monkeypatch):
    def fail(*_):
        raise cv2.error("out of something")

    monkeypatch.setattr(ocrloom.reading, "read_page", fail)
    with pytest.raises(OcrEngineError, match=r"page 1 of 64 × 64 pixels .* out of something"):
        OcrEngine().process(np.full((64, 64), 255, np.uint8))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_fork_before_reading_reads(samples):
    code = f"""
import os, sys
import ocrloom as ocr
path = {str(samples / "small.png")!r}
engine = ocr.OcrEngine()
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
texts = [engine.process(path).text for _ in range(2)]
os._exit(0 if texts[0] and texts[0] == texts[1] else 1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
