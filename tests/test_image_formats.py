"""Every allowed format and its oddities, against the picture that went in."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import (
    TiffFrame,
    encoded,
    grey_page,
    pack_bits,
    page,
    png,
    png_chunk,
    raw_frame,
    tiff,
)
from PIL import ImageCms, ImageOps, features

from ocrloom.errors import OcrImageTooLarge, OcrOptionError, OcrSourceEmpty
from ocrloom.image import Image
from ocrloom.options import Limits

COLOUR = page()
GREY = grey_page()


def read(source, number=1):
    frames = list(Image.load(source).frames())
    assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
    for frame in frames:
        assert frame.pixels.dtype == np.uint8
        assert frame.pixels.flags.c_contiguous
    return frames[number - 1].pixels


def close(found, expected, tolerance=1):
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected.astype(int))
    assert difference.max() <= tolerance, f"off by {difference.max()}"


def mean_close(found, expected, tolerance):
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected.astype(int)).mean() <= tolerance


# Formats

LOSSLESS = [
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", {"compression": "packbits"}),
    ("TIFF", {"compression": "tiff_lzw", "tiffinfo": {317: 2}}),
    ("TIFF", {"big_tiff": True}),
    ("PNG", {}),
    ("WEBP", {"lossless": True}),
    ("BMP", {}),
    ("JPEG2000", {}),
    ("JPEG2000", {"no_jp2": True}),
    ("PPM", {}),
]


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
@pytest.mark.parametrize("picture", [COLOUR, GREY], ids=["colour", "grey"])
def test_lossless(kind, options, picture, tmp_path):
    data = encoded(picture, kind, **options)
    np.testing.assert_array_equal(read(data), picture)
    file = tmp_path / "wrong.extension.txt"
    file.write_bytes(data)
    np.testing.assert_array_equal(read(file), picture)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("WEBP", {"quality": 95}),
        ("TIFF", {"compression": "jpeg", "quality": 95}),
    ],
)
@pytest.mark.parametrize("picture", [COLOUR, GREY], ids=["colour", "grey"])
def test_lossy(kind, options, picture):
    found = read(encoded(picture, kind, **options))
    if kind == "WEBP":  # has no grey: a trace of colour may stay
        picture = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
    mean_close(found, picture, 4)


def test_grey_stored_as_colour_comes_out_grey():
    coloured = np.repeat(GREY[:, :, None], 3, axis=2)
    for kind in ("PNG", "TIFF", "BMP", "PPM"):
        np.testing.assert_array_equal(read(encoded(coloured, kind)), GREY)
    one = coloured.copy()
    one[-1, -1, 1] ^= 1
    assert read(encoded(one, "PNG")).ndim == 3


@pytest.mark.parametrize("compression", ["raw", "group3", "group4", "tiff_lzw", "packbits"])
def test_bilevel_tiff(compression):
    bits = PIL.Image.fromarray(GREY).point(lambda value: 255 * (value > 99), mode="1")
    np.testing.assert_array_equal(
        read(encoded(bits, "TIFF", compression=compression)), (GREY > 99) * np.uint8(255)
    )


def test_multi_picture_jpeg_gives_the_first():
    first, second = PIL.Image.fromarray(COLOUR), PIL.Image.fromarray(255 - COLOUR)
    data = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert Image.load(data).frame_count() == 1
    mean_close(read(data), COLOUR, 4)


def test_animated_png_gives_the_default_picture():
    first, second = PIL.Image.fromarray(COLOUR), PIL.Image.fromarray(255 - COLOUR)
    data = encoded(first, "PNG", save_all=True, append_images=[second])
    assert Image.load(data).frame_count() == 1
    np.testing.assert_array_equal(read(data), COLOUR)


# Several frames


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("in_file", [True, False])
def test_frames_of_a_tiff(compression, in_file, tmp_path):
    pages = [np.roll(COLOUR, 3 * shift, axis=1)[: 30 - shift] for shift in range(4)] + [GREY]
    first, *rest = map(PIL.Image.fromarray, pages)
    data = encoded(first, "TIFF", save_all=True, append_images=rest, compression=compression)
    source = data
    if in_file:
        source = tmp_path / "pages"
        source.write_bytes(data)
    image = Image.load(source)
    assert image.frame_count() == 5
    for frame, expected in zip(image.frames(), pages, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected)
    with image.open() as reader:
        for number in (5, 1, 3):
            np.testing.assert_array_equal(reader.read(number).pixels, pages[number - 1])


@pytest.mark.parametrize(("kind", "options"), [("GIF", {}), ("WEBP", {"lossless": True})])
def test_frames_of_an_animation(kind, options):
    pages = [GREY // 16 * 16, 255 - GREY // 16 * 16, np.roll(GREY // 16 * 16, 5)]
    first, *rest = map(PIL.Image.fromarray, pages)
    data = encoded(first, kind, save_all=True, append_images=rest, **options)
    image = Image.load(data)
    assert image.frame_count() == 3
    for frame, expected in zip(image.frames(), pages, strict=True):
        np.testing.assert_array_equal(frame.pixels, expected)
    with image.open() as reader:
        np.testing.assert_array_equal(reader.read(3).pixels, pages[2])
        np.testing.assert_array_equal(reader.read(1).pixels, pages[0])


def test_frames_are_decoded_when_asked_for(monkeypatch):
    decoded = []
    from ocrloom.image import tiff as module

    original = module.TiffReader.read

    def counted(self, number, checkpoint):
        decoded.append(number)
        return original(self, number, checkpoint)

    monkeypatch.setattr(module.TiffReader, "read", counted)
    frames = Image.load(tiff(*[raw_frame(GREY)] * 3)).frames()
    assert decoded == []
    next(frames)
    assert decoded == [1]
    next(frames)
    assert decoded == [1, 2]
    frames.close()


# Pillow's modes, by file and given as a picture


def alpha_page():
    """RGBA: the page, half of it hidden, with a half-transparent row; and what it shows."""
    alpha = np.full(COLOUR.shape[:2], 255, np.uint8)
    alpha[:, 20:] = 0
    alpha[5] = 128
    shown = 255 - (255 - COLOUR.astype(int)) * alpha[:, :, None] / 255
    return np.dstack([COLOUR, alpha]), np.rint(shown).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "JPEG2000", None])
def test_alpha_lies_on_white(kind):
    rgba, shown = alpha_page()
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    source = encoded(rgba, kind, **options) if kind else PIL.Image.fromarray(rgba)
    close(read(source), shown)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", None])
@pytest.mark.parametrize("mode", ["LA", "La", "RGBa", "PA"])
def test_other_alpha_modes(kind, mode):
    rgba, shown = alpha_page()
    picture = PIL.Image.fromarray(rgba)
    if mode in ("LA", "La"):
        expected = 255 - (255 - GREY.astype(int)) * rgba[:, :, 3] / 255
        picture = PIL.Image.merge("LA", [PIL.Image.fromarray(GREY), picture.getchannel("A")])
        picture = picture.convert(mode)
        shown = np.rint(expected).astype(np.uint8)
    elif mode == "PA":
        picture = PIL.Image.fromarray(COLOUR).quantize(64).convert("PA")
        picture.putalpha(PIL.Image.fromarray(rgba[:, :, 3]))
    else:
        picture = picture.convert(mode)
    if kind == "PNG" and mode != "LA":
        pytest.skip("Pillow does not write this mode as PNG")
    if kind == "TIFF" and mode in ("La", "RGBa"):
        pytest.skip("Pillow does not write this mode as TIFF")
    source = encoded(picture, kind) if kind else picture
    mean_close(read(source), shown, 3)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", None])
def test_palette(kind):
    picture = PIL.Image.fromarray(COLOUR).quantize(200, dither=PIL.Image.Dither.NONE)
    source = encoded(picture, kind) if kind else picture
    np.testing.assert_array_equal(read(source), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
@pytest.mark.parametrize("form", [int, bytes])
def test_palette_with_transparency(kind, form):
    indices = np.zeros((6, 8), np.uint8)
    indices[2:4] = 1
    indices[4:] = 2
    picture = PIL.Image.fromarray(indices)
    picture.putpalette([10, 10, 10, 200, 0, 0, 0, 0, 200])
    if form is bytes and kind == "GIF":
        pytest.skip("GIF has a single transparent index")
    key = 0 if form is int else b"\0\xff\x80"
    expected = np.full((6, 8, 3), 255, np.uint8)
    expected[2:4] = (200, 0, 0)
    expected[4:] = (0, 0, 200) if form is int else (127, 127, 227)
    close(read(encoded(picture, kind, transparency=key)), expected)


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_grey_png_with_a_transparent_value(depth):
    top = 2**depth - 1
    values = np.array([[0, 0, top, top], [0, top, 0, top]], np.uint16)
    packed = values.astype(">u2").tobytes() if depth == 16 else pack_bits(values, depth)
    step = len(packed) // 2
    rows = b"".join(b"\0" + packed[row * step : (row + 1) * step] for row in range(2))
    plain = png(4, 2, depth=depth, colour=0, rows=rows)
    np.testing.assert_array_equal(read(plain), (values > 0) * np.uint8(255))
    key = png_chunk(b"tRNS", struct.pack(">H", 0))
    np.testing.assert_array_equal(
        read(png(4, 2, depth=depth, colour=0, rows=rows, extra=key)), np.full((2, 4), 255)
    )


def test_two_bit_png_with_a_transparent_grey():
    values = np.array([[0, 1, 2, 3]])
    key = png_chunk(b"tRNS", struct.pack(">H", 1))
    data = png(4, 1, depth=2, colour=0, rows=b"\0" + pack_bits(values, 2), extra=key)
    np.testing.assert_array_equal(read(data), [[0, 255, 170, 255]])


@pytest.mark.parametrize("depth", [8, 16])
def test_colour_png_with_a_transparent_value(depth):
    rgb = np.array([[[9, 0, 0], [0, 9, 0], [200, 0, 0]]], np.uint16)
    rgb = rgb if depth == 8 else rgb * 257
    data = rgb.astype(np.uint8 if depth == 8 else ">u2").tobytes()
    key = png_chunk(b"tRNS", struct.pack(">HHH", *rgb[0, 1]))
    found = read(png(3, 1, depth=depth, colour=2, rows=b"\0" + data, extra=key))
    np.testing.assert_array_equal(found, [[[9, 0, 0], [255, 255, 255], [200, 0, 0]]])


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpeg(adobe):
    data = encoded(PIL.Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=95)
    assert b"Adobe" in data
    if not adobe:
        # Without the marker the values are ink and not its absence; so they are turned over.
        cmyk = turn_ink_over(PIL.Image.fromarray(COLOUR).convert("CMYK"))
        data = without_adobe(encoded(cmyk, "JPEG", quality=95))
        assert b"Adobe" not in data
    mean_close(read(data), COLOUR, 4)


def turn_ink_over(picture):
    return PIL.Image.merge("CMYK", [ImageOps.invert(band) for band in picture.split()])


def without_adobe(data):
    at = data.index(b"\xff\xee")
    (size,) = struct.unpack_from(">H", data, at + 2)
    return data[:at] + data[at + 2 + size :]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
@pytest.mark.parametrize("kind", ["TIFF", None])
def test_other_colour_spaces(mode, kind):
    picture = PIL.Image.fromarray(COLOUR)
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        picture = ImageCms.profileToProfile(
            picture, *map(ImageCms.ImageCmsProfile, profiles), outputMode="LAB"
        )
    else:
        picture = picture.convert(mode)
    options = {"compression": "tiff_lzw"} if mode == "CMYK" else {}
    source = encoded(picture, kind, **options) if kind else picture
    mean_close(read(source), COLOUR, 2)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_deep_pictures(mode):
    if mode == "F":
        picture = PIL.Image.fromarray(GREY.astype(np.float32) / 255)
    elif mode == "I":
        picture = PIL.Image.fromarray(GREY.astype(np.int32) * 257)
    else:
        stored = (GREY.astype(np.uint16) * 257).astype("<u2" if mode == "I;16" else ">u2")
        picture = PIL.Image.frombytes(mode, GREY.shape[::-1], stored.tobytes())
    close(read(picture), GREY)


@given(
    mode=st.sampled_from(["L", "RGB", "RGBA", "RGBX", "RGBa", "LA", "La", "CMYK", "YCbCr", "HSV"]),
    seed=st.integers(0, 1000),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
@settings(max_examples=60, deadline=None)
def test_any_mode_shows_the_same_picture(mode, seed, size):
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    if "L" in mode or mode == "La":
        noise[:, :, 1:] = noise[:, :, :1]
    picture = PIL.Image.fromarray(noise)
    if mode == "La":
        picture = picture.convert("LA")
    if mode == "RGBa":
        picture = picture.convert("RGBA")
    found = read(picture.convert(mode))
    expected = noise[:, :, 0] if (noise[:, :, :1] == noise).all() else noise
    if found.ndim < expected.ndim:
        found = np.repeat(found[:, :, None], 3, axis=2)
    if expected.ndim < found.ndim:
        expected = np.repeat(expected[:, :, None], 3, axis=2)
    close(found, expected, {"YCbCr": 3, "HSV": 12}.get(mode, 1))


# PNG and PNM of 16 bits


def test_deep_png():
    deep = GREY.astype(np.uint16) * 257
    close(read(encoded(deep, "PNG")), GREY)
    close(
        read(encoded(GREY.astype(np.uint16) * 16, "PNG")), (GREY / 4095 * 16 * 255).astype(np.uint8)
    )


@pytest.mark.parametrize("factor", [257, 16], ids=["16 bits", "12 bits"])
def test_deep_colour_png(factor):
    stored = (COLOUR.astype(np.uint16) * factor).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in stored)
    close(read(png(40, 30, depth=16, colour=2, rows=rows)), COLOUR)


def test_pnm():
    text = b"P1\n# comment\n3 2\n1 0 1\n0 1 0\n"
    np.testing.assert_array_equal(read(text), [[0, 255, 0], [255, 0, 255]])
    np.testing.assert_array_equal(read(b"P4 3 2\n\xa0\x40"), [[0, 255, 0], [255, 0, 255]])
    np.testing.assert_array_equal(read(b"P2 2 1 15\n0 15\n"), [[0, 255]])
    np.testing.assert_array_equal(read(b"P3 1 1 255\n9 8 7\n"), [[[9, 8, 7]]])
    twelve = b"P5 2 1 4095\n" + struct.pack(">HH", 0, 4095)
    np.testing.assert_array_equal(read(twelve), [[0, 255]])
    floats = b"Pf\n2 2\n-1.0\n" + struct.pack("<4f", 0, 0.2, 1, 0.4)
    np.testing.assert_array_equal(read(floats), [[255, 102], [0, 51]])  # bottom row first


# TIFF, packed by hand


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "deflate"])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strip", "tile"])
def test_tiff_layouts(order, big, deflate, tile):
    if order == ">" and big and tile and not deflate:
        pytest.skip("Pillow cannot read big-endian BigTIFF, OpenCV not its uncompressed tiles")
    for picture, photometric in ((GREY, 1), (COLOUR, 2)):
        frame = raw_frame(picture, order=order, photometric=photometric, deflate=deflate, tile=tile)
        np.testing.assert_array_equal(read(tiff(frame, frame, order=order, big=big), 2), picture)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "deflate"])
@pytest.mark.parametrize("white_is_zero", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f4", "f8"])
def test_tiff_depths(order, deflate, white_is_zero, dtype):
    top = 1.0 if dtype[0] == "f" else float(2 ** (8 * int(dtype[1])) - 1)
    values = GREY / 255.0
    values = ((1 - values) if white_is_zero else values) * top
    stored = (values if dtype[0] == "f" else np.rint(values)).astype(dtype)
    frame = raw_frame(stored, order=order, photometric=0 if white_is_zero else 1, deflate=deflate)
    close(read(tiff(frame, order=order)), GREY)


@pytest.mark.parametrize("bits", [1, 2, 4, 12])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_tiff_packed_bits(bits, order, white_is_zero):
    top = 2**bits - 1
    values = np.rint(GREY / 255 * top).astype(int)
    frame = TiffFrame(
        width=40,
        height=30,
        parts=[pack_bits(top - values if white_is_zero else values, bits)],
        photometric=0 if white_is_zero else 1,
        bits=bits,
    )
    close(read(tiff(frame, order=order)), np.rint(values / top * 255).astype(np.uint8))


@pytest.mark.parametrize("order", "<>")
def test_tiff_twelve_bits_in_sixteen(order):
    twelve = np.rint(GREY / 255 * 4095).astype(np.uint16)
    close(read(tiff(raw_frame(twelve, order=order), order=order)), GREY)
    inverted = raw_frame(4095 - twelve, order=order, photometric=0)
    close(read(tiff(inverted, order=order)), GREY)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [1, 2], ids=["together", "planes"])
@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "deflate"])
def test_tiff_colour_of_eight_and_sixteen_bits(order, planar, deflate):
    for picture in (COLOUR, COLOUR.astype(np.uint16) * 257):
        frame = raw_frame(picture, order=order, photometric=2, planar=planar, deflate=deflate)
        close(read(tiff(frame, order=order)), COLOUR)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u2", "u4", "f4", "f8"])
def test_tiff_deep_colour(order, dtype):
    factor = {"u2": 4095 / 255, "u4": (2**32 - 1) / 255}.get(dtype, 1 / 255)
    frame = raw_frame((COLOUR * factor).astype(dtype), order=order, photometric=2)
    close(read(tiff(frame, frame, order=order), 2), COLOUR)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True], ids=["raw", "deflate"])
def test_tiff_signed(order, deflate):
    signed = (GREY.astype(np.int32) * 257 - 32768).astype(np.int16)
    frame = raw_frame(signed, order=order, deflate=deflate)
    close(read(tiff(frame, order=order)), GREY - GREY.min())


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("subsampling", [(1, 1), None])
def test_tiff_uncompressed_ycbcr(order, subsampling):
    flat = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    ycc = np.asarray(PIL.Image.fromarray(flat).convert("YCbCr"))
    if subsampling:
        frame = raw_frame(ycc, order=order, photometric=6, tags={530: (3, subsampling)})
    else:
        # Without the tag, each 2 x 2 pixels share their colour: four Y, one Cb, one Cr.
        unit = bytes([ycc[0, 0, 0]] * 4 + [ycc[0, 0, 1], ycc[0, 0, 2]])
        frame = raw_frame(ycc, order=order, photometric=6)
        frame.parts = [unit * 64]
    close(read(tiff(frame, order=order)), flat, 3)


def test_tiff_float_with_predictor():
    values = (GREY / 255).astype(np.float32)
    planes = values.astype(">f4").view(np.uint8).reshape(30, 40, 4).transpose(0, 2, 1)
    rows = planes.reshape(30, 160).astype(np.int16)
    rows[:, 1:] = rows[:, 1:] - rows[:, :-1]
    frame = raw_frame(values, deflate=True, tags={317: (3, (3,))})
    frame.parts = [zlib.compress(rows.astype(np.uint8).tobytes())]
    close(read(tiff(frame)), GREY)


# Orientation and resolution

TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
ORIENTED = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "TIFF": {},
    "TIFF lzw": {"compression": "tiff_lzw"},
    "TIFF jpeg": {"compression": "jpeg", "quality": 95},
    "WEBP": {"lossless": True},
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ORIENTED)
def test_orientation(kind, orientation):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    data = encoded(COLOUR, kind.split()[0], exif=exif, dpi=(200, 100), **ORIENTED[kind])
    (frame,) = Image.load(data).frames()
    mean_close(frame.pixels, TURNED[orientation](COLOUR), 4)
    assert frame.pixels.flags.c_contiguous
    if kind != "WEBP":  # has no field of its own
        expected = (200, 100) if orientation < 5 else (100, 200)
        assert frame.dpi == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_orientation_of_deep_colour(orientation, dtype):
    factor = 4095 / 255 if dtype == "u2" else 1 / 255
    frame = raw_frame(
        (COLOUR * factor).astype(dtype), photometric=2, tags={274: (3, (orientation,))}
    )
    close(read(tiff(frame)), TURNED[orientation](COLOUR))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_impossible_orientation(orientation):
    frame = raw_frame(GREY, tags={274: (3, (orientation,))})
    np.testing.assert_array_equal(read(tiff(frame)), GREY)


def dpi_of(data):
    (frame,) = Image.load(data).frames()
    return frame.dpi


@pytest.mark.parametrize(
    ("unit", "across", "down", "expected"),
    [
        (2, (300, 1), (300, 1), (300, 300)),
        (2, (204, 1), (98, 1), (204, 98)),
        (3, (100, 1), (200, 1), (254, 508)),
        (None, (300, 1), (300, 1), (300, 300)),
        (1, (300, 1), (300, 1), None),
        (2, (1, 1), (1, 1), None),
        (2, (300, 0), (300, 1), None),
        (2, (4_000_000_000, 1), (300, 1), None),
        (7, (300, 1), (300, 1), None),
    ],
)
def test_tiff_resolution(unit, across, down, expected):
    tags = {282: (5, across), 283: (5, down)} | ({296: (3, (unit,))} if unit else {})
    found = dpi_of(tiff(raw_frame(GREY, tags=tags)))
    assert found == (pytest.approx(expected) if expected else None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_resolution(kind):
    unstated = (96, 96) if kind == "BMP" else None  # what Pillow writes
    assert dpi_of(encoded(GREY, kind)) == (unstated and pytest.approx(unstated, abs=0.1))
    assert dpi_of(encoded(GREY, kind, dpi=(300, 150))) == pytest.approx((300, 150), abs=0.1)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_resolution_in_exif(kind):
    exif = PIL.Image.Exif()
    exif[0x0112] = 1
    # Pillow says 72 here, which nobody has stated.
    assert dpi_of(encoded(GREY, kind, exif=exif)) is None
    exif[0x011A], exif[0x011B], exif[0x0128] = 100.0, 200.0, 3
    assert dpi_of(encoded(GREY, kind, exif=exif)) == pytest.approx((254, 508))


# Arrays


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 1), (3, 4, 3), (3, 4, 4)])
@pytest.mark.parametrize(
    "dtype", ["?", "u1", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">u2", ">f4"]
)
def test_white_and_black_arrays(shape, dtype):
    top = 1 if dtype == "?" or dtype[-2] == "f" else 255
    array = np.full(shape, top, dtype)
    array[0, 0] = 0
    if shape[-1] == 4 and len(shape) == 3:
        array[0, 0, 3] = top
    found = read(array)
    expected = np.full((3, 4), 255, np.uint8)
    expected[0, 0] = 0
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("array", [GREY, COLOUR])
def test_plain_arrays_are_not_copied(array):
    array = array.copy()
    found = read(array)
    assert np.shares_memory(found, array)
    assert not found.flags.writeable
    assert array.flags.writeable
    np.testing.assert_array_equal(read(array[::-1, ::2]), array[::-1, ::2])
    np.testing.assert_array_equal(read(np.asfortranarray(array)), array)


def test_alpha_in_arrays():
    rgba, shown = alpha_page()
    close(read(rgba), shown)
    close(read(rgba.astype(np.float32) / 255), shown)
    close(read(rgba.astype(np.uint16) * 257), shown)


def test_odd_floats():
    row = np.array([[np.nan, 0, 0.5, 1, np.inf, -np.inf]], np.float32)
    np.testing.assert_array_equal(read(row), [[255, 0, 128, 255, 255, 0]])
    np.testing.assert_array_equal(read(np.full((1, 2), np.nan)), [[255, 255]])
    np.testing.assert_array_equal(read(np.array([[-1.0, 0, 1]])), [[0, 128, 255]])
    np.testing.assert_array_equal(read(np.array([[0, 1.004]])), [[0, 255]])
    np.testing.assert_array_equal(read(np.array([[0, 128.0, 255]])), [[0, 128, 255]])
    np.testing.assert_array_equal(read(np.array([[-1e308, 0, 1e308]])).shape, (1, 3))


@given(st.integers(1, 64), st.booleans())
@settings(max_examples=64, deadline=None)
def test_depth_of_integers(bits, whole_range):
    top = 2**bits - 1
    found = read(np.array([[0, top]], np.uint64))
    depths = [depth for depth in (8, 10, 12, 14, 16, 24, 32) if bits <= depth]
    white = 2 ** depths[0] - 1 if depths else top
    np.testing.assert_array_equal(found, [[0, round(top / white * 255)]])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(3),
        np.zeros((2, 3, 2)),
        np.zeros((2, 3, 5)),
        np.zeros((1, 2, 3, 3)),
        np.zeros((2, 2), complex),
        np.zeros((2, 2), "U3"),
        np.zeros((2, 2), object),
        np.zeros((2, 2), "M8[s]"),
    ],
)
def test_arrays_that_are_no_pictures(array):
    with pytest.raises(OcrOptionError, match=r"an array must .*got"):
        Image.load(array)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0, 3)])
def test_empty_arrays(shape):
    with pytest.raises(OcrSourceEmpty):
        Image.load(np.zeros(shape))


def test_array_over_max_pixels():
    with pytest.raises(OcrImageTooLarge, match="20 × 10 = 200 pixels"):
        Image.load(np.zeros((10, 20)), limits=Limits(max_pixels=199))


def test_bmp_whose_alpha_was_left_at_zero():
    for alpha, shown in ((0, COLOUR), (255, COLOUR)):
        data = bytearray(encoded(np.dstack([COLOUR, np.full((30, 40), alpha, np.uint8)]), "BMP"))
        np.testing.assert_array_equal(read(bytes(data)), shown)
    # Version 4 with a mask for alpha, as Pillow reads but does not write it.
    pixels = np.dstack([COLOUR[::-1, :, ::-1], np.zeros((30, 40), np.uint8)]).tobytes()
    header = struct.pack("<IiiHHIIiiII", 108, 40, 30, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    header += struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + bytes(52)
    data = b"BM" + struct.pack("<IHHI", 122 + len(pixels), 0, 0, 122) + header + pixels
    assert PIL.Image.open(io.BytesIO(data)).mode == "RGBA"
    np.testing.assert_array_equal(read(data), COLOUR)


def test_codecs_that_these_tests_need():
    assert all(features.check(name) for name in ("jpg", "jpg_2000", "webp", "zlib", "libtiff"))
