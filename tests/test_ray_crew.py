"""The real crew, dispatch and rooms over processes that are killed exactly when a test says so."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os

import pytest
from documents import until
from ray import exceptions
from results import page

from ocrloom import (
    Image,
    Limits,
    OcrClusterUnavailable,
    OcrEngineError,
    OcrOptions,
    OcrSourceUnreadable,
    __version__,
)
from ocrloom.ray import crew
from ocrloom.ray.cluster import Cluster
from ocrloom.ray.engine import RayEngine
from ocrloom.ray.parcel import NotHere, Parcel, Shipped
from ocrloom.ray.protocols import Look, Reading
from ocrloom.ray.reader import _Room
from ocrloom.ray.site import Site

PAUSE = 0.002


class World:
    """Stands in for the module ``ray``: machines, and the processes that were started on them."""

    def __init__(self, machines, *, pages=4, deadly=(), version=__version__, starts=True):
        self.machines = machines
        self.pages = pages
        self.deadly = set(deadly)
        self.version = version
        self.starts = starts
        self.processes = []

    def remote(self, **_):
        def decorate(_):
            return Method(self._start)

        return decorate

    def _start(self, cpus, memory):
        process = Process(self, cpus)
        self.processes.append(process)
        if not self.starts:
            process.dead.set()
        return process

    def kill(self, process):
        process.dead.set()

    def cancel(self, pages):
        pages.task.cancel()

    @property
    def alive(self):
        return [process for process in self.processes if not process.dead.is_set()]


class Method:
    def __init__(self, function):
        self.remote = function

    def options(self, **_):
        return self


class Process:
    def __init__(self, world, cpus):
        self.world = world
        self.dead = asyncio.Event()
        self.room = _Room()
        self.cpus = asyncio.Semaphore(cpus)
        self.version = Method(lambda: self.answer(self._version()))
        self.look = Method(lambda parcel, *, key: self.answer(self._look()))
        self.read = Method(lambda parcel, numbers, *, alone: Pages(self, numbers, alone))

    async def answer(self, work):
        """What it answers, unless it dies first."""
        working = asyncio.ensure_future(work)
        dying = asyncio.ensure_future(self.dead.wait())
        await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
        dead = self.dead.is_set()
        dying.cancel()
        if dead:
            working.cancel()
            raise exceptions.ActorDiedError
        return working.result()

    async def _version(self):
        return self.world.version

    async def _look(self):
        async with self.room.shared():
            return Look(tuple(range(1, self.world.pages + 1)), None)


class Pages:
    """What a process streams: references to readings."""

    def __init__(self, process, numbers, alone):
        self.process = process
        self.numbers = numbers
        self.alone = alone
        self.ready = asyncio.Queue()
        self.task = asyncio.ensure_future(self._read())

    async def _read(self):
        room = self.process.room
        async with room.alone() if self.alone else room.shared():
            self.ready.put_nowait(None)
            for number in self.numbers:
                async with self.process.cpus:
                    await asyncio.sleep(PAUSE)
                    if number in self.process.world.deadly:
                        self.process.dead.set()
                        return
                    self.ready.put_nowait(Reading(page(number=number), 0.1))
        self.ready.put_nowait(StopAsyncIteration())

    async def __anext__(self):
        found = await self.process.answer(self.ready.get())
        if isinstance(found, StopAsyncIteration):
            raise found

        async def reference():
            return found

        return reference()


@pytest.fixture
def world(monkeypatch):
    def make(machines, **more):
        world = World(machines, **more)
        cluster = Cluster(address="head:1", dashboard=None, nodes=len(machines), cpus=sum(machines))
        monkeypatch.setattr(crew, "connect", lambda _: cluster)
        monkeypatch.setattr(
            crew,
            "nodes",
            lambda: [{"Resources": {"CPU": count}, "Alive": True} for count in world.machines],
        )
        monkeypatch.setattr(crew, "ray_module", lambda: world)
        return world

    return make


@pytest.mark.parametrize(
    ("machines", "pages", "deadly"),
    [
        ([1], 4, {1}),
        ([1], 6, {3}),
        ([1], 10, {1, 4, 7}),
        ([4], 12, {1}),
        ([1, 1], 12, {1}),
        ([2, 2], 24, {5}),
        ([1], 3, {1, 2, 3}),
    ],
)
def test_pages_that_kill_take_no_other_with_them(world, machines, pages, deadly):
    world(machines, pages=pages, deadly=deadly)
    with RayEngine() as engine:
        outcome = next(iter(engine.process_many([b"a book"])))
    if len(deadly) == pages:
        assert type(outcome.error).__name__ == "OcrReaderLost"
        return
    result = outcome.unwrap()
    assert {failure.number for failure in result.failures} == deadly
    assert {failure.kind for failure in result.failures} == {"OcrReaderLost"}
    assert [each.number for each in result.pages] == sorted({*range(1, pages + 1)} - deadly)


def test_a_machine_that_goes_while_it_has_nothing_to_do_costs_no_source_its_tries(world):
    there = world([1] * 8, pages=40)
    with RayEngine() as engine:
        assert len(engine.process(b"a book").pages) == 40
        for process in there.alive[:5]:
            process.dead.set()
        there.pages = 1
        assert len(engine.process(b"a letter").pages) == 1


def test_there_are_no_more_processes_than_cpus_and_no_more_than_are_wanted(world):
    there = world([2, 3, 8], pages=1)
    with RayEngine() as engine:
        engine.process(b"a letter")
        assert len(there.processes) == 1
        there.pages = 400
        engine.process(b"a book")
        assert len(there.alive) == 1 + 1 + 4  # of two CPUs each


@pytest.mark.parametrize(("workers", "cpus"), [(1, 1), (3, 3), (6, 4)])
def test_workers_are_what_is_read_at_a_time(world, workers, cpus):
    world([8, 8])
    engine = RayEngine(workers=workers)
    engine.process(b"a letter")
    assert engine._site.readers.cpus == cpus
    engine.close()


def test_readers_that_do_not_start_are_an_error_for_all_who_wait(world):
    there = world([1], starts=False)
    with RayEngine() as engine:
        outcomes = list(engine.process_many([b"a", b"b", b"c"]))
        assert {type(outcome.error) for outcome in outcomes} == {OcrClusterUnavailable}
        assert "do not start" in str(outcomes[0].error)
        there.starts = True
        assert engine.process(b"a letter").pages


def test_another_version_on_the_machines_is_told(world):
    world([1], version="0.0.1")
    with RayEngine() as engine, pytest.raises(OcrClusterUnavailable, match=r"ocrloom 0\.0\.1"):
        engine.process(b"a letter")


def test_an_engine_that_is_closed_starts_nothing_more(world):
    there = world([1, 1])
    engine = RayEngine()
    other = engine.like(OcrOptions())
    engine.process(b"a letter")
    engine.close()
    until(lambda: not there.alive)
    for closed in (engine, other):
        with pytest.raises(OcrEngineError, match="closed"):
            closed.process(b"a letter")
    assert not there.alive


def test_a_reading_goes_on_when_its_engine_is_forgotten(world):
    there = world([1, 1], pages=60)
    future = RayEngine().process_async(b"a book")
    gc.collect()
    assert len(future.result().pages) == 60
    assert len(there.processes) <= 2
    del future
    gc.collect()
    until(lambda: not there.alive)


def test_streams_that_nobody_reads_hold_no_other_up(world, monkeypatch):
    world([1, 1], pages=200)
    monkeypatch.setattr(Site, "put", staticmethod(lambda content: content))
    large = bytes(130 * 2**20)
    with RayEngine() as engine:
        first, second = engine.stream(large, ahead=2), engine.stream(large, ahead=2)
        pairs = itertools.islice(zip(second, first, strict=False), 20)
        assert [(a.number, b.number) for a, b in pairs] == [(n, n) for n in range(1, 21)]
        first.close()
        second.close()


def test_cancelled_waiters_leave_a_room_as_it_was():
    async def main():
        room = _Room()
        inside = []

        async def enter(name, *, alone):
            async with room.alone() if alone else room.shared():
                inside.append(name)
                assert not alone or room._inside == 1
                await asyncio.sleep(0)

        for cancelled, ticks in itertools.product(range(6), range(4)):
            tasks = [
                asyncio.ensure_future(enter(number, alone=number % 3 == 1)) for number in range(6)
            ]
            for _ in range(ticks):
                await asyncio.sleep(0)
            tasks[cancelled].cancel()
            async with asyncio.timeout(5):
                await asyncio.gather(*tasks, return_exceptions=True)
            assert room._inside == 0
            assert not room._closed
            assert not room._waiting

    asyncio.run(main())


def parcel_of(path, **more):
    return Parcel.of(Image.load(path, **more), OcrOptions(), "1")


def test_a_file_is_read_where_it_is_the_same(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(b"a scan")
    parcel = parcel_of(path, limits=Limits(max_pixels=5))
    assert parcel.image().limits.max_pixels == 5
    assert parcel.image().name == str(path)
    assert parcel.content() == b"a scan"
    path.write_bytes(b"another")
    with pytest.raises(NotHere):
        parcel.image()
    with pytest.raises(OcrSourceUnreadable, match="changed while"):
        parcel.content()
    path.unlink()
    with pytest.raises(NotHere):
        parcel.image()


def test_a_file_that_a_reader_may_not_open_is_not_there(tmp_path, monkeypatch):
    path = tmp_path / "scan.tif"
    path.write_bytes(b"a scan")
    parcel = parcel_of(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(NotHere):
        parcel.image()


def test_what_was_sent_has_the_name_and_the_limits_of_the_file(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(b"a scan")
    parcel = parcel_of(path, limits=Limits(max_frames=3))
    sent = parcel.shipped(None, parcel.size)
    assert isinstance(sent.source, Shipped)
    assert sent.size == 6
    image = sent.image(b"a scan")
    assert (image.name, image.limits.max_frames) == (str(path), 3)
