"""How errors reach a person: one line on standard error and an exit code."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer

from ocrloom.cli.interrupts import INTERRUPTED
from ocrloom.errors import OcrException, OcrOutputError
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "BROKEN_PIPE",
    "exit_code",
    "explain",
    "full_traceback",
    "printing",
    "reports_errors",
]

BROKEN_PIPE = 141
"""What a shell reports of a program ended by SIGPIPE, as most are when ``head`` has enough."""

P = ParamSpec("P")
R = TypeVar("R")


def exit_code(error: BaseException) -> int:
    """The exit code that belongs to an error."""
    return error.exit_code if isinstance(error, OcrException) else 1


def explain(error: BaseException, name: str | None = None) -> str:
    """Says on one line what went wrong.

    Args:
        error: What was raised.
        name: The file that it is about; not repeated where the message begins with it.
    """
    message = " ".join(str(error).split())
    if not isinstance(error, OcrException):
        message = f"unexpected {type(error).__name__}: {message}; --verbose shows where it arose"
    title = shown(name) if name is not None else ""
    if title and not message.startswith(title):
        message = f"{title}: {message}"
    return f"ocrloom: {message}"


def full_traceback(error: BaseException) -> str:
    """The traceback, with the errors that caused it."""
    return "".join(traceback.format_exception(error))


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turns what a command raises on purpose into a line on standard error and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except OcrException as error:
            if kwargs.get("verbose"):
                typer.echo(full_traceback(error), err=True, nl=False)
            typer.echo(explain(error), err=True)
            raise typer.Exit(exit_code(error)) from error
        except BrokenPipeError as error:
            _forget_output()
            raise typer.Exit(BROKEN_PIPE) from error
        except KeyboardInterrupt as error:
            typer.echo("ocrloom: interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from error

    return wrapper


@contextmanager
def printing() -> Iterator[None]:
    """Says what is wrong where standard output takes nothing; for what is printed at once.

    Raises:
        OcrOutputError: It is closed, or its disk is full.
        BrokenPipeError: Who was to read it has gone.
    """
    # So it is where the process was started without it, whatever its type says.
    if getattr(sys, "stdout", None) is None:
        raise OcrOutputError("standard output is closed; redirect it")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_output()
        raise OcrOutputError(
            f"standard output cannot be written: {error.strerror}; check its disk"
        ) from error


def _forget_output() -> None:
    """Lets Python's last flush succeed, which would complain of a closed pipe or a full disk."""
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
