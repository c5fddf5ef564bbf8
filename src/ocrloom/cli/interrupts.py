"""How a run ends early, by Ctrl-C for instance: soon, whatever the workers are at."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "INTERRUPTED",
    "TERMINATED",
    "end_soon",
    "heed_termination",
    "later",
    "let_the_next_one_kill",
]

INTERRUPTED = 130
"""What a shell reports of a program ended by SIGINT."""

TERMINATED = 143
"""What a shell reports of a program ended by SIGTERM."""

_PATIENCE = 0.5  # seconds that workers have to end; most need some hundredths


@contextmanager
def later() -> Iterator[None]:
    """Holds a Ctrl-C back to the end of the block, which must be brief."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    held: list[object] = []
    signal.signal(signal.SIGINT, lambda *_: held.append(_))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if held:
        raise KeyboardInterrupt


def let_the_next_one_kill() -> None:
    """Gives a second Ctrl-C its own way: who presses it wants nothing but the end."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def heed_termination() -> None:
    """Lets SIGTERM, and the end of the terminal, end the run as an error does.

    So no temporary file is left behind, and no job at a service. A second one ends the process at
    once; what is ignored, as SIGHUP is by ``nohup``, stays so.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
    # Windows has none.
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:
        # By way of SIGTERM, which a server heeds in its own manner.
        signal.signal(hangup, lambda *_: signal.raise_signal(signal.SIGTERM))


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise SystemExit(TERMINATED)


def end_soon(code: int) -> None:
    """Ends the process in half a second if it has not ended by itself by then.

    At the end Python waits for the workers, which end at their next checkpoint; in native code
    that may be long to come.
    """
    timer = threading.Timer(_PATIENCE, os._exit, (code,))
    timer.daemon = True
    timer.start()
