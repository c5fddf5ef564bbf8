"""Which width of network input each crop gets.

A network that is given another width than the time before has to prepare for it: 2.5 ms, as much
as reading 220 pixels, and some 12 ms more at the first time in a process. So there are few
widths, each a tenth larger than the one before; the crops of a page share fewer still; and crops
of one width are read one after the other.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate, repeat, takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HEIGHT", "WIDTHS", "network_width", "plan_widths"]

HEIGHT = 48  # pixels that the network wants

_ASPECT = 0.8  # share of the natural width that is kept: cheaper and not worse
_STEP = 8  # pixels of width a time step
_GROWTH = 1.1
_LARGEST = 16384  # a line of 400 times its height; what is longer is squeezed into it
_CHANGE = 220  # pixels that could be read in the time that another width costs
_MAX_STRETCH = 1.25  # back to the natural width

WIDTHS: tuple[int, ...] = (
    *dict.fromkeys(
        round(width / _STEP) * _STEP
        for width in takewhile(
            lambda width: width < _LARGEST,
            accumulate(repeat(_GROWTH), lambda width, growth: width * growth, initial=32.0),
        )
    ),
    _LARGEST,
)
"""All widths that are ever used, in pixels, ascending."""


def network_width(width: float, height: float) -> int:
    """The smallest of the widths that keeps enough of a crop of that size, in pixels."""
    wanted = width / max(height, 1.0) * HEIGHT * _ASPECT
    return WIDTHS[min(bisect_left(WIDTHS, wanted), len(WIDTHS) - 1)]


def plan_widths(widths: Sequence[int]) -> dict[int, int]:
    """Which of a page's widths are better read as a larger one of them.

    Args:
        widths: The crops' own network widths, in any order.

    Returns:
        For each width the one to read it at: the cheapest choice, counting the pixels that are
        read and the changes between widths.
    """
    ascending = sorted(set(widths))
    counts = [widths.count(width) for width in ascending]
    # best[i] is the cost of reading the first i widths, start[i] where the last group begins.
    best, start = [0.0], [0]
    for end, largest in enumerate(ascending, 1):
        cost, first = min(
            (best[first] + _CHANGE + largest * sum(counts[first:end]), first)
            for first in range(end)
            if largest <= _MAX_STRETCH * ascending[first] or first == end - 1
        )
        best.append(cost)
        start.append(first)
    plan = {}
    end = len(ascending)
    while end:
        plan.update(dict.fromkeys(ascending[start[end] : end], ascending[end - 1]))
        end = start[end]
    return plan
