"""Tables on standard output: framed for people, bare columns for pipes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from ocrloom.cli.errors import printing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["print_table"]


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table.

    Args:
        headers: One for each column.
        rows: Cells, as many as headers in each. In a pipe every row is one line, however long.

    Raises:
        OcrOutputError: Standard output cannot be written.
    """
    with printing():
        _print(headers, rows)


def _print(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
        for row in (headers, *rows):
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            typer.echo("  ".join(cells).rstrip())
        return
    # Here and not at the top: a pipe does not need it.
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    # A name that is cut names nothing.
    columns = [Column(header, overflow="fold") for header in headers]
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        # As Text, since brackets in paths and names are no markup.
        table.add_row(*map(Text, row))
    Console(file=sys.stdout).print(table)
