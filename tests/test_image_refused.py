"""What is no image, too large or damaged: one exact error each, and never anything else."""

from __future__ import annotations

import contextlib
import io
import struct
import threading
import warnings

import numpy as np
import PIL.Image
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import encoded, grey_page, page, png_chunk, raw_frame, tiff

from ocrloom.errors import (
    OcrDamagedImage,
    OcrFormatError,
    OcrImageError,
    OcrImageTooLarge,
)
from ocrloom.image import Image
from ocrloom.image.guard import guard, quiet
from ocrloom.options import Limits

COLOUR = page()
GREY = grey_page()
NOISE = np.random.default_rng(5).integers(0, 256, (60, 80), np.uint8)


def read(source, **limits):
    return list(Image.load(source, limits=Limits(**limits)).frames())


# Formats that are not allowed


@pytest.mark.parametrize(
    ("head", "described"),
    [
        (b"PK\x03\x04" + bytes(30) + b"a.pdf%PDF-1.7\n", "ZIP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "EPS"),
        (b"\xc5\xd0\xd3\xc6" + bytes(40), "EPS"),
        (b"8BPS\0\1" + bytes(40), "Photoshop"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "AVIF"),
        (b"\0\0\0\x18ftypisom" + bytes(40), "video"),
        (b"AT&TFORM\0\0\0\0DJVU", "DjVu"),
        (b"\0\0\1\0\1\0" + bytes(40), "icon"),
        (b"PK\x03\x04" + bytes(40), "ZIP"),
        (b"\x1f\x8b\x08" + bytes(40), "compressed"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "Office"),
        (b"P7\nWIDTH 1\n", "PAM"),
        (b"PF\n1 1\n-1\n" + bytes(12), "colour PFM"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b'<?xml version="1.0"?>\n<svg xmlns="x"/>', "SVG"),
        (b"<svg/>", "SVG"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"Dear Sir,\nthank you.\n", "plain text"),
        ("Příliš žluťoučký kůň\n".encode() * 60, "plain text"),
        ("Text".encode("utf-16"), "plain text"),
        (b"BM is how this text begins\n", "plain text"),
        (b"/home/user/scan.png", "give its name as str or Path"),
        (bytes(100), "unknown format that begins with 00 00 00"),
        (b"\x89PNG\n\x1a\n" + bytes(40), "changed in transfer"),
    ],
)
def test_refused(head, described, tmp_path, monkeypatch):
    # Not even a look by Pillow: its parsers are many, and the one for EPS starts Ghostscript.
    monkeypatch.setattr(PIL.Image, "open", lambda *_: pytest.fail("must not be called"))
    file = tmp_path / "picture.png"
    file.write_bytes(head)
    with pytest.raises(OcrFormatError) as caught:
        read(file)
    message = str(caught.value)
    assert described in message
    assert str(file) in message
    assert "TIFF, PNG, JPEG, WebP, BMP, GIF, JPEG 2000, PNM" in message


# Too large


def huge_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"x")


def huge_bmp(width, height):
    data = bytearray(encoded(GREY, "BMP"))
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def huge_jpeg(width, height):
    data = bytearray(encoded(GREY, "JPEG"))
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


def huge_tiff(width, height):
    frame = raw_frame(GREY)
    frame.width, frame.height = width, height
    return tiff(frame)


def huge_tile(width, height):
    return tiff(raw_frame(GREY, tags={322: (4, (width,)), 323: (4, (height,))}))


def huge_gif(width, height):
    data = bytearray(encoded(GREY, "GIF"))
    struct.pack_into("<HH", data, 6, width, height)
    return bytes(data)


def huge_gif_frame(width, height):
    data = bytearray(encoded(GREY, "GIF"))
    at = data.index(b",\0\0\0\0" + struct.pack("<HH", 40, 30))
    struct.pack_into("<HH", data, at + 5, width, height)
    return bytes(data)


def huge_jpeg2000(width, height):
    data = bytearray(encoded(GREY, "JPEG2000", no_jp2=True))
    struct.pack_into(">II", data, 8, width, height)
    return bytes(data)


def huge_ppm(width, height):
    return b"P5 %d %d 255\n" % (width, height)


HUGE = [
    huge_png,
    huge_bmp,
    huge_jpeg,
    huge_tiff,
    huge_tile,
    huge_gif,
    huge_gif_frame,
    huge_jpeg2000,
    huge_ppm,
]


@pytest.mark.parametrize("make", HUGE)
@pytest.mark.timeout(5)
def test_header_claims_too_much(make, tmp_path):
    file = tmp_path / "huge"
    file.write_bytes(make(60_000, 60_000))
    with pytest.raises(OcrImageTooLarge) as caught:
        read(file)
    message = str(caught.value)
    for part in (str(file), "60000 × 60000", "1000000000", "Limits(max_pixels=…)", "--max-pixels"):
        assert part in message


def test_webp_claims_too_much():
    data = bytearray(encoded(GREY, "WEBP", lossless=True))
    struct.pack_into("<I", data, 21, 16382 | 16382 << 14)
    with pytest.raises(OcrImageTooLarge, match="16383 × 16383"):
        read(bytes(data), max_pixels=250_000_000)
    extended = b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xff\xff\0" * 2
    with pytest.raises(OcrImageTooLarge, match="65536 × 65536"):
        read(extended + bytes(40))
    lossy = encoded(COLOUR, "WEBP")
    with pytest.raises(OcrImageTooLarge, match="40 × 30 = 1200 pixels"):
        read(lossy, max_pixels=1199)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP", "BMP", "GIF", "JPEG2000", "PPM"])
def test_exactly_at_the_limit(kind):
    data = encoded(GREY, kind)
    assert len(read(data, max_pixels=1200)) == 1
    with pytest.raises(OcrImageTooLarge, match="40 × 30 = 1200 pixels"):
        read(data, max_pixels=1199)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "TIFF lzw", "JPEG", "BMP", "GIF", "PPM"])
def test_pillows_own_limit_is_neither_used_nor_changed(kind, monkeypatch):
    """As a picture of 200 million pixels is under our limit and over Pillow's."""
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 500)
    options = {"compression": "tiff_lzw"} if kind == "TIFF lzw" else {}
    data = encoded(GREY, kind.split()[0], **options)
    (frame,) = read(data)
    assert frame.pixels.shape == GREY.shape
    assert PIL.Image.MAX_IMAGE_PIXELS == 500


def test_pillows_warning_does_not_leak(monkeypatch):
    frames = [PIL.Image.fromarray(GREY), PIL.Image.fromarray(255 - GREY)]
    files = [
        encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        for kind in ("GIF", "WEBP")
    ]
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    assert [len(read(data)) for data in files] == [2, 2]


@pytest.mark.skipif(PIL.__version__ < "13", reason="older versions do not check in this place")
def test_over_pillows_limit_for_webp(monkeypatch):
    data = encoded(GREY, "WEBP")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(OcrImageTooLarge, match=r"up to which Pillow decodes WebP.*PNG or TIFF"):
        read(data)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_max_frames(kind):
    first, *rest = (PIL.Image.fromarray(np.roll(GREY, shift)) for shift in range(4))
    data = encoded(first, kind, save_all=True, append_images=rest)
    assert len(read(data, max_frames=4)) == 4
    with pytest.raises(OcrImageTooLarge, match=r"limit of 3.*max_frames=…\) or --max-frames"):
        read(data, max_frames=3)


def test_no_memory():
    with pytest.raises(OcrImageTooLarge, match="memory"), guard("scan.png", "PNG"):
        raise MemoryError


# Damaged

CUT = [
    ("PNG", {}),
    ("JPEG", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("BMP", {}),
    ("GIF", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("PPM", {}),
    ("JPEG2000", {}),
]


@pytest.mark.parametrize(("kind", "options"), CUT)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_short(kind, options, share, tmp_path):
    data = encoded(NOISE, kind, **options)
    file = tmp_path / "cut"
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(OcrDamagedImage, match=str(file)) as caught:
        read(file)
    assert kind[:3].lower() in str(caught.value).lower() or kind == "PPM"


@pytest.mark.parametrize("size", range(1, 60, 7))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000"])
def test_hardly_a_header(kind, size):
    with pytest.raises((OcrDamagedImage, OcrFormatError)):
        read(encoded(NOISE, kind)[:size])


def test_damaged_frame_of_a_tiff_is_named_and_harms_no_other():
    frames = [raw_frame(np.roll(GREY, shift), deflate=True) for shift in range(4)]
    frames[2].parts = [b"this was never deflated"]
    image = Image.load(tiff(*frames))
    frames = image.frames()
    assert [next(frames).number for _ in range(2)] == [1, 2]
    with pytest.raises(OcrDamagedImage, match="frame 3") as caught:
        next(frames)
    assert caught.value.__cause__ is not None
    with image.open() as reader:
        assert reader.count == 4
        np.testing.assert_array_equal(reader.read(4).pixels, np.roll(GREY, 3))


def test_damaged_first_frame_harms_no_other():
    frames = [raw_frame(GREY, tags={256: (3, (0,))}), raw_frame(GREY)]
    with Image.load(tiff(*frames)).open() as reader:
        with pytest.raises(OcrDamagedImage, match="frame 1: expected a width"):
            reader.read(1)
        np.testing.assert_array_equal(reader.read(2).pixels, GREY)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("back_to", [1, 3])
@pytest.mark.timeout(10)
def test_looping_tiff(big, back_to):
    image = Image.load(tiff(*[raw_frame(GREY)] * 3, big=big, last_link=back_to))
    assert image.frame_count() == 4
    frames = image.frames()
    assert [next(frames).number for _ in range(3)] == [1, 2, 3]
    with pytest.raises(OcrDamagedImage, match=r"frame 4.*back to an earlier frame"):
        next(frames)


def test_chain_that_leaves_the_file():
    data = bytearray(tiff(raw_frame(GREY), raw_frame(GREY)))
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    struct.pack_into("<I", data, first + 2 + 12 * count, 2**32 - 2)
    frames = Image.load(bytes(data)).frames()
    next(frames)
    with pytest.raises(OcrDamagedImage, match=r"frame 2.*behind the end"):
        next(frames)
    for link in (0, 2**31):
        struct.pack_into("<I", data, 4, link)
        with pytest.raises(OcrDamagedImage):
            read(bytes(data))


def test_damaged_frame_of_a_gif_is_named():
    frames = [PIL.Image.fromarray(np.roll(NOISE, shift)) for shift in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    image = Image.load(data[: int(len(data) * 0.8)])
    assert image.frame_count() == 3
    with image.open() as reader:
        with pytest.raises(OcrDamagedImage, match="frame 3"):
            reader.read(3)
        assert reader.read(2).number == 2


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (GREY.astype(np.float16), {}),
        (np.dstack([GREY, GREY]).astype(np.uint16), {"tags": {338: (3, (2,))}}),
    ],
)
def test_variant_that_nothing_decodes(values, options):
    with pytest.raises(OcrFormatError, match=r"variant.*× 16 bits.*convert it to 8-bit"):
        read(tiff(raw_frame(values, **options)))


# Warnings


def odd_tiff():
    """A TIFF with a tag whose data lies behind the end, of which Pillow warns."""
    return tiff(raw_frame(GREY, tags={305: (2, tuple(b"program")), 700: (1, (1,) * 9)})).replace(
        struct.pack("<HHI", 305, 2, 7), struct.pack("<HHI", 305, 2, 70_000)
    )


def test_odd_metadata_neither_warns_nor_fails():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PIL.Image.open(io.BytesIO(odd_tiff()))
        assert caught, "the sample must make Pillow warn"
        caught.clear()
        np.testing.assert_array_equal(read(odd_tiff())[0].pixels, GREY)
        assert not caught
    np.testing.assert_array_equal(read(odd_tiff())[0].pixels, GREY)  # with warnings as errors


def test_quiet_only_in_the_thread_that_decodes():
    inside, done, heard = threading.Event(), threading.Event(), []

    def decode():
        with quiet():
            warnings.warn("of a decoder", stacklevel=1)
            inside.set()
            done.wait(5)

    thread = threading.Thread(target=decode)
    thread.start()
    inside.wait(5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn("of a stranger", stacklevel=1)
        heard = [str(warning.message) for warning in caught]
    done.set()
    thread.join()
    assert heard == ["of a stranger"]
    with pytest.warns(UserWarning, match="afterwards"):
        warnings.warn("afterwards", stacklevel=1)


def test_many_threads_at_once():
    failures = []

    def decode(data):
        try:
            np.testing.assert_array_equal(read(data)[0].pixels, GREY)
        except Exception as error:  # noqa: BLE001 - a thread's exception would be lost
            failures.append(error)

    lazy = PIL.Image.open(io.BytesIO(encoded(GREY, "PNG")))
    sources = [odd_tiff(), lazy, encoded(GREY, "PNG"), lazy] * 4
    threads = [threading.Thread(target=decode, args=[source]) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_quiet_adds_one_filter_only():
    with warnings.catch_warnings():
        for _ in range(5):
            with quiet():
                pass
            warnings.simplefilter("error")
        with quiet():
            before = len(warnings.filters)
        with quiet():
            assert len(warnings.filters) == before


# Anything at all

SEEDS = [
    encoded(COLOUR, "PNG"),
    encoded(COLOUR, "JPEG"),
    encoded(COLOUR, "WEBP"),
    encoded(COLOUR, "BMP"),
    encoded(COLOUR, "JPEG2000"),
    encoded(GREY, "PPM"),
    encoded(
        PIL.Image.fromarray(GREY),
        "GIF",
        save_all=True,
        append_images=[PIL.Image.fromarray(255 - GREY)],
    ),
    encoded(COLOUR, "TIFF", compression="tiff_lzw"),
    encoded(COLOUR, "TIFF", compression="jpeg"),
    tiff(raw_frame(GREY), raw_frame(COLOUR, photometric=2, planar=2)),
    tiff(raw_frame(COLOUR / 255, photometric=2), order=">", big=True),
]
changes = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)


@given(seed=st.sampled_from(SEEDS), changes=changes, near=st.booleans(), end=st.integers(0, 20_000))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_files_raise_our_errors_only(seed, changes, near, end):
    data = bytearray(seed)
    for at, value in changes:
        data[at % min(len(data), 200 if near else len(data))] = value
    data = data[: end or 1]
    # Not OcrSourceError: what is wrong is wrong with the image, whatever the decoder raised.
    with contextlib.suppress(OcrImageError):
        for frame in read(bytes(data), max_pixels=100_000, max_frames=50):
            assert frame.pixels.dtype == np.uint8
            assert frame.pixels.ndim == 2 or frame.pixels.shape[2] == 3


@given(st.binary(min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes(data):
    with pytest.raises((OcrFormatError, OcrDamagedImage, OcrImageTooLarge)):
        read(data)
