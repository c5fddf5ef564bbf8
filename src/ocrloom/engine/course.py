"""The course of one reading: what is settled, who is told of it, and how it ends, only once."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from time import monotonic
from typing import TYPE_CHECKING

from ocrloom.engine.watchers import Watchers
from ocrloom.errors import OcrCancelled, OcrStopped, OcrTimeout
from ocrloom.progress import Progress, Stage
from ocrloom.result import OcrResult, Page, PageFailure
from ocrloom.scheduling.deadlines import Deadline, call_after

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.engine.protocols import Listener, Outcome

__all__ = ["Course"]


class Course(ABC):
    """What all readings have in common, wherever they happen; a `protocols.Reading`."""

    def __init__(self, name: str | None, *, timeout: float | None, window: int | None) -> None:
        """Makes it without beginning.

        Args:
            name: The source's.
            timeout: Seconds that it may take from its start.
            window: Pages that may be begun and not yet consumed; any number if not given.
        """
        self.name = name
        self._timeout = timeout
        self._window = window
        self._listener: Listener | None = None
        # Reentrant, as a stream that the garbage collector finds stops its document anywhere.
        self._lock = threading.RLock()
        self._watchers = Watchers(name)
        self._begun = monotonic()
        self._opened = self._begun
        self._deadline: Deadline | None = None
        self._settled: dict[int, Outcome] = {}
        self._failure: PageFailure | None = None  # of the page with the lowest number
        self._count: int | None = None
        self._consumed = self._done = self._failed = 0
        self._ended = self._over = False

    @abstractmethod
    def _start(self) -> None:
        """Lets the source wait for its turn."""

    @abstractmethod
    def _release(self) -> None:
        """Ends what still happens, and lets go of what only reading needs."""

    def watch(self, watcher: Callable[[Progress], None]) -> None:
        """Has a function called with the last event and all that come, one after the other.

        Args:
            watcher: Called from workers, whose time it takes; what it raises is logged.
        """
        self._watchers.add(watcher)

    def start(self, listener: Listener) -> None:
        """Lets the source wait for its turn."""
        with self._lock:
            over = self._over
            self._listener = None if over else listener
        if over:
            # Its engine was closed in between.
            listener.ended(self.cancelled())
            return
        if self._timeout is not None:
            self._deadline = call_after(self._timeout, self._expire)
        self._start()

    def stop(self) -> None:
        """Drops what waits and ends what runs at its next checkpoint; no effect after the end."""
        if self._claim():
            self._finish(self.cancelled())

    def cancelled(self) -> OcrStopped:
        """The error that says it was cancelled, with what is finished."""
        return self._stopped(OcrCancelled, "was cancelled")

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._watchers.last

    @property
    def result(self) -> OcrResult:
        """The pages that are finished and not consumed, in the order of the source."""
        with self._lock:
            settled = [outcome for _, outcome in sorted(self._settled.items())]
        pages = tuple(outcome for outcome in settled if isinstance(outcome, Page))
        failures = tuple(outcome for outcome in settled if isinstance(outcome, PageFailure))
        return OcrResult(pages=pages, failures=failures, source=self.name)

    def _open(self, count: int) -> None:
        """Notes how many pages are to be read."""
        self._count = count
        self._opened = monotonic()
        self._tell(Stage.OPENED)

    def _settle(self, number: int, outcome: Outcome) -> bool:
        """Hands out what became of a page.

        Returns:
            Whether somebody may still want it; False after the end.
        """
        with self._lock:
            if self._ended:
                return False
            self._settled[number] = outcome
            self._done += 1
            if isinstance(outcome, PageFailure):
                self._failed += 1
                if self._failure is None or number < self._failure.number:
                    self._failure = outcome
        self._tell(Stage.PAGE_DONE, number)
        if (listener := self._listener) is not None:
            listener.settled(outcome)
        return True

    def _expire(self) -> None:
        what = f"was not finished within the timeout of {self._timeout:g} s"
        if self._claim():
            self._finish(self._stopped(OcrTimeout, what))

    def _stopped(self, kind: type[OcrStopped], what: str) -> OcrStopped:
        pages = "" if self._count is None else f" of {self._count}"
        # Of a stream, whose window this is, the consumer has them.
        where = " and are in the exception's .partial" if self._window is None else ""
        error = kind(
            f"{self.name or 'the image'}: {what}; {self._done}{pages} pages were finished{where}"
        )
        error.partial = self.result
        return error

    def _end(self, error: BaseException | None) -> None:
        if self._claim():
            self._finish(error)

    def _claim(self) -> bool:
        """Whether it is the caller who has to end it."""
        with self._lock:
            first, self._ended = not self._ended, True
            return first

    def _finish(self, error: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._release()
        self._tell(Stage.DONE)
        with self._lock:
            listener, self._listener = self._listener, None
            self._over = True
        if listener is not None:
            listener.ended(error)

    def _tell(self, stage: Stage, page: int | None = None) -> None:
        with self._lock:
            now = monotonic()
            done, count = self._done, self._count
            left = (now - self._opened) * (count - done) / done if count and done else None
            event = Progress(
                source=self.name,
                stage=stage,
                page=page,
                pages_done=done,
                pages_failed=self._failed,
                pages=count,
                elapsed=now - self._begun,
                remaining=left,
            )
            self._watchers.note(event)
        self._watchers.deliver()
