"""Takes from the disk what has been removed from a library in SQLite.

With ``secure_delete`` SQLite overwrites rows that go. Three places may still hold words of them:
parts of the full-text index, where what is removed is only noted as such until the parts are
merged; the room between rows, where SQLite leaves copies of rows that it has moved to another page;
and the log of the last changes. Only writing the whole file anew is sure to clear the second.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ocrloom.library.storage.sqlite import SqliteStore

__all__ = ["empty_log", "is_small", "merge_index"]

_PAGES: Final = 1000  # of the index that are merged at a time; each has 4 KB
_SMALL: Final = 256 * 1024**2  # bytes of a file that is written anew in a few seconds
_PATIENCE: Final = 1.0  # seconds in which readers may let go of the log
_PAUSE: Final = 0.01  # seconds between two attempts


def merge_index(store: SqliteStore) -> None:
    """Merges the parts of the index into one, which leaves out what belongs to no page.

    FTS5 has an option to do so at once, but a file that has used it cannot be read any more by
    versions of SQLite before 3.42.
    """
    # By and by, so that others may write in between; a negative number begins with all parts.
    pages = -_PAGES
    while True:
        with store.transaction():
            before = _changes(store)
            store.run("INSERT INTO words (words, rank) VALUES ('merge', ?)", [pages])
            # The statement itself counts as a change.
            if _changes(store) - before < 2:
                return
        pages = _PAGES


def _changes(store: SqliteStore) -> int:
    return int(store.run("SELECT total_changes()")[0][0])


def is_small(store: SqliteStore) -> bool:
    """Whether writing the whole file anew holds other writers up for no more than seconds."""
    (pages,), (size,) = (store.run(f"PRAGMA {name}")[0] for name in ("page_count", "page_size"))
    return bool(pages * size <= _SMALL)


def empty_log(store: SqliteStore) -> bool:
    """Takes all that was committed into the database, and says whether nobody kept it from that."""
    ends = time.monotonic() + _PATIENCE
    while store.run("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]:
        if time.monotonic() > ends:
            return False
        time.sleep(_PAUSE)
    return True
