"""One decoded frame in, one ``Page`` out: vision and layout put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from ocrloom.errors import OcrEngineError
from ocrloom.layout import Piece, arrange
from ocrloom.result import Block, Line, Page, Polygon
from ocrloom.vision.page import Segment, read_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.image import Frame
    from ocrloom.options import OcrOptions

__all__ = ["read_frame"]


def read_frame(
    frame: Frame, options: OcrOptions, checkpoint: Callable[[], None] = lambda: None
) -> Page:
    """Reads one page.

    Args:
        frame: Its pixels, (H, W) or (H, W, 3) RGB uint8.
        options: How to read it.
        checkpoint: Called before every line; what it raises ends the work.

    Raises:
        OcrEngineError: The runtime failed.
    """
    height, width = frame.pixels.shape[:2]
    try:
        reading = read_page(frame.pixels, options, checkpoint)
    except (cv2.error, MemoryError, RuntimeError) as error:
        raise OcrEngineError(
            f"page {frame.number} of {width} × {height} pixels could not be read: "
            f"{type(error).__name__}: {error}"
        ) from error
    blocks, slope = arrange(map(_piece, reading.segments))
    blocks = tuple(_turned_back(block, reading.rotation, width, height) for block in blocks)
    return Page(
        number=frame.number,
        width=width,
        height=height,
        dpi=frame.dpi,
        rotation=reading.rotation,
        skew=slope,
        blocks=blocks,
    )


def _piece(segment: Segment) -> Piece:
    box = segment.box
    return Piece(segment.words, box.angle, box.width, box.height, (box.x, box.y))


def _turned_back(block: Block, rotation: int, width: int, height: int) -> Block:
    """A block of the upright page on the frame as it lies.

    Nothing reaches over the frame's edge; positions come out to 0.01 pixels and confidences to
    0.0001, which is more than they are true.
    """

    def back(polygon: Polygon) -> Polygon:
        points = (_point_back(x, y, rotation, width, height) for x, y in polygon)
        a, b, c, d = (
            (round(min(max(x, 0.0), width), 2), round(min(max(y, 0.0), height), 2))
            for x, y in points
        )
        return a, b, c, d

    def line_back(line: Line) -> Line:
        words = tuple(
            replace(word, polygon=back(word.polygon), confidence=round(word.confidence, 4))
            for word in line.words
        )
        return Line(words=words, polygon=back(line.polygon))

    return Block(lines=tuple(map(line_back, block.lines)), polygon=back(block.polygon))


def _point_back(x: float, y: float, rotation: int, width: int, height: int) -> tuple[float, float]:
    """A point of the page turned clockwise by ``rotation``, on the frame of that size."""
    if rotation == 90:
        return y, height - x
    if rotation == 180:
        return width - x, height - y
    if rotation == 270:
        return width - y, x
    return x, y
