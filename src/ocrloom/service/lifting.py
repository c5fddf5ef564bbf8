"""A file within JSON, taken out while the JSON comes, so that neither is ever in memory as a whole.

What remains is a small document with an empty string in the file's place, for `json` to read. What
is no JSON is found then: here it matters only where strings and members begin and end.
"""

from __future__ import annotations

import binascii
import json
import re
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Lifter"]

_MEMBER: Final = "data"
_MOST: Final = 256 << 10  # bytes of what remains
_MARKS: Final = re.compile(rb'["{}\[\],:]')
_DEEP_MARKS: Final = re.compile(rb'["{}\[\]]')
_ENDS: Final = re.compile(rb'["\\]')
_ESCAPE: Final = 6  # bytes of the longest escape, which is \u and four digits
_SPACE: Final = b" \t\r\n"
_USUAL: Final = bytes.maketrans(b"-_", b"+/")
_GROUP: Final = 4  # characters that stand for three bytes


class Lifter:
    """Takes the value of the member ``data`` out of an object of JSON, and decodes its base64."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Begins.

        Args:
            write: Given the bytes of the file, part by part.
        """
        self.rest = bytearray()
        """The JSON without the file."""
        self.found = False
        """Whether there was a string in its place."""
        self._base64 = _Base64(write)
        self._state = self._outside
        self._depth = 0
        self._is_object = False
        self._at_name = False
        self._name: str | None = None
        self._begin = 0
        self._escaped = False
        self._carried = b""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes.

        Raises:
            OcrRequestError: The file is not in base64, there are two, or too much else.
        """
        at = 0
        while at < len(data):
            at = self._state(data, at)
            if len(self.rest) > _MOST:
                raise OcrRequestError(
                    f"expected at most {_MOST} bytes of JSON besides the member data, got more;"
                    " send the file in that member, or as multipart/form-data"
                )

    def end(self) -> None:
        """Takes note that this was all.

        Raises:
            OcrRequestError: The file is not in base64.
        """
        self._base64.end()

    def _outside(self, data: bytes, at: int) -> int:
        mark = (_MARKS if self._depth == 1 else _DEEP_MARKS).search(data, at)
        if mark is None:
            self.rest += data[at:]
            return len(data)
        character = mark.group()
        self.rest += data[at : mark.end()]
        if character == b'"':
            self._begin_string()
        elif character in b"{[":
            self._depth += 1
            if self._depth == 1:
                self._is_object = self._at_name = character == b"{"
        elif character in b"}]":
            self._depth -= 1
        elif self._depth == 1:
            self._at_name = self._is_object and character == b","
        return mark.end()

    def _begin_string(self) -> None:
        if self._depth == 1 and not self._at_name and self._name == _MEMBER:
            if self.found:
                raise OcrRequestError("expected the member data once, got it again; send it once")
            self.found = True
            self._state = self._file
        else:
            self._begin = len(self.rest) - 1
            self._state = self._inside

    def _inside(self, data: bytes, at: int) -> int:
        if self._escaped:
            self._escaped = False
            self.rest += data[at : at + 1]
            return at + 1
        mark = _ENDS.search(data, at)
        if mark is None:
            self.rest += data[at:]
            return len(data)
        self.rest += data[at : mark.end()]
        if mark.group() == b"\\":
            self._escaped = True
        else:
            self._state = self._outside
            if self._depth == 1 and self._at_name:
                self._name = _text(bytes(self.rest[self._begin :]))
        return mark.end()

    def _file(self, data: bytes, at: int) -> int:
        end = data.find(b'"', at)
        part = self._carried + (data[at:] if end < 0 else data[at:end])
        self._carried = b""
        if end < 0 and (escape := part.rfind(b"\\", max(0, len(part) - _ESCAPE + 1))) >= 0:
            part, self._carried = part[:escape], part[escape:]
        if b"\\" in part:
            text = _text(b'"' + part + b'"')
            part = b"!" if text is None else text.encode("ascii", "replace")
        self._base64.feed(part)
        if end < 0:
            return len(data)
        self.rest += b'"'
        self._name = None
        self._state = self._outside
        return end + 1


def _text(string: bytes) -> str | None:
    """What a string of JSON stands for; None if it is none."""
    try:
        text = json.loads(string)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


class _Base64:
    """Decodes base64 of either alphabet, with or without line breaks and padding at its end."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._carried = b""
        self._padded = False

    def feed(self, text: bytes) -> None:
        text = self._carried + text.translate(_USUAL, _SPACE)
        whole = len(text) - len(text) % _GROUP
        self._carried = text[whole:]
        self._decode(text[:whole])

    def end(self) -> None:
        if self._carried:
            self._decode(self._carried + b"=" * (_GROUP - len(self._carried)))

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            if self._padded:
                raise binascii.Error
            decoded = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raise OcrRequestError(
                "expected base64 in the member data, got something else; encode the file's bytes"
            ) from None
        self._padded = text.endswith(b"=")
        self._write(decoded)
