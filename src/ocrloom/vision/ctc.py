"""From a recogniser's time steps to characters with positions.

Greedy CTC decoding (Graves et al., "Connectionist Temporal Classification", ICML 2006): the best
class of every step, runs merged, blanks dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Reading", "collapse"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The characters of one crop.

    ``starts`` and ``ends`` bound each character's steps as fractions of the crop's width;
    ``confidences`` are the probabilities of its best step, 0..1.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray
    confidences: np.ndarray

    @property
    def confidence(self) -> float:
        """Mean of the characters that are not spaces, 0..1; 0 without any."""
        marks = [c for c, t in zip(self.confidences.tolist(), self.text, strict=True) if t != " "]
        return sum(marks) / len(marks) if marks else 0.0


def collapse(classes: np.ndarray, probabilities: np.ndarray, characters: np.ndarray) -> Reading:
    """Merges the best classes of all steps into characters.

    Args:
        classes: (T,) integer, class 0 is the blank.
        probabilities: (T,) float, of those classes.
        characters: (K,) of one-character strings; that of class 0 is not used.
    """
    first = np.flatnonzero(np.diff(classes, prepend=-1))
    last = np.append(first[1:], len(classes))
    kept = classes[first] != 0
    peak = np.maximum.reduceat(probabilities, first)[kept]
    return Reading(
        "".join(characters[classes[first[kept]]].tolist()),
        first[kept] / len(classes),
        last[kept] / len(classes),
        peak,
    )
