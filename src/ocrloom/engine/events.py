"""Progress of one reading as an iterator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from ocrloom.progress import Progress, Stage
from ocrloom.scheduling.channel import Channel, Closed

if TYPE_CHECKING:
    from ocrloom.engine.protocols import Reading

__all__ = ["Events"]


class Events:
    """Events as they happen, for ``async for`` and for ``for``.

    Who is slower than they come gets the newest: each event is complete in itself.
    """

    def __init__(self, document: Reading) -> None:
        self._channel: Channel[Progress] = Channel(latest=True)
        document.watch(self._take)

    def _take(self, event: Progress) -> None:
        self._channel.put(event)
        if event.stage is Stage.DONE:
            self._channel.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Progress:
        try:
            return self._channel.get()
        except Closed:
            raise StopIteration from None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Progress:
        try:
            return await self._channel.aget()
        except Closed:
            raise StopAsyncIteration from None
