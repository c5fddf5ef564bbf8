"""Opening a checked source with the decoder of its format: one `Reader` per kind of source."""

from __future__ import annotations

import io
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import numpy as np
import PIL.Image
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    ImageChops,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    WebPImagePlugin,
)

from ocrloom.errors import OcrImageTooLarge, OcrSourceUnreadable
from ocrloom.image.costs import animation_cost, array_cost, file_cost, file_size, picture_cost
from ocrloom.image.deep import decode_deep, is_dark
from ocrloom.image.formats import HEAD_SIZE, Format, sniff
from ocrloom.image.guard import guard
from ocrloom.image.headers import scan_gif, webp_size
from ocrloom.image.lazy import Extent, Frame, Reader, Source, check_pixels, go_on
from ocrloom.image.output import Outline, array_frame, outline_of, picture_frame
from ocrloom.image.pdf import open_pdf
from ocrloom.image.sandbox import Given, sandboxed
from ocrloom.image.source import open_file, shown
from ocrloom.image.suspicion import suspicious
from ocrloom.image.tiff import TiffReader
from ocrloom.image.watch import WatchedFile, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from ocrloom.image.sandbox import JudgingReader
    from ocrloom.options import Limits, PdfOptions

__all__ = ["open_reader"]

_Box = tuple[int, int] | None

# Straight to the classes and not through PIL.Image.open: that one checks its own global limit,
# below ours, and warns; and its JPEG entry would turn into MPO, whose further pictures are
# other views of the same page.
_PLUGINS: Final[dict[Format, Callable[[BinaryIO], ImageFile]]] = {
    Format.PNG: PngImagePlugin.PngImageFile,
    Format.JPEG: JpegImagePlugin.JpegImageFile,
    Format.WEBP: WebPImagePlugin.WebPImageFile,
    Format.BMP: BmpImagePlugin.BmpImageFile,
    Format.GIF: GifImagePlugin.GifImageFile,
    Format.JPEG2000: Jpeg2KImagePlugin.Jpeg2KImageFile,
    Format.PNM: PpmImagePlugin.PpmImageFile,
}

# Most and fewest bytes that the decoder of a progressive JPEG gets at a time: it cannot be stopped
# while it is busy with them, and three can be a walk over 32,767 blocks. Other data is quicker.
_BLOCKS: Final = 1024, 32
# Seconds that they may take.
_PACE: Final = 0.05

# Two Images may hold one lazily opened PIL image, whose file has a single position.
_LOADING: Final = threading.Lock()


@contextmanager
def open_reader(
    source: Source,
    name: str | None,
    limits: Limits,
    fit: _Box = None,
    pdf: PdfOptions | None = None,
    checkpoint: Callable[[], None] = go_on,
) -> Iterator[Reader]:
    """Open what `Image.load` has checked.

    Args:
        source: A path, the bytes of an image file, an array or a PIL image.
        name: For messages.
        limits: What the source may claim.
        fit: Width and height into which frames are scaled down, or None.
        pdf: How it is read if it is a PDF; ``PdfOptions()`` if not given.
        checkpoint: Called often while a PDF is opened.

    Raises:
        OcrException: See `Image.open`.
    """
    if isinstance(source, np.ndarray):
        yield _ArrayReader(source, limits, fit)
    elif isinstance(source, PIL.Image.Image):
        yield _PictureReader(source, limits, fit)
    else:
        with _open_encoded(source, name, limits) as file, ExitStack() as opened:
            found = _format_of(file, shown(name))
            if found is Format.PDF:
                reader: Reader = opened.enter_context(
                    open_pdf(source, name, limits, fit, pdf, checkpoint)
                )
            else:
                given = Given(source=source, name=name, limits=limits, fit=fit)
                judging = _reader_of(file, found, shown(name), limits, fit)
                reader = opened.enter_context(sandboxed(judging, given))
            yield reader


def _open_encoded(source: Path | bytes, name: str | None, limits: Limits) -> BinaryIO:
    if isinstance(source, bytes):
        # Shares the bytes until somebody writes, which nobody does.
        return io.BytesIO(source)
    try:
        return open_file(source, name or str(source), limits)
    except OSError as error:
        raise OcrSourceUnreadable(
            f"{shown(name)}: was there when it was loaded and cannot be opened now: {error};"
            " keep the file until it has been read"
        ) from error


def _format_of(file: BinaryIO, name: str) -> Format:
    with guard(name, "image"):
        head = file.read(HEAD_SIZE)
        file.seek(0)
    return sniff(head, name)


def _reader_of(
    file: BinaryIO, found: Format, name: str, limits: Limits, fit: _Box
) -> JudgingReader:
    with guard(name, found.value):
        if found is Format.TIFF:
            return TiffReader(file, name, limits, fit)
        if found in (Format.GIF, Format.WEBP):
            return _AnimationReader(file, name, limits, fit, found)
        return _SingleReader(file, name, limits, fit, found)


class _ArrayReader:
    """One frame: an array that the user gave."""

    count = 1

    def __init__(self, array: NDArray[Any], limits: Limits, fit: _Box) -> None:
        self._array = array
        self._limits = limits
        self._fit = fit

    def extent(self, number: int) -> Extent:
        return self._outline(number).extent

    def cost(self, number: int) -> int:
        return array_cost(self._array, self._outline(number))

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        what = "the array"
        with (
            watched(what, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(what, "array"),
        ):
            watch()
            return array_frame(self._array, self._outline(number), watch)

    def _outline(self, number: int) -> Outline:
        height, width = self._array.shape[:2]
        return Outline(number=number, size=(width, height), fit=self._fit)


class _PictureReader:
    """One frame: the current one of a PIL image that the user gave and that stays theirs."""

    count = 1

    def __init__(self, picture: PIL.Image.Image, limits: Limits, fit: _Box) -> None:
        self._picture = picture
        self._limits = limits
        self._fit = fit

    def extent(self, number: int) -> Extent:
        with guard("the PIL image", self._picture.format or "PIL"):
            return outline_of(self._picture, number, fit=self._fit).extent

    def cost(self, number: int) -> int:
        outline = Outline(number=number, size=self._picture.size, fit=self._fit)
        with guard("the PIL image", self._picture.format or "PIL"):
            return picture_cost(self._picture, outline)

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        what = "the PIL image"
        with (
            watched(what, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(what, self._picture.format or "PIL"),
        ):
            with _LOADING:
                self._picture.load()
            watch()
            outline = outline_of(self._picture, number, fit=self._fit)
            return picture_frame(self._picture, outline, watch)


class _SingleReader:
    """The first frame of a PNG, JPEG, BMP, JPEG 2000 or PNM file."""

    count = 1

    def __init__(self, file: BinaryIO, name: str, limits: Limits, fit: _Box, known: Format) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._fit = fit
        self._format = known

    def is_suspicious(self, number: int) -> bool:
        """See `JudgingReader.is_suspicious`."""
        return suspicious(self._format)

    def extent(self, number: int) -> Extent:
        with guard(self._name, self._format.value):
            return self._outline(self._open(go_on), number).extent

    def cost(self, number: int) -> int:
        with guard(self._name, self._format.value):
            picture = self._open(go_on)
            outline = self._outline(picture, number)
            self._draft(picture)
            return file_cost(picture, outline, self._file)

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        with (
            watched(self._name, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(self._name, self._format.value),
        ):
            watch()
            picture = self._open(watch)
            size = picture.size
            self._draft(picture)
            raw_mode = str(picture.tile[0].args) if picture.tile else ""
            picture.load()
            watch()
            if self._format is Format.PNG:
                _scale_colour_key(picture, raw_mode)
            outline = outline_of(picture, number, fit=self._fit, size=size)
            # The high bytes of 16-bit colour are what Pillow keeps: of 12 bits, four.
            if raw_mode == "RGB;16B" and is_dark(picture):
                self._file.seek(0)
                deep = decode_deep(self._file.read())
                if deep is not None:
                    return array_frame(deep, outline, watch)
            return picture_frame(picture, outline, watch, prepare=_meaning(picture, self._format))

    def _open(self, watch: Callable[[], None]) -> ImageFile:
        self._file.seek(0)
        # The decoder of JPEG 2000, in C, does not expect that reading fails.
        watched_file = WatchedFile(self._file, go_on if self._format is Format.JPEG2000 else watch)
        picture = _PLUGINS[self._format](cast("BinaryIO", watched_file))
        check_pixels(*picture.size, self._limits, self._name)
        if "progressive" in picture.info:
            watched_file.watch = _Pace(picture, watch)
        return picture

    def _outline(self, picture: ImageFile, number: int) -> Outline:
        """What the headers tell."""
        # Where a PNG has EXIF data behind its pixels, Pillow would decode them.
        if self._format is not Format.PNG or "exif" in picture.info:
            return outline_of(picture, number, fit=self._fit)
        dpi = picture.info.get("dpi")
        return Outline(number=number, size=picture.size, dpi=dpi, fit=self._fit)

    def _draft(self, picture: ImageFile) -> None:
        """Let a JPEG's decoder do the first part of scaling down, which spares it work."""
        if self._format is Format.JPEG and self._fit is not None:
            width, height = outline_of(picture, 1, fit=self._fit).target
            # The rest is scaled by two at least, as Pillow does it too: it looks better.
            picture.draft(None, (2 * width, 2 * height))


class _Pace:
    """A watch that gives a decoder less at a time while that keeps it busy for long."""

    def __init__(self, picture: ImageFile, watch: Callable[[], None]) -> None:
        self._picture = picture
        self._watch = watch
        self._last = time.monotonic()
        picture.decodermaxblock = _BLOCKS[0]

    def __call__(self) -> None:
        self._watch()
        now = time.monotonic()
        block, most, least = self._picture.decodermaxblock, *_BLOCKS
        if now - self._last > _PACE:
            self._picture.decodermaxblock = max(least, block // 2)
        elif now - self._last < _PACE / 4:
            self._picture.decodermaxblock = min(most, block * 2)
        self._last = now


class _AnimationReader:
    """All frames of a GIF or WebP file, each composed as an animation shows it."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits, fit: _Box, known: Format) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._fit = fit
        self._format = known
        self._picture: ImageFile | None = None
        self._watch: Callable[[], None] = go_on
        if known is Format.GIF:
            claims = scan_gif(file, limits.max_frames)
            self._size = claims.width, claims.height
            check_pixels(*self._size, limits, name)
            frames = claims.frames
        else:
            file.seek(0)
            self._size = webp_size(file.read(HEAD_SIZE)) or (0, 0)
            check_pixels(*self._size, limits, name)
            frames = getattr(self._open(), "n_frames", 1)
        # A file without any frame is damaged, which reading the first one says.
        self.count = max(1, frames)
        if self.count > limits.max_frames:
            raise OcrImageTooLarge(
                f"{name}: more frames than the limit of {limits.max_frames}; if that is right,"
                " raise it with Limits(max_frames=…) or --max-frames"
            )

    def is_suspicious(self, number: int) -> bool:
        """See `JudgingReader.is_suspicious`."""
        return suspicious(self._format)

    def extent(self, number: int) -> Extent:
        return Outline(number=number, size=self._size, fit=self._fit).extent

    def cost(self, number: int) -> int:
        outline = Outline(number=number, size=self._size, fit=self._fit)
        with guard(self._name, self._format.value):
            return animation_cost(self._format, outline, file_size(self._file), first=number == 1)

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        what = f"{self._name}, frame {number}"
        with (
            watched(what, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(what, self._format.value),
        ):
            self._watch = watch
            watch()
            # After an error the decoder's state is unknown, so it is kept only after a success.
            picture, self._picture = self._picture or self._open(), None
            picture.seek(number - 1)
            picture.load()
            watch()
            outline = outline_of(picture, number, fit=self._fit)
            frame = picture_frame(picture, outline, watch)
            # What comes next is built on it.
            self._picture = picture if number < self.count else None
            return frame

    def _open(self) -> ImageFile:
        self._file.seek(0)
        file = WatchedFile(self._file, lambda: self._watch())
        return _PLUGINS[self._format](cast("BinaryIO", file))


def _scale_colour_key(picture: ImageFile, raw_mode: str) -> None:
    """Bring a PNG's transparent colour to the depth that Pillow has brought the pixels to."""
    key = picture.info.get("transparency")
    if isinstance(key, int) and raw_mode in ("L;2", "L;4"):
        picture.info["transparency"] = key * (85 if raw_mode == "L;2" else 17)
    elif isinstance(key, tuple) and raw_mode == "RGB;16B":
        picture.info["transparency"] = tuple(part >> 8 for part in key)


def _meaning(
    picture: ImageFile, known: Format
) -> Callable[[PIL.Image.Image], PIL.Image.Image] | None:
    """What takes back that Pillow has assumed what the file does not say."""
    if known is Format.JPEG and picture.mode == "CMYK" and "adobe" not in picture.info:
        # Values that are the absence of ink are Adobe's habit, and its marker is missing.
        return ImageChops.invert
    if (
        known is Format.BMP
        and picture.mode == "RGBA"
        and picture.getchannel("A").getextrema() == (0, 0)
    ):
        # Many programs leave the fourth byte at zero; nobody saves an invisible picture.
        return lambda band: band.convert("RGB")
    return None
