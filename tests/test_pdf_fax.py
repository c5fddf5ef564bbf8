"""Strips of Group 4 made one, compared with what libtiff decodes."""

from __future__ import annotations

import io
import struct

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom.image.tiff_structure import Chain, Ifd, Tag
from ocrloom.pdf import images
from ocrloom.pdf.fax import join_strips

BACKWARDS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def group4(pixels, rows, **more):
    """A TIFF of strips of so many rows."""
    picture = PIL.Image.fromarray(pixels).convert("1", dither=PIL.Image.Dither.NONE)
    size = rows * -(-picture.width // 8)
    to = io.BytesIO()
    picture.save(to, "TIFF", compression="group4", strip_size=size, **more)
    return to.getvalue()


def strips_of(data):
    file = io.BytesIO(data)
    chain = Chain(file, "a.tif", 1)
    ifd = Ifd(file, chain, 1)
    return chain.order, ifd, images._strips(file, ifd)


def one_strip(strip, width, height):
    """A TIFF of one strip, without what is not needed."""
    values = {256: width, 257: height, 258: 1, 259: 4, 262: 1, 273: 110, 277: 1, 279: len(strip)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, each) for tag, each in values.items())
    head = b"II" + struct.pack("<HIH", 42, 8, len(values)) + table + bytes(4)
    return head.ljust(110, b"\0") + strip


def decoded(data):
    with PIL.Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"))


def drawing(width=700, height=90, seed=0):
    """Rows of runs of all lengths, also such as begin black or end near the right edge."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(height):
        runs = random.choice([0, 1, 2, 3, 30, 63, 64, 65, 200, width], width)
        colours = np.resize([255, 0], width)
        rows.append(np.repeat(colours, runs)[:width].astype(np.uint8))
    return np.stack([np.resize(row, width) for row in rows])


@given(
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(1, 9),
    st.sampled_from([0.0, 0.01, 0.3, 1.0]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_joined_strips_show_the_same(width, height, rows, changes, backwards, seed):
    random = np.random.default_rng(seed)
    flips = random.random((height, width)) < changes
    pixels = (np.logical_xor.accumulate(flips, axis=1) * 255).astype(np.uint8)
    _, _, strips = strips_of(group4(pixels, rows))
    assert len(strips) == -(-height // rows)
    given_ = [strip.translate(BACKWARDS) for strip in strips] if backwards else strips
    joined = join_strips(given_, width, reverse=backwards)
    assert joined is not None
    assert np.array_equal(decoded(one_strip(joined, width, height)), pixels)


@pytest.mark.parametrize("width", [700, 2559, 2560, 2561, 6000])
def test_long_runs(width):
    pixels = drawing(width)
    joined = join_strips(strips_of(group4(pixels, 1))[2], width)
    assert np.array_equal(decoded(one_strip(joined, width, len(pixels))), pixels)


@given(st.lists(st.binary(max_size=60), min_size=2, max_size=3), st.integers(0, 100))
def test_rubbish_does_no_harm(strips, width):
    end = bytes.fromhex("001001")
    # It may be a picture by chance; it is never an error.
    join_strips([strip + end for strip in strips], width)
    assert join_strips([*strips, b"no end"], width) is None


def test_damaged_strips_are_left_to_the_decoder():
    width = 700
    strips = strips_of(group4(drawing(width), 10))[2]
    assert join_strips(strips, width) is not None
    cut = [*strips[:3], strips[3][:-4], *strips[4:]]
    lost = [*strips[:3], strips[3][:20] + bytes(8) + strips[3][28:], *strips[4:]]
    for broken in (cut, lost, [strips[0], b""]):
        assert join_strips(broken, width) is None


def test_strips_that_are_wider_than_the_picture_are_refused():
    strips = strips_of(group4(drawing(700), 10))[2]
    assert join_strips(strips, 100) is None


@pytest.mark.parametrize("photometric", [0, 1])
def test_a_file_of_strips_becomes_one_of_one_strip(photometric):
    pixels = drawing()
    data = group4(pixels, 7, tiffinfo={262: photometric})
    order, ifd, strips = strips_of(data)
    made = images._fax(order, ifd, strips)
    assert np.array_equal(decoded(made), decoded(data))
    _, found, whole = strips_of(made)
    assert len(whole) == 1
    assert found.value(Tag.PHOTOMETRIC, -1) == ifd.value(Tag.PHOTOMETRIC, -1)
    # Not coded anew, which would be a little smaller.
    assert strips[0][:-4] in made


def test_very_large_strips_are_left_to_the_decoder(monkeypatch):
    order, ifd, strips = strips_of(group4(drawing(), 7))
    monkeypatch.setattr(images, "_MOST_JOINED", 10)
    assert len(strips_of(images._fax(order, ifd, strips))[2]) == len(strips)
