"""Errors as answers: RFC 9457 problem details with codes that do not change."""

from __future__ import annotations

import logging
import math
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrOptionError,
    OcrUnauthorized,
)
from ocrloom.wire import code_of, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request
    from fastapi.responses import Response

__all__ = ["PROBLEM", "Problem", "answers", "install", "problem"]

_LOG = logging.getLogger(__name__)

PROBLEM: Final = "application/problem+json"
_CODES: Final = {
    400: "request_error",
    404: "not_found",
    405: "method_not_allowed",
    408: "upload_too_slow",
    413: "request_too_large",
    422: "invalid_request",
}
_AGAIN: Final = {429: 1.0, 503: 5.0}  # seconds after which to try again, where nothing says so


class Part(BaseModel):
    """What is wrong with one part of a request."""

    loc: list[str | int]
    """Where it is."""
    msg: str
    """What was expected."""


class Problem(BaseModel):
    """Why a request was not done, after RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "code": "job_not_found",
                    "detail": "there is no such job; the answer to its request has its id",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    code: str
    """What programs may rely on."""
    detail: str
    """For people: what was expected, what came, what to do."""
    errors: list[Part] | None = None
    """The parts of the request that are wrong, where several may be."""


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, Any]] | None = None,
) -> Response:
    """An answer that tells why a request was not done."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase if status in _KNOWN else "Client Closed Request",
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors is not None:
        document["errors"] = errors
    more = dict(headers or {})
    if status in _AGAIN:
        more.setdefault("Retry-After", f"{math.ceil(_AGAIN[status])}")
    return JSONResponse(document, status, more, media_type=PROBLEM)


_KNOWN: Final = frozenset(map(int, HTTPStatus))
# What a caller has sent has no place in an answer; the rest of the message says what to send.
_GIVEN: Final = re.compile(
    r"""(?:, got|(unknown \w+)) (?:'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|\[.*|\{.*)"""
)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors of a route, as its description in OpenAPI has them."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def of_error(error: OcrException) -> Response:
    """The answer that an error of ours is."""
    status = 503 if isinstance(error, OcrCancelled) else error.http_status
    detail = told(error)
    if isinstance(error, OcrOptionError):
        detail = _GIVEN.sub(r"\1", detail)
    headers: dict[str, str] = {}
    if (seconds := getattr(error, "retry_after", None)) is not None:
        headers["Retry-After"] = f"{math.ceil(seconds)}"
    if isinstance(error, OcrUnauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status, code_of(error), detail, headers=headers)


def install(app: FastAPI) -> None:
    """Has an application answer errors in this way, and no other."""
    app.add_exception_handler(OcrException, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, OcrException):
        raise error
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("a request failed", exc_info=error)
    return of_error(error)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    # Without what was sent, which has no place in an answer.
    parts = [{"loc": list(each["loc"]), "msg": each["msg"]} for each in error.errors()]
    detail = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in parts)
    return problem(422, _CODES[422], detail or "the request is not valid", errors=parts)


async def _plain(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "error")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    _LOG.critical("a request failed unexpectedly", exc_info=error)
    detail = "the service failed unexpectedly; its log says more under the request's id"
    return problem(500, "internal_error", detail)
