"""Datasets of pages on a cluster of two nodes: what a local engine reads, whatever is killed."""

import os
import signal
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import PIL.Image
import pytest

pytest.importorskip("ray.data", reason='needs pip install "ocrloom[ray]"')

from clusters import running, workers
from image_files import encoded

from ocrloom import OcrEngine, OcrOptions, errors
from ocrloom.cli.walking import Selection
from ocrloom.ray import page_of, read_documents, write_pages
from ocrloom.ray.listing import Found, found_in, names_of
from ocrloom.ray.planning import Planner

# Of Ray Data itself, about settings of its own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

READERS = "ray::MapWorker(MapBatches(PageReader))"


@pytest.fixture(scope="module")
def cluster():
    with running() as started:
        yield started


@pytest.fixture
def scans(tmp_path, note):
    """A folder: four pictures, a book of seven pages and what is none."""
    folder = tmp_path / "scans"
    (folder / "below").mkdir(parents=True)
    for number in range(4):
        (folder / "below" / f"{number}.png").write_bytes(encoded(note(f"page {number}"), "PNG"))
    book(folder / "book.tif", note, 7)
    (folder / "bad.png").write_bytes(b"nonsense")
    (folder / "notes.txt").write_text("nothing to read")
    return folder


def book(path, note, count):
    frames = [PIL.Image.fromarray(note(f"sheet {number:03}")) for number in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def local(paths, options=None):
    """What a local engine reads, by path and page."""
    found = {}
    with OcrEngine(options=options) as engine:
        for path in paths:
            for page in engine.process(path).pages:
                found[str(path), page.number] = page
    return found


# What is read


def test_every_page_is_read_as_a_local_engine_reads_it(cluster, scans):
    given = [scans, scans / "book.tif", scans / "nothing.png"]
    dataset = read_documents(given, address=cluster.address, slice_pages=3)
    rows = list(dataset.iter_rows())
    found = {(row["document"], row["page"]): page_of(row) for row in rows}
    assert len(rows) == len(found)
    failures = {
        Path(name).name: found.pop((name, 0)).kind for name, page in list(found) if not page
    }
    assert failures == {"bad.png": "OcrFormatError", "nothing.png": "OcrSourceNotFound"}
    assert found == local([*sorted((scans / "below").iterdir()), scans / "book.tif"])
    assert {row["pages"] for row in rows if row["document"].endswith("book.tif")} == {7}
    assert all(row["provenance"]["cpu_seconds"] > 0 for row in rows if row["page"])


def test_a_dataset_of_bytes_and_paths_is_written_once(cluster, scans, note, tmp_path):
    import pyarrow.parquet as pq
    import ray

    content = encoded(note("in bytes"), "PNG")
    (scans / "below" / "odd").write_bytes(encoded(note("in a file"), "PNG"))
    given = ray.data.from_items(
        [
            {"path": "s3://not/asked/for.png", "bytes": content, "extra": 1},
            {"path": str(scans / "below" / "odd"), "bytes": None, "extra": 2},
            {"path": None, "bytes": content[:40], "extra": 3},
        ]
        * 2,
        override_num_blocks=2,
    )
    before = given.context.target_max_block_size
    options = OcrOptions(languages="english")
    receipts = list(write_pages(given, tmp_path / "out", options, address=cluster.address))
    rows = pq.read_table(tmp_path / "out").to_pylist()
    assert len(receipts) == len(rows)
    assert sorted(row["text"] for row in rows) == ["", "in a file", "in bytes"]
    (failed,) = (row for row in rows if row["failure"])
    assert failed["document"].startswith("sha256:")
    assert failed["failure"]["kind"] == "OcrDamagedImage"
    assert given.context.target_max_block_size == before
    with pytest.raises(errors.OcrOptionError, match="column path, bytes or both"):
        read_documents(given.select_columns(["extra"]), address=cluster.address)


# What is killed


@contextmanager
def killing(cluster, times, chosen):
    """Kills readers that are chosen, so many times at most; gives the list of the killed."""
    killed = []
    over = threading.Event()

    def kill():
        while not over.wait(0.01) and len(killed) < times:
            for pid in workers(cluster, READERS):
                if pid not in killed and chosen(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def has_open(pid, path):
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if each.readlink() == path:
                    return True
    return False


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_a_page_that_kills_its_process_is_a_failure_and_all_others_are_read_once(
    cluster, scans, tmp_path
):
    import pyarrow.parquet as pq

    # Large, so that it is open for a while.
    deadly = scans / "below" / "deadly.tif"
    PIL.Image.new("L", (6000, 6000), 255).save(deadly)
    out = tmp_path / "out"
    with killing(cluster, 99, lambda pid: has_open(pid, deadly)) as killed:
        receipts = list(write_pages(scans, out, address=cluster.address))
    assert len(killed) >= 3
    pages = [(each.document, each.page) for each in receipts]
    assert len(pages) == len(set(pages)) == 4 + 7 + 2
    failures = {Path(each.document).name: each for each in receipts if each.failure}
    assert failures.keys() == {"bad.png", "deadly.tif"}
    lost = failures["deadly.tif"].failure
    assert (lost.number, lost.kind) == (1, "OcrReaderLost")
    assert isinstance(lost.error, errors.OcrReaderLost)
    written = pq.read_table(out).to_pylist()
    assert sorted((row["document"], row["page"]) for row in written) == sorted(pages)
    texts = {row["text"] for row in written if row["document"].endswith("book.tif")}
    assert texts == {f"sheet {number:03}" for number in range(7)}


# Without a cluster


@pytest.mark.parametrize("name", ["workers", "cpus", "memory", "slice_pages"])
@pytest.mark.parametrize("value", [0, -1, "many", 1.5])
def test_numbers_that_cannot_be_are_refused_before_anything_is_reached(name, value):
    with pytest.raises(errors.OcrOptionError, match=name):
        read_documents("x.png", **{name: value})


@pytest.mark.parametrize("sources", [b"bytes", 1, ["x.png", None], ""])
def test_what_is_no_source_is_refused(sources):
    with pytest.raises(errors.OcrOptionError):
        names_of(sources)


def test_what_was_named_twice_or_lies_in_two_folders_comes_once(scans):
    inside = scans / "below"
    given = [inside / "1.png", inside, scans, scans, inside / "2.png", scans / "notes.txt"]
    found = [each.name for each in found_in(names_of(given), Selection())]
    expected = [inside / "1.png", inside / "2.png", scans / "notes.txt"]
    expected += [inside / f"{number}.png" for number in (0, 3)]
    expected += [scans / "bad.png", scans / "book.tif"]
    assert found == [str(path) for path in expected]


def test_a_location_of_this_machine_is_a_path(scans):
    path = scans / "below" / "a #%.png"
    path.write_bytes(b"x")
    assert names_of([path.as_uri(), path]) == (str(path),)
    (bundle,) = Planner(options=OcrOptions(), slice_pages=4).bundles_of_rows(
        [{"path": path.as_uri()}], None, home=None
    )
    assert bundle.slices[0].document == str(path)


def test_names_of_any_length_and_the_root_are_listed(monkeypatch):
    long = "/" + "a" * 300
    assert list(found_in([long], Selection())) == [Found(long)]
    monkeypatch.setattr(Selection, "files", lambda *_: iter([Path("/a/b.png"), Path("/ab.png")]))
    found = found_in(["/a/b.png", "/"], Selection())
    assert [each.name for each in found] == ["/a/b.png", "/ab.png"]
    given = ["/", "/a/"]
    monkeypatch.setattr(Selection, "files", lambda _, folder, *__: iter([Path("/a/b.png")]))
    monkeypatch.setattr(os.path, "isdir", lambda _: True)
    assert [each.name for each in found_in(given, Selection())] == ["/a/b.png"]


def test_a_folder_that_may_not_be_entered_is_told_of(scans, monkeypatch):
    def closed(folder):
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "scandir", closed)
    (found,) = found_in([str(scans)], Selection())
    assert (found.name, found.failure.kind) == (str(scans), "OcrSourceUnreadable")


def test_books_are_divided_and_small_documents_put_together(scans):
    planner = Planner(options=OcrOptions(), slice_pages=4)
    names = [str(scans / "below" / f"{number}.png") for number in (0, 1, 2, 3, 0, 1)]
    found = [Found(name) for name in [*names, str(scans / "book.tif"), str(scans / "bad.png")]]
    bundles = list(planner.bundles(found, None, home=lambda name: b""))
    assert [bundle.pages for bundle in bundles] == [4, 2, 4, 3]
    assert [piece.failure.kind for piece in bundles[-1].slices if piece.failure] == [
        "OcrFormatError"
    ]
    numbers = [piece.numbers for bundle in bundles for piece in bundle.slices][6:8]
    assert numbers == [(1, 2, 3, 4), (5, 6, 7)]


def test_what_is_only_on_the_machine_that_calls_is_got_from_there(tmp_path, note):
    planner = Planner(options=OcrOptions(), slice_pages=4)
    asked = []

    def home(name):
        asked.append(name)
        return encoded(note("at home"), "PNG")

    (bundle,) = planner.bundles([Found("/nowhere/here.png")], None, home)
    assert asked == ["/nowhere/here.png"]
    assert bundle.slices[0].parcel.name == "/nowhere/here.png"
