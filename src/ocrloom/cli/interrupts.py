"""How a run ends early, by Ctrl-C for instance: soon, whatever the workers are at."""

from __future__ import annotations

import os
import signal
import threading

__all__ = ["INTERRUPTED", "end_soon", "let_the_next_one_kill"]

INTERRUPTED = 130
"""What a shell reports of a program ended by SIGINT."""

_PATIENCE = 0.5  # seconds that workers have to end; most need some hundredths


def let_the_next_one_kill() -> None:
    """Gives a second Ctrl-C its own way: who presses it wants nothing but the end."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_soon(code: int) -> None:
    """Ends the process in half a second if it has not ended by itself by then.

    At the end Python waits for the workers, which end at their next checkpoint; in native code
    that may be long to come.
    """
    timer = threading.Timer(_PATIENCE, os._exit, (code,))
    timer.daemon = True
    timer.start()
