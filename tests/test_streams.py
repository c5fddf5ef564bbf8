"""Pages as they are ready, held up by a slow consumer, ended by one that leaves."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from contextlib import suppress

import numpy as np
import pytest
from documents import LONG, frames, numbers, pages_of, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steps import at_rest

from ocrloom import (
    OcrCancelled,
    OcrDamagedImage,
    OcrEngine,
    OcrEngineError,
    OcrException,
    OcrFormatError,
    OcrOptionError,
    OcrOptions,
    OcrPagesFailed,
    OcrSourceNotFound,
    OcrTimeout,
    Stage,
)


@pytest.fixture
def engine(recogniser):
    with OcrEngine(workers=2) as engine:
        yield engine
        recogniser.let_all()


def read(stream):
    """All pages, and what the stream raised in the end."""
    pages = []
    try:
        pages.extend(stream)
    except (OcrException, ValueError) as error:
        return pages, error
    return pages, None


def read_in_a_loop(stream):
    pages = []

    async def main():
        async for page in stream:
            pages.append(page)  # noqa: PERF401  # those before an error count

    try:
        asyncio.run(main())
    except (OcrException, ValueError) as error:
        return pages, error
    return pages, None


both = pytest.mark.parametrize("consume", [read, read_in_a_loop], ids=["for", "async for"])


def quiet(recogniser):
    """Whether nothing is being read."""
    return until(lambda: recogniser._running["pages"] == 0)


# What comes


@both
def test_all_pages_come_in_the_order_of_the_source(engine, consume):
    pages, error = consume(engine.stream(frames(20)))
    assert (numbers(pages), error) == (list(range(1, 21)), None)


@both
def test_the_text_of_a_stream_is_that_of_the_result(note, consume):
    source = pages_of(map(note, ["first page", "second page", "third page"]))
    engine = OcrEngine()
    pages, error = consume(engine.stream(source))
    assert (tuple(pages), error) == (engine.process(source).pages, None)


def test_pages_come_before_the_rest_is_read(engine, recogniser):
    recogniser.hold()
    recogniser.let(1)
    stream = engine.stream(frames(3))
    assert next(stream).number == 1
    assert recogniser.done == [1]
    recogniser.let_all()
    assert numbers(stream) == [2, 3]


@both
def test_in_order_the_first_one_holds_the_others_up(engine, recogniser, consume):
    recogniser.hold()
    recogniser.let(2, 3, 4)
    stream = engine.stream(frames(4))
    assert until(lambda: recogniser.done == [2, 3, 4])
    recogniser.let_all()
    assert numbers(consume(stream)[0]) == [1, 2, 3, 4]


def test_as_they_are_done_if_that_is_asked_for(engine, recogniser):
    recogniser.hold()
    recogniser.let(2, 3, 4)
    stream = engine.stream(frames(4), ordered=False)
    assert [next(stream).number for _ in range(3)] == [2, 3, 4]
    recogniser.let_all()
    assert numbers(stream) == [1]


@both
def test_a_stream_that_has_ended_stays_so(engine, consume):
    stream = engine.stream(frames(2))
    assert len(consume(stream)[0]) == 2
    assert consume(stream) == ([], None)


def test_the_loop_goes_on_meanwhile(engine, recogniser):
    recogniser.hold()

    async def main():
        asyncio.get_running_loop().call_later(0.01, recogniser.let_all)
        return [page.number async for page in engine.stream(frames(3))]

    assert asyncio.run(main()) == [1, 2, 3]


def test_a_stream_begun_in_one_loop_may_be_read_in_another(engine):
    stream = engine.stream(frames(4))

    async def first():
        return await anext(stream)

    assert asyncio.run(first()).number == 1
    assert numbers(read_in_a_loop(stream)[0]) == [2, 3, 4]


def test_two_tasks_may_share_a_stream(engine):
    async def consume(stream):
        return [page.number async for page in stream]

    async def main():
        stream = engine.stream(frames(20))
        return await asyncio.gather(consume(stream), consume(stream))

    first, second = asyncio.run(main())
    assert sorted(first + second) == list(range(1, 21))


def test_its_progress_can_be_followed(engine):
    stream = engine.stream(frames(3))
    events = stream.events()
    assert numbers(stream) == [1, 2, 3]
    assert list(events)[-1].stage is Stage.DONE
    assert stream.progress.pages_done == 3


# Holding up


@pytest.mark.parametrize("ahead", [1, 2, 5])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_pages_are_begun_than_were_asked_for_ahead(engine, recogniser, ahead, ordered):
    stream = engine.stream(frames(20), ahead=ahead, ordered=ordered)
    for taken in range(5):
        assert recogniser.wait_for(taken + ahead)
        time.sleep(0.02)
        assert len(recogniser.begun) == taken + ahead
        next(stream)
    assert len(list(stream)) == 15


def test_without_a_number_it_is_four_pages_a_worker(engine, recogniser):
    stream = engine.stream(frames(20))
    assert recogniser.wait_for(8)
    time.sleep(0.02)
    assert len(recogniser.begun) == 8
    assert len(list(stream)) == 20


def test_pages_that_fail_make_room_too(engine, recogniser):
    stream = engine.stream(frames(20, damaged=range(1, 19)), ahead=1)
    pages, error = read(stream)
    assert numbers(pages) == [19, 20]
    assert numbers(error.failures) == list(range(1, 19))
    assert recogniser.begun == [19, 20]


@pytest.mark.parametrize("ahead", [0, -1, 1.5, "2", True])
def test_the_number_ahead_is_a_whole_one(engine, ahead):
    with pytest.raises(OcrOptionError, match=f"ahead must be .* at least 1, got {ahead!r}"):
        engine.stream(frames(1), ahead=ahead)


def test_consumed_pages_are_forgotten(engine):
    stream = engine.stream(frames(30))
    document = stream._document
    for page in stream:
        held = document._settled.keys()
        assert page.number not in held
        assert len(held) <= 8
    assert document.result.pages == ()
    assert stream._line._early == {}


def test_a_stream_goes_on_though_its_engine_is_forgotten():
    """Its workers end while nobody takes a page, and others begin when somebody does."""
    stream = OcrEngine(workers=1).stream(pages_of([np.full((8, 8), 255, np.uint8)] * 5), ahead=1)
    gc.collect()
    pool = stream._document._pool
    assert until(lambda: not pool._threads)
    assert numbers(stream) == [1, 2, 3, 4, 5]
    assert until(lambda: not pool._threads)


# Failures


@both
def test_failures_are_told_after_the_last_page(engine, consume, tmp_path):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(50, damaged=[17]))
    stream = engine.stream(path)
    pages, error = consume(stream)
    assert numbers(pages) == [number for number in range(1, 51) if number != 17]
    assert type(error) is OcrPagesFailed
    assert numbers(error.failures) == numbers(stream.failures) == [17]
    assert str(path) in str(error)
    assert "frame 17" in str(error)
    assert consume(stream) == ([], None)


def test_failures_can_be_seen_as_they_come(engine, recogniser):
    recogniser.errors[2] = OcrEngineError("as told")
    stream = engine.stream(frames(4))
    assert numbers([next(stream)]) == [1]
    assert stream.failures == ()
    assert numbers([next(stream)]) == [3]
    assert numbers(stream.failures) == [2]


@both
@pytest.mark.parametrize("count", [1, 3])
def test_where_no_frame_can_be_read_its_own_error_is_raised(engine, consume, count):
    pages, error = consume(engine.stream(frames(count, damaged=range(1, count + 1))))
    assert (pages, type(error)) == ([], OcrDamagedImage)
    assert "frame 1" in str(error)


@both
def test_a_source_that_cannot_be_opened(engine, consume):
    pages, error = consume(engine.stream(b"no image at all"))
    assert (pages, type(error)) == ([], OcrFormatError)
    with pytest.raises(OcrSourceNotFound):
        engine.stream("missing.tif")


@both
def test_a_defect_ends_the_stream(engine, recogniser, consume):
    recogniser.errors[2] = ValueError("broken inside")
    pages, error = consume(engine.stream(frames(5), ahead=1))
    assert (numbers(pages), type(error)) == ([1], ValueError)


@both
def test_a_timeout_ends_the_stream_after_what_was_finished(recogniser, consume):
    recogniser.hold()
    recogniser.let(1, 2)
    with OcrEngine(workers=1, options=OcrOptions(timeout=0.1)) as engine:
        pages, error = consume(engine.stream(frames(5)))
    assert (numbers(pages), type(error)) == ([1, 2], OcrTimeout)
    assert "2 of 5 pages were finished" in str(error)
    assert "partial" not in str(error)


# Leaving early


def leave_by_break(stream):
    for _ in stream:
        break
    return stream.progress


def leave_by_close(stream):
    next(stream)
    stream.close()


def leave_by_block(stream):
    with stream:
        next(stream)


def leave_by_error(stream):
    with suppress(KeyError), stream:
        raise KeyError(next(stream).number)


def leave_by_break_in_a_loop(stream):
    async def main(stream):
        async for _ in stream:
            break

    asyncio.run(main(stream))


def leave_by_block_in_a_loop(stream):
    async def main():
        async with stream:
            await anext(stream)

    asyncio.run(main())


def leave_by_aclose(stream):
    async def main():
        await anext(stream)
        await stream.aclose()

    asyncio.run(main())


WAYS = [
    leave_by_break,
    leave_by_close,
    leave_by_block,
    leave_by_error,
    leave_by_break_in_a_loop,
    leave_by_block_in_a_loop,
    leave_by_aclose,
]


@pytest.mark.parametrize("leave", WAYS)
def test_leaving_ends_the_reading(engine, recogniser, leave):
    recogniser.hold()
    recogniser.let(1)
    leave(engine.stream(frames(20)))
    assert at_rest(engine._pool)
    begun = len(recogniser.begun)
    assert begun <= 4
    recogniser.let_all()
    assert len(engine.process(frames(3)).pages) == 3
    assert len(recogniser.begun) == begun + 3


@both
def test_a_closed_stream_has_nothing_more(engine, recogniser, consume):
    stream = engine.stream(frames(20))
    assert next(stream).number == 1
    assert recogniser.wait_for(8)
    stream.close()
    stream.close()
    assert consume(stream) == ([], None)


@both
def test_a_closed_engine_ends_its_streams(engine, recogniser, consume):
    recogniser.hold()
    recogniser.let(1, 2)
    stream = engine.stream(frames(20))
    assert until(lambda: sorted(recogniser.done) == [1, 2])
    assert recogniser.wait_for(4)
    engine.close()
    pages, error = consume(stream)
    assert (numbers(pages), type(error)) == ([1, 2], OcrCancelled)
    assert consume(stream) == ([], None)


def test_closing_from_another_thread_ends_the_wait(engine, recogniser):
    recogniser.hold()
    stream = engine.stream(frames(5))
    ends = []
    thread = threading.Thread(target=lambda: ends.append(read(stream)))
    thread.start()
    assert recogniser.wait_for(1)
    stream.close()
    thread.join(LONG)
    assert ends == [([], None)]


def test_a_cancelled_wait_ends_the_reading_and_who_comes_back_is_told(engine, recogniser):
    recogniser.hold()
    recogniser.let(1)

    async def main():
        stream = engine.stream(frames(5))
        assert (await anext(stream)).number == 1
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.01)
        assert await asyncio.to_thread(quiet, recogniser)
        with pytest.raises(OcrCancelled):
            await anext(stream)

    asyncio.run(main())


def test_a_cancelled_task_ends_the_reading(engine, recogniser):
    recogniser.hold()

    async def consume():
        async for _ in engine.stream(frames(5)):
            pass

    async def main():
        task = asyncio.create_task(consume())
        await asyncio.to_thread(recogniser.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert quiet(recogniser)


def test_the_collector_may_find_a_stream_anywhere(engine, recogniser):
    """Even while its own document's locks are held."""
    recogniser.hold()
    stream = engine.stream(frames(5))
    document = stream._document
    assert recogniser.wait_for(1)
    cycle = [stream]
    cycle.append(cycle)
    gc.disable()
    try:
        del stream, cycle
        with document._lock, document._pool._changed, document._shelf._lock:
            gc.collect()
            # Nothing is changed under the locks; another thread does it when they are free.
            assert document.progress.stage is not Stage.DONE
    finally:
        gc.enable()
    assert until(lambda: document.progress.stage is Stage.DONE)
    assert quiet(recogniser)


def test_a_stream_that_failed_is_collected_without_the_collector(engine):
    gc.collect()
    gc.disable()
    try:
        stream = engine.stream(b"no image")
        reference = weakref.ref(stream)
        with pytest.raises(OcrFormatError):
            next(stream)
        del stream
        assert until(lambda: reference() is None)
    finally:
        gc.enable()


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pages=st.integers(1, 15),
    damaged=st.sets(st.integers(1, 15), max_size=5),
    ahead=st.integers(1, 6),
    workers=st.integers(1, 3),
    ordered=st.booleans(),
    taken=st.integers(0, 16),
)
def test_whatever_is_streamed_each_page_comes_once(
    recogniser, pages, damaged, ahead, workers, ordered, taken
):
    damaged = {number for number in damaged if number <= pages}
    sound = [number for number in range(1, pages + 1) if number not in damaged]
    recogniser.begun.clear()
    with OcrEngine(workers=workers) as engine:
        stream = engine.stream(frames(pages, damaged=damaged), ahead=ahead, ordered=ordered)
        found = [next(stream).number for _ in sound[:taken]]
        assert len(recogniser.begun) <= len(found) + ahead
        rest, error = read(stream)
    found += numbers(rest)
    assert (found if ordered else sorted(found)) == sound
    kind = OcrDamagedImage if not sound else OcrPagesFailed if damaged else type(None)
    assert type(error) is kind
    assert sorted(numbers(stream.failures)) == sorted(damaged)
