"""Results as Parquet: rows and back, parts that are written once, resuming; an object store."""

import pickle
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ray.data", reason='needs pip install "ocrloom[ray]"')
pytest.importorskip("pyarrow", reason='needs pip install "ocrloom[ray]"')

import pyarrow as pa
import pyarrow.parquet as pq
from results import page, word

from ocrloom import errors
from ocrloom.journal import Journal
from ocrloom.ray.failures import Failures
from ocrloom.ray.ledger import Ledger
from ocrloom.ray.parts import PAGES, Folder, Receipt
from ocrloom.ray.stored_journal import StoredJournal, keeper_at
from ocrloom.ray.table import SCHEMA, page_of, row_of, table_of
from ocrloom.result import PageFailure

# Of Ray Data itself, about settings of its own.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.data.context")

KEY = "ab" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(
    number=1,
    document="/scans/a.tif",
    *,
    failed=False,
    key=KEY,
    at=NOW,
    seconds=1.5,
    why="broken",
):
    failure = PageFailure(number=number, kind="OcrDamagedImage", message=why)
    outcome = failure if failed else page(word(f"word{number}"), number=number)
    facts = {"document": document, "pages": 9, "key": key, "node": "here"}
    return row_of(outcome, **facts, seconds=seconds, finished=at)


def folder_at(tmp_path):
    return Folder.at(str(tmp_path / "out"))


def rows_of(folder, kind=""):
    from ocrloom.locations import local_path

    paths = sorted(local_path(folder.location).glob(f"{kind}*.parquet"))
    tables = [pq.read_table(path) for path in paths]
    return [each for table in tables for each in table.to_pylist()]


# Rows


def test_a_page_comes_back_equal_through_a_file(tmp_path, reading):
    pages = reading("letter.tif").pages
    rows = [row_of(each, document="x", pages=1, key="", node="n", seconds=0.0) for each in pages]
    pq.write_table(table_of(rows), tmp_path / "x.parquet")
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert [page_of(each) for each in table.to_pylist()] == list(pages)


def test_the_columns_say_what_the_page_says(reading):
    (found,) = reading("letter.tif").pages
    (told,) = table_of(
        [row_of(found, document="x", pages=1, key=KEY, node="n", seconds=2.0)]
    ).to_pylist()
    assert told["text"] == found.text
    assert [each["text"] for each in told["words"]] == [each.text for each in found.words]
    for mine, theirs in zip(told["words"], found.words, strict=True):
        assert np.allclose(np.reshape(mine["polygon"], (4, 2)), theirs.polygon)
        assert mine["confidence"] == pytest.approx(theirs.confidence)
    lines = [line for block in found.blocks for line in block.lines]
    assert {each["line"] for each in told["words"]} == set(range(len(lines)))
    assert max(each["block"] for each in told["words"]) == len(found.blocks) - 1
    assert (told["width"], told["height"]) == (found.width, found.height)
    assert told["failure"] is None
    assert told["provenance"]["cpu_seconds"] == 2.0


def test_a_failure_comes_back(tmp_path):
    (told,) = table_of([row(3, failed=True)]).to_pylist()
    assert page_of(told) == PageFailure(number=3, kind="OcrDamagedImage", message="broken")
    assert told["text"] == ""


def test_every_column_is_described():
    assert all(field.metadata[b"description"] for field in SCHEMA)


def test_the_documentation_has_the_schema():
    docs = Path(__file__).parents[1] / "docs" / "cluster.md"
    lines = docs.read_text(encoding="utf-8").splitlines()
    begin = lines.index("| column | type | |") + 2
    cells = [line.strip("| ").split(" | ") for line in lines[begin : begin + len(SCHEMA)]]
    assert [cell[0].strip("`") for cell in cells] == SCHEMA.names
    for cell, field in zip(cells, SCHEMA, strict=True):
        assert cell[2].endswith(field.metadata[b"description"].decode())
    assert not lines[begin + len(SCHEMA)]


def test_names_that_are_not_utf_8_can_be_kept():
    table = table_of([row(document="/scans/\udcff.tif")])
    assert table["document"].to_pylist() == ["/scans/\\udcff.tif"]


@pytest.mark.parametrize("bad", [{}, {"failure": None, "result": b"x", "page": 1}])
def test_what_is_no_row_is_refused(bad):
    with pytest.raises(errors.OcrOptionError, match="expected a row"):
        page_of(bad)


# Parts


def test_a_part_that_is_written_again_replaces_itself(tmp_path):
    folder = folder_at(tmp_path)
    table = table_of([row(1), row(2), row(3, failed=True)])
    for _ in range(2):
        receipts = folder.write(table)
    assert [(each.page, each.failure is None) for each in receipts] == [
        (1, True),
        (2, True),
        (3, False),
    ]
    assert sorted(each["page"] for each in rows_of(folder)) == [1, 2, 3]


def test_another_fate_of_the_same_pages_replaces_the_first(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1), row(2, failed=True)]))
    folder.write(table_of([row(1), row(2)]))
    assert sorted(each["page"] for each in rows_of(folder)) == [1, 2]
    assert folder.parts("failures-") == []


def test_which_pages_are_there(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1), row(2), row(4, failed=True)]))
    folder.write(table_of([row(7)]))
    done = pickle.loads(pickle.dumps(folder.done(folder.parts(PAGES))))
    assert done.of("/scans/a.tif", KEY, range(1, 9)) == ((1, False), (2, False), (7, False))
    assert done.of("/scans/b.tif", KEY, range(1, 9)) == ()
    assert done.of("/scans/a.tif", "cd" * 32, range(1, 9)) == ()
    assert folder_at(tmp_path / "none").done([]).of("x", KEY, [1]) == ()


def test_torn_parts_count_as_absent_and_are_replaced_when_they_are_written(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1)]))
    (name,) = folder.parts(PAGES)
    path = tmp_path / "out" / name
    whole = path.read_bytes()
    for torn in (b"", whole[:10], whole[:-1], whole[: len(whole) // 2]):
        path.write_bytes(torn)
        assert folder.done([name]).of("/scans/a.tif", KEY, [1]) == ()
        assert path.read_bytes() == torn
    folder.write(table_of([row(1)]))
    assert len(rows_of(folder)) == 1


def test_files_of_others_are_left_alone(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1), row(2, failed=True)]))
    theirs = [f"{kind}{name}" for kind in ("pages-", "failures-") for name in NAMES]
    for name in theirs:
        (tmp_path / "out" / name).write_bytes(b"theirs")
    failures = Failures(folder, folder.done(folder.parts(PAGES)))
    failures.note(Receipt(document="/scans/a.tif", page=2))
    failures.settle()
    assert {(tmp_path / "out" / name).read_bytes() for name in theirs} == {b"theirs"}
    assert [len(folder.parts(kind)) for kind in ("pages-", "failures-")] == [1, 0]


NAMES = [
    "notes.parquet",
    ".parquet",
    f"{'a' * 31}.parquet",
    f"{'A' * 32}.parquet",
    f"{KEY}.parquet",
]


@pytest.mark.parametrize("mark", [None, {"ocrloom": "pages/2"}])
@pytest.mark.parametrize("kind", ["pages-", "failures-"])
def test_a_table_of_something_else_under_such_a_name_is_refused(tmp_path, mark, kind):
    folder = folder_at(tmp_path)
    path = tmp_path / "out" / f"{kind}{KEY[:32]}.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"page": [1]}).replace_schema_metadata(mark), path)
    with pytest.raises(errors.OcrOutputError, match="expected pages in the schema pages/1"):
        Failures(folder, folder.done(folder.parts(PAGES)))
    assert path.exists()


def test_what_killed_processes_had_begun_is_removed_after_a_while(tmp_path):
    import os

    folder = folder_at(tmp_path)
    folder.write(table_of([row(1)]))
    old, fresh = (tmp_path / "out" / f".ocrloom-{name}.tmp" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, times=(time.time() - 7200,) * 2)
    folder.sweep()
    assert (old.exists(), fresh.exists()) == (False, True)


def test_failures_stay_until_they_were_tried_again(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(n, failed=True) for n in (1, 2, 3)]))
    failures = Failures(folder, folder.done(folder.parts(PAGES)))
    # One is read now, one fails once more, one was not asked for.
    for table in (table_of([row(1, at=later())]), table_of([row(2, failed=True, at=later())])):
        for receipt in folder.write(table):
            failures.note(receipt)
    assert sorted(each["page"] for each in rows_of(folder, "failures-")) == [1, 2, 2, 3]
    failures.settle()
    assert sorted(each["page"] for each in rows_of(folder, "failures-")) == [2, 3]


def test_clocks_of_other_machines_do_not_matter(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1, failed=True, at=NOW), row(2, failed=True, at=NOW)]))
    failures = Failures(folder, folder.done([]))
    slow = NOW - timedelta(hours=1)
    for receipt in folder.write(table_of([row(1, failed=True, at=slow)])):
        failures.note(receipt)
    failures.settle()
    found = {each["page"]: each["provenance"]["finished"] for each in rows_of(folder)}
    assert found == {1: slow, 2: NOW}


def test_what_fails_for_another_reason_now_is_told_of(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1, failed=True)]))
    # The same page under the same name, and then in the part of another that failed.
    failures = Failures(folder, folder.done([]))
    for receipt in folder.write(table_of([row(1, failed=True, at=NOW, why="other")])):
        failures.note(receipt)
    for receipt in folder.write(table_of([row(1, failed=True, at=later(), why="new"), row(3)])):
        failures.note(receipt)
    failures.settle()
    assert [each["failure"]["message"] for each in rows_of(folder, "failures-")] == ["new"]


def test_a_document_that_opens_now_has_failed_no_more(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(0, failed=True, key="")]))
    failures = Failures(folder, folder.done([]))
    failures.note(Receipt(document="/scans/a.tif", page=1))
    failures.settle()
    assert rows_of(folder) == []


def test_what_a_killed_run_left_twice_is_tidied(tmp_path):
    folder = folder_at(tmp_path)
    folder.write(table_of([row(1, failed=True), row(2, failed=True)]))
    folder.write(table_of([row(1)]))
    folder.write(table_of([row(2, failed=True, at=later()), row(3)]))
    Failures(folder, folder.done(folder.parts(PAGES)))
    assert [each["page"] for each in rows_of(folder, "failures-")] == [2]


def later():
    return datetime.now(UTC) + timedelta(seconds=60)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(errors.OcrOutputError, match="found a file"):
        folder_at(tmp_path)


# The ledger


def test_what_was_begun_and_never_ended_is_counted():
    book = Ledger()
    assert [book.begin("a"), book.begin("a"), book.begin("b")] == [1, 2, 1]
    book.end("a")
    book.end("never begun")
    assert book.begin("a") == 1


# A journal elsewhere


def test_a_journal_elsewhere_has_the_files_of_one_here(tmp_path):
    there = StoredJournal((tmp_path / "journal").as_uri()).entry(KEY)
    kept = page(word(), number=3)
    assert there.get(3) is None
    there.put(kept)
    assert there.get(3) == kept
    assert Journal(tmp_path / "journal").entry(KEY).get(3) == kept
    (path,) = (tmp_path / "journal").rglob("*.json")
    path.write_bytes(path.read_bytes()[:-1])
    assert there.get(3) is None
    with pytest.raises(errors.OcrOptionError, match="64 hexadecimal"):
        keeper_at("memory://journal").entry("../x")


# All of it, in an object store


@pytest.fixture(scope="module")
def store():
    from object_store import object_store

    with object_store() as started:
        yield started


@pytest.fixture(scope="module")
def cluster(store):
    """Started where its processes learn of the store."""
    from clusters import running

    with running() as started:
        yield started


def test_in_a_store_a_rerun_reads_only_what_is_missing(store, cluster, note):
    from image_files import encoded

    from ocrloom.ray import write_pages

    texts = [f"page {number}" for number in range(3)]
    for number, text in enumerate(texts):
        store.put(f"in/{number}.png", encoded(note(text), "PNG"))
    store.put("in/bad.png", b"nonsense")

    def run():
        found = list(write_pages(store.location("in/"), store.location("out"), **common))
        return {each.document.rpartition("/")[2]: each for each in found}

    common = {"address": cluster.address, "journal": store.location("journal")}
    first = run()
    assert len(first) == 4
    assert first.pop("bad.png").failure.kind == "OcrFormatError"
    assert not any(each.failure or each.resumed for each in first.values())
    assert all(each.cpu_seconds > 0 for each in first.values())
    # One part is lost, and with it nothing but the need to write it again: there is a journal.
    parts = [name for name in store.names("out") if "pages-" in name]
    store.remove(parts[0])
    store.put("in/bad.png", encoded(note("mended"), "PNG"))
    second = run()
    assert len(second) == 4
    assert all(each.failure is None for each in second.values())
    assert [name for name, each in second.items() if not each.resumed] == ["bad.png"]
    tables = [pq.read_table(pa.BufferReader(store.get(name))) for name in store.names("out")]
    found = [each for table in tables for each in table.to_pylist()]
    assert sorted(each["text"] for each in found) == sorted([*texts, "mended"])
    assert {each["document"] for each in found} == {
        store.location(f"in/{name}.png") for name in [*range(3), "bad"]
    }
