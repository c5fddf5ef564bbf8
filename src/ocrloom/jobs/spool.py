"""The folder of what was sent, and signs of the servers that live."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryFull, OcrServiceUnavailable
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Spool", "SpoolFile"]

_FORGOTTEN: Final = 24 * 3600.0  # seconds; no upload takes that long


class Spool:
    """Files of one name each, which nobody outside has chosen.

    Servers that share a database share it too.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the folder where it is missing.

        Raises:
            OcrServiceUnavailable: It cannot be made, or cannot be written to.
        """
        self.folder = folder.absolute()
        self.documents = self.folder / "documents"
        """Copies of the sources of the library's documents."""
        self._uploads = self.folder / "uploads"
        self._servers = self.folder / "servers"
        try:
            for each in (self._uploads, self._servers, self.documents):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(6)}"
        """Name of this server, which no other one ever has."""
        self._sign: IO[bytes] | None = None

    def new(self) -> SpoolFile:
        """A file to write what is sent to."""
        return SpoolFile(self._uploads / f"{secrets.token_hex(16)}.{self.worker}")

    def path(self, name: str) -> Path:
        """Where a file is."""
        return self._uploads / name

    def remove(self, names: Iterable[str | None]) -> None:
        """Removes files; those that are gone are no matter."""
        for name in names:
            if name is not None:
                with suppress(OSError):
                    self.path(name).unlink()

    # Which servers live

    def live(self) -> None:
        """Shows others on this machine that this server lives, until its process ends."""
        # Locked before it is seen: a sign that nobody holds is that of a dead server.
        hidden = self._servers / f".{self.worker}"
        try:
            self._sign = hidden.open("wb")
            _lock(self._sign)
            hidden.rename(self._servers / self.worker)
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def leave(self) -> None:
        """Shows no more that this server lives."""
        if self._sign is not None:
            self._sign.close()
            with suppress(OSError):
                (self._servers / self.worker).unlink()

    def dead(self) -> list[str]:
        """The servers of this folder that have ended without leaving it."""
        found = []
        for path in sorted(self._servers.iterdir()):
            if path.name == self.worker or path.name.startswith("."):
                continue
            with suppress(OSError), path.open("rb+") as sign:
                if _lock(sign):
                    found.append(path.name)
        return found

    def bury(self, workers: Iterable[str]) -> None:
        """Forgets servers that have ended, and what was being sent to them."""
        for worker in workers:
            with suppress(OSError):
                (self._servers / worker).unlink()

    def strays(self, dead: Iterable[str]) -> list[str]:
        """Names of files that may belong to no job: of ended servers, or old ones."""
        ended = set(dead)
        # In this order: who begins in between is known before anything is sent to it.
        uploads = list(self._uploads.iterdir())
        living = {path.name for path in self._servers.iterdir()} - ended
        found = []
        for path in uploads:
            with suppress(OSError):
                writer = path.name.partition(".")[2]
                old = time.time() - path.stat().st_mtime > _FORGOTTEN
                if writer not in living or old:
                    found.append(path.name)
        return found

    @property
    def free(self) -> int:
        """Bytes that the disk has left."""
        return shutil.disk_usage(self.folder).free


class SpoolFile:
    """What is being sent. It blocks: write in a thread where there is much."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.path = path
        self.size = 0
        self._digest = hashlib.sha256()
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise _full(error) from error

    def write(self, data: bytes) -> None:
        """Adds some.

        Raises:
            OcrLibraryFull: The disk has no room.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise _full(error) from error
        self.size += len(data)
        self._digest.update(data)

    def finish(self) -> str:
        """Closes it, and gives the SHA-256 of what it holds in hexadecimal digits."""
        try:
            # Not synchronised to the disk, as the database's last commits are not either.
            self._file.close()
        except OSError as error:
            raise _full(error) from error
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Closes and removes it; again, or after `finish`, too."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self.path.unlink()


def _lock(file: IO[bytes]) -> bool:
    """Whether nobody else has the file locked; the lock ends with the process, however it does."""
    try:
        import fcntl
    except ImportError:
        # Without it other servers learn of an end by the lease only.
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _full(error: OSError) -> OcrLibraryFull:
    return OcrLibraryFull(f"what was sent cannot be kept: {error.strerror}; make room for it")


def _unwritable(folder: Path, error: OSError) -> OcrServiceUnavailable:
    return OcrServiceUnavailable(
        f"{shown(str(folder))}: the folder for what is sent cannot be written to: {error.strerror};"
        " give another one with --spool"
    )
