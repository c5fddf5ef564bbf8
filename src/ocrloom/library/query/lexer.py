"""Splits a search into what it is written with. Pure.

Fields are settled here, as whether something can be left out depends on where it stands: ``&`` asks
for nothing beside words, but is no date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ocrloom.library.query.errors import refused
from ocrloom.library.query.terms import EXAMPLES, Term, leaf

if TYPE_CHECKING:
    from ocrloom.errors import OcrQueryError
    from ocrloom.library.query.tree import Node

__all__ = ["Kind", "Token", "tokens"]


class Kind(Enum):
    """What a token is."""

    LEAF = auto()
    OPEN = auto()
    CLOSE = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a search."""

    kind: Kind
    place: int
    """Its first character."""
    text: str
    """As it was written."""
    denied: bool = False
    """Whether a - stands before it."""
    leaf: Node | None = None
    """What a leaf asks for."""


# Word processors and telephones write other quotation marks than those of keyboards.
_QUOTES: Final = '"“”„‟＂'
_BLANK: Final = re.compile(r"\s+")
# One - before something denies it; elsewhere, or where there are more, it is a dash.
_MINUS: Final = re.compile(r"(?<![^\s(])-(?=[^\s\-)])")
_FIELD: Final = re.compile(r"([^\W\d]\w{0,63}):")
_QUOTED: Final = re.compile(rf"[{_QUOTES}]([^{_QUOTES}]*)[{_QUOTES}](\*?(?:~[^\s(){_QUOTES}]*)?)")
_BREAK: Final = re.compile(rf"[\s(){_QUOTES}]")
_ENDING: Final = re.compile(r"(?<!^)(?:\*?~[\d.]*|\*)\Z")
# Fields of numbers and times, which may begin with a minus; all others have words.
_VALUES: Final = frozenset(EXAMPLES) - {"source", "title"}
_KEYWORDS: Final = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}


def tokens(text: str) -> list[Token]:
    """What a search is written with, and an end; what asks for nothing is left out.

    Args:
        text: The search.

    Raises:
        OcrQueryError: A part is not written as searches are.
    """
    return _Lexer(text).tokens()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._found: list[Token] = []
        # For each open parenthesis the field that its words belong to.
        self._fields: list[str | None] = []

    def tokens(self) -> list[Token]:
        while self._goes_on():
            if self._text[self._place] == ")":
                self._close()
            else:
                self._operand()
        self._found.append(Token(Kind.END, len(self._text), ""))
        return self._found

    def _goes_on(self) -> bool:
        if blank := _BLANK.match(self._text, self._place):
            self._place = blank.end()
        return self._place < len(self._text)

    def _close(self) -> None:
        self._place += 1
        field = self._fields.pop() if self._fields else None
        if not self._found or self._found[-1].kind is not Kind.OPEN:
            self._found.append(Token(Kind.CLOSE, self._place - 1, ")"))
            return
        # Parentheses with nothing in them ask for nothing.
        opened = self._found.pop()
        if opened.text.endswith(":("):
            raise _without_words(opened.place, field)

    def _operand(self) -> None:
        start = self._place
        minus = _MINUS.match(self._text, start)
        if minus:
            self._place = minus.end()
        around = self._fields[-1] if self._fields else None
        named = self._field(around)
        if self._text.startswith("(", self._place):
            self._place += 1
            self._fields.append(named or around)
            written = self._text[start : self._place]
            self._found.append(Token(Kind.OPEN, start, written, denied=minus is not None))
            return
        term = self._term(named or around)
        written = self._text[start : self._place]
        if written in _KEYWORDS:
            self._found.append(Token(_KEYWORDS[written], start, written))
        elif (node := leaf(term)) is not None:
            self._found.append(
                Token(Kind.LEAF, start, written, denied=minus is not None, leaf=node)
            )
        elif named is not None:
            raise _without_words(term.place, named)

    def _field(self, around: str | None) -> str | None:
        """Takes the name of a field with its colon, where one stands here."""
        found = _FIELD.match(self._text, self._place)
        if found is None:
            return None
        written = found[1]
        name = written.lower() if written.lower() in EXAMPLES else written
        after = self._text[found.end() : found.end() + 1]
        if not after or after.isspace() or after == ")":
            if name not in EXAMPLES:
                return None
            raise refused(
                found.end(),
                f"expected right after {written}: what it is to be, as in {name}:{EXAMPLES[name]},"
                f" got nothing; for the word itself leave the colon out",
            )
        # Addresses, paths and names of programs have colons too.
        if name not in EXAMPLES and after in "/\\:":
            return None
        if around is not None:
            raise refused(
                self._place,
                f"expected words for {around}:, got another field, {written}:; write it outside of"
                " the parentheses, or in quotation marks if it is text",
            )
        self._place = found.end()
        return name

    def _term(self, field: str | None) -> Term:
        start = self._place
        if field is not None and field not in _VALUES and self._text[start] == "-":
            raise refused(
                start,
                f"expected words for {field}:, got a minus; put it before the field,"
                f" -{field}:…, or the words in quotation marks",
            )
        if self._text[start] not in _QUOTES:
            after = _BREAK.search(self._text, start)
            self._place = after.start() if after else len(self._text)
            word = self._text[start : self._place]
            ending = _ENDING.search(word)
            body = word if ending is None else word[: ending.start()]
            return Term(field, start, body, word[len(body) :], quoted=False)
        quoted = _QUOTED.match(self._text, start)
        if quoted is None:
            raise refused(
                start,
                "expected another quotation mark somewhere after this one, got none; add it where"
                " the phrase ends, or leave this one out",
            )
        self._place = quoted.end()
        return Term(field, start, quoted[1], quoted[2], quoted=True)


def _without_words(place: int, field: str | None) -> OcrQueryError:
    return refused(
        place,
        f"expected for {field}: at least one word with a letter or a digit, got none; add one, or"
        f" leave {field}: out",
    )
