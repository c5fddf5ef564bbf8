"""A word on standard error for those who wait for something that cannot say how far it is."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["waiting"]

_PATIENCE: Final = 1.0  # seconds before it appears


@contextmanager
def waiting(text: str, *, wanted: bool) -> Iterator[None]:
    """Shows that something is being done, after a second and until it is.

    Args:
        text: What is being done.
        wanted: Whether it is to be shown where standard error is a terminal.
    """
    if not (wanted and sys.stderr.isatty()):
        yield
        return
    # Here and not at the top: a pipe does not need it.
    from rich.console import Console
    from rich.status import Status

    status = Status(text, console=Console(file=sys.stderr))
    timer = threading.Timer(_PATIENCE, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()
