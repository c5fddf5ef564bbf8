"""The engine that reads in this process: its workers, its memory, its journal."""

from __future__ import annotations

import threading
import weakref
from functools import cache
from typing import TYPE_CHECKING

from ocrloom.engine.base import Reads, check_whole
from ocrloom.engine.document import Document
from ocrloom.engine.readers import Shelf
from ocrloom.errors import OcrEngineError
from ocrloom.image import Image
from ocrloom.languages import PPOCR, Language, LanguageLike
from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.scheduling.pool import Forked, Pool, shared_pool
from ocrloom.tessdata.folders import missing, not_installed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.image.lazy import ImageLike
    from ocrloom.journal import PageKeeper
    from ocrloom.options import OcrOptions
    from ocrloom.progress import Progress
    from ocrloom.scheduling.pool import WorkShare

__all__ = ["OcrEngine"]

# Pages, or sources, begun for each worker and not yet taken by the consumer: enough that no worker
# ever waits for it, few enough that what waits is little.
_AHEAD = 4


class OcrEngine(Reads):
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
        journal: PageKeeper | None = None,
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
        super().__init__(language, options)
        check_whole("workers", workers)
        check_whole("memory", memory)
        self._pool = shared_pool()
        self._owner: OcrEngine | None = None  # of the workers, where another engine has them
        if workers is not None or memory is not None:
            self._pool = Pool(workers or usable_cpus(), memory)
            # What it has begun still ends when the engine is forgotten, then its threads do.
            weakref.finalize(self, self._pool.retire)
        self._journal = journal
        self._begun: weakref.WeakSet[Document] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    def like(self, options: OcrOptions, *, journal: PageKeeper | None = None) -> OcrEngine:
        """Another engine, with other options and the workers and the memory of this one.

        Closing it ends what it has begun, and no more.

        Args:
            options: How to read.
            journal: Where finished pages are kept.
        """
        other = OcrEngine(options=options, journal=journal)
        other._pool, other._owner = self._pool, self
        return other

    @property
    def pool(self) -> Pool:
        """The workers, and the memory that decoded pages may take."""
        return self._pool

    def close(self) -> None:
        """Cancels what this engine has begun and ends its own workers; shared ones stay.

        A closed engine reads nothing more. Closing it again does nothing.
        """
        with self._lock:
            self._closed = True
            begun = list(self._begun)
        for document in begun:
            document.stop()
        if self._owner is None and self._pool is not shared_pool():
            self._pool.close()

    def _document(
        self,
        source: ImageLike,
        progress: Callable[[Progress], None] | None,
        *,
        share: WorkShare,
        window: int | None = None,
    ) -> Document:
        options = self.options
        self._check_ready()
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

    def _check_ready(self) -> None:
        _check_installed(self.options.languages)

    @property
    def _usual_ahead(self) -> int:
        return _AHEAD * self._pool.workers


@cache
def _shelf() -> Shelf:
    """The process's, for files that are open are the process's too."""
    return Shelf(4 * usable_cpus())


def _check_installed(languages: Iterable[Language]) -> None:
    lacking = missing(language for language in languages if PPOCR not in language.recognisers)
    if lacking:
        raise not_installed(lacking)
