"""Whether a page fits a search, and where what was searched for stands on it. Pure.

This decides; an index only says which pages are worth a look.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ocrloom.library.analysis import Row, Unit, grams, row_of, units
from ocrloom.library.query.tree import (
    And,
    Between,
    Described,
    InDocument,
    InLanguage,
    Loose,
    Node,
    Not,
    OnPage,
    Or,
    OwnedBy,
    Phrase,
)
from ocrloom.library.tolerance import doubt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom.library.documents import Document
    from ocrloom.library.pack import PackedWords
    from ocrloom.library.query.tree import Variation
    from ocrloom.library.storage.rows import PageRow

__all__ = ["ExaminedPage", "Span"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Tokens of a page that a phrase stands in."""

    start: int
    stop: int
    """The one after the last."""
    cost: float = 0.0
    skipped: int = 0
    """Characters of the first token that do not belong to the phrase."""
    taken: int | None = None
    """Characters of the last token that belong to it, if not all."""


class ExaminedPage:
    """A page that is being compared with a search."""

    def __init__(
        self,
        page: PageRow,
        tokens: Sequence[str],
        words: PackedWords,
        document: Document,
        *,
        accents: bool = False,
    ) -> None:
        """Makes one.

        Args:
            page: Which it is.
            tokens: All that the index has of it, in order.
            words: Its words.
            document: The one that it belongs to.
            accents: Whether accents count.
        """
        self._page = page
        self._tokens = tokens
        self._words = words
        self._document = document
        self._accents = accents

    def fits(self, node: Node) -> bool:
        """Whether the page is one that was searched for."""
        match node:
            case And(nodes):
                return all(map(self.fits, nodes))
            case Or(nodes):
                return any(map(self.fits, nodes))
            case Not(inner):
                return not self.fits(inner)
            case Phrase() | Loose():
                return any(True for _ in self._places(node))
            case InLanguage() | InDocument() | OnPage() | OwnedBy():
                return self._is_one_of(node)
            case Between():
                return self._is_between(node)
            case Described():
                return self._is_described(node)

    def _is_one_of(self, node: InLanguage | InDocument | OnPage | OwnedBy) -> bool:
        match node:
            case InLanguage(code=code):
                return code in self._page.languages
            case InDocument(document=document):
                return self._page.document == document
            case OnPage(first=first, last=last):
                return first <= self._page.number and (last is None or self._page.number <= last)
            case OwnedBy(owner=owner):
                return self._document.owner == owner

    def spans(self, node: Node) -> list[Span]:
        """Where everything stands that was searched for and not denied, in reading order.

        Of several that cover the same tokens the cheapest one.
        """
        best: dict[tuple[int, int], Span] = {}
        for span in self._all(node):
            place = span.start, span.stop
            if place not in best or span.cost < best[place].cost:
                best[place] = span
        return sorted(best.values())

    def _all(self, node: Node) -> Iterator[Span]:
        match node:
            case And(nodes) | Or(nodes):
                for each in nodes:
                    yield from self._all(each)
            case Phrase() | Loose():
                yield from self._places(node)
            case _:
                return

    def _places(self, phrase: Phrase | Loose) -> Iterator[Span]:
        if isinstance(phrase, Loose):
            return self._loose_places(phrase)
        if self._accents:
            row = row_of(phrase.exact, phrase.is_run, prefix=phrase.prefix)
            return _rows(row, self._exact, self._exact_index)
        row = row_of(phrase.words, phrase.is_run, prefix=phrase.prefix)
        return _rows(row, self._tokens, self._index)

    @cached_property
    def _index(self) -> dict[str, list[int]]:
        return _index_of(self._tokens)

    @cached_property
    def _exact_index(self) -> dict[str, list[int]]:
        return _index_of(self._exact)

    @cached_property
    def _exact(self) -> list[str]:
        """The tokens with their accents; without, where they cannot be told from the word."""
        row: list[Unit] = []
        for place in range(len(self._words.texts)):
            whole, _ = self._words.joined(place)
            count = self._words.counts[place]
            folded, kept = units(whole), units(whole, fold=False)
            if count == len(folded) == len(kept):
                row += kept
            elif count == len(folded):
                row += folded
        exact = grams(row)
        return exact if len(exact) == len(self._tokens) else list(self._tokens)

    def _loose_places(self, loose: Loose) -> Iterator[Span]:
        ways: defaultdict[tuple[int, str], list[Variation]] = defaultdict(list)
        for each in loose.variations:
            ways[each.first, each.tokens[0]].append(each)
        count = len(loose.phrase.words)
        starts = {token for first, token in ways if first == 0}
        known: dict[tuple[int, int], Span | None] = {}
        for start, token in enumerate(self._tokens):
            if token in starts:
                best = self._cheapest(ways, count, 0, start, known)
                if best is not None and best.cost <= loose.tolerance:
                    yield best

    def _cheapest(
        self,
        ways: dict[tuple[int, str], list[Variation]],
        count: int,
        word: int,
        place: int,
        known: dict[tuple[int, int], Span | None],
    ) -> Span | None:
        """The cheapest way in which a phrase, from a word of it on, stands at a place.

        Each is looked for once, in ``known``, as many ways may lead to one place.
        """
        if word == count:
            return Span(place, place)
        if place >= len(self._tokens):
            return None
        if (word, place) in known:
            return known[word, place]
        best = None
        for way in ways.get((word, self._tokens[place]), ()):
            stop = place + len(way.tokens)
            if tuple(self._tokens[place:stop]) != way.tokens:
                continue
            cost = way.cost * doubt(self._confidence(place, stop)) if way.cost else 0.0
            rest = self._cheapest(ways, count, word + way.words, stop, known)
            if rest is None or (best is not None and best.cost <= cost + rest.cost):
                continue
            taken = rest.taken if rest.stop > stop else way.stop
            best = Span(place, rest.stop, cost + rest.cost, way.start, taken)
        known[word, place] = best
        return best

    def _confidence(self, start: int, stop: int) -> float:
        """Mean confidence of the words that tokens are of."""
        places = {self._words.owners[token][0] for token in range(start, stop)}
        return sum(map(self._words.confidence, places)) / len(places)

    def _is_between(self, node: Between) -> bool:
        description = self._document.description
        value = self._document.added if node.field == "added" else description.date
        if value is None:
            return False
        text = value.isoformat()
        return (node.first is None or node.first <= text) and (
            node.after is None or text < node.after
        )

    def _is_described(self, node: Described) -> bool:
        description = self._document.description
        texts = {"title": description.title, "source": self._document.source or ""}
        text = texts.get(node.field, description.metadata.get(node.field))
        if text is None:
            return False
        row = row_of(node.words, node.is_run, prefix=node.prefix)
        tokens = grams(units(text))
        return any(True for _ in _rows(row, tokens, _index_of(tokens)))


def _index_of(tokens: Sequence[str]) -> dict[str, list[int]]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, token in enumerate(tokens):
        places[token].append(place)
    return dict(places)


def _rows(row: Row, tokens: Sequence[str], index: dict[str, list[int]]) -> Iterator[Span]:
    """Where tokens have a row."""
    last = len(row.tokens) - 1
    for start in _starts(row, index):
        stop = start + len(row.tokens)
        if stop > len(tokens) or tuple(tokens[start : stop - 1]) != row.tokens[:-1]:
            continue
        end = tokens[start + last]
        if end == row.tokens[-1] or (row.prefix and end.startswith(row.tokens[-1])):
            yield Span(start, start + row.length)


def _starts(row: Row, index: dict[str, list[int]]) -> Iterator[int]:
    """Places of the first token of a row, ascending."""
    if len(row.tokens) > 1 or not row.prefix:
        yield from index.get(row.tokens[0], ())
        return
    found = [place for token, places in index.items() if token.startswith(row.tokens[0])
             for place in places]  # fmt: skip
    yield from sorted(found)
