"""``ocrloom pdf``: what it writes, what it says and how it ends."""

from __future__ import annotations

import io
import signal
import sys
import threading
import time

import pikepdf
import PIL.Image
import pytest
from documents import frames
from pdf_files import encrypted, form, lines, scan, with_text
from pdf_readers import pdfminer

import ocrloom
from ocrloom import OcrDamagedImage
from ocrloom.pdf import Verification

WORDS = "The harbour was quiet"
EARLIER = "earlier"


@pytest.fixture
def drawn(tmp_path, note):
    """A PNG of one line of text."""
    path = tmp_path / "page.png"
    PIL.Image.fromarray(note(WORDS)).save(path, dpi=(200, 200))
    return path


@pytest.fixture
def scanned(tmp_path, note):
    """A PDF of one scan."""
    path = tmp_path / "scan.pdf"
    path.write_bytes(scan(note(WORDS)))
    return path


def test_one_pdf_is_made_of_images_and_pdfs(run, tmp_path, drawn, scanned):
    target = tmp_path / "out.pdf"
    assert run("pdf", drawn, scanned, "-o", target) == (0, "", "")
    assert pdfminer(target).split("\n\n") == [WORDS, f"\f{WORDS}"]


def test_the_file_may_be_named_by_its_folder(run, tmp_path, drawn):
    assert run("pdf", drawn, "-o", f"{tmp_path}/made/") == (0, "", "")
    assert pdfminer(tmp_path / "made" / "page.pdf") == WORDS


def test_verification_is_reported(run, tmp_path, drawn):
    code, out, err = run("pdf", "--verify", drawn, "-o", tmp_path / "out.pdf")
    assert (code, err) == (0, "")
    assert out.startswith(f"{tmp_path / 'out.pdf'}: 1 page, 4 of 4 words found again (100 %), ")


def test_pages_for_review_are_told_of(run, tmp_path, drawn, scanned, monkeypatch):
    monkeypatch.setattr("ocrloom.reading.calibrated", lambda word: 0.5)
    code, out, err = run("pdf", "--min-quality", "0.9", drawn, scanned, "-o", tmp_path / "o.pdf")
    assert (code, out) == (0, "")
    assert err == f"ocrloom: 2 of 2 pages are to be reviewed: {drawn}, {scanned}\n"


def test_too_few_words_found_again_are_an_error(run, tmp_path, drawn, monkeypatch):
    lost = Verification(words=100, found=98, errors=(0.5,) * 98)
    monkeypatch.setattr(ocrloom.pdf.PdfWriter, "verify", lambda _: lost)
    code, out, err = run("pdf", "--verify", drawn, "-o", tmp_path / "out.pdf")
    assert code == 60
    assert "98 of 100 words found again (98 %)" in out
    assert "98 % of the words were found in the PDF, expected 99 % at least" in err
    assert (tmp_path / "out.pdf").exists()


def test_standard_streams_are_inputs_and_outputs(tmp_path, drawn):
    import subprocess

    command = [sys.executable, "-m", "ocrloom", "pdf", "-", "-o", "-"]
    done = subprocess.run(
        command, input=drawn.read_bytes(), capture_output=True, timeout=120, check=True
    )
    assert done.stderr == b""
    path = tmp_path / "out.pdf"
    path.write_bytes(done.stdout)
    assert pdfminer(path) == WORDS


def test_a_bad_file_does_not_stop_the_others(run, tmp_path, drawn):
    target = tmp_path / "out.pdf"
    missing = tmp_path / "missing.png"
    code, out, err = run("pdf", missing, drawn, "-o", target)
    assert (code, out) == (11, "")
    assert err.splitlines() == [
        f"ocrloom: {missing}: no such file; check the name and the folder",
        f"ocrloom: 1 of 2 files read; failed: {missing}",
    ]
    assert pdfminer(target) == WORDS


def test_where_nothing_can_be_read_nothing_is_written(run, tmp_path):
    missing = tmp_path / "missing.png"
    code, out, err = run("pdf", missing, "-o", tmp_path / "out.pdf")
    assert (code, out) == (11, "")
    assert err.splitlines() == [
        f"ocrloom: {missing}: no such file; check the name and the folder",
        "ocrloom: no page could be read, so no PDF is written",
    ]
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_read_is_there_without_text(run, tmp_path, recogniser):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(3, size=(50, 50)))
    recogniser.errors[2] = OcrDamagedImage(f"{source}, frame 2: broken")
    code, out, err = run("pdf", source, "-o", tmp_path / "out.pdf")
    assert (code, out) == (22, "")
    assert err.splitlines() == [
        f"ocrloom: {source}, frame 2: broken",
        f"ocrloom: {source}: page 2 is in the PDF without text",
        f"ocrloom: 2 of 3 pages read; failed: {source} (page 2)",
    ]
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert len(pdf.pages) == 3


def test_a_page_that_cannot_be_had_at_all_is_told(run, tmp_path, recogniser):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(3, damaged=[2], size=(50, 50)))
    code, _, err = run("pdf", source, "-o", tmp_path / "out.pdf")
    assert code == 22
    assert f"ocrloom: {source}: page 2 is not in the PDF" in err.splitlines()
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert len(pdf.pages) == 2


def test_a_failure_is_told_once(run, tmp_path, recogniser):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(1, size=(50, 50)))
    recogniser.errors[1] = OcrDamagedImage(f"{source}, frame 1: broken")
    code, out, err = run("pdf", source, "-o", tmp_path / "out.pdf")
    assert (code, out) == (22, "")
    assert err.splitlines() == [
        f"ocrloom: {source}, frame 1: broken",
        "ocrloom: no page could be read, so no PDF is written",
    ]


def test_what_nobody_expected_is_one_line(run, tmp_path, drawn, recogniser):
    recogniser.errors[1] = ZeroDivisionError("a mistake of ours")
    target = tmp_path / "out.pdf"
    code, _, err = run("pdf", drawn, "-o", target)
    said = "unexpected ZeroDivisionError: a mistake of ours; --verbose shows where it arose"
    assert (code, err) == (1, f"ocrloom: {said}\n")
    assert not target.exists()
    assert "Traceback" in run("pdf", "--verbose", drawn, "-o", target)[2]


def test_what_is_wrong_with_a_pdf_is_told_as_by_read(run, tmp_path, scanned):
    locked = tmp_path / "locked.pdf"
    locked.write_bytes(encrypted(scanned.read_bytes(), user="secret"))
    torn = tmp_path / "torn.pdf"
    torn.write_bytes(scanned.read_bytes()[:300])
    for source in (locked, torn):
        read = run("read", source)
        made = run("pdf", source, "-o", tmp_path / "out.pdf")
        nothing = "ocrloom: no page could be read, so no PDF is written\n"
        assert made == (read[0], "", read[2] + nothing)


def test_a_pdf_that_only_one_reader_opens_is_told_without_its_place(run, tmp_path, scanned):
    source = tmp_path / "loop.pdf"
    with pikepdf.open(scanned) as pdf:
        pdf.Root.Pages.Kids.append(pdf.Root.Pages)
        pdf.save(source)
    code, _, err = run("pdf", source, "-o", tmp_path / "out.pdf")
    assert code == 22
    said = err.splitlines()[0]
    assert said.startswith(f"ocrloom: {source}: expected a whole PDF, found a damaged one: ")
    assert said.count(str(tmp_path)) == 1


def test_nothing_added_is_nothing_to_find_again(run, tmp_path, scanned):
    target = tmp_path / "out.pdf"
    code, out, err = run("pdf", "--verify", "--text-layer", "only", scanned, "-o", target)
    assert (code, err) == (0, "")
    assert out == f"{target}: 1 page, and no text was added that could be found again\n"


def test_a_terminated_run_leaves_nothing_behind(tmp_path, drawn):
    import os
    import subprocess

    code = (
        "import signal, sys; from ocrloom.pdf import PdfWriter; from ocrloom.cli import main;"
        "PdfWriter.finish = lambda *given: (PdfWriter.make(given[0]),"
        " signal.raise_signal(signal.SIGTERM));"
        "main()"
    )
    places = tmp_path / "temporary"
    places.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, "pdf", str(drawn), "-o", str(tmp_path / "out.pdf")],
        capture_output=True,
        timeout=120,
        check=False,
        env=os.environ | {"TMPDIR": str(places)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (143, b"", b"")
    assert not list(places.iterdir())
    assert not (tmp_path / "out.pdf").exists()


def test_pages_are_chosen(run, tmp_path, recogniser):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(4, size=(50, 50)))
    assert run("pdf", "--pages", "2-3", source, "-o", tmp_path / "out.pdf") == (0, "", "")
    assert sorted(recogniser.done) == [2, 3]
    with pikepdf.open(tmp_path / "out.pdf") as pdf:
        assert len(pdf.pages) == 4


def test_a_password_opens_and_the_file_is_said_to_be_open(run, tmp_path, scanned):
    locked = tmp_path / "locked.pdf"
    locked.write_bytes(encrypted(scanned.read_bytes(), user="secret"))
    target = tmp_path / "out.pdf"
    code, out, err = run("pdf", "--password", "secret", locked, "-o", target)
    assert (code, out) == (0, "")
    assert err == f"ocrloom: {locked}: it is encrypted, and the PDF that is written is not\n"
    assert pdfminer(target) == WORDS
    target.unlink()
    code, _, err = run("pdf", locked, "-o", target)
    assert code == 24
    assert not target.exists()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [((), EARLIER), (("--skip-text",), EARLIER), (("--redo",), WORDS), (("--force",), WORDS)],
)
def test_flags_say_what_becomes_of_text_that_is_there(run, tmp_path, scanned, flags, expected):
    source = tmp_path / "in.pdf"
    # Enough of it to be a page's text.
    text = lines([" ".join([EARLIER] * 20)], left=10, top=20, size=2, mode=3)
    source.write_bytes(with_text(scanned.read_bytes(), text))
    target = tmp_path / "out.pdf"
    assert run("pdf", *flags, source, "-o", target) == (0, "", "")
    assert set(pdfminer(target).split()) == set(expected.split())


def test_text_layer_ignore_means_redo(run, tmp_path, scanned):
    source = tmp_path / "in.pdf"
    source.write_bytes(form("Smith"))
    target = tmp_path / "out.pdf"
    assert run("pdf", "--text-layer", "ignore", "--dpi", "100", source, "-o", target)[0] == 0
    assert pdfminer(target).count("committee") == 1


def test_archival_files_are_of_images(run, tmp_path, drawn, scanned):
    target = tmp_path / "out.pdf"
    assert run("pdf", "--pdfa", drawn, "-o", target) == (0, "", "")
    with pikepdf.open(target) as pdf, pdf.open_metadata() as metadata:
        assert metadata.pdfa_status == "2B"
    target.unlink()
    code, _, err = run("pdf", "--pdfa", scanned, "-o", target)
    assert code == 30
    assert "--output-type pdfa" in err
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--redo", "--force"), 30, "--redo and --force exclude each other"),
        (("-o", "page.png"), 60, "this would overwrite the input page.png"),
        (("-o", "no/out.pdf"), 60, "there is no folder no"),
        (("--pages", "7"), 30, "page 7 was asked for"),
    ],
)
def test_what_cannot_be_done_is_refused(run, tmp_path, drawn, monkeypatch, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    target = () if "-o" in arguments else ("-o", "out.pdf")
    before = drawn.read_bytes()
    found, out, err = run("pdf", "page.png", *arguments, *target)
    assert (found, out) == (code, "")
    assert said in err
    assert [each.name for each in tmp_path.iterdir()] == ["page.png"]
    assert drawn.read_bytes() == before


def test_no_later_input_is_overwritten_either(run, tmp_path, drawn, scanned):
    code, _, err = run("pdf", drawn, scanned, "-o", scanned)
    assert code == 60
    assert "would overwrite" in err


def test_a_terminal_gets_no_pdf(run, drawn, monkeypatch):
    class Terminal(io.BytesIO):
        def isatty(self):
            return True

    stream = io.TextIOWrapper(Terminal())
    monkeypatch.setattr(sys, "stdout", stream)
    code, _, err = run("pdf", drawn, "-o", "-")
    assert code == 60
    assert "a terminal, which cannot show a PDF" in err


def test_an_interrupt_leaves_nothing_and_a_rerun_goes_on(run, tmp_path, recogniser, monkeypatch):
    source = tmp_path / "a.tif"
    source.write_bytes(frames(6, size=(50, 50)))
    recogniser.hold()
    recogniser.let(1, 2)
    target, kept = tmp_path / "out.pdf", tmp_path / "kept"

    def press():
        recogniser.wait_for(3)
        while len(list(kept.rglob("*.json"))) < 2:
            time.sleep(0.001)
        signal.raise_signal(signal.SIGINT)

    # Python's own handler, whatever is set; and the main thread has to be the one that waits.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread = threading.Thread(target=press)
        thread.start()
        code, out, err = run("pdf", "--resume", kept, "--jobs", "1", source, "-o", target)
        thread.join()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert (code, out) == (130, "")
    assert err == (
        "ocrloom: interrupted: 2 pages read, no PDF written; the same command goes on from there\n"
    )
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.tif", "kept"]
    recogniser.let_all()
    recogniser.done.clear()
    assert run("pdf", "--resume", kept, source, "-o", target) == (0, "", "")
    assert sorted(recogniser.done) == [3, 4, 5, 6]
    with pikepdf.open(target) as pdf:
        assert len(pdf.pages) == 6


def test_help_loads_no_library_and_has_an_example(run_python):
    code = (
        "import sys; from ocrloom.cli import main\n"
        "try: main(['pdf', '--help'])\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'PIL', 'pikepdf', 'img2pdf', 'pypdfium2'} & set(sys.modules))"
    )
    out = run_python(code)
    assert out.strip().endswith("set()")
    assert "ocrloom pdf --verify cover.jpg book.tif -o book.pdf" in " ".join(out.split())
