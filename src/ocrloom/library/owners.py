"""Whose documents a library has."""

from __future__ import annotations

from typing import Final

from ocrloom.errors import OcrOptionError

__all__ = ["check_owner"]

_LONGEST: Final = 200  # characters


def check_owner(given: object) -> str:
    """An owner's name; empty for the documents of nobody in particular.

    Raises:
        OcrOptionError: It is none.
    """
    # Printable, so without NUL and halves of surrogate pairs, which databases do not take.
    if not isinstance(given, str) or len(given) > _LONGEST or not (given + " ").isprintable():
        raise OcrOptionError(
            f"an owner must be a str of at most {_LONGEST} printable characters, got {given!r:.60}"
        )
    return given
