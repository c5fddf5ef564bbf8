"""Copies of sources beside a library."""

from __future__ import annotations

import errno
import os
import time

import numpy as np
import pdf_files
import PIL.Image
import pytest
from documents import frames
from image_files import page as picture_of
from results import page, word

from ocrloom import (
    Image,
    Library,
    OcrLibraryError,
    OcrLibraryFull,
    OcrNotInLibrary,
    OcrOptionError,
    OcrResult,
    OcrSourceUnreadable,
)
from ocrloom.image.formats import Format
from ocrloom.journal import content_digest
from ocrloom.library import keeping

RESULT = OcrResult(pages=(page(word("Été")),))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kept"


@pytest.fixture
def library(tmp_path, folder):
    with Library(tmp_path / "scans.db", keep=folder) as library:
        yield library


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def age(path):
    """Lets a file be two hours old."""
    then = time.time() - 7200
    os.utime(path, (then, then))


@pytest.mark.parametrize("keep", [5, b"kept", "", "a\0b"])
def test_what_is_no_folder_is_refused(tmp_path, keep):
    with pytest.raises(OcrOptionError, match="keep must be the name of a folder"):
        Library(tmp_path / "scans.db", keep=keep)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"")
    with pytest.raises(OcrOptionError, match="keep must be the name of a folder"):
        Library(tmp_path / "scans.db", keep=path)


def test_an_export_shows_what_was_read_or_nothing(library, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(frames(1))
    number = library.add(RESULT, source=path).result().id
    path.write_bytes(frames(2))
    assert library.export(number, "pdf").result().startswith(b"%PDF")
    with Library(tmp_path / "scans.db") as bare:
        assert bare.export(number, "txt").result() == "Été\n"
        with pytest.raises(OcrNotInLibrary, match="found another content"):
            bare.export(number, "pdf").result()
        with pytest.raises(OcrNotInLibrary, match="given as its source"):
            bare.export(number, "pdf", source=path).result()


def kept(source, folder):
    image = Image.load(source)
    return keeping.keep(image, content_digest(image.source), folder)


def test_a_file_is_copied_as_it_is(library, folder, tmp_path):
    path = tmp_path / "Scan One.TIFF"
    path.write_bytes(frames(2))
    document = library.add(RESULT, source=path).result()
    digest = document.digest
    assert document.kept == f"{digest[:2]}/{digest}.tif"
    assert keeping.path_of(document, folder).read_bytes() == path.read_bytes()
    assert files(folder) == [document.kept]
    path.unlink()
    assert library.check().result() == []


def test_bytes_are_copied_as_they_are(folder):
    data = pdf_files.pdf_of(b"")
    name = kept(data, folder)
    assert name.endswith(".pdf")
    assert (folder / name).read_bytes() == data


@pytest.mark.parametrize("kind", [each for each in Format if each is not Format.PDF])
def test_every_format_has_an_ending(folder, kind):
    heads = {
        Format.TIFF: b"II*\0",
        Format.PNG: b"\x89PNG\r\n\x1a\n",
        Format.JPEG: b"\xff\xd8\xff",
        Format.WEBP: b"RIFF\0\0\0\0WEBPVP8 ",
        Format.BMP: b"BM" + b"\0" * 12 + b"\x28\0\0\0",
        Format.GIF: b"GIF89a",
        Format.JPEG2000: b"\xff\x4f\xff\x51",
        Format.PNM: b"P6\n",
    }
    name = kept(heads[kind] + b"the rest", folder)
    assert (folder / name).read_bytes() == heads[kind] + b"the rest"


@pytest.mark.parametrize(
    "pixels",
    [picture_of(), picture_of()[..., 0], np.tile([[True, False], [False, True]], (20, 20))],
    ids=["colour", "grey", "bits"],
)
def test_pixels_are_kept_without_loss(library, folder, pixels):
    document = library.add(RESULT, source=pixels).result()
    (frame,) = Image.load(keeping.path_of(document, folder)).frames()
    (given,) = Image.load(pixels).frames()
    assert np.array_equal(frame.pixels, given.pixels)


def test_a_pil_image_is_kept_as_its_current_frame(library, folder):
    first, second = (PIL.Image.new("L", (9, 7), grey) for grey in (10, 200))
    path = folder.parent / "two.tif"
    first.save(path, save_all=True, append_images=[second])
    with PIL.Image.open(path) as opened:
        opened.seek(1)
        document = library.add(RESULT, source=opened).result()
    with PIL.Image.open(keeping.path_of(document, folder)) as copy:
        assert copy.getpixel((0, 0)) == 200
        assert getattr(copy, "n_frames", 1) == 1


def test_a_copy_is_made_once(library, folder, tmp_path):
    data = frames(2)
    document = library.add(RESULT, source=data).result()
    copy = keeping.path_of(document, folder)
    age(copy)
    before = copy.stat()
    assert library.add(RESULT, source=data).result().kept == document.kept
    after = copy.stat()
    assert after.st_ino == before.st_ino
    # As if it were new, so that it is not taken for one that was left behind.
    assert after.st_mtime > before.st_mtime


def test_a_copy_that_was_cut_short_is_made_anew(library, folder):
    data = frames(2)
    document = library.add(RESULT, source=data).result()
    keeping.path_of(document, folder).write_bytes(data[:9])
    library.add(RESULT, source=data).result()
    assert keeping.path_of(document, folder).read_bytes() == data


def test_a_library_opened_without_the_folder_forgets_no_copy(library, folder, tmp_path):
    data = frames(2)
    document = library.add(RESULT, source=data).result()
    with Library(tmp_path / "scans.db") as other:
        assert other.add(RESULT, source=data).result().kept == document.kept
    assert library.check().result() == []


def test_a_file_that_changed_since_is_not_kept(folder, tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(frames(2))
    with pytest.raises(OcrSourceUnreadable, match="has changed since it was read"):
        keeping.keep(Image.load(path), "ab" * 32, folder)
    assert files(folder) == []


def test_removing_a_document_removes_its_copy(library, folder):
    one, two = (library.add(RESULT, source=frames(count)).result() for count in (1, 2))
    library.remove(one.id).result()
    assert files(folder) == [two.kept]
    assert keeping.path_of(one, folder) is None
    # Nothing to remove is no error.
    keeping.forget(one, folder)


def test_copies_that_are_gone_are_reported(library, folder):
    document = library.add(RESULT, source=frames(1)).result()
    (folder / document.kept).unlink()
    (said,) = library.check().result()
    assert document.kept in said
    assert "is gone" in said


def test_copies_of_no_document_are_reported_and_removed(library, folder):
    document = library.add(RESULT, source=frames(1)).result()
    age(folder / document.kept)
    orphan, young, unfinished = (
        folder / "ab" / f"{'ab' * 32}.tif",
        folder / "cd" / f"{'cd' * 32}.tif",
        folder / "ab" / ".ocrloom-0123456789abcdef.tmp",
    )
    own = folder / "ab" / "letter.tif"
    for path in (orphan, young, unfinished, own):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"data")
    for path in (orphan, unfinished, own):
        age(path)
    said = library.check().result()
    assert len(said) == 2
    assert str(unfinished) in said[0]
    assert str(orphan) in said[1]
    assert sorted(library.clean().result()) == sorted([orphan, unfinished])
    assert library.check().result() == []
    assert files(folder) == sorted(
        [document.kept, str(own.relative_to(folder)), str(young.relative_to(folder))]
    )


def test_nothing_to_clean_without_a_folder(tmp_path):
    with Library(tmp_path / "scans.db") as library:
        library.add(RESULT).result()
        assert library.clean().result() == []


def test_a_name_that_leads_out_of_the_folder_is_followed_nowhere(library, folder, tmp_path):
    outside = tmp_path / "outside.tif"
    outside.write_bytes(frames(1))
    document = library.add(RESULT, source=frames(1)).result()

    def lie(store):
        with store.transaction():
            store.run("UPDATE documents SET kept = '../outside.tif'")

    library._desk.write(lie).result()
    changed = library.document(document.id).result()
    assert keeping.path_of(changed, folder) is None
    library.remove(document.id).result()
    assert outside.exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_stores_nothing(library, folder, monkeypatch, code):
    def full(_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OcrLibraryFull, match="make room"):
        library.add(RESULT, source=frames(1)).result()
    monkeypatch.undo()
    assert files(folder) == []
    assert list(library.documents()) == []


def test_a_folder_that_cannot_be_one(library, folder):
    folder.write_text("a file")
    with pytest.raises(OcrLibraryError, match="cannot be written"):
        library.add(RESULT, source=frames(1)).result()
    assert list(library.documents()) == []


def test_a_copy_can_be_given_up(folder):
    def stop():
        raise KeyboardInterrupt

    path = folder.parent / "a.tif"
    path.write_bytes(frames(1))
    with pytest.raises(KeyboardInterrupt):
        keeping.keep(Image.load(path), content_digest(path), folder, stop)
    assert files(folder) == []
