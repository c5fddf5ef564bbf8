"""A future for work in threads that can be cancelled while it runs."""

from __future__ import annotations

import concurrent.futures
from typing import TypeVar

__all__ = ["Future"]

T = TypeVar("T")


class Future(concurrent.futures.Future[T]):
    """The result of work that runs in a worker; it can be cancelled until the work is done."""

    # The base class refuses to cancel what runs. So the state stays "pending" until the worker
    # settles the future.

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
