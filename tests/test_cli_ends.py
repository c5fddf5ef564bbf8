"""How ``ocrloom read`` ends when not all goes well: bad pages, timeouts, interrupts, kills."""

import _thread
import json
import os
import signal
import subprocess
import sys
import time

import PIL.Image
import pytest

from ocrloom import Block, Line, OcrDamagedImage, OcrResult, OcrTimeout, Page, PageFailure, Word
from ocrloom.cli.outputs import StandardOutput
from ocrloom.cli.tally import Tally
from ocrloom.formats import json_

LONG = 20
COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")

# A program whose pages take a tenth of a second and no models.
SLOW = """
import sys, time
import ocrloom.reading
from ocrloom import Page
def slow(frame, options, context):
    time.sleep(0.1)
    return Page(number=frame.number, width=1, height=1)
ocrloom.reading.read_frame = slow
from ocrloom.cli import main, progress
progress._PATIENCE = 0.2
main()
"""
# A program whose pages never end and have no checkpoints.
STUCK = SLOW.replace("0.1)", "60)").replace("def slow", 'print("stuck", flush=True)\ndef slow')


@pytest.fixture
def book(tmp_path, note):
    """Makes a TIFF of pages with numbers on them."""

    def make(pages, name="book.tif"):
        first, *rest = (PIL.Image.fromarray(note(f"Page {n}")) for n in range(1, pages + 1))
        path = tmp_path / name
        first.save(path, save_all=True, append_images=rest, compression="tiff_lzw")
        return path

    return make


@pytest.fixture
def damaged(book):
    """Makes the same with some pages broken."""

    def make(pages, *broken, name="book.tif"):
        path = book(pages, name)
        data = bytearray(path.read_bytes())
        with PIL.Image.open(path) as image:
            for number in broken:
                image.seek(number - 1)
                start, size = image.tag_v2[273][0], image.tag_v2[279][0]
                data[start : start + size] = b"\xff" * size
        path.write_bytes(data)
        return path

    return make


def page_of(frame):
    square = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    word = Word(text=f"p{frame.number}", polygon=square, confidence=1.0, recogniser="fake")
    block = Block(lines=(Line(words=(word,), polygon=square),), polygon=square)
    return Page(number=frame.number, width=1, height=1, blocks=(block,))


@pytest.fixture
def quick(monkeypatch):
    """Pages that are read at once; at the one of that number something happens instead."""
    asked = []

    def install(number, happen):
        def read(frame, options, context):
            asked.append(frame.number)
            if frame.number == number:
                happen()
                while True:
                    context.checkpoint()
                    time.sleep(0.01)
            return page_of(frame)

        monkeypatch.setattr("ocrloom.reading.read_frame", read)
        return asked

    return install


@pytest.fixture
def interrupted(quick, monkeypatch):
    """As if somebody pressed Ctrl-C while a page is read."""
    monkeypatch.setattr("ocrloom.cli.read.let_the_next_one_kill", lambda: None)

    def install(number, ready=lambda: True):
        def interrupt():
            while not ready():
                time.sleep(0.01)
            # What made it ready has a little more to do.
            time.sleep(0.1)
            _thread.interrupt_main()

        return quick(number, interrupt)

    return install


def texts(*numbers):
    return "\f".join(f"p{number}" for number in numbers) + "\n"


# --- pages that fail --------------------------------------------------------------------------


def test_a_bad_page_does_not_stop_the_others(run, damaged):
    path = damaged(3, 2)
    code, out, err = run("read", path)
    assert (code, out) == (22, "Page 1\fPage 3\n")
    failure, summary = err.splitlines()
    assert failure.startswith(f"ocrloom: {path}, frame 2: ")
    assert summary == f"ocrloom: 2 of 3 pages read; failed: {path} (page 2)"


def test_bad_pages_are_in_the_json(run, damaged):
    path = damaged(3, 1, 3)
    code, out, err = run("read", "-f", "json", path)
    assert code == 22
    result = json_.parse(out)
    assert [page.number for page in result.pages] == [2]
    assert [failure.number for failure in result.failures] == [1, 3]
    assert [f"ocrloom: {each.message}" for each in result.failures] == err.splitlines()[:2]


def test_bad_pages_are_counted_among_all(run, damaged, book, tmp_path):
    bad, good = damaged(3, 2, name="bad.tif"), book(2, "good.tif")
    code, _, err = run("read", bad, good, "-o", tmp_path / "out")
    assert code == 22
    assert err.endswith(f"ocrloom: 1 of 2 files read, 1 page of 5 failed; failed: {bad} (page 2)\n")
    assert (tmp_path / "out" / "bad.txt").read_text("utf-8") == "Page 1\fPage 3\n"
    assert (tmp_path / "out" / "good.txt").read_text("utf-8") == "Page 1\fPage 2\n"


def test_failures_of_different_kinds_have_the_code_1(run, damaged, tmp_path):
    code, out, err = run("read", damaged(2, 2), tmp_path / "missing.png")
    assert (code, out) == (1, "Page 1\n")
    assert len(err.splitlines()) == 3


def test_a_file_of_bad_pages_only_is_a_failure_without_output(run, damaged, tmp_path):
    path = damaged(2, 1, 2)
    code, _, err = run("read", path, "-o", tmp_path / "out.txt")
    assert code == 22
    assert err.startswith(f"ocrloom: {path}, frame 1: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "out.txt").exists()


def test_a_tally_names_only_some_pages():
    tally = Tally(2)
    failures = tuple(PageFailure.of(n, OcrDamagedImage("cut")) for n in range(2, 10))
    result = OcrResult(pages=(Page(number=1, width=1, height=1),), failures=failures)
    tally.add("a\n.tif", result, None, 9)
    tally.add("b.tif", None, OcrDamagedImage("cut"), 3)
    assert tally.exit_code == 22
    assert tally.summary() == (
        "0 of 2 files read, 8 pages of 9 failed; failed: "
        "'a\\n.tif' (pages 2, 3, 4, 5, 6 and 3 more), b.tif"
    )


def test_a_tally_counts_missing_pages():
    tally = Tally(1)
    partial = OcrResult(pages=(Page(number=1, width=1, height=1),))
    tally.add("a.tif", partial, OcrTimeout("late"), 300)
    assert (tally.exit_code, tally.summary()) == (71, "1 of 300 pages read; failed: a.tif")


# --- timeouts ---------------------------------------------------------------------------------


def test_a_timeout_writes_what_is_finished(run, book, quick, tmp_path):
    quick(3, lambda: None)
    path, out = book(5), tmp_path / "out.txt"
    code, _, err = run("read", path, "--timeout", "1", "--jobs", "1", "-o", out)
    assert code == 71
    assert out.read_text("utf-8") == texts(1, 2)
    assert err == (
        f"ocrloom: {path}: not finished within the 1 s of --timeout: "
        "2 of 5 pages written, 3 missing; give it more time\n"
    )


def test_a_timeout_before_the_first_page_writes_nothing(run, book, quick, tmp_path):
    quick(1, lambda: None)
    path, out = book(2), tmp_path / "out.txt"
    code, _, err = run(
        *("read", path, "--timeout", "0.5", "--jobs", "1", "-o", out),
        *("--resume", tmp_path / "kept"),
    )
    assert code == 71
    assert "0 of 2 pages written, 2 missing; the same command goes on from there" in err
    assert not out.exists()


def test_a_timeout_does_not_wait_for_a_worker_that_is_stuck(book):
    done = subprocess.run(
        [sys.executable, "-c", STUCK, "read", book(3), "--timeout", "0.5"],
        capture_output=True,
        check=False,
        timeout=LONG,
    )
    assert done.returncode == 71
    assert b"0 of 3 pages written, 3 missing" in done.stderr


# --- interrupts -------------------------------------------------------------------------------


def test_an_interrupt_writes_the_finished_pages_of_a_single_file(run, book, interrupted):
    interrupted(5)
    path = book(9)
    assert run("read", path, "--jobs", "1") == (
        *(130, texts(1, 2, 3, 4)),
        f"ocrloom: interrupted: 4 of 9 pages of {path} written\n",
    )


def test_an_interrupt_of_several_files_writes_whole_ones_only(run, book, interrupted, tmp_path):
    out = tmp_path / "out"
    interrupted(5, lambda: (out / "short.txt").exists())
    short, long = book(1, "short.tif"), book(9, "long.tif")
    code, _, err = run("read", short, long, "--jobs", "1", "-o", out)
    assert (code, err) == (130, "ocrloom: interrupted: 1 of 2 files read\n")
    assert [each.name for each in out.iterdir()] == ["short.txt"]


def test_an_interrupt_before_the_first_page_writes_nothing(run, book, interrupted, tmp_path):
    interrupted(1)
    path, out = book(2), tmp_path / "out.txt"
    assert run("read", path, "--jobs", "1", "-o", out) == (
        *(130, ""),
        f"ocrloom: interrupted: 0 of 2 pages of {path} written\n",
    )
    assert not out.exists()


def test_an_interrupt_is_told_although_nobody_takes_the_pages(run, book, interrupted, monkeypatch):
    def refuse(*_):
        raise BrokenPipeError

    monkeypatch.setattr(StandardOutput, "write", refuse)
    interrupted(3)
    code, _, err = run("read", book(5), "--jobs", "1")
    assert (code, err) == (130, "ocrloom: interrupted: 0 of 1 file read\n")


def test_after_an_interrupt_the_same_command_goes_on(run, book, interrupted, quick, tmp_path):
    asked = interrupted(4)
    command = ("read", book(6), "--jobs", "1", "--resume", tmp_path / "kept")
    code, out, err = run(*command)
    assert (code, out) == (130, texts(1, 2, 3))
    assert err.endswith(
        " pages of " + str(command[1]) + " written; the same command goes on from there\n"
    )
    quick(None, None)
    assert run(*command) == (0, texts(1, 2, 3, 4, 5, 6), "")
    assert asked == [1, 2, 3, 4, 4, 5, 6]


@posix
@pytest.mark.parametrize("flags", [(), ("--jobs", "2")])
def test_an_interrupt_keeps_the_files_that_are_done(book, tmp_path, flags):
    out = tmp_path / "out"
    page = book(1)
    sources = [tmp_path / f"{number}.tif" for number in range(300)]
    for source in sources:
        source.symlink_to(page)
    command = [*COMMAND, "read", *sources, "-o", f"{out}/", *flags]
    message = interrupt(command, lambda: out.is_dir() and any(out.glob("*.txt")))
    written = list(out.iterdir())
    assert message == f"ocrloom: interrupted: {len(written)} of 300 files read\n"
    assert 1 <= len(written) < 300
    assert len({each.read_bytes() for each in written}) == 1
    assert {each.suffix for each in written} == {".txt"}


@posix
def test_an_interrupt_keeps_the_pages_that_are_done(book, tmp_path):
    path, kept, out = book(300), tmp_path / "kept", tmp_path / "out.txt"
    command = [*COMMAND, "read", path, "-o", out, "--resume", kept]
    message = interrupt(command, lambda: len(kept_pages(kept)) > 4)
    written = out.read_text("utf-8").split("\f")
    assert message == (
        f"ocrloom: interrupted: {len(written)} of 300 pages of {path} written; "
        "the same command goes on from there\n"
    )
    assert 4 < len(written) < 300
    assert written[0] == "Page 1"


@posix
@pytest.mark.parametrize("flags", [(), ("--jobs", "1")])
def test_an_interrupt_does_not_wait_for_a_worker_that_is_stuck(book, tmp_path, flags):
    said = tmp_path / "said"
    command = [sys.executable, "-c", STUCK, "read", book(3), *flags]
    with said.open("wb") as out:
        interrupt(command, lambda: said.stat().st_size, pause=0.3, stdout=out)


def interrupt(command, ready, *, pause=0.0, **options):
    """Sends SIGINT when the time has come; what is said on standard error."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, **options)
    with process:
        wait_until(ready, process)
        time.sleep(pause)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(LONG) == 130
        sys.stdout.write(f"ended {time.monotonic() - begun:.2f} s after the interrupt\n")
        return process.stderr.read().decode()


def wait_until(ready, process):
    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- resuming ---------------------------------------------------------------------------------


def kept_pages(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("v1/*/*/*.json")}


def test_a_killed_run_is_resumed_and_repeats_no_page(run, book, tmp_path):
    path, kept, out = book(12), tmp_path / "kept", tmp_path / "out.json"
    command = ["read", "-f", "json", path, "-o", out, "--resume", kept, "--jobs", "1"]
    process = subprocess.Popen([*COMMAND, *command])
    with process:
        wait_until(lambda: len(kept_pages(kept)) > 2, process)
        process.kill()
    before = kept_pages(kept)
    assert 2 < len(before) < 12
    assert not out.exists()
    subprocess.run([*COMMAND, *command], check=True, timeout=60)
    after = kept_pages(kept)
    assert len(after) == 12
    assert before.items() <= after.items()
    code, undisturbed, _ = run("read", "-f", "json", path)
    assert code == 0
    assert json.loads(out.read_bytes()) == json.loads(undisturbed)


def test_failed_pages_are_tried_again(run, damaged, tmp_path):
    path, kept = damaged(3, 2), tmp_path / "kept"
    first = run("read", path, "--resume", kept)
    assert first[:2] == (22, "Page 1\fPage 3\n")
    before = kept_pages(kept)
    assert len(before) == 2
    assert run("read", path, "--resume", kept) == first
    assert kept_pages(kept) == before


def test_a_bad_folder_to_resume_from_is_told_before_anything_is_read(run, book, tmp_path):
    path = book(1)
    code, out, err = run("read", path, "--resume", path, "-o", f"{tmp_path}/out/")
    assert (code, out) == (60, "")
    assert "expected a folder for the journal" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


# --- progress ---------------------------------------------------------------------------------


@posix
def test_a_terminal_sees_how_far_it_is(book):
    import pty

    path = book(20)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "read", path, "--jobs", "2", "-o", os.devnull],
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(slave)
    shown = b""
    with process, os.fdopen(master, "rb", buffering=0) as terminal:
        try:
            while part := terminal.read(10_000):
                shown += part
        except OSError:
            pass  # Linux's way to say that the other end was closed
        assert process.wait(LONG) == 0
    text = shown.decode()
    assert "/20 pages" in text
    assert "pages/s" in text
    assert "left" in text
    assert f"{path.name}: pages " in text
    # It is gone in the end.
    assert text.endswith("\x1b[2K") or text.rstrip("\r\n").endswith("\x1b[2K")
