"""Which recogniser reads a line, and in which script and language a page seems to be."""

from __future__ import annotations

import unicodedata
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from ocrloom.errors import OcrEngineError, OcrLanguageNotInstalled
from ocrloom.languages import PPOCR, TESSERACT, Language, Script
from ocrloom.tessdata.folders import installed
from ocrloom.vision.alphabets import everything
from ocrloom.vision.identify import likely_languages, rank_languages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box

__all__ = ["chosen", "find_script", "foreign", "quality", "text_languages", "unread"]

# Fitted on lines set in 17 languages and 12 scripts. PP-OCRv6 sees hardly a character in scripts
# that it did not learn, or is unsure of the few that it takes them for.
_UNREAD = 0.85  # quality below which another recogniser is asked
_FOREIGN = 0.65  # quality below which a line is in another script, or too poor for any reader
_DOUBTED = 0.7  # confidence of Tesseract, where it is the first, below which PP-OCRv6 is asked
_HOPEFUL = 0.9  # what confidence of Tesseract is worth beside quality of PP-OCRv6
_DENSE = 1.1  # characters in a length of one height, which any line of text has
_WIDE = 2  # such characters of Latin script that one of Chinese takes the place of
_FIRST_WIDE = "\u2e80"
_LONG = 4.0  # heights; what is shorter says little of its script
_OWN_LETTERS = 0.6  # confidence of a reading whose letters the other recogniser does not know
_SCRIPT = 0.65  # confidence times share of its letters from which a script is taken for found
_CREDULOUS = {Script.THAI: 0.87}  # the same where text of other scripts seems nearly as likely
_QUICK = 2  # lines that are read in every script
_SERIOUS = 3  # scripts, and then languages, that all of the lines are read in

_LETTER_NAMES = {Script.KOREAN: "HANGUL", Script.ODIA: "ORIYA"}
_SCRIPTS_OF_PPOCR = frozenset(each.script for each in Language if PPOCR in each.recognisers)
# Of the languages of one script the one to try it with.
_USUAL = frozenset(
    {
        Language.AMHARIC,
        Language.ARABIC,
        Language.BENGALI,
        Language.GEORGIAN,
        Language.GREEK,
        Language.HEBREW,
        Language.HINDI,
        Language.RUSSIAN,
    }
)


def quality(box: Box, reading: Reading) -> float:
    """How well a box was read, 0..1: confidence, and less if there is more in it than was read."""
    if reading.recogniser == TESSERACT:
        return reading.confidence
    aspect = box.width / max(box.height, 1.0)
    length = sum(map(_length, reading.text))
    return reading.confidence * min(1.0, length / (_DENSE * aspect))


def _length(mark: str) -> int:
    """How much of a line of Latin letters a character is worth."""
    if mark == " " or (not mark.isascii() and _is_letter(mark, Script.GREEK)):
        return 0  # it knows most Greek letters and yet cannot read Greek
    return _WIDE if mark >= _FIRST_WIDE else 1


def unread(box: Box, reading: Reading) -> bool:
    """Whether another recogniser should read a box too."""
    return quality(box, reading) < (_DOUBTED if reading.recogniser == TESSERACT else _UNREAD)


def foreign(box: Box, reading: Reading) -> bool:
    """Whether a box that PP-OCRv6 read seems to hold another script, and enough of it to tell."""
    return box.width >= _LONG * box.height and quality(box, reading) < _FOREIGN


def chosen(box: Box, first: Reading, second: Reading) -> Reading:
    """The better of two recognisers' readings of a box."""
    if first.recogniser == second.recogniser:
        return first
    ours, other = (first, second) if first.recogniser == PPOCR else (second, first)
    if not unread(box, ours):
        return other if _knows_better(other) else ours
    return other if _HOPEFUL * quality(box, other) > quality(box, ours) else ours


def _knows_better(reading: Reading) -> bool:
    """Whether it has Latin letters that PP-OCRv6 does not know, such as those of Vietnamese."""
    known = everything().characters
    return reading.confidence >= _OWN_LETTERS and any(
        mark not in known and _is_letter(mark, Script.LATIN) for mark in reading.text
    )


def text_languages(text: str) -> tuple[Language, ...]:
    """The languages that a text of Latin script seems to be in, the likeliest first."""
    latin = (language for language in Language if language.script is Script.LATIN)
    return likely_languages(text, latin)


def find_script(
    boxes: Sequence[Box], read: Callable[[Sequence[Box], Language], Iterable[Reading]]
) -> Language | None:
    """The language, of those that only Tesseract reads here, in which lines seem to be written.

    Args:
        boxes: The lines, at least one.
        read: Reads lines in a language.
    """
    here = [language for language in installed() if language.script not in _SCRIPTS_OF_PPOCR]
    here.sort(key=lambda language: language not in _USUAL)
    firsts = {language.script: language for language in reversed(here)}
    quick = [_try(boxes[-_QUICK:], read, language) for language in firsts.values()]
    promising = sorted(quick, key=_score_of)[-_SERIOUS:]
    best = max(
        (_try(boxes, read, trial.language) for trial in promising), key=_score_of, default=None
    )
    if best is None or best.score < _CREDULOUS.get(best.language.script, _SCRIPT):
        return None
    script = best.language.script
    others = [each for each in here if each.script is script and each is not best.language]
    # They read each other's text rather well, but none as well as its own.
    likely = [language for language, _ in rank_languages(best.text, others)] if others else []
    siblings = [_try(boxes, read, language) for language in likely[:_SERIOUS]]
    return max([best, *siblings], key=_score_of).language


class _Trial(NamedTuple):
    """How some lines read in a language."""

    language: Language
    score: float
    text: str


def _score_of(trial: _Trial) -> float:
    return trial.score


def _try(
    boxes: Sequence[Box],
    read: Callable[[Sequence[Box], Language], Iterable[Reading]],
    language: Language,
) -> _Trial:
    try:
        readings = list(read(boxes, language))
    except (OcrEngineError, OcrLanguageNotInstalled):
        return _Trial(language, 0.0, "")  # damaged or lost data of a language nobody asked for
    scores = [_score(reading, language.script) for reading in readings]
    return _Trial(language, median(scores), " ".join(reading.text for reading in readings))


def _score(reading: Reading, script: Script) -> float:
    letters = [mark for mark in reading.text if mark.isalpha()]
    if not letters:
        return 0.0
    return reading.confidence * fmean(_is_letter(mark, script) for mark in letters)


def _is_letter(mark: str, script: Script) -> bool:
    name = _LETTER_NAMES.get(script, script.name.replace("_", " "))
    return mark.isalpha() and unicodedata.name(mark, "").startswith(name)
