"""Pages of made words for large libraries: the same for the same number, on every machine."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from ocrloom.languages import Language
from ocrloom.library.pack import _CERTAIN, _EFFORT, _HEAD, _VERSION, packed
from ocrloom.library.storage.rows import NewPage
from ocrloom.library.tolerance import DOUBTED
from ocrloom.result import Block, Line, OcrResult, Page, Polygon, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "PAGES_EACH",
    "VOCABULARY",
    "WORDS_EACH",
    "document",
    "share",
    "source",
    "stored",
    "word",
]

VOCABULARY: Final = 1_000_000
"""Words that there are; the first is the most usual."""
WORDS_EACH: Final = 300
"""Words of a page."""
PAGES_EACH: Final = 100
"""Pages of a document."""

_EXPONENT: Final = 1.05  # of Zipf's law; running text has 1 to 1.1
_MISREAD: Final = 1 / 200  # of the words
_A_LINE: Final = 10
_WIDTH, _HEIGHT = 2480, 3508
_LAYOUTS: Final = 64
_SYLLABLES: Final = [
    *(consonant + vowel for consonant in "bcdfghklmnprstvz" for vowel in "aeiou"),
    *("an", "en", "in", "or", "al", "st", "er"),
]
_CONFUSIONS: Final = ("m", "rn"), ("o", "0"), ("l", "1"), ("i", "l"), ("d", "cl"), ("s", "5")


def word(rank: int) -> str:
    """The word of a rank, from 0: the more usual, the shorter."""
    parts = []
    while rank >= 0:
        rank, place = divmod(rank, len(_SYLLABLES))
        parts.append(_SYLLABLES[place])
        rank -= 1
    return "".join(parts)


@cache
def _words() -> list[str]:
    return [word(rank) for rank in range(VOCABULARY)]


@cache
def _cumulated() -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.cumsum(1 / np.arange(1, VOCABULARY + 1) ** _EXPONENT)
    shares /= shares[-1]
    return shares


def share(rank: int) -> float:
    """Of all running words those that have a rank, 0..1."""
    return float(np.diff(_cumulated()[rank - 1 : rank + 1])[0] if rank else _cumulated()[0])


@cache
def _polygons(layout: int) -> list[Polygon]:
    """Where the words of a page stand: lines of scans are neither straight nor alike."""
    chance = np.random.default_rng(layout)
    polygons: list[Polygon] = []
    for place in range(WORDS_EACH):
        row, column = divmod(place, _A_LINE)
        x = 200 + 205 * column + float(chance.integers(0, 40))
        y = 200 + 100 * row + float(chance.integers(0, 12))
        width, height = float(chance.integers(60, 160)), float(chance.integers(30, 44))
        right, bottom = x + width, y + height
        polygons.append(((x, y), (right, y), (right, bottom), (x, bottom)))
    return polygons


def document(number: int, pages: int = PAGES_EACH) -> OcrResult:
    """A document of made words, some of them misread."""
    chance = np.random.default_rng(number)
    return OcrResult(
        pages=tuple(_page(place + 1, chance) for place in range(pages)),
        source=source(number),
    )


def source(number: int) -> str:
    """The name of a document's source."""
    return f"archive/{number:06}.tif"


def stored(number: int, pages: int = PAGES_EACH) -> list[NewPage]:
    """What a library stores of the pages of `document`, which takes less time than packing them.

    What pages have in common is packed once.
    """
    chance = np.random.default_rng(number)
    return [_stored(place + 1, chance) for place in range(pages)]


def _stored(number: int, chance: np.random.Generator) -> NewPage:
    texts, sure, layout = _drawn(chance)
    tail, tree = _common(layout, number)
    text = "".join(texts).encode()
    certain = np.rint(np.array(sure) * _CERTAIN)
    plain = b"".join(
        [
            _HEAD.pack(_VERSION, _WIDTH, _HEIGHT, WORDS_EACH, len(text), 0),
            text,
            np.array(list(map(len, texts)), np.uint32).tobytes(),
            np.ones(WORDS_EACH, np.uint16).tobytes(),
            certain.astype(np.uint16).tobytes(),
            tail,
        ]
    )
    return NewPage(
        number=number,
        languages=(Language.ENGLISH.code,),
        tokens=tuple(texts),
        doubted=tuple(np.flatnonzero(certain <= DOUBTED * _CERTAIN).tolist()),
        words=zlib.compress(plain, _EFFORT),
        tree=tree,
    )


@cache
def _common(layout: int, number: int) -> tuple[bytes, bytes]:
    """What does not depend on the words of a page: their packed places, and the packed tree."""
    new = packed(_page_of(["x"] * WORDS_EACH, [1.0] * WORDS_EACH, layout, number))
    return zlib.decompress(new.words)[-WORDS_EACH * 8 * 2 :], new.tree


def _drawn(chance: np.random.Generator) -> tuple[list[str], list[float], int]:
    """The words of a page, how sure each is, and which layout they stand in."""
    words = _words()
    ranks = np.searchsorted(_cumulated(), chance.random(WORDS_EACH)).tolist()
    sure = 0.85 + 0.15 * chance.random(WORDS_EACH)
    misread = np.flatnonzero(chance.random(WORDS_EACH) < _MISREAD)
    texts = [words[rank] for rank in ranks]
    for place in misread.tolist():
        texts[place] = _confused(texts[place])
    sure[misread] -= 0.3
    return texts, sure.tolist(), int(chance.integers(_LAYOUTS))


def _page(number: int, chance: np.random.Generator) -> Page:
    return _page_of(*_drawn(chance), number)


def _page_of(texts: Sequence[str], sure: Sequence[float], layout: int, number: int) -> Page:
    read = [
        Word(text=text, polygon=polygon, confidence=certain, recogniser="PP-OCRv6")
        for text, certain, polygon in zip(texts, sure, _polygons(layout), strict=True)
    ]
    lines = [_line(read[start : start + _A_LINE]) for start in range(0, WORDS_EACH, _A_LINE)]
    block = Block(lines=tuple(lines), polygon=_around(lines[0].polygon, lines[-1].polygon))
    return Page(
        number=number, width=_WIDTH, height=_HEIGHT, languages=(Language.ENGLISH,), blocks=(block,)
    )


def _confused(text: str) -> str:
    for one, other in _CONFUSIONS:
        if one in text:
            return text.replace(one, other, 1)
    return text


def _line(words: Sequence[Word]) -> Line:
    return Line(words=tuple(words), polygon=_around(words[0].polygon, words[-1].polygon))


def _around(first: Polygon, last: Polygon) -> Polygon:
    return first[0], last[1], last[2], first[3]
