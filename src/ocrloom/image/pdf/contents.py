"""What is on a page, as PDFium's objects tell. Runs in a helper."""

from __future__ import annotations

import ctypes
import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pypdfium2.raw as pdfium

from ocrloom.image.pdf.sheet import Letters, PageBroken, Picture, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Handle", "letters_of", "sheet_of"]

_DEEPEST: Final = 12  # forms within forms that are looked into

Handle: TypeAlias = Any
"""What PDFium gives for a document, a page or a part of one: it has no type."""

# A matrix of PDF: a, b, c, d, e, f.
_Matrix: TypeAlias = "tuple[float, float, float, float, float, float]"
_IDENTITY: Final[_Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def sheet_of(page: Handle, unit: float) -> Sheet:
    """What a page draws.

    Args:
        page: PDFium's.
        unit: Points of 1/72 inch in a unit.

    Raises:
        PageBroken: It has no size.
    """
    found = pdfium.FS_RECTF()
    if not pdfium.FPDF_GetPageBoundingBox(page, found):
        raise PageBroken("one without a size")
    box = (found.left, found.bottom, found.right, found.top)
    rotation = 90 * max(0, pdfium.FPDFPage_GetRotation(page))
    # Not those of the box, which are less exact.
    width, height = pdfium.FPDF_GetPageWidthF(page), pdfium.FPDF_GetPageHeightF(page)
    if not (math.isfinite(width * height) and width > 0 and height > 0):
        raise PageBroken(f"one without an area: {width:g} × {height:g} points")
    counts = {"shapes": 0, "shown_texts": 0, "hidden_texts": 0}
    pictures = []
    for thing, matrix in _things(page):
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_IMAGE:
            picture = _picture(page, thing, matrix, box, rotation, unit)
            if picture is not None:
                pictures.append(picture)
        elif kind == pdfium.FPDF_PAGEOBJ_TEXT:
            mode = pdfium.FPDFTextObj_GetTextRenderMode(thing)
            hidden = mode == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
            counts["hidden_texts" if hidden else "shown_texts"] += 1
        else:
            counts["shapes"] += 1
    return Sheet(
        size=(width * unit, height * unit),
        box=box,
        rotation=rotation,
        pictures=tuple(pictures),
        **counts,
    )


def _things(
    owner: Handle,
    matrix: _Matrix = _IDENTITY,
    depth: int = 0,
) -> Iterator[tuple[Handle, _Matrix]]:
    """What a page draws, forms looked into, each with the matrix that its own is put into."""
    count, get = (
        (pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject)
        if depth
        else (pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject)
    )
    for index in range(count(owner)):
        thing = get(owner, index)
        if pdfium.FPDFPageObj_GetType(thing) != pdfium.FPDF_PAGEOBJ_FORM:
            yield thing, matrix
        elif depth < _DEEPEST:
            yield from _things(thing, _times(_matrix_of(thing), matrix), depth + 1)


def _matrix_of(thing: Handle) -> _Matrix:
    found = pdfium.FS_MATRIX()
    if not pdfium.FPDFPageObj_GetMatrix(thing, found):
        return _IDENTITY
    return found.a, found.b, found.c, found.d, found.e, found.f


def _times(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        *(a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s),
        *(e * p + f * r + t, e * q + f * s + u),
    )


def _picture(
    page: Handle,
    thing: Handle,
    outer: _Matrix,
    box: tuple[float, float, float, float],
    rotation: int,
    unit: float,
) -> Picture | None:
    """An image of a page; None if it has no extent there."""
    a, b, c, d, e, f = _times(_matrix_of(thing), outer)
    wide, high = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(thing, wide, high)
    columns, rows = wide.value, high.value
    across, down = math.hypot(a, b) * unit, math.hypot(c, d) * unit
    if not (columns and rows and across > 0 and down > 0):
        return None
    left, right = e + min(0, a, c, a + c), e + max(0, a, c, a + c)
    bottom, top = f + min(0, b, d, b + d), f + max(0, b, d, b + d)
    seen = max(0.0, min(right, box[2]) - max(left, box[0])) * max(
        0.0, min(top, box[3]) - max(bottom, box[1])
    )
    dpi = 72 * columns / across, 72 * rows / down
    # Whether its rows run down the page as it is shown.
    turned = (abs(b) > abs(a)) != (rotation % 180 == 90)
    grey, bytes_a_pixel = _values(page, thing)
    return Picture(
        pixels=(columns, rows),
        dpi=dpi[::-1] if turned else dpi,
        share=min(1.0, seen / ((box[2] - box[0]) * (box[3] - box[1]))),
        grey=grey,
        cost=columns * rows * bytes_a_pixel,
    )


def _values(page: Handle, thing: Handle) -> tuple[bool, int]:
    """Whether an image can have no colour, and the bytes that decoding a pixel of it takes."""
    if _is_jpeg2000(thing):
        # Whose colours are in its data, and PDFium would decode all of it to tell.
        return False, _JPEG2000
    facts = pdfium.FPDF_IMAGEOBJ_METADATA()
    known = pdfium.FPDFImageObj_GetImageMetadata(thing, page, facts)
    grey = bool(known) and facts.colorspace in _GREYS
    return grey, _GREY if grey else _COLOUR


def _is_jpeg2000(thing: Handle) -> bool:
    name = ctypes.create_string_buffer(16)
    return any(
        pdfium.FPDFImageObj_GetImageFilter(thing, index, name, len(name))
        and name.value == b"JPXDecode"
        for index in range(pdfium.FPDFImageObj_GetImageFilterCount(thing))
    )


# Bytes a pixel: what PDFium was seen to take, and a half more.
_GREY, _COLOUR, _JPEG2000 = 2, 6, 24
_GREYS: Final = frozenset({pdfium.FPDF_COLORSPACE_DEVICEGRAY, pdfium.FPDF_COLORSPACE_CALGRAY})


def letters_of(page: Handle) -> Letters:
    """The characters of a page.

    Raises:
        PageBroken: They cannot be parsed.
    """
    text = pdfium.FPDFText_LoadPage(page)
    if not text:
        raise PageBroken("one whose text cannot be parsed")
    try:
        return _collect(text)
    finally:
        pdfium.FPDFText_ClosePage(text)


def _collect(text: Handle) -> Letters:
    count = max(0, pdfium.FPDFText_CountChars(text))
    codes = np.zeros(count, np.uint32)
    ink, cells = np.zeros((count, 4), np.float32), np.zeros((count, 4), np.float32)
    angles = np.zeros(count, np.float32)
    unknown, added = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    cell = pdfium.FS_RECTF()
    for index in range(count):
        codes[index] = pdfium.FPDFText_GetUnicode(text, index)
        added[index] = pdfium.FPDFText_IsGenerated(text, index) == 1
        unknown[index] = pdfium.FPDFText_HasUnicodeMapError(text, index) == 1
        if pdfium.FPDFText_GetCharBox(text, index, left, right, bottom, top):
            ink[index] = left.value, bottom.value, right.value, top.value
        if pdfium.FPDFText_GetLooseCharBox(text, index, cell):
            cells[index] = cell.left, cell.bottom, cell.right, cell.top
        angles[index] = math.degrees(pdfium.FPDFText_GetCharAngle(text, index))
    return Letters(codes=codes, ink=ink, cells=cells, angles=angles, unknown=unknown, added=added)
