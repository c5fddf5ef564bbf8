"""Reading on a cluster of this machine: the same as here, whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import threading
import time

import numpy as np
import PIL.Image
import pytest
from clusters import running, workers
from documents import until

from ocrloom import (
    Image,
    Journal,
    OcrCancelled,
    OcrEngine,
    OcrEngineError,
    OcrException,
    OcrOptionError,
    OcrOptions,
    OcrPagesFailed,
    OcrTimeout,
    Stage,
)
from ocrloom.ray import RayEngine

ENGLISH = OcrOptions(languages=("eng",))
PAGES = 10


@pytest.fixture(scope="module")
def cluster():
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def away(cluster):
    with RayEngine(cluster.address, options=ENGLISH) as engine:
        yield engine


@pytest.fixture(scope="module")
def book(scan, tmp_path_factory):
    """A TIFF of many pages, one of them damaged."""
    letter = PIL.Image.open(scan("letter.tif")).convert("L")
    letter.thumbnail((700, 700))
    pages = [letter.crop((0, 8 * number, *letter.size)) for number in range(PAGES)]
    path = tmp_path_factory.mktemp("book") / "book.tif"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return path


@pytest.fixture(scope="module")
def here(book):
    return OcrEngine(options=ENGLISH).process(book)


def test_a_book_is_read_as_it_is_here(away, book, here):
    seen = []
    before = away.cost
    result = away.process(book, progress=seen.append)
    assert result == here
    assert [page.number for page in result.pages] == list(range(1, PAGES + 1))
    assert result.source == str(book)
    assert {event.stage for event in seen} >= {Stage.OPENED, Stage.READING, Stage.PAGE_DONE}
    assert seen[-1].stage is Stage.DONE
    assert seen[-1].pages_done == seen[-1].pages == PAGES
    assert away.cost.pages - before.pages == PAGES
    assert away.cost.cpu_seconds > before.cpu_seconds


def test_both_machines_read(away, cluster, book):
    away.process(book)
    assert len(workers(cluster, "ray::Reader")) == 2
    assert (away.cluster.nodes, away.cluster.cpus) == (2, 2)
    assert away.cluster.address == cluster.address


@pytest.mark.parametrize("kind", ["bytes", "array", "picture", "file", "thumbnail", "pages"])
def test_whatever_is_given_is_read_as_it_is_here(away, scan, book, kind):
    path = scan("letter.tif")
    options = ENGLISH

    def source():
        if kind == "bytes":
            return path.read_bytes()
        if kind == "array":
            return np.asarray(PIL.Image.open(path).convert("RGB"))
        if kind == "picture":
            return PIL.Image.open(path)
        if kind == "file":
            return io.BytesIO(path.read_bytes())
        if kind == "thumbnail":
            return Image.load(path).thumbnail((800, 800))
        return book

    if kind == "pages":
        options = OcrOptions(languages=("eng",), pages="2,5-6", min_quality=1.0)
    assert away.like(options).process(source()) == OcrEngine(options=options).process(source())


def test_what_cannot_be_read_is_told_as_it_is_here(away, tmp_path, scan):
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    sources = [
        tmp_path / "missing.tif",
        tmp_path,
        text,
        b"neither",
        b"",
        scan("letter.tif").read_bytes()[:2000],
    ]
    for source in sources:
        with pytest.raises(OcrException) as local:
            OcrEngine(options=ENGLISH).process(source)
        with pytest.raises(OcrException) as remote:
            away.process(source)
        assert type(remote.value) is type(local.value)
        assert str(remote.value) == str(local.value)


def test_many_sources_each_have_an_outcome(away, scan, book, here):
    sources = [scan("letter.tif"), b"neither", book, "missing.tif"]
    outcomes = list(away.process_many(sources, ordered=True))
    assert [outcome.index for outcome in outcomes] == [0, 1, 2, 3]
    assert [type(outcome.error).__name__ for outcome in outcomes] == [
        "NoneType",
        "OcrFormatError",
        "NoneType",
        "OcrSourceNotFound",
    ]
    assert outcomes[2].result == here


def test_pages_stream_in_their_order(away, book, here):
    async def main():
        return [page async for page in away.stream(book, ahead=3)]

    assert asyncio.run(main()) == list(here.pages)


def test_a_slow_reader_of_a_stream_holds_the_reading_up(away, book):
    stream = away.stream(book, ahead=4)
    first = next(stream)
    before = stream.progress.pages_done
    until(lambda: stream.progress.pages_done >= 4)
    time.sleep(0.5)
    assert stream.progress.pages_done <= 5 + before
    assert [first.number, *(page.number for page in stream)] == list(range(1, PAGES + 1))


def test_a_bad_page_takes_no_other_with_it(away, tmp_path, book):
    damaged = bytearray(book.read_bytes())
    with PIL.Image.open(book) as picture:
        picture.seek(3)
        offset = picture.tag_v2[273][0]
    damaged[offset : offset + 40] = bytes(40)
    path = tmp_path / "damaged.tif"
    path.write_bytes(damaged)
    local, remote = OcrEngine(options=ENGLISH).process(path), away.process(path)
    assert remote == local
    assert [failure.number for failure in remote.failures] == [4]
    stream = away.stream(path)
    with pytest.raises(OcrPagesFailed):
        list(stream)
    assert [failure.number for failure in stream.failures] == [4]


def test_cancelling_really_ends_it(away, book, scan):
    future = away.process_async(book)
    until(lambda: future.progress.pages_done >= 1)
    future.cancel()
    with pytest.raises(OcrCancelled) as ended:
        future.result()
    assert 1 <= len(ended.value.partial.pages) < PAGES
    done = away.cost.pages
    assert away.process(scan("letter.tif")).pages
    time.sleep(1)
    assert away.cost.pages == done + 1


def test_a_timeout_keeps_the_finished_pages(away, book):
    options = OcrOptions(languages=("eng",), timeout=0.3)
    with pytest.raises(OcrTimeout) as ended:
        away.like(options).process(book)
    assert len(ended.value.partial.pages) < PAGES


def test_finished_pages_are_not_read_again(cluster, away, book, here, tmp_path):
    journal = Journal(tmp_path / "journal")
    OcrEngine(options=OcrOptions(languages=("eng",), pages="1-5"), journal=journal).process(book)
    before = away.cost.pages
    engine = away.like(ENGLISH, journal=journal)
    assert engine.process(book) == here
    assert away.cost.pages - before == PAGES - 5
    assert engine.process(book) == here
    assert away.cost.pages - before == PAGES - 5
    assert OcrEngine(options=ENGLISH, journal=journal).process(book) == here


def test_killed_readers_lose_and_double_no_page(away, cluster, book, here):
    killed = []

    def kill():
        for _ in range(2):
            until(lambda: set(workers(cluster, "ray::Reader")) - set(killed))
            victim = (set(workers(cluster, "ray::Reader")) - set(killed)).pop()
            time.sleep(0.5)
            killed.append(victim)
            os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    results = [outcome.unwrap() for outcome in away.process_many([book] * 4, ordered=True)]
    killer.join()
    assert len(killed) == 2
    assert all(result == here for result in results)


def test_a_killed_machine_loses_and_doubles_no_page(cluster, book, here):
    third = cluster.add_node(num_cpus=1, object_store_memory=100 * 2**20)
    cluster.wait_for_nodes()
    with RayEngine(cluster.address, options=ENGLISH, workers=3) as engine:
        futures = [engine.process_async(book) for _ in range(4)]
        until(lambda: len(workers(cluster, "ray::Reader")) >= 3)
        until(lambda: sum(future.progress.pages_done for future in futures) >= 5)
        cluster.remove_node(third, allow_graceful=False)
        assert all(future.result() == here for future in futures)


def test_a_closed_engine_gives_its_cpus_back_and_reads_no_more(cluster, scan):
    engine = RayEngine(cluster.address, options=ENGLISH)
    before = set(workers(cluster, "ray::Reader"))
    engine.process(scan("letter.tif"))
    assert set(workers(cluster, "ray::Reader")) - before
    engine.close()
    engine.close()
    until(lambda: not set(workers(cluster, "ray::Reader")) - before)
    with pytest.raises(OcrEngineError, match="another RayEngine"):
        engine.process(scan("letter.tif"))


def test_a_forgotten_engine_gives_its_cpus_back(cluster, scan, uncollected):
    before = set(workers(cluster, "ray::Reader"))
    RayEngine(cluster.address, options=ENGLISH).process(scan("letter.tif"))
    until(lambda: not set(workers(cluster, "ray::Reader")) - before)


@pytest.mark.parametrize("given", ["ray://127.0.0.1:10001", "nowhere", "a:b", 5, ""])
def test_an_address_that_is_none_is_refused(given):
    with pytest.raises(OcrOptionError, match="host:port"):
        RayEngine(given).process(np.full((30, 30), 255, np.uint8))


@pytest.mark.parametrize("name", ["workers", "cpus", "memory"])
def test_numbers_are_checked(name):
    with pytest.raises(OcrOptionError, match=f"{name} must be a whole number"):
        RayEngine(**{name: 0})


def test_more_cpus_than_any_machine_has_are_refused(cluster):
    with (
        RayEngine(cluster.address, options=ENGLISH, cpus=64) as engine,
        pytest.raises(OcrOptionError, match="64"),
    ):
        engine.process(np.full((30, 30), 255, np.uint8))
