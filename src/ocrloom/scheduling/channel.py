"""A queue from threads to whoever reads it: plain code that blocks, or an event loop that waits."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["Channel", "Closed"]

T = TypeVar("T")

_TICK = 0.2  # seconds after which a blocking reader looks for signals where waiting hides them


class Closed(Exception):
    """Nothing is left, and nothing more will come."""


class Channel(Generic[T]):
    """Items in the order in which they came; each is read once."""

    def __init__(self, *, latest: bool = False) -> None:
        """Makes an empty one.

        Args:
            latest: Keep only the last item that was not read yet.
        """
        self._items: deque[T] = deque(maxlen=1 if latest else None)
        self._changed = threading.Condition()
        self._loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._closed = False

    def __len__(self) -> int:
        """How many items wait to be read."""
        return len(self._items)

    def put(self, item: T) -> None:
        """Adds an item; dropped where the channel is closed."""
        with self._changed:
            if not self._closed:
                self._items.append(item)
                self._tell()

    def close(self) -> None:
        """Lets readers end after what is left."""
        with self._changed:
            self._closed = True
            self._tell()

    def get(self) -> T:
        """Waits for an item, blocking.

        Raises:
            Closed: There are no more.
        """
        with self._changed:
            while not self._ready():
                self._changed.wait(_TICK)
            return self._pop()

    async def aget(self) -> T:
        """Waits for an item in an event loop.

        Raises:
            Closed: There are no more.
        """
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        with self._changed:
            if self._ready():
                return self._pop()
            self._loops.append((loop, event))
        try:
            while True:
                await event.wait()
                with self._changed:
                    if self._ready():
                        return self._pop()
                    event.clear()
        finally:
            with self._changed:
                self._loops.remove((loop, event))

    def _ready(self) -> bool:
        return bool(self._items) or self._closed

    def _pop(self) -> T:
        if not self._items:
            raise Closed
        return self._items.popleft()

    def _tell(self) -> None:
        self._changed.notify_all()
        for loop, event in self._loops:
            # A loop may be closed while a coroutine of it still waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)
