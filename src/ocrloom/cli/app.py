"""The commands and their flags. What they do is imported when they run, so that help is quick."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ocrloom._version import __version__
from ocrloom.cli.errors import reports_errors
from ocrloom.cli.flags import MakeOptions, with_option_flags
from ocrloom.cli.keys_commands import keys_app
from ocrloom.cli.library_commands import index, library_app, search
from ocrloom.cli.parameters import (
    AUTO,
    ApiKey,
    FormatsOfRead,
    Inputs,
    Jobs,
    Json,
    LanguageNames,
    Languages,
    Memory,
    Output,
    RayAddress,
    Resume,
    ServerAddress,
    ShowProgress,
    Verbose,
    parse_formats,
    wants_parquet,
)
from ocrloom.cli.serve_commands import Commands, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app", "run"]

app = typer.Typer(
    name="ocrloom",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_languages = typer.Typer()
app.add_typer(library_app, name="library")
app.add_typer(keys_app, name="keys")
app.add_typer(_languages, name="languages")


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
    files: Inputs,
    *,
    make_options: MakeOptions,
    language: Languages = AUTO,
    format_names: FormatsOfRead = None,
    output: Output = "-",
    jobs: Jobs = None,
    memory: Memory = None,
    resume: Resume = None,
    ray: RayAddress = None,
    server: ServerAddress = None,
    api_key: ApiKey = None,
    progress: ShowProgress = True,
    verbose: Verbose = False,
) -> None:
    """Read images and PDFs and write their text.

    Text goes to standard output, or as NAME.txt into a folder, other formats
    with their own endings; progress and errors go to standard error. A bad file
    does not stop the others, nor a bad page those beside it. The exit code is 0
    if all was read, that of the error if all failures are of one kind, and 1
    otherwise.

    Example: ocrloom read -l fra -f hocr,pdf -o out/ scans/*.tif
    """
    from ocrloom.cli.read import Request, read_files

    given = format_names or ()
    as_table = wants_parquet(given)
    request = Request(
        names=tuple(files),
        formats=() if as_table else parse_formats(given),
        output=output,
        jobs=jobs,
        memory=memory,
        resume=resume,
        ray=ray,
        server=server,
        api_key=api_key,
        options=make_options(languages=tuple(language)),
        progress=progress,
        verbose=verbose,
    )
    if as_table:
        from ocrloom.cli.parquet import write_table

        raise typer.Exit(write_table(request))
    raise typer.Exit(read_files(request))


@app.command()
@reports_errors
@with_option_flags
def pdf(
    files: Inputs,
    *,
    make_options: MakeOptions,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The PDF to write, or a folder for it; - is standard output.",
        ),
    ],
    skip_text: Annotated[
        bool, typer.Option("--skip-text", help="Leave pages alone that have any text.")
    ] = False,
    redo: Annotated[
        bool,
        typer.Option("--redo", help="Make invisible text anew, also where it is good."),
    ] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Make a picture of every page of a PDF and read that."),
    ] = False,
    pdfa: Annotated[bool, typer.Option("--pdfa", help="Write PDF/A-2b; of images only.")] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Read the PDF again with another reader and compare."),
    ] = False,
    language: Languages = AUTO,
    jobs: Jobs = None,
    memory: Memory = None,
    resume: Resume = None,
    progress: ShowProgress = True,
    verbose: Verbose = False,
) -> None:
    """Make one searchable PDF of images and PDFs.

    Images keep their bytes where a PDF can hold them and get their words as
    invisible text. An existing PDF stays what it is, and its pages without good
    text get a layer. --pages says which pages are read; the others are in the
    PDF as they were. A page that cannot be read is there without text; the exit
    code tells of it as that of read does.

    Example: ocrloom pdf --verify cover.jpg book.tif -o book.pdf
    """
    from ocrloom.cli.pdf import Request, write_pdf

    request = Request(
        names=tuple(files),
        output=output,
        skip_text=skip_text,
        redo=redo,
        force=force,
        archival=pdfa,
        verify=verify,
        jobs=jobs,
        memory=memory,
        resume=resume,
        options=make_options(languages=tuple(language)),
        progress=progress,
        verbose=verbose,
    )
    raise typer.Exit(write_pdf(request))


@app.command()
@reports_errors
@with_option_flags
def plan(
    files: Inputs,
    *,
    make_options: MakeOptions,
    language: Languages = AUTO,
    json: Json = False,
    progress: ShowProgress = True,
    verbose: Verbose = False,
) -> None:
    """Say which pages read would recognise, and why, without reading them.

    Takes the flags of read. A page of a PDF that has good text of its own needs
    no OCR. The time is an estimate for full pages on a recent CPU.

    Example: ocrloom plan --pages 1-20 book.pdf scans/*.tif
    """
    from ocrloom.cli.plan import Request, print_plan

    request = Request(
        names=tuple(files),
        options=make_options(languages=tuple(language)),
        as_json=json,
        progress=progress,
        verbose=verbose,
    )
    raise typer.Exit(print_plan(request))


app.command()(index)
app.command()(search)
app.command()(serve)


@_languages.callback(invoke_without_command=True)
@reports_errors
def languages(context: typer.Context, *, json: Json = False) -> None:
    """List the languages, their codes and what reads them; add and remove data.

    Example: ocrloom languages | grep -i french
    """
    if context.invoked_subcommand is None:
        from ocrloom.cli.languages import print_languages

        print_languages(as_json=json)


@_languages.command()
@reports_errors
def add(
    names: LanguageNames,
    *,
    address: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="URL",
            envvar="OCRLOOM_TESSDATA_URL",
            help="Folder that has the files of tessdata_fast 4.1.0; GitHub's by default.",
        ),
    ] = None,
    progress: ShowProgress = True,
) -> None:
    r"""Download what Tesseract needs to read languages, into the user's data folder.

    Every file is compared with the hash that ocrloom knows of it. What is there
    already is left alone. The recogniser itself comes with
    pip install "ocrloom\[tesseract]".

    Example: ocrloom languages add vie rus
    """
    from ocrloom.cli.languages import add_languages

    add_languages(names, address=address, progress=progress)


@_languages.command()
@reports_errors
def remove(names: LanguageNames) -> None:
    """Remove data that was downloaded; that of the system stays.

    Example: ocrloom languages remove vie
    """
    from ocrloom.cli.languages import remove_languages

    remove_languages(names)


@app.command()
@reports_errors
def doctor(*, json: Json = False) -> None:
    """Examine the installation: models, runtime, CPU, libraries, extras.

    The exit code is 0 if all that reading needs is well.

    Example: ocrloom doctor --json
    """
    from ocrloom.cli.doctor import print_examination

    print_examination(as_json=json)
