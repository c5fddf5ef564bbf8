"""What is to be put together, as plain data that goes to the helper which does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.options import Limits

__all__ = ["Existing", "Finding", "Given", "Laid", "Part", "Pictures", "Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file of pictures."""

    path: Path
    name: str | None
    """For messages."""
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A layer for a page."""

    content: Path
    """File of the content stream."""
    size: tuple[float, float]
    """Width and height in points for which it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """The pages of a PDF."""

    path: Path
    name: str | None
    """For messages."""
    password: str | None = field(default=None, repr=False)
    layers: dict[int, Laid] = field(default_factory=dict)
    """By number of the page, from 1."""
    strip: frozenset[int] = frozenset()
    """Pages whose invisible text is taken out."""
    pictures: dict[int, tuple[int, tuple[float, float]]] = field(default_factory=dict)
    """What is shown in place of a page: which made page, from 0, and its size in points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Made pages, from the first to before the last, counted from 0."""

    first: int
    last: int


Part: TypeAlias = Existing | Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All of a document."""

    parts: tuple[Part, ...]
    bound: tuple[Path, ...]
    """The files of made pages."""
    characters: tuple[str, ...]
    """See `Codes.characters`."""
    archival: bool
    """Whether it is to be PDF/A-2b."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is to be known of a PDF before it is changed."""

    pages: int
    signed: bool
    encrypted: bool
    losses: tuple[str, ...]
    """What it has that does not come along where several inputs become one file."""
