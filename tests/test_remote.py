"""The engine from afar, with a real server: what comes is what the engine here gives."""

import asyncio
import inspect
import re
import shutil
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from documents import frames, numbers, pages_of, until
from pdf_files import encrypted, lines, pdf_of
from serving import running

import ocrloom as ocr
import ocrloom.remote.service
from ocrloom import (
    OcrCancelled,
    OcrEngine,
    OcrException,
    OcrOptions,
    OcrPagesFailed,
    OcrTimeout,
    OcrUnauthorized,
    RemoteEngine,
    Stage,
)

WORDS = ("The harbour was quiet", "Nobody came ashore", "The lamps were lit")
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def afar(service):
    with RemoteEngine(service.url) as engine:
        yield engine


@pytest.fixture(scope="module")
def here():
    return OcrEngine()


@pytest.fixture(scope="module")
def book(note):
    """A TIFF of three pages, one line on each."""
    height, width = 90, max(note(line).shape[1] for line in WORDS)
    pages = [np.full((height, width), 255, np.uint8) for _ in WORDS]
    for blank, line in zip(pages, WORDS, strict=True):
        blank[:, : note(line).shape[1]] = note(line)
    return pages_of(pages)


def statuses(service):
    """Of the newest jobs, by their ids."""
    with service.client() as client:
        listed = client.get("/v1/jobs", params={"limit": 100}).json()["items"]
    return {job["id"]: job["status"] for job in listed}


# The interface


def test_both_engines_are_asked_in_the_same_way():
    def asked(kind):
        return {
            name: inspect.signature(member) if callable(member) else member
            for name, member in inspect.getmembers(kind)
            if not name.startswith("_") or name in ("__enter__", "__aexit__")
        }

    here, afar = asked(OcrEngine), asked(RemoteEngine)
    assert {"process", "process_async", "process_many", "process_batch", "stream"} <= here.keys()
    assert here.keys() - afar.keys() == {"like", "pool"}
    assert afar.keys() - here.keys() == {"url"}
    for name in here.keys() & afar.keys():
        assert here[name] == afar[name], name


def test_options_and_language_are_set_alike():
    engine = RemoteEngine("http://host", language="fra", options=OcrOptions(mode="best"))
    assert (engine.language, engine.options.mode) == (ocr.Language.FRENCH, ocr.Mode.BEST)
    engine.language = ("eng", "deu")
    assert engine.options.languages == (ocr.Language.ENGLISH, ocr.Language.GERMAN)


# What comes


def sources(note, book, folder):
    """One of each kind."""
    line = note(WORDS[0])
    path = folder / "a page.png"
    PIL.Image.fromarray(line).save(path, dpi=(300, 300))
    tinted = np.stack([line, line, np.full_like(line, 200)], axis=-1)
    picture = PIL.Image.fromarray(tinted)
    picture.info["dpi"] = (203.2, 196.0)
    return {
        "path": path,
        "text": str(path),
        "file": path.open("rb"),
        "bytes": path.read_bytes(),
        "frames": book,
        "grey": line,
        "bool": line > 128,
        "float": line / 255,
        "colour": tinted,
        "PIL": picture,
        "1 bit": PIL.Image.fromarray(line).convert("1"),
    }


def test_every_kind_of_source_is_read_as_it_is_here(afar, here, note, book, tmp_path):
    given = sources(note, book, tmp_path)
    with given["file"]:
        found = {name: afar.process_async(source) for name, source in given.items()}
        given["file"].seek(0)
        for name, source in given.items():
            result, local = found[name].result(), here.process(source)
            assert result == local, name
            assert (result.source, result.text) == (local.source, local.text)
            assert result.pages[0].words[0].polygon == local.pages[0].words[0].polygon
            assert result.pages[0].dpi == local.pages[0].dpi


@pytest.mark.parametrize("name", ["receipt.jpg"])
def test_samples_are_read_as_they_are_here(afar, reading, scan, name):
    result = afar.process(scan(name))
    assert result == reading(name)
    assert result.source == str(scan(name))


def test_options_are_followed(service, here, note, book):
    options = OcrOptions(pages="2-", allowed_characters="abcdefghijklmnopqrstuvwxyz", mode="fast")
    with RemoteEngine(service.url, language="eng", options=options) as engine:
        result = engine.process(book)
        assert numbers(engine.stream(book)) == [2, 3]
    assert result == OcrEngine(language="eng", options=options).process(book)
    assert numbers(result.pages) == [2, 3]


def test_errors_are_those_of_the_engine_here(afar, here, scan, tmp_path):
    locked = encrypted(pdf_of(lines(["secret"])), user="geheim")
    broken = tmp_path / "broken.png"
    broken.write_bytes(scan("small.png").read_bytes()[:40])
    for source in [b"no image at all", broken, frames(2, damaged=(1, 2)), locked]:
        told = []
        for engine in (afar, here):
            with pytest.raises(OcrException) as caught:
                engine.process(source)
            told.append((type(caught.value), str(caught.value), caught.value.http_status))
        assert told[0] == told[1]


def test_failed_pages_are_told_of_beside_the_others(afar, here):
    source = frames(5, damaged=(2, 4))
    result = afar.process(source)
    assert result == here.process(source)
    assert numbers(result.failures) == [2, 4]
    stream = afar.stream(source)
    pages = []
    with pytest.raises(OcrPagesFailed, match="2 pages could not be read"):
        pages.extend(stream)
    assert numbers(stream.failures) == [2, 4]


def test_progress_goes_from_waiting_to_done(afar, book):
    seen = []
    result = afar.process(book, progress=seen.append)
    stages = [event.stage for event in seen]
    assert (stages[0], stages[-1]) == (Stage.WAITING, Stage.DONE)
    assert stages.index(Stage.OPENED) < stages.index(Stage.PAGE_DONE)
    assert stages.count(Stage.PAGE_DONE) == len(result.pages) == 3
    assert [e.pages_done for e in seen] == sorted(e.pages_done for e in seen)
    assert (seen[-1].pages, seen[-1].pages_done) == (3, 3)


# Streams and many


def test_pages_stream_in_order_and_hold_the_fetching_up(afar):
    stream = afar.stream(frames(12), ahead=2)
    reading = stream._document
    taken = []
    for page in stream:
        taken.append(page.number)
        time.sleep(0.005)
        assert reading._fetched - reading._consumed <= 2 or not stream._line.channel
    assert taken == list(range(1, 13))


def test_an_event_loop_goes_on_meanwhile(afar, book):
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        texts = [page.text async for page in afar.stream(book)]
        ticking.cancel()
        return texts, ticks

    texts, ticks = asyncio.run(main())
    assert texts == list(WORDS)
    assert ticks > 3


def test_fifty_sources_are_read_each_once(service, afar, note):
    known = len(statuses(service))
    given = [note(f"Page {number} of many") for number in range(50)]
    outcomes = list(afar.process_many(given, ahead=50))
    assert sorted(outcome.index for outcome in outcomes) == list(range(50))
    for outcome in outcomes:
        assert outcome.unwrap().text == f"Page {outcome.index} of many"
    assert len(statuses(service)) == min(100, known + 50)


# Ending early


def test_cancelling_frees_the_service(service, afar):
    future = afar.process_async(frames(300))
    assert until(lambda: future.partial.pages)
    future.cancel()
    with pytest.raises(OcrCancelled):
        future.result()
    assert until(lambda: "running" not in statuses(service).values())
    assert "canceled" in statuses(service).values()


def test_a_timeout_ends_the_job(service):
    options = OcrOptions(timeout=0.5)
    expected = pytest.raises(OcrTimeout, match=r"within the timeout of 0\.5 s")
    with RemoteEngine(service.url, options=options) as engine, expected as caught:
        engine.process(frames(300))
    assert numbers(caught.value.partial.pages) == list(
        range(1, len(caught.value.partial.pages) + 1)
    )
    assert until(lambda: "running" not in statuses(service).values())


def test_what_is_stored_becomes_a_document(service, note):
    with RemoteEngine(service.url, store=True) as engine:
        engine.process(note("Kept for later"))
    with service.client() as client:
        found = client.get("/v1/search", params={"q": "later"}).json()["items"]
    assert len(found) == 1


# A server that goes away


def test_a_server_may_be_killed_and_comes_back(tmp_path, monkeypatch):
    from ocrloom.service.keys import Keys

    monkeypatch.setattr(ocrloom.remote.service, "_LONGEST_PAUSE", 0.2)
    library, spool = tmp_path / "library.db", tmp_path / "spool"
    with running("--require-keys", library=library, spool=spool) as server:
        with Keys(str(library)) as keys:
            _, key = keys.create("test").result()
        wrong = RemoteEngine(server.url, api_key="ocrl_wrong")
        with wrong, pytest.raises(OcrUnauthorized):
            wrong.process(frames(1))
        engine = RemoteEngine(server.url, api_key=key)
        source = frames(10)
        future, stream = engine.process_async(source), engine.stream(source)
        assert until(lambda: len(future.partial.pages) > 2)
        port = server.url.rpartition(":")[2]
        server.kill()
        known = len(future.partial.pages)
    again = running("--require-keys", "--port", port, library=library, spool=spool)
    with again as server, engine:
        assert 2 < known < 10
        assert numbers(stream) == list(range(1, 11))
        assert numbers(future.result().pages) == list(range(1, 11))
        with server.client(key) as client:
            jobs = client.get("/v1/jobs").json()["items"]
        assert [job["status"] for job in jobs] == ["succeeded"] * 2


# The command line


@pytest.fixture(scope="module")
def pages(note, tmp_path_factory):
    """Files that are read, and files that cannot be."""
    folder = tmp_path_factory.mktemp("pages")
    for number, line in enumerate(WORDS):
        PIL.Image.fromarray(note(line)).save(folder / f"{number}.png")
    (folder / "damaged.tif").write_bytes(frames(3, damaged=(2,)))
    (folder / "text.png").write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("form", ["txt", "json", "pdf"])
def test_read_writes_what_it_writes_here(run, service, pages, tmp_path, form):
    written = []
    for flags in [], ["--server", service.url]:
        out = tmp_path / f"out{len(written)}"
        code, _, err = run("read", "-f", form, "-o", f"{out}/", *flags, *sorted(pages.iterdir()))
        assert code == 1
        files = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
        # The last line names files in the order in which they failed.
        written.append((files, sorted(err.replace(",", "").split())))
    (here, said_here), (afar, said_afar) = written
    assert (here.keys(), said_here) == (afar.keys(), said_afar)
    assert len(here) == 4
    # A PDF tells when it was made.
    assert form == "pdf" or here == afar


def test_read_ends_with_the_codes_it_ends_with_here(run, service, pages, tmp_path, monkeypatch):
    for given in (["absent.png"], [pages / "text.png"], [pages / "0.png"], ["--pages", "9"]):
        files = given if given[0] != "--pages" else [*given, pages / "damaged.tif"]
        assert run("read", *files) == run("read", "--server", service.url, *files)
    monkeypatch.setenv("OCRLOOM_API_KEY", "a key with spaces")
    code, _, err = run("read", "--server", service.url, pages / "0.png")
    assert (code, "api_key must be" in err) == (30, True)
    monkeypatch.setenv("OCRLOOM_API_KEY", "none")
    assert run("read", pages / "0.png")[0] == 0


@pytest.mark.parametrize(
    "flags",
    [["--jobs", "2"], ["--memory", "1G"], ["--resume", "kept"], ["--max-pixels", "7"]],
)
def test_flags_about_reading_here_are_refused_beside_a_server(run, flags):
    code, out, err = run("read", "--server", "http://host", *flags, "x.png")
    assert (code, out) == (30, "")
    assert f"{flags[0]} is for reading here" in err


def test_a_server_that_is_none_is_said(run, pages, monkeypatch):
    monkeypatch.setattr("ocrloom.remote.service._STRANGER", 0.1)
    code, _, err = run("read", "--server", "http://127.0.0.1:9", pages / "0.png")
    assert (code, "cannot be reached" in err) == (91, True)


def test_help_and_reading_here_load_nothing_of_it(run_python):
    code = """
import sys
import ocrloom
import ocrloom.cli.read
from ocrloom.cli import main
ocrloom.OcrEngine, ocrloom.OcrResult, ocrloom.OcrNetworkError
try:
    main(["read", "--help"])
except SystemExit as ended:
    assert not ended.code, ended
for name in "httpx", "numpy", "ocrloom.remote":
    assert name not in sys.modules, name
"""
    assert "--server" in run_python(code)


# The documentation


def test_the_examples_of_the_documentation_run(service, samples, tmp_path, monkeypatch, capsys):
    text = (DOCS / "remote.md").read_text(encoding="utf-8")
    for name in ("letter.tif", "book.tif"):
        shutil.copy(samples / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        exec(code.replace("http://localhost:8000", service.url), {"__name__": "__main__"})
    assert capsys.readouterr().out
