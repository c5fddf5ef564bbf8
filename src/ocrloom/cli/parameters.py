"""Arguments and flags that several commands have, as annotations for Typer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ocrloom.cli.flags import parse_size
from ocrloom.errors import OcrOptionError
from ocrloom.formats import FORMATS
from ocrloom.languages import Language
from ocrloom.locations import is_location, local_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.formats import Format

__all__ = [
    "AUTO",
    "PARQUET",
    "ApiKey",
    "FormatNames",
    "FormatsOfRead",
    "Inputs",
    "Jobs",
    "Json",
    "Keep",
    "LanguageNames",
    "Languages",
    "Memory",
    "Output",
    "Password",
    "RayAddress",
    "Resume",
    "ServerAddress",
    "ShowProgress",
    "Verbose",
    "Where",
    "as_paths",
    "parse_formats",
    "wants_parquet",
]

AUTO: Final = [Language.AUTO.value]
"""Default of `Languages`."""


def as_paths(names: list[str]) -> list[str]:
    """Names of files, with paths in the place of locations on this machine, ``file://…``."""
    found = (local_path(name) if is_location(name) else None for name in names)
    return [name if path is None else str(path) for name, path in zip(names, found, strict=True)]


Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="FILES...", help="Images and PDFs; - is standard input.", callback=as_paths
    ),
]

Languages = Annotated[
    list[str],
    typer.Option(
        "--language",
        "-l",
        metavar="NAME",
        help="Language of the text, by name or code; several by repeating it or as eng+fra. "
        "auto finds the script by itself.",
    ),
]

LanguageNames = Annotated[
    list[str], typer.Argument(metavar="NAMES...", help="Languages, by name or code.")
]

Jobs = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Workers, each at one page; one a usable CPU by default."
    ),
]

Memory = Annotated[
    int | None,
    typer.Option(
        parser=parse_size,
        metavar="BYTES",
        help="Memory that decoded pages may take, such as 512M or 2G; half of what there is by "
        "default.",
    ),
]

Resume = Annotated[
    str | None,
    typer.Option(metavar="DIR", help="Keeps finished pages in DIR; a rerun repeats none of them."),
]

ServerAddress = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="Have a service read, such as http://host:8000, see ocrloom serve.",
    ),
]

RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="[ADDRESS]",
        help="Have a cluster of Ray's read: the one at HOST:PORT; without an address that of "
        "RAY_ADDRESS or of this machine, or one that is started here; local always starts one.",
    ),
]

ApiKey = Annotated[
    str | None,
    typer.Option(
        "--api-key",
        metavar="KEY",
        envvar="OCRLOOM_API_KEY",
        help="What the service knows you by; better kept in the environment, as other users see "
        "command lines.",
    ),
]

ShowProgress = Annotated[
    bool,
    typer.Option(
        "--progress/--no-progress", help="Show how far it is where standard error is a terminal."
    ),
]

Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show tracebacks and what the libraries below print."),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

PARQUET: Final = "parquet"
"""What a cluster writes, for `ocrloom.ray`."""


def _format_option(more: str = "") -> Any:  # noqa: ANN401  # what Typer reads
    return typer.Option(
        "--format",
        "-f",
        metavar="NAME",
        autocompletion=lambda: list(FORMATS),
        help=f"What to write: {', '.join(FORMATS)}{more}; several by repeating it or as hocr,pdf. "
        "By the ending of OUT if not given, or txt.",
    )


FormatNames = Annotated[list[str] | None, _format_option()]

FormatsOfRead = Annotated[
    list[str] | None, _format_option(f", or {PARQUET} alone, which takes --ray")
]

Output = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="File for one input, folder for several inputs or formats or if it ends with a "
        "slash or exists; - is standard output.",
    ),
]

Where = Annotated[
    str,
    typer.Option(
        "--library",
        metavar="LIBRARY",
        envvar="OCRLOOM_LIBRARY",
        help="The library: a file, or postgresql://user@host/database.",
    ),
]

Keep = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        envvar="OCRLOOM_KEEP",
        help="Folder in which the library keeps copies of what was read; none by default.",
    ),
]


Password = Annotated[
    str | None,
    typer.Option(
        metavar="PASSWORD",
        envvar="OCRLOOM_PASSWORD",
        help="Opens an encrypted PDF that is to be shown; better kept in the environment.",
    ),
]


def wants_parquet(given: Sequence[str]) -> bool:
    """Whether a table of pages is asked for.

    Raises:
        OcrOptionError: Other formats are, too.
    """
    names = _names_in(given)
    if PARQUET in names and set(names) != {PARQUET}:
        raise OcrOptionError(
            f"{PARQUET} is written without other formats, got {', '.join(names)}; leave out either"
        )
    return PARQUET in names


def parse_formats(given: Sequence[str]) -> tuple[Format, ...]:
    """The formats that a user has named.

    Raises:
        typer.BadParameter: There is no such one.
    """
    names = _names_in(given)
    for name in names:
        if name not in FORMATS:
            raise typer.BadParameter(
                f"expected one or more of {', '.join(FORMATS)}, got {name!r}",
                param_hint="'--format' / '-f'",
            )
    return tuple(FORMATS[name] for name in names)


def _names_in(given: Sequence[str]) -> list[str]:
    return [name.strip().lower() for each in given for name in each.split(",")]
