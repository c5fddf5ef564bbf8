"""From a recogniser's time steps to characters with positions.

Greedy CTC decoding (Graves et al., "Connectionist Temporal Classification", ICML 2006): the best
class of every step, runs merged, blanks dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ocrloom.languages import PPOCR

__all__ = ["Reading", "collapse"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The characters of one crop.

    ``starts`` and ``ends`` bound each character's steps as fractions of the crop's width;
    ``confidences`` are the probabilities of its best step, 0..1; ``spaces`` are the probabilities
    of a space at every step, also where another character was likelier; ``recogniser`` is the name
    of the one that read it.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray
    confidences: np.ndarray
    spaces: np.ndarray = field(default_factory=lambda: np.zeros(0))
    recogniser: str = PPOCR

    @property
    def confidence(self) -> float:
        """Mean of the characters that are not spaces, 0..1; 0 without any."""
        marks = [c for c, t in zip(self.confidences.tolist(), self.text, strict=True) if t != " "]
        return sum(marks) / len(marks) if marks else 0.0

    def space(self, before: int, after: int) -> float:
        """Probability of a space between two of the characters, 0..1; 0 if it is not known."""
        steps = len(self.spaces)
        first, last = round(self.starts[before] * steps), round(self.ends[after] * steps)
        return float(self.spaces[first:last].max(initial=0.0))


def collapse(
    classes: np.ndarray,
    probabilities: np.ndarray,
    characters: np.ndarray,
    spaces: np.ndarray | None = None,
) -> Reading:
    """Merges the best classes of all steps into characters.

    Args:
        classes: (T,) integer, class 0 is the blank.
        probabilities: (T,) float, of those classes.
        characters: (K,) of one-character strings; that of class 0 is not used.
        spaces: (T,) float, the probabilities of a space, if they are known.
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
        np.zeros(0) if spaces is None else spaces,
    )
