"""A cluster of Ray on this machine, in the process that calls, and what its processes take."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["CONTROL", "DRIVER", "NODES", "READERS", "Local", "cpu_seconds", "kill", "running"]

DRIVER, READERS, CONTROL, NODES = "driver", "readers", "control", "nodes"
"""Whose a process is: the caller's, a worker's, ``gcs_server``, or another of Ray's own."""

_PROC: Final = Path("/proc")
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
_STORE: Final = 160 * 2**20  # bytes of a node's object store
_OURS: Final = (
    ("/gcs_server ", CONTROL),
    ("/autoscaler/", NODES),
    ("/dashboard.py", NODES),
    ("/log_monitor.py", NODES),
    ("/raylet ", NODES),
    ("ray::DashboardAgent", NODES),
    ("ray::RuntimeEnvAgent", NODES),
    ("ray::", READERS),
)


class Local:
    """A cluster that runs."""

    def __init__(self, address: str, raylets: Sequence[int]) -> None:
        self.address = address
        """HOST:PORT."""
        self._raylets = raylets

    def workers(self, place: int) -> list[int]:
        """Process ids of a node's workers, the one that has worked most first.

        Args:
            place: Which node, from 0; that one is the head.
        """
        roles = _roles(self._raylets[place])
        found = [process for process, role in roles.items() if role == READERS]
        return sorted(found, key=_seconds, reverse=True)

    def processes(self, place: int) -> list[int]:
        """Process ids of all that a node is, its raylet first."""
        return list(_roles(self._raylets[place]))


@contextmanager
def running(nodes: int, cores: Iterable[int], *, pinned: bool) -> Iterator[Local]:
    """A cluster of nodes of one CPU each, stopped at the end.

    Args:
        nodes: How many.
        cores: Those that all of it may use, this process too.
        pinned: Whether each node has a core of its own; this process then shares that of the head.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    usable = list(cores)
    cluster = Cluster()
    raylets = []
    try:
        for place in range(nodes):
            _use({usable[place]} if pinned else set(usable))
            node = cluster.add_node(num_cpus=1, object_store_memory=_STORE, include_dashboard=False)
            raylets.append(node.all_processes["raylet"][0].process.pid)
        _use({usable[0]} if pinned else set(usable))
        cluster.wait_for_nodes()
        yield Local(cluster.address, raylets)
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def cpu_seconds() -> dict[str, float]:
    """CPU time that this process and the cluster's have taken until now, by whose they are."""
    taken = dict.fromkeys((DRIVER, READERS, CONTROL, NODES), 0.0)
    for process, role in _roles(os.getpid()).items():
        taken[role] += _seconds(process)
    return taken


def kill(processes: Iterable[int]) -> None:
    """Ends processes without a warning; those that are gone already are left out."""
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _use(cores: set[int]) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def _roles(root: int) -> dict[int, str]:
    """Whose a process and all that it has begun are; what has no known name is as its parent."""
    children = _children()
    found: dict[int, str] = {}
    waiting = [(root, DRIVER)]
    while waiting:
        process, role = waiting.pop()
        command = _command(process)
        found[process] = next((mine for mark, mine in _OURS if mark in command), role)
        waiting += [(child, found[process]) for child in children[process]]
    return found


def _children() -> defaultdict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in _PROC.iterdir():
        if folder.name.isdecimal() and (fields := _status(int(folder.name))):
            children[int(fields[1])].append(int(folder.name))
    return children


def _seconds(process: int) -> float:
    fields = _status(process)
    return (int(fields[11]) + int(fields[12])) * _TICK if fields else 0.0


def _status(process: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; none where the process has ended."""
    try:
        text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _command(process: int) -> str:
    try:
        found = (_PROC / str(process) / "cmdline").read_bytes()
    except OSError:
        return ""
    return found.replace(b"\0", b" ").decode(errors="replace")
