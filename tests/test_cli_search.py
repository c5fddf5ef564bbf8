"""``ocrloom search``: what it prints of hits, and how it ends."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pdf_files
import PIL.Image
import pytest
import typer.main
from results import box, page, word

from ocrloom import Library, OcrResult
from ocrloom.cli import app
from ocrloom.cli.search import _pointed
from ocrloom.library import Description

COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]


def result(*words, number=1):
    polygons = (box(10 + 60 * place, 10, 60 + 60 * place, 30) for place in range(len(words)))
    made = (word(text, polygon=polygon) for text, polygon in zip(words, polygons, strict=False))
    return OcrResult(pages=(page(*made, number=number, width=400, height=100),))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The path of a library of three documents; two have pictures."""
    folder = tmp_path_factory.mktemp("library")
    harbour, ships = folder / "harbour.png", folder / "ships.png"
    PIL.Image.new("L", (400, 100), 255).save(harbour)
    PIL.Image.new("L", (400, 100), 254).save(ships)
    with Library(folder / "scans.db") as library:
        library.add(result("The", "quiet", "harbour"), source=harbour).result()
        library.add(
            result("Ships", "of", "the", "harbour", "resumé", number=7),
            source=ships,
            description=Description(title="Old\x1b[31m ships", metadata={"shelf": "9"}),
        ).result()
        library.add(result("Nothing", "\x1b]0;else\x07"), digest="ab" * 32).result()
    return folder / "scans.db"


@pytest.fixture
def find(run, library, monkeypatch):
    monkeypatch.delenv("OCRLOOM_KEEP", raising=False)
    return lambda *arguments: run("search", "--library", library, *arguments)


@pytest.fixture
def opened(monkeypatch, tmp_path):
    """What the system's viewer was given."""
    paths = []
    monkeypatch.setattr("typer.launch", lambda path: paths.append(Path(path)))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return paths


def test_a_hit_is_its_page_its_text_and_its_places(find, library):
    code, out, err = find("quiet")
    assert (code, err) == (0, "")
    assert out == (
        f"{library.parent / 'harbour.png'}, page 1, document 1\n"
        "  The quiet harbour\n"
        "  70,10,120,30  quiet\n\n"
    )


def test_several_hits(find):
    code, out, _ = find("harbour")
    assert code == 0
    heads = [line for line in out.splitlines() if ", page " in line]
    assert sorted(line.rpartition("page")[2] for line in heads) == [
        " 1, document 1",
        " 7, document 2",
    ]
    assert find("harbour", "--limit", "1")[1].count(", page ") == 1
    assert find("harbour", "--limit", "0")[1] == out
    assert find("harbour", "--offset", "1")[1] in out


def test_nothing_that_a_terminal_takes_for_orders(find):
    _, out, _ = find("ships")
    assert "\x1b" not in out
    assert "'Old\\x1b[31m ships', page 7" in out
    _, out, _ = find("else")
    assert "\x1b" not in out
    assert "\x07" not in out


def test_costs_are_told(find):
    assert find("harb0ur")[0] == 1
    code, out, _ = find("harb0ur", "--tolerance", "1", "--limit", "1")
    assert code == 0
    assert "harbour (cost 0." in out


def test_accents(find):
    assert find("resume")[0] == 0
    assert find("resume", "--accents")[0] == 1
    assert find("resumé", "--accents")[0] == 0


def test_json_is_an_object_a_line(find, library):
    code, out, err = find("harbour", "--json")
    assert (code, err) == (0, "")
    hits = {hit["document"]: hit for hit in map(json.loads, out.splitlines())}
    hit = hits[1]
    assert hit.pop("score") > 0
    assert hit == {
        "document": 1,
        "source": str(library.parent / "harbour.png"),
        "title": "",
        "page": 1,
        "cost": 0.0,
        "width": 400,
        "height": 100,
        "matches": [
            {
                "text": "harbour",
                "cost": 0.0,
                "polygons": [[[130, 10], [180, 10], [180, 30], [130, 30]]],
            }
        ],
        "snippet": {"text": "The quiet harbour", "marks": [[10, 17]]},
    }
    assert (hits[2]["page"], hits[2]["title"]) == (7, "Old\x1b[31m ships")


def test_nothing_found(find):
    assert find("zebra") == (1, "", "ocrloom: nothing was found\n")
    assert find("zebra", "--json") == (1, "", "ocrloom: nothing was found\n")


def test_a_query_that_is_wrong_is_pointed_at(find):
    code, out, err = find('harbour "ships')
    assert (code, out) == (32, "")
    message, query, caret = err.splitlines()
    assert message.startswith("ocrloom: ")
    assert query == '  harbour "ships'
    assert caret == "  " + " " * 8 + "^"


@pytest.mark.parametrize(
    ("query", "place", "columns"),
    [("a b", 2, 2), ("港口 b", 3, 5), ("e\u0301 b", 3, 2), ("\x1b b", 2, 2)],
)
def test_the_caret_stands_under_its_place(query, place, columns):
    shown, caret = _pointed(query, place)
    assert caret == "  " + " " * columns + "^"
    assert "\x1b" not in shown


def test_more_like_a_document(find, library):
    code, out, _ = find("--more-like", "1")
    assert code == 0
    assert "page 7, document 2" in out
    assert find("--more-like", library.parent / "harbour.png")[1] == out
    assert find("--more-like", "99")[0] == 84


def test_what_a_query_alone_can_have(find):
    for flags in (["--offset", "1"], ["--tolerance", "1"], ["--accents"]):
        code, _, err = find("--more-like", "1", *flags)
        assert code == 2
        assert "--tolerance nor --accents" in " ".join(err.replace("│", " ").split())


def test_several_words_are_one_query(find):
    assert find("quiet", "harbour") == find("quiet harbour")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_standard_output_that_takes_nothing(library, flags):
    for redirection, said in ((">/dev/full", "No space left"), (">&-", "is closed")):
        command = ["search", "--library", library, "harbour", *flags]
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *command],
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 60
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith("ocrloom: standard output ")
        assert said in line


def test_either_a_query_or_a_document(find):
    for arguments in ((), ("harbour", "--more-like", "1")):
        code, _, err = find(*arguments)
        assert code == 2
        assert "either a query or --more-like" in " ".join(err.replace("│", " ").split())


def test_the_best_hit_is_shown(find, opened):
    code, _, err = find("quiet", "--open")
    assert code == 0
    (path,) = opened
    assert err == f"{path}\n"
    with PIL.Image.open(path) as picture:
        assert picture.mode == "RGB"
        assert dict(map(reversed, picture.getcolors()))[255, 247, 153] == 51 * 21


def test_where_no_viewer_starts_the_picture_is_named(find, opened, monkeypatch):
    monkeypatch.setattr("typer.launch", lambda _: 1)
    code, _, err = find("quiet", "--open")
    name, said = err.splitlines()
    assert code == 0
    assert said == f"ocrloom: no viewer could be started; open {name} yourself"


def test_a_copy_of_pixels_is_shown_whatever_the_password(run, tmp_path, opened, monkeypatch):
    where, kept = tmp_path / "scans.db", tmp_path / "kept"
    monkeypatch.setenv("OCRLOOM_PASSWORD", "geheimnis")
    with Library(where, keep=kept) as library:
        library.add(result("grey"), source=PIL.Image.new("L", (400, 100), 99)).result()
    assert run("search", "--library", where, "grey", "--open", "--keep", kept)[0] == 0
    assert len(opened) == 1


def test_an_encrypted_pdf_is_shown_with_its_password(run, tmp_path, opened, monkeypatch):
    path, where = tmp_path / "secret.pdf", tmp_path / "scans.db"
    path.write_bytes(pdf_files.encrypted(pdf_files.pdf_of(b""), user="geheimnis"))
    with Library(where) as library:
        library.add(result("secret"), source=path).result()
    assert run("search", "--library", where, "secret", "--open")[0] == 24
    monkeypatch.setenv("OCRLOOM_PASSWORD", "geheimnis")
    assert run("search", "--library", where, "secret", "--open")[0] == 0
    assert len(opened) == 1


def test_what_cannot_be_shown_is_told(find, opened):
    code, out, err = find("nothing", "--open")
    assert code == 84
    assert "page 1, document 3" in out
    assert "was read from no file" in err
    assert opened == []


def test_marks_are_seen_on_a_terminal(find, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, _ = find("quiet")
    assert code == 0
    assert "The \x1b[1;30;43mquiet\x1b[0m harbour" in out


def test_only_some_places_are_printed(run, tmp_path):
    where = tmp_path / "scans.db"
    with Library(where) as library:
        library.add(result(*["loom"] * 9)).result()
    _, out, _ = run("search", "--library", where, "loom")
    assert out.count("  loom\n") == 5
    assert "  and 4 more\n" in out


def test_a_library_that_is_not_there_is_not_made(run, tmp_path):
    missing = tmp_path / "missing.db"
    code, _, err = run("search", "--library", missing, "harbour")
    assert code == 81
    assert err.startswith(f"ocrloom: {missing}: no such library; ")
    assert not missing.exists()


def test_flags_have_the_defaults_of_the_library():
    command = typer.main.get_command(app.app).commands["search"]
    flags = {each.name: each for each in command.params}
    own = dict(inspect.signature(Library.search).parameters)
    for name in ("self", "query"):
        del own[name]
    for name, parameter in own.items():
        assert flags[name].default == parameter.default, name
    assert all(flag.help for flag in flags.values())
