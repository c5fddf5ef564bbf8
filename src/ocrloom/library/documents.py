"""What a library knows of a document, besides its pages. Plain immutable data."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError

if TYPE_CHECKING:
    from ocrloom.languages import Language
    from ocrloom.result import PageFailure

__all__ = ["Description", "Document", "Stats"]

# As the search's language writes the name of a field.
_KEY: Final = re.compile(r"[^\W\d]\w{0,63}")
_TAKEN: Final = frozenset({"added", "date", "document", "language", "page", "source", "title"})
_LONGEST: Final = 10_000  # characters of a title or a value


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What people say of a document, and may change."""

    title: str = ""
    date: dt.date | None = None
    """The day that stands on the document, say."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Anything else, to be searched as fields: ``{"customer": "Ysolde Marchetti"}``."""

    def __post_init__(self) -> None:
        """Refuses what no library keeps.

        Raises:
            OcrOptionError: A name or a value is none; the message says which.
        """
        _check_text("title", self.title)
        date: object = self.date
        if isinstance(date, dt.datetime):
            object.__setattr__(self, "date", date.date())
        elif date is not None and not isinstance(date, dt.date):
            raise OcrOptionError(f"date must be a datetime.date, got {date!r}")
        if not isinstance(self.metadata, Mapping):
            raise OcrOptionError(f"metadata must be a mapping of str to str, got {self.metadata!r}")
        for key, value in self.metadata.items():
            if not isinstance(key, str) or not _KEY.fullmatch(key) or key.lower() in _TAKEN:
                raise OcrOptionError(
                    "a name in metadata must be up to 64 letters, digits and _, a letter first, and"
                    f" none of {', '.join(sorted(_TAKEN))}, got {key!r}"
                )
            _check_text(f"metadata[{key!r}]", value)
        object.__setattr__(self, "metadata", dict(self.metadata))

    def over(self, other: Description) -> Description:
        """The same, with what the other one says where this one says nothing."""
        return Description(
            title=self.title or other.title,
            date=self.date or other.date,
            metadata={**other.metadata, **self.metadata},
        )


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or len(value) > _LONGEST or not _is_storable(value):
        raise OcrOptionError(
            f"{name} must be a str of at most {_LONGEST} characters without NUL, got {value!r:.60}"
        )


def _is_storable(text: str) -> bool:
    # PostgreSQL has no NUL, and no database a half of a surrogate pair.
    return "\0" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document of a library. The same content is one document, whatever its files are called."""

    id: int
    """Its number in the library; never given to another one."""
    digest: str
    """SHA-256 of the source's content, 64 hexadecimal digits."""
    source: str | None
    """Absolute path of the file, or the name it had elsewhere; None for bytes and arrays."""
    description: Description
    pages: int
    """Pages that were read."""
    languages: tuple[Language, ...]
    """Those of all its pages."""
    added: dt.datetime
    """When it came into the library, in UTC."""
    changed: dt.datetime
    """When it was last read or described anew, in UTC."""
    version: int
    """How often it was read: 1 at first."""
    failures: tuple[PageFailure, ...] = ()
    """The pages that could not be read."""
    kept: str | None = None
    """Name of the copy of its source, in the folder that the library keeps them in."""
    owner: str = ""
    """Whose it is, in a library that several people use; empty where nobody was named."""

    @property
    def name(self) -> str:
        """What to call it for people: the title, or else the source, or else its number."""
        return self.description.title or self.source or f"document {self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """How much a library holds."""

    documents: int
    pages: int
    tokens: int
    """Running words, as searches count them."""
    terms: int | None
    """Different ones; None for the documents of one owner, of which they are not counted."""
    failed_pages: int
    bytes: int
    """What the database takes on its disk; of one owner's documents the pages alone."""
