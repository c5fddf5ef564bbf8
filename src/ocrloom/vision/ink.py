"""Where a line's ink stands in its crop, without ruled lines and parts of other lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

__all__ = ["Columns", "all_ink", "gaps", "line_ink", "wipe_neighbours"]

_SPECK, _LONELY = 2, 5  # no more pixels than that in a square of that side are dust
_RULE = 50  # columns; no stroke of a letter is as long
_DASHES = 0.3, 0.65  # of the height: where a long stroke may be a dash


def all_ink(grey: np.ndarray) -> np.ndarray:
    """Mask of all ink, (H, W) uint8 0 or 1, dark on light or light on dark (Otsu, 1979)."""
    _, mask = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)
    return 1 - mask if 2 * cv2.countNonZero(mask) > mask.size else mask


def line_ink(grey: np.ndarray) -> np.ndarray:
    """Mask of a line's own ink, dark on light or light on dark.

    Left out are ruled lines, specks, and what the crop shows of the lines above and below.

    Args:
        grey: (H, W) uint8, a line of text and some space around it.

    Returns:
        (H, W) uint8, 0 or 1; empty if nothing is left.
    """
    mask = all_ink(grey)
    height, width = mask.shape
    stroke = np.ones((1, min(_RULE, width * 3 // 4) | 1), np.uint8)
    for part in mask[: int(_DASHES[0] * height)], mask[int(_DASHES[1] * height) :]:
        long = cv2.erode(part, stroke)
        if long.any():  # rarely
            cv2.subtract(part, cv2.dilate(long, stroke), part)
    around = cv2.boxFilter(mask, -1, (_LONELY, _LONELY), normalize=False)
    mask = cv2.bitwise_and(mask, cv2.threshold(around, _SPECK, 1, cv2.THRESH_BINARY)[1])
    wipe_neighbours(mask)
    return mask


def wipe_neighbours(mask: np.ndarray) -> None:
    """Wipes out what a crop shows of the lines above and below.

    Args:
        mask: (H, W) uint8, the ink of a line and some space around it, 0 or 1; changed.
    """
    third = len(mask) // 3
    for part, edge, inner in (mask[:third], 0, -1), (mask[-third:], -1, 0):
        if part[edge].any():
            _wipe_cut_off(part, edge, inner)


def _wipe_cut_off(part: np.ndarray, edge: int, inner: int) -> None:
    """Wipes out what the edge of a crop cuts off and what does not reach into its middle.

    Args:
        part: (h, W) uint8 0 or 1, the upper or the lower part of a crop.
        edge: The row of it that is the crop's edge.
        inner: The row that is farthest from it.
    """
    few = cv2.countNonZero(part) < 1 << 16  # so that labels of two bytes are enough
    count, labels = cv2.connectedComponents(
        part, connectivity=8, ltype=cv2.CV_16U if few else cv2.CV_32S
    )
    kept = np.ones(count, np.uint8)
    kept[labels[edge]] = 0
    kept[labels[inner]] = 1
    part &= kept[labels]


def gaps(inked: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The widest stretch without ink between each two columns.

    Args:
        inked: (W,) bool, the columns that have ink.
        places: (N,) integer, ascending, below W.

    Returns:
        (N - 1, 2) integer: first and one past the last column of each; the middle twice where
        all is ink.
    """
    # Cut at the places, every stretch lies between two of them.
    changes = (inked[1:] != inked[:-1]).nonzero()[0] + 1
    edges = np.concatenate([changes, places])
    edges.sort()
    edges = edges[edges.searchsorted(places[0]) : edges.searchsorted(places[-1], side="right")]
    starts, ends = edges[:-1], edges[1:]
    (free,) = (~inked[starts] & (starts < ends)).nonzero()
    starts, ends = starts[free], ends[free]
    order = (ends - starts).argsort(kind="stable")  # of what is written twice, the last stays
    starts, ends = starts[order], ends[order]
    found = np.empty((len(places) - 1, 2), dtype=int)
    found[:] = ((places[:-1] + places[1:]) // 2)[:, None]
    between = places.searchsorted(starts, side="right") - 1
    found[between, 0], found[between, 1] = starts, ends
    return found


@dataclass(frozen=True)
class Columns:
    """How far the ink of a mask reaches up and down in each of its columns."""

    height: int
    """Rows of the mask."""
    depths: np.ndarray
    """(W,) integer, one past the last row with ink; 0 in a column without."""
    rises: np.ndarray
    """(W,) integer, the rows from the first one with ink to the mask's end; 0 without."""

    @classmethod
    def of(cls, mask: np.ndarray) -> Columns:
        """Looks at a mask, (H, W) uint8 0 or 1, of fewer than 256 rows."""
        rows = np.arange(1, len(mask) + 1, dtype=np.uint8)[:, None]
        return cls(len(mask), (mask * rows).max(axis=0), (mask * rows[::-1]).max(axis=0))

    @cached_property
    def inked(self) -> np.ndarray:
        """(W,) bool, the columns that have ink."""
        inked: np.ndarray = self.depths > 0
        return inked

    @property
    def tall(self) -> int:
        """Height of all the ink; that of the mask without any."""
        deepest, highest = int(self.depths.max()), int(self.rises.max())
        return deepest + highest - self.height if deepest else self.height

    def spans(self, edges: np.ndarray) -> np.ndarray:
        """Tight rectangles around the ink between each two columns.

        Args:
            edges: (N + 1,) integer, ascending: where stretches begin, and where the last ends.

        Returns:
            (N, 4) float: left, top, right, bottom in pixels; a stretch without ink keeps its
            columns and the full height.
        """
        (columns,) = self.inked.nonzero()
        at = columns.searchsorted(edges)
        columns, starts, ends = columns[: at[-1]], at[:-1], at[1:]
        found = np.empty((len(starts), 4))
        found[:, 0], found[:, 1], found[:, 2], found[:, 3] = edges[:-1], 0, edges[1:], self.height
        (full,) = (starts < ends).nonzero()
        if len(full):
            starts, ends = starts[full], ends[full]
            found[full, 0], found[full, 2] = columns[starts], columns[ends - 1] + 1
            # A stretch without ink has no columns here: each ends where the next one begins.
            found[full, 1] = self.height - np.maximum.reduceat(self.rises[columns], starts)
            found[full, 3] = np.maximum.reduceat(self.depths[columns], starts)
        return found
