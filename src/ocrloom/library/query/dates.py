"""Times as searches write them: ``2019``, ``2019-05..2019-06``, ``>=2019-05-17``. Pure."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from ocrloom.library.query.errors import refused
from ocrloom.library.query.tree import Between

__all__ = ["between"]

_TIME: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_COMPARED: Final = re.compile(r"(<=|>=|<|>)(.*)", re.DOTALL)


def between(field: str, text: str, place: int) -> Between:
    """The time that a text says.

    Args:
        field: ``date`` or ``added``.
        text: A year, a month or a day; two of them with .. between, of which both belong to it and
            one may be missing; or one after <, <=, > or >=.
        place: Where it stands in the search.

    Raises:
        OcrQueryError: It is none of these, there is no such day, or it ends before it begins.
    """
    if compared := _COMPARED.fullmatch(text):
        return _compared(field, compared[1], _known(field, compared[2], place), place)
    first, dots, last = text.partition("..")
    if not dots:
        time = _known(field, text, place)
        return Between(field=field, first=time, after=_after(time))
    begin = _known(field, first, place) if first or not last else None
    end = _known(field, last, place + len(first) + 2) if last else None
    after = end and _after(end)
    if begin is not None and end is not None and after is not None and after <= begin:
        raise refused(
            place, f"expected for {field}: a time that ends after it begins, got {text!r}; turn it"
        )
    return Between(field=field, first=begin, after=after)


def _compared(field: str, sign: str, time: str, place: int) -> Between:
    match sign:
        case ">=":
            return Between(field=field, first=time, after=None)
        case "<":
            return Between(field=field, first=None, after=time)
        case "<=":
            return Between(field=field, first=None, after=_after(time))
    after = _after(time)
    if after is None:
        raise refused(
            place, f"expected for {field}: a time with something after it, got {time}; leave it out"
        )
    return Between(field=field, first=after, after=None)


def _known(field: str, text: str, place: int) -> str:
    """A time that there is, as it was written."""
    found = _TIME.fullmatch(text)
    if found:
        year, month, day = (int(part or 1) for part in found.groups())
        try:
            dt.date(year, month, day)
        except ValueError:
            pass
        else:
            return text
    raise refused(
        place,
        f"expected for {field}: a day, month or year that there is, as in {field}:2019-05-17,"
        f" {field}:2019-05 or {field}:2019, got {text!r:.60}; a range is"
        f" {field}:2019-01..2019-06 or {field}:>=2019",
    )


def _after(time: str) -> str | None:
    """The year, month or day after one; None after the last that there is."""
    year, month, day = (int(part) if part else None for part in _TIME.fullmatch(time).groups())  # type: ignore[union-attr]
    begin = dt.date(year or 1, month or 1, day or 1)
    try:
        if day:
            return (begin + dt.timedelta(days=1)).isoformat()
        if month:
            return (begin.replace(day=28) + dt.timedelta(days=4)).isoformat()[:7]
        return begin.replace(year=begin.year + 1).isoformat()[:4]
    except (OverflowError, ValueError):
        return None
