"""Forms with a file, taken apart while they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ocrloom.errors import OcrRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALLOWANCE", "Form"]

_FILE: Final = "file"
_MOST_PARTS: Final = 50
_LONGEST_PART: Final = 64 << 10  # bytes of one that is no file

ALLOWANCE: Final = _MOST_PARTS * (_LONGEST_PART + (16 << 10))
"""Bytes that a form may have besides its file: other parts, and the headers of all."""


class Form:
    """Takes a form of ``multipart/form-data`` apart."""

    def __init__(self, boundary: bytes, write: Callable[[bytes], None]) -> None:
        """Begins.

        Args:
            boundary: What stands between the parts.
            write: Given the bytes of the file, part by part.

        Raises:
            OcrRequestError: The boundary cannot be one.
        """
        self.fields: dict[str, str] = {}
        """The parts that are no file, by their names."""
        self.file_name: str | None = None
        """What the caller calls the file."""
        self.media = ""
        """The media type that the caller gives it."""
        self.found = False
        """Whether there was a file."""
        self._write = write
        self._ended = False
        self._header: list[bytes] = []
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._text = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_part,
                    "on_header_begin": self._header_begin,
                    "on_header_value": self._value_part,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._named,
                    "on_part_data": self._data,
                    "on_part_end": self._part_end,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed() from error

    def feed(self, data: bytes) -> None:
        """Takes the next bytes.

        Raises:
            OcrRequestError: They belong to no form, or to one with too much in it.
        """
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _malformed() from error

    def end(self) -> None:
        """Takes note that this was all.

        Raises:
            OcrRequestError: It was cut short, or had no file.
        """
        if not self._ended:
            raise _malformed()
        if not self.found:
            raise OcrRequestError(
                f"expected a part called {_FILE} with the file, got none; with curl it is"
                f" -F {_FILE}=@scan.png"
            )

    def _begin(self) -> None:
        self._headers = {}
        self._text = bytearray()

    def _header_begin(self) -> None:
        self._header = [b"", b""]

    def _header_part(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _value_part(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header[0].lower()] = self._header[1]

    def _named(self) -> None:
        disposition, named = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in named:
            raise _malformed()
        self._name = _decoded(named[b"name"])
        if self._name != _FILE:
            if self._name in self.fields or b"filename" in named:
                raise OcrRequestError(
                    f"expected one file in a part called {_FILE}, and every other part once, got"
                    " another one; send each file as a job of its own"
                )
            if len(self.fields) >= _MOST_PARTS:
                raise OcrRequestError(f"expected at most {_MOST_PARTS} parts, got more")
            return
        if self.found:
            raise OcrRequestError("expected one file, got several; send each as a job of its own")
        self.found = True
        self.file_name = _decoded(named.get(b"filename", b""), "replace") or None
        self.media = self._headers.get(b"content-type", b"").decode("latin-1")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == _FILE:
            self._write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _LONGEST_PART:
            raise OcrRequestError(
                f"expected at most {_LONGEST_PART} bytes in a part that is no file, got more"
            )

    def _part_end(self) -> None:
        if self._name != _FILE:
            self.fields[self._name] = _decoded(bytes(self._text))

    def _end(self) -> None:
        self._ended = True


def _decoded(data: bytes, errors: str = "strict") -> str:
    try:
        return data.decode("utf-8", errors)
    except UnicodeDecodeError as error:
        raise OcrRequestError("expected text in UTF-8, got other bytes; encode it so") from error


def _malformed() -> OcrRequestError:
    return OcrRequestError(
        "expected a whole form of the type multipart/form-data with the boundary that its header"
        " names, got something else; have a library or curl -F write it"
    )
