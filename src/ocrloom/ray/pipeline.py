"""The stages that Ray Data runs: documents are listed, planned and read, and pages written.

Rows are units of work, and each is a block of its own, so that one that takes long holds up no
other. All stages but the reading take no CPUs of Ray's, or a cluster whose CPUs all read would
never come to give them work.
"""

from __future__ import annotations

import pickle
import secrets
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import ray
import ray.data
from ray.data import ActorPoolStrategy, DataContext, Dataset, TaskPoolStrategy

from ocrloom.errors import OcrException, OcrOptionError
from ocrloom.ray.ledger import ledger
from ocrloom.ray.listing import chunks, found_in
from ocrloom.ray.rows import PageReader, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ocrloom.cli.walking import Selection
    from ocrloom.ray.parts import Done, Folder, Receipt
    from ocrloom.ray.planning import Bundle, Planner

__all__ = ["Pool", "begun", "place", "planned", "planned_rows", "reading", "writing"]

_AHEAD: Final = 3  # bundles that a process has: two that it reads, and one that waits
_SIDE_BY_SIDE: Final = 2
_GROWS: Final = 1.25  # bundles for each that can be read now, from which on a process is added
_HELPERS: Final = 4  # tasks of one stage beside the reading
_MIXED: Final = "path", "bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Which processes read."""

    settings: Settings
    claimed: int
    """CPUs of Ray's that each takes from others."""
    first: int
    """Processes to begin with."""
    most: int | None
    """Processes at most; None for as many as the cluster has CPUs for, also later."""


def begun(names: tuple[str, ...], selection: Selection) -> Dataset:
    """A dataset of documents in chunks, which one task lists on the machine that calls.

    Args:
        names: Paths and locations.
        selection: Which files of folders are meant.
    """
    with _fine_grained(DataContext.get_current()):
        dataset = ray.data.from_arrow(pa.table({"work": [pickle.dumps((names, selection))]}))
    return dataset.map_batches(_list, **_beside(here=True, tasks=1))


def planned(dataset: Dataset, planner: Planner, done: Any, *, here: bool) -> tuple[Dataset, Any]:  # noqa: ANN401
    """Bundles of the documents, and the ledger of the reading.

    Args:
        dataset: What `begun` gave.
        planner: How they are divided.
        done: Reference of what an earlier run has written, or None.
        here: Whether the files are to be opened on the machine that calls.
    """
    book = ledger(home())
    # In a list, as Ray would get what it refers to beforehand.
    plan = partial(_plan, planner=planner, done=[done], book=book)
    return dataset.map_batches(plan, **_beside(here=here, tasks=_HELPERS)), book


def planned_rows(dataset: Dataset, planner: Planner, done: Any) -> tuple[Dataset, Any]:  # noqa: ANN401
    """Bundles of the documents that another dataset holds, and the ledger of the reading.

    Args:
        dataset: With the column ``path``, ``bytes`` or both.
        planner: How they are divided.
        done: As for `planned`; where it is given, a document that comes twice is read once.

    Raises:
        OcrOptionError: It has neither column.
    """
    names = dataset.columns() or []
    columns = [name for name in _MIXED if name in names]
    if not columns:
        raise OcrOptionError(
            f"a dataset of documents needs the column path, bytes or both, found {names}"
        )
    # A copy, whose blocks may be small while those of what was given stay as they are.
    own = Dataset.copy(dataset, _deep_copy=True)
    _make_fine_grained(own.context)
    book = ledger(home())
    once = None if done is None else _Once(book)
    plan = partial(_plan_rows, planner=planner, done=[done], book=book, once=once)
    return own.map_batches(plan, **_beside(here="bytes" not in columns, tasks=_HELPERS)), book


def reading(dataset: Dataset, pool: Pool, book: Any) -> Dataset:  # noqa: ANN401
    """The pages of bundles, one row each; or one row a bundle, see `Settings.packed`.

    Args:
        dataset: Bundles.
        pool: Which processes read.
        book: The ledger.
    """
    return dataset.map_batches(
        PageReader,
        fn_constructor_args=(pool.settings, book),
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=pool.claimed,
        compute=ActorPoolStrategy(
            min_size=1,
            max_size=pool.most,
            initial_size=pool.first,
            max_tasks_in_flight_per_actor=_AHEAD,
            max_concurrent_calls_per_actor=_SIDE_BY_SIDE,
        ),
    )


def writing(dataset: Dataset, folder: Folder, bundles: int) -> Dataset:
    """Receipts of pages, once they are written.

    Args:
        dataset: One row a bundle.
        folder: Where to.
        bundles: How many are one part.
    """
    return dataset.map_batches(
        partial(_write, folder=folder),
        **_beside(here=folder.is_local, tasks=_HELPERS, batch_size=bundles),
    )


def home() -> str:
    """The node that this process runs on, by its id."""
    return str(ray.get_runtime_context().get_node_id())


def place(*, here: bool) -> dict[str, Any]:
    """Which machines a task may run on, as Ray's options say it.

    Args:
        here: Whether on this one only.
    """
    return {"label_selector": {"ray.io/node-id": home()}} if here else {}


@contextmanager
def _fine_grained(context: DataContext) -> Iterator[None]:
    """Datasets that are made within have a row a block; each has a copy of the context."""
    before = context.target_max_block_size, context.enable_progress_bars
    threshold = context.autoscaling_config.actor_pool_util_upscaling_threshold
    _make_fine_grained(context)
    try:
        yield
    finally:
        context.target_max_block_size, context.enable_progress_bars = before
        context.autoscaling_config.actor_pool_util_upscaling_threshold = threshold


def _make_fine_grained(context: DataContext) -> None:
    context.target_max_block_size = 1
    # Standard error is for what goes wrong; who wants them turns them on for the dataset.
    context.enable_progress_bars = False
    context.autoscaling_config.actor_pool_util_upscaling_threshold = _GROWS


def _beside(*, here: bool, tasks: int, batch_size: int | None = None) -> dict[str, Any]:
    """How a stage runs that is not the reading."""
    # Of the tasks of a stage, which are no more than there are inputs, as they should be.
    warnings.filterwarnings("ignore", "The maximum number of concurrent tasks", UserWarning)
    return {
        "batch_size": batch_size,
        "batch_format": "pyarrow",
        "num_cpus": 0,
        "compute": TaskPoolStrategy(size=tasks),
        **place(here=here),
    }


def _list(batch: pa.Table) -> Iterator[pa.Table]:
    for work in batch["work"]:
        names, selection = pickle.loads(work.as_py())  # noqa: S301  # our own
        before = 0
        for chunk in chunks(found_in(names, selection)):
            yield pa.table({"work": [pickle.dumps((chunk, before))]})
            before += len(chunk)


def _plan(
    batch: pa.Table,
    *,
    planner: Planner,
    done: list[Any],
    book: Any,  # noqa: ANN401
) -> Iterator[pa.Table]:
    for work in batch["work"]:
        found, before = pickle.loads(work.as_py())  # noqa: S301  # our own
        fetch = _fetcher(planner, book)
        yield from _packed(planner.bundles(found, _known(done), fetch, before=before))


def _plan_rows(
    batch: pa.Table,
    *,
    planner: Planner,
    done: list[Any],
    book: Any,  # noqa: ANN401
    once: _Once | None,
) -> Iterator[pa.Table]:
    rows = batch.select([name for name in _MIXED if name in batch.column_names]).to_pylist()
    yield from _packed(planner.bundles_of_rows(rows, _known(done), _fetcher(planner, book), once))


class _Once:
    """Tells documents that come for the first time; every run of a task has one of its own."""

    def __init__(self, book: Any) -> None:  # noqa: ANN401  # a handle
        self._book = book
        self._attempt = ""

    def __call__(self, what: bytes) -> bool:
        # Not before, or all runs would have the same.
        self._attempt = self._attempt or secrets.token_hex(8)
        task = ray.get_runtime_context().get_task_id()
        return bool(ray.get(self._book.first.remote(what, task, self._attempt)))


def _packed(bundles: Iterable[Bundle]) -> Iterator[pa.Table]:
    for bundle in bundles:
        yield pa.table({"work": [pickle.dumps(bundle)]})


def _known(done: list[Any]) -> Done | None:
    (index,) = done
    known: Done | None = None if index is None else ray.get(index)
    return known


def _fetcher(planner: Planner, book: Any) -> Callable[[str], bytes]:  # noqa: ANN401
    def fetch(name: str) -> bytes:
        content: bytes = ray.get(book.content.remote(name, planner.options.limits))
        return content

    return fetch


def _write(batch: pa.Table, *, folder: Folder) -> pa.Table:
    """Writes one part. What goes wrong is given, as Ray would make text of it."""
    tables: list[pa.Table] = []
    receipts: list[Receipt] = []
    for packed in batch["pages"]:
        table, written = pickle.loads(packed.as_py())  # noqa: S301  # our own
        tables.append(table)
        receipts += written
    outcome: list[Receipt] | OcrException = receipts
    try:
        table = pa.concat_tables(tables)
        receipts += folder.write(table) if table.num_rows else []
    except OcrException as error:
        outcome = error
    return pa.table({"receipts": [pickle.dumps(outcome)]})
