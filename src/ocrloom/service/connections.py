"""Connections of callers who neither send nor take anything are given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

__all__ = ["impatient"]


def impatient(seconds: float) -> type[asyncio.Protocol]:
    """The protocol of a server's connections.

    Bodies have limits of their own, see ``middleware.py``; what comes before and after them is not
    seen there.

    Args:
        seconds: In which the head of a request must have come, and after which a caller who takes
            nothing of an answer is given up.
    """
    return type("Impatient", (_Impatient,), {"seconds": seconds})


class _Counting:
    """A transport that knows how much of what was written the caller's side has taken."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._written = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # as the transport has it
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self._written += len(data)
        self._transport.write(data)

    @property
    def taken(self) -> int:
        """Bytes, since the connection was made."""
        return self._written - self._transport.get_write_buffer_size()


class _Impatient(H11Protocol):
    """HTTP/1.1 with these limits."""

    seconds: float
    _counting: _Counting
    _head: asyncio.TimerHandle | None = None
    _rest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._counting = _Counting(transport)
        super().connection_made(self._counting)  # type: ignore[arg-type]  # it has all of one
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        if self._rest is not None:
            self._rest.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._await_head()
        else:
            self._forget_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    def _await_head(self) -> None:
        # From its first byte on: those that follow give nobody more time.
        if self._head is None:
            self._head = self.loop.call_later(self.seconds, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _watch(self) -> None:
        if self.transport.get_write_buffer_size() and self._rest is None:
            self._rest = self.loop.call_later(self.seconds, self._look, self._counting.taken)

    def _look(self, before: int) -> None:
        self._rest = None
        # What is left tells nothing: it is as much as before where more was written meanwhile.
        if self._counting.taken > before:
            self._watch()
        else:
            self.transport.abort()
