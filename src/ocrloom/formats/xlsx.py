"""The tables of a result as a workbook of Excel, a sheet for each."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from openpyxl import Workbook
from openpyxl.cell.cell import TYPE_STRING

from ocrloom.errors import OcrOutputError
from ocrloom.formats.flow import tables_of
from ocrloom.formats.markup import clean

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

    from ocrloom.result import Cell, OcrResult, Table

__all__ = ["render"]

# What Excel can hold: characters in a cell, rows and columns in a sheet.
_MOST_CHARACTERS, _MOST_ROWS, _MOST_COLUMNS = 32_767, 1_048_576, 16_384


def render(result: OcrResult) -> bytes:
    """Makes a workbook whose sheets are named by their pages, such as ``Page 3 (2)``.

    All cells are text, exactly as it stands on the page: what a comma or a point in a number means
    is not known, and text that begins with ``=`` must not become a formula.

    Raises:
        OcrOutputError: There is no table, or one that Excel cannot hold.
    """
    book = Workbook()
    book.remove(book.active)
    counts: dict[int, int] = {}
    for page, table in tables_of(result, "XLSX"):
        count = counts[page.number] = counts.get(page.number, 0) + 1
        title = f"Page {page.number}" + f" ({count})" * (count > 1)
        _fill(book.create_sheet(title), table, title)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _fill(sheet: Worksheet, table: Table, title: str) -> None:
    if table.rows > _MOST_ROWS or table.columns > _MOST_COLUMNS:
        raise OcrOutputError(
            f"{title}: a sheet of Excel has {_MOST_ROWS} rows and {_MOST_COLUMNS} columns, found a "
            f"table of {table.rows} and {table.columns}; write it as CSV"
        )
    for cell in table.cells:
        row, column = cell.row + 1, cell.column + 1
        place = sheet.cell(row, column, _text(cell, title))
        place.data_type = TYPE_STRING
        if cell.row_span > 1 or cell.column_span > 1:
            below, beside = cell.row + cell.row_span, cell.column + cell.column_span
            sheet.merge_cells(start_row=row, start_column=column, end_row=below, end_column=beside)


def _text(cell: Cell, title: str) -> str:
    text = clean(cell.text)
    if len(text) > _MOST_CHARACTERS:
        raise OcrOutputError(
            f"{title}: a cell of Excel holds {_MOST_CHARACTERS} characters, found {len(text)}; "
            "write the table as CSV"
        )
    return text
