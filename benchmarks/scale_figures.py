"""What the plan for a billion pages is made of: measured figures, and what is assumed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any, Final

from benchmarks.cluster_nodes import CONTROL, DRIVER, NODES, READERS
from benchmarks.cluster_turns import BOOK, DATASET, ENGINE, FILES, LOCAL, NOTES

__all__ = [
    "CLUSTER",
    "RESULTS",
    "Assumed",
    "Found",
    "Measured",
    "Overhead",
    "SourceMissing",
    "Stored",
    "load",
]

RESULTS: Final = Path(__file__).resolve().parent / "results"
"""Where the committed runs are."""

CLUSTER: Final = "english-cluster.json"
_PROFILE: Final = "english-profile.json"
_EXPORTS: Final = "english-exports.json"
_FILE, _FILES = "made-library-sqlite-1m.json", "made-library-sqlite-100k.json"
_SERVER, _SERVERS = "made-library-postgresql-100k.json", "made-library-postgresql-50k.json"

_NO_WORK: Final = ("waiting for helpers", "outside of pages, waiting")  # stages of the profile


class SourceMissing(Exception):
    """A committed run is not there; the message says how to make it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """What no run on one machine can tell, and whoever plans knows better."""

    node_cores: int = 64
    """Cores of a node."""
    node_network: float = 25e9 / 8
    """Bytes a second into a node, and as many out of it."""
    node_store: float = 32 * 2.0**30
    """Bytes of a node's object store."""
    cluster_nodes: int = 250
    """Nodes of one Ray cluster."""
    gets: float = 5500.0
    """Requests a second that one prefix of an object store answers."""
    puts: float = 3500.0
    """Objects a second that one prefix takes."""
    part_pages: int = 4096
    """Pages of one part of Parquet, at most."""
    slice_pages: int = 16
    """Pages of a book that a reader of an engine takes at a time."""
    in_flight: int = 2
    """Slices of each core that are read, on their way or waiting to be stored."""
    bundle_pages: int = 64
    """Pages that a process of a dataset takes, and gives, at a time."""
    bundles: int = 2
    """That such a process reads side by side."""
    process_cores: int = 4
    """Cores of such a process."""
    part_core_pages: float = 15.0
    """Pages of a part for each core that reads, as far as parts may be that large."""
    node_days: float = 30.0
    """Days after which a node is lost, on average."""
    repair: float = 300.0
    """Seconds until another has taken its place."""
    busy: float = 0.7
    """Share of its capacity up to which a part is planned."""
    shard_pages: float = 10e6
    """Pages of a library that one machine searches."""


@dataclass(frozen=True, slots=True)
class Overhead:
    """CPU seconds that a cluster takes beside reading, without those of idling."""

    driver: float
    """Of the calling process, for a page."""
    control: float
    """Of ``gcs_server``, for a page."""
    nodes: float
    """Of Ray's other processes, for a page."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of a page in a place, and how many pages a second it takes."""

    bytes: float
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A search in libraries of several sizes."""

    kind: str
    p50: dict[int, float]
    """Seconds, by the pages of the library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures of committed runs, all for one page unless they say otherwise."""

    stages: dict[str, float]
    """CPU seconds of each stage of reading, by its name."""
    exports: dict[str, tuple[float, float]]
    """CPU seconds and bytes of each format."""
    reading: float
    """CPU seconds of the readers' processes."""
    spread: float
    """Standard deviation of a page's time over its mean."""
    files: Overhead
    """Of `RayEngine` where every page is a file."""
    book: Overhead
    """Of `RayEngine` where all pages are one file."""
    dataset: Overhead
    """Of `read_documents` with Parquet, without what beginning takes."""
    idle_alone: float
    """CPU seconds that ``gcs_server`` takes in a second without work, whatever the nodes."""
    idle_control: float
    """What it takes beside that for each node."""
    idle_node: float
    """CPU seconds that a node's own processes take in a second without work."""
    starting: float
    """Seconds until a new cluster has read its first page."""
    packing: float
    """CPU seconds for making what a library keeps of a page."""
    in_bytes: float
    """Of the sources."""
    out_bytes: float
    """From a reader to the caller."""
    parquet: Stored
    sqlite: Stored
    postgresql: Stored
    searches: tuple[Found, ...]
    """In SQLite."""


def load(folder: Path = RESULTS) -> Measured:
    """Read the committed runs.

    Args:
        folder: Where they are.

    Raises:
        SourceMissing: One is not there.
    """
    profile = _run(folder, _PROFILE)["profile"]
    exports = _run(folder, _EXPORTS)["exports"]
    turns = [turn for pace in _run(folder, CLUSTER)["paces"] for turn in pace["turns"]]
    two = [turn for turn in turns if turn["nodes"] > 1 and not turn["pinned"]]
    engine = [turn for turn in two if turn["way"] == ENGINE]
    files = [turn for turn in engine if turn["batch"] == FILES]
    dataset = [turn for turn in two if turn["way"] == DATASET and turn["batch"] == FILES]
    notes = [turn for turn in two if turn["way"] == DATASET and turn["batch"] == NOTES]
    idle = {whose: _idle(turns, 2, whose) for whose in (DRIVER, CONTROL, NODES)}
    each = max(0.0, idle[CONTROL] - _idle(turns, 1, CONTROL))
    return Measured(
        stages={
            stage["stage"]: stage["seconds"] / profile["pages"]
            for stage in profile["stages"]
            if stage["stage"] not in _NO_WORK and stage["calls"]
        },
        exports={
            each["format"]: (
                median(each["seconds"]) / exports["pages"],
                each["bytes"] / exports["pages"],
            )
            for each in exports["formats"]
            if each["seconds"]
        },
        reading=median(turn["cpu"][READERS] / turn["pages"] for turn in files),
        spread=_spread(dataset),
        files=_overhead(files, idle),
        book=_overhead([turn for turn in engine if turn["batch"] == BOOK], idle),
        dataset=_overhead(notes, idle),
        idle_alone=idle[CONTROL] - 2 * each,
        idle_control=each,
        idle_node=idle[NODES] / 2,
        starting=median(turn["starting"] for turn in files),
        packing=_of_page([turn for turn in turns if turn["way"] == LOCAL], "packing"),
        in_bytes=_of_page(files, "in_bytes"),
        out_bytes=_of_page(files, "out_bytes"),
        parquet=Stored(_of_page(dataset, "parquet_bytes")),
        sqlite=_library(folder, _FILE, _FILES),
        postgresql=_library(folder, _SERVER, _SERVERS),
        searches=_searches(folder),
    )


def _idle(turns: list[Any], nodes: int, whose: str) -> float:
    """Mean, for processors' time is counted in steps that are large beside so little work."""
    return fmean(turn["idle"][whose] for turn in turns if turn["idle"] and turn["nodes"] == nodes)


def _run(folder: Path, name: str) -> Any:  # noqa: ANN401  # as it was written
    path = folder / name
    if not path.is_file():
        raise SourceMissing(
            f"expected the figures of a run in {name}, found none in {folder}; "
            "python -m benchmarks … --json writes them"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def _overhead(turns: list[Any], idle: dict[str, float]) -> Overhead:
    """What is left for a page without what beginning takes, and two nodes that have no work."""

    def rest(turn: Any, whose: str) -> float:  # noqa: ANN401  # as it was written
        before = turn["cpu_before"].get(whose, 0.0)
        seconds = turn["seconds"] - (turn["starting"] if turn["cpu_before"] else 0.0)
        return float((turn["cpu"][whose] - before - idle[whose] * seconds) / turn["pages"])

    def of(whose: str) -> float:
        return max(0.0, median(rest(turn, whose) for turn in turns))

    return Overhead(of(DRIVER), of(CONTROL), of(NODES))


def _of_page(turns: list[Any], name: str) -> float:
    return float(median(turn[name] / turn["pages"] for turn in turns))


def _spread(turns: list[Any]) -> float:
    seconds = [each for turn in turns for each in turn["page_seconds"]]
    return float(pstdev(seconds) / fmean(seconds)) if seconds else 0.0


def _library(folder: Path, largest: str, built: str) -> Stored:
    """Bytes from the largest library, pace from one that was built in the run."""
    last = _run(folder, largest)["scales"][-1]
    build = _run(folder, built)["scales"][-1]["build"]
    return Stored(last["bytes"] / last["pages"], build["pages"] / build["seconds"])


def _searches(folder: Path) -> tuple[Found, ...]:
    scales = [scale for name in (_FILES, _FILE) for scale in _run(folder, name)["scales"]]
    return tuple(
        Found(
            question["kind"],
            {each["pages"]: median(each["questions"][place]["seconds"]) for each in scales},
        )
        for place, question in enumerate(scales[0]["questions"])
    )
