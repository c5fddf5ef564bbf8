"""Searchable PDFs: pictures and existing PDFs with their words invisibly on them.

import ocrloom as ocr
from ocrloom import pdf

pdf.make(ocr.OcrEngine(), ["cover.jpg", "book.tif"], "book.pdf")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError
from ocrloom.pdf.making import Made, Taken, make
from ocrloom.pdf.sources import Mode
from ocrloom.pdf.verify import Verification
from ocrloom.pdf.writer import PdfWriter

if TYPE_CHECKING:
    from ocrloom.image.lazy import ImageLike
    from ocrloom.result import OcrResult

__all__ = ["Made", "Mode", "PdfWriter", "Taken", "Verification", "make", "render"]


def render(result: OcrResult, source: ImageLike | None = None) -> bytes:
    """A searchable PDF of a result.

    Args:
        result: What was read.
        source: What it was read from; the file that ``result.source`` names if not given. Pages
            of it that are not in the result get no text.

    Raises:
        OcrOptionError: There is no source to be shown.
        OcrException: The source cannot be had any more.
        OcrOutputError: There is no room for temporary files.
    """
    shown = result.source if source is None else source
    if shown is None:
        raise OcrOptionError(
            "a searchable PDF shows what was read, and this result does not name it; give it: "
            "result.save('x.pdf', source=…)"
        )
    with PdfWriter() as writer:
        writer.begin(shown)
        for page in result.pages:
            writer.add(page)
        return writer.make().read_bytes()
