"""From a crop's characters with positions to words with polygons."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from ocrloom.languages import PPOCR
from ocrloom.result import Word
from ocrloom.vision.crops import Crop, ink_spans

if TYPE_CHECKING:
    from ocrloom.vision.ctc import Reading

__all__ = ["words_of"]


def words_of(crop: Crop, reading: Reading) -> tuple[Word, ...]:
    """Splits a reading at its spaces and finds each word's place on the page.

    A word reaches from the middle of the space before it to the middle of the space after it,
    then shrinks to the ink in between.

    Args:
        crop: The crop that was read.
        reading: What was read in it.

    Returns:
        Words from left to right, polygons in page pixels.
    """
    runs = _runs(reading.text)
    if not runs:
        return ()
    width = crop.pixels.shape[1]
    middles = (reading.starts + reading.ends) / 2
    # Between two words lie one or more spaces: the middle of what they cover divides the words.
    gaps = [
        (middles[end] + middles[start - 1]) / 2 for (_, end), (start, _) in itertools.pairwise(runs)
    ]
    edges = np.rint(np.array([0.0, *gaps, 1.0]) * width).astype(int)
    spans = ink_spans(crop.pixels, np.stack([edges[:-1], edges[1:]], axis=1))
    scale = np.array([crop.box.width / width, crop.box.height / crop.pixels.shape[0]] * 2)
    words = []
    for (start, end), span in zip(runs, (spans * scale).tolist(), strict=True):
        left, top, right, bottom = span
        corners = (left, top), (right, top), (right, bottom), (left, bottom)
        a, b, c, d = (crop.box.point(along, across) for along, across in corners)
        words.append(
            Word(
                text=reading.text[start:end],
                polygon=(a, b, c, d),
                confidence=float(reading.confidences[start:end].mean()),
                recogniser=PPOCR,
            )
        )
    return tuple(words)


def _runs(text: str) -> list[tuple[int, int]]:
    """First and one past the last character of each stretch without spaces."""
    runs, start = [], None
    for i, character in enumerate(text + " "):
        if character != " ":
            start = i if start is None else start
        elif start is not None:
            runs.append((start, i))
            start = None
    return runs
