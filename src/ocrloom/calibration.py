"""From the probabilities that a recogniser gives to the chance that a word is right.

A recogniser is surer of itself than it should be: of the words to whose characters it gives 0.9 on
average about half are right. A logistic curve of the logarithm of its doubt mends that; the length
of a word, digits in it and the lines around it add nothing that holds on pages of other kinds.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Final, NamedTuple

from ocrloom.languages import PPOCR, TESSERACT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ocrloom.result import Word

__all__ = ["CURVES", "Curve", "calibrated", "certainty"]

_LEAST: Final = 1e-5  # doubts below are rounding


class Curve(NamedTuple):
    """The logarithm of the odds that a word is right."""

    bias: float
    certainty: float
    """For each unit of `certainty`."""
    mended: float
    """More for a word that its context has changed."""


CURVES: Final[Mapping[str, Curve]] = {
    PPOCR: Curve(-1.02, 0.76, -1.04),
    TESSERACT: Curve(-1.63, 2.0, 0.0),
}
"""By recogniser. Fitted on 80 drawn and worn pages each, of Tesseract's all in English:
``python -m benchmarks reliability --fit`` draws, reads and fits them again."""


def certainty(confidence: float) -> float:
    """The negative logarithm of the doubt, 0 to 11.5.

    Args:
        confidence: A recogniser's own, 0..1: the mean probability of a word's characters.
    """
    return -log(min(1.0, max(1 - confidence, _LEAST)))


def calibrated(word: Word, curves: Mapping[str, Curve] = CURVES) -> float:
    """The chance that a word is right, 0..1.

    Args:
        word: Its confidence is the recogniser's own. What no curve is known for keeps it: text
            that a source holds itself, and what was told by its shape.
        curves: By recogniser.
    """
    curve = curves.get(word.recogniser)
    if curve is None:
        return word.confidence
    odds = curve.bias + curve.certainty * certainty(word.confidence)
    if word.raw is not None:
        odds += curve.mended
    return 1 / (1 + exp(-odds))
