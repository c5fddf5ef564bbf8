"""Telling others of what happens to jobs: signed, again where it did not work, and written down."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import random
import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrException, OcrForbidden, OcrRequestError
from ocrloom.jobs import deliveries
from ocrloom.jobs.deliveries import Attempt, Share
from ocrloom.jobs.records import Status
from ocrloom.wire import code_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocrloom.jobs.deliveries import Delivery
    from ocrloom.library.desk import Desk
    from ocrloom.service.metrics import Metrics
    from ocrloom.service.network import Guard
    from ocrloom.service.settings import Settings

__all__ = ["ENDS", "EVENTS", "Deliverer", "checked_webhook", "signature"]

_LOG = logging.getLogger(__name__)

ENDS: Final = tuple(status.value for status in Status if status.ended)
"""The events that are told of where a request does not say which."""
EVENTS: Final = (
    "queued",
    "started",
    "requeued",
    "page",
    "page_failed",
    "canceling",
    *ENDS,
)
"""The events that can be told of."""

_STATUS: Final = {"queued": Status.QUEUED, "requeued": Status.QUEUED}

_MEMBERS: Final = frozenset({"url", "events", "secret", "headers"})
_SECRET: Final = re.compile(r"[\x20-\x7e]{16,200}")
_HEADER: Final = re.compile(r"[\w!#$%&'*+.^`|~-]{1,64}", re.ASCII)
_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?")
_MOST_HEADERS: Final = 20
# What the service sets itself, or what decides where a request ends.
_OURS: Final = ("ocrloom-", "content-", "proxy-", "sec-")
_OURS_WHOLE: Final = frozenset(
    {"connection", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)

_GONE: Final = 410
_FACTOR: Final = 3.0  # between one pause and the next
_LONGEST_PAUSE: Final = 1800.0  # seconds
_JITTER: Final = 0.2  # of a pause, either way: not all come back at the same moment
_LOOK: Final = 1.0  # seconds between two looks for calls that are due


def checked_webhook(document: object, settings: Settings, guard: Guard) -> dict[str, Any]:
    """A webhook as a request gives it, with everything that it may leave out.

    Args:
        document: ``url``, ``secret``, and perhaps ``events`` and ``headers``.
        settings: Say whether there are any.
        guard: Looks at the address.

    Raises:
        OcrForbidden: The service calls none, or none there.
        OcrRequestError: It is not written as webhooks are.
    """
    if not settings.webhooks:
        raise OcrForbidden(
            "expected no webhook, got one; the operator can allow them with --webhooks"
        )
    if not isinstance(document, dict) or document.keys() - _MEMBERS:
        raise _wrong("an object with url, secret, events and headers, and nothing else")
    url, secret = document.get("url"), document.get("secret")
    if not isinstance(url, str):
        raise _wrong("a string as its url")
    guard.check(url)
    if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
        raise _wrong("16 to 200 visible ASCII characters as its secret, which signs what is sent")
    return {
        "url": url,
        "secret": secret,
        "events": _events(document.get("events")),
        "headers": _headers(document.get("headers")),
    }


def _events(given: object) -> Sequence[str]:
    if given is None:
        return ENDS
    if not isinstance(given, list) or not given or any(each not in EVENTS for each in given):
        raise _wrong(f"a list of some of {', '.join(EVENTS)} as its events")
    return [event for event in EVENTS if event in given]


def _headers(given: object) -> Mapping[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > _MOST_HEADERS:
        raise _wrong(f"an object with at most {_MOST_HEADERS} headers")
    for name, value in given.items():
        plain = name.lower()
        if not _HEADER.fullmatch(name) or plain.startswith(_OURS) or plain in _OURS_WHOLE:
            raise _wrong("names of headers that the service does not set itself")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise _wrong("visible ASCII characters as values of its headers")
    return given


def _wrong(expected: str) -> OcrRequestError:
    return OcrRequestError(f"webhook: expected {expected}, got something else; correct it")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What the header ``Ocrloom-Signature`` says: HMAC with SHA-256 of when and what was sent.

    Args:
        secret: The webhook's.
        timestamp: What the header ``Ocrloom-Timestamp`` says.
        body: What was sent.
    """
    mac = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


class Deliverer:
    """Makes the calls that are due. Any number of servers may share a database's."""

    def __init__(
        self,
        desk: Desk,
        guard: Guard,
        worker: str,
        *,
        metrics: Metrics | None = None,
        tries: int = 8,
        pause: float = 5.0,
        patience: float = 15.0,
        at_once: int = 16,
    ) -> None:
        """Makes an idle one.

        Args:
            desk: Has the database.
            guard: Sends.
            worker: Name of this server.
            metrics: Counts.
            tries: Calls after which an event is given up.
            pause: Seconds after the first one; after each further one it is three times as long.
            patience: Seconds in which an answer must come.
            at_once: Calls at a time: half of them for one owner's jobs, and a quarter for those to
                one address.
        """
        self._desk = desk
        self._guard = guard
        self._worker = worker
        self._metrics = metrics
        self._tries = tries
        self._pause = pause
        self._patience = patience
        self._room = asyncio.Semaphore(at_once)
        self._share = Share(owner=max(at_once // 2, 1), target=max(at_once // 4, 1))

    async def run(self) -> None:
        """Makes calls until it is cancelled; what is not answered then is made again."""
        async with asyncio.TaskGroup() as calls:
            while True:
                await self._room.acquire()
                calls.create_task(self._make(*await self._next()))

    async def _next(self) -> tuple[Delivery, Mapping[str, Any]]:
        waiting = partial(deliveries.waiting, worker=self._worker, share=self._share)
        claim = partial(deliveries.claim, worker=self._worker, share=self._share)
        while True:
            try:
                is_due = await self._desk.read(waiting)
                if is_due and (claimed := await self._desk.write(claim)) is not None:
                    return claimed
            except Exception:  # noqa: BLE001  # whatever it is, there may be none in a moment
                _LOG.exception("webhooks wait for the database")
            await asyncio.sleep(_LOOK)

    async def _make(self, delivery: Delivery, webhook: Mapping[str, Any]) -> None:
        try:
            attempt = await self._call(delivery, webhook)
            again = self._again(delivery, attempt)
            await self._desk.write(
                lambda store: deliveries.noted(store, delivery, self._worker, attempt, again)
            )
            outcome = "retried" if again else "failed" if attempt.error else "delivered"
            if self._metrics is not None:
                self._metrics.delivered(outcome)
            _LOG.info(
                "called a webhook",
                extra={"job_id": delivery.job, "event_id": delivery.id, "outcome": outcome},
            )
        except Exception:  # noqa: BLE001  # the others go on; this is made again after its lease
            _LOG.exception("a call of a webhook failed unexpectedly")
        finally:
            self._room.release()

    async def _call(self, delivery: Delivery, webhook: Mapping[str, Any]) -> Attempt:
        body = payload(delivery)
        now = time.time()
        timestamp = str(int(now))
        began = time.monotonic()
        status, error = None, None
        try:
            status = await self._guard.post(
                webhook["url"],
                body,
                {
                    **webhook["headers"],
                    "Content-Type": "application/json",
                    "Ocrloom-Event-Id": delivery.id,
                    "Ocrloom-Timestamp": timestamp,
                    "Ocrloom-Signature": signature(webhook["secret"], timestamp, body),
                },
                self._patience,
            )
        except OcrException as reason:
            error = code_of(reason)
        if status is not None and not 200 <= status < 300:
            error = "refused"
        seconds = round(time.monotonic() - began, 3)
        return Attempt(time=now, status=status, error=error, seconds=seconds)

    def _again(self, delivery: Delivery, attempt: Attempt) -> float | None:
        if attempt.error is None or attempt.status == _GONE or delivery.attempts >= self._tries:
            return None
        pause = min(self._pause * _FACTOR ** (delivery.attempts - 1), _LONGEST_PAUSE)
        # Nothing secret depends on it.
        return time.time() + pause * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311


def payload(delivery: Delivery) -> bytes:
    """What is sent of an event: the same however often it is sent."""
    status = (
        Status(delivery.kind)
        if delivery.kind in ENDS
        else _STATUS.get(delivery.kind, Status.RUNNING)
    )
    link = f"/v1/jobs/{delivery.job}"
    document = {
        "id": delivery.id,
        "event": delivery.kind,
        "job": delivery.job,
        "status": status.value,
        "number": delivery.event,
        "page": delivery.page,
        "time": datetime.fromtimestamp(delivery.time, UTC).isoformat().replace("+00:00", "Z"),
        "links": {"self": link, "result": f"{link}/result"},
    }
    return json.dumps(document, separators=(",", ":")).encode()
