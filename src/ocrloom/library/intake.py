"""What a library stores: what was read of a source, and where the source is."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOptionError, OcrSourceError
from ocrloom.formats.json_ import encode, page_document
from ocrloom.image import Image
from ocrloom.journal import content_digest
from ocrloom.library.documents import Description
from ocrloom.library.keeping import keep, path_of
from ocrloom.library.pack import packed
from ocrloom.library.storage.rows import NewDocument
from ocrloom.locations import is_location
from ocrloom.options import Limits
from ocrloom.result import OcrResult

if TYPE_CHECKING:
    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.documents import Document
    from ocrloom.library.storage.base import Store

__all__ = [
    "DIGEST",
    "UNLIMITED",
    "Intake",
    "Return",
    "check_description",
    "check_digest",
]

DIGEST: Final = re.compile("[0-9a-f]{64}")
"""SHA-256 of a source's content, as `ocrloom.journal.content_digest` gives it."""
# What was read is not decoded here; what it may claim was decided when it was.
UNLIMITED: Final = Limits(max_pixels=1 << 62, max_frames=1 << 62, max_bytes=1 << 62)


class Intake:
    """A result, and all that a library stores with it."""

    def __init__(
        self,
        result: OcrResult,
        source: ImageLike | None,
        description: Description | None,
        digest: str | None,
        keep: Path | None,
        *,
        unless_there: bool = False,
        merging: bool = False,
    ) -> None:
        """Takes what `Library.add` was given.

        Args:
            result: See there; so for the next three.
            source: What was read.
            description: What is said of it.
            digest: Of the source's content.
            keep: Folder for copies, if there is one.
            unless_there: Whether a document of this content stays as it is, if there is one.
            merging: Whether what the description does not say stays as it is.

        Raises:
            OcrOptionError: Some of it is of another type.
            OcrSourceError: The source is missing, or cannot be read.
        """
        if not isinstance(result, OcrResult):
            raise OcrOptionError(f"a library takes an OcrResult, got {type(result).__name__}")
        if digest is not None:
            check_digest(digest)
        check_description("description", description)
        self._result = result
        # Now, as a file object may be closed when the writer's turn comes.
        self._image = None if source is None else Image.load(source, limits=UNLIMITED)
        self._description = description
        self._digest = digest
        self._keep = keep
        self._unless_there = unless_there
        self._merging = merging

    def store(self, store: Store) -> Document:
        """Stores it, in the thread that writes.

        Raises:
            OcrException: It could not be; at most a copy of its source was left.
        """
        result, image = self._result, self._image
        if image is None and self._digest is None:
            image = _file_of(result)
        if self._digest is not None:
            digest = self._digest
        elif image is not None:
            digest = content_digest(image.source, limits=image.limits)
        else:
            digest = _own_digest(result)
        before = store.find(digest)
        document = store.put(
            NewDocument(
                digest=digest,
                source=result.source if image is None else image.place,
                description=self._said(before),
                pages=map(packed, result.pages),
                failures=result.failures,
                kept=self._kept(before, image, digest),
                unless_there=self._unless_there,
            )
        )
        if self._keep is not None and image is not None and path_of(document, self._keep) is None:
            # Another process has removed the document, and the copy with it, in between.
            keep(image, digest, self._keep)
        return document

    def _said(self, before: Document | None) -> Description | None:
        said = self._description
        if said is None or before is None or not self._merging:
            return said
        return said.over(before.description)

    def _kept(self, before: Document | None, image: Image | None, digest: str) -> str | None:
        if self._keep is not None and image is not None:
            return keep(image, digest, self._keep)
        return None if before is None else before.kept


class Return:
    """A source whose content the library has already, and what is to be noted of it."""

    def __init__(self, document: Document, image: Image, folder: Path | None) -> None:
        """Compares the source with what the library has; blocks for a moment.

        Args:
            document: What the library has.
            image: The source.
            folder: For copies, if there is one.
        """
        self._document = document
        self._image = image
        self._folder = folder
        self._lacks_copy = folder is not None and path_of(document, folder) is None
        name = document.source
        # `Path.exists` raises where a folder on the way cannot be looked into.
        is_lost = name is None or not (os.path.isabs(name) and os.path.exists(name))  # noqa: PTH110, PTH117
        # Whether what is elsewhere is still there is not asked.
        self._has_moved = isinstance(image.source, Path) and is_lost and not is_location(name)

    @property
    def is_news(self) -> bool:
        """Whether there is anything to be noted."""
        return self._lacks_copy or self._has_moved

    def store(self, store: Store) -> Document:
        """Notes where the file is, if the one that was read is gone, and makes a lacking copy.

        Raises:
            OcrException: The copy could not be made, or the document is gone.
        """
        document, kept = self._document, self._document.kept
        if self._folder is not None and self._lacks_copy:
            kept = keep(self._image, document.digest, self._folder)
        source = self._image.place if self._has_moved else document.source
        return store.place(document.id, source, kept)


def check_digest(given: object) -> None:
    """Refuses what is no digest.

    Raises:
        OcrOptionError: It is none.
    """
    if not isinstance(given, str) or not DIGEST.fullmatch(given):
        raise OcrOptionError(
            f"digest must be 64 hexadecimal digits, as content_digest gives, got {given!r:.80}"
        )


def check_description(name: str, given: object) -> None:
    """Refuses what is no description.

    Raises:
        OcrOptionError: It is neither that nor None.
    """
    if given is not None and not isinstance(given, Description):
        raise OcrOptionError(f"{name} must be a Description or None, got {type(given).__name__}")


def _file_of(result: OcrResult) -> Image | None:
    """The file that a result names, if it is there."""
    if result.source is None:
        return None
    try:
        return Image.load(result.source, limits=UNLIMITED)
    except OcrSourceError:
        return None


def _own_digest(result: OcrResult) -> str:
    """Stands for the content of a source that is not at hand."""
    digest = hashlib.sha256(b"ocrloom result\n")
    for page in result.pages:
        digest.update(encode(page_document(page)).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
