"""Who is told how far a reading has come: each event once, in order, by one thread at a time."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from ocrloom.progress import Progress, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Watchers"]

_LOG = logging.getLogger(__name__)


class Watchers:
    """The watchers of one reading, and its last event."""

    def __init__(self, source: str | None) -> None:
        """Makes it without watchers.

        Args:
            source: Name of what is read.
        """
        # Reentrant, as a stream that the garbage collector finds stops its reading anywhere.
        self._lock = threading.RLock()
        self._watchers: tuple[Callable[[Progress], None], ...] = ()
        self._untold: deque[tuple[Progress, tuple[Callable[[Progress], None], ...]]] = deque()
        self._telling = False
        self._last = Progress(source=source, stage=Stage.WAITING)

    @property
    def last(self) -> Progress:
        """The last event."""
        return self._last

    def add(self, watcher: Callable[[Progress], None]) -> None:
        """Has a function called with the last event and all that come; what it raises is logged."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)
            self._untold.append((self._last, (watcher,)))
        self.deliver()

    def note(self, event: Progress) -> None:
        """Takes an event, which `deliver` tells; none comes after that of the end.

        Apart, for events are noted in order under the reading's own lock and told without it.
        """
        with self._lock:
            if self._last.stage is not Stage.DONE:
                self._last = event
                self._untold.append((event, self._watchers))

    def deliver(self) -> None:
        """Calls the watchers, without the lock and yet in order: one thread does it for all."""
        with self._lock:
            if self._telling:
                return
            self._telling = True
        try:
            while True:
                with self._lock:
                    if not self._untold:
                        self._telling = False
                        return
                    event, watchers = self._untold.popleft()
                for watcher in watchers:
                    _call(watcher, event)
        except BaseException:
            # An interrupt, in the user's own thread; whoever has the next event goes on.
            self._telling = False
            raise


def _call(watcher: Callable[[Progress], None], event: Progress) -> None:
    try:
        watcher(event)
    except BaseException as error:
        # Only there Python interrupts: it is meant for the program and not for the callback.
        main = threading.current_thread() is threading.main_thread()
        if main and isinstance(error, KeyboardInterrupt):
            raise
        _LOG.exception("a progress callback ended with an exception")
