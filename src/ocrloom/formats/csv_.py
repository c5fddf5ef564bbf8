"""The tables of a result as comma-separated values (RFC 4180, with line feeds)."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from ocrloom.formats.flow import rows_of, tables_of
from ocrloom.formats.markup import one_line

if TYPE_CHECKING:
    from ocrloom.result import OcrResult

__all__ = ["render"]


def render(result: OcrResult) -> str:
    """Makes the rows of all tables, an empty line between each two tables.

    Texts are as they stand on the page. A cell that reaches over several places is in the first.

    Raises:
        OcrOutputError: There is no table.
    """
    made = []
    for _, table in tables_of(result, "CSV"):
        buffer = io.StringIO()
        rows = ([one_line(text) for text in row] for row in rows_of(table))
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        made.append(buffer.getvalue())
    return "\n".join(made)
