"""What ``process_async`` returns: for event loops and without them, with every way to stop it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import threading
import time
import traceback
import weakref

import numpy as np
import pytest
from documents import LONG, frames, numbers, running, until

from ocrloom import OcrCancelled, OcrDamagedImage, OcrEngine, OcrFormatError, OcrSourceNotFound

NO_IMAGE = b"no image at all"


@pytest.fixture
def single(recogniser):
    """An engine with one worker and the recogniser of the test."""
    with OcrEngine(workers=1) as engine:
        yield engine
        recogniser.let_all()


@pytest.fixture
def held(single, recogniser):
    """A reading of five pages, of which the first two are done and the third is being read."""
    recogniser.hold()
    recogniser.let(1, 2)
    future = single.process_async(frames(5))
    assert recogniser.wait_for(3)
    return future


def free(engine, recogniser):
    """Whether the engine's worker is free for another source."""
    recogniser.let_all()
    return numbers(engine.process_async(frames(1)).result(LONG).pages) == [1]


async def awaited(future):
    return await future


# With and without a loop


def test_the_result_without_a_loop(single):
    assert numbers(single.process_async(frames(3)).result(LONG).pages) == [1, 2, 3]


def test_awaited_in_a_loop(single):
    async def main():
        return await single.process_async(frames(3))

    assert numbers(asyncio.run(main()).pages) == [1, 2, 3]


def test_awaited_twice_and_in_two_loops(single):
    future = single.process_async(frames(1))

    async def main():
        return await future, await future

    first, second = asyncio.run(main()), asyncio.run(main())
    assert len({id(result) for result in (*first, *second, future.result())}) == 1


def test_gathered_results_keep_their_order(single):
    async def main():
        sources = [frames(count) for count in (3, 1, 2)]
        return await asyncio.gather(*map(single.process_async, sources))

    assert [len(result.pages) for result in asyncio.run(main())] == [3, 1, 2]


def test_the_loop_goes_on_meanwhile(single, recogniser):
    recogniser.hold()

    async def main():
        future = single.process_async(frames(1))
        asyncio.get_running_loop().call_later(0.01, recogniser.let_all)
        return await future

    assert asyncio.run(main()).pages


def test_errors_come_by_every_way(single):
    future = single.process_async(NO_IMAGE)
    for ask in (lambda: future.result(LONG), lambda: asyncio.run(awaited(future))):
        with pytest.raises(OcrFormatError, match="expected an image"):
            ask()
    assert isinstance(future.exception(LONG), OcrFormatError)


@pytest.mark.parametrize("error", [ValueError, SystemExit, MemoryError])
def test_a_defect_comes_out_whole_and_the_worker_goes_on(single, recogniser, error):
    recogniser.errors[2] = error("broken inside")
    future = single.process_async(frames(3))
    with pytest.raises(error, match="broken inside"):
        future.result(LONG)
    names = [entry.name for entry in traceback.extract_tb(future.exception().__traceback__)]
    assert "_finish" in names
    assert free(single, recogniser)


def test_running_and_done(single, held, recogniser):
    waiting = single.process_async(frames(1))
    assert (held.running(), held.done()) == (True, False)
    assert held.cancel()
    assert (held.running(), held.done()) == (False, True)
    recogniser.let_all()
    assert waiting.result(LONG)
    assert (waiting.running(), waiting.done(), waiting.cancelled()) == (False, True, False)


def test_callbacks_are_called_once_before_and_after_the_end(held, recogniser):
    called = []
    held.add_done_callback(called.append)
    assert called == []
    recogniser.let_all()
    held.result(LONG)
    assert until(lambda: called)
    held.add_done_callback(called.append)
    assert called == [held, held]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_fails_does_not_take_the_worker_along(single, held, recogniser, error):
    def broken(_):
        raise error("in a callback")

    held.add_done_callback(broken)
    recogniser.let_all()
    assert held.result(LONG)
    assert free(single, recogniser)


def test_a_timeout_of_the_wait_leaves_the_reading_alone(held, recogniser):
    with pytest.raises(TimeoutError):
        held.result(timeout=0.01)
    with pytest.raises(TimeoutError):
        held.exception(timeout=0.01)
    recogniser.let_all()
    assert len(held.result(LONG).pages) == 5


def test_what_is_finished_can_be_had_before_the_end(held, recogniser):
    assert numbers(held.partial.pages) == [1, 2]
    recogniser.let_all()
    assert held.result(LONG) == held.partial


@pytest.mark.parametrize("how", [concurrent.futures.wait, concurrent.futures.as_completed])
def test_the_standard_librarys_waiting(single, how):
    futures = [single.process_async(frames(2)) for _ in range(3)]
    futures.append(single.process_async(NO_IMAGE))
    found = how(futures, timeout=LONG)
    assert set(found.done if how is concurrent.futures.wait else found) == set(futures)


# Cancelling


def test_cancelled_before_it_begins_it_never_does(single, held, recogniser):
    begun = len(recogniser.begun)
    future = single.process_async(frames(1))
    assert future.cancel()
    assert (future.cancelled(), future.running()) == (True, False)
    held.cancel()
    assert free(single, recogniser)
    assert len(recogniser.begun) == begun + 1


def test_cancelled_while_it_runs_the_worker_is_free_soon_and_the_rest_is_kept(
    single, held, recogniser
):
    assert held.cancel()
    for ask in (held.result, held.exception, lambda: asyncio.run(awaited(held))):
        with pytest.raises(OcrCancelled, match="was cancelled") as caught:
            ask()
        assert numbers(caught.value.partial.pages) == [1, 2]
    assert numbers(held.partial.pages) == [1, 2]
    assert free(single, recogniser)
    assert recogniser.done == [1, 2, 1]


def test_cancelled_too_late_it_keeps_its_result(single):
    future = single.process_async(frames(1))
    result = future.result(LONG)
    assert not future.cancel()
    assert future.result() is result


def test_who_expects_the_librarys_own_cancelled_errors_gets_them(held):
    held.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        held.result()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(awaited(held))


def wait_for(future, seconds):
    return asyncio.wait_for(future, seconds)


async def timeout(future, seconds):
    async with asyncio.timeout(seconds):
        return await future


@pytest.mark.parametrize("limited", [wait_for, timeout])
def test_a_timeout_in_the_loop_ends_the_reading(single, held, recogniser, limited):
    async def main():
        with pytest.raises(TimeoutError):
            await limited(held, 0.01)

    asyncio.run(main())
    assert held.cancelled()
    assert numbers(held.partial.pages) == [1, 2]
    assert free(single, recogniser)


def test_a_cancelled_task_ends_with_the_loops_own_error_and_ends_the_reading(
    single, held, recogniser
):
    async def main():
        task = asyncio.create_task(awaited(held))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return type(caught.value)

    assert asyncio.run(main()) is asyncio.CancelledError
    assert held.cancelled()
    assert numbers(held.partial.pages) == [1, 2]
    assert free(single, recogniser)


def test_the_future_that_was_cancelled_itself_says_so_to_all_that_await_it(held):
    async def main():
        tasks = [asyncio.create_task(awaited(held)) for _ in range(2)]
        await asyncio.sleep(0.01)
        held.cancel()
        return await asyncio.wait(tasks, timeout=LONG)

    done, waiting = asyncio.run(main())
    assert not waiting
    for task in done:
        with pytest.raises(OcrCancelled) as caught:
            task.result()
        assert numbers(caught.value.partial.pages) == [1, 2]


def test_one_of_two_awaiting_tasks_that_is_cancelled_ends_it_for_both(held):
    async def main():
        first, second = (asyncio.create_task(awaited(held)) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.wait([first, second], timeout=LONG)
        return first, second

    first, second = asyncio.run(main())
    with pytest.raises(asyncio.CancelledError):
        first.result()
    with pytest.raises(OcrCancelled):
        second.result()


def test_a_shield_keeps_the_reading(held, recogniser):
    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(held), 0.01)
        recogniser.let_all()
        return await held

    assert len(asyncio.run(main()).pages) == 5


def test_a_task_group_that_fails_ends_its_readings(single, held, recogniser):
    async def fail():
        await asyncio.sleep(0.01)
        raise OcrSourceNotFound("in another task")

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(awaited(held))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(main())
    assert [type(error) for error in caught.value.exceptions] == [OcrSourceNotFound]
    assert held.cancelled()
    assert free(single, recogniser)


def test_leaving_the_engines_block_ends_what_it_began(recogniser):
    recogniser.hold()
    recogniser.let(1, 2)

    async def main():
        async with OcrEngine() as engine:
            future = engine.process_async(frames(5))
            await asyncio.to_thread(recogniser.wait_for, 3)
        with pytest.raises(OcrCancelled) as caught:
            await future
        return future, caught.value

    future, error = asyncio.run(main())
    assert future.cancelled()
    assert 2 <= len(error.partial.pages) < 5
    assert until(lambda: recogniser._running["pages"] == 0)


@pytest.mark.parametrize("when", ["waiting", "running", "closed"])
def test_plain_waiting_sees_a_cancel(single, held, when):
    future = held if when == "running" else single.process_async(frames(1))
    if when == "closed":
        single.close()
    future.cancel()
    done, waiting = concurrent.futures.wait([future], timeout=LONG)
    assert (done, waiting) == ({future}, set())
    assert list(concurrent.futures.as_completed([future], timeout=LONG)) == [future]


def test_a_source_whose_engine_is_closed_while_it_begins_is_cancelled(
    single, recogniser, monkeypatch
):
    """The engine is closed by another thread at the worst moment."""
    make = OcrEngine._document

    def make_and_close(engine, *arguments, **options):
        document = make(engine, *arguments, **options)
        engine.close()
        return document

    monkeypatch.setattr(OcrEngine, "_document", make_and_close)
    future = single.process_async(frames(1))
    with pytest.raises(OcrCancelled):
        future.result(LONG)
    assert recogniser.begun == []


def test_cancelling_from_many_threads_at_once(single, recogniser):
    for _ in range(10):
        recogniser.hold()
        future = single.process_async(frames(3))
        threads = [threading.Thread(target=future.cancel) for _ in range(4)]
        threads.append(threading.Thread(target=recogniser.let_all))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)
        assert not concurrent.futures.wait([future], timeout=LONG).not_done
    assert free(single, recogniser)


# What is kept


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("end", ["result", "failure", "cancel"])
def test_the_source_goes_with_the_end_though_the_future_stays(recogniser, end):
    with OcrEngine(workers=1) as engine:
        pixels = np.full((6, 8), 255, np.uint8)
        source = weakref.ref(pixels)
        if end == "failure":
            recogniser.errors[1] = OcrDamagedImage("as told")
        elif end == "cancel":
            recogniser.hold()
        future = engine.process_async(pixels)
        del pixels
        if end == "cancel":
            assert running(future)
            future.cancel()
        concurrent.futures.wait([future], timeout=LONG)
        assert until(lambda: source() is None)


@pytest.mark.usefixtures("uncollected")
def test_a_result_goes_with_its_future(single):
    future = single.process_async(frames(2))
    page = future.result(LONG).pages[0]
    holders = weakref.ref(future)
    del future
    assert until(lambda: holders() is None)
    assert page.number == 1


def test_a_forgotten_future_is_read_to_its_end(single, recogniser):
    single.process_async(frames(4))
    gc.collect()
    assert until(lambda: recogniser.done == [1, 2, 3, 4])


def test_an_interrupt_ends_the_reading(single, recogniser, monkeypatch):
    recogniser.hold()

    def interrupted(*_):
        assert recogniser.wait_for(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(concurrent.futures.Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        single.process(frames(3))
    assert until(lambda: recogniser._running["pages"] == 0)
    time.sleep(0.01)
    assert recogniser.begun == [1]
