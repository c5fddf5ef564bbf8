"""The queue as statements: what callers do with jobs of theirs. The same for both databases."""

from __future__ import annotations

import base64
import secrets
import time
from typing import TYPE_CHECKING, Final

from ocrloom.errors import (
    OcrIdempotencyMismatch,
    OcrJobEnded,
    OcrJobExpired,
    OcrJobNotFound,
    OcrServiceBusy,
)
from ocrloom.jobs.queue import read_job, tell
from ocrloom.jobs.records import Status
from ocrloom.jobs.rows import COLUMNS, EXPIRED, event_of, job_of, page_of, text_of, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.jobs.records import Event, Job, NewJob
    from ocrloom.jobs.rows import PageText
    from ocrloom.library.storage.base import Store
    from ocrloom.library.storage.records import Row
    from ocrloom.result import Page

__all__ = [
    "Room",
    "beyond",
    "cancel",
    "check_room",
    "events",
    "expire",
    "find",
    "forget",
    "is_to_be_scrubbed",
    "latest",
    "listed",
    "named",
    "page",
    "page_text",
    "page_texts",
    "position",
    "raw_pages",
    "submit",
]

_MANY: Final = 200  # rows in one statement
_BUSY: Final = 5.0  # seconds after which a full queue may have room

Room = tuple[int, int | None]
"""How many jobs may wait, of all callers; and may wait or be read, of one."""


def submit(store: Store, new: NewJob, room: Room) -> tuple[Job, bool]:
    """Has a job wait for a server.

    Args:
        store: The database.
        new: What is asked for.
        room: How many may wait.

    Returns:
        The job, and whether it is new: a request that was sent twice makes one.

    Raises:
        OcrIdempotencyMismatch: Its key came with another request before.
        OcrServiceBusy: There is no room in the queue.
    """
    with store.brief():
        if (known := _known(store, new)) is not None:
            return known, False
        check_room(store, new.owner, room)
        # 128 bits, so that nobody guesses one.
        job = base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
        values = {
            "id": job,
            "owner": new.owner,
            "status": Status.QUEUED.value,
            "name": new.name,
            "created": time.time(),
            "size": new.size,
            "digest": new.digest,
            "media": new.media,
            "upload": new.upload,
            "url": new.url,
            "max_size": new.max_size,
            "options": written(dict(new.options)),
            "store": int(new.store),
            "webhook": written(None if new.webhook is None else dict(new.webhook)),
            "idempotency": new.idempotency,
            "fingerprint": new.fingerprint,
        }
        made = store.run(
            f"INSERT INTO jobs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
            " ON CONFLICT (owner, idempotency) DO NOTHING RETURNING id",
            list(values.values()),
        )
        if made:
            tell(store, job, Status.QUEUED.value)
            return read_job(store, job), True
    # The same request came over another connection at the same moment.
    with store.brief():
        if (known := _known(store, new)) is None:
            raise OcrServiceBusy("the same request is being worked on; try again")
        return known, False


def _known(store: Store, new: NewJob) -> Job | None:
    if new.idempotency is None:
        return None
    found = store.run(
        f"SELECT {COLUMNS} FROM jobs WHERE owner = ? AND idempotency = ? AND status <> ?",
        [new.owner, new.idempotency, EXPIRED],
    )
    if not found:
        return None
    job = job_of(found[0])
    if job.fingerprint != new.fingerprint:
        raise OcrIdempotencyMismatch(
            "this Idempotency-Key came with another request before; give each request one of its"
            " own, and the same only to what is sent again unchanged"
        )
    return job


def check_room(store: Store, owner: str, room: Room) -> None:
    """Looks whether a further job of an owner may wait.

    Raises:
        OcrServiceBusy: There is no room in the queue.
    """
    all_of_them, of_one = room
    waiting = store.run("SELECT count(*) FROM jobs WHERE status = 'queued'")[0][0]
    if waiting >= all_of_them:
        raise _busy(f"the queue is full: {waiting} jobs")
    if of_one is not None:
        own = store.run(
            "SELECT count(*) FROM jobs WHERE owner = ? AND status IN ('queued', 'running')", [owner]
        )[0][0]
        if own >= of_one:
            raise _busy(f"this key has as many jobs under way as it may: {own}")


def _busy(reason: str) -> OcrServiceBusy:
    error = OcrServiceBusy(f"{reason}; try again when some are done")
    error.retry_after = _BUSY
    return error


def find(store: Store, job: str, owner: str) -> Job:
    """A job of an owner.

    Raises:
        OcrJobNotFound: There is none, or it is somebody else's.
        OcrJobExpired: There was one.
    """
    # PostgreSQL takes no NUL, and no id of ours has any but these characters.
    found = (
        store.run(f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND owner = ?", [job, owner])
        if job.isascii() and job.isalnum()
        else []
    )
    if not found:
        raise OcrJobNotFound("there is no such job; the answer to its request has its id")
    if found[0][3] == EXPIRED:
        raise OcrJobExpired(
            "the job was done longer ago than the service keeps what it read; send it again"
        )
    return job_of(found[0])


def listed(
    store: Store, owner: str, *, status: Status | None, before: int | None, limit: int
) -> list[Job]:
    """The jobs of an owner, the newest first.

    Args:
        store: The database.
        owner: Whose.
        status: Only those.
        before: Only those that came before the one of this place.
        limit: No more than this.
    """
    conditions = ["owner = ?", "status <> ?"]
    values: list[object] = [owner, EXPIRED]
    if status is not None:
        conditions.append("status = ?")
        values.append(status.value)
    if before is not None:
        conditions.append("place < ?")
        values.append(before)
    rows = store.run(
        f"SELECT {COLUMNS} FROM jobs WHERE {' AND '.join(conditions)} ORDER BY place DESC LIMIT ?",
        [*values, limit],
    )
    return [job_of(row) for row in rows]


def position(store: Store, job: Job) -> int | None:
    """Which one of those that wait it is, from 1, by the time at which they came."""
    if job.status is not Status.QUEUED:
        return None
    before = store.run(
        "SELECT count(*) FROM jobs WHERE status = 'queued' AND place < ?", [job.place]
    )
    return int(before[0][0]) + 1


def cancel(store: Store, job: str, owner: str) -> Job:
    """Has a job end early: at once where it waits, and soon where it is read.

    Raises:
        OcrJobEnded: It is done.
    """
    with store.brief():
        before = find(store, job, owner)
        # Both at once: between two statements its server might give it back, or begin with it.
        asked = store.run(
            "UPDATE jobs SET canceling = 1 WHERE id = ? AND status IN ('queued', 'running')"
            " RETURNING status",
            [job],
        )
        if not asked:
            raise OcrJobEnded(
                f"the job is {find(store, job, owner).status.value} already; to have what was read"
                " of it forgotten, delete it with purge=1"
            )
        if asked[0][0] == Status.QUEUED.value:
            store.run(
                "UPDATE jobs SET status = ?, finished = ?, canceling = 0 WHERE id = ?",
                [Status.CANCELED.value, time.time(), job],
            )
            tell(store, job, Status.CANCELED.value)
        elif not before.canceling:
            tell(store, job, "canceling")
        return find(store, job, owner)


def forget(store: Store, job: str, owner: str) -> str | None:
    """Forgets a job that is done, and all of it.

    Returns:
        The name of its file in the spool, which is for the caller to remove.
    """
    with store.brief():
        upload = find(store, job, owner).upload
        store.run("DELETE FROM jobs WHERE id = ?", [job])
        store.note_removal()
    return upload


def expire(store: Store, *, until: float, tombs: float, limit: int = _MANY) -> list[str | None]:
    """Forgets what was read of jobs that were done until a time, and keeps that they were there.

    Args:
        store: The database.
        until: The time.
        tombs: Of jobs that were done before this time nothing is kept.
        limit: No more than this.

    Returns:
        For each job the name of its file in the spool.
    """
    with store.brief():
        store.run("DELETE FROM jobs WHERE status = ? AND finished < ?", [EXPIRED, tombs])
        rows = store.run(
            "SELECT id, upload FROM jobs WHERE finished <= ? AND status <> ?"
            f" ORDER BY finished LIMIT ?{store.skipping}",
            [until, EXPIRED, limit],
        )
        for job, _ in rows:
            for table in ("job_pages", "job_events", "deliveries"):
                store.run(f"DELETE FROM {table} WHERE job = ?", [job])
            store.run(
                "UPDATE jobs SET status = ?, name = '', digest = '', media = '', upload = NULL,"
                " url = NULL, options = '{}', webhook = NULL, idempotency = NULL,"
                " fingerprint = '', error = NULL WHERE id = ?",
                [EXPIRED, job],
            )
        if rows:
            store.note_removal()
    return [upload for _, upload in rows]


def beyond(store: Store, limit: int) -> float | None:
    """The time until which jobs have to go for the files of the others to fit; None if all do.

    Args:
        store: The database.
        limit: Bytes that files of jobs that are done may take.
    """
    found = store.run(
        "SELECT max(finished) FROM (SELECT finished,"
        " sum(size) OVER (ORDER BY finished DESC, place DESC) AS taken"
        " FROM jobs WHERE finished IS NOT NULL AND upload IS NOT NULL) AS ended WHERE taken > ?",
        [limit],
    )
    return None if found[0][0] is None else float(found[0][0])


def page_texts(store: Store, job: str, after: int, limit: int) -> list[PageText]:
    """Pages that are finished, as JSON, in the order in which that happened.

    Args:
        store: The database.
        job: Its id, which `find` has let through.
        after: Only those after the one of this place.
        limit: No more than this.
    """
    return [text_of(row) for row in raw_pages(store, job, after, limit)]


def raw_pages(store: Store, job: str, after: int, limit: int) -> list[Row]:
    """The same as `rows.page_of` takes them; places are their second values."""
    return store.run(
        "SELECT number, place, failed, content FROM job_pages WHERE job = ? AND place > ?"
        " ORDER BY place LIMIT ?",
        [job, after, limit],
    )


def page(store: Store, job: str, number: int) -> Page | None:
    """A page that was read, by its number in the source; None if it was not, or failed."""
    found = _page(store, job, number)
    return page_of(found[0]).page if found else None


def page_text(store: Store, job: str, number: int) -> PageText | None:
    """A page that is finished, as JSON, by its number in the source."""
    found = _page(store, job, number)
    return text_of(found[0]) if found else None


def _page(store: Store, job: str, number: int) -> list[Row]:
    return store.run(
        "SELECT number, place, failed, content FROM job_pages WHERE job = ? AND number = ?",
        [job, number],
    )


def events(store: Store, job: str, after: int, limit: int) -> list[Event]:
    """Events after the one of a number, in their order."""
    rows = store.run(
        "SELECT number, kind, time, page FROM job_events WHERE job = ? AND number > ?"
        " ORDER BY number LIMIT ?",
        [job, after, limit],
    )
    return [event_of(row) for row in rows]


def latest(store: Store, jobs: Sequence[str]) -> dict[str, int]:
    """The numbers of the newest events of jobs; those that are gone are left out."""
    found: dict[str, int] = {}
    for start in range(0, len(jobs), _MANY):
        some = jobs[start : start + _MANY]
        marks = ", ".join("?" * len(some))
        found.update(store.run(f"SELECT id, last_event FROM jobs WHERE id IN ({marks})", some))
    return found


def named(store: Store, uploads: Sequence[str]) -> set[str]:
    """Which of the files in the spool belong to a job."""
    found: set[str] = set()
    for start in range(0, len(uploads), _MANY):
        some = uploads[start : start + _MANY]
        marks = ", ".join("?" * len(some))
        found.update(
            row[0] for row in store.run(f"SELECT upload FROM jobs WHERE upload IN ({marks})", some)
        )
    return found


def is_to_be_scrubbed(store: Store) -> bool:
    """Whether something was removed that may have left something on the disk."""
    return bool(store.run("SELECT 1 FROM removals WHERE number > scrubbed"))
