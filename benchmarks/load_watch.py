"""A loaded server seen from outside: how soon it answers, what it holds, when its CPU is free."""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from benchmarks import fresh
from benchmarks.order import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.serving import Server

__all__ = ["CancelOverHttp", "Seen", "livez_here", "measure_cancels", "resident", "watching"]

_PROC: Final = Path("/proc")
_BETWEEN: Final = 0.05  # seconds between two questions, and between two looks at the memory
_QUIET: Final = 0.2  # seconds without work after which a CPU counts as free
_IDLE: Final = 0.1  # share of one CPU that a server without work may take
_TICK: Final = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
_SPAN: Final = (0.5, 2.5)  # seconds after the beginning of a job at which it is cancelled
_LONG: Final = 30.0


@dataclass(slots=True)
class Seen:
    """What was seen of a server while something else kept it busy. Sizes in bytes."""

    before: int
    """Resident before: with the models."""
    peak: int = 0
    """The most that its process ever held until the end."""
    family: int = 0
    """The most that it and its helper processes were seen to hold together."""
    livez: tuple[float, ...] = ()
    """Seconds that each answer of ``/livez`` took."""

    def percentile(self, share: float) -> float:
        """Return the seconds within which this share of the answers came."""
        return percentile(self.livez, share) if self.livez else 0.0


@dataclass(frozen=True, slots=True)
class CancelOverHttp:
    """A job that was cancelled while it was read. Seconds from the request on."""

    answered: float
    """Until the request was answered."""
    free: float
    """Until the server's process, for some time, used no CPU any more."""


def resident(process: int, name: str = "VmRSS") -> int:
    """Return what a process holds in bytes, or with ``VmHWM`` the most that it ever held."""
    lines = (_PROC / str(process) / "status").read_text(encoding="utf-8").splitlines()
    found = next(line for line in lines if line.startswith(f"{name}:"))
    return int(found.split()[1]) * 1024


@contextmanager
def watching(server: Server, seconds: float) -> Iterator[Seen]:
    """Asks for ``/livez`` and looks at the memory while the block runs.

    Args:
        server: One that runs.
        seconds: For which to ask; the questions come from a process of their own, which a busy
            caller of the server cannot hold up.
    """
    seen = Seen(before=resident(server.process.pid))
    ended = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        asked = threads.submit(fresh.call, livez_here, url=server.url, seconds=seconds)
        looks = threads.submit(_look, server.process.pid, seen, ended)
        try:
            yield seen
        finally:
            ended.set()
            looks.result()
            seen.livez = tuple(asked.result())
    seen.peak = resident(server.process.pid, "VmHWM")


def livez_here(url: str, seconds: float) -> list[float]:
    """Ask for ``/livez`` again and again over one connection; the seconds of each answer."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_LONG)
    found = []
    ends = time.monotonic() + seconds
    while (begun := time.monotonic()) < ends:
        connection.request("GET", "/livez")
        connection.getresponse().read()
        found.append(time.monotonic() - begun)
        time.sleep(_BETWEEN)
    connection.close()
    return found


def _look(process: int, seen: Seen, ended: threading.Event) -> None:
    while not ended.wait(10 * _BETWEEN):
        seen.family = max(seen.family, sum(map(_held, _family(process))))


def _held(process: int) -> int:
    try:
        return resident(process)
    except (OSError, StopIteration):
        return 0  # it has ended


def _family(process: int) -> list[int]:
    """A process and all that it has begun, directly or not."""
    parents: dict[int, int] = {}
    for folder in _PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                after = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2]
                parents[int(folder.name)] = int(after.split()[1])
    found = [process]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def measure_cancels(
    server: Server, book: bytes, rounds: int, on_step: Callable[[str], None]
) -> list[CancelOverHttp]:
    """Cancel a long job at random moments and see when its server is idle.

    Args:
        server: One that has nothing else to do.
        book: A TIFF that takes much longer to read than the moments are late.
        rounds: How often.
        on_step: Told before each.
    """
    moments = random.Random(1)  # noqa: S311  # no secret
    found = []
    with server.client() as client:
        for number in range(rounds):
            on_step(f"cancel {number + 1}")
            answer = client.post("/v1/jobs", content=book, headers={"Content-Type": "image/tiff"})
            job = answer.json()["links"]["self"]
            while client.get(job).json()["status"] != "running":
                time.sleep(_BETWEEN)
            time.sleep(moments.uniform(*_SPAN))
            begun = time.monotonic()
            client.delete(job)
            answered = time.monotonic() - begun
            found.append(CancelOverHttp(answered, _free(server.process.pid) - begun))
    return found


def _free(process: int) -> float:
    """Waits until a process is idle; the moment from which on it was."""
    ends = time.monotonic() + _LONG
    since, used = time.monotonic(), _used(process)
    while time.monotonic() < ends:
        time.sleep(_TICK)
        now, more = time.monotonic(), _used(process)
        if more - used > _IDLE * max(now - since, _QUIET):
            since, used = now, more
        elif now - since > _QUIET:
            break
    return since


def _used(process: int) -> float:
    """Seconds of CPU that a process has taken, its helpers not counted."""
    after = (_PROC / str(process) / "stat").read_text(encoding="utf-8").rpartition(")")[2]
    fields = after.split()
    return (int(fields[11]) + int(fields[12])) * _TICK
