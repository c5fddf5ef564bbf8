"""Ruled lines of a page: of tables and forms, between columns, under headings.

A page is averaged along the direction of the lines that are looked for, which fades letters and
leaves lines; the black hat transform (Serra, "Image Analysis and Mathematical Morphology", 1982)
keeps what is thin across it; and a component is a line if a straight one fits it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from ocrloom.result import Point

__all__ = ["Rule", "rules_in"]

# All lengths below are in pixels of the grey copy, in which letters are some ten pixels high.
_CELL = 4  # pixels that are averaged along a line
_THICKEST = 7  # what is thicker is a bar
_ACROSS = np.ones((_THICKEST + 2, 1), np.uint8)
_DARKER = 16  # grey levels by which a line is darker than what is on both sides of it
_SHORTEST = 60  # what is shorter is part of a letter as a rule
_PIECE = 6  # cells of what is worth a look: a part of a broken line
_SLENDER = 10  # times its thickness, the least length of a line
_STEEPEST = 0.12  # slope, a little under 7 degrees
_ROUNDS = 3  # of leaving out what touches a line, letters as a rule
_NEAR = 4.0  # distance from a straight line of what belongs to it
_STRAIGHT = 1.5  # root mean square distance of its pixels from it
_UNEVEN = 0.45  # standard deviation of its darkness along its length, in units of the mean
_GAP = 48  # the longest that a line may be interrupted by, where both its parts are twice that
_HIDDEN = 240  # the same where there is ink all the way: of letters that stand on the line
_ENDS = 4  # cells of both parts that tell how dark the line is
_STEP = 1.5  # distance across at which two parts are still one line


@dataclass(frozen=True, slots=True)
class Rule:
    """A ruled line, horizontal from left to right or vertical from top to bottom.

    Its ends are in page pixels; ``thickness`` too, which is only roughly known.
    """

    start: Point
    end: Point
    thickness: float

    @property
    def length(self) -> float:
        """From end to end, in pixels."""
        return hypot(self.end[0] - self.start[0], self.end[1] - self.start[1])

    @property
    def horizontal(self) -> bool:
        """Whether it runs from left to right."""
        return self.end[0] - self.start[0] > self.end[1] - self.start[1]


@dataclass(slots=True)
class _Stroke:
    """A line in the grey copy, along which ``at`` is counted: across = offset + slope * at."""

    start: float
    end: float
    offset: float
    slope: float
    thickness: float

    def across(self, at: float) -> float:
        return self.offset + self.slope * at


def rules_in(grey: np.ndarray, size: tuple[int, int]) -> list[Rule]:
    """Finds the ruled lines of a page on a grey copy of it, skewed and broken ones too.

    Args:
        grey: (h, w) uint8, as ``shrink.grey_copy`` gives it.
        size: Width and height of the page in pixels.

    Returns:
        In pixels of the page, horizontal ones from the top down, then vertical ones from left to
        right. Lines that are lighter than their surroundings are not found, nor are those of
        sparse dots.
    """
    across, down = size[0] / grey.shape[1], size[1] / grey.shape[0]
    horizontal = [
        Rule(
            (line.start * across, line.across(line.start) * down),
            (line.end * across, line.across(line.end) * down),
            line.thickness * down,
        )
        for line in _strokes(grey)
    ]
    vertical = [
        Rule(
            (line.across(line.start) * across, line.start * down),
            (line.across(line.end) * across, line.end * down),
            line.thickness * across,
        )
        for line in _strokes(cv2.transpose(grey))
    ]
    return sorted(horizontal, key=lambda rule: rule.start[::-1]) + sorted(
        vertical, key=lambda rule: rule.start
    )


def _strokes(grey: np.ndarray) -> list[_Stroke]:
    """Lines from left to right, (H, W) uint8, in no particular order."""
    height, width = grey.shape
    cells = width // _CELL
    if cells < _PIECE:
        return []
    averaged = cv2.resize(grey[:, : cells * _CELL], (cells, height), interpolation=cv2.INTER_AREA)
    depth = cv2.morphologyEx(averaged, cv2.MORPH_BLACKHAT, _ACROSS)
    _, inked = cv2.threshold(depth, _DARKER, 1, cv2.THRESH_BINARY)
    thin = cv2.subtract(inked, cv2.morphologyEx(inked, cv2.MORPH_OPEN, _ACROSS))
    return [
        line
        for line in _joined(_straight_pieces(thin, depth), averaged)
        if line.end - line.start >= max(_SHORTEST, _SLENDER * line.thickness)
    ]


def _straight_pieces(thin: np.ndarray, depth: np.ndarray) -> list[_Stroke]:
    """The components of a mask that are straight and evenly dark.

    Args:
        thin: (H, cells) uint8 0 or 1.
        depth: (H, cells) uint8, the weight of every pixel.
    """
    few = cv2.countNonZero(thin) < 1 << 16  # so that labels of two bytes are enough
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        thin, connectivity=8, ltype=cv2.CV_16U if few else cv2.CV_32S
    )
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    thickest = np.where(_CELL * widths < _SHORTEST, _THICKEST / 2, _THICKEST)
    flat = (widths >= _PIECE) & (heights <= thickest + _STEEPEST * _CELL * widths)
    flat[0] = False
    if not flat.any():
        return []
    number = np.where(flat, np.cumsum(flat) - 1, -1)
    left, widths = stats[flat, cv2.CC_STAT_LEFT], widths[flat]
    inked = np.flatnonzero(thin.view(bool))
    of = number[labels.ravel()[inked]]
    inked, of = inked[of >= 0], of[of >= 0]
    y, x = np.divmod(inked, thin.shape[1])
    points = _Points(_CELL * (x + 0.5), y + 0.5, depth.ravel()[inked].astype(float), of)
    fit = points.fit(len(widths))
    for _ in range(_ROUNDS):
        points = points.near(fit)
        fit = points.fit(len(widths))
    mean, spread, peak = points.darkness(left, widths)
    straight = (fit.off <= _STRAIGHT) & (abs(fit.slope) <= _STEEPEST) & (spread <= _UNEVEN * mean)
    columns_of = (_CELL * left, _CELL * (left + widths), fit.offset, fit.slope, mean / peak)
    return [
        _Stroke(*each) for each in zip(*(c[straight].tolist() for c in columns_of), strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Fit:
    """A straight line for each group of points: y = offset + slope * x."""

    offset: np.ndarray
    slope: np.ndarray
    off: np.ndarray
    """Root mean square distance of the points from their line."""


@dataclass(frozen=True, slots=True)
class _Points:
    """Inked pixels with their weights and the number of the group that each belongs to."""

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    of: np.ndarray

    def fit(self, count: int) -> _Fit:
        """Weighted least squares for each of so many groups."""

        def mean(values: np.ndarray) -> np.ndarray:
            found: np.ndarray = np.bincount(self.of, self.weight * values, count) / mass
            return found

        mass = np.maximum(np.bincount(self.of, self.weight, count), 1e-9)
        mean_x, mean_y = mean(self.x), mean(self.y)
        x, y = self.x - mean_x[self.of], self.y - mean_y[self.of]
        xy = mean(x * y)
        slope = xy / np.maximum(mean(x * x), 1e-9)
        return _Fit(
            mean_y - slope * mean_x, slope, np.sqrt(np.maximum(0, mean(y * y) - slope * xy))
        )

    def near(self, fit: _Fit) -> _Points:
        """Those that lie near the lines of their groups."""
        off = self.y - fit.offset[self.of] - fit.slope[self.of] * self.x
        kept = abs(off) <= np.maximum(_NEAR, 1.5 * fit.off)[self.of]
        return _Points(self.x[kept], self.y[kept], self.weight[kept], self.of[kept])

    def darkness(
        self, left: np.ndarray, widths: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mean and standard deviation of the groups' weight in a cell, and their largest weight.

        Args:
            left: The groups' first cells.
            widths: In cells.
        """
        starts = np.cumsum(widths) - widths
        cells = (self.x / _CELL).astype(int) - left[self.of] + starts[self.of]
        dark = np.bincount(cells, self.weight, widths.sum())
        mean = np.add.reduceat(dark, starts) / widths
        square = np.add.reduceat(dark * dark, starts) / widths
        peak = np.full(len(widths), 1.0)
        np.maximum.at(peak, self.of, self.weight)
        return mean, np.sqrt(np.maximum(0, square - mean * mean)), peak


def _joined(pieces: list[_Stroke], grey: np.ndarray) -> list[_Stroke]:
    """The pieces with the parts of broken lines put together; ``grey`` is (H, cells) uint8."""
    lines: list[_Stroke] = []
    for piece in sorted(pieces, key=lambda piece: (piece.start, piece.offset)):
        for line in lines:
            if _continues(line, piece, grey):
                _extend(line, piece)
                break
        else:
            lines.append(piece)
    return lines


def _continues(line: _Stroke, piece: _Stroke, grey: np.ndarray) -> bool:
    gap = piece.start - line.end
    at = piece.start - gap / 2
    if gap < -2 * _CELL or (
        abs(line.across(at) - piece.across(at)) > _STEP + (line.thickness + abs(gap) / _GAP) / 2
    ):
        return False
    shorter = min(line.end - line.start, piece.end - piece.start)
    return 2 * gap <= min(2 * _GAP, shorter) or (gap <= _HIDDEN and _hidden(line, piece, grey))


def _hidden(line: _Stroke, piece: _Stroke, grey: np.ndarray) -> bool:
    """Whether it is as dark between a line and a piece as in them: letters stand on the line."""
    first, last = int(line.end / _CELL), int(piece.start / _CELL)
    cells = np.arange(first - _ENDS, last + _ENDS)
    at = _CELL * (cells + 0.5)
    slope = (piece.across(piece.start) - line.across(line.end)) / (piece.start - line.end)
    rows = np.rint(line.across(line.end) + slope * (at - line.end) - 0.5).astype(int)
    values = grey[np.clip(rows, 0, len(grey) - 1), cells].astype(int)
    between, ends = values[_ENDS:-_ENDS], np.r_[values[:_ENDS], values[-_ENDS:]]
    return bool((between <= np.median(ends) + _DARKER).all())


def _extend(line: _Stroke, piece: _Stroke) -> None:
    """Makes a line reach to the end of a piece that continues it."""
    first, second = line.end - line.start, piece.end - piece.start
    total = first + second
    start, end = line.across(line.start), piece.across(piece.end)
    line.thickness = (line.thickness * first + piece.thickness * second) / total
    line.slope = (end - start) / (piece.end - line.start)
    line.offset = start - line.slope * line.start
    line.end = piece.end
