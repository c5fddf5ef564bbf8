"""Which of the words that were read stand in the truth: pure functions, one fixed rule.

Words are compared in the form of `benchmarks.scoring.canonical`. Both sequences are aligned with
the fewest edits; a word is right where its like stands at its place. One that finds none there is
still right if the truth has a word like it that no other was found for: blocks may come in another
order. Any other word is wrong, but for those in whose place the truth has nothing at all: stamps,
pictures and margins are often left out of a truth, so whether they were read well is not known.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rapidfuzz.distance import Levenshtein

from benchmarks.scoring import canonical, written_without_spaces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["judge"]


def judge(read: Sequence[str], truth: str) -> list[bool | None]:
    """Finds out which words are right.

    Args:
        read: The words of a page in the order in which they were read.
        truth: What stands on the page.

    Returns:
        For every word whether it is right; None where the truth does not tell.
    """
    truth = canonical(truth)
    dense = written_without_spaces(truth)
    tokens = [canonical(word) for word in read]
    # Where nothing parts words, each character is looked up by itself.
    parts = [list(token.replace(" ", "")) if dense else token.split() for token in tokens]
    known = list(truth.replace(" ", "")) if dense else truth.split()
    verdicts = iter(_judged([part for some in parts for part in some], known))
    return [_together([next(verdicts) for _ in some]) for some in parts]


def _together(verdicts: Sequence[bool | None]) -> bool | None:
    """Of the parts of a word: wrong if one is, unknown if no more than that is known."""
    if False in verdicts:
        return False
    return None if None in verdicts or not verdicts else True


def _judged(read: Sequence[str], truth: Sequence[str]) -> list[bool | None]:
    verdicts: list[bool | None] = [True] * len(read)
    gaps = list(_gaps(read, truth))
    left = Counter(truth[place] for _, places in gaps for place in places)
    for words, places in gaps:
        # What is somewhere else in the truth is no guess at what is missing here.
        missing = [truth[place] for place in places]
        strange = []
        for word in words:
            if left[read[word]]:
                left[read[word]] -= 1
            else:
                strange.append(word)
        standing = _standing([read[word] for word in strange], missing)
        for word, stands in zip(strange, standing, strict=True):
            verdicts[word] = False if stands else None
    return verdicts


def _gaps(read: Sequence[str], truth: Sequence[str]) -> Iterator[tuple[range, range]]:
    """Places of what is between two words that agree, in both sequences."""
    word = place = 0
    for block in Levenshtein.opcodes(read, truth).as_matching_blocks():
        if block.a > word or block.b > place:
            yield range(word, block.a), range(place, block.b)
        word, place = block.a + block.size, block.b + block.size


def _standing(words: Sequence[str], missing: Sequence[str]) -> list[bool]:
    """Whether words stand in the place of something: of their characters not all are too many."""
    beyond = {
        edit.src_pos
        for edit in Levenshtein.editops(" ".join(words), " ".join(missing))
        if edit.tag == "delete"
    }
    found, start = [], 0
    for word in words:
        found.append(any(place not in beyond for place in range(start, start + len(word))))
        start += len(word) + 1
    return found
