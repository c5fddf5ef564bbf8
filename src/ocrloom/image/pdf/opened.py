"""The document that is open in a helper, and the page of it that was used last."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pypdfium2.raw as pdfium

from ocrloom.image.pdf.sheet import PageBroken, Problem
from ocrloom.image.pdf.units import user_units

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.image.pdf.contents import Handle

__all__ = ["Opened", "load_pdf"]

_FRESH: Final = 16  # pages that are read of a document before it is opened anew


class Opened:
    """A PDF in PDFium's hands."""

    def __init__(self, source: Path | bytes, password: str | None, document: Handle) -> None:
        """Takes a document.

        Args:
            source: What it was opened from.
            password: Opens it if it is encrypted.
            document: PDFium's.
        """
        self._load = partial(_load_document, source, password)
        self._units = user_units(source, password)
        self._document = document
        self._used = 0  # pages, since it was opened
        self._number = 0
        self._page: Handle = None

    @property
    def count(self) -> int:
        """Number of pages."""
        return int(pdfium.FPDF_GetPageCount(self._document))

    def page(self, number: int) -> Handle:
        """A page with its annotations and form fields made part of it.

        Raises:
            PageBroken: It cannot be loaded.
        """
        if self._number != number:
            self._forget_page()
            self._refresh()
            page = _load_page(self._document, number)
            if pdfium.FPDFPage_GetAnnotCount(page) > 0:
                # So that what is filled in a form is text like any other.
                _flatten(self._document, page)
                pdfium.FPDF_ClosePage(page)
                page = _load_page(self._document, number)
            self._page, self._number = page, number
        return self._page

    def unit(self, number: int) -> float:
        """Points of 1/72 inch in a page's unit."""
        return self._units.get(number, 1.0)

    def close(self) -> None:
        """Closes it."""
        self._forget_page()
        pdfium.FPDF_CloseDocument(self._document)

    def _forget_page(self) -> None:
        page, self._page, self._number = self._page, None, 0
        if page is not None:
            pdfium.FPDF_ClosePage(page)

    def _refresh(self) -> None:
        """Opens the document anew after some pages, as PDFium keeps all that it has parsed."""
        self._used += 1
        if self._used > _FRESH:
            document = self._load()
            if document:
                pdfium.FPDF_CloseDocument(self._document)
                self._document, self._used = document, 1


def load_pdf(source: Path | bytes, password: str | None) -> Opened | Problem:
    """Opens a PDF.

    Args:
        source: A file, or its bytes, in which PDFium reads on.
        password: Opens it if it is encrypted.

    Returns:
        The document, or what is wrong with it.
    """
    _hear_of_portfolios()
    _unsupported.clear()
    document = _load_document(source, password)
    if not document:
        return _PROBLEMS.get(pdfium.FPDF_GetLastError(), Problem.DAMAGED)
    problem = _uselessness(document)
    if problem is not None:
        pdfium.FPDF_CloseDocument(document)
        return problem
    return Opened(source, password, document)


_PROBLEMS: Final = {
    pdfium.FPDF_ERR_PASSWORD: Problem.PASSWORD,
    pdfium.FPDF_ERR_SECURITY: Problem.SECURITY,
}


def _load_document(source: Path | bytes, password: str | None) -> Handle:
    secret = None if password is None else password.encode() + b"\0"
    if isinstance(source, bytes):
        return pdfium.FPDF_LoadMemDocument64(source, len(source), secret)
    return pdfium.FPDF_LoadDocument(str(source).encode() + b"\0", secret)


def _uselessness(document: Handle) -> Problem | None:
    """Why the pages of a document are not what it is about."""
    if pdfium.FPDF_GetFormType(document) == pdfium.FORMTYPE_XFA_FULL:
        return Problem.XFA
    if pdfium.FPDF_UNSP_DOC_PORTABLECOLLECTION in _unsupported:
        return Problem.PORTFOLIO
    return None


def _hear_of_portfolios() -> None:
    """Has PDFium say, while it opens one, what it does not show."""
    global _listener
    if _listener is None:
        _listener = pdfium.UNSUPPORT_INFO(version=1)
        kind = dict(pdfium.UNSUPPORT_INFO._fields_)["FSDK_UnSupport_Handler"]
        _listener.FSDK_UnSupport_Handler = kind(lambda _, code: _unsupported.append(code))
        pdfium.FSDK_SetUnSpObjProcessHandler(_listener)


_listener: Handle = None
_unsupported: list[int] = []
"""What the document that was opened last has and PDFium does not show."""


def _load_page(document: Handle, number: int) -> Handle:
    page = pdfium.FPDF_LoadPage(document, number - 1)
    if not page:
        raise PageBroken("one that is missing or has a broken description")
    return page


def _flatten(document: Handle, page: Handle) -> None:
    """Draws annotations and fields into the page, as they look."""
    with_fields = pdfium.FPDF_GetFormType(document) != pdfium.FORMTYPE_NONE
    facts = pdfium.FPDF_FORMFILLINFO(version=2)
    fields = pdfium.FPDFDOC_InitFormFillEnvironment(document, facts) if with_fields else None
    if fields:
        # Fields without a look of their own get one, as viewers do it.
        pdfium.FORM_OnAfterLoadPage(page, fields)
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    if fields:
        pdfium.FORM_OnBeforeClosePage(page, fields)
        pdfium.FPDFDOC_ExitFormFillEnvironment(fields)
