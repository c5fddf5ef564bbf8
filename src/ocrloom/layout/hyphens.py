"""Words that a hyphen parts at the end of a line, found as wholes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ocrloom.result import BlockKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ocrloom.result import Block, Line

__all__ = ["with_whole_words"]

# Letters, and one of the three characters that a hyphen at the end of a line is read as.
_FIRST: Final = re.compile("(.*[^\\W\\d_]{2})[-\u2010\u00ad]")
_LETTERS: Final = re.compile(r"[^\W\d_]+")


def with_whole_words(
    blocks: Iterable[Block], known: Callable[[str], bool] | None = None
) -> tuple[Block, ...]:
    """Tells the first parts of parted words which words they begin.

    A word goes on in the next line of its block where two letters at least stand before the hyphen
    and the next line begins with a small letter. The hyphen is no part of the whole, unless a list
    of words knows the two parts by themselves and not what they make together: as in well-known.

    Args:
        blocks: Of one page; tables are left alone.
        known: Whether a list of words has one, in small letters. Without it every hyphen goes.
    """
    return tuple(
        block if block.kind is BlockKind.TABLE else replace(block, lines=_told(block.lines, known))
        for block in blocks
    )


def _told(lines: tuple[Line, ...], known: Callable[[str], bool] | None) -> tuple[Line, ...]:
    told = []
    goes_on = False  # whether the first word of the line is the rest of another
    for line, after in zip(lines, (*lines[1:], None), strict=False):
        whole = None
        if after is not None and after.words and len(line.words) > goes_on:
            whole = _whole(line.words[-1].text, after.words[0].text, known)
        goes_on = whole is not None
        if whole is not None:
            line = replace(line, words=(*line.words[:-1], replace(line.words[-1], whole=whole)))
        told.append(line)
    return tuple(told)


def _whole(first: str, rest: str, known: Callable[[str], bool] | None) -> str | None:
    found = _FIRST.fullmatch(first)
    if found is None or not rest[:1].islower():
        return None
    together = found[1] + rest
    if known is not None:
        begin, end = _LETTERS.findall(found[1])[-1], _LETTERS.match(rest)
        parts = begin.lower(), end[0].lower() if end else ""
        if not known("".join(parts)) and all(map(known, parts)):
            return first + rest
    return together
