"""What reads crops of lines: PP-OCRv6 with an alphabet, or Tesseract with languages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from ocrloom.context import mender_of
from ocrloom.languages import PPOCR, Language, Script
from ocrloom.once import once
from ocrloom.vision import tesseract
from ocrloom.vision.accents import with_plain_letters, with_tones
from ocrloom.vision.alphabets import Alphabet, alphabet_of, everything, restricted
from ocrloom.vision.recognise import read
from ocrloom.vision.widths import HEIGHT, network_width

if TYPE_CHECKING:
    from ocrloom.context import Mender
    from ocrloom.options import Mode, OcrOptions
    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box

__all__ = ["PpOcr", "Recogniser", "Team", "TesseractLines", "team_of"]

_WIDEST = 16384  # pixels of a crop for Tesseract, which takes no picture of over 32,767


class Recogniser(Protocol):
    """Reads crops."""

    @property
    def languages(self) -> tuple[Language, ...]:
        """Those that it reads or takes the text to be in; none if it is not known."""

    @property
    def spells_more(self) -> bool:
        """Whether it knows Latin letters that PP-OCRv6 does not."""

    def width(self, box: Box) -> int:
        """Pixels of width that the crop of a box should have."""

    def read(self, crop: np.ndarray) -> Reading:
        """Reads a crop, (48, W) or (48, W, 3) BGR uint8."""


@dataclass(frozen=True, slots=True)
class PpOcr:
    """PP-OCRv6 with an alphabet."""

    alphabet: Alphabet
    languages: tuple[Language, ...] = ()

    @property
    def spells_more(self) -> bool:
        """It does not."""
        return False

    def width(self, box: Box) -> int:
        """One of ``ocrloom.vision.widths.WIDTHS``."""
        return network_width(box.width, box.height)

    def read(self, crop: np.ndarray) -> Reading:
        """Reads a crop."""
        return read(crop, self.alphabet)


@dataclass(frozen=True, slots=True)
class TesseractLines:
    """Tesseract with the data of some languages."""

    languages: tuple[Language, ...]
    allowed: frozenset[str] | None = None
    ignored: frozenset[str] = frozenset()

    @property
    def spells_more(self) -> bool:
        """Whether one of the languages, such as Vietnamese, is beyond PP-OCRv6's Latin letters."""
        return any(
            each.script is Script.LATIN and PPOCR not in each.recognisers for each in self.languages
        )

    def width(self, box: Box) -> int:
        """The box's own."""
        natural = round(tesseract.HEIGHT * box.width / max(box.height, 1.0))
        return min(max(natural, 1), _WIDEST)

    def read(self, crop: np.ndarray) -> Reading:
        """Reads a crop; Latin letters together with PP-OCRv6 where it does not know them all."""
        reading = _tesseract(self.languages).read(crop, allowed=self.allowed)
        if reading.text and self.spells_more and self.allowed is None:
            reading = with_plain_letters(reading, _plainly(crop))
            if Language.VIETNAMESE in self.languages:
                reading = replace(reading, text=with_tones(reading.text))
        return _without(reading, self.ignored - {" "}) if self.ignored else reading


def _plainly(crop: np.ndarray) -> Reading:
    """What PP-OCRv6 reads in a crop of Latin script."""
    size = network_width(crop.shape[1], crop.shape[0]), HEIGHT
    latin = alphabet_of((Language.ENGLISH,))
    return read(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), latin)


@once
def _tesseract(languages: tuple[Language, ...]) -> tesseract.Tesseract:
    return tesseract.Tesseract(languages)


def _without(reading: Reading, ignored: frozenset[str]) -> Reading:
    kept = np.array([character not in ignored for character in reading.text], dtype=bool)
    return replace(
        reading,
        text="".join(character for character in reading.text if character not in ignored),
        starts=reading.starts[kept],
        ends=reading.ends[kept],
        confidences=reading.confidences[kept],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The recognisers of a page."""

    first: Recogniser
    """Reads every line."""
    second: Recogniser | None = None
    """Reads what the first cannot."""
    narrowed: bool = False
    """Whether the first lacks characters because a few lines had none of them."""
    options: OcrOptions = field(repr=False)
    """How to read."""

    @property
    def auto(self) -> bool:
        """Whether no language was named."""
        return self.options.languages == (Language.AUTO,)

    @property
    def mode(self) -> Mode:
        """How often lines are looked at again."""
        return self.options.mode

    @property
    def languages(self) -> tuple[Language, ...]:
        """Those of both, without what is not known."""
        second = self.second.languages if self.second else ()
        return tuple(dict.fromkeys((*self.first.languages, *second)))

    @property
    def mender(self) -> Mender | None:
        """What settles what they read by its context; None where there are no words for that."""
        options = self.options
        if not options.context:
            return None
        # The others' letters are not looked at.
        latin = tuple(each for each in self.languages if each.script is Script.LATIN)
        return mender_of(
            latin,
            options.user_words,
            options.allowed_characters,
            options.ignored_characters,
        )

    @property
    def ppocr(self) -> PpOcr | None:
        """The one of both that is PP-OCRv6."""
        both = (self.first, self.second)
        return next((each for each in both if isinstance(each, PpOcr)), None)

    def pp_ocr(self, alphabet: Alphabet, languages: tuple[Language, ...] = ()) -> PpOcr:
        """PP-OCRv6 with those of an alphabet's characters that may be read."""
        kept = restricted(
            alphabet, self.options.allowed_characters, self.options.ignored_characters
        )
        return PpOcr(kept, languages)

    def tesseract(self, languages: tuple[Language, ...]) -> TesseractLines:
        """Tesseract with the characters that may be read."""
        allowed = self.options.allowed_characters
        return TesseractLines(
            languages,
            None if allowed is None else frozenset(allowed),
            frozenset(self.options.ignored_characters),
        )


def team_of(options: OcrOptions) -> Team:
    """Who reads the languages that were asked for, before anything of the page is known."""
    everyone = Team(first=PpOcr(everything()), options=options)
    if everyone.auto:
        return replace(everyone, first=everyone.pp_ocr(everything()))
    others = tuple(each for each in options.languages if PPOCR not in each.recognisers)
    own = tuple(each for each in options.languages if each not in others)
    second = everyone.tesseract(others) if others else None
    if own or second is None:
        return replace(everyone, first=everyone.pp_ocr(alphabet_of(own), own), second=second)
    return replace(everyone, first=second)
