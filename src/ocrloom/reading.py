"""One decoded frame in, one ``Page`` out: vision and layout put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import cv2

from ocrloom.errors import OcrEngineError
from ocrloom.layout import Piece, arrange
from ocrloom.result import Block, Cell, Line, Page, Point, Polygon, ReadBy, Table, Word
from ocrloom.scheduling.context import INLINE
from ocrloom.vision.page import Segment, read_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.image import Frame, PageText, Stretch
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
    """
    height, width = frame.pixels.shape[:2]
    try:
        reading = read_page(frame.pixels, options, context)
    except (cv2.error, MemoryError, RuntimeError) as error:
        raise OcrEngineError(
            f"page {frame.number} of {width} × {height} pixels could not be read: "
            f"{type(error).__name__}: {error}"
        ) from error
    blocks, slope = arrange(map(_piece, reading.segments), reading.rules, reading.bars)
    back = _Back(reading.rotation, (width, height), frame.full_size)
    blocks = tuple(map(back.block, blocks))
    return Page(
        number=frame.number,
        width=frame.full_size[0],
        height=frame.full_size[1],
        dpi=frame.dpi,
        scale=frame.scale,
        rotation=reading.rotation,
        skew=slope,
        blocks=blocks,
    )


def read_text(text: PageText, options: OcrOptions) -> Page:
    """Arranges the text that a page holds itself, as if it had been recognised.

    Args:
        text: Its words.
        options: How to read it.
    """
    size = text.width, text.height
    rotation = _rotation(text.stretches) if options.find_orientation else 0
    blocks, slope = arrange(_upright_piece(stretch, rotation, size) for stretch in text.stretches)
    back = _Back(rotation, size, size)
    return Page(
        number=text.number,
        width=text.width,
        height=text.height,
        dpi=text.dpi,
        rotation=rotation,
        skew=slope,
        blocks=tuple(map(back.block, blocks)),
        read_by=ReadBy.TEXT_LAYER,
        reason=text.reason,
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

    Nothing reaches over the frame's edge; positions come out to 0.01 pixels and confidences to
    0.0001, which is more than they are true.
    """

    def __init__(self, rotation: int, size: tuple[int, int], full_size: tuple[int, int]) -> None:
        self._rotation = rotation
        self._size = size
        self._full_size = full_size

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
            word, polygon=self._polygon(word.polygon), confidence=round(word.confidence, 4)
        )

    def _polygon(self, polygon: Polygon) -> Polygon:
        a, b, c, d = (self._point(x, y) for x, y in polygon)
        return a, b, c, d

    def _point(self, x: float, y: float) -> Point:
        (width, height), (full_width, full_height) = self._size, self._full_size
        x, y = _point_back(x, y, self._rotation, width, height)
        x, y = x * full_width / width, y * full_height / height
        return round(min(max(x, 0.0), full_width), 2), round(min(max(y, 0.0), full_height), 2)


def _point_back(x: float, y: float, rotation: int, width: int, height: int) -> tuple[float, float]:
    """A point of the page turned clockwise by ``rotation``, on the frame of that size."""
    if rotation == 90:
        return y, height - x
    if rotation == 180:
        return width - x, height - y
    if rotation == 270:
        return width - y, x
    return x, y
