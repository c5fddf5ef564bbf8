"""The command ``plan``, the flags for PDFs, and what is planned of sources that are no PDFs."""

import json

import numpy as np
import pdf_files as made
import PIL.Image
import pytest
from documents import frames

from ocrloom import Image, Language, OcrOptions, PageFailure, PdfOptions
from ocrloom.cli import app
from ocrloom.engine.planning import missing_recognisers, plan_pages
from ocrloom.languages import Script
from ocrloom.scheduling.cpus import usable_cpus

TEXT = made.lines(made.PARAGRAPH)
BOOK = made.pdf_of(TEXT, b"0 0 9 9 re f", b"")


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.pdf"
    path.write_bytes(BOOK)
    return path


@pytest.fixture
def tiff(tmp_path):
    path = tmp_path / "three.tif"
    path.write_bytes(frames(3, size=(2000, 1000)))
    return path


def plans(source, **options):
    options = OcrOptions(**options)
    return list(plan_pages(Image.load(source, pdf=options.pdf), options))


# --- what is planned --------------------------------------------------------------------------


def test_pages_are_planned_as_they_would_be_read():
    one, two, three = plans(BOOK)
    assert [page.needs_ocr for page in (one, two, three)] == [False, True, False]
    assert one.reason == "it has text of its own"
    assert one.scripts == (Script.LATIN,)
    assert (two.reason, two.scripts, two.dpi) == ("no text", (), (300, 300))
    assert (two.width, two.height, two.megapixels) == (2550, 3300, 8.415)
    assert two.seconds > one.seconds > 0
    (only,) = plans(BOOK, pages="2", pdf=PdfOptions(dpi=100, text_layer="ignore"))
    assert (only.number, only.width) == (2, 850)


def test_pictures_are_planned_by_their_headers(monkeypatch):
    monkeypatch.setattr("ocrloom.image.tiff.TiffReader.read", lambda *_: pytest.fail("decoded"))
    pages = plans(frames(3, size=(2000, 1000)))
    assert [page.number for page in pages] == [1, 2, 3]
    assert {(page.width, page.height, page.reason) for page in pages} == {
        (2000, 1000, "it is a picture")
    }


def test_a_page_that_cannot_be_read_is_a_failure_beside_the_others():
    pages = plans(made.pdf_of(b"0 0 9 9 re f", box=(0, 0, 14400, 14400)))
    (failure,) = pages
    assert isinstance(failure, PageFailure)
    assert failure.kind == "OcrImageTooLarge"


@pytest.mark.usefixtures("no_language_data")
def test_what_cannot_be_read_is_said():
    assert missing_recognisers([Language.ENGLISH, Language.AUTO], [Script.LATIN]) == {}
    assert missing_recognisers([Language.GREEK], []) == {"Greek": ("tesseract",)}
    assert missing_recognisers([], [Script.ARABIC]) == {"the script Arab": ("tesseract",)}


@pytest.mark.parametrize(
    ("kind", "dpi"), [("PNG", 200), ("JPEG", 200), ("TIFF", 200), ("BMP", 200), ("GIF", None)]
)
def test_the_extent_is_that_of_the_frame(kind, dpi, tmp_path):
    path = tmp_path / "picture"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6 if kind == "JPEG" else 1
    options = {"dpi": (200, 200)} if dpi else {}
    options |= {"exif": exif} if kind == "JPEG" else {}
    PIL.Image.new("L", (60, 40), 255).save(path, kind, **options)
    with Image.load(path).open() as reader:
        extent, frame = reader.extent(1), reader.read(1)
    assert (extent.width, extent.height) == frame.full_size
    assert extent.dpi == frame.dpi
    assert extent.dpi == (dpi and pytest.approx((dpi, dpi), rel=0.01))
    with Image.load(path).thumbnail((9, 9)).open() as reader:
        assert reader.extent(1) == extent


@pytest.mark.parametrize(
    "source", [np.zeros((40, 60), np.uint8), PIL.Image.new("L", (60, 40))], ids=["array", "PIL"]
)
def test_what_is_in_memory_has_an_extent(source):
    with Image.load(source).open() as reader:
        extent = reader.extent(1)
    assert (extent.width, extent.height, extent.dpi) == (60, 40, None)


# --- the command ------------------------------------------------------------------------------


def test_a_table_of_the_pages(run, book, tiff):
    code, out, err = run("plan", book, tiff)
    assert code == 0
    header, *rows = out.splitlines()
    assert header.split() == ["File", "Page", "OCR", "Why", "Megapixels", "dpi", "Script"]
    cells = [row.removeprefix(f"{book}").removeprefix(f"{tiff}").split() for row in rows]
    assert [(row[0], row[1]) for row in cells] == [
        *(("1", "no"), ("2", "yes"), ("3", "no")),
        *(("1", "yes"), ("2", "yes"), ("3", "yes")),
    ]
    assert cells[0][-3:] == ["8.4", "300", "Latn"]
    assert cells[3][-3:] == ["2.0", "-", "-"]
    assert err.startswith("4 pages of 6 would be recognised; an estimate of the time: 0:00:0")


def test_where_there_is_no_page_there_is_no_estimate(run, tmp_path):
    missing = tmp_path / "missing.pdf"
    said = f"ocrloom: {missing}: no such file; check the name and the folder\n"
    assert run("plan", missing) == (11, "", said)


@pytest.mark.usefixtures("no_language_data")
def test_a_plan_for_programs(run, book):
    code, out, err = run("plan", "--json", "--pages", "2-", "-l", "ell", book)
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert (plan["pages"], plan["needs_ocr"]) == (2, 1)
    assert plan["missing_recognisers"] == {"Greek": ["tesseract"]}
    (file,) = plan["files"]
    assert (file["source"], file["error"], file["failures"]) == (str(book), None, [])
    second = file["pages"][0]
    seconds = second.pop("estimated_seconds")
    assert second == {
        "number": 2,
        "needs_ocr": True,
        "reason": "no text",
        "width": 2550,
        "height": 3300,
        "megapixels": 8.41,
        "dpi": [300.0, 300.0],
        "scripts": [],
    }
    assert plan["estimated_seconds"] >= round(seconds / usable_cpus(), 1) > 0


def test_nothing_is_recognised(run, book, monkeypatch):
    monkeypatch.setattr("ocrloom.reading.read_frame", lambda *_: pytest.fail("recognised"))
    assert run("plan", book)[0] == 0


def test_bad_files_are_told_as_read_tells_them(run, book, tmp_path):
    missing = tmp_path / "missing.tif"
    code, out, err = run("plan", missing, book)
    assert code == 11
    assert str(book) in out
    assert f"ocrloom: {missing}: no such file" in err
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(made.encrypted(BOOK, user="geheimnis"))
    code, out, err = run("plan", secret)
    assert (code, out) == (24, "")
    assert "is encrypted and needs a password" in err
    assert run("plan", secret, missing, book)[0] == 1
    code, _, err = run("plan", book, "--pages", "4")
    assert code == 30
    assert "it has 3 pages" in err


def test_a_bad_page_is_one_among_others(run, tmp_path):
    path = tmp_path / "plan.pdf"
    path.write_bytes(made.pdf_of(b"0 0 9 9 re f", TEXT, box=(0, 0, 14400, 14400)))
    code, out, err = run("plan", path)
    assert code == 23
    assert len(out.splitlines()) == 2
    assert f"{path}, page 1: 200 × 200 inches" in err


def test_standard_input_can_be_planned(run, monkeypatch, book):
    with book.open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file}))
        code, out, _ = run("plan", "-")
    assert code == 0
    assert out.splitlines()[1].startswith("<stdin>  1     no")


# --- flags for PDFs ---------------------------------------------------------------------------


def test_flags_of_read_reach_the_pdf(run, book):
    assert run("read", "--pages", "1", book)[1] == "\n".join(made.PARAGRAPH) + "\n"
    assert run("read", "--pages", "1,3", "--text-layer", "only", book)[1].endswith("\f\n")
    code, _, err = run("read", "--text-layer", "never", book)
    assert code == 2
    assert "--text-layer" in err
    code, _, err = run("read", "--dpi", "5", book)
    assert code == 30
    assert "dpi must be a whole number from 10 to 2400, got 5" in err


def test_a_password_comes_from_the_environment(run, tmp_path, monkeypatch):
    path = tmp_path / "secret.pdf"
    path.write_bytes(made.encrypted(BOOK, user="geheimnis"))
    assert run("read", path)[0] == 24
    monkeypatch.setenv("OCRLOOM_PASSWORD", "geheimnis")
    assert run("read", "--pages", "1", path)[1] == "\n".join(made.PARAGRAPH) + "\n"
    assert run("read", "--password", "wrong", path)[0] == 24


def test_every_command_that_reads_has_the_flags_of_the_options():
    import typer.main

    commands = typer.main.get_command(app.app).commands
    for name in ("read", "plan"):
        names = {option for each in commands[name].params for option in each.opts}
        assert {"--pages", "--password", "--dpi", "--text-layer", "--max-pixels"} <= names
