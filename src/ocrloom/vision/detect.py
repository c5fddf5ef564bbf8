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
from ocrloom.vision.runtime import Network, core, openvino_module

if TYPE_CHECKING:
    from ocrloom.vision.survey import Survey

__all__ = ["detect", "detector_input"]

_THRESHOLD = 0.3  # pixel probability that counts as text
_MIN_CONFIDENCE = 0.5  # mean probability inside a rectangle that counts as a line
_UNCLIP = 1.6  # growth of the shrunken rectangle, in units of area / perimeter
_END_MARGIN = 0.1  # of the line height, at both ends: first and last letters tend to be cut
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


def detect(pixels: np.ndarray, view: Survey) -> list[Box]:
    """Finds the pieces of text lines on a page.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        view: The survey of the same page.

    Returns:
        Boxes in page pixels, in no particular order.

    Raises:
        OcrEngineError: The runtime failed.
    """
    part = pixels[view.top : view.bottom, view.left : view.right]
    (scores,) = _network()(detector_input(part, view.scale))
    boxes = _boxes(scores[0, 0])
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


def detector_input(pixels: np.ndarray, scale: float) -> np.ndarray:
    """A page as the network wants it.

    Args:
        pixels: (H, W) or (H, W, 3) RGB uint8.
        scale: Factor from page pixels to network pixels.

    Returns:
        (1, 3, h, w) float32 in -1..1, blue first; h and w are filled up to multiples of 32.
    """
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    small = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR if small.ndim == 2 else cv2.COLOR_RGB2BGR)
    small = cv2.copyMakeBorder(small, 0, -height % 32, 0, -width % 32, cv2.BORDER_REPLICATE)
    return cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5, 127.5, 127.5))


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
