"""Pages in a folder that could not be read: kept until they were tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from ocrloom.ray.parts import Done, Folder, Receipt

__all__ = ["Failures"]


class Failures:
    """Those of earlier runs, each of which counts until a receipt tells what became of it now."""

    def __init__(self, folder: Folder, done: Done) -> None:
        """Reads them, and removes what a run that was killed has left twice.

        Args:
            folder: Where they are.
            done: Which pages were read there.
        """
        self._folder = folder
        # When each was written, by the clock of whoever did: what fails now has another time.
        self._old: dict[str, dict[int, datetime]] = {}
        self._tried: set[tuple[str, int]] = set()
        table, parts = folder.failures()
        if table.num_rows:
            kept = _newest(
                table, lambda row: not done.of(row["document"], row["key"], [row["page"]])
            )
            folder.replace_failures(kept, parts)
            for document, page, finished in _facts(kept):
                self._old.setdefault(document, {})[page] = finished

    def note(self, receipt: Receipt) -> None:
        """Notes what has become of a page."""
        pages = self._old.get(receipt.document)
        if pages is None:
            return
        # A document that does not open tells of all its pages, and one that does of itself.
        gone = {0, receipt.page} if receipt.page else pages
        self._tried.update((receipt.document, page) for page in gone)

    def settle(self) -> None:
        """Removes those that were tried again; what they failed with now is kept."""
        table, parts = self._folder.failures()
        if not table.num_rows:
            return

        def stays(row: dict[str, Any]) -> bool:
            document, page = row["document"], row["page"]
            is_old = row["provenance"]["finished"] == self._old.get(document, {}).get(page)
            return not is_old or (document, page) not in self._tried

        self._folder.replace_failures(_newest(table, stays), parts)


def _newest(table: pa.Table, stays: Callable[[dict[str, Any]], bool]) -> pa.Table:
    """The rows that stay, the last one of each page."""
    rows = table.select(["document", "key", "page", "provenance"]).to_pylist()
    last: dict[tuple[str, int], int] = {}
    for place, row in sorted(enumerate(rows), key=lambda each: each[1]["provenance"]["finished"]):
        if stays(row):
            last[row["document"], row["page"]] = place
    return table.take(pa.array(sorted(last.values()), pa.int64()))


def _facts(table: pa.Table) -> Iterator[tuple[str, int, datetime]]:
    for row in table.select(["document", "page", "provenance"]).to_pylist():
        yield row["document"], row["page"], row["provenance"]["finished"]
