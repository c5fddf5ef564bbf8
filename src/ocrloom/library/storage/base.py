"""What a store must do, and what all stores do alike."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryUnavailable
from ocrloom.library.batches import batched
from ocrloom.library.documents import Description
from ocrloom.library.query.tree import And, OwnedBy
from ocrloom.library.storage.lookup import Lookup
from ocrloom.library.storage.records import (
    failures_text,
    listed,
    now,
    searchable,
    stored_name,
)
from ocrloom.library.storage.terms import TermCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from ocrloom.library.documents import Document, Stats
    from ocrloom.library.query.tree import Node
    from ocrloom.library.storage.rows import NewDocument, NewPage, Ranked

__all__ = ["Store"]

_MANY: Final = 500  # pages that are looked at together


class Store(Lookup):
    """A connection to a database with a library in it; used by one thread at a time.

    Everything that it raises on purpose is an `OcrLibraryError`.
    """

    def __init__(self) -> None:
        self._terms = TermCounts(self.run, self.run_many)

    # What the databases do each in their own way

    @abstractmethod
    def run_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Runs one statement once for each row of values."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """What is written within is written as a whole, or nothing of it."""

    @abstractmethod
    def brief(self) -> AbstractContextManager[None]:
        """A `transaction` that changes no document, so that it need not wait for those that do."""

    @property
    @abstractmethod
    def skipping(self) -> str:
        """What a query within `brief` ends with that passes over rows others are changing."""

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
    def _rank(self, node: Node, limit: int | None) -> Ranked:
        """Does what `rank` says, for everybody's pages."""

    @abstractmethod
    def in_use(self, terms: Iterable[str]) -> set[str]:
        """Which of the terms some page of anybody's has."""

    @abstractmethod
    def stats(self) -> Stats:
        """How much there is."""

    @abstractmethod
    def empty_log(self) -> bool:
        """Takes what was removed out of the log of changes; part of `scrub`.

        Returns:
            Whether nothing is left in it.
        """

    @abstractmethod
    def scrub(self, *, rewrite: bool | None = None) -> bool:
        """Takes from the disk what has left something there that was removed.

        Args:
            rewrite: Whether the whole database is written anew; None for the database to decide.

        Returns:
            Whether nothing is left; if not, others were using the database, and it is to be done
            again.
        """

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

    def rank(self, node: Node, limit: int | None = None) -> Ranked:
        """The pages that fit a search, best first; those that score the same in stored order.

        Where the search holds a `Loose`, there may be pages that do not fit: what the words' own
        confidence decides is for the caller to decide.

        Args:
            node: What is searched for. All negations are of what the store itself can decide.
            limit: No more than this.
        """
        if self.owner is not None:
            # Beside the other conditions, where the database can tell it from the text.
            nodes = node.nodes if isinstance(node, And) else (node,)
            node = And((*nodes, OwnedBy(owner=self.owner)))
        return self._rank(node, limit)

    def note_removal(self) -> None:
        """Notes, within the transaction that removes something, that there is a need of `scrub`."""
        self.run("UPDATE removals SET number = number + 1")

    # Documents

    def put(self, new: NewDocument) -> Document:
        """Stores a document, in place of the one of that digest, as a whole or not at all.

        Returns:
            The document as it is stored.
        """
        with self.transaction():
            digest = self._own(new.digest)
            found = self.run("SELECT id, version FROM documents WHERE digest = ?", [digest])
            if found and new.unless_there:
                return self.document(found[0][0])
            before = set[str]()
            if found:
                document, version = found[0][0], found[0][1] + 1
                before = self._terms_of(document)
                self._drop_pages(document)
            else:
                document, version = self._begin(digest), 1
            if new.description is not None or version == 1:
                self._describe(document, new.description or Description())
            pages, languages = self._put_pages(document, new.pages)
            if found:
                self._forget(before)
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
            "INSERT INTO documents (digest, owner, source_words, title, title_words, added,"
            " changed, version, pages, languages, failures)"
            " VALUES (?, ?, '', '', '', ?, ?, 1, 0, '', '[]') RETURNING id",
            [digest, self.owner or "", time, time],
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
        """Forgets a document, its pages, what they are found by, and words that no other has.

        Raises:
            OcrNotInLibrary: There is no such document.
        """
        with self.transaction():
            self.document(document)
            terms = self._terms_of(document)
            self._drop_pages(document)
            self.run("DELETE FROM metadata WHERE document = ?", [document])
            self.run("DELETE FROM documents WHERE id = ?", [document])
            self._forget(terms)

    def _forget(self, terms: set[str]) -> None:
        """Forgets those of the terms that no page has any more, after pages were dropped."""
        self._terms.remove(terms - self.in_use(terms))
        self.note_removal()

    def _terms_of(self, document: int) -> set[str]:
        terms: set[str] = set()
        for some in batched([page.id for page in self.pages_of(document)], _MANY):
            for page in self.contents(some):
                terms.update(page.tokens)
        return terms
