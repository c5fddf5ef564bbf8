"""Searches in PostgreSQL's own language, and the order of what they find: BM25.

PostgreSQL does not say how often a word is on a page, but its ``ts_rank`` of one word with all
weights at 1 is the sum of 1/i² for i from 1 to that number, over π²/6. That grows as the number
does, and a fraction of it gives the number back, exact for 0 and 1 and within 5 % for more.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass, replace
from math import log, pi
from typing import TYPE_CHECKING, Final

from ocrloom.library.analysis import is_gram, row_of
from ocrloom.library.query.tree import And, Loose, Node, Not, Or, Phrase
from ocrloom.library.storage.rows import Ranked
from ocrloom.library.storage.sql import (
    K1,
    B,
    Condition,
    condition,
    is_textual,
    phrases,
    relaxed,
    weights,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from ocrloom.library.storage.postgres import PostgresStore

__all__ = ["Vector", "query", "rank", "vector"]

_LEAST: Final = 1e-6  # weight of a word that most pages have, as FTS5 has it
_COUNTED: Final = 10_000  # pages up to which they are counted when they are asked for

# What a vector of PostgreSQL can hold.
_PLACES: Final = 16_383
_PLACES_OF_ONE: Final = 255
_BYTES: Final = 2**20 - 1

_SUM: Final = pi**2 / 6


@dataclass(frozen=True, slots=True)
class Vector:
    """What a page is found by, as PostgreSQL writes it."""

    text: str
    whole: bool
    """Whether it has the place of every token."""


def vector(tokens: Sequence[str], doubted: Container[int] = ()) -> Vector | None:
    """The tokens of a page and their places; None where even PostgreSQL's longest has no room.

    Args:
        tokens: In reading order; letters and digits only.
        doubted: Which of them have the weight A, for words that the recogniser had doubts of.
    """
    places: defaultdict[str, list[str]] = defaultdict(list)
    for place, token in enumerate(tokens, 1):
        if place <= _PLACES or not places[token]:
            mark = "A" if place - 1 in doubted else ""
            places[token].append(f"{min(place, _PLACES)}{mark}")
    kept = {token: each[:_PLACES_OF_ONE] for token, each in places.items()}
    whole = len(tokens) <= _PLACES and all(len(each) <= _PLACES_OF_ONE for each in places.values())
    # The bytes of each, one to align them, their number, and two for each place.
    size = sum(len(token.encode()) + 3 + 2 * len(each) for token, each in kept.items())
    if size <= _BYTES:
        listed = (f"'{token}':{','.join(each)}" for token, each in kept.items())
        return Vector(" ".join(listed), whole)
    if sum(len(token.encode()) for token in kept) <= _BYTES:
        return Vector(" ".join(f"'{token}'" for token in kept), whole=False)
    return None


def query(*tokens: str, prefix: bool = False, doubted: bool = False, by: str = "<->") -> str:
    """Tokens in the language of PostgreSQL; they hold letters and digits only.

    Args:
        tokens: One at least.
        prefix: Whether the last is only the beginning of what stands there.
        doubted: Whether they are looked for only where the recogniser had doubts.
        by: ``<->`` where they stand in a row, ``&`` where they stand on the same page.
    """
    mark = ":A" if doubted else ""
    return f" {by} ".join(f"'{token}'{mark}" for token in tokens) + (":*" if prefix else "")


def rank(store: PostgresStore, node: Node, limit: int | None) -> Ranked:
    """The pages that fit a search, best first."""
    wanted = relaxed(node)
    groups = list(_groups(wanted)) if wanted else []
    score = _score(store, groups)
    if wanted is not None and _is_anchored(wanted):
        asked = _by_text(wanted, score)
    else:
        asked = _by_page(wanted, groups, score)
    rows = store.run(f"{asked.sql} LIMIT ?", [*asked.values, limit])
    return Ranked(array("q", [row[0] for row in rows]), array("d", [row[1] for row in rows]))


def _is_anchored(node: Node) -> bool:
    """Whether there is text that every page must have which fits."""
    return is_textual(node) or (isinstance(node, And) and any(map(is_textual, node.nodes)))


def _by_text(node: Node, score: Condition) -> Condition:
    """Looks for pages in the index; PostgreSQL leaves away what of the rest is not asked for."""
    fits = condition(node, _match)
    return Condition(
        f"SELECT w.page, {score.sql} AS score FROM words w LEFT JOIN pages p ON p.id = w.page"
        f" LEFT JOIN documents d ON d.id = p.document WHERE {fits.sql} ORDER BY score DESC, w.page",
        (*score.values, *fits.values),
    )


def _by_page(node: Node | None, groups: list[list[_Part]], score: Condition) -> Condition:
    """Looks at all pages, some of which may be found for other things than text."""
    fits = Condition("true") if node is None else condition(node, _among)
    pages = "pages p LEFT JOIN documents d ON d.id = p.document"
    if not groups:
        return Condition(
            f"SELECT p.id, 0.0 FROM {pages} WHERE {fits.sql} ORDER BY p.document, p.number",
            fits.values,
        )
    has = _has(" | ".join(part.query for group in groups for part in group))
    return Condition(
        f"SELECT p.id, coalesce(s.score, 0.0) AS score FROM {pages} LEFT JOIN"
        f" (SELECT w.page, {score.sql} AS score FROM words w WHERE {has.sql}) s ON s.page = p.id"
        f" WHERE {fits.sql} ORDER BY score DESC, p.id",
        (*score.values, *has.values, *fits.values),
    )


def _among(node: Node) -> Condition:
    inner = _match(node)
    return replace(inner, sql=f"p.id IN (SELECT w.page FROM words w WHERE {inner.sql})")


def _match(node: Node) -> Condition:
    """What a tree that is textual, or a part of it, asks of a page."""
    match node:
        case Phrase():
            return _phrase(node)
        case Loose():
            return _loose(node)
        case Not(inner):
            denied = _match(inner)
            return replace(denied, sql=f"NOT ({denied.sql})")
        case And(nodes):
            return _joined(" AND ", map(_match, nodes))
        case Or(nodes):
            return _joined(" OR ", map(_match, nodes))
        case _:
            raise AssertionError(f"{node} is not textual")


def _joined(by: str, conditions: Iterable[Condition]) -> Condition:
    parts = list(conditions)
    return Condition(
        by.join(f"({part.sql})" for part in parts),
        tuple(value for part in parts for value in part.values),
    )


def _phrase(node: Phrase) -> Condition:
    row = row_of(node.words, node.is_run, prefix=node.prefix)
    if len(row.tokens) == 1:
        return _has(query(*row.tokens, prefix=row.prefix))
    # Where places are missing the text itself is looked through.
    text = f" {' '.join(row.tokens)}{'' if row.prefix else ' '}"
    far = Condition(
        "(SELECT strpos(' ' || c.tokens || ' ', ?) > 0 FROM contents c WHERE c.id = w.page)",
        (text,),
    )
    wide = query(*row.tokens, prefix=row.prefix, by="&")
    return _placed(wide, query(*row.tokens, prefix=row.prefix), far)


def _has(words: str) -> Condition:
    return Condition("w.tokens @@ ?::tsquery", (words,))


def _placed(wide: str, near: str, far: Condition) -> Condition:
    """Words that are found by the index, then looked at where they stand.

    Args:
        wide: They are on the page.
        near: They stand as they should.
        far: The same where the vector does not know all places.
    """
    return Condition(
        "w.tokens @@ ?::tsquery AND"
        f" CASE WHEN w.whole THEN w.tokens @@ ?::tsquery ELSE {far.sql} END",
        (wide, near, *far.values),
    )


def _loose(node: Loose) -> Condition:
    """Pages that have something for each of the words, wherever it stands."""
    wide, near = [], []
    for place in range(len(node.phrase.words)):
        some = [each for each in node.variations if each.first <= place < each.first + each.words]
        if not some:
            return Condition("false")
        wide.append(_any(query(*each.tokens, by="&") for each in some))
        near.append(_any(query(*each.tokens, doubted=each.is_doubted) for each in some))
    if wide == near:
        return _has(" & ".join(wide))
    return _placed(" & ".join(wide), " & ".join(near), Condition("true"))


def _any(queries: Iterable[str]) -> str:
    return f"({' | '.join(f'({each})' for each in sorted(set(queries)))})"


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the things that count as a word of the search."""

    token: str
    weight: float = 1.0
    prefix: bool = False
    doubted: bool = False

    @property
    def query(self) -> str:
        return query(self.token, prefix=self.prefix, doubted=self.doubted)


def _groups(node: Node) -> Iterator[list[_Part]]:
    """For each word that is searched for what stands for it, and how much each of that counts."""
    for phrase in phrases(node):
        if isinstance(phrase, Loose):
            for some in weights(phrase):
                yield [_Part(token, weight, doubted=doubted)
                       for (token, doubted), weight in some.items()]  # fmt: skip
            continue
        row = row_of(phrase.words, phrase.is_run, prefix=phrase.prefix)
        last = len(row.tokens) - 1
        for place, token in enumerate(row.tokens):
            yield [_Part(token, prefix=row.prefix and place == last)]


def _score(store: PostgresStore, groups: list[list[_Part]]) -> Condition:
    """What a page gets for all words."""
    if not groups:
        return Condition("0.0")
    pages, tokens = store.run("SELECT pages, tokens FROM totals")[0]
    counts = _counts(store, {part for group in groups for part in group}, pages)
    # Of x(k + 1)/(x + k·length), with x once.
    mean = max(1.0, tokens / max(1, pages))
    length = f"({K1 * (1 - B)}::float8 + {K1 * B / mean}::float8 * w.length)"
    parts = []
    for group in groups:
        often = _joined(" + ", map(_often, group))
        found = min(pages, sum(counts.get(part, 0.0) for part in group))
        rarity = max(_LEAST, log((pages - found + 0.5) / (found + 0.5))) * (K1 + 1)
        parts.append(
            Condition(f"{rarity}::float8 * (1 - {length} / ({often.sql} + {length}))", often.values)
        )
    return _joined(" + ", parts)


def _often(part: _Part) -> Condition:
    """How often it is on the page, for as much as it counts."""
    score = "ts_rank('{1, 1, 1, 1}', w.tokens, ?::tsquery)::float8"
    if part.prefix:
        # Of several words together, each of which counts less the more often it is there.
        return Condition(f"{part.weight * _SUM}::float8 * {score}", (part.query,))
    return Condition(f"{part.weight * (_SUM - 1)}::float8 * (1 / (1 - {score}) - 1)", (part.query,))


def _counts(store: PostgresStore, parts: set[_Part], pages: int) -> dict[_Part, float]:
    """On about how many pages they are."""
    # What is counted by chance is off by half at times, which tells most where there are few pages.
    few = pages <= _COUNTED
    asked = {
        part for part in parts if part.prefix or is_gram(part.token) or (few and part.weight == 1.0)
    }
    stored = store.pages_with([part.token for part in parts - asked])
    counts = {part: stored.get(part.token, 0.0) for part in parts - asked}
    for part in asked:
        counts[part] = store.run(
            "SELECT count(*) FROM (SELECT FROM words WHERE tokens @@ ?::tsquery LIMIT ?) AS found",
            [part.query, _COUNTED],
        )[0][0]
    return counts
