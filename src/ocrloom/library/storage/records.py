"""Values as both databases keep them, and documents and pages of their rows."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ocrloom.languages import Language
from ocrloom.library.analysis import grams, units
from ocrloom.library.documents import Description, Document
from ocrloom.library.storage.rows import PageRow
from ocrloom.result import PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "COLUMNS",
    "Row",
    "document_of",
    "failures_text",
    "listed",
    "now",
    "page_of",
    "searchable",
    "stored_name",
]

Row: TypeAlias = tuple[Any, ...]

COLUMNS: Final = (
    "id, digest, source, title, date, pages, languages, added, changed, version, failures, kept,"
    " owner"
)
"""Of a document, in the order in which `document_of` takes them."""


def listed(names: Iterable[str]) -> str:
    """Names between spaces, so that each can be found with the spaces around it."""
    return "".join(f" {name}" for name in names) + " "


def searchable(text: str) -> str:
    """The tokens of a text, between spaces."""
    return listed(grams(units(text)))


# Python writes names that are not UTF-8 with halves of surrogate pairs, which no database takes.
# They are kept as characters of a private plane that Unicode leaves to programs.
_HALVES: Final = {half: half + 0x100000 - 0xD800 for half in range(0xD800, 0xE000)}
_WHOLE: Final = {kept: half for half, kept in _HALVES.items()}


def stored_name(name: str | None) -> str | None:
    """A source's name in characters that every database takes; `document_of` gives it back."""
    return None if name is None else name.translate(_HALVES).replace("\0", "\ufffd")


def _restored(name: str | None) -> str | None:
    return None if name is None else name.translate(_WHOLE)


def now() -> str:
    """The time in UTC, in ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")


def failures_text(failures: Iterable[PageFailure]) -> str:
    """Failures as JSON."""
    return json.dumps([[each.number, each.kind, each.message] for each in failures])


def document_of(row: Row, metadata: dict[str, str]) -> Document:
    """The document of a row with `COLUMNS`."""
    (number, digest, source, title, date, pages, languages, added, changed, version, failures,
     kept, owner) = row  # fmt: skip
    return Document(
        id=number,
        digest=digest.partition("/")[0],
        owner=owner,
        source=_restored(source),
        description=Description(
            title=title,
            date=dt.date.fromisoformat(date) if date else None,
            metadata=metadata,
        ),
        pages=pages,
        languages=tuple(map(Language.parse, languages.split())),
        added=dt.datetime.fromisoformat(added),
        changed=dt.datetime.fromisoformat(changed),
        version=version,
        failures=tuple(
            PageFailure(number=page, kind=kind, message=message)
            for page, kind, message in json.loads(failures)
        ),
        kept=kept,
    )


def page_of(row: Row) -> PageRow:
    """The page of a row with its number, its document's, its place there and its languages."""
    number, document, page, languages = row
    return PageRow(id=number, document=document, number=page, languages=tuple(languages.split()))
