"""What the characters of a text tell of it: its direction, and sometimes its language."""

from __future__ import annotations

import re
from unicodedata import bidirectional

__all__ = ["dense", "language", "rtl"]

_KANA = "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d"
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_FULL_WIDTH = "\u3000-\u3004\u3008-\u303f\uff01-\uff65"
_DENSE = re.compile(f"[{_KANA}{_HAN}{_FULL_WIDTH}]")


def dense(character: str) -> bool:
    """Whether it is of a script that puts no spaces between words."""
    return _DENSE.match(character) is not None


def rtl(text: str) -> bool:
    """Whether text is written from right to left: its first letter decides (UAX #9, P2 and P3)."""
    for character in text:
        kind = bidirectional(character)
        if kind == "L":
            return False
        if kind in ("R", "AL"):
            return True
    return False


def language(text: str) -> str:
    """The code of the language where the script tells it, such as ``ja``; empty otherwise."""
    kana, han, hangul = (len(re.findall(f"[{each}]", text)) for each in (_KANA, _HAN, _HANGUL))
    if 2 * (kana + han + hangul) <= len("".join(text.split())):
        return ""
    if hangul > kana + han:
        return "ko"
    return "ja" if kana else "zh"
