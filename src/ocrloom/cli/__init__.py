"""The command line: arguments in, files and exit codes out. No OCR logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line; the entry point of the program ``ocrloom``.

    Args:
        arguments: What follows the program's name; those of the process if not given.

    Raises:
        SystemExit: Always, with the exit code.
    """
    # Here and not at the top: importing the package for its parts must not load Typer.
    from ocrloom.cli.app import run

    run(arguments)
