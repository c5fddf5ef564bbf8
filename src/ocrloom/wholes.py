"""Lines whose words are whole, where a hyphen parts them on the page. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.result import Line

__all__ = ["whole_lines"]


def whole_lines(lines: Iterable[Line]) -> list[str]:
    """The texts of lines that follow each other, words that are known as a whole in one piece.

    Args:
        lines: Of one block.

    Returns:
        A text for each. Of a word that goes on in the next line the first one has all; nothing may
        be left of the next one.
    """
    texts = []
    whole = None
    for line in lines:
        words = [word.text for word in line.words[0 if whole is None else 1 :]]
        whole = line.words[-1].whole if words else None
        if whole is not None:
            words[-1] = whole
        texts.append(" ".join(words))
    return texts
