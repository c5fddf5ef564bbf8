"""Speed: systems take turns at the same batch of pages, each on all usable cores."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.order import rotated, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from benchmarks.systems import System

__all__ = ["Batch", "SystemSpeed", "measure"]


@dataclass(frozen=True, slots=True)
class Batch:
    """One system's turn in one round."""

    seconds: float
    pages: int
    failed: int

    @property
    def pages_per_second(self) -> float:
        """Pages that were read, over the time; a failure is quick, so it earns nothing."""
        return (self.pages - self.failed) / self.seconds


@dataclass(slots=True)
class SystemSpeed:
    """One system's turns in all rounds."""

    system: str
    missing: str | None = None
    """Why the system did not run, and how to install it; None where it ran."""
    batches: list[Batch] = field(default_factory=list)
    first_error: str | None = None

    @property
    def pages_per_second(self) -> list[float]:
        """One figure for each round."""
        return [batch.pages_per_second for batch in self.batches]

    @property
    def failed(self) -> int:
        """Pages that could not be read, over all rounds."""
        return sum(batch.failed for batch in self.batches)

    def ratio_to(self, other: SystemSpeed) -> float | None:
        """Return how many times as fast as the other one this system was.

        Median of the rounds' own ratios, because what slows a round slows both; None if the
        other one read nothing.
        """
        paired = zip(self.pages_per_second, other.pages_per_second, strict=True)
        ratios = [mine / theirs for mine, theirs in paired if theirs > 0]
        return median(ratios) if ratios else None


def measure(
    systems: Sequence[System],
    paths: Sequence[Path],
    rounds: int,
    on_step: Callable[[str], None] = silent,
) -> list[SystemSpeed]:
    """Let the systems read the same batch in turns, several rounds.

    Every system reads one page before, not timed: loading models is what a cold start measures.

    Args:
        systems: Those that are not available are reported and skipped.
        paths: The batch.
        rounds: How often each system reads the batch.
        on_step: Told who reads, before it does.
    """
    results = {system.name: SystemSpeed(system.name, system.available()) for system in systems}
    running = [system for system in systems if results[system.name].missing is None]
    for system in running:
        on_step(f"{system.name}: warm-up")
        system.read_all(paths[:1])
    for turn in range(rounds):
        for system in rotated(running, turn):
            on_step(f"{system.name}: round {turn + 1}")
            _take_turn(system, paths, results[system.name])
    return list(results.values())


def _take_turn(system: System, paths: Sequence[Path], result: SystemSpeed) -> None:
    start = perf_counter()
    outcomes = system.read_all(paths)
    seconds = perf_counter() - start
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    result.batches.append(Batch(seconds, len(paths), len(errors)))
    if errors and result.first_error is None:
        result.first_error = f"{type(errors[0]).__name__}: {errors[0]}"
