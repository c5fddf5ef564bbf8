"""Calls on behalf of what the garbage collector has found."""

import threading

from ocrloom.scheduling import finalizers

LONG = 20.0


def test_a_call_is_made_by_another_thread_and_a_failing_one_does_no_harm(caplog):
    called, by = threading.Event(), []

    def fail():
        raise ValueError

    def note():
        by.append(threading.current_thread())
        called.set()

    finalizers.prepare()
    finalizers.call_soon(fail)
    finalizers.call_soon(note)
    assert called.wait(LONG)
    assert by != [threading.current_thread()]
    assert [record.exc_info[0] for record in caplog.records] == [ValueError]


def test_there_is_one_thread_however_often_it_is_asked_for():
    for _ in range(3):
        finalizers.prepare()
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("ocrloom-finalizer") == 1
