"""Load: many callers of one server at once, each of whom wants every page that was taken read."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

import ocrloom
from benchmarks.order import percentile
from ocrloom.formats import txt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.serving import Server

__all__ = ["LoadReport", "Source", "measure", "sources"]

_WAIT: Final = 20  # seconds that a request may wait for a job's end
_PAUSE: Final = 0.2  # seconds before what broke off is tried again
_PATIENCE: Final = 600.0  # seconds in which a job that was taken must end
_MEDIA: Final = {".png": "image/png", ".jpg": "image/jpeg", ".tif": "image/tiff"}
_OPEN: Final = frozenset({"queued", "running"})


@dataclass(frozen=True, slots=True)
class Source:
    """A page that callers send."""

    name: str
    content: bytes
    media: str
    text: str
    """What is read of it without a server."""


@dataclass(slots=True)
class LoadReport:
    """What became of everything that was sent."""

    clients: int
    seconds: float = 0.0
    """From the first request to the last job's end."""
    sent: int = 0
    """Jobs that callers wanted; each counts once, however often it was sent."""
    accepted: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    """Jobs by their last status."""
    lost: int = 0
    """Jobs that were accepted and never ended, or that nobody knows any more."""
    differing: int = 0
    """Results that are not the text that the same page has without a server."""
    answers: dict[int, int] = field(default_factory=dict)
    """Answers to all requests by status."""
    busy: int = 0
    """Jobs that were refused with 429, at least once, and accepted later."""
    without_retry: int = 0
    """Answers 429 and 503 that did not say when to try again."""
    accepting: list[float] = field(default_factory=list)
    """Seconds that requests took which were answered with 202."""

    @property
    def failures(self) -> int:
        """Answers that say the server failed."""
        return sum(count for status, count in self.answers.items() if status >= 500)

    @property
    def done(self) -> int:
        """Jobs that succeeded."""
        return self.ended.get("succeeded", 0)

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the jobs was accepted."""
        return percentile(self.accepting, share) if self.accepting else 0.0


def sources(paths: Sequence[Path], language: str) -> list[Source]:
    """Read files, both their bytes and their text.

    Args:
        paths: The files.
        language: Of their text.
    """
    engine = ocrloom.OcrEngine(language=language)
    return [
        Source(
            path.name,
            path.read_bytes(),
            _MEDIA.get(path.suffix, "application/octet-stream"),
            txt.render(engine.process(path)),
        )
        for path in paths
    ]


def measure(
    server: Server,
    pages: Sequence[Source],
    *,
    clients: int,
    seconds: float,
    most: int | None = None,
    options: Mapping[str, str] | None = None,
) -> LoadReport:
    """Let callers send pages, one after the other each, and wait for what becomes of them.

    Args:
        server: One that runs.
        pages: Sent in turn.
        clients: Callers at the same time.
        seconds: For which they send; what was accepted is waited for.
        most: Jobs in all; any number if not given.
        options: Of each job.
    """
    return asyncio.run(_Load(server, pages, clients, seconds, most, options or {}).run())


class _Load:
    def __init__(
        self,
        server: Server,
        pages: Sequence[Source],
        clients: int,
        seconds: float,
        most: int | None,
        options: Mapping[str, str],
    ) -> None:
        self._server = server
        self._options = options
        self._report = LoadReport(clients)
        self._turns = zip(itertools.count(), itertools.cycle(pages), strict=False)
        self._ends = time.monotonic() + seconds
        self._most = most

    async def run(self) -> LoadReport:
        begun = time.monotonic()
        # Each caller has connections of its own: one pool of hundreds would keep them waiting.
        settings = {**self._server.settings(), "verify": httpx.create_ssl_context()}
        await asyncio.gather(*(self._call(settings) for _ in range(self._report.clients)))
        self._report.seconds = time.monotonic() - begun
        return self._report

    async def _call(self, settings: Mapping[str, Any]) -> None:
        """One caller: sends a page, waits for its end, and looks at the text."""
        async with httpx.AsyncClient(**settings) as client:
            while (turn := self._next()) is not None:
                number, page = turn
                job = await self._submit(client, f"load-{number}", page)
                if job is None:
                    continue
                self._report.accepted += 1
                ended = await self._end(client, job)
                if ended is None:
                    self._report.lost += 1
                    continue
                _count(self._report.ended, ended["status"])
                await self._compare(client, ended, page.text)

    def _next(self) -> tuple[int, Source] | None:
        over = self._most is not None and self._report.sent >= self._most
        if over or time.monotonic() > self._ends:
            return None
        self._report.sent += 1
        return next(self._turns)

    async def _submit(
        self, client: httpx.AsyncClient, key: str, page: Source
    ) -> dict[str, Any] | None:
        """Sends until it is accepted; None where it is refused for good."""
        refused = False
        while True:
            begun = time.monotonic()
            answer = await self._ask(
                client,
                "POST",
                "/v1/jobs",
                content=page.content,
                params={"name": page.name, **self._options},
                headers={"Content-Type": page.media, "Idempotency-Key": key},
            )
            if answer is None:
                continue
            if answer.status_code == httpx.codes.ACCEPTED:
                self._report.accepting.append(time.monotonic() - begun)
                self._report.busy += refused
                job: dict[str, Any] = answer.json()
                return job
            if not await self._later(answer):
                return None
            refused = True

    async def _end(
        self, client: httpx.AsyncClient, job: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        ends = time.monotonic() + _PATIENCE
        while time.monotonic() < ends:
            answer = await self._ask(client, "GET", job["links"]["self"], params={"wait": _WAIT})
            if answer is None:
                continue
            if answer.is_success:
                found: dict[str, Any] = answer.json()
                if found["status"] not in _OPEN:
                    return found
            elif not await self._later(answer):
                return None
        return None

    async def _compare(self, client: httpx.AsyncClient, job: Mapping[str, Any], text: str) -> None:
        answer = None
        while answer is None:
            answer = await self._ask(
                client, "GET", job["links"]["result"], params={"format": "txt"}
            )
        self._report.differing += not answer.is_success or answer.text != text

    async def _later(self, answer: httpx.Response) -> bool:
        """Waits as long as an answer asks for; False where it asks for nothing."""
        if answer.status_code not in (429, 503):
            return False
        given = answer.headers.get("Retry-After")
        self._report.without_retry += given is None
        await asyncio.sleep(float(given or 1))
        return True

    async def _ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int],
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> httpx.Response | None:
        """One request; None where the connection broke."""
        try:
            answer = await client.request(
                method, url, params=params, headers=headers, content=content
            )
        except httpx.TransportError:
            await asyncio.sleep(_PAUSE)
            return None
        _count(self._report.answers, answer.status_code)
        return answer


def _count(found: dict[Any, int], what: object) -> None:
    found[what] = found.get(what, 0) + 1
