"""The commands and their flags. What they do is imported when they run, so that help is quick."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ocrloom._version import __version__
from ocrloom.cli.errors import reports_errors
from ocrloom.cli.flags import MakeOptions, parse_size, with_option_flags
from ocrloom.formats import FORMATS
from ocrloom.languages import Language

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app", "run"]

app = typer.Typer(
    name="ocrloom",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Of the registry's names, so that a new format has its flag at once; mypy wants them spelled out.
# The names come from the registry, which mypy cannot see in an enumeration.
FormatName = Enum("FormatName", {name: name for name in FORMATS}, type=str)  # type: ignore[misc]
_TXT = FormatName("txt")
_AUTO = [Language.AUTO.value]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line and exits.

    Args:
        arguments: What follows the program's name; those of the process if not given.
    """
    for stream in (sys.stdout, sys.stderr):
        # The names of languages and the frames of tables must not fail in the locale C.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    app(None if arguments is None else list(arguments), prog_name="ocrloom")
    raise AssertionError("Typer always exits")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ocrloom {__version__}")
        raise typer.Exit


@app.callback()
def ocrloom(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Read text from scans, with the place of every word.

    Example: ocrloom read scan.tif
    """


@app.command()
@reports_errors
@with_option_flags
def read(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES...", help="Image files; - is standard input."),
    ],
    *,
    make_options: MakeOptions,
    language: Annotated[
        list[str],
        typer.Option(
            "--language",
            "-l",
            metavar="NAME",
            help="Language of the text, by name or code; several by repeating it or as eng+fra. "
            "auto finds the script by itself.",
        ),
    ] = _AUTO,
    format_name: Annotated[
        FormatName, typer.Option("--format", "-f", help="What to write.")
    ] = _TXT,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="File for one input, folder for several or if it ends with a slash or exists; "
            "- is standard output.",
        ),
    ] = "-",
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Workers, each at one page; one a usable CPU by default."
        ),
    ] = None,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=parse_size,
            metavar="BYTES",
            help="Memory that decoded pages may take, such as 512M or 2G; half of what there is by "
            "default.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="Keeps finished pages in DIR; a rerun repeats none of them."
        ),
    ] = None,
    progress: Annotated[
        bool, typer.Option(help="Show how far it is where standard error is a terminal.")
    ] = True,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show tracebacks and what the libraries below print."),
    ] = False,
) -> None:
    """Read images and write their text.

    Text goes to standard output, or as NAME.txt into a folder; progress and
    errors go to standard error. A bad file does not stop the others, nor a bad
    page those beside it. The exit code is 0 if all was read, that of the error
    if all failures are of one kind, and 1 otherwise.

    Example: ocrloom read -l fra -f json -o texts/ scans/*.tif
    """
    from ocrloom.cli.read import Request, read_files

    request = Request(
        names=tuple(files),
        format=FORMATS[format_name.value],
        output=output,
        jobs=jobs,
        memory=memory,
        resume=resume,
        options=make_options(languages=tuple(language)),
        progress=progress,
        verbose=verbose,
    )
    raise typer.Exit(read_files(request))


@app.command()
@reports_errors
def languages(*, json: Json = False) -> None:
    """List the languages, their codes and what reads them.

    Example: ocrloom languages | grep -i french
    """
    from ocrloom.cli.languages import print_languages

    print_languages(as_json=json)


@app.command()
@reports_errors
def doctor(*, json: Json = False) -> None:
    """Examine the installation: models, runtime, CPU, libraries, extras.

    The exit code is 0 if all that reading needs is well.

    Example: ocrloom doctor --json
    """
    from ocrloom.cli.doctor import print_examination

    print_examination(as_json=json)
