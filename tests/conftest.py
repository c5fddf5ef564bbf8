"""What several test files share: sample scans, one engine, readings made once, a score."""

from __future__ import annotations

import functools
import gc
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
from documents import Recogniser
from hypothesis import settings
from rapidfuzz.distance import Levenshtein

import ocrloom

# How long an example takes says something of the machine only.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
HAN = ("chinese.png", "japanese.png")


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Folder with all sample scans and their truths."""
    folder = tmp_path_factory.mktemp("scans")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "samples"))
        import make_samples

        list(make_samples.make_all(folder))
    return folder


@pytest.fixture(scope="session")
def scan(samples):
    """A sample's path by its name; skips what this machine cannot draw."""

    def find(name):
        path = samples / name
        if name in HAN and not path.exists():
            pytest.skip("the font for Chinese and Japanese comes with OpenCV 5")
        return path

    return find


@pytest.fixture(scope="session")
def truth(scan):
    """The text of a sample by its name."""
    return lambda name: scan(name).with_suffix(".gt.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def engine():
    """An engine as it comes."""
    return ocrloom.OcrEngine()


@pytest.fixture(scope="session")
def reading(scan):
    """The result of reading a sample, made once for all tests."""

    @functools.cache
    def read(name, language="auto"):
        return ocrloom.OcrEngine(language=language).process(scan(name))

    return read


@pytest.fixture(scope="session")
def cer():
    """Character error rate of a text, runs of white space counted as one space."""

    def rate(true, read):
        expected, found = " ".join(true.split()), " ".join(read.split())
        return Levenshtein.distance(expected, found) / max(1, len(expected))

    return rate


@pytest.fixture(scope="session")
def note():
    """Draws one line of text: a page that is read in a few hundredths of a second."""
    font = PIL.ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 36)

    def draw(text):
        picture = PIL.Image.new("L", (60 + round(font.getlength(text)), 90), 255)
        PIL.ImageDraw.Draw(picture).text((30, 22), text, fill=0, font=font)
        return np.asarray(picture)

    return draw


@pytest.fixture(scope="session")
def shared():
    """The folder of pages and texts that lies beside some checkouts."""
    if not SHARED.is_dir():
        pytest.skip(f"no {SHARED}: it lies beside some checkouts only")
    return SHARED


@pytest.fixture(scope="session")
def layout_readings(shared):
    """The results of reading all pages of the layout set, by their paths, made once."""
    engine = ocrloom.OcrEngine()
    paths = sorted((shared / "corpus" / "layout").glob("*.png"))
    futures = [engine.process_async(path) for path in paths]
    return {path: future.result() for path, future in zip(paths, futures, strict=True)}


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server, until the tests end."""
    from postgres import server

    with server() as started:
        yield started


@pytest.fixture(scope="module")
def service():
    """A server process on loopback, which wants no keys; one for all tests of a module."""
    from serving import running

    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """The name of a library that is not there yet, in either kind of database."""
    if request.param == "sqlite":
        yield str(tmp_path / "library.db")
    else:
        with request.getfixturevalue("postgres").database() as address:
            yield address


@pytest.fixture
def opened(where):
    """Opens stores of one library, for writing or not; they are closed in the end."""
    from ocrloom.library import opening

    stores = []

    def open_one(writes=True):
        stores.append(opening.connector(where)(writes))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened):
    """An empty store for writing."""
    return opened()


@pytest.fixture
def run_python():
    """Runs code in a fresh interpreter and gives its standard output; it must end well."""
    import subprocess

    def run(code, *arguments, prefix=(), **options):
        done = subprocess.run(
            [*prefix, sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture
def run(capsys):
    """Runs the command line in this process: exit code, standard output, standard error."""
    from ocrloom.cli import main

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(each) for each in arguments])
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


@pytest.fixture
def recogniser(monkeypatch):
    """A stand-in for the recognition, which a test controls."""
    return Recogniser(monkeypatch)


@pytest.fixture
def no_language_data(tmp_path, monkeypatch):
    """As where no language data is installed; the user's folder for it, which is not there."""
    monkeypatch.setattr("ocrloom.tessdata.folders._SYSTEM", ())
    monkeypatch.delenv("TESSDATA_PREFIX", raising=False)
    monkeypatch.setattr("platformdirs.user_data_dir", lambda *_, **__: str(tmp_path / "data"))
    return tmp_path / "data" / "tessdata"


@pytest.fixture
def uncollected():
    """Without the garbage collector: what is gone was in no cycle."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
