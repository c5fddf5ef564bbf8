"""A result of one page as PAGE XML 2019-07-15: https://github.com/PRImA-Research-Lab/PAGE-XML."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ocrloom._version import __version__
from ocrloom.errors import OcrOutputError
from ocrloom.formats.flow import lines_of, table_of
from ocrloom.formats.markup import attribute, content
from ocrloom.formats.places import corners, points
from ocrloom.formats.scripts import rtl
from ocrloom.result import BlockKind, Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.result import Block, Cell, OcrResult, Page, Polygon, Table, Word

__all__ = ["render"]

_TYPES = {
    # A table whose cells are not known is only its lines.
    BlockKind.TABLE: "other",
    BlockKind.PARAGRAPH: "paragraph",
    BlockKind.HEADING: "heading",
    BlockKind.CAPTION: "caption",
    BlockKind.NOTE: "marginalia",
    BlockKind.HEADER: "header",
    BlockKind.FOOTER: "footer",
    BlockKind.PAGE_NUMBER: "page-number",
}

_NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
_HEAD = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="{_NAMESPACE}" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="{_NAMESPACE} {_NAMESPACE}/pagecontent.xsd">
 <Metadata>
  <Creator>ocrloom {{version}}</Creator>
  <Created>{{time}}</Created>
  <LastChange>{{time}}</LastChange>
{{comments}} </Metadata>
"""


def render(result: OcrResult) -> str:
    """Makes the document of a result that has one page; it says when it was made.

    All polygons are kept. Pages that could not be read are named in its comments.

    Raises:
        OcrOutputError: There is more than one page, or none, or a coordinate is not a number.
    """
    if len(result.pages) != 1:
        raise OcrOutputError(
            f"PAGE XML holds one page, found {len(result.pages)}; save the result to a file, "
            "which makes one for each page, or choose ALTO or hOCR"
        )
    comments = "; ".join(
        f"page {failure.number} could not be read: {failure.kind}: {failure.message}"
        for failure in result.failures
    )
    head = _HEAD.format(
        version=__version__,
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        comments=f"  <Comments>{content(comments)}</Comments>\n" if comments else "",
    )
    return f"{head}{_page(result.pages[0], result.source or '')}</PcGts>\n"


def _page(page: Page, source: str) -> str:
    density = ""
    if page.dpi is not None:
        density = (
            f' imageXResolution="{page.dpi[0]:g}" imageYResolution="{page.dpi[1]:g}"'
            ' imageResolutionUnit="PPI"'
        )
    blocks = "".join(_block(block, f"r{place}", page) for place, block in enumerate(page.blocks))
    return (
        f' <Page imageFilename="{attribute(source)}" imageWidth="{page.width}" '
        f'imageHeight="{page.height}"{density}>\n'
        f"{_order(page)}{blocks} </Page>\n"
    )


def _order(page: Page) -> str:
    if not page.blocks:
        return ""
    references = "".join(
        f'    <RegionRefIndexed index="{place}" regionRef="r{place}"/>\n'
        for place in range(len(page.blocks))
    )
    return (
        '  <ReadingOrder>\n   <OrderedGroup id="order">\n'
        f"{references}   </OrderedGroup>\n  </ReadingOrder>\n"
    )


def _block(block: Block, name: str, page: Page) -> str:
    table = table_of(block)
    if table is not None:
        return _table(block, table, name, page)
    lines = ((line.words, line.polygon) for line in block.lines)
    level = f' custom="structure {{level:{block.level};}}"' if block.level else ""
    return (
        f'  <TextRegion id="{name}" type="{_TYPES[block.kind]}"{level}{_direction(block.text)}>\n'
        f"{_coords(block.polygon, page)}"
        f"{_lines(lines, name, page)}{_text(block.text)}  </TextRegion>\n"
    )


def _table(block: Block, table: Table, name: str, page: Page) -> str:
    cells = (_cell(cell, block, f"{name}_c{place}", page) for place, cell in enumerate(table.cells))
    return (
        f'  <TableRegion id="{name}" rows="{table.rows}" columns="{table.columns}">\n'
        f"{_coords(block.polygon, page)}{''.join(cells)}  </TableRegion>\n"
    )


def _cell(cell: Cell, block: Block, name: str, page: Page) -> str:
    rows = [(words, _around(words)) for words in lines_of(cell, block)]
    return (
        f'  <TextRegion id="{name}"{_direction(cell.text)}>\n'
        f"{_coords(cell.polygon, page)}"
        f'   <Roles><TableCellRole rowIndex="{cell.row}" columnIndex="{cell.column}" '
        f'rowSpan="{cell.row_span}" colSpan="{cell.column_span}"/></Roles>\n'
        f"{_lines(rows, name, page)}{_text(cell.text)}  </TextRegion>\n"
    )


def _around(words: Iterable[Word]) -> Polygon:
    """The polygon of the part of a line that words make, as they lie on the page."""
    first, *_ = every = [word.polygon for word in words]
    last = every[-1]
    return first[0], last[1], last[2], first[3]


def _lines(lines: Iterable[tuple[tuple[Word, ...], Polygon]], region: str, page: Page) -> str:
    return "".join(
        _line(words, polygon, f"{region}_l{place}", page)
        for place, (words, polygon) in enumerate(lines)
    )


def _line(words: tuple[Word, ...], polygon: Polygon, name: str, page: Page) -> str:
    line = Line(words=words, polygon=polygon)
    made = (_word(word, f"{name}_w{place}", page) for place, word in enumerate(words))
    return (
        f'   <TextLine id="{name}">\n{_coords(polygon, page)}'
        f"{''.join(made)}{_text(line.text, line.confidence)}   </TextLine>\n"
    )


def _word(word: Word, name: str, page: Page) -> str:
    return (
        f'    <Word id="{name}"><Coords points="{points(corners(word.polygon, page))}"/>'
        f'<TextEquiv conf="{word.confidence:.3f}"><Unicode>{content(word.text)}</Unicode>'
        "</TextEquiv></Word>\n"
    )


def _coords(polygon: Polygon, page: Page) -> str:
    return f'   <Coords points="{points(corners(polygon, page))}"/>\n'


def _text(text: str, confidence: float | None = None) -> str:
    known = "" if confidence is None else f' conf="{confidence:.3f}"'
    return f"   <TextEquiv{known}><Unicode>{content(text)}</Unicode></TextEquiv>\n"


def _direction(text: str) -> str:
    return ' readingDirection="right-to-left"' if rtl(text) else ""
