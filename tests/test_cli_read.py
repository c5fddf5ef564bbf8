"""``ocrloom read``: what it reads, where it writes, what it says and how it ends."""

import errno
import io
import json
import os
import struct
import sys
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import img2pdf
import pikepdf
import PIL.Image
import pytest
import typer.main

import ocrloom.reading
from ocrloom import Limits, OcrOptions, OcrOutputError, OcrResult
from ocrloom.cli import app
from ocrloom.cli.outputs import StandardOutput
from ocrloom.fields import field_docs
from ocrloom.formats import FORMATS, json_

WORDS = "The harbour was quiet"


@pytest.fixture(scope="session")
def drawn(tmp_path_factory, note):
    """A PNG of one line of text."""
    path = tmp_path_factory.mktemp("drawn") / "page.png"
    PIL.Image.fromarray(note(WORDS)).save(path)
    return path


@pytest.fixture
def copy(tmp_path, drawn):
    """Puts a copy of the drawn page somewhere below the test's folder."""

    def place(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(drawn.read_bytes())
        return path

    return place


def huge_png():
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(60_000)))
        + chunk(b"IEND", b"")
    )


def cut_short(pixels, kind):
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


# --- what is read ---------------------------------------------------------------------------


def test_text_goes_to_standard_output(run, drawn):
    assert run("read", drawn) == (0, f"{WORDS}\n", "")


def test_json_goes_to_standard_output(run, drawn):
    code, out, err = run("read", "-f", "json", drawn)
    assert (code, err) == (0, "")
    result = json_.parse(out)
    assert result.text == WORDS
    assert result.source == str(drawn)


def test_texts_follow_each_other_in_the_order_of_the_inputs(run, tmp_path, note):
    texts = ["First", "Second", "Third", "Fourth", "Fifth", "Sixth"]
    for text in texts:
        PIL.Image.fromarray(note(text)).save(tmp_path / f"{text}.png")
    code, out, err = run("read", "--jobs", "3", *(tmp_path / f"{text}.png" for text in texts))
    assert (code, out, err) == (0, "".join(f"{text}\n" for text in texts), "")


def test_several_json_documents_are_json_lines(run, copy):
    one, two = copy("one.png"), copy("two.png")
    code, out, _ = run("read", "-f", "json", one, two)
    assert code == 0
    documents = [json.loads(line) for line in out.splitlines()]
    assert [each["source"] for each in documents] == [str(one), str(two)]


def test_standard_input_is_read(run, drawn, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(drawn.read_bytes())))
    assert run("read", "-") == (0, f"{WORDS}\n", "")


def test_standard_input_goes_into_a_folder_as_stdin(run, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(drawn.read_bytes())))
    assert run("read", "-", "-o", tmp_path) == (0, "", "")
    assert (tmp_path / "stdin.txt").read_text("utf-8") == f"{WORDS}\n"


def test_closed_standard_input_is_an_error(run, drawn, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    code, out, err = run("read", drawn, "-")
    assert (code, out) == (14, "")
    assert err == "ocrloom: standard input is closed; give a file's name instead of -\n"


def test_standard_input_is_read_only_once(run):
    code, out, err = run("read", "-", "-")
    assert (code, out) == (30, "")
    assert "only once" in err


def test_a_page_without_text_is_a_success(run, scan):
    assert run("read", scan("blank.png")) == (0, "", "")


def test_pages_are_parted_by_form_feeds(run, tmp_path, note):
    first, second = (PIL.Image.fromarray(note(text)) for text in ("First", "Second"))
    path = tmp_path / "two.tif"
    first.save(path, save_all=True, append_images=[second])
    assert run("read", path) == (0, "First\fSecond\n", "")


# --- bad input ------------------------------------------------------------------------------


@pytest.fixture
def bad(tmp_path, note):
    """Makes a bad input of a kind and gives its name."""
    pixels = note(WORDS)
    contents = {
        "empty.png": b"",
        "words.png": b"This is a letter and not a picture of one.\n" * 9,
        "drawing.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "cut.png": cut_short(pixels, "PNG"),
        "cut.jpg": cut_short(pixels, "JPEG"),
        "cut.tif": cut_short(pixels, "TIFF"),
        "huge.png": huge_png(),
    }

    def make(kind):
        if kind == "folder":
            (tmp_path / "folder").mkdir()
        elif kind == "fifo":
            os.mkfifo(tmp_path / "fifo")
        elif kind in contents:
            (tmp_path / kind).write_bytes(contents[kind])
        return Path(kind) if kind.startswith("/") else tmp_path / kind

    return make


BAD = [
    ("missing.png", 11, "no such file"),
    ("folder", 12, "a folder; give the name of one image file"),
    ("fifo", 13, "found a FIFO"),
    ("/dev/zero", 13, "found a character device"),
    ("empty.png", 15, "0 bytes"),
    ("words.png", 21, "found plain text"),
    ("drawing.eps", 21, "PostScript"),
    ("cut.png", 22, "PNG"),
    ("cut.jpg", 22, "JPEG"),
    ("cut.tif", 22, "TIFF"),
    ("huge.png", 23, "--max-pixels"),
]


@pytest.mark.parametrize(("kind", "code", "part"), BAD)
@pytest.mark.skipif(sys.platform != "linux", reason="kinds of file that other systems lack")
def test_each_bad_input_has_its_code_and_its_line(run, bad, kind, code, part):
    path = bad(kind)
    found, out, err = run("read", path)
    assert (found, out) == (code, "")
    assert err.startswith(f"ocrloom: {path}")
    assert part in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_file_without_permission_has_its_code_and_its_line(run, drawn, monkeypatch):
    real = os.open

    # The tests may run as somebody to whom no file is closed.
    def refuse(path, *rest, **named):
        if str(path) == str(drawn):
            raise PermissionError(errno.EACCES, "closed")
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    code, out, err = run("read", drawn)
    assert (code, out) == (14, "")
    assert err.startswith(f"ocrloom: {drawn}: exists but cannot be read: Permission denied")


def test_a_bad_file_does_not_stop_the_others(run, bad, drawn, tmp_path):
    missing, cut = bad("missing.png"), bad("cut.png")
    code, out, err = run("read", missing, drawn, cut, "-o", tmp_path / "out")
    assert (code, out) == (1, "")
    assert (tmp_path / "out" / "page.txt").exists()
    *lines, summary = err.splitlines()
    assert len(lines) == 2
    assert summary.startswith("ocrloom: 1 of 3 files read; failed: ")
    assert str(missing) in summary
    assert str(cut) in summary


def test_failures_of_one_kind_keep_their_code(run, bad, drawn):
    code, out, err = run("read", bad("missing.png"), drawn, bad("gone.png"))
    assert (code, out) == (11, f"{WORDS}\n")
    assert "1 of 3 files read" in err


def test_many_failures_are_not_all_named_again(run, tmp_path):
    code, _, err = run("read", *(tmp_path / f"{number}.png" for number in range(25)))
    assert code == 11
    assert err.endswith(" and 5 more\n")


def test_control_characters_in_names_stay_on_one_line(run):
    code, _, err = run("read", "a\nb\x1b[31m.png")
    assert code == 11
    assert err.startswith("ocrloom: 'a\\nb\\x1b[31m.png': no such file")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "code", "part"),
    [
        (("-l", "klingon"), 31, "unknown language 'klingon'"),
        (("-l", "engl"), 31, "did you mean"),
        (("-l", "auto+eng"), 30, "AUTO"),
        (("-l", "vie"), 40, "Tesseract"),
        (("--min-confidence", "2"), 30, "between 0 and 1"),
        (("--min-quality", "-1"), 30, "min_quality must lie between 0 and 1"),
        (("--mode", "quick"), 2, "--mode"),
        (("--region", "1,2,3"), 30, "region must be left, top, right and bottom"),
        (("--user-words", "no/such.txt"), 11, "no/such.txt: no such file"),
        (("--allowed-characters", ""), 30, "allowed_characters must leave a character"),
        (("--max-pixels", "0"), 30, "max_pixels must be a whole number of at least 1"),
        (("--max-pixels", "many"), 2, "--max-pixels"),
        (("--timeout", "0"), 30, "timeout must be a number of seconds over 0"),
        (("--memory", "much"), 2, "expected bytes, such as 512M or 2G"),
        (("--memory", "0.1"), 2, "expected bytes"),
        (("--format", "doc"), 2, "--format"),
        (("-f", "txt,"), 2, "--format"),
        (("-f", "txt,json"), 30, "standard output takes one format, got txt, json; name a folder"),
        (("-f", "hocr"), 30, "hocr cannot follow each other on standard output; name a folder"),
        (("--jobs", "0"), 2, "--jobs"),
        (("--nonsense",), 2, "--nonsense"),
    ],
)
@pytest.mark.usefixtures("no_language_data")
def test_bad_flags_are_refused_once_and_before_anything_is_read(run, drawn, flags, code, part):
    found, out, err = run("read", *flags, drawn, drawn)
    assert (found, out) == (code, "")
    assert part in err
    if code != 2:
        assert err.count("\n") == 1


def test_no_files_is_a_usage_error(run):
    code, _, err = run("read")
    assert code == 2
    assert "FILES" in err


@pytest.mark.parametrize("files", [1, 2])
def test_limits_reach_the_engine(run, drawn, files):
    code, _, err = run("read", "--max-pixels", "99", *[drawn] * files)
    assert code == 23
    assert "over the limit of 99" in err


def test_the_budget_for_memory_reaches_the_engine(run, drawn):
    code, _, err = run("read", "--memory", "1K", drawn)
    assert code == 23
    assert "over the budget of 1024" in err
    assert "--memory" in err


def test_verbose_shows_the_traceback(run, bad):
    code, _, err = run("read", "-v", bad("missing.png"))
    assert code == 11
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("ocrloom: ")


def test_an_unexpected_error_is_one_line_too(run, drawn, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr("ocrloom.reading.read_frame", fail)
    code, out, err = run("read", drawn)
    assert (code, out) == (1, "")
    assert err == (
        f"ocrloom: {drawn}: unexpected ZeroDivisionError: by nothing; "
        "--verbose shows where it arose\n"
    )


@pytest.mark.parametrize(
    ("content", "code", "part"),
    [
        (b"", 15, "0 bytes"),
        (b"two words\n", 30, "words without white space in them"),
        (b"\xff\xfe\x00", 30, "expected words, one on each line, in UTF-8"),
    ],
)
def test_a_file_of_words_that_is_none_is_refused(run, drawn, tmp_path, content, code, part):
    words = tmp_path / "words.txt"
    words.write_bytes(content)
    found, out, err = run("read", "--user-words", words, drawn)
    assert (found, out) == (code, "")
    assert part in err
    assert err.count("\n") == 1


def test_a_page_without_the_region_is_told_of(run, drawn):
    code, out, err = run("read", "--region", "9000,0,9001,1", drawn)
    assert (code, out) == (30, "")
    assert err.startswith(f"ocrloom: {drawn}: page 1 has ")
    assert "the region 9000, 0, 9001, 1 lies beyond them" in err


# --- pages for review -------------------------------------------------------------------------


@pytest.fixture
def doubtful(monkeypatch):
    """Has every word read with little confidence."""
    monkeypatch.setattr("ocrloom.reading.calibrated", lambda word: 0.5)


def test_pages_for_review_are_told_of_and_no_failure(run, drawn, doubtful):
    code, out, err = run("read", "--min-quality", "0.99", drawn)
    assert (code, out) == (0, f"{WORDS}\n")
    assert err == f"ocrloom: 1 of 1 page is to be reviewed: {drawn}\n"


def test_pages_for_review_are_named(run, drawn, doubtful, tmp_path, note):
    texts = "First", "", "Third"
    pages = [PIL.Image.fromarray(note(text)) for text in texts]
    path = tmp_path / "three.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:])
    code, out, err = run("read", "--min-quality", "0.99", path, drawn, "-o", tmp_path / "out")
    assert (code, out) == (0, "")
    assert "3 of 4 pages are to be reviewed: " in err
    assert f"{path} (pages 1, 3)" in err
    assert str(drawn) in err


def test_without_a_quality_no_page_is_for_review(run, drawn, doubtful):
    assert run("read", drawn) == (0, f"{WORDS}\n", "")


def test_json_says_which_pages_are_for_review(run, drawn, doubtful):
    _, out, _ = run("read", "--min-quality", "0.99", "-f", "json", drawn)
    (page,) = json.loads(out)["pages"]
    assert page["review"] is True
    assert page["expected_cer"] > 0.01


# --- where it is written ----------------------------------------------------------------------


def test_output_names_a_file_for_one_input(run, drawn, tmp_path):
    target = tmp_path / "text.of.page"
    assert run("read", drawn, "-o", target) == (0, "", "")
    assert target.read_bytes() == f"{WORDS}\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == [target.name]


def test_output_names_a_folder_if_it_ends_with_a_slash(run, drawn, tmp_path):
    assert run("read", drawn, "-f", "json", "-o", f"{tmp_path}/new/deep/")[0] == 0
    assert (tmp_path / "new" / "deep" / "page.json").stat().st_size > 0


def test_output_names_a_folder_if_it_is_one(run, drawn, tmp_path):
    assert run("read", drawn, "-o", tmp_path)[0] == 0
    assert (tmp_path / "page.txt").exists()


def test_output_names_a_folder_for_several_inputs(run, copy, tmp_path):
    names = ["a.b.png", "c.tif"]
    assert run("read", *map(copy, names), "-o", tmp_path / "out") == (0, "", "")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["a.b.txt", "c.txt"]


def test_inputs_of_one_name_are_refused_before_anything_is_read(run, copy, tmp_path):
    one, two = copy("one/scan.png"), copy("two/scan.tif")
    code, out, err = run("read", one, two, "-o", tmp_path / "out")
    assert (code, out) == (60, "")
    assert str(one) in err
    assert str(two) in err
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("output", ["in/page.txt", "in/", "in/../in/page.txt", "link.txt"])
def test_an_input_is_never_overwritten(run, copy, tmp_path, output):
    source = copy("in/page.txt")
    (tmp_path / "link.txt").symlink_to(source)
    before = source.read_bytes()
    code, _, err = run("read", source, "-o", f"{tmp_path}/{output}")
    assert code == 60
    assert "would overwrite the input" in err
    assert source.read_bytes() == before


def test_a_file_cannot_be_the_folder_of_several(run, copy, tmp_path):
    (tmp_path / "out").write_text("precious")
    code, _, err = run("read", copy("a.png"), copy("b.png"), "-o", tmp_path / "out")
    assert code == 60
    assert "expected a folder for 2 inputs, found a file" in err
    assert (tmp_path / "out").read_text() == "precious"


def test_the_folder_of_a_file_must_exist(run, drawn, tmp_path):
    code, _, err = run("read", drawn, "-o", tmp_path / "none" / "text.txt")
    assert code == 60
    assert "there is no folder" in err


def test_what_cannot_be_written_is_a_failure_like_others(run, copy, tmp_path):
    (tmp_path / "out" / "a.txt").mkdir(parents=True)
    code, _, err = run("read", copy("a.png"), copy("b.png"), "-o", tmp_path / "out")
    assert code == 60
    assert "1 of 2 files read; failed: " in err
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["a.txt", "b.txt"]


def test_an_output_is_replaced_and_keeps_its_permissions(run, drawn, tmp_path):
    target = tmp_path / "text.txt"
    target.write_text("old")
    target.chmod(0o600)
    (tmp_path / "link").symlink_to(target)
    assert run("read", drawn, "-o", tmp_path / "link")[0] == 0
    assert target.read_text("utf-8") == f"{WORDS}\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "link").is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize(("device", "code"), [("/dev/null", 0), ("/dev/full", 60)])
def test_devices_are_written_to_and_not_replaced(run, drawn, device, code):
    assert run("read", drawn, "-o", device)[0] == code
    assert Path(device).is_char_device()


# --- several formats --------------------------------------------------------------------------

WITHOUT_TABLES = [name for name in FORMATS if name not in ("csv", "xlsx")]


def test_one_recognition_is_written_in_all_formats(run, drawn, tmp_path, monkeypatch):
    read = ocrloom.reading.read_frame
    seen = []
    monkeypatch.setattr(
        "ocrloom.reading.read_frame", lambda frame, *rest: seen.append(1) or read(frame, *rest)
    )
    wanted = ["-f", WITHOUT_TABLES[0], "-f", ",".join(WITHOUT_TABLES[1:])]
    assert run("read", drawn, *wanted, "-o", tmp_path / "out") == (0, "", "")
    found = sorted(each.name for each in (tmp_path / "out").iterdir())
    assert found == sorted(f"page{FORMATS[name].suffix}" for name in WITHOUT_TABLES)
    assert all(each.stat().st_size for each in (tmp_path / "out").iterdir())
    assert seen == [1]
    assert OcrResult.load(tmp_path / "out" / "page.json").text == WORDS


def test_a_format_that_cannot_hold_a_result_stops_no_other(run, copy, tmp_path):
    one, two = copy("one.png"), copy("two.png")
    code, out, err = run("read", one, two, "-f", "csv,txt,xlsx", "-o", tmp_path / "out")
    assert (code, out) == (60, "")
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["one.txt", "two.txt"]
    first, second, summary = sorted(err.splitlines(), key=len, reverse=True)
    for line in (first, second):
        assert "CSV holds tables, found none" in line
        assert "XLSX holds tables, found none" in line
    assert summary.startswith("ocrloom: 0 of 2 files read; failed: ")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("text.HTML", "<!DOCTYPE html>"),
        ("page.alto.xml", "<?xml"),
        ("text.md", WORDS),
        ("text.of.page", WORDS),
    ],
)
def test_the_ending_of_the_output_chooses_the_format(run, drawn, tmp_path, name, begins):
    assert run("read", drawn, "-o", tmp_path / name) == (0, "", "")
    assert (tmp_path / name).read_text("utf-8").startswith(begins)


def test_a_format_that_is_given_wins_over_the_ending(run, drawn, tmp_path):
    assert run("read", drawn, "-f", "json", "-o", tmp_path / "x.txt") == (0, "", "")
    assert OcrResult.load(tmp_path / "x.txt").text == WORDS


def test_an_ending_of_two_formats_is_refused(run, drawn, tmp_path):
    code, out, err = run("read", drawn, "-o", tmp_path / "page.xml")
    assert (code, out) == (30, "")
    assert "one of .txt" in err
    assert ".alto.xml, .page.xml" in err


def test_every_format_refuses_to_overwrite_an_input(run, copy, tmp_path):
    source = copy("in/page.html")
    code, _, err = run("read", source, "-f", "txt,html", "-o", tmp_path / "in")
    assert code == 60
    assert "would overwrite the input" in err
    assert [each.name for each in (tmp_path / "in").iterdir()] == ["page.html"]


def test_a_file_cannot_be_the_folder_of_several_formats(run, drawn, tmp_path):
    (tmp_path / "out").write_text("precious")
    code, _, err = run("read", drawn, "-f", "txt,json", "-o", tmp_path / "out")
    assert code == 60
    assert "expected a folder for 2 formats, found a file" in err


def test_a_format_of_single_pages_has_a_file_for_each(run, tmp_path, note):
    first, second = (PIL.Image.fromarray(note(text)) for text in ("First", "Second"))
    path = tmp_path / "two.tif"
    first.save(path, save_all=True, append_images=[second])
    assert run("read", path, "-f", "page", "-o", f"{tmp_path}/out/") == (0, "", "")
    names = [each.name for each in sorted((tmp_path / "out").iterdir())]
    assert names == ["two_0001.page.xml", "two_0002.page.xml"]
    code, out, err = run("read", path, "-f", "page")
    assert (code, out) == (60, "")
    assert "PAGE XML holds one page, found 2" in err


def test_files_of_single_pages_overwrite_no_input_and_no_other(run, tmp_path, note):
    first, second = (PIL.Image.fromarray(note(text)) for text in ("First", "Second"))
    book, single = tmp_path / "two.tif", tmp_path / "two_0001.png"
    first.save(book, save_all=True, append_images=[second])
    first.save(single)
    code, _, err = run("read", book, single, "-f", "page", "-o", tmp_path / "out")
    assert code == 60
    assert "would both be written to" in err
    (tmp_path / "two_0001.page.xml").write_bytes(single.read_bytes())
    sources = (book, tmp_path / "two_0001.page.xml")
    code, _, err = run("read", *sources, "-f", "page", "-o", tmp_path)
    assert code == 60
    assert "would overwrite the input" in err
    assert (tmp_path / "two_0001.page.xml").read_bytes() == single.read_bytes()


def test_bytes_go_to_standard_output_but_not_to_a_terminal(drawn):
    class Terminal(io.BytesIO):
        def isatty(self):
            return True

    docx = FORMATS["docx"]
    with pytest.raises(OcrOutputError, match="docx is not for a terminal; redirect"):
        StandardOutput(Terminal(), docx, lambda index: None)
    out = io.BytesIO()
    sink = StandardOutput(out, docx, lambda index: None)
    sink.write(0, OcrResult(pages=()), str(drawn))
    assert out.getvalue().startswith(b"PK")
    StandardOutput(Terminal(), FORMATS["html"], lambda index: None)


def test_a_pdf_is_made_of_standard_input(run, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(drawn.read_bytes())))
    assert run("read", "-", "-f", "pdf,txt", "-o", tmp_path) == (0, "", "")
    assert (tmp_path / "stdin.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "stdin.txt").read_text("utf-8") == f"{WORDS}\n"


def test_a_pdf_is_made_of_an_encrypted_one(run, drawn, tmp_path):
    path = tmp_path / "secret.pdf"
    with pikepdf.open(io.BytesIO(img2pdf.convert(drawn.read_bytes()))) as plain:
        plain.save(path, encryption=pikepdf.Encryption(owner="a", user="b"))
    flags = ("-f", "pdf,txt", "--password", "b", "-o", tmp_path / "out")
    assert run("read", path, *flags) == (0, "", "")
    assert (tmp_path / "out" / "secret.pdf").read_bytes().startswith(b"%PDF-")
    assert (tmp_path / "out" / "secret.txt").read_text("utf-8") == f"{WORDS}\n"


# --- the flags --------------------------------------------------------------------------------


@pytest.fixture
def requested(run, monkeypatch):
    """What the command asks for, given flags."""
    found = []
    monkeypatch.setattr("ocrloom.cli.read.read_files", lambda request: found.append(request) or 0)

    def ask(*flags):
        assert run("read", "x.png", *flags)[0] == 0
        return found.pop()

    return ask


def test_flags_have_the_defaults_of_the_options(requested):
    request = requested()
    assert request.options == OcrOptions()
    assert (request.names, request.output, request.jobs) == (("x.png",), "-", None)
    assert (request.memory, request.resume) == (None, None)
    assert request.formats == ()


@pytest.fixture(scope="module")
def flags():
    """What Typer makes of the command's signature, by the name of the parameter."""
    command = typer.main.get_command(app.app).commands["read"]
    return {each.name: each for each in command.params}


def options_of(owner):
    """The fields of options and of what is in them, each with the class that it is of."""
    hints = get_type_hints(owner)
    for field in fields(owner):
        if is_dataclass(hints[field.name]):
            yield from options_of(hints[field.name])
        elif field.name != "languages":
            yield owner, field


OPTIONS = list(options_of(OcrOptions))


@pytest.mark.parametrize(("owner", "field"), OPTIONS, ids=lambda each: getattr(each, "name", ""))
def test_every_option_has_a_flag_with_its_name_default_and_docstring(flags, owner, field):
    flag = flags[field.name]
    name = field.name.replace("_", "-")
    assert flag.opts == [f"--{name}"]
    assert flag.secondary_opts == ([f"--no-{name}"] if isinstance(field.default, bool) else [])
    # Words come in a file, and none is named.
    default = None if field.name == "user_words" else field.default
    assert flag.default == default
    assert type(flag.default) is type(default)
    assert flag.help == " ".join(field_docs(owner)[field.name].split())


def test_languages_have_a_flag_made_by_hand(flags):
    assert flags["language"].opts == ["--language", "-l"]
    assert flags["language"].default == [each.value for each in OcrOptions().languages]


def test_no_flag_is_without_help(flags):
    assert all(flag.help for flag in flags.values())


def test_every_flag_reaches_its_option(requested, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("\ufeffYsolde\n\n  Hale \r\nYsolde\n", encoding="utf-8")
    flags = ["--no-find-orientation", "--min-confidence", "0.25", "-l", "fra+deu", "-l", "English"]
    flags += ["--max-pixels", "7", "--max-frames", "8", "--max-bytes", "9", "-f", "json"]
    flags += ["--max-decode-seconds", "1.5", "--timeout", "2.5", "--memory", "1.5g"]
    flags += ["--mode", "best", "--region", "10,20,300,400.5", "--no-context", "--join-hyphens"]
    flags += ["--user-words", words, "--allowed-characters", "abc", "--ignored-characters", "c"]
    flags += [
        "--min-quality",
        "0.99",
        "--resume",
        "kept",
        "--jobs",
        "3",
        "-o",
        "out/",
        "--no-progress",
        "-v",
    ]
    request = requested(*flags)
    assert request.options == OcrOptions(
        languages=("fra", "deu", "eng"),
        find_orientation=False,
        min_confidence=0.25,
        timeout=2.5,
        mode="best",
        region=(10, 20, 300, 400.5),
        context=False,
        join_hyphens=True,
        user_words=("Ysolde", "Hale"),
        allowed_characters="abc",
        ignored_characters="c",
        min_quality=0.99,
        limits=Limits(max_pixels=7, max_frames=8, max_bytes=9, max_decode_seconds=1.5),
    )
    assert (request.memory, request.resume) == (3 * 2**29, "kept")
    assert request.formats == (FORMATS["json"],)
    assert (request.output, request.jobs) == ("out/", 3)
    assert (request.progress, request.verbose) == (False, True)


def test_the_flag_for_formats_names_them_all(flags):
    assert ", ".join(FORMATS) in flags["format_names"].help


def test_formats_are_named_with_commas_or_by_repeating(requested):
    request = requested("-f", "hocr, PDF", "-f", "txt", "-o", "out")
    assert [form.name for form in request.formats] == ["hocr", "pdf", "txt"]
