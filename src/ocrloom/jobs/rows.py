"""Jobs, their pages and their events of the rows that both databases keep."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocrloom.formats.json_ import encode, page_document, parse_page
from ocrloom.jobs.records import Event, Job, Status, StoredPage
from ocrloom.result import Page, PageFailure

if TYPE_CHECKING:
    from ocrloom.library.storage.records import Row

__all__ = [
    "COLUMNS",
    "EXPIRED",
    "PageText",
    "content_of",
    "event_of",
    "job_of",
    "page_of",
    "text_of",
    "written",
]

COLUMNS: Final = (
    "place, id, owner, status, name, created, started, finished, size, digest, media, upload, url,"
    " max_size, options, store, webhook, idempotency, fingerprint, pages, pages_done, pages_failed,"
    " document, error, attempts, worker, canceling, last_event"
)
"""Of a job, named as the fields of `Job`."""
EXPIRED: Final = "expired"
"""Status of rows that only say that there was a job."""

_NAMES: Final = COLUMNS.split(", ")


def job_of(row: Row) -> Job:
    """The job of a row with `COLUMNS`."""
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    for name in ("options", "webhook", "error"):
        values[name] = None if values[name] is None else json.loads(values[name])
    values["status"] = Status(values["status"])
    values["store"] = bool(values["store"])
    values["canceling"] = bool(values["canceling"])
    return Job(**values)


def written(value: object) -> str | None:
    """What is to be kept as JSON; None stays None."""
    return None if value is None else json.dumps(value)


def content_of(outcome: Page | PageFailure) -> bytes:
    """What is kept of a page."""
    if isinstance(outcome, Page):
        text = encode(page_document(outcome))
    else:
        text = json.dumps([outcome.kind, outcome.message])
    # The fastest: the text of a page shrinks to a sixth all the same.
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def page_of(row: Row) -> StoredPage:
    """The page of a row with its number, its place, whether it failed, and its content."""
    number, place, failed, content = row
    document = json.loads(zlib.decompress(bytes(content)).decode("utf-8", "surrogatepass"))
    if failed:
        kind, message = document
        failure = PageFailure(number=number, kind=kind, message=message)
        return StoredPage(number=number, place=place, failure=failure)
    return StoredPage(number=number, place=place, page=parse_page(document))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A page as JSON, which need not be taken apart to be passed on."""

    number: int
    """Place in the source, from 1."""
    place: int
    """Number of the event that told of it: ascends in the order of finishing."""
    page: str
    """The page, as one of ``pages`` in the format json; ``null`` where it could not be read."""
    failure: str
    """Why it could not be: ``number``, ``kind`` and ``message``; ``null`` where it could."""

    @property
    def item(self) -> str:
        """All but the place."""
        return f'{{"number":{self.number},"page":{self.page},"failure":{self.failure}}}'


def text_of(row: Row) -> PageText:
    """The same of a row as it is for `page_of`, as text."""
    number, place, failed, content = row
    text = zlib.decompress(bytes(content)).decode("utf-8", "surrogatepass")
    if failed:
        kind, message = json.loads(text)
        failure = json.dumps({"number": number, "kind": kind, "message": message})
        return PageText(number=number, place=place, page="null", failure=failure)
    return PageText(number=number, place=place, page=text, failure="null")


def event_of(row: Row) -> Event:
    """The event of a row with its number, its kind, its time and its page."""
    number, kind, time, page = row
    return Event(number=number, kind=kind, time=time, page=page)
