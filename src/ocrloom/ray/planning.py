"""What is to be read of documents, in bundles that one process takes at a time."""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrEngineError, OcrException, OcrOptionError, OcrSourceNotFound
from ocrloom.image import Image
from ocrloom.image.lazy import go_on
from ocrloom.image.source import shown
from ocrloom.journal import content_digest, document_key
from ocrloom.locations import fetch, is_location
from ocrloom.ray.ledger import own
from ocrloom.ray.listing import Found, plain
from ocrloom.ray.parcel import Parcel
from ocrloom.ray.parts import identity
from ocrloom.ray.table import whole
from ocrloom.result import PageFailure
from ocrloom.selection import select_pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ocrloom.options import OcrOptions
    from ocrloom.ray.parts import Done

__all__ = ["Bundle", "Planner", "Slice"]

_LOG = logging.getLogger(__name__)

_CARRIED: Final = 16 * 1024**2  # bytes of files that go with their bundle and are not fetched again
_MOST: Final = 64  # pages of a bundle, and slices, of which some have nothing to read


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Pages of one document that are read together."""

    document: str
    """Path or location, as results have it."""
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells it from the same document in another row of a dataset."""
    pages: int = 0
    """How many of the document were asked for."""
    key: str = ""
    """See `ocrloom.journal.document_key`."""
    parcel: Parcel | None = None
    """The source; None where nothing is to be read."""
    numbers: tuple[int, ...] = ()
    """What is to be read."""
    written: tuple[tuple[int, bool], ...] = ()
    """Pages that an earlier run has written, each with whether it is for review."""
    failure: PageFailure | None = None
    """Why the document does not open."""
    digest: str = ""
    """See `ocrloom.journal.content_digest`: what is fetched later must be the same."""
    size: int = 0
    """Bytes of the document, where that was fetched."""


@dataclass(slots=True)
class Bundle:
    """What one process takes at a time."""

    slices: list[Slice] = field(default_factory=list)
    pages: int = 0
    size: int = 0
    """Bytes that go with it."""

    def add(self, piece: Slice) -> None:
        """Puts a slice into it."""
        self.slices.append(piece)
        self.pages += len(piece.numbers)
        source = piece.parcel.source if piece.parcel else None
        self.size += len(source) if isinstance(source, bytes) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Opens documents and divides them. Can be pickled."""

    options: OcrOptions
    slice_pages: int
    """Most pages of a slice, and of a bundle to begin with."""
    cpus: int = 1
    """That read, on the whole cluster."""

    def bundles(
        self,
        found: Iterable[Found],
        done: Done | None,
        home: Callable[[str], bytes],
        *,
        before: int = 0,
    ) -> Iterator[Bundle]:
        """What is to be read of some documents, in their order.

        Ray Data keeps a few kilobytes of each bundle until the end, so they grow with what came
        before: to an eighth of what a CPU has had of it, which makes no CPU wait for another.

        Args:
            found: The documents.
            done: What an earlier run has written.
            home: Gets a file from the machine that called, where it is not here.
            before: How many documents there were before these.
        """
        most = min(_MOST, before // (8 * self.cpus))
        pieces = (piece for each in found for piece in self._document(each, done, home))
        return self._bundled(pieces, most)

    def bundles_of_rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        done: Done | None,
        home: Callable[[str], bytes],
        first: Callable[[bytes], bool] | None = None,
    ) -> Iterator[Bundle]:
        """The same of rows of a dataset; what comes with its bytes is not divided.

        Args:
            rows: With ``path``, ``bytes`` or both.
            done: What an earlier run has written.
            home: Gets a file from the machine that called, where it is not here.
            first: Whether a document, as `identity` tells it from others, has not come before;
                None to take each as often as it comes.
        """

        def wanted() -> Iterator[Slice]:
            for row in rows:
                pieces = [*self._row(row, done, home)]
                if first is None or (
                    pieces and first(identity(pieces[0].document, pieces[0].key, 0))
                ):
                    yield from pieces

        return self._bundled(wanted())

    def _bundled(self, slices: Iterable[Slice], most: int = 0) -> Iterator[Bundle]:
        bundle = Bundle()
        for piece in slices:
            full = bundle.pages + len(piece.numbers) > max(most, self.slice_pages)
            if bundle.slices and (full or len(bundle.slices) == _MOST or bundle.size > _CARRIED):
                yield bundle
                bundle = Bundle()
            bundle.add(piece)
        if bundle.slices:
            yield bundle

    def _document(
        self, found: Found, done: Done | None, home: Callable[[str], bytes]
    ) -> Iterator[Slice]:
        name = plain(found.name)
        if found.failure is not None:
            yield Slice(document=whole(name), failure=found.failure)
            return
        try:
            parcel = self._parcel(name, home)
            numbers, piece = self._look(name, parcel)
        # One document must not end the reading of millions.
        except Exception as error:  # noqa: BLE001
            yield _failed(name, error)
            return
        if is_location(name) and isinstance(parcel.source, bytes):
            large = len(parcel.source) > _CARRIED or len(numbers) > self.slice_pages
            piece = replace(piece, size=len(parcel.source))
            parcel = replace(parcel, source=name) if large else parcel
        yield from self._slices(piece, parcel, numbers, done, self.slice_pages)

    def _parcel(self, name: str, home: Callable[[str], bytes]) -> Parcel:
        source: Any = fetch(name, self.options.limits) if is_location(name) else Path(name)
        try:
            image = Image.load(source, limits=self.options.limits, pdf=self.options.pdf)
        except OcrSourceNotFound:
            image = Image.load(home(name), limits=self.options.limits, pdf=self.options.pdf)
        return Parcel.of(image.named(name), self.options, name)

    def _row(
        self, row: Mapping[str, Any], done: Done | None, home: Callable[[str], bytes]
    ) -> Iterator[Slice]:
        path, content = row.get("path"), row.get("bytes")
        if content is None and path is not None:
            yield from self._document(Found(str(path)), done, home)
            return
        name = str(path or "a row")
        try:
            name = str(path or _named(content))
            image = Image.load(content or b"", limits=self.options.limits, pdf=self.options.pdf)
            parcel = Parcel.of(image.named(name), self.options, name)
            numbers, piece = self._look(name, parcel)
        except Exception as error:  # noqa: BLE001  # as above
            yield _failed(name, error)
            return
        yield from self._slices(piece, parcel, numbers, done, max(1, len(numbers)))

    def _look(self, name: str, parcel: Parcel) -> tuple[tuple[int, ...], Slice]:
        """The pages that are meant, and what all their slices have in common."""
        image, options = parcel.image(), parcel.options
        with image.open(go_on) as reader:
            numbers = tuple(select_pages(options.pages, reader.count, shown(image.name)))
        digest = content_digest(image.source, limits=options.limits)
        key = document_key(digest, options)
        return numbers, Slice(document=whole(name), pages=len(numbers), key=key, digest=digest)

    def _slices(
        self,
        piece: Slice,
        parcel: Parcel,
        numbers: tuple[int, ...],
        done: Done | None,
        most: int,
    ) -> Iterator[Slice]:
        written = () if done is None else done.of(piece.document, piece.key, numbers)
        known = {number for number, _ in written}
        left = [number for number in numbers if number not in known]
        if written:
            yield replace(piece, written=written)
        parcel = replace(parcel, id=piece.key)
        for start in range(0, len(left), most):
            yield replace(piece, parcel=parcel, numbers=tuple(left[start : start + most]))


def _named(content: object) -> str:
    """The name of bytes that have none.

    Raises:
        OcrOptionError: They are something else.
    """
    if not isinstance(content, (bytes, NoneType)):
        raise OcrOptionError(
            f"expected bytes in the column bytes, got {type(content).__name__}; names of files go "
            "into the column path"
        )
    return f"sha256:{hashlib.sha256(content or b'').hexdigest()}"


def _failed(name: str, error: Exception) -> Slice:
    if isinstance(error, OcrException):
        ours = own(error)
    else:
        _LOG.error("a defect of ocrloom, or of what it uses", exc_info=error)
        ours = OcrEngineError(f"{shown(name)}: cannot be opened: {error!r}")
    return Slice(document=whole(name), failure=PageFailure.of(0, ours))
