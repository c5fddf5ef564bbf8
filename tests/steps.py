"""Work for workers: steps that tell what became of them, and waiting that does not hang."""

from __future__ import annotations

import threading
import time

from ocrloom.scheduling.finalizers import call_soon, prepare

LONG = 20.0  # seconds after which a test that waits has failed


class Task:
    """A step, and what became of it. Its work gets the context."""

    def __init__(self, pool, work, cost=0, job=None):
        self.begun, self.ended = threading.Event(), threading.Event()
        self.value = self.error = None
        self.runs = 0
        self._work = work
        self.job = job or pool.job()
        self.added = pool.add(self.job, self._run, cost)

    def _run(self, context):
        self.runs += 1
        self.begun.set()
        try:
            self.value = self._work(context)
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.ended.set()

    def result(self):
        assert self.ended.wait(LONG)
        assert self.error is None, self.error
        return self.value


def endless(context):
    """Work that goes on until it is stopped."""
    while True:
        context.checkpoint()
        time.sleep(0.001)


def until(condition):
    """Whether something comes true."""
    end = time.monotonic() + LONG
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def idle(pool):
    """Whether nothing of a pool waits or holds anything."""
    return until(lambda: (pool._queue.waiting, pool._queue.used) == (0, 0))


def at_rest(pool):
    """Whether what was left behind is stopped and no worker works, so that nothing more begins."""
    prepare()
    found = threading.Event()
    call_soon(found.set)  # after the calls for all that the collector has found so far
    return found.wait(LONG) and until(lambda: _rests(pool))


def _rests(pool):
    with pool._changed:
        return pool._queue.waiting == 0 and pool._idle == len(pool._threads)
