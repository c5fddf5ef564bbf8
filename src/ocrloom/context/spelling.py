"""What else a few of a recogniser's time steps may spell.

Prefix beam search over CTC outputs (Hannun et al., "First-Pass Large Vocabulary Continuous Speech
Recognition using Bi-Directional Recurrent DNNs", 2014), over the steps of one word and the
characters that are likely there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Steps", "spellings"]

Steps: TypeAlias = "Sequence[Sequence[tuple[str, float]]]"
"""For each time step the characters that are likely there, each with its probability, 0..1; the
blank is ""."""

_WIDTH = 10  # texts that are followed at a time
_FAINT = 1e-5  # of the likeliest text's probability; what is fainter is not followed


def spellings(steps: Steps) -> dict[str, float]:
    """The likeliest texts of some steps, with their probabilities over that of the likeliest."""
    # For each text the probability of the paths that end in a blank, and of those that do not.
    ways: dict[str, tuple[float, float]] = {"": (1.0, 0.0)}
    for step in steps:
        if not step:
            continue
        if len(step) == 1 and not step[0][0]:
            # One factor for all of them, which is left out.
            ways = {text: (blank + mark, 0.0) for text, (blank, mark) in ways.items()}
        else:
            ways = _likeliest(_longer(ways.items(), step))
    found = {text: blank + mark for text, (blank, mark) in ways.items()}
    most = max(found.values())
    return {text: chance / most for text, chance in found.items()}


def _longer(
    ways: Iterable[tuple[str, tuple[float, float]]], step: Sequence[tuple[str, float]]
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for text, (blank, mark) in ways:
        same = found.setdefault(text, [0.0, 0.0])
        for character, p in step:
            if not character:
                same[0] += (blank + mark) * p
                continue
            before = blank + mark
            if text.endswith(character):
                # Without a blank between them, two of one kind are one.
                same[1] += mark * p
                before = blank
            if before:
                found.setdefault(text + character, [0.0, 0.0])[1] += before * p
    return found


def _likeliest(found: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    ranked = sorted(found.items(), key=lambda way: -sum(way[1]))[:_WIDTH]
    most = sum(ranked[0][1])
    # Over many steps the probabilities themselves would come to nothing.
    return {
        text: (blank / most, mark / most)
        for text, (blank, mark) in ranked
        if blank + mark > _FAINT * most
    }
