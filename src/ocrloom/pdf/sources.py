"""What becomes of the pages of one source: of pictures, or of a PDF that there is already."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrImageError
from ocrloom.image.formats import HEAD_SIZE, Format, sniff
from ocrloom.image.source import file_error
from ocrloom.pdf.layer import layer
from ocrloom.pdf.plan import Existing, Finding, Given, Laid, Part, Pictures
from ocrloom.pdf.sizes import POINTS
from ocrloom.result import BlockKind, PageFailure, ReadBy

if TYPE_CHECKING:
    from ocrloom.image import Image, Reader
    from ocrloom.pdf.bench import Bench
    from ocrloom.pdf.looking import Rect
    from ocrloom.pdf.pages import MadePages
    from ocrloom.result import Line, Page, Word

__all__ = ["Mode", "PdfSource", "PictureSource", "file_of", "is_pdf"]

_DPI: Final = 300.0  # of a page of a PDF that states none


class Mode(StrEnum):
    """What becomes of the pages of a PDF that have text already; pictures are the same in all."""

    AUTO = "auto"
    """Good text is left alone. Where it is not good, a layer comes in the place of what is
    invisible of it."""
    SKIP_TEXT = "skip-text"
    """Pages with any text are left alone."""
    REDO = "redo"
    """Invisible text is taken out and made anew; text that is seen is left alone."""
    FORCE = "force"
    """Every page becomes a picture of itself with a layer."""


def file_of(image: Image, bench: Bench, number: int) -> Path:
    """A file that holds the source.

    Args:
        image: The source; of an array or a PIL image a file is made without loss.
        bench: Where files in between are kept.
        number: Which source it is.

    Raises:
        OcrException: It cannot be decoded, or there is no room for it.
    """
    source = image.source
    if isinstance(source, Path):
        return source
    if isinstance(source, bytes):
        return bench.write(f"source-{number}", source)
    from ocrloom.pdf.images import encode

    with image.open() as reader:
        frame = reader.read(1)
    return bench.write(f"source-{number}", encode(frame.pixels, dpi=frame.dpi))


def is_pdf(path: Path, name: str | None) -> bool:
    """Whether a file is a PDF.

    Raises:
        OcrFormatError: It is nothing that can be read.
        OcrSourceError: It is gone, or cannot be read any more.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_SIZE)
    except OSError as error:
        raise file_error(error, name or str(path)) from error
    return sniff(head, name) is Format.PDF


class PictureSource:
    """Pictures, each of which becomes a page, with a layer or without.

    Its methods are those that `PdfWriter` calls, as are those of `PdfSource`.
    """

    def __init__(self, image: Image, path: Path, made: MadePages) -> None:
        """Counts the pictures.

        Raises:
            OcrException: The source cannot be opened.
        """
        self.name = image.name
        self.path = path
        self._given = Given(path=path, name=image.name, limits=image.limits)
        self._closing = ExitStack()
        self._reader = self._closing.enter_context(image.open())
        self._count = self._reader.count
        self._made = made
        self._first = made.count
        self._last = 0
        self._failures: list[PageFailure] = []

    @property
    def failures(self) -> tuple[PageFailure, ...]:
        """Pictures that are missing in the document."""
        return tuple(self._failures)

    @property
    def count(self) -> int:
        """How many pictures it has."""
        return self._count

    @property
    def pages(self) -> int:
        """How many pages it gives to the document, as far as it has come."""
        return self._made.count - self._first

    def add(self, page: Page) -> tuple[int, Page] | None:
        """Adds a picture with what was read in it, after those before it.

        Returns:
            Place among the source's pages in the document, from 0, and what its layer holds;
            None if it gets none.
        """
        self._add_until(page.number)
        place = self.pages
        self._add(page.number, page)
        return (place, page) if self.pages > place else None

    def end(self) -> Part | None:
        """Adds what is left, and gives its part of the document, if there is one."""
        self._add_until(self._count + 1)
        self.close()
        if not self.pages:
            return None
        return Pictures(first=self._first, last=self._made.count)

    def close(self) -> None:
        """Ends the reading of it."""
        self._closing.close()

    def _add_until(self, number: int) -> None:
        """Adds the pictures up to that one, which nobody has read, or could."""
        while self._last < number - 1:
            self._add(self._last + 1, None)

    def _add(self, number: int, page: Page | None) -> None:
        self._last = number
        try:
            self._made.make(self._given, number, page, self._reader.cost(number))
        except OcrImageError as error:
            self._failures.append(PageFailure.of(number, error))


class PdfSource:
    """A PDF, whose pages get layers, or pictures of themselves."""

    def __init__(self, image: Image, path: Path, number: int, mode: Mode, made: MadePages) -> None:
        """Looks into it.

        Args:
            image: The source.
            path: A file of it.
            number: Which source it is.
            mode: What becomes of pages that have text.
            made: Where pictures of pages go.

        Raises:
            OcrException: It cannot be opened.
        """
        self.name = image.name
        self.path = path
        self.failures: tuple[PageFailure, ...] = ()
        """Pages that are missing in the document: none ever."""
        self._image = image
        self._mode = mode
        self._number = number
        self._bench = made.bench
        self._made = made
        self._codes = made.codes
        self._existing = Existing(
            path=path, name=image.name, password=image.pdf.password if image.pdf else None
        )
        # Who reads it says best what is wrong with it.
        with image.open():
            pass
        self.finding: Finding = self._run("assembly:inspect", self._existing)
        # They may have text that is not good enough to be used, and yet is to stay.
        self._left: frozenset[int] = frozenset()
        if mode is Mode.SKIP_TEXT:
            call = ("looking:pages_with_text", path, self._existing.password)
            self._left = frozenset(self._run(*call))
        self._layers: dict[int, Laid] = {}
        self._strip: set[int] = set()
        self._pictures: dict[int, tuple[int, tuple[float, float]]] = {}
        self._closing = ExitStack()
        self._reader: Reader | None = None

    @property
    def count(self) -> int:
        """How many pages it has."""
        return self.finding.pages

    @property
    def pages(self) -> int:
        """How many pages it gives to the document."""
        return self.count

    def add(self, page: Page) -> tuple[int, Page] | None:
        """Takes note of a page's layer; see `PictureSource.add`."""
        if self._mode is Mode.FORCE:
            self._force(page)
        elif page.read_by is ReadBy.TEXT_LAYER or page.number in self._left:
            return None
        else:
            page = self._lay(page)
        return page.number - 1, page

    def _lay(self, page: Page) -> Page:
        size = _size_of(page)
        if self._mode is Mode.REDO:
            call = ("looking:visible_text", self.path, self._existing.password, page.number)
            page = _without(page, self._run(*call, seconds=self._image.limits.max_decode_seconds))
        if self._mode is not Mode.SKIP_TEXT:
            self._strip.add(page.number)
        content = layer(page, size, self._codes)
        if content:
            path = self._bench.write(f"layer-{self._number}-{page.number}", content)
            self._layers[page.number] = Laid(content=path, size=size)
        return page

    def end(self) -> Part | None:
        """Its part of the document."""
        self.close()
        return replace(
            self._existing,
            layers=self._layers,
            strip=frozenset(self._strip),
            pictures=self._pictures,
        )

    def close(self) -> None:
        """Ends the reading of it."""
        self._closing.close()

    def _force(self, page: Page) -> None:
        from ocrloom.pdf.images import encode

        if self._reader is None:
            self._reader = self._closing.enter_context(self._image.open())
        pixels = self._reader.read(page.number, self._bench.checkpoint).pixels
        path = self._bench.write("picture", encode(pixels, small=True))
        given = Given(path=path, name=self.name, limits=self._image.limits)
        size = self._made.make(given, 1, page)
        self._pictures[page.number] = (self._made.count - 1, size)

    def _run(self, function: str, *arguments: object, seconds: float = inf) -> Any:  # noqa: ANN401  # what it gives
        memory = 4 * self.path.stat().st_size
        return self._bench.run(function, *arguments, what=self.name, memory=memory, seconds=seconds)


def _size_of(page: Page) -> tuple[float, float]:
    """In points; what it is does not matter, as a layer is scaled to its page."""
    across, down = page.dpi or (_DPI, _DPI)
    return page.width / across * POINTS, page.height / down * POINTS


def _without(page: Page, seen: list[Rect]) -> Page:
    """The page without the words that are there as text that is seen, in parts of the page."""

    def is_missing(word: Word) -> bool:
        x = sum(x for x, _ in word.polygon) / 4 / max(1, page.width)
        y = sum(y for _, y in word.polygon) / 4 / max(1, page.height)
        return not any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in seen)

    def kept(line: Line) -> Line:
        return replace(line, words=tuple(filter(is_missing, line.words)))

    if not seen:
        return page
    # Only its lines are of use here; without some of its words a table is none any more.
    blocks = tuple(
        replace(block, lines=tuple(map(kept, block.lines)), kind=BlockKind.PARAGRAPH, table=None)
        for block in page.blocks
    )
    return replace(page, blocks=blocks)
