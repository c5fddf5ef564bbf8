"""What readers that are not ours find in a PDF: pdfminer.six, Poppler and PDFium."""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata

import pypdfium2
import pytest
from pdfminer.converter import PDFPageAggregator
from pdfminer.high_level import extract_pages, extract_text
from pdfminer.layout import LTChar, LTTextLine
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdfpage import PDFPage

from ocrloom import Block, Line, Page, Word

_DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def pdfminer(path, password=""):
    """All text, lines as they are."""
    return extract_text(path, password=password).strip()


def poppler(path, *options):
    """All text by ``pdftotext``, without the marks of direction that it adds."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("no pdftotext; it is in the package poppler-utils")
    command = [program, "-enc", "UTF-8", *options, str(path), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _DIRECTIONS.sub("", text).replace("\f", "").strip()


def pdfium(path):
    """All text."""
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document).strip()
    finally:
        document.close()


def search(path, text, number=1):
    """Where PDFium marks a text first: left, top, right and bottom in points from the top.

    It marks in pieces what was not shown in one; this is the box around them.
    """
    document = pypdfium2.PdfDocument(path)
    try:
        page = document[number - 1]
        textpage = page.get_textpage()
        found = textpage.search(text, match_case=True).get_next()
        assert found is not None, text
        count = textpage.count_rects(*found)
        boxes = [textpage.get_rect(index) for index in range(count)]
        height = page.get_height()
        left, low, right, top = zip(*boxes, strict=True)
        return min(left), height - max(top), max(right), height - min(low)
    finally:
        document.close()


def characters(path):
    """The characters of the first page in the order of the content, by pdfminer."""
    found = []

    def walk(item):
        if isinstance(item, LTChar):
            found.append(item.get_text())
        elif hasattr(item, "__iter__"):
            for each in item:
                walk(each)

    manager = PDFResourceManager()
    device = PDFPageAggregator(manager, laparams=None)
    with open(path, "rb") as file:  # noqa: PTH123
        PDFPageInterpreter(manager, device).process_page(next(PDFPage.get_pages(file)))
    walk(device.get_result())
    return "".join(found)


def boxes(path):
    """For every page by pdfminer: text and box (left, top, right, bottom) of its words."""
    for page in extract_pages(path):
        words = []
        for line in _lines(page):
            letters = []
            for letter in [*line, None]:
                if isinstance(letter, LTChar) and letter.get_text().strip():
                    letters.append(letter)
                elif letters:
                    words.append(_boxed(letters, page.height))
                    letters = []
        yield page.width, page.height, words


def _lines(item):
    if isinstance(item, LTTextLine):
        yield item
    elif hasattr(item, "__iter__"):
        for each in item:
            yield from _lines(each)


def _boxed(letters, height):
    box = (
        min(each.x0 for each in letters),
        height - max(each.y1 for each in letters),
        max(each.x1 for each in letters),
        height - min(each.y0 for each in letters),
    )
    return "".join(each.get_text() for each in letters), box


# --- pages to be written ----------------------------------------------------------------------


def word(text, polygon):
    return Word(text=text, polygon=polygon, confidence=1.0, recogniser="test")


def upright(left, top, right, bottom):
    return (left, top), (right, top), (right, bottom), (left, bottom)


def goes_left(text):
    return any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)


def page_of(*texts, width=1654, height=2339, dpi=(200.0, 200.0), number=1):
    """A page with a line for each text, as a recogniser gives it; A4 at 200 dpi."""
    lines = []
    for row, text in enumerate(texts):
        lines.append(line_of(text, 200 + 100 * row, goes_left(text)))
    return page_with(lines, width=width, height=height, dpi=dpi, number=number)


def page_with(lines, *, width=1654, height=2339, dpi=(200.0, 200.0), number=1, **more):
    blocks = tuple(Block(lines=(line,), polygon=line.polygon) for line in lines)
    return Page(number=number, width=width, height=height, dpi=dpi, blocks=blocks, **more)


def line_of(text, top, leftwards=False):
    words, at = [], 1450 if leftwards else 200
    for each in text.split(" "):
        size = 25 * len(each)
        left, right = (at - size, at) if leftwards else (at, at + size)
        words.append(word(each, upright(left, top, right, top + 50)))
        at = left - 18 if leftwards else right + 18
    left = min(each.polygon[0][0] for each in words)
    right = max(each.polygon[1][0] for each in words)
    return Line(words=tuple(words), polygon=upright(left, top, right, top + 50))
