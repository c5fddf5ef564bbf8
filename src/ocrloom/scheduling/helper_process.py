"""The helper's side of ``helpers``: answers one request after the other until its parent is gone.

Imports little, so that a helper is there soon; what a function needs comes with its first call.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import struct
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

__all__ = ["READY", "SIGNAL", "read_message", "serve", "write_message"]

READY: Final = b"\0ocrloom: ready\0"
"""What a helper says first. Anything before it was said by somebody's ``sitecustomize``."""
SIGNAL: Final = b"."
"""All that pipes carry later: the message is in the box."""

_LENGTH: Final = struct.Struct("<Q")

_Request: TypeAlias = "tuple[str, tuple[object, ...], int | None]"


def write_message(box: io.FileIO, value: object) -> None:
    """Write a value from the beginning of a file on.

    Args:
        box: A file without a buffer, whose contents are lost.
        value: Anything that can be pickled; large arrays are written as they are.

    Raises:
        OSError: There is no room.
    """
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(data), *(buffer.raw() for buffer in buffers)]
    lengths = b"".join(_LENGTH.pack(length) for length in (len(parts), *map(len, parts)))
    box.seek(0)
    for part in (memoryview(lengths), *parts):
        rest = part
        while rest:
            rest = rest[box.write(rest) :]


def read_message(box: io.FileIO) -> object:
    """Read what `write_message` has written; arrays in it are read-only.

    Raises:
        EOFError: The message is cut short.
    """
    end = box.seek(0, os.SEEK_END)
    box.seek(0)
    count = _LENGTH.unpack(_read(box, _LENGTH.size, end))[0]
    lengths = struct.unpack(f"<{count}Q", _read(box, count * _LENGTH.size, end))
    data, *buffers = [_read(box, length, end) for length in lengths]
    message: object = pickle.loads(data, buffers=buffers)  # noqa: S301  # from the other side
    return message


def _read(box: io.FileIO, size: int, end: int) -> bytes:
    # Compared first: a crashed helper's last words must not make anybody reserve memory.
    if size > end - box.tell():
        raise EOFError(f"expected {size} bytes more, found {end - box.tell()}")
    data = box.read(size) or b""
    # No system reads more than 2 GiB at a time.
    while 0 < len(data) < size:
        data += box.read(size - len(data)) or b""
    return data


def serve() -> None:
    """Be a helper; never returns."""
    requests, replies, box = _take_streams()
    _settle_in(replies)
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    os.write(replies, READY)
    while True:
        waiting.get()
        _answer(box, replies)
        os.write(replies, SIGNAL)


def _take_streams() -> tuple[int, int, io.FileIO]:
    """The standard streams as requests, replies and box; nothing else is heard from them again."""
    requests, replies = os.dup(0), os.dup(1)
    box = os.fdopen(os.dup(2), "r+b", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    return requests, replies, box


def _settle_in(replies: int) -> None:
    # The parent alone decides when a helper ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "win32":
        import msvcrt

        # A crash opens no window that somebody would have to close.
        msvcrt.SetErrorMode(msvcrt.SEM_FAILCRITICALERRORS | msvcrt.SEM_NOGPFAULTERRORBOX)
    else:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))
    if sys.platform == "linux":
        import fcntl

        # If memory runs out, better a helper than anybody else.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
        # SIGIO will say that the pipe's other end was closed, see `_mortal`.
        signal.signal(signal.SIGIO, signal.SIG_IGN)
        fcntl.fcntl(replies, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(replies, fcntl.F_GETFL)
        fcntl.fcntl(replies, fcntl.F_SETFL, flags | os.O_ASYNC)


def _listen(requests: int, waiting: queue.SimpleQueue[bytes]) -> None:
    while request := os.read(requests, 1):
        waiting.put(request)
    # The parent has ended. Not sys.exit(): the main thread may be in a call that never returns.
    os._exit(0)


def _answer(box: io.FileIO, replies: int) -> None:
    answer: tuple[bool, object]
    try:
        function, arguments, memory = cast("_Request", read_message(box))
        module, _, name = function.partition(":")
        with _mortal(replies), _limited(memory):
            answer = True, getattr(importlib.import_module(module), name)(*arguments)
    except Exception as error:  # noqa: BLE001  # raised again in the parent
        answer = False, _portable(error)
    try:
        write_message(box, answer)
    except Exception as error:  # noqa: BLE001  # the result cannot be pickled, or has no room
        write_message(box, (False, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The error, or what can be said of it if it cannot be pickled, with its traceback."""
    import traceback

    note = "In a helper process:\n" + "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own
    except Exception:  # noqa: BLE001  # any class may be written so that it cannot
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


@contextmanager
def _mortal(replies: int) -> Iterator[None]:
    """During a call, lets the kernel end this process when its parent ends.

    `_listen` does so everywhere, but only if the call lets other threads of Python run.

    The parent reads each reply before it sends the next request, so that within a call nothing
    but its end can raise the signal, whose default is to end the process.
    """
    if sys.platform != "linux":
        yield
        return
    import select

    signal.signal(signal.SIGIO, signal.SIG_DFL)
    poll = select.poll()
    poll.register(replies, 0)
    if poll.poll(0):
        os._exit(0)
    try:
        yield
    finally:
        signal.signal(signal.SIGIO, signal.SIG_IGN)


@contextmanager
def _limited(memory: int | None) -> Iterator[None]:
    """Bounds what a call may take, in bytes; only Linux does."""
    if sys.platform != "linux" or memory is None:
        yield
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + memory
    if most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
