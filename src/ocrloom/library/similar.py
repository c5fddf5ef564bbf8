"""Pages like those of a document: the ones with the same telling words."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from math import log
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrNotInLibrary
from ocrloom.library.analysis import GRAM, is_gram
from ocrloom.library.batches import batched
from ocrloom.library.query.tree import And, InDocument, Node, Not, Or, Phrase
from ocrloom.library.search import Search

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.library.documents import Document
    from ocrloom.library.hits import Hit
    from ocrloom.library.storage.base import Store

__all__ = ["Similar", "similar_query"]

_WORDS: Final = 25  # as many as searches for similar texts have taken since Lucene's
_SHORTEST: Final = 2  # letters; a letter alone names a part of something
_TRIED: Final = 2000  # words of which it is found out whether another document has them
_AT_ONCE: Final = 32  # pages of the document in memory


class Similar:
    """A search for pages like those of a document, which gives its hits by and by."""

    def __init__(self, document: int, page: int | None = None, limit: int | None = None) -> None:
        """Says what is searched for; nothing is yet.

        Args:
            document: Number of the document.
            page: Number of the page that the hits are to be like, rather than all of them.
            limit: No more hits than this; None for all.
        """
        self._document = document
        self._page = page
        self._limit = limit
        self._search: Search | None = None

    def more(self, store: Store) -> list[Hit]:
        """The next hits, best first; none at the end.

        Raises:
            OcrNotInLibrary: There is no such document or page.
            OcrOptionError: The limit cannot be.
        """
        if self._search is None:
            node = similar_query(store, self._document, self._page)
            if node is None:
                return []
            self._search = Search(node, limit=self._limit)
        return self._search.more(store)


def similar_query(store: Store, document: int, page: int | None = None) -> Node | None:
    """A search for pages of other documents with the same telling words.

    Args:
        store: What is searched.
        document: Number of the document.
        page: Number of the page, or None for all of them.

    Returns:
        The search; None where nothing tells these pages from others.

    Raises:
        OcrNotInLibrary: There is no such document or page.
    """
    with store.reading():
        store.document(document)
        chosen = _telling(store, store.document(document), page)
    phrases = tuple(map(_phrase, chosen))
    if not phrases:
        return None
    wanted = Or(phrases) if len(phrases) > 1 else phrases[0]
    return And((wanted, Not(InDocument(document=document))))


def _phrase(token: str) -> Phrase:
    return Phrase(words=(token,), exact=(token,), is_run=(is_gram(token),))


def _counted(store: Store, document: int, page: int | None) -> tuple[Counter[str], Counter[str]]:
    """How often each token stands on the pages, and on how many of them."""
    rows = [each for each in store.pages_of(document) if page is None or each.number == page]
    if page is not None and not rows:
        raise OcrNotInLibrary(
            f"document {document} has no page {page!r} in the library; `document` says how many it"
            " has"
        )
    often, pages = Counter[str](), Counter[str]()
    for some in batched([row.id for row in rows], _AT_ONCE):
        for contents in store.contents(some):
            often.update(contents.tokens)
            pages.update(set(contents.tokens))
    return often, pages


def _telling(store: Store, document: Document, page: int | None) -> list[str]:
    """The most telling tokens: words, and of runs as many as they have a share in the text."""
    often, pages = _counted(store, document.id, page)
    words = [token for token in often if _is_word(token)]
    runs = [token for token in often if is_gram(token) and len(token) == GRAM]
    total = sum(often[token] for token in words) + sum(often[token] for token in runs)
    room = round(_WORDS * sum(often[token] for token in runs) / max(1, total))
    count = _pages_ever(store)
    known = store.pages_with(words)
    weights = {word: (1 + log(often[word])) * _rarity(known[word], count) for word in known}
    # A book has more words of its own than can be tried: those come first of which there were more
    # pages than its readings account for.
    own = {word for word in known if known[word] <= pages[word] * document.version}
    tried = sorted(_best(weights, len(weights)), key=own.__contains__)[:_TRIED]
    shared = (word for word in tried if _is_elsewhere(store, word, document.id))
    return [*islice(shared, _WORDS - room), *_best(_repeated(often, runs), room)]


def _is_word(token: str) -> bool:
    return len(token) >= _SHORTEST and not is_gram(token) and not any(map(str.isnumeric, token))


def _is_elsewhere(store: Store, word: str, document: int) -> bool:
    """Whether another document has a word."""
    wanted = And((_phrase(word), Not(InDocument(document=document))))
    return bool(store.rank(wanted, 1).pages)


def _pages_ever(store: Store) -> int:
    """All pages that there have been, as the counts of terms are of all of them too."""
    return store.run("SELECT max(id) FROM pages")[0][0] or 0


def _rarity(pages: float, count: int) -> float:
    """How much a word on so many pages tells: that of BM25, kept positive."""
    return log(1 + (max(0.0, count - pages) + 0.5) / (pages + 0.5))


def _repeated(often: Counter[str], runs: Iterable[str]) -> dict[str, float]:
    """Nothing is counted of runs in the library; the order of hits weighs how rare they are."""
    return {run: float(often[run]) for run in runs}


def _best(weights: dict[str, float], room: int) -> list[str]:
    return sorted(weights, key=lambda token: (-weights[token], token))[:room]
