"""What a result is to those who do not look at the page: pages in order, whole tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.errors import OcrOutputError
from ocrloom.result import Cell, Page, PageFailure, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.result import Block, OcrResult, Word

__all__ = [
    "Part",
    "lines_of",
    "note_of",
    "parts",
    "rows_of",
    "table_of",
    "tables_of",
]

Part: TypeAlias = Page | PageFailure


def parts(result: OcrResult) -> list[Part]:
    """The pages and the failures, in the order of the source."""
    every: list[Part] = [*result.pages, *result.failures]
    return sorted(every, key=lambda part: part.number)


def note_of(failure: PageFailure) -> str:
    """What a document says in place of a page that could not be read."""
    return f"Page {failure.number} could not be read: {failure.message}"


def table_of(block: Block) -> Table | None:
    """The block's table; words of its lines that are in no cell follow in a row of their own."""
    table = block.table
    if table is None:
        return None
    held = Counter(word for cell in table.cells for word in cell.words)
    left = []
    for word in (word for line in block.lines for word in line.words):
        if held[word]:
            held[word] -= 1
        else:
            left.append(word)
    if not left:
        return table
    last = Cell(
        row=table.rows,
        column=0,
        column_span=table.columns,
        words=tuple(left),
        polygon=block.polygon,
    )
    return replace(table, rows=table.rows + 1, cells=(*table.cells, last))


def tables_of(result: OcrResult, what: str) -> list[tuple[Page, Table]]:
    """All tables, each with its page.

    Args:
        result: What was read.
        what: The format that they are for, as it is called in a message.

    Raises:
        OcrOutputError: There is no table.
    """
    every = [(page, table_of(block)) for page in result.pages for block in page.blocks]
    found = [(page, table) for page, table in every if table is not None]
    if not found:
        pages = len(result.pages)
        raise OcrOutputError(
            f"{what} holds tables, found none on {pages} page{'s' * (pages != 1)}; choose a format "
            "that holds all text, such as txt or html"
        )
    return found


def rows_of(table: Table) -> list[list[str]]:
    """The texts of all places, row by row; a cell's text is in its first place only."""
    texts = [[""] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        texts[cell.row][cell.column] = cell.text
    return texts


def lines_of(cell: Cell, block: Block) -> Iterator[tuple[Word, ...]]:
    """The words of a cell, line by line."""
    place = {word: row for row, line in enumerate(block.lines) for word in line.words}
    for _, words in groupby(cell.words, key=place.get):
        yield tuple(words)
