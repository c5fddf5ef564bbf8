"""The engine: options, workers and the ways to begin."""

from __future__ import annotations

import asyncio
import threading
import weakref
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ocrloom.engine.closing import Closing
from ocrloom.engine.document import Document
from ocrloom.engine.futures import OcrFuture
from ocrloom.engine.many import OcrOutcome, Outcomes
from ocrloom.engine.readers import Shelf
from ocrloom.engine.streams import PageStream
from ocrloom.errors import OcrEngineError, OcrOptionError
from ocrloom.image import Image
from ocrloom.languages import PPOCR, Language, LanguageLike, parse_languages
from ocrloom.options import OcrOptions
from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.fair import BULK, INTERACTIVE, Share
from ocrloom.scheduling.pool import Forked, Pool, shared_pool
from ocrloom.tessdata.folders import missing, not_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.engine.many import Sources
    from ocrloom.image.lazy import ImageLike
    from ocrloom.journal import Journal
    from ocrloom.progress import Progress
    from ocrloom.result import OcrResult
    from ocrloom.scheduling.pool import WorkShare

__all__ = ["OcrEngine"]

# Pages, or sources, begun for each worker and not yet taken by the consumer: enough that no worker
# ever waits for it, few enough that what waits is little.
_AHEAD = 4


class OcrEngine(Closing):
    """Reads text from images.

    Engines are cheap: models load once a process, on first use, and all engines share them and
    the workers, one for each usable CPU, and the memory for decoded pages. An engine may be used
    from several threads and event loops; each recognition keeps the options that the engine had
    when it was started.

        engine = OcrEngine(language=Language.FRENCH)
        result = engine.process("scan.tif")
    """

    def __init__(
        self,
        *,
        language: LanguageLike | Iterable[LanguageLike] | None = None,
        options: OcrOptions | None = None,
        workers: int | None = None,
        memory: int | None = None,
        journal: Journal | None = None,
    ) -> None:
        """Makes an engine without loading anything.

        Args:
            language: One or several languages, as members, names or codes; overrides those
                of ``options``.
            options: How to read; ``OcrOptions()`` if not given.
            workers: Number of worker threads of its own; by default it shares the process's.
            memory: Bytes that decoded pages may take at any time. A page that does not fit waits
                for others; one that could never fit is refused. By default half of what the
                process may use, shared with the other engines.
            journal: Where finished pages are kept, so that no run repeats them.

        Raises:
            OcrUnknownLanguage: No such language.
            OcrOptionError: A value that the option cannot have.
        """
        self.options = options or OcrOptions()
        if language is not None:
            self.options = replace(self.options, languages=parse_languages(language))
        _check_whole("workers", workers)
        _check_whole("memory", memory)
        self._pool = shared_pool()
        if workers is not None or memory is not None:
            self._pool = Pool(workers or usable_cpus(), memory)
            # What it has begun still ends when the engine is forgotten, then its threads do.
            weakref.finalize(self, self._pool.retire)
        self._journal = journal
        self._begun: weakref.WeakSet[Document] = weakref.WeakSet()
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

    def process_async(
        self,
        source: ImageLike,
        *,
        progress: Callable[[Progress], None] | None = None,
        bulk: bool = False,
    ) -> OcrFuture:
        """Starts reading all pages of a source and returns at once.

        Args:
            source: What ``Image.load`` takes, or an ``Image``.
            progress: Called with every event: in the running event loop if there is one, in
                workers otherwise.
            bulk: Whether it may take its time: others' pages go first, eight to one.

        Returns:
            A future to ``await`` in an event loop or to ask for ``result()`` without one. It ends
            with an ``OcrException`` if no page can be read; pages that fail beside others are in
            the result's ``failures``.

        Raises:
            OcrSourceError: The file does not exist or cannot be opened.
            OcrLanguageNotInstalled: The language's recogniser is not installed.
            OcrEngineError: The engine was closed, or the process forked after reading began.
        """
        return self._begin(source, progress=_in_loop(progress), share=_share(bulk=bulk))

    def process(
        self, source: ImageLike, *, progress: Callable[[Progress], None] | None = None
    ) -> OcrResult:
        """Reads all pages of a source and waits for the result.

        The same as ``process_async(source).result()``; in an event loop it would block it.
        An interrupt (Ctrl-C) ends the recognition too.

        Raises:
            OcrException: The source cannot be read.
        """
        future = self.process_async(source, progress=progress)
        try:
            return future.result()
        finally:
            future.cancel()
            del future  # an error's traceback holds this frame: they would be a cycle

    def stream(
        self,
        source: ImageLike,
        *,
        ordered: bool = True,
        ahead: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        bulk: bool = False,
    ) -> PageStream:
        """Starts reading a source and gives its pages as they are ready.

        Args:
            source: What ``Image.load`` takes, or an ``Image``.
            ordered: In the order of the source; otherwise as they are done.
            ahead: Pages that may be begun and not yet taken; four a worker if not given.
            progress: As for `process_async`.
            bulk: As for `process_async`.

        Returns:
            An iterator for ``async for`` and for ``for``.

        Raises:
            OcrException: What `process_async` raises.
        """
        window = self._ahead(ahead)
        share = _share(bulk=bulk)
        document = self._document(source, _in_loop(progress), share=share, window=window)
        return PageStream(document, ordered=ordered)

    def process_many(
        self,
        sources: Sources,
        *,
        ordered: bool = False,
        ahead: int | None = None,
        progress: Callable[[Progress], None] | None = None,
        bulk: bool = True,
    ) -> Outcomes:
        """Reads sources, a bounded number at a time, and gives one outcome for each.

        Args:
            sources: Any iterable or asynchronous iterable of what ``Image.load`` takes; it is
                asked for the next one when there is room.
            ordered: In the order of the sources; otherwise as they are done.
            ahead: Sources that may be begun and not yet taken; four a worker if not given.
            progress: As for `process_async`, with the events of all sources.
            bulk: As for `process_async`; the sources take turns with others as one, and among
                themselves the earlier ones go first.

        Returns:
            An iterator for ``async for`` and for ``for``. Nothing is begun before its first step.

        Raises:
            OcrLanguageNotInstalled: The language's recogniser is not installed.
            OcrOptionError: The sources are a single one.
        """
        begin = self._beginning(progress, bulk=bulk)
        return Outcomes(sources, begin, ahead=self._ahead(ahead), ordered=ordered)

    async def process_batch(
        self, sources: Sources, *, progress: Callable[[Progress], None] | None = None
    ) -> list[OcrOutcome]:
        """Reads sources and returns one outcome for each, in their order.

        The same as collecting ``process_many(sources, ordered=True)``.
        """
        outcomes = self.process_many(sources, ordered=True, progress=progress)
        return [outcome async for outcome in outcomes]

    def close(self) -> None:
        """Cancels what this engine has begun and ends its own workers; shared ones stay.

        A closed engine reads nothing more. Closing it again does nothing.
        """
        with self._lock:
            self._closed = True
            begun = list(self._begun)
        for document in begun:
            document.stop()
        if self._pool is not shared_pool():
            self._pool.close()

    async def aclose(self) -> None:
        """The same as `close`, without holding up the event loop."""
        # It waits for workers, which end at their next checkpoint.
        await asyncio.to_thread(self.close)

    def _beginning(
        self, progress: Callable[[Progress], None] | None, *, bulk: bool
    ) -> Callable[[ImageLike], OcrFuture]:
        """What starts the reading of sources that take turns with others as one.

        Raises:
            OcrLanguageNotInstalled: The language's recogniser is not installed.
        """
        _check_installed(self.options.languages)
        return partial(self._begin, progress=_in_loop(progress), share=_share(bulk=bulk))

    def _begin(
        self,
        source: ImageLike,
        *,
        progress: Callable[[Progress], None] | None,
        share: WorkShare,
    ) -> OcrFuture:
        document = self._document(source, progress, share=share)
        future = OcrFuture(document)
        document.start(future)
        return future

    def _document(
        self,
        source: ImageLike,
        progress: Callable[[Progress], None] | None,
        *,
        share: WorkShare,
        window: int | None = None,
    ) -> Document:
        options = self.options
        _check_installed(options.languages)
        image = Image.load(source, limits=options.limits).defaulting_to(options.pdf)
        with self._lock:
            if self._closed:
                raise OcrEngineError("this engine was closed; make another OcrEngine")
            try:
                document = Document(
                    image,
                    options,
                    self._pool,
                    _shelf(),
                    share=share,
                    window=window,
                    journal=self._journal,
                )
            except Forked as error:
                raise OcrEngineError(
                    "this process was forked after reading had begun, and the workers stayed in "
                    "the parent; start processes with the methods 'spawn' or 'forkserver', or "
                    "fork before the first recognition"
                ) from error
            self._begun.add(document)
        if progress is not None:
            document.watch(progress)
        return document

    def _ahead(self, given: int | None) -> int:
        _check_whole("ahead", given)
        return given or _AHEAD * self._pool.workers


def _share(*, bulk: bool) -> WorkShare:
    return Share(BULK if bulk else INTERACTIVE)


@cache
def _shelf() -> Shelf:
    """The process's, for files that are open are the process's too."""
    return Shelf(4 * usable_cpus())


def _in_loop(
    progress: Callable[[Progress], None] | None,
) -> Callable[[Progress], None] | None:
    """The same callback, called in the running event loop if there is one."""
    if progress is None:
        return None
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return progress

    def call(event: Progress) -> None:
        # The loop may have ended before the reading.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(progress, event)

    return call


def _check_whole(name: str, value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OcrOptionError(f"{name} must be a whole number of at least 1, got {value!r}")


def _check_installed(languages: Iterable[Language]) -> None:
    lacking = missing(language for language in languages if PPOCR not in language.recognisers)
    if lacking:
        raise not_installed(lacking)
