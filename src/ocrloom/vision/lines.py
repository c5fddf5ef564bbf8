"""Reading the lines of one page: crops, recognition, second looks, words."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import cv2

from ocrloom.languages import PPOCR
from ocrloom.options import Mode
from ocrloom.vision.alphabets import everything
from ocrloom.vision.choice import chosen, quality, unread
from ocrloom.vision.company import in_company
from ocrloom.vision.crops import Crop, cut, stacked_lines
from ocrloom.vision.hands import without_handwriting
from ocrloom.vision.orientation import turned
from ocrloom.vision.recognisers import PpOcr
from ocrloom.vision.scouting import add_script, name_languages
from ocrloom.vision.segment import Segment
from ocrloom.vision.widths import network_width, plan_widths
from ocrloom.vision.words import words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.image.lazy import Pixels
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.ctc import Reading
    from ocrloom.vision.geometry import Box
    from ocrloom.vision.recognisers import Recogniser, Team
    from ocrloom.vision.survey import Survey

__all__ = ["LineReader", "Look"]

_DOUBTFUL = 0.8  # confidence below which a line is looked at again
_SMOOTH = 1.5  # pixels of a crop: standard deviation of what makes grey of halftone and noise
_ENOUGH = 5  # characters whose mean confidence is telling
_SURE = 0.95  # confidence that is enough for any number of characters
_CLEAR = 0.9  # confidence of a tall box that needs no reading from the side; or of a second look
_SPECKS = 3  # characters up to which a second look must find what the first did
_GAIN = 0.05  # by which a second reading must be better to be taken
_DOUBTFUL_AT_BEST = 0.97  # the same where time does not count
_WIDER = 1.25  # back to the natural width, which costs more and seldom shows more
_GAIN_AT_BEST = 0.01


class Look(NamedTuple):
    """What a page, as it lies, shows before it is read."""

    view: Survey
    boxes: list[Box]
    dotted: frozenset[Box]
    """Those of the boxes whose ground is made of dots."""


class LineReader:
    """Reads boxes of one page, each of them once by every recogniser that is needed."""

    def __init__(self, pixels: Pixels, look: Look, team: Team, context: Context) -> None:
        self.team = team
        self._look = look
        self._pixels = pixels
        self._context = context
        self._plan = plan_widths([network_width(box.width, box.height) for box in look.boxes])
        # Shared by the workers that read lines of this page; no two read the same box at once.
        self._known: dict[tuple[Box, Recogniser], tuple[Crop, Reading]] = {}

    def read(self, box: Box, recogniser: Recogniser | None = None) -> tuple[Crop, Reading]:
        """Crop and reading of a box, by the first of the team if no other is named."""
        recogniser = recogniser or self.team.first
        key = box, recogniser
        if key not in self._known:
            self._context.checkpoint()
            crop = self._cut(box, self._width(box, recogniser))
            self._known[key] = crop, recogniser.read(crop.pixels)
        return self._known[key]

    def _width(self, box: Box, recogniser: Recogniser | None = None) -> int:
        recogniser = recogniser or self.team.first
        own = recogniser.width(box)
        return self._plan.get(own, own) if isinstance(recogniser, PpOcr) else own

    def readings(self, boxes: Sequence[Box], recogniser: Recogniser | None = None) -> list[Reading]:
        """The readings of some boxes, in their order."""
        ordered = sorted(boxes, key=self._width)
        read = self._context.spread(lambda box: self.read(box, recogniser)[1], ordered)
        found = dict(zip(ordered, read, strict=True))
        return [found[box] for box in boxes]

    def keep(self, boxes: Sequence[Box], before: Recogniser) -> None:
        """Takes what another recogniser read in some boxes for what the first one reads."""
        for box in boxes:
            self._known[box, self.team.first] = self._known[box, before]

    def quality(self, boxes: Sequence[Box]) -> float:
        """Mean quality of reading these boxes, each by the recogniser that reads it better."""

        def quality_of(box: Box) -> float:
            crop, reading = self._by_the_better(*self.read(box))
            return quality(crop.box, reading)

        return fmean(self._context.spread(quality_of, sorted(boxes, key=self._width)))

    def segments(self, boxes: Sequence[Box], min_confidence: float) -> list[Segment]:
        """What stands in the boxes, those of one width one after the other."""

        def segments_of(box: Box) -> list[tuple[bool, Segment]]:
            found = []
            for piece in self._read_best(box):
                crop, reading = self._settled(*piece, min_confidence)
                if reading.confidence < min_confidence:
                    continue
                words = words_of(crop, reading, mender)
                if words:
                    sure = reading.confidence >= _needed(reading, min_confidence)
                    found.append((sure, Segment(box=crop.box, words=words)))
            return found

        ordered = sorted(dict.fromkeys(boxes), key=self._width)
        if self.team.auto:
            add_script(self, ordered)
            name_languages(self, ordered)
        mender = self.team.mender
        found = [each for some in self._context.spread(segments_of, ordered) for each in some]
        sure = [segment for is_sure, segment in found if is_sure]
        sure += in_company([segment for is_sure, segment in found if not is_sure], sure)
        return sure if mender is None else without_handwriting(sure, mender.knows)

    def _read_best(self, box: Box) -> list[tuple[Crop, Reading]]:
        """The best reading of a box: as it is, from the side, or line by line where it is tall."""
        best = [self.read(box)]
        if box.tall and best[0][1].confidence < _CLEAR and self.team.mode is not Mode.FAST:
            for degrees in (90, 270):
                best = _better(best, [self.read(turned(box, degrees))])
            lines = stacked_lines(self._pixels, box)
            if len(lines) > 1:
                best = _better(best, [self.read(line) for line in lines])
        return best

    def _settled(self, crop: Crop, reading: Reading, min_confidence: float) -> tuple[Crop, Reading]:
        """What a box reads as after second looks, where it needs them."""
        crop, reading = self._by_the_better(crop, reading)
        limit = max(_DOUBTFUL, _needed(reading, min_confidence))
        if self.team.mode is Mode.BEST:
            limit = max(limit, _DOUBTFUL_AT_BEST)
        own = None if self.team.mode is Mode.FAST else self.team.ppocr
        if own is None or reading.recogniser != PPOCR or reading.confidence >= limit:
            return crop, reading
        return self._look_again(crop, reading, own)

    def _by_the_better(self, crop: Crop, reading: Reading) -> tuple[Crop, Reading]:
        """The reading of the recogniser that reads a box better."""
        second, box = self.team.second, crop.box
        if second is None or not (unread(box, reading) or second.spells_more):
            return crop, reading
        other = self.read(box, second)
        return other if chosen(box, reading, other[1]) is other[1] else (crop, reading)

    def _look_again(self, crop: Crop, reading: Reading, own: PpOcr) -> tuple[Crop, Reading]:
        """The better reading of a doubtful crop: as it was, smoothed, or with all characters."""
        self._context.checkpoint()
        best = [(crop, reading)]
        smooth = _smoothed(crop)
        found = own.read(smooth.pixels)
        # Specks that were smoothed look like a letter or two.
        if found.text == reading.text or (len(found.text) > _SPECKS and found.confidence > _CLEAR):
            best = _better(best, [(smooth, found)])
        if self.team.mode is Mode.BEST:
            self._context.checkpoint()
            wide = self._cut(crop.box, network_width(crop.box.width * _WIDER, crop.box.height))
            best = _better(best, [(wide, own.read(wide.pixels))], _GAIN_AT_BEST)
        if self.team.narrowed and best[0][1].confidence < _DOUBTFUL:
            self._context.checkpoint()
            best = _better(best, [(crop, self.team.pp_ocr(everything()).read(crop.pixels))])
        return best[0]

    def _cut(self, box: Box, width: int) -> Crop:
        crop = cut(self._pixels, box, width, self._look.view.rules)
        return _smoothed(crop) if box in self._look.dotted else crop


def _smoothed(crop: Crop) -> Crop:
    return replace(crop, pixels=cv2.GaussianBlur(crop.pixels, (0, 0), _SMOOTH))


def _better(
    old: list[tuple[Crop, Reading]], new: list[tuple[Crop, Reading]], gain: float = _GAIN
) -> list[tuple[Crop, Reading]]:
    def confidence(pieces: list[tuple[Crop, Reading]]) -> float:
        return fmean(reading.confidence for _, reading in pieces)

    return new if confidence(new) > confidence(old) + gain else old


def _needed(reading: Reading, min_confidence: float) -> float:
    """Confidence from which a reading is taken for text.

    A mean over few characters says little: what is read as a single character with less than 0.9
    is nearly always a speck. From five characters on the option's own value holds.
    """
    missing = max(0, _ENOUGH - len(reading.text.replace(" ", "")))
    return min(min_confidence * (1 + 0.2 * missing), max(min_confidence, _SURE))
