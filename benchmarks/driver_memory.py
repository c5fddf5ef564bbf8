"""Memory of the process that gives a cluster its work, for ever more documents.

What reads is replaced by what says at once that a page is empty, so that a hundred thousand
documents take minutes: all else, from the listing to the receipts, is as it is.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks import fresh

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from ocrloom.ray.parcel import Parcel

__all__ = ["WAYS", "Driven", "engine_here", "measure", "pages_here"]

_STATUS = Path("/proc/self/status")
_STORE = 160 * 2**20  # bytes of the node's object store
_CPUS = 2
_FIRST = 100  # documents after which everything is loaded

WAYS = ("write_pages", "RayEngine.process_many")


@dataclass(frozen=True, slots=True)
class Driven:
    """One process that gave so many documents. Sizes in bytes."""

    way: str
    """How it gave them: one of `WAYS`."""
    documents: int
    seconds: float
    first: int
    """Resident after a hundred documents."""
    last: int
    """Resident after all of them."""
    peak: int
    """The most that was resident until then."""


def measure(way: str, documents: int) -> Driven:
    """Has a fresh process give so many documents to a cluster of its own.

    Args:
        way: One of `WAYS`.
        documents: How many, at least 101.

    Raises:
        FreshError: The process died, or a page got lost.
    """
    run = pages_here if way == WAYS[0] else engine_here
    return Driven(way=way, documents=documents, **fresh.call(run, documents=documents))


def pages_here(documents: int) -> dict[str, Any]:
    """Reads a folder by `ocrloom.ray.write_pages`, in this process; see `Driven`."""
    from ocrloom.ray import pipeline, write_pages

    with tempfile.TemporaryDirectory() as name, _cluster() as address:
        folder = Path(name, "scans")
        _fill(folder, documents)
        _replace(pipeline, "PageReader", _blank_page_reader())
        receipts = write_pages(folder, Path(name, "out"), address=address, cpus=1)
        return _watched(receipts, documents)


def engine_here(documents: int) -> dict[str, Any]:
    """Reads bytes by `RayEngine.process_many`, in this process; see `Driven`."""
    from ocrloom.ray import RayEngine, crew

    picture = _picture()
    with _cluster() as address:
        _replace(crew, "Reader", _blank_reader())
        with RayEngine(address, cpus=1) as engine:
            outcomes = engine.process_many(picture for _ in range(documents))
            return _watched(outcomes, documents)


def _watched(pages: Iterable[object], documents: int) -> dict[str, Any]:
    begin, first, count = perf_counter(), 0, 0
    for count, _ in enumerate(pages, 1):
        if count == _FIRST:
            first = _status("VmRSS")
    if count != documents:
        raise ValueError(f"{documents} documents were given, and {count} came back")
    last, peak = _status("VmRSS"), _status("VmHWM")
    return {"seconds": perf_counter() - begin, "first": first, "last": last, "peak": peak}


def _status(name: str) -> int:
    """A figure of this process in bytes."""
    lines = _STATUS.read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


@contextmanager
def _cluster() -> Iterator[str]:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        cluster.add_node(num_cpus=_CPUS, object_store_memory=_STORE, include_dashboard=False)
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()  # type: ignore[no-untyped-call]


def _fill(folder: Path, documents: int) -> None:
    """So many names of one picture, a thousand in each folder."""
    folder.mkdir()
    picture = folder.with_name("picture.png")
    picture.write_bytes(_picture())
    for number in range(documents):
        place = folder / f"{number // 1000:04}"
        place.mkdir(exist_ok=True)
        (place / f"{number % 1000:03}.png").symlink_to(picture)


def _picture() -> bytes:
    import PIL.Image

    file = io.BytesIO()
    PIL.Image.new("L", (8, 8), 255).save(file, "PNG")
    return file.getvalue()


def _replace(module: Any, name: str, value: object) -> None:  # noqa: ANN401  # a module
    # The process is fresh and ends soon; whatever it sends to others it sends with this.
    setattr(module, name, value)


def _blank_page_reader() -> type:
    from ocrloom.ray.rows import PageReader
    from ocrloom.result import Page

    class Blank(PageReader):
        async def _outcomes(self, piece: Any) -> Sequence[tuple[Page, float]]:  # noqa: ANN401
            return [(Page(number=number, width=8, height=8), 1e-3) for number in piece.numbers]

    return Blank


def _blank_reader() -> type:
    from ocrloom.ray.protocols import Reading
    from ocrloom.ray.reader import Reader
    from ocrloom.result import Page

    class Blank(Reader):
        async def read(
            self,
            parcel: Parcel,
            numbers: tuple[int, ...],
            *,
            alone: bool,
        ) -> AsyncGenerator[Reading | None]:
            yield None
            for number in numbers:
                yield Reading(Page(number=number, width=8, height=8), 1e-3)

    return Blank
