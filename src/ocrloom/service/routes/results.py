"""What jobs have read: whole, page by page, and as pictures."""

# Annotations are not postponed here: FastAPI reads them at run time.
import asyncio
import json
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ocrloom.errors import OcrJobEnded, OcrSourceNotFound
from ocrloom.image import Image
from ocrloom.jobs.records import Job
from ocrloom.options import PdfOptions
from ocrloom.service.auth import CallerOf
from ocrloom.service.exports import CONTENT, NAMES, chosen, export
from ocrloom.service.limits import limited
from ocrloom.service.models import PageList
from ocrloom.service.pictures import WIDEST, page_image
from ocrloom.service.problems import answers, problem
from ocrloom.service.routes.jobs import JobId, number_of
from ocrloom.service.state import Service
from ocrloom.wire import error_of

__all__ = ["FormatName", "OnlyPage", "PageNumber", "Width", "result_of_job", "router"]

FormatName = Annotated[
    str | None,
    Query(
        description="Name of the format; otherwise `Accept` says it, and JSON is usual.",
        json_schema_extra={"enum": list(NAMES)},
    ),
]
PageNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Place in the file, from 1.")]
OnlyPage = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Of this page only.")]
Width = Annotated[int, Query(ge=16, le=WIDEST, description="Pixels that it is made smaller to.")]

router = APIRouter(
    prefix="/v1/jobs/{job}",
    tags=["jobs"],
    dependencies=[Depends(limited)],
    responses=answers(401, 404, 410, 422, 429, 500, 503),
)


@router.get(
    "/result",
    summary="What was read, in any format",
    response_class=Response,
    responses={
        200: {"description": "What was read.", "content": CONTENT},
        **answers(400, 403, 409, 413, 415, 504, 507),
    },
)
async def result(
    request: Request,
    caller: CallerOf,
    job: JobId,
    format: FormatName = None,  # noqa: A002  # as every client knows it
    page: OnlyPage = None,
) -> Response:
    """As often as it is asked for, until the job is forgotten.

    While the job is not done the answer is 409 with the code `job_not_ready`. Where nothing could
    be read it is the error that says why. A format that holds one page (`page`) comes as a ZIP
    archive of all pages.
    """
    service: Service = request.app.state.service
    name = chosen(format, request.headers.get("accept"))
    found = await service.jobs.get(job, caller.owner)
    return await result_of_job(found, service, name, page=page)


async def result_of_job(
    job: Job, service: Service, name: str, *, page: int | None = None
) -> Response:
    """The answer that holds what a job has read.

    Raises:
        OcrJobNotReady: It is not done.
        OcrException: Nothing could be read, for this reason.
    """
    async with service.exporting:
        read = await service.jobs.result(job.id, job.owner)
        if not read.pages:
            return _nothing(job)
        source = partial(source_of, job, service)
        return await export(read, name, source, service.metrics, page=page)


def _nothing(job: Job) -> Response:
    """The answer where no page was read.

    Raises:
        OcrException: For this reason, which is one that the caller can do something about.
    """
    if job.error is None:
        raise OcrJobEnded(f"the job is {job.status.value}, and no page of it was read")
    error = error_of(job.error["code"], job.error["detail"])
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # That was then: asking again for the same result is in vain.
        return problem(HTTPStatus.CONFLICT, job.error["code"], job.error["detail"])
    raise error


async def source_of(job: Job, service: Service) -> Image:
    """What a job has read, or is to read.

    Raises:
        OcrSourceNotFound: It is gone, or not there yet.
    """
    path = None if job.upload is None else service.spool.path(job.upload)
    if path is None or not await asyncio.to_thread(path.exists):
        raise OcrSourceNotFound("the file of this job is not here; send it again to have it shown")
    password = job.options.get("password")
    pdf = None if password is None else PdfOptions(password=password)
    image = await asyncio.to_thread(Image.load, path, limits=service.settings.limits, pdf=pdf)
    return image.named(job.name)


@router.get(
    "/pages",
    summary="Pages that are finished",
    response_class=Response,
    responses={200: {"model": PageList}, **answers(400)},
)
async def pages(
    request: Request,
    caller: CallerOf,
    job: JobId,
    cursor: Annotated[str, Query(max_length=20, description="From `next`.")] = "0",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    content: Annotated[
        Literal["page", "none"], Query(description="`none`: without what was read.")
    ] = "page",
) -> Response:
    """In the order in which they were finished, while the job is read too.

    `next` is always there: asked again with it, there are the pages that were finished since.
    With `content=none` the `page` of each is null: one without a `failure` was read.
    """
    service: Service = request.app.state.service
    found = await service.jobs.get(job, caller.owner)
    texts = await service.jobs.page_texts(job, after=number_of(cursor), limit=limit)
    last = texts[-1].place if texts else int(cursor)
    if content == "none":
        texts = [replace(each, page="null") for each in texts]
    items = ",".join(each.item for each in texts)
    ended = json.dumps(found.status.ended and len(texts) < limit)
    # Put together as text, for the pages are JSON in the database already.
    return Response(
        f'{{"items":[{items}],"next":"{last}","done":{ended}}}', media_type="application/json"
    )


@router.get(
    "/pages/{number}/image",
    summary="A picture of a page",
    response_class=Response,
    responses={
        200: {
            "description": "The page as a viewer shows it.",
            "content": {"image/jpeg": {}, "image/png": {}},
        },
        **answers(403, 413, 415),
    },
)
async def picture(
    request: Request, caller: CallerOf, job: JobId, number: PageNumber, width: Width = 1600
) -> Response:
    """Polygons of words fit when they are scaled by its width over that of the page."""
    service: Service = request.app.state.service
    found = await service.jobs.get(job, caller.owner)
    made, media = await page_image(
        await source_of(found, service), number, width, caller=caller, request=request
    )
    return Response(made, media_type=media)
