"""The command ``library`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import library as library_run
from benchmarks.arguments import JsonFile, numbers
from benchmarks.library import Scale
from benchmarks.machine import describe, versions
from benchmarks.made_pages import PAGES_EACH, WORDS_EACH
from benchmarks.order import progress
from benchmarks.report import print_report, write_json
from ocrloom.library import Library

__all__ = ["library"]


def library(
    pages: Annotated[str, typer.Option(help="Sizes, with commas between.")] = "1000,10000",
    rounds: Annotated[int, typer.Option(min=1, help="Searches of each kind.")] = 60,
    writers: Annotated[int, typer.Option(min=1, help="Processes that add documents.")] = 2,
    packed_from: Annotated[
        int | None,
        typer.Option(help="Add to libraries of this size pages that were packed before."),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--library",
            help="A file or postgresql://…; grows if it is there. By default one that is removed.",
        ),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Build a library of made pages and search in it, at one size after the other."""
    sizes = numbers(pages)
    if any(size % PAGES_EACH for size in sizes):
        raise typer.BadParameter(f"expected multiples of {PAGES_EACH}, got {pages!r}")
    machine = describe()
    with tempfile.TemporaryDirectory() as made:
        scales = _grow(where or str(Path(made) / "library.db"), sizes, rounds, writers, packed_from)
    kind = "PostgreSQL" if where and "://" in where else "SQLite"
    notes = [
        f"{kind}: documents of {PAGES_EACH} pages, each a transaction, by {writers} processes.",
        f"{WORDS_EACH} words a page by Zipf's law, 1 in 200 misread.",
        "Searches: from the call to the last of at most 20 hits with their places and snippets.",
    ]
    print_report(_tables(scales), notes, machine, versions())
    if json_file:
        settings = {"pages": sizes, "rounds": rounds, "writers": writers, "database": kind}
        write_json(json_file, "library", settings, {"scales": scales}, machine, versions())


def _grow(
    where: str, sizes: Sequence[int], rounds: int, writers: int, packed_from: int | None
) -> list[Scale]:
    scales: list[Scale] = []
    with progress(sizes[-1] // PAGES_EACH + (1 + rounds) * len(sizes)) as step:
        for size in sizes:
            packed = packed_from is not None and bool(scales) and scales[-1].pages >= packed_from
            built = library_run.build(where, size, writers, step, packed=packed)
            with Library(where) as made:
                found = library_run.measure(made, size, rounds, step)
                stats = made.stats().result()
            scales.append(Scale(size, built, stats.bytes, stats.terms or 0, found))
    return scales


def _tables(scales: Sequence[Scale]) -> list[Table]:
    sizes = Table(title="Building")
    for name in ("Pages", "Added", "Pages/s", "Bytes a page", "Terms"):
        sizes.add_column(name, justify="right")
    for scale in scales:
        rate = scale.build.pages / scale.build.seconds if scale.build.pages else 0.0
        sizes.add_row(
            f"{scale.pages:,}",
            f"{scale.build.pages:,}",
            f"{rate:,.0f}{' (packed before)' * scale.build.packed}" if rate else "–",
            f"{scale.bytes / scale.pages:,.0f}",
            f"{scale.terms:,}",
        )
    return [sizes, _searches(scales)]


def _searches(scales: Sequence[Scale]) -> Table:
    table = Table(title="Searches: p50 / p95 in ms")
    table.add_column("Kind")
    table.add_column("Such as")
    for scale in scales:
        table.add_column(f"{scale.pages:,} pages", justify="right")
    table.add_column("Hits", justify="right")
    table.add_column("p95, last ÷ first", justify="right")
    for place, kind in enumerate(scales[0].questions):
        row = [scale.questions[place] for scale in scales]
        table.add_row(
            kind.kind,
            row[-1].example,
            *(f"{1000 * each.p50:.1f} / {1000 * each.p95:.1f}" for each in row),
            f"{row[-1].found:.1f}",
            f"{row[-1].p95 / row[0].p95:.1f}",
        )
    return table
