"""Documents given back: all of them in their order, and all that was read of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrNotInLibrary
from ocrloom.formats import format_named
from ocrloom.library.keeping import source_of
from ocrloom.library.pack import unpacked
from ocrloom.result import OcrResult

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.documents import Document
    from ocrloom.library.storage.base import Store
    from ocrloom.result import Page

__all__ = ["Listing", "export_of", "page_of", "result_of"]

_MANY: Final = 200  # documents that are asked for at a time


class Listing:
    """All documents, some at a time."""

    def __init__(self, after: int = 0, *, newest_first: bool = False) -> None:
        """Has given none yet.

        Args:
            after: Number of the document that the first one follows; 0 to begin with the first.
            newest_first: From the last that came to the first.
        """
        self._last = after
        self._newest_first = newest_first

    def __call__(self, store: Store) -> list[Document]:
        """The next of them; none at the end."""
        with store.reading():
            numbers = store.numbers(self._last, _MANY, newest_first=self._newest_first)
            found = store.documents(numbers)
        self._last = numbers[-1] if numbers else self._last
        return [found[number] for number in numbers]


def result_of(store: Store, number: int) -> OcrResult:
    """What was read of a document.

    Raises:
        OcrNotInLibrary: There is no such document.
    """
    with store.reading():
        document = store.document(number)
        pages = [page.id for page in store.pages_of(number)]
        contents = store.contents(pages, whole=True)
    return OcrResult(
        pages=tuple(unpacked(each.words, each.tree) for each in contents),
        failures=document.failures,
        source=document.source,
    )


def page_of(store: Store, number: int, page: int) -> Page:
    """What was read of one page of a document.

    Raises:
        OcrNotInLibrary: There is no such document, or it has no such page.
    """
    with store.reading():
        document = store.document(number)
        rows = [each.id for each in store.pages_of(number) if each.number == page]
        contents = store.contents(rows, whole=True)
    if not contents:
        failed = any(failure.number == page for failure in document.failures)
        raise OcrNotInLibrary(
            f"document {number}: page {page!r:.60} could not be read, see its failures"
            if failed
            else f"document {number} has no page {page!r:.60}; it has {document.pages} that were"
            " read"
        )
    return unpacked(contents[0].words, contents[0].tree)


def export_of(
    store: Store, number: int, name: str, keep: Path | None, source: ImageLike | None
) -> str | bytes:
    """Another document of what was read of one; see `Library.export`."""
    form, shown = format_named(name), None
    if form.needs_source:
        shown = source_of(store.document(number), keep, source)
    return form.render(result_of(store, number), shown)
