"""Addresses that the service may send requests to: those in public, and those that are allowed."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeAlias

from ocrloom.errors import OcrNetworkError, OcrOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Allowed", "literal", "resolved"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# Besides what `ipaddress` knows in each version of Python: addresses of providers' own networks,
# of other machines' relays, and forms of addresses that were given up.
_SPECIAL: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "5f00::/16",
        "fec0::/10",
    )
)

# Networks of version 6 that stand for addresses of version 4, and how many bits follow those.
_EMBEDDING: Final = tuple(
    (ipaddress.IPv6Network(network), bits)
    for network, bits in (("::ffff:0:0/96", 0), ("64:ff9b::/96", 0), ("2002::/16", 80))
)

# Of their own: a name that nobody answers for takes its thread for half a minute, and nothing but
# names waits for it.
_THREADS: Final = ThreadPoolExecutor(8, "ocrloom-names")
_ROOM: Final = threading.BoundedSemaphore(64)  # names that are asked for or wait to be

_HOST: Final = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*", re.ASCII)


class Allowed:
    """Which addresses may be connected to."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        """Allows addresses besides those in public.

        Args:
            further: Names of hosts, addresses and networks such as ``10.1.0.0/16``.

        Raises:
            OcrOptionError: One of them is none of these.
        """
        self._names = set[str]()
        self._networks: list[_Network] = []
        for entry in further:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]")))
            except ValueError:
                self._names.add(_name(entry))

    def __call__(self, host: str, address: _Address) -> bool:
        """Whether a host may be connected to at one of its addresses."""
        if host.rstrip(".").lower() in self._names:
            return True
        plain = _plain(address)
        return _is_public(plain) or any(plain in network for network in self._networks)


def _name(entry: str) -> str:
    if not _HOST.fullmatch(entry):
        raise OcrOptionError(
            f"expected a host, an address or a network, got {entry!r:.100}; write example.org, "
            "10.1.2.3 or 10.1.0.0/16"
        )
    return entry.lower()


async def resolved(host: str, port: int) -> Sequence[_Address]:
    """All addresses of a host, in the order in which to try them.

    Raises:
        OcrNetworkError: Too many other names wait.
    """
    if not _ROOM.acquire(blocking=False):
        raise OcrNetworkError(
            "expected the name of a host that can be looked up now, but too many others wait; try"
            " again later"
        )
    asked = _THREADS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    # Not by who waits: a question that has been put goes on when nobody waits for it any more.
    asked.add_done_callback(lambda _: _ROOM.release())
    try:
        found = await asyncio.wrap_future(asked)
    except (OSError, UnicodeError):
        return ()
    return [ipaddress.ip_address(place[0]) for *_, place in found]


def literal(host: str) -> _Address | None:
    """The address that a host is written as; None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _plain(address: _Address) -> _Address:
    """The address of version 4 that one of version 6 stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        for network, bits in _EMBEDDING:
            if address in network:
                return ipaddress.IPv4Address(int(address) >> bits & 0xFFFFFFFF)
    return address


def _is_public(address: _Address) -> bool:
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _SPECIAL)
    )
