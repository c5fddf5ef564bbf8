"""The thread in which this process talks to services and clusters, with an event loop of its own.

So it makes no difference whether a caller has an event loop, and which.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Loop", "shared_loop"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_LOG = logging.getLogger(__name__)

_ENDING: Final = 2.0  # seconds that the end of the process may take for farewells
_LEAVING: Final = 1.5  # of these for answers to what was sent, without which no job is known


# For files, and for callers' callbacks, which may wait for other readings.
_THREADS: Final = 32


class Closable(Protocol):
    """What has connections in the loop."""

    async def aclose(self) -> None:
        """Closes them."""


class Loop:
    """An event loop in a thread that is started when it is first needed."""

    def __init__(self) -> None:
        self.farewells: dict[str, Callable[[float], None]] = {}
        """What has still to be told to services when the process ends, by the ids of jobs: each
        is called with the seconds that it may take."""
        self.clients: weakref.WeakSet[Closable] = weakref.WeakSet()
        """What has to be closed then."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()

    def begin(
        self, work: Coroutine[Any, Any, None], ended: Callable[[], object] = lambda: None
    ) -> Callable[[], object]:
        """Starts work in the loop, from any thread.

        Args:
            work: Has to see to its own errors.
            ended: Called when nothing happens any more, also where nothing has.

        Returns:
            What cancels it, from any thread; without effect after its end.
        """
        loop = self._started()
        begun: list[asyncio.Task[None]] = []

        def start() -> None:
            task = loop.create_task(work)
            begun.append(task)
            # The loop itself knows tasks only weakly.
            self._tasks.add(task)
            task.add_done_callback(self._forget)
            task.add_done_callback(lambda _: ended())

        if not self.call(start):
            work.close()
            ended()
        # Begun by then, as calls are made in their order.
        return lambda: self.call(lambda: begun[0].cancel())

    def result(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Does work in the loop and waits for what it gives; not to be called in the loop."""
        future = asyncio.run_coroutine_threadsafe(work, self._started())
        try:
            return future.result()
        finally:
            future.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.debug("work in the loop ended with an exception", exc_info=error)

    def call(self, function: Callable[[], object]) -> bool:
        """Has a function called in the loop, soon.

        Returns:
            Whether it will be; False at the end of the process.
        """
        loop = self._started()
        try:
            loop.call_soon_threadsafe(function)
        except RuntimeError:
            if not loop.is_closed():
                raise
            return False
        return True

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(_Threads())
                self._thread = threading.Thread(
                    target=self._serve, args=(self._loop,), name="ocrloom-loop", daemon=True
                )
                self._thread.start()
            return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            loop.run_until_complete(self._end())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    async def _end(self) -> None:
        # First they take their leave, for which some wait for what they have begun themselves.
        if begun := set(self._tasks):
            for task in begun:
                if not task.cancelling():
                    task.cancel()
            await asyncio.wait(begun, timeout=_LEAVING)
        # Then they give it up.
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            for each in others:
                each.cancel()
            await asyncio.wait(others)
        for client in list(self.clients):
            await client.aclose()

    def close(self) -> None:
        """Ends all work, and tells services so; for the end of the process."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        end = monotonic() + _ENDING
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_ENDING)
        for farewell in list(self.farewells.values()):
            if (left := end - monotonic()) > 0:
                farewell(left)


class _Threads(ThreadPoolExecutor):
    """Threads that work as long as the loop.

    Others take no work once the main thread has ended, while a program's own may go on.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._work: deque[Callable[[], None]] = deque()
        self._more = threading.Condition()
        self._number = self._idle = 0

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Has a function called in one of the threads."""
        future: Future[_T] = Future()
        with self._more:
            self._work.append(partial(_settle, future, partial(fn, *args, **kwargs)))
            self._more.notify()
            if self._idle < len(self._work) and self._number < _THREADS:
                self._add()
        return future

    def _add(self) -> None:
        thread = threading.Thread(target=self._serve, name="ocrloom-loop-helper", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The program is ending, or there are too many.
            if not self._number:
                self._work.pop()
                raise
        else:
            self._number += 1

    def _serve(self) -> None:
        while True:
            with self._more:
                self._idle += 1
                while not self._work:
                    self._more.wait()
                self._idle -= 1
                work = self._work.popleft()
            work()
            del work


def _settle(future: Future[_T], call: Callable[[], _T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001  # whatever it was belongs to who waits
        future.set_exception(error)


_shared = Loop()


def shared_loop() -> Loop:
    """The process's."""
    return _shared


@atexit.register
def _close() -> None:
    _shared.close()


def _restart() -> None:
    """Gives a forked child a loop of its own: the thread is the parent's."""
    global _shared
    _shared = Loop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_restart)
