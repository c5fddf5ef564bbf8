"""The command ``search``."""

from __future__ import annotations

import json
import sys
import tempfile
import unicodedata
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final

import typer

from ocrloom.cli.documents import existing, find_document
from ocrloom.cli.errors import explain, printing
from ocrloom.cli.streams import own_streams
from ocrloom.errors import OcrOutputError, OcrQueryError
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.library import Library
from ocrloom.library.crops import cut_out
from ocrloom.library.keeping import source_of
from ocrloom.options import PdfOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocrloom.library import Hit, Match
    from ocrloom.result import Polygon

__all__ = ["Request", "print_hits"]

NOTHING: Final = 1  # exit code where nothing was found

_MATCHES: Final = 5  # whose places are printed for each hit; --json has all


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    query: str | None
    library: str
    limit: int | None
    offset: int
    tolerance: float
    accents: bool
    more_like: str | None
    open_best: bool
    keep: str | None
    password: str | None
    as_json: bool


def print_hits(request: Request) -> int:
    """Prints what a search finds.

    Returns:
        0, or 1 if that is nothing.

    Raises:
        OcrException: The search cannot be made, or its best hit not be shown.
        typer.Exit: The query is not written as queries are; what is wrong was said.
    """
    with Library(existing(request.library), keep=request.keep) as library:
        best = None
        with printing():
            say = _printer(as_json=request.as_json)
            for hit in _hits(library, request):
                best = best or hit
                say(hit)
        if best is None:
            typer.echo("ocrloom: nothing was found", err=True)
            return NOTHING
        if request.open_best:
            _open(library, best, request.password)
    return 0


def _hits(library: Library, request: Request) -> Iterable[Hit]:
    if request.query is None:
        like = find_document(library, request.more_like or "")
        return library.similar(like.id, limit=request.limit)
    try:
        return library.search(
            request.query,
            limit=request.limit,
            offset=request.offset,
            tolerance=request.tolerance,
            accents=request.accents,
        )
    except OcrQueryError as error:
        typer.echo(explain(error), err=True)
        for line in _pointed(request.query, error.place):
            typer.echo(line, err=True)
        raise typer.Exit(error.exit_code) from error


def _pointed(query: str, place: int) -> tuple[str, str]:
    """A query, and a line that points to a place in it."""
    query = _clean(query)
    return f"  {query}", f"  {' ' * _width(query[:place])}^"


def _width(text: str) -> int:
    """Columns that a terminal gives to a text."""
    return sum(
        0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")
        for mark in text
    )


def _clean(text: str) -> str:
    """A text without what a terminal may take for orders; as long as it was."""
    return "".join("\ufffd" if unicodedata.category(mark) == "Cc" else mark for mark in text)


def _printer(*, as_json: bool) -> Callable[[Hit], None]:
    if as_json:
        return lambda hit: typer.echo(json.dumps(_document(hit), ensure_ascii=False))
    if sys.stdout.isatty():
        return _colourful()
    return lambda hit: typer.echo(
        "\n".join((_head(hit), f"  {_clean(hit.snippet.text)}", *_places(hit), ""))
    )


def _head(hit: Hit) -> str:
    return f"{shown(hit.document.name)}, page {hit.page}, document {hit.document.id}"


def _places(hit: Hit) -> list[str]:
    lines = [f"  {_place(match)}" for match in hit.matches[:_MATCHES]]
    more = len(hit.matches) - _MATCHES
    return [*lines, f"  and {more} more"] if more > 0 else lines


def _place(match: Match) -> str:
    """Where something stands, as ``read --region`` takes it, and what it is."""
    cost = f" (cost {match.cost:.2g})" if match.cost else ""
    return f"{_region(match.polygons)}  {_clean(match.text)}{cost}"


def _region(polygons: Sequence[Polygon]) -> str:
    xs = [x for polygon in polygons for x, _ in polygon]
    ys = [y for polygon in polygons for _, y in polygon]
    if not xs:
        return "-"
    # Places just beyond the page's edge are no numbers that a flag takes.
    left, top = max(0, floor(min(xs))), max(0, floor(min(ys)))
    return f"{left},{top},{ceil(max(xs))},{ceil(max(ys))}"


def _colourful() -> Callable[[Hit], None]:
    """Prints hits with what matches marked."""
    # Here and not at the top: a pipe does not need it.
    from rich.console import Console
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)

    def say(hit: Hit) -> None:
        snippet = Text(_clean(hit.snippet.text))
        for start, stop in hit.snippet.marks:
            snippet.stylize("bold black on yellow", start, stop)
        # As Text, since names and snippets may look like Rich's markup.
        console.print(Text(_head(hit), style="bold"), soft_wrap=True)
        console.print(Text("  ") + snippet, soft_wrap=True)
        for line in _places(hit):
            console.print(Text(line, style="dim"), soft_wrap=True)
        console.print()

    return say


def _document(hit: Hit) -> dict[str, Any]:
    return {
        "document": hit.document.id,
        "source": hit.document.source,
        "title": hit.document.description.title,
        "page": hit.page,
        "score": hit.score,
        "cost": hit.cost,
        "width": hit.width,
        "height": hit.height,
        "matches": [
            {"text": match.text, "cost": match.cost, "polygons": match.polygons}
            for match in hit.matches
        ],
        "snippet": {"text": hit.snippet.text, "marks": hit.snippet.marks},
    }


def _open(library: Library, hit: Hit, password: str | None) -> None:
    """Shows a hit in the system's viewer."""
    pdf = None if password is None else PdfOptions(password=password)
    with own_streams(chatter=False):
        picture = cut_out(hit, Image.load(source_of(hit.document, library.keep), pdf=pdf))
    try:
        with tempfile.NamedTemporaryFile(prefix="ocrloom-", suffix=".png", delete=False) as file:
            picture.save(file, "PNG")
    except OSError as error:
        raise OcrOutputError(
            f"the picture of the hit cannot be written: {error.strerror}; make room, or name "
            "another place by the environment variable TMPDIR"
        ) from error
    typer.echo(file.name, err=True)
    if typer.launch(file.name):
        typer.echo(f"ocrloom: no viewer could be started; open {file.name} yourself", err=True)
