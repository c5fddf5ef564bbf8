"""Messages on standard error, and a progress bar for those who wait."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

__all__ = ["Messages"]

_PATIENCE = 1.0  # seconds before a bar appears: what is done by then needs none


class Messages:
    """Writes lines to standard error, above a bar where there is one."""

    def __init__(self, err: TextIO, *, total: int, bar: bool) -> None:
        """Makes it without a bar, which comes after a second.

        Args:
            err: Standard error.
            total: Number of inputs.
            bar: Whether a bar is wanted if standard error is a terminal.
        """
        self._err = err
        self._total = total
        self._wanted = bar and err.isatty()
        self._begun = time.monotonic()
        self._bar: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None

    def say(self, text: str) -> None:
        """Writes a line, or several."""
        if self._bar is None:
            self._err.write(f"{text}\n")
            self._err.flush()
        else:
            # Names of files may look like Rich's markup.
            self._bar[0].console.print(text, markup=False, highlight=False, soft_wrap=True)

    def update(self, done: int) -> None:
        """Notes how many inputs are done; called while waiting, too."""
        if self._wanted and self._bar is None and time.monotonic() - self._begun > _PATIENCE:
            self._bar = self._make_bar()
        if self._bar is not None:
            progress, task = self._bar
            progress.update(task, completed=done)

    def _make_bar(self) -> tuple[Progress, TaskID]:
        # Here and not at the top: few runs need it.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

        progress = Progress(
            "Reading",
            BarColumn(),
            MofNCompleteColumn(),
            "files",
            TimeElapsedColumn(),
            console=Console(file=self._err),
            transient=True,
        )
        progress.start()
        return progress, progress.add_task("", total=self._total)
