"""A service as those who call it see it: requests, tried again where that can help."""

from __future__ import annotations

import asyncio
import random
import weakref
from contextlib import aclosing, suppress
from functools import cache, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import httpx

from ocrloom._version import __version__
from ocrloom.errors import OcrException, OcrNetworkError, OcrOptionError, OcrServiceBusy
from ocrloom.loop import shared_loop
from ocrloom.remote.answers import AGAIN, document_of, error_in, nonsense
from ocrloom.remote.events import events_in

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from ocrloom.loop import Loop
    from ocrloom.remote.events import Event
    from ocrloom.remote.upload import Upload

__all__ = ["Service", "Trial"]

_UPLOADS: Final = 8
"""Sources that are sent at a time."""
_JOBS: Final = 64
"""Sources that are under way at a time: more would but fill the service's queue."""
_LISTENERS: Final = 64
"""Jobs whose events are listened to at a time; of others it is asked how far they are."""

# Seconds. A service says something at least every 15, and lets connections wait for 5.
_TIMES: Final = httpx.Timeout(connect=10.0, read=45.0, write=45.0, pool=None)
_LIMITS: Final = httpx.Limits(
    max_connections=None, max_keepalive_connections=_LISTENERS, keepalive_expiry=4.0
)

_STRANGER: Final = 5.0
"""Seconds for which one that has never answered is tried: its address may be wrong."""
_FORGOTTEN: Final = 120.0
"""Seconds after which a failure says nothing of the next one; one attempt takes up to 55."""
_LATEST: Final = 60.0
"""Seconds that a busy service may want one to wait, whatever the patience."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0

_NOT_TAKEN: Final = frozenset({429, 503})
"""Statuses that say that nothing has come of a request."""

_JOB: Final = frozenset({"id", "status", "progress"})
_PAGES: Final = frozenset({"items", "next", "done"})


class Service:
    """One service and one key. Its coroutines are for the loop of `shared_loop`."""

    def __init__(self, url: str, api_key: str | None, patience: float) -> None:
        """Makes it without a connection.

        Args:
            url: Where it is.
            api_key: The caller's key.
            patience: Seconds for which it may be out of reach, or busy.

        Raises:
            OcrOptionError: The address or the key cannot be one.
        """
        self.url = _checked_url(url)
        self.patience = patience
        self._headers = {"User-Agent": f"ocrloom/{__version__}", "Accept": "application/json"}
        if api_key is not None:
            self._headers["Authorization"] = f"Bearer {_checked_key(api_key)}"
        self.progressed = float("-inf")
        """When something that it was asked for has come on, by `monotonic`."""
        self._met = False
        self._out_since: float | None = None
        self._failed = 0.0
        self._line: _Line | None = None

    async def send(self, upload: Upload, key: str) -> dict[str, Any]:
        """Has a source read, and gives the job that does it; never two, however often it is sent.

        Args:
            upload: What is sent.
            key: A name of this request that no other one has.

        Raises:
            OcrException: The service does not take it, or cannot be reached.
        """
        try:
            async with self._lines.uploads:
                await upload.prepare()
                headers = {**upload.headers, "Idempotency-Key": key}
                return await self._ask("POST", "/v1/jobs", _JOB, headers, upload)
        finally:
            upload.forget()

    async def job(self, job: str) -> dict[str, Any]:
        """What is known of a job."""
        return await self._ask("GET", f"/v1/jobs/{job}", _JOB)

    async def pages(self, job: str, cursor: str, limit: int) -> dict[str, Any]:
        """Some of the pages that are finished, in the order in which they were."""
        path = f"/v1/jobs/{job}/pages?cursor={quote(cursor, safe='')}&limit={limit}"
        return await self._ask("GET", path, _PAGES)

    async def events(
        self, job: str, after: str | None, alive: Callable[[], object]
    ) -> AsyncGenerator[Event]:
        """What happens to a job, to its end or that of the connection.

        Args:
            job: Its id.
            after: Number of the last event that is known.
            alive: Called at every sign that the service is there and has nothing against it, from
                the beginning of its answer to its end.

        Raises:
            OcrException: The service refuses, or cannot be reached; this is tried only once.
        """
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = after
        path = f"/v1/jobs/{job}/events?content=none"
        try:
            async with self._lines.client.stream("GET", self.url + path, headers=headers) as answer:
                kind = answer.headers.get("content-type", "")
                if answer.status_code >= 400:
                    await answer.aread()
                    raise error_in(answer)
                if not kind.startswith("text/event-stream"):
                    raise nonsense(answer)
                self._reached()
                alive()
                async for event in events_in(_told(answer.aiter_bytes(), alive)):
                    yield event
                alive()
        except httpx.RequestError as error:
            raise self._unreachable(error) from error

    async def leave(self, job: str) -> None:
        """Cancels a job, as nobody wants it any more; at the latest when the process ends."""
        farewells = shared_loop().farewells
        farewells[job] = partial(self._leave_now, job)
        # Done already, forgotten, or out of reach for long.
        with suppress(OcrException):
            await self._ask("DELETE", f"/v1/jobs/{job}", frozenset())
        del farewells[job]

    def _leave_now(self, job: str, seconds: float) -> None:
        """The same, blocking, and tried only once."""
        with suppress(httpx.HTTPError):
            url = f"{self.url}/v1/jobs/{job}"
            httpx.delete(url, headers=self._headers, timeout=seconds, verify=_tls())

    @property
    def jobs(self) -> asyncio.Semaphore:
        """Places for those whose sources are under way."""
        return self._lines.jobs

    @property
    def listeners(self) -> asyncio.Semaphore:
        """Places for those who listen to events."""
        return self._lines.listeners

    def close(self) -> None:
        """Closes its connections, soon; from any thread. Those that are needed come again."""
        line, self._line = self._line, None
        if line is not None:
            line.close()

    async def _ask(
        self,
        method: str,
        path: str,
        wanted: frozenset[str],
        headers: dict[str, str] | None = None,
        upload: Upload | None = None,
    ) -> dict[str, Any]:
        """The answer to a request, tried again where that can help.

        Raises:
            OcrException: The service refuses it, or cannot be reached.
        """
        trial = Trial(self)
        cuts = 0
        while True:
            try:
                answer = await self._request(method, path, headers, upload)
            except httpx.RequestError as error:
                if upload is not None and upload.cut and await self._answers():
                    cuts += 1
                    if cuts > 1:
                        raise self._cut(upload, error) from error
                await trial.pause(self._unreachable(error))
                continue
            self._met = True
            if answer.status_code not in AGAIN:
                self._reached()
                nothing = answer.status_code == httpx.codes.NO_CONTENT and not wanted
                return {} if nothing else document_of(answer, wanted)
            if upload is not None and answer.status_code in _NOT_TAKEN:
                upload.refused()
            await trial.pause(error_in(answer))

    async def _request(
        self, method: str, path: str, headers: dict[str, str] | None, upload: Upload | None
    ) -> httpx.Response:
        client, url = self._lines.client, self.url + path
        if upload is None:
            return await client.request(method, url, headers=headers)
        # The client leaves files open where it breaks off.
        async with aclosing(upload.parts()) as parts:
            return await client.request(method, url, headers=headers, content=parts)

    async def _answers(self) -> bool:
        """Whether it answers a small request, where it has broken an upload off.

        Raises:
            OcrUnauthorized: That is why.
            OcrForbidden: That is why.
        """
        try:
            answer = await self._lines.client.get(self.url + "/v1/jobs?limit=1")
        except httpx.RequestError:
            return False
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise error_in(answer)
        return answer.is_success

    def _cut(self, upload: Upload, error: httpx.RequestError) -> OcrNetworkError:
        return OcrNetworkError(
            f"{self.url} answers, and has twice broken off the sending of a source of {upload.size}"
            f" bytes: {_reason(error)}; it may be over the limit of the service (--max-upload), or"
            " of what stands before it"
        )

    @property
    def _lines(self) -> _Line:
        # A forked child has a loop of its own, and no part in its parent's connections.
        line = self._line
        if line is None or line.loop is not shared_loop():
            self._line = line = _Line(shared_loop(), self._headers)
            weakref.finalize(self, line.close).atexit = False
        return line

    def _unreachable(self, error: httpx.RequestError) -> OcrNetworkError:
        return OcrNetworkError(
            f"{self.url} cannot be reached: {_reason(error)}; check the address, and whether the"
            " service is running"
        )

    @property
    def tried_for(self) -> float:
        """Seconds after which it counts as out of reach."""
        return self.patience if self._met else min(self.patience, _STRANGER)

    def progress(self) -> None:
        """Notes that something that it was asked for has come on."""
        self.progressed = monotonic()

    def out_since(self, now: float) -> float:
        """Since when it has been out of reach, for whoever asks, after another failure."""
        if self._out_since is None or now - self._failed > _FORGOTTEN:
            self._out_since = now
        self._failed = now
        return self._out_since

    def _reached(self) -> None:
        self._met = True
        self._out_since = None


class Trial:
    """How often, and for how long, one thing is tried."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._since: float | None = None
        self._pause = _FIRST_PAUSE

    def succeeded(self) -> None:
        """Begins anew."""
        self._since = None
        self._pause = _FIRST_PAUSE

    async def pause(self, error: OcrException) -> None:
        """Waits until it may be tried again.

        Args:
            error: What went wrong; raised where it was tried for long enough.
        """
        now = monotonic()
        if self._since is None:
            self._since = now
        service = self._service
        wanted = getattr(error, "retry_after", 0.0)
        if isinstance(error, OcrServiceBusy):
            # It may be so with what this very process has sent: sources wait for each other then.
            left = max(self._since, service.progressed) + service.tried_for - now
            late = wanted > max(service.tried_for, _LATEST)
        else:
            left = min(self._since, service.out_since(now)) + service.tried_for - now
            late = wanted > left
        if left <= 0 or late:
            raise error
        # Not all at the same time, where many were refused together.
        pause = max(wanted, self._pause) * _jitter()
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        await asyncio.sleep(min(pause, left))


class _Line:
    """The connections to a service, in one event loop."""

    def __init__(self, loop: Loop, headers: Mapping[str, str]) -> None:
        self.loop = loop
        tls = _tls()
        try:
            self.client = httpx.AsyncClient(
                headers=headers, timeout=_TIMES, limits=_LIMITS, verify=tls
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise OcrNetworkError(
                f"the proxy that the environment names cannot be used: {error}; look at HTTP_PROXY,"
                " HTTPS_PROXY, ALL_PROXY and NO_PROXY"
            ) from error
        loop.clients.add(self.client)
        self.jobs = asyncio.Semaphore(_JOBS)
        self.uploads = asyncio.Semaphore(_UPLOADS)
        self.listeners = asyncio.Semaphore(_LISTENERS)

    def close(self) -> None:
        """Closes them, soon; from any thread."""
        self.loop.begin(self.client.aclose())


@cache
def _tls() -> ssl.SSLContext:
    """What certificates are checked with; loading it takes longer than most requests."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise OcrNetworkError(
            f"certificates cannot be loaded: {error}; look at SSL_CERT_FILE and SSL_CERT_DIR"
        ) from error


async def _told(parts: AsyncIterator[bytes], alive: Callable[[], object]) -> AsyncIterator[bytes]:
    async for part in parts:
        alive()
        yield part


def _reason(error: httpx.RequestError) -> str:
    return str(error) or type(error).__name__


def _jitter() -> float:
    return random.uniform(1.0, 1.25)  # noqa: S311  # no secret


def _checked_url(url: object) -> str:
    """An address to which paths can be added."""
    expected = "the service's address must be such as http://host:8000"
    if not isinstance(url, str):
        raise OcrOptionError(f"{expected}, got {type(url).__name__}")
    try:
        parts = urlsplit(url)
        httpx.URL(url)
        port = parts.port
    except (ValueError, httpx.InvalidURL):
        raise OcrOptionError(f"{expected}, got {url!r:.200}") from None
    seen = url.isprintable() and " " not in url
    if not seen or parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise OcrOptionError(f"{expected}, got {url!r:.200}")
    if parts.username is not None or parts.query or parts.fragment:
        # Not with its value, which may hold a password.
        raise OcrOptionError(f"{expected}, without a user, a query or a fragment; a key is api_key")
    return url.rstrip("/")


def _checked_key(key: object) -> str:
    if (
        not isinstance(key, str)
        or not key.isascii()
        or not key.isprintable()
        or key.split() != [key]
    ):
        # Not with its value, which is a secret.
        raise OcrOptionError("api_key must be a str of visible ASCII characters, without spaces")
    return key
