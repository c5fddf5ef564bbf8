"""One decoded frame in, one ``Page`` out: vision and layout put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from ocrloom.errors import OcrEngineError
from ocrloom.layout import Piece, arrange
from ocrloom.result import Block, Line, Page, Point, Polygon
from ocrloom.scheduling.context import INLINE
from ocrloom.vision.page import Segment, read_page

if TYPE_CHECKING:
    from ocrloom.image import Frame
    from ocrloom.options import OcrOptions
    from ocrloom.scheduling.context import Context

__all__ = ["read_frame"]


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
    blocks, slope = arrange(map(_piece, reading.segments))
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
        lines = tuple(map(self._line, block.lines))
        return Block(lines=lines, polygon=self._polygon(block.polygon))

    def _line(self, line: Line) -> Line:
        words = tuple(
            replace(
                word,
                polygon=self._polygon(word.polygon),
                confidence=round(word.confidence, 4),
            )
            for word in line.words
        )
        return Line(words=words, polygon=self._polygon(line.polygon))

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
