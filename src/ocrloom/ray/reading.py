"""One source that a cluster reads: divided into slices, each tried again where its reader died."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from ocrloom.engine.course import Course
from ocrloom.errors import (
    OcrClusterUnavailable,
    OcrEngineError,
    OcrException,
    OcrReaderLost,
)
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.progress import Stage
from ocrloom.ray.parcel import NotHere, Parcel
from ocrloom.ray.protocols import ReaderDied
from ocrloom.ray.slices import divided
from ocrloom.result import Page, PageFailure
from ocrloom.scheduling.fair import Job, Share
from ocrloom.selection import place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.journal import KeptPages, PageKeeper
    from ocrloom.loop import Loop
    from ocrloom.options import OcrOptions
    from ocrloom.ray.protocols import Look, Reading
    from ocrloom.ray.site import Site
    from ocrloom.ray.turns import Waiter

__all__ = ["RayReading"]

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TRIES: Final = 3
"""Processes that may be lost over one page."""
_PATIENCE: Final = 20
"""Processes that may be lost before they have begun with a slice; then it may be due to that."""
_MOST: Final = 16
"""Pages of a slice: they take seconds, beside which what a slice takes by itself is nothing."""
_INLINE: Final = 64 * 1024
"""Bytes that go with every slice, as that is less work than to put them where all can get them."""


@dataclass(slots=True)
class _Slice:
    """Pages that one process reads."""

    numbers: list[int]
    alone: bool = False
    """Whether a process was lost over it, so that no other pages are to be lost with it."""
    deaths: dict[int, int] = field(default_factory=dict)
    """How many processes were lost over each page."""
    begun: bool = False
    """Whether the process that has it has begun with it."""
    waits: int = 0
    """How many processes were lost before they had."""


class RayReading(Course):
    """The reading of one source by a cluster."""

    def __init__(
        self,
        source: Image | str,
        options: OcrOptions,
        site: Site,
        loop: Loop,
        *,
        share: Share[Waiter],
        window: int | None,
        journal: PageKeeper | None,
        owner: object = None,
    ) -> None:
        """Makes it without beginning.

        Args:
            source: What is read, or a location that readers fetch it from.
            options: How to read it.
            site: Where it is read.
            loop: In which it is seen to.
            share: With whose turns its slices are read.
            window: Pages that may be begun and not yet consumed; any number if not given.
            journal: Where finished pages are kept, and looked up.
            owner: What must not be forgotten before it ends.
        """
        name = source if isinstance(source, str) else source.name
        super().__init__(name, timeout=options.timeout, window=window)
        self._source: Image | str | None = source
        self._options = options
        self._site = site
        self._loop = loop
        self._job: Job[Waiter] = Job(share)
        self._journal = journal
        self._owner: object = owner
        self._cancel: Callable[[], object] | None = None
        # What follows is the loop's.
        self._news = asyncio.Event()
        self._parcel: Parcel | None = None
        self._shipping: asyncio.Lock = asyncio.Lock()
        self._freight = AsyncExitStack()
        self._entry: KeptPages | None = None
        self._taken = 0  # pages of slices that have begun

    def consumed(self, number: int) -> None:
        """Forgets a page, which somebody has taken, and makes room for another."""
        with self._lock:
            self._settled.pop(number, None)
            self._consumed += 1
        self._loop.call(self._news.set)

    def place(self, number: int) -> int:
        """Which of the pages that are read one is, from 1."""
        return place_of(number, self._options.pages)

    def _start(self) -> None:
        self._cancel = self._loop.begin(self._run(), self._left)
        if self._ended:
            # Stopped in between.
            self._release()

    def _release(self) -> None:
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    # In the loop

    def _left(self) -> None:
        # A source given as bytes or as an array may be large; who waits keeps the result only.
        self._source = self._parcel = self._owner = None

    async def _run(self) -> None:
        try:
            async with self._freight:
                await self._read()
            failed = self._failure if self._failed == self._count else None
            error: BaseException | None = None if failed is None else failed.error
        except asyncio.CancelledError:
            return
        except Exception as raised:  # noqa: BLE001  # whatever it was belongs to who waits
            error = raised
        # It ends by itself.
        self._cancel = None
        await _in_thread(self._end, error)

    async def _read(self) -> None:
        await self._site.readers.connect()
        self._parcel = parcel = await _in_thread(self._packed)
        if not isinstance(parcel.source, (Path, str)) and parcel.size > _INLINE:
            await self._ship(parcel)
        look = await self._looked()
        if self._journal is not None and look.key is not None:
            self._entry = self._journal.entry(look.key)
        await _in_thread(self._open, len(look.numbers))
        # Never more than the consumer has room for, and the next is to be on its way.
        most = _MOST if self._window is None else max(1, min(_MOST, self._window // 2))
        await self._read_slices(divided(look.numbers, self._site.readers.places, most))

    def _packed(self) -> Parcel:
        source, name = self._source, self._site.next_id()
        if isinstance(source, Image):
            return Parcel.of(source, self._options, name)
        return Parcel(
            id=name,
            source=source or "",
            name=source,
            options=self._options,
            limits=self._options.limits,
        )

    async def _looked(self) -> Look:
        """What the source is, as a reader sees it."""
        deaths = 0
        while True:
            parcel = self._known_parcel
            try:
                async with self._site.turns.turn(self._job):
                    return await self._site.readers.look(parcel, key=self._journal is not None)
            except NotHere:
                await self._ship(parcel)
            except ReaderDied as died:
                deaths += 1
                if deaths == _TRIES:
                    raise OcrReaderLost(
                        f"{shown(self.name)}: {deaths} processes ended while they opened it, the "
                        f"last one with: {died}; give them more memory, or leave it out"
                    ) from None

    @property
    def _known_parcel(self) -> Parcel:
        if self._parcel is None:
            raise OcrEngineError("a source is read only while its reading goes on")
        return self._parcel

    async def _ship(self, missed: Parcel) -> None:
        """Puts the source where every reader can get it."""
        async with self._shipping:
            if self._known_parcel is not missed:
                return  # another slice has done it
            size = missed.size
            if self._window is None:
                # Not of the share's turns: its slices wait for what is shipped. And not of streams:
                # while their consumers do something else, they would hold all others up.
                await self._freight.enter_async_context(self._site.freight.turn(Job(), size))
            content = await _in_thread(missed.content)
            self._parcel = missed.shipped(await _in_thread(self._site.put, content), size)

    # Slices

    async def _read_slices(self, slices: Iterable[tuple[int, ...]]) -> None:
        """Reads all, in their order, as many at a time as there is room for."""
        running: set[asyncio.Task[None]] = set()
        try:
            for numbers in slices:
                while not self._room(len(numbers), len(running)):
                    await self._wait(running)
                self._taken += len(numbers)
                task = asyncio.ensure_future(self._read_slice(_Slice(list(numbers))))
                task.add_done_callback(lambda _: self._news.set())
                running.add(task)
            while running:
                await self._wait(running)
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    def _room(self, pages: int, running: int) -> bool:
        full = self._window is not None and self._taken + pages > self._consumed + self._window
        return not full and running < self._site.readers.places

    async def _wait(self, running: set[asyncio.Task[None]]) -> None:
        await self._news.wait()
        self._news.clear()
        for task in [task for task in running if task.done()]:
            running.discard(task)
            task.result()

    async def _read_slice(self, part: _Slice) -> None:
        await self._settle_known(part)
        waiting = deque([part] if part.numbers else [])
        while waiting:
            part = waiting.popleft()
            part.begun = False
            async with self._site.turns.turn(self._job):
                await _in_thread(self._tell, Stage.READING, part.numbers[0])
                parcel = self._known_parcel
                try:
                    await self._read_pages(parcel, part)
                except NotHere:
                    pass
                except ReaderDied as died:
                    await self._divide(part, waiting, str(died))
                    continue
            if part.numbers:
                await self._ship(parcel)
                waiting.appendleft(part)

    async def _read_pages(self, parcel: Parcel, part: _Slice) -> None:
        """Reads pages and takes those that are read from the slice."""
        readings = self._site.readers.read(parcel, tuple(part.numbers), alone=part.alone)
        async with aclosing(readings):
            while part.numbers:
                try:
                    reading = await anext(readings)
                except StopAsyncIteration:
                    error = OcrEngineError(f"{shown(self.name)}: its reader has left pages out")
                    await self._fail(part, error)
                except OcrClusterUnavailable:
                    raise
                except OcrException as error:
                    # Others may have been read by now, elsewhere.
                    await self._fail(part, error)
                else:
                    if reading is None:
                        part.begun = True
                    else:
                        part.numbers.remove(reading.outcome.number)
                        await self._take(reading)

    async def _fail(self, part: _Slice, error: OcrException) -> None:
        numbers, part.numbers = part.numbers, []
        for number in numbers:
            await _in_thread(self._settle, number, PageFailure.of(number, error))

    async def _take(self, reading: Reading) -> None:
        self._site.count(reading)
        outcome = reading.outcome
        if self._entry is not None and isinstance(outcome, Page):
            # Not as one that is to be reviewed: another run may ask for another quality.
            await _in_thread(self._entry.put, replace(outcome, review=False))
        await _in_thread(self._settle, outcome.number, outcome)

    async def _settle_known(self, part: _Slice) -> None:
        """Takes pages that are kept from the slice."""
        entry = self._entry
        if entry is None:
            return
        for number in list(part.numbers):
            page = await _in_thread(entry.get, number)
            if page is not None:
                part.numbers.remove(number)
                review = page.expected_cer > 1 - self._options.min_quality
                await _in_thread(self._settle, number, replace(page, review=review))

    async def _divide(self, part: _Slice, waiting: deque[_Slice], died: str) -> None:
        """Has what a lost process had not read be read by others, suspects by themselves."""
        if not part.begun and part.waits < _PATIENCE:
            # It only waited there, or the process was lost before.
            waiting.appendleft(replace(part, waits=part.waits + 1))
            return
        suspects = part.numbers[: self._site.readers.cpus]
        rest = part.numbers[len(suspects) :]
        for number in suspects:
            deaths = part.deaths.get(number, 0) + 1
            if deaths < _TRIES:
                waiting.append(_Slice([number], alone=True, deaths={number: deaths}))
                continue
            error = OcrReaderLost(
                f"{shown(self.name)}, page {number}: {deaths} processes ended while they read it, "
                f"the last one with: {died}; give them more memory, or leave the page out"
            )
            await _in_thread(self._settle, number, PageFailure.of(number, error))
        if rest:
            waiting.appendleft(_Slice(rest))


async def _in_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Calls what may block, or has callers' callbacks called."""
    return await asyncio.to_thread(function, *args, **kwargs)
