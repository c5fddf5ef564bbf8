"""Where text stands on a page: boxes around pieces of lines.

The network gives every pixel a probability of belonging to the shrunken middle of a text line
(DB, Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", AAAI 2020);
connected pixels become rectangles, which are grown back to the size of the line.
"""

from __future__ import annotations

from ocrloom.vision.once import once

import cv2
import numpy as np

from ocrloom.vision.geometry import Box
from ocrloom.vision.models import DETECTOR, verified_path
from ocrloom.vision.runtime import Network, core

__all__ = ["detect", "detection_scale", "letter_height"]

_THRESHOLD = 0.3  # pixel probability that counts as text
_MIN_SCORE = 0.5  # mean probability inside a rectangle that counts as a line
_UNCLIP = 1.6  # growth of the shrunken rectangle, in units of area / perimeter
_MIN_SIDE = 3  # pixels of the probability map; less is a speck

_LETTER_PIXELS = 8.0  # letter height that the detector gets to see
_SMALLEST, _LARGEST = 960, 2560  # bounds of the detection image's long side


@once
def _network() -> Network:
    return Network(core().read_model(verified_path(DETECTOR)))


def letter_height(grey: np.ndarray) -> float | None:
    """Median height of what looks like letters, in pixels; None where there is too little.

    Args:
        grey: (H, W) uint8.
    """
    shrink = max(1.0, max(grey.shape) / 1600)
    size = (max(1, round(grey.shape[1] / shrink)), max(1, round(grey.shape[0] / shrink)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    ink = cv2.adaptiveThreshold(
        small, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 20
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    width, height, area = (
        stats[1:, column] for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
    )
    letters = (
        (height >= 4) & (height <= max(small.shape) / 15) & (width <= 4 * height)
        & (height <= 8 * width) & (area >= 0.12 * width * height)
    )
    if np.count_nonzero(letters) < 20:
        return None
    return float(np.median(height[letters])) * shrink


def detection_scale(grey: np.ndarray) -> float:
    """Factor by which the page is scaled for detection, chosen from its own letter height.

    Args:
        grey: (H, W) uint8.
    """
    long_side = max(grey.shape)
    height = letter_height(grey)
    wanted = long_side * _LETTER_PIXELS / height if height else 960.0
    return min(max(wanted, _SMALLEST), _LARGEST) / long_side


def detect(pixels: np.ndarray, scale: float) -> list[Box]:
    """Finds the pieces of text lines on a page.

    Args:
        pixels: (H, W) or (H, W, 3) uint8.
        scale: Factor from page pixels to detection pixels.

    Returns:
        Boxes in page pixels, in no particular order.

    Raises:
        OcrEngineError: The runtime failed.
    """
    height, width = pixels.shape[:2]
    rows = max(32, round(height * scale / 32) * 32)
    columns = max(32, round(width * scale / 32) * 32)
    small = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    if small.ndim == 2:
        small = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    else:
        small = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    tensor = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5, 127.5, 127.5))
    (probability,) = _network()(tensor)
    return _boxes(probability[0, 0], width / columns, height / rows)


def _boxes(probability: np.ndarray, to_x: float, to_y: float) -> list[Box]:
    """Rectangles around the connected text pixels of a probability map, in page pixels."""
    mask = (probability > _THRESHOLD).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours:
        (x, y), (width, height), angle = cv2.minAreaRect(contour)
        # The contour runs through the centres of the border pixels: half a pixel is missing
        # on every side.
        width, height = width + 1, height + 1
        if min(width, height) < _MIN_SIDE or _score(probability, contour) < _MIN_SCORE:
            continue
        grow = _UNCLIP * width * height / (2 * (width + height))
        found.append(
            _upright(
                Box(
                    (x + 0.5) * to_x,
                    (y + 0.5) * to_y,
                    (width + 2 * grow) * to_x,
                    (height + 2 * grow) * to_y,
                    angle,
                )
            )
        )
    return found


def _score(probability: np.ndarray, contour: np.ndarray) -> float:
    """Mean probability inside a contour."""
    x, y, width, height = cv2.boundingRect(contour)
    mask = np.zeros((height, width), np.uint8)
    cv2.drawContours(mask, [contour], -1, 1, cv2.FILLED, offset=(-x, -y))
    return float(cv2.mean(probability[y : y + height, x : x + width], mask)[0])


def _upright(box: Box) -> Box:
    """The same rectangle with its angle in -45..45 degrees, so that width runs to the right."""
    quarter = round(box.angle / 90)
    if quarter % 2:
        return Box(box.x, box.y, box.height, box.width, box.angle - 90 * quarter)
    return Box(box.x, box.y, box.width, box.height, box.angle - 90 * quarter)
