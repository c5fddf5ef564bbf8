"""Reading in one request, for files that take no longer than a caller may wait."""

# Annotations are not postponed here: FastAPI reads them at run time.

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from ocrloom.jobs.records import Status
from ocrloom.service.auth import CallerOf
from ocrloom.service.exports import CONTENT, chosen
from ocrloom.service.limits import limited
from ocrloom.service.models import JobDocument
from ocrloom.service.problems import answers
from ocrloom.service.routes.jobs import Wait
from ocrloom.service.routes.results import FormatName, result_of_job
from ocrloom.service.state import Service
from ocrloom.service.submitting import BODY, document, patience, point_to, submit

__all__ = ["router"]

router = APIRouter(prefix="/v1/ocr", tags=["jobs"], dependencies=[Depends(limited)])


@router.post(
    "",
    summary="Send a file and get what it says",
    openapi_extra=BODY,
    response_class=Response,
    responses={
        200: {"description": "What was read.", "content": CONTENT},
        202: {"model": JobDocument, "description": "It takes longer; this job goes on."},
        **answers(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 504, 507),
    },
)
async def read(
    request: Request,
    caller: CallerOf,
    wait: Wait = None,
    format: FormatName = None,  # noqa: A002  # as every client knows it
) -> Response:
    """The same as sending a job, waiting for it and asking for its result.

    What takes longer than `wait` is answered with 202 and the job, which goes on; so is everything
    with `Prefer: respond-async`.
    """
    service: Service = request.app.state.service
    name = chosen(format, request.headers.get("accept"))
    job = await submit(request, caller, service)
    usual = service.settings.sync_seconds
    job = await service.jobs.ended(job, patience(request, wait, service, usual))
    response: Response
    if job.status in (Status.QUEUED, Status.RUNNING):
        response = JSONResponse((await document(job, service)).model_dump(mode="json"), 202)
    else:
        response = await result_of_job(job, service, name)
    point_to(job, request, response)
    return response
