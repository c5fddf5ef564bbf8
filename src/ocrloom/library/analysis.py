"""Text into the words that a library finds, the same for pages and for searches. Pure.

Words are runs of letters and digits, in small letters and in one of the forms that Unicode has for
them (NFKC, case folding; digits of all scripts as 0 to 9). Punctuation parts them: ``3.50`` is two.
Folding takes accents and the points of Hebrew and Arabic away.

Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese are not parted into words by spaces, or not
only; there every character has a place of its own, whatever space or line stands between two. What
is kept for it is the character and the two after it: a search for three characters is then one
word of the index, for fewer the beginning of one, for more several in a row.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["GRAM", "Row", "Unit", "grams", "is_gram", "normal", "row_of", "units"]

GRAM: Final = 3
"""Characters that an index has for each character of a run."""

_LONGEST: Final = 64  # characters of a word; more is no word

# Characters of scripts without spaces, and of Korean, whose words have endings that nobody searches
# for.
_RUNS: Final = re.compile(
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u108c\u108e-\u109f\u1780-\u17dc\u17de-\u17ff"  # Burmese, Khmer; no accents
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"
    "\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00016fe0-\U0001b2ff\U00020000-\U0003ffff"
    "]"
)
# Letters that are no others with a mark, for people who have no such keys.
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"}
)
# What nobody sees: soft hyphens, joiners, signs of direction, choices among forms; and tatweel.
_DROPPED: Final = re.compile(
    "[\u00ad\u034f\u061c\u0640\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0100-\U000e01ef]"
)
# Letters to Unicode, but on paper the same as apostrophes and quotation marks.
_APOSTROPHES: Final = frozenset("ʹʻʼʽʾʿˈ")
# Beside marks, what makes one character with the one before: vowels and ends of Korean syllables,
# the voicing of narrow kana.
_TRAILS: Final = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff\uff9e\uff9f]")


@dataclass(frozen=True, slots=True)
class Unit:
    """A word, or one character of a run."""

    text: str
    start: int
    """Its first character in the text that it is of."""
    stop: int
    """The one after its last."""
    is_run: bool = False


def units(text: str, *, fold: bool = True) -> tuple[Unit, ...]:
    """Parts text into words and characters of runs.

    Args:
        text: Anything.
        fold: Whether accents and points are taken away.
    """
    # What is longer is seldom seen twice, and would fill the memory.
    return _known(text, fold) if len(text) <= _LONGEST else _parts(text, fold=fold)


@lru_cache(maxsize=65536)
def _known(text: str, fold: bool) -> tuple[Unit, ...]:
    if text.isascii() and text.isalnum():
        return (Unit(text.lower(), 0, len(text)),)
    return _parts(text, fold=fold)


def _parts(text: str, *, fold: bool) -> tuple[Unit, ...]:
    found: list[Unit] = []
    start = 0
    while start < len(text):
        stop = start
        while stop < len(text) and _goes_on(text[stop]):
            stop += 1
        if stop > start:
            found += _parted(text, start, stop, fold=fold)
        start = stop + 1
    return tuple(found)


def _goes_on(mark: str) -> bool:
    """Whether a character is a part of a word."""
    if mark.isalnum():
        return mark not in _APOSTROPHES
    return unicodedata.category(mark)[0] == "M" or _DROPPED.match(mark) is not None


def _parted(text: str, start: int, stop: int, *, fold: bool) -> Iterable[Unit]:
    """The words and characters of a piece without anything between them."""
    begun = start
    place = start
    while place < stop:
        after = place + 1
        while after < stop and _trails(text[after]):
            after += 1
        form = normal(text[place:after], fold=fold)
        if _is_run(form):
            yield from _word(text, begun, place, fold=fold)
            for character in _RUNS.findall(form):
                yield Unit(character, place, after, is_run=True)
            begun = after
        place = after
    yield from _word(text, begun, stop, fold=fold)


def _trails(mark: str) -> bool:
    """Whether a character is one with the one before it."""
    return unicodedata.category(mark)[0] == "M" or _TRAILS.match(mark) is not None


def _is_run(form: str) -> bool:
    """Whether a character, with what trails it, stands in a run."""
    base = next(filter(str.isalnum, form), "")
    return (_RUNS.match(base) if base else _RUNS.search(form)) is not None


def _word(text: str, start: int, stop: int, *, fold: bool) -> Iterable[Unit]:
    form = normal(text[start:stop], fold=fold)
    # What normalising makes punctuation of, as of a fraction, parts words too.
    for part in "".join(mark if _goes_on(mark) else " " for mark in form).split():
        if any(map(str.isalnum, part)):
            yield Unit(part[:_LONGEST], start, stop)


def normal(text: str, *, fold: bool = True) -> str:
    """The one form of a text that all its ways of writing have."""
    text = _DROPPED.sub("", unicodedata.normalize("NFKC", text)).casefold()
    text = "".join(map(_digit, unicodedata.normalize("NFD", text)))
    if fold:
        text = "".join(mark for mark in text if not _is_accent(mark)).translate(_PLAIN)
    return unicodedata.normalize("NFC", text)


def _digit(mark: str) -> str:
    return str(unicodedata.decimal(mark, mark))


def _is_accent(mark: str) -> bool:
    """Whether it is a mark that people leave out; marks that are vowels or join letters are not.

    By the class that Unicode gives marks: 10 to 35 are points of Hebrew and Arabic, those from 200
    stand above and below the letters of alphabets.
    """
    place = unicodedata.combining(mark)
    return 10 <= place <= 36 or place >= 200


def grams(row: Iterable[Unit]) -> list[str]:
    """What an index keeps for words in a row: a token for each unit.

    Args:
        row: Units of a whole page in reading order, or of a search.
    """
    listed = list(row)
    tokens = []
    for place, unit in enumerate(listed):
        if not unit.is_run:
            tokens.append(unit.text)
            continue
        text = unit.text
        for after in listed[place + 1 : place + GRAM]:
            if not after.is_run:
                break
            text += after.text
        tokens.append(text)
    return tokens


def is_gram(token: str) -> bool:
    """Whether a token is of a run, and no word."""
    return not token.isascii() and _RUNS.match(token) is not None


@dataclass(frozen=True, slots=True)
class Row:
    """What an index is asked for where words are to stand in a row."""

    tokens: tuple[str, ...]
    prefix: bool
    """Whether the last token is only the beginning of what stands there."""
    length: int
    """Units that the row covers; there are more than tokens where it ends with a run."""


def row_of(words: Sequence[str], is_run: Sequence[bool], *, prefix: bool = False) -> Row:
    """What an index is asked for to find words in a row.

    Args:
        words: In normal form; runs as a whole.
        is_run: Which of them are runs.
        prefix: Whether the last word is only a beginning.
    """
    row: list[Unit] = []
    for word, run in zip(words, is_run, strict=True):
        row += [Unit(mark, 0, 0, True) for mark in word] if run else [Unit(word, 0, 0)]
    tokens, run_end = grams(row), 0
    while run_end < len(row) and row[-1 - run_end].is_run:
        run_end += 1
    if run_end:
        # What follows the run is unknown, so its last characters ask for nothing by themselves.
        tokens = tokens[: len(tokens) - min(run_end, GRAM) + 1]
        prefix = run_end < GRAM
    return Row(tuple(tokens), prefix, len(row))
