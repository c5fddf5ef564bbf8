"""Searches in FTS5's own language, and the order of what they find: BM25.

BM25 is that of FTS5 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009; k1 1.2,
b 0.75). A tolerant search has many words in the place of one; FTS5 would take each of them for a
rare word, so they are counted together here, those further off for less. The rarity of a word is
never negative there, so that what is nearer comes first in small libraries too. For FTS5 a page is
as long as both its columns, so one that was read with doubts counts as a longer one.
"""

from __future__ import annotations

from array import array
from math import log
from typing import TYPE_CHECKING, Final

import numpy as np

from ocrloom.library.analysis import row_of
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
    from collections.abc import Iterable, Mapping

    from ocrloom.library.storage.sqlite import SqliteStore

__all__ = ["rank", "sign"]

_JOINS: Final = " JOIN documents d ON d.id = p.document"


def sign(*tokens: str, prefix: bool = False, doubted: bool = False) -> str:
    """Tokens in a row, in the language of FTS5; they hold letters and digits only.

    Args:
        tokens: One at least.
        prefix: Whether the last is only the beginning of what stands there.
        doubted: Whether they are looked for only where the recogniser had doubts.
    """
    return f'{_column(doubted)} : "{" ".join(tokens)}"{" *" if prefix else ""}'


def _column(doubted: bool) -> str:  # as in `sign`
    return "doubted" if doubted else "tokens"


def rank(store: SqliteStore, node: Node, limit: int | None) -> Ranked:
    """The pages that fit a search, best first."""
    wanted = relaxed(node)
    loose = [each for each in phrases(wanted) if isinstance(each, Loose)] if wanted else []
    if loose and wanted is not None:
        return _rank_loosely(store, wanted, limit)
    return _rank_by_index(store, wanted, limit)


def _rank_by_index(store: SqliteStore, node: Node | None, limit: int | None) -> Ranked:
    text = _anchor(node)
    end = " LIMIT ?"
    if node is None or text is None:
        sql, values = _found(node)
        positive = list(phrases(node)) if node else []
        if not positive:
            order = f"SELECT id, 0.0 FROM ({sql}) ORDER BY document, number{end}"
            return _ranked(store, order, [*values, _bound(limit)])
        # Words beside conditions in an OR: a page need not have any of them.
        whole = " OR ".join(map(_expression, positive))
        order = (
            "SELECT f.id, coalesce(s.score, 0.0) AS score"
            f" FROM ({sql}) f LEFT JOIN (SELECT rowid AS id, -bm25(words) AS score FROM words"
            f" WHERE words MATCH ?) s ON s.id = f.id ORDER BY score DESC, f.id{end}"
        )
        return _ranked(store, order, [*values, whole, _bound(limit)])
    if text is node:
        return _ranked(
            store,
            "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?"
            f" ORDER BY bm25(words), rowid{end}",
            [_expression(text), _bound(limit)],
        )
    rest = _without_text(node)
    # Joined crosswise, so that the index comes first whatever SQLite guesses.
    order = (
        "SELECT words.rowid, -bm25(words) FROM words CROSS JOIN pages p ON p.id = words.rowid"
        f"{_JOINS} WHERE words MATCH ? AND ({rest.sql}) ORDER BY bm25(words), words.rowid{end}"
    )
    return _ranked(store, order, [_expression(text), *rest.values, _bound(limit)])


def _found(node: Node | None) -> tuple[str, list[object]]:
    fits = Condition("1") if node is None else condition(node, _match)
    return (
        f"SELECT p.id, p.document, p.number FROM pages p{_JOINS} WHERE {fits.sql}",
        list(fits.values),
    )


def _bound(limit: int | None) -> int:
    return -1 if limit is None else limit


def _ranked(store: SqliteStore, sql: str, values: Iterable[object]) -> Ranked:
    rows = store.run(sql, list(values))
    return Ranked(array("q", [row[0] for row in rows]), array("d", [row[1] for row in rows]))


def _anchor(node: Node | None) -> Node | None:
    """The text that every page must have which fits; None where there is none."""
    if node is None or is_textual(node):
        return node
    if isinstance(node, And):
        parts = tuple(each for each in node.nodes if is_textual(each))
        denied = tuple(
            each for each in node.nodes if isinstance(each, Not) and is_textual(each.node)
        )
        if parts:
            return And(parts + denied) if len(parts + denied) > 1 else parts[0]
    return None


def _without_text(node: Node) -> Condition:
    """What is left of a conjunction beside `_anchor`."""
    nodes = node.nodes if isinstance(node, And) else ()
    rest = tuple(
        each
        for each in nodes
        if not is_textual(each) and not (isinstance(each, Not) and is_textual(each.node))
    )
    return condition(And(rest) if len(rest) > 1 else rest[0], _match)


def _match(node: Node) -> Condition:
    return Condition("p.id IN (SELECT rowid FROM words WHERE words MATCH ?)", (_expression(node),))


def _expression(node: Node) -> str:
    """A tree that is textual, in the language of FTS5."""
    match node:
        case Phrase():
            row = row_of(node.words, node.is_run, prefix=node.prefix)
            return sign(*row.tokens, prefix=row.prefix)
        case Loose():
            return _loose(node)
        case Or(nodes):
            return f"({' OR '.join(map(_expression, nodes))})"
        case And(nodes):
            some = [_expression(each) for each in nodes if not isinstance(each, Not)]
            none = [_expression(each.node) for each in nodes if isinstance(each, Not)]
            denied = f" NOT ({' OR '.join(none)})" if none else ""
            return f"(({' AND '.join(some)}){denied})"
        case _:
            raise AssertionError(f"{node} is not textual")


def _loose(node: Loose) -> str:
    """Pages that have something for each of the words, wherever it stands."""
    parts = []
    for place in range(len(node.phrase.words)):
        signs = {
            sign(*each.tokens, doubted=each.is_doubted)
            for each in node.variations
            if each.first <= place < each.first + each.words
        }
        # What nothing stands for fits no page; an index has no empty words.
        parts.append(f"({' OR '.join(sorted(signs))})" if signs else sign("\ue000"))
    return f"({' AND '.join(parts)})"


def _rank_loosely(store: SqliteStore, node: Node, limit: int | None) -> Ranked:
    sql, values = _found(node)
    found = np.array([row[0] for row in store.run(sql, values)], np.int64)
    scores = np.zeros(len(found))
    pages, tokens = store.run("SELECT count(*), coalesce(sum(tokens), 0) FROM pages")[0]
    mean = tokens / max(1, pages)
    for phrase in phrases(node):
        if isinstance(phrase, Phrase):
            ranked = _rank_by_index(store, phrase, None)
            parts = [dict(zip(ranked.pages, ranked.scores, strict=True))]
        else:
            parts = [_scores(store, some, pages, mean) for some in weights(phrase)]
        for score in parts:
            scores += [score.get(page, 0.0) for page in found.tolist()]
    order = np.lexsort((found, -scores))[:limit]
    return Ranked(array("q", found[order].tolist()), array("d", scores[order].tolist()))


def _scores(
    store: SqliteStore, parts: Mapping[tuple[str, bool], float], pages: int, mean: float
) -> dict[int, float]:
    """What a page gets for a word that any of several may stand for."""
    marks = ", ".join(["(?, ?, ?)"] * len(parts))
    rows = store.run(
        f"WITH alike (term, col, weight) AS (VALUES {marks})"
        " SELECT f.doc, sum(a.weight), p.tokens FROM alike a"
        " CROSS JOIN places f ON f.term = a.term AND f.col = a.col"
        " CROSS JOIN pages p ON p.id = f.doc"
        " GROUP BY f.doc",
        [
            value
            for (token, doubted), weight in parts.items()
            for value in (token, _column(doubted), weight)
        ],
    )
    rarity = log(1 + (pages - len(rows) + 0.5) / (len(rows) + 0.5))
    return {
        page: rarity * often * (K1 + 1) / (often + K1 * (1 - B + B * length / mean))
        for page, often, length in rows
    }
