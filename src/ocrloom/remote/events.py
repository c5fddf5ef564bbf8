"""Server-sent events, taken apart while they come."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrNetworkError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

__all__ = ["Event", "events_in"]

_LONGEST: Final = 1 << 20  # bytes of an event, which has some hundreds


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that has happened to a job."""

    kind: str
    number: str | None
    """From where to go on; None for what is not told again."""
    data: dict[str, Any]


async def events_in(parts: AsyncIterator[bytes]) -> AsyncGenerator[Event]:
    """The events of a stream.

    Args:
        parts: The bytes as they come.

    Raises:
        OcrNetworkError: It is no stream of events with JSON in them.
    """
    rest = b""
    lines: list[str] = []
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for raw in whole:
            line = raw.rstrip(b"\r").decode("utf-8", "replace")
            if line:
                lines.append(line)
            else:
                for event in _event(lines):
                    yield event
                lines.clear()
        if len(rest) + sum(map(len, lines)) > _LONGEST:
            raise OcrNetworkError(f"expected events of up to {_LONGEST} bytes, got a longer one")


def _event(lines: list[str]) -> Iterator[Event]:
    """The event of some lines; none of comments, which keep connections open."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data" and name in fields:
            value = f"{fields[name]}\n{value}"
        fields[name] = value
    if "data" not in fields:
        return
    try:
        data = json.loads(fields["data"])
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise OcrNetworkError("expected events with JSON objects in them, got something else")
    yield Event(kind=fields.get("event", "message"), number=fields.get("id"), data=data)
