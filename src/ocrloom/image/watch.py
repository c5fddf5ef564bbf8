"""Watching a decoder at work: it can be stopped by who waits for it and by the clock."""

from __future__ import annotations

import io
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Final

from ocrloom.errors import OcrImageTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Watch", "WatchedFile", "watched"]

# Bytes that may be read without asking.
_OFTEN: Final = 31


class _Stop(BaseException):
    """Passes through decoders, which catch nearly every ``Exception``; it never leaves here."""


class Watch:
    """To be called often while a frame is decoded; ends the decoding when that is over."""

    def __init__(self, what: str, checkpoint: Callable[[], None], seconds: float) -> None:
        self._what = what
        self._checkpoint = checkpoint
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self.reason: BaseException | None = None
        """What ended the decoding, if something did."""

    def __call__(self) -> None:
        """Ask the checkpoint and the clock."""
        try:
            self._checkpoint()
            if time.monotonic() > self._end:
                raise OcrImageTooLarge(
                    f"{self._what}: decoding it takes longer than the limit of {self._seconds:g}"
                    " seconds; if that is right, raise it with Limits(max_decode_seconds=…) or"
                    " --max-decode-seconds"
                )
        except BaseException as error:
            self.reason = error
            raise _Stop from error


@contextmanager
def watched(what: str, checkpoint: Callable[[], None], seconds: float) -> Iterator[Watch]:
    """Decode with a watch; to be put around `guard`.

    Args:
        what: The source's name and the frame.
        checkpoint: What it raises ends the decoding and comes out of here as it is.
        seconds: How long the decoding may take.

    Raises:
        OcrImageTooLarge: The time is over.
    """
    watch = Watch(what, checkpoint, seconds)
    try:
        yield watch
    except BaseException:  # noqa: BLE001  # it is raised again
        # Whatever a decoder has made of it on the way.
        reason, watch.reason = watch.reason, None
        try:
            if reason is not None:
                raise reason from None
            raise
        finally:
            # Its traceback holds this frame: with the error in it they would be a cycle.
            del reason


class WatchedFile:
    """A file that calls a watch when a decoder reads from it, for each few bytes at least."""

    def __init__(self, file: BinaryIO, watch: Callable[[], None]) -> None:
        self._file = file
        self.watch = watch
        self._left = 0
        self.seek = file.seek
        self.tell = file.tell
        self.fileno = file.fileno
        self.flush = file.flush
        # Only if there: Pillow asks whether the attribute exists.
        if isinstance(file, io.BytesIO):
            self.getvalue = file.getvalue

    def read(self, size: int = -1) -> bytes:
        """Like the file's ``read``."""
        # Not for each byte: there are decoders that read like that.
        self._left -= size
        if size < 0 or self._left < 0:
            self._left = _OFTEN
            self.watch()
        return self._file.read(size)

    def close(self) -> None:
        """Nothing: the file belongs to the reader."""
