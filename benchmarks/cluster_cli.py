"""The command ``cluster`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import cluster as cluster_run
from benchmarks import cluster_kills, corpus
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
from benchmarks.cluster import PARTIES, Identical, Pace, Party, pace_of, ratio
from benchmarks.cluster_kills import Killed
from benchmarks.cluster_nodes import CONTROL, DRIVER, NODES, READERS
from benchmarks.cluster_turns import BOOK, DATASET, ENGINE, FILES, LOCAL, NOTES, usable_cores
from benchmarks.corpus import IMAGE_SUFFIXES
from benchmarks.exports import write_book
from benchmarks.machine import describe, versions
from benchmarks.order import progress
from benchmarks.report import print_report, write_json

__all__ = ["cluster"]

_NEEDED = 2  # cores: a node each
_WHOSE = DRIVER, READERS, CONTROL, NODES
_KILLS = 1 + 6  # steps of `cluster_kills.measure`
_COMPARED = 3  # steps of `cluster.compare`


def cluster(
    folder: Corpus = SAMPLES,
    pages: Annotated[int, typer.Option(min=2, help="Pages of a batch.")] = 48,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of everybody.")] = 3,
    identical: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True, file_okay=False, help="Folders whose every page is compared; repeatable."
        ),
    ] = None,
    notes: Annotated[int, typer.Option(min=1, help="Tiny pages of another batch.")] = 1000,
    kills: Annotated[
        int, typer.Option(min=0, help="Notes of a batch with a kill in its middle; 0: none.")
    ] = 500,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Read on clusters of this machine beside the local engine, and kill parts of them."""
    if missing := _missing():
        typer.echo(f"cluster: {missing}", err=True)
        raise typer.Exit(1)
    paths = [each.path for each in corpus.spread(single_frames_in(folder, only), pages)]
    folders = identical or [folder]
    machine = describe()
    steps = len(PARTIES) * rounds + _COMPARED * len(folders) + (_KILLS if kills else 0)
    with progress(steps) as step, tempfile.TemporaryDirectory() as made, deaths():
        batches = {
            FILES: paths,
            BOOK: [write_book(paths, Path(made) / "book.tif")],
            NOTES: cluster_kills.books(Path(made), notes),
        }
        paces = cluster_run.measure(batches, rounds, language, step)
        same = [
            found
            for each in folders
            for found in cluster_run.compare(each.resolve().name, _images(each), step)
        ]
        killed = cluster_kills.measure(kills, step) if kills else []
    tables = [_pace_table(paces), _cpu_table(paces), _same_table(same)]
    tables += [_kills_table(killed)] if killed else []
    used = versions() | {"ray": version("ray")}
    print_report(tables, _notes(folder, len(paths), rounds, paces), machine, used)
    if json_file:
        settings = settings_of(folder, only, language, None, pages=len(paths), rounds=rounds)
        settings |= {"identical": [each.resolve().name for each in folders]}
        settings |= {"notes": notes, "kills": kills}
        figures = {"paces": paces, "identical": same, "kills": killed}
        write_json(json_file, "cluster", settings, figures, machine, used)


def _missing() -> str | None:
    if find_spec("ray") is None:
        return 'Ray is not installed: pip install "ocrloom[ray]"'
    if not Path("/proc/self/stat").is_file():
        return "needs /proc, which Linux has"
    if len(usable_cores()) < _NEEDED:
        return f"needs {_NEEDED} cores, one for each node"
    return None


def _images(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.suffix.lower() in IMAGE_SUFFIXES)


def _pace_table(paces: Sequence[Pace]) -> Table:
    columns = "Nodes", "Cores", "Pages", "Failed", "Starting s", "Pages/s median", "min–max"
    table = _table("Pace, in turns", ("Way", *columns, "÷ local", "÷ one node"))
    local = pace_of(paces, Party(LOCAL))
    for pace in paces:
        party, speeds = pace.party, pace.pages_per_second
        one = Party(ENGINE, nodes=1, pinned=party.pinned, cores=1 if party.pinned else 2)
        twice = party.way == ENGINE and party.nodes > 1 and party.batch == FILES
        table.add_row(
            _named(party),
            str(party.nodes) if party.way != LOCAL else "–",
            str(pace.turns[0].cores),
            str(pace.turns[0].pages),
            str(sum(turn.failed for turn in pace.turns)),
            f"{median(turn.starting for turn in pace.turns):.1f}",
            f"{median(speeds):.2f}",
            f"{min(speeds):.2f}–{max(speeds):.2f}",
            _times(ratio(pace, local) if party.nodes > 1 and party.batch != NOTES else None),
            _times(ratio(pace, pace_of(paces, one)) if twice else None),
        )
    return table


def _cpu_table(paces: Sequence[Pace]) -> Table:
    columns = "Driver", "Readers", "Control", "Nodes", "In KiB", "Out KiB", "Parquet KiB"
    table = _table("CPU ms and bytes a page, medians", ("Way", "Nodes", *columns))
    for pace in paces:
        taken = (
            median(1000 * turn.cpu[whose] / turn.pages for turn in pace.turns) for whose in _WHOSE
        )
        sizes = (
            median(getattr(turn, name) / turn.pages / 1024 for turn in pace.turns)
            for name in ("in_bytes", "out_bytes", "parquet_bytes")
        )
        table.add_row(
            _named(pace.party),
            str(pace.party.nodes),
            *(f"{each:.1f}" for each in taken),
            *(f"{each:.1f}" if each else "–" for each in sizes),
        )
    return table


def _same_table(same: Sequence[Identical]) -> Table:
    columns = "Way", "Sources", "Pages", "Same text", "Same in everything", "Different"
    table = _table("What the local engine reads, page by page", ("Corpus", *columns))
    for each in same:
        counts = each.sources, each.pages, each.texts, each.everything
        table.add_row(
            each.corpus, each.way, *map(str, counts), ", ".join(each.different[:3]) or "–"
        )
    return table


def _kills_table(killed: Sequence[Killed]) -> Table:
    columns = "Killed", "Processes", "After pages", "Pages", "Lost", "Doubled", "Other text"
    table = _table("Kill -9 in the middle", ("Way", *columns, "Failures"))
    for each in killed:
        counts = each.processes, each.done, each.pages, each.lost, each.doubled, each.differing
        kinds = ", ".join(f"{count} {kind}" for kind, count in each.failures.items())
        table.add_row(each.way, each.victim, *map(str, counts), each.error or kinds or "–")
    return table


def _notes(folder: Path, pages: int, rounds: int, paces: Sequence[Pace]) -> list[str]:
    return [
        f"{folder.resolve().name}: the same {pages} pages in {rounds} rounds, one CPU a node.",
        "Each turn is a process and a cluster of its own, after one page that is not timed.",
        "Own cores: all of a node's processes are kept to its core, the caller to the first.",
        f"{NOTES}: pages of one line in books of {cluster_kills.BOOK}.",
        "Otherwise the caller and Ray's processes run on whichever core of the two is free.",
        f"{DATASET}: from the call to the last part of Parquet, with the start of its readers.",
        "Control: gcs_server. Nodes: Ray's other processes. Both with what they take when idle.",
    ] + [f"{turn.way}: {turn.first_error}" for pace in paces for turn in pace.turns if turn.failed]


def _named(party: Party) -> str:
    marks = [", own cores"] * party.pinned + [f", {party.batch}"] * (party.batch != FILES)
    return party.way + "".join(marks)


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    return table


def _times(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
