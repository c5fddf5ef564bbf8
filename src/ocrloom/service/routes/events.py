"""What happens to a job, as it happens."""

# Annotations are not postponed here: FastAPI reads them at run time.
import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from ocrloom.errors import OcrException
from ocrloom.jobs.records import Event, Job, Status
from ocrloom.service.auth import CallerOf
from ocrloom.service.limits import limited
from ocrloom.service.problems import answers
from ocrloom.service.routes.jobs import JobId
from ocrloom.service.state import Service
from ocrloom.service.submitting import document

__all__ = ["router"]

Content = Literal["text", "page", "none"]

_QUIET = 15.0  # seconds without news after which the database is looked at all the same
_GATHER = 0.05  # seconds in which news become one look

_EVENT = {
    "description": "One event.",
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "Its number; `progress` has none."},
        "event": {"type": "string", "examples": ["page"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}

router = APIRouter(
    prefix="/v1/jobs/{job}",
    tags=["jobs"],
    dependencies=[Depends(limited)],
    responses=answers(401, 404, 410, 422, 429, 500, 503),
)


@router.get(
    "/events",
    summary="What happens to a job, as it happens",
    response_class=EventSourceResponse,
    responses={
        200: {
            "description": "Server-sent events, to the end of the job.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        }
    },
)
async def events(
    request: Request,
    caller: CallerOf,
    job: JobId,
    content: Annotated[Content, Query(description="What comes with a page.")] = "text",
    last_event_id: Annotated[
        str | None, Header(description="The number after which events are sent again.")
    ] = None,
) -> EventSourceResponse:
    """All of its events from the first on, or from the one after `Last-Event-ID`.

    Names are `queued`, `started`, `requeued`, `page`, `page_failed`, `canceling` and those of the
    ends: `succeeded`, `partial`, `failed`, `canceled`. `progress` tells what happens in between; it
    has no number and is not sent again.
    """
    service: Service = request.app.state.service
    found = await service.jobs.get(job, caller.owner)
    given = last_event_id or ""
    after = int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0
    if after > found.last_event:
        # No number of this job's; the end at least is to be told.
        after = found.last_event - 1
    feed = _Feed(service, found, content, after)
    return EventSourceResponse(feed.run())


@dataclass
class _Feed:
    """The events of one job for one caller."""

    service: Service
    job: Job
    content: Content
    last: int
    told: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> AsyncIterator[ServerSentEvent]:
        """Gives them until the job, or the server, comes to its end."""
        jobs, bell = self.service.jobs, self.service.bell
        with bell.listening(self.job.id) as news:
            while True:
                news.clear()
                try:
                    self.job = await jobs.get(self.job.id, self.job.owner)
                    found = await jobs.events(self.job.id, after=self.last)
                    told = [await self._stored(event) for event in found]
                except OcrException:
                    return  # it was forgotten, or the database is away: the caller comes again
                for event in told:
                    yield event
                self.last = found[-1].number if found else self.last
                if self.job.status.ended and self.last >= self.job.last_event:
                    return
                if not found and (progress := await self._progress()) is not None:
                    yield progress
                if bell.closed:
                    return
                if not found:
                    try:
                        await asyncio.wait_for(news.wait(), _QUIET)
                    except TimeoutError:
                        continue
                    await asyncio.sleep(_GATHER)

    async def _stored(self, event: Event) -> ServerSentEvent:
        data = await self._common(_status(event.kind))
        if event.page is not None:
            data["number"] = event.page
            data |= await self._page(event.page)
        return ServerSentEvent(json.dumps(data), event=event.kind, id=str(event.number))

    async def _page(self, number: int) -> dict[str, Any]:
        """What the caller wants to know of a page."""
        if self.content == "none":
            return {}
        found = await self.service.jobs.page_text(self.job.id, number)
        if found is None:
            return {}
        page, failure = json.loads(found.page), json.loads(found.failure)
        if page is None:
            return {"failure": failure}
        if self.content == "page":
            return {"page": page}
        return {"text": page["text"], "confidence": page["confidence"]}

    async def _progress(self) -> ServerSentEvent | None:
        """How far it is, if that is something new."""
        if self.job.status is not Status.RUNNING:
            return None
        data = await self._common(self.job.status)
        if data == self.told:
            return None
        self.told = data
        return ServerSentEvent(json.dumps(data), event="progress")

    async def _common(self, status: Status) -> dict[str, Any]:
        told = await document(self.job, self.service)
        progress = told.progress.model_dump()
        return {"job": self.job.id, "status": status.value, "progress": progress}


def _status(kind: str) -> Status:
    """The status of a job after an event."""
    if kind in ("queued", "requeued"):
        return Status.QUEUED
    return Status(kind) if kind in {each.value for each in Status} else Status.RUNNING
