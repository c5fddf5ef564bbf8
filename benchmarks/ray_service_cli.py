"""The command ``rayservice`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
from collections.abc import Sequence
from importlib.metadata import version
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import corpus, ray_service
from benchmarks.arguments import (
    SAMPLES,
    Corpus,
    JsonFile,
    LanguageCode,
    Only,
    deaths,
    settings_of,
    single_frames_in,
)
from benchmarks.machine import describe, versions
from benchmarks.order import percentile, progress
from benchmarks.ray_service import ACTORS, SERVE, Beside, Turn
from benchmarks.report import print_report, write_json

__all__ = ["rayservice"]


def rayservice(
    folder: Corpus = SAMPLES,
    pages: Annotated[int, typer.Option(min=4, help="Pages of a batch.")] = 24,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs of one page.")] = 12,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each kind.")] = 3,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Compare what a service on a cluster could read with: Ray's actors, and Ray Serve."""
    paths = [each.path for each in corpus.spread(single_frames_in(folder, only), pages)]
    machine = describe()
    with progress(4 * rounds + 2) as step, deaths():
        turns, beside = ray_service.measure(
            paths, rounds=rounds, jobs=jobs, language=language, on_step=step
        )
    used = versions() | {"ray": version("ray")}
    notes = [
        f"{folder.resolve().name}: {len(paths)} pages; {jobs} jobs of one page; {rounds} turns.",
        "Every reader has one CPU on a node of its own; all of it shares the machine's cores.",
        "Beside: a page of one server, asked for while another's batch keeps both readers busy.",
    ]
    print_report([_paces(turns), _beside(beside)], notes, machine, used)
    if json_file:
        settings = settings_of(folder, only, language, None, pages=len(paths), rounds=rounds)
        figures = {"turns": turns, "beside": beside}
        write_json(json_file, "rayservice", settings | {"jobs": jobs}, figures, machine, used)


def _paces(turns: Sequence[Turn]) -> Table:
    table = Table(title="Actors of each server, and Ray Serve", title_justify="left")
    table.add_column("Kind")
    for name in (
        *("Readers", "First page s", "Pages/s median", "min–max"),
        *("One page p50 / p90 ms", "Asking ms a page", "Failed"),
    ):
        table.add_column(name, justify="right")
    for readers in sorted({turn.readers for turn in turns}):
        for kind in (ACTORS, SERVE):
            mine = [turn for turn in turns if (turn.kind, turn.readers) == (kind, readers)]
            speeds = [turn.pages_per_second for turn in mine]
            waits = [each for turn in mine for each in turn.latencies]
            table.add_row(
                kind,
                str(readers),
                f"{median(turn.starting for turn in mine):.1f}",
                f"{median(speeds):.2f}",
                f"{min(speeds):.2f}–{max(speeds):.2f}",
                f"{1000 * percentile(waits, 0.5):.0f} / {1000 * percentile(waits, 0.9):.0f}",
                f"{1000 * median(turn.asking for turn in mine):.1f}",
                str(sum(turn.failed for turn in mine)),
            )
    return table


def _beside(beside: Sequence[Beside]) -> Table:
    table = Table(title="Two servers on two readers, seconds", title_justify="left")
    table.add_column("Kind")
    table.add_column("Batch of one", justify="right")
    table.add_column("A page of the other", justify="right")
    for each in beside:
        table.add_row(each.kind, f"{each.batch:.1f}", f"{each.page:.1f}")
    return table
