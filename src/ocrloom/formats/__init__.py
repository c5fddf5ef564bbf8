"""What a result can be written as: pure functions from an ``OcrResult`` to text.

They open no files. The names of ``FORMATS`` are what ``ocrloom read --format`` takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ocrloom.formats import json_, txt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ocrloom.result import OcrResult

__all__ = ["FORMATS", "Format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a result."""

    name: str
    """What the user calls it."""
    suffix: str
    """Ending of its files, with the dot."""
    media_type: str
    """What a service says in ``Content-Type``."""
    render: Callable[[OcrResult], str]
    """Makes the whole file's text, which ends with a newline unless it is empty."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format(
                name="txt",
                suffix=".txt",
                media_type="text/plain; charset=utf-8",
                render=txt.render,
            ),
            Format(
                name="json",
                suffix=".json",
                media_type="application/json",
                render=json_.render,
            ),
        )
    }
)
