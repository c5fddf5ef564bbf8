"""Whether the server is well, for those who restart it, send it work or draw its figures."""

# Annotations are not postponed here: FastAPI reads them at run time.
import asyncio
from typing import Final, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from ocrloom.errors import OcrException, OcrServiceUnavailable
from ocrloom.jobs import census
from ocrloom.service.auth import CallerOf
from ocrloom.service.metrics import MEDIA_TYPE
from ocrloom.service.problems import answers
from ocrloom.service.state import Service

__all__ = ["Health", "router"]

_PATIENCE: Final = 2.0  # seconds in which a database must answer

router = APIRouter(tags=["operation"])


class Health(BaseModel):
    """That all is well; where it is not, the answer is an error."""

    status: Literal["ok"] = "ok"


@router.get("/livez", summary="Whether the server answers", responses=answers(503))
async def livez(request: Request) -> Health:
    """Well as long as it answers at all; an error if only another start can help. Needs no key."""
    service: Service = request.app.state.service
    if service.reading.lost():
        raise OcrServiceUnavailable(
            f"{service.reading.trouble()}; the service must be started anew"
        )
    return Health()


@router.get("/readyz", summary="Whether the server can take work", responses=answers(503))
async def readyz(request: Request) -> Health:
    """An error while the server ends, or lacks its database, disk, runner or cluster.

    Needs no key.
    """
    service: Service = request.app.state.service
    if service.runner.draining:
        raise OcrServiceUnavailable("the service is ending; ask another one, or this one later")
    if not service.runner.alive:
        raise OcrServiceUnavailable("the service reads no jobs any more; its log says why")
    if (trouble := service.reading.trouble()) is not None:
        raise OcrServiceUnavailable(f"{trouble}; jobs wait until it can read again")
    await _check_database(service)
    await asyncio.to_thread(_check_disk, service)
    return Health()


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Figures in Prometheus's text format.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **answers(401, 503),
    },
)
async def metrics(request: Request, _caller: CallerOf) -> Response:
    """What the server has counted and measured since it was started, and its queue now."""
    service: Service = request.app.state.service
    counts, oldest = await service.jobs.desk.read(
        lambda store: (census.counts(store), census.oldest(store))
    )
    service.metrics.queue(counts, oldest)
    return Response(service.metrics.text(), media_type=MEDIA_TYPE)


async def _check_database(service: Service) -> None:
    try:
        async with asyncio.timeout(_PATIENCE):
            await service.jobs.desk.read(census.oldest)
    except (OcrException, TimeoutError) as error:
        raise OcrServiceUnavailable(
            "the service's database does not answer; it is tried again, and its log says more"
        ) from error


def _check_disk(service: Service) -> None:
    if service.spool.free < service.settings.max_upload:
        raise OcrServiceUnavailable(
            "the disk of the service's spool has no room for another upload; its operator has to"
            " make some"
        )
