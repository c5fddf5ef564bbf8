"""Things that a process loads once, whichever of its threads asks first."""

from __future__ import annotations

import os
import threading
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["once"]

P = ParamSpec("P")
T = TypeVar("T")

# One lock for all: what is loaded here loads what it needs through the same decorator, and
# locks of their own could be taken in two orders by two threads.
_lock = threading.RLock()


def _forget_lock() -> None:
    """Gives a forked child a lock that no thread of its parent holds."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def once(function: Callable[P, T]) -> Callable[P, T]:
    """Remembers a function's result for each set of positional arguments, for the whole process.

    Unlike ``functools.cache`` it never runs the function twice when threads ask at once: two
    copies of a model are not only twice the memory, parts of both must not be mixed. Nothing is
    remembered of a call that raised.
    """
    known: dict[object, T] = {}

    @wraps(function)
    def remembered(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return known[args]
        except KeyError:
            with _lock:
                if args not in known:
                    known[args] = function(*args, **kwargs)
                return known[args]

    return remembered
