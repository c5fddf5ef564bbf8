"""The caller's side: a `Reader` of a PDF, whose work is done in helpers."""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, cast

from ocrloom.errors import (
    OcrDamagedImage,
    OcrEngineError,
    OcrFormatError,
    OcrImageTooLarge,
    OcrPasswordError,
    OcrSourceEmpty,
)
from ocrloom.image.canvas import fitting
from ocrloom.image.guard import guard
from ocrloom.image.lazy import Extent, Frame, check_pixels, go_on
from ocrloom.image.pdf.desk import shared_desk
from ocrloom.image.pdf.need import ASKED_FOR, Need, decide
from ocrloom.image.pdf.resolution import pixels_of, resolution
from ocrloom.image.pdf.sheet import PageBroken, Problem
from ocrloom.image.pdf.words import stretches_of
from ocrloom.image.source import shown
from ocrloom.image.text import PageText
from ocrloom.image.watch import watched
from ocrloom.options import PdfOptions, TextLayer
from ocrloom.scheduling.helpers import (
    Helper,
    HelperDied,
    HelperPool,
    HelperUnavailable,
    shared_helpers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from ocrloom.image.pdf.sheet import Letters, Sheet
    from ocrloom.options import Limits

__all__ = ["PdfReader", "open_pdf"]

_HELPER: Final = "ocrloom.image.pdf.helper"

# Bytes of address space, of which more is reserved than used: what parsing a file and the largest
# honest page takes, with its fonts; and what drawing takes beside the page's cost.
_PARSING: Final = 384 * 1024**2
_DRAWING: Final = 512 * 1024**2

# Bytes of pictures that PDFium keeps while it draws, which is its own limit, and a bit more.
_CACHE: Final = 128 * 1024**2

# Pages whose looks are kept: those that were planned and are soon read.
_KEPT: Final = 8

_REFUSALS: Final = {
    Problem.SECURITY: "encrypted in a way that is not read: expected the standard encryption with"
    " a password; save it without protection where it can be opened",
    Problem.XFA: "a dynamic XFA form, whose pages only Adobe's own reader makes; open it there and"
    " print it to a PDF",
    Problem.PORTFOLIO: "a PDF portfolio: files in a cover that has no pages of value; save the"
    " files out of it and read those",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a page."""

    sheet: Sheet
    text: PageText

    @property
    def size(self) -> tuple[int, int]:
        return self.text.width, self.text.height


@contextmanager
def open_pdf(
    source: Path | bytes,
    name: str | None,
    limits: Limits,
    fit: tuple[int, int] | None,
    options: PdfOptions | None,
    checkpoint: Callable[[], None] = go_on,
) -> Iterator[PdfReader]:
    """Open a PDF.

    Args:
        source: A file or what stands in one.
        name: For messages.
        limits: What it may claim and take.
        fit: Width and height into which frames are scaled down, or None.
        options: How it is read; ``PdfOptions()`` if not given.
        checkpoint: Called often while it is opened; what it raises ends that.

    Raises:
        OcrException: See `Image.open`.
    """
    reader = PdfReader(source, name, limits, fit, options or PdfOptions(), shared_helpers())
    reader.open(checkpoint)
    try:
        yield reader
    finally:
        reader.close()


class PdfReader:
    """A PDF, opened in a helper of its own; also a `TextReader`.

    If the helper dies or is killed, the next page gets another one.
    """

    def __init__(
        self,
        source: Path | bytes,
        name: str | None,
        limits: Limits,
        fit: tuple[int, int] | None,
        options: PdfOptions,
        pool: HelperPool,
    ) -> None:
        self._source = source
        self._name = shown(name)
        self._limits = limits
        self._fit = fit
        self._options = options
        self._pool = pool
        self._looks: OrderedDict[int, _Look] = OrderedDict()
        self.count = 0

    def open(self, checkpoint: Callable[[], None] = go_on) -> None:
        """Opens it; its pages are counted then."""
        with self._helping(self._name, checkpoint) as watch:
            shared_desk().put(self, self._open(watch), self._pool)

    def close(self) -> None:
        """Closes it."""
        shared_desk().clear(self)

    def text(self, number: int, checkpoint: Callable[[], None] = go_on) -> PageText:
        """See `TextReader.text`."""
        return self._look(number, checkpoint).text

    def extent(self, number: int) -> Extent:
        """See `Reader.extent`."""
        text = self._look(number, go_on).text
        return Extent(text.width, text.height, text.dpi)

    def cost(self, number: int) -> int:
        """See `Reader.cost`; the helper's memory counts as this process's."""
        look = self._look(number, go_on)
        width, height = self._drawn_size(number, look)
        # The helper's bitmap, the message, and the frame; what colour may turn out to be is drawn.
        pixels = 3 * width * height * (1 if look.sheet.grey else 3)
        costs = [picture.cost for picture in look.sheet.pictures]
        # Those that were drawn are kept, but not without end.
        largest = max(costs, default=0)
        pictures = largest + min(sum(costs) - largest, _CACHE)
        held = len(self._source) if isinstance(self._source, bytes) else 0
        return pixels + pictures + 2 * held

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        """See `Reader.read`."""
        look = self._look(number, checkpoint)
        size = self._drawn_size(number, look)
        pixels = cast(
            "NDArray[np.uint8]",
            self._ask(
                "draw",
                *(number, size, look.sheet.grey),
                memory=_DRAWING + 2 * self.cost(number),
                checkpoint=checkpoint,
            ),
        )
        return Frame(
            number=number,
            pixels=pixels,
            dpi=look.text.dpi,
            scale=max(size) / max(look.size),
            full_size=look.size,
        )

    def _drawn_size(self, number: int, look: _Look) -> tuple[int, int]:
        """Width and height of the frame, once it was found to be within the limits."""
        width, height = look.size
        most = self._limits.max_pixels
        if width * height > most:
            dpi = look.text.dpi
            fitting_dpi = math.floor(max(dpi) * math.sqrt(most / (width * height)))
            advice = f"give a lower resolution, --dpi {fitting_dpi}, or " if fitting_dpi > 9 else ""
            inches = " × ".join(f"{side / 72:.4g}" for side in look.sheet.size)
            raise OcrImageTooLarge(
                f"{self._what(number)}: {inches} inches at {max(dpi):.4g} dpi are {width} ×"
                f" {height} = {width * height} pixels, over the limit of {most}; {advice}raise the"
                " limit with Limits(max_pixels=…) or --max-pixels"
            )
        for picture in look.sheet.pictures:
            check_pixels(*picture.pixels, self._limits, f"{self._what(number)}, a picture on it")
        return fitting(look.size, self._fit)

    def _look(self, number: int, checkpoint: Callable[[], None]) -> _Look:
        if number in self._looks:
            return self._looks[number]
        mode = self._options.text_layer
        found = self._ask(
            "look",
            *(number, mode is not TextLayer.IGNORE),
            memory=_PARSING,
            checkpoint=checkpoint,
        )
        look = self._judge(number, *cast("tuple[Sheet, Letters | None]", found))
        self._looks[number] = look
        if len(self._looks) > _KEPT:
            self._looks.popitem(last=False)
        return look

    def _judge(self, number: int, sheet: Sheet, letters: Letters | None) -> _Look:
        mode = self._options.text_layer
        need = Need(ocr=True, reason=ASKED_FOR) if letters is None else decide(sheet, letters, mode)
        dpi = resolution(sheet, self._options.dpi)
        size = pixels_of(sheet, dpi)
        wanted = letters is not None and not need.ocr
        text = PageText(
            number=number,
            width=size[0],
            height=size[1],
            dpi=dpi,
            needs_ocr=need.ocr,
            reason=need.reason,
            stretches=stretches_of(sheet, letters, size) if letters is not None and wanted else (),
        )
        return _Look(sheet, text)

    def _what(self, number: int) -> str:
        return f"{self._name}, page {number}"

    def _ask(
        self,
        function: str,
        number: int,
        *arguments: object,
        memory: int,
        checkpoint: Callable[[], None],
    ) -> object:
        """Has the helper do something with a page."""
        with self._helping(self._what(number), checkpoint) as watch:
            helper = shared_desk().take(self) or self._open(watch)
            try:
                return helper.run(
                    f"{_HELPER}:{function}", number, *arguments, memory=memory, checkpoint=watch
                )
            finally:
                shared_desk().put(self, helper, self._pool)

    def _open(self, watch: Callable[[], None]) -> Helper:
        """A helper with the document open in it; the number of its pages is known then."""
        helper = self._pool.lease()
        source = self._source
        sent = source if isinstance(source, Path) else pickle.PickleBuffer(source)
        held = len(source) if isinstance(source, bytes) else 0
        arguments = (sent, self._options.password)
        try:
            opened = helper.run(
                f"{_HELPER}:open_document", *arguments, memory=_PARSING + held, checkpoint=watch
            )
            count, problem = cast("tuple[int, Problem | None]", opened)
            if problem is not None:
                self._refuse(problem)
            self._check_count(count)
        except BaseException:
            self._pool.give_back(helper)
            raise
        self.count = count
        return helper

    def _refuse(self, problem: Problem) -> NoReturn:
        if problem is Problem.DAMAGED:
            raise OcrDamagedImage(
                f"{self._name}: expected a whole PDF, found one that is damaged beyond repair; get"
                " or save the file again"
            )
        if problem is Problem.PASSWORD:
            found = "needs a password" if self._options.password is None else "has another password"
            raise OcrPasswordError(
                f"{self._name}: is encrypted and {found}; give the right one with"
                " PdfOptions(password=…), --password or the variable OCRLOOM_PASSWORD"
            )
        raise OcrFormatError(f"{self._name}: {_REFUSALS[problem]}")

    def _check_count(self, count: int) -> None:
        if count < 1:
            raise OcrSourceEmpty(f"{self._name}: a PDF without pages; give one that has some")
        if count > self._limits.max_frames:
            raise OcrImageTooLarge(
                f"{self._name}: {count} pages are over the limit of {self._limits.max_frames}; if"
                " that is right, raise it with Limits(max_frames=…) or --max-frames"
            )

    @contextmanager
    def _helping(self, what: str, checkpoint: Callable[[], None]) -> Iterator[Callable[[], None]]:
        """Maps what may go wrong with a helper, and watches the time."""
        with (
            watched(what, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(what, "PDF"),
        ):
            try:
                yield watch
            except PageBroken as error:
                raise OcrDamagedImage(
                    f"{what}: expected a page that can be drawn, found {error}; print the file to"
                    " a new PDF, or leave the page out with --pages"
                ) from error
            except HelperDied as error:
                raise OcrDamagedImage(
                    f"{what}: expected a page that can be drawn, but it ended the process that"
                    f" draws pages ({error.how}), as broken ones do and those that would fill the"
                    " memory; print the file to a new PDF, or leave the page out with --pages"
                ) from error
            except HelperUnavailable as error:
                raise OcrEngineError(
                    f"{what}: PDFs are read in a process of their own, and there is none: {error};"
                    " allow another process and more memory, or save the pages as TIFF"
                ) from error
