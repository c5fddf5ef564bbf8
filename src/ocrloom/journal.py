"""A journal of finished pages, so that a run that was ended repeats none of them.

A page is kept under what decides its text: the content of its source, not its name, the options,
the version of ocrloom, the models, the lists of words and Tesseract's data. Pages are small files,
``v1/ab/<key>/<number>.json``, in a folder that any number of threads and processes may use at once.
A file is complete or it does not count; what is damaged counts as absent and is replaced.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ocrloom._version import __version__
from ocrloom.errors import OcrOptionError, OcrOutputError, OcrSourceUnreadable
from ocrloom.formats.json_ import encode, page_document, parse_page
from ocrloom.image.lazy import Source, go_on
from ocrloom.image.source import open_file, shown
from ocrloom.languages import Language
from ocrloom.options import Limits, OcrOptions
from ocrloom.saving import replacing
from ocrloom.tessdata.folders import has_library, installed, stamp
from ocrloom.vision.models import DETECTOR, RECOGNISER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ocrloom.image.bilevel import Bilevel
    from ocrloom.result import Page

__all__ = [
    "Entry",
    "Journal",
    "KeptPages",
    "PageKeeper",
    "content_digest",
    "document_key",
    "file_of",
    "page_in",
    "place_of",
    "sealed",
]

_LAYOUT = "v1"  # another way to keep pages gets another folder
# Options that change whether, and not what, is read; and what is said of it afterwards.
_WITHOUT_EFFECT = frozenset({"limits", "min_quality", "pages", "password", "timeout"})
_CHUNK = 4 * 1024 * 1024  # bytes between two checkpoints: some milliseconds
_FORGOTTEN = 3600.0  # seconds; writing a page takes a few milliseconds

_KEY = re.compile(r"[0-9a-f]{64}")
_HEAD, _MIDDLE, _TAIL = b'{"sha256":"', b'","page":', b"}\n"
_BODY = len(_HEAD) + 64 + len(_MIDDLE)  # where the page begins in its file


class KeptPages(Protocol):
    """The finished pages of one document read in one way."""

    def get(self, number: int) -> Page | None:
        """A page as it was put, or None; called in a worker, whose time it takes."""

    def put(self, page: Page) -> None:
        """Keeps a page; called in a worker."""


class PageKeeper(Protocol):
    """Where finished pages are kept: a `Journal`, or what does the same."""

    def entry(self, key: str) -> KeptPages:
        """The place of a document's pages, by what `document_key` gives."""


class Journal:
    """A folder of finished pages."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        """Checks the folder; it is made when the first page is kept.

        Args:
            folder: Where it is or is to be.

        Raises:
            OcrOptionError: What was given is no name.
            OcrOutputError: It cannot be a folder or cannot be written to.
        """
        if not isinstance(folder, (str, os.PathLike)):
            raise OcrOptionError(
                f"a journal must be the name of a folder, got {type(folder).__name__}"
            )
        name = os.fsdecode(folder)
        if not name:
            raise OcrOutputError("the journal's name is empty; give the name of a folder")
        # Absolute, so that a later change of the working directory does no harm.
        self.folder = Path(name).absolute()
        _check_folder(self.folder)

    def entry(self, key: str) -> Entry:
        """The place of a document's pages.

        Args:
            key: What `document_key` gave.

        Raises:
            OcrOptionError: It is no such key.
        """
        if not _KEY.fullmatch(key):
            raise OcrOptionError(
                f"a journal's key must be 64 hexadecimal digits, as document_key gives, got {key!r}"
            )
        return Entry((self.folder / place_of(key, 1)).parent, key)

    def __repr__(self) -> str:
        return f"Journal({str(self.folder)!r})"


class Entry:
    """The finished pages of one document read in one way. Made by `Journal.entry`."""

    __slots__ = ("_folder", "_key")

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key
        self._clean()

    def get(self, number: int) -> Page | None:
        """The page as it was put, or None where there is none or where it is damaged.

        Args:
            number: Place in the source, from 1.
        """
        try:
            data = self._path(number).read_bytes()
        except OSError:
            # Whatever keeps a file from being read: reading the page again is always right.
            return None
        return page_in(data, self._key, number)

    def put(self, page: Page) -> None:
        """Keeps a page, in the place of one that was kept before.

        Raises:
            OcrOutputError: It cannot be written, because the disk is full for instance.
        """
        data = file_of(page, self._key)
        target = self._path(page.number)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # Not synchronised to the disk: a killed process loses nothing that it has written, and
            # what a power failure leaves behind fails its checksum.
            with replacing(target) as file:
                file.write(data)
        except OSError as error:
            # Windows does not replace a file that another process is reading: the same page.
            if self.get(page.number) == page:
                return
            raise OcrOutputError(
                f"{shown(str(target))}: the page could not be kept: {error.strerror}; check the "
                "disk's free space and the folder's permissions, or give another journal"
            ) from error

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.json"

    def _clean(self) -> None:
        """Removes what killed processes had begun to write."""
        with suppress(OSError):
            for path in self._folder.glob("*.tmp"):
                if time.time() - path.stat().st_mtime > _FORGOTTEN:
                    path.unlink()


def place_of(key: str, number: int) -> str:
    """Where in a journal a page's file is, with slashes.

    Args:
        key: What `document_key` gave.
        number: Place in the source, from 1.
    """
    return f"{_LAYOUT}/{key[:2]}/{key}/{number}.json"


def file_of(page: Page, key: str) -> bytes:
    """The whole content of a page's file.

    Args:
        page: The page.
        key: What `document_key` gave.
    """
    return sealed(encode(page_document(page)).encode("utf-8"), key, page.number)


def page_in(data: bytes, key: str, number: int) -> Page | None:
    """The page whose file it is, or None where it is damaged.

    Args:
        data: The whole content.
        key: What `document_key` gave.
        number: Place in the source, from 1.
    """
    page = data[_BODY : -len(_TAIL)]
    if data != sealed(page, key, number):
        return None
    try:
        return parse_page(json.loads(page))
    except (ValueError, RecursionError, OcrOptionError):
        return None


def sealed(page: bytes, key: str, number: int) -> bytes:
    """A page's JSON with its checksum, which covers the place: one in a wrong place is damage."""
    checksum = hashlib.sha256(f"{key}/{number}\n".encode() + page).hexdigest().encode()
    return b"".join((_HEAD, checksum, _MIDDLE, page, _TAIL))


def document_key(digest: str, options: OcrOptions, fit: tuple[int, int] | None = None) -> str:
    """Under which key the pages of a document are kept; 64 hexadecimal digits.

    Options count unless they are known to change no text, so a new one counts by itself.

    Args:
        digest: What `content_digest` gave.
        options: How the document is read.
        fit: Width and height that its frames are scaled down to, for thumbnails.
    """
    decisive = {
        "ocrloom": __version__,
        "models": [DETECTOR.sha256, RECOGNISER.sha256],
        "data": _data(options.languages),
        "content": digest,
        "fit": fit,
        "options": {
            option.name: getattr(options, option.name)
            for option in fields(options)
            if option.name not in _WITHOUT_EFFECT
        },
    }
    text = json.dumps(decisive, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _data(languages: tuple[Language, ...]) -> list[object]:
    """What else of this installation decides what is read: lists of words, Tesseract, its data."""
    versions = []
    for package in ("wordfreq", "tesserocr"):
        try:
            versions.append(version(package))
        except PackageNotFoundError:
            versions.append("")
    wanted = installed() if languages == (Language.AUTO,) else languages
    return [versions, stamp(wanted) if has_library() else []]


def content_digest(
    source: Source, checkpoint: Callable[[], None] = go_on, limits: Limits | None = None
) -> str:
    """SHA-256 of what a source holds, whatever it is called; 64 hexadecimal digits.

    A file and its bytes have the same one. An array counts with its dtype and its shape; a PIL
    image counts as the frame it gives, which its palette, its orientation and its resolution
    belong to.

    Args:
        source: What is left of an ``ImageLike`` once it has been checked; blocks, so call it in a
            worker.
        checkpoint: Called every 4 MiB; what it raises ends the work.
        limits: Those that the source is read with; ``Limits()`` if not given.

    Raises:
        OcrSourceError: The file was there when loaded and cannot be read now.
        OcrImageError: The PIL image, loaded only now, is broken, or the source has outgrown a
            limit.
    """
    digest = hashlib.sha256()
    for part in _parts(source, checkpoint, limits or Limits()):
        checkpoint()
        digest.update(part)
    return digest.hexdigest()


def _parts(
    source: Source, checkpoint: Callable[[], None], limits: Limits
) -> Iterator[bytes | memoryview]:
    if isinstance(source, Path):
        yield from _file_parts(source, limits)
        return
    if isinstance(source, bytes):
        view = memoryview(source)
        yield from (view[start : start + _CHUNK] for start in range(0, len(view), _CHUNK))
        return
    # Here and not at the top: who has an array or a PIL image has loaded these.
    import numpy as np

    if isinstance(source, np.ndarray):
        yield from _array_parts(np.asarray(source))
        return
    from ocrloom.image.decode import open_reader

    with open_reader(source, None, limits) as reader:
        frame = reader.read(1, checkpoint)
    yield repr(frame.dpi).encode()
    yield from _array_parts(frame.pixels)


def _file_parts(path: Path, limits: Limits) -> Iterator[bytes]:
    try:
        with open_file(path, str(path), limits) as file:
            while part := file.read(_CHUNK):
                yield part
    except OSError as error:
        raise OcrSourceUnreadable(
            f"{shown(str(path))}: was there when it was loaded and cannot be read now: {error};"
            " keep the file until it has been read"
        ) from error


def _array_parts(array: NDArray[Any] | Bilevel) -> Iterator[bytes]:
    yield f"{array.dtype.str}{array.shape}".encode()
    rows = max(1, _CHUNK // max(1, array[:1].nbytes))
    for start in range(0, len(array), rows):
        # A copy of the part, because an array may lie in memory in any order.
        yield array[start : start + rows].tobytes()


def _plain(value: object) -> object:
    """What JSON can hold instead of an option's value."""
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: getattr(value, field.name)
            for field in fields(value)
            if field.name not in _WITHOUT_EFFECT
        }
    raise TypeError(f"expected options of plain data, got {type(value).__name__}")


def _check_folder(folder: Path) -> None:
    """Refuses what can be no folder, or none that may be written to, before any page is read."""
    try:
        found = next(place for place in (folder, *folder.parents) if _exists(place))
        mode = found.stat().st_mode
    except (OSError, ValueError, StopIteration) as error:
        reason = getattr(error, "strerror", None) or str(error) or "no such place"
        raise OcrOutputError(
            f"{shown(str(folder))}: cannot be a journal: {reason}; give the name of a folder"
        ) from error
    if not stat.S_ISDIR(mode):
        raise OcrOutputError(
            f"{shown(str(folder))}: expected a folder for the journal, but {shown(str(found))} is "
            "a file; give another name"
        )
    if not os.access(found, os.W_OK | os.X_OK):
        raise OcrOutputError(
            f"{shown(str(folder))}: the journal cannot be written in {shown(str(found))}; change "
            "the folder's permissions or give another one"
        )


def _exists(place: Path) -> bool:
    # Not `Path.exists`, which hides a name that no file can have.
    try:
        place.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
