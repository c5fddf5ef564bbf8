"""Pages as few bytes, and back.

The words are kept as columns, compressed: their texts, confidences to four digits, polygons to an
eighth of a pixel, and how many tokens each has in the index. All else of a page, its blocks, lines
and tables, is beside them as the JSON of `ocrloom.formats.json_` without the words; showing a hit
does not need it.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby, pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ocrloom.context.lexicon import lexicon_of
from ocrloom.errors import OcrLibraryDamaged, OcrOptionError
from ocrloom.formats.json_ import encode, page_document, parse_page
from ocrloom.layout.hyphens import with_whole_words
from ocrloom.library.analysis import Unit, grams, units
from ocrloom.library.storage.rows import NewPage
from ocrloom.library.tolerance import DOUBTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ocrloom.result import Page, Polygon, Word

__all__ = ["PackedWords", "packed", "unpacked"]

_HEAD: Final = struct.Struct("<BIIIIB")  # version, width, height, words, bytes of text, wide
_VERSION: Final = 1
_PARTS: Final = 8  # of a pixel
_CERTAIN: Final = 10_000  # what stands for a confidence of 1
_EFFORT: Final = 4  # of zlib; more takes twice the time for a twentieth less
_REST: Final = 0xFFFF  # of a word that the token of the one before it covers too
_FAR: Final = 2.0**27  # pixels; more are of no page, and do not fit into what keeps them
_HYPHENS: Final = "-\u2010\u00ad"


def packed(page: Page) -> NewPage:
    """A page as a store keeps it.

    Raises:
        OcrOptionError: A number of the page, or a place or a confidence on it, is none that a page
            can have; or a word is too long.
        OcrOutputError: Another number of it is infinite or not a number.
    """
    _check_numbers(page)
    words = page.words
    if not all(isfinite(word.confidence) for word in words):
        raise OcrOptionError("the confidences of words must be numbers from 0 to 1, found others")
    counts, row = _tokens(_wholes(page, words))
    certain = np.rint(np.clip([word.confidence for word in words], 0, 1) * _CERTAIN)
    return NewPage(
        number=page.number,
        languages=tuple(language.code for language in page.languages),
        tokens=tuple(grams(row)),
        doubted=_doubted(certain, counts),
        words=_pack_words(page, words, counts, certain),
        tree=zlib.compress(encode(_bare(page, words)).encode(), _EFFORT),
    )


def _check_numbers(page: Page) -> None:
    for name, least, most in (
        ("number", 1, 2**63 - 1),
        ("width", 0, 2**32 - 1),
        ("height", 0, 2**32 - 1),
    ):
        value = getattr(page, name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise OcrOptionError(
                f"the {name} of a page must be a whole number from {least} to {most}, got "
                f"{value!r:.60}"
            )


def _wholes(page: Page, words: Sequence[Word]) -> list[tuple[str, str | None]]:
    """The text of each word, and what it is a part of together with the next one."""

    def known(word: str) -> bool:
        return lexicon_of(page.languages).knows(word)

    blocks = page.blocks
    if not any(word.whole for word in words):
        blocks = with_whole_words(blocks, known if page.languages else None)
    lines = [line for block in blocks for line in block.lines]
    return [(word.text, word.whole) for line in lines for word in line.words]


def _tokens(words: Sequence[tuple[str, str | None]]) -> tuple[list[int], list[Unit]]:
    """How many tokens each word has, and all of them."""
    counts: list[int] = []
    row: list[Unit] = []
    is_rest = False
    for place, (text, whole) in enumerate(words):
        if is_rest:
            is_rest = False
            counts.append(_REST)
            continue
        own = units(text)
        if whole is not None and place + 1 < len(words):
            together = units(whole)
            # Where a hyphen stays, each part keeps its own words.
            is_rest = 0 < len(together) < len(own) + len(units(words[place + 1][0]))
            own = together if is_rest else own
        if len(own) >= _REST:
            raise OcrOptionError(
                f"a word must have fewer than {_REST} parts, found one of {len(own)}: {text!r:.60}"
            )
        counts.append(len(own))
        row.extend(own)
    return counts, row


def _doubted(certain: NDArray[np.float64], counts: list[int]) -> tuple[int, ...]:
    """The places of the tokens of words that were read without confidence."""
    owned = np.array([0 if count == _REST else count for count in counts], np.int64)
    doubted = np.repeat(certain <= DOUBTED * _CERTAIN, owned)
    return tuple(np.flatnonzero(doubted).tolist())


def _pack_words(
    page: Page, words: Sequence[Word], counts: list[int], certain: NDArray[np.float64]
) -> bytes:
    texts = [word.text for word in words]
    text = "".join(texts).encode("utf-8", "surrogatepass")
    corners = _corners([word.polygon for word in words])
    small = np.int16 if np.abs(corners).max(initial=0) < 2**15 else np.int32
    columns: list[NDArray[Any]] = [
        np.array(list(map(len, texts)), np.uint32),
        np.array(counts, np.uint16),
        certain.astype(np.uint16),
        corners.astype(small).T,
    ]
    head = _HEAD.pack(_VERSION, page.width, page.height, len(words), len(text), small is np.int32)
    return zlib.compress(b"".join([head, text, *(column.tobytes() for column in columns)]), _EFFORT)


def _corners(polygons: Sequence[Polygon]) -> NDArray[np.int32]:
    """Polygons, (N, 4, 2), as what differs from the corner, or the polygon, before: (N, 8)."""
    flat = [number for polygon in polygons for point in polygon for number in point]
    points = np.array(flat, np.float64).reshape(-1, 4, 2)
    # Not the other way round: what is no number is not less either.
    if not (np.abs(points) <= _FAR).all():
        raise _misplaced("words")
    whole = np.rint(points * _PARTS).astype(np.int32)
    whole[:, 1:] = np.diff(whole, axis=1)
    whole[1:, 0] = np.diff(whole[:, 0], axis=0)
    return whole.reshape(-1, 8)


def _bare(page: Page, words: Sequence[Word]) -> dict[str, Any]:
    """The JSON of a page without what is kept of its words already."""
    document = page_document(_wordless(page))
    for name in ("text", "confidence", "expected_cer"):
        del document[name]
    document["recognisers"] = [
        [name, len(list(some))] for name, some in groupby(word.recogniser for word in words)
    ]
    for name in ("raw", "whole"):
        texts = [getattr(word, name) for word in words]
        if any(text is not None for text in texts):
            document[name] = {
                str(place): text for place, text in enumerate(texts) if text is not None
            }
    for block, full in zip(document["blocks"], page.blocks, strict=True):
        block["polygon"] = _rounded(block["polygon"], "blocks")
        block["lines"] = [[_rounded(line.polygon, "lines"), len(line.words)] for line in full.lines]
        for cell in (block["table"] or {}).get("cells", ()):
            cell["polygon"] = _rounded(cell["polygon"], "cells")
    return document


def _wordless(page: Page) -> Page:
    """The page without the words that only lines have, of which nothing else need be made."""
    return replace(
        page,
        blocks=tuple(
            block if block.table is not None else replace(block, lines=()) for block in page.blocks
        ),
    )


def _rounded(polygon: Polygon, whose: str) -> list[list[float]]:
    if not all(-_FAR <= number <= _FAR for point in polygon for number in point):
        raise _misplaced(whose)
    return [[round(x * _PARTS) / _PARTS, round(y * _PARTS) / _PARTS] for x, y in polygon]


def _misplaced(whose: str) -> OcrOptionError:
    return OcrOptionError(
        f"the polygons of {whose} must be pixels of their page, from {-_FAR:.0f} to {_FAR:.0f}, "
        "found others"
    )


@dataclass(frozen=True)
class PackedWords:
    """The words of a page, as far as a hit shows them."""

    width: int
    """Pixels of the page."""
    height: int
    """Pixels of the page."""
    texts: list[str]
    counts: list[int]
    """Tokens of each word."""
    certain: NDArray[np.uint16]
    corners: NDArray[np.int32]
    """(N, 4, 2), in parts of a pixel."""

    @classmethod
    def of(cls, data: bytes) -> PackedWords:
        """The words that `packed` has packed.

        Raises:
            OcrLibraryDamaged: It did not pack these bytes.
        """
        try:
            return cls._parsed(zlib.decompress(data))
        except (zlib.error, struct.error, ValueError) as error:
            raise _damaged(error) from error

    @classmethod
    def _parsed(cls, plain: bytes) -> PackedWords:
        version, width, height, count, size, wide = _HEAD.unpack_from(plain)
        if version != _VERSION:
            raise ValueError(f"expected version {_VERSION}, found {version}")
        start = _HEAD.size
        text = plain[start : start + size].decode("utf-8", "surrogatepass")
        start += size
        lengths = np.frombuffer(plain, np.uint32, count, start)
        counts = np.frombuffer(plain, np.uint16, count, start + 4 * count)
        certain = np.frombuffer(plain, np.uint16, count, start + 6 * count)
        kind = np.int32 if wide else np.int16
        flat = np.frombuffer(plain, kind, 8 * count, start + 8 * count)
        corners = flat.reshape(8, count).T.reshape(count, 4, 2).astype(np.int32)
        corners[:, 0] = np.cumsum(corners[:, 0], axis=0)
        ends = list(accumulate(lengths.tolist(), initial=0))
        return cls(
            width=width,
            height=height,
            texts=[text[a:b] for a, b in pairwise(ends)],
            counts=counts.tolist(),
            certain=certain,
            corners=np.cumsum(corners, axis=1),
        )

    def polygon(self, place: int) -> Polygon:
        """Where a word stands."""
        a, b, c, d = (self.corners[place] / _PARTS).tolist()
        return (a[0], a[1]), (b[0], b[1]), (c[0], c[1]), (d[0], d[1])

    def confidence(self, place: int) -> float:
        """That of a word, 0..1."""
        return float(self.certain[place]) / _CERTAIN

    @cached_property
    def owners(self) -> list[tuple[int, int]]:
        """For each token its word, and which of the word's tokens it is, from 0."""
        return [
            (place, number)
            for place, count in enumerate(self.counts)
            if count != _REST
            for number in range(count)
        ]

    def reach(self, place: int) -> int:
        """The word after the last that the tokens of one cover."""
        after = place + 1
        return after + 1 if after < len(self.counts) and self.counts[after] == _REST else after

    def joined(self, place: int) -> tuple[str, int]:
        """The text that the tokens of a word are of, and how much of it is not of the next word."""
        text = self.texts[place]
        if self.reach(place) == place + 1:
            return text, len(text)
        text = text.rstrip(_HYPHENS)
        return text + self.texts[place + 1], len(text)


def unpacked(words: bytes, tree: bytes) -> Page:
    """The page of which `packed` made these; numbers are as exact as it keeps them.

    Raises:
        OcrLibraryDamaged: It did not make them.
    """
    found = PackedWords.of(words)
    try:
        document = json.loads(zlib.decompress(tree))
        _dress(document, found)
        return parse_page(document)
    except (zlib.error, ValueError, LookupError, TypeError, OcrOptionError, StopIteration) as error:
        raise _damaged(error) from error


def _dress(document: dict[str, Any], found: PackedWords) -> None:
    """Gives the JSON of a page its words."""
    names = [name for name, count in document.pop("recognisers") for _ in range(count)]
    raw, whole = document.pop("raw", {}), document.pop("whole", {})
    words = [
        {
            "text": text,
            "polygon": found.polygon(place),
            "confidence": found.confidence(place),
            "recogniser": names[place],
            "raw": raw.get(str(place)),
            "whole": whole.get(str(place)),
        }
        for place, text in enumerate(found.texts)
    ]
    for word in words:
        word["polygon"] = [list(point) for point in word["polygon"]]
        for name in ("raw", "whole"):
            if word[name] is None:
                del word[name]
    rest = iter(words)
    for block in document["blocks"]:
        block["lines"] = [
            {"polygon": polygon, "words": [next(rest) for _ in range(count)]}
            for polygon, count in block["lines"]
        ]


def _damaged(error: Exception) -> OcrLibraryDamaged:
    return OcrLibraryDamaged(
        f"a page of the library cannot be read: {error}; `check` says which, and indexing its"
        " document again puts it right"
    )
