"""Pages as rows of a table, and back."""

from __future__ import annotations

import json
import re
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ocrloom._version import __version__
from ocrloom.errors import OcrOptionError
from ocrloom.formats.json_ import encode, page_document, parse_page
from ocrloom.result import Page, PageFailure
from ocrloom.vision.models import DETECTOR, RECOGNISER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocrloom.engine.protocols import Outcome

__all__ = ["SCHEMA", "page_of", "row_of", "table_of", "whole"]

_EFFORT: Final = 4  # of zlib; more takes twice the time for a twentieth less
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _listed(kind: pa.DataType) -> pa.DataType:
    # As Parquet calls what is in a list, so that a file has the very schema.
    return pa.list_(pa.field("element", kind))


_WORD: Final = pa.struct(
    [
        pa.field("text", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("polygon", _listed(pa.float32()), nullable=False),
        pa.field("block", pa.int32(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("recogniser", pa.string(), nullable=False),
    ]
)
_PROVENANCE: Final = pa.struct(
    [
        pa.field("ocrloom", pa.string(), nullable=False),
        pa.field("models", _listed(pa.string()), nullable=False),
        pa.field("node", pa.string(), nullable=False),
        pa.field("cpu_seconds", pa.float64(), nullable=False),
        pa.field("finished", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
_FAILURE: Final = pa.struct(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("message", pa.string(), nullable=False),
    ]
)


def _described(name: str, kind: pa.DataType, says: str, *, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"description": says})


SCHEMA: Final = pa.schema(
    [
        _described("document", pa.string(), "absolute path, or location"),
        _described("page", pa.int32(), "place in the document, from 1; 0 where it does not open"),
        _described("pages", pa.int32(), "pages of the document that were asked for; 0 as above"),
        _described(
            "key", pa.string(), "what decides the text: content, options, versions; 64 hex digits"
        ),
        _described("text", pa.string(), "the whole text, as `Page.text`"),
        _described(
            "words",
            _listed(_WORD),
            "in reading order; polygon as x, y of four corners in pixels of the page, block and"
            " line from 0 on the page",
        ),
        _described("confidence", pa.float32(), "mean of the words, by length, 0..1"),
        _described("expected_cer", pa.float32(), "share of characters expected to be wrong, 0..1"),
        _described("review", pa.bool_(), "whether more errors are expected than was allowed"),
        _described("width", pa.int32(), "pixels"),
        _described("height", pa.int32(), "pixels"),
        _described(
            "dpi", _listed(pa.float32()), "horizontal, vertical; null if unknown", nullable=True
        ),
        _described("rotation", pa.int16(), "degrees clockwise to stand upright"),
        _described("skew", pa.float32(), "slope of the lines in degrees, falling to the right"),
        _described("languages", _listed(pa.string()), "codes of ISO 639-3"),
        _described("read_by", pa.string(), "ocr or text_layer"),
        _described("reason", pa.string(), "of a PDF's page: why it was read so"),
        _described(
            "provenance",
            _PROVENANCE,
            "version, models, machine, CPU time and when; of a page from a journal the time is 0",
        ),
        _described("failure", _FAILURE, "why there is no text; null where read", nullable=True),
        _described(
            "result",
            pa.binary(),
            "the whole page for `page_of`: its JSON document in zlib; null where not read",
            nullable=True,
        ),
    ],
    metadata={"ocrloom": "pages/1"},
)
"""One row is one page. The number in the metadata changes when a reader would go wrong."""


def row_of(
    outcome: Outcome,
    *,
    document: str,
    pages: int,
    key: str,
    node: str,
    seconds: float,
    finished: datetime | None = None,
) -> dict[str, Any]:
    """What stands for a page in a table of `SCHEMA`.

    Args:
        outcome: The page, or why there is none; with the number 0 of a whole document.
        document: Path or location.
        pages: How many pages of the document were asked for.
        key: What the page would be kept under in a journal.
        node: The machine that read it.
        seconds: CPU time that it took.
        finished: When it was read; now if not given.
    """
    row: dict[str, Any] = {
        "document": whole(document),
        "page": outcome.number,
        "pages": pages,
        "key": key,
        "provenance": {
            "ocrloom": __version__,
            "models": [DETECTOR.name, RECOGNISER.name],
            "node": node,
            "cpu_seconds": seconds,
            "finished": finished or datetime.now(UTC),
        },
    }
    return row | (_of_page(outcome) if isinstance(outcome, Page) else _of_failure(outcome))


def _of_page(page: Page) -> dict[str, Any]:
    document = page_document(page)
    # It follows from the words, and stands in its own column.
    del document["text"]
    return {
        "text": whole(page.text),
        "words": list(_words(page)),
        "confidence": page.confidence,
        "expected_cer": page.expected_cer,
        "review": page.review,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "rotation": page.rotation,
        "skew": page.skew,
        "languages": [language.code for language in page.languages],
        "read_by": page.read_by.value,
        "reason": whole(page.reason),
        "failure": None,
        "result": zlib.compress(encode(document).encode(), _EFFORT),
    }


def _of_failure(failure: PageFailure) -> dict[str, Any]:
    return {
        "text": "",
        "words": [],
        "confidence": 0.0,
        "expected_cer": 0.0,
        "review": False,
        "width": 0,
        "height": 0,
        "dpi": None,
        "rotation": 0,
        "skew": 0.0,
        "languages": [],
        "read_by": "",
        "reason": "",
        "failure": {"kind": failure.kind, "message": whole(failure.message)},
        "result": None,
    }


def _words(page: Page) -> Iterable[dict[str, Any]]:
    line = -1
    for block, content in enumerate(page.blocks):
        for each in content.lines:
            line += 1
            for word in each.words:
                yield {
                    "text": whole(word.text),
                    "confidence": word.confidence,
                    "polygon": [place for point in word.polygon for place in point],
                    "block": block,
                    "line": line,
                    "recogniser": word.recogniser,
                }


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table of what `row_of` gave."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)


def page_of(row: Mapping[str, Any]) -> Page | PageFailure:
    """The page that a row stands for, with all that was read; or why there is none.

    Args:
        row: As ``Dataset.iter_rows()`` or ``Table.to_pylist()`` give it; of its columns ``page``,
            ``failure`` and ``result`` are needed.

    Raises:
        OcrOptionError: It is no row of `SCHEMA`.
    """
    try:
        failure, packed = row["failure"], row["result"]
        if failure is not None:
            return PageFailure(
                number=int(row["page"]), kind=failure["kind"], message=failure["message"]
            )
        return parse_page(json.loads(zlib.decompress(packed)))
    except (KeyError, TypeError, ValueError, RecursionError, zlib.error) as error:
        raise OcrOptionError(
            "expected a row with the columns page, failure and result as read_documents gives "
            f"them: {error!r}"
        ) from error


def whole(text: str) -> str:
    r"""The text with an escape for each half of a surrogate pair, which UTF-8 cannot hold.

    So are names in a table that are not UTF-8 where they are: with ``\udcff`` in place of a byte.
    """
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
