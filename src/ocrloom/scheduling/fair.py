"""Whose turn it is: steps of many jobs, admitted in fair order and within a budget of bytes.

This is the policy alone, without threads; ``Pool`` asks it under a lock. Its invariants:

1. The costs of the steps that run add up to no more than the budget.
2. A job's steps begin in the order in which they were added.
3. Every step that was added is taken once or dropped once, never both.
4. Nothing of a dropped job is taken.
5. Nothing begins while a step of an earlier turn waits: where that one does not fit yet, it waits
   for what runs to end, and the rest behind it. So a large step is never starved by small ones.
6. Jobs share the turns: as long as a job waits, the steps that any other one gets, times the
   other's weight, are at most its own times its weight, and the two weights more.
7. Nothing waits for ever, whatever else comes.

The order is that of self-clocked fair queueing (Golestani, INFOCOM 1994), with the step as the unit
of service: a step's turn is that of the job's last one and the job's weight more, the earliest is
next, and a job that comes, or comes back, goes on from the turn that was served last. A step of no
cost is a brief one and counts an eighth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, TypeVar

__all__ = ["BULK", "INTERACTIVE", "FairQueue", "Job", "OverBudget", "Step"]

INTERACTIVE = 1.0
"""Weight of jobs that somebody waits for."""
BULK = 8.0
"""Weight of jobs that may take their time: one of their steps to eight of an interactive job."""

_BRIEF = 1 / 8  # what a step of no cost counts; a power of two, so that sums stay exact

W = TypeVar("W")


class OverBudget(ValueError):
    """A step costs more than the whole budget, so it could never begin."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Job(Generic[W]):
    """Steps that belong together and take turns with those of other jobs."""

    weight: float = INTERACTIVE
    """What one of its steps counts; the larger, the fewer turns."""
    stopped: bool = False
    """Whether it was dropped: what waits never begins, what runs ends at its next checkpoint."""
    _turn: float = 0.0
    _waiting: deque[Step[W]] = field(default_factory=deque)


@dataclass(slots=True, eq=False)
class Step(Generic[W]):
    """One piece of a job's work."""

    job: Job[W]
    work: W
    cost: int
    """Bytes that it holds while it runs; 0 for what is brief and holds nothing to speak of."""


class FairQueue(Generic[W]):
    """The steps that wait and the budget of those that run."""

    def __init__(self, budget: int) -> None:
        """Makes an empty queue.

        Args:
            budget: Bytes that running steps may cost together, at least 1.
        """
        self.budget = budget
        self.used = 0
        """Bytes of the steps that were taken and not released."""
        self.waiting = 0
        """Number of steps that wait."""
        self._now = 0.0
        self._arrivals = 0
        # Jobs with waiting steps: turn of the first one, order of arrival, job. A dropped job's
        # entry stays behind until it comes up.
        self._heap: list[tuple[float, int, Job[W]]] = []

    def add(self, job: Job[W], work: W, cost: int) -> bool:
        """Lets a step wait for its turn.

        Args:
            job: Whose step it is.
            work: What `take` will give.
            cost: Bytes, 0 or more.

        Returns:
            Whether it was taken in; False where the job was dropped.

        Raises:
            OverBudget: The cost is more than the budget.
        """
        if cost > self.budget:
            raise OverBudget(cost, self.budget)
        step = Step(job, work, cost)
        if job.stopped:
            return False
        job._waiting.append(step)
        self.waiting += 1
        if len(job._waiting) == 1:
            self._push(job)
        return True

    def take(self) -> Step[W] | None:
        """The step whose turn it is; None if none waits or if it does not fit yet."""
        while self._heap and not self._heap[0][2]._waiting:
            heappop(self._heap)
        if not self._heap:
            return None
        turn, _, job = self._heap[0]
        if self.used + job._waiting[0].cost > self.budget:
            return None
        heappop(self._heap)
        step = job._waiting.popleft()
        self.waiting -= 1
        self.used += step.cost
        self._now = job._turn = turn
        if job._waiting:
            self._push(job)
        return step

    def release(self, step: Step[W]) -> None:
        """Gives back what a taken step cost."""
        self.used -= step.cost

    def drop(self, job: Job[W]) -> list[Step[W]]:
        """Stops a job.

        Returns:
            Its steps that waited and will not be taken.
        """
        job.stopped = True
        dropped = list(job._waiting)
        self.waiting -= len(dropped)
        job._waiting.clear()
        return dropped

    def _push(self, job: Job[W]) -> None:
        counts = 1.0 if job._waiting[0].cost else _BRIEF
        turn = max(job._turn, self._now) + job.weight * counts
        self._arrivals += 1
        heappush(self._heap, (turn, self._arrivals, job))
