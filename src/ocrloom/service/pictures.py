"""Pictures of pages, as browsers show them."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from ocrloom.errors import OcrNotInLibrary, OcrServiceBusy

if TYPE_CHECKING:
    from starlette.requests import Request

    from ocrloom.image import Image
    from ocrloom.service.keys import Caller

__all__ = ["WIDEST", "page_image"]

WIDEST: Final = 4000
"""Pixels of a picture that may be asked for."""

_QUALITY: Final = 85  # of JPEG: letters have no halos at the size of a screen
# Few at a time, as these pages are decoded beside the budget of those that are read.
_THREADS: Final = ThreadPoolExecutor(2, "ocrloom-picture")
_MOST: Final = 32  # pictures that one caller may wait for: a page asks for some at a time
_waiting: Final = Counter[str]()  # by owner


async def page_image(
    image: Image, number: int, width: int, *, caller: Caller, request: Request
) -> tuple[bytes, str]:
    """A page as a viewer shows it, so that the polygons of its words fit when they are scaled.

    Args:
        image: What was read.
        number: Place of the page in it, from 1.
        width: Pixels that it is made smaller to, where it has more; its height likewise.
        caller: Who asks.
        request: Which, where the caller leaves before its turn, is for nothing.

    Returns:
        The picture and its media type: JPEG, or PNG for black and white.

    Raises:
        OcrNotInLibrary: There is no such page.
        OcrServiceBusy: The caller waits for too many.
        OcrException: It cannot be decoded.
        HTTPException: The caller has left.
    """
    if _waiting[caller.owner] >= _MOST:
        raise OcrServiceBusy(
            f"this key waits for as many pictures as it may: {_MOST}; ask for some at a time"
        )
    _waiting[caller.owner] += 1
    made = asyncio.get_running_loop().run_in_executor(_THREADS, _page_image, image, number, width)
    left = asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait((made, left), return_when=asyncio.FIRST_COMPLETED)
        if not made.done():
            left.result()
            raise HTTPException(499, "the caller has left")
        return made.result()
    finally:
        made.cancel()
        left.cancel()
        _waiting[caller.owner] -= 1
        if not _waiting[caller.owner]:
            del _waiting[caller.owner]


async def _leaving(request: Request) -> None:
    """Waits until the caller has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _page_image(image: Image, number: int, width: int) -> tuple[bytes, str]:
    # Here and not at the top, as the server starts without them.
    import numpy as np
    import PIL.Image

    with image.thumbnail((width, 2 * width)).open() as reader:
        if not 1 <= number <= reader.count:
            raise OcrNotInLibrary(f"there is no page {number}; the pages are 1 to {reader.count}")
        picture = PIL.Image.fromarray(np.asarray(reader.read(number).pixels))
    made = io.BytesIO()
    # What is drawn in few grey values PNG keeps sharp and small; photographs it does not.
    if picture.mode == "L" and len(picture.getcolors(256) or ()) <= 16:
        picture.save(made, "PNG")
        return made.getvalue(), "image/png"
    picture.save(made, "JPEG", quality=_QUALITY)
    return made.getvalue(), "image/jpeg"
