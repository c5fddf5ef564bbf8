"""Hits made of what is stored of a page: the places of words, and some text around them. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from math import dist
from typing import TYPE_CHECKING, Final

from ocrloom.bidi import clusters_of, has_right_to_left, turned
from ocrloom.library.analysis import normal, units
from ocrloom.library.hits import Hit, Match, Snippet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.library.analysis import Unit
    from ocrloom.library.documents import Document
    from ocrloom.library.matching import Span
    from ocrloom.library.pack import PackedWords
    from ocrloom.library.storage.rows import Contents
    from ocrloom.result import Point, Polygon

__all__ = ["hit_of"]

_AROUND: Final = 80  # characters of a snippet before and after what was found
_LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class _Part:
    """Some characters of one word."""

    place: int
    start: int
    stop: int


def hit_of(
    document: Document, contents: Contents, words: PackedWords, spans: Sequence[Span], score: float
) -> Hit:
    """The hit of a page.

    Args:
        document: The one that the page belongs to.
        contents: What is stored of the page.
        words: Its words.
        spans: Where it fits the search.
        score: How well it does.
    """
    places = _Places(words)
    parts = [places.parts(span) for span in spans]
    return Hit(
        document=document,
        page=contents.page.number,
        width=words.width,
        height=words.height,
        score=score,
        matches=tuple(
            Match(
                text=" ".join(words.texts[part.place][part.start : part.stop] for part in some),
                polygons=tuple(map(places.polygon, some)),
                cost=span.cost,
            )
            for span, some in zip(spans, parts, strict=True)
        ),
        snippet=_snippet(words, [part for some in parts for part in some]),
    )


class _Places:
    """Where spans stand on a page; looks at each word once, as many spans may share one."""

    def __init__(self, words: PackedWords) -> None:
        self._words = words
        self._joined: dict[int, _Joined] = {}
        self._shapes: dict[int, _Shape] = {}

    def parts(self, span: Span) -> list[_Part]:
        """What a span covers of each word, in reading order."""
        covered: dict[int, list[int]] = {}
        for token in range(span.start, min(span.stop, len(self._words.owners))):
            place, number = self._words.owners[token]
            covered.setdefault(place, []).append(number)
        parts: list[_Part] = []
        ends = next(iter(covered), None), next(reversed(covered), None)
        for place, numbers in covered.items():
            if place not in self._joined:
                self._joined[place] = _Joined(self._words, place)
            skipped = span.skipped if place == ends[0] else 0
            taken = span.taken if place == ends[1] else None
            parts += self._joined[place].parts(numbers[0], numbers[-1], skipped, taken)
        return parts

    def polygon(self, part: _Part) -> Polygon:
        """Where a part stands."""
        shape = self._shapes.get(part.place)
        if shape is None:
            polygon, text = self._words.polygon(part.place), self._words.texts[part.place]
            shape = self._shapes[part.place] = _Shape(polygon, text)
        return shape.part(part.start, part.stop)


class _Joined:
    """A word as the index has it: two words of the page where a hyphen parts it."""

    def __init__(self, words: PackedWords, place: int) -> None:
        self._place = place
        self._lengths = [len(words.texts[each]) for each in range(place, words.reach(place))]
        self._text, self._cut = words.joined(place)
        self._units = units(self._text)
        self._is_known = len(self._units) == words.counts[place]

    def parts(self, first: int, last: int, skipped: int, taken: int | None) -> list[_Part]:
        """What some of its units cover.

        Args:
            first: Number of the first of them, from 0.
            last: Number of the last.
            skipped: Letters of the first that are left out.
            taken: Letters of the last that are not, if some are.
        """
        start, stop = self._covered(first, last, skipped, taken)
        if len(self._lengths) == 1:
            found = [_Part(self._place, start, stop)]
        else:
            # The hyphen belongs to what goes on behind it.
            end = self._lengths[0] if stop > self._cut else stop
            rest = max(0, start - self._cut), stop - self._cut
            found = [
                _Part(self._place, start, end if start < self._cut else start),
                _Part(self._place + 1, *rest),
            ]
        return [part for part in found if part.start < part.stop]

    def _covered(self, first: int, last: int, skipped: int, taken: int | None) -> tuple[int, int]:
        """The characters of the text, with the punctuation around all its units."""
        start, stop = 0, len(self._text)
        if not self._is_known:
            return start, stop
        if last - first + 1 < len(self._units):
            start, stop = self._units[first].start, self._units[last].stop
        if skipped:
            letters = _letters(self._text, self._units[first])
            start = letters[skipped][0] if skipped < len(letters) else start
        if taken is not None:
            letters = _letters(self._text, self._units[last])
            stop = letters[taken - 1][1] if 0 < taken <= len(letters) else stop
        return start, stop


def _letters(text: str, unit: Unit) -> list[tuple[int, int]]:
    """For each letter of a unit the characters that it is of; none where that cannot be told."""
    form, places, start = "", [], unit.start
    for cluster in clusters_of(text[unit.start : unit.stop]):
        own = normal(cluster)
        form += own
        places += [(start, start + len(cluster))] * len(own)
        start += len(cluster)
    first = form.find(unit.text)
    return places[first : first + len(unit.text)] if first >= 0 else []


class _Shape:
    """Where a word's characters stand in its polygon: all of them are taken for equally long."""

    def __init__(self, polygon: Polygon, text: str) -> None:
        self._polygon = polygon
        self._length = len(text)
        self._slots = _slots(text) if has_right_to_left(text) else None
        self._runs_down = _runs_down(polygon, text)

    def part(self, start: int, stop: int) -> Polygon:
        """The polygon of some of the characters, those between them in the picture included."""
        if (start, stop) == (0, self._length):
            return self._polygon
        if self._slots is not None:
            slots = self._slots[start:stop]
            start, stop = min(slots)[0], max(slots)[1]
        first, last = start / self._length, stop / self._length
        a, b, c, d = self._polygon
        if self._runs_down:
            return (
                _between(a, d, first),
                _between(b, c, first),
                _between(b, c, last),
                _between(a, d, last),
            )
        return (
            _between(a, b, first),
            _between(a, b, last),
            _between(d, c, last),
            _between(d, c, first),
        )


def _slots(text: str) -> list[tuple[int, int]]:
    """For each character, as they are read, where its letter begins and ends from the left."""
    listed = list(clusters_of(text))
    begins, begin = [0] * len(listed), 0
    for number in turned(listed):
        begins[number] = begin
        begin += len(listed[number])
    return [
        (begin, begin + len(each)) for begin, each in zip(begins, listed, strict=True) for _ in each
    ]


def _runs_down(polygon: Polygon, text: str) -> bool:
    """Whether the characters stand below each other: square ones do where a word is tall."""
    a, b, c, d = polygon
    return dist(a, d) + dist(b, c) > dist(a, b) + dist(d, c) and any(
        unicodedata.east_asian_width(character) in "WF" for character in text
    )


def _between(one: Point, other: Point, share: float) -> Point:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


def _snippet(words: PackedWords, parts: Sequence[_Part]) -> Snippet:
    """Text from a little before the first match on; what is longer than a line is cut."""
    texts = words.texts
    first = min(((part.place, part.start) for part in parts), default=(0, 0))
    cut = max(0, first[1] - _AROUND)  # of the first word
    begin, room = first[0], _AROUND if parts and not cut else 0
    while begin > 0 and len(texts[begin - 1]) < room:
        begin -= 1
        room -= len(texts[begin]) + 1
    before = "…" if cut else "… " if begin else ""
    shown: dict[int, tuple[int, int, int]] = {}  # where in the snippet, and from where to where
    pieces, size, place = [], len(before), begin
    while place < len(texts) and size < _LONGEST:
        start = cut if place == first[0] else 0
        stop = min(len(texts[place]), start + _LONGEST + _AROUND - size)
        shown[place] = size, start, stop
        pieces.append(texts[place][start:stop])
        size += stop - start + 1
        place += 1
    is_cut = place > begin and shown[place - 1][2] < len(texts[place - 1])
    after = "…" if is_cut else " …" if place < len(texts) else ""
    marks = [_mark(part, *shown[part.place]) for part in parts if part.place in shown]
    return Snippet(text=f"{before}{' '.join(pieces)}{after}", marks=tuple(_united(marks)))


def _mark(part: _Part, at: int, start: int, stop: int) -> tuple[int, int]:
    """Where a part stands in a snippet that has a word's characters from one place to another."""
    shift = at - start
    return max(part.start, start) + shift, min(part.stop, stop) + shift


def _united(marks: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Marks in their order, those that meet made one, those of nothing left out."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(marks):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        elif start < stop:
            found.append((start, stop))
    return found
