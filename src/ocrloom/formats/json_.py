"""A result as JSON and back, without loss.

The document is described by ``result.schema.json`` beside this module. ``expected_cer``, and
``text`` and ``confidence`` but for those of words, are there for readers of the JSON; they follow
from the words, so `parse` passes over them. It passes over names that it does not know, too: a
later version may add some. Older documents have no ``failures``, and pages and blocks with fewer
names.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from ocrloom.errors import OcrOptionError, OcrOutputError, OcrUnknownLanguage
from ocrloom.languages import Language
from ocrloom.result import (
    Block,
    BlockKind,
    Cell,
    Line,
    OcrResult,
    Page,
    PageFailure,
    Point,
    Polygon,
    ReadBy,
    Table,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "SCHEMA",
    "encode",
    "failure_document",
    "page_document",
    "parse",
    "parse_failure",
    "parse_page",
    "render",
]

SCHEMA = "ocrloom/1"
"""Value of ``schema``: the number changes when a reader of the old one would go wrong."""

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

# Halves of surrogate pairs, which UTF-8 cannot hold: Python puts them into file names that are
# not UTF-8. JSON has an escape for them.
_SURROGATE = re.compile("[\ud800-\udfff]")


def render(result: OcrResult) -> str:
    """Makes a JSON document of a result, on one line, so that documents can follow each other.

    Raises:
        OcrOutputError: A number in the result is infinite or not a number.
    """
    before = {"schema": SCHEMA, "source": result.source, "text": result.text}
    after = {"failures": [failure_document(failure) for failure in result.failures]}
    # Page by page, as the document of all would take many times the memory of its text.
    pages = ",".join(encode(page_document(page)) for page in result.pages)
    return f'{encode(before)[:-1]},"pages":[{pages}],{encode(after)[1:]}\n'


def encode(document: Mapping[str, object]) -> str:
    """Makes text of a document, on one line without its end, that UTF-8 can always hold.

    Raises:
        OcrOutputError: A number in the document is infinite or not a number.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        raise OcrOutputError(
            f"a result must hold finite numbers to be written as JSON: {error}"
        ) from error
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def page_document(page: Page) -> dict[str, Any]:
    """Makes what stands for a page in the document's ``pages``."""
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "rotation": page.rotation,
        "scale": page.scale,
        "skew": page.skew,
        "languages": [language.code for language in page.languages],
        "text": page.text,
        "confidence": page.confidence,
        "expected_cer": page.expected_cer,
        "review": page.review,
        "read_by": page.read_by,
        "reason": page.reason,
        "blocks": [_block(block) for block in page.blocks],
    }


def failure_document(failure: PageFailure) -> dict[str, Any]:
    """Makes what stands for a page that could not be read in the document's ``failures``."""
    return {"number": failure.number, "kind": failure.kind, "message": failure.message}


def _block(block: Block) -> dict[str, Any]:
    return {
        "kind": block.kind,
        "level": block.level,
        "polygon": block.polygon,
        "lines": [_line(line) for line in block.lines],
        "table": block.table and _table(block.table, block),
    }


def _table(table: Table, block: Block) -> dict[str, Any]:
    """Words stand in the lines; a cell has their places among the block's words, from 0."""
    places: dict[Word, deque[int]] = defaultdict(deque)
    for place, word in enumerate(word for line in block.lines for word in line.words):
        places[word].append(place)
    return {
        "rows": table.rows,
        "columns": table.columns,
        "cells": [
            {
                "row": cell.row,
                "column": cell.column,
                "row_span": cell.row_span,
                "column_span": cell.column_span,
                "polygon": cell.polygon,
                "words": [places[word].popleft() for word in cell.words],
            }
            for cell in table.cells
        ],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "text": line.text,
        "polygon": line.polygon,
        "confidence": line.confidence,
        "words": [_word(word) for word in line.words],
    }


def _word(word: Word) -> dict[str, Any]:
    document = {
        "text": word.text,
        "polygon": word.polygon,
        "confidence": word.confidence,
        "recogniser": word.recogniser,
    }
    # There are many words, and few have these.
    if word.raw is not None:
        document["raw"] = word.raw
    if word.whole is not None:
        document["whole"] = word.whole
    return document


def parse(text: str) -> OcrResult:
    """Makes the result of which `render` made the document.

    Args:
        text: One JSON document.

    Raises:
        OcrOptionError: It is no such document; the message says where and what was expected.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise OcrOptionError(
            f"expected a JSON document of the schema {SCHEMA!r}: {error}"
        ) from error
    root = _Node(document, "the document")
    schema = root.get("schema").value
    if schema != SCHEMA:
        raise OcrOptionError(
            f"expected a result whose schema is {SCHEMA!r}, found {schema!r:.60}; "
            "read it with the version of ocrloom that wrote it"
        )
    source = root.get("source")
    failures = root.find("failures")
    return OcrResult(
        pages=root.get("pages").each(_parse_page),
        failures=() if failures is None else failures.each(_parse_failure),
        source=None if source.value is None else source.text(),
    )


def parse_page(document: object) -> Page:
    """Makes the page of which `page_document` made the document.

    Args:
        document: As `json.loads` gives it.

    Raises:
        OcrOptionError: It is no such document; the message says where and what was expected.
    """
    return _parse_page(_Node(document, "the page"))


def parse_failure(document: object) -> PageFailure:
    """Makes the failure of which `failure_document` made the document.

    Args:
        document: As `json.loads` gives it.

    Raises:
        OcrOptionError: It is no such document; the message says where and what was expected.
    """
    return _parse_failure(_Node(document, "the failure"))


class _Node:
    """A value in the document that knows its place, for messages."""

    __slots__ = ("place", "value")

    def __init__(self, value: object, place: str) -> None:
        self.value: Any = value
        self.place = place

    def refuse(self, expected: str) -> OcrOptionError:
        return OcrOptionError(f"{self.place}: expected {expected}, found {self.value!r:.60}")

    def get(self, name: str) -> _Node:
        found = self.find(name)
        if found is None:
            raise OcrOptionError(f"{self.place}: expected the name {name!r}, which is missing")
        return found

    def find(self, name: str) -> _Node | None:
        if not isinstance(self.value, dict):
            raise self.refuse("an object")
        if name not in self.value:
            return None
        return _Node(self.value[name], f"{self.place} > {name}")

    def each(self, convert: Callable[[_Node], T], length: int | None = None) -> tuple[T, ...]:
        if not isinstance(self.value, list) or length not in (None, len(self.value)):
            raise self.refuse("a list" if length is None else f"a list of {length}")
        return tuple(
            convert(_Node(item, f"{self.place}[{index}]")) for index, item in enumerate(self.value)
        )

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.refuse("text")
        return self.value

    def one_of(self, kinds: type[E]) -> E:
        try:
            return kinds(self.value)
        except ValueError:
            raise self.refuse(f"one of {', '.join(map(str, kinds))}") from None

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.refuse("true or false")
        return self.value

    def whole(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.refuse("a whole number")
        return self.value

    def number(self) -> float:
        try:
            found = float(self.value) if type(self.value) in (int, float) else float("nan")
        except OverflowError:
            found = float("inf")
        # Python's reader lets NaN and Infinity pass, which JSON does not know.
        if not -float("inf") < found < float("inf"):
            raise self.refuse("a number")
        return found


def _parse_page(node: _Node) -> Page:
    dpi = node.get("dpi")
    scale, read_by, reason, review, languages = map(
        node.find, ("scale", "read_by", "reason", "review", "languages")
    )
    return Page(
        number=node.get("number").whole(),
        width=node.get("width").whole(),
        height=node.get("height").whole(),
        dpi=None if dpi.value is None else _pair(dpi),
        rotation=node.get("rotation").whole(),
        scale=1.0 if scale is None else scale.number(),
        skew=node.get("skew").number(),
        languages=() if languages is None else languages.each(_parse_language),
        blocks=node.get("blocks").each(_parse_block),
        read_by=ReadBy.OCR if read_by is None else read_by.one_of(ReadBy),
        reason="" if reason is None else reason.text(),
        review=False if review is None else review.flag(),
    )


def _parse_language(node: _Node) -> Language:
    try:
        return Language.parse(node.text())
    except OcrUnknownLanguage:
        raise node.refuse("a language's code, such as eng") from None


def _parse_failure(node: _Node) -> PageFailure:
    return PageFailure(
        number=node.get("number").whole(),
        kind=node.get("kind").text(),
        message=node.get("message").text(),
    )


def _parse_block(node: _Node) -> Block:
    lines = node.get("lines").each(_parse_line)
    kind, level, table = map(node.find, ("kind", "level", "table"))
    return Block(
        lines=lines,
        polygon=_polygon(node.get("polygon")),
        kind=BlockKind.PARAGRAPH if kind is None else kind.one_of(BlockKind),
        level=0 if level is None else level.whole(),
        table=None if table is None or table.value is None else _parse_table(table, lines),
    )


def _parse_table(node: _Node, lines: tuple[Line, ...]) -> Table:
    words = [word for line in lines for word in line.words]

    def word(place: _Node) -> Word:
        number = place.whole()
        if not 0 <= number < len(words):
            raise place.refuse(f"the place of one of the block's {len(words)} words")
        return words[number]

    def cell(node: _Node) -> Cell:
        return Cell(
            row=node.get("row").whole(),
            column=node.get("column").whole(),
            row_span=node.get("row_span").whole(),
            column_span=node.get("column_span").whole(),
            polygon=_polygon(node.get("polygon")),
            words=node.get("words").each(word),
        )

    rows, columns = node.get("rows").whole(), node.get("columns").whole()
    cells = node.get("cells").each(cell)
    try:
        return Table(rows=rows, columns=columns, cells=cells)
    except OcrOptionError as error:
        raise OcrOptionError(f"{node.place}: {error}") from error


def _parse_line(node: _Node) -> Line:
    return Line(words=node.get("words").each(_parse_word), polygon=_polygon(node.get("polygon")))


def _parse_word(node: _Node) -> Word:
    raw, whole = map(node.find, ("raw", "whole"))
    return Word(
        text=node.get("text").text(),
        polygon=_polygon(node.get("polygon")),
        confidence=node.get("confidence").number(),
        recogniser=node.get("recogniser").text(),
        raw=None if raw is None else raw.text(),
        whole=None if whole is None else whole.text(),
    )


def _polygon(node: _Node) -> Polygon:
    first, second, third, fourth = node.each(_pair, 4)
    return first, second, third, fourth


def _pair(node: _Node) -> Point:
    x, y = node.each(_Node.number, 2)
    return x, y
