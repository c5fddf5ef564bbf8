"""Whether a page's own text is enough, or the page has to be recognised. Pure.

No dictionary and no language: what is judged is whether there is text, whether there is enough of
it for what else is on the page, and whether it is made of characters at all.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocrloom.image.pdf.resolution import covered
from ocrloom.options import TextLayer

if TYPE_CHECKING:
    from ocrloom.image.pdf.sheet import Letters, Sheet

__all__ = ["ASKED_FOR", "Need", "decide"]

ASKED_FOR: Final = "asked for by text_layer=ignore"
"""Why a page is recognised that nobody has looked at."""

_GARBAGE: Final = 0.1  # of the characters: more than symbols of odd fonts ever are
_FEW: Final = 100  # characters: a stamp, a headline or a page number, but no page of text
_SCAN: Final = 0.5  # of the page's area under pictures
_OUTLINES: Final = 500  # shapes that may be letters turned into outlines

# Control and private-use characters, halves of pairs, and what Unicode has not assigned.
_MEANINGLESS: Final = frozenset({"Cc", "Co", "Cs", "Cn"})
_REPLACEMENT: Final = 0xFFFD
_LAST: Final = 0x10FFFF
_SOFT_HYPHENS: Final = frozenset({0x02, 0xFFFE})  # what PDFium gives for a hyphen at a line's end


@dataclass(frozen=True, slots=True)
class Need:
    """What is to be done with a page."""

    ocr: bool
    """Whether it has to be recognised; its own text is taken otherwise."""
    reason: str
    """Why, for people."""


def decide(sheet: Sheet, letters: Letters, mode: TextLayer) -> Need:
    """Whether a page has to be recognised, and why.

    Args:
        sheet: What is on it.
        letters: Its text.
        mode: What was asked for.
    """
    if mode is TextLayer.IGNORE:
        return Need(ocr=True, reason=ASKED_FOR)
    fault = _fault(sheet, letters)
    if fault is None:
        return Need(ocr=False, reason=_merit(sheet))
    if mode is TextLayer.ONLY:
        return Need(ocr=False, reason=f"{fault}, and text_layer=only forbids to recognise it")
    if sheet.empty:
        return Need(ocr=False, reason="nothing is on it")
    return Need(ocr=True, reason=fault)


def _merit(sheet: Sheet) -> str:
    if sheet.hidden_texts and not sheet.shown_texts:
        return "it has a hidden layer of text"
    return "it has text of its own"


def _fault(sheet: Sheet, letters: Letters) -> str | None:
    """What is wrong with the text of a page; None if nothing is."""
    count, bad = _count(letters)
    if not count:
        return "no text"
    if bad > _GARBAGE * count:
        share = max(1, round(100 * bad / count))
        return f"its text is garbage: {share} % of {count} characters mean nothing"
    if count >= _FEW:
        return None
    characters = "1 character" if count == 1 else f"{count} characters"
    area = covered(sheet)
    if area >= _SCAN:
        return f"only {characters} of text, and pictures on {round(100 * area)} % of it"
    if sheet.shapes >= _OUTLINES:
        return f"only {characters} of text, and {sheet.shapes} drawn shapes"
    return None


def _count(letters: Letters) -> tuple[int, int]:
    """How many characters the page draws, spaces aside, and how many of them mean nothing."""
    drawn = zip(
        letters.codes[~letters.added].tolist(), letters.unknown[~letters.added], strict=True
    )
    count = bad = 0
    for (code, unknown), times in Counter((code, bool(flag)) for code, flag in drawn).items():
        if code <= _LAST and chr(code).isspace():
            continue
        count += times
        if code not in _SOFT_HYPHENS and (unknown or _means_nothing(code)):
            bad += times
    return count, bad


def _means_nothing(code: int) -> bool:
    # Halves of surrogate pairs come one after the other; together they mean something.
    if 0xD800 <= code <= 0xDFFF:
        return False
    if code > _LAST:
        return True
    return code == _REPLACEMENT or unicodedata.category(chr(code)) in _MEANINGLESS
