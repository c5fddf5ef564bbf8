"""One piece of work on several workers: who takes what, what comes out, what ends it."""

from __future__ import annotations

import threading

import pytest
from steps import LONG, Task, endless

from ocrloom.scheduling.context import INLINE
from ocrloom.scheduling.pool import Pool, Stopped


@pytest.fixture
def make_pool():
    """Makes pools that are closed in the end."""
    made = []

    def make(workers):
        made.append(Pool(workers))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


@pytest.fixture
def pool(make_pool):
    return make_pool(2)


def test_a_spread_gives_its_results_in_the_order_of_the_items(make_pool):
    pool = make_pool(4)
    work = Task(pool, lambda context: context.spread(lambda item: item * item, range(100)))
    assert work.result() == [number * number for number in range(100)]


@pytest.mark.parametrize("items", [[], [5]])
def test_a_spread_of_little(pool, items):
    assert Task(pool, lambda context: context.spread(str, items)).result() == list(map(str, items))


def test_idle_workers_help_and_are_started_for_it(make_pool):
    pool = make_pool(4)
    meeting = threading.Barrier(4, timeout=LONG)
    work = Task(pool, lambda context: context.spread(lambda _: meeting.wait(), range(4)))
    assert sorted(work.result()) == [0, 1, 2, 3]


def test_the_owner_takes_from_the_front_and_helpers_from_the_back(pool):
    taken = {}
    helped = threading.Event()

    def note(item):
        taken.setdefault(threading.current_thread(), []).append(item)
        if item == 0:
            helped.wait(LONG)
        elif item == 7:
            helped.set()

    def work(context):
        context.spread(note, range(10))
        return threading.current_thread()

    owner = Task(pool, work).result()
    mine = taken.pop(owner)
    (theirs,) = taken.values()
    assert mine == sorted(mine)
    assert theirs == sorted(theirs, reverse=True)
    assert theirs[:3] == [9, 8, 7]


def test_the_owner_finishes_alone_while_all_others_are_busy(pool):
    gate = threading.Event()
    busy = Task(pool, lambda _: gate.wait(LONG))
    assert busy.begun.wait(LONG)
    work = Task(pool, lambda c: c.spread(lambda _: threading.current_thread(), range(20)))
    assert len(set(work.result())) == 1
    gate.set()


def test_a_step_goes_before_helping(pool):
    """A helper gives its hand for one item, then looks for a step of its own."""
    first, found = threading.Event(), []

    def item(number):
        found.append(number)
        if number == 9:
            Task(pool, lambda _: found.append("step"))
        elif number == 0:
            first.wait(LONG)
        elif number == 8:
            first.set()

    Task(pool, lambda context: context.spread(item, range(10))).result()
    assert [entry for entry in found if entry in (9, 8, "step")] == [9, "step", 8]


def test_the_first_exception_ends_a_spread_and_nothing_is_left_running(pool):
    helping, gate, handled = threading.Event(), threading.Event(), []

    def item(number):
        handled.append(number)
        if number == 0:
            helping.wait(LONG)
            raise ValueError("the first")
        helping.set()
        gate.wait(LONG)
        raise KeyError("a later one")

    work = Task(pool, lambda context: context.spread(item, range(50)))
    assert helping.wait(LONG)
    assert not work.ended.wait(0.05)
    gate.set()
    assert work.ended.wait(LONG)
    assert (type(work.error), work.error.args) == (ValueError, ("the first",))
    assert sorted(handled) == [0, 49]


def test_a_helpers_exception_is_the_owners(pool):
    failed = threading.Event()

    def item(number):
        if number == 9:
            failed.set()
            raise SystemExit("in the helper")
        failed.wait(LONG)

    work = Task(pool, lambda context: context.spread(item, range(10)))
    assert work.ended.wait(LONG)
    assert isinstance(work.error, SystemExit)
    assert Task(pool, lambda _: "alive").result() == "alive"


def test_a_stop_ends_a_spread_before_its_next_item(pool):
    both, gate, handled = threading.Barrier(3, timeout=LONG), threading.Event(), []

    def item(number):
        handled.append(number)
        both.wait()
        gate.wait(LONG)

    work = Task(pool, lambda context: context.spread(item, range(50)))
    both.wait()
    pool.stop(work.job)
    gate.set()
    assert work.ended.wait(LONG)
    assert isinstance(work.error, Stopped)
    assert sorted(handled) == [0, 49]


def test_items_have_checkpoints_of_their_own(pool):
    begun = threading.Barrier(3, timeout=LONG)

    def work(context):
        def item(_):
            begun.wait()
            endless(context)

        return context.spread(item, range(2))

    task = Task(pool, work)
    begun.wait()
    pool.stop(task.job)
    assert task.ended.wait(LONG)
    assert isinstance(task.error, Stopped)


def test_spreads_may_be_nested(make_pool):
    pool = make_pool(3)

    def work(context):
        return context.spread(lambda n: sum(context.spread(lambda m: n * m, range(5))), range(6))

    assert Task(pool, work).result() == [10 * number for number in range(6)]


def test_without_a_scheduler_all_is_done_in_place():
    INLINE.checkpoint()
    assert INLINE.spread(str, range(3)) == ["0", "1", "2"]
