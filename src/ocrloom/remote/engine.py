"""The engine whose pages a service reads."""

from __future__ import annotations

import threading
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Final

from ocrloom.engine.base import Reads
from ocrloom.errors import OcrEngineError, OcrOptionError
from ocrloom.image import Image
from ocrloom.loop import shared_loop
from ocrloom.remote.reading import RemoteReading
from ocrloom.remote.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.image.lazy import ImageLike
    from ocrloom.languages import LanguageLike
    from ocrloom.options import OcrOptions
    from ocrloom.progress import Progress
    from ocrloom.scheduling.pool import WorkShare

__all__ = ["RemoteEngine"]

_AHEAD: Final = 16
_GOODBYE: Final = 2.0  # seconds that closing waits for services


class RemoteEngine(Reads):
    """Reads text from images by a service, ``ocrloom serve``, with the interface of `OcrEngine`.

    Futures, streams, progress, cancelling and exceptions are the same. Sources are read here and
    sent; limits on what is in them are the service's. Where the service cannot be reached for a
    while, requests are sent again, and no source is read twice for that.

        engine = RemoteEngine("https://ocr.example.org", api_key=…, language=Language.FRENCH)
        result = engine.process("scan.tif")
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        language: LanguageLike | Iterable[LanguageLike] | None = None,
        options: OcrOptions | None = None,
        timeout: float = 120.0,
        store: bool = False,
    ) -> None:
        """Makes an engine without connecting to anything.

        Args:
            url: Where the service is, such as ``http://host:8000``.
            api_key: What it knows the caller by; none if it wants none.
            language: One or several languages, as members, names or codes; overrides those
                of ``options``.
            options: How to read; ``OcrOptions()`` if not given. Their timeout counts from the
                call, as here; of their limits only the size in bytes is looked at.
            timeout: Seconds for which the service may be out of reach, or too busy, before a
                reading ends with `OcrNetworkError` or what it says itself. One that has never
                answered is given 5.
            store: Whether what is read becomes a document of the service's library.

        Raises:
            OcrUnknownLanguage: No such language.
            OcrOptionError: A value that it cannot have.
        """
        super().__init__(language, options)
        known = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
        if not known or not 0 < timeout < float("inf"):
            raise OcrOptionError(f"timeout must be a number of seconds over 0, got {timeout!r}")
        if not isinstance(store, bool):
            raise OcrOptionError(f"store must be True or False, got {store!r}")
        self._service = Service(url, api_key, timeout)
        self._api_key = "None" if api_key is None else "'***'"
        self._store = store
        self._begun: weakref.WeakSet[RemoteReading] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def url(self) -> str:
        """Where the service is."""
        return self._service.url

    def __repr__(self) -> str:
        return f"RemoteEngine({self.url!r}, api_key={self._api_key})"

    def close(self) -> None:
        """Cancels what this engine has begun, waits up to 2 seconds for the service, and leaves it.

        A closed engine reads nothing more. Closing it again does nothing.
        """
        with self._lock:
            self._closed = True
            begun = list(self._begun)
        for reading in begun:
            reading.stop()
        end = monotonic() + _GOODBYE
        for reading in begun:
            reading.wait_until_gone(max(0.0, end - monotonic()))
        self._service.close()

    def _document(
        self,
        source: ImageLike,
        progress: Callable[[Progress], None] | None,
        *,
        share: WorkShare,
        window: int | None = None,
    ) -> RemoteReading:
        options = self.options
        image = Image.load(source, limits=options.limits).defaulting_to(options.pdf)
        with self._lock:
            if self._closed:
                raise OcrEngineError("this engine was closed; make another RemoteEngine")
            reading = RemoteReading(
                image, options, self._service, shared_loop(), store=self._store, window=window
            )
            self._begun.add(reading)
        if progress is not None:
            reading.watch(progress)
        return reading

    @property
    def _usual_ahead(self) -> int:
        return _AHEAD
