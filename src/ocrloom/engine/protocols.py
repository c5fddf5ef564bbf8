"""What futures and streams need of a reading, wherever it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.errors import OcrStopped
    from ocrloom.progress import Progress
    from ocrloom.result import OcrResult, Page, PageFailure

__all__ = ["Listener", "Outcome", "Reading"]

Outcome: TypeAlias = "Page | PageFailure"


class Listener(Protocol):
    """Who waits for a reading. Called from workers, whose time it takes."""

    @property
    def starved(self) -> bool:
        """Whether nothing that it has is of use before another page comes, which is the next one.

        A window must not hold that page up; where pages begin in their order it never does.
        """

    def settled(self, outcome: Outcome) -> None:
        """A page was read, or could not be; in the order in which that happens."""

    def ended(self, error: BaseException | None) -> None:
        """All is settled, or this error has ended it: that of the first page if none could be read.

        Called once, and last unless it was ended early: then a page may still be on its way.
        """


class Reading(Protocol):
    """The reading of one source. May be used from several threads."""

    name: str | None
    """The source's, for people."""

    def start(self, listener: Listener) -> None:
        """Lets the source wait for its turn."""

    def stop(self) -> None:
        """Drops what waits and ends what runs; no effect after the end."""

    def cancelled(self) -> OcrStopped:
        """The error that says it was cancelled, with what is finished."""

    def consumed(self, number: int) -> None:
        """Forgets a page, which somebody has taken, and makes room for another."""

    def place(self, number: int) -> int:
        """Which of the pages that are read one is, from 1; not asked before one is settled."""

    def watch(self, watcher: Callable[[Progress], None]) -> None:
        """Has a function called with the last event and all that come, one after the other.

        Args:
            watcher: Called from workers, whose time it takes; what it raises is logged.
        """

    @property
    def progress(self) -> Progress:
        """How far it has come."""

    @property
    def result(self) -> OcrResult:
        """The pages that are finished and not consumed, in the order of the source."""
