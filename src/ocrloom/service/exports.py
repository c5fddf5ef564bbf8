"""Results in every format, as answers."""

from __future__ import annotations

import asyncio
import io
import re
import time
import unicodedata
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi import Response

from ocrloom.errors import OcrNotInLibrary, OcrOptionError, OcrOutputError, OcrRequestError
from ocrloom.formats import FORMATS, format_named

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ocrloom.formats import Format
    from ocrloom.image import Image
    from ocrloom.result import OcrResult
    from ocrloom.service.metrics import Metrics

__all__ = ["CONTENT", "NAMES", "chosen", "export"]

NAMES: Final = (*FORMATS, "pdfa")
"""What ``?format=`` takes."""

CONTENT: Final[dict[str, Any]] = {
    form.media_type.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
    for form in FORMATS.values()
    if form.name != "json"
} | {
    "application/json": {"schema": {"type": "object"}},
    "application/zip": {"schema": {"type": "string", "format": "binary"}},
}
"""What a result may be, for OpenAPI."""

_ARCHIVAL: Final = "pdfa"
_THREADS: Final = ThreadPoolExecutor(4, "ocrloom-export")


def chosen(name: str | None, accept: str | None) -> str:
    """The name of the format that is asked for; JSON where nothing says otherwise.

    Args:
        name: What ``?format=`` says.
        accept: The header of that name.

    Raises:
        OcrOptionError: There is no format of that name.
    """
    if name is not None:
        if name not in NAMES:
            raise OcrOptionError(f"format must be one of {', '.join(NAMES)}")
        return name
    wanted = [part.partition(";")[0].strip() for part in (accept or "").split(",")]
    known = {form.media_type.partition(";")[0]: form.name for form in FORMATS.values()}
    return next((known[each] for each in wanted if each in known), "json")


async def export(
    result: OcrResult,
    name: str,
    source: Callable[[], Awaitable[Image]],
    metrics: Metrics,
    *,
    page: int | None = None,
) -> Response:
    """A result in a format, as a file to be kept.

    Args:
        result: What was read.
        name: What `chosen` gave.
        source: Gets what it was read from, for formats that show it.
        metrics: Told how long it takes.
        page: Of this page alone.

    Raises:
        OcrNotInLibrary: There is no such page.
        OcrRequestError: The format cannot hold this result.
        OcrException: What is to be shown cannot be had.
    """
    if page is not None:
        pages = tuple(each for each in result.pages if each.number == page)
        if not pages:
            raise OcrNotInLibrary(f"page {page} was not read; leave page out to have all")
        result = replace(result, pages=pages, failures=())
    form = format_named("pdf" if name == _ARCHIVAL else name)
    shown = await source() if form.needs_source else None
    making = partial(_made, result, form, shown, archival=name == _ARCHIVAL)
    begun = time.monotonic()
    body, media = await asyncio.get_running_loop().run_in_executor(_THREADS, making)
    metrics.export(time.monotonic() - begun)
    return Response(body, media_type=media, headers=_headers(result, form, media))


def _made(
    result: OcrResult, form: Format, source: Image | None, *, archival: bool
) -> tuple[bytes, str]:
    try:
        if archival and source is not None:
            return _archive(result, source), form.media_type
        files = list(form.files(result))
        if len(files) == 1:
            return form.encode(result, source), form.media_type
        return _zipped(files, form, source), "application/zip"
    except OcrOutputError as error:
        # Another format can, so it is for the caller to mend.
        raise OcrRequestError(str(error)) from error


def _zipped(files: list[tuple[str, OcrResult]], form: Format, source: Image | None) -> bytes:
    """One file for each page, of a format that holds no more."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for mark, part in files:
            archive.writestr(f"page{mark}{form.suffix}", form.encode(part, source))
    return made.getvalue()


def _archive(result: OcrResult, source: Image) -> bytes:
    # Here and not at the top: few ask for it, and it brings large libraries.
    from ocrloom.pdf import PdfWriter

    with PdfWriter(archival=True) as writer:
        writer.begin(source)
        for page in result.pages:
            writer.add(page)
        return writer.make().read_bytes()


def _headers(result: OcrResult, form: Format, media: str) -> dict[str, str]:
    stem = re.sub(r"\.\w{1,5}$", "", result.source or "") or "result"
    ending = ".zip" if media == "application/zip" else form.suffix
    # A name of letters and digits for old clients, and the real one percent-encoded.
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w .-]", "_", plain).strip(" .") or "result"
    full = quote(f"{stem}{ending}".encode("utf-8", "replace"), safe="")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}{ending}\"; filename*=UTF-8''{full}"
    }
