"""What holds for every request, whichever route answers it.

None of these keeps an answer back: events go out as they come.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException

from ocrloom.errors import OcrForbidden
from ocrloom.service.auth import is_loopback, needs_keys
from ocrloom.service.logs import job_id, key_id, request_id
from ocrloom.service.metrics import WatchRequests
from ocrloom.service.problems import of_error, problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from ocrloom.service.metrics import Metrics
    from ocrloom.service.settings import Settings

__all__ = ["UPLOADS", "Bodies", "Envelope", "Heads", "Visitors", "protect"]

_LOG = logging.getLogger(__name__)

UPLOADS: Final = frozenset({"/v1/jobs", "/v1/ocr"})
"""Paths of the routes that limit the size of a body themselves."""

# Whoever looks after machines calls them by their addresses; nothing is told there.
_PROBED: Final = frozenset({"/livez", "/readyz"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(
    r"(\[(?P<bracketed>[0-9a-f:.]+)\]|(?P<plain>[\w.-]*?)\.?)(:(?P<port>\d{0,5}))?", re.ASCII
)
_EVENTS: Final = re.compile(r"/events/?$")
_ID: Final = re.compile(r"[\w.-]{1,64}", re.ASCII)

_SMALL: Final = 1 << 20  # bytes of a body that is no upload
_LINGERING: Final = 10.0  # seconds for which the rest of a body is taken that nobody wants
_MOST_LINGERING: Final = 32 << 20  # bytes, likewise

_COMMON: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_PAGES: Final = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
# Nothing of the API is a page: what is opened as one all the same may do nothing.
_API: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


def protect(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """Has an application's requests pass through all of these, before what was added earlier."""
    app.add_middleware(Visitors, settings=settings)
    app.add_middleware(Bodies, idle=settings.body_idle_seconds, seconds=settings.body_seconds)
    # Those that are refused are counted and logged too, by their ids.
    app.add_middleware(WatchRequests, metrics=metrics)
    app.add_middleware(Envelope)
    app.add_middleware(Heads)


class Heads:
    """Answers HEAD as GET, without the body: what looks after servers asks so.

    Events are left out, as they come for as long as there are any.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or _EVENTS.search(scope["path"]):
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, bare)


class Envelope:
    """Gives every request an id, and every answer headers that keep browsers careful.

    What nothing inside has caught becomes an answer here, so that it has them too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False
        named = _named(Headers(scope=scope))

        async def sealed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _seal(MutableHeaders(scope=message), scope["path"], named)
            await send(message)

        # What was current for an earlier request of the connection may still be.
        job_id.set(None)
        key_id.set(None)
        token = request_id.set(named)
        try:
            await self.app(scope, receive, sealed)
        except Exception as error:
            if started:
                raise
            _LOG.critical("a request failed unexpectedly", exc_info=error)
            detail = "the service failed unexpectedly; its log says more under the request's id"
            await problem(500, "internal_error", detail)(scope, receive, sealed)
        finally:
            request_id.reset(token)


def _named(headers: Headers) -> str:
    """The caller's own id of the request where it can be one, or a new one."""
    given = headers.get("x-request-id", "")
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _seal(headers: MutableHeaders, path: str, named: str) -> None:
    api = path.startswith("/v1/")
    static = path.startswith("/static/")
    for name, value in _COMMON.items():
        headers.setdefault(name, value)
    headers.setdefault("Content-Security-Policy", _API if api else _PAGES)
    # Files of ours may be kept, once it is clear that they are still the same.
    headers.setdefault("Cache-Control", "no-cache" if static else "no-store")
    headers["X-Request-Id"] = named


class Visitors:
    """Keeps out what pages of other sites have a browser do.

    A page that has its own name point to this machine is told by the name that it calls; a page
    that sends requests elsewhere, by what the browser says of where they come from.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._hosts = _hosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or has it answered."""
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            host = headers.get("host", "")
            named = self._hosts is None or _host_name(host) in self._hosts
            if not named and scope["path"] not in _PROBED:
                await of_error(
                    OcrForbidden(
                        "expected the name of this service in the header Host, got another one;"
                        " the operator adds names with --hosts"
                    )
                )(scope, receive, send)
                return
            foreign = _is_foreign(headers, host)
            if foreign and scope["method"] not in _SAFE:
                await of_error(
                    OcrForbidden(
                        "expected a request of the service's own page, or of no page, got one of"
                        " another site; send it from a program"
                    )
                )(scope, receive, send)
                return
            if foreign and headers.get("sec-fetch-mode") != "navigate":
                # A key in a cookie is for our own page only.
                del headers["cookie"]
        await self.app(scope, receive, send)


def _hosts(settings: Settings) -> frozenset[str] | None:
    """Names that a request may call the service by; None if any."""
    named = {host.strip("[]").lower() for host in settings.hosts}
    # Nobody outside can have a browser call it so.
    loopback = _LOOPBACK | {settings.host.strip("[]").lower()}
    if named:
        return frozenset(named | loopback)
    return frozenset(loopback) if is_loopback(settings.host) and not needs_keys(settings) else None


def _host_name(host: str) -> str:
    """The name in a header ``Host``, without port and brackets."""
    name = _HOST.fullmatch(host.lower())
    return (name["bracketed"] or name["plain"] or "") if name else ""


def _is_foreign(headers: Headers, host: str) -> bool:
    """Whether a page of another site has sent it. Programs send neither of the two headers."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return True
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname or "", port or usual) != (_host_name(host), _port(host) or usual)


def _port(host: str) -> int | None:
    parts = _HOST.fullmatch(host.lower())
    return int(parts["port"]) if parts and parts["port"] else None


class Bodies:
    """Limits the time in which a body comes, and the size of those that are no uploads.

    Where an answer goes out before the whole body came, the connection ends with it; so that the
    caller gets to see the answer, some of the rest is taken first.
    """

    def __init__(self, app: ASGIApp, idle: float, seconds: float) -> None:
        self.app = app
        self._idle = idle
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        upload = scope["method"] == "POST" and scope["path"] in UPLOADS
        body = _Body(scope, receive, send)
        body.idle, body.seconds = self._idle, self._seconds
        body.limit = None if upload else _SMALL
        await self.app(scope, body.receive, body.send)


class _Body:
    """The body of one request, as it comes."""

    idle: float
    seconds: float
    limit: int | None

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        self._receive = receive
        self._send = send
        self._whole = (
            headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        )
        self._waits = headers.get("expect", "").lower() == "100-continue"
        self._ends: float | None = None
        self._size = 0

    async def receive(self) -> Message:
        """The next part.

        Raises:
            HTTPException: It does not come in time, or makes the body too large.
        """
        if self._whole:
            return await self._receive()
        self._waits = False
        now = time.monotonic()
        self._ends = self._ends or now + self.seconds
        try:
            async with asyncio.timeout(min(self.idle, self._ends - now)):
                message = await self._part()
        except TimeoutError:
            raise HTTPException(
                408,
                f"expected some of the body within {self.idle:g} seconds and all of it within"
                f" {self.seconds:g}, got less; send it again over a better connection",
            ) from None
        if self.limit is not None and self._size > self.limit:
            raise HTTPException(
                413, f"expected a body of at most {self.limit} bytes, got more; send less"
            )
        return message

    async def _part(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Sends a part of the answer."""
        if not self._whole:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
            elif not message.get("more_body", False) and not self._waits:
                await self._send({**message, "more_body": True})
                await self._linger()
                message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        most = self._size + _MOST_LINGERING
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGERING):
                while not self._whole and self._size < most:
                    await self._part()
