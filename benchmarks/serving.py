"""The server as people run it: a process of its own, on a free port of loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["LONG", "Server", "started"]

LONG: Final = 60.0
"""Seconds after which a server must run, or have ended."""

_TEXT: Final = "ocrloom: listening on "
_OURS: Final = "OCRLOOM_"


class Server:
    """A server that runs, or ran."""

    def __init__(
        self, process: subprocess.Popen[bytes], log: Path, library: str, spool: str
    ) -> None:
        self.process = process
        self.library = library
        """What ``--library`` was given."""
        self.spool = spool
        """What ``--spool`` was given."""
        self.url = ""
        self._log = log

    def log(self) -> str:
        """What it has written to its standard error so far."""
        return self._log.read_text(encoding="utf-8")

    def client(self, key: str | None = None, **more: Any) -> httpx.Client:  # noqa: ANN401  # theirs
        """A client of it; the caller closes it.

        Args:
            key: The API key that it sends.
            **more: For `httpx.Client`.
        """
        return httpx.Client(**{**self.settings(key), **more})

    def settings(self, key: str | None = None) -> dict[str, Any]:
        """What clients of it need, also asynchronous ones."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return {"base_url": self.url, "headers": headers, "timeout": LONG, "trust_env": False}

    def stop(self, patience: float = LONG) -> int:
        """Asks it to end, as service managers do, and waits for that; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience)

    def kill(self) -> None:
        """Ends it without a warning."""
        self.process.kill()
        self.process.wait(LONG)


@contextmanager
def started(
    *flags: object,
    env: Mapping[str, str] | None = None,
    library: object = None,
    spool: object = None,
) -> Iterator[Server]:
    """Starts a server that is ready, and ends it.

    Args:
        *flags: Further ones of ``ocrloom serve``.
        env: Further variables of its environment; none of ours comes from outside.
        library: A file or an address; by default a file that is removed in the end.
        spool: A folder, likewise.
    """
    with tempfile.TemporaryDirectory(prefix="ocrloom-served-") as made:
        folder = Path(made)
        where = str(library or folder / "library.db"), str(spool or folder / "spool")
        command = [sys.executable, "-m", "ocrloom", "serve", "--port", "0"]
        command += ["--library", where[0], "--spool", where[1], *map(str, flags)]
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**outside, **(env or {})},
            )
        server = Server(process, log, *where)
        try:
            _await_ready(server)
            yield server
        finally:
            server.kill()


def _await_ready(server: Server) -> None:
    end = time.monotonic() + LONG
    while True:
        if server.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the server did not start: {server.log()}")
        server.url = server.url or _address(server.log())
        if server.url:
            try:
                if httpx.get(f"{server.url}/readyz", trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
        time.sleep(0.02)


def _address(log: str) -> str:
    """Where it listens, as the lines of either form of its log tell."""
    for line in log.splitlines(keepends=True):
        if not line.endswith("\n"):
            continue  # not written to its end yet
        if line.startswith(_TEXT):
            return line.removeprefix(_TEXT).split()[0]
        if line.startswith("{"):
            entry = json.loads(line)
            if entry.get("event") == "listening":
                return str(entry["url"])
    return ""
