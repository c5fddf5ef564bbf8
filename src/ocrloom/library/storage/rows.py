"""What goes into a store and what comes out of it. Plain data."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ocrloom.library.documents import Description
    from ocrloom.result import PageFailure

__all__ = ["Contents", "NewDocument", "NewPage", "PageRow", "Ranked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPage:
    """A page to be stored."""

    number: int
    languages: tuple[str, ...]
    """Their codes."""
    tokens: tuple[str, ...]
    """What it is found by, in reading order: see `ocrloom.library.analysis.grams`."""
    doubted: tuple[int, ...] = ()
    """Which of them are of words that the recogniser had doubts of; ascending, from 0."""
    words: bytes
    """Its words, as `ocrloom.library.pack` packs them."""
    tree: bytes
    """All else of it, as the same packs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A document to be stored, or to take the place of the one with its digest."""

    digest: str
    source: str | None
    description: Description | None
    """None to leave what the store has, or to begin with none."""
    pages: Iterable[NewPage]
    """Taken one by one, so that not all need be in memory."""
    failures: tuple[PageFailure, ...] = ()
    kept: str | None = None
    unless_there: bool = False
    """Whether a document of that digest is left as it is, if there is one."""


@dataclass(slots=True)
class Ranked:
    """Pages that fit a search, best first, as compactly as can be: there may be a million."""

    pages: array[int] = field(default_factory=lambda: array("q"))
    """Their ids."""
    scores: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """A page of a document, and where it is stored."""

    id: int
    document: int
    number: int
    languages: tuple[str, ...]
    """Their codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is stored of a page."""

    page: PageRow
    tokens: tuple[str, ...]
    words: bytes
    tree: bytes
    """Empty where only the words were asked for."""
