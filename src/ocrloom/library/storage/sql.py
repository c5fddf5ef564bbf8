"""Searches as conditions on pages, the same for all databases.

In these ``p`` is a row of pages and ``d`` the one of its document. What stands on the page itself
each database asks for in its own words.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from ocrloom.library.analysis import row_of
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "K1",
    "B",
    "Condition",
    "condition",
    "has_text",
    "is_loose",
    "is_textual",
    "phrases",
    "relaxed",
    "weights",
]

K1: Final = 1.2
"""Of BM25, as FTS5 has it: how soon a word that comes again tells nothing more."""
B: Final = 0.75
"""The same: how much the length of a page matters."""

Match: TypeAlias = "Callable[[Node], Condition]"
"""Makes a condition of a tree that `is_textual`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is true or false of a page."""

    sql: str
    values: tuple[object, ...] = ()


def is_loose(node: Node) -> bool:
    """Whether something in it is for the caller of a store to decide."""
    match node:
        case And(nodes) | Or(nodes):
            return any(map(is_loose, nodes))
        case Not(inner):
            return is_loose(inner)
        case _:
            return isinstance(node, Loose)


def has_text(node: Node) -> bool:
    """Whether something in it is about what stands on the page."""
    match node:
        case And(nodes) | Or(nodes):
            return any(map(has_text, nodes))
        case Not(inner):
            return has_text(inner)
        case _:
            return isinstance(node, Loose | Phrase)


def relaxed(node: Node, is_unsure: Callable[[Node], bool] = is_loose) -> Node | None:
    """The tree without negations of what a store cannot decide; None if nothing is left.

    A page that fits the tree fits this too.

    Args:
        node: What is searched for.
        is_unsure: Whether what is denied is nothing that a store can decide.
    """
    match node:
        case Not(inner):
            return None if is_unsure(inner) else node
        case And(nodes):
            left = [some for each in nodes if (some := relaxed(each, is_unsure)) is not None]
            return And(tuple(left)) if len(left) > 1 else (left[0] if left else None)
        case Or(nodes):
            left = [some for each in nodes if (some := relaxed(each, is_unsure)) is not None]
            return Or(tuple(left)) if len(left) == len(nodes) else None
        case _:
            return node


def is_textual(node: Node) -> bool:
    """Whether it asks for what stands on the page and nothing else, and for something at all."""
    match node:
        case Phrase() | Loose():
            return True
        case Or(nodes):
            return all(map(is_textual, nodes))
        case And(nodes):
            return all(map(_is_anchored, nodes)) and any(map(is_textual, nodes))
        case _:
            return False


def _is_anchored(node: Node) -> bool:
    """Whether it can stand beside words: words, or that there are none."""
    return is_textual(node.node if isinstance(node, Not) else node)


def phrases(node: Node) -> Iterator[Phrase | Loose]:
    """All that a page may be found for: what is not denied."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from phrases(each)
        case Phrase() | Loose():
            yield node
        case _:
            return


def weights(node: Loose) -> Iterator[dict[tuple[str, bool], float]]:
    """What stands for each word of a phrase, and how much it counts, 0..1.

    Yields:
        For each word the tokens, with whether they are looked for only where the recogniser had
        doubts; what is further off counts for less.
    """
    places: defaultdict[int, dict[tuple[str, bool], float]] = defaultdict(dict)
    for each in node.variations:
        # Of a broken word the part that tells more of it.
        part = max(each.tokens, key=len), each.is_doubted
        known = places[each.first].get(part, 0.0)
        places[each.first][part] = max(known, 1.0 / (1.0 + each.cost))
    yield from places.values()


def condition(node: Node, match_text: Match) -> Condition:
    """The condition that a page fits a search.

    Args:
        node: What is searched for.
        match_text: The database's own way to ask for text.
    """
    if is_textual(node):
        return match_text(node)
    match node:
        case And(nodes):
            return _all(nodes, match_text)
        case Or(nodes):
            return _joined(" OR ", [condition(each, match_text) for each in nodes])
        case Not(inner):
            denied = condition(inner, match_text)
            return Condition(f"NOT ({denied.sql})", denied.values)
        case _:
            return _filter(node)


def _filter(node: Node) -> Condition:
    """What the rows of a page and of its document decide."""
    match node:
        case Described():
            return _described(node)
        case InLanguage(code=code):
            return Condition("p.languages LIKE ?", (f"% {code} %",))
        case Between():
            return _between(node)
        case InDocument(document=document):
            return Condition("p.document = ?", (document,))
        case OnPage(first=first, last=last):
            if last is None:
                return Condition("p.number >= ?", (first,))
            return Condition("p.number BETWEEN ? AND ?", (first, last))
        case OwnedBy(owner=owner):
            return Condition("d.owner = ?", (owner,))
    raise AssertionError(f"{node} is textual")


def _all(nodes: tuple[Node, ...], match_text: Match) -> Condition:
    """All of the text in one question, which is less than many."""
    textual = [each for each in nodes if _is_anchored(each)]
    others = [condition(each, match_text) for each in nodes if not _is_anchored(each)]
    if any(map(is_textual, textual)):
        whole = And(tuple(textual)) if len(textual) > 1 else textual[0]
        return _joined(" AND ", [match_text(whole), *others])
    return _joined(" AND ", [*(condition(each, match_text) for each in textual), *others])


def _joined(by: str, parts: list[Condition]) -> Condition:
    return Condition(
        by.join(f"({part.sql})" for part in parts),
        tuple(value for part in parts for value in part.values),
    )


def _described(node: Described) -> Condition:
    row = row_of(node.words, node.is_run, prefix=node.prefix)
    text = f" {' '.join(row.tokens)}{'' if row.prefix else ' '}"
    # What both databases have to find a text in another one, however long.
    if node.field in ("title", "source"):
        column = f"d.{node.field}_words"
        return Condition(f"replace({column}, ?, '') <> {column}", (text,))
    return Condition(
        "EXISTS (SELECT 1 FROM metadata m WHERE m.document = d.id AND m.name = ?"
        " AND replace(m.words, ?, '') <> m.words)",
        (node.field, text),
    )


def _between(node: Between) -> Condition:
    column = {"date": "d.date", "added": "d.added"}[node.field]
    parts = [Condition(f"{column} IS NOT NULL")]
    if node.first is not None:
        parts.append(Condition(f"{column} >= ?", (node.first,)))
    if node.after is not None:
        parts.append(Condition(f"{column} < ?", (node.after,)))
    return _joined(" AND ", parts)
