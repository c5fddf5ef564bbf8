"""How often somebody may ask: so many requests a minute, each server counting for itself."""

# Annotations are not postponed here: FastAPI reads them at run time.
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from fastapi import Request

from ocrloom.errors import OcrServiceBusy
from ocrloom.service.auth import CallerOf

__all__ = ["Buckets", "limited"]

_MINUTE: Final = 60.0
_REMEMBERED: Final = 100_000  # callers; who comes again after so many others begins anew
_NETWORK: Final = 64  # bits of an IPv6 address; the others are free for its user to choose


class Buckets:
    """Token buckets: each fills at its rate, holds a minute's worth, and gives one a request."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Makes them, all full.

        Args:
            clock: Gives seconds.
        """
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str, rate: int) -> float:
        """Takes one from somebody's bucket.

        Args:
            who: Whose.
            rate: Requests a minute, 1 or more.

        Returns:
            0 where there was one; otherwise the seconds until there is.
        """
        now = self._clock()
        level, then = self._levels.pop(who, (float(rate), now))
        level = min(rate, level + (now - then) * rate / _MINUTE)
        wait = 0.0 if level >= 1 else (1 - level) * _MINUTE / rate
        self._levels[who] = (level - 1 if level >= 1 else level), now
        if len(self._levels) > _REMEMBERED:
            self._levels.popitem(last=False)
        return wait


async def limited(request: Request, caller: CallerOf) -> None:
    """Counts a request; for ``dependencies`` of a router.

    Raises:
        OcrServiceBusy: The caller asks too often.
    """
    state = request.app.state
    rate = state.service.settings.rate if caller.rate is None else caller.rate
    if rate is None:
        return
    if not hasattr(state, "buckets"):
        state.buckets = Buckets()
    wait = state.buckets.take(_who(request, caller.key), rate)
    if wait:
        error = OcrServiceBusy(
            f"expected at most {rate} requests a minute, got more; try again in {math.ceil(wait)} s"
        )
        error.retry_after = wait
        raise error


def _who(request: Request, key: str | None) -> str:
    if key is not None:
        return f"key {key}"
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, _NETWORK), strict=False))
    return host
