"""A result as Tesseract's table: a row for each page, block, paragraph, line and word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrloom.formats.markup import one_line
from ocrloom.formats.places import bounds, corners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.result import OcrResult, Page, Polygon

__all__ = ["COLUMNS", "render"]

COLUMNS = (
    *("level", "page_num", "block_num", "par_num", "line_num", "word_num"),
    *("left", "top", "width", "height", "conf", "text"),
)
"""Levels are 1 for a page, 2 for a block, 3 for a paragraph, 4 for a line and 5 for a word."""


def render(result: OcrResult) -> str:
    """Makes the table, with its columns' names in the first row.

    A block is one paragraph. Boxes are the upright rectangles around the polygons. The confidence
    is in percent for words and -1 for all else. Nothing is quoted.

    Raises:
        OcrOutputError: A coordinate is not a number.
    """
    rows = (row for page in result.pages for row in _rows(page))
    return "\t".join(COLUMNS) + "\n" + "".join(rows)


def _rows(page: Page) -> Iterator[str]:
    number = page.number
    yield f"1\t{number}\t0\t0\t0\t0\t0\t0\t{page.width}\t{page.height}\t-1\t\n"
    for b, block in enumerate(page.blocks, 1):
        box = _box(block.polygon, page)
        yield f"2\t{number}\t{b}\t0\t0\t0\t{box}\t-1\t\n"
        yield f"3\t{number}\t{b}\t1\t0\t0\t{box}\t-1\t\n"
        for n, line in enumerate(block.lines, 1):
            yield f"4\t{number}\t{b}\t1\t{n}\t0\t{_box(line.polygon, page)}\t-1\t\n"
            for w, word in enumerate(line.words, 1):
                # White space in a word, of which there should be none, would end its row.
                text = word.text if word.text.isprintable() else one_line(word.text)
                yield (
                    f"5\t{number}\t{b}\t1\t{n}\t{w}\t{_box(word.polygon, page)}\t"
                    f"{100 * word.confidence:.2f}\t{text}\n"
                )


def _box(polygon: Polygon, page: Page) -> str:
    left, top, right, bottom = bounds(corners(polygon, page))
    return f"{left}\t{top}\t{right - left}\t{bottom - top}"
