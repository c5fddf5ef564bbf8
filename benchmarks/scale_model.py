"""Plans for many pages on many cores: which parts they have, and how many of each they need."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING, Final

from benchmarks.scale_simulation import Part, Plan, simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scale_figures import Assumed, Measured, Overhead

__all__ = [
    "DRIVER",
    "ENGINE_LIMITS",
    "ENGINE_PLAN",
    "GCS",
    "MANY_PLAN",
    "PARQUET",
    "PARQUET_PLAN",
    "PLANS",
    "POSTGRESQL",
    "SOURCES",
    "Outcome",
    "limits",
    "outcomes",
    "page_seconds",
    "vain",
]

ENGINE_PLAN = "engine, PostgreSQL"
"""``ocrloom index --ray`` as it is: one process collects all pages and writes one library."""
PARQUET_PLAN = "datasets, Parquet"
"""`read_documents` as it is: one cluster, whose readers write Parquet themselves."""
MANY_PLAN = "many datasets, Parquet"
"""The same, with as many callers, clusters and prefixes as it takes."""
PLANS: Final = (ENGINE_PLAN, PARQUET_PLAN, MANY_PLAN)

_LEAST: Final = 1e-3  # share of `gcs_server` that is left where its nodes are too many for it

DRIVER, GCS, NETWORK = "driver", "gcs_server", "driver's network"
SOURCES, PARQUET, POSTGRESQL = "source requests", "Parquet requests", "PostgreSQL"

ENGINE_LIMITS: Final = ("engine", "PostgreSQL", "SQLite")
"""Words in the names of what limits plans with an engine; all else limits datasets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a plan makes of so many cores."""

    cores: int
    plan: str
    callers: int
    """Processes that hand out work, each with a share of the documents and of the cores."""
    clusters: int
    prefixes: int
    """Of object stores, for the sources and for the results each."""
    pace: float
    """Pages a second, of all callers together."""
    days: float
    busy: dict[str, float]
    """Share of the time in which each part had work, 0..1: a driver, the others for its pages."""
    bottleneck: str


def outcomes(
    measured: Measured, assumed: Assumed, pages: float, cores: Sequence[int], seed: int = 0
) -> list[Outcome]:
    """Simulate every plan on every number of cores.

    Args:
        measured: Figures of committed runs.
        assumed: What they cannot tell.
        pages: To be read.
        cores: Numbers of cores.
        seed: Of chance.
    """
    return [
        _outcome(measured, assumed, pages, each, plan, seed) for each in cores for plan in PLANS
    ]


def limits(measured: Measured, assumed: Assumed) -> dict[str, float]:
    """Pages a second that one of each part can handle, by what it is."""
    many = assumed.cluster_nodes
    return {
        "driver of an engine, pages in files of their own": _rate(measured.files.driver),
        "driver of an engine, pages of books": _rate(measured.book.driver),
        "driver of an engine that indexes": _rate(measured.files.driver + measured.packing),
        "driver of datasets": _rate(measured.dataset.driver),
        f"gcs_server, {many} nodes": _gcs(measured, measured.dataset, many),
        "driver's network, results of an engine": assumed.node_network / measured.out_bytes,
        "PostgreSQL, one server": measured.postgresql.rate or inf,
        "SQLite, one file": measured.sqlite.rate or inf,
        "sources in one prefix, a request a page": assumed.gets,
        "Parquet in one prefix": assumed.puts * assumed.part_pages,
        f"one Ray cluster of {many} nodes": many * assumed.node_cores / page_seconds(measured),
    }


def page_seconds(measured: Measured, plan: str = MANY_PLAN) -> float:
    """Seconds of a core for a page, with what Ray's processes beside the readers take for it."""
    return measured.reading + _overhead(measured, plan).nodes


def vain(assumed: Assumed, plan: str, cores: int) -> float:
    """Pages for each core of a lost node that are to be read again, if there is no journal.

    Args:
        assumed: How many pages are given and written together.
        plan: One of `PLANS`.
        cores: Those that one caller has.
    """
    if plan == ENGINE_PLAN:
        return 0.5  # of the page that it was reading
    return _together(assumed) / 2 + _unwritten(assumed, cores)


def _together(assumed: Assumed) -> float:
    """Pages for each core that a process of a dataset reads before it gives any."""
    return assumed.bundle_pages * assumed.bundles / assumed.process_cores


def _unwritten(assumed: Assumed, cores: int) -> float:
    """Pages for each core that were given and wait for others of their part, on average."""
    return min(assumed.part_core_pages, assumed.part_pages / cores) / 2


def _outcome(
    measured: Measured, assumed: Assumed, pages: float, cores: int, plan: str, seed: int
) -> Outcome:
    callers = clusters = prefixes = 1
    if plan == MANY_PLAN:
        clusters = _clusters(measured, assumed, cores)
        callers = max(clusters, _callers(measured, assumed, cores))
        prefixes = _prefixes(measured, assumed, cores)
    share = ceil(cores / callers)
    nodes = ceil(cores / clusters / assumed.node_cores)
    # What callers have in common counts for each with its share.
    gcs = _gcs(measured, _overhead(measured, plan), nodes) * clusters / callers
    parts = (Part(GCS, gcs), *_parts(measured, assumed, plan, prefixes / callers))
    run = simulate(_plan(measured, assumed, plan, share, parts), seed)
    pace = run.pace * cores / share
    return Outcome(
        cores=cores,
        plan=plan,
        callers=callers,
        clusters=clusters,
        prefixes=prefixes,
        pace=pace,
        days=pages / pace / 86_400,
        busy=run.busy,
        bottleneck=run.bottleneck,
    )


def _plan(
    measured: Measured, assumed: Assumed, plan: str, cores: int, parts: tuple[Part, ...]
) -> Plan:
    # What a node does for itself is not there for pages.
    own = measured.idle_node / assumed.node_cores
    seconds = page_seconds(measured, plan) / (1 - own)
    together = plan != ENGINE_PLAN
    # What was not written is read again, which takes as long as if nobody was there meanwhile.
    again = _unwritten(assumed, cores) * seconds if together else 0.0
    return Plan(
        cores=cores,
        seconds=seconds,
        parts=parts,
        spread=measured.spread,
        slice_pages=max(1, round(_together(assumed))) if together else assumed.slice_pages,
        in_flight=assumed.in_flight,
        together=together,
        node_cores=assumed.node_cores,
        node_seconds=assumed.node_days * 86_400,
        repair=assumed.repair + measured.starting + again,
    )


def _overhead(measured: Measured, plan: str) -> Overhead:
    return measured.files if plan == ENGINE_PLAN else measured.dataset


def _parts(measured: Measured, assumed: Assumed, plan: str, prefixes: float) -> tuple[Part, ...]:
    sources = Part(SOURCES, prefixes * assumed.gets, before=True)
    if plan == ENGINE_PLAN:
        return (
            sources,
            Part(DRIVER, _rate(measured.files.driver + measured.packing)),
            Part(NETWORK, assumed.node_network / measured.out_bytes),
            Part(POSTGRESQL, measured.postgresql.rate or inf),
        )
    return (
        sources,
        Part(DRIVER, _rate(measured.dataset.driver)),
        Part(PARQUET, prefixes * assumed.puts * assumed.part_pages),
    )


def _gcs(measured: Measured, overhead: Overhead, nodes: int) -> float:
    """Pages a second for which ``gcs_server`` has time beside its nodes."""
    left = max(_LEAST, 1 - measured.idle_alone - nodes * measured.idle_control)
    return left * _rate(overhead.control)


def _rate(seconds: float) -> float:
    """Pages a second, of seconds a page."""
    return 1 / seconds if seconds else inf


def _clusters(measured: Measured, assumed: Assumed, cores: int) -> int:
    """The fewest clusters of which none is larger, or its ``gcs_server`` busier, than planned."""
    clusters = 1
    while True:
        nodes = ceil(cores / clusters / assumed.node_cores)
        pace = cores / clusters / page_seconds(measured) / assumed.busy
        fits = nodes <= assumed.cluster_nodes and pace <= _gcs(measured, measured.dataset, nodes)
        if fits or nodes == 1:
            return clusters
        clusters += 1


def _callers(measured: Measured, assumed: Assumed, cores: int) -> int:
    pace = cores / page_seconds(measured) / assumed.busy
    return ceil(pace * measured.dataset.driver)


def _prefixes(measured: Measured, assumed: Assumed, cores: int) -> int:
    pace = cores / page_seconds(measured) / assumed.busy
    return ceil(max(pace / assumed.gets, pace / assumed.puts / assumed.part_pages))
