"""``UserUnit``: the size of a page's unit, which PDFium does not tell. Runs in a helper."""

from __future__ import annotations

import io
import math
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pikepdf

__all__ = ["Units", "user_units"]

Units: TypeAlias = "dict[int, float]"
"""Points of 1/72 inch in a unit, by the number of the page; 1 for those that are missing."""

# Where neither stands in a file no page can have a unit: dictionaries are legible unless they are
# packed into streams of objects.
_SIGNS: Final = (b"UserUnit", b"ObjStm")
_CHUNK: Final = 1 << 20


def user_units(source: Path | bytes, password: str | None) -> Units:
    """The units of the pages that state one (ISO 32000-2, 7.7.3.3).

    Args:
        source: A PDF that PDFium opens.
        password: Opens it if it is encrypted.

    Returns:
        None of a file that is too broken to tell, which PDFium reads all the same.
    """
    units: Units = {}
    if not _may_have_units(source):
        return units
    with _opened(source, password) as pdf:
        for number, page in enumerate(pdf.pages if pdf else (), 1):
            unit = _number(page.obj.get("/UserUnit"))
            if unit is not None and math.isfinite(unit) and unit > 0 and unit != 1.0:
                units[number] = unit
    return units


@contextmanager
def _opened(source: Path | bytes, password: str | None) -> Iterator[pikepdf.Pdf | None]:
    """The file as QPDF sees it; None if it cannot, and whatever it finds broken ends the block."""
    # Here and not at the top: most scans need no second library.
    import pikepdf

    file = source if isinstance(source, Path) else io.BytesIO(source)
    try:
        pdf = pikepdf.open(file, password=password or "", suppress_warnings=True)
    except (pikepdf.PdfError, pikepdf.PasswordError):
        yield None
        return
    with pdf:
        try:
            yield pdf
        except (pikepdf.PdfError, MemoryError):
            return


def _number(value: object) -> float | None:
    try:
        return None if value is None else float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, ArithmeticError):
        return None


def _may_have_units(source: Path | bytes) -> bool:
    if isinstance(source, bytes):
        return any(sign in source for sign in _SIGNS)
    overlap = max(map(len, _SIGNS)) - 1
    last = b""
    # Not mapped into memory, of which a helper may take little.
    with source.open("rb") as file:
        while part := file.read(_CHUNK):
            piece = last + part
            if any(sign in piece for sign in _SIGNS):
                return True
            last = piece[-overlap:]
    return False
