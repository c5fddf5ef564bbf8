"""Checking and opening sources before anything is decoded."""

from __future__ import annotations

import errno
import io
import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from ocrloom.errors import (
    OcrException,
    OcrImageTooLarge,
    OcrOptionError,
    OcrSourceEmpty,
    OcrSourceIsDirectory,
    OcrSourceNotAFile,
    OcrSourceNotFound,
    OcrSourceUnreadable,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.options import Limits

__all__ = [
    "Readable",
    "check_file",
    "check_size",
    "file_error",
    "open_file",
    "read_stream",
    "shown",
]


class Readable(Protocol):
    """Anything with ``read(size)`` that gives bytes: a file opened with ``"rb"``, an upload."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""


_NO_BYTES: Final = "expected a file object that gives bytes, as open(…, 'rb') does, but"

# Read at a time: large enough for speed, small enough that a limit is noticed soon.
_CHUNK: Final = 1024 * 1024

# Who logs in where with what: all of it on the web, where it may be a key without a name.
_SECRET: Final = re.compile(r"(\bhttps?://|://[^/?#@:\s]*:)[^/?#\s]*@", re.IGNORECASE)

_SPECIAL: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


def shown(name: str | None) -> str:
    """A source's name for a message.

    Control characters and broken encodings are escaped, and passwords in URLs hidden.
    """
    if name is None:
        return "the image"
    if "://" in name:
        name = _SECRET.sub(r"\1***@", name)
    return name if name.isprintable() else ascii(name)


def check_file(name: str, limits: Limits) -> Path:
    """Find out whether a file can be read, without reading more than its first byte.

    Args:
        name: The file as the user named it.
        limits: ``max_bytes`` is compared with the file's size.

    Returns:
        The absolute path, so that a later change of the working directory does no harm.

    Raises:
        OcrSourceError: The file is missing, a folder, no regular file, unreadable or empty.
        OcrImageTooLarge: The file is over ``limits.max_bytes``.
    """
    # Path("") means the working directory, which nobody who passes "" means.
    if not name:
        raise OcrSourceNotFound("the source's name is empty; give the name of an image file")
    try:
        path = Path(name).absolute()
        # Before any open: opening a FIFO would wait for its writer, a device may act on it.
        _check_kind(path.stat(), name)
        with open_file(path, name, limits) as file:
            # Only reading tells the truth: os.access says yes to root and on some shares.
            file.read(1)
    except (OSError, ValueError) as error:
        raise file_error(error, name) from error
    return path


def open_file(path: Path, name: str, limits: Limits) -> BinaryIO:
    """Open a regular file for reading and check it again: it may have changed since.

    Raises:
        OSError: What opening raises; map it with `file_error`.
        OcrSourceError: It is no regular file, or it is empty.
        OcrImageTooLarge: The file is over ``limits.max_bytes``.
    """
    file = _open(path)
    try:
        status = os.fstat(file.fileno())
        _check_kind(status, name)
        check_size(status.st_size, limits, shown(name))
    except BaseException:
        file.close()
        raise
    return file


def _open(path: Path) -> BinaryIO:
    # A file that a FIFO has replaced since it was checked must not block either.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags), "rb")


def check_size(size: int, limits: Limits, what: str) -> None:
    """Refuse an encoded source that is empty or too large.

    Raises:
        OcrSourceEmpty: ``size`` is 0.
        OcrImageTooLarge: ``size`` is over ``limits.max_bytes``.
    """
    if size == 0:
        raise OcrSourceEmpty(f"{what}: empty, 0 bytes; give an image file with something in it")
    if size > limits.max_bytes:
        raise OcrImageTooLarge(
            f"{what}: {size} bytes are over the limit of {limits.max_bytes}; if the size is"
            " right, raise it with Limits(max_bytes=…) or --max-bytes"
        )


def read_stream(stream: Readable, name: str | None, limits: Limits) -> bytes:
    """Read a binary file object from where it stands to its end, at most ``max_bytes``.

    Raises:
        OcrOptionError: The object gives no bytes, for instance because it is in text mode.
        OcrSourceUnreadable: Reading failed, or the object is closed.
        OcrSourceEmpty: There was nothing to read.
        OcrImageTooLarge: There was more than ``limits.max_bytes``.
    """
    what = "the file object" if name is None else shown(name)
    _refuse_text(stream, what)
    parts: list[bytes] = []
    size = 0
    # One byte over the limit is enough to know; an endless stream ends here too.
    while size <= limits.max_bytes:
        part = _read_part(stream.read, min(_CHUNK, limits.max_bytes + 1 - size), what)
        if not part:
            break
        parts.append(part)
        size += len(part)
    if size > limits.max_bytes:
        raise OcrImageTooLarge(
            f"{what}: more than the limit of {limits.max_bytes} bytes; if the size is right,"
            " raise it with Limits(max_bytes=…) or --max-bytes"
        )
    check_size(size, limits, what)
    return b"".join(parts)


def _refuse_text(stream: object, what: str) -> None:
    if isinstance(stream, io.TextIOBase):
        raise OcrOptionError(f"{what}: {_NO_BYTES} it is in text mode; open it with 'rb'")


def _read_part(read: Callable[[int], object], size: int, what: str) -> bytes:
    try:
        part = read(size)
    except (OSError, ValueError) as error:
        raise OcrSourceUnreadable(
            f"{what}: cannot be read: {error}; give a file object that is open for reading"
        ) from error
    except TypeError as error:
        raise OcrOptionError(f"{what}: {_NO_BYTES} read({size}) failed: {error}") from error
    if part is None:
        raise OcrSourceUnreadable(
            f"{what}: non-blocking and without data now; read it first and give its bytes"
        )
    if not isinstance(part, (bytes, bytearray, memoryview)):
        if hasattr(part, "close"):
            # A coroutine of an asynchronous file: closed, so that Python does not warn.
            part.close()
        raise OcrOptionError(
            f"{what}: {_NO_BYTES} it gives {type(part).__name__}; open it with 'rb'"
        )
    return bytes(part)


def _check_kind(status: os.stat_result, name: str) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise OcrSourceIsDirectory(f"{shown(name)}: a folder; give the name of one image file")
    if kind != stat.S_IFREG:
        found = _SPECIAL.get(kind, "not a regular file")
        raise OcrSourceNotAFile(
            f"{shown(name)}: expected a regular file, found {found}, which may never end; save"
            " what it gives to a file, or read it and give its bytes"
        )


def file_error(error: OSError | ValueError, name: str) -> OcrException:
    """The exception for what stat, open or read raised about a file."""
    code = error.errno if isinstance(error, OSError) else None
    reason = os.strerror(code) if code else str(error)
    if code in (errno.ENOENT, errno.ENOTDIR):
        return OcrSourceNotFound(f"{shown(name)}: no such file; check the name and the folder")
    if code == errno.ENAMETOOLONG or not isinstance(error, OSError):
        # ValueError: a NUL inside, or characters that this system's names cannot hold.
        return OcrSourceNotFound(f"{shown(name)}: no file can have this name: {reason}")
    if code == errno.EISDIR:
        return OcrSourceIsDirectory(f"{shown(name)}: a folder; give the name of one image file")
    return OcrSourceUnreadable(
        f"{shown(name)}: exists but cannot be read: {reason}; check its permissions and its disk"
    )
