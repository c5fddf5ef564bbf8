"""Standard streams that only the result, and only our own messages, can reach.

Native libraries print to the file descriptors 1 and 2 as they please: libtiff complains of damaged
files, a runtime may announce itself. One such line on standard output would spoil the result. So
while a command works, both descriptors lead elsewhere and we write to copies of the real ones.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Streams", "own_streams"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Where a command writes."""

    out: BinaryIO | None
    """The result, in bytes, as its encoding does not depend on the locale; None where closed."""
    err: TextIO
    """Progress and errors."""


@contextmanager
def own_streams(*, chatter: bool) -> Iterator[Streams]:
    """Takes the standard streams away from everybody else in the process.

    What Python code prints meanwhile goes to standard error. Streams that were replaced already,
    as tests and notebooks do, are taken as they are.

    Args:
        chatter: Whether what native code prints is shown on standard error; dropped otherwise.
    """
    out, err = sys.stdout, sys.stderr
    if not (_is_descriptor(out, 1) and _is_descriptor(err, 2)):
        # Either is None where the process was started without it, whatever its type says.
        yield Streams(out=getattr(out, "buffer", None), err=err or io.StringIO())
        return
    out.flush()
    err.flush()
    real_out = os.fdopen(os.dup(1), "wb")
    real_err = os.fdopen(
        os.dup(2), "w", buffering=1, encoding=err.encoding, errors="backslashreplace"
    )
    _redirect(chatter)
    sys.stdout = sys.stderr = real_err
    try:
        yield Streams(out=real_out, err=real_err)
    finally:
        sys.stdout, sys.stderr = out, err
        os.dup2(real_out.fileno(), 1)
        os.dup2(real_err.fileno(), 2)
        # A full disk or a closed pipe was reported when it was written to.
        for stream in (real_out, real_err):
            with suppress(OSError):
                stream.close()


def _is_descriptor(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):
        return False


def _redirect(chatter: bool) -> None:
    if chatter:
        os.dup2(2, 1)
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
