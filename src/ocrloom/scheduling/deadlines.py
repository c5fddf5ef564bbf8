"""Calls at set times, all from one thread."""

from __future__ import annotations

import logging
import os
import threading
from heapq import heappop, heappush
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Deadline", "call_after"]

_LOG = logging.getLogger(__name__)

_LONGEST = 3600.0  # seconds


class Deadline:
    """A call that is due some time, unless it is cancelled before."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Forgets the call, and what it holds."""
        self._call = None

    def due(self) -> None:
        """Makes the call if it was not cancelled."""
        call, self._call = self._call, None
        if call is not None:
            call()


def call_after(seconds: float, call: Callable[[], None]) -> Deadline:
    """Has a function called from another thread.

    Args:
        seconds: After how long.
        call: Must be quick; what it raises is logged.
    """
    deadline = Deadline(call)
    _clock.add(monotonic() + seconds, deadline)
    return deadline


class _Clock:
    """The thread, which ends when nothing is due and starts again when something is."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._running = False

    def add(self, when: float, deadline: Deadline) -> None:
        with self._changed:
            heappush(self._heap, (when, next(self._numbers), deadline))
            self._changed.notify()
            if not self._running:
                self._running = True
                threading.Thread(target=self._serve, name="ocrloom-clock", daemon=True).start()

    def _serve(self) -> None:
        while (deadline := self._next()) is not None:
            try:
                deadline.due()
            except BaseException:  # noqa: BLE001  # a defect of the call; others are due
                _LOG.exception("a call at its time ended with an exception")
            del deadline

    def _next(self) -> Deadline | None:
        with self._changed:
            while True:
                while self._heap and self._heap[0][2]._call is None:
                    heappop(self._heap)
                if not self._heap:
                    self._running = False
                    return None
                wait = self._heap[0][0] - monotonic()
                if wait <= 0:
                    return heappop(self._heap)[2]
                # Python cannot wait for more than some hundred years at a time.
                self._changed.wait(min(wait, _LONGEST))


_clock = _Clock()


def _restart() -> None:
    """Gives a forked child a clock of its own: the thread, and maybe the lock, are the parent's."""
    global _clock
    _clock = _Clock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)
