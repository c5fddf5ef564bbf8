"""What work may ask of the scheduler while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["INLINE", "Context"]

T = TypeVar("T")
R = TypeVar("R")


class Context(Protocol):
    """The scheduler as work sees it."""

    def checkpoint(self) -> None:
        """Ends the work by an exception if it was stopped; to be called often."""

    def spread(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Calls a function for each item, on workers that are idle too.

        Neighbours in ``items`` tend to be handled one after the other by one worker. There is a
        checkpoint before each. The first exception ends the whole.

        Returns:
            The results in the order of the items.
        """


class _Inline:
    """All in the calling thread, never stopped."""

    def checkpoint(self) -> None:
        """Nothing stops this work."""

    def spread(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """One after the other."""
        return [function(item) for item in items]


INLINE: Context = _Inline()
"""For work outside a scheduler."""
