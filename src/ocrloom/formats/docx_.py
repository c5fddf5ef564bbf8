"""A result as a document of Word: headings, paragraphs, tables and page breaks."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from ocrloom._version import __version__
from ocrloom.formats.flow import note_of, parts, table_of
from ocrloom.formats.markup import clean, content
from ocrloom.formats.prose import joined, running
from ocrloom.formats.scripts import rtl
from ocrloom.result import BlockKind, PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.formats.flow import Part
    from ocrloom.result import Block, Cell, OcrResult, Table

__all__ = ["render"]

# Identifiers of styles in the template that python-docx brings.
_STYLES = {
    BlockKind.CAPTION: "Caption",
    BlockKind.NOTE: "Quote",
    BlockKind.HEADER: "Header",
    BlockKind.FOOTER: "Footer",
    BlockKind.PAGE_NUMBER: "Footer",
}
_FAILURE = "IntenseQuote"
_BREAK = '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'
# What Word's own properties can hold.
_LONGEST_PROPERTY = 255


def render(result: OcrResult) -> bytes:
    """Makes one document of all pages, each beginning on a new one; it says when it was made.

    A paragraph stands for a page that could not be read.
    """
    document = docx.Document()
    properties = document.core_properties
    properties.title = clean(result.source or "")[:_LONGEST_PROPERTY]
    properties.author = f"ocrloom {__version__}"
    properties.comments = ""
    properties.created = properties.modified = datetime.now(UTC).replace(tzinfo=None)
    # Put together as text: python-docx's own calls take twenty times as long.
    inside = _BREAK.join("".join(_part(part)) for part in parts(result))
    body = document.element.body
    end = body[-1]
    for element in parse_xml(f"<w:body {nsdecls('w')}>{inside}</w:body>"):
        end.addprevious(element)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _part(part: Part) -> Iterator[str]:
    if isinstance(part, PageFailure):
        yield _paragraph([note_of(part)], _FAILURE)
        return
    for block in part.blocks:
        table = table_of(block)
        if table is not None:
            # Without a paragraph after it, Word joins a table to the next.
            yield f"{_table(table)}<w:p/>"
        elif texts := _texts(block):
            yield _paragraph(texts, _style(block))


def _texts(block: Block) -> list[str]:
    """The lines of its paragraph, as far as their breaks are meant."""
    if block.kind in (BlockKind.HEADING, BlockKind.CAPTION):
        return list(filter(None, [joined(block.lines)]))
    return running(block.lines)


def _style(block: Block) -> str:
    if block.kind is BlockKind.HEADING:
        return f"Heading{min(max(block.level, 1), 6)}"
    return _STYLES.get(block.kind, "")


def _paragraph(lines: Sequence[str], style: str = "") -> str:
    texts = [f'<w:t xml:space="preserve">{content(line)}</w:t>' for line in lines]
    turned = any(map(rtl, lines))
    named = f'<w:pStyle w:val="{style}"/>' if style else ""
    properties = named + "<w:bidi/>" * turned
    return (
        f"<w:p>{properties and f'<w:pPr>{properties}</w:pPr>'}"
        f"<w:r>{'<w:rPr><w:rtl/></w:rPr>' * turned}{'<w:br/>'.join(texts)}</w:r></w:p>"
    )


def _table(table: Table) -> str:
    rows = "".join(
        f"<w:tr>{''.join(_row(cells, row))}</w:tr>" for row, cells in enumerate(table.grid)
    )
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="0" w:type="auto"/></w:tblPr>'
        f"<w:tblGrid>{'<w:gridCol/>' * table.columns}</w:tblGrid>{rows}</w:tbl>"
    )


def _row(cells: tuple[Cell | None, ...], row: int) -> Iterator[str]:
    """A row's cells; those that reach down from above go on in it without text."""
    for column, cell in enumerate(cells):
        if cell is None:
            yield "<w:tc><w:p/></w:tc>"
        elif cell.column == column:
            across = f'<w:gridSpan w:val="{cell.column_span}"/>' * (cell.column_span > 1)
            begins = cell.row == row
            down = f'<w:vMerge w:val="{"restart" if begins else "continue"}"/>' * (
                cell.row_span > 1
            )
            yield (
                f"<w:tc><w:tcPr>{across}{down}</w:tcPr>"
                f"{_paragraph([cell.text] if begins else [])}</w:tc>"
            )
