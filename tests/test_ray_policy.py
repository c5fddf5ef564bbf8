"""What becomes of readers that die, lack a file or have no room: some that do as they are told."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from documents import until
from hypothesis import given
from hypothesis import strategies as st
from results import page

from ocrloom import (
    OcrClusterUnavailable,
    OcrDamagedImage,
    OcrException,
    OcrOptions,
    OcrReaderLost,
    OcrStopped,
)
from ocrloom.ray.engine import RayEngine
from ocrloom.ray.parcel import NotHere, Shipped
from ocrloom.ray.protocols import Look, ReaderDied, Reading
from ocrloom.ray.site import Site
from ocrloom.ray.slices import divided
from ocrloom.ray.turns import Turns
from ocrloom.scheduling.fair import Job


class Readers:
    """Gives pages of a book, unless a page is to do something else."""

    places = 4
    cpus = 1

    def __init__(self, pages=20, *, deadly=(), deaths=(), look=None, pause=0.0):
        self.pages = pages
        self.deadly = set(deadly)
        self.deaths = Counter(deaths)  # pages, and how many readers they still kill
        self.look_error = look or []
        self.pause = pause
        self.asked = []
        self.read_now = self.most = 0
        self.alone_with = []

    async def connect(self):
        return None

    async def look(self, parcel, *, key):
        if self.look_error:
            raise self.look_error.pop(0)
        return Look(tuple(range(1, self.pages + 1)), "0" * 64 if key else None)

    async def read(self, parcel, numbers, *, alone):
        self.asked.append((numbers, alone))
        self.read_now += 1
        self.most = max(self.most, self.read_now)
        try:
            yield None
            for number in numbers:
                await asyncio.sleep(self.pause)
                if number in self.deadly or self.deaths[number] > 0:
                    self.deaths[number] -= 1
                    raise ReaderDied("it was killed")
                yield Reading(page(number=number), 0.25)
        finally:
            self.read_now -= 1

    async def aclose(self):
        pass


def read(readers, **options):
    return RayEngine.at(readers, options=OcrOptions(**options)).process(b"a book")


def test_a_page_that_kills_every_reader_is_one_failure():
    readers = Readers(deadly=[7])
    result = read(readers)
    assert [each.number for each in result.pages] == [n for n in range(1, 21) if n != 7]
    assert [(each.number, each.kind) for each in result.failures] == [(7, "OcrReaderLost")]
    assert "page 7: 3 processes ended" in result.failures[0].message
    assert "it was killed" in result.failures[0].message


def test_after_a_death_the_suspect_is_read_alone():
    readers = Readers(deaths={3: 2, 11: 1})
    result = read(readers)
    assert not result.failures
    assert len(result.pages) == 20
    alone = [numbers for numbers, alone in readers.asked if alone]
    assert sorted(alone) == [(3,), (3,), (11,)]


def test_no_page_is_asked_for_once_more_when_it_was_given():
    readers = Readers(deaths=dict.fromkeys(range(1, 21), 1))
    given = Counter()
    original = readers.read

    async def counting(parcel, numbers, *, alone):
        async for reading in original(parcel, numbers, alone=alone):
            if reading is not None:
                given[reading.outcome.number] += 1
            yield reading

    readers.read = counting
    assert len(read(readers).pages) == 20
    assert given == Counter(range(1, 21))


def test_a_source_whose_opening_kills_is_given_up():
    with pytest.raises(OcrReaderLost, match="3 processes ended while they opened it"):
        read(Readers(look=[ReaderDied("memory")] * 3))
    assert len(read(Readers(look=[ReaderDied("memory")] * 2)).pages) == 20


def test_a_cluster_that_goes_away_ends_the_source_and_no_page_counts_as_bad():
    class Gone(Readers):
        async def read(self, parcel, numbers, *, alone):
            yield Reading(page(number=numbers[0]), 0.0)
            raise OcrClusterUnavailable("gone")

    with pytest.raises(OcrClusterUnavailable, match="gone"):
        read(Gone())


def test_what_one_reader_cannot_open_is_the_failure_of_its_pages():
    class Half(Readers):
        async def read(self, parcel, numbers, *, alone):
            if 1 in numbers:
                raise OcrDamagedImage("torn on this machine")
            async for reading in super().read(parcel, numbers, alone=alone):
                yield reading

    result = read(Half())
    assert result.pages
    assert {failure.kind for failure in result.failures} == {"OcrDamagedImage"}
    assert len(result.pages) + len(result.failures) == 20


def test_a_reader_that_leaves_pages_out_is_noticed():
    class Lazy(Readers):
        async def read(self, parcel, numbers, *, alone):
            for number in numbers[1:]:
                yield Reading(page(number=number), 0.0)

    result = read(Lazy())
    assert len(result.pages) + len(result.failures) == 20
    assert "left pages out" in result.failures[0].message


def test_a_file_that_a_reader_has_not_is_sent_once(tmp_path, monkeypatch):
    put = []

    def keep(content):
        future = asyncio.Future()
        put.append(content)
        return future

    monkeypatch.setattr(Site, "put", staticmethod(keep))
    monkeypatch.setattr(asyncio, "Future", lambda: None)

    class Elsewhere(Readers):
        async def look(self, parcel, *, key):
            self.check(parcel)
            return await super().look(parcel, key=key)

        async def read(self, parcel, numbers, *, alone):
            self.check(parcel)
            async for reading in super().read(parcel, numbers, alone=alone):
                yield reading

        def check(self, parcel):
            if not isinstance(parcel.source, Shipped):
                raise NotHere(str(parcel.source))

    path = tmp_path / "book.tif"
    path.write_bytes(b"a book")
    result = RayEngine.at(Elsewhere()).process(path)
    assert len(result.pages) == 20
    assert put == [b"a book"]


def test_no_more_slices_are_read_at_a_time_than_there_are_places():
    readers = Readers(pages=60, pause=0.001)
    engine = RayEngine.at(readers)
    for outcome in engine.process_many([b"a book"] * 5):
        assert len(outcome.unwrap().pages) == 60
    assert readers.most == Readers.places


def test_somebody_who_waits_goes_before_a_bulk():
    readers = Readers(pages=200, pause=0.002)
    engine = RayEngine.at(readers)
    bulk = [engine.process_async(b"a book", bulk=True) for _ in range(4)]
    until(lambda: all(each.progress.pages for each in bulk))
    short = Readers(pages=1)
    readers.pages = short.pages
    engine.process(b"a letter")
    assert not all(each.done() for each in bulk)
    for each in bulk:
        each.cancel()


def test_cancelling_ends_what_readers_do():
    readers = Readers(pages=1000, pause=0.001)
    engine = RayEngine.at(readers)
    future = engine.process_async(b"a book")
    until(lambda: future.progress.pages_done > 3)
    future.cancel()
    with pytest.raises(OcrStopped):
        future.result()
    until(lambda: readers.read_now == 0)
    asked = len(readers.asked)
    assert len(engine.process(b"a book").pages) == 1000
    assert len(readers.asked) > asked


def test_what_waits_longer_than_its_time_ends():
    with pytest.raises(OcrException, match=r"timeout of 0\.2 s"):
        read(Readers(pages=1000, pause=0.01), timeout=0.2)


@given(st.integers(0, 500), st.integers(1, 40), st.integers(1, 20))
def test_slices_are_all_pages_in_their_order_and_never_grow(count, places, most):
    slices = list(divided(range(1, count + 1), places, most))
    assert [number for part in slices for number in part] == list(range(1, count + 1))
    sizes = [len(part) for part in slices]
    assert all(1 <= size <= most for size in sizes)
    assert sizes == sorted(sizes, reverse=True)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=30),
    st.integers(1, 8),
)
def test_turns_keep_to_the_budget_and_serve_all(costs, budget):
    inside = {"now": 0, "most": 0, "served": 0}

    async def main():
        turns = Turns(lambda: budget)

        async def one(cost):
            async with turns.turn(Job(), cost):
                inside["now"] += min(cost, budget)
                inside["most"] = max(inside["most"], inside["now"])
                try:
                    await asyncio.sleep(0)
                finally:
                    inside["now"] -= min(cost, budget)
                inside["served"] += 1

        tasks = [(asyncio.ensure_future(one(cost)), dropped) for cost, dropped in costs]
        await asyncio.sleep(0)
        for task, dropped in tasks:
            if dropped:
                task.cancel()
        await asyncio.gather(*(task for task, _ in tasks), return_exceptions=True)
        assert turns.used == 0
        assert turns.waiting == 0
        return sum(not dropped for _, dropped in tasks)

    kept = asyncio.run(main())
    assert inside["served"] >= kept
    assert inside["most"] <= budget
