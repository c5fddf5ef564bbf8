"""Where text stands on a page: boxes around pieces of lines.

The network gives every pixel a probability of belonging to the shrunken middle of a text line
(DB, Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020);
connected pixels become rectangles, which are grown back to the size of the line.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.vision.geometry import Box
from ocrloom.vision.models import DETECTOR, verified_path
from ocrloom.vision.once import once
from ocrloom.vision.runtime import Network, core, network_input, openvino_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocrloom.vision.survey import Survey

__all__ = ["detect"]

_THRESHOLD = 0.3  # pixel probability that counts as text
_MIN_CONFIDENCE = 0.5  # mean probability inside a rectangle that counts as a line
_UNCLIP = 1.6  # growth of the shrunken rectangle, in units of area / perimeter
_END_MARGIN = 0.1  # of the line height, at both ends: first and last letters tend to be cut
_TILE, _OVERLAP = 2560, 256  # pixels; multiples of 32, as the network's images must be
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


def detect(
    pixels: np.ndarray, view: Survey, checkpoint: Callable[[], None] = lambda: None
) -> list[Box]:
    """Finds the pieces of text lines on a page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        view: The survey of the same page.
        checkpoint: Called before every tile; what it raises ends the work.

    Returns:
        Boxes in page pixels, in no particular order.

    Raises:
        OcrEngineError: The runtime failed.
    """
    part = pixels[view.top : view.bottom, view.left : view.right]
    boxes = _boxes(_scores(_reduced(part, view.scale), checkpoint))
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


def _reduced(pixels: np.ndarray, scale: float) -> np.ndarray:
    """A page scaled for detection, (h, w, 3) uint8 BGR, filled up to multiples of 32."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    small = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR if small.ndim == 2 else cv2.COLOR_RGB2BGR)
    return cv2.copyMakeBorder(small, 0, -height % 32, 0, -width % 32, cv2.BORDER_REPLICATE)


def _scores(image: np.ndarray, checkpoint: Callable[[], None]) -> np.ndarray:
    """The network's scores, (h, w) float32, of an image (h, w, 3) uint8 BGR of any size.

    What is larger than a tile is seen in overlapping tiles. Each gives its middle to the whole
    map, so that a line which crosses a seam is one line in it.
    """
    scores = np.empty(image.shape[:2], np.float32)
    for top, bottom, keep_top, keep_bottom in _tiles(image.shape[0]):
        for left, right, keep_left, keep_right in _tiles(image.shape[1]):
            checkpoint()
            (found,) = _network()(network_input(image[top:bottom, left:right]))
            scores[keep_top:keep_bottom, keep_left:keep_right] = found[
                0, 0, keep_top - top : keep_bottom - top, keep_left - left : keep_right - left
            ]
    return scores


def _tiles(length: int) -> Iterator[tuple[int, int, int, int]]:
    """Bounds of each tile along a side, and of the part of it that goes into the whole."""
    start = kept = 0
    while kept < length:
        stop = min(start + _TILE, length)
        keep = length if stop == length else stop - _OVERLAP // 2
        yield start, stop, kept, keep
        start, kept = stop - _OVERLAP, keep


def _boxes(scores: np.ndarray) -> list[Box]:
    """Rectangles around the connected text pixels of a score map, in its pixels."""
    mask = (scores > log(_THRESHOLD / (1 - _THRESHOLD))).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        # The contour runs through the centres of the border pixels: half a pixel is missing
        # on every side.
        width, height = width + 1, height + 1
        if min(width, height) < _MIN_SIDE or _confidence(scores, contour) < _MIN_CONFIDENCE:
            continue
        grow = _UNCLIP * width * height / (2 * (width + height))
        box = _upright(Box(x + 0.5, y + 0.5, width + 2 * grow, height + 2 * grow, angle))
        ends = _END_MARGIN * min(box.width, box.height)
        found.append(box.grown(ends, 0.0) if box.width >= box.height else box.grown(0.0, ends))
    return found


def _confidence(scores: np.ndarray, contour: np.ndarray) -> float:
    """Mean probability inside a contour."""
    x, y, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    inside = scores[y : y + height, x : x + width][mask.astype(bool)]
    return float(_probability(inside).mean())


def _upright(box: Box) -> Box:
    """The same rectangle with its angle in -45..45 degrees, so that width runs to the right."""
    quarter = round(box.angle / 90)
    if quarter % 2:
        return Box(box.x, box.y, box.height, box.width, box.angle - 90 * quarter)
    return Box(box.x, box.y, box.width, box.height, box.angle - 90 * quarter)
