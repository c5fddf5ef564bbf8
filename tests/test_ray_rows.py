"""What a process of a dataset's pool does with bundles, without a cluster."""

import asyncio
import os
import pickle
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("ray.data", reason='needs pip install "ocrloom[ray]"')

import pyarrow as pa
from image_files import encoded, page

from ocrloom import OcrOptions
from ocrloom.journal import Journal
from ocrloom.ray import page_of, planning
from ocrloom.ray.ledger import Ledger
from ocrloom.ray.listing import Found
from ocrloom.ray.parts import Done, Folder, identity
from ocrloom.ray.planning import Bundle, Planner
from ocrloom.ray.protocols import Reading
from ocrloom.ray.rows import PageReader, Settings
from ocrloom.ray.table import row_of, table_of
from ocrloom.result import Page


class Book:
    """The ledger as a handle of Ray's asks it, in this process."""

    def __init__(self):
        self.ledger = Ledger()

    def __getattr__(self, name):
        asked = getattr(self.ledger, name)

        class Method:
            async def remote(self, *given):
                return asked(*given)

        return Method()


class Lost(Exception):
    """Here the process would have been lost."""


class Standin:
    """Reads as a `Reader` does: whoever wants to be alone waits until he is."""

    def __init__(self, deadly=()):
        self.deadly = deadly
        self.lock = asyncio.Lock()
        self.died = asyncio.Event()

    async def read(self, parcel, numbers, *, alone):
        if alone:
            await self.lock.acquire()
        try:
            yield None
            source = parcel.source
            content = await source.content if hasattr(source, "content") else None
            parcel.image(content)
            for number in numbers:
                # Others begin in between, if they may.
                await asyncio.sleep(0)
                if Path(parcel.name).stem in self.deadly:
                    self.died.set()
                    await asyncio.Event().wait()
                yield Reading(Page(number=number, width=8, height=8), 0.5)
        finally:
            if alone:
                self.lock.release()


def reading(bundle, reader, book, journal=None):
    """The pages of a bundle in one process, by document."""
    settings = Settings(cpus=1, memory=None, journal=journal, packed=False)
    process = PageReader(settings, book)
    process._reader = reader

    async def read():
        death = asyncio.ensure_future(reader.died.wait())
        work = asyncio.ensure_future(process(pa.table({"work": [pickle.dumps(bundle)]})))
        await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise Lost
        death.cancel()
        table = work.result()
        return {row["document"]: page_of(row) for row in table.to_pylist()}

    return asyncio.run(read())


def until_it_lives(bundle, deadly, book):
    """What came of a bundle, and how many processes it took."""
    for times in range(40):
        try:
            return reading(bundle, Standin(deadly), book), times
        except Lost:
            continue
    raise AssertionError("it never ends")


@pytest.fixture
def scans(tmp_path, note):
    paths = [tmp_path / f"{name}.png" for name in "abcdef"]
    for path in paths:
        path.write_bytes(encoded(note(path.stem), "PNG"))
    return paths


def planned(paths, **more):
    planner = Planner(options=OcrOptions(), slice_pages=8)
    bundles = planner.bundles([Found(str(path)) for path in paths], None, **({"home": None} | more))
    return Bundle([piece for bundle in bundles for piece in bundle.slices])


# Who is lost over what


@pytest.mark.parametrize("deadly", ["a", "c", "f", "ace"])
def test_only_what_kills_is_blamed(scans, deadly):
    found, times = until_it_lives(planned(scans), set(deadly), Book())
    kinds = {Path(name).stem: getattr(page, "kind", None) for name, page in found.items()}
    assert kinds == {path.stem: "OcrReaderLost" if path.stem in deadly else None for path in scans}
    # All together once, and three times each alone.
    assert times == 1 + 3 * len(deadly)


def test_the_same_document_in_another_row_is_blamed_for_nothing(scans):
    planner = Planner(options=OcrOptions(), slice_pages=8)
    rows = [{"path": str(scans[0])}] * 6
    (bundle,) = planner.bundles_of_rows(rows, None, None)
    assert len({piece.id for piece in bundle.slices}) == 6
    book = Book()
    for piece in bundle.slices:
        book.ledger.begin(f"{piece.id}\0001-1")
    found = reading(bundle, Standin(), book)
    assert [bool(page) for page in found.values()] == [True]
    assert not book.ledger._begun


# What changes meanwhile


def test_a_file_that_changes_is_not_read_under_the_old_key(scans, tmp_path, note):
    bundle = planned(scans[:1])
    scans[0].write_bytes(encoded(note("something else"), "PNG"))
    (page,) = reading(bundle, Standin(), Book(), str(tmp_path / "journal")).values()
    assert (page.kind, "changed while it was read" in page.message) == ("OcrSourceUnreadable", True)
    assert Journal(tmp_path / "journal").entry(bundle.slices[0].key).get(1) is None
    os.utime(scans[1], ns=(1, 1))
    bundle = planned(scans[1:2])
    os.utime(scans[1], ns=(2, 2))
    assert all(reading(bundle, Standin(), Book()).values())


def test_a_location_that_changes_is_not_read_under_the_old_key(note, monkeypatch):
    import fsspec

    monkeypatch.setattr(planning, "_CARRIED", 0)
    place = "memory://rows/changing.png"
    contents = [encoded(note(text), "PNG") for text in ("first", "then")]
    system = fsspec.filesystem("memory")
    system.pipe_file("/rows/changing.png", contents[0])
    bundle = planned([place])
    assert bundle.slices[0].parcel.source == place
    assert all(reading(bundle, Standin(), Book()).values())
    system.pipe_file("/rows/changing.png", contents[1])
    (page,) = reading(bundle, Standin(), Book()).values()
    assert (page.kind, "changed while it was read" in page.message) == ("OcrSourceUnreadable", True)


# What is planned


@pytest.mark.skipif(sys.platform != "linux", reason="names there are any bytes")
def test_names_that_are_not_utf_8_are_planned_again_and_found(tmp_path, note):
    path = os.fsencode(tmp_path) + b"/\xe9t\xe9.png"
    Path(os.fsdecode(path)).write_bytes(encoded(note("summer"), "PNG"))
    bundle = planned([os.fsdecode(path)])
    (piece,) = bundle.slices
    assert piece.document == f"{tmp_path}/\\udce9t\\udce9.png"
    (page,) = reading(bundle, Standin(), Book()).values()
    assert page
    facts = {"document": piece.document, "pages": 1, "key": piece.key, "node": "", "seconds": 0.5}
    folder = Folder.at(str(tmp_path / "out"))
    folder.write(table_of([row_of(page, **facts)]))
    done = folder.done(folder.parts("pages-"))
    planner = Planner(options=OcrOptions(), slice_pages=8)
    ((again,),) = (
        bundle.slices for bundle in planner.bundles([Found(os.fsdecode(path))], done, None)
    )
    assert (again.written, again.numbers) == (((1, False),), ())
    assert identity(os.fsdecode(path), "", 1) == identity(piece.document, "", 1)


def test_whatever_is_raised_over_one_document_ends_no_other(scans, monkeypatch):
    def broken(*_):
        raise ConnectionResetError("in the middle")

    monkeypatch.setattr(planning, "fetch", broken)
    bundle = planned([*scans[:1], "s3://bucket/a.png", *scans[1:2]])
    failures = [piece.failure for piece in bundle.slices]
    assert [failure is None for failure in failures] == [True, False, True]
    assert (failures[1].number, failures[1].kind) == (0, "OcrEngineError")
    planner = Planner(options=OcrOptions(), slice_pages=8)
    (bundle,) = planner.bundles_of_rows([{"path": 3}, {"bytes": "text"}], None, lambda _: b"")
    assert [piece.failure.number for piece in bundle.slices] == [0, 0]
    assert "expected bytes in the column bytes, got str" in bundle.slices[1].failure.message


def test_rows_with_one_content_and_name_are_one_document_where_they_are_written(scans, note):
    planner = Planner(options=OcrOptions(), slice_pages=8)
    content = encoded(note("twice"), "PNG")
    rows = [{"path": str(scans[0])}, {"bytes": content}, {"path": "x", "bytes": content}] * 2
    came = Counter()

    def first(what):
        came[what] += 1
        return came[what] == 1

    def documents(*more):
        bundles = planner.bundles_of_rows(rows, None, None, *more)
        return [piece.document for bundle in bundles for piece in bundle.slices]

    assert len(documents()) == 6
    assert len(documents(first)) == 3


def test_a_task_that_is_run_again_has_what_it_had():
    book = Ledger()
    assert [book.first(b"a", "task", "1"), book.first(b"a", "task", "1")] == [True, False]
    assert [book.first(b"a", "task", "2"), book.first(b"a", "task", "2")] == [True, False]
    assert not book.first(b"a", "other", "3")
    assert Done.joined([]).of("x", "", [1]) == ()


def test_bundles_grow_with_what_came_before(tmp_path):
    for number in range(64):
        (tmp_path / f"{number}.png").write_bytes(encoded(page(), "PNG"))
    found = [Found(str(path)) for path in sorted(tmp_path.iterdir())]
    planner = Planner(options=OcrOptions(), slice_pages=4, cpus=10)

    def sizes(before):
        bundles = planner.bundles(found, None, Path.read_bytes, before=before)
        return [bundle.pages for bundle in bundles]

    assert sizes(0) == [4] * 16
    assert sizes(10 * 8 * 16) == [16] * 4
    assert sizes(10**6) == [64]
