"""``PdfWriter``: pages in as they are read, one searchable PDF out."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.image import Image
from ocrloom.image.lazy import go_on
from ocrloom.image.source import shown
from ocrloom.pdf.bench import Bench
from ocrloom.pdf.font import Codes
from ocrloom.pdf.pages import MadePages
from ocrloom.pdf.plan import Plan
from ocrloom.pdf.sources import Mode, PdfSource, PictureSource, file_of, is_pdf
from ocrloom.pdf.verify import Expected, Verification
from ocrloom.saving import replacing

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO, Self

    from ocrloom.image.lazy import ImageLike
    from ocrloom.options import Limits, PdfOptions
    from ocrloom.pdf.plan import Part
    from ocrloom.result import Page, PageFailure

__all__ = ["PdfWriter", "check_target", "parse_mode"]


class PdfWriter:
    """Makes one PDF of pages as they are read: their pictures, and their words invisibly on them.

    Pictures keep their encoded bytes where a PDF can hold them. An existing PDF stays what it is
    and gets layers. Neither pages nor pictures are kept in memory; what is in between is in a
    folder that is gone in the end. Calls block, so in an event loop make them by
    ``asyncio.to_thread``.

        with PdfWriter() as writer:
            writer.begin("book.tif")
            for page in engine.stream("book.tif"):
                writer.add(page)
            writer.finish("book.pdf")
    """

    def __init__(
        self,
        *,
        mode: Mode | str = Mode.AUTO,
        archival: bool = False,
        verifiable: bool = False,
        checkpoint: Callable[[], None] = go_on,
    ) -> None:
        """Makes a writer of nothing yet.

        Args:
            mode: What becomes of the pages of a PDF that have text already.
            archival: Whether to write PDF/A-2b, which is possible for pictures only.
            verifiable: Whether what is added is kept for `verify`.
            checkpoint: Called often meanwhile; what it raises ends the writing.

        Raises:
            OcrOptionError: There is no such mode.
        """
        self._mode = parse_mode(mode)
        self._archival = archival
        self._closing = ExitStack()
        self._bench = self._closing.enter_context(Bench(checkpoint))
        self._codes = Codes()
        self._made = MadePages(self._bench, self._codes)
        self._expected = Expected(self._bench) if verifiable else None
        self._source: PictureSource | PdfSource | None = None
        self._last = 0
        self._sources = 0
        self._parts: list[Part] = []
        self._pages = 0
        self._bytes = 0
        self._notes: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the result and its sources, each beginning with a source."""
        return tuple(self._notes)

    def begin(
        self,
        source: ImageLike,
        *,
        limits: Limits | None = None,
        pdf: PdfOptions | None = None,
    ) -> Image:
        """Begins with the pages of another source.

        Args:
            source: What ``Image.load`` takes; it must not change before the end.
            limits: As for ``Image.load``.
            pdf: As for ``Image.load``; its password opens the PDF here too.

        Returns:
            The source to be read, of which a file object is at its end by now.

        Raises:
            OcrOptionError: It is a PDF and PDF/A is asked for.
            OcrException: It cannot be opened.
        """
        self.end()
        image = Image.load(source, limits=limits, pdf=pdf)
        path = file_of(image, self._bench, self._sources)
        self._sources += 1
        self._last = 0
        if is_pdf(path, image.name):
            self._begin_pdf(image, path)
        else:
            self._source = PictureSource(image, path, self._made)
        self._bytes += path.stat().st_size
        return image

    def add(self, page: Page) -> None:
        """Takes a page of the source. Pictures that are passed over become pages without text.

        Args:
            page: What was read on it; later in the source than those that were taken before.

        Raises:
            OcrOptionError: It is not.
            OcrOutputError: There is no room for it.
        """
        source = self._source
        if source is None or page.number <= self._last:
            raise OcrOptionError(
                f"expected a page after page {self._last} of a source that was begun, got page "
                f"{page.number}; call begin for each source and add its pages in their order"
            )
        if page.number > source.count:
            raise OcrOptionError(
                f"{shown(source.name)}: expected a page that it has, from 1 to {source.count}, got "
                f"page {page.number}; give the source that was read"
            )
        self._last = page.number
        added = source.add(page)
        if added is not None and self._expected is not None:
            place, layered = added
            self._expected.add(self._pages + place, layered)

    def end(self) -> tuple[PageFailure, ...]:
        """Completes the source: the pictures behind the last page that was added.

        Returns:
            Pictures that could not be put into the document.
        """
        source, self._source = self._source, None
        if source is None:
            return ()
        part = source.end()
        if part is not None:
            self._parts.append(part)
            self._pages += source.pages
        return source.failures

    def finish(self, target: str | os.PathLike[str] | BinaryIO) -> int:
        """Writes the document to a file, which is whole or not there.

        Args:
            target: The file; its folder must exist. A link's target is replaced, not the link; a
                device, a FIFO or a binary file object is written to.

        Returns:
            How many pages it has.

        Raises:
            OcrOutputError: There is no page to write, or it cannot be written.
            BrokenPipeError: Who was to read it has gone.
        """
        made = self.make()
        try:
            if isinstance(target, (str, os.PathLike)):
                # A copy, as the other place may be on another disk.
                with made.open("rb") as file, replacing(Path(target)) as out:
                    shutil.copyfileobj(file, out)
            else:
                with made.open("rb") as file:
                    shutil.copyfileobj(file, target)
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            name = target if isinstance(target, (str, os.PathLike)) else "the file object"
            raise OcrOutputError(
                f"{shown(os.fsdecode(name))}: cannot be written: {reason}; check the folder's "
                "permissions and its disk"
            ) from error
        return self._pages

    def make(self) -> Path:
        """Writes the document to a file that is gone when the writer is closed.

        Raises:
            OcrOutputError: There is no page to write, or no room.
        """
        self.end()
        if not self._parts:
            raise OcrOutputError(
                "there is no page to write: no page of any source can be shown; give at least one "
                "source that can be read"
            )
        plan = Plan(
            parts=tuple(self._parts),
            bound=self._made.files(),
            characters=self._codes.characters,
            archival=self._archival,
        )
        path = self._bench.folder / "made.pdf"
        self._bench.run("assembly:finish", plan, path, what="the PDF", memory=4 * self._bytes)
        return path

    def verify(self) -> Verification:
        """Reads the document that was written with another reader and compares.

        Raises:
            OcrOptionError: The writer was not made verifiable.
        """
        if self._expected is None:
            raise OcrOptionError("only what PdfWriter(verifiable=True) has written can be verified")
        return self._expected.compare(self._bench.folder / "made.pdf")

    def close(self) -> None:
        """Drops everything but files that were finished. Closing it again does nothing."""
        source, self._source = self._source, None
        if source is not None:
            source.close()
        self._closing.close()

    def _begin_pdf(self, image: Image, path: Path) -> None:
        name = shown(image.name)
        if self._archival:
            raise OcrOptionError(
                f"{name}: PDF/A can be promised for pictures only, as nobody knows what else a PDF "
                "holds; leave out --pdfa, or let OCRmyPDF convert it: ocrmypdf --plugin "
                "ocrloom.ocrmypdf --output-type pdfa, which needs its own programs"
            )
        source = PdfSource(image, path, self._sources, self._mode, self._made)
        finding = source.finding
        if finding.signed:
            self._notes.append(
                f"{name}: it is signed, and its signatures do not hold for the changed file"
            )
        if finding.encrypted:
            self._notes.append(f"{name}: it is encrypted, and the PDF that is written is not")
        if self._parts and finding.losses:
            self._notes.append(
                f"{name}: only its pages come along, not its {', '.join(finding.losses)}; give it "
                "as the first source, or alone, to keep them"
            )
        self._source = source


def check_target(target: str | os.PathLike[str] | BinaryIO) -> None:
    """Refuses a file whose folder is not there, before anything is read for it.

    Raises:
        OcrOutputError: It is not.
    """
    if isinstance(target, (str, os.PathLike)):
        path = Path(target)
        if not path.parent.is_dir() or path.is_dir():
            found = "a folder" if path.is_dir() else f"no folder {shown(str(path.parent))}"
            raise OcrOutputError(
                f"{shown(str(path))}: expected the name of a file in a folder that is there, found "
                f"{found}; make the folder or give another name"
            )


def parse_mode(mode: Mode | str) -> Mode:
    """The mode of that name.

    Raises:
        OcrOptionError: There is none.
    """
    try:
        return Mode(mode)
    except ValueError as error:
        known = ", ".join(Mode)
        raise OcrOptionError(f"mode must be one of {known}, got {mode!r}") from error
