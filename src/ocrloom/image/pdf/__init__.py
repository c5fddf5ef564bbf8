"""Pages of PDFs: drawn as a viewer shows them, and the text that they hold themselves.

PDFium is not safe to use from threads, and a file of a kilobyte may take gigabytes, hours or the
process. So it runs in helper processes alone, see `ocrloom.image.pdf.helper`; what is decided
about a page is decided outside, by pure functions of what the helper has found.
"""

from __future__ import annotations

from ocrloom.image.pdf.reader import PdfReader, open_pdf

__all__ = ["PdfReader", "open_pdf"]
