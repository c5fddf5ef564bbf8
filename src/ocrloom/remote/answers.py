"""What a service's answers say: JSON, or an exception."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrForbidden,
    OcrImageTooLarge,
    OcrNetworkError,
    OcrRequestError,
    OcrServiceBusy,
    OcrServiceUnavailable,
    OcrUnauthorized,
)
from ocrloom.wire import class_of, error_of

if TYPE_CHECKING:
    import httpx

__all__ = ["AGAIN", "document_of", "error_in", "nonsense", "seconds_in"]

AGAIN: Final = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""

# For answers of what stands between, and of later versions.
_BY_STATUS: Final[dict[int, type[OcrException]]] = {
    400: OcrRequestError,
    401: OcrUnauthorized,
    403: OcrForbidden,
    408: OcrNetworkError,
    413: OcrImageTooLarge,
    422: OcrRequestError,
    429: OcrServiceBusy,
    503: OcrServiceUnavailable,
}

_LONGEST_WAIT: Final = 3600.0  # seconds


def document_of(response: httpx.Response, wanted: frozenset[str]) -> dict[str, Any]:
    """The object that an answer holds.

    Args:
        response: Read to its end.
        wanted: Names that it must have.

    Raises:
        OcrNetworkError: It is no such answer.
        OcrException: The service has refused the request.
    """
    if response.status_code >= 400:
        raise error_in(response)
    document = _json(response)
    if not response.is_success or document is None or not wanted <= document.keys():
        raise nonsense(response)
    return document


def error_in(response: httpx.Response) -> OcrException:
    """The exception that an answer tells of.

    Args:
        response: Read to its end, with a status from 400.
    """
    told = _json(response) or {}
    code, detail = told.get("code"), told.get("detail")
    if not isinstance(code, str) or not isinstance(detail, str):
        kind = _BY_STATUS.get(response.status_code, OcrNetworkError)
        error: OcrException = kind(_says(response))
    elif class_of(code) is None and response.status_code in _BY_STATUS:
        error = _BY_STATUS[response.status_code](detail)
    else:
        error = error_of(code, detail)
        if isinstance(error, OcrCancelled):
            # The service's own work was; here it would look like a cancelled task.
            error = OcrServiceUnavailable(detail)
    if hasattr(error, "retry_after") and (seconds := seconds_in(response)) is not None:
        error.retry_after = seconds
    return error


def seconds_in(response: httpx.Response) -> float | None:
    """After how many seconds the service wants to be asked again; None if it does not say."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, _LONGEST_WAIT) if seconds >= 0 else None


def nonsense(response: httpx.Response) -> OcrNetworkError:
    """The error for an answer that no service of ours gives."""
    return OcrNetworkError(_says(response))


def _says(response: httpx.Response) -> str:
    kind = response.headers.get("content-type", "something")
    return (
        f"{_place(response)} answered {response.status_code} with {kind[:60]!a}, which no service "
        "of ocrloom does; check the address, and what stands before the service"
    )


def _place(response: httpx.Response) -> str:
    return str(response.request.url.copy_with(query=None))


def _json(response: httpx.Response) -> dict[str, Any] | None:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
