"""The server's log: one line an event on standard error, for machines as JSON or for people.

What a line tells besides its message are the fields given with ``extra``, and the request, job and
key that were current. Neither API keys nor query strings nor names of files are among them.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.service.settings import LogFormat, LogLevel

__all__ = ["adopt", "announce", "configure", "job_id", "key_id", "request_id"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is answered now; set for each by the middleware."""
job_id: ContextVar[str | None] = ContextVar("job_id", default=None)
"""The job that is worked on now; set by the runner."""
key_id: ContextVar[str | None] = ContextVar("key_id", default=None)
"""The public part of the API key that came with the request."""

_CURRENT: Final = (("request_id", request_id), ("job_id", job_id), ("key_id", key_id))
_LISTENING: Final = "listening"
# What matters of their lines is logged by us; some hold whole addresses with their query strings.
_TALKATIVE: Final = ("uvicorn", "httpx", "httpcore", "asyncio", "python_multipart", "sse_starlette")
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "color_message",
}


def configure(form: LogFormat, level: LogLevel) -> None:
    """Has all loggers of the process write to standard error; uvicorn must not set up its own.

    Args:
        form: ``json``, or ``text`` for people.
        level: The least that is written.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    handler.addFilter(_with_context)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def adopt(name: str, level: int) -> None:
    """Has a library's loggers write as all others, where it has set up its own when it was loaded.

    Args:
        name: Of the uppermost of its loggers.
        level: The least that is written.
    """
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(level)


def announce(url: str) -> None:
    """Writes where the server listens, whatever the level: programs that start it wait for that."""
    record = logging.makeLogRecord(
        {
            "name": __name__,
            "levelno": logging.INFO,
            "levelname": "INFO",
            "msg": "listening on %s",
            "args": (url,),
            "event": _LISTENING,
            "url": url,
        }
    )
    for handler in logging.getLogger().handlers:
        handler.handle(record)


def _with_context(record: logging.LogRecord) -> bool:
    """Adds what is current where the line is written; it may be formatted elsewhere."""
    for name, variable in _CURRENT:
        value = variable.get()
        if value is not None and not hasattr(record, name):
            setattr(record, name, value)
    return True


def _fields(record: logging.LogRecord) -> Iterable[tuple[str, Any]]:
    # Libraries that make the records have notes of their own there.
    return (
        (name, value)
        for name, value in record.__dict__.items()
        if name not in _STANDARD and not name.startswith("_")
    )


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **dict(_fields(record)),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
            entry["exception"] = {
                "type": kind.__name__,
                "message": str(error),
                "traceback": "".join(traceback.format_exception(error)),
            }
        return json.dumps(entry, ensure_ascii=False, default=str)


class _Text(logging.Formatter):
    """Time, level, message and fields; a traceback below them."""

    def format(self, record: logging.LogRecord) -> str:
        message = _one_line(record.getMessage())
        if getattr(record, "event", None) == _LISTENING:
            return f"ocrloom: {message}"
        told = [f"{name}={_one_line(str(value))}" for name, value in _fields(record)]
        line = "  ".join([_time(record), f"{record.levelname.lower():<8}", message, *told])
        if record.exc_info and record.exc_info[0] is not None:
            return f"{line}\n{self.formatException(record.exc_info)}"
        return line


def _one_line(text: str) -> str:
    """Without characters that would begin another line or steer a terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
