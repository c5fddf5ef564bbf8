"""Who reads what a server is sent: the server itself, or a cluster."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocrloom.engine import OcrEngine
from ocrloom.errors import OcrOptionError
from ocrloom.service import logs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.ray.engine import RayEngine
    from ocrloom.service.metrics import Metrics
    from ocrloom.service.settings import Settings

__all__ = ["ReadBy", "reading_by"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBy:
    """An engine, and what a server has to know of it."""

    engine: OcrEngine | RayEngine
    pages: int
    """That are read at a time at most."""
    trouble: Callable[[], str | None]
    """Why it cannot read at the moment; None where nothing is known against it."""
    lost: Callable[[], bool] = lambda: False
    """Whether it never will again."""


def reading_by(settings: Settings, metrics: Metrics) -> ReadBy:
    """Makes the engine of a server; a cluster is connected to, which takes some seconds.

    Args:
        settings: What the operator has decided.
        metrics: Which are to tell of it.

    Raises:
        OcrOptionError: A setting has no meaning beside the others, or the extra ``ray`` is lacking.
        OcrClusterUnavailable: The cluster cannot be reached, or cannot read.
    """
    if settings.ray is not None:
        return _cluster(settings.ray, settings, metrics)
    engine = OcrEngine(workers=settings.workers, memory=settings.memory)
    metrics.observe_pool(engine.pool)
    return ReadBy(engine=engine, pages=engine.pool.workers, trouble=lambda: None)


def _cluster(address: str, settings: Settings, metrics: Metrics) -> ReadBy:
    # Here and not at the top: few servers have a cluster, or the extra for it.
    from ocrloom.ray.cluster import ray_module
    from ocrloom.ray.engine import RayEngine
    from ocrloom.ray.serving import Serving

    ray_module()
    # It warns of what is usual here: that it has no main thread, whose signals are the server's.
    logs.adopt("ray", logging.ERROR)
    least, most = settings.ray_min_readers, settings.ray_max_readers
    if settings.workers is not None:
        raise OcrOptionError(
            "--workers: are a server's own; on a cluster --ray-max-readers and --ray-cpus say how "
            "many pages are read at a time"
        )
    if most is not None and most < least:
        raise OcrOptionError(f"--ray-max-readers: must be at least --ray-min-readers, {least}")
    serving = Serving(
        address, least=least, most=most, cpus=settings.ray_cpus, memory=settings.memory
    )
    engine = RayEngine.at(serving)
    cluster = engine.cluster
    _LOG.info(
        "on the cluster at %s: %d nodes, %d CPUs", cluster.address, cluster.nodes, cluster.cpus
    )
    metrics.observe_cluster(
        lambda: serving.running,
        lambda: engine.waiting,
        lambda: engine.cost.cpu_seconds,
    )
    return ReadBy(
        engine=engine,
        pages=serving.most * serving.cpus,
        trouble=lambda: serving.trouble,
        lost=lambda: serving.lost,
    )
