"""Opening a checked source with the decoder of its format: one `Reader` per kind of source."""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Final

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
from ocrloom.image.deep import decode_deep, is_dark
from ocrloom.image.formats import HEAD_SIZE, Format, sniff
from ocrloom.image.guard import guard
from ocrloom.image.headers import scan_gif, webp_size
from ocrloom.image.lazy import Frame, Reader, Source, check_pixels
from ocrloom.image.output import make_frame, picture_frame
from ocrloom.image.pixels import from_array
from ocrloom.image.source import open_file, shown
from ocrloom.image.tiff import TiffReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from ocrloom.options import Limits

__all__ = ["open_reader"]

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

# Two Images may hold one lazily opened PIL image, whose file has a single position.
_LOADING: Final = threading.Lock()


@contextmanager
def open_reader(source: Source, name: str | None, limits: Limits) -> Iterator[Reader]:
    """Open what `Image.load` has checked.

    Args:
        source: A path, the bytes of an image file, an array or a PIL image.
        name: For messages.
        limits: What the source may claim.

    Raises:
        OcrException: See `Image.open`.
    """
    if isinstance(source, np.ndarray):
        yield _ArrayReader(source)
    elif isinstance(source, PIL.Image.Image):
        yield _PictureReader(source)
    else:
        with _open_encoded(source, name, limits) as file:
            yield _reader_of(file, shown(name), limits)


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


def _reader_of(file: BinaryIO, name: str, limits: Limits) -> Reader:
    with guard(name, "image"):
        head = file.read(HEAD_SIZE)
        file.seek(0)
    found = sniff(head, name)
    with guard(name, found.value):
        if found is Format.TIFF:
            return TiffReader(file, name, limits)
        if found in (Format.GIF, Format.WEBP):
            return _AnimationReader(file, name, limits, found)
        return _SingleReader(file, name, limits, found)


class _ArrayReader:
    """One frame: an array that the user gave."""

    count = 1

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def read(self, number: int) -> Frame:
        with guard("the array", "array"):
            return make_frame(number, from_array(self._array))


class _PictureReader:
    """One frame: the current one of a PIL image that the user gave and that stays theirs."""

    count = 1

    def __init__(self, picture: PIL.Image.Image) -> None:
        self._picture = picture

    def read(self, number: int) -> Frame:
        with guard("the PIL image", self._picture.format or "PIL"):
            with _LOADING:
                self._picture.load()
            return picture_frame(self._picture, number)


class _SingleReader:
    """The first frame of a PNG, JPEG, BMP, JPEG 2000 or PNM file."""

    count = 1

    def __init__(self, file: BinaryIO, name: str, limits: Limits, known: Format) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._format = known

    def read(self, number: int) -> Frame:
        with guard(self._name, self._format.value):
            self._file.seek(0)
            picture = _PLUGINS[self._format](self._file)
            check_pixels(*picture.size, self._limits, self._name)
            raw_mode = str(picture.tile[0].args) if picture.tile else ""
            picture.load()
            if self._format is Format.PNG:
                _scale_colour_key(picture, raw_mode)
            # The high bytes of 16-bit colour are what Pillow keeps: of 12 bits, four.
            if raw_mode == "RGB;16B" and is_dark(picture):
                self._file.seek(0)
                deep = decode_deep(self._file.read())
                if deep is not None:
                    return picture_frame(picture, number, pixels=from_array(deep))
            return picture_frame(_as_meant(picture, self._format), number)


class _AnimationReader:
    """All frames of a GIF or WebP file, each composed as an animation shows it."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits, known: Format) -> None:
        self._file = file
        self._name = name
        self._format = known
        self._picture: ImageFile | None = None
        if known is Format.GIF:
            claims = scan_gif(file, limits.max_frames)
            check_pixels(claims.width, claims.height, limits, name)
            frames = claims.frames
        else:
            file.seek(0)
            size = webp_size(file.read(HEAD_SIZE))
            if size is not None:
                check_pixels(*size, limits, name)
            frames = getattr(self._open(), "n_frames", 1)
        # A file without any frame is damaged, which reading the first one says.
        self.count = max(1, frames)
        if self.count > limits.max_frames:
            raise OcrImageTooLarge(
                f"{name}: more frames than the limit of {limits.max_frames}; if that is right,"
                " raise it with Limits(max_frames=…) or --max-frames"
            )

    def read(self, number: int) -> Frame:
        with guard(f"{self._name}, frame {number}", self._format.value):
            # After an error the decoder's state is unknown, so it is kept only after a success.
            picture, self._picture = self._picture or self._open(), None
            picture.seek(number - 1)
            picture.load()
            frame = picture_frame(picture, number)
            self._picture = picture
            return frame

    def _open(self) -> ImageFile:
        self._file.seek(0)
        return _PLUGINS[self._format](self._file)


def _scale_colour_key(picture: ImageFile, raw_mode: str) -> None:
    """Bring a PNG's transparent colour to the depth that Pillow has brought the pixels to."""
    key = picture.info.get("transparency")
    if isinstance(key, int) and raw_mode in ("L;2", "L;4"):
        picture.info["transparency"] = key * (85 if raw_mode == "L;2" else 17)
    elif isinstance(key, tuple) and raw_mode == "RGB;16B":
        picture.info["transparency"] = tuple(part >> 8 for part in key)


def _as_meant(picture: ImageFile, known: Format) -> PIL.Image.Image:
    """The picture without what Pillow has assumed and the file does not say."""
    if known is Format.JPEG and picture.mode == "CMYK" and "adobe" not in picture.info:
        # Values that are the absence of ink are Adobe's habit, and its marker is missing.
        inverted = ImageChops.invert(picture)
        inverted.info = picture.info
        return inverted
    if known is Format.BMP and picture.mode == "RGBA" and not picture.getchannel("A").getbbox():
        # Many programs leave the fourth byte at zero; nobody saves an invisible picture.
        opaque = picture.convert("RGB")
        opaque.info = picture.info
        return opaque
    return picture
