"""What scanners, cameras and time do to a page: steps from pixels to pixels.

A step takes uint8 pixels, H×W or H×W×3, and a random generator, and returns new pixels.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Step = Callable[[Pixels, np.random.Generator], Pixels]

_PAPER = (255, 255, 255)


def skew(degrees: float) -> Step:
    """Turn the page clockwise by a small angle, on white ground."""

    def step(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
        return cv2.warpAffine(
            pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderValue=_PAPER
        )

    return step


def quarter_turns(count: int) -> Step:
    """Turn the page counterclockwise by whole quarters."""
    return lambda pixels, _: np.ascontiguousarray(np.rot90(pixels, count))


def blur(sigma: float) -> Step:
    """Soften by a Gaussian, in pixels."""
    return lambda pixels, _: cv2.GaussianBlur(pixels, (0, 0), sigma)


def fade(ink: int, paper: int) -> Step:
    """Map black to ``ink`` and white to ``paper``."""
    table = np.linspace(ink, paper, 256).astype(np.uint8)
    return lambda pixels, _: cv2.LUT(pixels, table)


def noise(sigma: float) -> Step:
    """Add the noise of a sensor."""

    def step(pixels: Pixels, random: np.random.Generator) -> Pixels:
        grain = random.standard_normal(pixels.shape, np.float32) * sigma
        return np.clip(pixels + grain, 0, 255).astype(np.uint8)

    return step


def threshold(level: int) -> Step:
    """Keep only black and white."""
    return lambda pixels, _: np.where(pixels < level, 0, 255).astype(np.uint8)


def speckle(per_million: float) -> Step:
    """Add dots of one to six pixels, mostly black ones on paper, some white ones in ink."""

    def step(pixels: Pixels, random: np.random.Generator) -> Pixels:
        marked = pixels.copy()
        height, width = marked.shape[:2]
        count = round(height * width * per_million / 1e6)
        rows, columns = random.integers(0, height - 3, count), random.integers(0, width - 3, count)
        heights, widths = random.integers(1, 3, count), random.integers(1, 4, count)
        for y, x, h, w in zip(rows, columns, heights, widths, strict=True):
            marked[y : y + h, x : x + w] = 0
        white = random.integers(0, height, count), random.integers(0, width, count)
        marked[white] = 255
        return marked

    return step


def light(dark: float, degrees: float) -> Step:
    """Let the light fall off across the page, down to ``dark`` in the direction given."""

    def step(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        angle = math.radians(degrees)
        across = np.linspace(-0.5, 0.5, width, dtype=np.float32) * math.cos(angle)
        down = np.linspace(-0.5, 0.5, height, dtype=np.float32) * math.sin(angle)
        fall = across[None, :] + down[:, None]
        fall = (fall - fall.min()) / (fall.max() - fall.min())
        gain = 1 - (1 - dark) * fall**1.5
        return (pixels * (gain if pixels.ndim == 2 else gain[..., None])).astype(np.uint8)

    return step


def tint(colour: tuple[int, int, int]) -> Step:
    """Make a grey page RGB: white becomes ``colour``, black stays."""
    scale = np.array(colour, np.float32) / 255
    return lambda pixels, _: (pixels[..., None] * scale).round().astype(np.uint8)


def desk(colour: tuple[int, int, int], degrees: float) -> Step:
    """Lay an RGB page on a table and photograph it from slightly askew."""

    def step(pixels: Pixels, random: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        border = width // 7
        # Wood: stripes along the table that vary slowly, so that no line of it looks like text.
        stripes = random.normal(0, 9, (height + 2 * border, 1, 1))
        stripes = cv2.GaussianBlur(stripes, (1, 31), 0, sigmaY=7).reshape(-1, 1, 1) * 3
        shape = (height + 2 * border, width + 2 * border, 3)
        ground = np.clip(np.array(colour) + np.broadcast_to(stripes, shape), 0, 255)
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1)
        placed = cv2.transform(corners[None], turn)[0] + border
        placed += np.array([[14, 6], [-10, 0], [4, -4], [-6, 2]], np.float32)  # perspective
        warp = cv2.getPerspectiveTransform(corners, placed.astype(np.float32))
        size = shape[1], shape[0]
        page = cv2.warpPerspective(pixels, warp, size, flags=cv2.INTER_CUBIC)
        cover = cv2.warpPerspective(np.ones((height, width), np.float32), warp, size)[..., None]
        return (page * cover + ground * (1 - cover)).astype(np.uint8)

    return step
