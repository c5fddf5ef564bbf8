"""Profile: where the time of a batch goes, stage by stage, over all workers.

The stages' functions are wrapped in place while the batch is read. A stage's time is its own: what
the stages inside it take is taken off.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, wraps
from pkgutil import resolve_name
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ocrloom.image.lazy import go_on
from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.systems import System
    from ocrloom.image import Extent, Frame
    from ocrloom.image.lazy import Reader

__all__ = ["INFERENCES", "Clock", "Profile", "Share", "measure", "watched"]

DETECTOR, RECOGNISER = "detector inference", "recogniser inference"
INFERENCES = (DETECTOR, RECOGNISER)
"""The stages that are nothing but inference."""

DECODE, OTHER, IDLE = "decode", "other work on a page", "outside of pages, waiting"
HELPERS = "waiting for helpers"  # who share the lines of one page

# Where the package looks the functions up: a module or a class.
_FUNCTIONS = (
    ("survey", "ocrloom.vision.page", "survey"),
    ("boxes", "ocrloom.vision.page", "detect"),
    ("crops", "ocrloom.vision.lines", "cut"),
    ("characters", "ocrloom.vision.recognisers", "read"),
    ("words", "ocrloom.vision.lines", "words_of"),
    ("context", "ocrloom.vision.words", "mended"),
    ("arrange", "ocrloom.reading", "arrange"),
    (HELPERS, "ocrloom.scheduling.spread:Spread", "run"),
    (OTHER, "ocrloom.reading", "read_frame"),
)
_ORDER = (
    *(DECODE, "survey", DETECTOR, "boxes", "crops", RECOGNISER, "characters", "words"),
    "context",
    *("arrange", HELPERS, OTHER),
)


@dataclass(frozen=True, slots=True)
class Share:
    """What one stage took."""

    stage: str
    calls: int
    seconds: float
    """Its own time, summed over the workers."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the time of one batch went."""

    pages: int
    seconds: float
    workers: int
    stages: tuple[Share, ...]
    """In the order of the work; the last is what no stage took."""
    failed: int
    first_error: str | None

    @property
    def inference(self) -> float:
        """Share of inference in the workers' time, 0..1."""
        return sum(self.share(each) for each in self.stages if each.stage in INFERENCES)

    def share(self, stage: Share) -> float:
        """Return a stage's share of the workers' time, 0..1."""
        return stage.seconds / (self.seconds * self.workers)


class Clock:
    """Sums up the own time of stages that nest, in any number of threads."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._lock = threading.Lock()
        self._totals: dict[str, tuple[int, float]] = {}

    def total(self, stage: str) -> Share:
        """Return what a stage took until now."""
        calls, seconds = self._totals.get(stage, (0, 0.0))
        return Share(stage, calls, seconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what runs inside as this stage."""
        # For each stage that is open in this thread: what the stages inside it have taken.
        inside: list[float] = self._local.__dict__.setdefault("inside", [])
        inside.append(0.0)
        start = perf_counter()
        try:
            yield
        finally:
            seconds = perf_counter() - start
            own = seconds - inside.pop()
            if inside:
                inside[-1] += seconds
            with self._lock:
                calls, total = self._totals.get(name, (0, 0.0))
                self._totals[name] = calls + 1, total + own

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same and is counted as this stage."""

        @wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # any function's
            with self.stage(name):
                return function(*args, **kwargs)

        return counted


def measure(system: System, paths: Sequence[Path]) -> Profile:
    """Read a batch and find out where its time goes.

    It is read once before, not watched: models are loaded, and compiled for each alphabet, when
    the first page needs them.

    Args:
        system: ocrloom; others run outside of the functions that are watched.
        paths: The batch.
    """
    system.read_all(paths)
    clock = Clock()
    with watched(clock):
        start = perf_counter()
        outcomes = system.read_all(paths)
        seconds = perf_counter() - start
    workers = usable_cpus()
    stages = [clock.total(name) for name in _ORDER]
    rest = seconds * workers - sum(stage.seconds for stage in stages)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    return Profile(
        pages=clock.total(OTHER).calls,
        seconds=seconds,
        workers=workers,
        stages=(*stages, Share(IDLE, 0, max(0.0, rest))),
        failed=len(errors),
        first_error=f"{type(errors[0]).__name__}: {errors[0]}" if errors else None,
    )


@contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """Count the stages of everything that ocrloom reads meanwhile in this process."""
    with ExitStack() as stack:
        for stage, place, name in _FUNCTIONS:
            owner = resolve_name(place)
            counted = clock.timed(stage, getattr(owner, name))
            stack.enter_context(_replaced(owner, name, counted))
        stack.enter_context(_watched_decoding(clock))
        stack.enter_context(_watched_inference(clock))
        yield


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _watched_decoding(clock: Clock) -> AbstractContextManager[None]:
    from ocrloom.image import decode

    original = decode.open_reader

    @contextmanager
    def open_reader(*args: Any, **kwargs: Any) -> Iterator[Reader]:  # noqa: ANN401  # the original's
        with ExitStack() as stack:
            with clock.stage(DECODE):
                reader = stack.enter_context(original(*args, **kwargs))
            yield _CountedReader(reader, clock)

    return _replaced(decode, "open_reader", open_reader)


class _CountedReader:
    """A reader whose work counts as decoding."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    @property
    def count(self) -> int:
        return self._reader.count

    def extent(self, number: int) -> Extent:
        with self._clock.stage(DECODE):
            return self._reader.extent(number)

    def cost(self, number: int) -> int:
        with self._clock.stage(DECODE):
            return self._reader.cost(number)

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        with self._clock.stage(DECODE):
            return self._reader.read(number, checkpoint)


def _watched_inference(clock: Clock) -> AbstractContextManager[None]:
    from ocrloom.vision.runtime import Network

    original = Network.__call__

    # By the network's own name: the detector's inferences need not run in `detect`'s thread.
    @cache
    def stage_of(network: Network) -> str:
        name = network._compiled.get_property("NETWORK_NAME")
        return DETECTOR if name == "detector" else RECOGNISER

    def infer(network: Network, *arguments: Any) -> Any:  # noqa: ANN401  # the original's
        with clock.stage(stage_of(network)):
            return original(network, *arguments)

    return _replaced(Network, "__call__", infer)
