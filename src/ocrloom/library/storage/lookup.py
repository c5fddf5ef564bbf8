"""What is read from a store, the same in all databases, and whose documents that is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrNotInLibrary, OcrOptionError
from ocrloom.library.batches import batched
from ocrloom.library.storage.records import COLUMNS, document_of, page_of
from ocrloom.library.storage.rows import Contents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.library.documents import Document
    from ocrloom.library.storage.records import Row
    from ocrloom.library.storage.rows import PageRow

__all__ = ["Lookup"]

_BEYOND: Final = 2**63  # what is larger is no number to a database
_MANY: Final = 500  # values in one statement


class Lookup(ABC):
    """Documents, pages and terms of a database."""

    owner: str | None = None
    """Whose documents there are for it at the moment; None for everybody's."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Runs one statement, ``?`` standing for values, and gives all its rows."""

    @contextmanager
    def owned_by(self, owner: str) -> Iterator[None]:
        """There are only the documents of one owner within, and new ones become that owner's."""
        before, self.owner = self.owner, owner
        try:
            yield
        finally:
            self.owner = before

    def _own(self, digest: str) -> str:
        """How the database has the digest of a document of the present owner.

        The same content may be a document of each of several owners, and the column holds every
        value once. Without an owner it is the digest alone.
        """
        return f"{digest}/{self.owner}" if self.owner else digest

    def _mine(self) -> tuple[str, tuple[str, ...]]:
        """A condition on rows of documents, to be added to others, and its values."""
        return ("", ()) if self.owner is None else (" AND owner = ?", (self.owner,))

    # Documents

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
        """The document of a content, by its digest; None if there is none.

        Where there are everybody's documents, it is the one without an owner that is meant.
        """
        number = self.with_digests([digest]).get(digest)
        return None if number is None else self.document(number)

    def documents(self, wanted: Sequence[int]) -> dict[int, Document]:
        """Those of the documents that there are, by their numbers."""
        found: dict[int, Document] = {}
        mine, whose = self._mine()
        for some in batched(dict.fromkeys(wanted), _MANY):
            marks = ", ".join("?" * len(some))
            metadata: dict[int, dict[str, str]] = {}
            for document, name, value in self.run(
                f"SELECT document, name, value FROM metadata WHERE document IN ({marks})"
                " ORDER BY document, name",
                some,
            ):
                metadata.setdefault(document, {})[name] = value
            for row in self.run(
                f"SELECT {COLUMNS} FROM documents WHERE id IN ({marks}){mine}", [*some, *whose]
            ):
                found[row[0]] = document_of(row, metadata.get(row[0], {}))
        return found

    def numbers(
        self, after: int = 0, limit: int = _MANY, *, newest_first: bool = False
    ) -> list[int]:
        """The numbers of documents after one in their order, ascending or descending."""
        mine, whose = self._mine()
        beyond, order = ("<", "DESC") if newest_first else (">", "ASC")
        rows = self.run(
            f"SELECT id FROM documents WHERE id {beyond} ?{mine} ORDER BY id {order} LIMIT ?",
            [(after or _BEYOND - 1) if newest_first else after, *whose, limit],
        )
        return [row[0] for row in rows]

    def with_digests(self, digests: Sequence[str]) -> dict[str, int]:
        """The numbers of the documents that `find` would give, by their digests."""
        found: dict[str, int] = {}
        named = {self._own(digest): digest for digest in digests}
        for some in batched(named, _MANY):
            marks = ", ".join("?" * len(some))
            for name, number in self.run(
                f"SELECT digest, id FROM documents WHERE digest IN ({marks})", some
            ):
                found[named[name]] = number
        return found

    def is_kept(self, digest: str, kept: str) -> bool:
        """Whether a document of anybody's has this content and this name of its copy."""
        # All that begin so; the sign after the slash is a zero.
        return bool(
            self.run(
                "SELECT 1 FROM documents WHERE (digest = ? OR (digest > ? AND digest < ?))"
                " AND kept = ? LIMIT 1",
                [digest, f"{digest}/", f"{digest}0", kept],
            )
        )

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
        found: dict[str, float] = {}
        for some in batched(dict.fromkeys(terms), _MANY):
            marks = ", ".join("?" * len(some))
            found.update(self.run(f"SELECT term, pages FROM terms WHERE term IN ({marks})", some))
        return found

    # The whole

    def _own_pages(self) -> tuple[int, int, int]:
        """How many pages the present owner has, their tokens, and the bytes they take."""
        pages, tokens, size = self.run(
            "SELECT count(*), coalesce(sum(p.tokens), 0),"
            " coalesce(sum(length(c.words) + length(c.tree)), 0) FROM documents d"
            " JOIN pages p ON p.document = d.id JOIN contents c ON c.id = p.id WHERE d.owner = ?",
            [self.owner],
        )[0]
        return pages, tokens, int(size)
