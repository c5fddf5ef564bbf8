"""``ocrloom library``: stats, list, remove, export, check."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pdf_files
import pytest
import typer.main
from documents import frames
from results import page, word

from ocrloom import Library, OcrResult, PageFailure
from ocrloom.cli import app
from ocrloom.cli.waiting import waiting
from ocrloom.formats import json_
from ocrloom.library import Description

COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("OCRLOOM_LIBRARY", str(tmp_path / "scans.db"))
    monkeypatch.delenv("OCRLOOM_KEEP", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def library(folder):
    """A library of two documents."""
    one, two = folder / "one.tif", folder / "two.tif"
    one.write_bytes(frames(1))
    two.write_bytes(frames(2))
    failure = PageFailure(number=2, kind="OcrDamagedImage", message="cut short")
    described = Description(title="The second", metadata={"shelf": "9"})
    with Library(folder / "scans.db") as library:
        library.add(OcrResult(pages=(page(word("Hello")),)), source=one).result()
        library.add(
            OcrResult(pages=(page(word("again")),), failures=(failure,)),
            source=two,
            description=described,
        ).result()
        yield library


def names_in(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_stats(run, library):
    code, out, err = run("library", "stats")
    assert (code, err) == (0, "")
    rows = dict(line.rsplit("  ", 1) for line in out.splitlines()[1:])
    assert {name.strip(): int(value) for name, value in rows.items()}["failed pages"] == 1
    stats = json.loads(run("library", "stats", "--json")[1])
    assert (stats["documents"], stats["pages"], stats["tokens"], stats["terms"]) == (2, 2, 2, 2)


def test_list(run, library, folder):
    code, out, _ = run("library", "list")
    assert code == 0
    header, one, two = out.splitlines()
    assert header.split() == [
        *("Document", "Pages", "Failed", "Languages", "Date", "Added", "Name")
    ]
    assert one.split()[:5] == ["1", "1", "-", "-", "-"]
    assert one.endswith(str(folder / "one.tif"))
    assert two.split()[:3] == ["2", "1", "1"]
    assert two.endswith("The second")


def test_no_name_is_cut_on_a_terminal(run, library, monkeypatch):
    library.describe(1, Description(title="word" * 60)).result()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = run("library", "list")
    assert code == 0
    assert "".join(out.split()).count("word") == 60


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("command", [["library", "list"], ["library", "stats", "--json"]])
def test_standard_output_that_takes_nothing(library, command):
    for redirection, said in ((">/dev/full", "No space left"), (">&-", "is closed")):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *command],
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 60
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith("ocrloom: standard output ")
        assert said in line


def test_a_description_is_changed_in_parts(run, library):
    def describe(*flags):
        assert run("library", "describe", "2", *flags) == (0, "", "")
        return library.document(2).result().description

    assert describe("--date", "1908-05-31") == Description(
        title="The second", date=dt.date(1908, 5, 31), metadata={"shelf": "9"}
    )
    assert describe("--title", "", "--meta", "box=3").metadata == {"shelf": "9", "box": "3"}
    assert describe("--meta", "shelf=", "--date", "") == Description(metadata={"box": "3"})
    assert run("library", "describe", "2")[0] == 2
    assert run("library", "describe", "2", "--date", "31.5.1908")[0] == 2
    assert run("library", "describe", "9", "--title", "None")[0] == 84


def test_list_for_programs(run, library, folder):
    code, out, _ = run("library", "list", "--json")
    assert code == 0
    one, two = map(json.loads, out.splitlines())
    assert (one["document"], one["source"]) == (1, str(folder / "one.tif"))
    assert (two["title"], two["date"], two["metadata"]) == ("The second", None, {"shelf": "9"})
    assert two["failures"] == [{"number": 2, "kind": "OcrDamagedImage", "message": "cut short"}]
    assert (two["version"], two["kept"], two["owner"]) == (1, None, "")
    library.of("ann").add(OcrResult(pages=(page(),))).result()
    assert json.loads(run("library", "list", "--json")[1].splitlines()[2])["owner"] == "ann"


@pytest.mark.parametrize("how", ["number", "file", "copy", "digest", "former name"])
def test_a_document_is_removed(run, library, folder, how):
    (folder / "copy.tif").write_bytes((folder / "one.tif").read_bytes())
    names = {
        "number": "1",
        "file": "one.tif",
        "copy": "copy.tif",
        "digest": library.document(1).result().digest,
        "former name": "one.tif",
    }
    if how == "former name":
        (folder / "one.tif").unlink()
    code, out, err = run("library", "remove", names[how])
    assert (code, out) == (0, "")
    assert err == f"Removed document 1: {folder / 'one.tif'}\n"
    assert [each.id for each in library.documents()] == [2]
    assert how == "former name" or (folder / "one.tif").exists()


def test_one_that_is_not_there_stops_no_other(run, library):
    names = ("99", "ab" * 32, "missing.tif", "9" * 5000, "x" * 300)
    code, _, err = run("library", "remove", *names, "2")
    assert code == 84
    *failures, removed = err.splitlines()
    for name, failure in zip(names, failures, strict=True):
        assert failure.startswith(f"ocrloom: {name}: the library has no such document")
    assert removed == "Removed document 2: The second"
    assert [each.id for each in library.documents()] == [1]


def test_a_name_of_several_documents_is_none(run, library, folder):
    path = folder / "one.tif"
    path.write_bytes(frames(5))
    library.add(OcrResult(pages=(page(),)), source=path).result()
    path.unlink()
    code, _, err = run("library", "remove", "one.tif")
    assert code == 30
    assert "documents 1, 3 were all read from a file of that name" in err


def test_removing_takes_the_copy_too(run, library, folder):
    kept = folder / "kept"
    with Library(folder / "scans.db", keep=kept) as keeping:
        document = keeping.add(OcrResult(pages=(page(),)), source=frames(4)).result()
        other = keeping.add(OcrResult(pages=(page(),)), source=frames(5)).result()
    assert (kept / document.kept).exists()
    assert run("library", "remove", document.digest.upper(), "--keep", kept)[0] == 0
    assert not (kept / document.kept).exists()
    code, _, err = run("library", "remove", other.id)
    assert code == 0
    assert f"its copy {other.kept} stays; name the folder with --keep" in err
    assert (kept / other.kept).exists()


def test_exports(run, library, folder):
    code, out, err = run("library", "export", "1", "-f", "json")
    assert (code, err) == (0, "")
    assert json_.parse(out).text == "Hello"
    assert run("library", "export", "1") == (0, "Hello\n", "")
    assert run("library", "export", "one.tif", "-f", "hocr,txt,pdf", "-o", "out") == (0, "", "")
    assert names_in("out") == ["one.hocr", "one.pdf", "one.txt"]
    assert run("library", "export", "1", "-o", "first.md")[0] == 0
    assert (folder / "first.md").read_text("utf-8") == "Hello\n"


def test_an_export_shows_the_copy_where_the_file_is_gone(run, folder):
    path, kept = folder / "one.tif", folder / "kept"
    path.write_bytes(frames(1))
    with Library(folder / "scans.db", keep=kept) as library:
        library.add(OcrResult(pages=(page(word("Hello")),)), source=path).result()
    path.unlink()
    assert run("library", "export", "1", "-o", "one.txt")[0] == 0
    assert run("library", "export", "1", "-o", "one.pdf")[0] == 84
    assert run("library", "export", "1", "-o", "one.pdf", "--keep", kept) == (0, "", "")
    assert (folder / "one.pdf").read_bytes().startswith(b"%PDF")


def test_an_export_shows_nothing_that_has_changed(run, library, folder):
    (folder / "one.tif").write_bytes(frames(3))
    code, _, err = run("library", "export", "1", "-f", "pdf,txt", "-o", "out")
    assert code == 84
    assert "found another content" in err
    assert not (folder / "out").exists()


def test_an_encrypted_pdf_is_exported_with_its_password(run, folder):
    path = folder / "secret.pdf"
    path.write_bytes(pdf_files.encrypted(pdf_files.pdf_of(b""), user="geheimnis"))
    with Library(folder / "scans.db") as library:
        library.add(OcrResult(pages=(page(word("Hello")),)), source=path).result()
    export = ("library", "export", "1", "-o", "open.pdf")
    assert run(*export)[0] == 24
    assert run(*export, "--password", "geheimnis")[0] == 0
    assert (folder / "open.pdf").read_bytes().startswith(b"%PDF")


def test_an_export_overwrites_no_source(run, library, folder):
    code, _, err = run("library", "export", "1", "-f", "txt", "-o", "one.tif")
    assert code == 60
    assert "would overwrite the input" in err
    assert run("library", "export", "1", "-f", "xyz")[0] == 2
    assert run("library", "export", "9")[0] == 84


def test_a_document_without_a_file_has_a_name_of_its_own(run, library, folder):
    library.add(OcrResult(pages=(page(word("bytes")),)), digest="ab" * 32).result()
    assert run("library", "export", "3", "-o", "out/") == (0, "", "")
    assert names_in("out") == ["document-3.txt"]


def test_a_sound_library(run, library):
    assert run("library", "check") == (0, "", "The library is sound.\n")
    assert run("library", "check", "--json") == (0, "[]\n", "")


def test_what_is_wrong_is_a_line_each(run, library, folder):
    kept = folder / "kept"
    orphan = kept / "ab" / f"{'ab' * 32}.tif"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"data")
    then = time.time() - 7200
    os.utime(orphan, (then, then))
    code, out, err = run("library", "check", "--keep", kept)
    assert (code, err) == (1, "")
    assert out.startswith(f"{orphan}: a copy that belongs to no document")
    code, out, _ = run("library", "check", "--keep", kept, "--json")
    assert (code, len(json.loads(out))) == (1, 1)
    code, out, err = run("library", "check", "--keep", kept, "--remove-orphans")
    assert (code, out, err) == (0, "", f"Removed {orphan}\nThe library is sound.\n")
    assert run("library", "check", "--remove-orphans")[0] == 2


@pytest.mark.parametrize("command", ["stats", "list", "check"])
def test_what_is_no_library(run, folder, command):
    code, _, err = run("library", command)
    assert code == 81
    assert not (folder / "scans.db").exists()
    (folder / "scans.db").write_text("no database " * 99)
    code, out, err = run("library", command)
    assert (code, out) == (83, "")
    assert str(folder / "scans.db") in err
    code, _, err = run("library", command, "--library", folder)
    assert code == 30
    assert "is a folder; name a file in it" in err
    code, _, err = run("library", command, "--library", "mysql://host/scans")
    assert code == 30
    assert "an address such as postgresql://" in err


def test_those_who_wait_are_told(monkeypatch, capsys):
    monkeypatch.setattr("ocrloom.cli.waiting._PATIENCE", 0.01)
    with waiting("Checking …", wanted=True):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with waiting("Checking …", wanted=True):
        time.sleep(0.3)
    assert "Checking" in capsys.readouterr().err
    with waiting("Checking …", wanted=False):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_every_flag_has_help():
    group = typer.main.get_command(app.app).commands["library"]
    assert sorted(group.commands) == ["check", "describe", "export", "list", "remove", "stats"]
    for command in group.commands.values():
        assert command.help
        assert all(flag.help for flag in command.params)


def test_help_of_libraries_loads_no_database(run_python):
    code = """
import sys
from ocrloom.cli import main
for arguments in (["--help"], ["index", "--help"], ["search", "--help"], ["library", "--help"]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code
for name in ("numpy", "sqlite3", "psycopg", "watchfiles", "ocrloom.library", "openvino"):
    assert name not in sys.modules, name
"""
    assert "Example: ocrloom index" in run_python(code)
