"""Reading many files with a bounded number of them in flight."""

from __future__ import annotations

import queue
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from ocrloom.cli.errors import exit_code, shown
from ocrloom.cli.outputs import STANDARD_STREAM
from ocrloom.errors import OcrException, OcrLanguageNotInstalled, OcrSourceUnreadable
from ocrloom.scheduling.future import Future

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from ocrloom.engine import OcrEngine, OcrFuture
    from ocrloom.result import OcrResult

__all__ = ["Outcome", "Tally", "outcomes", "title"]

_TICK = 0.5  # seconds between two calls of `waiting`
_NAMED_FAILURES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one input: a result or an error."""

    index: int
    result: OcrResult | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class Tally:
    """What became of all of them."""

    total: int
    read: int = 0
    failed: list[str] = field(default_factory=list)
    codes: set[int] = field(default_factory=set)

    def fail(self, name: str, error: BaseException) -> None:
        """Counts a failure."""
        self.failed.append(name)
        self.codes.add(exit_code(error))

    @property
    def exit_code(self) -> int:
        """0 without failures, the errors' own if they have one in common, 1 otherwise."""
        return max(self.codes, default=0) if len(self.codes) <= 1 else 1

    def summary(self) -> str:
        """How many were read, and which were not."""
        text = f"{self.read} of {self.total} file{'s' * (self.total != 1)} read"
        if not self.failed:
            return text
        names = ", ".join(map(shown, self.failed[:_NAMED_FAILURES]))
        more = len(self.failed) - _NAMED_FAILURES
        return f"{text}; failed: {names}{f' and {more} more' if more > 0 else ''}"


def title(name: str) -> str:
    """What an input is called in messages."""
    return "<stdin>" if name == STANDARD_STREAM else name


def outcomes(
    engine: OcrEngine,
    names: Sequence[str],
    *,
    ahead: int,
    ordered: bool,
    waiting: Callable[[], None],
) -> Generator[Outcome]:
    """Reads files and gives what became of each; closing the generator cancels the rest.

    Args:
        engine: Reads them.
        names: The inputs.
        ahead: How many are begun and not yet given, at most, so that neither a long list nor a
            slow first file fills the memory.
        ordered: In the order of the inputs; otherwise as they are done.
        waiting: Called about twice a second while nothing is ready.

    Raises:
        OcrLanguageNotInstalled: No file can be read.
    """
    done: queue.SimpleQueue[int] = queue.SimpleQueue()
    begun: dict[int, OcrFuture] = {}
    upcoming = enumerate(names)
    ready: set[int] = set()
    turn = 0
    try:
        while True:
            for index, name in islice(upcoming, ahead - len(begun)):
                begun[index] = _begin(engine, name)
                begun[index].add_done_callback(partial(_note, done, index))
            if not begun:
                return
            ready.add(_next(done, waiting))
            while ready and (not ordered or turn in ready):
                index = turn if ordered else min(ready)
                ready.discard(index)
                turn += 1
                yield _outcome(index, begun.pop(index))
    finally:
        for future in begun.values():
            future.cancel()


def _note(done: queue.SimpleQueue[int], index: int, _: object) -> None:
    done.put(index)


def _begin(engine: OcrEngine, name: str) -> OcrFuture:
    try:
        if name != STANDARD_STREAM:
            return engine.process_async(name)
        if sys.stdin is None:
            raise OcrSourceUnreadable("standard input is closed; give a file's name instead of -")
        return engine.process_async(sys.stdin.buffer)
    except OcrLanguageNotInstalled:
        raise
    except OcrException as error:
        failed: OcrFuture = Future()
        failed.fail(error)
        return failed


def _next(done: queue.SimpleQueue[int], waiting: Callable[[], None]) -> int:
    while True:
        try:
            return done.get(timeout=_TICK)
        except queue.Empty:
            waiting()


def _outcome(index: int, future: OcrFuture) -> Outcome:
    error = future.exception()
    if error is not None:
        return Outcome(index=index, error=error)
    return Outcome(index=index, result=future.result())
