"""How many CPUs this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["limit_cpus", "usable_cpus"]

_CGROUP = Path("/sys/fs/cgroup")

_most: int | None = None  # that this process has been given, where others share the machine


def limit_cpus(count: int) -> None:
    """Has this process use no more CPUs than its share of a machine, from now on.

    To be called before anything is read: what is loaded later counts on it.

    Args:
        count: At least 1.
    """
    global _most
    _most = count


def usable_cpus(cgroup: Path = _CGROUP) -> int:
    """CPUs that the process's affinity and its control group's quota leave it, at least 1.

    A quota of one and a half CPUs counts as two: workers wait for files now and then.

    Args:
        cgroup: Where the control groups are mounted.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota(cgroup)
    if quota:
        count = min(count, math.ceil(quota))
    return max(1, count if _most is None else min(count, _most))


def _quota(cgroup: Path) -> float | None:
    """CPUs that the control group allows (version 2, then 1), or None where it sets no limit."""
    try:
        limit, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        except (OSError, ValueError):
            return None
    try:
        quota = int(limit) / int(period)
    except (ValueError, ArithmeticError):
        return None  # "max": no limit
    return quota if quota > 0 else None
