"""From what people write to hits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError
from ocrloom.library.matching import ExaminedPage
from ocrloom.library.pack import PackedWords
from ocrloom.library.query.tree import OnPage
from ocrloom.library.showing import hit_of
from ocrloom.library.storage.sql import has_text, is_loose, relaxed
from ocrloom.library.tolerance import loosened

if TYPE_CHECKING:
    from ocrloom.library.hits import Hit
    from ocrloom.library.query.tree import Node
    from ocrloom.library.storage.base import Store
    from ocrloom.library.storage.rows import Ranked

__all__ = ["Search"]

_AT_ONCE: Final = 32  # hits that are made at a time; each takes a fraction of a millisecond
_ALL: Final = 2**48  # no library has more pages
_MOST: Final = 3.0
_EVERY_PAGE: Final = OnPage(first=1, last=None)


class Search:
    """One search, which gives its hits by and by."""

    def __init__(
        self,
        node: Node,
        *,
        limit: int | None = None,
        offset: int = 0,
        tolerance: float = 0.0,
        accents: bool = False,
    ) -> None:
        """Says what is searched for; nothing is yet.

        Args:
            node: What a page has to fit.
            limit: No more hits than this; None for all.
            offset: So many of the first are left out.
            tolerance: For words that have none of their own, 0 to 3.
            accents: Whether they count.

        Raises:
            OcrOptionError: A value cannot be; the message says which.
        """
        _check_count("limit", limit, none=True)
        _check_count("offset", offset)
        _check_tolerance(tolerance)
        self._node = node
        self._limit = None if limit is None else min(limit, _ALL)
        self._offset = min(offset, _ALL)
        self._tolerance = float(tolerance)
        self._accents = bool(accents)
        self._turn = threading.Lock()
        self._ranked: Ranked | None = None
        self._next = 0
        self._skipped = 0
        self._given = 0

    def more(self, store: Store) -> list[Hit]:
        """The next hits, best first; none at the end."""
        with self._turn, store.reading():
            before = self._next, self._skipped, self._given
            try:
                ranked = self._ranked = self._ranked or self._rank(store)
                hits: list[Hit] = []
                while not hits and self._next < len(ranked.pages) and not self._has_enough():
                    hits = self._some(store, ranked)
            except BaseException:
                # So that asking again gives what was not given.
                self._next, self._skipped, self._given = before
                raise
            return hits

    def _has_enough(self) -> bool:
        return self._limit is not None and self._given >= self._limit

    def _rank(self, store: Store) -> Ranked:
        self._node = loosened(self._node, store, self._tolerance)
        exact = not is_loose(self._node) and not self._accents
        limit = None
        if exact:
            # The store alone decides, so it need not give more than is wanted.
            limit = None if self._limit is None else self._offset + self._limit
        wanted: Node | None = self._node
        if self._accents:
            # The index knows no accents: a page is not to be left out for words without them.
            wanted = relaxed(self._node, has_text)
        if exact:
            self._next = self._skipped = self._offset
        return store.rank(wanted or _EVERY_PAGE, limit)

    def _some(self, store: Store, ranked: Ranked) -> list[Hit]:
        part = slice(self._next, self._next + _AT_ONCE)
        scores = dict(zip(ranked.pages[part], ranked.scores[part], strict=True))
        self._next += len(scores)
        found = store.contents(list(scores))
        documents = store.documents([each.page.document for each in found])
        hits = []
        for each in found:
            document = documents[each.page.document]
            words = PackedWords.of(each.words)
            page = ExaminedPage(each.page, each.tokens, words, document, accents=self._accents)
            if not page.fits(self._node):
                continue
            if self._skipped < self._offset:
                self._skipped += 1
                continue
            if self._has_enough():
                break
            self._given += 1
            spans = page.spans(self._node)
            hits.append(hit_of(document, each, words, spans, scores[each.page.id]))
        return hits


def _check_count(name: str, value: object, *, none: bool = False) -> None:
    if none and value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise OcrOptionError(f"{name} must be a whole number of at least 0, got {value!r}")


def _check_tolerance(value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise OcrOptionError(f"tolerance must lie between 0 and {_MOST:.0f}, got {value!r}")
