"""Helper processes, for calls that may never return or take the process with them. No OCR.

What holds:

- A call ends with its result, its exception, ``HelperDied``, or what the checkpoint raises; in the
  last two cases its process is killed and the caller waits for nothing more.
- A helper has one caller at a time. There are never more of them than callers at one time; idle
  ones are used again and end after a while.
- A helper ends with its parent, however that ends. On Linux that is at once; elsewhere a native
  call that keeps Python's lock is ended first.
- Whatever happens, no process, shared memory or file stays behind.
- Nothing that a helper prints is seen, nothing that is typed reaches it, and a fork of the parent
  has nothing of it: it starts helpers of its own.

Messages go through a file without a name, the box, in memory where the system has that. Parent
and helper write and read it in turns, and pipes tell whose turn it is, one byte each time: so
neither blocks the other by a pipe that is full. It is read and not mapped, because a mapping of a
file that the other side cuts short is a crash. The box travels as the helper's standard error
stream, which every system passes on, and catches what Python says if it cannot start.

Helpers are for accidents. A message is a pickle, so who takes over a helper gets the parent too.

Helpers are started as ``sys.executable``, with the parent's module path and without a look at its
``__main__``. A frozen program has only itself as executable and would be started once more, so
there, and where Python is embedded without an executable, no helper can be had: see `available`.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ocrloom.scheduling.deadlines import Deadline, call_after
from ocrloom.scheduling.helper_process import READY, SIGNAL, read_message, write_message

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

__all__ = [
    "Helper",
    "HelperDied",
    "HelperPool",
    "HelperUnavailable",
    "available",
    "shared_helpers",
]

_STEP: Final = 0.02  # seconds between checkpoints
_IDLE: Final = 60.0  # seconds after which an idle helper ends
_SLOW: Final = 5.0  # seconds that a process may take to end after its pipe has ended

# Bytes that an idle helper's box may keep; clearing it each time would cost time.
_KEPT: Final = 64 * 1024**2

_CODE: Final = (
    "import sys; sys.path[:] = sys.argv[1:];"
    "from ocrloom.scheduling.helper_process import serve; serve()"
)

# For libraries, if they are loaded there and look at it.
_ENVIRONMENT: Final = {
    # There are as many helpers as are of use, and the stacks of more threads would count against
    # a call's memory.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    # Otherwise the GNU C library gives a page's memory back after each call and the system
    # clears it again for the next: a third of the time that decoding a page takes.
    "MALLOC_MMAP_THRESHOLD_": str(32 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024**2),
}


class HelperDied(Exception):
    """The process ended without an answer."""

    def __init__(self, how: str) -> None:
        super().__init__(f"a helper process ended without an answer: {how}")
        self.how = how
        """The signal's name or the exit code."""


class HelperUnavailable(Exception):
    """No helper can be started here, or there is no room for its messages."""


def available() -> bool:
    """Whether this program can start helpers at all."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class Helper:
    """One process. Get it from a `HelperPool`; once it has ended it is of no use any more."""

    def __init__(self) -> None:
        """Starts the process and does not wait for it.

        Raises:
            HelperUnavailable: It cannot be started.
        """
        self._ended = True
        if not available():
            raise HelperUnavailable("a frozen or embedded Python has no executable for helpers")
        self._ready = False
        self._signals: queue.SimpleQueue[bool] = queue.SimpleQueue()
        try:
            self._box = _make_box()
        except OSError as error:
            raise HelperUnavailable(f"no file for messages: {error}") from error
        # A fork at the wrong moment would keep the pipes open, and the helper alive.
        with _starting:
            try:
                self._process = _start_process(self._box)
            except OSError as error:
                self._box.close()
                raise HelperUnavailable(f"{sys.executable} cannot be started: {error}") from error
            self._ended = False
            _helpers.add(self)
        self._listener = threading.Thread(
            target=_listen,
            args=(self._process, self._signals),
            name="ocrloom-helper",
            daemon=True,
        )
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return not self._ended and self._process.poll() is None

    def run(
        self,
        function: str,
        *arguments: object,
        memory: int | None = None,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> object:
        """Calls a function in the helper and waits for it.

        Args:
            function: What to call, as ``"module:name"``; it is imported there.
            arguments: For the function; pickled. `pickle.PickleBuffer` spares bytes a copy.
            memory: Bytes that the call may take, on Linux; more is a ``MemoryError`` there.
            checkpoint: Called at least every 20 ms; what it raises kills the helper.

        Returns:
            What the function returns; arrays in it are read-only.

        Raises:
            Exception: What the function raises, its traceback as a note.
            HelperDied: The process has ended without an answer.
            HelperUnavailable: The process never came to work, or there is no room for messages.
            BaseException: What the checkpoint raises.
        """
        try:
            if not self._ready:
                self._wait(checkpoint)
                self._ready = True
            succeeded, value = self._converse((function, arguments, memory), checkpoint)
        except BaseException:
            self.end()
            raise
        if succeeded:
            return value
        try:
            raise cast("Exception", value)
        finally:
            # Its traceback holds this frame: with the error in it they would be a cycle.
            del value

    def end(self) -> None:
        """Kills the process, without waiting for its end; `join` does."""
        if self._ended:
            return
        self._ended = True
        self._process.kill()
        self._close()

    def __del__(self) -> None:
        # Somebody has forgotten to give it back.
        self.end()

    def join(self) -> None:
        """Waits until the process is gone."""
        self._listener.join()

    def _converse(self, request: object, checkpoint: Callable[[], None]) -> tuple[bool, object]:
        assert self._process.stdin is not None  # noqa: S101  # it was asked for
        with _room():
            write_message(self._box, request)
        # If the pipe is broken, the listener knows why.
        with suppress(OSError):
            self._process.stdin.write(SIGNAL)
        self._wait(checkpoint)
        with _room():
            answer = _read_answer(self._box)
            if self._box.tell() > _KEPT:
                self._box.truncate(0)
        return answer

    def _wait(self, checkpoint: Callable[[], None]) -> None:
        checkpoint()
        while True:
            try:
                working = self._signals.get(timeout=_STEP)
            except queue.Empty:
                checkpoint()
                continue
            if working:
                return
            if not self._ready:
                raise HelperUnavailable(f"{sys.executable} {self._last_words()}")
            raise HelperDied(_describe(self._process.returncode))

    def _last_words(self) -> str:
        self._box.seek(0)
        lines = (self._box.read(4096) or b"").decode(errors="replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "nothing")
        return f"ended ({_describe(self._process.returncode)}) before it was ready and said: {said}"

    def _close(self) -> None:
        self._box.close()
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.close()

    def _forget(self) -> None:
        """In a fork: leaves the process to the parent."""
        self._ended = True
        self._close()
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdout.close()
        # So that nobody complains about a process that was not waited for.
        self._process.returncode = 0


class HelperPool:
    """Helpers that were started and are kept for the next caller."""

    def __init__(self, *, idle_seconds: float = _IDLE) -> None:
        """Makes an empty pool.

        Args:
            idle_seconds: After which a helper that nobody wants ends.
        """
        self._idle_seconds = idle_seconds
        self._idle: list[tuple[Helper, Deadline]] = []
        self._lock = threading.Lock()
        self._closed = False
        _pools.add(self)

    def lease(self) -> Helper:
        """A helper for the caller alone, until `give_back`.

        Raises:
            HelperUnavailable: None is idle and none can be started.
        """
        while True:
            with self._lock:
                if not self._idle:
                    break
                helper, deadline = self._idle.pop()
            deadline.cancel()
            if helper.alive:
                return helper
            helper.end()
        return Helper()

    def give_back(self, helper: Helper) -> None:
        """Ends a lease."""
        with self._lock:
            if helper.alive and not self._closed:
                end = call_after(self._idle_seconds, partial(self._retire, helper))
                self._idle.append((helper, end))
                return
        helper.end()

    def close(self) -> None:
        """Ends the idle helpers and waits for that; leased ones end when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for helper, deadline in idle:
            deadline.cancel()
            helper.end()
        for helper, _ in idle:
            helper.join()

    def _retire(self, helper: Helper) -> None:
        with self._lock:
            kept = [entry for entry in self._idle if entry[0] is not helper]
            # If it is not there, somebody was quicker.
            found, self._idle = len(kept) < len(self._idle), kept
        if found:
            helper.end()

    def _forget(self) -> None:
        """In a fork: starts afresh, and keeps nothing, as the clock is in the parent."""
        self._lock = threading.Lock()
        self._idle = []
        self._closed = True


@cache
def shared_helpers() -> HelperPool:
    """The process's pool, closed when Python ends."""
    pool = HelperPool()
    atexit.register(pool.close)
    return pool


def _make_box() -> io.FileIO:
    if sys.platform == "linux":
        try:
            return os.fdopen(os.memfd_create("ocrloom-helper"), "r+b", buffering=0)
        except OSError:
            pass  # some containers forbid it
    # The wrapper that Windows gives passes everything on to the file.
    return tempfile.TemporaryFile(buffering=0)  # type: ignore[return-value,unused-ignore]


def _read_answer(box: io.FileIO) -> tuple[bool, object]:
    try:
        succeeded, value = cast("tuple[bool, object]", read_message(box))
    except OSError:
        raise
    except Exception as error:  # rubbish can raise nearly everything
        raise HelperDied(f"its answer cannot be understood: {error}") from error
    return succeeded, value


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HelperUnavailable(f"no room for a message of a helper: {error}") from error


def _start_process(box: io.FileIO) -> subprocess.Popen[bytes]:
    # "-P" keeps the working directory out, whose files may be anybody's; if the parent has it in
    # its path it comes with that.
    executable = Path(sys.executable).absolute()
    command = [str(executable), "-P", f"-Xutf8={sys.flags.utf8_mode}", "-c", _CODE]
    return subprocess.Popen(  # noqa: S603  # nothing in it comes from outside
        [*command, *(str(Path(part).absolute()) for part in sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=box,
        bufsize=0,
        # Otherwise the parent's folder could not be removed on Windows.
        cwd=executable.anchor,
        env=os.environ | _ENVIRONMENT,
        # Ctrl-C in a terminal is for the parent.
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def _listen(process: subprocess.Popen[bytes], signals: queue.SimpleQueue[bool]) -> None:
    """Passes on what comes from a helper: that it is ready and its answers; last, its end."""
    assert process.stdout is not None  # noqa: S101  # it was asked for
    with process.stdout as pipe:
        said = b""
        while not said.endswith(READY) and (part := pipe.read(1)):
            said += part
        if said.endswith(READY):
            signals.put(True)
        while pipe.read(1):
            signals.put(True)
    try:
        process.wait(_SLOW)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    signals.put(False)


def _describe(code: int) -> str:
    if code >= 0:
        # Windows has codes like 0xC0000005, which are known in this form.
        return f"exit code {code if code < 256 else hex(code)}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"{name}, as the system sends when memory runs out" if name == "SIGKILL" else name


_helpers: weakref.WeakSet[Helper] = weakref.WeakSet()
_pools: weakref.WeakSet[HelperPool] = weakref.WeakSet()
# Reentrant: a handler of a signal may fork in the midst of it.
_starting = threading.RLock()


def _after_fork() -> None:
    _starting.release()
    for pool in list(_pools):
        pool._forget()
    for helper in list(_helpers):
        helper._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_after_fork
    )
