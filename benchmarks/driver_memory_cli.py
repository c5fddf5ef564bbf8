"""The command ``drivermemory`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import driver_memory
from benchmarks.arguments import JsonFile
from benchmarks.driver_memory import WAYS, Driven
from benchmarks.machine import describe, versions
from benchmarks.order import progress
from benchmarks.report import print_report, write_json

__all__ = ["drivermemory"]

_MIB = 2**20


def drivermemory(
    documents: Annotated[
        list[int] | None,
        typer.Option(min=101, help="Documents of a run; repeatable. Default 1000, 10000, 100000."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Look at the memory of what gives a cluster its work, for ever more tiny documents."""
    counts = documents or [1_000, 10_000, 100_000]
    machine = describe()
    with progress(len(counts) * len(WAYS)) as step:
        results = []
        for way in WAYS:
            for count in counts:
                step(f"{way}, {count}")
                results.append(driver_memory.measure(way, count))
    notes = [
        "Each in a fresh process, with a cluster of its own of one node; nothing is recognised."
    ]
    print_report([_table(results)], notes, machine, versions())
    if json_file:
        settings = {"documents": counts}
        write_json(json_file, "drivermemory", settings, {"runs": results}, machine, versions())


def _table(results: list[Driven]) -> Table:
    table = Table(title="Resident memory of the process that calls, MiB")
    table.add_column("by")
    for name in ("documents", "after 100", "after all", "peak", "documents/s"):
        table.add_column(name, justify="right")
    for run in results:
        sizes = (f"{size / _MIB:.0f}" for size in (run.first, run.last, run.peak))
        table.add_row(run.way, str(run.documents), *sizes, f"{run.documents / run.seconds:.0f}")
    return table
