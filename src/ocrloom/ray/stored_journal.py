"""A journal of finished pages in an object store, or wherever else fsspec writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError, OcrSourceError
from ocrloom.journal import Journal, file_of, page_in, place_of
from ocrloom.locations import below, fetch, is_location, write_bytes

if TYPE_CHECKING:
    from ocrloom.journal import PageKeeper
    from ocrloom.result import Page

__all__ = ["StoredJournal", "keeper_at"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")


class StoredJournal:
    """A folder of finished pages elsewhere, with the files that `Journal` has."""

    def __init__(self, location: str) -> None:
        """Makes it; nothing is asked of the store yet.

        Args:
            location: Of the folder, such as ``s3://bucket/journal``.
        """
        self.location = location

    def entry(self, key: str) -> StoredEntry:
        """The place of a document's pages.

        Args:
            key: What `ocrloom.journal.document_key` gave.

        Raises:
            OcrOptionError: It is no such key.
        """
        if not _KEY.fullmatch(key):
            raise OcrOptionError(f"a journal's key must be 64 hexadecimal digits, got {key!r}")
        return StoredEntry(self.location, key)

    def __repr__(self) -> str:
        return f"StoredJournal({self.location!r})"


class StoredEntry:
    """The finished pages of one document read in one way. Made by `StoredJournal.entry`."""

    __slots__ = ("_key", "_location")

    def __init__(self, location: str, key: str) -> None:
        self._location = location
        self._key = key

    def get(self, number: int) -> Page | None:
        """The page as it was put, or None where there is none or where it is damaged.

        Args:
            number: Place in the source, from 1.
        """
        try:
            data = fetch(self._place(number))
        except OcrSourceError:
            # Whatever keeps it from being fetched: reading the page again is always right.
            return None
        return page_in(data, self._key, number)

    def put(self, page: Page) -> None:
        """Keeps a page, in the place of one that was kept before.

        Raises:
            OcrOutputError: It cannot be written.
        """
        write_bytes(self._place(page.number), file_of(page, self._key))

    def _place(self, number: int) -> str:
        return below(self._location, place_of(self._key, number))


def keeper_at(place: str | None) -> PageKeeper | None:
    """The journal in a folder or at a location; None for None.

    Raises:
        OcrOptionError: It is no name.
        OcrOutputError: It cannot be a folder or cannot be written to.
    """
    if place is None:
        return None
    return StoredJournal(place) if is_location(place) else Journal(place)
