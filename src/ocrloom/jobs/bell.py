"""Waking who waits for news of a job, whichever server has them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.progress import Progress

__all__ = ["Bell"]


class Bell:
    """Rings in one event loop. Of what other servers write its owner has to learn by looking."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._progress: dict[str, Progress] = {}
        self.queued = asyncio.Event()
        """Set when there may be a job to begin with."""
        self.closed = False
        """Whether nobody is to wait any more, as the server ends."""

    def ring(self, job: str) -> None:
        """Wakes all who wait for news of a job."""
        for each in self._waiting.get(job, ()):
            each.set()

    def close(self) -> None:
        """Wakes everybody for the last time."""
        self.closed = True
        for job in self.awaited:
            self.ring(job)

    def tell(self, job: str, progress: Progress) -> None:
        """Wakes them, and has them know how far it is."""
        self._progress[job] = progress
        self.ring(job)

    def forget(self, job: str) -> None:
        """Wakes them for the last time: nothing of it runs here any more."""
        self._progress.pop(job, None)
        self.ring(job)

    def progress(self, job: str) -> Progress | None:
        """How far a job is that runs here."""
        return self._progress.get(job)

    @contextmanager
    def listening(self, job: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever there is news of a job."""
        event = asyncio.Event()
        self._waiting[job].add(event)
        try:
            yield event
        finally:
            self._waiting[job].discard(event)
            if not self._waiting[job]:
                del self._waiting[job]

    @property
    def awaited(self) -> list[str]:
        """The jobs that somebody waits for."""
        return list(self._waiting)
