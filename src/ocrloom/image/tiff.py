"""Decoding the frames of TIFF files, each on its own."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import numpy as np
import PIL.Image
from PIL.TiffImagePlugin import TiffImageFile

from ocrloom.errors import OcrDamagedImage, OcrFormatError
from ocrloom.image.costs import SLACK, canvas_cost, file_size, is_grey, pillow_bytes
from ocrloom.image.deep import decode_deep, is_dark
from ocrloom.image.formats import Format
from ocrloom.image.guard import guard
from ocrloom.image.lazy import Extent, Frame, check_pixels, go_on
from ocrloom.image.output import Outline, array_frame, picture_frame
from ocrloom.image.pixels import is_large, pour_picture
from ocrloom.image.suspicion import suspicious
from ocrloom.image.tiff_bands import TiffBands
from ocrloom.image.tiff_structure import Chain, Ifd, PatchedFile, Tag
from ocrloom.image.watch import watched

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from ocrloom.options import Limits

__all__ = ["TiffReader"]

_WHITE_IS_ZERO: Final = 0
_RGB: Final = 2
_YCBCR: Final = 6
_UNCOMPRESSED: Final = 1
_LZW: Final = 5
_SEPARATE_PLANES: Final = 2
_UNSIGNED: Final = 1
_FLOAT: Final = 3
_FORMATS: Final = {1: "unsigned", 2: "signed", 3: "float", 4: "untyped", 5: "complex"}


class _Tiff(TiffImageFile):
    """Pillow's TIFF frame without Pillow's limit, which is the process's and not ours to change."""

    def load_prepare(self) -> None:
        # The size has been compared with our limit; the check comes with Pillow's own reservation.
        if self._im is None:
            self.im = PIL.Image.new(self.mode, self._tile_size, None).im
        super().load_prepare()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A frame of which only the headers have been read."""

    what: str
    """The source's name and the frame, for messages."""
    ifd: Ifd
    bits: int
    """Of the deepest sample."""
    inverted: bool
    """Whether deep values fall towards white."""
    outline: Outline
    picture: TiffImageFile | None
    """None if Pillow has no mode for it."""
    bands: TiffBands | None
    """If it is to be decoded in bands."""


class TiffReader:
    """All frames of a TIFF or BigTIFF file."""

    def __init__(
        self, file: BinaryIO, name: str, limits: Limits, fit: tuple[int, int] | None
    ) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._fit = fit
        self._chain = Chain(file, name, limits.max_frames)

    @property
    def count(self) -> int:
        """Number of frames; one that a broken link leads to is counted, and reading it fails."""
        return len(self._chain.offsets) + (self._chain.problem is not None)

    def is_suspicious(self, number: int) -> bool:
        """See `JudgingReader.is_suspicious`."""
        with guard(f"{self._name}, frame {number}", "TIFF"):
            if number > len(self._chain.offsets):
                return False
            ifd = Ifd(self._file, self._chain, number)
            return suspicious(Format.TIFF, ifd.claims(Tag.COMPRESSION))

    def extent(self, number: int) -> Extent:
        """See `Reader.extent`."""
        what = f"{self._name}, frame {number}"
        with guard(what, "TIFF"):
            return self._open(number, what, go_on).outline.extent

    def cost(self, number: int) -> int:
        """See `Reader.cost`."""
        what = f"{self._name}, frame {number}"
        with guard(what, "TIFF"):
            return SLACK + self._cost(self._open(number, what, go_on))

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        """See `Reader.read`."""
        what = f"{self._name}, frame {number}"
        with (
            watched(what, checkpoint, self._limits.max_decode_seconds) as watch,
            guard(what, "TIFF"),
        ):
            watch()
            return self._decode(self._open(number, what, watch), watch)

    def _open(self, number: int, what: str, watch: Callable[[], None]) -> _Opened:
        if number > len(self._chain.offsets):
            raise OcrDamagedImage(
                f"{what}: cannot be found: {self._chain.problem}; get or save the file again"
            )
        ifd = Ifd(self._file, self._chain, number)
        size = ifd.value(Tag.WIDTH, 0), ifd.value(Tag.HEIGHT, 0)
        self._check_size(size, ifd, what)
        bits = max(ifd.values(Tag.BITS) or (1,))
        photometric = ifd.value(Tag.PHOTOMETRIC, _WHITE_IS_ZERO)
        patches = self._base_patches(ifd, number)
        inverted = photometric == _WHITE_IS_ZERO and bits > 8
        if inverted:
            # Pillow takes deep values with white at zero as they are in one byte order and
            # refuses them in the other; as black at zero it knows both, and we invert.
            patches |= ifd.patch(Tag.PHOTOMETRIC, 1)
        if _needs_libtiff(ifd, bits, photometric):
            # Naming any compression sends Pillow to libtiff, which reads the true value itself.
            patches |= ifd.patch(Tag.COMPRESSION, _LZW)
        picture = self._open_with_pillow(ifd, patches, watch)
        bands = None
        if picture is not None:
            # Again: of two tags for the width, Pillow may have taken the other one.
            check_pixels(*picture.size, self._limits, what)
            if picture.size == size and is_large(size):
                bands = TiffBands.of(ifd, size, what)
            size = picture.size
        outline = Outline(
            number=number,
            size=size,
            dpi=ifd.resolution(),
            orientation=ifd.value(Tag.ORIENTATION, 1),
            fit=self._fit,
        )
        return _Opened(
            what=what,
            ifd=ifd,
            bits=bits,
            inverted=inverted,
            outline=outline,
            picture=picture,
            bands=bands,
        )

    def _check_size(self, size: tuple[int, int], ifd: Ifd, what: str) -> None:
        width, height = size
        if width < 1 or height < 1:
            raise OcrDamagedImage(
                f"{what}: expected a width and a height, found {width} × {height}; get or save"
                " the file again"
            )
        check_pixels(width, height, self._limits, what)
        # Memory is reserved for whole tiles, which may be larger than the frame.
        tile = ifd.value(Tag.TILE_WIDTH, 1), ifd.value(Tag.TILE_HEIGHT, 1)
        check_pixels(*tile, self._limits, f"{what}, one tile")

    def _decode(self, opened: _Opened, watch: Callable[[], None]) -> Frame:
        picture, outline = opened.picture, opened.outline
        if picture is None:
            deep = self._read_deep(opened.ifd, outline.number, watch)
            if deep is None:
                raise OcrFormatError(_variant(opened))
            return array_frame(deep, outline, watch, white_is_zero=opened.inverted)
        if opened.bands is not None:
            return self._decode_bands(opened.bands, picture.mode, outline, watch)
        picture.load()
        watch()
        if _may_be_dark(opened) and is_dark(picture):
            # Pillow keeps the high bytes of 16-bit colour: of 12 bits of data, four.
            deep = self._read_deep(opened.ifd, outline.number, watch)
            if deep is not None:
                return array_frame(deep, outline, watch)
        if _is_unsigned(opened):
            # Pillow's 32-bit pixels are signed.
            values = np.asarray(picture).view(np.uint32)
            return array_frame(values, outline, watch, white_is_zero=opened.inverted)
        return picture_frame(picture, outline, watch, white_is_zero=opened.inverted)

    def _decode_bands(
        self, bands: TiffBands, mode: str, outline: Outline, watch: Callable[[], None]
    ) -> Frame:
        canvas = outline.canvas(bilevel=mode == "1")
        for top, data in bands.files(self._file, pillow_bytes(mode)):
            watch()
            # Closed, it lets the data go, to which the picture would hold on.
            with io.BytesIO(data) as memory:
                del data
                band = _Tiff(memory)
                band.load()
            pour_picture(band, canvas, watch, top=top)
        return outline.frame(canvas.finish(watch))

    def _cost(self, opened: _Opened) -> int:
        picture, outline = opened.picture, opened.outline
        pixels = outline.size[0] * outline.size[1]
        if picture is None:
            return self._deep_cost(opened, canvas_cost(outline, grey=False))
        pixel_bytes = pillow_bytes(picture.mode)
        canvas = canvas_cost(outline, grey=is_grey(picture.mode), bilevel=picture.mode == "1")
        if opened.bands is not None:
            return opened.bands.cost(pixel_bytes, canvas)
        if _may_be_dark(opened):
            # What asks whether it is dark takes two copies.
            canvas = max(canvas, 6 * pixels)
            if _is_for_opencv(opened.ifd, self._chain):
                canvas = max(canvas, self._deep_cost(opened, canvas))
        if _is_unsigned(opened):
            canvas += 8 * pixels
        libtiff = bool(picture.tile) and picture.tile[0].codec_name == "libtiff"
        return pixels * pixel_bytes + max(canvas, self._decoder_cost(opened, libtiff=libtiff))

    def _decoder_cost(self, opened: _Opened, *, libtiff: bool) -> int:
        """Bytes that a decoder holds beside the picture: a strip or tile, and the frame's data."""
        ifd, size = opened.ifd, opened.outline.size
        part = _part_size(opened)
        if not libtiff:
            # A single strip is read in small blocks, one of several in one.
            return 0 if part == size[0] * size[1] else 2 * part * _sample_bytes(opened)
        # Subsampled colour becomes RGBA.
        ycbcr = ifd.value(Tag.PHOTOMETRIC, 0) == _YCBCR
        sizes = ifd.table(Tag.TILE_SIZES if Tag.TILE_SIZES in ifd else Tag.STRIP_SIZES)
        whole = file_size(self._file)
        data = whole if sizes is None else min(whole, int(sizes.sum()))
        return data + part * (4 if ycbcr else _sample_bytes(opened))

    def _deep_cost(self, opened: _Opened, canvas: int) -> int:
        """Bytes that OpenCV takes, which wants the whole file and gives colours in its order."""
        pixels = opened.outline.size[0] * opened.outline.size[1]
        array = pixels * _sample_bytes(opened)
        coloured = opened.ifd.value(Tag.SAMPLES, 1) > 1
        # Its buffer for a strip or tile is of four samples, or of one.
        part = _part_size(opened) * _sample_bytes(opened) * 4 // 3
        data = file_size(self._file)
        decoder = 2 * data + part + (2 if coloured else 1) * array
        return max(3 * data, decoder, array + canvas)

    def _open_with_pillow(
        self, ifd: Ifd, patches: Mapping[int, bytes], watch: Callable[[], None]
    ) -> TiffImageFile | None:
        """The frame, not yet decoded; None if Pillow has no mode for it."""
        if self._chain.is_big_endian_bigtiff or self._is_swapped(ifd):
            return None
        self._file.seek(0)
        try:
            return _Tiff(cast("Any", PatchedFile(self._file, patches, watch)))
        except SyntaxError:
            return None

    def _is_swapped(self, ifd: Ifd) -> bool:
        """Whether Pillow would swap bytes a second time, after libtiff has done it."""
        compressed = ifd.value(Tag.COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED
        plain = _sample_format(ifd) == _UNSIGNED or ifd.value(Tag.BITS, 1) <= 8
        return compressed and self._chain.order == ">" and not plain

    def _base_patches(self, ifd: Ifd, number: int) -> dict[int, bytes]:
        link = struct.pack(self._chain.link_format, self._chain.offsets[number - 1])
        # Turned upright by us: how far Pillow does it has changed between its versions.
        return {self._chain.link_at: link} | ifd.patch(Tag.ORIENTATION, 1)

    def _read_deep(self, ifd: Ifd, number: int, watch: Callable[[], None]) -> NDArray[Any] | None:
        """The frame by OpenCV, or None where it is known to fail or to read it wrongly."""
        if not _is_for_opencv(ifd, self._chain):
            return None
        self._file.seek(0)
        patched = PatchedFile(self._file, self._base_patches(ifd, number), watch)
        return decode_deep(patched.read())


def _needs_libtiff(ifd: Ifd, bits: int, photometric: int) -> bool:
    """Whether it is uncompressed data that Pillow's own reader takes for something else."""
    if ifd.value(Tag.COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED:
        return False
    # Separate planes of 16 bits are read as if of 8; YCbCr as if each pixel had a colour of its
    # own, and by older versions of Pillow not at all.
    planes = ifd.value(Tag.PLANAR, 1) == _SEPARATE_PLANES and bits > 8
    return planes or photometric == _YCBCR


def _is_for_opencv(ifd: Ifd, chain: Chain) -> bool:
    if ifd.value(Tag.PLANAR, 1) == _SEPARATE_PLANES or ifd.value(Tag.SAMPLES, 1) == 2:
        return False
    if _sample_format(ifd) == _FLOAT and ifd.value(Tag.BITS, 1) < 32:
        return False
    return ifd.value(Tag.PHOTOMETRIC, 0) <= _RGB or chain.is_big_endian_bigtiff


def _part_size(opened: _Opened) -> int:
    """Pixels of a strip or tile."""
    width, height = opened.outline.size
    rows = min(height, opened.ifd.value(Tag.ROWS_PER_STRIP, height))
    return opened.ifd.value(Tag.TILE_WIDTH, width) * opened.ifd.value(Tag.TILE_HEIGHT, rows)


def _sample_bytes(opened: _Opened) -> int:
    """Bytes of a pixel's samples, each in whole ones; 12 bits take two."""
    sample = 1 if opened.bits <= 8 else (opened.bits + 15) // 16 * 2
    return opened.ifd.value(Tag.SAMPLES, 1) * sample


def _sample_format(ifd: Ifd) -> int:
    return ifd.value(Tag.SAMPLE_FORMAT, _UNSIGNED)


def _may_be_dark(opened: _Opened) -> bool:
    picture = opened.picture
    return picture is not None and opened.bits == 16 and picture.mode == "RGB"


def _is_unsigned(opened: _Opened) -> bool:
    """Whether it has whole numbers of 32 bits that are not signed."""
    whole = opened.picture is not None and opened.picture.mode == "I"
    return whole and opened.bits == 32 and _sample_format(opened.ifd) == _UNSIGNED


def _variant(opened: _Opened) -> str:
    ifd = opened.ifd
    samples = ifd.value(Tag.SAMPLES, 1)
    kind = _FORMATS.get(_sample_format(ifd), "unknown")
    return (
        f"{opened.what}: a TIFF variant that cannot be decoded: {samples} × {opened.bits} bits"
        f" {kind}, photometric {ifd.value(Tag.PHOTOMETRIC, 0)}, compression"
        f" {ifd.value(Tag.COMPRESSION, 1)}, planes {ifd.value(Tag.PLANAR, 1)}; convert it to"
        " 8-bit grey or RGB, for instance with: magick in.tif -depth 8 out.tif"
    )
