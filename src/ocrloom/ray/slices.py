"""How the pages of a book are divided among readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["divided"]


def divided(numbers: Sequence[int], places: int, most: int) -> Iterator[tuple[int, ...]]:
    """Parts of pages in their order, ever smaller, so that all readers end at about the same time.

    Each part is half of what falls to one place of what is left: guided self-scheduling
    (Polychronopoulos and Kuck, IEEE Transactions on Computers, 1987).

    Args:
        numbers: The pages.
        places: How many parts are read at a time.
        most: Pages of a part, at least 1.
    """
    begin = 0
    while left := len(numbers) - begin:
        size = max(1, min(most, -(-left // (2 * places))))
        yield tuple(numbers[begin : begin + size])
        begin += size
