"""``OcrEngine``: the public way in. Composes the stages below and runs them in workers."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeAlias

from ocrloom._version import __version__
from ocrloom.errors import OcrEngineError, OcrLanguageNotInstalled, OcrOptionError
from ocrloom.image import Image
from ocrloom.languages import PPOCR, Language, LanguageLike, parse_languages
from ocrloom.options import OcrOptions
from ocrloom.result import OcrResult, Page
from ocrloom.scheduling.future import Future
from ocrloom.scheduling.pool import Forked, Pool, shared_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ocrloom.image.lazy import ImageLike

__all__ = ["OcrEngine", "OcrFuture"]

OcrFuture: TypeAlias = Future[OcrResult]
"""What ``OcrEngine.process_async`` returns; see ``ocrloom.scheduling.future.Future``."""


class OcrEngine:
    """Reads text from images.

    Engines are cheap: models load once a process, on first use, and all engines share them and
    the worker threads, one for each usable CPU. An engine may be used from several threads and
    event loops; each recognition keeps the options that the engine had when it was started.

        engine = OcrEngine(language=Language.FRENCH)
        result = engine.process("scan.tif")
    """

    def __init__(
        self,
        *,
        language: LanguageLike | Iterable[LanguageLike] | None = None,
        options: OcrOptions | None = None,
        workers: int | None = None,
    ) -> None:
        """Makes an engine without loading anything.

        Args:
            language: One or several languages, as members, names or codes; overrides those
                of ``options``.
            options: How to read; ``OcrOptions()`` if not given.
            workers: Number of worker threads of its own; by default it shares the process's.

        Raises:
            OcrUnknownLanguage: No such language.
            OcrOptionError: A value that the option cannot have.
        """
        self.options = options or OcrOptions()
        if language is not None:
            self.options = replace(self.options, languages=parse_languages(language))
        self._pool = shared_pool()
        if workers is not None:
            if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
                raise OcrOptionError(
                    f"workers must be a whole number of at least 1, got {workers!r}"
                )
            self._pool = Pool(workers)
            # What it has begun still ends when the engine is forgotten, then its threads do.
            weakref.finalize(self, self._pool.retire)
        self._begun: weakref.WeakSet[OcrFuture] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def language(self) -> Language | tuple[Language, ...]:
        """The language of the text, or several; ``Language.AUTO`` finds the script itself.

        May be set to one or several members, names or codes at any time; what was started
        before is not changed by it.
        """
        languages = self.options.languages
        return languages[0] if len(languages) == 1 else languages

    @language.setter
    def language(self, given: LanguageLike | Iterable[LanguageLike]) -> None:
        self.options = replace(self.options, languages=parse_languages(given))

    def process_async(self, source: ImageLike) -> OcrFuture:
        """Starts reading all pages of a source and returns at once.

        Args:
            source: What ``Image.load`` takes, or an ``Image``.

        Returns:
            A future to ``await`` in an event loop or to ask for ``result()`` without one. It ends
            with an ``OcrException`` if the source cannot be read.

        Raises:
            OcrSourceError: The file does not exist or cannot be opened.
            OcrLanguageNotInstalled: The language's recogniser is not installed.
            OcrEngineError: The engine was closed, or the process forked after reading began.
        """
        options = self.options
        _check_installed(options.languages)
        image = Image.load(source, limits=options.limits)
        future: OcrFuture = Future()
        try:
            with self._lock:
                if self._closed:
                    raise OcrEngineError("this engine was closed; make another OcrEngine")
                self._pool.submit(future, lambda checkpoint: _read(image, options, checkpoint))
                self._begun.add(future)
        except Forked as error:
            raise OcrEngineError(
                "this process was forked after reading had begun, and the workers stayed in the "
                "parent; start processes with the methods 'spawn' or 'forkserver', or fork before "
                "the first recognition"
            ) from error
        return future

    def process(self, source: ImageLike) -> OcrResult:
        """Reads all pages of a source and waits for the result.

        The same as ``process_async(source).result()``; in an event loop it would block it.
        An interrupt (Ctrl-C) ends the recognition too.

        Raises:
            OcrException: The source cannot be read.
        """
        future = self.process_async(source)
        try:
            return future.result()
        except CancelledError as error:
            raise OcrEngineError("this engine was closed while it was reading") from error
        finally:
            future.cancel()

    def close(self) -> None:
        """Cancels what this engine has begun and ends its own workers; shared ones stay.

        A closed engine reads nothing more. Closing it again does nothing.
        """
        with self._lock:
            self._closed = True
            begun = list(self._begun)
        for future in begun:
            future.cancel()
        if self._pool is not shared_pool():
            self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def _check_installed(languages: Iterable[Language]) -> None:
    for language in languages:
        if PPOCR not in language.recognisers:
            raise OcrLanguageNotInstalled(
                f"{language.english_name} needs the Tesseract recogniser, which ocrloom "
                f"{__version__} does not have yet; it will come with "
                "pip install 'ocrloom[tesseract]'"
            )


def _read(image: Image, options: OcrOptions, checkpoint: Callable[[], None]) -> OcrResult:
    return OcrResult(pages=tuple(_pages(image, options, checkpoint)), source=image.name)


def _pages(image: Image, options: OcrOptions, checkpoint: Callable[[], None]) -> Iterator[Page]:
    # Here and not at the top: this import brings NumPy, OpenCV and OpenVINO.
    from ocrloom.reading import read_frame

    for frame in image.frames():
        checkpoint()
        yield read_frame(frame, options, checkpoint)
