"""Reading one page: the public stages of this package put together.

Orientation, detection, crops, recognition, words. Which line follows which is decided in
``ocrloom.layout``.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.languages import Language
from ocrloom.scheduling.context import INLINE
from ocrloom.vision.alphabets import Alphabet, alphabet_of, everything, is_latin
from ocrloom.vision.crops import Crop, cut, stacked_lines
from ocrloom.vision.detect import detect
from ocrloom.vision.orientation import evidence, find_rotation, turned
from ocrloom.vision.recognise import read
from ocrloom.vision.survey import survey
from ocrloom.vision.widths import network_width, plan_widths
from ocrloom.vision.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.image.lazy import Pixels
    from ocrloom.options import OcrOptions
    from ocrloom.result import Word
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box

__all__ = ["PageReading", "Segment", "find_boxes", "read_page"]

_DOUBTFUL = 0.8  # confidence below which a line is read with all characters too
_ENOUGH = 5  # characters whose mean confidence is telling
_SURE = 0.95  # confidence that is enough for any number of characters
_CLEAR = 0.9  # confidence of a tall box that needs no reading from the side
_GAIN = 0.05  # by which a second reading must be better to be taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a text line; polygons in pixels of the upright page."""

    box: Box
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """What was read on a page, in no particular order."""

    segments: tuple[Segment, ...]
    rotation: int
    """Degrees, clockwise, by which the frame was turned: 0, 90, 180 or 270."""


def read_page(pixels: Pixels, options: OcrOptions, context: Context = INLINE) -> PageReading:
    """Finds and reads the text of one page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        options: How to read it.
        context: Asked for a checkpoint before every line, and to read lines side by side.

    Raises:
        OcrEngineError: The runtime failed.
    """
    boxes = find_boxes(pixels, context)
    reader = _Reader(pixels, boxes, alphabet_of(options.languages), context)
    rotation = find_rotation(boxes, reader.confidence) if options.find_orientation else 0
    if rotation:
        pixels = _turned(pixels, rotation // 90)
        boxes = find_boxes(pixels, context)
        reader = _Reader(pixels, boxes, reader.alphabet, context)
    if options.languages == (Language.AUTO,):
        reader.narrow(evidence(boxes))
    segments = reader.segments(boxes, options.min_confidence)
    return PageReading(segments=tuple(segments), rotation=rotation)


def _turned(pixels: Pixels, quarters: int) -> Pixels:
    """The page turned clockwise; an array is not copied, for it may be large."""
    if isinstance(pixels, np.ndarray):
        return np.rot90(pixels, -quarters)
    return pixels.turned(quarters)


def _needed(reading: Reading, min_confidence: float) -> float:
    """Confidence from which a reading is taken for text.

    A mean over few characters says little: what is read as a single character with less than 0.9
    is nearly always a speck. From five characters on the option's own value holds.
    """
    missing = max(0, _ENOUGH - len(reading.text.replace(" ", "")))
    return min(min_confidence * (1 + 0.2 * missing), max(min_confidence, _SURE))


def find_boxes(pixels: Pixels, context: Context = INLINE) -> list[Box]:
    """Boxes around the pieces of lines on a page, (H, W) or (H, W, 3) RGB uint8, as it lies."""
    context.checkpoint()
    return detect(pixels, survey(pixels), context)


class _Reader:
    """Reads boxes of one page, each of them once."""

    def __init__(
        self, pixels: Pixels, boxes: Sequence[Box], alphabet: Alphabet, context: Context
    ) -> None:
        self.alphabet = alphabet
        self._pixels = pixels
        self._context = context
        self._narrowed = False
        self._plan = plan_widths([network_width(box.width, box.height) for box in boxes])
        # Shared by the workers that read lines of this page; no two read the same box at once.
        self._known: dict[Box, tuple[Crop, Reading]] = {}

    def read(self, box: Box) -> tuple[Crop, Reading]:
        """Crop and reading of a box."""
        if box not in self._known:
            self._context.checkpoint()
            crop = cut(self._pixels, box, self._width(box))
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

        def segments_of(box: Box) -> list[Segment]:
            found = []
            for crop, reading in self._read_best(box):
                words = words_of(crop, reading)
                if words and reading.confidence >= _needed(reading, min_confidence):
                    found.append(Segment(box=crop.box, words=words))
            return found

        ordered = sorted(dict.fromkeys(boxes), key=self._width)
        return [
            segment for found in self._context.spread(segments_of, ordered) for segment in found
        ]

    def _read_best(self, box: Box) -> list[tuple[Crop, Reading]]:
        """The best reading of a box: as it is, from the side, or line by line where it is tall."""
        best = [self.read(box)]
        if box.tall and best[0][1].confidence < _CLEAR:
            for degrees in (90, 270):
                best = _better(best, [self.read(turned(box, degrees))])
            lines = stacked_lines(self._pixels, box)
            if len(lines) > 1:
                best = _better(best, [self.read(line) for line in lines])
        return [self._read_all_characters(*piece) for piece in best]

    def _read_all_characters(self, crop: Crop, reading: Reading) -> tuple[Crop, Reading]:
        """Another look with all characters if some were left out and the first was doubtful."""
        if not self._narrowed or reading.confidence >= _DOUBTFUL:
            return crop, reading
        self._context.checkpoint()
        return _better([(crop, reading)], [(crop, read(crop.pixels, everything()))])[0]


def _better(
    old: list[tuple[Crop, Reading]], new: list[tuple[Crop, Reading]]
) -> list[tuple[Crop, Reading]]:
    def confidence(pieces: list[tuple[Crop, Reading]]) -> float:
        return fmean(reading.confidence for _, reading in pieces)

    return new if confidence(new) > confidence(old) + _GAIN else old
