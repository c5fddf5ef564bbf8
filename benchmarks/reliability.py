"""Reliability: how many of the words of some confidence are right, and curves that see to it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.alignment import judge
from benchmarks.order import silent
from benchmarks.scoring import canonical, page_scores
from ocrloom.calibration import CURVES, Curve, certainty
from ocrloom.result import Block, Line, Page, Word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.corpus import Sample

__all__ = [
    "BINS",
    "Bin",
    "Found",
    "PageErrors",
    "Reliability",
    "edits_of",
    "fit",
    "judged_by",
    "measure",
    "plot",
    "raw",
]

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
"""Edges of the bins that are shown: narrow where most words are."""

_TENTHS = tuple(edge / 10 for edge in range(11))
_ENOUGH = 20  # words of a bin whose share of right ones is drawn
_RIDGE = 1e-2  # keeps weights finite for which there is no evidence


@dataclass(frozen=True, slots=True)
class Found:
    """A source that was read, with the recogniser's own confidences."""

    name: str
    truth: str
    text: str
    words: tuple[Word, ...]
    right: tuple[bool | None, ...]
    """Of each word; None where the truth does not tell."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Words of similar confidence."""

    low: float
    high: float
    words: int
    confidence: float
    """Their mean."""
    right: float
    """The share of them that are right."""


@dataclass(frozen=True, slots=True)
class PageErrors:
    """What was expected of a page, and what came."""

    name: str
    expected: float
    """The character error rate that its words' confidences tell."""
    cer: float
    """The one that was measured."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How true confidences are."""

    words: int
    untold: int
    """Words in whose place the truth has nothing; they are not in the figures."""
    right: float
    """Share of the words that are right."""
    confidence: float
    """Mean confidence."""
    ece: float
    """Expected calibration error: of ten equal bins the mean distance between confidence and
    share of right words, weighted by their words."""
    bins: tuple[Bin, ...]
    """Between the edges of `BINS`; those without words are left out."""
    pages: tuple[PageErrors, ...]

    @property
    def off(self) -> float:
        """Mean distance between expected and measured character error rates."""
        return fmean(abs(page.expected - page.cer) for page in self.pages)

    @property
    def ranks(self) -> float:
        """Spearman's correlation of the two, -1..1; NaN where one of them never changes."""
        ranks = [
            _ranks([getattr(page, name) for page in self.pages]) for name in ("expected", "cer")
        ]
        if any(np.ptp(each) == 0 for each in ranks):
            return float("nan")
        return float(np.corrcoef(ranks)[0, 1])

    @property
    def medians(self) -> tuple[float, float]:
        """Medians of the expected and of the measured character error rates."""
        return median(page.expected for page in self.pages), median(page.cer for page in self.pages)


def measure(
    samples: Sequence[Sample], language: str, on_step: Callable[[str], None] = silent
) -> list[Found]:
    """Reads sources and holds their words against the truth; what fails raises.

    Args:
        samples: Sources with their truths.
        language: As for the engine.
        on_step: Told what has been read.
    """
    import ocrloom

    found = []
    with _recorded() as seen, ocrloom.OcrEngine(language=language) as engine:
        paths = [sample.path for sample in samples]
        for outcome in engine.process_many(paths, ordered=True):
            if outcome.result is None:
                raise outcome.error or RuntimeError(f"{outcome.name}: no result")
            sample = samples[outcome.index]
            on_step(sample.name)
            words = tuple(
                replace(seen[int(word.confidence)], polygon=word.polygon)
                for page in outcome.result.pages
                for word in page.words
            )
            right = tuple(judge([word.text for word in words], sample.truth))
            found.append(Found(sample.name, sample.truth, outcome.result.text, words, right))
    return found


@contextmanager
def _recorded() -> Iterator[dict[int, Word]]:
    """Has each word numbered in place of its confidence, and keeps it as it was."""
    seen: dict[int, Word] = {}
    numbers = count()

    def record(word: Word) -> float:
        number = next(numbers)
        seen[number] = word
        return float(number)

    with mock.patch("ocrloom.reading.calibrated", record):
        yield seen


def raw(word: Word) -> float:
    """The recogniser's own confidence, 0..1."""
    return word.confidence


def judged_by(found: Sequence[Found], confidence: Callable[[Word], float]) -> Reliability:
    """How true a confidence is.

    Args:
        found: What was read.
        confidence: Of a word, from its recogniser's own.
    """
    pages = []
    told: list[tuple[float, bool]] = []
    untold = 0
    for source in found:
        words = [replace(word, confidence=confidence(word)) for word in source.words]
        pages.append(_errors(source, words))
        for word, right in zip(words, source.right, strict=True):
            if right is None:
                untold += 1
            else:
                told.append((word.confidence, right))
    if not told:
        raise ValueError("no word was read whose truth is known; give pages with text")
    given, right = np.array(told).T
    tenths = _bins(given, right, _TENTHS)
    return Reliability(
        words=len(told),
        untold=untold,
        right=float(right.mean()),
        confidence=float(given.mean()),
        ece=sum(each.words * abs(each.confidence - each.right) for each in tenths) / len(told),
        bins=_bins(given, right, BINS),
        pages=tuple(pages),
    )


def _errors(source: Found, words: Sequence[Word]) -> PageErrors:
    nowhere = ((0.0, 0.0),) * 4
    line = Line(words=tuple(words), polygon=nowhere)
    block = Block(lines=(line,), polygon=nowhere)
    page = Page(number=1, width=1, height=1, blocks=(block,))
    cer = page_scores(source.truth, source.text).cer
    return PageErrors(source.name, page.expected_cer, min(1.0, cer))


def _bins(given: np.ndarray, right: np.ndarray, edges: Sequence[float]) -> tuple[Bin, ...]:
    places = np.clip(np.searchsorted(edges, given, side="right") - 1, 0, len(edges) - 2)
    return tuple(
        Bin(low, high, int(chosen.sum()), float(given[chosen].mean()), float(right[chosen].mean()))
        for place, (low, high) in enumerate(pairwise(edges))
        if (chosen := places == place).any()
    )


def _ranks(values: Sequence[float]) -> np.ndarray:
    """From 0; equal values share their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    ranks: np.ndarray = (last - (counts - 1) / 2)[inverse]
    return ranks


def fit(found: Sequence[Found]) -> dict[str, Curve]:
    """Curves of the recognisers that have some, from what was read."""
    rows: dict[str, list[tuple[float, float, float, bool]]] = {name: [] for name in CURVES}
    for source in found:
        for word, right in zip(source.words, source.right, strict=True):
            if right is not None and word.recogniser in rows:
                mended = float(word.raw is not None)
                rows[word.recogniser].append((1.0, certainty(word.confidence), mended, right))
    return {name: _fitted(np.array(some)) for name, some in rows.items() if some}


def _fitted(rows: np.ndarray) -> Curve:
    """Logistic regression by Newton's method."""
    features, right = rows[:, :-1], rows[:, -1]
    weights = np.zeros(features.shape[1])
    for _ in range(30):
        chances = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (chances - right) + _RIDGE * weights
        curvature = (features * (chances * (1 - chances))[:, None]).T @ features
        step = np.linalg.solve(curvature + _RIDGE * np.eye(len(weights)), gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return Curve(*np.round(weights, 2).tolist())


def edits_of(found: Sequence[Found]) -> float:
    """Characters to change for each word that is wrong; NaN where none is.

    The median over the sources: where lines were overlooked, they would outweigh all others.
    """
    ratios = []
    for source in found:
        if wrong := sum(right is False for right in source.right):
            edits = Levenshtein.distance(canonical(source.truth), canonical(source.text))
            ratios.append(edits / wrong)
    return median(ratios) if ratios else float("nan")


def plot(path: Path, before: Reliability, after: Reliability, title: str) -> None:
    """Draws the share of right words over their confidence, before and after."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # The same picture from the same figures.
    with mpl.rc_context({"svg.hashsalt": "reliability"}):
        figure = Figure(figsize=(5, 4.2), layout="constrained")
        axes: Any = figure.subplots()
        axes.plot((0, 1), (0, 1), color="0.7", linewidth=1, label="as it should be")
        for result, style, label in (
            (before, {"color": "tab:orange", "marker": "o"}, "the recogniser's own"),
            (after, {"color": "tab:blue", "marker": "s"}, "Word.confidence"),
        ):
            shown = [each for each in result.bins if each.words >= _ENOUGH]
            axes.plot(
                [each.confidence for each in shown],
                [each.right for each in shown],
                label=f"{label}, off by {result.ece:.3f}",
                **style,
            )
        axes.set(title=title, xlabel="confidence", ylabel="share of right words")
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.legend(loc="upper left", frameon=False)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
