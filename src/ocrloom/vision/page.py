"""Reading one page: the public stages of this package put together.

Orientation, detection, crops, recognition, words. Which line follows which is decided in
``ocrloom.layout``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.scheduling.context import INLINE
from ocrloom.vision.dashes import find_dashes
from ocrloom.vision.detect import detect
from ocrloom.vision.dotted import find_on_dots
from ocrloom.vision.lines import LineReader, Look
from ocrloom.vision.recognisers import team_of
from ocrloom.vision.scouting import choose_recognisers, find_turn
from ocrloom.vision.segment import Segment
from ocrloom.vision.survey import survey

if TYPE_CHECKING:
    from ocrloom.image.lazy import Pixels
    from ocrloom.languages import Language
    from ocrloom.options import OcrOptions
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.geometry import Box
    from ocrloom.vision.rules import Rule

__all__ = ["PageReading", "Segment", "find_boxes", "read_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageReading:
    """What was read on a page, in no particular order."""

    segments: tuple[Segment, ...]
    rotation: int
    """Degrees, clockwise, by which the frame was turned: 0, 90, 180 or 270."""
    languages: tuple[Language, ...] = ()
    """Those that it was read in: named, or found on the page; none if nothing is known."""
    rules: tuple[Rule, ...] = ()
    """The ruled lines of the upright page, in its pixels."""
    bars: tuple[Rule, ...] = ()
    """The straight edges of what is dark across the same."""


def read_page(pixels: Pixels, options: OcrOptions, context: Context = INLINE) -> PageReading:
    """Finds and reads the text of one page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        options: How to read it.
        context: Asked for a checkpoint before every line, and to read lines side by side.

    Raises:
        OcrEngineError: The runtime failed.
    """
    look = _look(pixels, context)
    reader = LineReader(pixels, look, team_of(options), context)
    rotation = find_turn(reader, look.boxes) if options.find_orientation else 0
    if rotation:
        pixels = _turned(pixels, rotation // 90)
        look = _look(pixels, context)
        reader = LineReader(pixels, look, reader.team, context)
    view, boxes = look.view, look.boxes
    choose_recognisers(reader, boxes)
    segments = reader.segments(boxes, options.min_confidence)
    segments += find_dashes(pixels, view.strokes, segments)
    return PageReading(
        segments=tuple(segments),
        rotation=rotation,
        languages=reader.team.languages,
        rules=view.rules,
        bars=view.bars,
    )


def _turned(pixels: Pixels, quarters: int) -> Pixels:
    """The page turned clockwise; an array is not copied, for it may be large."""
    if isinstance(pixels, np.ndarray):
        return np.rot90(pixels, -quarters)
    return pixels.turned(quarters)


def find_boxes(pixels: Pixels, context: Context = INLINE) -> list[Box]:
    """Boxes around the pieces of lines on a page, (H, W) or (H, W, 3) RGB uint8, as it lies."""
    return _look(pixels, context).boxes


def _look(pixels: Pixels, context: Context) -> Look:
    """The survey of a page, as it lies, and where its text stands."""
    context.checkpoint()
    view = survey(pixels)
    boxes = detect(pixels, view, context)
    return Look(view, *find_on_dots(pixels, view, boxes, context))
