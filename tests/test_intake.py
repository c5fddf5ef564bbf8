"""Sources on their way into a library: what is read, what is stored, and how it ends."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import threading
import weakref

import numpy as np
import PIL.Image
import pytest
from documents import frames, numbers, until
from results import page, word

import ocrloom.library.additions as additions_module
from ocrloom import (
    Image,
    Library,
    OcrCancelled,
    OcrDamagedImage,
    OcrEngine,
    OcrException,
    OcrFormatError,
    OcrLibraryUnavailable,
    OcrOptionError,
    OcrOptions,
    OcrResult,
    OcrSourceNotFound,
    OcrSourceUnreadable,
    OcrTimeout,
    PageFailure,
    Stage,
)
from ocrloom.journal import content_digest
from ocrloom.library import Description


@pytest.fixture
def engine(recogniser):
    with OcrEngine(workers=2) as engine:
        yield engine
        recogniser.let_all()


@pytest.fixture
def library(tmp_path):
    with Library(tmp_path / "scans.db") as library:
        yield library


@pytest.fixture
def file(tmp_path):
    """Writes a TIFF with so many frames; each size is another content."""

    def write(name, count=1, **options):
        path = tmp_path / name
        path.write_bytes(frames(count, **options))
        return path

    return write


def plainly(additions):
    return list(additions)


def in_a_loop(additions):
    async def main():
        return [addition async for addition in additions]

    return asyncio.run(main())


both = pytest.mark.parametrize("consume", [plainly, in_a_loop], ids=["for", "async for"])


def by_index(additions):
    return sorted(additions, key=lambda addition: addition.index)


def documents(library):
    return list(library.documents())


# What is read


@both
def test_each_source_is_settled_once(engine, library, file, consume):
    paths = [file(f"{count}.tif", count) for count in (3, 1, 2)]
    found = by_index(consume(library.index(engine, paths)))
    assert [addition.index for addition in found] == [0, 1, 2]
    for addition, path, count in zip(found, paths, (3, 1, 2), strict=True):
        assert addition.source is path
        assert addition.name == str(path)
        assert addition.error is None
        assert not addition.was_there
        assert len(addition.outcome.unwrap().pages) == count
        assert addition.document == library.document(addition.document.id).result()
        assert addition.document.pages == count
        assert addition.document.source == str(path)
        assert addition.document.digest == content_digest(path)
    assert len(documents(library)) == 3


@both
def test_nothing_to_read(engine, library, consume):
    assert consume(library.index(engine, [])) == []


def test_what_is_there_is_not_read_again(engine, library, file, recogniser):
    path = file("a.tif")
    (first,) = library.index(engine, [path])
    copy = file("copy.tif")
    second, third = by_index(library.index(engine, [copy, copy.read_bytes()]))
    assert len(recogniser.begun) == 1
    for addition in (second, third):
        assert addition.was_there
        assert addition.outcome is None
        assert addition.document == first.document


def test_a_content_is_read_once_in_a_run(engine, library, file, recogniser):
    recogniser.hold()
    path, copy = file("a.tif", 2), file("b.tif", 2)
    threading.Timer(0.2, recogniser.let_all).start()
    found = by_index(library.index(engine, [path, copy, path]))
    assert sorted(recogniser.begun) == [1, 2]
    assert len({addition.document.id for addition in found}) == 1
    assert sorted(addition.was_there for addition in found) == [False, True, True]


def test_a_content_that_fails_fails_for_all_of_it(engine, library, file):
    sources = [b"no image", b"no image"]
    found = list(library.index(engine, sources))
    assert [type(addition.error) for addition in found] == [OcrFormatError] * 2


def test_again_reads_anew_and_once(engine, library, file, recogniser):
    path = file("a.tif")
    list(library.index(engine, [path]))
    found = []
    with library.index(engine, itertools.repeat(path, 40), again=True) as additions:
        found.extend(additions)
    assert len(recogniser.begun) == 2
    assert {addition.document.version for addition in found} == {2}
    assert len(documents(library)) == 1


def test_what_another_process_stores_meanwhile_stays(engine, library, file, recogniser, tmp_path):
    path = file("a.tif")
    recogniser.hold()
    additions = library.index(engine, [path])
    timer = threading.Timer(0.5, recogniser.let_all)
    with Library(tmp_path / "scans.db") as other:
        other.add(OcrResult(pages=(page(word("theirs")),)), source=path).result()
        timer.start()
        (addition,) = additions
    assert addition.document.version == 1
    assert library.result(1).result().text == "theirs"


def test_a_file_that_has_moved_is_found_again(engine, library, file, tmp_path):
    path = file("original.tif")
    list(library.index(engine, [path]))
    copy = file("copy.tif")
    (addition,) = library.index(engine, [copy])
    assert addition.document.source == str(path)
    path.unlink()
    (addition,) = library.index(engine, [copy])
    assert addition.was_there
    assert (addition.document.source, addition.document.version) == (str(copy), 1)
    assert [hit.document.id for hit in library.search("source:copy")] == [1]
    assert list(library.search("source:original")) == []


def test_a_copy_that_is_lacking_is_made(engine, library, file, tmp_path):
    path = file("a.tif")
    (first,) = library.index(engine, [path])
    with Library(tmp_path / "scans.db", keep=tmp_path / "kept") as keeping:
        (addition,) = keeping.index(engine, [path])
    assert addition.was_there
    assert addition.document.changed == first.document.changed
    assert (tmp_path / "kept" / addition.document.kept).read_bytes() == path.read_bytes()


def test_engine_and_sources_in_the_wrong_places_are_refused(engine, library):
    with pytest.raises(OcrOptionError, match="must be an OcrEngine, got str"):
        library.index("a.tif", engine)
    with pytest.raises(OcrOptionError, match="put a single one into a list"):
        library.index(engine, "a.tif")


def test_sources_of_all_kinds(engine, library, file):
    path = file("a.tif", 2)
    array = np.full((30, 40), 200, np.uint8)

    def sources():
        with path.open("rb") as opened:
            yield opened
        yield array
        yield PIL.Image.new("L", (9, 8), 255)
        yield frames(3)
        yield Image.load(file("b.tif", 4))

    found = by_index(library.index(engine, sources()))
    assert [addition.error for addition in found] == [None] * 5
    names = [addition.document.source for addition in found]
    assert names == [str(path), None, None, None, str(path.with_name("b.tif"))]
    assert {addition.was_there for addition in library.index(engine, [array])} == {True}


def test_asynchronous_sources(engine, library, file):
    async def sources():
        for count in range(1, 20):
            await asyncio.sleep(0)
            yield frames(count, size=(8, 5 + count))

    found = in_a_loop(library.index(engine, sources()))
    assert sorted(addition.index for addition in found) == list(range(19))
    assert len(documents(library)) == 19


def test_an_endless_source_is_asked_for_little_more_than_is_taken(engine, library):
    taken = []

    def sources():
        for count in itertools.count(5):
            taken.append(count)
            yield frames(1, size=(8, count))

    with library.index(engine, sources()) as additions:
        for _ in range(3):
            assert next(additions).error is None
    assert len(taken) <= 3 + 4 * 2


def test_progress_and_descriptions(engine, library, file):
    events, threads = [], set()

    def describe(source):
        threads.add(threading.current_thread())
        return Description(title=source.stem, metadata={"shelf": "9"})

    paths = [file("one.tif", 1), file("two.tif", 2)]
    found = by_index(library.index(engine, paths, describe=describe, progress=events.append))
    assert [addition.document.name for addition in found] == ["one", "two"]
    assert found[0].document.description.metadata == {"shelf": "9"}
    assert threading.main_thread() not in threads
    # The last event may come a little later than the result.
    assert until(lambda: sum(event.stage is Stage.PAGE_DONE for event in events) == 3)
    # Only what is read is described: people may have said more of it since.
    list(library.index(engine, paths, describe=lambda _: Description(title="other")))
    assert {each.name for each in documents(library)} == {"one", "two"}
    list(library.index(engine, paths, again=True))
    assert {each.name for each in documents(library)} == {"one", "two"}


# What goes wrong


def test_bad_sources_are_additions_with_errors(engine, library, file, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_text("no image")
    sources = [file("a.tif"), broken, tmp_path / "missing.tif", 5, b"nothing"]
    found = by_index(library.index(engine, sources))
    assert [type(addition.error) for addition in found] == [
        type(None),
        OcrFormatError,
        OcrSourceNotFound,
        OcrOptionError,
        OcrFormatError,
    ]
    assert [addition.name for addition in found][1:3] == [str(broken), str(sources[2])]
    assert found[1].outcome.error is found[1].error
    assert found[2].outcome is None
    assert not any(addition.was_there for addition in found)
    assert len(documents(library)) == 1


def test_a_document_with_bad_pages_is_added_with_the_good_ones(engine, library, file):
    (addition,) = library.index(engine, [file("a.tif", 4, damaged=[2])])
    assert addition.document.pages == 3
    assert numbers(addition.document.failures) == [2]
    assert numbers(library.result(addition.document.id).result().pages) == [1, 3, 4]


def test_what_has_no_good_page_is_not_added(engine, library, file):
    (addition,) = library.index(engine, [file("a.tif", 2, damaged=[1, 2])])
    assert isinstance(addition.error, OcrDamagedImage)
    assert documents(library) == []


def test_what_is_not_finished_in_time_is_not_added(recogniser, library, file):
    recogniser.hold()
    recogniser.let(1)
    with OcrEngine(workers=2, options=OcrOptions(timeout=1.0)) as engine:
        (addition,) = library.index(engine, [file("a.tif", 3)])
    assert isinstance(addition.error, OcrTimeout)
    assert numbers(addition.error.partial.pages) == [1]
    assert documents(library) == []
    recogniser.let_all()
    with OcrEngine(workers=2) as engine:
        (addition,) = library.index(engine, [file("a.tif", 3)])
    assert addition.document.pages == 3


def test_a_file_that_changes_while_it_is_read_is_not_added(engine, library, file, recogniser):
    recogniser.hold()
    path = file("a.tif")

    def change():
        assert recogniser.wait_for(1)
        path.write_bytes(frames(1, size=(20, 20)))
        recogniser.let_all()

    threading.Thread(target=change).start()
    (addition,) = library.index(engine, [path])
    assert isinstance(addition.error, OcrSourceUnreadable)
    assert "changed while it was being read" in str(addition.error)
    assert addition.outcome.result is not None
    assert documents(library) == []


def test_a_closed_engine_ends_what_it_reads(recogniser, library, file):
    recogniser.hold()
    engine = OcrEngine(workers=1)

    def close():
        assert recogniser.wait_for(1)
        engine.close()

    threading.Thread(target=close).start()
    (addition,) = library.index(engine, [file("a.tif", 2)])
    assert isinstance(addition.error, OcrCancelled)


def test_a_library_that_cannot_be_reached_costs_no_reading(engine, file, recogniser, tmp_path):
    library = Library(tmp_path / "scans.db")
    library.close()
    found = list(library.index(engine, [file("a.tif"), file("b.tif", 2)], again=True))
    assert [type(addition.error) for addition in found] == [OcrLibraryUnavailable] * 2
    assert recogniser.begun == []


@pytest.mark.parametrize("given", ["a title", 5])
def test_a_wrong_description_is_refused(engine, library, file, given):
    (addition,) = library.index(engine, [file("a.tif")], describe=lambda _: given)
    assert isinstance(addition.error, OcrOptionError)
    assert "Description" in str(addition.error)
    assert documents(library) == []


def test_what_describe_raises_is_this_sources_error(engine, library, file):
    def describe(source):
        if source.stem == "a":
            raise KeyError("a")
        return Description()

    one, two = by_index(library.index(engine, [file("a.tif"), file("b.tif", 2)], describe=describe))
    assert isinstance(one.error, KeyError)
    assert two.error is None


# How it ends


def test_cancelling_keeps_what_was_added(engine, library, file, recogniser):
    recogniser.hold()
    recogniser.let(1)
    # The page that waits takes one of the two workers, whichever source comes first.
    additions = library.index(engine, [file("a.tif", 1), file("b.tif", 2)])
    assert next(additions).document is not None
    assert recogniser.wait_for(3)
    (rest,) = additions.cancel()
    assert isinstance(rest.error, OcrCancelled)
    assert numbers(rest.error.partial.pages) == [1]
    assert until(lambda: recogniser._running["pages"] == 0)
    assert len(documents(library)) == 1
    assert list(additions) == []


def test_cancelled_before_it_was_looked_at(engine, library, file, monkeypatch):
    held = threading.Event()
    original = additions_module.content_digest

    def digest(source, checkpoint, limits):
        held.wait(5)
        checkpoint()
        return original(source, checkpoint, limits)

    monkeypatch.setattr(additions_module, "content_digest", digest)
    additions = library.index(engine, [file("a.tif"), file("b.tif", 2)])
    waiting = threading.Timer(0.1, additions.close)
    waiting.start()
    assert list(additions) == []
    held.set()
    assert documents(library) == []


def test_leaving_the_loop_ends_the_reading(engine, library, file, recogniser):
    recogniser.hold()
    recogniser.let(1)
    for _ in library.index(engine, [file("a.tif", 1), file("b.tif", 2)]):
        break
    assert until(lambda: recogniser._running["pages"] == 0)


def test_a_cancelled_task_ends_the_reading(engine, library, file, recogniser):
    recogniser.hold()

    async def main():
        async def read():
            async for _ in library.index(engine, [file("a.tif", 2)]):
                pass

        task = asyncio.create_task(read())
        await asyncio.to_thread(recogniser.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert until(lambda: recogniser._running["pages"] == 0)
    assert documents(library) == []


def test_the_event_loop_neither_hashes_nor_writes(engine, library, file, monkeypatch):
    threads = []
    original = additions_module.content_digest

    def digest(source, *rest, **named):
        threads.append(threading.current_thread())
        return original(source, *rest, **named)

    monkeypatch.setattr(additions_module, "content_digest", digest)
    in_a_loop(library.index(engine, [file("a.tif")]))
    assert len(threads) == 2
    assert threading.main_thread() not in threads


@pytest.mark.usefixtures("uncollected")
def test_what_was_taken_is_in_no_cycle(engine, library):
    source = np.full((12, 12), 255, np.uint8)
    (addition,) = library.index(engine, [source])
    reference = weakref.ref(source)
    del source, addition
    assert until(lambda: reference() is None)


# Where it goes


def test_into_either_kind_of_database(engine, where, file, tmp_path, recogniser):
    recogniser.hold()
    recogniser.let(1)
    with Library(where, keep=tmp_path / "kept") as library:
        additions = library.index(engine, [file("a.tif", 1), file("b.tif", 2)])
        first = next(additions).document
        assert (first.pages, first.version) == (1, 1)
        additions.close()
        recogniser.let_all()
        found = by_index(library.index(engine, [file("a.tif", 1), file("b.tif", 2)], again=True))
        assert [addition.document.version for addition in found] == [2, 1]
        assert [addition.document.pages for addition in found] == [1, 2]
        assert library.check().result() == []
        for addition in found:
            library.remove(addition.document.id).result()
        assert not any(path.is_file() for path in (tmp_path / "kept").rglob("*"))


# One result


def test_a_result_is_known_by_its_file(library, file):
    path = file("a.tif")
    result = OcrResult(pages=(page(word("Été")),), source=str(path))
    document = library.add(result).result()
    assert document.digest == content_digest(path)
    assert document.source == str(path)
    assert library.add(result, source=path.read_bytes()).result().version == 2


def test_a_result_without_its_file_is_known_by_its_own_content(library):
    one = OcrResult(pages=(page(word("Été")),), source="gone.tif")
    two = OcrResult(pages=(page(word("Hiver")),), source="gone.tif")
    first = library.add(one).result()
    assert first.source == "gone.tif"
    assert library.add(two).result().id != first.id
    assert library.add(one).result().id == first.id


def test_a_file_object_may_be_closed_before_its_turn(library, file):
    with file("a.tif").open("rb") as opened:
        pending = library.add(OcrResult(pages=(page(),)), source=opened)
    assert pending.result().digest == content_digest(file("a.tif"))


def test_a_digest_that_is_known_is_taken(library):
    result = OcrResult(pages=(page(),), failures=(PageFailure(number=2, kind="x", message="y"),))
    document = library.add(result, digest="ab" * 32).result()
    assert (document.digest, document.pages) == ("ab" * 32, 1)
    assert numbers(document.failures) == [2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"result": "text"}, "takes an OcrResult, got str"),
        ({"digest": "AB" * 32}, "64 hexadecimal digits"),
        ({"digest": 5}, "64 hexadecimal digits"),
        ({"description": "title"}, "must be a Description or None, got str"),
    ],
)
def test_what_is_no_result_is_refused_at_once(library, given, said):
    arguments = {"result": OcrResult(pages=())} | given
    with pytest.raises(OcrOptionError, match=said):
        library.add(arguments.pop("result"), **arguments)


def test_a_source_that_is_missing_is_refused_at_once(library, tmp_path):
    with pytest.raises(OcrException, match="no such file"):
        library.add(OcrResult(pages=()), source=tmp_path / "missing.tif")


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_names_that_are_no_unicode_are_kept(library, engine, tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.tif")
    with open(path, "wb") as file:  # noqa: PTH123  # a Path would do the same
        file.write(frames(1))
    (addition,) = library.index(engine, [path])
    assert addition.document.source == path
    named = io.BytesIO(frames(2))
    named.name = "a\0b"
    assert library.add(OcrResult(pages=()), source=named).result().source == "a\ufffdb"
