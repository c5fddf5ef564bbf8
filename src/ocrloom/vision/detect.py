"""Where text stands on a page: boxes around pieces of lines.

The network gives every pixel a probability of belonging to the shrunken middle of a text line
(DB, Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020);
connected pixels become rectangles, which are grown back to the size of the line.
"""

from __future__ import annotations

from itertools import product
from math import ceil, cos, floor, log, radians, sin
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from ocrloom.once import once
from ocrloom.scheduling.context import INLINE
from ocrloom.vision.geometry import Box, page_slope
from ocrloom.vision.models import DETECTOR, verified_path
from ocrloom.vision.runtime import Network, core, network_input, openvino_module
from ocrloom.vision.shrink import shrunk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.image.lazy import Pixels
    from ocrloom.scheduling.context import Context
    from ocrloom.vision.survey import Survey

__all__ = ["detect"]

_THRESHOLD = 0.3  # pixel probability that counts as text
_MIN_CONFIDENCE = 0.5  # mean probability inside a rectangle that counts as a line
_UNCLIP = 1.6  # growth of the shrunken rectangle, in units of area / perimeter
_TELLING = 2.5  # times its height, the length from which a piece of text tells its slope
_END_MARGIN = 0.1  # of the line height, at both ends: first and last letters tend to be cut
# Pixels that the network sees at once. It takes 250 bytes for each while it works.
_WHOLE = 1600 * 1200
_TILE, _OVERLAP = 960, 192
# Of the network's images; 32 would do, but the runtime keeps 5 MB for every size it has seen.
_SIDE = 64
_MANY = 9  # tiles that are not seen side by side: their memory would add up
_MIN_SIDE = 3  # pixels of the probability map; less is a speck


@once
def _network() -> Network:
    """The detector without its last step: scores that ``_probability`` turns into 0..1.

    The step costs a thirteenth of the whole when it is taken for every pixel; it is needed only
    where text was found.
    """
    model = core().read_model(verified_path(DETECTOR))
    (last,) = (op for op in model.get_ordered_ops() if op.get_type_name() == "Sigmoid")
    return Network(
        openvino_module().Model([last.input_value(0)], model.get_parameters(), "detector")
    )


def _probability(score: np.ndarray) -> np.ndarray:
    probability: np.ndarray = 1 / (1 + np.exp(-score))
    return probability


def detect(pixels: Pixels, view: Survey, context: Context = INLINE) -> list[Box]:
    """Finds the pieces of text lines on a page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        view: The survey of the same page.
        context: Asked for a checkpoint before every tile, and to see tiles side by side.

    Returns:
        Boxes in page pixels, in no particular order.

    Raises:
        OcrEngineError: The runtime failed.
    """
    boxes = _boxes(_scores(pixels, view, context))
    return [
        Box(
            view.left + box.x / view.scale,
            view.top + box.y / view.scale,
            box.width / view.scale,
            box.height / view.scale,
            box.angle,
        )
        for box in boxes
    ]


def _scores(pixels: Pixels, view: Survey, context: Context) -> np.ndarray:
    """The network's scores, (h, w) floats, of the part of the page that the survey has found.

    What is larger than a tile is seen in overlapping tiles. Each gives its middle to the whole
    map, so that a line which crosses a seam is one line in it.
    """
    sides = view.bottom - view.top, view.right - view.left
    height, width = (max(1, round(side * view.scale)) for side in sides)
    whole = height * width <= _WHOLE
    # Half the bytes are enough for a map that is large.
    scores = np.empty((height, width), np.float32 if whole else np.float16)

    def see(part: tuple[_Span, _Span]) -> None:
        rows, columns = part
        context.checkpoint()
        tile = _reduced(pixels, view, (height, width), rows, columns)
        (found,) = _network()(network_input(tile), context.checkpoint)
        scores[rows.keep, columns.keep] = found[0, 0, rows.kept, columns.kept]

    tile = max(height, width) if whole else _TILE
    tiles = [*product(_tiles(height, tile), _tiles(width, tile))]
    (context if len(tiles) < _MANY else INLINE).spread(see, tiles)
    return scores


def _reduced(
    pixels: Pixels, view: Survey, size: tuple[int, int], rows: _Span, columns: _Span
) -> np.ndarray:
    """A part of the page scaled for detection, (h, w) or (h, w, 3) BGR, sides multiples of 64.

    Args:
        pixels: The page.
        view: Its survey.
        size: Height and width of the whole when it is scaled.
        rows: Which of its rows.
        columns: Which of its columns.
    """
    across = (view.bottom - view.top) / size[0]
    along = (view.right - view.left) / size[1]
    top, bottom = view.top + floor(rows.start * across), view.top + ceil(rows.stop * across)
    left, right = view.left + floor(columns.start * along), view.left + ceil(columns.stop * along)
    # Turned pages are views with other strides than OpenCV knows.
    part = np.ascontiguousarray(pixels[top:bottom, left:right])
    height, width = rows.stop - rows.start, columns.stop - columns.start
    small = shrunk(part, width, height)
    small = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    down, right = -height % _SIDE, -width % _SIDE
    return cv2.copyMakeBorder(small, 0, down, 0, right, cv2.BORDER_REPLICATE)


class _Span(NamedTuple):
    """A tile's place along one side, and the part of it that goes into the whole."""

    start: int
    stop: int
    keep: slice
    """In the whole."""
    kept: slice
    """In the tile."""


def _tiles(length: int, tile: int) -> Iterator[_Span]:
    start = kept = 0
    while kept < length:
        stop = min(start + tile, length)
        keep = length if stop == length else stop - _OVERLAP // 2
        yield _Span(start, stop, slice(kept, keep), slice(kept - start, keep - start))
        start, kept = stop - _OVERLAP, keep


def _boxes(scores: np.ndarray) -> list[Box]:
    """Rectangles around the connected text pixels of a score map, in its pixels."""
    mask = (scores > log(_THRESHOLD / (1 - _THRESHOLD))).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    around = [(contour, _rectangle(contour)) for contour in contours]
    around = [
        (contour, box)
        for contour, box in around
        if min(box.width, box.height) >= _MIN_SIDE
        and _confidence(scores, contour) >= _MIN_CONFIDENCE
    ]
    slope = _slope([box for _, box in around])
    return [
        _grown(_rectangle_along(contour, slope) if _short(box) else box) for contour, box in around
    ]


def _rectangle(contour: np.ndarray) -> Box:
    """The smallest rectangle around a contour, its width to the right."""
    (x, y), (width, height), angle = cv2.minAreaRect(contour)
    # The contour runs through the centres of the border pixels: half a pixel is missing
    # on every side.
    return _upright(Box(x + 0.5, y + 0.5, width + 1, height + 1, angle))


def _rectangle_along(contour: np.ndarray, slope: float) -> Box:
    """The rectangle around a contour that lies at a slope in degrees."""
    c, s = cos(radians(slope)), sin(radians(slope))
    points = contour.reshape(-1, 2) @ np.array([[c, -s], [s, c]])
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    u, v = (left + right) / 2, (top + bottom) / 2
    x, y = u * c - v * s + 0.5, u * s + v * c + 0.5
    return Box(x, y, right - left + 1, bottom - top + 1, slope)


def _short(box: Box) -> bool:
    """Whether a box is too short to tell the slope of its text."""
    return max(box.width, box.height) < _TELLING * min(box.width, box.height)


def _slope(boxes: list[Box]) -> float:
    """Slope in degrees of the boxes that tell it."""
    telling = [box for box in boxes if not _short(box)]
    lengths = [max(box.width, box.height) for box in telling]
    return page_slope([box.angle for box in telling], lengths)


def _grown(box: Box) -> Box:
    """A line's box from the one around its shrunken middle."""
    grow = _UNCLIP * box.width * box.height / (2 * (box.width + box.height))
    ends = _END_MARGIN * (min(box.width, box.height) + 2 * grow)
    along = box.width >= box.height
    return box.grown(grow + (ends if along else 0.0), grow + (0.0 if along else ends))


def _confidence(scores: np.ndarray, contour: np.ndarray) -> float:
    """Mean probability inside a contour."""
    x, y, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    inside = scores[y : y + height, x : x + width][mask.astype(bool)].astype(np.float32)
    return float(_probability(inside).mean())


def _upright(box: Box) -> Box:
    """The same rectangle with its angle in -45..45 degrees, so that width runs to the right."""
    quarter = round(box.angle / 90)
    if quarter % 2:
        return Box(box.x, box.y, box.height, box.width, box.angle - 90 * quarter)
    return Box(box.x, box.y, box.width, box.height, box.angle - 90 * quarter)
