"""A library in a PostgreSQL database, which several machines may share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryError, OcrLibraryUnavailable
from ocrloom.library.batches import batched
from ocrloom.library.documents import Stats
from ocrloom.library.storage.base import Store
from ocrloom.library.storage.postgres_ranking import query, rank, vector
from ocrloom.library.storage.postgres_schema import SCHEMA, STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ocrloom.library.query.tree import Node
    from ocrloom.library.storage.postgres_connection import Connection
    from ocrloom.library.storage.records import Row
    from ocrloom.library.storage.rows import NewPage, Ranked

__all__ = ["PostgresStore"]

_LOCK: Final = 0x6F63726C  # "ocrl"; locks are of one database
_MANY: Final = 100  # questions in one statement


class PostgresStore(Store):
    """A connection to a server. Readers never wait; writers wait for each other."""

    def __init__(self, where: str, *, writes: bool) -> None:
        """Connects, makes the tables if they are not there, and brings them up to date.

        Args:
            where: ``postgresql://…``, as libpq has it.
            writes: Whether it is to be written to.

        Raises:
            OcrLibraryError: It cannot be; each reason has its own class.
        """
        super().__init__()
        self._pages = self._tokens = 0  # that a transaction adds
        self._connection = _connection(where)
        try:
            if self._version() != len(STEPS):
                self._migrate()
            if not writes:
                self._connection.only_read()
        except BaseException:
            self._connection.close()
            raise

    def _version(self) -> int:
        """How many steps the database has taken."""
        # The catalogue knows of what others have just made; a name may be looked up as it was.
        if not self.run(
            "SELECT 1 FROM pg_tables WHERE schemaname = ? AND tablename = 'version'", [SCHEMA]
        ):
            return 0
        return int(self.run("SELECT number FROM version")[0][0])

    def _migrate(self) -> None:
        """Takes the steps that the database lacks, all of them or none."""
        with self._writing():
            # Another machine may have taken them meanwhile.
            version = self._version()
            self.check_known(version, len(STEPS), self._connection.name)
            if version == 0:
                self._begin_schema()
            for step in STEPS[version:]:
                for statement in step:
                    self.run(statement)
            self.run("UPDATE version SET number = ?", [len(STEPS)])

    def _begin_schema(self) -> None:
        # It may be there, made by somebody who has more rights than this user.
        if not self.run("SELECT 1 FROM pg_namespace WHERE nspname = ?", [SCHEMA]):
            self.run(f"CREATE SCHEMA {SCHEMA}")
        self.run("CREATE TABLE version (number integer NOT NULL)")
        self.run("INSERT INTO version VALUES (0)")

    def run(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement and gives all its rows."""
        return self._connection.run(sql, values)

    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement once for each row of values."""
        self._connection.run_many(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Writes what is written within as a whole, or nothing of it."""
        self._pages = self._tokens = 0
        try:
            with self._writing():
                yield
                if self._pages or self._tokens:
                    self.run(
                        "UPDATE totals SET pages = pages + ?, tokens = tokens + ?",
                        [self._pages, self._tokens],
                    )
        except BaseException:
            self._terms.forget()
            raise

    @contextmanager
    def brief(self) -> Iterator[None]:
        """The same for what belongs to no document, beside others that write."""
        with self._connection.block("BEGIN ISOLATION LEVEL READ COMMITTED"):
            yield

    @property
    def skipping(self) -> str:
        """Of several machines that want the first row each gets another one."""
        return " FOR UPDATE SKIP LOCKED"

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # One writer at a time: two would wait for each other's counts of usual words, each for the
        # other's in the end, and could not both add the same document.
        with self._connection.block("BEGIN ISOLATION LEVEL READ COMMITTED"):
            self.run("SELECT pg_advisory_xact_lock(?)", [_LOCK])
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Reads of one moment."""
        with self._connection.block("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
            yield

    def index(self, row: int, page: NewPage) -> None:
        """Stores what a page is found by."""
        found = vector(page.tokens, frozenset(page.doubted))
        if found is None:
            raise OcrLibraryError(
                f"a page has {len(set(page.tokens))} different words, more than the index of"
                " PostgreSQL has room for (1 MB of them); leave it out, or use a library in a file"
            )
        self.run(
            "INSERT INTO words (page, tokens, length, whole) VALUES (?, ?::tsvector, ?, ?)",
            [row, found.text, len(page.tokens), found.whole],
        )
        self._pages += 1
        self._tokens += len(page.tokens)

    def unindex(self, document: int) -> None:
        """Forgets what the pages of a document are found by."""
        pages, tokens = self.run(
            "SELECT count(*), coalesce(sum(tokens), 0) FROM pages WHERE document = ?", [document]
        )[0]
        self.run(
            "DELETE FROM words WHERE page IN (SELECT id FROM pages WHERE document = ?)", [document]
        )
        self._pages -= pages
        self._tokens -= tokens

    def _rank(self, node: Node, limit: int | None) -> Ranked:
        """The pages that fit a search, best first by BM25."""
        return rank(self, node, limit)

    def in_use(self, terms: Iterable[str]) -> set[str]:
        """Which of the terms some page of anybody's has."""
        found: set[str] = set()
        for some in batched(terms, _MANY):
            question = " UNION ALL ".join(
                ["SELECT ? WHERE EXISTS (SELECT FROM words WHERE tokens @@ ?::tsquery)"] * len(some)
            )
            rows = self.run(question, [value for term in some for value in (term, query(term))])
            found.update(row[0] for row in rows)
        return found

    def stats(self) -> Stats:
        """How much there is."""
        mine, whose = self._mine()
        with self.reading():
            documents, failed = self.run(
                "SELECT count(*), coalesce(sum(json_array_length(failures::json)), 0)"
                f" FROM documents WHERE true{mine}",
                whose,
            )[0]
            terms = None
            if self.owner is not None:
                pages, tokens, size = self._own_pages()
            else:
                pages, tokens = self.run("SELECT pages, tokens FROM totals")[0]
                terms = self.run("SELECT count(*) FROM terms")[0][0]
                size = self.run(
                    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class"
                    " WHERE relnamespace = to_regnamespace(?) AND relkind = 'r'",
                    [SCHEMA],
                )[0][0]
        return Stats(
            documents=documents,
            pages=pages,
            tokens=tokens,
            terms=terms,
            failed_pages=failed,
            bytes=int(size),
        )

    def empty_log(self) -> bool:
        """Nothing: the server's log is no business of its users."""
        return True

    def scrub(self, *, rewrite: bool | None = None) -> bool:
        """Leaves it to the server's own vacuum, which gives the room of removed rows to others."""
        return True

    def check(self) -> Iterator[str]:
        """What is wrong with the database, a sentence each."""
        # Nothing is held up while the caller looks at what was found.
        with self.reading():
            found = [
                problem.format(*row) for problem, sql in _CHECKS.items() for row in self.run(sql)
            ]
        yield from found

    def interrupt(self) -> None:
        """Ends the statement that runs, from another thread."""
        self._connection.interrupt()

    def renew(self) -> None:
        """Forgets that it was interrupted."""
        self._connection.renew()

    def close(self) -> None:
        """Lets the server go."""
        self._connection.close()


def _connection(where: str) -> Connection:
    try:
        from ocrloom.library.storage.postgres_connection import Connection
    except ImportError as error:
        raise OcrLibraryUnavailable(
            "a library in PostgreSQL needs psycopg, which is not installed; run"
            ' pip install "ocrloom[postgres]"'
        ) from error
    return Connection(where, SCHEMA)


_CHECKS: Final = {
    "document {}: it does not have as many pages as it should": """
        SELECT d.id FROM documents d LEFT JOIN pages p ON p.document = d.id
        GROUP BY d.id HAVING d.pages <> count(p.id) ORDER BY d.id
        """,
    "page {}: it belongs to no document": """
        SELECT p.id FROM pages p LEFT JOIN documents d ON d.id = p.document
        WHERE d.id IS NULL ORDER BY p.id
        """,
    "document {}: a page has no contents": """
        SELECT p.document FROM pages p LEFT JOIN contents c ON c.id = p.id
        WHERE c.id IS NULL ORDER BY p.id
        """,
    "document {}: a page is not in the index": """
        SELECT p.document FROM pages p LEFT JOIN words w ON w.page = p.id
        WHERE w.page IS NULL ORDER BY p.id
        """,
    "document {}: the index does not hold what a page holds": """
        SELECT p.document FROM pages p
        JOIN contents c ON c.id = p.id JOIN words w ON w.page = p.id
        WHERE ARRAY(
            SELECT DISTINCT token COLLATE "C" FROM unnest(string_to_array(c.tokens, ' ')) AS token
            ORDER BY 1
        ) <> ARRAY(SELECT lexeme COLLATE "C" FROM unnest(w.tokens) ORDER BY 1) ORDER BY p.id
        """,
    "page {}: it is not there, and its contents are": """
        SELECT o.id FROM (SELECT id FROM contents UNION SELECT page FROM words) AS o
        LEFT JOIN pages p ON p.id = o.id WHERE p.id IS NULL ORDER BY o.id
        """,
    "all pages: their number or that of their words is counted wrong": """
        SELECT 1 FROM totals t, LATERAL
        (SELECT count(*) AS pages, coalesce(sum(tokens), 0) AS tokens FROM pages) AS p
        WHERE (t.pages, t.tokens) <> (p.pages, p.tokens)
        """,
}
