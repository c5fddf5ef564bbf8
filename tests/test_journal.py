"""The journal: pages come back as they were put, or not at all."""

import errno
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from results import page, pages, word

import ocrloom.journal
from ocrloom.errors import (
    OcrDamagedImage,
    OcrImageTooLarge,
    OcrOptionError,
    OcrOutputError,
    OcrSourceUnreadable,
)
from ocrloom.journal import Journal, content_digest, document_key, sealed
from ocrloom.languages import Language
from ocrloom.options import Limits, OcrOptions
from ocrloom.result import ReadBy

KEY = "ab" + 62 * "0"
LONG = 20  # seconds; longer means that something hangs
OTHER = "ab" + 62 * "1"
ROOT = Path(__file__).parents[1]

not_for_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and limits")


@pytest.fixture
def entry(tmp_path):
    return Journal(tmp_path / "journal").entry(KEY)


def kept(folder):
    """The files of a journal, those of its temporary ones that were left included."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    return Journal(tmp_path_factory.mktemp("journal")).entry(KEY)


@given(pages)
def test_a_page_comes_back_equal(shelf, written):
    shelf.put(written)
    assert shelf.get(written.number) == written


def test_every_field_of_a_page_is_kept(entry):
    written = replace(
        page(word(), number=3),
        dpi=(300.0, 200.5),
        rotation=270,
        scale=0.25,
        skew=-1.5,
        languages=(Language.CZECH, Language.ENGLISH),
        read_by=ReadBy.TEXT_LAYER,
        reason="it has text",
        review=True,
    )
    assert all(getattr(written, field.name) != field.default for field in fields(written))
    entry.put(written)
    assert entry.get(3) == written


def test_a_page_of_broken_surrogates_comes_back_equal(entry):
    written = page(word("caf\udce9"))
    entry.put(written)
    assert entry.get(1) == written


def test_what_was_not_put_is_absent(entry):
    entry.put(page(word()))
    assert entry.get(2) is None


def test_another_journal_of_the_same_folder_finds_the_page(entry, tmp_path):
    entry.put(page(word(), number=7))
    journal = Journal(tmp_path / "journal")
    assert journal.entry(KEY).get(7) == page(word(), number=7)
    assert journal.entry(OTHER).get(7) is None


def test_the_last_page_put_counts(entry):
    entry.put(page(word("old")))
    entry.put(page(word("new")))
    assert entry.get(1).text == "new"


def test_pages_are_files_by_key_and_number_and_nothing_else_is_left(entry, tmp_path):
    entry.put(page(word()))
    entry.put(page(word(), number=12))
    folder = tmp_path / "journal" / "v1" / "ab" / KEY
    assert kept(tmp_path) == [folder / "1.json", folder / "12.json"]


def test_the_folder_is_made_when_the_first_page_is_put(tmp_path):
    entry = Journal(tmp_path / "a" / "b").entry(KEY)
    assert entry.get(1) is None
    assert not (tmp_path / "a").exists()
    entry.put(page())
    assert entry.get(1) == page()


def test_a_journal_stays_where_it_was_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry = Journal("journal").entry(KEY)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    entry.put(page())
    assert (tmp_path / "journal").is_dir()


# Damage


def only_file(entry, tmp_path):
    entry.put(page(word()))
    (path,) = kept(tmp_path)
    return path


def test_a_page_cut_short_anywhere_is_absent(entry, tmp_path):
    path = only_file(entry, tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert entry.get(1) is None
    path.write_bytes(whole)
    assert entry.get(1) == page(word())


def test_a_page_with_any_byte_changed_is_absent(entry, tmp_path):
    path = only_file(entry, tmp_path)
    whole = path.read_bytes()
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert entry.get(1) is None


@pytest.mark.parametrize("junk", [b"", b"{}", 4096 * b"\0", b"\xff\xfe", b"[" * 100_000])
def test_junk_is_absent_and_replaced(entry, tmp_path, junk):
    path = only_file(entry, tmp_path)
    path.write_bytes(junk)
    assert entry.get(1) is None
    entry.put(page(word("again")))
    assert entry.get(1).text == "again"


def test_a_page_in_the_place_of_another_is_absent(entry, tmp_path):
    path = only_file(entry, tmp_path)
    path.with_name("2.json").write_bytes(path.read_bytes())
    assert entry.get(2) is None
    other = path.parents[1] / OTHER / "1.json"
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    assert Journal(tmp_path / "journal").entry(OTHER).get(1) is None


@pytest.mark.parametrize("document", [b"{}", b"not JSON", b"[" * 100_000])
def test_a_whole_file_that_holds_no_page_is_absent(entry, tmp_path, document):
    path = only_file(entry, tmp_path)
    path.write_bytes(sealed(document, KEY, 1))
    assert entry.get(1) is None


def test_what_killed_processes_had_begun_is_removed_after_a_while(entry, tmp_path):
    path = only_file(entry, tmp_path)
    old, fresh = path.with_name("old.tmp"), path.with_name("fresh.tmp")
    for temporary in (old, fresh):
        temporary.write_bytes(b"half a pa")
    os.utime(old, times=(time.time() - 7200,) * 2)
    Journal(tmp_path / "journal").entry(KEY)
    assert kept(tmp_path) == [path, fresh]


# Several at once


def test_threads_may_put_and_get_one_page_at_once(entry):
    wrong, end = [], time.monotonic() + 0.5
    choices = [page(word(text)) for text in ("one", "two two", "three three three")]
    entry.put(choices[0])

    def work(choice):
        while time.monotonic() < end:
            entry.put(choice)
            if entry.get(1) not in choices:
                wrong.append(choice)

    threads = [threading.Thread(target=work, args=(choice,)) for choice in choices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert not wrong
    assert entry.get(1) in choices


def put_many(folder, text):
    entry = Journal(folder).entry(KEY)
    for number in range(1, 51):
        entry.put(page(word(text), number=number))
        assert entry.get(number) is not None


def test_processes_may_use_one_folder_at_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=put_many, args=(tmp_path, text)) for text in ("one", "two")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(LONG)
        assert process.exitcode == 0
    entry = Journal(tmp_path).entry(KEY)
    assert all(entry.get(number).text in ("one", "two") for number in range(1, 51))
    assert len(kept(tmp_path)) == 50


WRITES_FOREVER = """
import itertools, sys
from ocrloom.journal import Journal
from ocrloom.result import Page
entry = Journal(sys.argv[1]).entry(sys.argv[2])
print("ready", flush=True)
for turn in itertools.count():
    entry.put(Page(number=1 + turn % 3, width=1 + turn, height=10**3000))
"""


@posix
def test_a_killed_process_leaves_whole_pages(tmp_path):
    entry = Journal(tmp_path).entry(KEY)
    for delay in (0.01, 0.013, 0.017):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITES_FOREVER, str(tmp_path), KEY], stdout=subprocess.PIPE
        )
        with process:
            process.stdout.readline()
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        whole = [path for path in kept(tmp_path) if path.suffix == ".json"]
        assert whole
        assert all(entry.get(int(path.stem)) is not None for path in whole)


# What cannot be a journal, and what cannot be written


def test_a_file_is_no_journal(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("file", "file/below"):
        with pytest.raises(OcrOutputError, match=r"expected a folder .* is a file; give another"):
            Journal(tmp_path / name)


@pytest.mark.parametrize("name", ["", "nul\0inside", "x" * 5000])
def test_what_is_no_name_of_a_folder_is_refused(tmp_path, name):
    with pytest.raises(OcrOutputError, match="give the name of a folder"):
        Journal(name and f"{tmp_path}/{name}")


@pytest.mark.parametrize("name", [None, 7, b"folder"])
def test_what_is_no_name_at_all_is_refused(name):
    with pytest.raises(OcrOptionError, match="must be the name of a folder, got"):
        Journal(name)


@not_for_root
def test_a_folder_that_may_not_be_written_is_refused(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    for place in (tmp_path, tmp_path / "journal"):
        with pytest.raises(OcrOutputError, match="change the folder's permissions"):
            Journal(place)


def test_a_folder_that_the_system_says_is_read_only_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OcrOutputError, match="change the folder's permissions"):
        Journal(tmp_path / "journal")


@pytest.mark.parametrize("key", ["", "ab", "../" + 61 * "0", KEY.upper(), KEY + "\n"])
def test_only_keys_are_places(tmp_path, key):
    with pytest.raises(OcrOptionError, match="64 hexadecimal digits"):
        Journal(tmp_path).entry(key)


@posix
def test_a_disk_that_takes_no_more_is_reported_and_nothing_is_left(entry, tmp_path, run_python):
    code = """
import resource, sys
from ocrloom.errors import OcrOutputError
from ocrloom.journal import Journal
from ocrloom.result import Page
entry = Journal(sys.argv[1]).entry(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    entry.put(Page(number=1, width=1, height=1))
except OcrOutputError as error:
    print(error)
"""
    said = run_python(code, tmp_path / "journal", KEY)
    assert "1.json: the page could not be kept" in said
    assert "free space" in said
    assert not kept(tmp_path)


def test_a_failed_replacement_counts_unless_the_same_page_is_there(entry, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Access is denied")

    entry.put(page(word("same")))
    monkeypatch.setattr(Path, "replace", refuse)
    entry.put(page(word("same")))
    with pytest.raises(OcrOutputError, match="Access is denied"):
        entry.put(page(word("another")))
    assert len(kept(tmp_path)) == 1


# Keys


def test_equal_options_give_equal_keys_and_others_do_not():
    key = document_key("0", OcrOptions())
    assert Journal("journal").entry(key)
    assert key == document_key("0", OcrOptions(languages=("auto",)))
    changed = [
        document_key("1", OcrOptions()),
        document_key("0", OcrOptions(languages=("deu",))),
        document_key("0", OcrOptions(languages=("deu", "eng"))),
        document_key("0", OcrOptions(find_orientation=False)),
        document_key("0", OcrOptions(min_confidence=0.6)),
        document_key("0", OcrOptions(), (100, 200)),
        document_key("0", OcrOptions(), (200, 100)),
    ]
    assert len({key, *changed}) == 1 + len(changed)


def test_limits_do_not_count():
    key = document_key("0", OcrOptions())
    assert document_key("0", OcrOptions(limits=Limits(max_pixels=5))) == key


def test_a_later_option_counts_by_itself():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Later(OcrOptions):
        colour: str = "blue"

    keys = {document_key("0", options) for options in (OcrOptions(), Later(), Later(colour="red"))}
    assert len(keys) == 3


def test_every_option_can_be_part_of_a_key(monkeypatch):
    monkeypatch.setattr(ocrloom.journal, "_WITHOUT_EFFECT", frozenset())
    assert document_key("0", OcrOptions(limits=Limits(max_frames=3)))
    assert {"languages", "limits"} <= {option.name for option in fields(OcrOptions)}


def test_another_version_or_model_gives_another_key(monkeypatch):
    before = document_key("0", OcrOptions())
    with monkeypatch.context() as patch:
        patch.setattr(ocrloom.journal, "__version__", "9.9")
        version = document_key("0", OcrOptions())
    for name in ("DETECTOR", "RECOGNISER"):
        with monkeypatch.context() as patch:
            model = getattr(ocrloom.journal, name)
            patch.setattr(ocrloom.journal, name, replace(model, sha256="0"))
            assert document_key("0", OcrOptions()) not in (before, version)
    assert before != version
    assert before == document_key("0", OcrOptions())


# Contents


def test_the_same_bytes_have_one_digest_whatever_their_name(tmp_path):
    content = b"scan" * 3_000_000
    for name in ("one.tif", "two"):
        (tmp_path / name).write_bytes(content)
    digests = {content_digest(tmp_path / name) for name in ("one.tif", "two")}
    assert digests == {content_digest(content)}
    assert content_digest(b"scan") not in digests


def test_an_array_counts_with_its_shape_and_its_kind():
    array = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert content_digest(array) == content_digest(array.copy())
    assert content_digest(array) == content_digest(np.asfortranarray(array))
    others = [
        array.reshape(6, 4),
        array.view(np.int8),
        array.astype(np.float32),
        array[::-1],
        array[:, :, None],
    ]
    assert len({content_digest(each) for each in (array, *others)}) == 1 + len(others)


def test_an_array_larger_than_a_part_counts_to_its_end():
    array = np.zeros((9, 1024, 1024), np.uint8).transpose(1, 2, 0)[:, :, :3]
    array = np.concatenate([array, array])
    before = content_digest(array)
    array[-1, -1, -1] = 1
    assert content_digest(array) != before


def test_a_picture_counts_as_the_page_it_shows():
    array = np.arange(24, dtype=np.uint8).reshape(4, 6)
    picture = PIL.Image.fromarray(array)
    palette = picture.convert("P")
    inverted = palette.copy()
    inverted.putpalette([255 - value for value in palette.getpalette()])
    resolute = picture.copy()
    resolute.info["dpi"] = (300, 300)
    turned = picture.copy()
    turned.getexif()[0x0112] = 3
    assert content_digest(picture) == content_digest(picture.copy())
    digests = [content_digest(each) for each in (picture, inverted, resolute, turned)]
    assert len(set(digests)) == len(digests)


def test_a_large_picture_of_black_and_white_counts_to_its_end():
    picture = PIL.Image.new("1", (4100, 4100), 1)
    before = content_digest(picture)
    picture.putpixel((4099, 4099), 0)
    assert content_digest(picture) != before


def test_a_picture_counts_with_its_current_frame(tmp_path):
    frames = [PIL.Image.new("L", (8, 8), grey) for grey in (0, 255)]
    frames[0].save(tmp_path / "two.tif", save_all=True, append_images=frames[1:])
    with PIL.Image.open(tmp_path / "two.tif") as picture:
        first = content_digest(picture)
        picture.seek(1)
        assert content_digest(picture) != first


@pytest.mark.parametrize("kind", ["file", "bytes", "array"])
def test_every_few_megabytes_there_is_a_checkpoint(tmp_path, kind):
    array = np.zeros((1000, 10_000), np.uint8)
    (tmp_path / "file").write_bytes(array)
    source = {"file": tmp_path / "file", "bytes": array.tobytes(), "array": array}[kind]
    calls = []

    def stop():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        content_digest(source, stop)
    assert len(calls) == 2


def test_a_file_that_has_changed_since_it_was_loaded_is_reported(tmp_path):
    with pytest.raises(OcrSourceUnreadable, match="keep the file until it has been read"):
        content_digest(tmp_path / "gone.png")
    (tmp_path / "grown").write_bytes(b"scan")
    with pytest.raises(OcrImageTooLarge):
        content_digest(tmp_path / "grown", limits=Limits(max_bytes=3))


def test_a_picture_that_breaks_when_loaded_is_reported(tmp_path):
    PIL.Image.effect_noise((64, 64), 50).save(tmp_path / "cut.png")
    whole = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with PIL.Image.open(tmp_path / "cut.png") as picture, pytest.raises(OcrDamagedImage):
        content_digest(picture)


def test_the_journal_loads_no_runtime(run_python):
    code = """
import sys
from ocrloom.journal import Journal, content_digest, document_key
from ocrloom.options import OcrOptions
Journal(sys.argv[1]).entry(document_key(content_digest(b"scan"), OcrOptions())).get(1)
print(*{name.partition(".")[0] for name in sys.modules})
"""
    loaded = set(run_python(code, ROOT).split())
    assert not loaded & {"numpy", "cv2", "openvino", "PIL"}
