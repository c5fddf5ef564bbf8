"""Calls at set times."""

from __future__ import annotations

import threading
import time
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps import LONG, until

from ocrloom.scheduling import deadlines
from ocrloom.scheduling.deadlines import call_after


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock of its own for each test: other parts of the program use the shared one."""
    monkeypatch.setattr(deadlines, "_clock", deadlines._Clock())
    return deadlines._clock


def test_a_call_comes_from_another_thread_and_not_too_early():
    called, found = threading.Event(), []
    begun = time.monotonic()

    def call():
        found.append((time.monotonic() - begun, threading.current_thread()))
        called.set()

    call_after(0.05, call)
    assert called.wait(LONG)
    ((after, thread),) = found
    assert after >= 0.05
    assert thread is not threading.current_thread()


@settings(deadline=None, max_examples=20)
@given(
    times=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    cancelled=st.sets(st.integers(0, 11), max_size=4),
)
def test_calls_come_in_the_order_of_their_times(times, cancelled):
    """Those that were cancelled before do not come."""
    deadlines._clock = clock = deadlines._Clock()
    found = []
    with clock._changed:  # so that none is due before all are there
        begun = [call_after(0.004 * wait, _noting(found, i)) for i, wait in enumerate(times)]
        for index in cancelled & set(range(len(times))):
            begun[index].cancel()
        due = sorted((when, index) for when, index, _ in clock._heap)
    assert until(lambda: not clock._running)
    assert found == [index for _, index in due if index not in cancelled]


def _noting(found, index):
    return lambda: found.append(index)


def test_an_earlier_call_that_is_asked_for_later_comes_first():
    found, done = [], threading.Event()
    late = call_after(3600, lambda: found.append("late"))
    call_after(0.02, lambda: (found.append("early"), done.set()))
    assert done.wait(LONG)
    assert found == ["early"]
    late.cancel()


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_call_that_fails_does_no_harm_to_others(error, caplog):
    done = threading.Event()

    def fail():
        raise error("in a call")

    call_after(0, fail)
    call_after(0.01, done.set)
    assert done.wait(LONG)
    assert [record.exc_info[0] for record in caplog.records] == [error]


def test_the_thread_ends_when_nothing_is_due_and_starts_again(clock):
    for _ in range(3):
        done = threading.Event()
        call_after(0, done.set)
        assert done.wait(LONG)
        assert until(lambda: not clock._running)


def test_what_was_cancelled_is_forgotten(clock):
    class Held:
        def call(self):
            raise AssertionError

    held = Held()
    reference = weakref.ref(held)
    deadline = call_after(3600, held.call)
    del held
    deadline.cancel()
    deadline.cancel()
    deadline.due()
    assert reference() is None
    done = threading.Event()
    call_after(0, done.set)
    assert done.wait(LONG)
    assert until(lambda: not clock._running)
    assert clock._heap == []


def test_a_call_may_ask_for_another():
    done = threading.Event()
    call_after(0, lambda: call_after(0, done.set))
    assert done.wait(LONG)
