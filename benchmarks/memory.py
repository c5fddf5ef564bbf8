"""Memory: what many calls at once and long runs hold. Every figure is of a fresh process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks import fresh
from benchmarks.systems import AUTO
from ocrloom import OcrEngine, OcrException
from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Gather",
    "LongRun",
    "Resident",
    "available",
    "gather_here",
    "measure_budget",
    "measure_gather",
    "measure_long_run",
    "run_here",
]

_STATUS = Path("/proc/self/status")
_IN_FLIGHT = 2  # sources for each usable core that a long run has under way


@dataclass(frozen=True, slots=True)
class Gather:
    """Many calls in one ``asyncio.gather``, whose results are all kept. Sizes in bytes."""

    calls: int
    seconds: float
    warm: int
    """Resident after one page: with the models, before the calls."""
    peak: int
    """The most that was resident from then to the end."""
    failed: int
    first_error: str | None
    budget: int | None = None
    """What decoded pages might take; None where the engine was told nothing."""


@dataclass(frozen=True, slots=True)
class Resident:
    """What one process held at one time."""

    pages: int
    """How many it had read by then."""
    bytes: int


@dataclass(frozen=True, slots=True)
class LongRun:
    """One process that reads page after page and keeps no result."""

    in_flight: int
    """Pages under way at any time."""
    marks: tuple[Resident, ...]
    failed: int
    first_error: str | None


def available() -> str | None:
    """Return None if a process can find out here what it holds, else why not."""
    return None if _STATUS.is_file() else f"needs {_STATUS}, which Linux has"


def measure_gather(paths: Sequence[Path], calls: int, language: str) -> Gather:
    """Make so many calls at once in a fresh process.

    Args:
        paths: Sources, taken in turn.
        calls: How many.
        language: Codes joined by ``+``, or ``auto``.

    Raises:
        FreshError: The process died, of too little memory for instance.
    """
    return _gather(paths, calls, language, None, paths[0])


def measure_budget(paths: Sequence[Path], language: str, budget: int, first: Path) -> Gather:
    """Read all sources at once in a fresh process, by an engine that keeps to a budget.

    Args:
        paths: Sources, each read once.
        language: Codes joined by ``+``, or ``auto``.
        budget: Bytes that decoded pages may take.
        first: A small source, read before, so that the models are there.

    Raises:
        FreshError: The process died.
    """
    return _gather(paths, len(paths), language, budget, first)


def measure_long_run(paths: Sequence[Path], marks: Sequence[int], language: str) -> LongRun:
    """Read page after page in a fresh process.

    Args:
        paths: Sources of one page, taken in turn.
        marks: Ascending numbers of pages after which its memory is looked at; the last ends it.
        language: Codes joined by ``+``, or ``auto``.

    Raises:
        FreshError: The process died.
    """
    named = [str(path) for path in paths]
    found = fresh.call(run_here, paths=named, marks=list(marks), language=language)
    looks = tuple(Resident(*look) for look in found.pop("looks"))
    return LongRun(marks=looks, **found)


def gather_here(
    paths: Sequence[str], calls: int, language: str, budget: int | None, first: str
) -> dict[str, Any]:
    """Read in this process all at once, and return what `Gather` holds."""
    engine = _engine(language, budget)
    engine.process(first)
    warm = _memory("VmRSS")
    _forget_peak()

    async def read(path: str) -> object:
        return await engine.process_async(path)

    async def together() -> list[object]:
        results = (read(paths[turn % len(paths)]) for turn in range(calls))
        return await asyncio.gather(*results, return_exceptions=True)

    start = perf_counter()
    outcomes = asyncio.run(together())
    seconds = perf_counter() - start
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    sizes = {"warm": warm, "peak": _memory("VmHWM"), "budget": budget}
    return {"calls": calls, "seconds": seconds, **sizes, **_failures(errors)}


def run_here(paths: Sequence[str], marks: Sequence[int], language: str) -> dict[str, Any]:
    """Read in this process page after page, and return what `LongRun` holds."""
    engine = _engine(language)
    in_flight = _IN_FLIGHT * usable_cpus()
    looks: list[tuple[int, int]] = []
    errors: list[BaseException] = []
    turns = iter(range(marks[-1]))
    read = 0

    async def lane() -> None:
        nonlocal read
        for turn in turns:
            try:
                await engine.process_async(paths[turn % len(paths)])
            except OcrException as error:
                errors.append(error)
            read += 1
            if read in marks:
                looks.append((read, _memory("VmRSS")))

    async def all_lanes() -> None:
        await asyncio.gather(*(lane() for _ in range(in_flight)))

    asyncio.run(all_lanes())
    return {"in_flight": in_flight, "looks": looks, **_failures(errors)}


def _gather(
    paths: Sequence[Path], calls: int, language: str, budget: int | None, first: Path
) -> Gather:
    named = {"paths": [str(path) for path in paths], "first": str(first)}
    found = fresh.call(gather_here, calls=calls, language=language, budget=budget, **named)
    return Gather(**found)


def _engine(language: str, budget: int | None = None) -> OcrEngine:
    languages = None if language == AUTO else language.split("+")
    return OcrEngine(language=languages, memory=budget)


def _failures(errors: Sequence[BaseException]) -> dict[str, Any]:
    first = f"{type(errors[0]).__name__}: {errors[0]}" if errors else None
    return {"failed": len(errors), "first_error": first}


def _memory(name: str) -> int:
    """A figure of this process, in bytes: ``VmRSS``, or ``VmHWM`` for the most there was.

    Not by ``getrusage``, whose peak a process inherits from the one that started it.
    """
    lines = _STATUS.read_text(encoding="utf-8").splitlines()
    found = next(line for line in lines if line.startswith(f"{name}:"))
    return int(found.split()[1]) * 1024


def _forget_peak() -> None:
    """Let the peak begin anew, where the system has that: loading models is not looked for."""
    with suppress(OSError):
        _STATUS.with_name("clear_refs").write_text("5", encoding="utf-8")
