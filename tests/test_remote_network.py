"""The engine from afar where networks and services do what they should not."""

import asyncio
import gc
import io
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import PIL.Image
import pytest
from documents import numbers, until
from scripted_service import SOURCE, drop, fails, page, plain, problem, reply, scripted, stream

import ocrloom.remote.service
from ocrloom import (
    OcrCancelled,
    OcrDamagedImage,
    OcrEngineError,
    OcrForbidden,
    OcrImageTooLarge,
    OcrJobNotFound,
    OcrNetworkError,
    OcrOptionError,
    OcrOptions,
    OcrPagesFailed,
    OcrPasswordError,
    OcrRequestError,
    OcrServiceBusy,
    OcrServiceError,
    OcrServiceUnavailable,
    OcrSourceUnreadable,
    OcrTimeout,
    OcrUnauthorized,
    RemoteEngine,
    Stage,
)
from ocrloom.remote.events import events_in
from ocrloom.remote.tiff import tiff_of


@pytest.fixture
def service():
    with scripted(1, 2, 3) as made:
        yield made


@pytest.fixture
def engine(service):
    with RemoteEngine(service.url, timeout=20) as made:
        yield made


# What is sent


def test_the_source_the_options_and_the_key_are_sent(service):
    options = OcrOptions(languages="fra", timeout=60)
    with RemoteEngine(f"{service.url}/", api_key="geheim", options=options) as engine:
        assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]
    sent = service.sent("POST jobs")[0]
    assert SOURCE in sent.body
    assert b'{"languages": ["fra"], "timeout": 60}' in sent.body
    assert b'name="store"\r\n\r\nfalse' in sent.body
    assert len(sent.headers["idempotency-key"]) >= 32
    assert {each.headers["authorization"] for each in service.asked} == {"Bearer geheim"}
    assert "geheim" not in repr(engine)
    assert service.url in repr(engine)


def test_names_are_sent_without_their_folders_and_cannot_end_the_line(service, engine, tmp_path):
    path = tmp_path / 'se"c\r\nX-Evil: 1\\ré.png'
    path.write_bytes(SOURCE)
    engine.process(path)
    sent = service.sent("POST jobs")[0]
    assert 'filename="se%22c%0D%0AX-Evil: 1_ré.png"\r\n'.encode() in sent.body
    assert tmp_path.name.encode() not in sent.body


def test_every_source_is_sent_under_a_name_of_its_own(service, engine):
    engine.process(SOURCE)
    engine.process(SOURCE)
    first, second = [each.headers["idempotency-key"] for each in service.sent("POST jobs")]
    assert first != second


def test_a_large_file_comes_whole(service, engine, tmp_path):
    data = np.random.default_rng(7).bytes(3_000_001)
    (tmp_path / "large.png").write_bytes(data)
    engine.process(tmp_path / "large.png")
    assert data in service.sent("POST jobs")[0].body


def test_a_file_that_shrinks_while_it_is_sent_is_told_of(service, engine, tmp_path, monkeypatch):
    path = tmp_path / "scan.png"
    path.write_bytes(SOURCE * 40)
    prepare = ocrloom.remote.upload.Upload.prepare

    async def prepare_and_shrink(self):
        await prepare(self)
        path.write_bytes(SOURCE)

    monkeypatch.setattr(ocrloom.remote.upload.Upload, "prepare", prepare_and_shrink)
    with pytest.raises(OcrSourceUnreadable, match="became shorter"):
        engine.process(path)


def test_a_thumbnail_is_refused_for_the_service_would_read_the_whole(engine, tmp_path):
    (tmp_path / "scan.png").write_bytes(SOURCE)
    with pytest.raises(OcrOptionError, match="thumbnail"):
        engine.process(ocrloom.Image.load(tmp_path / "scan.png").thumbnail((10, 10)))


# Trouble on the way


def test_what_was_dropped_after_it_was_sent_is_sent_again_under_the_same_name(service, engine):
    service.scripts["POST jobs"].extend([drop, drop])
    assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]
    sent = service.sent("POST jobs")
    assert len(sent) == 3
    assert len({each.headers["idempotency-key"] for each in sent}) == 1
    assert all(SOURCE in each.body for each in sent)


@pytest.mark.parametrize(
    "answer",
    [
        problem(429, "service_busy", Retry_After="0"),
        problem(503, "service_unavailable", Retry_After="0"),
        problem(503, "library_unavailable"),
        lambda handler: plain(handler, 502, b"<h1>Bad Gateway</h1>"),
        lambda handler: plain(handler, 504),
        drop,
    ],
    ids=["429", "503", "library", "502", "504", "drop"],
)
@pytest.mark.parametrize("route", ["POST jobs", "GET pages", "GET events", "GET job"])
def test_what_passes_is_waited_for(service, engine, route, answer):
    service.status = "partial"  # so that the job is looked at in the end
    service.scripts[route].append(answer)
    assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]
    assert len(service.sent(route)) >= 2


def test_the_service_says_how_long_to_wait(service, engine):
    service.scripts["POST jobs"].append(problem(429, "service_busy", Retry_After="0.4"))
    begun = time.monotonic()
    engine.process(SOURCE)
    assert time.monotonic() - begun >= 0.4


def test_patience_has_an_end(service):
    service.scripts["POST jobs"].extend([problem(429, "service_busy", Retry_After="0")] * 1000)
    with RemoteEngine(service.url, timeout=0.5) as engine:
        begun = time.monotonic()
        error = fails(engine, OcrServiceBusy, "so it is")
    assert time.monotonic() - begun < 10
    assert error.retry_after == 0


def test_who_wants_to_be_asked_much_later_is_not_waited_for(service):
    service.scripts["POST jobs"].append(problem(429, "service_busy", Retry_After="3000"))
    with RemoteEngine(service.url, timeout=30) as engine:
        assert fails(engine, OcrServiceBusy).retry_after == 3000


def test_where_no_service_is_there_is_a_network_error(monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_STRANGER", 0.3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with RemoteEngine(url) as engine:
            error = fails(engine, OcrNetworkError, f"{url} cannot be reached: .*check the address")
    assert error.exit_code == 91


def test_events_go_on_where_the_connection_broke(service, engine):
    def cut(handler):
        stream(handler)
        service.say(handler, "queued", 1)
        service.say(handler, "started", 2)
        handler.wfile.write(b'id: 3\r\nevent: page\r\ndata: {"prog')

    service.scripts["GET events"].append(cut)
    assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]
    first, second = service.sent("GET events")
    assert first.headers["last-event-id"] is None
    assert second.headers["last-event-id"] == "2"


def test_without_a_place_to_listen_the_service_is_asked(service, engine, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_LISTENERS", 0)
    monkeypatch.setattr(ocrloom.remote.reading, "_POLL", 0.02)
    service.may_end.clear()
    future = engine.process_async(SOURCE)
    assert until(lambda: len(service.sent("GET job")) >= 3)
    service.may_end.set()
    assert numbers(future.result().pages) == [1, 2, 3]
    assert not service.sent("GET events")


# Answers that no service gives


@pytest.mark.parametrize(
    "answer",
    [
        lambda handler: plain(handler, 200, b"<h1>Please log in</h1>"),
        lambda handler: plain(handler, 202, b"[" * 100_000, "application/json"),
        lambda handler: plain(handler, 202, b"\xff\xfe", "application/json"),
        lambda handler: reply(handler, 202, []),
        lambda handler: reply(handler, 202, {"id": "J"}),
        lambda handler: plain(handler, 301, Location="https://example.org/v1/jobs"),
        lambda handler: plain(handler, 404, b"no such page"),
        lambda handler: plain(handler, 418, b"x", "\u00e9" * 10_000),
    ],
    ids=["page", "deep", "bytes", "list", "lacking", "redirect", "404", "418"],
)
def test_nonsense_is_a_network_error_that_says_where(service, engine, answer):
    service.scripts["POST jobs"].append(answer)
    error = fails(engine, OcrNetworkError, f"{service.url}/v1/jobs answered [0-9]+ with")
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "items", [{}, [7], [{"page": {"number": 1}}], [{"page": None}], [{"page": None, "failure": 3}]]
)
def test_pages_that_cannot_be_understood_are_a_network_error(service, engine, items):
    answer = {"items": items, "next": "1", "done": True}
    service.may_end.clear()
    service.scripts["GET pages"].append(lambda handler: reply(handler, 200, answer))
    fails(engine, OcrNetworkError, "pages that cannot be understood")
    assert until(lambda: service.sent("DELETE job"))


@pytest.mark.parametrize(
    "said",
    [b"data: no json\n\n", b"data: [1]\n\n", b"x" * 2_000_000],
    ids=["text", "list", "endless"],
)
def test_events_that_cannot_be_understood_are_tried_again(service, engine, said):
    def babble(handler):
        stream(handler)
        handler.wfile.write(said)

    service.scripts["GET events"].append(babble)
    assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "unauthorized", OcrUnauthorized),
        (403, "forbidden", OcrForbidden),
        (413, "image_too_large", OcrImageTooLarge),
        (413, "request_too_large", OcrImageTooLarge),
        (422, "option_error", OcrOptionError),
        (422, "invalid_request", OcrRequestError),
        (500, "internal_error", OcrServiceError),
        (400, "of_a_later_version", OcrRequestError),
        (409, "of_a_later_version", OcrServiceError),
    ],
)
def test_what_the_service_refuses_is_raised_as_here(service, engine, status, code, kind):
    service.scripts["POST jobs"].append(problem(status, code, "what to do"))
    assert str(fails(engine, kind)) == "what to do"
    assert service.routes() == ["POST jobs"]


def test_a_job_that_was_forgotten_meanwhile_ends_the_reading(service, engine):
    service.scripts["GET pages"].append(problem(404, "job_not_found", "no such job"))
    fails(engine, OcrJobNotFound, "no such job")


# Ends of jobs


def test_the_error_of_a_job_names_the_source_as_it_is_called_here(service, engine, tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(SOURCE)
    service.pages, service.status = [], "failed"
    service.error = {"code": "password_error", "detail": "scan.png: wants a password"}
    with pytest.raises(OcrPasswordError) as caught:
        engine.process(path)
    assert str(caught.value) == f"{path}: wants a password"


def test_pages_that_were_finished_are_in_what_has_stopped_it(service, engine):
    service.status = "partial"
    service.error = {"code": "timeout", "detail": "scan.png: not finished"}
    error = fails(engine, OcrTimeout, "^the image: not finished")
    assert numbers(error.partial.pages) == [1, 2, 3]


def test_what_somebody_else_cancels_ends_as_cancelled(service, engine):
    service.status, service.may_end = "canceled", threading.Event()
    future = engine.process_async(SOURCE)
    assert until(lambda: len(future.partial.pages) == 3)
    service.may_end.set()
    with pytest.raises(OcrCancelled):
        future.result()
    assert not service.sent("DELETE job")


def test_failed_pages_are_in_the_result_and_raised_at_the_end_of_a_stream(service, engine):
    failure = {"number": 2, "kind": "OcrDamagedImage", "message": "scan.png, frame 2: cut short"}
    items = [
        {"number": 1, "page": page(1), "failure": None},
        {"number": 2, "page": None, "failure": failure},
    ]
    answer = {"items": items, "next": "2", "done": True}
    service.status, service.pages = "partial", [1, 2]
    service.scripts["GET pages"].extend([lambda handler: reply(handler, 200, answer)] * 2)
    result = engine.process(SOURCE)
    assert (numbers(result.pages), numbers(result.failures)) == ([1], [2])
    assert type(result.failures[0].error) is OcrDamagedImage
    assert result.failures[0].message == "the image, frame 2: cut short"
    with pytest.raises(OcrPagesFailed, match="frame 2"):
        list(engine.stream(SOURCE))


@pytest.mark.parametrize(("status", "ends"), [("succeeded", None), ("failed", OcrServiceError)])
def test_the_pages_may_end_before_the_events(service, engine, status, ends):
    service.status = status
    silent = threading.Event()

    def keep_silent(handler):
        stream(handler)
        service.say(handler, "page", 3)
        silent.wait(20)

    service.scripts["GET events"].append(keep_silent)
    if ends is None:
        assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]
    else:
        fails(engine, ends, "could not be read")
    silent.set()
    assert not service.sent("DELETE job")


def test_what_the_service_cancelled_itself_does_not_look_like_a_cancelled_task(service):
    service.scripts["POST jobs"].extend([problem(503, "cancelled", Retry_After="0")] * 1000)
    with RemoteEngine(service.url, timeout=0.3) as engine:
        fails(engine, OcrServiceUnavailable, "so it is")


# Streams


def test_pages_come_in_their_order_whatever_the_window_and_the_order_of_finishing():
    with scripted() as service, RemoteEngine(service.url) as engine:
        for finished in itertools.permutations((1, 2, 3, 4)):
            service.pages = finished
            assert numbers(engine.stream(SOURCE, ahead=1)) == [1, 2, 3, 4]
            assert numbers(engine.stream(SOURCE, ahead=2, ordered=False)) == list(finished)


def test_no_more_pages_are_fetched_than_there_is_room_for():
    with scripted(*range(1, 41)) as service, RemoteEngine(service.url) as engine:
        stream = engine.stream(SOURCE, ahead=5)
        taken = 0
        for _ in stream:
            taken += 1
            time.sleep(0.002)
            fetched = sum(int(each.query["limit"]) for each in service.sent("GET pages"))
            # What is taken while this is looked at makes room.
            assert fetched <= taken + 1 + 5
        assert taken == 40


def test_leaving_a_stream_cancels_the_job(service, engine):
    service.may_end.clear()
    for _ in engine.stream(SOURCE):
        break
    assert until(lambda: gc.collect() >= 0 and service.sent("DELETE job"))


# Cancelling


def test_cancelling_cancels_the_job_and_keeps_what_was_read(service, engine):
    service.may_end.clear()
    future = engine.process_async(SOURCE)
    assert until(lambda: len(future.partial.pages) == 3)
    assert future.cancel()
    with pytest.raises(OcrCancelled) as caught:
        future.result()
    assert numbers(caught.value.partial.pages) == [1, 2, 3]
    assert until(lambda: service.sent("DELETE job"))


def test_a_job_that_was_sent_and_not_yet_answered_is_cancelled_too(service, engine):
    go = threading.Event()

    def late(handler):
        go.wait(20)
        service._post_jobs(handler, None)

    service.scripts["POST jobs"].append(late)
    future = engine.process_async(SOURCE)
    assert until(lambda: service.asked)
    time.sleep(0.05)
    future.cancel()
    go.set()
    assert until(lambda: service.sent("DELETE job"))
    assert service.routes() == ["POST jobs", "DELETE job"]


def test_what_was_not_sent_yet_is_never_sent(service, engine, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_UPLOADS", 0)
    future = engine.process_async(SOURCE)
    time.sleep(0.05)
    future.cancel()
    engine.close()
    assert service.routes() == []


def test_the_time_that_was_given_counts_here(service):
    service.may_end.clear()
    with RemoteEngine(service.url, options=OcrOptions(timeout=0.3)) as engine:
        error = fails(engine, OcrTimeout, "within the timeout of 0.3 s; 3 of 3 pages were finished")
    assert numbers(error.partial.pages) == [1, 2, 3]
    assert service.sent("DELETE job")


def test_closing_cancels_what_was_begun_and_reads_nothing_more(service):
    service.may_end.clear()
    engine = RemoteEngine(service.url)
    futures = [engine.process_async(SOURCE) for _ in range(3)]
    assert until(lambda: all(future.partial.pages for future in futures))
    engine.close()
    engine.close()
    assert all(future.cancelled() for future in futures)
    assert len(service.sent("DELETE job")) == 3
    with pytest.raises(OcrEngineError, match="closed; make another RemoteEngine"):
        engine.process(SOURCE)


def test_closing_waits_no_longer_than_it_may(service, engine, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.engine, "_GOODBYE", 0.4)
    go = threading.Event()
    service.may_end.clear()
    service.scripts["DELETE job"].append(lambda handler: go.wait(20))
    future = engine.process_async(SOURCE)
    assert until(lambda: future.partial.pages)
    begun = time.monotonic()
    engine.close()
    assert 0.3 < time.monotonic() - begun < 10
    go.set()


def test_a_process_that_ends_takes_its_leave(service, run_python):
    service.may_end.clear()
    code = """
import sys, time
from ocrloom import RemoteEngine
futures = [RemoteEngine(sys.argv[1]).process_async(b"bytes") for _ in range(3)]
while not all(future.partial.pages for future in futures):
    time.sleep(0.01)
print("over")
"""
    assert run_python(code, service.url) == "over\n"
    assert len(service.sent("DELETE job")) >= 3


def test_a_forgotten_engine_is_freed_and_ends_what_it_has_begun(service):
    engine = RemoteEngine(service.url)
    future = engine.process_async(SOURCE)
    known = weakref.ref(engine)
    del engine
    assert until(lambda: gc.collect() >= 0 and known() is None)
    assert numbers(future.result().pages) == [1, 2, 3]


def test_an_interrupt_of_read_cancels_the_job(service, tmp_path):
    service.may_end.clear()
    (tmp_path / "scan.png").write_bytes(SOURCE)
    command = [sys.executable, "-m", "ocrloom", "read", "--server", service.url, "scan.png"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert until(lambda: service.sent("GET pages"))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130
    assert service.sent("DELETE job")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_reads_too(service, run_python):
    code = """
import os, sys, warnings
from ocrloom import RemoteEngine
# Of forks beside threads, and of connections that are the parent's to close.
warnings.simplefilter("ignore")
engine = RemoteEngine(sys.argv[1])
assert len(engine.process(b"bytes").pages) == 3
child = os.fork()
pages = engine.process(b"bytes").pages
assert len(pages) == 3
if child:
    assert os.waitpid(child, 0)[1] == 0
    print("over")
"""
    assert run_python(code, service.url) == "over\n"
    assert len(service.sent("POST jobs")) == 3


# Many


def test_of_many_sources_some_are_under_way(service, engine, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_JOBS", 5)
    service.may_end.clear()
    futures = [engine.process_async(SOURCE) for _ in range(20)]
    assert until(lambda: sum(bool(future.partial.pages) for future in futures) == 5)
    assert len(service.sent("POST jobs")) == 5
    service.may_end.set()
    assert all(numbers(future.result().pages) == [1, 2, 3] for future in futures)


def test_streams_are_under_way_all_at_once(service, engine, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_JOBS", 1)
    streams = [engine.stream(SOURCE, ahead=1) for _ in range(5)]
    for each in reversed(streams):
        assert numbers(each) == [1, 2, 3]


def test_a_quiet_connection_that_breaks_is_no_trouble(service, monkeypatch):
    monkeypatch.setattr(ocrloom.remote.reading, "_POLL", 0.05)

    def quiet(handler):
        stream(handler)
        time.sleep(0.15)

    service.scripts["GET events"].extend([quiet] * 4)
    with RemoteEngine(service.url, timeout=0.3) as engine:
        assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]


def test_a_service_that_always_hangs_up_is_given_up(service):
    service.scripts["GET events"].extend([stream] * 1000)
    with RemoteEngine(service.url, timeout=0.5) as engine:
        fails(engine, OcrNetworkError, "ends the connection before the job has ended")


# In event loops


def test_it_is_awaited_in_any_loop_and_events_come_in_order(service, engine):
    async def main():
        future = engine.process_async(SOURCE)
        events = [event async for event in future.events()]
        return await future, events

    for _ in range(2):
        result, events = asyncio.run(main())
        assert numbers(result.pages) == [1, 2, 3]
        assert events[-1].stage is Stage.DONE
        assert [event.pages_done for event in events] == sorted(e.pages_done for e in events)


def test_a_callback_may_read_too(service, engine):
    inner = []
    future = engine.process_async(SOURCE)
    future.add_done_callback(lambda _: inner.append(engine.process(SOURCE)))
    future.result()
    assert until(lambda: inner)


# What an engine is made with


@pytest.mark.parametrize(
    "url",
    ["host:8000", "ftp://host", "http://", "http://host:x", "http://h:0", 7, "", "http://a b/"],
)
def test_an_address_must_be_one(url):
    with pytest.raises(OcrOptionError, match="such as http://host:8000, got"):
        RemoteEngine(url)


def test_secrets_in_an_address_are_refused_and_not_repeated():
    with pytest.raises(OcrOptionError, match="api_key") as caught:
        RemoteEngine("http://me:geheim@host")
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "é", "a\nb", 7])
def test_a_key_must_be_one_and_is_not_repeated(key):
    with pytest.raises(OcrOptionError, match="api_key must be") as caught:
        RemoteEngine("http://host", api_key=key)
    assert not str(key) or str(key) not in str(caught.value).removeprefix("api_key must be a str")


@pytest.mark.parametrize(
    "given", [{"timeout": 0}, {"timeout": float("inf")}, {"timeout": "1"}, {"store": 1}]
)
def test_values_must_be_such(given):
    with pytest.raises(OcrOptionError, match=f"{next(iter(given))} must be"):
        RemoteEngine("http://host", **given)


def test_what_is_wrong_with_a_source_is_told_at_once(tmp_path):
    with RemoteEngine("http://host.invalid") as engine:
        with pytest.raises(ocrloom.OcrSourceNotFound):
            engine.process_async(tmp_path / "none.png")
        with pytest.raises(ocrloom.OcrSourceIsDirectory):
            engine.stream(tmp_path)


# Events, byte by byte


@pytest.mark.parametrize("size", [1, 2, 7, 10_000])
def test_events_come_apart_wherever_the_network_cuts_them(size):
    said = (
        b': ping\n\nid: 4\nevent: page\ndata: {\ndata: "a": "\xc3\xa9"}\n\n'
        b"\r\nevent:progress\r\ndata:{}\r\n\r\nid: 5\n\ndata: {}"
    )

    async def parts():
        for begin in range(0, len(said), size):
            yield said[begin : begin + size]

    async def main():
        return [(each.kind, each.number, each.data) async for each in events_in(parts())]

    assert asyncio.run(main()) == [("page", "4", {"a": "é"}), ("progress", None, {})]


# Pixels


@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 5), (700, 2001), (600, 701, 3), (1, 300_000, 3), (3000, 1)]
)
@pytest.mark.parametrize("dpi", [None, (300, 300), (203.2, 196.0), (72.0, 1200.000001)])
def test_pixels_and_resolution_come_back_from_the_file_that_is_sent(shape, dpi):
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    data = tiff_of(pixels, dpi)
    frame = next(ocrloom.Image.load(data).frames())
    assert np.array_equal(frame.pixels, pixels)
    assert frame.dpi == dpi
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert np.array_equal(np.asarray(picture), pixels)
