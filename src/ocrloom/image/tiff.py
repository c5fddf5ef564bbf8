"""Decoding the frames of TIFF files, each on its own."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import numpy as np
import PIL.Image
from PIL.TiffImagePlugin import TiffImageFile

from ocrloom.errors import OcrDamagedImage, OcrFormatError
from ocrloom.image.deep import decode_deep, is_dark
from ocrloom.image.guard import guard
from ocrloom.image.lazy import Frame, check_pixels
from ocrloom.image.output import make_frame
from ocrloom.image.pixels import from_array, from_picture
from ocrloom.image.tiff_structure import Chain, Ifd, PatchedFile, Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class TiffReader:
    """All frames of a TIFF or BigTIFF file."""

    def __init__(self, file: BinaryIO, name: str, limits: Limits) -> None:
        self._file = file
        self._name = name
        self._limits = limits
        self._chain = Chain(file, name, limits.max_frames)

    @property
    def count(self) -> int:
        """Number of frames; one that a broken link leads to is counted, and reading it fails."""
        return len(self._chain.offsets) + (self._chain.problem is not None)

    def read(self, number: int) -> Frame:
        """See `Reader.read`."""
        what = f"{self._name}, frame {number}"
        with guard(what, "TIFF"):
            if number > len(self._chain.offsets):
                raise OcrDamagedImage(
                    f"{what}: cannot be found: {self._chain.problem}; get or save the file again"
                )
            ifd = Ifd(self._file, self._chain, number)
            self._check_size(ifd, what)
            pixels = self._decode(ifd, number, what)
            orientation = ifd.value(Tag.ORIENTATION, 1)
            return make_frame(number, pixels, dpi=ifd.resolution(), orientation=orientation)

    def _check_size(self, ifd: Ifd, what: str) -> None:
        width, height = ifd.value(Tag.WIDTH, 0), ifd.value(Tag.HEIGHT, 0)
        if width < 1 or height < 1:
            raise OcrDamagedImage(
                f"{what}: expected a width and a height, found {width} × {height}; get or save"
                " the file again"
            )
        check_pixels(width, height, self._limits, what)
        # Memory is reserved for whole tiles, which may be larger than the frame.
        tile = ifd.value(Tag.TILE_WIDTH, 1), ifd.value(Tag.TILE_HEIGHT, 1)
        check_pixels(*tile, self._limits, f"{what}, one tile")

    def _decode(self, ifd: Ifd, number: int, what: str) -> NDArray[np.uint8]:
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
        picture = self._open_with_pillow(ifd, patches)
        if picture is None:
            deep = self._read_deep(ifd, number)
            if deep is None:
                raise OcrFormatError(_variant(ifd, what, bits))
            return from_array(deep, white_is_zero=inverted)
        # Again: of two tags for the width, Pillow may have taken the other one.
        check_pixels(*picture.size, self._limits, what)
        picture.load()
        if bits == 16 and picture.mode == "RGB" and is_dark(picture):
            # Pillow keeps the high bytes of 16-bit colour: of 12 bits of data, four.
            deep = self._read_deep(ifd, number)
            if deep is not None:
                return from_array(deep)
        if bits == 32 and picture.mode == "I" and _sample_format(ifd) == _UNSIGNED:
            # Pillow's 32-bit pixels are signed.
            return from_array(np.asarray(picture).view(np.uint32), white_is_zero=inverted)
        return from_picture(picture, white_is_zero=inverted)

    def _open_with_pillow(self, ifd: Ifd, patches: Mapping[int, bytes]) -> TiffImageFile | None:
        """The frame, not yet decoded; None if Pillow has no mode for it."""
        if self._chain.is_big_endian_bigtiff or self._is_swapped(ifd):
            return None
        self._file.seek(0)
        try:
            return _Tiff(cast("Any", PatchedFile(self._file, patches)))
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

    def _read_deep(self, ifd: Ifd, number: int) -> NDArray[Any] | None:
        """The frame by OpenCV, or None where it is known to fail or to read it wrongly."""
        if ifd.value(Tag.PLANAR, 1) == _SEPARATE_PLANES or ifd.value(Tag.SAMPLES, 1) == 2:
            return None
        if _sample_format(ifd) == _FLOAT and ifd.value(Tag.BITS, 1) < 32:
            return None
        if ifd.value(Tag.PHOTOMETRIC, 0) > _RGB and not self._chain.is_big_endian_bigtiff:
            return None
        self._file.seek(0)
        patched = PatchedFile(self._file, self._base_patches(ifd, number))
        return decode_deep(patched.read())


def _needs_libtiff(ifd: Ifd, bits: int, photometric: int) -> bool:
    """Whether it is uncompressed data that Pillow's own reader takes for something else."""
    if ifd.value(Tag.COMPRESSION, _UNCOMPRESSED) != _UNCOMPRESSED:
        return False
    # Separate planes of 16 bits are read as if of 8; YCbCr as if each pixel had a colour of its
    # own, and by older versions of Pillow not at all.
    planes = ifd.value(Tag.PLANAR, 1) == _SEPARATE_PLANES and bits > 8
    return planes or photometric == _YCBCR


def _sample_format(ifd: Ifd) -> int:
    return ifd.value(Tag.SAMPLE_FORMAT, _UNSIGNED)


def _variant(ifd: Ifd, what: str, bits: int) -> str:
    samples = ifd.value(Tag.SAMPLES, 1)
    kind = _FORMATS.get(_sample_format(ifd), "unknown")
    return (
        f"{what}: a TIFF variant that cannot be decoded: {samples} × {bits} bits {kind},"
        f" photometric {ifd.value(Tag.PHOTOMETRIC, 0)}, compression"
        f" {ifd.value(Tag.COMPRESSION, 1)}, planes {ifd.value(Tag.PLANAR, 1)}; convert it to"
        " 8-bit grey or RGB, for instance with: magick in.tif -depth 8 out.tif"
    )
