"""What a server counts and measures, for Prometheus; and the middleware that watches requests."""

from __future__ import annotations

import logging
import time
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from ocrloom._version import __version__
from ocrloom.jobs.records import Status
from ocrloom.progress import Stage
from ocrloom.result import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ocrloom.jobs.records import Job
    from ocrloom.progress import Progress
    from ocrloom.result import PageFailure
    from ocrloom.scheduling.pool import Pool

__all__ = ["MEDIA_TYPE", "Metrics", "WatchRequests"]

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
"""Of what `Metrics.text` gives."""

_LOG = logging.getLogger(__name__)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked every few seconds by machines, or many at a time by browsers.
_QUIET: Final = frozenset({"/livez", "/readyz", "/metrics", "/static/*"})
_FAST: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_SLOW: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3600.0)
_BROKEN_OFF: Final = 499  # the client went away before there was an answer
_STAGES: Final = {Stage.DECODING: "decoding", Stage.READING: "reading"}


class Metrics:
    """The figures of one server process. Threads may report at any time."""

    def __init__(self) -> None:
        # Of each page in work, by its job: the stage, and when it began.
        self._begun: dict[str, dict[int, tuple[str, float]]] = {}
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        Info("ocrloom", "The server", registry=self.registry).info({"version": __version__})
        self._count_requests()
        self._count_jobs()
        self._count_pages()

    def _count_requests(self) -> None:
        self._requests = self._counter(
            "http_requests", "Requests by route and status", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "http_request_seconds", "Until the answer begins", _FAST, "method", "route"
        )
        self._uploaded = self._counter("upload_bytes", "Bytes of sources that were sent")
        self._deliveries = self._counter(
            "webhook_deliveries", "Calls of webhooks by outcome", "outcome"
        )

    def _count_jobs(self) -> None:
        self._jobs = self._gauge("jobs", "Jobs in the database, of all servers", "status")
        self._queue = self._gauge("queue_length", "Jobs that wait, for any server")
        self._oldest = self._gauge("queue_oldest_seconds", "How long the first of them has waited")
        self._running = self._gauge("jobs_running", "Jobs that this server works on")
        self._jobs_ended = self._counter("jobs_ended", "Jobs that this server ended", "status")
        self._job_seconds = self._histogram("job_seconds", "From submission to end", _SLOW)
        for status in Status:
            self._jobs.labels(status)
            if status.ended:
                self._jobs_ended.labels(status)

    def _count_pages(self) -> None:
        self._pages = self._counter("pages", "Pages by outcome", "outcome")
        self._failures = self._counter("page_failures", "Pages not read by kind of error", "kind")
        told = "Waiting of a job, decoding and reading of a page, export of a result"
        self._stage_seconds = self._histogram("stage_seconds", told, _SLOW, "stage")
        self._admitted = self._gauge("memory_admitted_bytes", "What the pages in work may take")
        self._budget = self._gauge("memory_budget_bytes", "What they may take at most")
        self._readers = self._gauge("cluster_readers", "Processes of the cluster that read")
        self._slices = self._gauge(
            "cluster_waiting", "Parts of this server's jobs that wait for one of them"
        )
        self._cpu = self._gauge(
            "cluster_cpu_seconds", "CPU time that they took for pages of this server"
        )
        for outcome in ("read", "failed"):
            self._pages.labels(outcome)
        for stage in ("waiting", "decoding", "reading", "export"):
            self._stage_seconds.labels(stage)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request that was answered.

        Args:
            method: Of HTTP.
            route: The template of its path, never the path itself: there may be endlessly many.
            status: Of the answer.
            seconds: Until the answer began.
        """
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, status).inc()
        self._request_seconds.labels(method, route).observe(seconds)

    def uploaded(self, size: int) -> None:
        """Counts bytes of a source that was sent."""
        self._uploaded.inc(size)

    def delivered(self, outcome: str) -> None:
        """Counts a call of a webhook: ``delivered``, ``retried`` or ``failed``."""
        self._deliveries.labels(outcome).inc()

    def export(self, seconds: float) -> None:
        """Measures the making of a result in one of the formats."""
        self._stage("export", seconds)

    # What a runner tells of its jobs

    def started(self, job: Job) -> None:
        """Measures how long a job has waited."""
        _LOG.info("a job is begun", extra={"event": "job_started", "job_id": job.id})
        if job.attempts == 1:
            self._stage("waiting", time.time() - job.created)

    def progress(self, job: Job, event: Progress) -> None:
        """Measures the stages of a job's pages."""
        if event.stage is Stage.DONE:
            self._begun.pop(job.id, None)
        if event.page is None:
            return
        pages = self._begun.setdefault(job.id, {})
        if (before := pages.pop(event.page, None)) is not None:
            stage, elapsed = before
            self._stage(stage, event.elapsed - elapsed)
        if event.stage in _STAGES:
            pages[event.page] = (_STAGES[event.stage], event.elapsed)

    def page(self, outcome: Page | PageFailure) -> None:
        """Counts a page that is finished."""
        if isinstance(outcome, Page):
            self._pages.labels("read").inc()
        else:
            self._pages.labels("failed").inc()
            self._failures.labels(outcome.kind).inc()

    def ended(self, job: Job) -> None:
        """Counts a job that is done."""
        told = {"event": "job_ended", "job_id": job.id, "status": job.status.value}
        _LOG.info("a job is done", extra=told)
        self._jobs_ended.labels(job.status).inc()
        self._job_seconds.observe(max(0.0, time.time() - job.created))

    def _stage(self, name: str, seconds: float) -> None:
        self._stage_seconds.labels(name).observe(max(0.0, seconds))

    def observe_pool(self, pool: Pool) -> None:
        """Tells of the memory that a pool has admitted, whenever the figures are read."""
        self._admitted.set_function(lambda: pool.used)
        self._budget.set(pool.budget)

    def observe_cluster(
        self,
        readers: Callable[[], int],
        waiting: Callable[[], int],
        cpu_seconds: Callable[[], float],
    ) -> None:
        """Tells of a cluster that reads, whenever the figures are read.

        Args:
            readers: Its processes that read.
            waiting: Parts of jobs that wait for one of them.
            cpu_seconds: What they took for this server's pages.
        """
        self._readers.set_function(readers)
        self._slices.set_function(waiting)
        self._cpu.set_function(cpu_seconds)

    def observe_running(self, count: Callable[[], int]) -> None:
        """Tells how many jobs are worked on, whenever the figures are read."""
        self._running.set_function(count)

    def queue(self, counts: Mapping[Status, int], oldest: float | None) -> None:
        """Takes over what the database tells.

        Args:
            counts: Jobs by status.
            oldest: Seconds that the first of the queue has waited; None where it is empty.
        """
        for status in Status:
            self._jobs.labels(status).set(counts.get(status, 0))
        self._queue.set(counts.get(Status.QUEUED, 0))
        self._oldest.set(oldest or 0.0)

    def text(self) -> bytes:
        """All figures as Prometheus reads them."""
        return generate_latest(self.registry)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, namespace="ocrloom", registry=self.registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, labels, namespace="ocrloom", registry=self.registry)

    def _histogram(
        self, name: str, told: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            name, told, labels, namespace="ocrloom", registry=self.registry, buckets=buckets
        )


class WatchRequests:
    """ASGI middleware that counts and logs each request, without touching what passes."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = monotonic()
        status, answered = _BROKEN_OFF, 0.0

        async def watched(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], monotonic()
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            # What is further out answers so.
            status = 500
            raise
        finally:
            now, route = monotonic(), _route(scope)
            self._metrics.request(scope["method"], route, status, (answered or now) - begun)
            _log(scope["method"], route, status, now - begun)


def _route(scope: Mapping[str, Any]) -> str:
    """The template of a request's path; what belongs to no route is all one."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    if scope.get("root_path", "").startswith("/static"):
        return "/static/*"
    return "other"


def _log(method: str, route: str, status: int, seconds: float) -> None:
    level = logging.INFO
    if status >= 500:
        level = logging.WARNING
    elif route in _QUIET:
        level = logging.DEBUG
    fields = {
        "event": "request",
        "method": method,
        "path": route,
        "status": status,
        "ms": round(1000 * seconds, 1),
    }
    _LOG.log(level, "%s %s %d", method, route, status, extra=fields)
