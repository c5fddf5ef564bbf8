"""The plugin for OCRmyPDF."""

from __future__ import annotations

import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pikepdf
import PIL.Image
import pytest
from pdf_files import scans
from pdf_readers import pdfminer

WORDS = "The harbour was quiet"

ocrmypdf = pytest.importorskip("ocrmypdf", reason="the plugin is for those who have OCRmyPDF")


@pytest.fixture(scope="module")
def plugin():
    from ocrloom.ocrmypdf import get_ocr_engine

    return get_ocr_engine(SimpleNamespace(ocr_engine="auto"))


@pytest.fixture
def options():
    return SimpleNamespace(languages=["eng"], ocr_engine="auto")


@pytest.fixture
def picture(tmp_path, note):
    """A drawn line as a file, turned by quarters."""

    def draw(quarters=0):
        path = tmp_path / "page.png"
        PIL.Image.fromarray(np.rot90(note(WORDS), quarters)).save(path, dpi=(200, 200))
        return path

    return draw


def test_another_engine_may_be_asked_for():
    from ocrloom.ocrmypdf import get_ocr_engine

    assert get_ocr_engine(SimpleNamespace(ocr_engine="none")) is None
    assert get_ocr_engine(None) is not None


def test_it_knows_the_languages_by_all_their_codes(plugin, options):
    assert {"eng", "deu", "chi_sim", "fra"} <= plugin.languages(options)
    assert plugin.version() in str(plugin)
    assert plugin.creator_tag(options).startswith("ocrloom ")


def test_a_page_becomes_a_tree(plugin, options, picture):
    element, text = plugin.generate_ocr(picture(), options, 4)
    assert text == WORDS
    assert (element.page_number, element.dpi) == (4, pytest.approx(200, abs=0.1))
    (line,) = element.lines
    assert [word.text for word in line.words] == WORDS.split()
    assert all(
        line.bbox.left - 1 <= word.bbox.left < word.bbox.right <= line.bbox.right + 1
        for word in line.words
    )
    assert all(0 < word.confidence <= 1 for word in line.words)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_turned_page_is_found(plugin, options, picture, quarters):
    # Turned against the clock by so many quarters, which is clockwise by the rest.
    found = plugin.get_orientation(picture(quarters), options)
    assert found.angle == -90 * quarters % 360
    assert found.confidence > 14


def test_an_empty_page_is_turned_nowhere(plugin, options, tmp_path):
    path = tmp_path / "blank.png"
    PIL.Image.new("L", (200, 200), 255).save(path)
    assert plugin.get_orientation(path, options).confidence == 0
    assert plugin.get_deskew(path, options) == 0
    element, text = plugin.generate_ocr(path, options)
    assert (element.words, text) == ([], "")


def test_text_is_written_as_hocr_and_as_a_layer(plugin, options, picture, tmp_path):
    source = picture()
    hocr, pdf, text = tmp_path / "a.hocr", tmp_path / "a.pdf", tmp_path / "a.txt"
    plugin.generate_hocr(source, hocr, text, options)
    assert text.read_text("utf-8") == WORDS
    assert "ocrx_word" in hocr.read_text("utf-8")
    plugin.generate_pdf(source, pdf, text, options)
    assert pdfminer(pdf) == WORDS
    with pikepdf.open(pdf) as made, PIL.Image.open(source) as drawn:
        sides = [float(side) * 200 / 72 for side in made.pages[0].mediabox[2:]]
        assert sides == pytest.approx(drawn.size, abs=0.2)


def test_an_error_is_one_that_ocrmypdf_knows(plugin, options, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(ocrmypdf.exceptions.SubprocessOutputError, match=r"broken\.png"):
        plugin.generate_ocr(path, options)


@pytest.mark.skipif(not shutil.which("tesseract"), reason="OCRmyPDF insists on this program")
@pytest.mark.parametrize("renderer", ["sandwich"])
def test_ocrmypdf_uses_it(tmp_path, note, renderer):
    source, target = tmp_path / "in.pdf", tmp_path / "out.pdf"
    turned = np.rot90(note("Other words here"))
    source.write_bytes(scans([note(WORDS), turned], dpi=200))
    arguments = ("--output-type", "pdf", "--rotate-pages", "--pdf-renderer", renderer, "-q")
    command = [sys.executable, "-m", "ocrmypdf", "--plugin", "ocrloom.ocrmypdf", *arguments]
    done = subprocess.run(
        [*command, str(source), str(target)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    import pypdfium2

    document = pypdfium2.PdfDocument(target)
    texts = [page.get_textpage().get_text_bounded().split() for page in document]
    rotations = [page.get_rotation() for page in document]
    document.close()
    assert texts == [WORDS.split(), ["Other", "words", "here"]]
    assert rotations[0] == 0
