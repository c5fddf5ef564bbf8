"""Several owners of documents in one library: none sees or changes what another has."""

from __future__ import annotations

import asyncio
import sqlite3

import numpy as np
import pytest
from documents import pages_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from results import box, page, word
from stores import new, phrase

from ocrloom import (
    Library,
    OcrEngine,
    OcrException,
    OcrNotInLibrary,
    OcrOptionError,
    OcrQueryError,
    OcrResult,
)
from ocrloom.library import Description, opening
from ocrloom.library.query.tree import And, Not, Or, OwnedBy
from ocrloom.library.storage.sql import is_textual

PAGE = np.full((100, 200), 255, np.uint8)
SOURCE = pages_of([PAGE])


def read(text, **changes):
    words = [
        word(each, polygon=box(10 * number, 10, 10 * number + 9, 20))
        for number, each in enumerate(text.split())
    ]
    return OcrResult(pages=(page(*words, number=1, width=200, height=100),), **changes)


@pytest.fixture
def library(where, tmp_path):
    with Library(where, keep=tmp_path / "copies") as made:
        yield made


def copies(library):
    return sorted(path.name for path in library.keep.glob("*/*"))


def test_each_owner_sees_their_own(library):
    ann, bob = library.of("ann"), library.of("bob")
    hers = ann.add(read("harbour light", source="a.tif")).result()
    his = bob.add(read("harbour bell", source="b.tif")).result()
    free = library.add(read("harbour wall", source="c.tif")).result()
    assert (hers.owner, his.owner, free.owner) == ("ann", "bob", "")
    assert [each.id for each in library.documents()] == [hers.id, his.id, free.id]
    assert {hit.document.id for hit in library.search("harbour")} == {hers.id, his.id, free.id}
    for view, mine in ((ann, hers), (bob, his), (library.of(""), free)):
        assert list(view.documents()) == [mine]
        assert view.document(mine.id).result() == mine
        assert view.find(mine.digest).result() == mine
        for query in ("harbour", "harb*", "NOT zebra", "page:1", "harb0ur~1", "harbour~1 OR zoo"):
            assert [hit.document for hit in view.search(query)] == [mine], query
        assert list(view.search("bell OR light OR wall", limit=1, offset=1)) == []
        assert [hit.document for hit in view.search("hárbour", accents=False)] == [mine]
        assert list(view.search("hárbour", accents=True)) == []
        stats = view.stats().result()
        assert (stats.documents, stats.pages, stats.tokens, stats.terms) == (1, 1, 2, None)
        assert 0 < stats.bytes < 10_000
        # What is like it is another's.
        assert list(view.similar(mine.id)) == []
    assert library.stats().result().documents == 3
    assert library.stats().result().terms == 4
    assert {hit.document.id for hit in library.similar(hers.id)} == {his.id, free.id}


def test_what_is_another_owners_is_not_there(library):
    ann, bob = library.of("ann"), library.of("bob")
    hers = ann.add(read("harbour light"), source=SOURCE).result()
    (hit,) = ann.search("harbour")
    assert ann.crop(hit).result().size == (69, 40)
    before = whole_of(library)
    absent = hers.id + 1
    for call in (
        lambda view, number: view.document(number).result(),
        lambda view, number: view.result(number).result(),
        lambda view, number: view.page(number, 1).result(),
        lambda view, number: view.export(number, "txt").result(),
        lambda view, number: view.export(number, "pdf").result(),
        lambda view, number: view.describe(number, Description(title="mine")).result(),
        lambda view, number: view.remove(number).result(),
        lambda view, number: list(view.similar(number)),
    ):
        messages = set()
        for number in (hers.id, absent):
            with pytest.raises(OcrNotInLibrary) as caught:
                call(bob, number)
            messages.add(str(caught.value).replace(str(number), "N"))
        assert len(messages) == 1  # nothing tells that it is another's
    with pytest.raises(OcrNotInLibrary):
        bob.crop(hit).result()
    with pytest.raises(OcrOptionError, match="hit must be a Hit"):
        bob.crop(hers).result()
    assert bob.find(hers.digest).result() is None
    assert whole_of(library) == before
    assert copies(library) == [f"{hers.digest}.tif"]


def whole_of(library):
    return list(library.documents()), [library.result(each.id).result()
                                       for each in library.documents()]  # fmt: skip


def test_the_same_content_belongs_to_each_of_several(library):
    ann, bob = library.of("ann"), library.of("bob")
    views = (library, ann, bob)
    mine = [view.add(read("harbour light"), source=SOURCE).result() for view in views]
    assert len({each.id for each in mine}) == 3
    assert len({each.digest for each in mine}) == 1
    assert len(mine[0].digest) == 64
    assert [each.version for each in mine] == [1, 1, 1]
    again = ann.add(read("harbour lights"), source=SOURCE).result()
    assert (again.id, again.version) == (mine[1].id, 2)
    assert [hit.document.id for hit in library.search("lights")] == [again.id]
    for view, one in zip(views, mine, strict=True):
        assert view.find(one.digest).result().id == one.id
    assert copies(library) == [f"{mine[0].digest}.tif"]
    assert library.check().result() == []
    # The copy goes with the last who needs it.
    ann.remove(mine[1].id).result()
    library.remove(mine[0].id).result()
    assert copies(library) == [f"{mine[0].digest}.tif"]
    assert bob.crop(next(bob.search("harbour"))).result().size == (69, 40)
    bob.remove(mine[2].id).result()
    assert copies(library) == []
    assert library.check().result() == []


def test_indexing_into_a_view(library, recogniser):
    source = pages_of([np.full((8, 6), shade, np.uint8) for shade in (1, 2)])
    engine = OcrEngine()
    ann = library.of("ann")
    (first,) = ann.index(engine, [source])
    (again,) = ann.index(engine, [source])
    (others,) = library.of("bob").index(engine, [source])
    assert (first.document.owner, first.was_there) == ("ann", False)
    assert (again.document, again.was_there) == (first.document, True)
    assert (others.document.owner, others.was_there) == ("bob", False)
    assert others.document.id != first.document.id
    assert copies(library) == [f"{first.document.digest}.tif"]


def test_a_view_is_a_library(library):
    async def use(view):
        async with view as own:
            document = await own.add(read("harbour"))
            assert [each async for each in own.documents()] == [document]
            assert [hit.page async for hit in own.search("harbour")] == [1]
            return document

    view = library.of("ann")
    document = asyncio.run(use(view))
    # Neither the block nor this has closed anything.
    view.close()
    assert view.document(document.id).result() == document
    assert view.of("ann") is view
    assert repr(view) == f"{library!r}.of('ann')"
    assert view.scrub().result() in (True, False)
    with pytest.raises(OcrOptionError, match="of another owner"):
        view.of("bob")
    for call in (lambda: view.suggest("h"), view.check, view.clean):
        with pytest.raises(OcrOptionError, match="ask the whole library"):
            call()
    library.close()
    with pytest.raises(OcrException, match="closed"):
        view.documents().__next__()


def test_a_view_keeps_its_library_open(where):
    view = Library(where).of("ann")
    document = view.add(read("harbour")).result()
    assert next(view.search("harbour")).document == document


@pytest.mark.parametrize(
    "owner", ["", "é/'\"%_; --", "東京", "0" * 200, "/", "owner:ann OR page:1"]
)
def test_any_name_is_an_owner(library, owner):
    other = library.of(owner + "x" if len(owner) < 200 else "x")
    document = library.of(owner).add(read("harbour")).result()
    assert other.add(read("harbour")).result().id != document.id
    (found,) = library.of(owner).documents()
    assert (found, found.owner, len(found.digest)) == (document, owner, 64)


@pytest.mark.parametrize("owner", [None, 3, "a\0b", "a\nb", "\ud800", "x" * 201, b"ann"])
def test_what_is_no_owner(library, owner):
    with pytest.raises(OcrOptionError, match="an owner must be a str"):
        library.of(owner)


def test_pages_in_parts_by_number(library):
    ann = library.of("ann")
    numbers = []
    for count in range(5):
        numbers.append(ann.add(read(f"harbour {count}")).result().id)
        library.add(read(f"wall {count}")).result()
    assert [each.id for each in ann.documents(after=numbers[1])] == numbers[2:]
    assert [each.id for each in ann.documents(newest_first=True)] == numbers[::-1]
    older = ann.documents(after=numbers[2], newest_first=True)
    assert [each.id for each in older] == [numbers[1], numbers[0]]
    assert ann.page(numbers[0], 1).result().text == "harbour 0"
    with pytest.raises(OcrNotInLibrary, match="has no page 2; it has 1"):
        ann.page(numbers[0], 2).result()


NAMES = st.sampled_from(
    ["harbour", "light", "bell", "page:1", "document:1", "title:x", "owner:bob"]
)


@st.composite
def queries(draw, depth=3):
    if depth == 0 or draw(st.booleans()):
        return draw(NAMES)
    inner = draw(queries(depth - 1))
    match draw(st.sampled_from(["AND", "OR", "AND NOT", "", "NOT", "-"])):
        case "NOT":
            return f"NOT ({inner})"
        case "-":
            return f"-{inner}"
        case between:
            return f"({inner} {between} {draw(queries(depth - 1))})"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=queries(), tolerance=st.sampled_from([0.0, 1.0]), accents=st.booleans())
def test_no_search_finds_what_is_another_owners(library, query, tolerance, accents):
    ann = library.of("ann")
    if library.stats().result().documents == 0:
        library.of("bob").add(read("harbour bell")).result()
        ann.add(read("harbour light")).result()
        library.add(read("wall")).result()
    try:
        all_hits = list(library.search(query, tolerance=tolerance, accents=accents))
        hits = list(ann.search(query, tolerance=tolerance, accents=accents))
    except OcrQueryError:
        return
    assert [hit.document for hit in hits] == [
        hit.document for hit in all_hits if hit.document.owner == "ann"
    ]


def test_the_store_filters_beside_the_text(store):
    """Where it would stand behind another condition, the index would not be used."""
    for name, owner in (("a", "ann"), ("b", "bob")):
        with store.owned_by(owner):
            store.put(new(name, "harbour light"))
    wanted = And((phrase("harbour"), phrase("light")))
    with store.owned_by("ann"):
        assert store.owner == "ann"
        assert len(store.rank(wanted).pages) == 1
        assert len(store.rank(Or((phrase("harbour"), phrase("bell")))).pages) == 1
        assert len(store.rank(Not(phrase("bell"))).pages) == 1
    assert store.owner is None
    assert len(store.rank(wanted).pages) == 2
    assert not is_textual(OwnedBy(owner="ann"))


def test_libraries_from_before_there_were_owners(where):
    with Library(where) as library:
        document = library.add(read("harbour")).result()
    store = opening.connector(where)(True)
    with store.transaction():
        for table in ("deliveries", "job_events", "job_pages", "jobs", "keys", "removals"):
            store.run(f"DROP TABLE {table}")
        store.run("DROP INDEX documents_owner")
        store.run("ALTER TABLE documents DROP COLUMN owner")
        if where.startswith("postgresql"):
            store.run("UPDATE version SET number = 1")
        else:
            store.run("PRAGMA user_version = 1")
    store.close()
    with Library(where) as library:
        assert [hit.document for hit in library.search("harbour")] == [document]
        assert library.of("").find(document.digest).result() == document
        other = library.of("ann").add(read("harbour")).result()
        assert (other.owner, other.digest) == ("ann", document.digest)
        assert library.find(document.digest).result() == document
        assert library.check().result() == []


def test_the_owners_column_is_found_by_an_index(tmp_path):
    store = opening.connector(str(tmp_path / "l.db"))(True)
    store.close()
    database = sqlite3.connect(tmp_path / "l.db")
    plan = database.execute(
        "EXPLAIN QUERY PLAN SELECT id FROM documents WHERE id > 5 AND owner = 'a' ORDER BY id"
    ).fetchall()
    assert "documents_owner" in str(plan)
    database.close()
