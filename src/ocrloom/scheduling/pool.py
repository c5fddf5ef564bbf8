"""Threads that work through a queue.

What waits in the queue has not begun: sources are decoded in the workers, so at any time no more
pages are decoded than there are workers. The queue itself has no bound; it holds what the caller
gave and would hold anyway.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.future import Future

__all__ = ["Cancelled", "Forked", "Pool", "shared_pool"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
_Task = tuple[Future[Any], Callable[[Callable[[], None]], Any]]


class Cancelled(BaseException):
    """Raised in a worker at a checkpoint of work that was cancelled; it never leaves the pool.

    Not an ``Exception``, so that no handler on the way takes it for a failure of the work.
    """


class Forked(RuntimeError):
    """The process was forked after its workers had started; threads do not come along."""


class Pool:
    """A fixed number of threads, started on first use, that take work in its order of arrival."""

    def __init__(self, workers: int) -> None:
        """Makes an idle pool.

        Args:
            workers: Number of threads, at least 1.
        """
        self.workers = workers
        self._queue: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._running: set[Future[Any]] = set()
        self._ending = False
        self._closed = False
        _pools.add(self)

    def submit(self, future: Future[T], work: Callable[[Callable[[], None]], T]) -> None:
        """Queues work; ``future`` takes its result.

        Args:
            future: A new future.
            work: Called in a worker with a checkpoint, a function to call often, which ends the
                work if the future was cancelled meanwhile.

        Raises:
            Forked: The workers are in the parent process.
        """
        if _forked:
            raise Forked
        with self._wake:
            if not self._closed:
                self._queue.append((future, work))
                self._wake.notify()
                # Those that were notified count as idle until they have taken their work.
                if self._idle < len(self._queue) and len(self._threads) < self.workers:
                    self._start_thread()
                return
        future.drop()

    def retire(self) -> None:
        """Lets the threads end when nothing is left to do, without waiting for them."""
        with self._wake:
            self._ending = True
            self._wake.notify_all()

    @property
    def started(self) -> bool:
        """Whether any thread was ever needed."""
        return bool(self._threads)

    def close(self) -> None:
        """Cancels what waits and what runs, and waits for the threads to end."""
        if _forked:
            return  # the threads, and whoever held the lock, are in the parent
        with self._wake:
            self._closed = self._ending = True
            waiting, running = [future for future, _ in self._queue], list(self._running)
            self._queue.clear()
            self._wake.notify_all()
        for future in waiting:
            future.drop()
        for future in running:
            future.cancel()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _start_thread(self) -> None:
        # Daemons, so that a forgotten pool does not keep the interpreter from ending;
        # `_close_all` lets them end in order before it does.
        thread = threading.Thread(target=self._serve, name="ocrloom-worker", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _serve(self) -> None:
        while True:
            with self._wake:
                while not self._queue:
                    if self._ending:
                        return
                    self._idle += 1
                    self._wake.wait()
                    self._idle -= 1
                future, work = self._queue.popleft()
                self._running.add(future)
            try:
                _run(future, work)
            except BaseException:  # noqa: BLE001  # a callback's; an Exception was logged before
                _LOG.critical("a callback ended with an exception", exc_info=True)
            with self._wake:
                self._running.discard(future)
            # An idle worker must not keep its last result alive.
            del future, work


def _run(future: Future[T], work: Callable[[Callable[[], None]], T]) -> None:
    def checkpoint() -> None:
        if future.cancelled():  # noqa: F821  # deleted below, when nobody calls this any more
            raise Cancelled

    try:
        if not future.start():
            raise Cancelled
        result = work(checkpoint)
    except Cancelled:
        future.drop()
    except BaseException as error:  # noqa: BLE001  # whatever it was belongs to who awaits it
        future.fail(error)
    else:
        future.settle(result)
    finally:
        # An error's traceback holds this frame: with the future in it they would be a cycle.
        del future


_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    for pool in list(_pools):
        pool.close()


_forked = False


def _after_fork() -> None:
    """Remembers in a child that the workers, and what they had loaded, stayed in the parent."""
    global _forked
    _forked = _forked or any(pool.started for pool in list(_pools))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@cache
def shared_pool() -> Pool:
    """The process's pool, one worker a usable CPU; engines made by the hundred share it."""
    return Pool(usable_cpus())
