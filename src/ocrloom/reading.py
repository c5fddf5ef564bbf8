"""One decoded frame in, one ``Page`` out: vision and layout put together."""

from __future__ import annotations

from dataclasses import replace
from math import cos, radians, sin
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from ocrloom.calibration import calibrated
from ocrloom.context import mender_of
from ocrloom.errors import OcrEngineError
from ocrloom.languages import Language
from ocrloom.layout import Piece, arrange
from ocrloom.layout.hyphens import with_whole_words
from ocrloom.region import pixels_of
from ocrloom.result import Block, Cell, Line, Page, Point, Polygon, ReadBy, Table, Word
from ocrloom.scheduling.context import INLINE
from ocrloom.vision.page import Segment, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.image import Frame, PageText, Stretch
    from ocrloom.image.lazy import Pixels
    from ocrloom.options import OcrOptions
    from ocrloom.scheduling.context import Context

__all__ = ["read_frame", "read_text"]

WithWords = TypeVar("WithWords", Line, Cell)


def read_frame(frame: Frame, options: OcrOptions, context: Context = INLINE) -> Page:
    """Reads one page.

    Args:
        frame: Its pixels, (H, W) or (H, W, 3) RGB uint8.
        options: How to read it.
        context: Asked for a checkpoint before every line, and to read lines side by side.

    Raises:
        OcrEngineError: The runtime failed.
        OcrOptionError: The region lies beyond the page.
    """
    height, width = frame.pixels.shape[:2]
    part = pixels_of(options.region, frame.full_size, (width, height), f"page {frame.number}")
    try:
        reading = read_page(_cut(frame.pixels, part), options, context)
    except (cv2.error, MemoryError, RuntimeError) as error:
        raise OcrEngineError(
            f"page {frame.number} of {width} × {height} pixels could not be read: "
            f"{type(error).__name__}: {error}"
        ) from error
    blocks, slope = arrange(map(_piece, reading.segments), reading.rules, reading.bars)
    back = _Back(reading.rotation, part, (width, height), frame.full_size)
    return Page(
        number=frame.number,
        width=frame.full_size[0],
        height=frame.full_size[1],
        dpi=frame.dpi,
        scale=frame.scale,
        rotation=reading.rotation,
        skew=slope,
        languages=reading.languages,
        blocks=_finished(map(back.block, blocks), options, reading.languages),
    )


def read_text(text: PageText, options: OcrOptions) -> Page:
    """Arranges the text that a page holds itself, as if it had been recognised.

    Args:
        text: Its words; of a region those whose middle is in it.
        options: How to read it.

    Raises:
        OcrOptionError: The region lies beyond the page.
    """
    size = text.width, text.height
    named = tuple(each for each in options.languages if each is not Language.AUTO)
    region = pixels_of(options.region, size, size, f"page {text.number}")
    stretches = list(text.stretches)
    if options.region is not None:
        stretches = [part for each in stretches if (part := _within(each, region)) is not None]
    rotation = _rotation(stretches) if options.find_orientation else 0
    blocks, slope = arrange(_upright_piece(stretch, rotation, size) for stretch in stretches)
    back = _Back(rotation, (0, 0, *size), size, size)
    return Page(
        number=text.number,
        width=text.width,
        height=text.height,
        dpi=text.dpi,
        rotation=rotation,
        skew=slope,
        languages=named,
        blocks=_finished(map(back.block, blocks), options, named),
        read_by=ReadBy.TEXT_LAYER,
        reason=text.reason,
    )


def _finished(
    blocks: Iterable[Block], options: OcrOptions, languages: tuple[Language, ...]
) -> tuple[Block, ...]:
    """The blocks as the options want them."""
    if not options.join_hyphens:
        return tuple(blocks)
    mender = mender_of(languages, options.user_words)
    return with_whole_words(blocks, None if mender is None else mender.knows)


def _cut(pixels: Pixels, part: tuple[int, int, int, int]) -> Pixels:
    """A part of a page; an array is not copied, for it may be large."""
    left, top, right, bottom = part
    if isinstance(pixels, np.ndarray):
        return pixels[top:bottom, left:right]
    return pixels if (right - left, bottom - top) == pixels.shape[::-1] else pixels.part(*part)


def _within(stretch: Stretch, region: tuple[int, int, int, int]) -> Stretch | None:
    """What of a stretch stands in a region; None if nothing does."""
    left, top, right, bottom = region

    def stands_in(word: Word) -> bool:
        x, y = (sum(values) / 4 for values in zip(*word.polygon, strict=True))
        return left <= x <= right and top <= y <= bottom

    words = tuple(filter(stands_in, stretch.words))
    if len(words) in (0, len(stretch.words)):
        return stretch if words else None
    across, down = cos(radians(stretch.angle)), sin(radians(stretch.angle))
    reach = [x * across + y * down for word in words for x, y in word.polygon]
    # Along the text only: the line is no lower for a word that is left out.
    x, y = stretch.middle
    off = (min(reach) + max(reach)) / 2 - (x * across + y * down)
    return replace(
        stretch,
        words=words,
        width=max(reach) - min(reach),
        middle=(x + off * across, y + off * down),
    )


def _rotation(stretches: Iterable[Stretch]) -> int:
    """Degrees, clockwise, by which most of the text has to be turned to be upright."""
    lengths = dict.fromkeys((0, 90, 180, 270), 0.0)  # the first of equals is taken
    for stretch in stretches:
        lengths[round(-stretch.angle / 90) % 4 * 90] += stretch.width
    return max(lengths, key=lambda rotation: lengths[rotation])


def _upright_piece(stretch: Stretch, rotation: int, size: tuple[int, int]) -> Piece:
    """A stretch on the page turned clockwise by ``rotation``."""

    def turned(point: Point) -> Point:
        # To turn on by what is left of a full turn is to turn back.
        sides = size if rotation % 180 == 0 else size[::-1]
        return _point_back(*point, -rotation % 360, *sides)

    def upright(word: Word) -> Word:
        a, b, c, d = map(turned, word.polygon)
        return replace(word, polygon=(a, b, c, d))

    angle = (stretch.angle + rotation + 180) % 360 - 180
    words = tuple(map(upright, stretch.words))
    return Piece(words, angle, stretch.width, stretch.height, turned(stretch.middle))


def _piece(segment: Segment) -> Piece:
    box = segment.box
    return Piece(segment.words, box.angle, box.width, box.height, (box.x, box.y))


class _Back:
    """From the upright picture that was read to the frame as the source has it.

    Nothing reaches over the edge of the part that was read; positions come out to 0.01 pixels and
    confidences, calibrated here, to 0.0001, which is more than they are true.
    """

    def __init__(
        self,
        rotation: int,
        part: tuple[int, int, int, int],
        size: tuple[int, int],
        full_size: tuple[int, int],
    ) -> None:
        """Makes it.

        Args:
            rotation: Degrees, clockwise, by which the part was turned to be upright.
            part: Left, top, right and bottom of what was read, in pixels of the picture.
            size: Width and height of the whole picture.
            full_size: Width and height of the frame in the source.
        """
        left, top, right, bottom = part
        self._rotation = rotation
        self._part = part
        self._sides = right - left, bottom - top
        self._scale = full_size[0] / size[0], full_size[1] / size[1]

    def block(self, block: Block) -> Block:
        return replace(
            block,
            lines=tuple(map(self._with_words, block.lines)),
            polygon=self._polygon(block.polygon),
            table=block.table and self._table(block.table),
        )

    def _table(self, table: Table) -> Table:
        return replace(table, cells=tuple(map(self._with_words, table.cells)))

    def _with_words(self, part: WithWords) -> WithWords:
        words = tuple(map(self._word, part.words))
        return replace(part, words=words, polygon=self._polygon(part.polygon))

    def _word(self, word: Word) -> Word:
        return replace(
            word, polygon=self._polygon(word.polygon), confidence=round(calibrated(word), 4)
        )

    def _polygon(self, polygon: Polygon) -> Polygon:
        a, b, c, d = (self._point(x, y) for x, y in polygon)
        return a, b, c, d

    def _point(self, x: float, y: float) -> Point:
        left, top, right, bottom = self._part
        across, down = self._scale
        x, y = _point_back(x, y, self._rotation, *self._sides)
        x, y = min(max(x + left, left), right), min(max(y + top, top), bottom)
        return round(x * across, 2), round(y * down, 2)


def _point_back(x: float, y: float, rotation: int, width: int, height: int) -> tuple[float, float]:
    """A point of the page turned clockwise by ``rotation``, on the frame of that size."""
    if rotation == 90:
        return y, height - x
    if rotation == 180:
        return width - x, height - y
    if rotation == 270:
        return width - y, x
    return x, y
