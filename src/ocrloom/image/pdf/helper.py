"""What runs in a helper, by name: with the modules that it uses, all that calls PDFium.

One document is open at a time. PDFium ends the process where it finds no memory, and some pages
keep it busy for hours; both is for the caller to see.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pypdfium2.raw as pdfium

from ocrloom.image.pdf.contents import letters_of, sheet_of
from ocrloom.image.pdf.opened import Opened, load_pdf
from ocrloom.image.pdf.sheet import PageBroken, Problem
from ocrloom.image.pixels import drop_colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ocrloom.image.pdf.sheet import Letters, Sheet

__all__ = ["close_document", "draw", "look", "open_document"]

_EDGE: Final = 0.02  # of a pixel, see `draw`
_WHITE: Final = 255

_opened: Opened | None = None


def open_document(source: Path | bytes, password: str | None) -> tuple[int, Problem | None]:
    """Open a PDF in place of the last one.

    Returns:
        The number of its pages, and what is wrong with it; only without that it is open.
    """
    global _opened
    close_document()
    found = load_pdf(source if isinstance(source, Path) else bytes(source), password)
    if isinstance(found, Problem):
        return 0, found
    _opened = found
    return found.count, None


def close_document() -> None:
    """Close the document that is open, if one is."""
    global _opened
    last, _opened = _opened, None
    if last is not None:
        last.close()


def look(number: int, with_letters: bool) -> tuple[Sheet, Letters | None]:
    """What is on a page, without drawing it.

    Args:
        number: From 1.
        with_letters: Whether its characters are wanted, too.

    Raises:
        PageBroken: It cannot be loaded.
    """
    opened = _document()
    page = opened.page(number)
    sheet = sheet_of(page, opened.unit(number))
    return sheet, letters_of(page) if with_letters else None


def draw(number: int, size: tuple[int, int], grey: bool) -> NDArray[np.uint8]:
    """Draw a page as a viewer shows it.

    Args:
        number: From 1.
        size: Width and height in pixels.
        grey: Whether it has no colour.

    Returns:
        (H, W) if it is grey, otherwise (H, W, 3) RGB.

    Raises:
        PageBroken: It cannot be loaded, or is larger than PDFium draws.
    """
    page = _document().page(number)
    width, height = size
    pixels = np.full((height, width) if grey else (height, width, 3), _WHITE, np.uint8)
    kind = pdfium.FPDFBitmap_Gray if grey else pdfium.FPDFBitmap_BGR
    bitmap = pdfium.FPDFBitmap_CreateEx(
        width, height, kind, pixels.ctypes.data_as(ctypes.c_void_p), pixels.strides[0]
    )
    if not bitmap:
        raise PageBroken(f"one of {width} × {height} pixels, which is more than PDFium draws")
    try:
        # A scan's edges fall on the edges of pixels, and rounding would push them over: its
        # picture would be drawn one pixel larger, every pixel of it shifted or blurred. So all is
        # drawn smaller by a fiftieth of a pixel on each side, and PDFium, which rounds pictures
        # outwards, puts pixel on pixel.
        matrix = pdfium.FS_MATRIX(
            (width - 2 * _EDGE) / pdfium.FPDF_GetPageWidthF(page),
            *(0.0, 0.0),
            (height - 2 * _EDGE) / pdfium.FPDF_GetPageHeightF(page),
            *(_EDGE, _EDGE),
        )
        clip = pdfium.FS_RECTF(0, 0, width, height)
        # Grey has no bytes to reverse, and with that flag PDFium draws none of it.
        flags = pdfium.FPDF_ANNOT | pdfium.FPDF_RENDER_LIMITEDIMAGECACHE
        flags |= 0 if grey else pdfium.FPDF_REVERSE_BYTE_ORDER
        pdfium.FPDF_RenderPageBitmapWithMatrix(bitmap, page, matrix, clip, flags)
    finally:
        pdfium.FPDFBitmap_Destroy(bitmap)
    return pixels if grey else drop_colour(pixels)


def _document() -> Opened:
    assert _opened is not None  # noqa: S101  # a helper has one caller, who has opened it
    return _opened
