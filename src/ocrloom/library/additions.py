"""Sources on their way into a library, looked at and read where it lacks them; what comes of it."""

from __future__ import annotations

import concurrent.futures
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.engine.base import Reads
from ocrloom.engine.many import Many, name_of, outcome_of
from ocrloom.errors import OcrCancelled, OcrOptionError, OcrSourceUnreadable
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.journal import content_digest
from ocrloom.library.documents import Document
from ocrloom.library.intake import Intake, Return, check_description
from ocrloom.library.pending import Pending
from ocrloom.scheduling.future import Future

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from ocrloom.engine import OcrFuture, OcrOutcome
    from ocrloom.engine.many import Sources
    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.documents import Description
    from ocrloom.progress import Progress
    from ocrloom.result import OcrResult

    class Place(Protocol):
        """The library that sources come into."""

        keep: Path | None

        def find(self, digest: str) -> Pending[Document | None]:
            """The document that has this content, if there is one."""

        def _store(self, new: Intake | Return) -> Pending[Document]:
            """Stores what has come, in the thread that writes."""


__all__ = ["Addition", "Additions"]

_HANDS: Final = 4  # threads that hash files and wait for the database; reading has its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What became of one source."""

    index: int
    """Its place among the sources, from 0."""
    source: ImageLike
    """As it was given."""
    name: str | None
    """What to call it, if it has a name."""
    document: Document | None = None
    """What the library has of it now; None where it could not be read or not be stored."""
    outcome: OcrOutcome | None = None
    """How the reading ended; None where the library had the content already."""
    error: Exception | None = None
    """Why it is not in the library."""

    @property
    def was_there(self) -> bool:
        """Whether the library had the content already, so that nothing was read."""
        return self.outcome is None and self.error is None


class Additions(Many["_Arrival", Addition]):
    """What became of each source, for ``async for`` and for ``for``, as it is settled.

    No more sources are begun than are asked for ahead of the consumer, so they may come from an
    endless or from an asynchronous iterable. To leave early, break out of the loop, or call
    `close` or `cancel`, or use it in a ``with`` or ``async with`` block: the reading ends, and what
    is in the library stays there.
    """

    def __init__(
        self,
        place: Place,
        engine: Reads,
        sources: Sources,
        *,
        again: bool,
        describe: Callable[[ImageLike], Description | None] | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        """Makes it without beginning.

        Args:
            place: Where the sources go.
            engine: Reads them.
            sources: What to read.
            again: Whether what the library has already is read anew.
            describe: What to say of a source that was read; called in a thread.
            progress: As for `OcrEngine.process_many`.

        Raises:
            OcrOptionError: The engine is none, or the sources are a single one.
        """
        if not isinstance(engine, Reads):
            raise OcrOptionError(
                f"engine must be an OcrEngine, got {type(engine).__name__}; give the engine first "
                "and then the sources"
            )
        run = _Run(place, engine, again=again, describe=describe, progress=progress)
        super().__init__(sources, run.begin, ahead=engine._ahead(None), ordered=False)

    def _outcome(self, index: int, source: ImageLike, ended: _Arrival | Exception) -> Addition:
        if isinstance(ended, Exception):
            return Addition(index=index, source=source, name=name_of(source), error=ended)
        document: Document | None = None
        error: Exception | None = None
        try:
            document = ended.result()
        except concurrent.futures.CancelledError:
            error = ended.cancellation()
        except Exception as failure:  # noqa: BLE001  # it is this source's
            error = failure
        reading = ended.hand_over()
        outcome = None if reading is None else outcome_of(index, source, reading)
        return Addition(
            index=index,
            source=source,
            name=ended.name,
            document=document,
            outcome=outcome,
            error=error,
        )


class _Run:
    """What the sources of one call have in common."""

    def __init__(
        self,
        place: Place,
        engine: Reads,
        *,
        again: bool,
        describe: Callable[[ImageLike], Description | None] | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.place = place
        self.options = engine.options
        self.again = again
        self.describe = describe
        self.read = engine._beginning(progress, bulk=True)
        self.hands = ThreadPoolExecutor(_HANDS, "ocrloom-intake")
        self._lock = threading.Lock()
        self._under_way: dict[str, _Arrival] = {}
        self._read: set[str] = set()  # what need not be read anew once more

    def begin(self, source: ImageLike) -> _Arrival:
        """Starts the way of a source."""
        # Here and not in a thread: a file object may be closed when the next one is asked for.
        image = Image.load(source, limits=self.options.limits).defaulting_to(self.options.pdf)
        arrival = _Arrival(self, source, image)
        arrival.start()
        return arrival

    def first(self, digest: str, arrival: _Arrival) -> _Arrival:
        """The first of the sources under way that have this content."""
        with self._lock:
            return self._under_way.setdefault(digest, arrival)

    def leave(self, digest: str, first: concurrent.futures.Future[Document]) -> None:
        """Notes that the first one of this content is settled."""
        with self._lock:
            if self.again and not first.cancelled() and first.exception() is None:
                self._read.add(digest)
            del self._under_way[digest]

    def is_wanted(self, digest: str, document: Document | None) -> bool:
        """Whether content is to be read, of which the library has this document."""
        with self._lock:
            return document is None or (self.again and digest not in self._read)


class _Arrival(Future[Document]):
    """One source on its way."""

    def __init__(self, run: _Run, source: ImageLike, image: Image) -> None:
        super().__init__()
        self.name = image.name
        self._reading: OcrFuture | None = None
        self._run = run
        self._source = source
        self._image = image
        self._digest = ""
        self._stage: Future[OcrResult] | Future[Document] | None = None

    def start(self) -> None:
        """Has a thread look at it."""
        self._run.hands.submit(self._do, self._look)

    def cancel(self) -> bool:
        """Ends it, and what is being done for it."""
        stage = self._stage
        if isinstance(stage, Pending) and not stage.done() and stage.cancel():
            # What is being stored says itself whether it still was.
            return True
        cancelled = super().cancel()
        if cancelled and stage is not None:
            stage.cancel()
        return cancelled

    def cancellation(self) -> OcrCancelled:
        """What to raise where it was cancelled."""
        if self._reading is not None and self._reading.cancelled():
            try:
                self._reading.exception()
            except OcrCancelled as error:
                return error
        return OcrCancelled(
            f"{shown(self.name)}: cancelled before it was in the library; index it again"
        )

    def hand_over(self) -> OcrFuture | None:
        """The reading, if there was one; afterwards it has none.

        The reading knows who waits for it: they would be a cycle, with all pages in it.
        """
        reading, self._reading, self._stage = self._reading, None, None
        return reading

    def _do(self, step: Callable[[], None]) -> None:
        try:
            if not self.cancelled():
                step()
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            self.fail(error)

    def _look(self) -> None:
        run = self._run
        self._digest = content_digest(self._image.source, self._checkpoint, self._image.limits)
        first = run.first(self._digest, self)
        if first is not self:
            first.add_done_callback(self._follow)
            return
        self.add_done_callback(partial(run.leave, self._digest))
        # Also where it is read anew: a library that cannot be reached is not worth the reading.
        document = run.place.find(self._digest).result()
        if document is not None and not run.is_wanted(self._digest, document):
            self._greet(document)
            return
        self._reading = run.read(self._image)
        self._wait_for(self._reading)
        self._reading.add_done_callback(self._go_on)

    def _greet(self, document: Document) -> None:
        """Ends as the library has it, once it knows what is new of the source."""
        run = self._run
        back = Return(document, self._image, run.place.keep)
        if back.is_news:
            self._store_with(back)
        else:
            self.settle(document)

    def _go_on(self, reading: concurrent.futures.Future[OcrResult]) -> None:
        # In a thread of the engine's, whose time is for reading.
        if not self.cancelled():
            self._run.hands.submit(self._do, partial(self._store, reading))

    def _follow(self, ended: concurrent.futures.Future[Document]) -> None:
        """Ends as another source of the same content has, or the storing."""
        if ended.cancelled():
            self.cancel()
        elif (error := ended.exception()) is not None:
            self.fail(error)
        else:
            self.settle(ended.result())

    def _store(self, reading: concurrent.futures.Future[OcrResult]) -> None:
        run, source = self._run, self._image.source
        result = reading.result()
        if (
            isinstance(source, Path)
            and content_digest(source, self._checkpoint, self._image.limits) != self._digest
        ):
            raise OcrSourceUnreadable(
                f"{shown(self.name)}: changed while it was being read; index it again when nothing "
                "writes to it any more"
            )
        description = None if run.describe is None else run.describe(self._source)
        check_description("what describe gives", description)
        self._store_with(
            Intake(
                *(result, self._image, description, self._digest, run.place.keep),
                # Another process may have read it meanwhile.
                unless_there=not run.again,
                merging=True,
            )
        )

    def _store_with(self, new: Intake | Return) -> None:
        stored = self._run.place._store(new)
        self._wait_for(stored)
        stored.add_done_callback(self._follow)

    def _wait_for(self, stage: Future[OcrResult] | Future[Document]) -> None:
        self._stage = stage
        # Cancelled from elsewhere in between, it did not reach this stage.
        if self.cancelled():
            stage.cancel()

    def _checkpoint(self) -> None:
        if self.cancelled():
            raise self.cancellation()
