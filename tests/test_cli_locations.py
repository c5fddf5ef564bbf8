"""Files elsewhere on the command line: what ``read`` and ``index`` make of ``s3://…``."""

from __future__ import annotations

import threading

import PIL.Image
import pytest
from object_store import object_store

from ocrloom import Library, Limits, OcrImageTooLarge, OcrSourceNotFound
from ocrloom.cli import fetching
from ocrloom.cli.fetching import fetched
from ocrloom.cli.outputs import choose_targets
from ocrloom.formats import FORMATS, json_
from ocrloom.image import Image

WORDS = ("A quiet harbour", "Old ships")


@pytest.fixture(scope="module")
def store():
    with object_store() as started:
        yield started


@pytest.fixture(scope="module")
def scans(store, note, tmp_path_factory):
    """Names of two scans in the store, of different words; and local copies of them."""
    folder = tmp_path_factory.mktemp("scans")
    files = []
    for name, words in zip(("one.png", "deep/two.tif"), WORDS, strict=True):
        path = folder / name.rpartition("/")[2]
        PIL.Image.fromarray(note(words)).save(path)
        store.put(name, path.read_bytes())
        files.append(path)
    store.put("readme.txt", b"no scan")
    return [store.location("one.png"), store.location("deep/two.tif")], files


@pytest.fixture
def where(tmp_path, monkeypatch):
    path = tmp_path / "scans.db"
    monkeypatch.setenv("OCRLOOM_LIBRARY", str(path))
    monkeypatch.delenv("OCRLOOM_KEEP", raising=False)
    return path


# Reading


def test_they_are_read_as_files_are(run, scans, tmp_path):
    locations, (first, _) = scans
    assert run("read", *locations) == (0, "".join(f"{words}\n" for words in WORDS), "")
    code, out, _ = run("read", "-f", "json", locations[0])
    assert code == 0
    assert json_.parse(out).source == locations[0]
    assert run("read", first, locations[1], first)[1].splitlines() == [*WORDS, WORDS[0]]


def test_results_are_called_after_the_end_of_the_location(run, scans, tmp_path):
    out = tmp_path / "out"
    assert run("read", "-f", "txt,pdf", "-o", out, *scans[0]) == (0, "", "")
    assert sorted(path.name for path in out.iterdir()) == [
        *("one.pdf", "one.txt", "two.pdf", "two.txt"),
    ]
    assert (out / "two.txt").read_text("utf-8") == f"{WORDS[1]}\n"
    assert (out / "one.pdf").read_bytes().startswith(b"%PDF-")


def test_one_that_cannot_be_had_stops_no_other(run, store, scans):
    locations, _ = scans
    code, out, err = run("read", store.location("gone.png"), *locations)
    assert (code, out.splitlines()) == (11, list(WORDS))
    assert err == (
        f"ocrloom: {store.location('gone.png')}: no such file; check the name and the folder\n"
        f"ocrloom: 2 of 3 files read; failed: {store.location('gone.png')}\n"
    )
    code, out, err = run("read", store.location("deep"), locations[0])
    assert (code, out.splitlines()) == (12, [WORDS[0]])


def test_limits_hold_for_them(run, scans):
    code, _, err = run("read", "--max-bytes", "50", scans[0][0])
    assert (code, "over the limit of 50" in err) == (23, True)


def test_what_nothing_opens_is_said(run, tmp_path):
    code, _, err = run("read", "nonsense://x/a.png")
    assert code == 30
    assert err.startswith("ocrloom: nonsense://x/a.png: ")


def test_they_become_one_searchable_pdf_and_have_a_plan(run, scans, tmp_path):
    out = tmp_path / "book.pdf"
    assert run("pdf", *scans[0], "-o", out)[0] == 0
    assert out.read_bytes().startswith(b"%PDF-")
    code, text, _ = run("plan", scans[0][0])
    assert (code, scans[0][0] in text) == (0, True)


# Into a library


def test_a_folder_there_is_indexed_once(run, store, scans, where):
    locations, _ = scans
    folder = store.location("")
    assert run("index", folder) == (0, "", "ocrloom: 2 added (2 pages)\n")
    with Library(where) as library:
        assert sorted(each.source for each in library.documents()) == sorted(locations)
    assert run("index", folder) == (0, "", "ocrloom: 0 added, 2 were there\n")
    code, out, _ = run("search", "harbour")
    assert (code, locations[0] in out) == (0, True)
    code, out, _ = run("library", "export", locations[1])
    assert (code, out) == (0, f"{WORDS[1]}\n")


def test_what_was_read_from_there_is_known_here(run, scans, where):
    locations, files = scans
    assert run("index", locations[0])[2] == "ocrloom: 1 added (1 page)\n"
    assert run("index", files[0])[2] == "ocrloom: 0 added, 1 was there\n"


def test_globs_choose_there_too(run, store, scans, where):
    folder = store.location("")
    assert run("index", folder, "--exclude", "deep")[2] == "ocrloom: 1 added (1 page)\n"
    assert run("index", folder, "--include", "*.tif")[2] == "ocrloom: 1 added (1 page)\n"
    code, _, err = run("index", folder, "--include", "*.webp")
    assert code == 0
    assert "no file of the folders fits --include *.webp" in err


def test_what_is_not_there_fails(run, store, scans, where):
    code, _, err = run("index", store.location("gone.png"), scans[0][0])
    assert code == 11
    assert err.endswith(f"1 added (1 page), 1 failed: {store.location('gone.png')}\n")


def test_folders_there_are_not_followed(run, store, scans, where, tmp_path):
    code, _, err = run("index", store.location("deep"), tmp_path, "--watch")
    assert (code, "--watch follows folders of this machine" in err) == (30, True)
    assert not where.exists()


# Fetching ahead


@pytest.fixture
def shelf(monkeypatch):
    """Stands for a store: what it gives, what was asked for, and whether it may answer."""

    class Shelf:
        def __init__(self):
            self.asked = []
            self.open = threading.Event()

        def fetch(self, location, limits):
            self.asked.append(location)
            assert self.open.wait(20)
            if location.endswith("gone"):
                raise OcrSourceNotFound(f"{location}: no such file")
            return b"x" * 100

    shelf = Shelf()
    monkeypatch.setattr(fetching, "fetch", shelf.fetch)
    return shelf


def until(condition):
    for _ in range(2000):
        if condition():
            return True
        threading.Event().wait(0.005)
    return False


def test_a_few_are_fetched_ahead(shelf):
    taken = fetched((f"s3://b/{number}" for number in range(100)), Limits())
    first = threading.Thread(target=next, args=(taken,))
    first.start()
    assert until(lambda: len(shelf.asked) == 8)
    shelf.open.set()
    first.join(20)
    assert next(taken).name == "s3://b/1"
    assert until(lambda: len(shelf.asked) == 9)
    taken.close()


def test_few_large_ones_wait(shelf, monkeypatch):
    monkeypatch.setattr(fetching, "_BYTES", 150)
    shelf.open.set()
    taken = fetched((f"s3://b/{number}" for number in range(100)), Limits())
    names = [next(taken).name for _ in range(5)]
    assert names == [f"s3://b/{number}" for number in range(5)]
    assert until(lambda: len(shelf.asked) >= 6)
    assert len(shelf.asked) <= 5 + 8
    taken.close()


def test_each_says_itself_what_went_wrong(shelf):
    shelf.open.set()
    good, gone = fetched(["s3://b/good", "s3://b/gone"], Limits())
    assert isinstance(good, Image)
    assert (good.name, good.place, good.source) == ("s3://b/good", "s3://b/good", b"x" * 100)
    assert gone.name == "s3://b/gone"
    with pytest.raises(OcrSourceNotFound, match="no such file"):
        Image.load(gone)


def test_a_defect_of_fetching_is_that_of_its_source(monkeypatch):
    def fail(location, limits):
        raise OcrImageTooLarge(f"{location}: too large")

    monkeypatch.setattr(fetching, "fetch", fail)
    (large,) = fetched(["s3://b/large"], Limits())
    with pytest.raises(OcrImageTooLarge):
        Image.load(large)


# Those of this machine


@pytest.fixture
def odd(tmp_path, note):
    """A scan in a folder with a name that means something in a location."""
    path = tmp_path / "a #1 folder" / "100%25.png"
    path.parent.mkdir()
    PIL.Image.fromarray(note(WORDS[0])).save(path)
    return path


def test_an_input_is_not_overwritten_whatever_it_is_called(run, odd):
    before = odd.read_bytes()
    for command in ("read", "pdf"):
        code, out, err = run(command, odd.as_uri(), "-o", odd)
        assert (code, out, "would overwrite the input" in err) == (60, "", True), err
    assert odd.read_bytes() == before


def test_locations_of_this_machine_are_its_files(run, odd, where):
    code, out, _ = run("read", "-f", "json", odd.as_uri())
    assert (code, json_.parse(out).source) == (0, str(odd))
    assert run("index", odd.parent.as_uri()) == (0, "", "ocrloom: 1 added (1 page)\n")
    with Library(where) as library:
        assert [each.source for each in library.documents()] == [str(odd)]


# What they are called


def test_results_are_not_called_after_keys_or_archives(tmp_path):
    locations = ("https://host/scan.tif?sig=ab/cd", "zip://a.tif::s3://b/x.zip", "s3://b/c.png")
    targets = choose_targets(locations, f"{tmp_path}/", (FORMATS["txt"],))
    assert [path.name for (path,) in targets] == ["scan.txt", "a.txt", "c.txt"]


def test_passwords_are_not_said(run):
    code, _, err = run("read", "nonsense://me:secret@x/a.png", "nonsense://x/b.png")
    assert code == 30
    assert err.count("nonsense://me:***@x/a.png") == 2
    assert "secret" not in err
