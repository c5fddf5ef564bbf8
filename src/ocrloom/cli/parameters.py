"""Arguments and flags that several commands have, as annotations for Typer."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from ocrloom.cli.flags import parse_size
from ocrloom.languages import Language

__all__ = [
    "AUTO",
    "Inputs",
    "Jobs",
    "Json",
    "LanguageNames",
    "Languages",
    "Memory",
    "Resume",
    "ShowProgress",
    "Verbose",
]

AUTO: Final = [Language.AUTO.value]
"""Default of `Languages`."""

Inputs = Annotated[
    list[str], typer.Argument(metavar="FILES...", help="Images and PDFs; - is standard input.")
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
