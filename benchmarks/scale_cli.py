"""The command ``scale`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.arguments import JsonFile, numbers
from benchmarks.machine import describe, versions
from benchmarks.report import write_json
from benchmarks.scale_figures import RESULTS, Assumed, SourceMissing, load
from benchmarks.scale_model import outcomes
from benchmarks.scale_tables import tables, written

__all__ = ["CORES", "PAGES", "scale"]

PAGES = 1e9
"""Pages of the plan in the documentation."""
CORES = "16,64,256,1000,4000,16000,100000"
"""Its numbers of cores."""

_DEFAULTS = Assumed()


def scale(
    pages: Annotated[float, typer.Option(min=1, help="To be read.")] = PAGES,
    cores: Annotated[str, typer.Option(help="Numbers of cores, with commas between.")] = CORES,
    node_cores: Annotated[int, typer.Option(min=1)] = _DEFAULTS.node_cores,
    cluster_nodes: Annotated[int, typer.Option(min=1)] = _DEFAULTS.cluster_nodes,
    node_days: Annotated[
        float, typer.Option(min=0.01, help="Days until a node is lost, on average.")
    ] = _DEFAULTS.node_days,
    results: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Figures of runs.")
    ] = RESULTS,
    docs: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Page whose tables are to be replaced."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Simulate many pages on many cores, from the figures of committed runs; reads nothing."""
    assumed = Assumed(node_cores=node_cores, cluster_nodes=cluster_nodes, node_days=node_days)
    try:
        measured = load(results)
    except SourceMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    counts = numbers(cores)
    found = outcomes(measured, assumed, pages, counts)
    drawn = tables(measured, assumed, pages, found)
    if docs:
        docs.write_text(written(docs.read_text(encoding="utf-8"), drawn), encoding="utf-8")
    typer.echo("\n\n".join(drawn.values()))
    if json_file:
        settings = {"pages": pages, "cores": counts}
        figures = {"measured": measured, "assumed": assumed, "outcomes": found}
        write_json(json_file, "scale", settings, figures, describe(), versions())
