"""What a library's calls return: something that comes, for ``await`` and for plain code."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from ocrloom.errors import OcrCancelled
from ocrloom.scheduling.future import Future

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["Pending", "Stream"]

T = TypeVar("T")


class Pending(Future[T]):
    """The result of a call that has begun already.

    ``await`` it in any event loop, or call ``result(timeout=...)`` without one. ``cancel()`` ends
    what runs in the database, and a write is then as if it had never begun; where it comes too late
    the result comes all the same. Cancelling a task that awaits it cancels the work too.
    """

    def __init__(self) -> None:
        super().__init__()
        self._ending = threading.RLock()  # what is called when it is cancelled may cancel it
        self._interrupt: Callable[[], None] | None = None

    def cancel(self) -> bool:
        """Has it ended if it is not done yet, and says whether that is so.

        What runs counts as cancelled when its thread has given it up: what it may have written
        already is not to be taken for lost.
        """
        with self._ending:
            if self._interrupt is not None:
                self._interrupt()
                return True
            return super().cancel()

    def cancellation(self) -> OcrCancelled:
        """What is raised where the result of a cancelled one is asked for."""
        return OcrCancelled("the call was cancelled before it was done; nothing of it remains")

    # For the thread that does the work

    def attempt(self, work: Callable[[], T], interrupt: Callable[[], None]) -> None:
        """Does the work, unless it was cancelled, and settles.

        Args:
            work: Gives the result or raises.
            interrupt: Makes it raise, from another thread.
        """
        with self._ending:
            self._interrupt = None if self.cancelled() else interrupt
        if self._interrupt is None:
            self.drop()
            return
        try:
            result = work()
        except OcrCancelled:
            with self._ending:
                self._interrupt = None
            self.drop()
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            if self._end():
                self.set_exception(error)
        else:
            if self._end():
                self.set_result(result)

    def _end(self) -> bool:
        """Whether it was not cancelled; it cannot be any more, nor what the thread does next."""
        with self._ending:
            self._interrupt = None
            return self.set_running_or_notify_cancel()


class Stream(Generic[T]):
    """Things that come in parts, for ``async for`` and for ``for``.

    Each part is asked for when the one before is used up.
    """

    def __init__(self, more: Callable[[], Pending[list[T]]], owner: object) -> None:
        """Makes one that has not begun.

        Args:
            more: Gives the next part, and an empty one at the end.
            owner: What must not be forgotten before this is.
        """
        self._more = more
        self._owner = owner
        self._ready: list[T] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next one, blocking."""
        if not self._ready:
            self._put(self._more().result())
        if not self._ready:
            raise StopIteration
        return self._ready.pop()

    def _put(self, part: list[T]) -> None:
        # Others may have asked for a part at the same time.
        self._ready[:0] = part[::-1]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next one."""
        if not self._ready:
            self._put(await self._more())
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.pop()
