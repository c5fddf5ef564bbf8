"""The benchmark of the exports."""

import pytest
from PIL import Image
from results import page, table, word
from test_benchmarks import drawn, row
from test_benchmarks_inside import folder, notes, run  # noqa: F401

from benchmarks import exports, tables
from benchmarks.order import silent
from ocrloom import OcrEngine, OcrResult
from ocrloom.formats import FORMATS


@pytest.fixture
def read(monkeypatch):
    """Every source has a table, and is read at once."""
    blocks = page(word("Été")).blocks
    result = OcrResult(pages=(page(blocks=[*blocks, table(["a", "b"])]),), source="x.tif")
    asked = []
    monkeypatch.setattr(OcrEngine, "process", lambda self, source: asked.append(source) or result)
    return asked


def test_every_format_is_timed_in_every_round(read, notes):  # noqa: F811
    steps = []
    found = exports.measure("eng", notes[0], 3, steps.append)
    assert read == [notes[0]] * 2
    assert len(steps) == 2 + 1 + 3
    assert [each.format for each in found.formats] == list(FORMATS)
    assert (found.pages, found.words, found.failed) == (1, 3, 0)
    for each in found.formats:
        assert each.error is None, each
        assert len(each.seconds) == 3
        assert each.bytes > 0
    assert 0 < found.together < sum(sum(each.seconds) for each in found.formats)


def test_what_cannot_be_held_is_no_time(monkeypatch, notes):  # noqa: F811
    result = OcrResult(pages=(page(word("text")),))
    monkeypatch.setattr(OcrEngine, "process", lambda self, source: result)
    found = {each.format: each for each in exports.measure("auto", notes[0], 1, silent).formats}
    assert found["csv"].seconds == ()
    assert "found none on 1 page" in found["csv"].error
    assert len(found["hocr"].seconds) == 1


def test_a_book_has_all_pages_without_loss(tmp_path):
    kinds = {"1": 1, "L": 100, "RGB": (1, 2, 3), "RGBA": (1, 2, 3, 255), "P": 0}
    paths = []
    for mode, colour in kinds.items():
        paths.append(tmp_path / f"{mode}.png")
        Image.new(mode, (40, 30), colour).save(paths[-1], dpi=(200, 200))
    with Image.open(exports.write_book(paths, tmp_path / "book.tif")) as book:
        assert book.n_frames == len(kinds)
        found = []
        for number in range(book.n_frames):
            book.seek(number)
            assert book.size == (40, 30)
            assert book.info["dpi"] == pytest.approx((200, 200), abs=0.1)
            found.append((book.mode, book.getpixel((3, 3))))
    assert found == [
        *(("1", 255), ("L", 100), ("RGB", (1, 2, 3)), ("RGB", (1, 2, 3)), ("RGB", (0, 0, 0)))
    ]


def test_exports_table():
    made = (
        exports.Export("txt", (0.1, 0.3, 0.2), 1024**2, None),
        exports.Export("csv", (), 0, "no table"),
        exports.Export("pdf", (0.3, 0.3, 0.3), 5 * 1024**2, None),
    )
    text = drawn(tables.exports_table(exports.Exports(100, 30_000, 50.0, made, 1, "broken")))
    assert "100 pages, 30,000 words" in text
    assert row(text, "txt")[1:4] == ["200.0", "1.00", "0.400"]
    assert row(text, "csv")[1:5] == ["–", "–", "–", "no table"]
    assert row(text, "all formats")[1:4] == ["500.0", "–", "1.000"]
    assert row(text, "recognition")[1:5] == ["50000.0", "–", "100.000", "1 failed: broken"]


def test_exports_command(read, folder):  # noqa: F811
    text, found = run("exports", folder, "--pages", "2", "--rounds", "1")
    assert row(text, "hocr")
    assert "2 pages in one TIFF" in text
    assert [each["format"] for each in found["exports"]["formats"]] == list(FORMATS)
