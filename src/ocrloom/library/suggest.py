"""How a search may go on that is being typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError
from ocrloom.library.analysis import units

if TYPE_CHECKING:
    from ocrloom.library.storage.base import Store

__all__ = ["suggest"]

# Terms that are looked at: most are in use, unless most of a library was removed.
_AT_FIRST: Final = 2
_MOST: Final = 1000
# A word of the text of pages begins here: it is no tolerance, and not the value of a field.
_BEFORE: Final = re.compile(r"(?:\A|[^\w:~*])\Z")


def suggest(store: Store, beginning: str, limit: int = 10) -> list[str]:
    """Ways in which a search may go on, those with the most usual words first.

    Words are completed with words of pages, in their folded form. Runs of Chinese, Japanese,
    Korean, Thai and the like are not, nor the values of fields.

    Args:
        store: What is searched.
        beginning: What was typed so far; all but its last word stays as it is.
        limit: No more than this.

    Raises:
        OcrOptionError: There is no such beginning or limit.
    """
    if not isinstance(beginning, str):
        raise OcrOptionError(f"the beginning of a search must be a str, got {beginning!r:.60}")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise OcrOptionError(f"limit must be a whole number of at least 0, got {limit!r}")
    place, typed = _last_word(beginning)
    if not typed:
        return []
    return [beginning[:place] + term for term in _usual(store, typed, limit)]


def _last_word(text: str) -> tuple[int, str]:
    """Where the word begins that is being typed, and it in its folded form; empty for none."""
    start = max(text.rfind(" "), text.rfind("\n"), -1) + 1
    found = units(text[start:])
    if not found or found[-1].is_run or start + found[-1].stop < len(text):
        return 0, ""
    place = start + found[-1].start
    # Of what one character stands for several words none can be typed on.
    alone = sum(start + unit.start == place for unit in found) == 1
    return (place, found[-1].text) if alone and _BEFORE.search(text[:place]) else (0, "")


def _usual(store: Store, typed: str, limit: int) -> list[str]:
    """Longer terms that begin so and that some page has, the most usual first."""
    wanted = _AT_FIRST * limit + 1
    while True:
        terms = [term for term, _ in store.terms_usual(typed, wanted)]
        longer = [term for term in terms if term != typed]
        used = store.in_use(longer)
        found = [term for term in longer if term in used][:limit]
        if len(found) == limit or len(terms) < wanted or wanted >= _MOST:
            return found
        wanted *= 2
