"""A future for work in threads that can be cancelled while it runs."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Future"]

T = TypeVar("T")


class Future(concurrent.futures.Future[T]):
    """The result of work that runs in a worker; it can be cancelled until the work is done."""

    # The base class refuses to cancel what runs. So the state stays "pending" until the worker
    # settles the future.

    def cancellation(self) -> BaseException:
        """What is raised where the result of a cancelled one is asked for."""
        return concurrent.futures.CancelledError()

    def result(self, timeout: float | None = None) -> T:
        """Waits for the result, blocking.

        Args:
            timeout: Seconds to wait; the work goes on when they have passed.

        Raises:
            TimeoutError: It is not done yet.
        """
        try:
            return super().result(timeout)
        except concurrent.futures.CancelledError:
            raise self.cancellation() from None
        finally:
            # An error's traceback holds this frame: with the future in it they would be a cycle.
            del self

    def __await__(self) -> Generator[Any, None, T]:
        return self._wait().__await__()

    async def _wait(self) -> T:
        try:
            return await asyncio.wrap_future(self)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise self.cancellation() from None
        finally:
            del self  # as in `result`

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
