"""Helpers in which a document is open while nobody uses it: a few, however many readers there are.

A reader of a PDF may wait for long between two pages. If each kept its helper meanwhile, a batch of
many files would have as many processes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.helpers import HelperDied, HelperUnavailable

if TYPE_CHECKING:
    from ocrloom.scheduling.helpers import Helper, HelperPool

__all__ = ["Desk", "shared_desk"]


class Desk:
    """Idle helpers by who has a document open in them; those used last are kept."""

    def __init__(self, most: int) -> None:
        """Makes an empty one.

        Args:
            most: How many are kept.
        """
        self._most = most
        self._idle: OrderedDict[object, tuple[Helper, HelperPool]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, owner: object) -> Helper | None:
        """The helper in which the owner's document is open, if it is still there and alive."""
        with self._lock:
            found = self._idle.pop(owner, None)
        if found is None:
            return None
        helper, pool = found
        if helper.alive:
            return helper
        pool.give_back(helper)
        return None

    def put(self, owner: object, helper: Helper, pool: HelperPool) -> None:
        """Keeps a helper for its owner; another one, that was not used for long, goes for it."""
        with self._lock:
            self._idle[owner] = helper, pool
            full = len(self._idle) > self._most
            oldest = self._idle.popitem(last=False)[1] if full else None
        if oldest is not None:
            _close(*oldest)

    def clear(self, owner: object) -> None:
        """Closes the owner's document."""
        with self._lock:
            found = self._idle.pop(owner, None)
        if found is not None:
            _close(*found)


def _close(helper: Helper, pool: HelperPool) -> None:
    # If the helper is gone nothing is open either.
    with suppress(HelperDied, HelperUnavailable):
        if helper.alive:
            helper.run("ocrloom.image.pdf.helper:close_document")
    pool.give_back(helper)


_DESK: Final = Desk(usable_cpus())


def shared_desk() -> Desk:
    """The process's."""
    return _DESK
