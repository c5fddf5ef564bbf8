"""The engine whose pages the machines of a cluster read."""

from __future__ import annotations

import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from ocrloom.engine.base import Reads, check_whole
from ocrloom.errors import OcrEngineError
from ocrloom.image import Image
from ocrloom.locations import is_location
from ocrloom.loop import shared_loop
from ocrloom.ray.cluster import Cluster, check_address, seen
from ocrloom.ray.crew import Crew
from ocrloom.ray.reading import RayReading
from ocrloom.ray.site import Site
from ocrloom.scheduling.finalizers import call_soon, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.image.lazy import ImageLike
    from ocrloom.journal import PageKeeper
    from ocrloom.languages import LanguageLike
    from ocrloom.options import OcrOptions
    from ocrloom.progress import Progress
    from ocrloom.ray.protocols import Readers
    from ocrloom.scheduling.pool import WorkShare

__all__ = ["Cost", "RayEngine"]

_AHEAD: Final = 4
_LEAST_AHEAD: Final = 64  # before it is known how large the cluster is
_GOODBYE: Final = 2.0  # seconds that closing waits for the cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What reading has taken so far."""

    pages: int
    """Pages that were read, or could not be."""
    cpu_seconds: float
    """CPU time of the processes that read, on all machines."""


class RayEngine(Reads):
    """Reads text from images on the machines of a Ray cluster, with the interface of `OcrEngine`.

    Futures, streams, progress, cancelling and exceptions are the same. The pages of a book are
    divided among processes that read, which are started when there is work and end with this one;
    what a killed process or machine had not finished is read by another. Files are opened where
    they are read if they are there, too, and sent otherwise. A source may also be a location such
    as ``s3://bucket/scan.tif``, which whoever reads it fetches.

        with RayEngine("10.0.0.1:6379", language=Language.FRENCH) as engine:
            for outcome in engine.process_many(paths):
                print(outcome.unwrap().text)
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        language: LanguageLike | Iterable[LanguageLike] | None = None,
        options: OcrOptions | None = None,
        workers: int | None = None,
        cpus: int | None = None,
        memory: int | None = None,
        journal: PageKeeper | None = None,
    ) -> None:
        """Makes an engine without connecting to anything.

        Args:
            address: ``host:port`` of the head of a cluster to which this machine belongs; ``local``
                for a new cluster of this machine alone; ``auto`` for the one that ``RAY_ADDRESS``
                names or that this machine belongs to; None for that one too, or a local one where
                there is none.
            language: One or several languages, as members, names or codes; overrides those
                of ``options``.
            options: How to read; ``OcrOptions()`` if not given.
            workers: Pages read at a time on the whole cluster; by default one for each CPU that it
                has. A cluster that grows by itself grows up to what is given.
            cpus: CPUs of one process that reads; by default 4, or those of the smallest machine.
            memory: Bytes that decoded pages may take in one such process; by default its share of
                half of what its machine has.
            journal: Where finished pages are kept by this process, so that no run repeats them.

        Raises:
            OcrUnknownLanguage: No such language.
            OcrOptionError: A value that the option cannot have.
        """
        for name, value in (("workers", workers), ("cpus", cpus), ("memory", memory)):
            check_whole(name, value)
        if address is not None:
            check_address(address)
        super().__init__(language, options)
        prepare()
        crew = Crew(address, workers=workers, cpus=cpus, memory=memory)
        self._set_up(Site(crew), journal, owner=None)
        # Its processes have nothing more to do when it is forgotten; at the end they end anyway.
        weakref.finalize(self, call_soon, crew.retire).atexit = False

    @classmethod
    def at(cls, readers: Readers, *, options: OcrOptions | None = None) -> Self:
        """An engine whose pages are read by processes that somebody else keeps.

        Args:
            readers: Those.
            options: How to read.
        """
        engine = cls.__new__(cls)
        Reads.__init__(engine, None, options)
        engine._set_up(Site(readers), None, owner=None)
        return engine

    def like(self, options: OcrOptions, *, journal: PageKeeper | None = None) -> RayEngine:
        """Another engine, with other options and the same processes.

        Closing it ends what it has begun, and no more.

        Args:
            options: How to read.
            journal: Where finished pages are kept.
        """
        other = RayEngine.__new__(RayEngine)
        Reads.__init__(other, None, options)
        other._set_up(self._site, journal, owner=self)
        return other

    def _set_up(self, site: Site, journal: PageKeeper | None, owner: RayEngine | None) -> None:
        self._site = site
        self._journal = journal
        self._owner = owner  # of the processes
        self._begun: weakref.WeakSet[RayReading] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def cluster(self) -> Cluster:
        """The cluster as it is at the moment; connects to it, which takes some seconds at first.

        Raises:
            OcrOptionError: Its address is none, or the extra ``ray`` is not installed.
            OcrClusterUnavailable: It cannot be reached.
        """
        shared_loop().result(self._site.readers.connect())
        return seen()

    @property
    def cost(self) -> Cost:
        """What reading has taken so far, for all engines that have the same processes."""
        return Cost(pages=self._site.pages, cpu_seconds=self._site.cpu_seconds)

    @property
    def waiting(self) -> int:
        """Slices of sources that wait for a process."""
        return self._site.turns.waiting

    def close(self) -> None:
        """Cancels what this engine has begun and ends its processes.

        A closed engine reads nothing more. Closing it again does nothing.
        """
        with self._lock:
            self._closed = True
            begun = list(self._begun)
        for reading in begun:
            reading.stop()
        if self._owner is None:
            gone = threading.Event()
            shared_loop().begin(self._site.readers.aclose(), gone.set)
            gone.wait(_GOODBYE)

    def _document(
        self,
        source: ImageLike,
        progress: Callable[[Progress], None] | None,
        *,
        share: WorkShare,
        window: int | None = None,
    ) -> RayReading:
        options = self.options
        found: Image | str
        if isinstance(source, str) and is_location(source):
            found = source
        else:
            found = Image.load(source, limits=options.limits).defaulting_to(options.pdf)
        with self._lock:
            if self._closed or (self._owner is not None and self._owner._closed):
                raise OcrEngineError("this engine was closed; make another RayEngine")
            reading = RayReading(
                found,
                options,
                self._site,
                shared_loop(),
                # Turns are taken among slices here, and not among the steps of workers.
                share=share,  # type: ignore[arg-type]
                window=window,
                journal=self._journal,
                owner=self._owner or self,
            )
            self._begun.add(reading)
        if progress is not None:
            reading.watch(progress)
        return reading

    @property
    def _usual_ahead(self) -> int:
        return max(_LEAST_AHEAD, _AHEAD * self._site.readers.places)
