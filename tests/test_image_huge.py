"""Large frames: what they cost, in bands, as bits, scaled down, and stopped on the way."""

from __future__ import annotations

import concurrent.futures
import contextlib
import io
import itertools
import pickle
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import TiffFrame, encoded, grey_page, pack_bits, page, png_chunk, raw_frame, tiff

from ocrloom.errors import OcrDamagedImage, OcrImageError, OcrImageTooLarge, OcrOptionError
from ocrloom.image import Image, lazy, pixels, tiff_bands
from ocrloom.image.bilevel import Bilevel
from ocrloom.image.canvas import fitting, make_canvas
from ocrloom.image.pixels import turn_upright
from ocrloom.options import Limits

WIDTH, HEIGHT = 83, 67
COLOUR = page(WIDTH, HEIGHT)
GREY = grey_page(WIDTH, HEIGHT)
BITS = (GREY > 99) * np.uint8(255)
NOISE = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def read(source, number=1, fit=None, **limits):
    image = Image.load(source, limits=Limits(**limits))
    with (image.thumbnail(fit) if fit else image).open() as reader:
        return reader.read(number)


@pytest.fixture
def tiny(monkeypatch):
    """Lets small frames pass for large ones, with bands of a few rows."""
    monkeypatch.setattr(pixels, "LARGE", 0)
    monkeypatch.setattr(tiff_bands, "_BAND", WIDTH * 4 * 9)


# Bits


sides = st.integers(1, 70)
ends = st.one_of(st.none(), st.integers(-80, 80))
steps = st.one_of(st.none(), st.integers(1, 9))
slices = st.builds(slice, ends, ends, steps)


def bilevel(height, width, seed=0):
    """A page of noise, as an array and as bits; what is behind the width is noise too."""
    bits = np.random.default_rng(seed).integers(0, 256, (height, (width + 7) // 8), np.uint8)
    return np.unpackbits(bits, axis=1)[:, :width] * np.uint8(255), Bilevel(bits, width)


@given(height=sides, width=sides, rows=slices, columns=slices)
def test_bits_are_cut_like_an_array(height, width, rows, columns):
    array, bits = bilevel(height, width)
    for found, expected in ((bits[rows, columns], array[rows, columns]), (bits[rows], array[rows])):
        np.testing.assert_array_equal(found, expected)
        assert found.shape == expected.shape
        assert found.dtype == np.uint8
        assert found.flags.c_contiguous


@given(height=sides, width=sides, quarters=st.integers(-5, 5))
def test_bits_turn_like_an_array(height, width, quarters):
    array, bits = bilevel(height, width)
    np.testing.assert_array_equal(np.asarray(bits.turned(quarters)), np.rot90(array, -quarters))


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("block", [1, 100, 1 << 22])
def test_bits_become_upright_like_an_array(orientation, block, monkeypatch):
    monkeypatch.setattr("ocrloom.image.bilevel._BLOCK", block)
    array, bits = bilevel(37, 51)
    upright = bits.upright(orientation)
    np.testing.assert_array_equal(np.asarray(upright), turn_upright(array, orientation))
    assert upright.nbytes == upright.shape[0] * ((upright.shape[1] + 7) // 8)


def test_bits_are_like_an_array():
    array, bits = bilevel(5, 9)
    assert (bits.shape, bits.ndim, bits.dtype, len(bits)) == ((5, 9), 2, np.uint8, 5)
    assert np.asarray(bits, np.float32).dtype == np.float32
    assert not bits.bits.flags.writeable
    assert repr(bits) == "Bilevel(5 × 9)"
    again = pickle.loads(pickle.dumps(bits))
    np.testing.assert_array_equal(np.asarray(again), array)
    assert not again.bits.flags.writeable
    with pytest.raises(ValueError, match="without a copy"):
        np.asarray(bits, copy=False)


@pytest.mark.parametrize("cut", [3, slice(None, None, -1), (1, 2), (slice(2), None), ...])
def test_bits_cut_otherwise(cut):
    with pytest.raises(OcrOptionError, match="cut as"):
        bilevel(5, 9)[1][cut]


@pytest.mark.parametrize("bits", [np.zeros((3, 1), np.uint8), np.zeros((3, 2)), np.zeros(2, "u1")])
def test_bits_of_another_shape(bits):
    with pytest.raises(OcrOptionError, match=r"9 pixels a row must be uint8 of the shape \(H, 2\)"):
        Bilevel(bits, 9)


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "BMP", "PPM", None])
def test_large_black_and_white_stays_bits(kind, tiny):
    picture = PIL.Image.fromarray(BITS).convert("1")
    frame = read(encoded(picture, kind) if kind else picture)
    assert isinstance(frame.pixels, Bilevel)
    np.testing.assert_array_equal(np.asarray(frame.pixels), BITS)
    assert frame.full_size == (WIDTH, HEIGHT)


def test_where_large_begins():
    blank = PIL.Image.new("1", (5000, 3200), 1)
    assert read(encoded(blank, "TIFF", compression="group4")).pixels.shape == (3200, 5000)
    larger = PIL.Image.new("1", (5000, 3201), 1)
    frame = read(encoded(larger, "TIFF", compression="group4"))
    assert isinstance(frame.pixels, Bilevel)
    assert frame.pixels[3190:, 4990:].min() == 255


# Bands of TIFF frames


PICTURES = {
    "1": PIL.Image.fromarray(BITS).convert("1"),
    "L": PIL.Image.fromarray(GREY),
    "P": PIL.Image.fromarray(COLOUR).quantize(200),
    "RGB": PIL.Image.fromarray(COLOUR),
    "noise": PIL.Image.fromarray(NOISE),
    "grey RGB": PIL.Image.fromarray(np.repeat(GREY[:, :, None], 3, axis=2)),
    "RGBA": PIL.Image.fromarray(np.dstack([NOISE, GREY])),
    "CMYK": PIL.Image.fromarray(COLOUR).convert("CMYK"),
    "I;16": PIL.Image.fromarray(GREY.astype(np.uint16) * 257),
}
COMPRESSIONS = ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd"]
FAX = ["group3", "group4", "tiff_ccitt"]
KINDS = [
    *((mode, compression) for mode in PICTURES for compression in COMPRESSIONS),
    *(("1", compression) for compression in FAX),
    *((mode, "jpeg") for mode in ("L", "RGB", "noise", "CMYK")),
]


def both_ways(data, **options):
    """A file's frame, decoded in bands and whole."""
    banded = read(data, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "LARGE", 10**12)
        whole = read(data, **options)
    np.testing.assert_array_equal(np.asarray(banded.pixels), whole.pixels)
    assert banded.pixels.shape == whole.pixels.shape
    assert (banded.dpi, banded.full_size) == (whole.dpi, whole.full_size)
    return banded


@pytest.mark.parametrize(("mode", "compression"), KINDS)
@pytest.mark.parametrize("rows", [1, 8, 16, HEIGHT])
def test_bands_give_the_same_pixels(mode, compression, rows, tiny):
    if compression == "jpeg" and rows == 1:
        pytest.skip("JPEG has no strips of one row")
    tags = {278: rows, 274: 1 + rows % 8}
    both_ways(encoded(PICTURES[mode], "TIFF", compression=compression, tiffinfo=tags))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "grey RGB"])
def test_bands_are_put_upright(orientation, mode, tiny):
    tags = {278: 8, 274: orientation, 282: 300, 283: 200}
    picture = PICTURES[mode]
    frame = both_ways(encoded(picture, "TIFF", compression="tiff_lzw", tiffinfo=tags))
    expected = turn_upright(np.asarray(picture.convert("RGB")), orientation)
    found = np.asarray(frame.pixels)
    if found.ndim == 2:
        found = np.repeat(found[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(found, expected)


def jpeg_tiles(picture, width, height, samples):
    """The parts of a TIFF whose tiles are JPEG files."""
    parts = []
    for top in range(0, HEIGHT, height):
        for left in range(0, WIDTH, width):
            part = np.zeros((height, width, *picture.shape[2:]), np.uint8)
            some = picture[top : top + height, left : left + width]
            part[: some.shape[0], : some.shape[1]] = some
            parts.append(encoded(part, "JPEG", quality=90, subsampling=0))
    return TiffFrame(
        width=WIDTH,
        height=HEIGHT,
        parts=parts,
        photometric=6 if samples == 3 else 1,
        samples=samples,
        compression=7,
        tile=(width, height),
        tags={530: (3, (1, 1))} if samples == 3 else {},
    )


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
@pytest.mark.parametrize("kind", ["raw", "deflate", "jpeg", "bits"])
@pytest.mark.parametrize("tile", [(16, 16), (48, 32), (96, 80)])
def test_bands_of_tiles(order, big, kind, tile, tiny):
    for picture, samples in ((GREY, 1), (COLOUR, 3)):
        if kind == "jpeg":
            frame = jpeg_tiles(picture, *tile, samples)
        elif kind == "bits":
            packed = [pack_bits(np.full(tile[::-1], index % 2), 1) for index in range(2)]
            count = -(-WIDTH // tile[0]) * -(-HEIGHT // tile[1])
            frame = TiffFrame(
                width=WIDTH,
                height=HEIGHT,
                parts=(packed * count)[:count],
                photometric=0,
                bits=1,
                tile=tile,
            )
        else:
            photometric = 2 if samples == 3 else 1
            frame = raw_frame(
                picture, order=order, photometric=photometric, deflate=kind == "deflate", tile=tile
            )
        if order == ">" and big and kind in ("raw", "bits", "jpeg"):
            continue  # neither Pillow nor OpenCV reads them
        both_ways(tiff(frame, frame, order=order, big=big), number=2)


@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize(("bits", "fill_order"), [(1, 1), (2, 1), (4, 1), (8, 1), (1, 2)])
def test_bands_of_packed_bits(bits, white_is_zero, fill_order, tiny):
    values = GREY >> (8 - bits)
    data = pack_bits(values, bits)
    if fill_order == 2:
        table = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
        data = data.translate(table)
    frame = TiffFrame(
        width=WIDTH,
        height=HEIGHT,
        parts=[data],
        photometric=0 if white_is_zero else 1,
        bits=bits,
        tags={266: (3, (fill_order,))},
    )
    both_ways(tiff(frame))


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    rows=st.integers(1, 90),
    band=st.integers(1, 20_000),
    compression=st.sampled_from([*COMPRESSIONS, "group4"]),
    mode=st.sampled_from(["1", "L", "RGB"]),
    orientation=st.integers(1, 8),
)
def test_any_bands_give_the_same_pixels(size, rows, band, compression, mode, orientation):
    picture = PICTURES["1" if compression == "group4" else mode].resize(size, 0)
    tags = {278: rows, 274: orientation}
    data = encoded(picture, "TIFF", compression=compression, tiffinfo=tags)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pixels, "LARGE", 0)
        patch.setattr(tiff_bands, "_BAND", band)
        both_ways(data)


def test_rows_of_strips_that_lie_apart(tiny):
    parts = [NOISE[top : top + 10].tobytes() for top in range(0, HEIGHT, 10)]
    frame = TiffFrame(
        width=WIDTH,
        height=HEIGHT,
        parts=parts[::-1],
        photometric=2,
        samples=3,
        rows_per_strip=10,
    )
    data = bytearray(tiff(frame))
    (first,) = struct.unpack_from("<I", data, 4)
    tags = {struct.unpack_from("<H", data, first + 2 + 12 * k)[0]: k for k in range(11)}
    for tag in (273, 279):
        (at,) = struct.unpack_from("<I", data, first + 2 + 12 * tags[tag] + 8)
        values = struct.unpack_from(f"<{len(parts)}I", data, at)
        struct.pack_into(f"<{len(parts)}I", data, at, *values[::-1])
    np.testing.assert_array_equal(both_ways(bytes(data)).pixels, NOISE)


@pytest.mark.parametrize(
    "tags",
    [
        {279: (4, (0,) * 9)},
        {279: (4, (60,))},
        {273: (4, (8,))},
        {278: (4, (0,))},
        {530: (4, (1,) * 70_000)},
    ],
    ids=["no sizes", "few sizes", "few places", "no rows", "long tag"],
)
def test_odd_strips_are_decoded_as_if_the_frame_were_small(tags, tiny):
    parts = [zlib.compress(GREY[top : top + 8].tobytes()) for top in range(0, HEIGHT, 8)]
    frame = TiffFrame(
        width=WIDTH, height=HEIGHT, parts=parts, compression=8, rows_per_strip=8, tags=tags
    )
    found = []
    for large in (0, 10**12):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pixels, "LARGE", large)
            try:
                found.append(read(tiff(frame)).pixels.tobytes())
            except OcrDamagedImage as error:
                found.append(str(error))
    assert found[0] == found[1]


def test_damaged_band_is_named(tiny):
    parts = [zlib.compress(GREY[top : top + 8].tobytes()) for top in range(0, HEIGHT, 8)]
    good = TiffFrame(width=WIDTH, height=HEIGHT, parts=parts, compression=8, rows_per_strip=8)
    bad = TiffFrame(
        width=WIDTH,
        height=HEIGHT,
        parts=[*parts[:5], b"no deflate", *parts[6:]],
        compression=8,
        rows_per_strip=8,
    )
    with Image.load(tiff(good, bad, good)).open() as reader:
        assert reader.cost(2) > 0
        with pytest.raises(OcrDamagedImage, match="frame 2: expected a whole TIFF image"):
            reader.read(2)
        np.testing.assert_array_equal(reader.read(3).pixels, GREY)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_band_cut_short(compression, tiny):
    data = tiff(raw_frame(NOISE, photometric=2))
    if compression != "raw":
        data = encoded(NOISE, "TIFF", compression=compression, tiffinfo={278: 8})
    frame = bytearray(data)
    with pytest.raises(OcrDamagedImage):
        read(bytes(frame[: len(frame) * 2 // 3]))


def test_strip_that_no_decoder_takes(tiny):
    frame = TiffFrame(
        width=30_000, height=30_000, parts=[b"x"], photometric=2, samples=3, compression=8
    )
    with Image.load(tiff(frame)).open() as reader:
        for ask in (reader.cost, reader.read):
            with pytest.raises(
                OcrImageTooLarge, match=r"frame 1: a strip or tile of 30000 × 30000"
            ):
                ask(1)


SEEDS = [
    encoded(PICTURES["RGB"], "TIFF", compression="tiff_lzw", tiffinfo={278: 8}),
    encoded(PICTURES["RGB"], "TIFF", compression="jpeg", tiffinfo={278: 16}),
    encoded(PICTURES["1"], "TIFF", compression="group4", tiffinfo={278: 8}),
    encoded(PICTURES["P"], "TIFF", tiffinfo={278: 8}),
    tiff(raw_frame(GREY, deflate=True, tile=(32, 16)), order=">"),
    tiff(raw_frame(GREY, tile=(32, 16)), big=True),
]
changes = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)


def error_of(ask):
    """What asking for the first frame fails with, if it does, and what it gives."""
    try:
        return None, ask(1)
    except OcrImageError as error:
        return str(error), None


@given(seed=st.sampled_from(SEEDS), changes=changes, at_end=st.booleans(), end=st.integers(0, 9000))
@settings(max_examples=200, deadline=None)
def test_mutated_files_raise_our_errors_only_and_cost_before_reading(seed, changes, at_end, end):
    data = bytearray(seed)
    for at, value in changes:
        data[-1 - at % min(len(data), 400) if at_end else at % len(data)] = value
    image = Image.load(bytes(data[: end or 1]), limits=Limits(max_pixels=100_000))
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(OcrImageError):
        patch.setattr(pixels, "LARGE", 0)
        patch.setattr(tiff_bands, "_BAND", WIDTH * 4 * 9)
        with image.open() as reader:
            refused, _ = error_of(reader.cost)
            failed, frame = error_of(reader.read)
            assert refused is None or refused == failed
            assert failed or np.asarray(frame.pixels).dtype == np.uint8


# Cost


def test_cost_raises_what_reading_would():
    frames = [raw_frame(GREY, tags={256: (3, (0,))}), raw_frame(GREY), raw_frame(GREY)]
    frames[1].width = frames[1].height = 60_000
    with Image.load(tiff(*frames, last_link=1)).open() as reader:
        for number, error in ((1, OcrDamagedImage), (2, OcrImageTooLarge), (4, OcrDamagedImage)):
            for ask in (reader.cost, reader.read):
                with pytest.raises(error, match=f"frame {number}"):
                    ask(number)
        assert reader.cost(3) > GREY.nbytes


def test_frames_of_a_thousand_million_pixels():
    bits = TiffFrame(width=30_000, height=30_000, parts=[b"x"], bits=1, compression=4)
    bits.rows_per_strip = 16
    bits.parts = [b"\0\x10\x01"] * (30_000 // 16)
    with Image.load(tiff(bits)).open() as reader:
        assert 113e6 < reader.cost(1) < 200e6
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"x")
    with Image.load(png).open() as reader:
        assert 1.8e9 < reader.cost(1) < 2e9


def test_what_was_given_costs_nothing():
    for array, most in ((GREY, 0), (GREY[:, :, None], 0), (COLOUR, GREY.size)):
        with Image.load(array).open() as reader:
            assert reader.cost(1) == most
    loaded = PIL.Image.new("RGB", (2000, 1000))
    with Image.load(loaded).open() as reader:
        assert reader.cost(1) < 2000 * 1000 * 4 + 12e6


SIDE = 2000
MEASURE = """
import re, sys, cv2
from pathlib import Path
from ocrloom.image import Image, pixels
import ocrloom.image.decode
from ocrloom.image import sandbox

# A helper's memory does not show in this process.
sandbox.available = lambda: False

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

pixels.LARGE = int(sys.argv[3])
image = Image.load(sys.argv[1])
if int(sys.argv[2]):
    image = image.thumbnail((int(sys.argv[2]), 10_000))
before = peak()
with image.open() as reader:
    cost = reader.cost(1)
    frame = reader.read(1)
print(peak() - before, cost)
"""


def large_picture(mode):
    small = np.random.default_rng(3).integers(0, 256, (SIDE // 8, SIDE // 8, 3), np.uint8)
    picture = PIL.Image.fromarray(small).resize((SIDE, SIDE), PIL.Image.Resampling.BILINEAR)
    if mode == "grey RGB":
        return picture.convert("L").convert("RGB")
    if mode == "I;16":
        return PIL.Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    return picture.convert(mode)


COSTLY = {
    "png": ("RGB", "PNG", {"compress_level": 1}, 0),
    "grey png": ("L", "PNG", {"compress_level": 1}, 0),
    "deep png": ("I;16", "PNG", {"compress_level": 1}, 0),
    "palette": ("P", "PNG", {"compress_level": 1}, 0),
    "alpha": ("RGBA", "PNG", {"compress_level": 1}, 0),
    "jpeg": ("RGB", "JPEG", {}, 0),
    "progressive": ("RGB", "JPEG", {"progressive": True, "subsampling": 0}, 0),
    "cmyk": ("CMYK", "JPEG", {}, 0),
    "webp": ("RGB", "WEBP", {"method": 0}, 0),
    "jpeg2000": ("L", "JPEG2000", {"irreversible": True, "quality_layers": [40]}, 0),
    "jpeg2000 tiles": ("L", "JPEG2000", {"quality_layers": [40], "tile_size": (512, 512)}, 0),
    "gif": ("P", "GIF", {}, 0),
    "bmp": ("RGB", "BMP", {}, 0),
    "tiff": ("RGB", "TIFF", {"compression": "tiff_lzw"}, 0),
    "grey in colour": ("grey RGB", "TIFF", {"compression": "tiff_lzw"}, 0),
    "one strip": ("RGB", "TIFF", {"compression": "tiff_adobe_deflate", "tiffinfo": {278: SIDE}}, 0),
    "bits": ("1", "TIFF", {"compression": "group4"}, 0),
    "bands": ("RGB", "TIFF", {"compression": "tiff_lzw"}, 0),
    "bits in bands": ("1", "TIFF", {"compression": "group4"}, 0),
    "deep tiff": ("I;16", "TIFF", {"compression": "tiff_lzw"}, 0),
    "small": ("RGB", "TIFF", {"compression": "tiff_lzw"}, 500),
    "small jpeg": ("RGB", "JPEG", {}, 500),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs the highest memory of a process")
@pytest.mark.parametrize("kind", COSTLY)
def test_cost_covers_what_decoding_takes(kind, tmp_path):
    mode, form, options, fit = COSTLY[kind]
    file = tmp_path / "large"
    file.write_bytes(encoded(large_picture(mode), form, **options))
    large = 1000 if "bands" in kind else 10**9
    command = [sys.executable, "-c", MEASURE, str(file), str(fit), str(large)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken, cost = map(int, done.stdout.split())
    assert taken <= cost
    # Where colour may still come, or a decoder has more than one way, the cost is of the dearer.
    assert cost <= 2.5 * taken + 16e6


# Checkpoints and time


class Stopped(BaseException):
    pass


def animation(kind, **options):
    frames = [PIL.Image.fromarray(np.roll(GREY, 5 * shift)) for shift in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


SOURCES = {
    "PNG": (encoded(NOISE, "PNG"), 1),
    "JPEG": (encoded(NOISE, "JPEG"), 1),
    "progressive": (encoded(NOISE, "JPEG", progressive=True), 1),
    "BMP": (encoded(NOISE, "BMP"), 1),
    "JPEG 2000": (encoded(NOISE, "JPEG2000"), 1),
    "PPM": (encoded(NOISE, "PPM"), 1),
    "plain PGM": (b"P2 3 2 255\n1 2 3 4 5 6\n", 1),
    "GIF": (animation("GIF"), 3),
    "WebP": (animation("WEBP", lossless=True), 2),
    "TIFF": (encoded(NOISE, "TIFF", compression="tiff_lzw"), 1),
    "raw TIFF": (encoded(NOISE, "TIFF"), 1),
    "deep TIFF": (tiff(raw_frame(COLOUR / 255, photometric=2)), 1),
    "array": (NOISE.astype(np.float32), 1),
    "picture": (PIL.Image.fromarray(NOISE), 1),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("reason", [Stopped(), concurrent.futures.CancelledError(), ValueError()])
def test_what_a_checkpoint_raises_ends_the_decoding_and_comes_out_unchanged(kind, reason):
    source, number = SOURCES[kind]
    expected = read(source, number).pixels
    calls = []
    with Image.load(source).open() as reader:
        np.testing.assert_array_equal(reader.read(number, lambda: calls.append(1)).pixels, expected)
    assert len(calls) >= 2
    for stop in {1, 2, (len(calls) + 1) // 2, len(calls)}:
        left = [stop]

        def checkpoint(left=left):
            left[0] -= 1
            if left[0] <= 0:
                raise reason

        with Image.load(source).open() as reader:
            with pytest.raises(type(reason)) as caught:
                reader.read(number, checkpoint)
            assert caught.value is reason
            assert left == [0]
            np.testing.assert_array_equal(reader.read(number).pixels, expected)


@pytest.mark.parametrize("mode", ["1", "RGB"])
def test_checkpoint_between_bands(mode, tiny):
    data = encoded(PICTURES[mode], "TIFF", compression="tiff_lzw", tiffinfo={278: 4})
    calls = []

    def checkpoint():
        calls.append(1)
        if len(calls) == 6:
            raise Stopped

    with Image.load(data).open() as reader:
        with pytest.raises(Stopped):
            reader.read(1, checkpoint)
        assert len(calls) == 6
        assert reader.read(1).pixels.shape[:2] == (HEIGHT, WIDTH)


def many_scans(scans):
    """A progressive JPEG whose last scan, which refines nothing, comes again and again."""
    blank = encoded(PIL.Image.new("L", (400, 400), 200), "JPEG", progressive=True)
    last = blank.rindex(b"\xff\xda")
    return blank[:-2] + blank[last:-2] * scans + blank[-2:]


def test_checkpoint_within_a_jpeg_of_many_scans():
    data = many_scans(20_000)
    calls = []

    def checkpoint():
        calls.append(1)
        if len(calls) == 100:
            raise Stopped

    with Image.load(data).open() as reader, pytest.raises(Stopped):
        reader.read(1, checkpoint)
    assert len(data) > 200_000


def test_decoder_that_is_slow_gets_less_at_a_time(monkeypatch):
    data = many_scans(500)
    counts = []
    for pace in (1e9, 1e-9):
        monkeypatch.setattr("ocrloom.image.decode._PACE", pace)
        calls = []
        with Image.load(data).open() as reader:
            reader.read(1, lambda calls=calls: calls.append(1))
        counts.append(len(calls))
    assert counts[1] > 4 * counts[0]


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_time_limit(kind, monkeypatch):
    source, number = SOURCES[kind]
    clock = iter(range(10**6))
    monkeypatch.setattr("ocrloom.image.watch.time.monotonic", lambda: float(next(clock)))
    with pytest.raises(OcrImageTooLarge) as caught:
        read(source, number, max_decode_seconds=0.5)
    message = str(caught.value)
    for part in ("longer than the limit of 0.5 seconds", "Limits(max_decode_seconds=…)"):
        assert part in message
    assert "--max-decode-seconds" in message


@pytest.mark.parametrize("wrong", [0, -1.0, float("nan"), True, None, "9"])
def test_time_limit_is_a_number_over_zero(wrong):
    with pytest.raises(OcrOptionError, match="max_decode_seconds must be a number over 0"):
        Limits(max_decode_seconds=wrong)


# Thumbnails


def reduced(array, size):
    return cv2.resize(array, size, interpolation=cv2.INTER_AREA)


THUMBNAILS = {
    "PNG": lambda picture: encoded(picture, "PNG"),
    "TIFF": lambda picture: encoded(picture, "TIFF", compression="tiff_lzw", tiffinfo={278: 4}),
    "array": lambda picture: np.asarray(picture.convert("RGB")),
    "floats": lambda picture: np.asarray(picture.convert("RGB")) / 255,
    "picture": lambda picture: picture,
}


@pytest.mark.parametrize("kind", THUMBNAILS)
@pytest.mark.parametrize("mode", ["1", "L", "RGB", "grey RGB", "P"])
@pytest.mark.parametrize("box", [(41, 400), (7, 7), (1, 1), (400, 66), (50, 40)])
def test_thumbnail_is_the_mean_over_areas(kind, mode, box, tiny):
    source = THUMBNAILS[kind](PICTURES[mode])
    full, frame = read(source), read(source, fit=box)
    small = fitting((WIDTH, HEIGHT), box)
    assert frame.pixels.shape[1::-1] == small
    assert frame.full_size == (WIDTH, HEIGHT)
    assert frame.scale == max(small) / WIDTH
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable
    expected = reduced(np.ascontiguousarray(np.asarray(full.pixels)), small)
    difference = np.abs(frame.pixels.astype(int) - expected.reshape(frame.pixels.shape))
    assert difference.max() <= 1


@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    box=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    cuts=st.lists(st.integers(1, 59), max_size=4),
    orientation=st.integers(1, 8),
)
@settings(max_examples=60, deadline=None)
def test_reduction_in_any_bands(size, box, cuts, orientation):
    array = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    array[: size[1] // 2] = array[: size[1] // 2, :, :1]  # colour comes late
    target = fitting(size, box)
    canvas = make_canvas(size, target, orientation=orientation, bilevel=False)
    rows = sorted({0, size[1], *(cut for cut in cuts if cut < size[1])})
    for top, bottom in itertools.pairwise(rows):
        canvas.put(top, array[top:bottom])
    found = canvas.finish(lambda: None)
    expected = turn_upright(reduced(array, target).reshape(target[1], target[0], 3), orientation)
    if found.ndim == 2:
        found = np.repeat(found[:, :, None], 3, axis=2)
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("box", [(WIDTH, HEIGHT), (WIDTH, 10_000), (10_000, 10_000)])
def test_thumbnail_is_never_larger(box):
    frame = read(COLOUR, fit=box)
    assert (frame.scale, frame.full_size) == (1.0, (WIDTH, HEIGHT))
    np.testing.assert_array_equal(frame.pixels, COLOUR)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_thumbnail_of_a_turned_frame_fits_as_it_is_shown(kind, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    large = PIL.Image.fromarray(page(800, 400))
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(large, kind, exif=exif, dpi=(200, 100), **options)
    frame = read(data, fit=(100, 300))
    width, height = (100, 50) if orientation == 1 else (100, 200)
    assert frame.pixels.shape[1::-1] == (width, height)
    assert frame.full_size == ((800, 400) if orientation == 1 else (400, 800))
    assert frame.scale == width / frame.full_size[0]
    if kind != "WEBP":
        expected = (200, 100) if orientation == 1 else (100, 200)
        assert frame.dpi == pytest.approx(expected, abs=0.1)
    expected = reduced(read(data).pixels, (width, height))
    assert np.abs(frame.pixels.astype(int) - expected).mean() < 3


def test_thumbnails_of_an_animation():
    image = Image.load(animation("GIF")).thumbnail((20, 20))
    frames = list(image.frames())
    assert [frame.number for frame in frames] == [1, 2, 3]
    assert {frame.pixels.shape[:2] for frame in frames} == {(16, 20)}


def test_thumbnail_of_a_thumbnail(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(encoded(COLOUR, "PNG"))
    image = Image.load(file)
    small = image.thumbnail((40, 100)).thumbnail([60, 20])
    assert (image.fit, small.fit) == (None, (40, 20))
    assert (small.name, small.source, small.limits) == (str(file), image.source, image.limits)
    (frame,) = small.frames()
    assert frame.pixels.shape == (20, 25, 3)
    assert read(file).pixels.shape == (HEIGHT, WIDTH, 3)


def test_limit_is_for_the_source_and_not_for_the_thumbnail():
    with pytest.raises(OcrImageTooLarge):
        read(encoded(COLOUR, "PNG"), fit=(5, 5), max_pixels=WIDTH * HEIGHT - 1)


@pytest.mark.parametrize("wrong", [5, (5,), (5, 0), (5.0, 5), (1, 2, 3), "55", None, (True, 5)])
def test_wrong_size_of_a_thumbnail(wrong):
    with pytest.raises(OcrOptionError, match="size of a thumbnail must be a width and a height"):
        Image.load(COLOUR).thumbnail(wrong)


def test_frame_knows_its_size():
    frame = lazy.Frame(number=1, pixels=GREY)
    assert (frame.scale, frame.full_size) == (1.0, (WIDTH, HEIGHT))


def test_a_cheap_thumbnail_costs_less():
    data = io.BytesIO()
    PIL.Image.new("RGB", (5000, 5000), "white").save(data, "TIFF", compression="tiff_lzw")
    image = Image.load(data.getvalue())
    with image.open() as reader, image.thumbnail((500, 500)).open() as small:
        assert small.cost(1) < reader.cost(1) / 2
