"""Kills in the middle of a batch: whether every page comes once and the failures are typed."""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from benchmarks import fresh
from benchmarks.cluster_nodes import Local, kill, running
from benchmarks.cluster_turns import (
    DATASET,
    ENGINE,
    LOCAL,
    options_of,
    outcomes_of,
    read_of,
    rows_of,
    take,
    usable_cores,
)
from benchmarks.note import write_pages
from benchmarks.order import silent
from ocrloom.progress import Progress, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.cluster_turns import Read

__all__ = [
    "BOOK",
    "NODE",
    "READER",
    "WORKERS",
    "Killed",
    "books",
    "judge",
    "kill_here",
    "measure",
    "read_and_kill",
]

READER, WORKERS, NODE = "one reader", "every worker", "a node"
"""Who is killed, without a warning; the node is not the one of the caller."""

BOOK: Final = 25
"""Pages of each source."""

_SHARE: Final = 1 / 3  # of the pages that are done when it happens
_LANGUAGE: Final = "eng"


@dataclass(slots=True, kw_only=True)
class Killed:
    """What became of a batch in whose middle something was killed."""

    way: str
    victim: str
    pages: int
    processes: int = 0
    """That were killed; 0 if the batch was over before."""
    done: int = 0
    """Pages that had come by then."""
    seconds: float = 0.0
    """Of the whole batch."""
    lost: int = 0
    """Pages of which nothing came."""
    doubled: int = 0
    """Pages that came more than once."""
    differing: int = 0
    """Pages with another text than the local engine's."""
    failures: dict[str, int] = field(default_factory=dict)
    """Pages that came as failures, by their kinds."""
    error: str | None = None
    """Why the batch ended without its pages."""


def measure(pages: int, on_step: Callable[[str], None] = silent) -> list[Killed]:
    """Read notes and kill in the middle: a reader, all workers of a node, a node.

    Args:
        pages: About how many notes, each with a text of its own, in books of `BOOK`.
        on_step: Told who will be killed, before.
    """
    with tempfile.TemporaryDirectory() as made:
        paths = books(Path(made), pages)
        on_step("the notes' texts")
        _, expected = take(LOCAL, paths, _LANGUAGE)
        found = []
        for way in (ENGINE, DATASET):
            for victim in (READER, WORKERS, NODE):
                on_step(f"{way}: {victim} is killed")
                found.append(read_and_kill(way, victim, paths, expected))
        return found


def judge(killed: Killed, read: Read, expected: Read) -> None:
    """Compare what came with what a local engine reads, page by page."""
    texts = {(source, number): text for source, number, text, _ in expected}
    came = Counter((source, number) for source, number, _, _ in read)
    killed.lost = len(texts.keys() - came.keys())
    killed.doubled = sum(count > 1 for count in came.values())
    killed.failures = dict(Counter(kind for _, _, kind, whole in read if not whole))
    killed.differing = sum(
        text != texts.get((source, number)) for source, number, text, whole in read if whole
    )


def kill_here(way: str, victim: str, paths: list[str]) -> dict[str, Any]:
    """Do one of the batches of `measure`, in a fresh process."""
    cores = usable_cores()[:2]
    with running(2, cores, pinned=False) as cluster, tempfile.TemporaryDirectory() as made:
        killer = _Killer(cluster, victim, int(len(paths) * BOOK * _SHARE))
        start = monotonic()
        if way == ENGINE:
            pages = _engine(cluster, paths, killer)
        else:
            pages = _dataset(cluster, paths, killer, Path(made))
        return {
            "seconds": monotonic() - start,
            "processes": killer.killed,
            "done": killer.at,
            "read": pages,
        }


def read_and_kill(way: str, victim: str, paths: Sequence[Path], expected: Read) -> Killed:
    """Read notes in a fresh process on a cluster of which something is killed.

    Args:
        way: `ENGINE` or `DATASET`.
        victim: Who is killed.
        paths: Books of `BOOK` notes.
        expected: What the local engine reads.
    """
    killed = Killed(way=way, victim=victim, pages=len(expected))
    try:
        found = fresh.call(kill_here, way=way, victim=victim, paths=[str(each) for each in paths])
    except fresh.FreshError as error:
        killed.error, killed.lost = str(error), len(expected)
        return killed
    read = found.pop("read")
    for name, value in found.items():
        setattr(killed, name, value)
    judge(killed, [tuple(each) for each in read], expected)
    return killed


def books(folder: Path, pages: int) -> list[Path]:
    """Write about so many notes, each of a text of its own, into files of `BOOK`; at least two."""
    return [
        write_pages(
            folder / f"book-{book:03}.tif",
            [f"Page {page} of book {book}" for page in range(1, BOOK + 1)],
        )
        for book in range(1, max(2, -(-pages // BOOK)) + 1)
    ]


class _Killer:
    """Counts pages and kills when enough have come."""

    def __init__(self, cluster: Local, victim: str, after: int) -> None:
        self.killed = 0
        self.at = 0
        self._cluster = cluster
        self._victim = victim
        self._after = after
        self._done = 0
        self._lock = threading.Lock()

    def page(self) -> None:
        """Another page has come."""
        with self._lock:
            self._done += 1
            if self._done != self._after:
                return
            self.at = self._done
        processes = self._processes()
        self.killed = len(processes)
        kill(processes)

    def _processes(self) -> list[int]:
        if self._victim == NODE:
            return self._cluster.processes(1)
        there = self._cluster.workers(1)
        return there[:1] if self._victim == READER else [*there, *self._cluster.workers(0)]


def _engine(cluster: Local, paths: list[str], killer: _Killer) -> Read:
    from ocrloom.ray import RayEngine

    def watch(event: Progress) -> None:
        if event.stage is Stage.PAGE_DONE:
            killer.page()

    engine = RayEngine(cluster.address, options=options_of(_LANGUAGE))
    try:
        return outcomes_of(list(engine.process_many(paths, progress=watch)))
    finally:
        engine.close()


def _dataset(cluster: Local, paths: list[str], killer: _Killer, folder: Path) -> Read:
    from ocrloom.ray import write_pages as write

    for _ in write(paths, folder, options_of(_LANGUAGE), address=cluster.address):
        killer.page()
    return read_of(rows_of(folder), paths)
