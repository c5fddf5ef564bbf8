"""One source, page by page: failures, timeouts, the memory's budget, the journal, turns."""

from __future__ import annotations

import asyncio
import threading
import time

import numpy as np
import pytest
from documents import LONG, frames, numbers, pages_of, running, until
from hypothesis import given, settings
from hypothesis import strategies as st
from image_files import encoded

import ocrloom.engine.engine
from ocrloom import (
    Image,
    Journal,
    Limits,
    OcrDamagedImage,
    OcrEngine,
    OcrEngineError,
    OcrImageTooLarge,
    OcrOptions,
    OcrOutputError,
    OcrTimeout,
)
from ocrloom.scheduling import deadlines


@pytest.fixture
def make_engine(recogniser):
    """Makes engines that are closed in the end."""
    made = []

    def make(workers=2, memory=None, **options):
        chosen = {name: options.pop(name) for name in ("journal",) if name in options}
        engine = OcrEngine(workers=workers, memory=memory, options=OcrOptions(**options), **chosen)
        made.append(engine)
        return engine

    yield make
    recogniser.let_all()
    for engine in made:
        engine.close()


@pytest.fixture
def single(make_engine):
    return make_engine(1)


# Frames that cannot be read


def test_one_damaged_frame_of_fifty_is_a_failure_beside_the_pages(make_engine, tmp_path):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(50, damaged=[17]))
    result = asyncio.run(_awaited(make_engine(), path))
    assert numbers(result.pages) == [number for number in range(1, 51) if number != 17]
    (failure,) = result.failures
    assert (failure.number, failure.kind) == (17, "OcrDamagedImage")
    assert f"{path}, frame 17" in failure.message
    assert type(failure.error) is OcrDamagedImage
    assert str(failure.error) == failure.message


async def _awaited(engine, source):
    return await engine.process_async(source)


def test_a_damaged_frame_leaves_the_text_of_the_others_alone(engine, note):
    texts = ["first page", "second page", "third page"]
    result = engine.process(pages_of(map(note, texts), damaged=[2]))
    assert [page.text for page in result.pages] == ["first page", "third page"]
    assert numbers(result.failures) == [2]
    assert result.text == "first page\fthird page"


@pytest.mark.parametrize("count", [1, 3])
def test_where_no_frame_can_be_read_its_error_is_raised(single, count):
    with pytest.raises(OcrDamagedImage, match="frame 1") as caught:
        single.process(frames(count, damaged=range(1, count + 1)))
    assert type(caught.value) is OcrDamagedImage


def test_a_page_that_the_recogniser_fails_on_is_a_failure_too(single, recogniser):
    recogniser.errors[2] = OcrEngineError("no inference today")
    result = single.process(frames(3))
    assert (numbers(result.pages), numbers(result.failures)) == ([1, 3], [2])
    assert result.failures[0].message == "no inference today"


def test_a_frame_over_a_limit_fails_alone(single):
    pictures = [np.full((6, 8), 255, np.uint8), np.full((60, 80), 255, np.uint8)]
    image = Image.load(pages_of(pictures), limits=Limits(max_pixels=100))
    result = single.process(image)
    assert (numbers(result.pages), numbers(result.failures)) == ([1], [2])
    assert type(result.failures[0].error) is OcrImageTooLarge


# Order


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_pages_begin_in_their_order_as_many_as_there_are_workers(make_engine, recogniser, workers):
    recogniser.hold()
    future = make_engine(workers).process_async(frames(12))
    assert recogniser.wait_for(workers)
    time.sleep(0.02)
    assert sorted(recogniser.begun) == list(range(1, workers + 1))
    recogniser.let_all()
    assert numbers(future.result(LONG).pages) == list(range(1, 13))
    assert recogniser.most_at_once <= workers
    if workers == 1:
        assert recogniser.begun == list(range(1, 13))


def test_pages_come_in_the_order_of_the_source_whatever_is_done_first(make_engine, recogniser):
    recogniser.hold()
    recogniser.let(2, 3, 4)
    future = make_engine(2).process_async(frames(4))
    assert until(lambda: recogniser.done == [2, 3, 4])
    assert numbers(future.partial.pages) == [2, 3, 4]
    recogniser.let_all()
    assert numbers(future.result(LONG).pages) == [1, 2, 3, 4]


def at_the_end_of(future, *others):
    """A list that gets the number of pages that others have by then."""
    found = []
    future.add_done_callback(
        lambda _: found.append(sum(len(other.partial.pages) for other in others))
    )
    return found


def test_a_page_does_not_wait_for_a_book(single, recogniser):
    recogniser.hold()
    book = single.process_async(frames(40))
    assert recogniser.wait_for(1)
    page = single.process_async(frames(1))
    read = at_the_end_of(page, book)
    recogniser.let_all()
    page.result(LONG)
    assert until(lambda: read)
    assert read[0] <= 3
    assert len(book.result(LONG).pages) == 40


def test_bulk_work_leaves_eight_turns_of_nine_to_others(single, recogniser):
    recogniser.hold()
    single.process_async(frames(1))
    assert recogniser.wait_for(1)
    bulk = [single.process_async(frames(40), bulk=True) for _ in range(2)]
    book = single.process_async(frames(40))
    read = at_the_end_of(book, *bulk)
    recogniser.let_all()
    book.result(LONG)
    assert until(lambda: read)
    assert read[0] <= 12
    assert all(len(future.result(LONG).pages) == 40 for future in bulk)


# Timeouts


def test_a_timeout_raises_and_has_what_was_finished(make_engine, recogniser, tmp_path):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(5))
    recogniser.hold()
    recogniser.let(1, 2)
    engine = make_engine(1, timeout=0.2)
    begun = time.monotonic()
    future = engine.process_async(path)
    with pytest.raises(OcrTimeout, match=r"timeout of 0\.2 s; 2 of 5 pages") as caught:
        future.result(LONG)
    assert 0.2 <= time.monotonic() - begun < LONG
    assert str(path) in str(caught.value)
    assert numbers(caught.value.partial.pages) == [1, 2]
    assert caught.value.partial == future.partial
    assert not future.cancelled()
    assert isinstance(future.exception(), OcrTimeout)
    assert until(lambda: recogniser._running["pages"] == 0)
    engine.options = OcrOptions()
    recogniser.let_all()
    assert engine.process(frames(1)).pages


def test_a_timeout_awaited(make_engine, recogniser):
    recogniser.hold()
    recogniser.let(1)
    with pytest.raises(OcrTimeout) as caught:
        asyncio.run(_awaited(make_engine(1, timeout=0.1), frames(3)))
    assert numbers(caught.value.partial.pages) == [1]


def test_a_timeout_before_the_turn_comes(make_engine, recogniser):
    recogniser.hold()
    engine = make_engine(1)
    busy = engine.process_async(frames(1))
    assert recogniser.wait_for(1)
    engine.options = OcrOptions(timeout=0.02)
    waiting = engine.process_async(frames(1))
    with pytest.raises(OcrTimeout, match="0 pages were finished") as caught:
        waiting.result(LONG)
    assert caught.value.partial.pages == ()
    recogniser.let_all()
    assert busy.result(LONG).pages
    assert recogniser.begun == [1]


def test_a_reading_in_time_leaves_no_deadline_behind(make_engine, monkeypatch):
    made = []

    def noted(seconds, call):
        made.append((seconds, deadlines.call_after(seconds, call)))
        return made[-1][1]

    monkeypatch.setattr("ocrloom.engine.course.call_after", noted)
    assert make_engine(timeout=3600.5).process(frames(2)).pages
    ((seconds, deadline),) = made
    assert seconds == 3600.5
    assert deadline._call is None


def test_a_real_page_is_left_soon_after_the_timeout(scan):
    """Recognition comes to a checkpoint at every line."""
    with OcrEngine(workers=1, options=OcrOptions(timeout=0.05)) as engine:
        with pytest.raises(OcrTimeout):
            engine.process(scan("book.tif"))
        engine.options = OcrOptions()
        assert engine.process(np.full((60, 60), 255, np.uint8)).text == ""


# Memory


def cost_of(source):
    with Image.load(source).open() as reader:
        return reader.cost(1)


def test_decoded_pages_never_cost_more_than_the_budget(make_engine, recogniser):
    sizes = [(80, 60), (300, 200), (500, 400), (30, 20), (200, 300), (450, 450)] * 3
    pictures = [np.full(size, 255, np.uint8) for size in sizes]
    most = max(cost_of(pages_of([pixels])) for pixels in pictures)
    engine = make_engine(4, memory=int(most * 1.5))
    recogniser.watch(engine._pool)
    futures = [engine.process_async(pages_of(pictures)), engine.process_async(pages_of(pictures))]
    for future in futures:
        assert len(future.result(LONG).pages) == len(sizes)
    assert 0 < min(recogniser.used) <= max(recogniser.used) <= engine._pool.budget
    assert until(lambda: engine._pool._queue.used == 0)


def test_a_page_over_the_budget_is_refused_and_the_others_are_read(make_engine):
    pictures = [np.full((60, 80), 255, np.uint8), np.full((2000, 2000), 255, np.uint8)] * 2
    budget = 3 * cost_of(pages_of(pictures[:1]))
    result = make_engine(memory=budget).process(pages_of(pictures))
    assert (numbers(result.pages), numbers(result.failures)) == ([1, 3], [2, 4])
    for failure in result.failures:
        assert type(failure.error) is OcrImageTooLarge
        assert f"frame {failure.number}: decoding it takes" in failure.message
        assert f"over the budget of {budget}" in failure.message
        assert "memory" in failure.message


def test_a_single_page_over_the_budget_raises(make_engine):
    engine = make_engine(memory=1000)
    with pytest.raises(OcrImageTooLarge, match="over the budget of 1000"):
        engine.process(encoded(np.full((2000, 2000), 255, np.uint8), "PNG"))


def test_a_large_page_waits_for_small_ones_and_is_not_starved(make_engine, recogniser):
    large = encoded(np.full((900, 900), 255, np.uint8), "PNG")
    engine = make_engine(2, memory=cost_of(large))
    recogniser.hold()
    small = [engine.process_async(frames(30)) for _ in range(2)]
    assert recogniser.wait_for(1)
    waiting = engine.process_async(large)
    read = at_the_end_of(waiting, *small)
    recogniser.let_all()
    waiting.result(LONG)
    assert until(lambda: read)
    assert read[0] <= 12
    assert all(len(future.result(LONG).pages) == 30 for future in small)


# The journal


def test_a_second_engine_repeats_no_page(make_engine, recogniser, tmp_path):
    source = frames(6)
    first = make_engine(journal=Journal(tmp_path / "journal")).process(source)
    assert len(recogniser.done) == 6
    again = make_engine(journal=Journal(tmp_path / "journal")).process(source)
    assert again == first
    assert len(recogniser.begun) == 6


def test_what_was_finished_before_a_stop_is_not_repeated(make_engine, recogniser, tmp_path):
    source = frames(6)
    recogniser.hold()
    recogniser.let(1, 2, 3)
    future = make_engine(1, journal=Journal(tmp_path)).process_async(source)
    assert recogniser.wait_for(4)
    future.cancel()
    recogniser.let_all()
    recogniser.begun.clear()
    result = make_engine(1, journal=Journal(tmp_path)).process(source)
    assert numbers(result.pages) == [1, 2, 3, 4, 5, 6]
    assert recogniser.begun == [4, 5, 6]


def test_failures_are_not_kept_and_other_options_count_anew(make_engine, recogniser, tmp_path):
    source, journal = frames(3, damaged=[2]), Journal(tmp_path)
    recogniser.errors[3] = OcrEngineError("today")
    assert numbers(make_engine(journal=journal).process(source).failures) == [2, 3]
    del recogniser.errors[3]
    recogniser.begun.clear()
    assert numbers(make_engine(journal=journal).process(source).failures) == [2]
    assert recogniser.begun == [3]
    recogniser.begun.clear()
    make_engine(journal=journal, languages="fra").process(source)
    assert sorted(recogniser.begun) == [1, 3]


def test_a_journal_that_cannot_be_written_ends_the_reading(make_engine, tmp_path):
    journal = Journal(tmp_path / "journal")
    (tmp_path / "journal").write_text("not a folder any more")
    with pytest.raises(OcrOutputError, match="journal"):
        make_engine(journal=journal).process(frames(2))


# Open files


@pytest.fixture
def shelf(monkeypatch):
    """The engine's shelf, with nothing of other tests on it."""
    made = ocrloom.engine.engine.Shelf(4)
    monkeypatch.setattr(ocrloom.engine.engine, "_shelf", lambda: made)
    return made


@pytest.mark.parametrize("end", ["result", "failure", "cancel", "timeout"])
def test_no_file_stays_open_after_the_end(make_engine, recogniser, shelf, tmp_path, end):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(8, damaged=range(1, 9) if end == "failure" else ()))
    if end in ("cancel", "timeout"):
        recogniser.hold()
    engine = make_engine(2, timeout=0.1 if end == "timeout" else None)
    future = engine.process_async(path)
    if end == "cancel":
        assert recogniser.wait_for(2)
        future.cancel()
    assert until(future.done)
    assert until(lambda: recogniser._running["pages"] == 0)
    assert until(lambda: not shelf._idle)


def test_a_file_that_is_decoded_while_its_reading_is_cancelled_is_closed(
    make_engine, shelf, tmp_path, monkeypatch
):
    path = tmp_path / "book.tif"
    path.write_bytes(frames(3))
    decoding, gate = threading.Event(), threading.Event()
    real = ocrloom.image.tiff.TiffReader.read

    def read(*arguments):
        decoding.set()
        gate.wait(LONG)
        return real(*arguments)

    monkeypatch.setattr(ocrloom.image.tiff.TiffReader, "read", read)
    engine = make_engine(1)
    future = engine.process_async(path)
    assert decoding.wait(LONG)
    future.cancel()
    gate.set()
    assert until(lambda: engine._pool._queue.used == 0)
    assert until(lambda: not shelf._idle)


def test_few_files_stay_open_while_many_sources_are_read(make_engine, recogniser, shelf, tmp_path):
    recogniser.hold()
    futures = []
    for number in range(12):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(frames(2))
        futures.append(make_engine(1).process_async(path))
    assert all(map(running, futures))
    assert len(shelf._idle) <= 4
    recogniser.let_all()
    assert all(len(future.result(LONG).pages) == 2 for future in futures)


# Real pages, several at a time


SOURCES = ("palette.gif", "cmyk.jpg", "small.png")


@settings(deadline=None, max_examples=4)
@given(
    chosen=st.lists(
        st.tuples(
            st.sampled_from(SOURCES),
            st.sampled_from(["auto", "eng", "fra"]),
            st.sampled_from([0.5, 0.8]),
            st.booleans(),
        ),
        min_size=2,
        max_size=4,
    )
)
def test_documents_at_once_give_what_each_gives_alone(scan, alone, chosen):
    async def main():
        futures = []
        for name, language, confidence, bulk in chosen:
            options = OcrOptions(languages=language, min_confidence=confidence)
            engine = OcrEngine(options=options)
            futures.append(engine.process_async(scan(name), bulk=bulk))
        return await asyncio.gather(*futures)

    expected = [alone(name, language, confidence) for name, language, confidence, _ in chosen]
    assert asyncio.run(main()) == expected


@pytest.fixture(scope="module")
def alone(scan):
    import functools

    @functools.cache
    def read(name, language, confidence):
        options = OcrOptions(languages=language, min_confidence=confidence)
        return OcrEngine(options=options).process(scan(name))

    return read
