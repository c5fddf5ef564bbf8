"""The command ``serve``: its flags come from the service's settings, and only when it is called."""

from __future__ import annotations

import inspect
import types
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

import typer
import typer.core

from ocrloom.cli.errors import reports_errors
from ocrloom.cli.ray_flag import COMMANDS, with_address

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["Commands", "serve"]


class Commands(typer.core.TyperGroup):
    """The program's commands, of which one is made when it is called: its flags need libraries."""

    def resolve_command(
        self,
        ctx: Any,  # noqa: ANN401  # of Click, or of the copy that Typer carries
        args: list[str],
    ) -> tuple[str | None, Any, list[str]]:
        """What is called, and what follows it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            rest = with_address(rest)
        return name, _with_flags() if name == serve.__name__ else command, rest


def serve() -> None:
    r"""Serve jobs over HTTP, with a page for people.

    Needs pip install "ocrloom\[server]". Jobs, what was read and documents are
    kept in a library's database; several servers may share one on PostgreSQL.
    Every flag may come from the environment too: OCRLOOM_PORT is that of --port.
    Sizes may be written as 200M. SIGTERM and Ctrl-C end it in good order.

    Example: ocrloom serve --library scans.db --port 8000
    """


def _with_flags() -> Any:  # noqa: ANN401
    """The command with a flag for every setting."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @reports_errors
    def command(**given: str | bool | None) -> None:
        from ocrloom.cli.serve import serve as run

        run({name: value for name, value in given.items() if value is not None})

    command.__doc__ = serve.__doc__
    parameters = [_parameter(name, field) for name, field in _fields().items()]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # Typer reads it
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    app.command(serve.__name__)(command)
    return typer.main.get_command(app)


def _fields() -> dict[str, FieldInfo]:
    """What there is to be set; nothing where the extra is not installed, which the call says."""
    try:
        from ocrloom.service.settings import Settings
    except ModuleNotFoundError:
        return {}
    return Settings.model_fields


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    flag = name.replace("_", "-")
    kind = _kind(field.annotation)
    # Set by nothing that is not given: the environment's value, or what is usual, counts then.
    option = typer.Option(
        f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}",
        help=" ".join((field.description or "").split()),
        metavar=None if kind is bool else _metavar(field.annotation),
        show_default=_usual(field.default),
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[bool | None if kind is bool else str | None, option],
    )


def _kind(annotation: object) -> object:
    """The type of a setting where it is not None."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(each for each in get_args(annotation) if each is not types.NoneType)
    return annotation


def _metavar(annotation: object) -> str:
    kind = _kind(annotation)
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    choices = [each for each in get_args(kind) if isinstance(each, str)]
    return "|".join(choices) if choices else {int: "N", float: "F"}.get(kind, "TEXT")  # type: ignore[call-overload]


def _usual(default: object) -> str | bool:
    if default is None or default == ():
        return False
    return str(default).lower() if isinstance(default, bool) else str(default)
