"""A result as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocrloom.result import OcrResult

__all__ = ["render"]


def render(result: OcrResult) -> str:
    """The text of all pages, a form feed between each two; empty where nothing was read."""
    text = result.text
    return f"{text}\n" if text else ""
