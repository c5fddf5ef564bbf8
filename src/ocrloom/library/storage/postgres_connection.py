"""A connection to PostgreSQL that can be lost, interrupted and used again. Needs psycopg."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrLibraryDamaged,
    OcrLibraryError,
    OcrLibraryFull,
    OcrLibraryUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Connection"]

_OLDEST: Final = 12  # version of the server; the first that plans as it is told to
_PATIENCE: Final = 600  # seconds to wait for another writer; a large document's time
_REACHED: Final = 10  # seconds in which a server must answer
_PULSE: Final = 30  # seconds of silence after which each side asks whether the other is there
_PAUSE: Final = 0.1  # seconds between two attempts to end a statement

# SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html
_CANCELLED: Final = "57014"
_FULL: Final = "53100"
_LOCKED: Final = "55P03"
_DAMAGED: Final = {"XX001", "XX002", "42P01", "42703"}
_REFUSED: Final = {"25006", "42501", "3F000"}


class Connection:
    """Runs statements, for one thread at a time; what fails is an `OcrLibraryError`."""

    def __init__(self, where: str, schema: str) -> None:
        """Connects.

        Args:
            where: ``postgresql://…``, as libpq has it.
            schema: Where tables are found that have no other name before theirs.

        Raises:
            OcrLibraryUnavailable: No database can be reached there.
        """
        self._address, self.name = _parsed(where)
        self._settings = {
            "search_path": f"{schema}, pg_temp",
            # One plan for all words would fit neither the rare nor the usual ones.
            "plan_cache_mode": "force_custom_plan",
            "jit": "off",
            # The usual 4 MB would write to disk what a search for a usual word looks at.
            "work_mem": "64MB",
            "lock_timeout": f"{_PATIENCE}s",
            # A machine that has gone away must not keep others from writing.
            "tcp_keepalives_idle": str(_PULSE),
        }
        self._stopped = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._ending: threading.Thread | None = None
        self._uncertain = False
        self._inside = False
        self._raw = self._connect()

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        with self._mapping():
            raw = psycopg.connect(self._address, autocommit=True)
            try:
                self._check_server(raw.info)
                self._set(raw, self._settings)
            except BaseException:
                raw.close()
                raise
        return raw

    def _check_server(self, info: psycopg.ConnectionInfo) -> None:
        if info.server_version < _OLDEST * 10_000:
            raise OcrLibraryUnavailable(
                f"{self.name}: expected PostgreSQL {_OLDEST} or later, found"
                f" {info.server_version // 10_000}; give the address of a newer server"
            )
        encoding = info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise OcrLibraryUnavailable(
                f"{self.name}: its encoding is {encoding}, which has not the letters of all"
                " languages; make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            )

    def only_read(self) -> None:
        """Has the server refuse all that would change something, from now on."""
        self._settings["default_transaction_read_only"] = "on"
        with self._mapping():
            self._set(self._raw, self._settings)

    @staticmethod
    def _set(raw: psycopg.Connection[tuple[Any, ...]], settings: dict[str, str]) -> None:
        calls = ", ".join("set_config(%s, %s, false)" for _ in settings)
        raw.execute(
            f"SELECT {calls}".encode(),
            [part for setting in settings.items() for part in setting],
        )

    # Statements

    def run(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Runs one statement, ``?`` standing for values, and gives all its rows.

        Outside of `block` it must be one that only reads: it may run twice.
        """
        try:
            return self._run(sql, values)
        except OcrLibraryUnavailable:
            if self._inside or not self._raw.closed:
                raise
            # The server has let go of a connection that did nothing, or has begun anew.
            return self._run(sql, values)

    def _run(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._working():
            cursor = self._raw.execute(_numbered(sql), values)
            return cursor.fetchall() if cursor.description else []

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement once for each row of values, within `block`."""
        with self._working(), self._raw.cursor() as cursor:
            cursor.executemany(_numbered(sql), rows)

    @contextmanager
    def block(self, begin: str) -> Iterator[None]:
        """A transaction: all of it is done, or nothing is.

        Args:
            begin: The statement that begins it.
        """
        self.run(begin)
        self._inside = True
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._give_up()
            raise
        finally:
            self._inside = False

    def _give_up(self) -> None:
        try:
            if not self._raw.closed:
                self._raw.execute("ROLLBACK")
        except psycopg.Error:
            self._raw.close()

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Has a connection that works and makes errors of ours of those of psycopg."""
        # Before the look at what an interrupt sets, as that looks at this afterwards.
        self._idle.clear()
        try:
            if self._stopped.is_set():
                raise _cancelled()
            if self._raw.closed and not self._inside:
                self._raw = self._connect()
            with self._mapping():
                yield
        finally:
            self._idle.set()

    # From other threads

    def interrupt(self) -> None:
        """Ends what runs, and what would run next before `renew` is called."""
        self._stopped.set()
        self._ending = threading.Thread(target=self._end_statement, daemon=True)
        self._ending.start()

    def _end_statement(self) -> None:
        # Again and again: a statement that is only about to begin does not notice.
        while not self._idle.is_set():
            try:
                self._raw.cancel_safe(timeout=_REACHED)
            except psycopg.Error:
                # It may still come, when something else runs.
                self._uncertain = True
            self._idle.wait(_PAUSE)

    def renew(self) -> None:
        """Forgets that it was interrupted."""
        if self._ending is not None:
            self._ending.join()
            self._ending = None
        if self._uncertain:
            self._uncertain = False
            self._raw.close()
        self._stopped.clear()

    def close(self) -> None:
        """Lets the server go."""
        with suppress(psycopg.Error):
            self._raw.close()

    # Errors

    @contextmanager
    def _mapping(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise self._mapped(error) from error

    def _mapped(self, error: psycopg.Error) -> OcrException:
        state = error.sqlstate or ""
        reason = " ".join((error.diag.message_primary or str(error)).split())
        if state == _CANCELLED and self._stopped.is_set():
            return _cancelled()
        if state == _FULL:
            return OcrLibraryFull(
                f"{self.name}: its disk has no room for what was to be written, and nothing of it"
                " was; make room and try again"
            )
        if state == _LOCKED:
            return OcrLibraryUnavailable(
                f"{self.name}: another process has been writing for {_PATIENCE} s; wait for it, or"
                " end it, and try again"
            )
        if state in _DAMAGED:
            return OcrLibraryDamaged(
                f"{self.name}: the library in it is damaged: {reason}; take a copy of it back, or"
                " index the documents anew in another database"
            )
        if state in _REFUSED or isinstance(
            error, (psycopg.OperationalError, psycopg.InterfaceError)
        ):
            return OcrLibraryUnavailable(
                f"{self.name}: cannot be reached or used: {reason}; see that the server runs, that"
                " the address is right and that its user may do this"
            )
        return OcrLibraryError(f"{self.name}: the database failed: {reason}")


def _cancelled() -> OcrCancelled:
    return OcrCancelled("the call was cancelled before it was done")


def _parsed(where: str) -> tuple[str, str]:
    """The address with what it leaves open, and what to call the database; without a password."""
    try:
        parts = conninfo_to_dict(where)
    except psycopg.Error:
        # Its message may hold the password.
        raise OcrLibraryUnavailable(
            "the library's address is none that PostgreSQL knows; write it as"
            " postgresql://user@host:5432/database, with % signs for what is special"
        ) from None
    given = {key: str(value) for key, value in parts.items() if value is not None}
    place = given.get("host") or "this machine"
    name = f"PostgreSQL database {given.get('dbname') or given.get('user') or ''!r} on {place}"
    usual: dict[str, str] = {
        "client_encoding": "UTF8",
        "connect_timeout": str(_REACHED),
        "keepalives_idle": str(_PULSE),
        "application_name": "ocrloom",
    }
    return make_conninfo(**(usual | given)), name


@lru_cache(maxsize=1024)
def _numbered(sql: str) -> bytes:
    """A statement with question marks as psycopg has it."""
    return sql.replace("%", "%%").replace("?", "%s").encode()
