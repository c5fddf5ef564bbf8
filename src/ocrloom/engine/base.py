"""The ways to begin to read, the same wherever it happens."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ocrloom.engine.closing import Closing
from ocrloom.engine.futures import OcrFuture
from ocrloom.engine.many import OcrOutcome, Outcomes
from ocrloom.engine.streams import PageStream
from ocrloom.errors import OcrOptionError
from ocrloom.languages import Language, LanguageLike, parse_languages
from ocrloom.options import OcrOptions
from ocrloom.scheduling.fair import BULK, INTERACTIVE, Share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.engine.many import Sources
    from ocrloom.engine.protocols import Reading
    from ocrloom.image.lazy import ImageLike
    from ocrloom.progress import Progress
    from ocrloom.result import OcrResult
    from ocrloom.scheduling.pool import WorkShare

__all__ = ["Reads", "check_whole"]


class Reads(Closing):
    """What an engine can be asked for, wherever it reads."""

    def __init__(
        self,
        language: LanguageLike | Iterable[LanguageLike] | None,
        options: OcrOptions | None,
    ) -> None:
        """Sets the options.

        Args:
            language: One or several languages; overrides those of ``options``.
            options: How to read; ``OcrOptions()`` if not given.

        Raises:
            OcrUnknownLanguage: No such language.
            OcrOptionError: A value that the option cannot have.
        """
        self.options = options or OcrOptions()
        if language is not None:
            self.options = replace(self.options, languages=parse_languages(language))

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
            ahead: Pages that may be begun and not yet taken; if not given four a worker, or 16 at
                a service.
            progress: As for `process_async`.
            bulk: As for `process_async`.

        Returns:
            An iterator for ``async for`` and for ``for``.

        Raises:
            OcrException: What `process_async` raises.
        """
        window = self._ahead(ahead)()
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
            ahead: Sources that may be begun and not yet taken; if not given four a worker, or 16
                at a service.
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

    def _beginning(
        self, progress: Callable[[Progress], None] | None, *, bulk: bool
    ) -> Callable[[ImageLike], OcrFuture]:
        """What starts the reading of sources that take turns with others as one.

        Raises:
            OcrLanguageNotInstalled: The language's recogniser is not installed.
        """
        self._check_ready()
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

    async def aclose(self) -> None:
        """The same as `close`, without holding up the event loop."""
        # It waits for what was begun, which ends at its next checkpoint.
        await asyncio.to_thread(self.close)

    @abstractmethod
    def _document(
        self,
        source: ImageLike,
        progress: Callable[[Progress], None] | None,
        *,
        share: WorkShare,
        window: int | None = None,
    ) -> Reading:
        """Makes the reading of a source without starting it.

        Args:
            source: What ``Image.load`` takes.
            progress: Called with every event.
            share: With whose turns its pages are read.
            window: Pages that may be begun and not yet consumed; any number if not given.
        """

    @property
    @abstractmethod
    def _usual_ahead(self) -> int:
        """How many pages or sources are begun ahead of who takes them."""

    def _check_ready(self) -> None:
        """Refuses what cannot be read, as far as that is known without the source."""

    def _ahead(self, given: int | None) -> Callable[[], int]:
        check_whole("ahead", given)
        # A cluster may grow.
        return lambda: given or self._usual_ahead


def _share(*, bulk: bool) -> WorkShare:
    return Share(BULK if bulk else INTERACTIVE)


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


def check_whole(name: str, value: object) -> None:
    """Refuses what is neither None nor a whole number of at least 1.

    Args:
        name: What the caller calls it.
        value: What was given.

    Raises:
        OcrOptionError: It is something else.
    """
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OcrOptionError(f"{name} must be a whole number of at least 1, got {value!r}")
