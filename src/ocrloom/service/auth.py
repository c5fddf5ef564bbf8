"""Who asks: the key of a request, and whether it needs one."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from ocrloom.errors import OcrUnauthorized
from ocrloom.service.keys import ANYBODY, Caller
from ocrloom.service.logs import key_id

if TYPE_CHECKING:
    from ocrloom.service.settings import Settings

__all__ = ["ANYBODY", "COOKIE", "Caller", "CallerOf", "caller", "is_loopback", "needs_keys"]

COOKIE: Final = "ocrloom_key"
"""Where the page for people has its key; it counts for what comes from the page itself only."""

_bearer = HTTPBearer(auto_error=False, description="An API key, as `ocrloom keys create` gives it.")
_header = APIKeyHeader(name="X-Api-Key", auto_error=False, description="The same key.")


def is_loopback(host: str) -> bool:
    """Whether an address that a server is bound to can be reached from its own machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def needs_keys(settings: Settings) -> bool:
    """Whether callers need keys."""
    if settings.require_keys is None:
        return not is_loopback(settings.host)
    return settings.require_keys


async def caller(
    request: Request,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Caller:
    """Who asks, by ``Authorization: Bearer``, ``X-Api-Key`` or the page's cookie.

    Raises:
        OcrUnauthorized: There is no key and one is needed; or there is one, and it is not good,
            which is an error where none is needed too.
    """
    service = request.app.state.service
    given = bearer.credentials if bearer is not None else header
    if given is None:
        # Middleware takes away the cookie of what other sites have the browser ask for.
        given = request.cookies.get(COOKIE)
    if given is None:
        if needs_keys(service.settings):
            raise OcrUnauthorized(
                "expected an API key, got none; send it as `Authorization: Bearer KEY` or as"
                " `X-Api-Key: KEY`"
            )
        return ANYBODY
    found: Caller | None = await service.keys.check(given)
    if found is None:
        raise OcrUnauthorized(
            "the API key is not good: it is no key, or it was revoked; send another one, which"
            " whoever runs the service can make"
        )
    key_id.set(found.key)
    return found


CallerOf = Annotated[Caller, Depends(caller)]
"""A parameter of a route that is given the caller."""
