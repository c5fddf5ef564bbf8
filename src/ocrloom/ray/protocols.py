"""What is asked of readers, the processes of a cluster that read, whoever keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ocrloom.engine.protocols import Outcome
    from ocrloom.ray.cluster import Cluster
    from ocrloom.ray.parcel import Parcel

__all__ = ["Look", "ReaderDied", "Readers", "Reading"]


class ReaderDied(Exception):
    """The process that was asked is gone: it was killed, or its machine was."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a source is, before any of it is read."""

    numbers: tuple[int, ...]
    """The pages that are to be read."""
    key: str | None
    """What its pages are kept under, see `ocrloom.journal.document_key`, if it was asked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What has become of one page, and what it took."""

    outcome: Outcome
    """The page, or why there is none."""
    seconds: float
    """CPU time of the process since the page before it."""


class Readers(Protocol):
    """Processes of a cluster. Everything is asked for in one event loop."""

    @property
    def places(self) -> int:
        """How many slices may be asked for at a time; those beyond it only wait."""

    @property
    def cpus(self) -> int:
        """How many pages one process reads at a time."""

    async def connect(self) -> Cluster:
        """Connects to the cluster, the first time, and tells what it was like then.

        Raises:
            OcrClusterUnavailable: It cannot be reached.
        """

    async def look(self, parcel: Parcel, *, key: bool) -> Look:
        """Opens a source.

        Args:
            parcel: The source, and how to read it.
            key: Whether the key of its pages is wanted, for which all of it has to be read.

        Raises:
            OcrException: It cannot be opened.
            NotHere: The file is not where the process runs.
            ReaderDied: The process did.
        """

    def read(
        self, parcel: Parcel, numbers: tuple[int, ...], *, alone: bool
    ) -> AsyncGenerator[Reading | None]:
        """Reads some pages of a source and gives each as it is ready; closing it ends that.

        The first that it gives is None: the process has begun. If it dies before that, it was not
        over this.

        Args:
            parcel: The source, and how to read it.
            numbers: Which pages.
            alone: Whether the process must read nothing else meanwhile: it may not survive it.

        Raises:
            OcrException: The source cannot be opened.
            NotHere: The file is not where the process runs.
            ReaderDied: The process did; what it gave before counts.
        """

    async def aclose(self) -> None:
        """Lets go of the processes."""
