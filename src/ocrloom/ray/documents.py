"""Datasets of pages: Ray Data reads documents on all machines of a cluster."""

from __future__ import annotations

import logging
import os
import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import ray
from ray.data import Dataset
from ray.exceptions import RayError

from ocrloom.cli.walking import Selection
from ocrloom.errors import OcrClusterUnavailable, OcrException, OcrOptionError
from ocrloom.locations import is_location
from ocrloom.options import OcrOptions
from ocrloom.ray.cluster import connect, nodes
from ocrloom.ray.crew import usual_cpus
from ocrloom.ray.failures import Failures
from ocrloom.ray.ledger import own
from ocrloom.ray.listing import names_of
from ocrloom.ray.parts import PAGES, Done, Folder, Receipt
from ocrloom.ray.pipeline import Pool, begun, place, planned, planned_rows, reading, writing
from ocrloom.ray.planning import Planner
from ocrloom.ray.rows import Settings
from ocrloom.ray.stored_journal import keeper_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.ray.listing import Sources

__all__ = ["Receipt", "read_documents", "write_pages"]

_SECONDS: Final = 10  # that a part takes about, at a page and a half in each of them
_PART: Final = range(16, 4097)  # pages of a part
_SCANNED: Final = 256  # parts whose pages one task looks up
_SCANS: Final = 16  # such tasks at a time


def read_documents(
    sources: Sources | Dataset,
    options: OcrOptions | None = None,
    *,
    address: str | None = None,
    workers: int | None = None,
    cpus: int | None = None,
    memory: int | None = None,
    journal: str | os.PathLike[str] | None = None,
    slice_pages: int | None = None,
    selection: Selection | None = None,
) -> Dataset:
    """Reads documents on a cluster, as they are asked for: one row a page, see `SCHEMA`.

    A page that cannot be read is a row with ``failure``, and so is a document that does not open,
    with the page 0; nothing ends the others. The order of documents is not kept, and pages of a
    document may come apart.

    Args:
        sources: Paths of files and folders, locations such as ``s3://bucket/scans/``, or a dataset
            with the column ``path``, ``bytes`` or both; its other columns are left out, and a row
            of bytes without a path is named after its digest.
        options: How to read; ``OcrOptions()`` if not given. ``timeout`` is of a slice.
        address: See `RayEngine`.
        workers: Pages that are read at a time on the whole cluster; by default one for each CPU
            that it has, also of machines that come later.
        cpus: Of one process; by default 4, or those of the smallest machine.
        memory: Bytes of decoded pages in one process.
        journal: Folder that all machines share, or location, in which finished pages are kept;
            what is in it is not read again.
        slice_pages: Most pages of a book that one process takes at a time, at least 1; by default
            two for each of its CPUs, but 4.
        selection: Which files of folders are meant; by default images and PDFs.

    Raises:
        OcrOptionError: An argument has a value that it cannot have.
        OcrOutputError: The journal cannot be written.
        OcrClusterUnavailable: The cluster cannot be reached.
    """
    return _Plan(
        options, address, workers, cpus, memory, journal, slice_pages, packed=False, shared=True
    ).pages(sources, selection)


def write_pages(
    sources: Sources | Dataset,
    folder: str | os.PathLike[str],
    options: OcrOptions | None = None,
    *,
    address: str | None = None,
    workers: int | None = None,
    cpus: int | None = None,
    memory: int | None = None,
    journal: str | os.PathLike[str] | None = None,
    slice_pages: int | None = None,
    selection: Selection | None = None,
) -> Iterator[Receipt]:
    """Reads documents on a cluster and writes their pages as Parquet, each exactly once.

    A rerun with the same folder reads what is missing and what could not be read before, and gives
    receipts for all. What was killed in between, here or on the cluster, makes no difference. Rows
    of a dataset with the same name and the same content are one document, and read once. Two runs
    must not write to one folder at the same time.

    Args:
        sources: As for `read_documents`.
        folder: Where the parts go; of this machine, or a location.
        options: As for `read_documents`, with all other arguments.
        address: See `RayEngine`.
        workers: Pages that are read at a time.
        cpus: Of one process.
        memory: Bytes of decoded pages in one process.
        journal: Where finished pages are kept before their part is written.
        slice_pages: Most pages of a book that one process takes at a time.
        selection: Which files of folders are meant.

    Yields:
        One for each page, once it is written, in no order; at last one for each document that does
        not open.

    Raises:
        OcrOptionError: An argument has a value that it cannot have.
        OcrOutputError: The folder or the journal cannot be written, or files of others have names
            of parts.
        OcrClusterUnavailable: The cluster cannot be reached, or cannot read.
    """
    target = Folder.at(os.fsdecode(folder))
    shared = isinstance(sources, Dataset)
    plan = _Plan(
        options, address, workers, cpus, memory, journal, slice_pages, packed=True, shared=shared
    )
    return plan.receipts(sources, selection, target)


class _Plan:
    """The arguments, checked, of a process that is connected."""

    def __init__(
        self,
        options: OcrOptions | None,
        address: str | None,
        workers: int | None,
        cpus: int | None,
        memory: int | None,
        journal: str | os.PathLike[str] | None,
        slice_pages: int | None,
        *,
        packed: bool,
        shared: bool,
    ) -> None:
        for name, value in (
            ("workers", workers),
            ("cpus", cpus),
            ("memory", memory),
            ("slice_pages", slice_pages),
        ):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise OcrOptionError(f"{name} must be a whole number from 1, got {value!r}")
        place = None if journal is None else os.fsdecode(journal)
        if place is not None and not is_location(place):
            place = os.path.abspath(place)  # noqa: PTH100  # links stay
        keeper_at(place)
        self._packed = packed
        self._cluster = connect(address)
        groups = [count for node in nodes() if (count := int(node["Resources"].get("CPU", 0)))]
        cpus = cpus or usual_cpus(groups)
        most = None if workers is None else -(-workers // cpus)
        room = max(1, sum(count // cpus for count in groups))
        # What comes before and after the reading of a dataset is others' and takes CPUs too: Ray
        # Data divides them. Where one process would leave none, none is claimed.
        leaves = not shared or sum(groups) > cpus
        self._pool = Pool(
            settings=Settings(cpus=cpus, memory=memory, journal=place, packed=packed),
            claimed=cpus if leaves else 0,
            first=1 if shared else min(most or room, room),
            most=most,
        )
        self._planner = Planner(
            options=options or OcrOptions(),
            slice_pages=slice_pages or max(4, 2 * cpus),
            cpus=cpus * min(most or room, room),
        )

    def pages(
        self,
        sources: Sources | Dataset,
        selection: Selection | None,
        done: Any = None,  # noqa: ANN401
    ) -> Dataset:
        """The dataset of pages."""
        if isinstance(sources, Dataset):
            bundles, book = planned_rows(sources, self._planner, done)
        else:
            names = names_of(sources)
            found = begun(names, selection or Selection())
            here = not all(is_location(name) for name in names)
            bundles, book = planned(found, self._planner, done, here=here)
        return reading(bundles, self._pool, book)

    def receipts(
        self, sources: Sources | Dataset, selection: Selection | None, folder: Folder
    ) -> Iterator[Receipt]:
        """Reads, writes and tells of it."""
        folder.sweep()
        done = _done(folder)
        failures = Failures(folder, done)
        with _silence():
            pages = self.pages(sources, selection, ray.put(done))
            del done
            for receipt in _receipts(writing(pages, folder, self._part())):
                failures.note(receipt)
                yield receipt
        failures.settle()

    def _part(self) -> int:
        """How many bundles are one part: what all that read do in some seconds."""
        wanted = self._pool.first * self._pool.settings.cpus * _SECONDS * 3 // 2
        pages = min(max(wanted, _PART[0]), _PART[-1])
        return max(1, pages // self._planner.slice_pages)


def _receipts(written: Dataset) -> Iterator[Receipt]:
    try:
        for row in written.iter_rows():
            outcome = pickle.loads(row["receipts"])  # noqa: S301  # our own
            if isinstance(outcome, OcrException):
                raise outcome
            yield from outcome
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise OcrClusterUnavailable(
            f"the cluster could not read on: {lines[-1] if lines else error!r}; what was written "
            "stays, and the same call reads the rest"
        ) from error


def _done(folder: Folder) -> Done:
    """Which pages the folder has, looked up on all machines where there are many parts."""
    names = folder.parts(PAGES)
    if len(names) <= _SCANNED:
        return folder.done(names)
    scan = ray.remote(num_cpus=0)(Folder.done).options(**place(here=folder.is_local))
    groups = [names[start : start + _SCANNED] for start in range(0, len(names), _SCANNED)]
    waiting: list[Any] = []
    found: list[Done] = []
    try:
        for group in groups:
            waiting.append(scan.remote(folder, group))
            if len(waiting) >= _SCANS:
                found.append(ray.get(waiting.pop(0)))
        return Done.joined([*found, *ray.get(waiting)])
    except OcrException as error:
        raise own(error) from None


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps what Ray Data says of its work from standard error, where our own words are."""
    log = logging.getLogger("ray.data")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
