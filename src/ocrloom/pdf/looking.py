"""What another reader finds in a PDF: PDFium, which has no part in writing it.

These functions run in a helper process. Positions are parts of the page's width and height, from
the upper left corner of the page as a viewer shows it.
"""

from __future__ import annotations

from contextlib import contextmanager
from ctypes import c_double, c_int
from typing import TYPE_CHECKING, Final, TypeAlias

import pypdfium2
from pypdfium2 import raw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Rect", "Seen", "pages_with_text", "visible_text", "words"]

Rect: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Seen: TypeAlias = tuple[str, Rect]
"""A word and where it is."""

_HYPHEN: Final = "\x02"  # what PDFium makes of one that ends a line
_FINE: Final = (
    1_000_000  # into so many parts a page is divided, as PDFium tells places in whole ones
)
_DEEPEST: Final = 15  # forms within forms


def pages_with_text(path: Path, password: str | None) -> list[int]:
    """Numbers, from 1, of the pages that have any text, seen or not."""
    with _document(path, password) as document:
        return [
            number
            for number, page in enumerate(document, 1)
            if page.get_textpage().count_chars() > 0
        ]


def visible_text(path: Path, password: str | None, number: int) -> list[Rect]:
    """Where a page has text that is seen.

    Args:
        path: The document.
        password: That opens it.
        number: Of the page, from 1.
    """
    with _document(path, password) as document:
        page = document[number - 1]
        return [
            _rect(page, *item.get_bounds())
            for item in page.get_objects(filter=[raw.FPDF_PAGEOBJ_TEXT], max_depth=_DEEPEST)
            if raw.FPDFTextObj_GetTextRenderMode(item) != raw.FPDF_TEXTRENDERMODE_INVISIBLE
        ]


def words(path: Path, number: int) -> tuple[tuple[float, float], list[Seen]]:
    """The words of a page, in the order in which they are found.

    Args:
        path: A document without a password.
        number: Of the page, from 1.

    Returns:
        Width and height of the page in points, and its words.
    """
    with _document(path, None) as document:
        page = document[number - 1]
        text = page.get_textpage()
        found: list[Seen] = []
        letters: list[tuple[str, Rect]] = []
        for index in range(text.count_chars()):
            letter = chr(raw.FPDFText_GetUnicode(text, index))
            is_space = letter.isspace() or not letter.isprintable()
            if letter == _HYPHEN or not is_space:
                letters.append((letter, _rect(page, *text.get_charbox(index))))
            if letter == _HYPHEN or is_space:
                found += _word(letters)
                letters = []
        return page.get_size(), found + _word(letters)


def _word(letters: list[tuple[str, Rect]]) -> list[Seen]:
    if not letters:
        return []
    left, top, right, bottom = zip(*(rect for _, rect in letters), strict=True)
    box = min(left), min(top), max(right), max(bottom)
    return [("".join(letter for letter, _ in letters).replace(_HYPHEN, "-"), box)]


@contextmanager
def _document(path: Path, password: str | None) -> Iterator[pypdfium2.PdfDocument]:
    document = pypdfium2.PdfDocument(path, password=password)
    try:
        yield document
    finally:
        document.close()


def _rect(page: pypdfium2.PdfPage, left: float, bottom: float, right: float, top: float) -> Rect:
    """A rectangle in the page's own units as a viewer shows it."""
    xs, ys = [], []
    for x, y in ((left, bottom), (right, top)):
        shown_x, shown_y = c_int(), c_int()
        raw.FPDF_PageToDevice(
            page, 0, 0, _FINE, _FINE, 0, c_double(x), c_double(y), shown_x, shown_y
        )
        xs.append(shown_x.value / _FINE)
        ys.append(shown_y.value / _FINE)
    return min(xs), min(ys), max(xs), max(ys)
