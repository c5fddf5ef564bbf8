"""The process of a dataset's actor pool: it reads bundles and gives rows."""

from __future__ import annotations

import asyncio
import logging
import pickle
import platform
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from ocrloom._version import __version__
from ocrloom.errors import (
    OcrClusterUnavailable,
    OcrEngineError,
    OcrException,
    OcrReaderLost,
    OcrSourceUnreadable,
    OcrTimeout,
)
from ocrloom.image.source import shown
from ocrloom.journal import content_digest
from ocrloom.locations import fetch
from ocrloom.ray.ledger import own
from ocrloom.ray.parcel import NotHere
from ocrloom.ray.parts import Receipt
from ocrloom.ray.reader import Reader
from ocrloom.ray.stored_journal import keeper_at
from ocrloom.ray.table import row_of, table_of
from ocrloom.result import Page, PageFailure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ocrloom.engine.protocols import Outcome
    from ocrloom.journal import KeptPages
    from ocrloom.options import Limits
    from ocrloom.ray.parcel import Parcel
    from ocrloom.ray.planning import Bundle, Slice

__all__ = ["PageReader", "Settings"]

_LOG = logging.getLogger(__name__)

_TRIES: Final = 3
"""Processes that may be lost over one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a process of the pool is told. Can be pickled."""

    cpus: int
    memory: int | None
    journal: str | None
    packed: bool
    """Whether a bundle makes one row, for what writes it, or one a page."""
    version: str = __version__


@dataclass(slots=True, kw_only=True)
class _Attempt:
    """Pages of a slice that are read together."""

    piece: Slice
    numbers: tuple[int, ...]
    entry: KeptPages | None
    alone: bool
    begun: bool = False
    """Whether it has been counted that a page is read alone."""
    found: dict[int, tuple[Outcome, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Unchanged:
    """What is at a location, fetched when it is awaited; it must be what it was when planned."""

    location: str
    limits: Limits
    digest: str

    def __await__(self) -> Generator[Any, None, bytes]:
        return asyncio.to_thread(self._get).__await__()

    def _get(self) -> bytes:
        content = fetch(self.location, self.limits)
        _compare(content, self.digest, self.location, self.limits)
        return content


def _compare(content: bytes, digest: str, name: str, limits: Limits) -> None:
    """Finds out whether a document is still what its key was made of.

    Raises:
        OcrSourceUnreadable: It is another one.
    """
    if content_digest(content, limits=limits) != digest:
        raise OcrSourceUnreadable(f"{shown(name)}: changed while it was read; run it again")


class PageReader:
    """Reads bundles, two side by side, so that none of its CPUs waits for a bundle's last page."""

    def __init__(self, settings: Settings, ledger: Any) -> None:  # noqa: ANN401  # a handle
        """Makes it.

        Args:
            settings: What it is told.
            ledger: The `Ledger` of the dataset.

        Raises:
            OcrClusterUnavailable: Another version of ocrloom is installed here.
        """
        if settings.version != __version__:
            raise OcrClusterUnavailable(
                f"the machine {platform.node()} has ocrloom {__version__}, and the one that called "
                f"has {settings.version}; install the same version everywhere"
            )
        self._settings = settings
        self._ledger = ledger
        self._keeper = keeper_at(settings.journal)
        self._reader: Reader | None = None

    async def __call__(self, batch: pa.Table) -> pa.Table:
        """Reads one bundle.

        The rows are in the order of the bundle, and all at once: what a process has given counts
        although it is killed afterwards, and the next one begins anew and gives as many.
        """
        if self._reader is None:
            # In the event loop that it is used in.
            self._reader = Reader(self._settings.cpus, self._settings.memory)
        (work,) = batch["work"]
        bundle: Bundle = pickle.loads(work.as_py())  # noqa: S301  # our own, from a task before
        parts = await asyncio.gather(*(self._rows(piece) for piece in bundle.slices))
        table = table_of(row for part in parts for row in part)
        if not self._settings.packed:
            return table
        written = [
            Receipt(
                document=piece.document, page=number, review=review, resumed=True, pages=piece.pages
            )
            for piece in bundle.slices
            for number, review in piece.written
        ]
        return pa.table({"pages": [pickle.dumps((table, written))]})

    async def _rows(self, piece: Slice) -> list[dict[str, Any]]:
        found = [(piece.failure, 0.0)] if piece.failure else await self._outcomes(piece)
        ordered = sorted(found, key=lambda each: each[0].number)
        return [
            row_of(
                outcome,
                document=piece.document,
                pages=piece.pages,
                key=piece.key,
                node=platform.node(),
                seconds=seconds,
            )
            for outcome, seconds in ordered
        ]

    async def _outcomes(self, piece: Slice) -> Iterable[tuple[Outcome, float]]:
        """All pages of a slice; those after which processes were lost one by one."""
        if not piece.numbers:
            return []
        name = f"{piece.id}\0{piece.numbers[0]}-{piece.numbers[-1]}"
        lost = await self._ledger.begin.remote(name) - 1
        entry = None if self._keeper is None else self._keeper.entry(piece.key)
        found = await self._kept(piece, entry)
        left = tuple(number for number in piece.numbers if number not in found)
        if left and not lost:
            attempt = _Attempt(piece=piece, numbers=left, entry=entry, alone=False)
            found |= await self._read(attempt)
        for number in left if lost else ():
            found |= await self._suspect(piece, number, entry)
        if not _has_lost(found):
            await self._ledger.end.remote(name)
        return found.values()

    async def _kept(
        self, piece: Slice, entry: KeptPages | None
    ) -> dict[int, tuple[Outcome, float]]:
        if entry is None or piece.parcel is None:
            return {}
        quality = piece.parcel.options.min_quality
        found: dict[int, tuple[Outcome, float]] = {}
        for number in piece.numbers:
            page = await asyncio.to_thread(entry.get, number)
            if page is not None:
                found[number] = replace(page, review=page.expected_cer > 1 - quality), 0.0
        return found

    async def _suspect(
        self, piece: Slice, number: int, entry: KeptPages | None
    ) -> dict[int, tuple[Outcome, float]]:
        """A page over which a process may have been lost."""
        attempt = _Attempt(piece=piece, numbers=(number,), entry=entry, alone=True)
        found = await self._read(attempt)
        # The process may be lost over another page of the bundle; this one is not tried again.
        if not _has_lost(found):
            await self._ledger.end.remote(_page_name(piece, number))
        return found

    async def _read(self, attempt: _Attempt) -> dict[int, tuple[Outcome, float]]:
        piece, found = attempt.piece, attempt.found
        failed: OcrException
        try:
            async with asyncio.timeout(piece.parcel.options.timeout if piece.parcel else None):
                try:
                    await self._into(attempt, _checked(piece))
                except NotHere:
                    await self._into(attempt, await self._from_home(piece))
        except OcrException as error:
            failed = own(error)
        except TimeoutError:
            failed = OcrTimeout(f"{shown(piece.document)}: not all of it was read in time")
        # One page must not end the reading of millions.
        except Exception as error:  # noqa: BLE001
            _LOG.exception("a defect of ocrloom, or of what it uses")
            failed = OcrEngineError(f"{shown(piece.document)}: cannot be read: {error!r}")
        else:
            return found
        rest = {n: (PageFailure.of(n, failed), 0.0) for n in attempt.numbers if n not in found}
        return found | rest

    async def _into(self, attempt: _Attempt, parcel: Parcel) -> None:
        """Puts each page there as soon as it is read, and into the journal."""
        assert self._reader is not None  # noqa: S101
        entry = attempt.entry
        reading_of = self._reader.read(parcel, attempt.numbers, alone=attempt.alone)
        async with aclosing(reading_of) as readings:
            async for reading in readings:
                if reading is None:
                    # Nothing else is read here from now on: what is lost is lost over this page.
                    await self._begin(attempt)
                    continue
                outcome = reading.outcome
                if entry is not None and isinstance(outcome, Page):
                    await asyncio.to_thread(entry.put, outcome)
                attempt.found[outcome.number] = outcome, reading.seconds

    async def _begin(self, attempt: _Attempt) -> None:
        if attempt.begun or not attempt.alone:
            return
        attempt.begun = True
        (number,) = attempt.numbers
        if await self._ledger.begin.remote(_page_name(attempt.piece, number)) > _TRIES:
            raise OcrReaderLost(
                f"{shown(attempt.piece.document)}, page {number}: {_TRIES} processes that read it "
                "ended unexpectedly; it may need more memory than they have, or break a decoder"
            )

    async def _from_home(self, piece: Slice) -> Parcel:
        """The same from the machine that called, as the file is not here."""
        assert piece.parcel is not None  # noqa: S101
        name, limits = str(piece.parcel.source), piece.parcel.limits
        content = await self._ledger.content.remote(name, limits)
        await asyncio.to_thread(_compare, content, piece.digest, name, limits)
        return replace(piece.parcel, source=content, stamp=None)


def _checked(piece: Slice) -> Parcel:
    """The source, which is compared with what was planned if it is fetched."""
    parcel = piece.parcel
    assert parcel is not None  # noqa: S101
    if not isinstance(parcel.source, str):
        return parcel
    content = _Unchanged(parcel.source, parcel.limits, piece.digest)
    return parcel.shipped(content, piece.size)


def _page_name(piece: Slice, number: int) -> str:
    return f"{piece.id}\0{number}"


def _has_lost(found: dict[int, tuple[Outcome, float]]) -> bool:
    """Whether a page has cost its last process: this is remembered as long as others may die."""
    return any(
        isinstance(outcome, PageFailure) and outcome.kind == OcrReaderLost.__name__
        for outcome, _ in found.values()
    )
