"""What a search finds. Plain immutable data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocrloom.library.documents import Document
    from ocrloom.result import Polygon

__all__ = ["Hit", "Match", "Snippet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A place on a page where a word or a phrase of the search stands."""

    text: str
    """What stands there, as it was read."""
    polygons: tuple[Polygon, ...]
    """Where its words stand, in pixels of the page as in the result tree; a part of a word where
    only that matches."""
    cost: float = 0.0
    """How far it is from what was searched for: 0 for the same, up to the search's tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Some text of the page around what was found."""

    text: str
    """On one line."""
    marks: tuple[tuple[int, int], ...]
    """Where in the text something matches: the first character and the one after the last."""

    def marked(self, before: str = "**", after: str = "**") -> str:
        """The text with something before and after each mark."""
        parts, end = [], 0
        for start, stop in self.marks:
            parts += [self.text[end:start], before, self.text[start:stop], after]
            end = stop
        return "".join([*parts, self.text[end:]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A page that a search has found, and the places on it."""

    document: Document
    page: int
    """Number of the page in the document, from 1."""
    width: int
    """Pixels of the page, as in the result tree."""
    height: int
    """Pixels of the page, as in the result tree."""
    score: float
    """How well it fits; more is better, and only hits of one search can be compared. 0 where the
    search has no words."""
    matches: tuple[Match, ...]
    """In reading order; none where the search has no words, as ``date:2019``."""
    snippet: Snippet
    """The beginning of the page where nothing matches."""

    @property
    def polygons(self) -> tuple[Polygon, ...]:
        """Of all words that match, in reading order."""
        return tuple(polygon for match in self.matches for polygon in match.polygons)

    @property
    def cost(self) -> float:
        """That of the best match; 0 without one."""
        return min((match.cost for match in self.matches), default=0.0)
