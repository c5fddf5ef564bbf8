"""Clusters of this machine for tests: real nodes of Ray, each with a CPU of its own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ray.cluster_utils import Cluster

STORE = 120 * 2**20  # bytes of a node's object store
# A machine that is killed is to be missed after some seconds, and not after half a minute.
SYSTEM = {
    "health_check_initial_delay_ms": 1000,
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 5000,
    "health_check_failure_threshold": 3,
}


@contextmanager
def running(nodes: int = 2, cpus: int = 1) -> Iterator[Cluster]:
    """A cluster of so many nodes, stopped at the end; its address is ``.address``."""
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        for number in range(nodes):
            head = {} if number else {"_system_config": SYSTEM}
            cluster.add_node(
                num_cpus=cpus, object_store_memory=STORE, include_dashboard=False, **head
            )
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def workers(cluster: Cluster, title: str = "ray::") -> list[int]:
    """Ids of the processes that work for a cluster's nodes, which Ray names after what they do."""
    raylets = {
        found.process.pid
        for node in cluster.list_all_nodes()
        for found in node.all_processes.get("raylet", [])
    }
    return sorted(
        pid
        for pid in (int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())
        if _parent(pid) in raylets and _title(pid).startswith(title)
    )


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        return None


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""
