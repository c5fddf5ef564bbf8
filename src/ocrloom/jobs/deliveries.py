"""Calls of webhooks as statements: what is to be sent, and how it went. For both databases."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocrloom.library.storage.base import Store
    from ocrloom.library.storage.records import Row

__all__ = ["Attempt", "Delivery", "Share", "claim", "listed", "noted", "waiting"]

_LEASE: Final = 60.0  # seconds for which a call belongs to a server that says nothing
_MINE: Final = "FROM deliveries o WHERE o.worker = ? AND o.lease >= ? GROUP BY"
# Row by row for the job, and once for the rest: few calls are made, and many may be due.
_DUE: Final = (
    "due <= ? AND NOT EXISTS (SELECT 1 FROM deliveries o WHERE o.job = d.job AND o.lease >= ?)"
    f" AND d.owner NOT IN (SELECT o.owner {_MINE} o.owner HAVING count(*) >= ?)"
    " AND (d.owner, d.target) NOT IN"
    f" (SELECT o.owner, o.target {_MINE} o.owner, o.target HAVING count(*) >= ?)"
)
_COLUMNS: Final = (
    "d.id, d.job, d.event, e.kind, e.time, e.page, d.attempts, d.due, d.delivered, d.log"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A call that was made."""

    time: float
    """When, in seconds since 1970."""
    status: int | None
    """Of the answer; None without one."""
    error: str | None
    """Code of the reason why there was none."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Somebody to be told of an event. Times are seconds since 1970, in UTC."""

    id: str
    """Of the event, for those who are told of it: they may be told twice."""
    job: str
    event: int
    """Its number."""
    kind: str
    time: float
    page: int | None
    attempts: int
    due: float | None
    """When to try next; None where that is not to be."""
    delivered: float | None
    """When it was taken."""
    log: tuple[Attempt, ...]
    """The calls that were made so far."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many calls of a server's one may have at a time, so that others have some too."""

    owner: int
    """Of one owner's jobs."""
    target: int
    """Of these, to one host and port."""


def waiting(store: Store, worker: str, share: Share) -> bool:
    """Whether `claim` has a call; as a look only, which keeps nobody from writing."""
    values = _values(worker, share)
    return bool(store.run(f"SELECT 1 FROM deliveries d WHERE {_DUE} LIMIT 1", values))


def claim(store: Store, worker: str, share: Share) -> tuple[Delivery, Mapping[str, Any]] | None:
    """Takes the call that has been due for longest; None where none is.

    Of each job one is made at a time, and of one owner and one address few, so that addresses that
    do not answer hold few others up.

    Args:
        store: The database.
        worker: The server that is to make it.
        share: What of this server's calls one may have.

    Returns:
        It, and the webhook of its job.
    """
    now = time.time()
    with store.brief():
        found = store.run(
            f"SELECT id FROM deliveries d WHERE {_DUE} ORDER BY due LIMIT 1{store.skipping}",
            _values(worker, share),
        )
        if not found:
            return None
        store.run(
            "UPDATE deliveries SET worker = ?, lease = ?, attempts = attempts + 1 WHERE id = ?",
            [worker, now + _LEASE, found[0][0]],
        )
        row = store.run(
            f"SELECT {_COLUMNS}, j.webhook FROM deliveries d"
            " JOIN job_events e ON e.job = d.job AND e.number = d.event"
            " JOIN jobs j ON j.id = d.job WHERE d.id = ?",
            [found[0][0]],
        )[0]
    return _delivery(row[:-1]), json.loads(row[-1])


def _values(worker: str, share: Share) -> list[object]:
    """Those of `_DUE`, at this moment."""
    now = time.time()
    return [now, now, worker, now, share.owner, worker, now, share.target]


def noted(
    store: Store, delivery: Delivery, worker: str, attempt: Attempt, again: float | None
) -> None:
    """Notes how a call went; nothing where its job was forgotten in the meantime.

    Args:
        store: The database.
        delivery: As it was claimed.
        worker: The server that has claimed it.
        attempt: How it went.
        again: When to try again; None where it was taken, or is given up.
    """
    taken = attempt.time if attempt.error is None and again is None else None
    log = [*map(_plain, delivery.log), _plain(attempt)]
    with store.brief():
        store.run(
            "UPDATE deliveries SET due = ?, delivered = ?, log = ?, worker = NULL, lease = NULL"
            " WHERE id = ? AND worker = ?",
            [again, taken, json.dumps(log), delivery.id, worker],
        )


def listed(store: Store, job: str, after: int, limit: int) -> list[Delivery]:
    """The calls of a job after the one for the event of a number, in their order."""
    rows = store.run(
        f"SELECT {_COLUMNS} FROM deliveries d"
        " JOIN job_events e ON e.job = d.job AND e.number = d.event"
        " WHERE d.job = ? AND d.event > ? ORDER BY d.event LIMIT ?",
        [job, after, limit],
    )
    return [_delivery(row) for row in rows]


def _delivery(row: Row) -> Delivery:
    number, job, event, kind, when, page, attempts, due, delivered, log = row
    return Delivery(
        id=number,
        job=job,
        event=event,
        kind=kind,
        time=when,
        page=page,
        attempts=attempts,
        due=due,
        delivered=delivered,
        log=tuple(Attempt(**each) for each in json.loads(log)),
    )


def _plain(attempt: Attempt) -> dict[str, Any]:
    return {name: getattr(attempt, name) for name in Attempt.__slots__}
