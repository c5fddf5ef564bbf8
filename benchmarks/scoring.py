"""How a page's text is scored against its truth: pure functions, one fixed rule.

Both texts are brought to a canonical form first, so that a system is not judged by which of
several equal-looking characters it writes: NFKC, typographic quotes and dashes to ASCII, dots
of all heights to the full stop, the reject mark ``~`` dropped, white space to single spaces.
Chinese and Japanese put no spaces between words, so where they make up the page, spaces do
not count at all.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

__all__ = ["CJK_SHARE", "Score", "canonical", "page_scores", "written_without_spaces"]

CJK_SHARE = 0.3
"""Share of the reference's characters above which spaces do not count."""

# Hiragana and katakana, CJK extension A, CJK unified ideographs.
_CJK_RANGES = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF))

_FOLDED = {"'": "‘’‚‛`´", '"': "“”„«»", "-": "‐‑‒–—―−", ".": "·•", "": "~"}
_FOLD = str.maketrans({variant: to for to, variants in _FOLDED.items() for variant in variants})


@dataclass(frozen=True, slots=True)
class Score:
    """What one page's text is worth."""

    cer: float
    """Character edits over the truth's characters; above 1 where more was added than is there."""
    wer: float
    """Word edits over the truth's words; may pass 1 too."""
    f1: float
    """F1 of the bags of words, 0..1: reading order does not count."""


def canonical(text: str) -> str:
    """Return the form of a text in which it is compared."""
    # NFKC first: it makes some of the folded characters (U+2011 becomes U+2010) and unmakes others.
    folded = unicodedata.normalize("NFKC", text).translate(_FOLD)
    return " ".join(folded.split())


def page_scores(truth: str, guess: str) -> Score:
    """Score a page.

    Args:
        truth: What stands on the page.
        guess: What a system read; empty where it failed.
    """
    truth, guess = canonical(truth), canonical(guess)
    if written_without_spaces(truth):
        truth, guess = truth.replace(" ", ""), guess.replace(" ", "")
    truth_words, guess_words = truth.split(), guess.split()
    shared = (Counter(truth_words) & Counter(guess_words)).total()
    return Score(
        cer=Levenshtein.distance(truth, guess) / max(1, len(truth)),
        wer=Levenshtein.distance(truth_words, guess_words) / max(1, len(truth_words)),
        f1=2 * shared / max(1, len(truth_words) + len(guess_words)),
    )


def written_without_spaces(text: str) -> bool:
    """Whether a text is Chinese or Japanese for the most part, in canonical form."""
    cjk = sum(any(low <= ord(char) <= high for low, high in _CJK_RANGES) for char in text)
    return cjk > CJK_SHARE * len(text)
