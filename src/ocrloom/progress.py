"""How far the reading of a source has come: one object for callbacks, iterators and bars."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Progress", "Stage"]


class Stage(Enum):
    """What happens to a source, or to one of its pages."""

    WAITING = "waiting"
    """For a worker, or for memory."""
    OPENED = "opened"
    """The number of pages is known."""
    DECODING = "decoding"
    """A page's pixels."""
    READING = "reading"
    """A page's text."""
    PAGE_DONE = "page done"
    """A page was read, or could not be."""
    DONE = "done"
    """Nothing of the source is read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One event, complete in itself: who misses some has lost nothing."""

    source: str | None
    """The source's name, or None for bytes and arrays."""
    stage: Stage
    page: int | None = None
    """The page that it is about, from 1; None if it is about the whole source."""
    pages_done: int = 0
    """Pages that are finished, failed ones included."""
    pages_failed: int = 0
    """Pages that could not be read."""
    pages: int | None = None
    """Pages in all; None before the source was opened."""
    elapsed: float = 0.0
    """Seconds since the reading was asked for."""
    remaining: float | None = None
    """Seconds that the rest will take if it goes on as it went; None before the first page."""
