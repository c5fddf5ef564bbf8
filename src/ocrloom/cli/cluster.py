"""What the commands that read on a cluster have in common: its engine, and what it took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from ocrloom.cli.inputs import journal_in
from ocrloom.cli.ray_flag import ANY
from ocrloom.cli.tally import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocrloom.options import OcrOptions
    from ocrloom.ray import RayEngine
    from ocrloom.ray.cluster import Cluster

__all__ = ["Account", "address_of", "cost_line", "engine_on", "greeting"]


def engine_on(
    given: str, options: OcrOptions, jobs: int | None, memory: int | None, resume: str | None
) -> RayEngine:
    """The engine whose pages a cluster reads.

    Raises:
        OcrException: One of the flags has a value that it cannot have.
    """
    # Here and not at the top: only this needs what talks to clusters.
    from ocrloom.ray import RayEngine

    return RayEngine(
        address_of(given),
        options=options,
        workers=jobs,
        memory=memory,
        journal=journal_in(resume),
    )


def address_of(given: str) -> str | None:
    """The address that ``--ray`` has; None for whichever cluster there is."""
    return None if given == ANY else given


def greeting(cluster: Cluster) -> str:
    """What a run says of the cluster that it reads on."""
    text = (
        f"ocrloom: on the cluster at {cluster.address}: {plural(cluster.nodes, 'node')}, "
        f"{plural(cluster.cpus, 'CPU')}"
    )
    return f"{text}; dashboard {cluster.dashboard}" if cluster.dashboard else text


def cost_line(pages: int, seconds: float, cpu_seconds: float) -> str:
    """What a run took.

    Args:
        pages: Those that were read in it.
        seconds: That it lasted.
        cpu_seconds: Time of CPUs that the cluster spent on them.
    """
    parts = [f"{plural(pages, 'page')} in {timedelta(seconds=round(seconds))}"]
    if pages and seconds:
        parts.append(f"{pages / seconds:.1f} pages/s")
    if pages and cpu_seconds:
        parts.append(f"{pages / cpu_seconds:.1f} pages per CPU-second")
    return f"ocrloom: {', '.join(parts)}"


class Account:
    """What an engine's readings take on its cluster."""

    def __init__(self, engine: RayEngine) -> None:
        self._engine = engine
        self._seconds = 0.0

    @contextmanager
    def telling(self, say: Callable[[str], None], *, greet: bool) -> Iterator[None]:
        """Says which cluster reads, if asked to, and after the block what it took.

        Raises:
            OcrClusterUnavailable: It cannot be reached.
        """
        # Also where nothing is said of it: reaching it is no time of the pages.
        cluster = self._engine.cluster
        if greet:
            say(greeting(cluster))
        with self.reading():
            yield
        say(self.line)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Counts the time of a block in which is read."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self._seconds += time.monotonic() - begun

    @property
    def line(self) -> str:
        """All that was taken so far, on one line."""
        cost = self._engine.cost
        return cost_line(cost.pages, self._seconds, cost.cpu_seconds)
