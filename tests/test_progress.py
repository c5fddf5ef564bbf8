"""Progress: complete, in order, and harmless whatever is done with it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from itertools import pairwise

import pytest
from documents import LONG, frames, numbers, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocrloom import OcrCancelled, OcrEngine, OcrEngineError, OcrFormatError, Progress, Stage


@pytest.fixture
def engine(recogniser):
    with OcrEngine(workers=3) as engine:
        yield engine
        recogniser.let_all()


def check(events, *, pages, failed=0, name=None):
    """What holds for the events of every reading that came to its end."""
    assert [events[0].stage, events[1].stage] == [Stage.WAITING, Stage.OPENED]
    assert events[-1].stage is Stage.DONE
    for before, after in pairwise(events):
        assert before.pages_done <= after.pages_done <= before.pages_done + 1
        assert before.pages_failed <= after.pages_failed
        assert before.elapsed <= after.elapsed
    for event in events:
        assert event.source == name
        assert (event.page is None) is (event.stage in (Stage.WAITING, Stage.OPENED, Stage.DONE))
        assert event.pages == (None if event.stage is Stage.WAITING else pages)
        assert (event.remaining is None) is (event.pages_done == 0)
        assert event.remaining is None or event.remaining >= 0
    done = [event for event in events if event.stage is Stage.PAGE_DONE]
    assert sorted(event.page for event in done) == list(range(1, pages + 1))
    assert [event.pages_done for event in done] == list(range(1, pages + 1))
    assert (events[-1].pages_done, events[-1].pages_failed) == (pages, failed)
    assert events[-1].remaining == 0


def test_a_callback_has_every_event(engine, tmp_path):
    events, path = [], tmp_path / "book.tif"
    path.write_bytes(frames(9))
    engine.process(path, progress=events.append)
    check(events, pages=9, name=str(path))
    for page in range(1, 10):
        stages = [event.stage for event in events if event.page == page]
        assert stages == [Stage.DECODING, Stage.READING, Stage.PAGE_DONE]


def test_pages_that_fail_are_counted(engine, recogniser):
    events = []
    recogniser.errors[4] = OcrEngineError("as told")
    engine.process(frames(6, damaged=[2]), progress=events.append)
    check(events, pages=6, failed=2)


def test_a_source_that_cannot_be_opened_is_done_at_once(engine):
    events = []
    with pytest.raises(OcrFormatError):
        engine.process(b"no image", progress=events.append)
    assert [event.stage for event in events] == [Stage.WAITING, Stage.DONE]
    assert (events[-1].pages, events[-1].pages_done) == (None, 0)


def test_the_future_the_callback_and_the_iterators_tell_the_same(engine):
    events = []
    future = engine.process_async(frames(5), progress=events.append)
    seen = list(future.events())
    future.result(LONG)
    assert future.progress is events[-1]
    assert seen[-1] is events[-1]
    assert [event for event in events if event in seen] == seen
    assert list(future.events()) == [future.progress]


def test_events_in_a_loop(engine):
    async def main():
        future = engine.process_async(frames(5))
        return [event async for event in future.events()], await future

    events, result = asyncio.run(main())
    assert events[-1].stage is Stage.DONE
    assert len(result.pages) == 5
    for before, after in pairwise(events):
        assert before.pages_done <= after.pages_done


def test_a_slow_reader_of_events_gets_the_newest(engine, recogniser):
    recogniser.hold()
    future = engine.process_async(frames(5))
    events = iter(future.events())
    recogniser.let_all()
    future.result(LONG)
    assert until(lambda: future.progress.stage is Stage.DONE)
    assert next(events).stage is Stage.DONE
    assert list(events) == []


def test_several_iterators_each_have_the_end(engine, recogniser):
    recogniser.hold()
    future = engine.process_async(frames(3))
    iterators = [future.events() for _ in range(3)]
    recogniser.let_all()
    for events in iterators:
        assert list(events)[-1].stage is Stage.DONE


def test_a_cancelled_reading_ends_its_events(engine, recogniser):
    recogniser.hold()
    recogniser.let(1)
    events = []
    future = engine.process_async(frames(5), progress=events.append)
    assert until(lambda: future.progress.pages_done == 1)
    future.cancel()
    assert list(future.events())[-1].stage is Stage.DONE
    assert until(lambda: events[-1].stage is Stage.DONE)
    assert (events[-1].pages_done, events[-1].pages) == (1, 5)


# Where callbacks are called


def test_in_a_loop_the_callback_is_called_there(engine):
    async def main():
        threads, events = set(), []

        def note(event):
            threads.add(threading.current_thread())
            events.append(event)

        await engine.process_async(frames(5), progress=note)
        return threads, events

    threads, events = asyncio.run(main())
    assert threads == {threading.current_thread()}
    check(events, pages=5)


def test_without_a_loop_one_thread_at_a_time_calls_it(engine):
    busy, overlaps, events = threading.Lock(), [], []

    def note(event):
        if not busy.acquire(blocking=False):
            overlaps.append(event)
            return
        time.sleep(0.001)
        events.append(event)
        busy.release()

    engine.process(frames(12), progress=note)
    assert overlaps == []
    check(events, pages=12)


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_a_callback_that_fails_does_no_harm(engine, caplog, error):
    def broken(event):
        raise error(event.stage)

    assert len(engine.process(frames(3), progress=broken).pages) == 3
    assert {record.exc_info[0] for record in caplog.records} == {error}
    assert len(caplog.records) == 12


def test_an_interrupt_in_a_callback_of_the_main_thread_comes_out(engine):
    def interrupted(event):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt(event.stage)

    with pytest.raises(KeyboardInterrupt):
        engine.process(frames(3), progress=interrupted)
    assert len(engine.process(frames(3)).pages) == 3


def test_no_event_follows_the_last_one(engine, recogniser):
    recogniser.hold()
    future = engine.process_async(frames(2))
    future.cancel()
    recogniser.let_all()
    assert [event.stage for event in future.events()] == [Stage.DONE]
    assert engine.process(frames(1)).pages
    assert future.progress.stage is Stage.DONE


def test_a_callback_that_fails_in_a_loop_does_no_harm(engine, caplog):
    def broken(_):
        raise ValueError

    async def main():
        return await engine.process_async(frames(3), progress=broken)

    assert len(asyncio.run(main()).pages) == 3
    assert caplog.records


def test_a_callback_may_cancel_the_reading(engine, recogniser):
    futures = []

    def enough(event):
        if event.pages_done == 2:
            futures[0].cancel()

    recogniser.hold()
    futures.append(engine.process_async(frames(30), progress=enough))
    recogniser.let_all()
    with pytest.raises(OcrCancelled) as caught:
        futures[0].result(LONG)
    assert 2 <= len(caught.value.partial.pages) < 30


def test_a_callback_may_close_the_engine(recogniser):
    engine = OcrEngine(workers=2)

    def enough(event):
        if event.pages_done == 2:
            engine.close()

    future = engine.process_async(frames(30), progress=enough)
    with pytest.raises(OcrCancelled):
        future.result(LONG)
    assert until(lambda: not engine._pool._threads)


def test_a_slow_callback_holds_no_other_source_up(engine):
    gate = threading.Event()

    def wait(event):
        if event.stage is Stage.PAGE_DONE:
            gate.wait(LONG)

    slow = engine.process_async(frames(2), progress=wait)
    quick = engine.process_async(frames(2))
    assert len(quick.result(LONG).pages) == 2
    assert not slow.done()
    gate.set()
    assert len(slow.result(LONG).pages) == 2


def test_a_slow_callback_loses_no_page_of_a_stream(engine, recogniser):
    """A page that is done while another one's callback still runs."""
    gate = threading.Event()

    def slow(event):
        if (event.stage, event.page) == (Stage.PAGE_DONE, 1):
            gate.wait(LONG)

    recogniser.hold()
    recogniser.let(1)
    stream = engine.stream(frames(3), progress=slow)
    assert until(lambda: recogniser.done == [1])
    recogniser.let_all()
    assert until(lambda: sorted(recogniser.done) == [1, 2, 3])
    time.sleep(0.02)
    gate.set()
    assert numbers(stream) == [1, 2, 3]


def test_a_loop_that_is_gone_does_no_harm(engine, recogniser):
    recogniser.hold()

    async def main():
        return engine.process_async(frames(3), progress=lambda _: None)

    future = asyncio.run(main())
    recogniser.let_all()
    assert len(future.result(LONG).pages) == 3


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pages=st.integers(1, 12),
    workers=st.integers(1, 4),
    damaged=st.sets(st.integers(1, 12), max_size=4),
)
def test_whatever_is_read_its_events_are_complete_and_in_order(recogniser, pages, workers, damaged):
    damaged = {number for number in damaged if number <= pages}
    events = []
    with OcrEngine(workers=workers) as engine:
        source = frames(pages, damaged=damaged)
        future = engine.process_async(source, progress=events.append)
        concurrent.futures.wait([future], timeout=LONG)
    check(events, pages=pages, failed=len(damaged))


def test_an_event_cannot_be_changed():
    event = Progress(source="scan.tif", stage=Stage.WAITING)
    with pytest.raises(AttributeError):
        event.pages_done = 3
