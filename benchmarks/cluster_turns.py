"""One turn of a benchmark of the cluster, in a fresh process: one way of reading, one batch."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import tempfile
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from benchmarks import fresh
from benchmarks.cluster_nodes import READERS, cpu_seconds, running
from benchmarks.systems import AUTO
from ocrloom import OcrEngine, OcrOptions
from ocrloom.formats.json_ import page_document
from ocrloom.languages import parse_languages
from ocrloom.library.pack import packed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.result import OcrResult

__all__ = [
    "BOOK",
    "DATASET",
    "ENGINE",
    "FILES",
    "LOCAL",
    "NOTES",
    "Turn",
    "digest",
    "options_of",
    "outcomes_of",
    "read_of",
    "rows_of",
    "take",
    "turn_here",
    "usable_cores",
]

LOCAL, ENGINE, DATASET = "local", "engine", "dataset"
"""The engine of this process, ``RayEngine``, and ``read_documents``."""

FILES, BOOK, NOTES = "files", "one file", "notes"
"""The same pages, each in a file of its own or all in one; or many that are read in no time."""

Read: TypeAlias = list[tuple[int, int, str, str]]
"""Of each page: which source, from 0; its number; a digest of its text and one of all of it. Where
it could not be read, the kind of its failure and nothing."""

_QUIET: Final = 10.0  # seconds for which a cluster without work is looked at
_HEXADECIMALS: Final = 16  # of a digest; that many tell pages apart


@dataclass(slots=True, kw_only=True)
class Turn:
    """One batch, read in one way."""

    way: str
    nodes: int
    """Of the cluster, each with one CPU; the local engine has as many workers."""
    pinned: bool
    """Whether each node had a core of its own, which the first shared with the caller."""
    cores: int
    """That everything together could use."""
    batch: str
    """`FILES`, `BOOK` or `NOTES`."""
    starting: float = 0.0
    """Seconds until one page was read: with the cluster's own start, but not its nodes'."""
    seconds: float = 0.0
    """For the batch."""
    pages: int = 0
    failed: int = 0
    first_error: str | None = None
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of the processors for the batch, by whose they are."""
    cpu_before: dict[str, float] = field(default_factory=dict)
    """The same for the source that was read before, by a dataset of its own."""
    idle: dict[str, float] = field(default_factory=dict)
    """The same for one second of the cluster without work."""
    in_bytes: int = 0
    """Of the sources."""
    out_bytes: int = 0
    """Of the pages as they travel to the caller; 0 where none does."""
    packing: float = 0.0
    """CPU seconds for making what a library keeps of the pages; 0 where that was not timed."""
    parquet_bytes: int = 0
    """Of the pages as Parquet; 0 where none was written."""
    page_seconds: list[float] = field(default_factory=list)
    """CPU time of each page, where it is told."""

    @property
    def pages_per_second(self) -> float:
        """Pages that were read, over the time."""
        return (self.pages - self.failed) / self.seconds if self.seconds else 0.0


def usable_cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def take(
    way: str,
    paths: Sequence[Path],
    language: str,
    *,
    nodes: int = 2,
    cores: int = 2,
    pinned: bool = False,
    batch: str = FILES,
    first: Path | None = None,
) -> tuple[Turn, Read]:
    """Read a batch in a fresh process, on a cluster of its own where the way needs one.

    A source is read before, not timed: that starts readers and loads the models.

    Args:
        way: `LOCAL`, `ENGINE` or `DATASET`.
        paths: The batch, each path once.
        language: Codes joined by ``+``, or ``auto``.
        nodes: Of the cluster; the local engine gets as many workers.
        cores: That everything together may use.
        pinned: Whether each node is kept to a core of its own.
        batch: `FILES`, `BOOK` or `NOTES`.
        first: The source that is read before; by default the first of the batch.

    Raises:
        FreshError: The process died.
    """
    found = fresh.call(
        turn_here,
        way=way,
        paths=[str(path) for path in paths],
        language=language,
        nodes=nodes,
        cores=cores,
        pinned=pinned,
        batch=batch,
        first=str(first or paths[0]),
    )
    return Turn(**found["turn"]), [tuple(each) for each in found["read"]]


def turn_here(
    way: str,
    paths: list[str],
    language: str,
    *,
    nodes: int,
    cores: int,
    pinned: bool,
    batch: str,
    first: str,
) -> dict[str, Any]:
    """Do what `take` asks, in the fresh process."""
    usable = usable_cores()[:cores]
    turn = Turn(way=way, nodes=nodes, pinned=pinned, cores=len(usable), batch=batch)
    turn.in_bytes = sum(Path(path).stat().st_size for path in paths)
    if way == DATASET:
        read = _by_dataset(turn, paths, language, usable, first)
    else:
        read = _by_engine(turn, paths, language, usable, first)
    return {"turn": asdict(turn), "read": read}


def _by_engine(turn: Turn, paths: list[str], language: str, cores: list[int], first: str) -> Read:
    with _engine(turn, language, cores) as engine:
        start = perf_counter()
        engine.process(first)
        turn.starting = perf_counter() - start
        with _timed(turn):
            outcomes = list(engine.process_many(paths))
        if turn.way == ENGINE:
            turn.idle = _idle()
    pages = [page for each in outcomes if each.result for page in each.result.pages]
    if turn.way == LOCAL:
        start = process_time()
        for page in pages:
            packed(page)
        turn.packing = process_time() - start
    else:
        turn.out_bytes = sum(len(pickle.dumps(page)) for page in pages)
    read = outcomes_of(outcomes)
    _count(turn, read)
    return read


@contextmanager
def _engine(turn: Turn, language: str, cores: list[int]) -> Iterator[Any]:
    options = options_of(language)
    if turn.way == LOCAL:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores)
        engine = OcrEngine(options=options, workers=turn.nodes)
        try:
            yield engine
        finally:
            engine.close()
        return
    with running(turn.nodes, cores, pinned=turn.pinned) as cluster:
        from ocrloom.ray import RayEngine

        remote = RayEngine(cluster.address, options=options)
        try:
            yield remote
        finally:
            remote.close()


def _by_dataset(turn: Turn, paths: list[str], language: str, cores: list[int], first: str) -> Read:
    with (
        running(turn.nodes, cores, pinned=turn.pinned) as cluster,
        tempfile.TemporaryDirectory() as made,
    ):
        from ocrloom.ray import write_pages

        options, address = options_of(language), cluster.address
        with _timed(turn):
            for _ in write_pages([first], f"{made}/first", options, address=address):
                pass
        turn.starting, turn.cpu_before = turn.seconds, turn.cpu
        with _timed(turn):
            for _ in write_pages(paths, f"{made}/all", options, address=address):
                pass
        parts = Path(made, "all").glob("**/*.parquet")
        turn.parquet_bytes = sum(part.stat().st_size for part in parts)
        rows = rows_of(Path(made, "all"))
    read = read_of(rows, paths)
    turn.page_seconds = [row["provenance"]["cpu_seconds"] for row in rows]
    # The readers have ended with their dataset, and with them what they had taken.
    turn.cpu[READERS] = sum(turn.page_seconds)
    _count(turn, read)
    return read


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The rows of all Parquet files of a folder."""
    import pyarrow.parquet as pq

    parts = sorted(folder.glob("**/*.parquet"))
    return [row for part in parts for row in pq.ParquetFile(part).read().to_pylist()]


def read_of(rows: Sequence[dict[str, Any]], paths: Sequence[str]) -> Read:
    """What rows say, in the order of their paths."""
    from ocrloom.ray import page_of

    read: Read = []
    for row in rows:
        place = paths.index(row["document"])
        if row["failure"]:
            read.append((place, row["page"] or 0, row["failure"]["kind"], ""))
        else:
            read.append((place, row["page"], *digest(page_of(row))))
    return sorted(read)


def options_of(language: str) -> OcrOptions:
    """The options of a benchmark's engines."""
    if language == AUTO:
        return OcrOptions()
    return OcrOptions(languages=parse_languages(language.split("+")))


def outcomes_of(outcomes: Sequence[Any]) -> Read:
    """What became of each page of some sources; of one that was not opened, page 0."""
    read: Read = []
    for outcome in outcomes:
        result: OcrResult | None = outcome.result
        if result is None:
            read.append((outcome.index, 0, type(outcome.error).__name__, ""))
            continue
        read += [(outcome.index, page.number, *digest(page)) for page in result.pages]
        read += [(outcome.index, each.number, each.kind, "") for each in result.failures]
    return sorted(read)


def digest(page: Any) -> tuple[str, str]:  # noqa: ANN401  # a page, from wherever
    """Digests of a page's text, and of all that is known of it."""
    whole = json.dumps(page_document(page), sort_keys=True, default=str)
    hashed = (hashlib.sha256(each.encode(errors="surrogatepass")) for each in (page.text, whole))
    text, everything = (each.hexdigest()[:_HEXADECIMALS] for each in hashed)
    return text, everything


def _count(turn: Turn, read: Read) -> None:
    failures = [kind for _, _, kind, everything in read if not everything]
    turn.pages = len(read)
    turn.failed = len(failures)
    turn.first_error = failures[0] if failures else None


def _idle() -> dict[str, float]:
    before = cpu_seconds()
    sleep(_QUIET)
    after = cpu_seconds()
    return {whose: (after[whose] - before[whose]) / _QUIET for whose in after}


@contextmanager
def _timed(turn: Turn) -> Iterator[None]:
    before = cpu_seconds()
    start = perf_counter()
    yield
    turn.seconds = perf_counter() - start
    after = cpu_seconds()
    turn.cpu = {whose: after[whose] - before[whose] for whose in after}
