"""What the service says of documents, of hits and of languages, as JSON."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ocrloom.service.models import Failure

if TYPE_CHECKING:
    from ocrloom.library import Document, Hit

__all__ = [
    "DocumentChange",
    "DocumentList",
    "HitList",
    "LanguageList",
    "LibraryDocument",
    "document_model",
    "hit_model",
]

_LINKS: Final[dict[str, Any]] = {
    "self": "/v1/documents/12",
    "result": "/v1/documents/12/result",
    "pages": "/v1/documents/12/pages",
}
_DOCUMENT: Final[dict[str, Any]] = {
    "id": 12,
    "name": "Annual report",
    "title": "Annual report",
    "date": "1908-05-31",
    "metadata": {"shelf": "9"},
    "source": "report.png",
    "pages": 1,
    "languages": ["eng"],
    "added": "2026-11-21T09:00:00.000000Z",
    "changed": "2026-11-21T09:00:00.000000Z",
    "version": 1,
    "failures": [],
    "links": _LINKS,
}
_HIT: Final[dict[str, Any]] = {
    "document": {"id": 12, "name": "Annual report"},
    "page": 1,
    "width": 1240,
    "height": 1754,
    "score": 2.31,
    "snippet": {"text": "the leaking roof of the bleachery", "marks": [[4, 16]]},
    "matches": [
        {
            "text": "leaking roof",
            "cost": 0.0,
            "polygons": [[[120.0, 300.0], [260.5, 300.0], [260.5, 331.0], [120.0, 331.0]]],
        }
    ],
}
_LANGUAGE: Final[dict[str, Any]] = {
    "code": "eng",
    "name": "English",
    "recognisers": ["pp-ocrv6-small", "tesseract"],
    "installed": True,
}

_LONGEST: Final = 10_000  # characters of a title or a value, as of `Description`
_KEY: Final = re.compile(r"[^\W\d]\w{0,63}")


def _is_named(name: object, value: object) -> bool:
    """Whether metadata may have this name and this value."""
    if not isinstance(name, str) or not _KEY.fullmatch(name):
        return False
    return value is None or (
        isinstance(value, str)
        and len(value) <= _LONGEST
        and "\0" not in value
        and value == _text(value)
    )


def _some(item: dict[str, Any]) -> dict[str, Any]:
    return {"items": [item], "next": None}


class DocumentLinks(BaseModel):
    """Where the rest is."""

    self: str
    result: str
    pages: str
    """Before a slash and the number of a page."""


class LibraryDocument(BaseModel):
    """A document of the library."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DOCUMENT]})

    id: int
    name: str
    """What to call it: its title, or else its source, or else its number."""
    title: str
    date: date | None
    """The day that stands on it, say."""
    metadata: dict[str, str]
    source: str | None
    """Name of the file that was read."""
    pages: int
    """Pages that were read."""
    languages: list[str]
    """Codes of the languages of all its pages."""
    added: datetime
    changed: datetime
    version: int
    """How often it was read."""
    failures: list[Failure]
    """The pages that could not be read."""
    links: DocumentLinks


class DocumentList(BaseModel):
    """Some documents, in the order in which they came."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_DOCUMENT], "next": None}]}
    )

    items: list[LibraryDocument]
    next: str | None
    """The ``cursor`` of the next part; None at the end."""


class DocumentChange(BaseModel):
    """What is to be said of a document; what is not given stays, and null takes it away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "Annual report", "date": None, "metadata": {"shelf": "9"}}]
        },
    )

    title: Annotated[str | None, Field(max_length=_LONGEST, pattern=r"^[^\x00]*$")] = None
    date: Annotated[
        str | None,
        Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"}),
    ] = None
    metadata: dict[str, str | None] | None = None
    """Names that are not given stay too."""

    # Pydantic names the place of an error, and here that would be what somebody has sent.

    @model_validator(mode="before")
    @classmethod
    def _check_names(cls, given: object) -> object:
        if isinstance(given, dict) and not given.keys() <= cls.model_fields.keys():
            raise PydanticCustomError("names", "expected title, date and metadata only")
        return given

    @field_validator("metadata", mode="before")
    @classmethod
    def _check_metadata(cls, given: object) -> object:
        if isinstance(given, dict) and not all(map(_is_named, given, given.values())):
            raise PydanticCustomError(
                "metadata",
                "expected names of up to 64 letters, digits and _, a letter first, and texts of at"
                f" most {_LONGEST} characters without NUL, or null",
            )
        return given


class FoundDocument(BaseModel):
    """The document that a hit is in."""

    id: int
    name: str


class FoundText(BaseModel):
    """Some text of the page around what was found."""

    text: str
    marks: list[tuple[int, int]]
    """Where in the text something matches: the first character and the one after the last."""


class FoundPlace(BaseModel):
    """A place on the page where a word or a phrase of the search stands."""

    text: str
    """What stands there, as it was read."""
    cost: float
    """How far it is from what was searched for."""
    polygons: list[list[tuple[float, float]]]
    """Where its words stand: four points each, in pixels of the page."""


class FoundPage(BaseModel):
    """A page that a search has found."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HIT]})

    document: FoundDocument
    page: int
    """Its number in the document."""
    width: int
    height: int
    score: float
    """How well it fits; only hits of one search can be compared."""
    snippet: FoundText
    matches: list[FoundPlace]


class HitList(BaseModel):
    """Some of the pages that were found, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_some(_HIT)]})

    items: list[FoundPage]
    next: int | None
    """The ``offset`` of the next part; None at the end."""


class LanguageEntry(BaseModel):
    """A language that ocrloom reads."""

    code: str
    """What the option ``languages`` takes."""
    name: str
    """In English."""
    recognisers: list[str]
    """What reads it, the preferred one first."""
    installed: bool
    """Whether this server can read it now."""


class LanguageList(BaseModel):
    """All languages."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_LANGUAGE]}]})

    items: list[LanguageEntry]


def document_model(document: Document) -> LibraryDocument:
    """What is said of a document."""
    at = f"/v1/documents/{document.id}"
    description = document.description
    values: dict[str, Any] = {
        "id": document.id,
        "name": _text(document.name),
        "title": description.title,
        "date": description.date,
        "metadata": dict(description.metadata),
        "source": None if document.source is None else _text(document.source),
        "pages": document.pages,
        "languages": [language.code for language in document.languages],
        "added": document.added,
        "changed": document.changed,
        "version": document.version,
        "failures": [
            {"number": each.number, "kind": each.kind, "message": _text(each.message)}
            for each in document.failures
        ],
        "links": {"self": at, "result": f"{at}/result", "pages": f"{at}/pages"},
    }
    return LibraryDocument.model_validate(values)


def hit_model(hit: Hit) -> FoundPage:
    """What is said of a hit."""
    return FoundPage(
        document=FoundDocument(id=hit.document.id, name=_text(hit.document.name)),
        page=hit.page,
        width=hit.width,
        height=hit.height,
        score=hit.score,
        snippet=FoundText(text=hit.snippet.text, marks=list(hit.snippet.marks)),
        matches=[
            FoundPlace(
                text=match.text,
                cost=match.cost,
                polygons=[list(polygon) for polygon in match.polygons],
            )
            for match in hit.matches
        ],
    )


def _text(name: str) -> str:
    """A name that UTF-8 can hold: Python has halves of characters in names of some files."""
    return name.encode("utf-8", "replace").decode()
