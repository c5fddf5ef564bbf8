"""What may be given to ``Image.load``, and the exact error for everything else."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from image_files import encoded, grey_page, page

from ocrloom.errors import (
    OcrDamagedImage,
    OcrFormatError,
    OcrImageTooLarge,
    OcrOptionError,
    OcrSourceEmpty,
    OcrSourceIsDirectory,
    OcrSourceNotAFile,
    OcrSourceNotFound,
    OcrSourceUnreadable,
)
from ocrloom.image import Frame, Image
from ocrloom.options import Limits

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")
PNG = encoded(page(), "PNG")


def only(image: Image) -> Frame:
    (frame,) = image.frames()
    return frame


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "scan.png"
    file.write_bytes(PNG)
    return file


@pytest.mark.parametrize("form", [str, Path, os.fsencode])
def test_path(path, form):
    # os.fsencode gives bytes, which are an image file's content and not a name.
    if form is os.fsencode:
        with pytest.raises(OcrFormatError, match="give its name as str or Path"):
            list(Image.load(form(path)).frames())
        return
    image = Image.load(form(path))
    assert image.name == str(path)
    assert repr(image) == f"Image({str(path)!r})"
    assert image.frame_count() == 1
    frame = only(image)
    assert frame.number == 1
    assert frame.dpi is None
    np.testing.assert_array_equal(frame.pixels, page())
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_bytes(form):
    given = form(PNG)
    image = Image.load(given)
    if form is bytearray:
        given[:] = bytes(len(given))  # a later change must not matter
    assert image.name is None
    np.testing.assert_array_equal(only(image).pixels, page())


def test_strided_memoryview():
    np.testing.assert_array_equal(
        only(Image.load(memoryview(bytes(b for byte in PNG for b in (byte, 0)))[::2])).pixels,
        page(),
    )


def test_file_object_is_read_at_once_from_its_position(path):
    with path.open("rb") as file:
        image = Image.load(file)
    assert image.name == str(path)
    np.testing.assert_array_equal(only(image).pixels, page())
    stream = io.BytesIO(b"header" + PNG)
    stream.seek(6)
    assert Image.load(stream).name is None
    stream.seek(6)
    np.testing.assert_array_equal(only(Image.load(stream)).pixels, page())


def test_file_object_in_small_parts():
    class Drip:
        def __init__(self):
            self.left = io.BytesIO(PNG)

        def read(self, size=-1):
            return self.left.read(min(size, 7))

    np.testing.assert_array_equal(only(Image.load(Drip())).pixels, page())


def test_image_is_returned_as_it_is(path):
    image = Image.load(path)
    assert Image.load(image) is image


def test_frames_may_be_read_again(path):
    image = Image.load(path)
    np.testing.assert_array_equal(only(image).pixels, only(image).pixels)


def test_symlink(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    np.testing.assert_array_equal(only(Image.load(link)).pixels, page())


def test_relative_path_survives_a_change_of_folder(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = Image.load("scan.png")
    monkeypatch.chdir("/")
    assert image.name == "scan.png"
    np.testing.assert_array_equal(only(image).pixels, page())


@pytest.mark.parametrize(
    "name", ["missing.png", "", "scan.png/x", "a\0b.png", "n" * 5000, "é" * 300]
)
def test_not_found(path, name):
    given = str(path.parent / name) if name else ""
    with pytest.raises(OcrSourceNotFound) as caught:
        Image.load(given)
    shown = given if given.isprintable() else ascii(given)
    assert shown in str(caught.value)


def test_directory(tmp_path):
    with pytest.raises(OcrSourceIsDirectory, match=tmp_path.name):
        Image.load(tmp_path)


@posix
@pytest.mark.timeout(5)
def test_fifo_never_blocks(tmp_path):
    fifo = tmp_path / "pipe.png"
    os.mkfifo(fifo)
    with pytest.raises(OcrSourceNotAFile, match=r"pipe\.png.*FIFO"):
        Image.load(fifo)


@posix
@pytest.mark.timeout(5)
def test_fifo_in_the_place_of_a_loaded_file(path):
    image = Image.load(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OcrSourceNotAFile, match="FIFO"):
        list(image.frames())


@posix
@pytest.mark.timeout(5)
def test_devices_and_sockets(tmp_path, monkeypatch):
    for device in ("/dev/zero", "/dev/null"):
        with pytest.raises(OcrSourceNotAFile, match=device):
            Image.load(device)
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        with pytest.raises(OcrSourceNotAFile, match="socket"):
            Image.load("s")


@posix
def test_symlink_loop(tmp_path):
    link = tmp_path / "loop.png"
    link.symlink_to(link)
    with pytest.raises(OcrSourceUnreadable, match=r"loop\.png"):
        Image.load(link)


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read all")
def test_no_permission(path):
    path.chmod(0)
    with pytest.raises(OcrSourceUnreadable, match=r"scan\.png"):
        Image.load(path)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE, errno.EMFILE])
def test_open_fails(path, monkeypatch, code):
    def refuse(*_args, **_options):
        raise OSError(code, os.strerror(code))

    image = Image.load(path)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(OcrSourceUnreadable, match=r"scan\.png") as caught:
        Image.load(path)
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(OcrSourceUnreadable, match=r"scan\.png"):
        list(image.frames())


def test_file_vanishes_between_load_and_read(path):
    image = Image.load(path)
    path.unlink()
    with pytest.raises(OcrSourceUnreadable, match=r"scan\.png"):
        list(image.frames())


def test_disk_fails_while_decoding(path, monkeypatch):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 100 or size > 100_000:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    image = Image.load(path)
    monkeypatch.setattr("ocrloom.image.decode.open_file", lambda *_: Broken(PNG * 3))
    monkeypatch.setattr("ocrloom.image.decode.HEAD_SIZE", 50)
    with pytest.raises(OcrSourceUnreadable, match=r"scan\.png"):
        list(image.frames())


@pytest.mark.parametrize("make", [lambda p: p, lambda _: b"", lambda _: io.BytesIO()])
def test_empty(tmp_path, make):
    file = tmp_path / "empty.png"
    file.touch()
    with pytest.raises(OcrSourceEmpty):
        Image.load(make(file))


def test_text_mode(path):
    with path.open(encoding="latin-1") as file, pytest.raises(OcrOptionError, match="'rb'"):
        Image.load(file)
    with pytest.raises(OcrOptionError, match="'rb'"):
        Image.load(io.StringIO("text"))


def test_strange_file_objects():
    class Gives:
        def __init__(self, value):
            self.value = value

        def read(self, _size):
            if isinstance(self.value, Exception):
                raise self.value
            return self.value

    class Asynchronous:
        async def read(self, _size):
            return b""

    closed = io.BytesIO(PNG)
    closed.close()
    for stream, error in [
        (Gives("text"), OcrOptionError),
        (Gives(None), OcrSourceUnreadable),
        (Gives(OSError(errno.EIO, "disk")), OcrSourceUnreadable),
        (Gives(TypeError("no size")), OcrOptionError),
        (Asynchronous(), OcrOptionError),
        (closed, OcrSourceUnreadable),
    ]:
        with pytest.raises(error):
            Image.load(stream)


@pytest.mark.parametrize("wrong", [None, 3, 2.5, [PNG], {}, object()])
def test_wrong_type(wrong):
    with pytest.raises(OcrOptionError, match=f"NumPy array, got {type(wrong).__name__}"):
        Image.load(wrong)


def test_max_bytes(path):
    limits = Limits(max_bytes=len(PNG))
    for source in (path, PNG, io.BytesIO(PNG), memoryview(PNG)):
        assert Image.load(source, limits=limits).frame_count() == 1
    short = Limits(max_bytes=len(PNG) - 1)
    for source in (path, PNG, io.BytesIO(PNG), memoryview(PNG)):
        with pytest.raises(OcrImageTooLarge, match=r"Limits\(max_bytes=…\) or --max-bytes"):
            Image.load(source, limits=short)


def test_endless_stream():
    class Endless:
        def read(self, size):
            return bytes(size)

    with pytest.raises(OcrImageTooLarge):
        Image.load(Endless(), limits=Limits(max_bytes=5_000_000))


def test_file_grows_between_load_and_read(path):
    image = Image.load(path, limits=Limits(max_bytes=len(PNG)))
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(OcrImageTooLarge, match=r"scan\.png"):
        list(image.frames())


def test_control_characters_in_a_name_are_escaped(tmp_path):
    with pytest.raises(OcrSourceNotFound) as caught:
        Image.load(tmp_path / "a\n\x1b[31mb")
    assert str(caught.value).isprintable()


# Pillow's images


def test_picture_is_one_frame_and_stays_open(tmp_path):
    frames = [PIL.Image.fromarray(grey_page()), PIL.Image.fromarray(255 - grey_page())]
    file = tmp_path / "two.tif"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    with PIL.Image.open(file) as picture:
        picture.seek(1)
        image = Image.load(picture)
        assert image.name is None
        np.testing.assert_array_equal(only(image).pixels, 255 - grey_page())
        picture.seek(0)
        np.testing.assert_array_equal(np.asarray(picture), grey_page())


def test_picture_with_orientation():
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    with PIL.Image.open(io.BytesIO(encoded(page(), "PNG", exif=exif))) as picture:
        np.testing.assert_array_equal(only(Image.load(picture)).pixels, np.rot90(page(), -1))


def test_damaged_picture(tmp_path):
    file = tmp_path / "cut.png"
    noise = np.random.default_rng(1).integers(0, 256, (90, 90), np.uint8)
    file.write_bytes(encoded(noise, "PNG")[:2000])
    with PIL.Image.open(file) as picture, pytest.raises(OcrDamagedImage, match="PIL image"):
        list(Image.load(picture).frames())


def test_picture_without_pixels():
    with pytest.raises(OcrSourceEmpty):
        Image.load(PIL.Image.new("L", (0, 5)))


def test_picture_over_max_pixels():
    with pytest.raises(OcrImageTooLarge, match="10 × 10 = 100 pixels"):
        Image.load(PIL.Image.new("L", (10, 10)), limits=Limits(max_pixels=99))


# Imports


def test_import_is_light():
    code = (
        "import sys, ocrloom.image as i; i.Image.load(b'x');"
        "print([m for m in ('numpy', 'PIL', 'cv2') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_reading_in_a_thread(path):
    async def read():
        frame = await asyncio.to_thread(only, Image.load(path))
        return frame.pixels

    np.testing.assert_array_equal(asyncio.run(read()), page())
