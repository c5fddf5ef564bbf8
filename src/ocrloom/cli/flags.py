"""Flags of the command line, derived from the fields of ``OcrOptions`` and what is in it."""

from __future__ import annotations

import functools
import inspect
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, get_type_hints

import typer

from ocrloom.fields import bytes_of, is_choice, is_group, leaves, without_none
from ocrloom.options import OcrOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocrloom.languages import LanguageLike

__all__ = ["MakeOptions", "parse_size", "with_option_flags"]

R = TypeVar("R")


class MakeOptions(Protocol):
    """What a command gets in place of the flags."""

    def __call__(self, *, languages: tuple[LanguageLike, ...]) -> OcrOptions:
        """Makes the options; languages have a flag of their own, as Typer knows no ``Language``.

        Raises:
            OcrOptionError: A flag has a value that the option cannot have.
        """


def with_option_flags(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command a flag for every option in place of its parameter ``make_options``.

    Args:
        command: A function with a keyword-only parameter ``make_options``.

    Returns:
        The same command with a signature that Typer can read.
    """
    derived = {parameter.name: parameter for parameter in _parameters(OcrOptions)}

    @functools.wraps(command)
    def wrapper(*args: object, **flags: object) -> R:
        given = {name: flags.pop(name) for name in derived}
        return command(*args, **flags, make_options=functools.partial(_make_options, given))

    signature = inspect.signature(command, eval_str=True)
    kept = [each for each in signature.parameters.values() if each.name != "make_options"]
    parameters = [*kept, *derived.values()]
    wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # Typer reads it
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def _make_options(flags: dict[str, Any], *, languages: tuple[LanguageLike, ...]) -> OcrOptions:
    return OcrOptions(languages=languages, **_values(OcrOptions, flags))  # type: ignore[arg-type]  # it parses


def _values(owner: type, flags: dict[str, Any]) -> dict[str, Any]:
    """What the flags say about the fields of a class, options within options made of theirs."""
    hints = get_type_hints(owner)
    values: dict[str, Any] = {}
    for field in fields(owner):
        kind = hints[field.name]
        if is_group(kind):
            values[field.name] = kind(**_values(kind, flags))
        elif field.name in flags:
            flag = flags[field.name]
            values[field.name] = _words_in(flag) if field.metadata.get("file") else flag
    return values


def _words_in(path: str | None) -> tuple[str, ...]:
    """The words of a file that has one on each line; none where no file is named.

    Raises:
        OcrSourceError: The file cannot be read; each reason has its own class.
    """
    if path is None:
        return ()
    # Here and not at the top: help needs none of it.
    from ocrloom.saving import read_text

    # Editors of Windows put a mark before the first word.
    text = read_text(path, "words, one on each line,").removeprefix("\ufeff")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _parameters(owner: type) -> Iterator[inspect.Parameter]:
    for field, kind, doc in leaves(owner):
        if without_none(kind) in (bool, int, float, str) or is_choice(kind):
            yield _parameter(field, kind, doc)
        elif "metavar" in field.metadata:
            # What the option itself, or a file, makes of text.
            yield _parameter(field, str | None, doc)


def _parameter(field: Field[Any], kind: object, doc: str) -> inspect.Parameter:
    name = field.name.replace("_", "-")
    if kind is bool:
        option = typer.Option(f"--{name}/--no-{name}", help=doc)
    else:
        option = typer.Option(
            f"--{name}", metavar=_metavar(field, kind, doc), envvar=_variable(field), help=doc
        )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default if field.default != () else None,
        annotation=Annotated[kind, option],
    )


def _metavar(field: Field[Any], kind: object, doc: str) -> str | None:
    """What stands for the value in the help; of a choice Typer lists what there is."""
    if is_choice(kind):
        return None
    # A docstring begins with its unit.
    number = "N" if without_none(kind) is int else "F"
    metavar: str = field.metadata.get("metavar", "SECONDS" if doc.startswith("Seconds") else number)
    return metavar


def _variable(field: Field[Any]) -> str | None:
    """The environment variable that a value may come from, for what is nobody else's business."""
    variable: str | None = field.metadata.get("envvar")
    return variable


def parse_size(given: str) -> int:
    """A number of bytes, such as 1000000, 512M or 1.5G.

    Raises:
        typer.BadParameter: It is no such number.
    """
    size = bytes_of(given)
    if size is None:
        raise typer.BadParameter(f"expected bytes, such as 512M or 2G, got {given!r}")
    return size
