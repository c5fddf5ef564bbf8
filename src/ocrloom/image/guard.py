"""The one place where what decoders raise and warn about becomes ocrloom's exceptions."""

from __future__ import annotations

import errno
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import (
    OcrDamagedImage,
    OcrException,
    OcrImageTooLarge,
    OcrSourceUnreadable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["guard", "quiet"]

# What the system says about the disk or the permissions. Other codes blame the file: broken
# offsets make seek() raise EINVAL, and Pillow's own OSErrors carry no code.
_IO_ERRORS: Final = frozenset(
    {
        errno.EACCES,
        errno.EIO,
        errno.ENODEV,
        errno.ENOENT,
        errno.ENXIO,
        errno.EPERM,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)


@contextmanager
def guard(what: str, expected: str) -> Iterator[None]:
    """Map what Pillow, NumPy and OpenCV raise, and keep their warnings from leaking.

    Args:
        what: The source's name and the frame, the beginning of every message.
        expected: The format that was being decoded.

    Raises:
        OcrSourceUnreadable: The disk or the system failed.
        OcrImageTooLarge: There is not enough memory, or Pillow's fixed limit was met.
        OcrDamagedImage: Anything else: decoders of broken data raise nearly every exception.
    """
    from PIL.Image import DecompressionBombError

    try:
        with quiet():
            yield
    except OcrException:
        raise
    except DecompressionBombError as error:
        # Only WebP, and GIF frames that outgrow their screen or are cleared after showing: there
        # Pillow asks its own limit from within, which is the process's and not ours to change.
        raise OcrImageTooLarge(
            f"{what}: over the size up to which Pillow decodes {expected}: {error}; save it as"
            " PNG or TIFF"
        ) from error
    except MemoryError as error:
        raise OcrImageTooLarge(
            f"{what}: decoding it needs more memory than there is; scale the image down"
        ) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _IO_ERRORS:
            raise OcrSourceUnreadable(
                f"{what}: could be opened but not read on: {error}; check its disk"
            ) from error
        found = str(error) or type(error).__name__
        raise OcrDamagedImage(
            f"{what}: expected a whole {expected} image, found a damaged one: {found}; get or"
            " save the file again"
        ) from error


class _InThisThread:
    """A filter's message pattern that matches everything while this thread decodes."""

    def __init__(self) -> None:
        self.state = threading.local()

    def match(self, _message: str) -> bool:
        return getattr(self.state, "depth", 0) > 0


_PATTERN: Final = _InThisThread()
_LOCK: Final = threading.Lock()
_FILTER: Final[Any] = ("ignore", _PATTERN, Warning, None, 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Drop the warnings of this thread: Pillow warns about odd metadata that harms no pixel.

    ``warnings.catch_warnings`` replaces the filters of the whole process and puts them back, so
    with several threads it silences strangers and may leave wrong filters behind for good. This
    adds one filter, which stays and matches only in threads that are decoding; ``match`` is
    all that the warnings module asks of a pattern.
    """
    if getattr(sys.flags, "context_aware_warnings", False):
        # There the filters belong to the thread, and the plain way is the safe one.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
        return
    _put_filter_first()
    _PATTERN.state.depth = getattr(_PATTERN.state, "depth", 0) + 1
    try:
        yield
    finally:
        _PATTERN.state.depth -= 1


def _put_filter_first() -> None:
    filters: Any = warnings.filters
    with _LOCK:
        # Again and again: somebody may have put a filter like "error" before it since.
        if not filters or filters[0] is not _FILTER:
            while _FILTER in filters:
                filters.remove(_FILTER)
            filters.insert(0, _FILTER)
