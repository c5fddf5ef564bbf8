"""Stores: what is put, given back, given up and counted, the same in SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from stores import described, digest, found, new, page, phrase, unchanged, whole

from ocrloom import (
    OcrCancelled,
    OcrLibraryDamaged,
    OcrLibraryError,
    OcrNotInLibrary,
)
from ocrloom.languages import Language
from ocrloom.library import opening
from ocrloom.library.documents import Description, Document, Stats
from ocrloom.library.storage.rows import Contents
from ocrloom.result import PageFailure

LONG = 30.0  # seconds after which a test that waits has failed


# Documents


def test_a_document_is_stored_and_given_back(store):
    description = Description(
        title="Été à Brême",
        date=dt.date(2019, 5, 1),
        metadata={"customer": "Ysolde Marchetti", "amount": "3.50"},
    )
    failures = (PageFailure(number=3, kind="OcrTimeout", message='too "slow"\n\0'),)
    pages = [page(1, "the first", "eng", "fra"), page(2, ""), page(4, "last 発票 票", "jpn")]
    change = store.put(
        new("a", pages=pages, description=description, failures=failures, kept="aa/bb.pdf")
    )
    assert change.version == 1
    document = store.document(change.id)
    now = dt.datetime.now(dt.UTC)
    assert now - dt.timedelta(minutes=1) < document.added <= document.changed <= now
    assert document == Document(
        id=change.id,
        digest=digest("a"),
        source="/scans/a.pdf",
        description=description,
        pages=3,
        languages=(Language.ENGLISH, Language.parse("fra"), Language.parse("jpn")),
        added=document.added,
        changed=document.changed,
        version=1,
        failures=failures,
        kept="aa/bb.pdf",
    )
    rows = store.pages_of(document.id)
    assert [(row.number, row.languages) for row in rows] == [
        (1, ("eng", "fra")),
        (2, ("eng",)),
        (4, ("jpn",)),
    ]
    wanted = [rows[2].id, 10**6, rows[0].id]
    first = Contents(page=rows[0], tokens=("the", "first"), words=pages[0].words, tree=b"tree\xff")
    last = Contents(page=rows[2], tokens=("last", "発票", "票"), words=pages[2].words, tree=b"")
    assert store.contents(wanted) == [last, replace(first, tree=b"")]
    assert store.contents(wanted, whole=True) == [replace(last, tree=b"tree\xff"), first]
    assert list(store.check()) == []


def test_the_same_content_is_one_document_in_versions(store):
    first = store.put(new("a", "old words", "more old words", description=Description(title="A")))
    other = store.put(new("b", "words"))
    again = store.put(new("a", "new words", source="/elsewhere.pdf"))
    assert (again.id, again.version) == (first.id, 2)
    document = store.document(first.id)
    assert (document.version, document.pages, document.source) == (2, 1, "/elsewhere.pdf")
    assert document.description.title == "A"  # none was given, so it stays
    assert document.added < document.changed
    assert found(store, phrase("old")) == []
    assert sorted(found(store, phrase("words"))) == [(first.id, 1), (other.id, 1)]
    assert store.numbers() == [first.id, other.id]
    renamed = store.put(new("a", "new words", description=Description(title="B")))
    assert store.document(renamed.id).description == Description(title="B")
    assert list(store.check()) == []


def test_what_is_removed_is_gone(store):
    gone, stays = (store.put(new(name, "some words")).id for name in "ab")
    store.describe(gone, Description(metadata={"customer": "c"}))
    pages = [row.id for row in store.pages_of(gone)]
    store.remove(gone)
    assert store.numbers() == [stays]
    assert store.contents(pages) == []
    assert store.pages_of(gone) == []
    assert found(store, phrase("words")) == [(stays, 1)]
    assert store.with_digests([digest("a"), digest("b")]) == {digest("b"): stays}
    assert list(store.check()) == []
    for missing in (gone, 10**12):
        for act in (store.remove, store.document, lambda n: store.describe(n, Description())):
            with pytest.raises(OcrNotInLibrary, match=f"no document {missing};"):
                act(missing)
    assert store.put(new("a", "some words")).id not in (gone, stays)


def test_a_description_takes_the_place_of_another(store):
    number = store.put(new("a", "words")).id
    store.describe(number, Description(title="Brief", metadata={"customer": "x", "old": "y"}))
    added = store.document(number).added
    later = Description(date=dt.date(2020, 2, 29), metadata={"customer": "z"})
    store.describe(number, later)
    document = store.document(number)
    assert document.description == later
    assert document.version == 1
    assert added == document.added < document.changed
    assert found(store, described("title", "brief")) == []
    assert found(store, described("customer", "z")) == [(number, 1)]


def test_documents_are_listed_in_parts(store):
    numbers = [store.put(new(name)).id for name in "abcde"]
    assert store.numbers(limit=2) == numbers[:2]
    assert store.numbers(after=numbers[1], limit=2) == numbers[2:4]
    assert store.numbers(after=numbers[-1]) == []
    assert list(store.documents([numbers[3], 10**9, numbers[0]])) == [numbers[0], numbers[3]]
    assert store.documents([]) == {}


def test_as_many_as_there_may_be_are_asked_for_at_once(store):
    numbers = [store.put(new(n, f"w{n}")).id for n in range(3)]
    many = list(range(1, 3000))
    assert sorted(store.documents(many)) == numbers
    assert store.with_digests([digest(n) for n in many]) == {
        digest(n): numbers[n] for n in range(1, 3)
    }
    assert len(store.contents(many)) == 3
    assert store.pages_with([f"w{n}" for n in many]) == {"w1": 1, "w2": 1}
    assert store.in_use([f"w{n}" for n in many[:300]]) == {"w1", "w2"}


def test_stats_count_what_is_there(store):
    assert store.stats().documents == store.stats().pages == store.stats().terms == 0
    failed = tuple(PageFailure(number=n, kind="OcrTimeout", message="") for n in (2, 3))
    store.put(new("a", "a b a", "c"))
    store.put(new("b", "a b", failures=failed))
    store.put(new("a", "a b a d"))
    store.remove(store.put(new("c", "a")).id)
    stats = store.stats()
    assert stats == Stats(
        documents=2, pages=2, tokens=6, terms=3, failed_pages=2, bytes=stats.bytes
    )
    assert 10_000 < stats.bytes < 2_000_000


# Terms


def test_terms_are_found_by_what_they_look_like(store):
    store.put(new("a", "modern m0dern moderns öl zebra 発票番"))
    assert sorted(store.terms_alike(["rrloclcrrl", "zcbra"])) == ["m0dern", "modern", "zebra"]
    assert store.terms_alike(["zzz"]) == store.terms_alike([]) == []
    start = store.terms_beginning("rrlocl", mirrored=False, lengths=(1, 99))
    assert sorted(start) == ["m0dern", "modern", "moderns"]
    assert store.terms_beginning("rrls", mirrored=True, lengths=(1, 99)) == ["moderns"]
    assert store.terms_beginning("rrlocl", mirrored=False, lengths=(11, 20)) == ["moderns"]
    assert [term for term, _ in store.terms_usual("mo", 9)] == ["modern", "moderns"]
    assert [term for term, _ in store.terms_usual("ö", 9)] == ["öl"]


def test_terms_are_counted(store):
    for n in range(9):
        store.put(new(n, "the odd" if n % 5 == 0 else "the the", "the"))
    assert store.pages_with(["odd", "absent"]) == {"odd": 2}
    assert 2 < store.pages_with(["the"])["the"] < 1000  # by chance
    assert [term for term, _ in store.terms_usual("", 9)] == ["the", "odd"]


def test_several_count_terms(opened):
    one, other = opened(), opened()
    one.put(new("a", "the"))
    for n in range(100):
        other.put(new(n, "the"))
    for n in range(3):
        one.put(new(f"more {n}", "the"))
    assert 8 < one.pages_with(["the"])["the"] < 10_000  # by chance


def test_terms_in_use_are_those_of_pages_that_are_there(store):
    gone = store.put(new("a", "alpha beta")).id
    store.put(new("b", "beta 発票番"))
    store.remove(gone)
    assert store.in_use(["alpha", "beta", "発票番", "発票", "bet"]) == {"beta", "発票番"}
    assert store.in_use([]) == set()


# As a whole or not at all


class Broken(Exception):
    pass


def failing(after, error):
    """Pages of which one raises."""
    yield from (page(number, f"new words {number}") for number in range(1, after + 1))
    raise error


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize("known", [False, True])
def test_what_fails_in_the_middle_leaves_nothing(store, after, known):
    store.put(new("a", "first", "second"))
    name = "a" if known else "b"
    with unchanged(store), pytest.raises(Broken):
        store.put(new(name, pages=failing(after, Broken())))
    assert store.pages_with(["new"]) == {}
    assert store.put(new(name, "new words")).version == 1 + known
    assert store.pages_with(["new"]) == {"new": 1}


def test_a_statement_that_fails_in_the_middle_leaves_nothing(store):
    store.put(new("a", "first"))
    with unchanged(store), pytest.raises(OcrLibraryError):
        store.put(new("b", pages=[page(1, "one"), page(1, "the same number")]))
    store.put(new("b", "one"))


def test_others_see_nothing_of_what_is_not_whole_yet(opened):
    writer, reader = opened(), opened(writes=False)
    number = writer.put(new("a", "old words")).id
    seen = []

    def pages():
        yield page(1, "new words")
        seen.append(found(reader, phrase("old")))
        seen.append(found(reader, phrase("new")))
        seen.append(reader.document(number).version)
        yield page(2, "more")

    writer.put(new("a", pages=pages()))
    assert seen == [[(number, 1)], [], 1]
    assert found(reader, phrase("new")) == [(number, 1)]
    assert found(reader, phrase("old")) == []


def test_what_is_read_in_one_go_is_of_one_moment(opened):
    writer, reader = opened(), opened(writes=False)
    number = writer.put(new("a", "words")).id
    with reader.reading():
        before = whole_inside(reader)
        writer.put(new("b", "words"))
        writer.remove(number)
        assert whole_inside(reader) == before
        assert found(reader, phrase("words")) == [(number, 1)]
    assert reader.numbers() != [number]


def whole_inside(store):
    return store.documents(store.numbers()), store.pages_of(store.numbers()[0])


def test_a_store_for_reading_changes_nothing(opened):
    writer, reader = opened(), opened(writes=False)
    number = writer.put(new("a", "words")).id
    with unchanged(writer):
        for act in (
            lambda: reader.put(new("b", "words")),
            lambda: reader.remove(number),
            lambda: reader.describe(number, Description()),
        ):
            with pytest.raises(OcrLibraryError):
                act()
    assert found(reader, phrase("words")) == [(number, 1)]


# Several at once


def test_several_may_make_one_library(where):
    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(opening.connector(where), [True, False] * 3))
    stores[0].put(new("a", "words"))
    assert all(store.numbers() == stores[0].numbers() for store in stores)
    for store in stores:
        store.close()


def test_several_may_add_the_same_and_others(where):
    """Several machines read the same folder: each content is one document in the end."""
    names = [f"{n}" for n in range(12)]

    def add_all(seed):
        store = opening.connector(where)(True)
        order = random.Random(seed).sample(names, len(names))
        # The same words in another order on each page, as their counts are shared.
        changes = [store.put(new(each, f"z a m {each}", f"m z {each} a")) for each in order]
        store.close()
        return changes

    with ThreadPoolExecutor(4) as threads:
        changes = [change for some in threads.map(add_all, range(4)) for change in some]
    store = opening.connector(where)(False)
    versions = {document.digest: document.version for document in whole(store)[0].values()}
    assert versions == {digest(name): 4 for name in names}
    assert len({(each.id, each.version) for each in changes}) == len(changes)
    assert store.stats().pages == 2 * len(names)
    store.close()
    checking = opening.connector(where)(True)
    assert list(checking.check()) == []
    checking.close()


def test_removing_and_reading_anew_at_once(where):
    stores = [opening.connector(where)(True) for _ in range(3)]
    ends = []

    def act(store, seed):
        chance = random.Random(seed)
        for _ in range(25):
            number = store.put(new("a", "one two", "two three")).id
            try:
                chance.choice([store.remove, partial(described_anew, store)])(number)
            except OcrNotInLibrary as error:
                ends.append(error)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(act, stores, range(3)))
    assert list(stores[0].check()) == []
    for store in stores:
        store.close()


def described_anew(store, number):
    store.describe(number, Description(title="title", metadata={"a": "b"}))


# Interrupts


def slow_pages(begun, go_on):
    yield page(1, "one")
    begun.set()
    assert go_on.wait(LONG)
    yield page(2, "two")


def test_a_write_that_is_interrupted_leaves_nothing(store):
    store.put(new("a", "words"))
    begun, go_on = threading.Event(), threading.Event()
    with unchanged(store), ThreadPoolExecutor(1) as threads:
        ended = threads.submit(store.put, new("a", pages=slow_pages(begun, go_on)))
        assert begun.wait(LONG)
        # It comes between two statements, where the database itself would not know of it.
        store.interrupt()
        go_on.set()
        with pytest.raises(OcrCancelled):
            ended.result(LONG)
        store.renew()
    assert store.put(new("a", "words")).version == 2


def test_an_interrupt_before_the_last_word_leaves_nothing(store):
    with pytest.raises(OcrCancelled), store.transaction():
        store.interrupt()
    with pytest.raises(OcrCancelled):
        store.numbers()
    store.renew()
    assert store.numbers() == []


def endless(where):
    """A statement that takes for ever."""
    if opening.is_address(where):
        return "SELECT pg_sleep(1000)"
    return (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*) FROM n WHERE i < 0"
    )


@pytest.mark.parametrize("inside", [False, True])
def test_a_statement_that_runs_is_interrupted(store, where, inside):
    def run():
        if not inside:
            store.run(endless(where))
        with store.transaction():
            store._describe(store._begin(digest("x")), Description(title="x"))
            begun.set()
            store.run(endless(where))

    begun = threading.Event()
    for _ in range(3):
        begun.clear()
        with ThreadPoolExecutor(1) as threads:
            ended = threads.submit(run)
            begun.wait(LONG if inside else 0.1)
            store.interrupt()
            with pytest.raises(OcrCancelled):
                ended.result(LONG)
        store.renew()
        assert store.numbers() == []


def test_who_waits_for_another_writer_is_interrupted(opened):
    one, other = opened(), opened()
    with unchanged(one):
        with one.transaction(), ThreadPoolExecutor(1) as threads:
            ended = threads.submit(other.put, new("a", "words"))
            with pytest.raises(TimeoutError):
                ended.result(0.1)
            other.interrupt()
            with pytest.raises(OcrCancelled):
                ended.result(LONG)
        other.renew()
    other.put(new("a", "words"))


def test_a_late_interrupt_hits_nothing_else(store):
    for n in range(50):
        number = store.put(new(n, "words")).id
        store.interrupt()
        store.renew()
        assert store.document(number).version == 1
        assert len(store.rank(phrase("words")).pages) == n + 1


# Versions of the schema


def steps_module(where):
    name = "postgres" if opening.is_address(where) else "sqlite"
    return sys.modules[f"ocrloom.library.storage.{name}"]


@pytest.fixture
def old(where):
    """A library as this version makes it, with a document."""
    store = opening.connector(where)(True)
    store.put(new("a", "words"))
    before = whole(store)
    store.close()
    return before


def test_an_older_database_takes_the_steps_it_lacks(where, old, monkeypatch):
    module = steps_module(where)
    steps = (
        *module.STEPS,
        ("ALTER TABLE documents ADD COLUMN colour TEXT", "UPDATE documents SET colour = 'red'"),
        ("CREATE TABLE more (id INTEGER)",),
    )
    monkeypatch.setattr(module, "STEPS", steps)
    with ThreadPoolExecutor(3) as threads:
        stores = list(threads.map(opening.connector(where), [False, True, True]))
    for store in stores:
        assert whole(store) == old
        assert store.run("SELECT colour FROM documents") == [("red",)]
        assert store.run("SELECT count(*) FROM more") == [(0,)]
        store.close()


def test_a_step_that_fails_leaves_the_database_as_it_was(where, old, monkeypatch):
    module = steps_module(where)
    with monkeypatch.context() as patch:
        bad = ("ALTER TABLE documents ADD COLUMN colour TEXT", "UPDATE absent SET colour = 'red'")
        patch.setattr(module, "STEPS", (*module.STEPS, bad))
        for _ in range(2):
            with pytest.raises(OcrLibraryError):
                opening.connector(where)(True)
    store = opening.connector(where)(True)
    assert whole(store) == old
    assert list(store.check()) == []
    with pytest.raises(OcrLibraryError, match="colour"):
        store.run("SELECT colour FROM documents")
    store.close()


def test_a_newer_database_is_refused(where, old, monkeypatch):
    module = steps_module(where)
    with monkeypatch.context() as patch:
        patch.setattr(module, "STEPS", (*module.STEPS, ("CREATE TABLE more (id INTEGER)",)))
        opening.connector(where)(True).close()
    for writes in (False, True):
        with pytest.raises(OcrLibraryError, match=r"a later version .* bring ocrloom up"):
            opening.connector(where)(writes)


# What check finds

HARM = {
    "pages": ("DELETE FROM {index} WHERE {id} = 2", "DELETE FROM contents WHERE id = 2",
              "DELETE FROM pages WHERE id = 2"),
    "contents": ("DELETE FROM contents WHERE id = 2",),
    "index": ("UPDATE contents SET tokens = 'other words' WHERE id = 2",),
    "count": ("UPDATE documents SET pages = 5",),
}  # fmt: skip


@pytest.mark.parametrize("kind", HARM)
def test_check_finds_what_is_wrong(store, where, kind):
    number = store.put(new("a", "some words", "more words")).id
    assert list(store.check()) == []
    names = {"index": "words", "id": "page" if opening.is_address(where) else "rowid"}
    with store.transaction():
        for statement in HARM[kind]:
            store.run(statement.format(**names))
    problems = list(store.check())
    assert problems
    assert any(f"document {number}" in each or "index" in each for each in problems), problems


def test_a_file_of_another_program_is_refused(tmp_path):
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (id INTEGER)")
    database.close()
    with pytest.raises(OcrLibraryDamaged, match="another program"):
        opening.connector(str(other))(True)
