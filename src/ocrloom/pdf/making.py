"""``make``: sources in, one searchable PDF out, each page read as it is needed."""

from __future__ import annotations

import os
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from ocrloom.errors import (
    OcrException,
    OcrImageError,
    OcrOptionError,
    OcrOutputError,
    OcrPagesFailed,
)
from ocrloom.image import Image
from ocrloom.image.lazy import go_on
from ocrloom.options import TextLayer
from ocrloom.pdf.sources import Mode
from ocrloom.pdf.writer import PdfWriter, check_target, parse_mode
from ocrloom.result import OcrResult, PageFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import BinaryIO

    from ocrloom.image.lazy import ImageLike
    from ocrloom.options import OcrOptions
    from ocrloom.pdf.verify import Verification
    from ocrloom.progress import Progress
    from ocrloom.result import Page

__all__ = ["Made", "Taken", "make"]

_AHEAD: Final = 4  # sources that are begun before their turn: sources of one page keep workers busy


class Stream(Protocol):
    """The pages of a source, see `ocrloom.engine.PageStream`."""

    @property
    def failures(self) -> tuple[PageFailure, ...]: ...

    def __iter__(self) -> Iterator[Page]: ...

    def close(self) -> None: ...


class Engine(Protocol):
    """What reads, see `ocrloom.engine.OcrEngine`, which is above this package."""

    options: OcrOptions

    def stream(
        self, source: Image, *, progress: Callable[[Progress], None] | None, bulk: bool
    ) -> Stream: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a source."""

    index: int
    """Its place among the sources, from 0."""
    name: str | None
    result: OcrResult | None
    """The pages that were read, without what stands on them, and those that could not be; None
    where it could not even be opened."""
    missing: tuple[PageFailure, ...] = ()
    """Pictures that are not in the PDF. Others whose reading failed are there without text."""
    error: OcrException | None = None
    """What ended the reading, or kept it from beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A PDF that was written."""

    pages: int
    taken: tuple[Taken, ...]
    """One for each source, in their order."""
    notes: tuple[str, ...]
    """What is to be known of it: signatures that do not hold any more, bookmarks left out."""
    verification: Verification | None = None
    """If it was asked for."""


def make(
    engine: Engine,
    sources: Iterable[ImageLike],
    target: str | os.PathLike[str] | BinaryIO,
    *,
    mode: Mode | str = Mode.AUTO,
    archival: bool = False,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
    took: Callable[[Taken], None] = lambda _: None,
    checkpoint: Callable[[], None] = go_on,
) -> Made:
    """Reads sources and writes them as one searchable PDF, in their order.

    A single PDF stays the same file with text added; of several inputs, bookmarks, forms and the
    like are kept of the first one. ``engine.options.pages`` says which pages get text; the others
    are there without. A bad page or source does not stop the others. It blocks: in an event loop
    call it by ``asyncio.to_thread``.

    Args:
        engine: How to read.
        sources: What ``Image.load`` takes.
        target: The file, which is whole or not there, or a binary file object.
        mode: What becomes of the pages of PDFs that have text already.
        archival: Whether to write PDF/A-2b, which is possible for pictures only.
        verify: Whether to read the file again with another reader and compare.
        progress: Called with all events of the reading, from workers.
        took: Called with what became of each source.
        checkpoint: Called often while something is written; what it raises ends it all.

    Raises:
        OcrException: No page of any source could be read: why the first one could not.
        OcrOptionError: There is no such mode, no source, or one that is in no list.
        OcrOutputError: It cannot be written.
    """
    kind = parse_mode(mode)
    if isinstance(sources, (str, bytes, os.PathLike)):
        raise OcrOptionError(
            f"sources must be several, got one {type(sources).__name__}; put it into a list"
        )
    check_target(target)
    if kind is Mode.AUTO and engine.options.pdf.text_layer is TextLayer.IGNORE:
        # Recognised text beside text that is seen would be found twice.
        kind = Mode.REDO
    taken: list[Taken] = []
    with (
        PdfWriter(mode=kind, archival=archival, verifiable=verify, checkpoint=checkpoint) as writer,
        _Ahead(engine, sources, kind, progress) as ahead,
    ):
        for index, begun in enumerate(ahead):
            taken.append(_take(writer, index, begun))
            took(taken[-1])
        if not taken:
            raise OcrOptionError("there is no source to make a PDF of; give at least one")
        _check(taken)
        pages = writer.finish(target)
        return Made(
            pages=pages,
            taken=tuple(taken),
            notes=writer.notes,
            verification=writer.verify() if verify else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A source that is being read, or why it is not."""

    source: ImageLike
    image: Image | None = None
    stream: Stream | None = None
    error: OcrException | None = None


class _Ahead:
    """Sources in their order, some of them begun before their turn."""

    def __init__(
        self,
        engine: Engine,
        sources: Iterable[ImageLike],
        mode: Mode,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self._engine = engine
        self._sources = iter(sources)
        self._mode = mode
        self._progress = progress
        self._begun: deque[_Begun] = deque()
        self._closing = ExitStack()

    def __enter__(self) -> _Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        for begun in self._begun:
            if begun.stream is not None:
                begun.stream.close()

    def __iter__(self) -> Iterator[_Begun]:
        while True:
            for source in self._sources:
                self._begun.append(self._begin(source))
                if len(self._begun) > _AHEAD:
                    break
            if not self._begun:
                return
            begun = self._begun.popleft()
            with ExitStack() as closing:
                if begun.stream is not None:
                    closing.callback(begun.stream.close)
                yield begun

    def _begin(self, source: ImageLike) -> _Begun:
        try:
            image = _prepared(source, self._engine.options, self._mode)
            stream = self._engine.stream(image, progress=self._progress, bulk=True)
        except OcrException as error:
            return _Begun(source=source, error=error)
        return _Begun(source=source, image=image, stream=stream)


def _prepared(source: ImageLike, options: OcrOptions, mode: Mode) -> Image:
    """The source, its pages to be recognised even where they have text if the mode is so."""
    image = Image.load(source, limits=options.limits, pdf=options.pdf)
    given = image.pdf or options.pdf
    if mode in (Mode.REDO, Mode.FORCE):
        given = replace(given, text_layer=TextLayer.IGNORE)
    return Image(image.source, name=image.name, limits=image.limits, fit=image.fit, pdf=given)


def _take(writer: PdfWriter, index: int, begun: _Begun) -> Taken:
    """Adds the pages of a source as they are read."""
    if begun.image is None or begun.stream is None:
        return Taken(index=index, name=_name(begun.source), result=None, error=begun.error)
    image, stream = begun.image, begun.stream
    pages: list[Page] = []
    failed: list[PageFailure] = []
    ended: OcrException | None = None
    try:
        writer.begin(image)
    except OcrException as error:
        return Taken(index=index, name=image.name, result=None, error=error)
    try:
        for page in stream:
            try:
                writer.add(page)
            except OcrImageError as error:
                failed.append(PageFailure.of(page.number, error))
            else:
                pages.append(replace(page, blocks=()))
    except OcrPagesFailed:
        pass  # they are the stream's failures
    except OcrOutputError:
        raise
    except OcrException as error:
        ended = error
    failures = sorted((*stream.failures, *failed), key=lambda failure: failure.number)
    if any((each.kind, each.message) == (type(ended).__name__, str(ended)) for each in failures):
        ended = None  # where no page can be read, the stream ends with the first one's error
    result = OcrResult(pages=tuple(pages), failures=tuple(failures), source=image.name)
    return Taken(index=index, name=image.name, result=result, missing=writer.end(), error=ended)


def _name(source: ImageLike) -> str | None:
    return os.fsdecode(source) if isinstance(source, (str, os.PathLike)) else None


def _check(taken: list[Taken]) -> None:
    """Refuses to write where nothing was read."""
    errors = []
    for source in taken:
        if source.result is not None and source.result.pages:
            return
        errors += [source.error] if source.error is not None else []
        errors += [each.error for each in source.result.failures] if source.result else []
    if errors:
        raise errors[0]
