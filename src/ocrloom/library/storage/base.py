"""What a store must do, and what all stores do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryUnavailable, OcrNotInLibrary, OcrOptionError
from ocrloom.library.batches import batched
from ocrloom.library.documents import Description
from ocrloom.library.storage.records import (
    COLUMNS,
    document_of,
    failures_text,
    listed,
    now,
    page_of,
    searchable,
    stored_name,
)
from ocrloom.library.storage.rows import Contents
from ocrloom.library.storage.terms import TermCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from ocrloom.library.documents import Document, Stats
    from ocrloom.library.query.tree import Node
    from ocrloom.library.storage.records import Row
    from ocrloom.library.storage.rows import NewDocument, NewPage, PageRow, Ranked

__all__ = ["Store"]

_BEYOND: Final = 2**63  # what is larger is no number to a database
_MANY: Final = 500  # values in one statement


class Store(ABC):
    """A connection to a database with a library in it; used by one thread at a time.

    Everything that it raises on purpose is an `OcrLibraryError`.
    """

    def __init__(self) -> None:
        self._terms = TermCounts(self.run, self.run_many)

    # What the databases do each in their own way

    @abstractmethod
    def run(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement, ``?`` standing for values, and gives all its rows."""

    @abstractmethod
    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement once for each row of values."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """What is written within is written as a whole, or nothing of it."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """What is read within is of one moment."""

    @abstractmethod
    def index(self, row: int, page: NewPage) -> None:
        """Stores what a page is found by; its row of contents is there."""

    @abstractmethod
    def unindex(self, document: int) -> None:
        """Forgets what the pages of a document are found by; their contents are still there."""

    @abstractmethod
    def rank(self, node: Node, limit: int | None = None) -> Ranked:
        """The pages that fit a search, best first; those that score the same in stored order.

        Where the search holds a `Loose`, there may be pages that do not fit: what the words' own
        confidence decides is for the caller to decide.

        Args:
            node: What is searched for. All negations are of what the store itself can decide.
            limit: No more than this.
        """

    @abstractmethod
    def in_use(self, terms: Iterable[str]) -> set[str]:
        """Which of the terms some page has."""

    @abstractmethod
    def stats(self) -> Stats:
        """How much there is."""

    @abstractmethod
    def check(self) -> Iterator[str]:
        """What is wrong with the database, a sentence each; nothing where all is well."""

    @abstractmethod
    def interrupt(self) -> None:
        """Ends what the store is doing, from another thread; that raises `OcrCancelled`.

        So does what it would do next, until `renew` is called.
        """

    @abstractmethod
    def renew(self) -> None:
        """Forgets that it was interrupted, before other work begins."""

    @abstractmethod
    def close(self) -> None:
        """Lets the database go; closing it again does nothing."""

    def check_known(self, version: int, known: int, name: str) -> None:
        """Refuses a database that has taken steps which are not known here.

        Args:
            version: How many it has taken.
            known: How many there are.
            name: Of the database, for the message.

        Raises:
            OcrLibraryUnavailable: A later version of ocrloom has made it.
        """
        if version > known:
            raise OcrLibraryUnavailable(
                f"{name}: made by a later version of ocrloom, whose schema is {version} where"
                f" {known} is known here; bring ocrloom up to date"
            )

    # Documents

    def put(self, new: NewDocument) -> Document:
        """Stores a document, in place of the one of that digest, as a whole or not at all.

        Returns:
            The document as it is stored.
        """
        with self.transaction():
            found = self.run("SELECT id, version FROM documents WHERE digest = ?", [new.digest])
            if found and new.unless_there:
                return self.document(found[0][0])
            if found:
                document, version = found[0][0], found[0][1] + 1
                self._drop_pages(document)
            else:
                document, version = self._begin(new.digest), 1
            if new.description is not None or version == 1:
                self._describe(document, new.description or Description())
            pages, languages = self._put_pages(document, new.pages)
            values = {
                "source": stored_name(new.source),
                "source_words": searchable(new.source or ""),
                "version": version,
                "pages": pages,
                "languages": listed(languages),
                "failures": failures_text(new.failures),
                "kept": new.kept,
                "changed": now(),
            }
            columns = ", ".join(f"{name} = ?" for name in values)
            self.run(f"UPDATE documents SET {columns} WHERE id = ?", [*values.values(), document])
            # Within, so that nothing can fail any more, or be cancelled, once it is stored.
            return self.document(document)

    def _begin(self, digest: str) -> int:
        time = now()
        rows = self.run(
            "INSERT INTO documents (digest, source_words, title, title_words, added, changed,"
            " version, pages, languages, failures) VALUES (?, '', '', '', ?, ?, 1, 0, '', '[]')"
            " RETURNING id",
            [digest, time, time],
        )
        return int(rows[0][0])

    def _put_pages(self, document: int, pages: Iterable[NewPage]) -> tuple[int, list[str]]:
        count, languages, found = 0, dict[str, None](), Counter[str]()
        for page in pages:
            doubted = " ".join(page.tokens[place] for place in page.doubted)
            row = self.run(
                "INSERT INTO pages (document, number, languages, tokens) VALUES (?, ?, ?, ?)"
                " RETURNING id",
                [document, page.number, listed(page.languages), len(page.tokens)],
            )[0][0]
            self.run(
                "INSERT INTO contents (id, tokens, doubted, words, tree) VALUES (?, ?, ?, ?, ?)",
                [row, " ".join(page.tokens), doubted, page.words, page.tree],
            )
            self.index(row, page)
            found.update(set(page.tokens))
            languages.update(dict.fromkeys(page.languages))
            count += 1
        self._terms.add(found)
        return count, list(languages)

    def _drop_pages(self, document: int) -> None:
        self.unindex(document)
        self.run(
            "DELETE FROM contents WHERE id IN (SELECT id FROM pages WHERE document = ?)", [document]
        )
        self.run("DELETE FROM pages WHERE document = ?", [document])

    def describe(self, document: int, description: Description) -> Document:
        """Takes another description in place of the one there is.

        Returns:
            The document as it is now.

        Raises:
            OcrNotInLibrary: There is no such document.
        """
        with self.transaction():
            self.document(document)
            self._describe(document, description)
            self.run("UPDATE documents SET changed = ? WHERE id = ?", [now(), document])
            return self.document(document)

    def place(self, document: int, source: str | None, kept: str | None) -> Document:
        """Notes where a document's source is now, and the name of its copy.

        Returns:
            The document as it is stored.

        Raises:
            OcrNotInLibrary: There is no such document.
        """
        with self.transaction():
            self.document(document)
            self.run(
                "UPDATE documents SET source = ?, source_words = ?, kept = ? WHERE id = ?",
                [stored_name(source), searchable(source or ""), kept, document],
            )
            return self.document(document)

    def _describe(self, document: int, description: Description) -> None:
        date = description.date and description.date.isoformat()
        self.run(
            "UPDATE documents SET title = ?, title_words = ?, date = ? WHERE id = ?",
            [description.title, searchable(description.title), date, document],
        )
        self.run("DELETE FROM metadata WHERE document = ?", [document])
        self.run_many(
            "INSERT INTO metadata (document, name, value, words) VALUES (?, ?, ?, ?)",
            [
                (document, name, value, searchable(value))
                for name, value in description.metadata.items()
            ],
        )

    def remove(self, document: int) -> None:
        """Forgets a document, its pages and what they are found by.

        Raises:
            OcrNotInLibrary: There is no such document.
        """
        with self.transaction():
            self.document(document)
            self._drop_pages(document)
            self.run("DELETE FROM metadata WHERE document = ?", [document])
            self.run("DELETE FROM documents WHERE id = ?", [document])

    def document(self, document: int) -> Document:
        """A document by its number.

        Raises:
            OcrNotInLibrary: There is none.
            OcrOptionError: It is no number.
        """
        given: object = document
        if not isinstance(given, int) or isinstance(given, bool):
            raise OcrOptionError(f"a document must be named by its number, got {given!r:.60}")
        found = self.documents([document]) if 0 < document < _BEYOND else {}
        if not found:
            raise OcrNotInLibrary(
                f"the library has no document {document}; a search or `documents` gives the"
                " numbers of those it has"
            )
        return found[document]

    def find(self, digest: str) -> Document | None:
        """The document of a content, by its digest; None if there is none."""
        number = self.with_digests([digest]).get(digest)
        return None if number is None else self.document(number)

    def documents(self, wanted: Sequence[int]) -> dict[int, Document]:
        """Those of the documents that there are, by their numbers."""
        found: dict[int, Document] = {}
        for some in batched(dict.fromkeys(wanted), _MANY):
            marks = ", ".join("?" * len(some))
            metadata: dict[int, dict[str, str]] = {}
            for owner, name, value in self.run(
                f"SELECT document, name, value FROM metadata WHERE document IN ({marks})"
                " ORDER BY document, name",
                some,
            ):
                metadata.setdefault(owner, {})[name] = value
            for row in self.run(f"SELECT {COLUMNS} FROM documents WHERE id IN ({marks})", some):
                found[row[0]] = document_of(row, metadata.get(row[0], {}))
        return found

    def numbers(self, after: int = 0, limit: int = _MANY) -> list[int]:
        """The numbers of documents beyond one, ascending."""
        rows = self.run("SELECT id FROM documents WHERE id > ? ORDER BY id LIMIT ?", [after, limit])
        return [row[0] for row in rows]

    def with_digests(self, digests: Sequence[str]) -> dict[str, int]:
        """The numbers of the documents that have these digests, by their digests."""
        found: dict[str, int] = {}
        for some in batched(dict.fromkeys(digests), _MANY):
            marks = ", ".join("?" * len(some))
            found.update(
                self.run(f"SELECT digest, id FROM documents WHERE digest IN ({marks})", some)
            )
        return found

    # Pages

    def pages_after(self, page: int, limit: int) -> list[tuple[int, int]]:
        """The ids of pages beyond one, ascending, and how many tokens each should have."""
        rows = self.run(
            "SELECT id, tokens FROM pages WHERE id > ? ORDER BY id LIMIT ?", [page, limit]
        )
        return [(row[0], row[1]) for row in rows]

    def pages_of(self, document: int) -> list[PageRow]:
        """The pages of a document, in their order."""
        rows = self.run(
            "SELECT id, document, number, languages FROM pages WHERE document = ? ORDER BY number",
            [document],
        )
        return [page_of(row) for row in rows]

    def contents(self, pages: Sequence[int], *, whole: bool = False) -> list[Contents]:
        """What is stored of pages, in the order asked for; those that are gone are left out.

        Args:
            pages: Their ids.
            whole: With what is not needed to show a hit.
        """
        tree = "c.tree" if whole else "NULL"
        found: dict[int, Contents] = {}
        for some in batched(pages, _MANY):
            for row in self.run(
                f"SELECT p.id, p.document, p.number, p.languages, c.tokens, c.words, {tree}"
                " FROM pages p JOIN contents c ON c.id = p.id"
                f" WHERE p.id IN ({', '.join('?' * len(some))})",
                some,
            ):
                found[row[0]] = Contents(
                    page=page_of(row[:4]),
                    tokens=tuple(row[4].split()),
                    words=bytes(row[5]),
                    tree=bytes(row[6] or b""),
                )
        return [found[page] for page in pages if page in found]

    # Terms

    def terms_alike(self, skeletons: Sequence[str]) -> list[str]:
        """The terms that have one of the skeletons."""
        found: list[str] = []
        for some in batched(dict.fromkeys(skeletons), _MANY):
            marks = ", ".join("?" * len(some))
            rows = self.run(f"SELECT term FROM terms WHERE skeleton IN ({marks})", some)
            found += [row[0] for row in rows]
        return found

    def terms_beginning(
        self, skeleton: str, *, mirrored: bool, lengths: tuple[int, int]
    ) -> list[str]:
        """Terms whose skeleton begins, or ends, with one.

        Args:
            skeleton: What it begins or ends with.
            mirrored: Whether it ends with it.
            lengths: How long their skeletons may be, both included.
        """
        column = "mirrored" if mirrored else "skeleton"
        wanted = skeleton[::-1] if mirrored else skeleton
        rows = self.run(
            f"SELECT term FROM terms WHERE {column} >= ? AND {column} < ?"
            f" AND length({column}) BETWEEN ? AND ?",
            [wanted, wanted + "\U0010ffff", *lengths],
        )
        return [row[0] for row in rows]

    def terms_usual(self, beginning: str, limit: int) -> list[tuple[str, float]]:
        """Terms with a beginning, the most usual first, and on about how many pages each was."""
        return [
            (term, pages)
            for term, pages in self.run(
                "SELECT term, pages FROM terms WHERE term >= ? AND term < ?"
                " ORDER BY pages DESC, term LIMIT ?",
                [beginning, beginning + "\U0010ffff", limit],
            )
        ]

    def pages_with(self, terms: Sequence[str]) -> dict[str, float]:
        """On about how many pages terms were; those that never were are left out."""
        return self._terms.stored(terms)
