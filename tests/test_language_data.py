"""Language data for Tesseract: where it is looked for, and how it is downloaded and removed."""

import hashlib
import http.server
import os
import socket
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocrloom import Language
from ocrloom.errors import (
    OcrException,
    OcrLanguageNotInstalled,
    OcrOptionError,
    OcrOutputError,
)
from ocrloom.languages import PPOCR
from ocrloom.tessdata import fetching, folders, release

VIETNAMESE = bytes(range(256)) * 1000
GREEK = b"greek" * 999
NAME = "vie.traineddata"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as ``server.answers`` says: by path, bytes, a status or a function."""

    def do_GET(self):
        answer = self.server.answers.get(self.path, 404)
        if callable(answer):
            answer(self)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextmanager
def serving(answers):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers = answers
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def server():
    with serving({f"/{NAME}": VIETNAMESE, "/ell.traineddata": GREEK}) as server:
        yield server


@pytest.fixture
def address(server):
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def small_release(monkeypatch):
    """A release of two small files, one known by either kind of hash."""
    entries = {
        "vie": release.Entry(len(VIETNAMESE), hashlib.sha256(VIETNAMESE).hexdigest()),
        "ell": release.Entry(len(GREEK), hashlib.sha512(GREEK).hexdigest()),
    }
    monkeypatch.setattr(release, "_entries", lambda: entries)


@pytest.fixture
def data(no_language_data, small_release):
    """The user's folder, where nothing else is installed."""
    return no_language_data


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- the release ------------------------------------------------------------------------------


def test_every_language_that_only_tesseract_reads_is_offered():
    offered = {language for language in Language if release.entry(language)}
    assert {each for each in Language if PPOCR not in each.recognisers} <= offered
    assert release.entry(Language.AUTO) is None
    assert release.entry(Language.ROMANSH) is None


def test_the_table_is_of_this_release():
    for language in Language:
        entry = release.entry(language)
        if entry is not None:
            assert 300_000 < entry.bytes < 20_000_000
            assert len(entry.digest) == 2 * entry.hasher().digest_size
            assert set(entry.digest) <= set("0123456789abcdef")
    assert release.ADDRESS.endswith("/tessdata_fast/raw/4.1.0")


def test_files_of_debian_are_the_release():
    debian = Path("/usr/share/tesseract-ocr/5/tessdata")
    found = [each for each in Language if each.tesseract and release.entry(each)]
    paths = [(each, debian / folders.file_name(each)) for each in found]
    there = [(each, path) for each, path in paths if path.exists()]
    if not there:
        pytest.skip("no language data of Debian's")
    for language, path in there:
        assert release.is_current(path, release.entry(language)), path


# --- where it is found ------------------------------------------------------------------------


def test_the_users_folder_goes_before_the_variables(no_language_data, tmp_path, monkeypatch):
    named = tmp_path / "named"
    (named / "tessdata").mkdir(parents=True)
    (named / "tessdata" / NAME).touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(named))
    assert folders.find(Language.VIETNAMESE) == named / "tessdata" / NAME
    (named / NAME).touch()
    assert folders.find(Language.VIETNAMESE) == named / NAME
    no_language_data.mkdir(parents=True)
    (no_language_data / NAME).touch()
    assert folders.find(Language.VIETNAMESE) == no_language_data / NAME
    assert folders.find(Language.GREEK) is None
    assert folders.find(Language.ROMANSH) is None


def test_a_language_is_there_with_data_and_library(no_language_data, monkeypatch):
    no_language_data.mkdir(parents=True)
    (no_language_data / NAME).touch()
    monkeypatch.setattr(folders, "has_library", lambda: True)
    assert folders.installed() == (Language.VIETNAMESE,)
    assert folders.missing([Language.VIETNAMESE, Language.GREEK]) == (Language.GREEK,)
    monkeypatch.setattr(folders, "has_library", lambda: False)
    assert folders.installed() == ()
    assert not folders.readable([Language.VIETNAMESE])


@pytest.mark.parametrize(
    ("library", "languages", "said"),
    [
        (True, [Language.GREEK], "found no language data; run ocrloom languages add ell"),
        (
            False,
            [Language.GREEK, Language.THAI],
            (
                "found no library tesserocr and no language data; run pip install "
                '"ocrloom[tesseract]" and then ocrloom languages add ell tha'
            ),
        ),
        (
            False,
            [Language.VIETNAMESE],
            'found no library tesserocr; run pip install "ocrloom[tesseract]"',
        ),
    ],
)
def test_what_is_missing_is_said_with_the_commands(
    no_language_data, monkeypatch, library, languages, said
):
    no_language_data.mkdir(parents=True)
    (no_language_data / NAME).touch()
    monkeypatch.setattr(folders, "has_library", lambda: library)
    assert str(folders.not_installed(languages)).endswith(said)


# --- downloading ------------------------------------------------------------------------------


def test_data_is_downloaded_and_removed(data, address):
    parts = []
    path = fetching.fetch(Language.VIETNAMESE, address, parts.append)
    assert path == data / NAME
    assert path.read_bytes() == VIETNAMESE
    assert sum(parts) == len(VIETNAMESE)
    assert release.is_current(path, release.entry(Language.VIETNAMESE))
    fetching.fetch(Language.GREEK, address + "/")
    assert names(data) == ["ell.traineddata", NAME]
    assert fetching.remove(Language.VIETNAMESE) == path
    assert names(data) == ["ell.traineddata"]
    with pytest.raises(OcrOptionError, match=r"expected its data in .*, found none"):
        fetching.remove(Language.VIETNAMESE)


def test_the_variable_names_a_mirror(data, address, monkeypatch):
    monkeypatch.setenv(fetching.MIRROR, address)
    assert fetching.fetch(Language.VIETNAMESE).read_bytes() == VIETNAMESE


def cut_off(handler):
    """Promises all and ends in the middle."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(VIETNAMESE)))
    handler.end_headers()
    handler.wfile.write(VIETNAMESE[:1000])


def without_length(handler):
    """Ends in the middle and never said how much it would be."""
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(VIETNAMESE[:1000])


def no_http(handler):
    handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n")


def elsewhere(handler):
    handler.send_response(302)
    handler.send_header("Location", "ftp://127.0.0.1/vie.traineddata")
    handler.end_headers()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (VIETNAMESE[:-1] + b"x", OcrLanguageNotInstalled, "got another file"),
        (VIETNAMESE + b"x", OcrLanguageNotInstalled, "got another file"),
        (VIETNAMESE[:-1], OcrLanguageNotInstalled, "got 255999 before it broke off"),
        (b"", OcrLanguageNotInstalled, "got 0 before it broke off"),
        (cut_off, OcrLanguageNotInstalled, "got 1000 before it broke off"),
        (without_length, OcrLanguageNotInstalled, "got 1000 before it broke off"),
        (404, OcrLanguageNotInstalled, "got status 404"),
        (503, OcrLanguageNotInstalled, "got status 503"),
        (no_http, OcrLanguageNotInstalled, "expected an answer"),
        (elsewhere, OcrLanguageNotInstalled, "expected an answer, got a redirection to"),
    ],
)
def test_nothing_but_the_right_file_is_kept(data, server, address, answer, error, said):
    data.mkdir(parents=True)
    (data / NAME).write_bytes(b"what was there before")
    server.answers[f"/{NAME}"] = answer
    with pytest.raises(error, match=said):
        fetching.fetch(Language.VIETNAMESE, address)
    assert names(data) == [NAME]
    assert (data / NAME).read_bytes() == b"what was there before"


def test_no_network(data):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OcrLanguageNotInstalled, match=r"refused; try again, or name") as caught:
            fetching.fetch(Language.VIETNAMESE, address)
    assert str(caught.value).startswith(f"{address}/{NAME}: expected an answer")
    assert names(data) == []


def test_a_server_that_says_nothing_is_not_waited_for(data, monkeypatch):
    monkeypatch.setattr(fetching, "_PATIENCE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OcrLanguageNotInstalled, match="timed out"):
            fetching.fetch(Language.VIETNAMESE, address)


@pytest.mark.parametrize(
    "address",
    ["http://example.org", "http://127.0.0.1.example.org", "file:///etc", "ftp://127.0.0.1", "a"],
)
def test_only_addresses_that_nobody_can_tamper_with_are_used(data, address):
    with pytest.raises(OcrOptionError, match="begins with https://"):
        fetching.fetch(Language.VIETNAMESE, address)


@pytest.mark.parametrize("language", [Language.AUTO, Language.ROMANSH, Language.RUSSIAN])
def test_what_the_release_does_not_have_is_refused(data, language):
    with pytest.raises(OcrOptionError, match="expected a language with data to download"):
        fetching.fetch(language, "http://127.0.0.1:9")


def test_a_folder_that_cannot_be_written(data, address):
    data.parent.mkdir()
    data.write_bytes(b"a file of that name")
    with pytest.raises(OcrOutputError, match=r"expected to write it, got .*make room, or give"):
        fetching.fetch(Language.VIETNAMESE, address)
    with pytest.raises(OcrException):
        fetching.remove(Language.VIETNAMESE)
    assert data.read_bytes() == b"a file of that name"


# A process of its own: the release and the folder that the fixtures set are for this one.
FETCHING = """
import hashlib, sys
import platformdirs
from ocrloom import Language
from ocrloom.errors import OcrException
from ocrloom.tessdata import fetching, release
address, folder, size, digest = sys.argv[1:]
platformdirs.user_data_dir = lambda *_, **__: folder
release._entries = lambda: {"vie": release.Entry(int(size), digest)}
LIMIT
for _ in range(REPEAT):
    try:
        print(fetching.fetch(Language.VIETNAMESE, address).name)
    except OcrException as error:
        print(type(error).__name__, error)
"""
EXPECTED = (len(VIETNAMESE), hashlib.sha256(VIETNAMESE).hexdigest())


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files")
def test_a_full_disk(run_python, address, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (70000, 70000))"
    code = FETCHING.replace("LIMIT", limit).replace("REPEAT", "1")
    said = run_python(code, address, tmp_path, *EXPECTED)
    assert said.startswith(f"OcrOutputError {tmp_path / 'tessdata' / NAME}: expected to write it")
    assert names(tmp_path / "tessdata") == []


def test_two_processes_at_once(run_python, address, tmp_path):
    code = FETCHING.replace("LIMIT", "").replace("REPEAT", "20")
    said = []
    threads = [
        threading.Thread(target=lambda: said.append(run_python(code, address, tmp_path, *EXPECTED)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [f"{NAME}\n" * 20] * 2
    assert names(tmp_path / "tessdata") == [NAME]
    assert (tmp_path / "tessdata" / NAME).read_bytes() == VIETNAMESE


# --- the command ------------------------------------------------------------------------------


def test_languages_are_added_and_removed(run, data, address):
    code, out, err = run("languages", "add", "vie", "Greek", "--from", address)
    assert (code, out) == (0, "")
    assert f"Vietnamese is in {data / NAME}" in err
    assert names(data) == ["ell.traineddata", NAME]
    code, _, err = run("languages", "add", "vie", "--from", "http://127.0.0.1:9")
    assert (code, err.splitlines()[0]) == (0, f"Vietnamese is there: {data / NAME}")
    code, _, err = run("languages", "remove", "vie+ell")
    assert code == 0
    assert err.count("was removed") == 2
    assert names(data) == []


def test_damaged_data_is_downloaded_again(run, data, address):
    data.mkdir(parents=True)
    (data / NAME).write_bytes(VIETNAMESE[:-1])
    assert run("languages", "add", "vie", "--from", address)[0] == 0
    assert (data / NAME).read_bytes() == VIETNAMESE


def test_one_that_fails_does_not_stop_the_others(run, data, server, address):
    server.answers["/ell.traineddata"] = 404
    code, _, err = run("languages", "add", "ell", "vie", "rus", "--from", address)
    assert code == 40
    assert "ell.traineddata: expected the file, got status 404" in err
    assert "Russian: expected a language with data to download" in err
    assert names(data) == [NAME]
    code, _, err = run("languages", "remove", "ell", "vie")
    assert code == 30
    assert names(data) == []


@pytest.mark.parametrize("command", ["add", "remove"])
def test_unknown_languages_are_refused_before_anything_is_done(run, data, command):
    code, _, err = run("languages", command, "vie", "klingon")
    assert code == 31
    assert "unknown language 'klingon'" in err
    assert names(data) == []


def test_the_list_says_what_is_there_and_what_could_be(run, data, monkeypatch):
    _, out, err = run("languages")
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert rows["vie"][4:7] == ["no", "0.3", "MB"]
    assert "ocrloom languages add" in err
    data.mkdir(parents=True)
    (data / NAME).touch()
    monkeypatch.setattr("ocrloom.cli.languages.has_library", lambda: True)
    _, out, _ = run("languages")
    rows = {line.split()[0]: line.split() for line in out.splitlines()}
    assert rows["vie"][4:6] == ["yes", "there"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals")
def test_a_bar_on_a_terminal(data, address, run, monkeypatch):
    from io import StringIO

    class Terminal(StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run("languages", "add", "vie", "--from", address)[0] == 0
    assert "256.0/256.0 kB" in terminal.getvalue()
