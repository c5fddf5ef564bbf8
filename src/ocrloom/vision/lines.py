"""Reading the lines of one page: crops, recognition, second looks, words."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import cv2

from ocrloom.languages import Language
from ocrloom.vision.alphabets import Alphabet, alphabet_of, everything, is_latin
from ocrloom.vision.company import in_company
from ocrloom.vision.crops import Crop, cut, stacked_lines
from ocrloom.vision.orientation import turned
from ocrloom.vision.recognise import read
from ocrloom.vision.segment import Segment
from ocrloom.vision.widths import network_width, plan_widths
from ocrloom.vision.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.image.lazy import Pixels
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box
    from ocrloom.vision.survey import Survey

__all__ = ["LineReader", "Look"]

_DOUBTFUL = 0.8  # confidence below which a line is looked at again
_SMOOTH = 1.5  # pixels of a crop: standard deviation of what makes grey of halftone and noise
_ENOUGH = 5  # characters whose mean confidence is telling
_SURE = 0.95  # confidence that is enough for any number of characters
_CLEAR = 0.9  # confidence of a tall box that needs no reading from the side; or of a second look
_SPECKS = 3  # characters up to which a second look must find what the first did
_GAIN = 0.05  # by which a second reading must be better to be taken


class Look(NamedTuple):
    """What a page, as it lies, shows before it is read."""

    view: Survey
    boxes: list[Box]
    dotted: frozenset[Box]
    """Those of the boxes whose ground is made of dots."""


class LineReader:
    """Reads boxes of one page, each of them once."""

    def __init__(
        self,
        pixels: Pixels,
        look: Look,
        alphabet: Alphabet,
        context: Context,
    ) -> None:
        self.alphabet = alphabet
        self._look = look
        self._pixels = pixels
        self._context = context
        self._narrowed = False
        self._plan = plan_widths([network_width(box.width, box.height) for box in look.boxes])
        # Shared by the workers that read lines of this page; no two read the same box at once.
        self._known: dict[Box, tuple[Crop, Reading]] = {}

    def read(self, box: Box) -> tuple[Crop, Reading]:
        """Crop and reading of a box."""
        if box not in self._known:
            self._context.checkpoint()
            crop = cut(self._pixels, box, self._width(box), self._look.view.rules)
            crop = _smoothed(crop) if box in self._look.dotted else crop
            self._known[box] = crop, read(crop.pixels, self.alphabet)
        return self._known[box]

    def _width(self, box: Box) -> int:
        own = network_width(box.width, box.height)
        return self._plan.get(own, own)

    def _read_side_by_side(self, boxes: Sequence[Box]) -> list[Reading]:
        read = self._context.spread(self.read, sorted(boxes, key=self._width))
        return [reading for _, reading in read]

    def confidence(self, boxes: Sequence[Box]) -> float:
        """Mean confidence of reading these boxes, 0..1."""
        return fmean(reading.confidence for reading in self._read_side_by_side(boxes))

    def narrow(self, boxes: Sequence[Box]) -> None:
        """Leaves the characters of other scripts out if these boxes have none of them."""
        texts = [reading.text for reading in self._read_side_by_side(boxes)]
        if all(is_latin(character) for text in texts for character in text):
            self.alphabet = alphabet_of([Language.ENGLISH])
            self._narrowed = True

    def segments(self, boxes: Sequence[Box], min_confidence: float) -> list[Segment]:
        """What stands in the boxes, those of one width one after the other."""

        def segments_of(box: Box) -> list[tuple[bool, Segment]]:
            found = []
            for piece in self._read_best(box):
                if piece[1].confidence < max(_DOUBTFUL, _needed(piece[1], min_confidence)):
                    piece = self._look_again(*piece)
                crop, reading = piece
                words = words_of(crop, reading)
                if words and reading.confidence >= min_confidence:
                    sure = reading.confidence >= _needed(reading, min_confidence)
                    found.append((sure, Segment(box=crop.box, words=words)))
            return found

        ordered = sorted(dict.fromkeys(boxes), key=self._width)
        found = [each for some in self._context.spread(segments_of, ordered) for each in some]
        sure = [segment for is_sure, segment in found if is_sure]
        return sure + in_company([segment for is_sure, segment in found if not is_sure], sure)

    def _read_best(self, box: Box) -> list[tuple[Crop, Reading]]:
        """The best reading of a box: as it is, from the side, or line by line where it is tall."""
        best = [self.read(box)]
        if box.tall and best[0][1].confidence < _CLEAR:
            for degrees in (90, 270):
                best = _better(best, [self.read(turned(box, degrees))])
            lines = stacked_lines(self._pixels, box)
            if len(lines) > 1:
                best = _better(best, [self.read(line) for line in lines])
        return best

    def _look_again(self, crop: Crop, reading: Reading) -> tuple[Crop, Reading]:
        """The better reading of a doubtful crop: as it was, smoothed, or with all characters."""
        self._context.checkpoint()
        best = [(crop, reading)]
        smooth = _smoothed(crop)
        found = read(smooth.pixels, self.alphabet)
        # Specks that were smoothed look like a letter or two.
        if found.text == reading.text or (len(found.text) > _SPECKS and found.confidence > _CLEAR):
            best = _better(best, [(smooth, found)])
        if self._narrowed and best[0][1].confidence < _DOUBTFUL:
            self._context.checkpoint()
            best = _better(best, [(crop, read(crop.pixels, everything()))])
        return best[0]


def _smoothed(crop: Crop) -> Crop:
    return replace(crop, pixels=cv2.GaussianBlur(crop.pixels, (0, 0), _SMOOTH))


def _better(
    old: list[tuple[Crop, Reading]], new: list[tuple[Crop, Reading]]
) -> list[tuple[Crop, Reading]]:
    def confidence(pieces: list[tuple[Crop, Reading]]) -> float:
        return fmean(reading.confidence for _, reading in pieces)

    return new if confidence(new) > confidence(old) + _GAIN else old


def _needed(reading: Reading, min_confidence: float) -> float:
    """Confidence from which a reading is taken for text.

    A mean over few characters says little: what is read as a single character with less than 0.9
    is nearly always a speck. From five characters on the option's own value holds.
    """
    missing = max(0, _ENOUGH - len(reading.text.replace(" ", "")))
    return min(min_confidence * (1 + 0.2 * missing), max(min_confidence, _SURE))
