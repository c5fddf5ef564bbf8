"""The page's own frame: positions along and across its text lines, whatever their slope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import cos, radians, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.result import Point, Polygon, Word

__all__ = ["Frame", "Placed", "Span", "around", "middle_of", "place_of"]


@dataclass(frozen=True, slots=True)
class Span:
    """A rectangle in a frame: ``left`` to ``right`` along the lines, ``top`` to ``bottom``."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Half way between top and bottom."""
        return (self.top + self.bottom) / 2

    @property
    def centre(self) -> float:
        """Half way between left and right."""
        return (self.left + self.right) / 2

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left


def around(spans: Iterable[Span]) -> Span:
    """The smallest span that holds all of these; there must be one."""
    spans = list(spans)
    return Span(
        min(span.left for span in spans),
        min(span.top for span in spans),
        max(span.right for span in spans),
        max(span.bottom for span in spans),
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A piece of a line in a frame."""

    words: tuple[Word, ...]
    span: Span
    """Along the line as far as its ink reaches, across it the height that the line has."""
    ink: tuple[Span, ...]
    """The words' own places."""

    def split(self, centre: float) -> tuple[Placed | None, Placed | None]:
        """The words left and right of a position along the line; None for a side without any."""
        if centre <= self.span.left:
            return None, self
        if centre >= self.span.right:
            return self, None
        before = [i for i, ink in enumerate(self.ink) if ink.centre < centre]
        if len(before) in (0, len(self.ink)):
            return (self, None) if before else (None, self)
        after = [i for i, ink in enumerate(self.ink) if ink.centre >= centre]
        return self.only(before), self.only(after)

    def only(self, kept: Sequence[int]) -> Placed:
        """Some of its words, by their numbers in it; at least one."""
        ink = tuple(self.ink[i] for i in kept)
        span = replace(
            self.span, left=min(word.left for word in ink), right=max(word.right for word in ink)
        )
        return Placed(tuple(self.words[i] for i in kept), span, ink)


def middle_of(piece: Placed) -> float:
    """Key to sort pieces from top to bottom, and to look for them."""
    return piece.span.middle


def place_of(piece: Placed) -> tuple[float, float, float, list[str]]:
    """Key to sort pieces in a way that does not depend on how they came."""
    span = piece.span
    return span.middle, span.left, span.right, [word.text for word in piece.words]


@dataclass(frozen=True, slots=True)
class Frame:
    """Coordinates turned by a slope in degrees, positive when lines fall to the right."""

    slope: float

    def span(self, polygons: Iterable[Polygon]) -> Span:
        """The smallest span that holds all of these page polygons; there must be one."""
        c, s = cos(radians(self.slope)), sin(radians(self.slope))
        points = [point for polygon in polygons for point in polygon]
        along = [x * c + y * s for x, y in points]
        across = [y * c - x * s for x, y in points]
        return Span(min(along), min(across), max(along), max(across))

    def around(self, polygons: Iterable[Polygon]) -> Polygon:
        """The smallest rectangle of the frame that holds these, on the page; there must be one."""
        return self.polygon(self.span(polygons))

    def polygon(self, span: Span) -> Polygon:
        """The page polygon of a span."""
        c, s = cos(radians(self.slope)), sin(radians(self.slope))

        def point(along: float, across: float) -> Point:
            return along * c - across * s, along * s + across * c

        return (
            point(span.left, span.top),
            point(span.right, span.top),
            point(span.right, span.bottom),
            point(span.left, span.bottom),
        )
