"""Scaling: what a page costs among few and many, and on one core and on all."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks import fresh
from benchmarks.note import write_files, write_tiff
from benchmarks.order import rotated, silent
from benchmarks.systems import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.systems import System

__all__ = [
    "ALONE_REPEATS",
    "Alone",
    "Pages",
    "counts_up_to",
    "measure",
    "measure_alone",
    "page_here",
    "steps_of",
]

ALONE_REPEATS = 5
"""How often each process reads its page in one round; the median counts."""

_ROUNDS_OF_FEW = 5
_FEW = 10  # pages, up to which a run is so short that it is repeated


@dataclass(slots=True)
class Pages:
    """Some pages read in one go, in one way."""

    kind: str
    pages: int
    seconds: list[float] = field(default_factory=list)
    """One figure for each round."""
    failed: int = 0
    first_error: str | None = None

    @property
    def seconds_per_page(self) -> float:
        """Median of the rounds."""
        return median(self.seconds) / self.pages


@dataclass(slots=True)
class Alone:
    """One page and nothing beside it, on some cores."""

    cpus: int
    seconds: list[float] = field(default_factory=list)
    """One figure for each round: the median of its readings."""

    def speed_ratio_to(self, other: Alone) -> float:
        """Return how many times as fast as on the other's cores; median of the rounds' ratios."""
        paired = zip(self.seconds, other.seconds, strict=True)
        return median(theirs / mine for mine, theirs in paired)


def counts_up_to(most: int) -> list[int]:
    """Return 1, 10, 100 and so on, ending with ``most`` itself."""
    counts = [1]
    while counts[-1] < most:
        counts.append(min(10 * counts[-1], most))
    return counts


def measure(
    system: System,
    folder: Path,
    counts: Sequence[int],
    on_step: Callable[[str], None] = silent,
) -> list[Pages]:
    """Time notes as frames of one TIFF and as files of their own, for each number of them.

    One note is read before, not timed.

    Args:
        system: Who reads.
        folder: Empty; the notes are written there.
        counts: Numbers of pages.
        on_step: Told what is read, before it is.
    """
    files = write_files(folder, max(counts))
    system.read_all(files[:1])
    results: list[Pages] = []
    for count in counts:
        tiff = write_tiff(folder / f"all-{count}.tif", count)
        kinds = {"one TIFF": [tiff], "single files": files[:count]}
        by_kind = {kind: Pages(kind, count) for kind in kinds}
        for turn in range(_rounds(count)):
            for kind in rotated(list(kinds), turn):
                on_step(f"{count} pages, {kind}")
                _read(system, kinds[kind], by_kind[kind])
        results += by_kind.values()
        tiff.unlink()
    return results


def steps_of(counts: Sequence[int]) -> int:
    """Return how many steps `measure` reports."""
    return sum(2 * _rounds(count) for count in counts)


def measure_alone(
    page: Path, rounds: int, language: str, on_step: Callable[[str], None] = silent
) -> list[Alone]:
    """Time one page alone on one core and on all, each in a fresh process, in turns.

    Args:
        page: A source of one page.
        rounds: How many processes each gets.
        language: Codes joined by ``+``, or ``auto``.
        on_step: Told what runs, before it does.

    Returns:
        One core, then all; nothing where a process cannot choose its cores.
    """
    if not hasattr(os, "sched_getaffinity"):
        return []
    usable = sorted(os.sched_getaffinity(0))
    results = [Alone(1), Alone(len(usable))]
    for turn in range(rounds):
        for result in rotated(results, turn):
            on_step(f"one page alone on {result.cpus} cores, round {turn + 1}")
            cpus = usable[: result.cpus]
            result.seconds.append(
                fresh.call(page_here, path=str(page), cpus=cpus, language=language)
            )
    return results


def page_here(path: str, cpus: Sequence[int], language: str) -> float:
    """Read a page on these cores several times and return the median of the seconds.

    It is read once before, not timed: that loads the models.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    # Here and not at the top: only now it sees the cores that it has.
    from ocrloom import OcrEngine

    engine = OcrEngine(language=None if language == AUTO else language.split("+"))
    engine.process(path)
    seconds = []
    for _ in range(ALONE_REPEATS):
        start = perf_counter()
        engine.process(path)
        seconds.append(perf_counter() - start)
    return median(seconds)


def _rounds(count: int) -> int:
    return _ROUNDS_OF_FEW if count <= _FEW else 1


def _read(system: System, paths: Sequence[Path], result: Pages) -> None:
    start = perf_counter()
    outcomes = system.read_all(paths)
    result.seconds.append(perf_counter() - start)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    result.failed += len(errors)
    if errors and result.first_error is None:
        result.first_error = f"{type(errors[0]).__name__}: {errors[0]}"
