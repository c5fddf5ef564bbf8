"""Whose turn it is to use what a cluster has, in one event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.scheduling.fair import FairQueue, Job, Step

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Turns", "Waiter"]

Waiter: TypeAlias = "asyncio.Future[Step[Waiter]]"


class Turns:
    """Admits by the same policy that the workers of one process have, see `FairQueue`."""

    def __init__(self, budget: Callable[[], int]) -> None:
        """Makes it with nobody inside.

        Args:
            budget: How much there is at the moment, at least 1.
        """
        self._budget = budget
        self._queue: FairQueue[Waiter] = FairQueue(1)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._queue.waiting

    @property
    def used(self) -> int:
        """What those inside cost together."""
        return self._queue.used

    @asynccontextmanager
    async def turn(self, job: Job[Waiter], cost: int = 1) -> AsyncIterator[None]:
        """Waits for a turn, which ends with the block.

        Args:
            job: Whose it is.
            cost: What it takes of the budget; what takes more than all of it is let in alone.
        """
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._queue.budget = self._budget()
        self._queue.add(job, waiter, min(cost, self._queue.budget))
        self._admit()
        try:
            step = await waiter
        except asyncio.CancelledError:
            # Its turn may have come in the same moment; otherwise it is passed over.
            if waiter.done() and not waiter.cancelled():
                self._leave(waiter.result())
            raise
        try:
            yield
        finally:
            self._leave(step)

    def _leave(self, step: Step[Waiter]) -> None:
        self._queue.release(step)
        self._queue.budget = self._budget()
        self._admit()

    def _admit(self) -> None:
        while (step := self._queue.take()) is not None:
            if step.work.done():
                self._queue.release(step)
            else:
                step.work.set_result(step)
