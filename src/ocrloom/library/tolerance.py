"""What may stand on a page for a word that was not read right, and what that costs.

- A usual confusion, such as rn for m, 0 for o or 1 for l, costs `CONFUSION`. There may be several.
- One other letter that is wrong, missing or too many costs `ODD`, in words of `ODD_FROM` letters.
- A word that was broken in two costs `BROKEN`, and confusions in its parts what they cost.
- Two words of a phrase that were joined cost `JOINED`, and confusions in them what they cost. So
  does a word, of `JOINED_FROM` letters, that was joined with another word before or after it which
  is not searched for, if that is a word of the library itself, of `REST_FROM` letters.

The cost counts for less where the recogniser itself had doubts: `doubt` times as much.
"""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrQueryError
from ocrloom.library.query.tree import And, Loose, Node, Not, Or, Phrase, Variation
from ocrloom.library.skeletons import CONFUSIONS, skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ocrloom.library.storage.base import Store

__all__ = [
    "BROKEN",
    "CONFUSION",
    "DOUBTED",
    "JOINED",
    "JOINED_FROM",
    "MOST",
    "ODD",
    "ODD_FROM",
    "REST_FROM",
    "doubt",
    "loosened",
    "reading_cost",
]

CONFUSION: Final = 0.5
ODD: Final = 1.5
ODD_FROM: Final = 4
BROKEN: Final = 0.5
JOINED: Final = 0.5
JOINED_FROM: Final = 4
REST_FROM: Final = 2

DOUBTED: Final = 0.7
"""Confidence up to which an index knows that the recogniser had doubts."""

_LEAST_DOUBT: Final = 0.5
MOST: Final = 3.0 / _LEAST_DOUBT
"""Cost that nothing exceeds within any tolerance."""
_WAYS: Final = 2000  # ways in which one phrase may stand; more say nothing any more
_ODD_STROKES: Final = 3  # of the widest letter

_SIDES: Final[defaultdict[str, list[str]]] = defaultdict(list)
for _one, _other in CONFUSIONS:
    _SIDES[_one].append(_other)
    _SIDES[_other].append(_one)
_WIDEST: Final = max(map(len, _SIDES))


def doubt(confidence: float) -> float:
    """What a cost is multiplied by where the words of a place have a mean confidence, 0..1."""
    return max(_LEAST_DOUBT, min(1.0, confidence))


@lru_cache(maxsize=65536)
def reading_cost(word: str, read: str, *, odd: bool = True, most: float = MOST) -> float:
    """What it costs to take a word for another; infinite where nothing explains it.

    Args:
        word: Folded.
        read: What was read, folded.
        odd: Whether one error that is not usual may be among them.
        most: What costs more need not be found.
    """
    if word == read:
        return 0.0
    odd = odd and len(word) >= ODD_FROM and most >= ODD
    form, other = skeleton(word), skeleton(read)
    if form != other and not (odd and _are_near(form, other)):
        return inf
    return _Comparison(word, read).cost(0, 0, most, odd=odd)


def _are_near(one: str, other: str) -> bool:
    """Whether one letter more, less or other can make the skeletons the same."""
    if abs(len(one) - len(other)) > _ODD_STROKES:
        return False
    shorter = min(len(one), len(other))
    start = 0
    while start < shorter and one[start] == other[start]:
        start += 1
    end = 0
    while end < shorter - start and one[-1 - end] == other[-1 - end]:
        end += 1
    return max(len(one), len(other)) - start - end <= _ODD_STROKES


class _Comparison:
    """The cheapest way from one word to another, by parts that are the same or taken for it."""

    def __init__(self, word: str, read: str) -> None:
        self._word = word
        self._read = read

    def cost(self, done: int, seen: int, most: float, *, odd: bool) -> float:
        """From a place in both on.

        Args:
            done: Letters of the word that are accounted for.
            seen: The same of what was read.
            most: What may be spent.
            odd: Whether the odd error is left.
        """
        if self._word[done:] == self._read[seen:]:
            return 0.0
        best = inf
        if most < CONFUSION:
            return best
        for price, more, further in self._steps(done, seen, odd=odd):
            left = min(most, best) - price
            if left >= 0:
                rest = self.cost(done + more, seen + further, left, odd=odd and price != ODD)
                best = min(best, price + rest)
        return best

    def _steps(self, done: int, seen: int, *, odd: bool) -> Iterator[tuple[float, int, int]]:
        """What each step costs, and how far it goes in both; the cheapest first."""
        word, read = self._word, self._read
        if word[done : done + 1] == read[seen : seen + 1]:
            yield 0.0, 1, 1
        for width in range(1, min(_WIDEST, len(word) - done) + 1):
            for look in _SIDES.get(word[done : done + width], ()):
                if read.startswith(look, seen):
                    yield CONFUSION, width, len(look)
        if odd:
            is_left, is_read = done < len(word), seen < len(read)
            if is_left and is_read:
                yield ODD, 1, 1
            if is_left:
                yield ODD, 1, 0
            if is_read:
                yield ODD, 0, 1


def loosened(node: Node, store: Store, tolerance: float) -> Node:
    """The tree with all that may stand for its phrases.

    Phrases with runs, whose characters have no usual confusions, and beginnings of words stay as
    they are.

    Args:
        node: What `parse` gave.
        store: Whose terms there are.
        tolerance: For phrases that have none of their own; over 0 to loosen them.

    Raises:
        OcrQueryError: A tolerance makes more of a phrase than can be looked for.
    """
    match node:
        case And(nodes):
            return And(tuple(loosened(each, store, tolerance) for each in nodes))
        case Or(nodes):
            return Or(tuple(loosened(each, store, tolerance) for each in nodes))
        case Not(inner):
            return Not(loosened(inner, store, tolerance))
        case Phrase():
            allowed = tolerance if node.tolerance is None else node.tolerance
            if allowed <= 0 or node.prefix or any(node.is_run):
                return node
            return Loose(
                phrase=node,
                tolerance=allowed,
                variations=_Finder(store, allowed).of(node),
            )
        case _:
            return node


class _Finder:
    """Looks for what a library has that may stand for words."""

    def __init__(self, store: Store, tolerance: float) -> None:
        """Makes one.

        Args:
            store: Whose terms there are.
            tolerance: What they may cost where they stand.
        """
        self._store = store
        self._tolerance = tolerance
        self._most = tolerance / _LEAST_DOUBT

    def of(self, phrase: Phrase) -> tuple[Variation, ...]:
        """All that may stand for words of the phrase, each once."""
        words = phrase.words
        found: dict[tuple[object, ...], Variation] = {}
        for each in self._all(words):
            key = each.first, each.words, each.tokens, each.start, each.stop
            if each.cost <= self._most and (key not in found or each.cost < found[key].cost):
                found[key] = each
        if len(found) > _WAYS:
            raise OcrQueryError(
                f"{' '.join(words)!r} may stand in {len(found)} ways within that tolerance, more"
                f" than {_WAYS}; give a smaller one"
            )
        return tuple(found.values())

    def _all(self, words: tuple[str, ...]) -> Iterator[Variation]:
        for place, word in enumerate(words):
            yield Variation(first=place, words=1, tokens=(word,), cost=0.0)
            yield from self._single(place, 1, word, 0.0)
            yield from self._broken(place, word)
            if len(words) > place + 1:
                yield from self._single(place, 2, word + words[place + 1], JOINED)
        yield from self._joined(0, words[0], behind=True)
        yield from self._joined(len(words) - 1, words[-1], behind=False)

    def _single(self, place: int, count: int, word: str, cost: float) -> Iterator[Variation]:
        """One token in the place of a word, or of two that were joined."""
        odd = count == 1 and self._most >= ODD and len(word) >= ODD_FROM
        for term in self._near(word, odd=odd):
            whole = cost + reading_cost(word, term, odd=odd, most=self._most)
            yield Variation(
                first=place,
                words=count,
                tokens=(term,),
                cost=whole,
                is_doubted=whole * DOUBTED > self._tolerance,
            )

    def _near(self, word: str, *, odd: bool) -> set[str]:
        found = set(self._store.terms_alike([skeleton(word)]))
        if odd:
            # One error leaves one of the halves as it is, but for confusions.
            half, length = len(word) // 2, len(skeleton(word))
            lengths = length - _ODD_STROKES, length + _ODD_STROKES
            begin, end = skeleton(word[:half]), skeleton(word[half:])
            found.update(self._store.terms_beginning(begin, mirrored=False, lengths=lengths))
            found.update(self._store.terms_beginning(end, mirrored=True, lengths=lengths))
        return found

    def _broken(self, place: int, word: str) -> Iterator[Variation]:
        if self._most < BROKEN:
            return
        parts = [(word[:cut], word[cut:]) for cut in range(1, len(word))]
        alike: defaultdict[str, list[str]] = defaultdict(list)
        for term in self._store.terms_alike([skeleton(part) for pair in parts for part in pair]):
            alike[skeleton(term)].append(term)
        for left, right in parts:
            for first in alike.get(skeleton(left), ()):
                begun = BROKEN + reading_cost(left, first, odd=False)
                if begun > self._most:
                    continue
                for second in alike.get(skeleton(right), ()):
                    cost = begun + reading_cost(right, second, odd=False)
                    yield Variation(first=place, words=1, tokens=(first, second), cost=cost)

    def _joined(self, place: int, word: str, *, behind: bool) -> Iterator[Variation]:
        """The word at the end of a token, or at its beginning, the rest being another word."""
        if len(word) < JOINED_FROM or self._most < JOINED:
            return
        form = skeleton(word)
        lengths = len(form) + 1, 2**31
        splits = [
            (term, cut)
            for term in self._store.terms_beginning(form, mirrored=behind, lengths=lengths)
            for cut in _cuts(term, form, behind=behind)
        ]
        rests = {term[:cut] if behind else term[cut:] for term, cut in splits}
        known = self._store.in_use(self._store.pages_with(list(rests)))
        for term, cut in splits:
            rest, part = (term[:cut], term[cut:]) if behind else (term[cut:], term[:cut])
            if rest in known:
                yield Variation(
                    first=place,
                    words=1,
                    tokens=(term,),
                    cost=JOINED + reading_cost(word, part, odd=False),
                    start=cut if behind else 0,
                    stop=None if behind else cut,
                )


def _cuts(term: str, form: str, *, behind: bool) -> Iterable[int]:
    """Where a term can be cut so that one part has a skeleton, and the other is a word's length."""
    for cut in range(REST_FROM if behind else 1, len(term)):
        part = term[cut:] if behind else term[:cut]
        if skeleton(part) == form and len(term) - len(part) >= REST_FROM:
            yield cut
