"""The command line: arguments in, files and exit codes out. No OCR logic."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ocrloom.cli.interrupts import INTERRUPTED, end_soon, heed_termination

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
    # Only where the process is the program's own.
    alone = arguments is None
    try:
        if alone:
            heed_termination()
        # Here and not at the top: importing the package for its parts must not load Typer.
        from ocrloom.cli.app import run

        run(arguments)
    except KeyboardInterrupt as interrupt:
        # So early that no command had begun.
        raise SystemExit(INTERRUPTED) from interrupt
    except SystemExit as ended:
        # Without an error nothing runs any more.
        if alone and isinstance(ended.code, int) and ended.code:
            end_soon(ended.code)
        raise
