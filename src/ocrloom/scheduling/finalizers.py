"""Calls on behalf of objects that the garbage collector has found.

It may find them at any place in any thread, also inside a critical section: whatever takes a lock
there, even one that the thread holds already, may find things half done. So a finalizer only hands
its call over, which is safe anywhere, and a thread makes it.
"""

from __future__ import annotations

import logging
import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call_soon", "prepare"]

_LOG = logging.getLogger(__name__)


class _Caller:
    """The thread and what it is to call."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def start(self) -> None:
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(target=self._serve, name="ocrloom-finalizer", daemon=True).start()

    def _serve(self) -> None:
        while True:
            call = self.calls.get()
            try:
                call()
            except Exception:  # noqa: BLE001  # a defect of one call; others wait
                _LOG.exception("a finalizer ended with an exception")
            del call


_caller = _Caller()


def prepare() -> None:
    """Sees to it that there is a thread; for the constructors of objects with finalizers."""
    _caller.start()


def call_soon(call: Callable[[], object]) -> None:
    """Has a function called from another thread; takes no lock of ours."""
    _caller.calls.put(call)


def _restart() -> None:
    """Gives a forked child a caller of its own: the thread is the parent's."""
    global _caller
    _caller = _Caller()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)
