"""A result as Markdown: CommonMark with GitHub's tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ocrloom.formats.flow import note_of, parts, rows_of, table_of
from ocrloom.formats.markup import one_line
from ocrloom.formats.prose import joined, running
from ocrloom.result import BlockKind, PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.formats.flow import Part
    from ocrloom.result import Block, OcrResult, Table

__all__ = ["render"]

# What has a meaning anywhere in a line. An underscore within a word has none.
_INLINE = re.compile(r"[\\`*~\[]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|<(?=[A-Za-z/!?])")
# What has one where a line begins: headings, lists, quotations, rules, heads of tables.
_START = re.compile(r"(?=#{1,6}(?: |$)|[-+](?: |$)|>|[-=:| ]+$)|(?<=\d)(?=[.)](?: |$))")
_NUMBER = re.compile(r"\d{1,9}(?=[.)](?: |$))")


def render(result: OcrResult) -> str:
    """Makes one document of all pages; empty where nothing was read.

    Where there are several pages, a comment begins each. A line is broken where the writer meant
    it. The first row of a table is its head, as GitHub's tables must have one; captions are
    emphasised. A quotation stands for a page that could not be read.
    """
    every = parts(result)
    chunks = [chunk for part in every for chunk in _part(part, numbered=len(every) > 1)]
    return "\n\n".join(chunks) + "\n" if chunks else ""


def _part(part: Part, *, numbered: bool) -> Iterator[str]:
    if numbered:
        yield f"<!-- page {part.number} -->"
    if isinstance(part, PageFailure):
        yield f"> {_inline(note_of(part))}"
        return
    for block in part.blocks:
        chunk = _block(block)
        if chunk:
            yield chunk


def _block(block: Block) -> str:
    table = table_of(block)
    if table is not None:
        return _table(table)
    if block.kind not in (BlockKind.HEADING, BlockKind.CAPTION):
        return "\\\n".join(_started(_inline(text)) for text in running(block.lines))
    text = _inline(joined(block.lines))
    if not text:
        return ""
    if block.kind is BlockKind.HEADING:
        # Number signs at the end of a heading would belong to its mark.
        safe = f"{text[:-1]}\\#" if text.endswith("#") else text
        return f"{'#' * min(max(block.level, 1), 6)} {safe}"
    return f"*{text}*"


def _table(table: Table) -> str:
    head, *rows = (
        f"| {' | '.join(_inline(text).replace('|', chr(92) + '|') for text in row)} |"
        for row in rows_of(table)
    )
    return "\n".join((head, f"|{' --- |' * table.columns}", *rows))


def _inline(text: str) -> str:
    """The text on one line, so that all of it is read as text."""
    return _INLINE.sub(r"\\\g<0>", one_line(text))


def _started(text: str) -> str:
    """The same for the beginning of a line."""
    number = _NUMBER.match(text)
    at = number.end() if number else 0
    return f"{text[:at]}\\{text[at:]}" if _START.match(text, at) else text
