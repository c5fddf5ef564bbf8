"""What is no print: signatures and scribbles, which the recogniser reads as something or other.

They are much larger than the page's print, the recogniser is not sure of them, and what it makes of
them is no word. Print that is as large, such as a title, is read well or has words in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocrloom.result import mean_confidence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ocrloom.vision.segment import Segment

__all__ = ["without_handwriting"]

_LARGE = 1.75  # heights of the page's print
_SURE = 0.9  # confidence of print
_BEYOND = "\u0370"  # scripts from here on are not Latin


def without_handwriting(segments: Sequence[Segment], knows: Callable[[str], bool]) -> list[Segment]:
    """The segments that may be print.

    Args:
        segments: What was read on a page.
        knows: Whether there is such a word in the page's languages.
    """
    if not segments:
        return []
    heights = np.array([segment.box.height for segment in segments])
    lengths = np.array([sum(len(word.text) for word in segment.words) for segment in segments])
    order = heights.argsort()
    half = lengths[order].cumsum().searchsorted(lengths.sum() / 2)
    large = heights > _LARGE * heights[order][min(half, len(order) - 1)]
    return [
        segment
        for segment, is_large in zip(segments, large.tolist(), strict=True)
        if not is_large or mean_confidence(segment.words) >= _SURE or _may_be_print(segment, knows)
    ]


def _may_be_print(segment: Segment, knows: Callable[[str], bool]) -> bool:
    """Whether half of it is words, or there is something in it that no list of words can tell."""
    words = [(word.raw or word.text).replace(" ", "") for word in segment.words]
    if any(mark.isdigit() or mark >= _BEYOND for word in words for mark in word):
        return True
    return 2 * sum(map(knows, words)) > len(words)
