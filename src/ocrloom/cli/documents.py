"""Libraries, and documents in them, as people name them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrLibraryUnavailable, OcrNotInLibrary, OcrOptionError
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.journal import content_digest
from ocrloom.library.intake import DIGEST, UNLIMITED
from ocrloom.library.opening import checked, is_address

if TYPE_CHECKING:
    from ocrloom.library import Document, Library

__all__ = ["existing", "find_document"]

_DIGITS: Final = 18  # of a number that a database can have


def existing(where: str) -> str:
    """The library of that name, which must be there: only ``index`` makes one.

    Raises:
        OcrLibraryUnavailable: There is no such file.
        OcrOptionError: It is no name of a library.
    """
    # `Path.exists` raises where a folder on the way cannot be looked into.
    if not is_address(checked(where)) and not os.path.exists(where):  # noqa: PTH110
        raise OcrLibraryUnavailable(
            f"{shown(where)}: no such library; check the name, or make one with `ocrloom index`"
        )
    return where


def find_document(library: Library, given: str) -> Document:
    """The document that a user means.

    Args:
        library: Where it is.
        given: Its number; the SHA-256 of its content; or a file, which may be a copy of the one
            that was read, or its former name if it is gone or has another content now.

    Raises:
        OcrNotInLibrary: There is none.
        OcrOptionError: There are several that were read from a file of that name.
    """
    if given.isascii() and given.isdecimal() and len(given) <= _DIGITS:
        try:
            return library.document(int(given)).result()
        except OcrNotInLibrary as error:
            raise _unknown(given) from error
    if DIGEST.fullmatch(given.lower()):
        found = library.find(given.lower()).result()
        if found is not None:
            return found
    path = str(Path(given).absolute())
    if os.path.isfile(path):  # noqa: PTH113  # `Path.is_file` raises where a name is too long
        digest = content_digest(Image.load(path, limits=UNLIMITED).source, limits=UNLIMITED)
        found = library.find(digest).result()
        if found is not None:
            return found
    return _by_name(library, given, path)


def _by_name(library: Library, given: str, path: str) -> Document:
    named = [each for each in library.documents() if each.source in (path, given)]
    if not named:
        raise _unknown(given)
    if len(named) > 1:
        numbers = ", ".join(str(each.id) for each in named)
        raise OcrOptionError(
            f"{shown(given)}: the documents {numbers} were all read from a file of that name; name "
            "one by its number"
        )
    return named[0]


def _unknown(given: str) -> OcrNotInLibrary:
    return OcrNotInLibrary(
        f"{shown(given)}: the library has no such document; name one by its number, its file or "
        "the SHA-256 of its content; `ocrloom library list` has them all"
    )
