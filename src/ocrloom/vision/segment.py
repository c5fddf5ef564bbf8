"""``Segment``: what reading a box gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocrloom.result import Word
    from ocrloom.vision.geometry import Box

__all__ = ["Segment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a text line; polygons in pixels of the upright page."""

    box: Box
    words: tuple[Word, ...]
