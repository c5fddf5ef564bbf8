"""Rectangles that lie at an angle, and the affine maps that straighten them."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, fsum, radians, sin
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Box", "page_slope"]

_Place = TypeVar("_Place", float, np.ndarray)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around one piece of a text line.

    ``x`` and ``y`` are the centre in pixels, ``width`` runs along the text, ``height`` across it,
    ``angle`` is the text's slope in degrees, positive when it falls to the right.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float

    @property
    def tall(self) -> bool:
        """Whether text may run up or down in it, or several short lines stand in it."""
        return self.height > 1.5 * self.width

    def grown(self, margin_x: float, margin_y: float) -> Box:
        """The same box with margins added on all four sides, in pixels."""
        return Box(
            self.x, self.y, self.width + 2 * margin_x, self.height + 2 * margin_y, self.angle
        )

    def point(self, along: _Place, across: _Place) -> tuple[_Place, _Place]:
        """Page position of a place in the box, counted in pixels from its upper left corner.

        Arrays are for many places at once.
        """
        c, s = cos(radians(self.angle)), sin(radians(self.angle))
        u, v = along - self.width / 2, across - self.height / 2
        return self.x + u * c - v * s, self.y + u * s + v * c

    def to_crop(self, width: int, height: int) -> np.ndarray:
        """Affine map, (2, 3) float64, from page pixels to a crop of that size."""
        c, s = cos(radians(self.angle)), sin(radians(self.angle))
        kx, ky = width / self.width, height / self.height
        a = np.array([[c * kx, s * kx, 0.0], [-s * ky, c * ky, 0.0]])
        # Pixel centres lie at +0.5: without the halves every crop is shifted.
        a[:, 2] = np.array([width / 2 - 0.5, height / 2 - 0.5]) - a[:, :2] @ (
            np.array([self.x, self.y]) - 0.5
        )
        return a


def page_slope(angles: Sequence[float], lengths: Sequence[float]) -> float:
    """Median of the lines' angles in degrees, each weighted by its length; 0 without lines."""
    half, passed = fsum(lengths) / 2, 0.0  # exact, so that the order does not matter
    for angle, length in sorted(zip(angles, lengths, strict=True)):
        passed += length
        if passed >= half:
            return angle
    return 0.0
