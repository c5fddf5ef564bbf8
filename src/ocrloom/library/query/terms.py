"""What one word, phrase or field of a search asks for. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ocrloom.errors import OcrOptionError
from ocrloom.languages import Language
from ocrloom.library.analysis import normal, units
from ocrloom.library.query.dates import between
from ocrloom.library.query.errors import refused
from ocrloom.library.query.tree import (
    Described,
    InDocument,
    InLanguage,
    Node,
    OnPage,
    Phrase,
)

__all__ = ["EXAMPLES", "Term", "leaf"]

EXAMPLES: Final = {
    "added": ">=2026-11",
    "date": "2019-05",
    "document": "12",
    "language": "fra",
    "page": "1-10",
    "source": "invoices",
    "title": "report",
}
"""The fields that every library has, each with a value; any other name is one of metadata."""

_MOST: Final = 3.0  # beyond, a tolerance lets most short words stand for each other
_ANY: Final = 1.0  # tolerance of a bare ~
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?|\.\d+", re.ASCII)
# Eighteen digits fit into the integers of all databases.
_DOCUMENT: Final = re.compile(r"0*[1-9]\d{0,17}", re.ASCII)
_PAGES: Final = re.compile(r"(0*[1-9]\d{0,8})?(-)?(0*[1-9]\d{0,8})?", re.ASCII)
_INNER_STAR: Final = re.compile(r"(?<=\S)\*|\*(?=\S)")
_INNER_TILDE: Final = re.compile(r"(?<=\w)~")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or a phrase as it was written."""

    field: str | None
    place: int
    """Its first character in the search."""
    body: str
    """What stands between the quotation marks, or before the ending."""
    ending: str
    """``*``, ``~`` and a number, or both."""
    quoted: bool


def leaf(term: Term) -> Node | None:
    """What it asks for; None where it has neither letters nor digits.

    Raises:
        OcrQueryError: It is not written as searches are.
    """
    match term.field:
        case "added" | "date" as field:
            return between(field, _value(term), term.place)
        case "document":
            return _in_document(term)
        case "language":
            return _in_language(term)
        case "page":
            return _on_page(term)
        case None:
            return _phrase(term)
        case field:
            return _described(field, term)


def _value(term: Term) -> str:
    """The text of a field that has no words; digits may be of any script."""
    return normal(term.body + term.ending)


def _in_document(term: Term) -> InDocument:
    value = _value(term)
    if not _DOCUMENT.fullmatch(value):
        raise refused(
            term.place,
            f"expected for document: its number, as in document:{EXAMPLES['document']}, got"
            f" {value!r:.60}; hits and `documents` have the numbers",
        )
    return InDocument(document=int(value))


def _in_language(term: Term) -> InLanguage:
    try:
        language = Language.parse(term.body + term.ending)
    except OcrOptionError as error:
        raise refused(
            term.place, f"expected for language: the name or code of one: {error}"
        ) from None
    if language is Language.AUTO:
        raise refused(
            term.place,
            "expected for language: one that pages are written in, got auto; name one, as in"
            f" language:{EXAMPLES['language']}",
        )
    return InLanguage(code=language.code)


def _on_page(term: Term) -> OnPage:
    value = _value(term)
    found = _PAGES.fullmatch(value)
    first, dash, last = found.groups() if found else (None, None, None)
    numbers = int(first or 1), int(last) if last else None
    if (
        (dash is None and (first is None or last is not None))
        or (first is last is None)
        or (numbers[1] is not None and numbers[0] > numbers[1])
    ):
        raise refused(
            term.place,
            "expected for page: a number from 1 or a range of them, as in page:3, page:1-10 or"
            f" page:5-, got {value!r:.60}",
        )
    return OnPage(first=numbers[0], last=numbers[0] if dash is None else numbers[1])


def _described(field: str, term: Term) -> Described | None:
    words = _words(term)
    if _tolerance(term) is not None:
        raise refused(
            term.place,
            f"expected for {field}: words without ~, as only the text of pages may have been read"
            " wrong, got one with it; leave it out",
        )
    if words is None:
        return None
    return Described(field=field, words=words.words, is_run=words.is_run, prefix=words.prefix)


def _phrase(term: Term) -> Phrase | None:
    words = _words(term)
    tolerance = _tolerance(term)
    if words is None:
        return None
    return Phrase(
        words=words.words,
        exact=words.exact,
        is_run=words.is_run,
        prefix=words.prefix,
        tolerance=tolerance,
    )


@dataclass(frozen=True, slots=True)
class _Words:
    words: tuple[str, ...]
    exact: tuple[str, ...]
    is_run: tuple[bool, ...]
    prefix: bool


def _words(term: Term) -> _Words | None:
    body, prefix = term.body, term.ending.startswith("*")
    if term.quoted and re.search(r"\S\*\Z", body):
        body, prefix = body[:-1], True
    _check_signs(term, body)
    folded = _joined(body, fold=True)
    if not folded:
        return None
    exact = _joined(body, fold=False)
    return _Words(
        words=tuple(text for text, _ in folded),
        exact=tuple(text for text, _ in exact),
        is_run=tuple(is_run for _, is_run in folded),
        # A run at the end is only a beginning anyway.
        prefix=prefix and not folded[-1][1],
    )


def _joined(text: str, *, fold: bool) -> list[tuple[str, bool]]:
    """The words of a text, and which are runs."""
    found: list[tuple[str, bool]] = []
    for is_run, some in groupby(units(text, fold=fold), lambda unit: unit.is_run):
        texts = [unit.text for unit in some]
        found += [("".join(texts), True)] if is_run else [(text, False) for text in texts]
    return found


def _check_signs(term: Term, body: str) -> None:
    """Refuses what people expect something of that it does not do."""
    start = term.place + term.quoted
    if star := _INNER_STAR.search(body):
        raise refused(
            start + star.start(),
            "expected a * only after the beginning of a word, the last one of a phrase, got one"
            " elsewhere; leave it out, or look for the beginning of the word",
        )
    tilde = None if term.quoted else _INNER_TILDE.search(body)
    if tilde:
        raise refused(
            start + tilde.start(),
            f"expected a number from 0 to {_MOST:.0f} after ~ and nothing more, got"
            f" {(body[tilde.end() :] + term.ending)!r:.60}; put text that has a ~ in it into"
            " quotation marks",
        )


def _tolerance(term: Term) -> float | None:
    _, tilde, number = term.ending.partition("~")
    if not tilde:
        return None
    if not number:
        return _ANY
    value = float(number) if _NUMBER.fullmatch(number) else _MOST + 1
    if value > _MOST:
        place = term.place + 2 * term.quoted + len(term.body) + term.ending.index("~") + 1
        raise refused(
            place,
            f"expected a number from 0 to {_MOST:.0f} after ~, such as 1 or 0.5, got"
            f" {number!r:.60}; put text that has a ~ in it into quotation marks",
        )
    return value
