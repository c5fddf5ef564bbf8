"""Copies of sources in a folder, so that hits can be shown when the files are gone.

A copy is named by the content of its source, ``ab/<digest>.tif``, and is whole or not there. It is
written before the database is told of it and removed after, so what a killed process leaves is a
copy too much and never one too few.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.errors import (
    OcrLibraryError,
    OcrLibraryFull,
    OcrNotInLibrary,
    OcrOptionError,
    OcrSourceError,
    OcrSourceUnreadable,
)
from ocrloom.image import Image
from ocrloom.image.formats import HEAD_SIZE, Format, sniff
from ocrloom.image.lazy import go_on
from ocrloom.image.source import file_error, shown
from ocrloom.journal import content_digest
from ocrloom.saving import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import BinaryIO

    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.documents import Document
    from ocrloom.library.storage.base import Store

__all__ = ["check", "checked_folder", "clean", "forget", "keep", "path_of", "source_of"]

_NAME: Final = re.compile(r"([0-9a-f]{2})/\1[0-9a-f]{62}\.[a-z0-9]{2,4}")
_SUFFIXES: Final = {
    Format.TIFF: ".tif",
    Format.PNG: ".png",
    Format.JPEG: ".jpg",
    Format.WEBP: ".webp",
    Format.BMP: ".bmp",
    Format.GIF: ".gif",
    Format.JPEG2000: ".jp2",
    Format.PNM: ".pnm",
    Format.PDF: ".pdf",
}
_CHUNK: Final = 4 * 1024 * 1024  # bytes between two checkpoints: some milliseconds
_YOUNG: Final = 3600.0  # seconds; what is younger may be of a document that is being stored
_ADVICE: Final = (
    "put back what was read, or index it again with a folder for copies (keep=, --keep); Python "
    "takes it as source=, too"
)
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def checked_folder(given: str | os.PathLike[str] | None) -> Path | None:
    """The absolute path of the folder for copies that a user has given; it need not be there.

    Raises:
        OcrOptionError: It is no name of a folder.
    """
    if given is None:
        return None
    if not isinstance(given, (str, os.PathLike)):
        raise OcrOptionError(
            f"keep must be the name of a folder or None, got {type(given).__name__}"
        )
    name = os.fsdecode(given)
    if not name or "\0" in name or os.path.isfile(name):  # noqa: PTH113  # `Path.is_file` raises
        raise OcrOptionError(
            f"keep must be the name of a folder for copies, got {name!r}; give one that is there "
            "or can be made"
        )
    return Path(name).absolute()


def keep(image: Image, digest: str, folder: Path, checkpoint: Callable[[], None] = go_on) -> str:
    """Copies a source; a file and its bytes as they are, pixels as a picture without loss.

    Args:
        image: The source; blocks, so call it in a worker.
        digest: What ``content_digest`` gave for it.
        folder: For the copies of one library, absolute; it is made for the first of them.
        checkpoint: Called every 4 MiB; what it raises ends the work.

    Returns:
        What the copy is called in the folder.

    Raises:
        OcrLibraryFull: The disk has no room for it.
        OcrLibraryError: The folder cannot be written to.
        OcrSourceUnreadable: The file has changed since, or cannot be read any more.
        OcrImageError: The PIL image is broken.
    """
    source = image.source
    if isinstance(source, Path):
        return _keep_file(source, image.name, digest, folder, checkpoint)
    return _keep_bytes(source if isinstance(source, bytes) else _encoded(image), digest, folder)


def path_of(document: Document, folder: Path) -> Path | None:
    """The copy of a document's source, if there is one."""
    return _copy(document.kept, folder)


def source_of(document: Document, folder: Path | None, given: ImageLike | None = None) -> Image:
    """What a document was read from, unchanged; blocks, so call it in a worker.

    Args:
        document: As the library has it.
        folder: Of the library's copies, if it has one.
        given: What a user says that it is; by default the copy, or the file where it was.

    Raises:
        OcrNotInLibrary: There is neither a copy nor the file any more, or it was changed.
        OcrSourceError: What was given cannot be read.
    """
    if given is not None:
        return _unchanged(Image.load(given), document, "what was given as its source")
    copy = None if folder is None else path_of(document, folder)
    if copy is not None:
        # A picture of pixels has another content than they, so there is nothing to compare.
        return Image.load(copy)
    name = document.source
    if name is None or not Path(name).is_absolute():
        raise OcrNotInLibrary(
            f"{shown(document.name)}: was read from no file, and the library has no copy of it; "
            f"{_ADVICE}"
        )
    try:
        image = Image.load(name)
    except OcrSourceError as error:
        raise OcrNotInLibrary(
            f"{shown(name)}: the file of document {document.id} cannot be shown any more, and the "
            f"library has no copy of it: {error}; {_ADVICE}"
        ) from error
    return _unchanged(image, document, shown(name))


def _unchanged(image: Image, document: Document, what: str) -> Image:
    if content_digest(image.source, limits=image.limits) != document.digest:
        raise OcrNotInLibrary(
            f"{what}: expected what document {document.id} was read from, found another content; "
            f"{_ADVICE}"
        )
    return image


def forget(document: Document, folder: Path) -> None:
    """Removes the copy of a document's source, if there is one.

    Raises:
        OcrLibraryError: It cannot be removed.
    """
    path = _path(document.kept, folder)
    if path is not None:
        _unlink(path)


def check(store: Store, folder: Path) -> list[str]:
    """What is wrong with the copies of a library, a sentence each."""
    names = _names(store)
    found = [
        f"{shown(str(folder / name))}: the copy of a source is gone; index the source anew"
        for name in names
        if _copy(name, folder) is None
    ]
    found += [
        f"{shown(str(folder / name))}: a copy that belongs to no document; remove it, as "
        "`ocrloom library check --remove-orphans` does"
        for name in _orphans(names, folder)
    ]
    return found


def clean(store: Store, folder: Path) -> list[Path]:
    """Removes copies that belong to no document, but for those of the last hour.

    Returns:
        What was removed.

    Raises:
        OcrLibraryError: One cannot be removed.
    """
    orphans = [folder / name for name in _orphans(_names(store), folder)]
    for path in orphans:
        _unlink(path)
    return orphans


def _names(store: Store) -> set[str]:
    """Those of all copies that documents have."""
    names: set[str] = set()
    last = 0
    with store.reading():
        while numbers := store.numbers(last):
            documents = store.documents(numbers).values()
            names.update(each.kept for each in documents if each.kept is not None)
            last = numbers[-1]
    return names


def _orphans(names: Collection[str], folder: Path) -> Iterator[str]:
    oldest = time.time() - _YOUNG
    for path in sorted(folder.glob("[0-9a-f][0-9a-f]/*")):
        name = path.relative_to(folder).as_posix()
        # What is called otherwise is somebody else's.
        if name not in names and (_NAME.fullmatch(name) or path.name.startswith(".ocrloom-")):
            with suppress(OSError):
                if path.stat().st_mtime < oldest:
                    yield name


def _path(name: str | None, folder: Path) -> Path | None:
    # A database may say anything, and the path must stay within the folder.
    return folder / name if name is not None and _NAME.fullmatch(name) else None


def _copy(name: str | None, folder: Path) -> Path | None:
    """The copy of that name, if there is one."""
    path = _path(name, folder)
    # `Path.is_file` raises where a folder on the way cannot be looked into.
    return path if path is not None and os.path.isfile(path) else None  # noqa: PTH113


def _keep_file(
    source: Path, name: str | None, digest: str, folder: Path, checkpoint: Callable[[], None]
) -> str:
    try:
        with source.open("rb") as file:
            head = file.read(HEAD_SIZE)
            file.seek(0)
            place = f"{digest[:2]}/{digest}{_SUFFIXES[sniff(head, name)]}"
            if not _is_there(folder / place, os.fstat(file.fileno()).st_size):
                _write(folder / place, _parts(file, digest, checkpoint))
    except OSError as error:
        raise file_error(error, name or str(source)) from error
    return place


def _parts(source: BinaryIO, digest: str, checkpoint: Callable[[], None]) -> Iterator[bytes]:
    """A file's content, which must be that of the digest."""
    found = hashlib.sha256()
    while part := _read(source):
        checkpoint()
        found.update(part)
        yield part
    if found.hexdigest() != digest:
        raise OcrSourceUnreadable(
            f"{shown(source.name)}: has changed since it was read; index it again when nothing "
            "writes to it any more"
        )


def _keep_bytes(data: bytes, digest: str, folder: Path) -> str:
    name = f"{digest[:2]}/{digest}{_SUFFIXES[sniff(data[:HEAD_SIZE], None)]}"
    if not _is_there(folder / name, len(data)):
        _write(folder / name, (data,))
    return name


def _is_there(path: Path, size: int) -> bool:
    """Whether there is such a copy already; its name tells its content.

    It is as new as if it had just been made, so that nobody takes it for one that was left behind.
    """
    try:
        if path.stat().st_size != size:
            return False
        os.utime(path)
    except OSError:
        return False
    return True


def _write(path: Path, parts: Iterable[bytes]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            for part in parts:
                file.write(part)
            # On the disk before the database says that it is there.
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _refused(path, error) from error


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        raise file_error(error, source.name) from error


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from error
    # The folder of its first digits, where it was the last one there.
    with suppress(OSError):
        path.parent.rmdir()


def _encoded(image: Image) -> bytes:
    # Here and not at the top: few libraries are made of pixels.
    from ocrloom.pdf.images import encode

    with image.open() as reader:
        frame = reader.read(1)
    return encode(frame.pixels, dpi=frame.dpi)


def _refused(path: Path, error: OSError) -> OcrLibraryError:
    where = shown(str(path))
    if error.errno in _NO_ROOM:
        return OcrLibraryFull(
            f"{where}: the disk has no room for the copy of a source; make room, or keep the "
            "copies in another folder"
        )
    return OcrLibraryError(
        f"{where}: the copy of a source cannot be written or removed: {error.strerror}; check the "
        "permissions of the folder for copies and its disk"
    )
