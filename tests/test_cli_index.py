"""``ocrloom index``: which files it takes, what it says of them, and how it follows folders."""

from __future__ import annotations

import datetime as dt
import inspect
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import PIL.Image
import pytest
import typer.main
from documents import frames, until

from ocrloom import Library, OcrLibraryFull, OcrSourceUnreadable
from ocrloom.cli import app
from ocrloom.cli.following import Follower
from ocrloom.cli.walking import Selection
from ocrloom.image.formats import Format
from ocrloom.library import Description

COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]
LONG = 30
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")


@pytest.fixture(scope="module")
def notes(tmp_path_factory, note):
    """A folder of small scans: two of the same content, one of two pages, and what is no scan."""
    folder = tmp_path_factory.mktemp("notes")
    first, second = (PIL.Image.fromarray(note(text)) for text in ("A quiet harbour", "Old ships"))
    first.save(folder / "a.png")
    (folder / "deep" / "er").mkdir(parents=True)
    first.save(folder / "deep" / "copy.PNG")
    first.save(folder / "deep" / "er" / "two.tif", save_all=True, append_images=[second])
    (folder / "readme.txt").write_text("no scan")
    (folder / ".hidden.png").write_bytes(b"no image")
    return folder


@pytest.fixture
def where(tmp_path, monkeypatch):
    """A library that the environment names."""
    path = tmp_path / "scans.db"
    monkeypatch.setenv("OCRLOOM_LIBRARY", str(path))
    monkeypatch.delenv("OCRLOOM_KEEP", raising=False)
    return path


def documents(where):
    with Library(where) as library:
        return list(library.documents())


def names(where):
    return sorted(Path(each.source).name for each in documents(where))


# What is read


def test_a_folder_is_read_with_all_below(run, where, notes):
    code, out, err = run("index", notes)
    assert (code, out) == (0, "")
    assert err == "ocrloom: 2 added (3 pages), 1 was there\n"
    assert names(where) == ["a.png", "two.tif"] or names(where) == ["copy.PNG", "two.tif"]
    with Library(where) as library:
        assert sorted(hit.page for hit in library.search("ships")) == [2]
    assert run("index", notes, notes / "a.png") == (0, "", "ocrloom: 0 added, 4 were there\n")


def test_the_library_is_named(run, monkeypatch, notes):
    monkeypatch.delenv("OCRLOOM_LIBRARY", raising=False)
    code, _, err = run("index", notes)
    assert code == 2
    assert "--library" in err


def test_named_files_are_read_whatever_they_are_called(run, where, notes, tmp_path):
    odd = tmp_path / ".odd"
    shutil.copy(notes / "a.png", odd)
    assert run("index", odd)[0] == 0
    assert names(where) == [".odd"]


def test_globs_choose_files(run, where, notes):
    assert run("index", notes, "--exclude", "deep")[2] == "ocrloom: 1 added (1 page)\n"
    assert names(where) == ["a.png"]
    code, _, err = run("index", notes, "--include", "*.tif", "--include", "read*")
    assert code == 21
    assert err.endswith(f"1 added (2 pages), 1 failed: {notes / 'readme.txt'}\n")


def test_an_empty_folder_is_no_error(run, where, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert run("index", folder) == (0, "", "ocrloom: 0 added\n")


def test_an_empty_name_is_no_folder(run, where, notes, monkeypatch):
    monkeypatch.chdir(notes)
    code, _, err = run("index", "")
    assert code == 11
    assert "the source's name is empty" in err


@posix
def test_a_path_that_cannot_be_looked_at_is_an_error_of_its_own(run, where, tmp_path):
    code, _, err = run("index", tmp_path / ("a" * 300))
    assert code == 11
    assert "File name too long" in err


def test_globs_that_fit_nothing_are_told(run, where, notes):
    code, _, err = run("index", notes, "--include", "letters/*")
    assert code == 0
    assert err.startswith("ocrloom: no file of the folders fits --include letters/*; ")
    assert "fits" not in run("index", notes, "--include", "*.tif")[2]


def test_a_copy_that_is_lacking_is_made(run, where, notes, tmp_path):
    run("index", notes / "a.png")
    kept = tmp_path / "kept"
    assert run("index", notes / "a.png", "--keep", kept) == (
        *(0, ""),
        "ocrloom: 0 added, 1 was there\n",
    )
    (document,) = documents(where)
    assert document.version == 1
    (kept / document.kept).unlink()
    run("index", notes / "a.png", "--keep", kept)
    assert (kept / document.kept).read_bytes() == (notes / "a.png").read_bytes()


@pytest.mark.parametrize("keep", ["", "file"])
def test_what_is_no_folder_for_copies(run, where, notes, tmp_path, keep, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    code, _, err = run("index", notes / "a.png", "--keep", keep)
    assert code == 30
    assert f"keep must be the name of a folder for copies, got {keep!r}" in err


def test_standard_input_is_indexed(run, where, notes, monkeypatch):
    with (notes / "a.png").open("rb") as file:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": file}))
        assert run("index", "-")[0] == 0
    (document,) = documents(where)
    assert document.source == str(notes / "a.png")


def test_again_reads_anew(run, where, notes):
    run("index", notes / "a.png", "--title", "Harbour")
    code, _, err = run("index", notes / "a.png", "--again")
    assert (code, err) == (0, "ocrloom: 0 added, 1 read anew (1 page)\n")
    (document,) = documents(where)
    assert (document.version, document.name) == (2, "Harbour")
    run("index", notes / "a.png", "--again", "--date", "1908-05-31", "--meta", "shelf=9")
    run("index", notes / "a.png", "--again", "--title", "Port", "--meta", "box=3")
    assert documents(where)[0].description == Description(
        title="Port", date=dt.date(1908, 5, 31), metadata={"shelf": "9", "box": "3"}
    )


def test_what_is_said_of_the_documents(run, where, notes, tmp_path):
    kept = tmp_path / "kept"
    code, _, _ = run(
        *("index", notes / "a.png", "--title", "Harbour", "--date", "1908-05-31"),
        *("--meta", "shelf=9 b", "--meta", "box = 3=4", "--keep", kept),
    )
    assert code == 0
    (document,) = documents(where)
    assert document.description.title == "Harbour"
    assert document.description.date == dt.date(1908, 5, 31)
    assert document.description.metadata == {"shelf": "9 b", "box": "3=4"}
    assert (kept / document.kept).read_bytes() == (notes / "a.png").read_bytes()


@pytest.mark.parametrize(
    ("flags", "code", "said"),
    [
        (["--meta", "shelf"], 2, "KEY=VALUE"),
        (["--date", "31.5.1908"], 2, "a day such as"),
        (["--meta", "page=3"], 30, "name in metadata"),
        (["--watch"], 30, "none is named"),
        (["--settle", "-1"], 2, "--settle"),
    ],
)
def test_wrong_flags(run, where, notes, flags, code, said):
    ended, _, err = run("index", notes / "a.png", *flags)
    assert ended == code
    assert said in " ".join(err.split())
    assert not where.exists()


# What goes wrong


def test_bad_files_do_not_stop_the_others(run, where, notes, tmp_path):
    missing = tmp_path / "missing.tif"
    code, out, err = run("index", missing, notes / "readme.txt", notes / "a.png")
    assert (code, out) == (1, "")
    assert f"ocrloom: {notes / 'readme.txt'}: expected an image" in err
    assert f"ocrloom: {missing}: no such file" in err
    assert "ocrloom: 1 added (1 page), 2 failed: " in err
    assert run("index", missing)[0] == 11


def test_bad_pages_are_told_and_the_others_added(run, where, tmp_path):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(3, damaged=[2]))
    code, _, err = run("index", path)
    assert code == 22
    failure, summary = err.splitlines()
    assert failure.startswith(f"ocrloom: {path}, frame 2: ")
    assert summary == "ocrloom: 1 added (2 pages), 1 page failed"


def test_a_folder_that_cannot_be_listed(run, where, notes, tmp_path, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    code, _, err = run("index", notes)
    assert code == 14
    assert "the folder cannot be listed: Permission denied" in err
    assert names(where) == ["a.png"]


def test_a_library_that_takes_no_more_ends_it(run, where, notes, monkeypatch):
    def full(*_, **__):
        raise OcrLibraryFull("scans.db: no room; make some")

    monkeypatch.setattr(Library, "_store", full)
    code, _, err = run("index", notes)
    assert code == 82
    assert err.endswith("ocrloom: scans.db: no room; make some\n")
    assert "ocrloom: 0 added" in err


def test_what_is_no_library_is_told_before_anything_is_read(run, where, notes, monkeypatch):
    where.write_text("no database " * 99)
    monkeypatch.setattr("ocrloom.reading.read_frame", lambda *_: pytest.fail("read"))
    code, _, err = run("index", notes)
    assert code == 83
    assert str(where) in err


@posix
def test_an_interrupt_keeps_what_was_added(where, notes, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    data = (notes / "a.png").read_bytes()
    for number in range(300):
        # What follows a PNG is no part of the picture, and another content.
        (folder / f"{number:03}.png").write_bytes(data + bytes([number % 256, number // 256]))
    process = subprocess.Popen(
        [*COMMAND, "index", folder, "--library", where], stderr=subprocess.PIPE
    )
    with process:
        assert until(lambda: where.exists() and len(documents(where)) > 3)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONG) == 130
        said = process.stderr.read().decode()
    told = re.match(
        r"ocrloom: interrupted: (\d+) added \(\1 pages\); the same command goes on", said
    )
    assert len(documents(where)) == int(told[1])
    assert 3 <= int(told[1]) < 300


# Which files folders have


def chosen(folder, **globs):
    selection = Selection(**{name: tuple(given) for name, given in globs.items()})
    found = selection.files(folder, lambda error: pytest.fail(str(error)))
    return [path.relative_to(folder).as_posix() for path in found]


@pytest.fixture
def tree(tmp_path):
    for name in (
        "b.tif",
        "a.PDF",
        "c.txt",
        "sub/d.jpg",
        "sub/sub/e.png",
        ".git/f.png",
        "sub/.g.png",
    ):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "tree"


def test_files_are_chosen_by_their_endings_in_order(tree):
    assert chosen(tree) == ["a.PDF", "b.tif", "sub/d.jpg", "sub/sub/e.png"]


@pytest.mark.parametrize(
    ("include", "exclude", "found"),
    [
        (["*.txt"], [], ["c.txt"]),
        (["sub/*"], [], ["sub/d.jpg", "sub/sub/e.png"]),
        ([], ["sub/sub"], ["a.PDF", "b.tif", "sub/d.jpg"]),
        ([], ["sub"], ["a.PDF", "b.tif"]),
        ([], ["sub/"], ["a.PDF", "b.tif"]),
        ([], ["*.tif", "d.*"], ["a.PDF", "sub/sub/e.png"]),
        (["[ab].*"], ["a*"], ["b.tif"]),
    ],
)
def test_globs(tree, include, exclude, found):
    assert chosen(tree, include=include, exclude=exclude) == found
    selection = Selection(include=tuple(include), exclude=tuple(exclude))
    every = [path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()]
    assert sorted(filter(selection.takes, every)) == found


def test_every_format_has_its_endings():
    names = {each.name.lower() for each in Format} - {"jpeg2000", "pnm"}
    for ending in (*names, "jp2", "j2k", "pbm", "pgm", "ppm", "pfm", "tif", "jpg"):
        assert Selection().takes(f"x.{ending}"), ending


@posix
def test_links_are_followed_and_loops_are_not(tree):
    (tree / "loop").symlink_to(tree)
    (tree / "link").symlink_to(tree / "sub", target_is_directory=True)
    (tree / "broken.png").symlink_to(tree / "nowhere.png")
    found = chosen(tree)
    assert [name for name in found if "e.png" in name] == ["link/sub/e.png"]
    assert "broken.png" in found


@pytest.fixture
def deep_folder(tmp_path):
    """A folder that is taken down level by level: what removes whole trees cannot go that deep."""
    yield tmp_path
    top, below = tmp_path / "a", tmp_path / "below"
    while (top / "a").exists():
        (top / "a").rename(below)
        top.rmdir()
        below.rename(top)


@posix
def test_folders_may_lie_deep_in_each_other(deep_folder):
    deep = os.open(deep_folder, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("a", dir_fd=deep)
        below = os.open("a", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = below
    os.close(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=deep))
    os.close(deep)
    assert chosen(deep_folder) == ["a/" * 1500 + "x.png"]


# Following folders


@pytest.fixture
def follow(tmp_path):
    """Follows a folder in a thread; gives the folder and the batches that come."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    found, errors, ends = [], [], threading.Event()

    def begin(settle=0.3, seen=None, **globs):
        selection = Selection(**globs)
        follower = Follower(
            [folder], selection, {} if seen is None else seen, settle, errors.append
        )

        def consume():
            # The last batch comes when the thread is to end.
            for batch in follower.batches():
                found.extend(batch)
                if ends.is_set():
                    return

        thread = threading.Thread(target=consume)
        thread.start()
        time.sleep(0.5)
        return thread

    yield folder, found, begin
    ends.set()
    (folder / "end.png").write_bytes(b"end")
    assert until(lambda: str(folder / "end.png") in found or not found)


def test_a_file_comes_once_it_has_settled(follow):
    folder, found, begin = follow
    thread = begin(settle=1.0)
    path = folder / "sub" / "a.png"
    path.parent.mkdir()
    begun = time.monotonic()
    with path.open("wb") as file:
        for _ in range(6):
            file.write(b"part")
            file.flush()
            time.sleep(0.3)
        written = time.monotonic()
    assert found == []
    assert until(lambda: found)
    assert time.monotonic() - written > 0.5
    assert time.monotonic() - begun > 1.8 + 0.5
    assert found == [str(path)]
    assert thread.is_alive()


def test_what_is_there_and_unchanged_does_not_come(follow):
    folder, found, begin = follow
    known, changed = folder / "a.png", folder / "b.png"
    for path in (known, changed):
        path.write_bytes(b"data")
    from ocrloom.cli.following import state_of

    seen = {str(path): state_of(path) for path in (known, changed)}
    changed.write_bytes(b"other data")
    (folder / "c.png").write_bytes(b"between")
    begin(seen=seen)
    assert until(lambda: len(found) == 2)
    assert sorted(found) == [str(changed), str(folder / "c.png")]


def test_changes_moves_and_removals(follow, tmp_path):
    folder, found, begin = follow
    begin(include=("*.png",))
    outside = tmp_path / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "a.png").write_bytes(b"one")
    (outside / "deep" / "b.txt").write_bytes(b"one")
    outside.rename(folder / "inside")
    moved = str(folder / "inside" / "deep" / "a.png")
    assert until(lambda: found == [moved])
    (folder / ".hidden.png").write_bytes(b"hidden")
    (folder / "gone.png").write_bytes(b"gone")
    (folder / "gone.png").unlink()
    Path(moved).write_bytes(b"another")
    assert until(lambda: found == [moved, moved])


@pytest.mark.skipif(sys.platform != "linux", reason="names are Unicode elsewhere")
def test_a_name_that_is_no_unicode_does_not_end_it(follow):
    folder, found, begin = follow
    thread = begin()
    odd = os.fsdecode(os.fsencode(folder) + b"/caf\xe9.png")
    Path(odd).write_bytes(b"odd")
    assert until(lambda: found == [odd])
    (folder / "a.png").write_bytes(b"one")
    assert until(lambda: len(found) == 2)
    assert thread.is_alive()


def test_a_folder_that_another_one_replaces_is_watched_anew(follow, tmp_path):
    folder, found, begin = follow
    begin()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.png").write_bytes(b"one")
    folder.rename(tmp_path / "old")
    (tmp_path / "new").rename(folder)
    assert until(lambda: found == [str(folder / "a.png")])
    (folder / "b.png").write_bytes(b"two")
    assert until(lambda: len(found) == 2)


def test_a_watched_folder_that_is_removed_ends_it(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    batches = Follower([folder], Selection(), {}, 0.1, pytest.fail).batches()
    (folder / "a.png").write_bytes(b"one")
    assert next(batches) == [str(folder / "a.png")]
    shutil.rmtree(folder)
    with pytest.raises(OcrSourceUnreadable, match=r"inbox: cannot be watched: .*No such file"):
        next(batches)


def test_a_folder_that_cannot_be_watched(tmp_path):
    follower = Follower([tmp_path / "missing"], Selection(), {}, 1.0, pytest.fail)
    with pytest.raises(OcrSourceUnreadable, match="cannot be watched"):
        next(follower.batches())


@posix
def test_a_watched_folder_is_indexed_until_ctrl_c(where, notes, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    shutil.copy(notes / "a.png", inbox)
    said = tmp_path / "said"
    with said.open("wb") as err:
        process = subprocess.Popen(
            [*COMMAND, "index", inbox, "--library", where, "--watch", "--settle", "0.3"], stderr=err
        )
    with process:
        assert until(lambda: "waiting for more" in said.read_text())
        two = notes / "deep" / "er" / "two.tif"
        shutil.copy(two, inbox / "part.tmp")
        (inbox / "part.tmp").rename(inbox / "two.tif")
        (inbox / "broken.png").write_text("no image")
        assert until(lambda: len(documents(where)) == 2 and "broken.png" in said.read_text())
        (inbox / "a.png").unlink()
        process.send_signal(signal.SIGINT)
        assert process.wait(LONG) == 130
    lines = said.read_text().splitlines()
    assert lines[0] == "ocrloom: 1 added (1 page); waiting for more, Ctrl-C ends"
    assert f"ocrloom: added {inbox / 'two.tif'} (2 pages)" in lines
    assert lines[-1].startswith("ocrloom: interrupted: 2 added (3 pages), 1 failed: ")
    assert len(documents(where)) == 2


# Flags


@pytest.fixture(scope="module")
def flags():
    command = typer.main.get_command(app.app).commands["index"]
    return {each.name: each for each in command.params}


def test_flags_have_the_defaults_of_the_library(flags):
    own = inspect.signature(Library.index).parameters
    assert flags["again"].default == own["again"].default
    # The others are what the command makes itself of its arguments and flags.
    assert set(own) - {"again"} == {"self", "engine", "sources", "describe", "progress"}
    assert flags["keep"].default == inspect.signature(Library).parameters["keep"].default


def test_it_has_the_flags_of_reading_and_help_for_all(flags):
    names = {option for each in flags.values() for option in each.opts}
    assert {"--pages", "--password", "--mode", "--jobs", "--memory", "--resume", "-l"} <= names
    assert all(flag.help for flag in flags.values())
