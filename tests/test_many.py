"""Many sources: one outcome for each, a bounded number in flight, endless and asynchronous ones."""

from __future__ import annotations

import asyncio
import gc
import io
import itertools
import threading
import time
from pathlib import Path

import pytest
from documents import LONG, frames, numbers, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from steps import at_rest

from ocrloom import (
    Image,
    OcrCancelled,
    OcrEngine,
    OcrEngineError,
    OcrException,
    OcrFormatError,
    OcrLanguageNotInstalled,
    OcrOptionError,
    OcrOptions,
    OcrSourceNotFound,
    OcrTimeout,
    Stage,
)


@pytest.fixture
def engine(recogniser):
    with OcrEngine(workers=2) as engine:
        yield engine
        recogniser.let_all()


def read(outcomes):
    return list(outcomes)


def read_in_a_loop(outcomes):
    async def main():
        return [outcome async for outcome in outcomes]

    return asyncio.run(main())


both = pytest.mark.parametrize("consume", [read, read_in_a_loop], ids=["for", "async for"])


async def one_by_one(sources):
    for source in sources:
        await asyncio.sleep(0)
        yield source


def counted(sources, taken):
    """The same sources; notes each that is asked for."""
    for source in sources:
        taken.append(source)
        yield source


def indices(outcomes):
    return [outcome.index for outcome in outcomes]


def quiet(recogniser):
    """Whether nothing is being read."""
    return until(lambda: recogniser._running["pages"] == 0)


# What comes


@both
def test_every_source_has_one_outcome(engine, consume):
    sources = [frames(count) for count in (1, 3, 2, 1, 4)]
    found = consume(engine.process_many(sources))
    assert sorted(indices(found)) == list(range(5))
    for outcome in found:
        assert outcome.source is sources[outcome.index]
        assert outcome.name is None
        assert outcome.error is None
        assert outcome.unwrap() is outcome.result
        assert len(outcome.result.pages) == (1, 3, 2, 1, 4)[outcome.index]


@both
def test_no_sources_no_outcomes(engine, consume):
    assert consume(engine.process_many([])) == []


def test_sources_may_be_asynchronous(engine):
    found = read_in_a_loop(engine.process_many(one_by_one([frames(2)] * 30)))
    assert sorted(indices(found)) == list(range(30))


def test_asynchronous_sources_need_a_loop(engine):
    outcomes = engine.process_many(one_by_one([frames(1)]))
    with pytest.raises(TypeError, match="async for"):
        next(outcomes)


@pytest.mark.parametrize(
    "single", ["ab", b"ab", Path("ab"), io.BytesIO(b"ab"), Image.load(frames(1)), 3, None]
)
def test_a_single_source_is_refused(engine, single):
    with pytest.raises(OcrOptionError, match=f"got {type(single).__name__}; put a single one"):
        engine.process_many(single)


def test_left_early_an_asynchronous_generator_is_closed(engine):
    ended = []

    async def endless():
        try:
            while True:
                yield frames(1)
                await asyncio.sleep(0)
        finally:
            ended.append(True)

    async def main():
        async with engine.process_many(endless()) as outcomes:
            async for _ in outcomes:
                break
        return list(ended)

    assert asyncio.run(main()) == [True]


@both
def test_outcomes_in_the_order_of_the_sources(engine, recogniser, consume):
    sources = [frames(1, damaged=[1] if n % 3 == 0 else ()) for n in range(12)]
    assert indices(consume(engine.process_many(sources, ordered=True))) == list(range(12))


def test_in_order_a_slow_one_holds_the_others_up(engine, recogniser):
    recogniser.hold()
    recogniser.let(1)
    outcomes = engine.process_many([frames(2), frames(1), frames(1)], ordered=True)
    timer = threading.Timer(0.05, recogniser.let_all)
    timer.start()
    assert indices(outcomes) == [0, 1, 2]


def test_as_they_are_done_a_slow_one_comes_late(engine, recogniser):
    recogniser.hold()
    recogniser.let(1)
    outcomes = engine.process_many([frames(2), frames(1), frames(1)])
    assert sorted([next(outcomes).index, next(outcomes).index]) == [1, 2]
    recogniser.let_all()
    assert indices(outcomes) == [0]


@both
def test_failures_are_outcomes_with_the_sources_name(engine, consume, tmp_path):
    sound, broken = tmp_path / "sound.tif", tmp_path / "broken.png"
    sound.write_bytes(frames(3, damaged=[2]))
    broken.write_text("no image")
    missing = str(tmp_path / "missing.png")
    sources = [sound, str(broken), missing, b"no image", 5, Image.load(sound)]
    found = consume(engine.process_many(sources, ordered=True))
    assert [type(outcome.error) for outcome in found] == [
        type(None),
        OcrFormatError,
        OcrSourceNotFound,
        OcrFormatError,
        OcrOptionError,
        type(None),
    ]
    names = [str(sound), str(broken), missing, None, None, str(sound)]
    assert [outcome.name for outcome in found] == names
    assert numbers(found[0].result.pages) == [1, 3]
    assert numbers(found[0].result.failures) == [2]
    for outcome in found[1:5]:
        assert outcome.result is None
        with pytest.raises(OcrException) as caught:
            outcome.unwrap()
        assert caught.value is outcome.error


def test_a_timeout_is_one_sources_own(recogniser):
    recogniser.hold()
    recogniser.let(1, 2)
    with OcrEngine(workers=3, options=OcrOptions(timeout=0.5)) as engine:
        slow, quick = engine.process_many([frames(4), frames(2)], ordered=True)
    assert type(slow.error) is OcrTimeout
    assert numbers(slow.error.partial.pages) == [1, 2]
    assert numbers(quick.unwrap().pages) == [1, 2]


def test_a_defect_is_one_sources_own(engine, recogniser):
    recogniser.errors[2] = ValueError("broken inside")
    found = list(engine.process_many([frames(1), frames(2), frames(1)], ordered=True))
    assert [type(outcome.error) for outcome in found] == [type(None), ValueError, type(None)]


@pytest.mark.usefixtures("no_language_data")
def test_a_language_that_is_not_installed_is_told_before_anything_begins():
    taken = []
    with pytest.raises(OcrLanguageNotInstalled):
        OcrEngine(language="rus").process_many(counted([frames(1)], taken))
    assert taken == []


# Holding up


@pytest.mark.parametrize("ahead", [1, 3])
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_sources_are_taken_than_were_asked_for_ahead(engine, ahead, ordered):
    taken = []
    sources = counted(itertools.repeat(frames(1)), taken)
    outcomes = engine.process_many(sources, ahead=ahead, ordered=ordered)
    assert taken == []
    for number in range(10):
        next(outcomes)
        time.sleep(0.001)
        assert len(taken) <= number + ahead
    outcomes.close()


def test_asynchronous_sources_are_held_up_too(engine):
    taken = []

    async def main():
        sources = one_by_one(counted(itertools.repeat(frames(1)), taken))
        outcomes = engine.process_many(sources, ahead=2)
        for number in range(10):
            await anext(outcomes)
            await asyncio.sleep(0.001)
            # One more may be at hand: it was asked for when there was room.
            assert len(taken) <= number + 3
        await outcomes.aclose()

    asyncio.run(main())


def test_without_a_number_it_is_four_sources_a_worker(engine, recogniser):
    recogniser.hold()
    taken = []
    outcomes = engine.process_many(counted(itertools.repeat(frames(1)), taken))
    threading.Timer(0.05, recogniser.let_all).start()
    next(outcomes)
    assert len(taken) == 8
    outcomes.close()


@pytest.mark.parametrize("ahead", [0, -1, 1.5, "2", True])
def test_the_number_ahead_is_a_whole_one(engine, ahead):
    with pytest.raises(OcrOptionError, match=f"ahead must be .* at least 1, got {ahead!r}"):
        engine.process_many([], ahead=ahead)


def test_other_work_goes_first(recogniser):
    recogniser.hold()
    with OcrEngine(workers=1) as engine:
        outcomes = engine.process_many([frames(1)] * 60, ahead=4)
        found = []
        thread = threading.Thread(target=lambda: found.extend(outcomes))
        thread.start()
        assert recogniser.wait_for(1)
        book, done = engine.process_async(frames(20)), []
        book.add_done_callback(lambda _: done.append(len(recogniser.done) - 20))
        recogniser.let_all()
        book.result(LONG)
        thread.join(LONG)
    assert len(found) == 60
    # Four sources at a time, each of which has one turn to eight of the book.
    assert done[0] <= 16


# Leaving early


def endless():
    return itertools.repeat(frames(2))


def leave_by_break(outcomes):
    for _ in outcomes:
        break


def leave_by_block(outcomes):
    with outcomes:
        next(outcomes)


def leave_by_break_in_a_loop(outcomes):
    async def main(outcomes):
        async for _ in outcomes:
            break

    asyncio.run(main(outcomes))


def leave_by_block_in_a_loop(outcomes):
    async def main():
        async with outcomes:
            await anext(outcomes)

    asyncio.run(main())


def leave_by_timeout(outcomes):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                [outcome async for outcome in outcomes]

    asyncio.run(main())


WAYS = [leave_by_break, leave_by_block, leave_by_break_in_a_loop, leave_by_block_in_a_loop]


@pytest.mark.parametrize("leave", [*WAYS, leave_by_timeout])
def test_an_endless_source_may_be_left(engine, recogniser, leave):
    leave(engine.process_many(endless()))
    gc.collect()
    assert at_rest(engine._pool)
    begun = len(recogniser.begun)
    time.sleep(0.02)
    assert len(recogniser.begun) == begun
    assert len(engine.process(frames(3)).pages) == 3


@pytest.mark.parametrize("leave", [*WAYS[2:], leave_by_timeout])
def test_an_endless_asynchronous_source_may_be_left(engine, recogniser, leave):
    leave(engine.process_many(one_by_one(endless())))
    gc.collect()
    assert at_rest(engine._pool)


def test_an_asynchronous_source_that_never_comes_may_be_left(engine):
    async def never():
        yield frames(1)
        await asyncio.Event().wait()

    async def main():
        outcomes = engine.process_many(never())
        assert (await anext(outcomes)).index == 0
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(outcomes), 0.02)
        assert [outcome async for outcome in outcomes] == []

    asyncio.run(main())


@pytest.fixture
def five_held(recogniser):
    """The outcomes of six sources; the first is given, of each other one the first page is done."""
    recogniser.hold()
    recogniser.let(1)
    # A worker for each page, so that those that are held hold no others up.
    with OcrEngine(workers=16) as engine:
        outcomes = engine.process_many([frames(1), *[frames(3)] * 5], ordered=True)
        assert next(outcomes).index == 0
        assert until(lambda: len(recogniser.done) == 6)
        yield outcomes
        recogniser.let_all()


@both
def test_close_cancels_what_was_begun_and_ends_the_iteration(five_held, recogniser, consume):
    five_held.close()
    five_held.close()
    assert quiet(recogniser)
    assert consume(five_held) == []


def test_cancel_gives_what_there_is(five_held):
    left = five_held.cancel()
    assert indices(left) == [1, 2, 3, 4, 5]
    assert [outcome.error.partial.pages[0].number for outcome in left] == [1] * 5
    assert {type(outcome.error) for outcome in left} == {OcrCancelled}
    assert list(five_held) == []


def test_sources_that_fail_to_come_end_the_iteration(engine):
    def failing():
        yield frames(1)
        raise KeyError("no more of them")

    outcomes = engine.process_many(failing(), ahead=1)
    assert next(outcomes).index == 0
    with pytest.raises(KeyError):
        next(outcomes)
    assert list(outcomes) == []


def test_asynchronous_sources_that_fail_to_come_end_the_iteration(engine):
    async def failing():
        yield frames(1)
        raise KeyError("no more of them")

    async def main():
        outcomes = engine.process_many(failing(), ahead=1)
        assert (await anext(outcomes)).index == 0
        with pytest.raises(KeyError):
            await anext(outcomes)
        return [outcome async for outcome in outcomes]

    assert asyncio.run(main()) == []


def test_a_closed_engine_says_so_for_each_source(engine, recogniser):
    recogniser.hold()
    outcomes = engine.process_many([frames(1)] * 4, ahead=2, ordered=True)
    threading.Timer(0.05, engine.close).start()
    found = [type(outcome.error) for outcome in outcomes]
    assert found == [OcrCancelled, OcrCancelled, OcrEngineError, OcrEngineError]


# All at once


def test_a_batch_is_a_list_in_order(engine, tmp_path):
    async def main():
        sources = [frames(2), tmp_path / "missing.tif", frames(1)]
        return await engine.process_batch(sources)

    found = asyncio.run(main())
    assert indices(found) == [0, 1, 2]
    assert type(found[1].error) is OcrSourceNotFound
    assert len(found[0].unwrap().pages) == 2


def test_a_batch_of_asynchronous_sources(engine):
    async def main():
        return await engine.process_batch(one_by_one([frames(1)] * 20))

    assert indices(asyncio.run(main())) == list(range(20))


def test_a_cancelled_batch_ends_what_it_began(engine, recogniser):
    recogniser.hold()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(engine.process_batch([frames(3)] * 20), 0.05)

    asyncio.run(main())
    assert at_rest(engine._pool)


@pytest.mark.parametrize("loop", [True, False])
def test_progress_of_all_sources(engine, tmp_path, loop):
    events, sources = [], []
    for number in range(5):
        sources.append(tmp_path / f"{number}.tif")
        sources[-1].write_bytes(frames(2))
    if loop:

        async def main():
            await engine.process_batch(sources, progress=events.append)
            await asyncio.sleep(0.01)

        asyncio.run(main())
    else:
        assert len(list(engine.process_many(sources, progress=events.append))) == 5
    for source in sources:
        mine = [event.stage for event in events if event.source == str(source)]
        assert (mine[0], mine[-1]) == (Stage.WAITING, Stage.DONE)
        assert mine.count(Stage.PAGE_DONE) == 2


def test_real_texts_stay_with_their_sources(note):
    texts = [f"paper {number}" for number in range(130, 142)]
    found = asyncio.run(OcrEngine().process_batch(note(text) for text in texts))
    assert [outcome.unwrap().text for outcome in found] == texts


@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kinds=st.lists(st.sampled_from(["page", "book", "damaged", "missing"]), max_size=12),
    ahead=st.integers(1, 5),
    ordered=st.booleans(),
    mode=st.sampled_from(["plain", "loop", "asynchronous"]),
)
def test_whatever_is_given_there_is_one_outcome_each(recogniser, kinds, ahead, ordered, mode):
    made = {
        "page": frames(1),
        "book": frames(4, damaged=[3]),
        "damaged": b"no image",
        "missing": "no such file.tif",
    }
    sources = [made[kind] for kind in kinds]
    with OcrEngine(workers=2) as engine:
        given_sources = one_by_one(sources) if mode == "asynchronous" else iter(sources)
        outcomes = engine.process_many(given_sources, ahead=ahead, ordered=ordered)
        found = read(outcomes) if mode == "plain" else read_in_a_loop(outcomes)
    assert indices(found) == list(range(len(kinds))) or not ordered
    assert sorted(indices(found)) == list(range(len(kinds)))
    for outcome in found:
        kind = kinds[outcome.index]
        assert outcome.source is sources[outcome.index]
        assert (outcome.result is None) is (kind in ("damaged", "missing"))
        if kind == "book":
            assert (numbers(outcome.result.pages), numbers(outcome.result.failures)) == (
                [1, 2, 4],
                [3],
            )


@both
def test_closing_from_another_thread_ends_the_iteration(engine, recogniser, consume):
    recogniser.hold()
    outcomes = engine.process_many([frames(1)] * 4)
    threading.Timer(0.05, outcomes.close).start()
    assert consume(outcomes) == []


def test_a_source_that_is_missing_has_the_name_that_was_given(engine, tmp_path):
    missing = tmp_path / "missing.png"
    (outcome,) = engine.process_many([missing])
    assert outcome.name == str(missing)
