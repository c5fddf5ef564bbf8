"""Threads that take the steps of many jobs in fair order, within a budget of bytes.

What holds, besides the invariants of ``FairQueue``:

- No worker is idle while a step waits whose turn it is and that fits.
- A worker without a step of its own helps a running one that spreads its items.
- A stopped job's waiting steps are gone when ``stop`` returns; a running one ends at its next
  checkpoint, by ``Stopped``, and only then its bytes are free.
- Whatever a step raises, its worker goes on.
- After ``close`` nothing runs and nothing waits.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias, TypeVar

from ocrloom.scheduling.context import Context
from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.fair import FairQueue, Job, Share, Step
from ocrloom.scheduling.memory import default_budget
from ocrloom.scheduling.spread import Spread

__all__ = ["Forked", "Pool", "Stopped", "Work", "WorkJob", "WorkShare", "shared_pool"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")

Work: TypeAlias = Callable[[Context], None]
"""What a step does. It has to see to its own errors: those that leave it are only logged."""
WorkJob: TypeAlias = Job[Work]
WorkShare: TypeAlias = Share[Work]


class Stopped(BaseException):
    """Raised in a worker at a checkpoint of a stopped job; it never leaves the pool.

    Not an ``Exception``, so that no handler on the way takes it for a failure of the work.
    """


class Forked(RuntimeError):
    """The process was forked after its workers had started; threads do not come along."""


class Pool:
    """A fixed number of threads, started when they are first needed."""

    def __init__(self, workers: int, budget: int | None = None) -> None:
        """Makes an idle pool.

        Args:
            workers: Number of threads, at least 1.
            budget: Bytes that running steps may cost together; `default_budget` if not given.
        """
        self.workers = workers
        self.budget = budget or default_budget()
        self._queue: FairQueue[Work] = FairQueue(self.budget)
        self._spreads: list[Spread[Any, Any]] = []
        self._jobs: weakref.WeakSet[WorkJob] = weakref.WeakSet()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._started = False
        self._ending = False
        self._closed = False
        _pools.add(self)

    def job(self, share: WorkShare | None = None) -> WorkJob:
        """A new job without steps; dropped at once where the pool is closed.

        Args:
            share: With whose turns its steps begin; its own, an interactive one, if not given.

        Raises:
            Forked: The workers are in the parent process.
        """
        if _forked:
            raise Forked
        with self._changed:
            job: WorkJob = Job(share or Share(), stopped=self._closed)
            self._jobs.add(job)
        return job

    def add(self, job: WorkJob, work: Work, cost: int = 0) -> bool:
        """Lets a step wait for a worker.

        Args:
            job: One of this pool's jobs.
            work: Called in a worker.
            cost: Bytes that it holds while it runs.

        Returns:
            Whether it was taken in; False where the job was stopped.

        Raises:
            OverBudget: The cost is more than the pool's whole budget.
        """
        with self._changed:
            added = self._queue.add(job, work, cost)
            if added:
                self._wake(self._queue.waiting)
            return added

    def stop(self, job: WorkJob) -> None:
        """Drops a job's waiting steps and lets its running ones end at their next checkpoint."""
        with self._changed:
            if self._queue.drop(job):
                # The step that is next now may fit where the dropped one did not.
                self._changed.notify_all()

    def retire(self) -> None:
        """Lets the threads end when nothing is left to do, without waiting for them."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    @property
    def started(self) -> bool:
        """Whether any thread was ever needed."""
        return self._started

    @property
    def used(self) -> int:
        """Bytes that the running steps cost together."""
        return self._queue.used

    def close(self) -> None:
        """Stops every job and waits for the threads to end; in a worker it does not wait."""
        if _forked:
            return  # the threads, and whoever held the lock, are in the parent
        with self._changed:
            self._closed = self._ending = True
            for job in list(self._jobs):
                self._queue.drop(job)
            self._changed.notify_all()
            threads = list(self._threads)
        if threading.current_thread() in threads:
            return  # called back by a worker: two of them would wait for each other
        for thread in threads:
            thread.join()

    def _wake(self, wanted: int) -> None:
        """Has so many idle workers look for work, and starts as many as there are fewer."""
        # Those that were notified, or started, count as idle until they have looked.
        self._changed.notify(wanted)
        if self._closed:
            return  # a step that is ending may still spread; `close` waits for those it knows
        for _ in range(min(wanted - self._idle, self.workers - len(self._threads))):
            self._start_thread()

    def _start_thread(self) -> None:
        # Daemons, so that a forgotten pool does not keep the interpreter from ending;
        # `_close_all` lets them end in order before it does.
        thread = threading.Thread(target=self._serve, name="ocrloom-worker", daemon=True)
        thread.start()
        self._started = True
        self._threads.append(thread)
        self._idle += 1

    def _serve(self) -> None:
        with self._changed:
            self._idle -= 1
        while found := self._find():
            if isinstance(found, Spread):
                found.help()
            else:
                self._run(found)
            # An idle worker must not keep its last work alive.
            del found

    def _find(self) -> Step[Work] | Spread[Any, Any] | None:
        """Waits for work; None when the thread is to end."""
        with self._changed:
            while not (found := self._queue.take() or self._open_spread()):
                if self._ending:
                    # Others may start in its place: a retired pool can still be given work.
                    self._threads.remove(threading.current_thread())
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return found

    def _open_spread(self) -> Spread[Any, Any] | None:
        return next((spread for spread in self._spreads if spread.open), None)

    def _run(self, step: Step[Work]) -> None:
        try:
            step.work(_Worker(self, step.job))
        except Stopped:
            pass
        except BaseException:  # noqa: BLE001  # a defect of the work; the worker goes on
            _LOG.critical("a step ended with an exception", exc_info=True)
        finally:
            with self._changed:
                self._queue.release(step)
                if step.cost:
                    self._changed.notify_all()

    def _spread(self, spread: Spread[T, R], items: int) -> list[R]:
        with self._changed:
            self._spreads.append(spread)
            self._wake(min(items, self.workers) - 1 + self._queue.waiting)
        try:
            return spread.run()
        finally:
            with self._changed:
                self._spreads.remove(spread)


class _Worker:
    """The context of one step."""

    def __init__(self, pool: Pool, job: WorkJob) -> None:
        self._pool = pool
        self._job = job

    def checkpoint(self) -> None:
        """See `Context.checkpoint`."""
        if self._job.stopped:
            raise Stopped

    def spread(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """See `Context.spread`."""
        return self._pool._spread(Spread(function, items, self.checkpoint), len(items))


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
