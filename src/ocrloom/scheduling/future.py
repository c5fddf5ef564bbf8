"""A future for work in threads that plain code and event loops can both wait for."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Future"]

T = TypeVar("T")


class Future(concurrent.futures.Future[T]):
    """The result of work that runs in a worker.

    ``await`` it in any event loop, or call ``result(timeout=...)`` without one. ``cancel()`` works
    until the work is done, also while it runs: the worker is free again at its next checkpoint.
    Cancelling a task that awaits the future, as ``asyncio.wait_for`` does, cancels the work too.
    """

    # The base class refuses to cancel what runs. So the state stays "pending" until the worker
    # settles the future, and `_started` remembers what `running()` has to say.

    def __init__(self) -> None:
        super().__init__()
        self._started = False

    def __await__(self) -> Generator[Any, None, T]:
        return asyncio.wrap_future(self).__await__()

    def running(self) -> bool:
        """Whether a worker has begun and not ended."""
        return self._started and not self.done()

    def start(self) -> bool:
        """Marks the work as begun, for workers; False where it was cancelled before."""
        self._started = True
        return not self.cancelled()

    def drop(self) -> None:
        """Ends as cancelled, for workers; `concurrent.futures.wait` waits for this."""
        self.cancel()
        self.set_running_or_notify_cancel()

    def settle(self, result: T) -> None:
        """Ends with a result, for workers; without effect after a cancel."""
        if self.set_running_or_notify_cancel():
            self.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Ends with an error, for workers; without effect after a cancel."""
        if self.set_running_or_notify_cancel():
            self.set_exception(error)
