"""A result as hOCR 1.2: XHTML whose classes and titles say what is where on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrloom._version import __version__
from ocrloom.formats.markup import attribute, clean, content
from ocrloom.formats.places import angle, bounds, corners
from ocrloom.formats.scripts import language, rtl
from ocrloom.result import BlockKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.result import Block, Line, OcrResult, Page, PageFailure

__all__ = ["render"]

_CLASSES = {
    BlockKind.PARAGRAPH: "ocr_carea",
    # Chapters and sections hold what follows a heading, which is not known.
    BlockKind.HEADING: "ocr_carea",
    BlockKind.TABLE: "ocr_table",
    BlockKind.CAPTION: "ocr_caption",
    BlockKind.NOTE: "ocr_textfloat",
    BlockKind.HEADER: "ocr_header",
    BlockKind.FOOTER: "ocr_footer",
    BlockKind.PAGE_NUMBER: "ocr_pageno",
}
_CAPABILITIES = " ".join(
    (
        "ocr_page",
        *dict.fromkeys(_CLASSES.values()),
        "ocr_par",
        "ocr_line",
        "ocrx_word",
        "ocrp_wconf",
    )
)

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="{language}" lang="{language}">
 <head>
  <title>{title}</title>
  <meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
  <meta name="ocr-system" content="ocrloom {version}"/>
  <meta name="ocr-capabilities" content="{capabilities}"/>
  <meta name="ocr-number-of-pages" content="{count}"/>
  <meta name="ocr-langs" content="{langs}"/>
{failures} </head>
 <body>
"""


def render(result: OcrResult) -> str:
    """Makes one document of all pages; what could not be read is named in its head.

    Boxes are the upright rectangles around the polygons; ``textangle`` tells where the text in
    one is turned.

    Raises:
        OcrOutputError: A coordinate is not a number.
    """
    found = language(result.text)
    head = _HEAD.format(
        language=found,
        langs=found or "unknown",
        title=content(result.source or ""),
        version=__version__,
        capabilities=_CAPABILITIES,
        count=len(result.pages),
        failures="".join(map(_failure, result.failures)),
    )
    pages = (_Writer(page, place).page(result.source) for place, page in enumerate(result.pages, 1))
    return f"{head}{''.join(pages)} </body>\n</html>\n"


def _failure(failure: PageFailure) -> str:
    # The specification has no field for it; two hyphens would end the comment.
    text = f"page {failure.number} could not be read: {failure.kind}: {failure.message}"
    return f"  <!-- {clean(text).replace('--', '- -').replace('--', '- -')} -->\n"


class _Writer:
    """Writes one page; elements are counted through, as Tesseract does it."""

    def __init__(self, page: Page, place: int) -> None:
        self._page = page
        self._place = place
        self._lines = self._words = 0

    def page(self, source: str | None) -> str:
        page = self._page
        # The specification has no way to write a quote in a name.
        image = (source or "").replace('"', "'")
        title = f'image "{image}"; bbox 0 0 {page.width} {page.height}; ppageno {page.number - 1}'
        if page.dpi is not None:
            title += f"; scan_res {page.dpi[0]:.0f} {page.dpi[1]:.0f}"
        blocks = (self._block(number, block) for number, block in enumerate(page.blocks, 1))
        return (
            f'  <div class="ocr_page" id="page_{self._place}" title="{attribute(title)}">\n'
            f"{''.join(blocks)}  </div>\n"
        )

    def _block(self, number: int, block: Block) -> str:
        name = f"{self._place}_{number}"
        left, top, right, bottom = bounds(corners(block.polygon, self._page))
        box = f"bbox {left} {top} {right} {bottom}"
        direction = ' dir="rtl"' if rtl(block.text) else ""
        heading = ""
        if block.kind is BlockKind.HEADING:
            heading = f' role="heading" aria-level="{max(block.level, 1)}"'
        # Programs that look for paragraphs find the text of every kind of block.
        return (
            f'   <div class="{_CLASSES[block.kind]}" id="block_{name}"{heading} title="{box}">\n'
            f'    <p class="ocr_par" id="par_{name}"{direction} title="{box}">\n'
            f"{''.join(map(self._line, block.lines))}    </p>\n   </div>\n"
        )

    def _line(self, line: Line) -> str:
        self._lines += 1
        left, top, right, bottom = bounds(corners(line.polygon, self._page))
        turned = angle(line.polygon)
        angled = f"; textangle {turned}" if turned else ""
        return (
            f'     <span class="ocr_line" id="line_{self._place}_{self._lines}" '
            f'title="bbox {left} {top} {right} {bottom}{angled}">\n'
            f"{''.join(self._word_spans(line))}     </span>\n"
        )

    def _word_spans(self, line: Line) -> Iterator[str]:
        page = self._page
        for number, word in enumerate(line.words, self._words + 1):
            left, top, right, bottom = bounds(corners(word.polygon, page))
            yield (
                f'      <span class="ocrx_word" id="word_{self._place}_{number}" '
                f'title="bbox {left} {top} {right} {bottom}; '
                f'x_wconf {100 * word.confidence:.0f}">{content(word.text)}</span>\n'
            )
        self._words += len(line.words)
