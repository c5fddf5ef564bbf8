"""Requests that the service sends itself: to addresses that callers name, and to nobody inside.

A name is resolved here, all its addresses are checked, and the connection goes to one of those
that were checked, so a name that means something else a moment later changes nothing. Redirects are
followed here too, each as if the caller had named it. No message tells what is inside.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from ocrloom._version import __version__
from ocrloom.errors import (
    OcrForbidden,
    OcrImageTooLarge,
    OcrNetworkError,
    OcrRequestError,
    OcrSourceEmpty,
)
from ocrloom.service.addresses import Allowed, literal, resolved

if TYPE_CHECKING:
    import ssl
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
    )

__all__ = ["Fetched", "Guard"]

_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LONGEST_URL: Final = 8192  # characters; signed addresses of stores have some thousand
# Seconds: for each address of a name, and without a byte.
_TIMEOUTS: Final = {"connect": 10.0, "read": 30.0, "write": 30.0}

_PORTS: Final = frozenset({None, *range(1, 65536)})

_MEDIA: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came."""

    size: int
    """Bytes."""
    media: str
    """The media type that its server gave, which nothing relies on; empty if it gave none."""


class Guard:
    """Sends requests to addresses in public, and to those that are allowed besides."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """Allows further addresses.

        Args:
            allow: Names of hosts, addresses and networks such as ``10.1.0.0/16``.

        Raises:
            OcrOptionError: One of them is none of these.
        """
        self._lets = Allowed(allow)

    def check(self, url: str) -> httpx.URL:
        """Looks at an address as far as that goes without asking anybody.

        Raises:
            OcrRequestError: It is no address of HTTP or HTTPS, or holds a name and a password.
            OcrForbidden: It names an address that is not in public.
        """
        if len(url) > _LONGEST_URL:
            raise _not_an_address(f"one of {len(url)} characters, the most are {_LONGEST_URL}")
        try:
            parsed = httpx.URL(url)
            host = parsed.raw_host.decode("ascii")
        except (httpx.InvalidURL, ValueError) as error:
            raise _not_an_address("something else") from error
        if parsed.scheme not in ("http", "https") or not host or parsed.port not in _PORTS:
            raise _not_an_address("something else")
        if parsed.userinfo:
            raise _not_an_address("one with a name or password in it, which would be stored")
        if (address := literal(host)) is not None and not self._lets(host, address):
            raise _refused()
        return parsed

    async def fetch(
        self, url: str, limit: int, seconds: float, write: Callable[[bytes], Awaitable[object]]
    ) -> Fetched:
        """Gets a file.

        Args:
            url: Where it is.
            limit: The most bytes that it may have.
            seconds: Seconds for all of it, redirects included.
            write: Given its bytes, part by part. What it raises comes through as it is.

        Raises:
            OcrRequestError: The address, or one that it leads to, is none of HTTP.
            OcrForbidden: It, or one that it leads to, is not in public.
            OcrNetworkError: It did not come, or not in time.
            OcrImageTooLarge: It is larger than the limit.
            OcrSourceEmpty: It is empty.
        """
        async with _within(seconds):
            target = self.check(url)
            for _ in range(_MOST_REDIRECTS + 1):
                async with self._answer("GET", target, _GETTING) as answer:
                    if answer.status not in _REDIRECTS:
                        return await _received(answer, limit, write)
                    target = self.check(_next(target, answer))
        raise OcrNetworkError(
            f"expected at most {_MOST_REDIRECTS} redirects, got more; give the address of the "
            "file itself"
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> int:
        """Sends something, and looks at nothing of the answer but its status.

        Redirects are not followed: they are an answer like others.

        Args:
            url: Where to.
            body: What to send.
            headers: With it.
            seconds: Seconds for all of it.

        Returns:
            The status of the answer.

        Raises:
            OcrRequestError: The address is none of HTTP.
            OcrForbidden: It is not in public.
            OcrNetworkError: No answer came, or not in time.
        """
        async with (
            _within(seconds),
            self._answer("POST", self.check(url), headers, body) as answer,
        ):
            return answer.status

    @asynccontextmanager
    async def _answer(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[httpcore.Response]:
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        sent: dict[bytes | str, bytes | str] = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": f"ocrloom/{__version__}",
            **({"Content-Length": str(len(body))} if body else {}),
        }
        sent.update(headers.items())
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._trusted, max_connections=1, network_backend=_Checked(self)
        ) as pool:
            with _told():
                request = httpcore.Request(
                    method,
                    target,
                    headers=sent,
                    content=body or None,
                    extensions={"timeout": _TIMEOUTS},
                )
                answer = await pool.handle_async_request(request)
            try:
                yield answer
            finally:
                await answer.aclose()

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Those of a host, all of which may be connected to.

        Raises:
            OcrForbidden: One of them may not be, or there is none: which of both is not told, as
                names that only exist inside are nobody's business.
        """
        found = await resolved(host, port)
        if not found or not all(self._lets(host, address) for address in found):
            raise _refused()
        return [str(address) for address in found]


_GETTING: Final = {"Accept": "*/*", "Accept-Encoding": "identity"}


class _Checked(httpcore.AnyIOBackend):
    """Connects to addresses that were looked at, where a name is given."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        *further: Any,  # noqa: ANN401  # as it is
        **named: Any,  # noqa: ANN401
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception | None = None
        for address in await self._guard.addresses(host, port):
            try:
                return await super().connect_tcp(address, port, *further, **named)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError


async def _received(
    answer: httpcore.Response, limit: int, write: Callable[[bytes], Awaitable[object]]
) -> Fetched:
    headers = {name.lower(): value for name, value in answer.headers}
    if answer.status != httpx.codes.OK:
        raise OcrNetworkError(
            f"expected status 200 from the address, got {answer.status}; give one that everybody "
            "can get the file from"
        )
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise OcrNetworkError("expected a file that is not packed for transport, got one that is")
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > limit:
        raise _too_large(limit)
    size = 0
    async with aclosing(_parts(answer)) as parts:
        async for part in parts:
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            await write(part)
    if not size:
        raise OcrSourceEmpty("expected a file at the address, got zero bytes; give another one")
    given = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip()
    return Fetched(size=size, media=given.lower() if _MEDIA.fullmatch(given) else "")


async def _parts(answer: httpcore.Response) -> AsyncGenerator[bytes]:
    with _told():
        async for part in answer.aiter_stream():
            yield part


def _next(url: httpx.URL, answer: httpcore.Response) -> str:
    places = [value for name, value in answer.headers if name.lower() == b"location"]
    if len(places) != 1:
        raise OcrNetworkError("expected a redirect to one address, got none or several")
    try:
        return str(url.join(places[0].decode("ascii")))
    except (httpx.InvalidURL, ValueError) as error:
        raise _not_an_address("a redirect to something else") from error


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as scope:
            yield
    except TimeoutError as error:
        if not scope.expired():
            raise
        raise _late() from error


@contextmanager
def _told() -> Iterator[None]:
    """What the network does wrong, in words that tell nothing of what is inside."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise _late() from error
    except httpcore.ConnectError as error:
        raise OcrNetworkError(
            "expected a connection to the address, got none; look whether its server runs and, "
            "for https, has a certificate that is trusted"
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise OcrNetworkError(
            "expected an answer of HTTP, got none that was whole; look at the address's server"
        ) from error


def _late() -> OcrNetworkError:
    return OcrNetworkError("expected an answer of the address in time, got none; try again later")


def _too_large(limit: int) -> OcrImageTooLarge:
    return OcrImageTooLarge(
        f"expected a file of at most {limit} bytes at the address, got more; give a smaller one"
    )


def _not_an_address(found: str) -> OcrRequestError:
    return OcrRequestError(
        f"expected an address that begins with http:// or https:// and has a host, got {found}; "
        "correct it"
    )


def _refused() -> OcrForbidden:
    return OcrForbidden(
        "expected an address whose host is to be found in public and nowhere else, got another "
        "one; the operator can let hosts in by network_allow"
    )
