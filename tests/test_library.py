"""The library, as people use it."""

import asyncio
import datetime as dt
import functools
import gc
import itertools
import threading
import time

import pytest
import results

import ocrloom
from ocrloom import (
    Language,
    Library,
    OcrCancelled,
    OcrLibraryUnavailable,
    OcrNotInLibrary,
    OcrOptionError,
    OcrQueryError,
    OcrResult,
)
from ocrloom.library import Description
from ocrloom.library.pack import packed


def in_a_loop(test):
    """Lets pytest run a coroutine."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(test(*args, **kwargs))

    return run


def book(*texts, source=None, **changes):
    """A result of a page for each text, a line for each of its lines."""
    pages = [
        results.page(
            blocks=[
                results.block(line, polygon=results.box(100, 50 * row, 900, 50 * row + 40))
                for row, line in enumerate(text.splitlines())
            ],
            number=number,
            width=1000,
            height=1400,
            languages=(Language.ENGLISH,),
            **changes,
        )
        for number, text in enumerate(texts, 1)
    ]
    return OcrResult(pages=tuple(pages), source=source)


@pytest.fixture
def library(where):
    with Library(where) as made:
        yield made


def places(hits):
    return [(hit.document.id, hit.page) for hit in hits]


@in_a_loop
async def test_documents_are_kept_and_found(library):
    added = await library.add(book("A twill with a blue border", "The loom", source="b.tif"))
    assert (added.pages, added.version, added.languages) == (2, 1, (Language.ENGLISH,))
    hits = [hit async for hit in library.search("blue")]
    assert [hit.document for hit in hits] == [added]
    (match,) = hits[0].matches
    assert (hits[0].page, match.text, match.cost) == (1, "blue", 0)
    (polygon,) = match.polygons
    assert polygon[0][0] == pytest.approx(100 + 800 * 4 / 6, abs=0.1)
    assert hits[0].snippet.marked("[", "]") == "A twill with a [blue] border"
    assert (hits[0].width, hits[0].height) == (1000, 1400)
    assert (await library.result(added.id)).text == "A twill with a blue border\fThe loom"


def test_the_same_without_an_event_loop(library):
    added = library.add(book("A twill with a blue border")).result()
    assert places(library.search("blue")) == [(added.id, 1)]
    assert [each.id for each in library.documents()] == [added.id]
    assert library.find(added.digest).result() == added
    assert library.find("0" * 64).result() is None
    assert library.stats().result().pages == 1
    assert library.check().result() == []


def test_the_same_content_is_one_document(library):
    first = library.add(book("red yarn")).result()
    second = library.add(book("red yarn")).result()
    assert (second.id, second.digest, second.version) == (first.id, first.digest, 2)
    assert library.stats().result().documents == 1


def test_another_reading_takes_the_place_of_the_one_before(library):
    first = library.add(book("rod yarn", "two"), digest="a" * 64).result()
    library.add(book("red yarn"), digest="a" * 64).result()
    assert places(library.search("rod OR two")) == []
    assert places(library.search("red")) == [(first.id, 1)]


def test_a_reading_that_cannot_be_stored_leaves_the_one_before(library):
    library.add(book("red yarn"), digest="a" * 64).result()
    broken = results.word("green", polygon=results.box(0, 0, float("nan"), 1))
    second = results.page(broken, number=2)
    result = OcrResult(pages=(*book("green yarn").pages, second))
    with pytest.raises(OcrOptionError, match="polygons"):
        library.add(result, digest="a" * 64).result()
    assert places(library.search("red")) == [(1, 1)]
    assert places(library.search("green")) == []
    assert library.document(1).result().version == 1
    assert library.check().result() == []


def test_descriptions_are_searched_as_fields(library):
    described = Description(
        title="Annual Report", date=dt.date(2019, 5, 17), metadata={"customer": "Marchetti"}
    )
    one = library.add(book("wool"), description=described).result()
    two = library.add(book("wool and silk")).result()
    assert one.description == described
    assert places(library.search("title:report wool")) == [(one.id, 1)]
    assert places(library.search("wool NOT customer:marchetti")) == [(two.id, 1)]
    assert places(library.search("date:2019-05")) == [(one.id, 1)]
    changed = library.describe(two.id, Description(title="Second report")).result()
    assert changed.name == "Second report"
    assert places(library.search("title:report", limit=None)) == [(one.id, 1), (two.id, 1)]


def test_adding_anew_keeps_the_description(library):
    library.add(book("wool"), digest="a" * 64, description=Description(title="One")).result()
    again = library.add(book("wool"), digest="a" * 64).result()
    assert again.description.title == "One"
    last = library.add(book("wool"), digest="a" * 64, description=Description()).result()
    assert last.description.title == ""


def test_removing_forgets_everything(library):
    added = library.add(book("red yarn")).result()
    library.remove(added.id).result()
    assert places(library.search("red")) == []
    for call in (library.document, library.result, library.remove):
        with pytest.raises(OcrNotInLibrary, match=f"no document {added.id}"):
            call(added.id).result()
    assert library.check().result() == []
    # A number is never given twice.
    assert library.add(book("red yarn")).result().id > added.id


@pytest.mark.parametrize("number", ["1", True, None, 1.0])
def test_what_is_no_number_is_refused(library, number):
    for call in (library.document, library.result, library.remove):
        with pytest.raises(OcrOptionError, match="by its number"):
            call(number).result()


@pytest.mark.parametrize("number", [0, -1, 7, 10**30])
def test_what_is_not_there_is_told(library, number):
    for call in (library.document, library.result, library.remove):
        with pytest.raises(OcrNotInLibrary):
            call(number).result()


@pytest.mark.parametrize("description", [None, "title", {}])
def test_what_is_no_description_is_refused(library, description):
    library.add(book("red")).result()
    with pytest.raises(OcrOptionError, match="must be a Description"):
        library.describe(1, description)


def test_what_is_no_hit_is_refused(library):
    with pytest.raises(OcrOptionError, match="must be a Hit"):
        library.crop("red").result()


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, 3, None, "\0" * 64])
def test_what_is_no_digest_is_refused(library, digest):
    with pytest.raises(OcrOptionError, match="64 hexadecimal"):
        library.find(digest)


def test_what_was_stored_can_be_exported(library):
    result = book("red yarn", "blue yarn")
    added = library.add(result).result()
    assert library.export(added.id, "txt").result() == result.export("txt")
    assert "ocrx_word" in library.export(added.id, "hocr").result()
    with pytest.raises(OcrOptionError, match="format"):
        library.export(added.id, "docbook").result()


def test_failed_pages_are_kept_too(library):
    failed = ocrloom.PageFailure(number=2, kind="OcrDamagedImage", message="cut short")
    result = OcrResult(pages=book("one").pages, failures=(failed,))
    added = library.add(result).result()
    assert added.failures == (failed,)
    assert library.result(added.id).result().failures == (failed,)
    assert library.stats().result().failed_pages == 1


def test_hits_come_best_first(library):
    library.add(book("yarn " * 3 + "of many colours " * 8, "yarn and yarn", "no")).result()
    for number in range(8):
        library.add(book(f"something else {number}")).result()
    hits = list(library.search("yarn"))
    assert [hit.page for hit in hits] == [2, 1]
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE contents SET words = tree", "page 1: a page of the library cannot be read"),
        ("UPDATE contents SET tree = words", "cannot be read"),
        ("UPDATE pages SET tokens = 3", "page 1: its words are not those"),
        ("UPDATE pages SET languages = ' fra '", "it is another page"),
        ("UPDATE pages SET number = 9", "it is another page"),
        ("DELETE FROM terms", "the word 'red' is missing"),
        ("DELETE FROM contents", "no contents"),
    ],
)
def test_damage_is_found(library, change, said):
    library.add(book("red yarn")).result()
    assert library.check().result() == []
    library._desk.write(lambda store: store.run(change)).result()
    assert said in " ".join(library.check().result())


def test_words_of_another_page_are_found(library):
    library.add(book("red yarn")).result()
    other = packed(book("big loom").pages[0])
    change = "UPDATE contents SET words = ?"
    library._desk.write(lambda store: store.run(change, [other.words])).result()
    assert "its words are not those" in " ".join(library.check().result())


def test_a_stream_that_failed_goes_on(library, monkeypatch):
    library.add(book(*["red yarn"] * 70)).result()
    hits = library.search("red", limit=None)
    found = [next(hits)]
    with monkeypatch.context() as patch:
        patch.setattr("ocrloom.library.search.hit_of", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            found += hits
    found += hits
    assert sorted(hit.page for hit in found) == list(range(1, 71))


@in_a_loop
async def test_tasks_may_share_a_stream(library):
    await library.add(book(*["red yarn"] * 200))
    hits = library.search("red", limit=None)

    async def take():
        return [hit.page async for hit in hits]

    taken = await asyncio.gather(take(), take(), take())
    assert sorted(itertools.chain(*taken)) == list(range(1, 201))


@pytest.mark.parametrize(
    "query",
    [
        "mill title:(roof OR tiles)",
        "roof (mill OR date:2019)",
        "mill (roof OR page:1)",
        "mill NOT (roof page:2)",
        "(mill OR title:one) (roof OR page:1)",
    ],
)
def test_words_beside_other_conditions(library, query):
    library.add(book("mill", "mill roof"), description=Description(title="One roof")).result()
    assert [hit.page for hit in library.search(query)]


def test_limit_and_offset(library):
    library.add(book(*[f"yarn {'x ' * number}" for number in range(70)])).result()
    every = places(library.search("yarn", limit=None))
    assert len(every) == 70
    assert places(library.search("yarn")) == every[:20]
    assert places(library.search("yarn", limit=5, offset=3)) == every[3:8]
    assert (
        places(library.search("yarn~1", limit=5, offset=3))
        == places(library.search("yarn~1", limit=None))[3:8]
    )
    assert places(library.search("yarn", limit=0)) == []


def test_tolerance_for_all_words_or_for_one(library):
    library.add(book("an invoice of 2O19", "an lnvoice of 2019", "an invoice of 2019")).result()

    def pages(query, **options):
        return {hit.page: hit.cost for hit in library.search(query, **options)}

    assert pages("invoice 2019") == {3: 0}
    assert set(pages("invoice 2019~1")) == {1, 3}
    assert set(pages("invoice 2019", tolerance=1)) == {1, 2, 3}
    assert pages("2019~1") == {1: pytest.approx(0.45), 2: 0, 3: 0}


def test_words_that_were_read_with_confidence_must_be_nearer(library):
    library.add(_sure("loon", 0.95)).result()
    library.add(_sure("loon", 0.6)).result()
    assert places(library.search("loom~1")) == [(2, 1)]
    assert sorted(places(library.search("loom~1.5"))) == [(1, 1), (2, 1)]


def _sure(text, confidence):
    word = results.word(text, confidence=confidence)
    return OcrResult(pages=(results.page(word),))


def test_accents_count_if_asked_for(library):
    library.add(book("le résumé", "to resume")).result()
    assert len(places(library.search("resume"))) == 2
    assert [hit.page for hit in library.search("résumé", accents=True)] == [1]
    assert [hit.page for hit in library.search("resume", accents=True)] == [2]
    assert [hit.page for hit in library.search("resume NOT résumé", accents=True)] == [2]


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("日本語の本を読む", "本", ["本", "本"]),
        ("日本語の本を読む", "日本", ["日本"]),
        ("日本語の本を読む", "日本語の本を", ["日本語の本を"]),
        ("한국어 문서를 읽는다", "문서", ["문서"]),
        ("这是一份\n发票", "份发票", ["份 发票"]),
        ("ภาษาไทยง่าย", "ไทย", ["ไทย"]),
        ("שלום עולם", "עולם", ["עולם"]),
        ("הוּא שָׁלוֹם", "שלום", ["שָׁלוֹם"]),
        ("كِتَابٌ جديد", "كتاب", ["كِتَابٌ"]),
        ("Straße", "STRASSE", ["Straße"]),
        ("ﬁne １２３", "fine 123", ["ﬁne", "１２３"]),
        ("Ελληνική γλώσσα", "γλωσσα", ["γλώσσα"]),
        ("Москва", "москва", ["Москва"]),
    ],
)
def test_every_script_is_found(library, text, query, found):
    library.add(book(text)).result()
    (hit,) = library.search(query)
    assert [match.text for match in hit.matches] == found


def test_a_part_of_a_word_has_a_part_of_its_place(library):
    library.add(book("日本語の本")).result()
    (hit,) = library.search("語の")
    (polygon,) = hit.polygons
    assert [polygon[0][0], polygon[1][0]] == pytest.approx([100 + 320, 100 + 640], abs=0.2)


def test_mistakes_are_told_at_once(library):
    with pytest.raises(OcrQueryError) as told:
        library.search('a "b')
    assert told.value.place == 2
    for options in ({"limit": -1}, {"offset": 1.5}, {"tolerance": 9}, {"limit": True}):
        with pytest.raises(OcrOptionError):
            library.search("a", **options)


@pytest.mark.parametrize("name", ["", "mysql://host/base", "a\0b", 3, None])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(OcrOptionError, match="library must be"):
        Library(name)


def test_an_open_library_can_be_cheap(tmp_path):
    # Nothing is made before something is asked for.
    Library(tmp_path / "a.db").close()
    assert list(tmp_path.iterdir()) == []


def test_a_closed_library_says_so(library):
    library.add(book("red")).result()
    library.close()
    library.close()
    with pytest.raises(OcrLibraryUnavailable, match="closed"):
        library.stats().result()


def test_a_forgotten_library_lets_the_database_go(where):
    library = Library(where)
    library.add(book("red")).result()
    del library
    gc.collect()
    assert until(lambda: not library_threads())


def library_threads():
    names = {thread.name for thread in threading.enumerate()}
    return {name for name in names if name.startswith("ocrloom-library")}


def until(met):
    ends = time.monotonic() + 20
    while not met() and time.monotonic() < ends:
        time.sleep(0.01)
    return met()


def test_a_library_lives_as_long_as_its_hits(where):
    with Library(where) as library:
        library.add(book(*["red yarn"] * 70)).result()
    hits = Library(where).search("red", limit=None)
    gc.collect()
    assert len(list(hits)) == 70
    assert Library(where).stats().result().pages == 70


def test_a_library_may_be_forgotten_by_one_of_its_threads(where):
    held = [Library(where)]
    pending = held[0].add(book("red yarn"))
    pending.add_done_callback(lambda _: held.clear())
    pending.result()
    assert until(lambda: not held and not library_threads())


@pytest.mark.parametrize("number", [2**63, 10**30])
def test_limits_beyond_all_bounds(library, number):
    library.add(book("red yarn")).result()
    assert len(places(library.search("red", limit=number))) == 1
    assert places(library.search("red~1", offset=number)) == []


def test_a_library_that_cannot_be_written_to_is_read(tmp_path, monkeypatch):
    path = tmp_path / "still.db"
    with Library(path) as library:
        library.add(book("red yarn")).result()
    before = sorted(each.name for each in tmp_path.iterdir())
    monkeypatch.setattr("os.access", lambda *_: False)
    with Library(path) as library:
        assert len(places(library.search("red"))) == 1
        assert library.stats().result().pages == 1
        assert sorted(each.name for each in tmp_path.iterdir()) == before == ["still.db"]


def test_a_file_of_something_else_is_left_alone(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(b"II*\0" + bytes(5000))
    with Library(path) as library, pytest.raises(ocrloom.OcrLibraryDamaged, match="no database"):
        library.stats().result()
    assert path.read_bytes() == b"II*\0" + bytes(5000)


def test_a_folder_that_is_not_there(tmp_path):
    with (
        Library(tmp_path / "none" / "a.db") as library,
        pytest.raises(OcrLibraryUnavailable, match="cannot be opened"),
    ):
        library.stats().result()


@in_a_loop
async def test_the_loop_goes_on_while_a_search_runs(library):
    await library.add(book(*["yarn " * 50] * 60))
    gaps, running = [], True

    async def tick():
        last = time.perf_counter()
        while running:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    found = [hit async for hit in library.search("yarn", limit=None)]
    running = False
    await ticking
    assert len(found) == 60
    assert len(gaps) > 3


@in_a_loop
async def test_a_cancelled_call_ends_in_the_database(library):
    begun = threading.Event()

    def endless(store):
        begun.set()
        store.run(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT count(*) FROM n"
        )

    pending = library._desk.read(endless)
    await asyncio.to_thread(begun.wait)
    waiting = asyncio.ensure_future(asyncio.wait_for(pending, 0.2))
    with pytest.raises(TimeoutError):
        await waiting
    with pytest.raises(OcrCancelled):
        pending.result()
    assert pending.cancelled()
    # The reader's thread and connection are free again.
    await asyncio.gather(*[library.stats() for _ in range(8)])


@in_a_loop
async def test_what_was_written_before_a_cancel_is_told(library):
    committed, cancelled = threading.Event(), threading.Event()

    def write(store):
        with store.transaction():
            store.run("UPDATE documents SET title = 'red'")
        committed.set()
        cancelled.wait(10)
        return "written"

    await library.add(book("red"))
    pending = library._desk.write(write)
    await asyncio.to_thread(committed.wait)
    assert pending.cancel()
    assert not pending.cancelled()
    cancelled.set()
    assert pending.result() == "written"
    assert not pending.cancel()


@in_a_loop
async def test_a_cancelled_write_leaves_nothing(library, monkeypatch):
    await library.add(book("red"))
    begun, cancelled = threading.Event(), threading.Event()

    def slow(page):
        begun.set()
        cancelled.wait(10)
        return packed(page)

    monkeypatch.setattr("ocrloom.library.intake.packed", slow)
    pending = library.add(book("green", "yellow"))
    await asyncio.to_thread(begun.wait)
    assert pending.cancel()
    cancelled.set()
    with pytest.raises(OcrCancelled):
        await pending
    monkeypatch.undo()
    await library.add(book("blue"))
    assert places([hit async for hit in library.search("green OR yellow")]) == []
    assert await library.check() == []
