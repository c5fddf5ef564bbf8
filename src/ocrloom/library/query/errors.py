"""How a search is refused."""

from __future__ import annotations

from ocrloom.errors import OcrQueryError

__all__ = ["refused"]


def refused(place: int, message: str) -> OcrQueryError:
    """The error to raise.

    Args:
        place: Characters of the search before the one that was not expected.
        message: What was expected, what came, and what to do.
    """
    error = OcrQueryError(f"the search goes wrong at character {place + 1}: {message}")
    error.place = place
    return error
