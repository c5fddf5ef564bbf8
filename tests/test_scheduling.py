"""Futures, the pool that serves them, and the number of CPUs."""

import asyncio
import concurrent.futures
import gc
import itertools
import os
import threading
import time
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.future import Future
from ocrloom.scheduling.pool import Pool, shared_pool

LONG = 20.0  # seconds after which a test that waits has failed


@pytest.fixture
def pool():
    pool = Pool(2)
    yield pool
    pool.close()


@pytest.fixture
def single():
    pool = Pool(1)
    yield pool
    pool.close()


def submit(pool, work):
    """A future of work that wants no checkpoint."""
    future = Future()
    pool.submit(future, lambda _: work())
    return future


class Endless:
    """Work that goes on until it is cancelled, and says when it began and ended."""

    def __init__(self, pool):
        self.begun, self.ended = threading.Event(), threading.Event()
        self.future = Future()
        pool.submit(self.future, self._work)

    def _work(self, checkpoint):
        self.begun.set()
        try:
            while True:
                checkpoint()
                time.sleep(0.001)
        finally:
            self.ended.set()


def fail():
    raise ValueError("broken inside")


# The future


def test_result_without_a_loop(pool):
    assert submit(pool, lambda: 7).result(LONG) == 7


def test_awaited_in_a_loop(pool):
    async def main():
        return await submit(pool, lambda: 7)

    assert asyncio.run(main()) == 7


def test_awaited_twice_and_in_two_loops(pool):
    future = submit(pool, lambda: object())

    async def main():
        return await future, await future

    first, second = asyncio.run(main()), asyncio.run(main())
    assert len({*first, *second, future.result()}) == 1


def test_gathered_results_keep_their_order(pool):
    async def main():
        return await asyncio.gather(*(submit(pool, lambda n=n: n) for n in range(50)))

    assert asyncio.run(main()) == list(range(50))


def test_the_loop_goes_on_meanwhile(pool):
    async def main():
        gate, future = threading.Event(), Future()
        pool.submit(future, lambda _: gate.wait(LONG))
        asyncio.get_running_loop().call_later(0.01, gate.set)
        return await future

    assert asyncio.run(main())


def test_errors_pass_through_whole(pool):
    future = submit(pool, fail)
    with pytest.raises(ValueError, match="broken inside"):
        future.result(LONG)
    assert isinstance(future.exception(), ValueError)
    assert "fail" in [entry.name for entry in _frames(future.exception())]

    async def main():
        await future

    with pytest.raises(ValueError, match="broken inside"):
        asyncio.run(main())


def _frames(error):
    import traceback

    return traceback.extract_tb(error.__traceback__)


def test_a_work_that_exits_does_not_take_the_worker_along(single):
    def leave():
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        submit(single, leave).result(LONG)
    assert submit(single, lambda: "alive").result(LONG) == "alive"


def test_running_and_done(single):
    busy = Endless(single)
    waiting = submit(single, lambda: 1)
    assert busy.begun.wait(LONG)
    assert (busy.future.running(), busy.future.done()) == (True, False)
    assert (waiting.running(), waiting.done()) == (False, False)
    assert busy.future.cancel()
    assert (busy.future.running(), busy.future.done()) == (False, True)
    assert waiting.result(LONG) == 1
    assert (waiting.running(), waiting.done(), waiting.cancelled()) == (False, True, False)


def test_callbacks_are_called_once_before_and_after_the_end(pool):
    called = []
    gate = threading.Event()
    future = submit(pool, lambda: gate.wait(LONG))
    future.add_done_callback(called.append)
    assert called == []
    gate.set()
    future.result(LONG)
    for _ in range(1000):  # the callback runs in the worker, just after the result is there
        if called:
            break
        time.sleep(0.001)
    future.add_done_callback(called.append)
    assert called == [future, future]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_fails_does_not_take_the_worker_along(single, error, caplog):
    def broken(_):
        raise error("in a callback")

    gate = threading.Event()
    future = submit(single, lambda: gate.wait(LONG))
    future.add_done_callback(broken)
    gate.set()
    assert future.result(LONG)
    assert submit(single, lambda: "alive").result(LONG) == "alive"
    assert [type(record.exc_info[1]) for record in caplog.records] == [error]


def test_a_timeout_leaves_the_work_alone(single):
    gate = threading.Event()
    future = submit(single, lambda: gate.wait(LONG))
    with pytest.raises(TimeoutError):
        future.result(timeout=0.01)
    gate.set()
    assert future.result(LONG)


# Cancelling


def test_cancelled_before_the_start_it_never_runs(single):
    busy = Endless(single)
    ran = []
    future = submit(single, lambda: ran.append(1))
    assert future.cancel()
    busy.future.cancel()
    assert submit(single, lambda: "next").result(LONG) == "next"
    assert ran == []
    assert future.cancelled()
    assert not future.running()


def test_cancelled_while_it_runs_the_worker_is_free_at_the_next_checkpoint(single):
    busy = Endless(single)
    assert busy.begun.wait(LONG)
    assert busy.future.cancel()
    assert submit(single, lambda: "next").result(LONG) == "next"
    assert busy.ended.is_set()
    with pytest.raises(concurrent.futures.CancelledError):
        busy.future.result()


def test_cancelled_too_late_it_keeps_its_result(pool):
    future = submit(pool, lambda: 7)
    future.result(LONG)
    assert not future.cancel()
    assert future.result() == 7


@pytest.mark.parametrize("outcome", [lambda: 7, fail])
def test_what_ends_after_a_cancel_changes_nothing(single, outcome):
    begun, gate = threading.Event(), threading.Event()

    def deaf(_):
        begun.set()
        gate.wait(LONG)
        return outcome()

    future = Future()
    single.submit(future, deaf)
    assert begun.wait(LONG)
    assert future.cancel()
    gate.set()
    assert submit(single, lambda: "next").result(LONG) == "next"
    assert future.cancelled()


def test_a_timeout_in_the_loop_cancels_the_work(single):
    busy = Endless(single)
    assert busy.begun.wait(LONG)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(busy.future, 0.01)
        return await submit(single, lambda: "next")

    assert asyncio.run(main()) == "next"
    assert busy.future.cancelled()
    assert busy.ended.is_set()


def test_cancelling_the_task_cancels_the_work(single):
    busy = Endless(single)
    assert busy.begun.wait(LONG)

    async def wait():
        await busy.future

    async def main():
        task = asyncio.create_task(wait())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert busy.future.cancelled()
    assert busy.ended.wait(LONG)


def test_a_shield_keeps_the_work(single):
    gate = threading.Event()
    future = submit(single, lambda: gate.wait(LONG))

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(future), 0.01)
        gate.set()
        return await future

    assert asyncio.run(main())


@pytest.mark.parametrize("when", ["queued", "running", "closed"])
def test_plain_waiting_sees_a_cancel(single, when):
    busy = Endless(single)
    assert busy.begun.wait(LONG)
    future = busy.future if when == "running" else submit(single, lambda: 1)
    if when == "closed":
        single.close()
    future.cancel()
    busy.future.cancel()
    done, waiting = concurrent.futures.wait([future], timeout=LONG)
    assert (done, waiting) == ({future}, set())
    assert list(concurrent.futures.as_completed([future], timeout=LONG)) == [future]


# The pool


def test_work_begins_in_order_of_arrival(single):
    order = []
    gate = threading.Event()
    submit(single, lambda: gate.wait(LONG))
    last = [submit(single, lambda n=n: order.append(n)) for n in range(20)][-1]
    gate.set()
    last.result(LONG)
    assert order == list(range(20))


def workers_alive():
    return {thread for thread in threading.enumerate() if thread.name == "ocrloom-worker"}


def test_threads_start_when_they_are_needed_and_are_never_too_many():
    before = workers_alive()
    pool = Pool(3)
    assert workers_alive() == before
    gate = threading.Event()
    futures = []
    for expected in (1, 2, 3, 3, 3):
        futures.append(submit(pool, lambda: gate.wait(LONG) and threading.current_thread()))
        assert len(workers_alive() - before) == expected
    gate.set()
    used = {future.result(LONG) for future in futures}
    assert used <= workers_alive() - before
    pool.close()
    assert workers_alive() == before


def test_two_tasks_at_once_run_side_by_side_when_one_worker_is_idle(pool):
    submit(pool, lambda: None).result(LONG)
    time.sleep(0.05)  # until the first worker waits for work
    meeting = threading.Barrier(2, timeout=LONG)
    both = [submit(pool, meeting.wait) for _ in range(2)]
    assert sorted(future.result(LONG) for future in both) == [0, 1]


def test_close_cancels_what_waits_and_what_runs():
    pool = Pool(1)
    busy = Endless(pool)
    waiting = [submit(pool, lambda: 1) for _ in range(3)]
    assert busy.begun.wait(LONG)
    pool.close()
    assert busy.ended.is_set()
    assert all(future.cancelled() for future in (busy.future, *waiting))


def test_close_twice_and_of_an_idle_pool():
    pool = Pool(1)
    pool.close()
    pool.close()
    assert submit(pool, lambda: 1).cancelled()


def test_what_is_submitted_after_close_is_cancelled():
    pool = Pool(1)
    assert submit(pool, lambda: 7).result(LONG) == 7
    pool.close()
    called = []
    future = submit(pool, lambda: called.append("ran"))
    future.add_done_callback(called.append)
    assert future.cancelled()
    assert called == [future]


def test_close_from_a_worker_does_not_wait_for_itself():
    pool = Pool(1)
    future = submit(pool, pool.close)
    concurrent.futures.wait([future], timeout=LONG)
    assert future.cancelled()


def test_the_shared_pool_is_one_and_as_large_as_the_cpus():
    assert shared_pool() is shared_pool()
    assert shared_pool().workers == usable_cpus()


EXIT = """
import sys, time
from ocrloom.scheduling.future import Future
from ocrloom.scheduling.pool import Pool
def endless(checkpoint):
    while True:
        checkpoint()
        time.sleep(0.01)
pool = Pool(2)
futures = [Future() for _ in range(5)]
for future in futures:
    pool.submit(future, endless)
while not futures[1].running():
    time.sleep(0.01)
print("end of main")
"""


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del pool, futures"])
def test_the_interpreter_ends_with_work_queued_and_running(run_python, end):
    assert run_python(EXIT + end) == "end of main\n"


class Product:
    """Something to which a weak reference can be made."""


def gone(reference):
    """Whether the last reference goes within a moment, without help from the collector."""
    for _ in range(1000):
        if reference() is None:
            return True
        time.sleep(0.001)
    return False


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_an_idle_worker_keeps_no_result(single):
    future = submit(single, Product)
    product = weakref.ref(future.result(LONG))
    del future
    assert gone(product)


@pytest.mark.usefixtures("uncollected")
def test_an_idle_worker_keeps_no_work(single):
    held = Product()
    work = weakref.ref(held)
    future = submit(single, lambda held=held: str(held))
    del held
    future.result(LONG)
    del future
    assert gone(work)


@pytest.mark.usefixtures("uncollected")
def test_a_failure_keeps_nothing_alive(single):
    def work(checkpoint):
        pixels = Product()
        checkpoint()
        raise ValueError(f"broken {id(pixels)}", weakref.ref(pixels))

    future = Future()
    single.submit(future, work)
    pixels = future.exception(LONG).args[1]
    del future
    assert gone(pixels)


# Everything at once, against a model: what may happen to each future


KINDS = st.sampled_from(["succeed", "fail", "until cancelled", "cancel myself"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), KINDS),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("breathe"), st.none()),
    ),
    max_size=25,
)


class Job:
    """One submitted piece of work and all that happened to it."""

    def __init__(self, kind, number):
        self.kind, self.number = kind, number
        self.future, self.runs, self.endings = Future(), itertools.count(), []
        self.cancelled_by_us = False
        self.future.add_done_callback(self.endings.append)

    def work(self, checkpoint):
        next(self.runs)
        checkpoint()
        if self.kind == "fail":
            raise ValueError(self.number)
        if self.kind == "cancel myself":
            self.future.cancel()
            checkpoint()
        while self.kind == "until cancelled":
            checkpoint()
            time.sleep(0.0005)
        return self.number

    def cancel(self):
        self.cancelled_by_us |= self.future.cancel()

    def check(self, *, closed):
        runs = next(self.runs)
        assert self.future.done()
        assert self.endings == [self.future]
        assert runs <= 1
        if self.future.cancelled():
            assert self.cancelled_by_us or closed or self.kind == "cancel myself"
            return
        assert runs == 1
        assert not self.cancelled_by_us
        if self.kind == "fail":
            assert self.future.exception().args == (self.number,)
        else:
            assert self.kind == "succeed"
            assert self.future.result() == self.number


def play(pool, steps):
    jobs = []
    for name, value in steps:
        if name == "submit":
            jobs.append(Job(value, len(jobs)))
            pool.submit(jobs[-1].future, jobs[-1].work)
        elif name == "cancel" and value < len(jobs):
            jobs[value].cancel()
        else:
            time.sleep(0.0005)
    return jobs


@settings(deadline=None, max_examples=80)
@given(steps=STEPS, workers=st.integers(1, 3), close_early=st.booleans())
def test_every_future_settles_exactly_once(steps, workers, close_early):
    pool = Pool(workers)
    jobs = play(pool, steps)
    if not close_early:
        for job in jobs:
            if job.kind == "until cancelled":
                job.cancel()
        futures = [job.future for job in jobs]
        assert not concurrent.futures.wait(futures, timeout=LONG).not_done
    pool.close()
    for job in jobs:
        job.check(closed=close_early)


# CPUs


def affinity():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@pytest.fixture
def sixteen(monkeypatch):
    if hasattr(os, "sched_getaffinity"):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    else:
        monkeypatch.setattr(os, "cpu_count", lambda: 16)


def test_without_a_control_group_the_affinity_counts(tmp_path):
    assert usable_cpus(tmp_path / "none") == affinity()
    assert 1 <= usable_cpus() <= affinity()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux")
def test_a_smaller_affinity_is_respected(run_python):
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from ocrloom.scheduling.cpus import usable_cpus; print(usable_cpus())"
    )
    assert run_python(code) == "1\n"


def test_without_affinity_all_cpus_count(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cpus(tmp_path) == 1


@pytest.mark.usefixtures("sixteen")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("1 1000000\n", 1),
        ("9900000 100000\n", 16),
        ("max 100000\n", 16),
        ("max\n", 16),
        ("", 16),
        ("0 100000", 16),
        ("100000 0", 16),
        ("-1 100000", 16),
        ("many of them", 16),
        ("1" + "0" * 400 + " 1", 16),
        ("\ud800\udcff", 16),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_the_quota_of_the_control_group(tmp_path, version, text, expected):
    data = text.encode("utf-8", "surrogatepass")
    if version == 2:
        (tmp_path / "cpu.max").write_bytes(data)
    else:
        quota, _, period = data.partition(b" ")
        (tmp_path / "cpu").mkdir()
        (tmp_path / "cpu" / "cpu.cfs_quota_us").write_bytes(quota)
        (tmp_path / "cpu" / "cpu.cfs_period_us").write_bytes(period)
    assert usable_cpus(tmp_path) == expected


@pytest.mark.usefixtures("sixteen")
def test_version_two_is_asked_first(tmp_path):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cpus(tmp_path) == 3
    (tmp_path / "cpu.max").write_text("500000 100000")
    assert usable_cpus(tmp_path) == 5
