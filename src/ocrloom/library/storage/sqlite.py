"""A library in a file, by SQLite and its full-text index FTS5."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrLibraryDamaged,
    OcrLibraryError,
    OcrLibraryFull,
    OcrLibraryUnavailable,
)
from ocrloom.image.source import shown
from ocrloom.library.documents import Stats
from ocrloom.library.storage.base import Store
from ocrloom.library.storage.sqlite_ranking import rank, sign
from ocrloom.library.storage.sqlite_schema import APPLICATION, STEPS
from ocrloom.library.storage.sqlite_scrubbing import empty_log, is_small, merge_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ocrloom.library.query.tree import Node
    from ocrloom.library.storage.records import Row
    from ocrloom.library.storage.rows import NewPage, Ranked

__all__ = ["SqliteStore"]

_PATIENCE: Final = 600.0  # seconds to wait for another process that writes; a large document's time
_PAUSE: Final = 0.01  # seconds between two attempts to have a database that others are at
_CACHE: Final = {True: 64 * 1024, False: 8 * 1024}  # KiB that writers and readers keep in memory
# How a quota and a limit on files show, which SQLite does not tell from a broken disk.
_NO_ROOM: Final = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
_STRIDE: Final = 200_000  # steps of SQLite between two looks at whether to go on: some 10 ms
_LOG: Final = 64 * 1024**2  # bytes of it that are let be
_MAPPED: Final = 1024**3  # bytes of it that reading needs no copy of


class SqliteStore(Store):
    """A connection to a file. Readers never wait; writers wait for each other."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        """Opens the file, makes it if it is not there, and brings it up to date.

        Args:
            path: Absolute.
            writes: Whether it is to be written to.

        Raises:
            OcrLibraryError: It cannot be; each reason has its own class.
        """
        super().__init__()
        self._stopped = threading.Event()
        self._path = path
        self._name = shown(str(path))
        still = not writes and _is_still(path)
        try:
            self._database = sqlite3.connect(
                f"{path.as_uri()}?immutable=1" if still else path,
                uri=still,
                timeout=_PATIENCE,
                isolation_level=None,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._mapped(error) from error
        # Not SQLite's own interrupt, which misses what is only about to begin, and ends the giving
        # up of what was written too.
        self._database.set_progress_handler(self._stopped.is_set, _STRIDE)
        try:
            self._check_owner()
            self._set(f"cache_size = -{_CACHE[writes]}", f"mmap_size = {_MAPPED}")
            if still:
                self._check_version()
            else:
                self._prepare()
            if not writes:
                self._set("query_only = ON")
        except BaseException:
            self._database.close()
            raise

    def _set(self, *settings: str) -> None:
        for setting in settings:
            self.run(f"PRAGMA {setting}")

    def _prepare(self) -> None:
        # Readers see the last commit while a writer goes on.
        self._insist("PRAGMA journal_mode = WAL")
        self._set(
            "synchronous = NORMAL",  # a lost power supply may cost the last commits, never the rest
            "foreign_keys = ON",
            "wal_autocheckpoint = 0",  # see _shorten_log
            "secure_delete = ON",  # what is removed is overwritten
        )
        if self._version() != len(STEPS):
            self._migrate()

    def _insist(self, sql: str) -> None:
        """Runs a statement that others may keep from running, until it has run or is interrupted.

        SQLite by itself waits without an end to it, or not at all where several open a new file.
        """
        ends = time.monotonic() + _PATIENCE
        with self._without_waiting():
            while True:
                self._go_on()
                try:
                    self._database.execute(sql)
                except sqlite3.Error as error:
                    busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                    if not busy or time.monotonic() > ends:
                        raise self._mapped(error) from error
                    time.sleep(_PAUSE)
                else:
                    return

    @contextmanager
    def _without_waiting(self) -> Iterator[None]:
        """Has SQLite say at once where others keep something from being done."""
        self._database.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            self._database.execute(f"PRAGMA busy_timeout = {1000 * _PATIENCE:.0f}")

    def _check_owner(self) -> None:
        """Refuses what another program has made."""
        # Of one moment, as another may be making the tables.
        with self.reading():
            owner = self.run("PRAGMA application_id")[0][0]
            empty = not self.run("SELECT 1 FROM sqlite_master LIMIT 1")
        if owner != APPLICATION and not empty:
            raise OcrLibraryDamaged(
                f"{self._name}: a database of another program; give the name of a library, or of a"
                " file that is to become one"
            )

    def _version(self) -> int:
        return int(self.run("PRAGMA user_version")[0][0])

    def _migrate(self) -> None:
        """Takes the steps that the database lacks, all of them or none."""
        with self.transaction():
            # Another process may have taken them meanwhile.
            for step in STEPS[self._known_version() :]:
                for statement in step:
                    self.run(statement)
            self.run(f"PRAGMA application_id = {APPLICATION}")
            self.run(f"PRAGMA user_version = {len(STEPS)}")

    def _known_version(self) -> int:
        """How many steps the database has taken, none of them unknown here."""
        version = self._version()
        self.check_known(version, len(STEPS), self._name)
        return version

    def _check_version(self) -> None:
        """Refuses a database that would have to be written to before it is read."""
        if self._known_version() < len(STEPS):
            raise OcrLibraryUnavailable(
                f"{self._name}: must be brought up to date, and cannot be written to where it is;"
                " copy it to a folder of yours"
            )

    def run(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement and gives all its rows."""
        self._go_on()
        try:
            return self._database.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement once for each row of values."""
        self._go_on()
        try:
            self._database.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._mapped(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Writes what is written within as a whole, or nothing of it."""
        # At once for writing: one that has read first could not go on beside another writer.
        self._insist("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
            self._shorten_log()
        except BaseException:
            self._terms.forget()
            # Nothing to do where SQLite itself has given it up, as where the disk is full.
            self._database.rollback()
            raise

    @contextmanager
    def brief(self) -> Iterator[None]:
        """The same, as a file has one writer at a time."""
        with self.transaction():
            yield

    @property
    def skipping(self) -> str:
        """Nothing, for the same reason."""
        return ""

    def _shorten_log(self) -> None:
        """Takes what was committed into the database where the log has grown long.

        SQLite would do so at every commit, and while two processes write in turns never be done.
        """
        log = self._path.with_name(f"{self._path.name}-wal")
        # Where it cannot be done now, because of a reader or of a full disk, it can be later: what
        # was committed is safe in the log.
        with suppress(OSError, sqlite3.Error), self._without_waiting():
            if log.stat().st_size > _LOG:
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Reads of one moment."""
        self.run("BEGIN")
        try:
            yield
        finally:
            self._database.rollback()

    def index(self, row: int, page: NewPage) -> None:
        """Stores what a page is found by."""
        self.run(
            "INSERT INTO words (rowid, tokens, doubted)"
            " SELECT id, tokens, doubted FROM contents WHERE id = ?",
            [row],
        )

    def unindex(self, document: int) -> None:
        """Forgets what the pages of a document are found by."""
        self.run(
            "INSERT INTO words (words, rowid, tokens, doubted)"
            " SELECT 'delete', c.id, c.tokens, c.doubted"
            " FROM contents c JOIN pages p ON p.id = c.id WHERE p.document = ?",
            [document],
        )

    def _rank(self, node: Node, limit: int | None) -> Ranked:
        """The pages that fit a search, best first by BM25."""
        return rank(self, node, limit)

    def in_use(self, terms: Iterable[str]) -> set[str]:
        """Which of the terms some page of anybody's has."""
        # Not the table's own values, which hold nothing that a statement could read.
        question = "SELECT 1 FROM words WHERE words MATCH ? LIMIT 1"
        return {term for term in terms if self.run(question, [sign(term)])}

    def stats(self) -> Stats:
        """How much there is."""
        mine, whose = self._mine()
        with self.reading():
            documents, failed = self.run(
                "SELECT count(*), coalesce(sum(json_array_length(failures)), 0) FROM documents"
                f" WHERE true{mine}",
                whose,
            )[0]
            terms = None
            if self.owner is not None:
                pages, tokens, size = self._own_pages()
            else:
                pages, tokens = self.run("SELECT count(*), coalesce(sum(tokens), 0) FROM pages")[0]
                terms = self.run("SELECT count(*) FROM terms")[0][0]
                size = self.run("PRAGMA page_count")[0][0] * self.run("PRAGMA page_size")[0][0]
        return Stats(
            documents=documents,
            pages=pages,
            tokens=tokens,
            terms=terms,
            failed_pages=failed,
            bytes=size,
        )

    def empty_log(self) -> bool:
        """Has the log of changes begin anew, if no reader needs it."""
        with self._without_waiting():
            return empty_log(self)

    def scrub(self, *, rewrite: bool | None = None) -> bool:
        """Takes from the disk what was removed: from the index, the file and the log."""
        number, scrubbed = self.run("SELECT number, scrubbed FROM removals")[0]
        if number > scrubbed:
            merge_index(self)
            if is_small(self) if rewrite is None else rewrite:
                self._insist("VACUUM")
            with self.brief():
                self.run("UPDATE removals SET scrubbed = ?", [number])
        return self.empty_log()

    def check(self) -> Iterator[str]:
        """What is wrong with the database, a sentence each; the store must be for writing."""
        for (found,) in self.run("PRAGMA integrity_check"):
            if found != "ok":
                yield f"the database is damaged: {found}"
        for table, row, *_ in self.run("PRAGMA foreign_key_check"):
            yield f"row {row} of {table} belongs to nothing"
        for found, what in _COUNTS.items():
            for (document,) in self.run(found):
                yield f"document {document}: {what}"
        try:
            self.run("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        except OcrLibraryDamaged:
            yield "the index does not hold what the pages hold"

    def interrupt(self) -> None:
        """Ends the statement that runs, from another thread, and those after it."""
        self._stopped.set()

    def renew(self) -> None:
        """Forgets that it was interrupted."""
        self._stopped.clear()

    def _go_on(self) -> None:
        """Raises where an interrupt came between two statements."""
        if self._stopped.is_set():
            raise OcrCancelled("the call was cancelled before it was done")

    def close(self) -> None:
        """Lets the file go."""
        self._database.close()

    def _mapped(self, error: sqlite3.Error) -> OcrException:
        # The low byte is the kind, the others say more of it.
        code = getattr(error, "sqlite_errorcode", None)
        if code in _NO_ROOM:
            code = sqlite3.SQLITE_FULL
        match None if code is None else code & 0xFF:
            case sqlite3.SQLITE_INTERRUPT:
                return OcrCancelled("the call was cancelled before it was done")
            case sqlite3.SQLITE_FULL:
                return OcrLibraryFull(
                    f"{self._name}: its disk has no room for what was to be written, and nothing of"
                    " it was; make room and try again"
                )
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return OcrLibraryUnavailable(
                    f"{self._name}: another process has been writing for {_PATIENCE:.0f} s; wait"
                    " for it, or end it, and try again"
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return OcrLibraryDamaged(
                    f"{self._name}: no database, or a damaged one: {error}; take a copy of it back,"
                    " or index the documents anew under another name"
                )
            case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
                return OcrLibraryUnavailable(
                    f"{self._name}: cannot be opened or written to: {error}; its folder must exist,"
                    " and both must be yours to write to"
                )
            case sqlite3.SQLITE_IOERR:
                return OcrLibraryUnavailable(
                    f"{self._name}: its disk cannot be read or written to: {error}; see that the"
                    " disk is there, is whole and has room"
                )
            case _:
                return OcrLibraryError(f"{self._name}: the database failed: {error}")


def _is_still(path: Path) -> bool:
    """Whether nobody can be writing to a library, as on a disc, and nothing is left in its log."""
    log = path.with_name(f"{path.name}-wal")
    return path.exists() and not log.exists() and not os.access(path.parent, os.W_OK)


_COUNTS: Final = {
    "SELECT d.id FROM documents d LEFT JOIN pages p ON p.document = d.id"
    " GROUP BY d.id HAVING d.pages <> count(p.id)": "it does not have as many pages as it should",
    "SELECT p.document FROM pages p LEFT JOIN contents c ON c.id = p.id"
    " WHERE c.id IS NULL": "a page has no contents",
}
