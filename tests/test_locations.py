"""Files elsewhere: a store on loopback that speaks S3, memory, and this machine's own folders."""

import os
from pathlib import Path

import pytest

from ocrloom import errors, locations
from ocrloom.options import Limits


@pytest.fixture(scope="module")
def store():
    from object_store import object_store

    with object_store() as started:
        yield started


@pytest.fixture(params=["s3", "memory", "file"])
def folder(request, tmp_path):
    """A place for files, of each kind; an empty one for each test."""
    if request.param == "s3":
        return request.getfixturevalue("store").location(tmp_path.name)
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    return (tmp_path / "a folder").as_uri()


def put(folder, name, data=b"data"):
    locations.write_bytes(locations.below(folder, name), data)


def everything(below):
    return True


@pytest.mark.parametrize(
    "name", ["s3://b/x", "S3://b", "file:///x", "https://h/x.png", "zip::s3://b/x.zip", "gs://"]
)
def test_what_has_a_scheme_is_a_location(name):
    assert locations.is_location(name)


@pytest.mark.parametrize(
    "name", ["x.png", "/tmp/s3://x", "C://x", r"C:\x", "a:b", "", "1s://b", None, b"s3://b/x"]
)
def test_all_else_is_none(name):
    assert not locations.is_location(name)


def test_below_a_folder_inside_of_a_file_elsewhere():
    assert locations.below("s3://b/a/", "c/d.tif") == "s3://b/a/c/d.tif"
    assert locations.below("zip://in::s3://b/a.zip", "d.tif") == "zip://in/d.tif::s3://b/a.zip"


def test_what_was_written_is_fetched(folder):
    put(folder, "deep/er/x.bin", b"one")
    put(folder, "deep/er/x.bin", b"two")
    location = locations.below(folder, "deep/er/x.bin")
    assert locations.fetch(location) == b"two"
    with locations.opened(location) as file:
        file.seek(1)
        assert file.read() == b"wo"


def test_files_are_found_in_the_order_of_their_names(folder):
    for name in ("b.tif", "a/z.tif", "a/b/c.tif", "c.txt", "a.tif"):
        put(folder, name)
    found = list(locations.find(folder, lambda below: below.endswith(".tif")))
    below = ["a/b/c.tif", "a/z.tif", "a.tif", "b.tif"]
    assert found == [locations.below(folder, name) for name in below]
    assert list(locations.find(f"{folder}/a/", everything)) == found[:2]


def test_names_in_a_folder_and_what_is_removed(folder):
    assert locations.names_in(folder) == []
    put(folder, "b")
    put(folder, "a")
    put(folder, "deep/x")
    assert locations.names_in(folder) == ["a", "b"]
    locations.remove(locations.below(folder, "a"))
    locations.remove(locations.below(folder, "a"))
    assert locations.names_in(folder) == ["b"]


def test_folders_and_files(folder):
    put(folder, "a/x.tif")
    assert locations.is_folder(f"{folder}/a")
    assert not locations.is_folder(f"{folder}/a/x.tif")
    assert not locations.is_folder(f"{folder}/nothing")


def test_what_cannot_be_fetched(folder):
    put(folder, "a/x.tif", b"123456")
    put(folder, "empty.tif", b"")

    def raised(name, limits=None):
        with pytest.raises(errors.OcrException) as caught:
            locations.fetch(locations.below(folder, name), limits)
        assert name.rpartition("/")[2] in str(caught.value)
        return type(caught.value)

    assert raised("nothing.tif") is errors.OcrSourceNotFound
    assert raised("a") is errors.OcrSourceIsDirectory
    assert raised("empty.tif") is errors.OcrSourceEmpty
    assert raised("a/x.tif", Limits(max_bytes=5)) is errors.OcrImageTooLarge
    with pytest.raises(errors.OcrSourceError):
        list(locations.find(locations.below(folder, "nothing"), everything))
    with pytest.raises(errors.OcrSourceError):
        list(locations.find(locations.below(folder, "a/x.tif"), everything))


def test_what_is_too_large_is_not_fetched(store, monkeypatch):
    import s3fs

    location = store.put("large.tif", b"123456")
    monkeypatch.setattr(s3fs.S3FileSystem, "cat_file", None)
    with pytest.raises(errors.OcrImageTooLarge):
        locations.fetch(location, Limits(max_bytes=5))


def test_a_server_that_is_not_there():
    pytest.importorskip("aiohttp")
    from postgres import free_port

    with pytest.raises(errors.OcrSourceUnreadable, match="cannot be read"):
        locations.fetch(f"http://127.0.0.1:{free_port()}/x.png")


def test_a_scheme_that_nothing_opens():
    with pytest.raises(errors.OcrOptionError, match="nosuch://"):
        locations.fetch("nosuch://x/y.png")
    with pytest.raises(errors.OcrOptionError, match="expected a location"):
        locations.fetch("x.png")


def test_a_scheme_whose_package_is_missing_says_which():
    try:
        import gcsfs  # noqa: F401
    except ImportError:
        with pytest.raises(errors.OcrOptionError, match="pip install gcsfs"):
            locations.fetch("gs://bucket/x.png")
    else:
        pytest.skip("gcsfs is installed")


def test_without_fsspec_it_is_said(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(errors.OcrOptionError, match=r"ocrloom\[ray\]"):
        locations.fetch("s3://bucket/x.png")


def test_a_bucket_that_is_not_there_cannot_be_written(store):
    with pytest.raises(errors.OcrOutputError, match="cannot be written"):
        locations.write_bytes("s3://no-such-bucket/x", b"data")


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid"), reason="POSIX permissions")
def test_a_file_that_may_not_be_read(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = tmp_path / "x.tif"
    path.write_bytes(b"data")
    path.chmod(0)
    with pytest.raises(errors.OcrSourceUnreadable):
        locations.fetch(path.as_uri())


def test_a_file_of_this_machine_that_never_ends(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with pytest.raises(errors.OcrSourceNotAFile):
        locations.fetch(path.as_uri())


def test_asking_whether_it_is_a_location_loads_nothing(run_python):
    code = """if True:
        import sys
        from ocrloom.locations import is_location
        assert is_location("s3://b/x")
        print({"fsspec", "pyarrow", "ray", "numpy", "cv2"} & set(sys.modules))
    """
    assert run_python(code) == "set()\n"


@pytest.fixture(scope="module")
def web():
    """A server of the web, which packs or cuts short what it sends, and denies that it did."""
    import gzip
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    pytest.importorskip("aiohttp")

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()

        def do_GET(self):
            body = b"x" * 10_000
            if self.path == "/gone.png":
                self.send_error(404)
                return
            self.send_response(200)
            if self.path == "/packed.png":
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body) + (self.path == "/cut.png")))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("name", ["lying.png", "packed.png"])
def test_limits_hold_whatever_a_server_says_of_the_size(web, name):
    location = f"http://{web}/{name}"
    assert locations.fetch(location, Limits(max_bytes=10_000)) == b"x" * 10_000
    with pytest.raises(errors.OcrImageTooLarge):
        locations.fetch(location, Limits(max_bytes=9_999))


def test_what_the_web_does_not_give_whole_is_refused(web):
    with pytest.raises(errors.OcrSourceNotFound):
        locations.fetch(f"http://{web}/gone.png")
    with pytest.raises(errors.OcrSourceUnreadable, match=r"cut\.png: cannot be read"):
        locations.fetch(f"http://{web}/cut.png")


def test_what_packages_raise_when_they_are_made_is_mapped(tmp_path):
    from postgres import free_port

    (tmp_path / "none.zip").write_bytes(b"no archive")
    (tmp_path / "none.tar").write_bytes(b"no archive")
    here = tmp_path.as_uri()

    def raised(location, ask):
        with pytest.raises(errors.OcrException) as caught:
            ask(location)
        return type(caught.value)

    asks = [
        locations.fetch,
        locations.is_folder,
        locations.names_in,
        lambda location: list(locations.find(location, everything)),
        lambda location: locations.opened(location).__enter__(),
    ]
    for ask in asks:
        assert raised(f"zip://a.tif::{here}/none.zip", ask) is errors.OcrSourceUnreadable
        assert raised(f"tar://a.tif::{here}/none.tar", ask) is errors.OcrSourceUnreadable
        gone = f"ftp://127.0.0.1:{free_port()}/a.tif"
        assert raised(gone, ask) is errors.OcrSourceUnreadable
    assert raised(f"zip://a.tif::{here}/gone.zip", locations.fetch) is errors.OcrSourceNotFound
    write = lambda location: locations.write_bytes(location, b"x")  # noqa: E731
    assert raised(f"tar://a.tif::{here}/none.tar", write) is errors.OcrOutputError


def test_members_of_archives_are_fetched_within_their_limits(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/a.tif", b"x" * 10_000)
    location = f"zip://in/a.tif::{(tmp_path / 'a.zip').as_uri()}"
    assert locations.fetch(location) == b"x" * 10_000
    with pytest.raises(errors.OcrImageTooLarge):
        locations.fetch(location, Limits(max_bytes=9_999))


@pytest.mark.parametrize("name", ["a#b.tif", "a?b.tif", "100%41.tif", "a b/ü.tif", "\udcff.tif"])
def test_any_name_of_this_machine_is_found_and_fetched(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    try:
        path.write_bytes(b"data")
    except (OSError, UnicodeError):
        pytest.skip("this disk has no such names")
    (found,) = locations.find(tmp_path.as_uri(), everything)
    assert locations.fetch(found) == b"data"
    assert locations.local_path(found) == path


def test_locations_of_this_machine_are_paths():
    for location in ("file:///a/b.tif", "file://localhost/a/b.tif", "local:///a/b.tif"):
        assert locations.local_path(location) == Path("/a/b.tif")
    for location in ("s3://a/b.tif", "zip://b.tif::file:///a.zip"):
        assert locations.local_path(location) is None
    assert not locations.is_folder(f"file:///{'a' * 5000}")


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("s3://bucket/deep/scan.tif", "scan.tif"),
        ("s3://bucket/why?.tif", "why?.tif"),
        ("https://host/deep/scan.tif?sig=ab/cd#page", "scan.tif"),
        ("https://me:secret@host.org/", "host.org"),
        ("zip://in/a.tif::s3://b/x.zip", "a.tif"),
        ("simplecache::s3://b/x.tif", "x.tif"),
        ("zip://::s3://b/x.zip", "file"),
    ],
)
def test_what_a_file_is_called(location, name):
    assert locations.file_name(location) == name


def test_messages_hide_who_logs_in_with_what(tmp_path):
    from postgres import free_port

    port = free_port()
    for login in ("me:secret", "secret"):
        with pytest.raises(errors.OcrSourceUnreadable) as caught:
            locations.fetch(f"http://{login}@127.0.0.1:{port}/x.png")
        assert str(caught.value).startswith(f"http://***@127.0.0.1:{port}/x.png: ")
        assert "secret" not in str(caught.value)
    with pytest.raises(errors.OcrOptionError, match=r"nosuch://me:\*\*\*@host/x: ") as caught:
        locations.fetch("nosuch://me:se@cret@host/x")
    assert "cret" not in str(caught.value)
    with pytest.raises(errors.OcrOutputError) as caught:
        locations.write_bytes(f"ftp://me:secret@127.0.0.1:{port}/x.png", b"x")
    assert "secret" not in str(caught.value)


def test_what_is_no_password_is_shown():
    from ocrloom.image.source import shown

    for name in ("abfs://box@account.dfs.core.windows.net/a.tif", "s3://b/me:you@c", "a:b@c.tif"):
        assert shown(name) == name
