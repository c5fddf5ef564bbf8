"""Who should read for a service on a cluster: actors of each server, or Ray Serve for all."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks import cluster_nodes, fresh
from benchmarks.cluster_turns import usable_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ocrloom.ray.engine import RayEngine

__all__ = ["ACTORS", "SERVE", "Beside", "Turn", "beside_here", "measure", "turn_here"]

ACTORS, SERVE = "actors", "serve"
"""Readers of one process, or an application of Ray Serve."""

_LATER: Final = 2.0  # seconds after which the second server has a page, while the first reads


@dataclass(frozen=True, slots=True)
class Turn:
    """What readers of one kind did."""

    kind: str
    readers: int
    """Processes of one CPU each, every one on a node of its own."""
    starting: float
    """Seconds until the first page was read, models and all."""
    pages_per_second: float
    latencies: tuple[float, ...]
    """Seconds that jobs of one page took, one after the other."""
    asking: float
    """CPU seconds of the process that asks, for each page of the batch."""
    failed: int
    """Pages that could not be read; 0 unless something is wrong."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A page of one server while another one's batch keeps all readers busy."""

    kind: str
    batch: float
    """Seconds that the batch took."""
    page: float
    """Seconds that the page took, which was asked for shortly after the batch had begun."""


def measure(
    paths: Sequence[Path],
    *,
    rounds: int,
    jobs: int,
    language: str,
    on_step: Callable[[str], None],
) -> tuple[list[Turn], list[Beside]]:
    """Let both kinds read, in turns; each turn has a cluster and a process of its own.

    Args:
        paths: Pages of a batch.
        rounds: Turns of each.
        jobs: Of one page, in each turn.
        language: Of the text.
        on_step: Told before each turn.
    """
    given = {"paths": [str(path) for path in paths], "language": language}
    turns, beside = [], []
    for number in range(rounds):
        for readers in (1, 2):
            # Who goes first may find the machine otherwise.
            for kind in (ACTORS, SERVE) if number % 2 == 0 else (SERVE, ACTORS):
                on_step(f"{kind}, {readers}")
                found = fresh.call(turn_here, kind=kind, readers=readers, jobs=jobs, **given)
                turns.append(Turn(**{**found, "latencies": tuple(found["latencies"])}))
    for kind in (ACTORS, SERVE):
        on_step(f"{kind}, two servers")
        beside.append(Beside(**fresh.call(beside_here, kind=kind, **given)))
    return turns, beside


def turn_here(
    kind: str, readers: int, jobs: int, paths: list[str], language: str
) -> dict[str, Any]:
    """One turn in this process; the fields of `Turn`."""
    with _cluster(readers) as address, _engine(kind, address, readers, language) as engine:
        begun = time.monotonic()
        engine.process(paths[0])
        starting = time.monotonic() - begun
        list(engine.process_many(paths[: 2 * readers]))  # the others load their models
        latencies = []
        for number in range(jobs):
            begun = time.monotonic()
            engine.process(paths[number % len(paths)])
            latencies.append(time.monotonic() - begun)
        begun, used = time.monotonic(), time.process_time()
        outcomes = list(engine.process_many(paths))
        seconds, asking = time.monotonic() - begun, time.process_time() - used
    failed = sum(outcome.error is not None for outcome in outcomes)
    speed = len(paths) / seconds
    turn = Turn(kind, readers, starting, speed, tuple(latencies), asking / len(paths), failed)
    return asdict(turn)


def beside_here(kind: str, paths: list[str], language: str) -> dict[str, Any]:
    """Two servers' engines on two readers; the fields of `Beside`."""
    with (
        _cluster(2) as address,
        _engine(kind, address, 2, language) as first,
        _engine(kind, address, 2, language) as second,
    ):
        list(first.process_many(paths[:4]))
        begun = time.monotonic()
        batch = [first.process_async(path, bulk=True) for path in paths]
        time.sleep(_LATER)
        with ThreadPoolExecutor(1) as threads:
            page = threads.submit(_seconds, second, paths[0])
            for each in batch:
                each.result()
            seconds = time.monotonic() - begun
            return asdict(Beside(kind, seconds, page.result()))


def _seconds(engine: RayEngine, path: str) -> float:
    begun = time.monotonic()
    engine.process(path)
    return time.monotonic() - begun


@contextmanager
def _cluster(nodes: int) -> Iterator[str]:
    with cluster_nodes.running(nodes, usable_cores(), pinned=False) as found:
        yield found.address


@contextmanager
def _engine(kind: str, address: str, readers: int, language: str) -> Iterator[RayEngine]:
    """An engine whose readers are of a kind."""
    from ocrloom import OcrOptions
    from ocrloom.languages import parse_languages
    from ocrloom.ray.engine import RayEngine
    from ocrloom.ray.serving import Serving

    if kind == ACTORS:
        engine = RayEngine(address, language=language, workers=readers, cpus=1)
    else:
        serving = Serving(address, least=readers, most=readers, cpus=1)
        engine = RayEngine.at(serving, options=OcrOptions(languages=parse_languages(language)))
    with engine:
        yield engine
