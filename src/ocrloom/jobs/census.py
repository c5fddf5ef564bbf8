"""How many jobs there are, for those who operate a server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ocrloom.jobs.records import Status
from ocrloom.jobs.rows import EXPIRED

if TYPE_CHECKING:
    from ocrloom.library.storage.base import Store

__all__ = ["counts", "oldest"]


def counts(store: Store) -> dict[Status, int]:
    """Jobs of all servers by status; a status that no job has is left out."""
    rows = store.run(
        "SELECT status, count(*) FROM jobs WHERE status <> ? GROUP BY status", [EXPIRED]
    )
    return {Status(status): count for status, count in rows}


def oldest(store: Store) -> float | None:
    """Seconds since the first job came that waits; None where none does."""
    rows = store.run("SELECT created FROM jobs WHERE status = 'queued' ORDER BY place LIMIT 1")
    return max(0.0, time.time() - rows[0][0]) if rows else None
