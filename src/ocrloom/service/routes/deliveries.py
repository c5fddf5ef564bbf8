"""How the calls of a job's webhook went."""

# Annotations are not postponed here: FastAPI reads them at run time.
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from ocrloom.jobs import deliveries
from ocrloom.jobs.deliveries import Attempt, Delivery
from ocrloom.service.auth import CallerOf
from ocrloom.service.limits import limited
from ocrloom.service.models import moment
from ocrloom.service.problems import answers
from ocrloom.service.routes.jobs import JobId
from ocrloom.service.state import Service

__all__ = ["router"]

router = APIRouter(
    prefix="/v1/jobs/{job}/deliveries", tags=["jobs"], dependencies=[Depends(limited)]
)


class AttemptDocument(BaseModel):
    """A call that was made."""

    time: datetime
    status: int | None
    """Of the answer; None without one."""
    error: str | None
    """Why it did not work; None where it did."""
    seconds: float
    """How long it took."""


class DeliveryDocument(BaseModel):
    """An event that a webhook is told of."""

    id: str
    """What the call's header ``Ocrloom-Event-Id`` says."""
    event: str
    """Its kind."""
    number: int
    """Its number among those of the job."""
    page: int | None
    """The page that it is about."""
    delivered: datetime | None
    """When it was taken; None where it was not."""
    next: datetime | None
    """When it is tried next; None where it was taken, or is given up."""
    attempts: list[AttemptDocument]


class DeliveryList(BaseModel):
    """Some calls, in the order of their events."""

    items: list[DeliveryDocument]
    next: str | None
    """The ``cursor`` of the next part; None at the end."""


@router.get(
    "",
    summary="How the calls of the job's webhook went",
    responses=answers(401, 404, 410, 422, 429, 500, 503),
)
async def listed(
    request: Request,
    caller: CallerOf,
    job: JobId,
    cursor: Annotated[int, Query(ge=0, lt=2**31, description="From `next`.")] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DeliveryList:
    """Every event that the webhook was or will be told of, with each attempt."""
    service: Service = request.app.state.service
    found = await service.jobs.get(job, caller.owner)
    calls = await service.jobs.desk.read(
        lambda store: deliveries.listed(store, found.id, cursor, limit)
    )
    return DeliveryList(
        items=[_document(each) for each in calls],
        next=str(calls[-1].event) if len(calls) == limit else None,
    )


def _document(delivery: Delivery) -> DeliveryDocument:
    return DeliveryDocument(
        id=delivery.id,
        event=delivery.kind,
        number=delivery.event,
        page=delivery.page,
        delivered=moment(delivery.delivered),
        next=moment(delivery.due),
        attempts=[_attempt(each) for each in delivery.log],
    )


def _attempt(attempt: Attempt) -> AttemptDocument:
    return AttemptDocument(
        time=datetime.fromtimestamp(attempt.time, UTC),
        status=attempt.status,
        error=attempt.error,
        seconds=attempt.seconds,
    )
