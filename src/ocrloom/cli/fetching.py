"""Files elsewhere, fetched a few ahead of who reads them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, NoReturn

from ocrloom.errors import OcrException
from ocrloom.image import Image
from ocrloom.locations import fetch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocrloom.image.lazy import ImageLike
    from ocrloom.options import Limits

__all__ = ["fetched"]

_FILES: Final = 8  # on their way or waiting; a store answers several at a time
_BYTES: Final = 256 * 1024 * 1024  # of files that wait; beyond it no further one is asked for


def fetched(locations: Iterable[str], limits: Limits) -> Iterator[ImageLike]:
    """What there is at locations, in their order, each under its location as a name.

    One that cannot be had raises the reason when it is loaded, as a file that is not there does.

    Args:
        locations: Where they are; see `ocrloom.locations`.
        limits: What each may claim.
    """
    coming = iter(locations)
    ahead: deque[tuple[str, Future[bytes]]] = deque()
    hands = ThreadPoolExecutor(_FILES, "ocrloom-fetch")
    try:
        while True:
            while len(ahead) < _FILES and _waiting(ahead) < _BYTES:
                location = next(coming, None)
                if location is None:
                    break
                ahead.append((location, hands.submit(fetch, location, limits)))
            if not ahead:
                return
            location, future = ahead.popleft()
            yield _source(location, future, limits)
    finally:
        hands.shutdown(wait=False, cancel_futures=True)


def _waiting(ahead: Iterable[tuple[str, Future[bytes]]]) -> int:
    """Bytes that were fetched and not taken."""
    ready = (future for _, future in ahead if future.done() and future.exception() is None)
    return sum(len(future.result()) for future in ready)


def _source(location: str, future: Future[bytes], limits: Limits) -> ImageLike:
    try:
        return Image.load(future.result(), limits=limits).named(location)
    except OcrException as error:
        return _Refused(location, error)


class _Refused:
    """Stands for a source that could not be had."""

    def __init__(self, name: str, error: OcrException) -> None:
        self.name = name
        self._error = error

    def read(self, _size: int, /) -> NoReturn:
        raise self._error
