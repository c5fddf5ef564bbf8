"""Jobs: sent, looked at, listed, cancelled, forgotten."""

# Annotations are not postponed here: FastAPI reads them at run time.
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from ocrloom.errors import OcrRequestError
from ocrloom.jobs.records import Status
from ocrloom.service.auth import CallerOf
from ocrloom.service.limits import limited
from ocrloom.service.models import JobDocument, JobList
from ocrloom.service.problems import answers
from ocrloom.service.state import Service
from ocrloom.service.submitting import BODY, document, patience, point_to, submit

__all__ = ["JobId", "router"]

_SOON = 1.0  # seconds in which what is cancelled usually ends

router = APIRouter(
    prefix="/v1/jobs",
    tags=["jobs"],
    dependencies=[Depends(limited)],
    responses=answers(401, 422, 429, 500, 503),
)

JobId = Annotated[str, Path(max_length=64, description="Id of the job.")]
Wait = Annotated[float | None, Query(ge=0, le=86400, description="Seconds to wait at most.")]


@router.post(
    "",
    status_code=202,
    summary="Send a file to be read",
    openapi_extra=BODY,
    responses=answers(400, 403, 408, 413, 415, 507),
)
async def send(request: Request, response: Response, caller: CallerOf) -> JobDocument:
    """Takes an image or a PDF, and answers at once with the job that will read it.

    A form with a part `file`; or the bytes alone; or JSON with `data` in base64, or with a `url`
    where the service may fetch it. Options are parts of the form, query parameters, or `options`
    as JSON. A request with the same `Idempotency-Key` and the same content makes no second job.
    """
    service: Service = request.app.state.service
    job = await submit(request, caller, service)
    point_to(job, request, response)
    return await document(job, service)


@router.get("", summary="List jobs, the newest first", responses=answers(400))
async def index(
    request: Request,
    caller: CallerOf,
    status: Annotated[Status | None, Query(description="Only jobs of this status.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=20, description="From `next`.")] = None,
) -> JobList:
    """The caller's jobs that are not forgotten yet."""
    service: Service = request.app.state.service
    before = None if cursor is None else number_of(cursor)
    found = await service.jobs.listed(caller.owner, status=status, before=before, limit=limit)
    return JobList(
        items=[await document(job, service) for job in found],
        next=str(found[-1].place) if len(found) == limit else None,
    )


@router.get("/{job}", summary="Look at a job, or wait for it", responses=answers(404, 410))
async def look(request: Request, caller: CallerOf, job: JobId, wait: Wait = None) -> JobDocument:
    """How far it is; with `wait` when it is done, or when so many seconds have passed."""
    service: Service = request.app.state.service
    found = await service.jobs.get(job, caller.owner)
    found = await service.jobs.ended(found, patience(request, wait, service, 0.0))
    return await document(found, service)


@router.delete(
    "/{job}",
    summary="Cancel a job, or forget it",
    status_code=204,
    response_class=Response,
    responses={
        202: {"model": JobDocument, "description": "It is being cancelled."},
        **answers(404, 409, 410),
    },
)
async def end(
    request: Request,
    caller: CallerOf,
    job: JobId,
    purge: Annotated[
        bool, Query(description="Forget all of it: the file, what was read, that it was there.")
    ] = False,
) -> Response:
    """Ends what waits or is read; the pages that are finished can still be had.

    A job that is done is answered with 409, unless it is to be forgotten.
    """
    service: Service = request.app.state.service
    if purge:
        await service.runner.purge(job, caller.owner)
        return Response(status_code=204)
    found = await service.jobs.cancel(job, caller.owner)
    service.runner.cancel(job)
    found = await service.jobs.ended(found, _SOON)
    if found.status.ended:
        return Response(status_code=204)
    return JSONResponse((await document(found, service)).model_dump(mode="json"), 202)


def number_of(cursor: str) -> int:
    """The number that a cursor is.

    Raises:
        OcrRequestError: It is none that the service has given.
    """
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise OcrRequestError("expected a cursor as `next` gives it; leave it out to begin anew")
    return int(cursor)
