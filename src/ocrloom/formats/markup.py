"""Any text as what a format can hold."""

from __future__ import annotations

import re

__all__ = ["attribute", "clean", "content", "one_line"]

# What XML 1.0 can hold (its production 2); halves of surrogate pairs are not in it.
_OUTSIDE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# Readers of attributes make spaces of these, and readers of content a line feed of the last.
_QUOTED = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def clean(text: str) -> str:
    """The text, U+FFFD in place of each character that XML 1.0 cannot hold."""
    return _OUTSIDE.sub("\ufffd", text)


def one_line(text: str) -> str:
    """The same, one space in place of each stretch of white space and none at the ends."""
    return " ".join(clean(text).split())


def content(text: str) -> str:
    """The text as it stands between tags."""
    if _SPECIAL.search(text) is None:
        return text
    for character, entity in _NAMED.items():
        text = text.replace(character, entity)
    return clean(text.replace("\r", _QUOTED["\r"]))


def attribute(text: str) -> str:
    """The text as it stands in an attribute between double quotes."""
    if _SPECIAL.search(text) is None:
        return text
    text = content(text)
    for character, entity in _QUOTED.items():
        text = text.replace(character, entity)
    return text
