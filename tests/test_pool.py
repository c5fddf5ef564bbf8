"""Workers: what they begin and end, whatever the work does; stops, closes and forks."""

from __future__ import annotations

import os
import threading
import time
import weakref
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import LONG, Task, endless, idle, until

from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.fair import OverBudget, Share
from ocrloom.scheduling.memory import default_budget
from ocrloom.scheduling.pool import Forked, Pool, Stopped, shared_pool

BUDGET = 10


@pytest.fixture
def make_pool():
    """Makes pools that are closed in the end."""
    made = []

    def make(workers, budget=BUDGET):
        made.append(Pool(workers, budget))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def pool(make_pool):
    return make_pool(2)


@pytest.fixture
def single(make_pool):
    return make_pool(1)


# Who works


def workers_alive():
    return {thread for thread in threading.enumerate() if thread.name == "ocrloom-worker"}


def test_threads_start_when_they_are_needed_and_are_never_too_many():
    before = workers_alive()
    pool = Pool(3)
    assert workers_alive() == before
    assert not pool.started
    gate = threading.Event()
    tasks = []
    for expected in (1, 2, 3, 3, 3):
        tasks.append(Task(pool, lambda _: gate.wait(LONG) and threading.current_thread()))
        assert len(workers_alive() - before) == expected
    gate.set()
    assert {task.result() for task in tasks} <= workers_alive() - before
    pool.close()
    assert workers_alive() == before
    assert pool.started


def test_steps_of_a_job_begin_in_the_order_in_which_they_were_added(single):
    found, job = [], single.job()
    for number in range(20):
        last = Task(single, lambda _, number=number: found.append(number), job=job)
    last.result()
    assert found == list(range(20))


def test_two_steps_run_side_by_side_when_one_worker_is_idle(pool):
    Task(pool, lambda _: None).result()
    meeting = threading.Barrier(2, timeout=LONG)
    both = [Task(pool, lambda _: meeting.wait()) for _ in range(2)]
    assert sorted(task.result() for task in both) == [0, 1]


def test_a_step_may_add_steps(pool):
    job, found = pool.job(), []

    def work(depth, _):
        found.append(depth)
        if depth < 5:
            Task(pool, lambda context: work(depth + 1, context), job=job)
        else:
            end.set()

    end = threading.Event()
    Task(pool, lambda context: work(0, context), job=job)
    assert end.wait(LONG)
    assert found == list(range(6))


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, MemoryError])
def test_whatever_a_step_raises_its_worker_goes_on(single, error, caplog):
    def fail(_):
        raise error("inside")

    failing = Task(single, fail, cost=3)
    alive = Task(single, lambda _: threading.current_thread())
    assert failing.ended.wait(LONG)
    assert alive.result() is Task(single, lambda _: threading.current_thread()).result()
    assert idle(single)
    assert [record.exc_info[0] for record in caplog.records] == [error]


def test_the_shared_pool_is_one_and_as_large_as_the_machine():
    assert shared_pool() is shared_pool()
    assert shared_pool().workers == usable_cpus()
    assert shared_pool().budget == default_budget()


# The budget


def test_a_step_over_the_budget_is_refused_and_leaves_no_trace(single):
    with pytest.raises(OverBudget):
        Task(single, endless, cost=BUDGET + 1)
    assert idle(single)
    assert Task(single, lambda _: 7, cost=BUDGET).result() == 7


def test_a_step_that_does_not_fit_begins_when_it_does(pool):
    gate = threading.Event()
    first = Task(pool, lambda _: gate.wait(LONG), cost=6)
    second = Task(pool, lambda _: pool._queue.used, cost=5)
    assert first.begun.wait(LONG)
    assert not second.begun.wait(0.05)
    gate.set()
    assert second.result() == 5


def test_what_a_dropped_step_held_up_begins(pool):
    gate = threading.Event()
    first = Task(pool, lambda _: gate.wait(2 * LONG), cost=6)
    assert first.begun.wait(LONG)
    large, small = Task(pool, endless, cost=5), Task(pool, lambda _: 7, cost=1)
    assert not small.begun.wait(0.05)
    pool.stop(large.job)
    assert small.result() == 7
    assert not large.begun.is_set()
    gate.set()


class Held:
    """Steps that each wait until they are let go, and the model of which of them run.

    They are of one job, so the model knows whose turn it is.
    """

    def __init__(self, pool, costs):
        self.pool, self.costs = pool, costs
        self.lock = threading.Lock()
        self.used = self.most = self.count = self.most_at_once = 0
        self.gates = [threading.Event() for _ in costs]
        self.waiting, self.running = list(range(len(costs))), []
        job = pool.job()
        self.tasks = [
            Task(pool, lambda _, number=number: self._hold(number), cost, job)
            for number, cost in enumerate(costs)
        ]
        self._admit()

    def _hold(self, number):
        with self.lock:
            self.used += self.costs[number]
            self.count += 1
            self.most = max(self.most, self.used)
            self.most_at_once = max(self.most_at_once, self.count)
        self.gates[number].wait(LONG)
        with self.lock:
            self.used -= self.costs[number]
            self.count -= 1

    def _admit(self):
        while self.waiting and len(self.running) < self.pool.workers:
            used = sum(self.costs[number] for number in self.running)
            if used + self.costs[self.waiting[0]] > BUDGET:
                return
            self.running.append(self.waiting.pop(0))

    def begun(self):
        """Whether all that the model has begun has."""
        begun = set(range(len(self.costs))) - set(self.waiting)
        return until(lambda: all(self.tasks[number].begun.is_set() for number in begun))

    def let_go(self, choice):
        number = self.running.pop(choice % len(self.running))
        self.gates[number].set()
        self._admit()


@settings(deadline=None, max_examples=40)
@given(
    costs=st.lists(st.integers(0, BUDGET), min_size=1, max_size=12),
    workers=st.integers(1, 4),
    choices=st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_no_worker_is_idle_while_the_next_step_fits_and_nothing_is_over_the_budget(
    costs, workers, choices
):
    pool = Pool(workers, BUDGET)
    held = Held(pool, costs)
    for choice in choices[: len(costs)]:
        assert held.begun()
        held.let_go(choice)
    for task in held.tasks:
        task.result()
    assert held.most <= BUDGET
    assert held.most_at_once <= workers
    assert idle(pool)
    pool.close()


# Stopping


def test_a_stopped_job_ends_at_its_next_checkpoint_and_what_waits_never_begins(single):
    job = single.job()
    running = Task(single, endless, cost=4, job=job)
    waiting = [Task(single, endless, job=job) for _ in range(3)]
    assert running.begun.wait(LONG)
    single.stop(job)
    assert single._queue.waiting == 0
    assert running.ended.wait(LONG)
    assert isinstance(running.error, Stopped)
    assert Task(single, lambda _: "next").result() == "next"
    assert not any(task.begun.is_set() for task in waiting)
    assert idle(single)
    assert not Task(single, endless, job=job).added


def test_a_stopped_step_holds_its_bytes_until_it_has_ended(pool):
    gate = threading.Event()

    def deaf(context):
        gate.wait(LONG)
        context.checkpoint()

    running = Task(pool, deaf, cost=BUDGET)
    assert running.begun.wait(LONG)
    pool.stop(running.job)
    following = Task(pool, lambda _: None, cost=1)
    assert not following.begun.wait(0.05)
    gate.set()
    following.result()


def test_stopping_one_job_leaves_the_others_alone(single):
    running = Task(single, endless)
    others = [Task(single, lambda _: 7) for _ in range(2)]
    assert running.begun.wait(LONG)
    single.stop(running.job)
    assert [task.result() for task in others] == [7, 7]


def test_close_ends_what_runs_and_drops_what_waits():
    pool = Pool(1)
    running = Task(pool, endless)
    waiting = [Task(pool, endless) for _ in range(3)]
    assert running.begun.wait(LONG)
    pool.close()
    assert running.ended.is_set()
    assert not any(task.begun.is_set() for task in waiting)
    assert (pool._queue.waiting, pool._queue.used) == (0, 0)


def test_close_twice_and_of_a_pool_that_never_began():
    pool = Pool(1)
    pool.close()
    pool.close()
    assert not pool.started
    assert not Task(pool, endless).added


def test_nothing_runs_after_close():
    pool = Pool(1)
    job = pool.job()
    assert Task(pool, lambda _: 7, job=job).result() == 7
    pool.close()
    late = [Task(pool, endless, job=job), Task(pool, endless)]
    assert not any(task.added for task in late)
    assert not any(task.begun.wait(0.02) for task in late)


def test_close_from_a_worker_does_not_wait_for_itself():
    pool = Pool(1)
    Task(pool, lambda _: pool.close()).result()
    assert until(lambda: not pool._threads)


def test_jobs_that_are_made_while_the_pool_closes_are_stopped_too():
    for _ in range(20):
        pool, tasks, go = Pool(2), [], threading.Event()

        def hurry(pool=pool, tasks=tasks, go=go):
            go.wait(LONG)
            tasks.extend(Task(pool, endless) for _ in range(30))

        thread = threading.Thread(target=hurry)
        thread.start()
        go.set()
        pool.close()
        thread.join(LONG)
        assert all(task.job.stopped for task in tasks)
        assert until(lambda tasks=tasks: all(t.ended.is_set() for t in tasks if t.begun.is_set()))
        assert (pool._queue.waiting, pool._queue.used) == (0, 0)


def test_a_retired_pool_does_what_it_was_given_and_its_threads_end():
    pool, gate = Pool(2), threading.Event()
    tasks = [Task(pool, lambda _: gate.wait(LONG)) for _ in range(5)]
    pool.retire()
    gate.set()
    assert all(task.result() for task in tasks)
    assert until(lambda: not pool._threads)


def test_a_retired_pool_whose_threads_have_ended_still_does_what_it_is_given():
    pool = Pool(1)
    assert Task(pool, lambda _: 1).result() == 1
    pool.retire()
    assert until(lambda: not pool._threads)
    assert Task(pool, lambda _: 2).result() == 2
    assert until(lambda: not pool._threads)


EXIT = """
import threading, time
from ocrloom.scheduling.pool import Pool
begun = threading.Event()
def endless(context):
    begun.set()
    while True:
        context.checkpoint()
        time.sleep(0.01)
pool = Pool(2)
for _ in range(5):
    pool.add(pool.job(), endless)
begun.wait()
print("end of main")
"""


@pytest.mark.parametrize("end", ["", "raise SystemExit(0)", "del pool", "pool.retire(); del pool"])
def test_the_interpreter_ends_with_steps_waiting_and_running(run_python, end):
    assert run_python(EXIT + end) == "end of main\n"


FORK = """
import os, threading, warnings
from ocrloom.scheduling.pool import Forked, Pool
warnings.simplefilter("ignore")  # newer Pythons warn of a fork beside threads
pool, begun = Pool(1), threading.Event()
{before}
child = os.fork()
if child:
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    pool.add(pool.job(), lambda _: begun.set())
except Forked:
    pool.close()
    os._exit({refused})
os._exit({taken} if begun.wait(20) else 9)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize(
    ("before", "taken", "refused"),
    [("", 0, 1), ("pool.add(pool.job(), lambda _: begun.set()); begun.wait()", 1, 0)],
    ids=["before the first step", "after it"],
)
def test_workers_do_not_come_along_into_a_fork(run_python, before, taken, refused):
    run_python(FORK.format(before=before, taken=taken, refused=refused))


# What is kept


class Product:
    """Something to which a weak reference can be made."""


@pytest.mark.usefixtures("uncollected")
def test_an_idle_worker_keeps_no_work(single):
    held, done = Product(), threading.Event()
    reference = weakref.ref(held)
    single.add(single.job(), lambda _, held=held: done.set())
    del held
    assert done.wait(LONG)
    assert until(lambda: reference() is None)


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("spread", [True, False])
def test_a_failure_keeps_nothing_alive(pool, spread, monkeypatch):
    # The log's record keeps the traceback, as it should.
    monkeypatch.setattr("ocrloom.scheduling.pool._LOG.critical", lambda *_, **__: None)
    found = []

    def fail(_):
        pixels = Product()
        found.append(weakref.ref(pixels))
        raise ValueError

    pool.add(pool.job(), (lambda c: c.spread(fail, [1, 2, 3])) if spread else fail)
    assert until(lambda: found and all(reference() is None for reference in found))


@pytest.mark.usefixtures("uncollected")
def test_a_forgotten_pool_that_was_retired_goes():
    pool = Pool(1)
    Task(pool, lambda _: None).result()
    reference = weakref.ref(pool)
    pool.retire()
    del pool
    assert until(lambda: reference() is None)


# Everything at once


KINDS = ["succeed", "fail", "exit", "until stopped", "stop own job", "spread", "failing spread"]
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("add"), st.integers(0, 3), st.sampled_from(KINDS), st.integers(0, BUDGET)
        ),
        st.tuples(st.just("stop"), st.integers(0, 3)),
        st.tuples(st.just("breathe")),
    ),
    max_size=25,
)


class Play:
    """Steps of four jobs on one pool, and all that happens to them."""

    def __init__(self, workers):
        self.pool = Pool(workers, BUDGET)
        self.jobs = [self.pool.job(Share(weight)) for weight in (1, 1, 8, 8)]
        self.stopped = [False] * 4
        self.tasks = []
        self.lock, self.used = threading.Lock(), 0

    def add(self, job, kind, cost):
        task = Task(self.pool, partial(self._work, job, kind, cost), cost, self.jobs[job])
        self.tasks.append((job, kind, task))

    def stop(self, job):
        self.stopped[job] = True
        self.pool.stop(self.jobs[job])

    def breathe(self):
        time.sleep(0.0005)

    def _work(self, job, kind, cost, context):
        with self.lock:
            self.used += cost
            assert self.used <= BUDGET
        try:
            return self._do(job, kind, context)
        finally:
            with self.lock:
                self.used -= cost

    def _do(self, job, kind, context):
        context.checkpoint()
        if kind == "fail":
            raise ValueError
        if kind == "exit":
            raise SystemExit
        if kind == "until stopped":
            endless(context)
        if kind == "stop own job":
            self.stop(job)
            context.checkpoint()
        if kind == "spread":
            return context.spread(lambda n: -n, range(7))
        if kind == "failing spread":
            return context.spread(lambda n: 1 // (n - 3), range(7))
        return kind

    def end(self):
        """Lets all come to its end."""
        for job, kind, _ in self.tasks:
            if kind == "until stopped":
                self.stop(job)
        assert idle(self.pool)
        for _, _, task in self.tasks:
            assert not task.begun.is_set() or task.ended.wait(LONG)

    def check(self, *, closed):
        expected = {
            "fail": ValueError, "exit": SystemExit, "until stopped": Stopped,
            "stop own job": Stopped, "failing spread": ZeroDivisionError,
        }  # fmt: skip
        for job, kind, task in self.tasks:
            assert task.runs == task.begun.is_set() <= 1
            if not task.begun.is_set() or isinstance(task.error, Stopped):
                assert self.stopped[job] or closed
            else:
                assert type(task.error) is expected.get(kind, type(None))
                assert kind != "spread" or task.value == [-n for n in range(7)]
        assert (self.used, self.pool._queue.used, self.pool._queue.waiting) == (0, 0, 0)


@settings(deadline=None, max_examples=80)
@given(steps=STEPS, workers=st.integers(1, 3), close_early=st.booleans())
def test_every_step_ends_once_or_is_dropped(steps, workers, close_early):
    play = Play(workers)
    for name, *arguments in steps:
        getattr(play, name)(*arguments)
    if not close_early:
        play.end()
    play.pool.close()
    play.check(closed=close_early)
    assert not play.pool._threads


def test_jobs_share_one_worker_fairly(single):
    """By turns, though one had added all its steps before."""
    gate, found = threading.Event(), []
    first = Task(single, lambda _: gate.wait(LONG))
    assert first.begun.wait(LONG)
    tasks = []
    for name, job in (("a", single.job()), ("b", single.job())):
        tasks += [Task(single, lambda _, n=name: found.append(n), 1, job) for _ in range(5)]
    gate.set()
    for task in tasks:
        task.result()
    assert "".join(found) == "ab" * 5


def test_forked_and_stopped_never_look_like_a_failure_of_the_work():
    assert not issubclass(Stopped, Exception)
    assert issubclass(Forked, RuntimeError)
