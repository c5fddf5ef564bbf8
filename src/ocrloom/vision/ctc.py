"""From a recogniser's time steps to characters with positions.

Greedy CTC decoding (Graves et al., "Connectionist Temporal Classification", ICML 2006): the best
class of every step, runs merged, blanks dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ocrloom.languages import PPOCR

__all__ = ["Lattice", "Reading", "collapse", "lattice_of"]

_FAINT = 3e-4  # probability below which a character is not one that might be there


@dataclass(frozen=True, slots=True)
class Lattice:
    """What might stand at each time step.

    ``steps``, ``characters`` and ``probabilities`` are (N,) arrays, in the order of the ``count``
    steps; the blank is "".
    """

    count: int
    steps: np.ndarray
    characters: np.ndarray
    probabilities: np.ndarray

    def between(self, start: float, end: float) -> list[list[tuple[str, float]]]:
        """The characters, with their probabilities, of each step in a part of the crop.

        Args:
            start: Where it begins, as a fraction of the crop's width.
            end: Where it ends, likewise.
        """
        first, last = round(start * self.count), round(end * self.count)
        edges = self.steps.searchsorted(np.arange(first, last + 1))
        low, high = edges[0], edges[-1]
        found = list(
            zip(
                self.characters[low:high].tolist(),
                self.probabilities[low:high].tolist(),
                strict=True,
            )
        )
        return [found[a - low : b - low] for a, b in pairwise(edges.tolist())]


def lattice_of(probabilities: np.ndarray, characters: np.ndarray) -> Lattice:
    """Leaves out what is improbable.

    Args:
        probabilities: (T, K) float, of all classes at all steps; class 0 is the blank.
        characters: (K,) of one-character strings; that of class 0 is "".
    """
    steps, classes = (probabilities > _FAINT).nonzero()
    return Lattice(len(probabilities), steps, characters[classes], probabilities[steps, classes])


@dataclass(frozen=True, slots=True)
class Reading:
    """The characters of one crop.

    ``starts`` and ``ends`` bound each character's steps as fractions of the crop's width;
    ``confidences`` are the probabilities of its best step, 0..1; ``spaces`` are the probabilities
    of a space at every step, also where another character was likelier; ``recogniser`` is the name
    of the one that read it; ``lattice`` is what else it may be, if that is known.
    """

    text: str
    starts: np.ndarray
    ends: np.ndarray
    confidences: np.ndarray
    spaces: np.ndarray = field(default_factory=lambda: np.zeros(0))
    recogniser: str = PPOCR
    lattice: Lattice | None = None

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
    lattice: Lattice | None = None,
) -> Reading:
    """Merges the best classes of all steps into characters.

    Args:
        classes: (T,) integer, class 0 is the blank.
        probabilities: (T,) float, of those classes.
        characters: (K,) of one-character strings; that of class 0 is not used.
        spaces: (T,) float, the probabilities of a space, if they are known.
        lattice: What else might be at the steps, if that is known.
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
        lattice=lattice,
    )
