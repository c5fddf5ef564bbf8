"""How much memory this process may use, containers' limits included."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

__all__ = ["default_budget", "usable_memory"]

_SHARE = 0.5  # of the usable memory: the models, the results and the user's own data need some too
_UNKNOWN = 4 * 1024**3  # bytes that are assumed where the system does not say
_LEAST = 256 * 1024**2

# The limit of version 2 of Linux's control groups, then that of version 1.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def usable_memory() -> int:
    """Bytes of memory that the process may use: the machine's, or its container's if less."""
    limits = [limit for limit in map(_limit, _LIMITS) if limit]
    return min([_physical(), *limits])


@cache
def default_budget() -> int:
    """Bytes that decoded pages may take when nothing else is asked: half of the usable memory."""
    return max(_LEAST, int(_SHARE * usable_memory()))


def _physical() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return _windows_memory() or _UNKNOWN


def _windows_memory() -> int | None:
    try:
        import ctypes

        status = (ctypes.c_ulonglong * 8)(64)  # MEMORYSTATUSEX: its size, then the total
        ctypes.windll.kernel32.GlobalMemoryStatusEx(status)  # type: ignore[attr-defined]
        return int(status[1])
    except (AttributeError, OSError):
        return None


def _limit(path: str) -> int | None:
    try:
        limit = int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None  # no such file, or "max"
    return limit if limit > 0 else None
