"""Lag: how late a ticker in the event loop fires while many recognitions run beside it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.order import percentile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

__all__ = ["INTERVAL", "LagReport", "Lags", "measure"]

INTERVAL = 0.005
"""Seconds between ticks."""


@dataclass(frozen=True, slots=True)
class Lags:
    """How late each tick was, in milliseconds, while something went on."""

    label: str
    milliseconds: tuple[float, ...]
    seconds: float
    """How long it went on."""

    def percentile(self, share: float) -> float:
        """Return the lag that this share of the ticks stays within; 1.0 gives the longest."""
        return percentile(self.milliseconds, share)


@dataclass(frozen=True, slots=True)
class LagReport:
    """An idle loop and a busy one."""

    idle: Lags
    busy: Lags
    submit_milliseconds: float
    """How long it took to make all calls, in one go without giving the loop back."""
    failed: int
    first_error: str | None


async def measure(
    submit: Callable[[Path], Awaitable[Any]],
    paths: Sequence[Path],
    calls: int,
    *,
    idle_seconds: float = 2.0,
) -> LagReport:
    """Watch the running loop, first idle, then with that many recognitions at once.

    One call runs before, so that loading the models is not measured.

    Args:
        submit: Begins a recognition and returns what can be awaited.
        paths: Sources, taken in turn.
        calls: How many recognitions run at once.
        idle_seconds: How long the idle loop is watched.
    """
    await asyncio.gather(submit(paths[0]), return_exceptions=True)
    idle = await _watch("idle", lambda: asyncio.sleep(idle_seconds))
    outcomes: list[object] = []
    submitting = 0.0

    async def burst() -> None:
        nonlocal submitting
        start = perf_counter()
        running = [submit(paths[index % len(paths)]) for index in range(calls)]
        submitting = perf_counter() - start
        outcomes.extend(await asyncio.gather(*running, return_exceptions=True))

    busy = await _watch(f"{calls} recognitions", burst)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    first = f"{type(errors[0]).__name__}: {errors[0]}" if errors else None
    return LagReport(idle, busy, submitting * 1000, len(errors), first)


async def _watch(label: str, work: Callable[[], Awaitable[None]]) -> Lags:
    lags: list[float] = []
    ticker = asyncio.create_task(_tick(lags))
    # The ticker's first wait must have begun, or the work's first step would go unseen.
    await asyncio.sleep(0)
    start = perf_counter()
    await work()
    seconds = perf_counter() - start
    # A tick held up by the work's last step still has to fire.
    await asyncio.sleep(2 * INTERVAL)
    ticker.cancel()
    with suppress(asyncio.CancelledError):
        await ticker
    return Lags(label, tuple(lags), seconds)


async def _tick(lags: list[float]) -> None:
    while True:
        start = perf_counter()
        await asyncio.sleep(INTERVAL)
        lags.append((perf_counter() - start - INTERVAL) * 1000)
