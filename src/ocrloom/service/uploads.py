"""What callers send to be read: into the spool while it comes, in whichever form they send it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote

from starlette.requests import ClientDisconnect

from ocrloom.errors import (
    OcrForbidden,
    OcrImageTooLarge,
    OcrRequestError,
    OcrSourceEmpty,
)
from ocrloom.service.bodies import body_of
from ocrloom.service.webhooks import checked_webhook
from ocrloom.wire import options_document, parse_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from ocrloom.jobs.spool import Spool, SpoolFile
    from ocrloom.service.bodies import Body
    from ocrloom.service.keys import Caller
    from ocrloom.service.state import Service

__all__ = ["Received", "display_name", "most_of", "receive"]

T = TypeVar("T")

_BATCH: Final = 1 << 20  # bytes that are taken apart and written at a time
_NAMELESS: Final = "upload"
_LONGEST_NAME: Final = 255  # characters
_MEDIA: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)

# What would turn the rest of a line around, or end it.
_UNSEEN: Final = frozenset("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e")
_UNSEEN_TOO: Final = frozenset("\u2066\u2067\u2068\u2069\ufeff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request to read something."""

    upload: str | None
    """Name of the file in the spool; None where it is still to be fetched."""
    size: int
    """Bytes of it; 0 where it is still to be fetched."""
    digest: str
    """SHA-256 of it, 64 hexadecimal digits; empty where it is still to be fetched."""
    name: str
    """What to call it for people. Never a path."""
    media: str
    """The media type that the caller gave, which nothing relies on; empty without one."""
    url: str | None = None
    """Where to fetch it from."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """As `ocrloom.wire.options_document` gives them."""
    store: bool = True
    """Whether what is read becomes a document of the library."""
    webhook: Mapping[str, Any] | None = None
    """Whom to tell of it."""

    @property
    def fingerprint(self) -> str:
        """Tells requests apart that differ in any of this."""
        asked = [
            self.digest or self.url,
            self.name,
            self.options,
            self.store,
            self.webhook,
        ]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


async def receive(request: Request, caller: Caller, service: Service) -> Received:
    """Takes what a request sends; nothing of it is kept where that fails.

    Args:
        request: With a form, the file itself, or JSON.
        caller: Who sends it.
        service: Has the settings and the spool.

    Raises:
        OcrFormatError: The request's media type is none of those.
        OcrRequestError: It is not written as such requests are.
        OcrImageTooLarge: The file has more bytes than the caller may send.
        OcrSourceEmpty: It has none.
        OcrOptionError: An option is wrong.
        OcrForbidden: It asks for what the service does not do.
        OcrLibraryFull: The disk has no room.
        HTTPException: It came too slowly.
    """
    limit = most_of(caller, service)
    file = _File(service.spool, limit)
    try:
        body = body_of(request, file.write)
        await _stream(request, body, limit)
        return await _done(lambda: _received(body, file, service))
    except BaseException:
        await _done(file.discard)
        raise


def most_of(caller: Caller, service: Service) -> int:
    """Bytes that a file of a caller may have."""
    usual = service.settings.max_upload
    return min(usual, caller.max_upload or usual)


def display_name(given: str | None) -> str:
    """A name for people: the end of a path of any system, without what steers a display.

    Args:
        given: What a caller calls a file.
    """
    last = re.split(r"[/\\]", given or "")[-1]
    shown = "".join(
        each
        for each in last
        if unicodedata.category(each) not in ("Cc", "Cs", "Cn")
        and each not in _UNSEEN
        and each not in _UNSEEN_TOO
    )[:_LONGEST_NAME].strip()
    return shown if shown.strip(".") else _NAMELESS


class _File:
    """A file of the spool that is there from its first byte, and has an end."""

    def __init__(self, spool: Spool, limit: int) -> None:
        self.limit = limit
        self._spool = spool
        self._file: SpoolFile | None = None

    def write(self, data: bytes) -> None:
        if self._file is None:
            self._file = self._spool.new()
        if self._file.size + len(data) > self.limit:
            raise _too_large(self.limit)
        self._file.write(data)

    def finish(self) -> tuple[str, int, str]:
        """Its name, its size, and its digest."""
        if self._file is None or not self._file.size:
            raise OcrSourceEmpty("expected a file, got zero bytes; send one with something in it")
        return self._file.name, self._file.size, self._file.finish()

    def discard(self) -> None:
        if self._file is not None:
            self._file.discard()


async def _stream(request: Request, body: Body, limit: int) -> None:
    """Gives a body its bytes, and not many more than the most that its file may have."""
    most = limit + body.allowance(limit)
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(limit)
    batch = bytearray()
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise _too_large(limit)
            batch += part
            if len(batch) >= _BATCH:
                await _done(partial(body.feed, bytes(batch)))
                batch.clear()
    except ClientDisconnect:
        raise OcrRequestError("the body broke off; send it again") from None
    await _done(partial(body.feed, bytes(batch)))


async def _done(work: Callable[[], T]) -> T:
    """Does work in a thread, to its end even where nobody waits for it any more."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await task
        raise


def _received(body: Body, file: _File, service: Service) -> Received:
    asked = body.asked()
    options = options_document(parse_options(asked.options))
    settings = service.settings
    webhook = (
        None if asked.webhook is None else checked_webhook(asked.webhook, settings, service.guard)
    )
    name, size, digest = None, 0, ""
    if asked.has_file:
        name, size, digest = file.finish()
    elif asked.url is not None:
        if not settings.fetch:
            raise OcrForbidden(
                "expected the file itself, got an address; the operator can allow addresses with"
                " --fetch"
            )
        service.guard.check(asked.url)
    return Received(
        upload=name,
        size=size,
        digest=digest,
        name=display_name(asked.name or _last_part(asked.url)),
        media=asked.media.lower() if _MEDIA.fullmatch(asked.media) else "",
        url=asked.url,
        options=options,
        store=settings.store if asked.store is None else asked.store,
        webhook=webhook,
    )


def _last_part(url: str | None) -> str | None:
    return None if url is None else unquote(re.split("[?#]", url)[0].rpartition("/")[2])


def _too_large(limit: int) -> OcrImageTooLarge:
    return OcrImageTooLarge(
        f"expected at most {limit} bytes, got more; send less, or ask the operator for more"
    )
