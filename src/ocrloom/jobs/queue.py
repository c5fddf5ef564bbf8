"""The queue as statements: what servers do with jobs. The same for both databases.

A job belongs to the server that claimed it until its lease has passed. Whatever a server writes of
a job it writes only while that is so: one that was thought dead and is not can spoil nothing.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ocrloom.jobs.records import Status
from ocrloom.jobs.rows import COLUMNS, content_of, job_of, written
from ocrloom.result import Page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocrloom.jobs.records import Job
    from ocrloom.library.storage.base import Store
    from ocrloom.result import PageFailure

__all__ = [
    "LEASE",
    "ask",
    "canceling",
    "claim",
    "end",
    "fetched",
    "give_back",
    "opened",
    "page_done",
    "read_job",
    "recover",
    "release",
    "renew",
    "tell",
]

LEASE: Final = 30.0
"""Seconds for which a job belongs to a server that says nothing."""

_FRUITLESS: Final = 30  # attempts without a finished page, after which a job is given up
_TRIES: Final = 3  # such attempts after which others go first: it may be what kills the servers


def tell(store: Store, job: str, kind: str, page: int | None = None) -> int:
    """Notes an event, and that webhooks are to be called if they want it; within a transaction.

    Returns:
        Its number.
    """
    number, webhook, owner = store.run(
        "UPDATE jobs SET last_event = last_event + 1 WHERE id = ?"
        " RETURNING last_event, webhook, owner",
        [job],
    )[0]
    store.run(
        "INSERT INTO job_events (job, number, kind, time, page) VALUES (?, ?, ?, ?, ?)",
        [job, number, kind, time.time(), page],
    )
    if webhook is not None and kind in ask(webhook):
        # Whatever the path: a server that is silent is so for all of them.
        target = urlsplit(json.loads(webhook)["url"]).netloc.lower()
        store.run(
            "INSERT INTO deliveries (id, job, event, owner, target, due) VALUES (?, ?, ?, ?, ?, ?)",
            [f"evt_{secrets.token_hex(16)}", job, number, owner, target, time.time()],
        )
    return int(number)


def ask(webhook: str) -> Sequence[str]:
    """The events that a webhook is to be told of."""
    wanted: Sequence[str] = json.loads(webhook)["events"]
    return wanted


def claim(store: Store, worker: str) -> Job | None:
    """Takes the next job; None where none waits.

    Who has fewer jobs running goes first, then who came first.
    """
    with store.brief():
        found = store.run(
            "SELECT j.id FROM jobs j WHERE j.status = 'queued' ORDER BY"
            f" CASE WHEN j.fruitless < {_TRIES} THEN 0 ELSE j.fruitless END,"
            " (SELECT count(*) FROM jobs r WHERE r.status = 'running' AND r.owner = j.owner),"
            f" j.place LIMIT 1{store.skipping}"
        )
        if not found:
            return None
        now = time.time()
        store.run(
            "UPDATE jobs SET status = 'running', worker = ?, lease = ?, attempts = attempts + 1,"
            " fruitless = fruitless + 1, started = coalesce(started, ?) WHERE id = ?",
            [worker, now + LEASE, now, found[0][0]],
        )
        tell(store, found[0][0], "started")
        return read_job(store, found[0][0])


def read_job(store: Store, job: str) -> Job:
    """A job that is known to be there."""
    return job_of(store.run(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", [job])[0])


def renew(store: Store, worker: str) -> set[str]:
    """Keeps the server's jobs.

    Returns:
        Those that are still its own.
    """
    with store.brief():
        rows = store.run(
            "UPDATE jobs SET lease = ? WHERE worker = ? AND status = 'running' RETURNING id",
            [time.time() + LEASE, worker],
        )
    return {row[0] for row in rows}


def fetched(store: Store, job: str, worker: str, upload: str, size: int, digest: str) -> bool:
    """Notes what was fetched from a job's address.

    Returns:
        Whether the job is still the server's; nothing was noted otherwise. So for the others.
    """
    with store.brief():
        return bool(
            store.run(
                "UPDATE jobs SET upload = ?, size = ?, digest = ?"
                " WHERE id = ? AND worker = ? AND status = 'running' RETURNING id",
                [upload, size, digest, job, worker],
            )
        )


def opened(store: Store, job: str, worker: str, pages: int) -> bool:
    """Notes how many pages are to be read."""
    with store.brief():
        return bool(
            store.run(
                "UPDATE jobs SET pages = ? WHERE id = ? AND worker = ? AND status = 'running'"
                " RETURNING id",
                [pages, job, worker],
            )
        )


def page_done(store: Store, job: str, worker: str, outcome: Page | PageFailure) -> bool:
    """Keeps a page that is finished, once."""
    failed = not isinstance(outcome, Page)
    with store.brief():
        if not store.run(
            "SELECT 1 FROM jobs WHERE id = ? AND worker = ? AND status = 'running'", [job, worker]
        ):
            return False
        found = store.run(
            "SELECT failed FROM job_pages WHERE job = ? AND number = ?", [job, outcome.number]
        )
        before = bool(found[0][0]) if found else None
        # What was read in an earlier attempt comes by once more; what failed was tried again.
        if before is None or before > failed:
            _put(store, job, outcome, before)
            tell(store, job, "page_failed" if failed else "page", outcome.number)
        return True


def _put(store: Store, job: str, outcome: Page | PageFailure, before: bool | None) -> None:
    """Keeps a page that is new, or read at last, as the newest."""
    failed = not isinstance(outcome, Page)
    store.run("DELETE FROM job_pages WHERE job = ? AND number = ?", [job, outcome.number])
    store.run(
        # Its place is the number of the event that tells of it.
        "INSERT INTO job_pages (job, number, place, failed, content)"
        " SELECT id, ?, last_event + 1, ?, ? FROM jobs WHERE id = ?",
        [outcome.number, int(failed), content_of(outcome), job],
    )
    store.run(
        "UPDATE jobs SET fruitless = 0, pages_done = pages_done + ?,"
        " pages_failed = pages_failed + ? WHERE id = ?",
        [int(before is None), int(failed) - int(before or 0), job],
    )


def end(
    store: Store,
    job: str,
    worker: str,
    status: Status,
    *,
    error: Mapping[str, str] | None = None,
    document: int | None = None,
) -> bool:
    """Ends a job."""
    with store.brief():
        mine = store.run(
            "SELECT 1 FROM jobs WHERE id = ? AND worker = ? AND status = 'running'", [job, worker]
        )
        if mine:
            _end(store, job, status, error, document)
        return bool(mine)


def _end(
    store: Store,
    job: str,
    status: Status,
    error: Mapping[str, str] | None = None,
    document: int | None = None,
) -> None:
    store.run(
        "UPDATE jobs SET status = ?, finished = ?, error = ?, document = ?, worker = NULL,"
        " lease = NULL, canceling = 0 WHERE id = ?",
        [status.value, time.time(), written(error), document, job],
    )
    tell(store, job, status.value)


def release(store: Store, worker: str) -> list[str]:
    """Gives back what a server that ends in good order has not finished.

    Returns:
        The jobs that wait again.
    """
    with store.brief():
        store.run(
            "UPDATE jobs SET fruitless = fruitless - 1 WHERE worker = ? AND status = 'running'"
            " AND fruitless > 0",
            [worker],
        )
        return _requeue(store, "worker = ?", worker)


def give_back(store: Store, worker: str, job: str) -> list[str]:
    """Gives back one job that a server has let fall."""
    with store.brief():
        return _requeue(store, "worker = ? AND id = ?", worker, job)


def canceling(store: Store, worker: str) -> list[str]:
    """The jobs of a server that are to be cancelled."""
    rows = store.run(
        "SELECT id FROM jobs WHERE status = 'running' AND worker = ? AND canceling = 1", [worker]
    )
    return [row[0] for row in rows]


def recover(store: Store, worker: str, dead: Sequence[str]) -> list[str]:
    """Gives back what servers have not finished that were killed, or say nothing any more.

    Args:
        store: The database.
        worker: The server that looks: what it reads itself it knows better.
        dead: Servers that are known to have ended.

    Returns:
        The jobs that wait again.
    """
    with store.brief():
        found = _requeue(store, "lease < ? AND worker <> ?", time.time(), worker)
        for ended in dead:
            found += _requeue(store, "worker = ?", ended)
    return found


def _requeue(store: Store, condition: str, *values: object) -> list[str]:
    rows = store.run(
        "SELECT id, canceling, fruitless FROM jobs WHERE status = 'running'"
        f" AND {condition}{store.skipping}",
        values,
    )
    waiting = []
    for job, canceling, fruitless in rows:
        if canceling:
            _end(store, job, Status.CANCELED)
        elif fruitless >= _FRUITLESS:
            detail = f"the service ended {fruitless} times while it read this, without a page done"
            _end(store, job, Status.FAILED, {"code": "engine_error", "detail": detail})
        else:
            store.run(
                "UPDATE jobs SET status = 'queued', worker = NULL, lease = NULL WHERE id = ?",
                [job],
            )
            tell(store, job, "requeued")
            waiting.append(job)
    return waiting
