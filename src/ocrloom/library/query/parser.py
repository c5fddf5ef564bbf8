"""Searches as people write them, into trees: a recursive descent. Pure.

    either  = all { "OR" all }
    all     = one { ["AND"] one }
    one     = { "NOT" } ( leaf | "(" either ")" )

docs/search.md says what each part means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError
from ocrloom.library.query.errors import refused
from ocrloom.library.query.lexer import Kind, Token, tokens
from ocrloom.library.query.tree import And, Described, Node, Not, Or, Phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.errors import OcrQueryError

__all__ = ["parse"]

_LONGEST: Final = 10_000  # characters
_DEEPEST: Final = 20  # parentheses in each other
_MOST_LEAVES: Final = 200
_MOST_WORDS: Final = 500  # of all phrases, each character of a run for one

_OPERAND: Final = "a word, a phrase, a field or an opening parenthesis"
_OPERATORS: Final = (Kind.AND, Kind.OR, Kind.NOT)


def parse(text: str) -> Node:
    """What a search asks for.

    Args:
        text: The search; docs/search.md describes its language.

    Returns:
        A tree in which no conjunction stands right in another one, nor a disjunction, and no
        negation in a negation.

    Raises:
        OcrQueryError: It is not written as searches are, asks for nothing or is too long; its
            ``place`` and its message say where.
        OcrOptionError: It is no str.
    """
    if not isinstance(text, str):
        raise OcrOptionError(f"a search must be a str, got {text!r:.60}")
    if len(text) > _LONGEST:
        raise refused(
            _LONGEST, f"expected at most {_LONGEST} characters, got {len(text)}; search for less"
        )
    found = tokens(text)
    if len(found) == 1:
        raise refused(
            0,
            f"expected words with letters or digits, got {text!r:.60}; write what to look for,"
            " or a field such as date:2019",
        )
    _check_size(found)
    return _Parser(found).parsed()


def _check_size(found: Iterable[Token]) -> None:
    leaves = words = 0
    for token in found:
        leaves += token.leaf is not None
        words += _count(token.leaf)
        if leaves > _MOST_LEAVES or words > _MOST_WORDS:
            raise refused(
                token.place,
                f"expected at most {_MOST_LEAVES} words, phrases and fields, and at most"
                f" {_MOST_WORDS} words in them, got more; search for less",
            )


def _count(leaf: Node | None) -> int:
    if not isinstance(leaf, Phrase | Described):
        return 0
    pairs = zip(leaf.words, leaf.is_run, strict=True)
    return sum(len(word) if is_run else 1 for word, is_run in pairs)


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._next = 0
        self._depth = 0

    def parsed(self) -> Node:
        node = self._either()
        if self._token.kind is not Kind.END:
            raise self._unexpected("the end, as no parenthesis is open")
        return node

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *kinds: Kind) -> bool:
        if self._token.kind not in kinds:
            return False
        self._next += 1
        return True

    def _either(self) -> Node:
        nodes = [self._all()]
        while self._take(Kind.OR):
            nodes.append(self._all())
        return _any_of(nodes)

    def _all(self) -> Node:
        nodes = [self._one()]
        while self._token.kind in (Kind.AND, Kind.NOT, Kind.LEAF, Kind.OPEN):
            self._take(Kind.AND)
            nodes.append(self._one())
        return _all_of(nodes)

    def _one(self) -> Node:
        denied = False
        while self._take(Kind.NOT):
            denied = not denied
        token = self._token
        node = self._operand()
        return _not(node) if denied != token.denied else node

    def _operand(self) -> Node:
        token = self._token
        if token.leaf is not None:
            self._next += 1
            return token.leaf
        if not self._take(Kind.OPEN):
            raise self._unexpected(_OPERAND)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise refused(
                token.place,
                f"expected at most {_DEEPEST} parentheses in each other, got more; leave some out",
            )
        node = self._either()
        if not self._take(Kind.CLOSE):
            raise self._unexpected(f"a closing parenthesis for that of character {token.place + 1}")
        self._depth -= 1
        return node

    def _unexpected(self, expected: str) -> OcrQueryError:
        token = self._token
        got = "the end" if token.kind is Kind.END else repr(token.text)
        hint = "; write it small if it is a word to look for" if token.kind in _OPERATORS else ""
        if token.kind is Kind.CLOSE:
            hint = "; leave it out, or put it into quotation marks"
        return refused(token.place, f"expected {expected}, got {got}{hint}")


def _not(node: Node) -> Node:
    return node.node if isinstance(node, Not) else Not(node)


def _all_of(nodes: Iterable[Node]) -> Node:
    # In the order they came, each once.
    flat = dict.fromkeys(
        inner for node in nodes for inner in (node.nodes if isinstance(node, And) else (node,))
    )
    return And(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def _any_of(nodes: Iterable[Node]) -> Node:
    flat = dict.fromkeys(
        inner for node in nodes for inner in (node.nodes if isinstance(node, Or) else (node,))
    )
    return Or(tuple(flat)) if len(flat) > 1 else next(iter(flat))
