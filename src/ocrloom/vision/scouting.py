"""What a few lines of a page tell of the whole: which way up it lies, its script, its language."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ocrloom.languages import PPOCR, Language
from ocrloom.tessdata.folders import readable
from ocrloom.vision.alphabets import alphabet_of, is_latin
from ocrloom.vision.choice import find_script, foreign, text_languages, unread
from ocrloom.vision.letters import may_differ
from ocrloom.vision.orientation import evidence, evidence_of, find_rotation, other_turns
from ocrloom.vision.recognisers import PpOcr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box
    from ocrloom.vision.lines import LineReader

__all__ = ["add_script", "choose_recognisers", "find_turn", "name_languages"]

_READABLE = 0.65  # mean quality below which nothing was read
_TRIED = 3  # lines that are read in every script that may be meant


def find_turn(reader: LineReader, boxes: Sequence[Box]) -> int:
    """Degrees, clockwise, by which the page must be turned to stand upright.

    Under AUTO a page of which nothing can be read any way up is tried in the scripts that Tesseract
    reads here; the reader keeps what was found.
    """
    rotation = find_rotation(boxes, reader.quality)
    if not reader.team.auto:
        return rotation
    sample = evidence_of(boxes, rotation)
    if sample and reader.quality(sample) >= _READABLE:
        return rotation
    for turn in (0, *other_turns(boxes)):
        if add_script(reader, evidence_of(boxes, turn)):
            return find_rotation(boxes, reader.quality)
    return rotation


def choose_recognisers(reader: LineReader, boxes: Sequence[Box]) -> None:
    """Gives the reader of an upright page the recognisers for its script and language."""
    sample = evidence(boxes)
    if not sample or not (reader.team.auto or reader.team.second):
        return
    found = list(zip(sample, reader.readings(sample), strict=True))
    if reader.team.auto:
        add_script(reader, sample)
        text = " ".join(reading.text for box, reading in found if not unread(box, reading))
        if all(map(is_latin, text)):
            _narrow_to_latin(reader, text, found)
    team = reader.team
    others = sum(foreign(box, reading) for box, reading in found)
    if team.second is not None and others > len(found) / 2:
        reader.team = replace(team, first=team.second, second=team.first)


def add_script(reader: LineReader, boxes: Sequence[Box]) -> bool:
    """Gives the reader the recogniser for what PP-OCRv6 cannot read, if there is one.

    Args:
        reader: Under AUTO.
        boxes: Upright ones, not all of which need be in another script.

    Returns:
        Whether there is one now that was not there before.
    """
    team = reader.team
    if team.second is not None:
        return False
    found = zip(boxes, reader.readings(boxes), strict=True)
    others = [box for box, reading in found if foreign(box, reading)]
    longest = sorted(others, key=lambda box: box.width / box.height)[-_TRIED:]
    if not longest:
        return False
    language = find_script(
        longest, lambda boxes, language: reader.readings(boxes, team.tesseract((language,)))
    )
    if language is not None:
        reader.team = replace(team, second=team.tesseract((language,)))
    return language is not None


def name_languages(reader: LineReader, boxes: Sequence[Box]) -> None:
    """Finds the languages of a page by all of its text where a few lines did not tell.

    Args:
        reader: Under AUTO.
        boxes: All of the page, upright.
    """
    team = reader.team
    if not team.narrowed or team.languages or not isinstance(team.first, PpOcr):
        return
    text = " ".join(reading.text for reading in reader.readings(boxes))
    own = tuple(each for each in text_languages(text) if PPOCR in each.recognisers)
    reader.team = replace(team, first=replace(team.first, languages=own))
    reader.keep(boxes, team.first)


def _narrow_to_latin(reader: LineReader, text: str, found: Iterable[tuple[Box, Reading]]) -> None:
    """Leaves out the characters of other scripts, and prefers those of the text's language."""
    team = reader.team
    languages = text_languages(text)
    if languages and PPOCR not in languages[0].recognisers and readable(languages[:1]):
        reader.team = replace(team, first=team.tesseract(languages[:1]), second=None)
        return
    own = tuple(each for each in languages if PPOCR in each.recognisers)
    alphabet = alphabet_of(own or [Language.ENGLISH])
    alphabet = alphabet if own else replace(alphabet, letters=None)
    reader.team = replace(team, first=team.pp_ocr(alphabet, own), narrowed=True)
    letters = alphabet.letters
    # The others read the same with fewer characters to choose from.
    same = [box for box, reading in found if letters is None or not may_differ(reading, letters)]
    reader.keep(same, team.first)
