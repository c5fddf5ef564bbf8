"""The application: its routes, and what lives as long as the server does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ocrloom._version import __version__
from ocrloom.jobs.jobs import Jobs
from ocrloom.jobs.runner import Retention, Runner, Shop
from ocrloom.jobs.spool import Spool
from ocrloom.library import Library
from ocrloom.service import problems
from ocrloom.service.keys import Keys
from ocrloom.service.metrics import Metrics
from ocrloom.service.middleware import protect
from ocrloom.service.network import Guard
from ocrloom.service.reading import reading_by
from ocrloom.service.routes import (
    deliveries,
    documents,
    events,
    health,
    jobs,
    languages,
    ocr,
    pages,
    results,
    search,
)
from ocrloom.service.state import Service
from ocrloom.service.webhooks import Deliverer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ocrloom.jobs.records import Job
    from ocrloom.service.settings import Settings

__all__ = ["create_app"]

_AHEAD = 4  # jobs begun for each page that is read at a time: short ones leave no worker idle
_ROUTES = (health, ocr, jobs, results, events, deliveries, documents, search, languages, pages)


def create_app(settings: Settings) -> FastAPI:
    """Makes the application; it opens its database when it starts.

    Args:
        settings: What the operator has decided.

    Raises:
        OcrException: A setting names what cannot be used.
    """
    app = FastAPI(
        title="ocrloom",
        summary="Text from scans, with the place of every word.",
        version=__version__,
        lifespan=_lifespan,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = _service(settings)
    problems.install(app)
    for module in _ROUTES:
        app.include_router(module.router)
    pages.mount_static(app)
    protect(app, settings, app.state.service.metrics)
    app.openapi = partial(_openapi, app)  # type: ignore[method-assign]  # as FastAPI has it done
    return app


def _service(settings: Settings) -> Service:
    spool = Spool(settings.spool)
    found = Jobs(settings.library, spool)
    library = Library(settings.library, keep=spool.documents)
    guard = Guard(settings.network_allow)
    metrics = Metrics()
    reading = reading_by(settings, metrics)
    shop = Shop(
        jobs=found,
        engine=reading.engine,
        able=lambda: reading.trouble() is None,
        library=library,
        limits=settings.limits,
        seconds=settings.job_seconds,
        running=settings.running or _AHEAD * reading.pages,
        retention=Retention(
            seconds=settings.retention_hours * 3600, bytes=settings.retention_bytes
        ),
        watcher=metrics,
        fetch=partial(_fetch, spool, guard, settings),
    )
    runner = Runner(shop)
    metrics.observe_running(lambda: runner.running)
    return Service(
        settings=settings,
        jobs=found,
        library=library,
        keys=Keys(settings.library),
        spool=spool,
        runner=runner,
        metrics=metrics,
        guard=guard,
        reading=reading,
    )


async def _fetch(spool: Spool, guard: Guard, settings: Settings, job: Job) -> Path:
    """Gets the file of a job that names only where it is."""
    usual = settings.max_upload
    file = spool.new()
    try:
        await guard.fetch(
            job.url or "",
            min(usual, job.max_size or usual),
            settings.fetch_seconds,
            lambda data: asyncio.to_thread(file.write, data),
        )
        await asyncio.to_thread(file.finish)
    except BaseException:
        await asyncio.to_thread(file.discard)
        raise
    return file.path


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.runner.start()
    calls = None
    if service.settings.webhooks:
        deliverer = Deliverer(
            service.jobs.desk, service.guard, service.spool.worker, metrics=service.metrics
        )
        calls = asyncio.create_task(deliverer.run())
    try:
        yield
    finally:
        if calls is not None:
            calls.cancel()
            with suppress(asyncio.CancelledError):
                await calls
        await service.runner.stop(service.settings.drain_seconds)
        service.bell.close()
        await asyncio.to_thread(service.keys.close)
        await service.library.aclose()
        await service.jobs.close()
        await asyncio.to_thread(service.reading.engine.close)
        # Not before: what is still being sent belongs to a server that lives.
        await asyncio.to_thread(service.spool.leave)


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the routes, made once; with the errors that they refer to."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            routes=app.routes,
            separate_input_output_schemas=False,
        )
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        parts = schema.pop("$defs", {})
        made["components"]["schemas"] |= {**parts, "Problem": schema}
        app.openapi_schema = made
    return app.openapi_schema
