"""Sources on their way to readers."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ocrloom.errors import OcrException, OcrSourceUnreadable
from ocrloom.image import Image
from ocrloom.image.source import file_error, open_file, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ocrloom.image.lazy import Source
    from ocrloom.options import Limits, OcrOptions

__all__ = ["NotHere", "Parcel", "Shipped"]

_Stamp: TypeAlias = tuple[int, int]
"""Size and time of the last change, in nanoseconds."""


class NotHere(Exception):
    """A file is not on this machine, or is another one here."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was put where every machine of the cluster can get it."""

    content: Awaitable[Source]
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A source, and how to read it. Can be pickled."""

    id: str
    """Tells it from all others, so that what was fetched once is not fetched for each slice."""
    source: Source | Shipped | str
    """What `Image.source` is, where it was put, or a location such as ``s3://bucket/scan.tif``."""
    name: str | None
    """For results and messages."""
    options: OcrOptions
    """How to read it."""
    limits: Limits
    """What it may claim."""
    fit: tuple[int, int] | None = None
    """See `Image.thumbnail`."""
    stamp: _Stamp | None = None
    """What a file was like when it was given."""

    @classmethod
    def of(cls, image: Image, options: OcrOptions, id: str) -> Parcel:  # noqa: A002  # the field's name
        """A parcel of a source that was checked; blocks for a moment.

        Args:
            image: The source.
            options: How to read it; those of the image for PDFs come first.
            id: Tells it from all others.

        Raises:
            OcrSourceError: The file is not there any more.
        """
        source = image.source
        return cls(
            id=id,
            source=source,
            name=image.name,
            options=options if image.pdf is None else replace(options, pdf=image.pdf),
            limits=image.limits,
            fit=image.fit,
            stamp=_stamp(source, image.name) if isinstance(source, Path) else None,
        )

    @property
    def size(self) -> int:
        """Bytes of what it holds, at least 1; of a location 1."""
        source: Any = self.source
        if isinstance(source, Shipped):
            return source.size
        if isinstance(source, bytes):
            return max(1, len(source))
        if self.stamp is not None:
            return max(1, self.stamp[0])
        if hasattr(source, "nbytes"):
            return max(1, int(source.nbytes))
        width, height = getattr(source, "size", (1, 1)) if not isinstance(source, str) else (1, 1)
        return int(width * height * len(source.getbands())) if hasattr(source, "getbands") else 1

    def image(self, content: Source | None = None) -> Image:
        """What is to be read; blocks for a moment.

        Args:
            content: What it holds, where that was fetched; otherwise its own source.

        Raises:
            NotHere: The file is not here, or another one.
            OcrSourceError: It is here and cannot be read.
        """
        source: Any = self.source if content is None else content
        if isinstance(source, Path) and not self._is_here(source):
            raise NotHere(str(source))
        image = Image.load(source, limits=self.limits, pdf=self.options.pdf)
        image = image if self.name is None else image.named(self.name)
        return image if self.fit is None else image.thumbnail(self.fit)

    def _is_here(self, path: Path) -> bool:
        try:
            return _stamp(path, self.name) == self.stamp and os.access(path, os.R_OK)
        except OcrException:
            return False

    def content(self) -> Source:
        """What it holds, where it is a file of this machine; blocks.

        Raises:
            OcrSourceError: The file cannot be read, or is not any more what it was.
            OcrImageTooLarge: It is over a limit.
        """
        source: Any = self.source
        if not isinstance(source, Path):
            given: Source = source
            return given
        name = self.name or str(source)
        try:
            with open_file(source, name, self.limits) as file:
                data = file.read()
        except OSError as error:
            raise file_error(error, name) from error
        if _stamp(source, self.name) != self.stamp:
            raise OcrSourceUnreadable(
                f"{shown(name)}: changed while it was being read; read it again when nothing "
                "writes to it any more"
            )
        return data

    def shipped(self, content: Awaitable[Source], size: int) -> Parcel:
        """The same, to be got from where it was put.

        Args:
            content: A reference that every machine can resolve.
            size: Bytes.
        """
        return replace(self, source=Shipped(content, size), stamp=None)


def _stamp(path: Path, name: str | None) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        raise file_error(error, name or str(path)) from error
    return status.st_size, status.st_mtime_ns
