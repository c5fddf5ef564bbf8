"""One piece of work whose items several workers take, from both ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Spread"]

T = TypeVar("T")
R = TypeVar("R")


class Spread(Generic[T, R]):
    """Items that wait for a function, and the results of those that had it.

    The owner takes them from the front and its helpers from the back, so that each has
    neighbours one after the other.
    """

    def __init__(
        self, function: Callable[[T], R], items: Sequence[T], checkpoint: Callable[[], None]
    ) -> None:
        self._function = function
        self._items = items
        self._checkpoint = checkpoint
        self._results: list[R | None] = [None] * len(items)
        self._front, self._back = 0, len(items)
        self._helping = 0
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def open(self) -> bool:
        """Whether items wait that nobody has taken."""
        return self._front < self._back

    def run(self) -> list[R]:
        """Handles items in the owner's thread until all are done, helpers' too.

        Raises:
            BaseException: The first that the function or the checkpoint raised.
        """
        while (index := self._take_front()) is not None:
            self._handle(index)
        with self._changed:
            while self._helping:
                self._changed.wait()
            error, self._error = self._error, None
        if error is not None:
            try:
                raise error
            finally:
                # The traceback knows this frame: no cycle, which would keep the items alive.
                del error
        return cast("list[R]", self._results)

    def help(self) -> None:
        """Handles one item in another thread, if any waits."""
        with self._changed:
            if not self.open:
                return
            self._back -= 1
            self._helping += 1
            index = self._back
        self._handle(index)
        with self._changed:
            self._helping -= 1
            self._changed.notify_all()

    def _take_front(self) -> int | None:
        with self._changed:
            if not self.open:
                return None
            self._front += 1
            return self._front - 1

    def _handle(self, index: int) -> None:
        try:
            self._checkpoint()
            self._results[index] = self._function(self._items[index])
        except BaseException as error:  # noqa: BLE001  # raised again in the owner's thread
            with self._changed:
                self._error = self._error or error
                self._back = self._front  # what waits is in vain
