"""The commands about libraries and their flags; what they do is imported when they run."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from ocrloom.cli.errors import reports_errors
from ocrloom.cli.flags import MakeOptions, with_option_flags
from ocrloom.cli.parameters import (
    AUTO,
    FormatNames,
    Jobs,
    Json,
    Keep,
    Languages,
    Memory,
    Output,
    Password,
    RayAddress,
    Resume,
    ShowProgress,
    Verbose,
    Where,
    as_paths,
    parse_formats,
)

__all__ = ["index", "library_app", "search"]

library_app = typer.Typer(
    no_args_is_help=True,
    help="Look after a library: what is in it, what is to go, and whether it is sound.",
)

_DOCUMENT = "its number in the library, its file, or the SHA-256 of its content"
_Document = Annotated[
    str, typer.Argument(metavar="DOCUMENT", help=f"{_DOCUMENT[0].upper()}{_DOCUMENT[1:]}.")
]


def _parse_date(given: str) -> dt.date:
    try:
        return dt.date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"expected a day such as 2019-05-31, got {given!r}") from error


def _parse_metadata(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    for each, (name, sign, _) in zip(given, pairs, strict=True):
        if not name or not sign:
            raise typer.BadParameter(
                f"expected KEY=VALUE, such as customer=Marchetti, got {each!r}",
                param_hint="'--meta'",
            )
    return {name.strip(): value.strip() for name, _, value in pairs}


@reports_errors
@with_option_flags
def index(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="Images, PDFs and folders of them; - is standard input.",
            callback=as_paths,
        ),
    ],
    *,
    make_options: MakeOptions,
    library: Where,
    include: Annotated[
        list[str] | None,
        typer.Option(
            metavar="GLOB",
            help="Files of folders that are taken, such as '*.tif' or 'letters/*'; by default all "
            "with an ending of images or PDFs. May be repeated.",
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Files and folders that are not. May be repeated."),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Read what is there already anew, as its next version; without it other options, "
            "such as --pages and --language, change nothing of it.",
        ),
    ] = False,
    keep: Keep = None,
    title: Annotated[
        str,
        typer.Option(
            metavar="TITLE",
            help="Title of the documents that this run reads; `library describe` gives one to "
            "those that are there.",
        ),
    ] = "",
    date: Annotated[
        dt.date | None,
        typer.Option(parser=_parse_date, metavar="YYYY-MM-DD", help="Their day."),
    ] = None,
    meta: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Anything else to find them by, as KEY:VALUE in searches. May be repeated.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Go on with what comes into the folders, until Ctrl-C."),
    ] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="SECONDS",
            help="How long a file must stay as it is before --watch reads it.",
        ),
    ] = 2.0,
    language: Languages = AUTO,
    jobs: Jobs = None,
    memory: Memory = None,
    resume: Resume = None,
    ray: RayAddress = None,
    progress: ShowProgress = True,
    verbose: Verbose = False,
) -> None:
    """Read images and PDFs into a library, with all that is below folders.

    What the library has already, by its content and whatever it is called, is
    not read again. A bad file does not stop the others; the exit code tells of
    it as that of read does. Files that are removed from a folder stay in the
    library.

    Example: ocrloom index --library scans.db scans/
    """
    from ocrloom.cli.index import Request, index_files

    request = Request(
        names=tuple(names),
        library=library,
        keep=keep,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
        again=again,
        title=title,
        date=date,
        metadata=_parse_metadata(meta or []),
        watch=watch,
        settle=settle,
        jobs=jobs,
        memory=memory,
        resume=resume,
        ray=ray,
        options=make_options(languages=tuple(language)),
        progress=progress,
        verbose=verbose,
    )
    raise typer.Exit(index_files(request))


@reports_errors
def search(
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY...",
            help='Words, "phrases", beginnings*, AND, OR, NOT, title:word, date:2019, word~1.',
        ),
    ] = None,
    *,
    library: Where,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="Most hits; 0 for all.")] = 20,
    offset: Annotated[
        int, typer.Option(min=0, metavar="N", help="So many of the first are left out.")
    ] = 0,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="COST",
            help="What may be wrong with a word: a half for rn instead of m, 1.5 for another "
            "letter.",
        ),
    ] = 0.0,
    accents: Annotated[
        bool, typer.Option("--accents", help="Tell é from e; they are the same otherwise.")
    ] = False,
    more_like: Annotated[
        str | None,
        typer.Option(
            metavar="DOCUMENT",
            help="Find pages of other documents that are like one, instead of a QUERY: "
            f"{_DOCUMENT}.",
        ),
    ] = None,
    open_best: Annotated[
        bool,
        typer.Option("--open", help="Show the place of the best hit in the system's viewer."),
    ] = False,
    keep: Keep = None,
    password: Password = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Find pages in a library, best first, with the place of every match.

    Several words need no quotation marks around them all. With --json every hit
    is one object on a line of its own. The exit code is 1 if nothing was found.

    Example: ocrloom search --library scans.db 'invoice "Marchetti & Sons" date:2019'
    """
    from ocrloom.cli.search import Request, print_hits

    if bool(query) == (more_like is not None):
        raise typer.BadParameter("give either a query or --more-like", param_hint="'QUERY'")
    if more_like is not None and (offset or tolerance or accents):
        raise typer.BadParameter(
            "goes with neither --offset, --tolerance nor --accents", param_hint="'--more-like'"
        )
    request = Request(
        query=" ".join(query) if query else None,
        library=library,
        limit=limit or None,
        offset=offset,
        tolerance=tolerance,
        accents=accents,
        more_like=more_like,
        open_best=open_best,
        keep=keep,
        password=password,
        as_json=json,
    )
    raise typer.Exit(print_hits(request))


@library_app.command()
@reports_errors
def stats(*, library: Where, json: Json = False) -> None:
    """Say how much is in a library.

    Example: ocrloom library stats --library scans.db
    """
    from ocrloom.cli.library import print_stats

    print_stats(library, as_json=json)


@library_app.command("list")
@reports_errors
def list_documents(*, library: Where, json: Json = False) -> None:
    """List the documents of a library.

    With --json every document is one object on a line of its own.

    Example: ocrloom library list --library scans.db
    """
    from ocrloom.cli.library import print_documents

    print_documents(library, as_json=json)


@library_app.command()
@reports_errors
def describe(
    document: _Document,
    *,
    library: Where,
    title: Annotated[
        str | None, typer.Option(metavar="TITLE", help="Its title; '' takes it away.")
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Its day; '' takes it away.")
    ] = None,
    meta: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Anything else to find it by; KEY= takes one away. May be repeated.",
        ),
    ] = None,
) -> None:
    """Say of a document what it is found by; what is not given stays.

    Example: ocrloom library describe --library scans.db 12 --date 1908-05-31
    """
    from ocrloom.cli.library import describe_document

    if title is None and date is None and not meta:
        raise typer.BadParameter("give at least one of --title, --date and --meta")
    describe_document(
        library,
        document,
        title=title,
        date=_parse_date(date) if date else None,
        dated=date is not None,
        metadata=_parse_metadata(meta or []),
    )


@library_app.command()
@reports_errors
def remove(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENTS...", help=f"Of each {_DOCUMENT}.")
    ],
    *,
    library: Where,
    keep: Keep = None,
) -> None:
    """Remove documents from a library, and the copies that it keeps of them.

    Their files are left alone.

    Example: ocrloom library remove --library scans.db 12 old/letter.tif
    """
    from ocrloom.cli.library import remove_documents

    raise typer.Exit(remove_documents(library, documents, keep=keep))


@library_app.command()
@reports_errors
def export(
    document: _Document,
    *,
    library: Where,
    format_names: FormatNames = None,
    output: Output = "-",
    keep: Keep = None,
    password: Password = None,
    progress: ShowProgress = True,
) -> None:
    """Write a document of a library in other formats, without a second recognition.

    A PDF needs what was read, unchanged: the copy that the library keeps, or
    the file where it was.

    Example: ocrloom library export --library scans.db 12 -f hocr,pdf -o out/
    """
    from ocrloom.cli.library import export_document

    export_document(
        library,
        document,
        formats=parse_formats(format_names or ()),
        output=output,
        keep=keep,
        password=password,
        progress=progress,
    )


@library_app.command()
@reports_errors
def check(
    *,
    library: Where,
    keep: Keep = None,
    remove_orphans: Annotated[
        bool,
        typer.Option("--remove-orphans", help="Remove copies that belong to no document."),
    ] = False,
    json: Json = False,
    progress: ShowProgress = True,
) -> None:
    """Compare everything in a library with everything else.

    Prints a line for each thing that is wrong. The exit code is 0 if all is
    well and 1 otherwise.

    Example: ocrloom library check --library scans.db
    """
    from ocrloom.cli.library import check_library

    if remove_orphans and keep is None:
        raise typer.BadParameter(
            "name the folder of the copies with --keep", param_hint="'--remove-orphans'"
        )
    raise typer.Exit(
        check_library(
            library, keep=keep, remove_orphans=remove_orphans, as_json=json, progress=progress
        )
    )
