"""Latin letters that PP-OCRv6 does not know, such as those of Vietnamese, read with its help.

Tesseract knows the letters with all their marks, but takes some plain ones for others, above all l
for L or t in some types. PP-OCRv6 sees none of the marks and hardly errs in the letters below them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.vision.ctc import Reading

__all__ = ["with_plain_letters", "with_tones"]

# In 400 Vietnamese lines set in eight types there were 87 letters and digits that the two took for
# others while PP-OCRv6 was as sure as that; it was right in 86.
_SURE = 0.8
_LONGEST = 300  # characters of a line; comparing takes the cube of them at worst
_WORD = re.compile(r"[^\W\d_]+")
_SHAPES: Final = frozenset("\u0302\u0306\u031b")
"""Circumflex, breve and horn, which make another vowel."""
_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""Grave, acute, tilde, hook above and dot below."""
_VOWELS: Final = frozenset("aeiouyAEIOUY")


def with_plain_letters(reading: Reading, plain: Reading) -> Reading:
    """Takes letters and digits without marks from PP-OCRv6 where it is sure of others.

    Args:
        reading: What Tesseract read.
        plain: What PP-OCRv6 read in the same crop.
    """
    text = list(reading.text)
    for ours, theirs in _differing(reading.text, plain.text):
        found = plain.text[theirs]
        if (
            _base(text[ours]) == text[ours]
            and text[ours].isalnum()
            and found.isascii()
            and found.isalnum()
            and plain.confidences[theirs] >= _SURE
        ):
            text[ours] = found
    return replace(reading, text="".join(text))


def _differing(first: str, second: str) -> Iterator[tuple[int, int]]:
    """Places of characters that stand for each other in two texts, and differ below their marks."""
    if max(len(first), len(second)) > _LONGEST:
        return
    bases = ["".join(map(_base, text)) for text in (first, second)]
    matcher = SequenceMatcher(a=bases[0], b=bases[1], autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "replace" and b - a == d - c:
            yield from zip(range(a, b), range(c, d), strict=True)


def _base(character: str) -> str:
    """A letter without its marks."""
    return {"đ": "d", "Đ": "D"}.get(character) or unicodedata.normalize("NFD", character)[0]


def with_tones(text: str) -> str:
    """Vietnamese with the tone marks where its spelling has them.

    A syllable has one tone, which stands on the last of the vowels with a circumflex, a breve or a
    horn, if there are any. Types that lack a letter with two marks draw the tone beside it, where
    it is read as that of the next vowel.

    Args:
        text: Composed (NFC).

    Returns:
        Text of the same length.
    """
    return _WORD.sub(lambda word: _with_tone(word[0]), text)


def _with_tone(word: str) -> str:
    letters = [unicodedata.normalize("NFD", letter) for letter in word]
    shaped = [i for i, letter in enumerate(letters) if letter[0] in _VOWELS and _SHAPES & {*letter}]
    toned = [i for i, letter in enumerate(letters) if letter[0] in _VOWELS and _TONES & {*letter}]
    if len(toned) != 1 or not shaped or abs(toned[0] - shaped[-1]) != 1:
        return word
    tone = "".join(_TONES & {*letters[toned[0]]})
    letters[toned[0]] = letters[toned[0]].replace(tone, "")
    letters[shaped[-1]] += tone
    found = [unicodedata.normalize("NFC", letter) for letter in letters]
    # Letters that Vietnamese has not may hold two tones, or marks that do not go together.
    return "".join(found) if all(len(letter) == 1 for letter in found) else word
