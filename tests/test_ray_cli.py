"""``--ray`` on the command line: what a cluster reads is written, told and counted as here."""

from __future__ import annotations

import inspect
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import PIL.Image
import pytest
import typer.main
from documents import frames, pages_of, until
from object_store import object_store

from ocrloom import Library, OcrClusterUnavailable, OcrOptionError, PageFailure
from ocrloom.cli import app, cluster, parquet
from ocrloom.cli.interrupts import TERMINATED

pytest.importorskip("ray", reason='needs pip install "ocrloom[ray]"')
from clusters import running

from ocrloom.ray import Cluster
from ocrloom.ray.parts import Receipt

COMMAND = [sys.executable, "-c", "from ocrloom.cli import main; main()"]
LONG = 90
COST = re.compile(
    r"ocrloom: \d+ pages? in \d:\d\d:\d\d(, [\d.]+ pages/s, [\d.]+ pages per CPU-second)?\n"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")


@pytest.fixture(scope="module")
def store():
    with object_store() as started:
        yield started


@pytest.fixture(scope="module")
def address(store):
    """Of a cluster of two nodes, which knows of the store."""
    import ray

    with running() as started:
        try:
            yield started.address
        finally:
            ray.shutdown()


@pytest.fixture(scope="module")
def pages(tmp_path_factory, note):
    """Scans: two of one page, one of three of which one is damaged, and what is none."""
    folder = tmp_path_factory.mktemp("pages")
    for number, words in enumerate(("Rivers and mills", "Maps of 1902")):
        PIL.Image.fromarray(note(words)).save(folder / f"{number}.png")
    (folder / "damaged.tif").write_bytes(frames(3, damaged=(2,)))
    (folder / "text.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="module")
def book(tmp_path_factory, note):
    """Too long to be read while a test waits."""
    path = tmp_path_factory.mktemp("book") / "book.tif"
    path.write_bytes(pages_of([note(f"This is page {number}") for number in range(1500)]))
    return path


def without_cost(err):
    """What was said beside what the run has taken, which comes last."""
    said, found, rest = err.rpartition("ocrloom: ")
    assert COST.fullmatch(found + rest), err
    return said


# What is read


def test_read_writes_what_it_writes_here(run, store, address, pages, tmp_path):
    there = store.put("rivers.png", (pages / "0.png").read_bytes())
    given = [*sorted(pages.iterdir()), there, store.location("gone.png"), "absent.png"]
    written = []
    for flags in [], ["--ray", address]:
        out = tmp_path / f"out{len(written)}"
        code, _, err = run("read", "-f", "json", "-o", f"{out}/", *flags, *given)
        assert code == 1
        files = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
        # The last line names files in the order in which they failed.
        said = without_cost(err) if flags else err
        written.append((files, sorted(said.replace(",", "").split())))
    assert written[0] == written[1]
    assert written[0][0].keys() == {"0.json", "1.json", "damaged.json", "rivers.json"}


def test_what_cannot_be_read_ends_it_as_here(run, address, pages):
    code, out, err = run("read", "--ray", address, "absent.png")
    assert (code, out, without_cost(err)) == run("read", "absent.png")


def test_finished_pages_are_not_read_again(run, store, address, pages, tmp_path):
    """Of a PDF too, whose scans the command fetches itself."""
    there = store.put("rivers.png", (pages / "0.png").read_bytes())
    flags = ("--ray", address, "--resume", tmp_path / "kept", pages / "1.png", there)
    first = run("read", "-v", *flags)
    again = run("read", "-f", "pdf,txt", "-o", tmp_path, *flags)
    assert (first[:2], again[:2]) == ((0, "Maps of 1902\nRivers and mills\n"), (0, ""))
    greeting, cost = first[2].splitlines()
    assert greeting.startswith(f"ocrloom: on the cluster at {address}: 2 nodes, 2 CPUs")
    assert cost.startswith("ocrloom: 2 pages in ")
    assert re.fullmatch(r"ocrloom: 0 pages in \d:\d\d:\d\d\n", again[2])
    assert (tmp_path / "rivers.txt").read_text("utf-8") == "Rivers and mills\n"
    assert (tmp_path / "rivers.pdf").read_bytes().startswith(b"%PDF-")


def test_a_library_takes_what_a_cluster_reads(run, store, address, pages, tmp_path, monkeypatch):
    where = tmp_path / "scans.db"
    monkeypatch.setenv("OCRLOOM_LIBRARY", str(where))
    there = store.put("shelf/maps.png", (pages / "1.png").read_bytes())
    code, _, err = run("index", "--ray", address, pages / "0.png", store.location("shelf"))
    assert (code, without_cost(err)) == (0, "ocrloom: 2 added (2 pages)\n")
    code, _, err = run("index", "--ray", address, pages / "0.png", store.location("shelf"))
    assert (code, without_cost(err)) == (0, "ocrloom: 0 added, 2 were there\n")
    with Library(where) as library:
        assert {each.source for each in library.documents()} == {str(pages / "0.png"), there}
        assert [hit.page for hit in library.search("mills")] == [1]


# What is said


def test_what_a_run_took():
    assert cluster.cost_line(120, 40.2, 80.0) == (
        "ocrloom: 120 pages in 0:00:40, 3.0 pages/s, 1.5 pages per CPU-second"
    )
    assert cluster.cost_line(0, 2.0, 0.0) == "ocrloom: 0 pages in 0:00:02"


def test_a_dashboard_is_linked():
    there = Cluster(address="head:6379", dashboard="http://head:8265", nodes=1, cpus=8)
    assert cluster.greeting(there) == (
        "ocrloom: on the cluster at head:6379: 1 node, 8 CPUs; dashboard http://head:8265"
    )


# A table of pages


@pytest.fixture(scope="module")
def shelf(pages, tmp_path_factory):
    """Two scans, a book of which one page is damaged, and what is no scan, below a folder."""
    folder = tmp_path_factory.mktemp("shelf")
    for path in pages.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def rows(folder):
    import pyarrow.parquet as pq

    found = pq.read_table(folder, columns=["document", "page", "text", "failure"]).to_pylist()
    return {
        (Path(row["document"]).name, row["page"]): row["failure"]["kind"]
        if row["failure"]
        else row["text"]
        for row in found
    }


# Of Ray Data's own settings.
@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning:ray.data.context")
def test_a_table_has_every_page_once(run, address, shelf, tmp_path):
    table = tmp_path / "table"
    flags = ("read", "--ray", address, "-f", "parquet", "-o", table, "--min-quality", "1")
    code, out, err = run(*flags, shelf)
    assert (code, out) == (1, "")
    lines = without_cost(err).splitlines()
    assert sum(": expected an image or a PDF" in line for line in lines) == 1
    assert lines[-2].startswith("ocrloom: 4 of 5 pages read, 1 document not opened; failed: ")
    assert f"{shelf / 'damaged.tif'} (page 2)" in lines[-2]
    assert re.match(r"ocrloom: \d of 4 pages (is|are) to be reviewed: ", lines[-1])
    assert rows(table) == {
        ("0.png", 1): "Rivers and mills",
        ("1.png", 1): "Maps of 1902",
        ("damaged.tif", 1): "",
        ("damaged.tif", 2): "OcrDamagedImage",
        ("damaged.tif", 3): "",
        ("text.png", 0): "OcrFormatError",
    }
    (shelf / "text.png").unlink()
    (shelf / "damaged.tif").unlink()
    code, _, err = run(*flags, shelf)
    assert code == 0
    assert err.startswith("ocrloom: 2 of 2 pages were there\n")
    assert re.search(r"^ocrloom: 0 pages in ", err, re.MULTILINE)


def test_an_interrupted_table_says_how_far_it_is(run, monkeypatch, tmp_path):
    def receipts(*_, **__):
        yield Receipt(document="a.tif", page=1, pages=3, cpu_seconds=0.5)
        raise KeyboardInterrupt

    there = Cluster(address="head:6379", dashboard=None, nodes=1, cpus=1)
    monkeypatch.setattr("ocrloom.ray.cluster.connect", lambda _: there)
    monkeypatch.setattr("ocrloom.ray.documents.write_pages", receipts)
    before = signal.getsignal(signal.SIGINT)
    try:
        code, _, err = run("read", "--ray", "-f", "parquet", "-o", tmp_path, "a.tif")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert without_cost(err) == (
        "ocrloom: interrupted: at least 1 page written; the same command goes on from there\n"
    )


def test_many_failures_are_named_in_part():
    named = parquet._Named()
    named.add("closed.png", 0)
    for number in range(1, 9):
        named.add("book.tif", number)
    for number in range(30):
        named.add(f"{number}.png", 1)
    assert named.count == 39
    said = str(named)
    assert said.startswith("closed.png, book.tif (pages 1, 2, 3, 4, 5 and 3 more), 0.png (page 1)")
    assert said.endswith("17.png (page 1) and 12 more")


def test_the_bar_of_a_table_counts_documents_by_their_pages(pages):
    watch = parquet._Watch()
    assert (watch.snapshot().total, watch.snapshot().completed) == (None, 0.0)
    watch.count((str(pages),))
    assert until(lambda: watch.snapshot().total == 4)
    for page in (1, 2):
        watch.note(Receipt(document="a.tif", page=page, pages=4))
    failure = PageFailure(number=0, kind="OcrSourceEmpty", message="empty")
    watch.note(Receipt(document="b.tif", page=0, failure=failure))
    state = watch.snapshot()
    assert (state.completed, state.pages, state.failed) == (1.5, 2, 1)


# How it ends


@posix
def test_runs_end_early(address, book, tmp_path):
    """Two at a time, on a CPU each."""
    sent = {signal.SIGINT: 130, signal.SIGTERM: TERMINATED}
    with ExitStack() as last:
        runs = {
            each: last.enter_context(begun(address, book, tmp_path / each.name)) for each in sent
        }
        ended = {each: end_early(run, tmp_path / each.name, each) for each, run in runs.items()}
    assert {each: run.returncode for each, run in runs.items()} == sent
    said, text = ended[signal.SIGINT]
    told = re.match(r"ocrloom: interrupted: (\d+) of 1500 pages of \S+ written; the same", said)
    assert told is not None, said
    # Nothing of Ray's reaches standard error.
    assert COST.fullmatch(said[said.index("\n") + 1 :])
    assert len(re.findall(r"This is page \d+", text)) == int(told[1]) >= 5
    assert ended[signal.SIGTERM][1] == ""


@contextmanager
def begun(address, book, folder):
    """A run that reads a book with one process, and keeps pages in a folder."""
    folder.mkdir()
    flags = ["--ray", address, "--jobs", "1", "--resume", folder / "kept", book]
    with (
        (folder / "out").open("wb") as out,
        subprocess.Popen(
            [*COMMAND, "read", *flags], stdout=out, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def end_early(process, folder, sent):
    """Sends a signal after some pages; what was said, and written."""
    end = time.monotonic() + LONG
    while len(list((folder / "kept").rglob("*.json"))) < 5 and time.monotonic() < end:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(sent)
    sent_at = time.monotonic()
    _, said = process.communicate(timeout=LONG)
    assert time.monotonic() - sent_at < 10
    return said, (folder / "out").read_text("utf-8")


def test_a_cluster_that_is_not_there_is_said(pages):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    process = [*COMMAND, "read", "--ray", nobody, pages / "0.png"]
    done = subprocess.run(process, capture_output=True, text=True, timeout=LONG, check=False)
    assert (done.returncode, done.stdout) == (52, "")
    assert done.stderr.startswith(f"ocrloom: {nobody}: no cluster answers: ")
    assert done.stderr.count("\n") == 1


def test_a_cluster_that_has_ended_is_none(monkeypatch):
    from ray._private import services

    from ocrloom.ray import cluster as connection

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ended = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(services, "find_bootstrap_address", lambda _: ended)
    assert connection._answering(None) == "local"
    with pytest.raises(OcrClusterUnavailable, match="no cluster answers"):
        connection._answering("auto")
    monkeypatch.setenv("RAY_ADDRESS", ended)
    with pytest.raises(OcrClusterUnavailable, match="no cluster answers"):
        connection._answering(None)
    assert connection._answering("local") == "local"


@pytest.mark.parametrize("address", [None, "auto"])
def test_the_variable_is_checked_as_the_flag_is(monkeypatch, address):
    from ocrloom.ray import cluster as connection

    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(OcrOptionError, match=r"variable RAY_ADDRESS must be .* on a machine"):
        connection._answering(address)
    assert connection._answering("local") == "local"
    monkeypatch.setenv("RAY_ADDRESS", "local")
    assert connection._answering(address) == address


def test_addresses_of_clients_are_refused():
    code = """
from ocrloom.cli import main
try:
    main(["read", "--ray", "ray://127.0.0.1:10001", "a.png"])
except SystemExit as ended:
    print(ended.code)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert done.stdout == "30\n"
    assert "run it on a machine of the cluster" in done.stderr


def test_without_the_extra_it_says_what_to_install():
    code = """
import sys
sys.modules["ray"] = None
from ocrloom.cli import main
main(["read", "--ray", "local", "a.png"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LONG, check=False
    )
    assert done.returncode == 30
    assert 'pip install "ocrloom[ray]"' in done.stderr


# Flags


def test_flags_have_the_defaults_of_the_engine():
    from ocrloom.ray import RayEngine

    own = inspect.signature(RayEngine).parameters
    named = {"address": "ray", "workers": "jobs", "memory": "memory", "journal": "resume"}
    # The others are what the command makes itself, and what the cluster decides.
    assert own.keys() - named.keys() == {"language", "options", "cpus"}
    for command in ("read", "index"):
        flags = {
            each.name: each for each in typer.main.get_command(app.app).commands[command].params
        }
        for parameter, flag in named.items():
            assert flags[flag].default == own[parameter].default


def test_help_and_reading_here_load_nothing_of_it(run_python, pages):
    code = """
import sys
from ocrloom.cli import main
for arguments in (["--help"], ["read", "--help"], ["index", "--help"], ["read", sys.argv[1]]):
    try:
        main(arguments)
    except SystemExit as ended:
        assert not ended.code
for name in ("ray", "fsspec", "pyarrow", "s3fs", "ocrloom.ray", "ocrloom.cli.cluster"):
    assert name not in sys.modules, name
"""
    assert "Rivers and mills" in run_python(code, pages / "0.png")
