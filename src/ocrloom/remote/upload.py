"""What is sent to a service: a file as it is, or the pixels that were given."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrOptionError, OcrServiceError, OcrSourceUnreadable
from ocrloom.image.source import file_error, open_file, shown

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from ocrloom.image import Image

__all__ = ["Upload"]

_PART: Final = 256 * 1024  # bytes that are read and sent at a time
_NAMELESS: Final = "image"


class Upload:
    """A form with a source and how to read it, sent part by part, and again if need be."""

    def __init__(self, image: Image, fields: Mapping[str, object]) -> None:
        """Makes it without reading anything.

        Args:
            image: The source.
            fields: Parts of the form besides it; what is no text is sent as JSON.

        Raises:
            OcrOptionError: The source is to be read smaller than it is.
        """
        if image.fit is not None:
            raise OcrOptionError(
                f"{shown(image.name)}: a service reads whole images, and this one is to be read as"
                " a thumbnail; give the image itself"
            )
        self._image: Image | None = image
        self._title = image.name or _NAMELESS
        self._source: Path | bytes | None = None
        self._limits = image.limits
        self._size = 0
        self._whole = False
        self._boundary = secrets.token_hex(16)
        self._head = _head(self._boundary, fields, image.name)
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()
        self.owed = 0
        """How often all of it was given to the connection and nothing was heard since: the service
        may have it."""
        self.cut = False
        """Whether the last attempt has begun, and not all of it was given to the connection."""

    async def prepare(self) -> None:
        """Makes pixels a file, and looks how large it is; once, before it is sent.

        Raises:
            OcrException: The source cannot be read.
        """
        if self._image is None:
            raise OcrServiceError("a source is sent only once")
        self._source = await asyncio.to_thread(_file_of, self._image)
        if isinstance(self._source, bytes):
            self._size = len(self._source)
        else:
            try:
                self._size = self._source.stat().st_size
            except OSError as error:
                raise file_error(error, self._title) from error

    @property
    def headers(self) -> dict[str, str]:
        """Those of the request that is about its body."""
        size = len(self._head) + self._size + len(self._tail)
        return {
            "Content-Type": f"multipart/form-data; boundary={self._boundary}",
            "Content-Length": str(size),
        }

    @property
    def size(self) -> int:
        """Bytes of the source; 0 before it is prepared."""
        return self._size

    def parts(self) -> AsyncGenerator[bytes]:
        """The body of the request, for one more attempt.

        Raises:
            OcrSourceError: The file cannot be read, or is not what it was.
        """
        # Here and not with the first part, which is never asked for where there is no connection.
        self.cut = self._whole = False
        return self._parts()

    def refused(self) -> None:
        """Notes that the service has said that it does not take what was given last."""
        self.owed -= self._whole
        self._whole = False

    def forget(self) -> None:
        """Lets go of the source, which errors would hold with the frames that they passed."""
        self._source = b""
        self._image = None

    async def _parts(self) -> AsyncGenerator[bytes]:
        self.cut = True
        yield self._head
        if isinstance(self._source, bytes):
            for begin in range(0, self._size, _PART):
                yield self._source[begin : begin + _PART]
        elif self._source is not None:
            async with aclosing(self._file_parts(self._source)) as parts:
                async for part in parts:
                    yield part
        self.cut, self._whole = False, True
        self.owed += 1
        yield self._tail

    async def _file_parts(self, path: Path) -> AsyncGenerator[bytes]:
        left = self._size
        try:
            file = await asyncio.to_thread(open_file, path, self._title, self._limits)
            with file:
                while left and (part := await asyncio.to_thread(file.read, min(left, _PART))):
                    left -= len(part)
                    yield part
        except OSError as error:
            raise file_error(error, self._title) from error
        if left:
            raise OcrSourceUnreadable(
                f"{shown(self._title)}: became shorter while it was sent; wait until it is written"
            )


def _head(boundary: str, fields: Mapping[str, object], name: str | None) -> bytes:
    """What comes before the file."""
    parts = []
    for field, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'
        )
    # Never a path: how a caller's folders are called is nobody's business.
    last = Path(name).name if name else _NAMELESS
    quoted = "".join(_ESCAPES.get(mark, mark) for mark in last)
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quoted}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return "".join(parts).encode("utf-8", "replace")


# As browsers write names that would end the line, or the quotes.
_ESCAPES: Final = {'"': "%22", "\r": "%0D", "\n": "%0A", "\\": "_"}


def _file_of(image: Image) -> Path | bytes:
    """A file, or what is one in memory."""
    source: Any = image.source
    if isinstance(source, (Path, bytes)):
        return source
    # Here and not at the top: files need no NumPy.
    import numpy as np

    from ocrloom.remote.tiff import tiff_of

    with image.open() as reader:
        frame = reader.read(1)
    return tiff_of(np.asarray(frame.pixels), frame.dpi)
