"""A result as a web page that needs no other file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrloom._version import __version__
from ocrloom.formats.flow import note_of, parts, table_of
from ocrloom.formats.markup import content
from ocrloom.formats.prose import joined, running
from ocrloom.formats.scripts import language, rtl
from ocrloom.result import BlockKind, PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.formats.flow import Part
    from ocrloom.result import Block, Cell, OcrResult, Table

__all__ = ["render"]

_HEAD = """\
<!DOCTYPE html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="ocrloom {version}">
<title>{title}</title>
<style>
body {{ font-family: serif; line-height: 1.4; max-width: 45em; margin: 2em auto; padding: 0 1em; }}
section + section {{ border-top: thin solid #bbb; margin-top: 2em; padding-top: 1em; }}
table {{ border-collapse: collapse; }}
td {{ border: thin solid #bbb; padding: 0.2em 0.5em; vertical-align: top; }}
caption, .caption {{ font-style: italic; }}
aside, .header, .footer, .page-number {{ color: #666; font-size: 85%; }}
.failure {{ color: #a00; }}
@media print {{ section + section {{ border: none; break-before: page; }} }}
</style>
</head>
<body>
"""

# All but headings and tables.
_TAGS = {
    BlockKind.TABLE: ("p", ""),
    BlockKind.PARAGRAPH: ("p", ""),
    BlockKind.CAPTION: ("p", ' class="caption"'),
    BlockKind.NOTE: ("aside", ""),
    BlockKind.HEADER: ("p", ' class="header"'),
    BlockKind.FOOTER: ("p", ' class="footer"'),
    BlockKind.PAGE_NUMBER: ("p", ' class="page-number"'),
}


def render(result: OcrResult) -> str:
    """Makes one document with a section for each page, those that could not be read too.

    A caption beside a table is the table's. The language is named where the script tells it.
    """
    text = result.text
    base = rtl(text)
    head = _HEAD.format(
        language=language(text),
        direction="rtl" if base else "ltr",
        version=__version__,
        title=content(result.source or "Text"),
    )
    return f"{head}{''.join(_section(part, base=base) for part in parts(result))}</body>\n</html>\n"


def _section(part: Part, *, base: bool) -> str:
    inside = (
        f'<p class="failure">{content(note_of(part))}</p>\n'
        if isinstance(part, PageFailure)
        else "".join(_blocks(part.blocks, base=base))
    )
    number = part.number
    return f'<section id="page-{number}" aria-label="Page {number}">\n{inside}</section>\n'


def _blocks(blocks: Sequence[Block], *, base: bool) -> Iterator[str]:
    """The blocks' elements; text that runs against the document's direction says so."""
    captions = _captions(blocks)
    used = {id(caption) for caption in captions.values()}
    for place, block in enumerate(blocks):
        table = table_of(block)
        text = _text(block)
        if id(block) in used or not (text or table):
            continue
        turned = rtl(block.text)
        direction = "" if turned is base else f' dir="{"rtl" if turned else "ltr"}"'
        if table is not None:
            yield _table(table, captions.get(place), direction)
            continue
        tag, more = _TAGS.get(block.kind) or (f"h{min(max(block.level, 1), 6)}", "")
        yield f"<{tag}{more}{direction}>{text}</{tag}>\n"


def _text(block: Block) -> str:
    if block.kind in (BlockKind.HEADING, BlockKind.CAPTION):
        return content(joined(block.lines))
    return "<br>\n".join(map(content, running(block.lines)))


def _captions(blocks: Sequence[Block]) -> dict[int, Block]:
    """The captions of tables, by the tables' places: rather that above one than that below."""
    found: dict[int, Block] = {}
    for place, block in enumerate(blocks):
        if block.kind is not BlockKind.CAPTION or block.table is not None:
            continue
        for other in (place + 1, place - 1):
            if 0 <= other < len(blocks) and blocks[other].table is not None and other not in found:
                found[other] = block
                break
    return found


def _table(table: Table, caption: Block | None, direction: str) -> str:
    title = f"<caption>{_text(caption)}</caption>\n" if caption else ""
    rows = (
        "<tr>" + "".join(_place(cell, row, column) for column, cell in enumerate(cells)) + "</tr>\n"
        for row, cells in enumerate(table.grid)
    )
    return f"<table{direction}>\n{title}{''.join(rows)}</table>\n"


def _place(cell: Cell | None, row: int, column: int) -> str:
    if cell is None:
        return "<td></td>"
    if (cell.row, cell.column) != (row, column):
        return ""
    spans = f' rowspan="{cell.row_span}"' if cell.row_span > 1 else ""
    spans += f' colspan="{cell.column_span}"' if cell.column_span > 1 else ""
    return f"<td{spans}>{content(cell.text)}</td>"
