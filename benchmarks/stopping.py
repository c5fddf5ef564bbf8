"""Stopping: how soon a worker is free after a cancel, and how soon a deadline is kept."""

from __future__ import annotations

import random
from concurrent.futures import wait
from dataclasses import dataclass
from time import perf_counter, sleep
from typing import TYPE_CHECKING

import ocrloom
from benchmarks.order import percentile
from ocrloom.progress import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ocrloom.progress import Progress

__all__ = ["CancelReport", "DeadlineReport", "measure_cancels", "measure_deadline"]

_SPAN = 0.5  # seconds after the beginning of a page within which it is cancelled


@dataclass(frozen=True, slots=True)
class CancelReport:
    """Seconds from each cancel to the first event of the next source on the only worker."""

    seconds: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Return the time that this share of the cancels stays within; 1.0 gives the longest."""
        return percentile(self.seconds, share)


@dataclass(frozen=True, slots=True)
class DeadlineReport:
    """One source of many pages under a deadline that is too short for it."""

    timeout: float
    seconds: float
    """When the call came back."""
    pages: int
    finished: int
    """Pages that came with the exception."""


def measure_cancels(
    paths: Sequence[Path], note: Path, cancels: int, on_step: Callable[[str], None]
) -> CancelReport:
    """Cancel pages at random moments and see when the worker begins something else.

    Args:
        paths: Sources of one page each, taken in turn.
        note: A tiny source, whose first event tells that the worker is free.
        cancels: How often.
        on_step: Told before each.
    """
    moments = random.Random(1)  # noqa: S311  # no secret
    found = []
    with ocrloom.OcrEngine(language="eng", workers=1) as engine:
        engine.process(paths[0])
        for number in range(cancels):
            on_step(f"cancel {number + 1}")
            future = engine.process_async(paths[number % len(paths)])
            sleep(moments.uniform(0.0, _SPAN))
            begun = perf_counter()
            future.cancel()
            found.append(_first_step(engine, note) - begun)
    return CancelReport(tuple(found))


def _first_step(engine: ocrloom.OcrEngine, note: Path) -> float:
    """The moment at which the worker begins to decode a source."""
    moment = 0.0

    def look(event: Progress) -> None:
        nonlocal moment
        if event.stage is Stage.OPENED:
            moment = perf_counter()

    wait([engine.process_async(note, progress=look)])
    return moment


def measure_deadline(book: Path, pages: int, timeout: float) -> DeadlineReport:
    """Read a source that takes longer than it may.

    Args:
        book: A source of many pages.
        pages: How many.
        timeout: Seconds that it may take.
    """
    ocrloom.OcrEngine(language="eng").process_async(book).cancel()
    options = ocrloom.OcrOptions(languages=(ocrloom.Language.ENGLISH,), timeout=timeout)
    engine = ocrloom.OcrEngine(options=options)
    begun = perf_counter()
    try:
        finished = len(engine.process(book).pages)
    except ocrloom.OcrTimeout as error:
        finished = len(error.partial.pages) if error.partial else 0
    return DeadlineReport(timeout, perf_counter() - begun, pages, finished)
