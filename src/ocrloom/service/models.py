"""What the service says of jobs, as JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from ocrloom.jobs.records import Status

if TYPE_CHECKING:
    from ocrloom.jobs.records import Job
    from ocrloom.progress import Progress

__all__ = ["Failure", "JobDocument", "JobList", "PageItem", "PageList", "job_document", "moment"]

_EXAMPLE: dict[str, Any] = {
    "id": "c6blnpxjslosu2uf2f7cmhbdiy",
    "status": "running",
    "name": "letter.tif",
    "created": "2026-11-21T09:00:00.000000Z",
    "started": "2026-11-21T09:00:00.120000Z",
    "finished": None,
    "expires": None,
    "position": None,
    "canceling": False,
    "size": 48213,
    "options": {"languages": ["eng"]},
    "progress": {
        "pages_done": 3,
        "pages_failed": 0,
        "pages_total": 10,
        "stage": "reading",
        "elapsed": 1.9,
        "remaining": 4.4,
    },
    "store": True,
    "document": None,
    "attempts": 1,
    "error": None,
    "links": {
        "self": "/v1/jobs/c6blnpxjslosu2uf2f7cmhbdiy",
        "result": "/v1/jobs/c6blnpxjslosu2uf2f7cmhbdiy/result",
        "pages": "/v1/jobs/c6blnpxjslosu2uf2f7cmhbdiy/pages",
        "events": "/v1/jobs/c6blnpxjslosu2uf2f7cmhbdiy/events",
        "document": None,
    },
}


class Advance(BaseModel):
    """How far a job is."""

    pages_done: int
    """Pages that are finished, failed ones included."""
    pages_failed: int
    pages_total: int | None
    """None before the file was opened."""
    stage: str | None
    """What happens now, where the server that answers reads the job."""
    elapsed: float | None
    """Seconds since it was begun with."""
    remaining: float | None
    """Seconds that the rest will take if it goes on as it went."""


class Reason(BaseModel):
    """Why a job has read nothing, or less than all."""

    code: str
    detail: str


class Links(BaseModel):
    """Where the rest is."""

    self: str
    result: str
    pages: str
    events: str
    document: str | None
    """In the library, once it is there."""


class JobDocument(BaseModel):
    """A job."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    status: Status
    name: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    expires: datetime | None
    """When what was read is forgotten; documents of the library stay."""
    position: int | None
    """Which one of those that wait it is, from 1."""
    canceling: bool
    size: int
    """Bytes of the file."""
    options: dict[str, Any]
    progress: Advance
    store: bool
    document: int | None
    """Number of the library's document, once it is stored."""
    attempts: int
    error: Reason | None
    links: Links


class JobList(BaseModel):
    """Some jobs, the newest first."""

    items: list[JobDocument]
    next: str | None
    """The ``cursor`` of the next part; None at the end."""


class Failure(BaseModel):
    """Why a page could not be read."""

    number: int
    kind: str
    message: str


class PageItem(BaseModel):
    """A page that is finished."""

    number: int
    page: dict[str, Any] | None
    """As one of ``pages`` in the format json; None where it could not be read."""
    failure: Failure | None


class PageList(BaseModel):
    """Some pages, in the order in which they were finished."""

    items: list[PageItem]
    next: str
    """The ``cursor`` for those that come after."""
    done: bool
    """Whether the job is done and nothing comes after these."""


def moment(seconds: float | None) -> datetime | None:
    """A time in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def job_document(
    job: Job, *, kept: float, position: int | None = None, progress: Progress | None = None
) -> JobDocument:
    """What is said of a job.

    Args:
        job: The job.
        kept: Seconds for which jobs that are done are kept.
        position: Which one of those that wait it is.
        progress: What the engine says of it, where it runs in this process.
    """
    at = f"/v1/jobs/{job.id}"
    begun = job.started is not None
    return JobDocument.model_validate(
        {
            "id": job.id,
            "status": job.status,
            "name": job.name,
            "created": moment(job.created),
            "started": moment(job.started),
            "finished": moment(job.finished),
            "expires": moment(None if job.finished is None else job.finished + kept),
            "position": position,
            "canceling": job.canceling,
            "size": job.size,
            "options": {name: value for name, value in job.options.items() if name != "password"},
            "progress": {
                "pages_done": job.pages_done,
                "pages_failed": job.pages_failed,
                "pages_total": job.pages,
                "stage": None if progress is None or not begun else progress.stage.value,
                "elapsed": None if progress is None else progress.elapsed,
                "remaining": None if progress is None else progress.remaining,
            },
            "store": job.store,
            "document": job.document,
            "attempts": job.attempts,
            "error": job.error,
            "links": {
                "self": at,
                "result": f"{at}/result",
                "pages": f"{at}/pages",
                "events": f"{at}/events",
                "document": None if job.document is None else f"/v1/documents/{job.document}",
            },
        }
    )
