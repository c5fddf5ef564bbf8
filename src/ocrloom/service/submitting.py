"""What both ways to send a file share: the file becomes a job."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import (
    OcrIdempotencyMismatch,
    OcrRequestError,
    OcrServiceBusy,
    OcrServiceUnavailable,
)
from ocrloom.jobs.records import NewJob, Status
from ocrloom.service.logs import job_id
from ocrloom.service.models import JobDocument, job_document
from ocrloom.service.uploads import most_of, receive
from ocrloom.wire import options_schema

if TYPE_CHECKING:
    from fastapi import Request, Response

    from ocrloom.jobs.records import Job
    from ocrloom.service.keys import Caller
    from ocrloom.service.state import Service

__all__ = ["BODY", "document", "patience", "point_to", "submit"]

_KEY: Final = re.compile(r"[!-~]{1,255}")
_WAIT: Final = re.compile(r"\bwait\s*=\s*\"?(\d{1,6})\b")

_PARTS: Final = {
    "options": options_schema(),
    "store": {"type": "boolean", "description": "Whether it becomes a document of the library."},
    "webhook": {
        "type": "object",
        "description": "Whom to tell of it, where the service allows that.",
        "required": ["url", "secret"],
        "properties": {
            "url": {"type": "string", "format": "uri"},
            "events": {"type": "array", "items": {"type": "string"}},
            "secret": {"type": "string", "format": "password"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    },
}
# A PNG without a letter, of 16 by 16 pixels.
_SCAN: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQAQAAAAA3iMLMAAAAD0lEQVR42mP8z8DEQAICADIBAR/gNlhXAAAAAElF"
    "TkSuQmCC"
)
_FILE: Final = {"type": "string", "format": "binary"}

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": _FILE, **_PARTS},
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "url": {"type": "string", "format": "uri"},
                        "data": {"type": "string", "contentEncoding": "base64"},
                        "name": {"type": "string"},
                        **_PARTS,
                    },
                    "oneOf": [{"required": ["url"]}, {"required": ["data"]}],
                },
                "example": {"data": _SCAN, "name": "scan.png", "store": False},
            },
            "application/octet-stream": {"schema": _FILE},
            "application/pdf": {"schema": _FILE},
            "image/*": {"schema": _FILE},
        },
    }
}
"""What is sent, for OpenAPI; it is taken apart while it comes, see ``uploads.py``."""


async def submit(request: Request, caller: Caller, service: Service) -> Job:
    """Takes a file and has it wait for its turn.

    Raises:
        OcrServiceUnavailable: The service is ending.
        OcrServiceBusy: There is no room in the queue.
        OcrException: What was sent cannot be taken.
    """
    if service.runner.draining:
        raise OcrServiceUnavailable("the service is ending; send it again in some seconds")
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise OcrRequestError(
            "Idempotency-Key must be 1 to 255 visible characters of ASCII; a UUID is one"
        )
    settings = service.settings
    room = settings.max_queued, caller.max_queued or settings.max_jobs_per_key
    if key is None:
        # Before anything is sent; what comes again may be in the queue already.
        await service.jobs.check_room(caller.owner, room)
    sent = await receive(request, caller, service)
    service.metrics.uploaded(sent.size)
    new = NewJob(
        owner=caller.owner,
        name=sent.name,
        size=sent.size,
        digest=sent.digest,
        media=sent.media,
        upload=sent.upload,
        url=sent.url,
        max_size=most_of(caller, service),
        options=sent.options,
        store=settings.store if sent.store is None else sent.store,
        webhook=sent.webhook,
        idempotency=key,
        fingerprint=sent.fingerprint,
    )
    try:
        job, fresh = await service.jobs.submit(new, room)
    except (OcrIdempotencyMismatch, OcrServiceBusy):
        fresh = False
        raise
    except BaseException:
        # It may be a job by now; if not, its file is a stray one, which are removed by and by.
        fresh = True
        raise
    finally:
        if not fresh:
            await asyncio.to_thread(service.spool.remove, [sent.upload])
    job_id.set(job.id)
    return job


def patience(request: Request, wait: float | None, service: Service, usual: float) -> float:
    """Seconds that a request may wait for a job: what it says, within what is allowed."""
    preferred = request.headers.get("prefer", "").lower()
    if wait is None and (found := _WAIT.search(preferred)):
        wait = float(found[1])
    if wait is None:
        wait = 0.0 if "respond-async" in preferred else usual
    return min(wait, service.settings.max_wait)


async def document(job: Job, service: Service) -> JobDocument:
    """What is said of a job."""
    return job_document(
        job,
        kept=service.settings.retention_hours * 3600,
        position=await service.jobs.position(job) if job.status is Status.QUEUED else None,
        progress=service.bell.progress(job.id),
    )


def point_to(job: Job, request: Request, response: Response) -> None:
    """Has an answer say where the job is, in the ways in which clients look for it."""
    at = f"/v1/jobs/{job.id}"
    response.headers["Location"] = at
    response.headers["Operation-Location"] = f"{str(request.base_url).rstrip('/')}{at}"
    if not job.status.ended:
        response.headers["Retry-After"] = "1"
