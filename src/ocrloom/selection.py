"""Which pages of a source are meant, as people write it: ``1-3,7``, ``5-``, ``-3``. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from ocrloom.errors import OcrOptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_pages", "place_of", "select_pages"]

_Range: TypeAlias = "tuple[int | None, int | None]"

# Nine digits are more pages than any source may have.
_PART: Final = re.compile(r"\s*([0-9]{1,9})?\s*(-)?\s*([0-9]{1,9})?\s*")
_EXPECTED: Final = "pages must be numbers from 1 and ranges of them, such as '1-3,7' or '5-'"


def check_pages(pages: str) -> None:
    """Refuses what says no pages, whatever the source.

    Raises:
        OcrOptionError: It is not written as pages are.
    """
    _parse(pages)


def select_pages(pages: str | None, count: int, what: str) -> Sequence[int]:
    """The numbers of the pages that are meant.

    Args:
        pages: Numbers and ranges, parted by commas; ``5-`` goes to the last page and ``-3``
            begins with the first one. None means all.
        count: How many pages the source has.
        what: What the source is called in a message.

    Returns:
        Each number once, ascending, from 1 to ``count``.

    Raises:
        OcrOptionError: It is not written so, or the source has no such page.
    """
    if pages is None:
        return range(1, count + 1)
    chosen: set[int] = set()
    for first, last in _parse(pages):
        for number in (first, last):
            if number is not None and number > count:
                has = "1 page" if count == 1 else f"{count} pages"
                raise OcrOptionError(
                    f"{what}: page {number} was asked for by pages={pages!r}, but it has {has};"
                    f" give numbers from 1 to {count}"
                )
        chosen.update(range(first or 1, (last or count) + 1))
    return tuple(sorted(chosen))


def place_of(number: int, pages: str | None) -> int:
    """Which of the pages that are meant one is, from 1, without knowing how many there are.

    Args:
        number: Place in the source, from 1, of a page that is meant.
        pages: As for `select_pages`.
    """
    if pages is None:
        return number
    place = reached = 0
    for first, last in sorted((first or 1, last or number) for first, last in _parse(pages)):
        begin, end = max(first, reached + 1), min(last, number)
        place += max(0, end - begin + 1)
        reached = max(reached, end)
    return place


def _parse(pages: str) -> list[_Range]:
    return [_parse_part(part, pages) for part in pages.split(",")]


def _parse_part(part: str, pages: str) -> _Range:
    found = _PART.fullmatch(part)
    first, dash, last = found.groups() if found else (None, None, None)
    if first is None and last is None:
        raise OcrOptionError(f"{_EXPECTED}, got {pages!r}")
    if dash is None:
        # Without a dash the pattern lets two numbers with a space between them through.
        if first is None or last is not None:
            raise OcrOptionError(f"{_EXPECTED}, got {pages!r}")
        last = first
    numbers = tuple(None if each is None else int(each) for each in (first, last))
    if 0 in numbers:
        raise OcrOptionError(f"{_EXPECTED}, got {pages!r}: there is no page 0")
    begin, end = numbers
    if begin is not None and end is not None and begin > end:
        raise OcrOptionError(
            f"{_EXPECTED}, got {pages!r}: {begin}-{end} goes backwards; pages come in their order"
        )
    return begin, end
