"""What is being read at the moment, put together from the events of all sources."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocrloom.image.source import shown
from ocrloom.progress import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.progress import Progress

__all__ = ["Snapshot", "Watch"]

_LINES = 4
_NUMBERS = 4


@dataclass(slots=True)
class _Source:
    pages: int
    done: int = 0
    failed: int = 0
    reading: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How far it all is."""

    pages: int
    """Pages that were read or could not be."""
    files: int
    """Files that were taken."""
    failed: int
    """Pages that could not be read, and files of which none could be."""
    completed: float
    """Files, with parts of those that are being read; pages if there is one file only."""
    total: int | None
    """What ``completed`` goes to; None if it is not known yet."""
    lines: tuple[str, ...]
    """What is being read, a file a line."""


class Watch:
    """Listens to the events of many sources. Called from workers, asked from any thread."""

    def __init__(self, files: int) -> None:
        """Makes one that has heard of nothing.

        Args:
            files: How many there are in all.
        """
        self.files = files
        self._sources: dict[str | None, _Source] = {}
        self._taken = self._pages = self._failed = 0
        self._lock = threading.Lock()

    def __call__(self, event: Progress) -> None:
        """Takes note of an event."""
        with self._lock:
            if event.stage is Stage.OPENED and event.pages:
                self._sources.setdefault(event.source, _Source(event.pages))
            if event.stage is Stage.PAGE_DONE:
                self._pages += 1
            # A worker may have something to say of a source that was given up; it is in vain.
            source = self._sources.get(event.source)
            if source is None or event.page is None:
                return
            source.done = max(source.done, event.pages_done)
            self._failed += max(0, event.pages_failed - source.failed)
            source.failed = max(source.failed, event.pages_failed)
            if event.stage is Stage.PAGE_DONE:
                source.reading.discard(event.page)
            else:
                source.reading.add(event.page)

    def take(self, name: str | None, *, failed: bool = False) -> int | None:
        """Notes that nothing more comes of a source.

        Args:
            name: What it is called.
            failed: Whether it could not be read, as a whole.

        Returns:
            How many pages it has, if it could be opened.
        """
        with self._lock:
            self._taken += 1
            source = self._sources.get(name)
            # Where all of its pages could not be read they were counted.
            self._failed += failed and (source is None or not source.failed)
            if source is None:
                return None
            source.reading.clear()
            if self.files > 1:
                del self._sources[name]
            return source.pages

    def snapshot(self) -> Snapshot:
        """How far it all is at the moment."""
        with self._lock:
            sources = list(self._sources.values())
            lines = tuple(
                _line(name, source.pages, sorted(source.reading))
                for name, source in self._sources.items()
                if source.reading
            )
            pages, taken, failed = self._pages, self._taken, self._failed
        if self.files == 1:
            total = sources[0].pages if sources else None
            completed = float(pages)
        else:
            total = self.files
            completed = taken + sum(source.done / source.pages for source in sources)
        more = len(lines) - _LINES
        if more > 0:
            lines = (*lines[:_LINES], f"and {more} more")
        return Snapshot(
            pages=pages,
            files=taken,
            failed=failed,
            completed=completed,
            total=total,
            lines=lines,
        )


def _line(name: str | None, pages: int, reading: Sequence[int]) -> str:
    title = shown(name or "<stdin>")
    if pages == 1:
        return title
    numbers = ", ".join(map(str, reading[:_NUMBERS]))
    more = len(reading) - _NUMBERS
    rest = f" and {more} more" if more > 0 else ""
    return f"{title}: page{'s' * (len(reading) != 1)} {numbers}{rest}"
