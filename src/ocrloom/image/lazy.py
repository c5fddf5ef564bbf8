"""``Image``: a source that has been checked and not yet decoded, and the frames it gives."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeGuard

from ocrloom.errors import OcrImageTooLarge, OcrOptionError, OcrSourceEmpty
from ocrloom.image.source import Readable, check_file, check_size, read_stream, shown
from ocrloom.options import Limits, PdfOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

    from ocrloom.image.bilevel import Bilevel

__all__ = [
    "Extent",
    "Frame",
    "Image",
    "ImageLike",
    "Pixels",
    "Reader",
    "Source",
    "check_pixels",
    "go_on",
]


ImageLike: TypeAlias = (
    "str | os.PathLike[Any] | bytes | bytearray | memoryview | Readable"
    " | PIL.Image.Image | NDArray[Any] | Image"
)

Source: TypeAlias = "Path | bytes | NDArray[Any] | PIL.Image.Image"
"""What is left of an `ImageLike` once it has been checked."""

Pixels: TypeAlias = "NDArray[np.uint8] | Bilevel"
"""Grey (H, W) or RGB (H, W, 3) uint8; or black and white, one bit a pixel, cut like an array."""

_ACCEPTED: Final = (
    "a file's name (str or os.PathLike), the bytes of an image file or a PDF, a file object"
    " opened with 'rb', a PIL image or a NumPy array"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One decoded page of a source, as a viewer shows it."""

    number: int
    """Place in the source, from 1."""
    pixels: Pixels
    """Read-only: uint8, grey as (H, W) or RGB as (H, W, 3), 255 is white. A frame of one bit a
    pixel and more than 16 million pixels is a `Bilevel`, which ``[top:bottom, left:right]`` cuts
    like an array and ``numpy.asarray`` makes one."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical dots per inch of the frame in the source, if it states credible
    ones; in a thumbnail too, whose own resolution is ``scale`` times that."""
    scale: float = 1.0
    """Longer side of ``pixels`` over that of the frame in the source, up to 1: less in a
    thumbnail."""
    full_size: tuple[int, int] = (0, 0)
    """Width and height in pixels of the frame in the source, upright; those of ``pixels`` if not
    given. Positions in a thumbnail become positions in the source by their ratio to its sides."""

    def __post_init__(self) -> None:
        if self.full_size == (0, 0):
            height, width = self.pixels.shape[:2]
            object.__setattr__(self, "full_size", (width, height))


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a frame is, as a viewer shows it."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical dots per inch, if the source states credible ones."""


def go_on() -> None:
    """A checkpoint that never ends anything."""


class Reader(Protocol):
    """An opened source. Frames may be read in any order; a damaged one harms no other."""

    @property
    def count(self) -> int:
        """Number of frames that the source claims, damaged ones included."""

    def extent(self, number: int) -> Extent:
        """How large one frame is in the source; reads headers only, and is as true as they are.

        Args:
            number: Place in the source, from 1 to ``count``.

        Raises:
            OcrException: What `cost` raises.
        """

    def cost(self, number: int) -> int:
        """Bytes of memory that decoding one frame takes at its peak; reads headers only.

        That is its pixels and what the decoder holds beside them, not what the source takes
        already: an array or loaded PIL image that was given, the bytes of a file in memory.

        Args:
            number: Place in the source, from 1 to ``count``.

        Raises:
            OcrImageError: What `read` would raise by the headers alone.
            OcrSourceUnreadable: The file cannot be read any more.
        """

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        """Decode one frame.

        Args:
            number: Place in the source, from 1 to ``count``.
            checkpoint: Called often meanwhile, and at least before and after what a decoder
                does in one go: JPEG 2000, a frame of WebP, a TIFF that is small or of one
                compressed strip. What it raises ends the decoding and comes out as it is; the
                reader stays usable.

        Raises:
            OcrDamagedImage: The frame is cut short or broken.
            OcrFormatError: The frame is of a kind that cannot be decoded.
            OcrImageTooLarge: The frame is over ``Limits.max_pixels``, or decoding it takes
                longer than ``Limits.max_decode_seconds``.
            OcrSourceUnreadable: The file cannot be read any more.
        """


class Image:
    """A source of pages. Make one with `Image.load`; nothing is decoded before it is read.

    An ``Image`` holds no open file, may be read several times and from several threads.
    """

    __slots__ = ("_fit", "_limits", "_name", "_pdf", "_renamed", "_source")

    def __init__(
        self,
        source: Source,
        *,
        name: str | None,
        limits: Limits,
        fit: tuple[int, int] | None = None,
        pdf: PdfOptions | None = None,
        renamed: bool = False,
    ) -> None:
        self._source = source
        self._name = name
        self._renamed = renamed
        self._limits = limits
        self._fit = fit
        self._pdf = pdf

    @classmethod
    def load(
        cls, source: ImageLike, *, limits: Limits | None = None, pdf: PdfOptions | None = None
    ) -> Image:
        """Check a source without decoding it.

        Args:
            source: A file's name, the bytes of an image file or a PDF, a file object opened with
                ``"rb"``, a PIL image or a NumPy array. A file object is read to its end at
                once, so it may be closed afterwards. A PIL image counts as one frame, the
                current one, and an array must be (H, W), (H, W, 1), (H, W, 3) RGB or
                (H, W, 4) RGBA of booleans, integers or floats; both must stay unchanged
                until they have been read. An ``Image`` is returned as it is.
            limits: What the source may claim; ``Limits()`` if not given.
            pdf: How it is read if it is a PDF; an engine's own options count if not given.

        Raises:
            OcrOptionError: The source is of a type, shape or dtype that is not accepted.
            OcrSourceError: The file is missing, a folder, no regular file, unreadable or
                empty; each has its own class.
            OcrImageTooLarge: The source is over ``max_bytes`` or, for arrays and PIL
                images, over ``max_pixels``.
        """
        if pdf is not None and not isinstance(pdf, PdfOptions):
            raise OcrOptionError(f"pdf must be PdfOptions, got {type(pdf).__name__}")
        if isinstance(source, Image):
            return source if pdf is None else source._with_pdf(pdf)
        checked, name = _check_source(source, limits or Limits())
        return cls(checked, name=name, limits=limits or Limits(), pdf=pdf)

    @property
    def name(self) -> str | None:
        """The file's name as given, a file object's ``name``, or None."""
        return self._name

    def named(self, name: str) -> Image:
        """The same source under a name that says nothing of where it is, for results and messages.

        Args:
            name: What its owner calls it.
        """
        return self._like(name=name)

    @property
    def place(self) -> str | None:
        """Absolute path of the file, or what the source is called where that is all there is."""
        is_file = isinstance(self._source, os.PathLike) and not self._renamed
        return str(self._source) if is_file else self._name

    @property
    def source(self) -> Source:
        """What is read: an absolute path, bytes, an array or a PIL image."""
        return self._source

    @property
    def limits(self) -> Limits:
        """What the source may claim and take."""
        return self._limits

    @property
    def pdf(self) -> PdfOptions | None:
        """How it is read if it is a PDF; None leaves that to the engine."""
        return self._pdf

    def defaulting_to(self, pdf: PdfOptions) -> Image:
        """The same source with these options for a PDF, unless it has its own."""
        # The defaults are what an image without options is read with.
        return self if self._pdf is not None or pdf == PdfOptions() else self._with_pdf(pdf)

    def _with_pdf(self, pdf: PdfOptions) -> Image:
        return self._like(pdf=pdf)

    def _like(
        self,
        *,
        name: str | None = None,
        fit: tuple[int, int] | None = None,
        pdf: PdfOptions | None = None,
    ) -> Image:
        return Image(
            self._source,
            name=name or self._name,
            limits=self._limits,
            fit=fit or self._fit,
            pdf=pdf or self._pdf,
            renamed=self._renamed or name is not None,
        )

    @property
    def fit(self) -> tuple[int, int] | None:
        """Width and height into which frames are scaled down, see `thumbnail`; None if not."""
        return self._fit

    def thumbnail(self, size: tuple[int, int]) -> Image:
        """The same source, to be read smaller.

        Each frame is scaled down, by the mean over the area of each new pixel, as far as it
        needs to fit; it keeps its aspect and is never scaled up. Limits stay those of the
        frames in the source. `Frame.scale` and `Frame.full_size` tell what became of a frame;
        its ``dpi`` is still what the source states.

        Args:
            size: Largest width and height in pixels of a frame as a viewer shows it, from 1.

        Raises:
            OcrOptionError: ``size`` is no pair of whole numbers of at least 1.
        """
        box = tuple(size) if isinstance(size, (tuple, list)) else ()
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in box)
        if len(box) != 2 or not whole or min(box) < 1:
            raise OcrOptionError(
                "the size of a thumbnail must be a width and a height, whole numbers of at least"
                f" 1, got {size!r}"
            )
        width, height = box
        if self._fit is not None:
            width, height = min(width, self._fit[0]), min(height, self._fit[1])
        return self._like(fit=(width, height))

    def open(self, checkpoint: Callable[[], None] = go_on) -> AbstractContextManager[Reader]:
        """Open the source for reading frames one by one; blocks, so call it in a worker.

        Args:
            checkpoint: Called often while a PDF is opened, which may take long; what it raises
                ends that and comes out as it is. Other sources are opened in no time.

        Raises:
            OcrFormatError: The source is not an image of an allowed format.
            OcrDamagedImage: Not even the first header can be read.
            OcrImageTooLarge: The source is over a limit on frames, pixels or bytes.
            OcrPasswordError: It is an encrypted PDF; the password is missing or wrong.
            OcrSourceUnreadable: The file was there when loaded and cannot be read now.
            OcrEngineError: It is a PDF, and the process that reads those cannot be started.
        """
        # Here and not at the top: this import brings NumPy and Pillow.
        from ocrloom.image.decode import open_reader

        return open_reader(self._source, self._name, self._limits, self._fit, self._pdf, checkpoint)

    def frames(self) -> Iterator[Frame]:
        """Decode frame by frame, each when it is asked for; blocks, so call it in a worker.

        Pages of a PDF are drawn, whether or not they hold text.

        Raises:
            OcrException: What `open` and `Reader.read` raise. The frames before a damaged
                one have been given by then.
        """
        with self.open() as reader:
            for number in range(1, reader.count + 1):
                yield reader.read(number)

    def frame_count(self) -> int:
        """Number of frames that the source claims; reads headers and decodes nothing.

        Raises:
            OcrException: What `open` raises.
        """
        with self.open() as reader:
            return reader.count

    def __repr__(self) -> str:
        if self._name is not None:
            return f"Image({self._name!r})"
        if isinstance(self._source, bytes):
            return f"Image(<{len(self._source)} bytes>)"
        return f"Image(<{type(self._source).__name__}>)"


def _check_source(source: ImageLike, limits: Limits) -> tuple[Source, str | None]:
    """What is left of a source that was found good, and its name."""
    if isinstance(source, (str, os.PathLike)):
        name = os.fsdecode(source)
        return check_file(name, limits), name
    if isinstance(source, (bytes, bytearray, memoryview)):
        size = source.nbytes if isinstance(source, memoryview) else len(source)
        check_size(size, limits, "the bytes given")
        return bytes(source), None
    if _is_array(source):
        _check_array(source, limits)
        return source, None
    if _is_picture(source):
        _check_picture(source, limits)
        return source, None
    if hasattr(source, "read"):
        stated = getattr(source, "name", None)
        title = stated if isinstance(stated, str) else None
        return read_stream(source, title, limits), title
    raise OcrOptionError(f"a source must be {_ACCEPTED}, got {type(source).__name__}")


def _is_array(value: object) -> TypeGuard[NDArray[Any]]:
    return _is_instance(value, "numpy", "ndarray")


def _is_picture(value: object) -> TypeGuard[PIL.Image.Image]:
    return _is_instance(value, "PIL.Image", "Image")


def _is_instance(value: object, module: str, name: str) -> bool:
    """Whether value is of a class whose module need not be imported: if it is, it already was."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, getattr(loaded, name, ()))


def _check_array(array: NDArray[Any], limits: Limits) -> None:
    shape, dtype = array.shape, array.dtype
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise OcrOptionError(
            "an array must have the shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA,"
            f" got {shape}"
        )
    if dtype.kind not in "buif" or (dtype.kind == "f" and dtype.itemsize > 8):
        raise OcrOptionError(
            "an array must hold bool, integers of up to 64 bits or floats of 16, 32 or 64 bits,"
            f" got {dtype}"
        )
    if array.size == 0:
        raise OcrSourceEmpty(f"an array of the shape {shape} has no pixels; give it at least one")
    check_pixels(shape[1], shape[0], limits, "the array")


def _check_picture(picture: PIL.Image.Image, limits: Limits) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise OcrSourceEmpty(f"a PIL image of {width} × {height} has no pixels")
    check_pixels(width, height, limits, "the PIL image")


def check_pixels(width: int, height: int, limits: Limits, what: str) -> None:
    """Refuse a frame over the limit before its pixels are decoded.

    Raises:
        OcrImageTooLarge: ``width × height`` is over ``limits.max_pixels``.
    """
    if width * height > limits.max_pixels:
        raise OcrImageTooLarge(
            f"{shown(what)}: {width} × {height} = {width * height} pixels are over the limit of"
            f" {limits.max_pixels}; if the size is right, raise it with"
            " Limits(max_pixels=…) or --max-pixels"
        )
