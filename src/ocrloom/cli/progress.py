"""Messages on standard error, and a bar for those who wait."""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from ocrloom.cli.tally import plural

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import RenderableType
    from rich.live import Live

    from ocrloom.cli.watch import Snapshot

    class Watched(Protocol):
        """Knows what a bar shows."""

        @property
        def files(self) -> int:
            """How many there are in all; a single one is counted in pages."""

        def snapshot(self) -> Snapshot:
            """How far it all is at the moment."""


__all__ = ["Messages"]

_PATIENCE = 1.0  # seconds before a bar appears: what is done by then needs none
_REFRESHES = 10  # a second, at most
_WINDOW = 20.0  # seconds over which the pace is taken


class Messages:
    """Writes lines to standard error, above a bar where there is one."""

    def __init__(self, err: TextIO, *, watch: Watched, bar: bool) -> None:
        """Makes it without a bar, which comes after a second.

        Args:
            err: Standard error.
            watch: Knows what the bar shows.
            bar: Whether a bar is wanted if standard error is a terminal.
        """
        self._err = err
        self._watch = watch
        self._live: Live | None = None
        self._lock = threading.Lock()
        self._ended = not (bar and err.isatty())
        self._timer = threading.Timer(_PATIENCE, self._appear)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        if not self._ended:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            live, self._live = self._live, None
            if live is not None:
                live.stop()

    def say(self, text: str) -> None:
        """Writes a line, or several."""
        with self._lock:
            if self._live is None:
                self._err.write(f"{text}\n")
                self._err.flush()
            else:
                # Names of files may look like Rich's markup.
                self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _appear(self) -> None:
        # Here and not at the top: few runs need it.
        from rich.console import Console
        from rich.live import Live

        bar = _Bar(self._watch)
        live = Live(
            get_renderable=bar.render,
            console=Console(file=self._err),
            refresh_per_second=_REFRESHES,
            transient=True,
        )
        with self._lock:
            if not self._ended:
                self._live = live
                live.start(refresh=True)


class _Bar:
    """Makes what is shown of the state as it is."""

    def __init__(self, watch: Watched) -> None:
        self._watch = watch
        self._pages = _Pace()
        self._completed = _Pace()

    def render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.monotonic()
        state = self._watch.snapshot()
        bar = Table.grid(padding=(0, 1), expand=True)
        bar.add_column()
        bar.add_column(ratio=1)
        bar.add_row(
            "Reading",
            ProgressBar(total=state.total, completed=state.completed),
            *_counts(state, one=self._watch.files == 1),
            *([f"{state.failed} failed"] if state.failed else []),
            self._pages.per_second(now, state.pages),
            self._completed.time_left(now, state.completed, state.total),
        )
        # As Text, since names of files may look like Rich's markup.
        lines = (Text(f"  {line}", no_wrap=True, overflow="ellipsis") for line in state.lines)
        return Group(bar, *lines)


def _counts(state: Snapshot, *, one: bool) -> tuple[str, ...]:
    total = "?" if state.total is None else state.total
    if one:
        return (f"{state.pages}/{total} pages",)
    return f"{state.files}/{total} files", plural(state.pages, "page")


class _Pace:
    """How fast a count has grown of late."""

    def __init__(self) -> None:
        self._changes: deque[tuple[float, float]] = deque()

    def per_second(self, now: float, count: float) -> str:
        pace = self._note(now, count)
        return f"{pace:.1f} pages/s" if pace else ""

    def time_left(self, now: float, count: float, total: int | None) -> str:
        pace = self._note(now, count)
        if not pace or total is None:
            return ""
        return f"{timedelta(seconds=round((total - count) / pace))} left"

    def _note(self, now: float, count: float) -> float:
        changes = self._changes
        if not changes or changes[-1][1] != count:
            changes.append((now, count))
        # Two are kept however old they are: a page may take longer than the window.
        while len(changes) > 2 and changes[0][0] < now - _WINDOW:
            changes.popleft()
        then, before = changes[0]
        return (count - before) / (now - then) if now > then else 0.0
