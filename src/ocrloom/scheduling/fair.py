"""Whose turn it is: steps of many jobs, admitted in fair order and within a budget of bytes.

This is the policy alone, without threads; ``Pool`` asks it under a lock. Its invariants:

1. The costs of the steps that run add up to no more than the budget.
2. A job's steps begin in the order in which they were added.
3. Every step that was added is taken once or dropped once, never both.
4. Nothing of a dropped job is taken.
5. Nothing begins while a step of an earlier turn waits: where that one does not fit yet, it waits
   for what runs to end, and the rest behind it. So a large step is never starved by small ones.
6. Shares take turns: as long as one waits, the steps that any other one gets, times the other's
   weight, are at most its own times its weight, and the two weights more.
7. Within a share, the jobs that were made first go first.
8. No share waits for ever, whatever else comes.

The order is that of self-clocked fair queueing (Golestani, INFOCOM 1994), with the step as the unit
of service: a share's turn is that of its last step and its weight more, the earliest is next, and a
share that comes, or comes back, goes on from the turn that was served last. A step of no cost is a
brief one and counts an eighth.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

__all__ = ["BULK", "INTERACTIVE", "FairQueue", "Job", "OverBudget", "Share", "Step"]

INTERACTIVE = 1.0
"""Weight of shares that somebody waits for."""
BULK = 8.0
"""Weight of shares that may take their time: one of their steps to eight of an interactive one."""

_BRIEF = 1 / 8  # what a step of no cost counts; a power of two, so that sums stay exact

W = TypeVar("W")


class OverBudget(ValueError):
    """A step costs more than the whole budget, so it could never begin."""


@dataclass(slots=True, eq=False)
class Share(Generic[W]):
    """What takes turns with others of its kind: a job, or several that were asked for together."""

    weight: float = INTERACTIVE
    """What one of its steps counts; the larger, the fewer turns."""
    _turn: float = 0.0
    _base: float = 0.0  # where the turn began that it waits for
    _waiting: list[tuple[int, int, Step[W]]] = field(default_factory=list)
    _entry: int | None = None  # its place in the queue's heap, if it is there


@dataclass(slots=True, eq=False, weakref_slot=True)
class Job(Generic[W]):
    """Steps that belong together, and are dropped together."""

    share: Share[W] = field(default_factory=Share)
    """With whose turns its steps begin."""
    stopped: bool = False
    """Whether it was dropped: what waits never begins, what runs ends at its next checkpoint."""
    _number: int = field(default_factory=count().__next__)


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
        # Shares with waiting steps: turn, order of arrival, share. An entry that is not its share's
        # own any more stays behind until it comes up.
        self._heap: list[tuple[float, int, Share[W]]] = []

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
        if job.stopped:
            return False
        self._arrivals += 1
        heappush(job.share._waiting, (job._number, self._arrivals, Step(job, work, cost)))
        self.waiting += 1
        if job.share._entry is None:
            self._push(job.share)
        return True

    def take(self) -> Step[W] | None:
        """The step whose turn it is; None if none waits or if it does not fit yet."""
        while self._heap and self._heap[0][1] != self._heap[0][2]._entry:
            heappop(self._heap)
        if not self._heap:
            return None
        turn, _, share = self._heap[0]
        step = share._waiting[0][2]
        if self.used + step.cost > self.budget:
            return None
        heappop(self._heap)
        heappop(share._waiting)
        self.waiting -= 1
        self.used += step.cost
        self._now = turn
        share._turn = share._base + share.weight * _counts(step)
        share._entry = None
        if share._waiting:
            self._push(share)
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
        share = job.share
        dropped = [entry for entry in share._waiting if entry[2].job is job]
        if dropped:
            share._waiting = [entry for entry in share._waiting if entry[2].job is not job]
            heapify(share._waiting)
            self.waiting -= len(dropped)
            if not share._waiting:
                share._entry = None
        return [step for _, _, step in sorted(dropped)]

    def _push(self, share: Share[W]) -> None:
        share._base = max(share._turn, self._now)
        turn = share._base + share.weight * _counts(share._waiting[0][2])
        self._arrivals += 1
        share._entry = self._arrivals
        heappush(self._heap, (turn, self._arrivals, share))


def _counts(step: Step[W]) -> float:
    return 1.0 if step.cost else _BRIEF
