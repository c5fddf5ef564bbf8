"""Accuracy: every system reads the same pages, page by page in one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import mean, median
from typing import TYPE_CHECKING

from benchmarks.order import rotated, silent
from benchmarks.scoring import Score, canonical, page_scores
from benchmarks.systems import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.corpus import Sample
    from benchmarks.systems import Outcome, System

__all__ = ["PageResult", "SystemAccuracy", "measure", "published"]


@dataclass(frozen=True, slots=True)
class PageResult:
    """How one system did on one page."""

    page: str
    score: Score
    empty: bool
    """Whether the system gave no text, because it failed or because it found none."""
    error: str | None
    """Why the page could not be read; None where it was."""


@dataclass(slots=True)
class SystemAccuracy:
    """How one system did on all pages."""

    system: str
    missing: str | None = None
    """Why the system did not run, and how to install it; None where it ran."""
    pages: list[PageResult] = field(default_factory=list)

    @property
    def cer_mean(self) -> float:
        """Mean of the pages' character error rates."""
        return mean(page.score.cer for page in self.pages)

    @property
    def cer_median(self) -> float:
        """Median of the pages' character error rates."""
        return median(page.score.cer for page in self.pages)

    @property
    def cer_p90(self) -> float:
        """Character error rate of the page at nine tenths of their order, rounded down."""
        ordered = sorted(page.score.cer for page in self.pages)
        return ordered[int(0.9 * (len(ordered) - 1))]

    @property
    def wer_mean(self) -> float:
        """Mean of the pages' word error rates."""
        return mean(page.score.wer for page in self.pages)

    @property
    def f1_mean(self) -> float:
        """Mean of the pages' bag-of-words F1."""
        return mean(page.score.f1 for page in self.pages)

    @property
    def empty_pages(self) -> int:
        """How many pages came without text."""
        return sum(page.empty for page in self.pages)

    @property
    def errors(self) -> list[PageResult]:
        """The pages that could not be read."""
        return [page for page in self.pages if page.error is not None]

    def on_pages_of(self, other: SystemAccuracy) -> SystemAccuracy:
        """Return the part of the result on pages that the other one has too."""
        names = {page.page for page in other.pages}
        common = [page for page in self.pages if page.page in names]
        return SystemAccuracy(self.system, self.missing, common)


def measure(
    systems: Sequence[System],
    samples: Sequence[Sample],
    on_step: Callable[[str], None] = silent,
) -> list[SystemAccuracy]:
    """Let every system read every page, before any reads the next page.

    Args:
        systems: Those that are not available are reported and skipped.
        samples: Pages with their truths.
        on_step: Told what is read, before it is.
    """
    results = {system.name: SystemAccuracy(system.name, system.available()) for system in systems}
    running = [system for system in systems if results[system.name].missing is None]
    for turn, sample in enumerate(samples):
        for system in rotated(running, turn):
            on_step(f"{system.name}: {sample.name}")
            (outcome,) = settle(system.read, [sample.path])
            results[system.name].pages.append(_judge(sample, outcome))
    return list(results.values())


def published(
    samples: Sequence[Sample], references: Mapping[str, Mapping[str, str]]
) -> list[SystemAccuracy]:
    """Score texts that others published, ``{page: {system: text}}``, by the same rule."""
    results: dict[str, SystemAccuracy] = {}
    for sample in samples:
        for system, text in references.get(sample.name, {}).items():
            result = results.setdefault(system, SystemAccuracy(system))
            result.pages.append(_judge(sample, text))
    return list(results.values())


def _judge(sample: Sample, outcome: Outcome) -> PageResult:
    failed = isinstance(outcome, BaseException)
    text = "" if isinstance(outcome, BaseException) else outcome
    return PageResult(
        page=sample.name,
        score=page_scores(sample.truth, text),
        empty=not canonical(text),
        error=f"{type(outcome).__name__}: {outcome}" if failed else None,
    )
