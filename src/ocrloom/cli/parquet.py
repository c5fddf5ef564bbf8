"""The command ``read`` where a cluster writes a table of pages, of documents without number."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ocrloom.cli.cluster import address_of, cost_line, greeting
from ocrloom.cli.errors import explain
from ocrloom.cli.interrupts import INTERRUPTED, let_the_next_one_kill
from ocrloom.cli.outputs import STANDARD_STREAM
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import own_streams
from ocrloom.cli.tally import named_pages, plural
from ocrloom.cli.walking import Selection
from ocrloom.cli.watch import Snapshot
from ocrloom.errors import OcrOptionError
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocrloom.cli.read import Request
    from ocrloom.ray.documents import Receipt

__all__ = ["write_table"]

_NAMED: Final = 20  # documents whose pages are named at the end


def write_table(request: Request) -> int:
    """Has a cluster read documents into a folder of Parquet files, and says what went wrong.

    Returns:
        The exit code.

    Raises:
        OcrException: Nothing could be begun or all had to be given up.
    """
    address = _checked(request)
    watch = _Watch()
    with (
        own_streams(chatter=request.verbose) as streams,
        Messages(streams.err, watch=watch, bar=request.progress) as messages,
    ):
        # Here and not at the top: only this needs them, and they need the extra.
        from ocrloom.ray.cluster import connect
        from ocrloom.ray.listing import names_of

        cluster = connect(address)
        if request.verbose or streams.err.isatty():
            messages.say(greeting(cluster))
        if request.progress and streams.err.isatty():
            watch.count(names_of(request.names))
        run = _Run(watch, messages)
        try:
            run.take(_receipts(request, address))
        except KeyboardInterrupt:
            let_the_next_one_kill()
            run.end("interrupted: ", "; the same command goes on from there")
            return INTERRUPTED
        run.end()
        return run.exit_code


def _checked(request: Request) -> str | None:
    """The address of the cluster.

    Raises:
        OcrOptionError: The flags do not go together.
    """
    if request.ray is None:
        raise OcrOptionError(
            "parquet is written by a cluster; add --ray, which starts one on this machine where "
            "there is none"
        )
    if request.server is not None:
        raise OcrOptionError("--ray and --server both say who reads; leave one of the two")
    if request.output == STANDARD_STREAM:
        raise OcrOptionError("parquet goes into a folder of files; name it with --output")
    if STANDARD_STREAM in request.names:
        raise OcrOptionError("a cluster cannot read standard input into a table; save it as a file")
    return address_of(request.ray)


def _receipts(request: Request, address: str | None) -> Iterator[Receipt]:
    from ocrloom.ray.documents import write_pages

    return write_pages(
        request.names,
        request.output,
        request.options,
        address=address,
        workers=request.jobs,
        memory=request.memory,
        journal=request.resume,
    )


@dataclass(slots=True)
class _Named:
    """Pages of documents, of which the first documents are remembered."""

    count: int = 0
    _pages: dict[str, list[int]] = field(default_factory=dict)
    _more: int = 0

    def add(self, document: str, page: int) -> None:
        self.count += 1
        if document in self._pages or len(self._pages) < _NAMED:
            self._pages.setdefault(document, []).append(page)
        else:
            self._more += 1

    def __str__(self) -> str:
        text = ", ".join(
            # Without a page it is the document that does not open.
            shown(name) + ("" if pages == [0] else f" ({named_pages(sorted(pages))})")
            for name, pages in self._pages.items()
        )
        return f"{text} and {self._more} more" if self._more else text


class _Watch:
    """Counts receipts for a bar. Told and asked from any thread."""

    files = 0  # in all: that is found out beside the reading

    def __init__(self) -> None:
        self.pages = self.read = self.there = self.failed = 0
        self._documents = 0.0
        self._total: int | None = None

    def count(self, names: tuple[str, ...]) -> None:
        """Counts documents beside the reading, so that a bar can say how long it will take."""
        threading.Thread(target=self._count, args=(names,), daemon=True).start()

    def _count(self, names: tuple[str, ...]) -> None:
        from ocrloom.ray.listing import found_in

        self._total = sum(1 for _ in found_in(names, Selection()))

    def note(self, receipt: Receipt) -> None:
        """Takes note of a page, or of a document that does not open."""
        self._documents += 1 / max(1, receipt.pages)
        self.pages += bool(receipt.page)
        self.read += receipt.failure is None
        self.there += receipt.resumed
        self.failed += receipt.failure is not None

    def snapshot(self) -> Snapshot:
        """How far it all is at the moment; nobody knows how many pages there are in all."""
        return Snapshot(
            pages=self.pages,
            files=int(self._documents + 0.5),
            failed=self.failed,
            completed=self._documents,
            total=self._total,
            lines=(),
        )


class _Run:
    """Takes receipts as they come and says what went wrong."""

    def __init__(self, watch: _Watch, messages: Messages) -> None:
        self._watch = watch
        self._messages = messages
        self._begun = time.monotonic()
        self._cpu_seconds = 0.0
        self._codes: set[int] = set()
        self._failed = _Named()
        self._doubtful = _Named()

    @property
    def exit_code(self) -> int:
        """As that of other readings."""
        return max(self._codes, default=0) if len(self._codes) <= 1 else 1

    def take(self, receipts: Iterable[Receipt]) -> None:
        """Takes all of them."""
        for receipt in receipts:
            self._watch.note(receipt)
            self._cpu_seconds += receipt.cpu_seconds
            if receipt.failure is not None:
                error = receipt.failure.error
                self._codes.add(error.exit_code)
                self._failed.add(receipt.document, receipt.page)
                self._messages.say(explain(error, receipt.document))
            elif receipt.review:
                self._doubtful.add(receipt.document, receipt.page)

    def end(self, before: str = "", after: str = "") -> None:
        """Says what became of all, and what it took.

        Args:
            before: What stands before the counts.
            after: What stands behind them.
        """
        watch, failed = self._watch, self._failed
        if before:
            # Those written last may not have been told of.
            text = f"at least {plural(watch.read, 'page')} written"
        elif failed.count:
            text = f"{watch.read} of {plural(watch.pages, 'page')} read"
            if closed := watch.read + failed.count - watch.pages:
                text += f", {plural(closed, 'document')} not opened"
            text += f"; failed: {failed}"
        else:
            text = f"{watch.there} of {plural(watch.pages, 'page')} were there"
        if before or failed.count or watch.there:
            self._messages.say(f"ocrloom: {before}{text}{after}")
        if doubtful := self._doubtful.count:
            one = "is" if doubtful == 1 else "are"
            self._messages.say(
                f"ocrloom: {doubtful} of {plural(watch.read, 'page')} {one} to be reviewed: "
                f"{self._doubtful}"
            )
        seconds = time.monotonic() - self._begun
        self._messages.say(cost_line(watch.pages - watch.there, seconds, self._cpu_seconds))
