"""What is known of a job. Plain immutable data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocrloom.result import Page, PageFailure

__all__ = ["Event", "Job", "NewJob", "Status", "StoredPage"]


class Status(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    """It waits for a server."""
    RUNNING = "running"
    """A server reads it."""
    SUCCEEDED = "succeeded"
    """All its pages were read."""
    PARTIAL = "partial"
    """Some of its pages were read, and some could not be."""
    FAILED = "failed"
    """None of its pages could be read."""
    CANCELED = "canceled"
    """It was ended before all its pages were read."""

    @property
    def ended(self) -> bool:
        """Whether nothing of it is read any more."""
        return self not in (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What was asked for."""

    owner: str
    """Whose it is; empty for callers without a key."""
    name: str
    """What to call it for people: the name of the file that was sent. Never a path."""
    size: int
    """Bytes that were sent; 0 where they are still to be fetched."""
    digest: str
    """SHA-256 of them, 64 hexadecimal digits; empty where they are still to be fetched."""
    media: str
    """The media type that the caller gave, which nothing relies on."""
    upload: str | None
    """Name of the file in the spool; None where it is still to be fetched."""
    url: str | None = None
    """Where it is to be fetched from."""
    max_size: int | None = None
    """Bytes that it may have where it is still to be fetched; None for as many as the service
    allows everybody."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """As `ocrloom.wire.options_document` gives them."""
    store: bool = True
    """Whether what was read becomes a document of the library."""
    webhook: Mapping[str, Any] | None = None
    """Whom to tell of it: ``url``, ``events``, ``secret``, ``headers``."""
    idempotency: str | None = None
    """The caller's own name of this request, so that sending it twice makes one job."""
    fingerprint: str = ""
    """Tells requests of one such name apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(NewJob):
    """What was asked for, and what became of it. Times are seconds since 1970, in UTC."""

    id: str
    """Which nobody can guess: 26 characters."""
    place: int
    """In the order in which jobs came."""
    status: Status
    created: float
    started: float | None = None
    finished: float | None = None
    pages: int | None = None
    """How many are to be read; None before the source was opened."""
    pages_done: int = 0
    """How many are finished, failed ones included."""
    pages_failed: int = 0
    document: int | None = None
    """Number of the library's document, once it is stored."""
    error: Mapping[str, str] | None = None
    """Why nothing could be read: ``code`` and ``detail``."""
    attempts: int = 0
    """How often a server began with it: more than 1 where servers were killed."""
    worker: str | None = None
    """The server that reads it."""
    canceling: bool = False
    """Whether it is to end early."""
    last_event: int = 0
    """Number of its newest event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a job."""

    number: int
    """From 1, without gaps."""
    kind: str
    """``queued``, ``started``, ``requeued``, ``page``, ``page_failed``, ``canceling`` or a status
    that is an end."""
    time: float
    page: int | None = None
    """Number of the page that it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """A page of a job that is finished: read, or found to be unreadable."""

    number: int
    """Place in the source, from 1."""
    place: int
    """Number of the event that told of it: ascends in the order of finishing."""
    page: Page | None = None
    failure: PageFailure | None = None
