"""Orders: in which systems take their turns, with a progress bar, and of what was measured."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["percentile", "progress", "rotated", "silent"]

Item = TypeVar("Item")


def rotated(items: Sequence[Item], turn: int) -> list[Item]:
    """Return the items beginning with another one each turn.

    Whoever always runs first, or always after the same neighbour, meets a warmer or cooler
    machine than the others; over a full cycle of turns everybody has had every place.
    """
    start = turn % len(items) if items else 0
    return [*items[start:], *items[:start]]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of them stays within; 1.0 gives the largest."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def silent(_step: str) -> None:
    """Report no progress."""


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar on stderr; the yielded function takes the name of each step as it begins."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        # Begun steps are counted, so the first one counts none done.
        task = bar.add_task("", total=total, completed=-1)

        def step(description: str) -> None:
            bar.update(task, advance=1, description=description)

        yield step
