"""The engine from afar where the service is busy, dark or gone, and where programs end early."""

import asyncio
import gc
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from documents import numbers, until
from scripted_service import SOURCE, drop, fails, problem, scripted, stream

import ocrloom.remote.service
from ocrloom import (
    OcrForbidden,
    OcrNetworkError,
    OcrRequestError,
    OcrServiceBusy,
    OcrServiceUnavailable,
    OcrUnauthorized,
    RemoteEngine,
)
from ocrloom.cli.interrupts import TERMINATED


@pytest.fixture
def service():
    with scripted(1, 2, 3) as made:
        yield made


@pytest.fixture
def engine(service):
    with RemoteEngine(service.url, timeout=20) as made:
        yield made


# Who is tried, and for how long


def test_a_service_that_goes_dark_amid_a_job_is_given_up(service, monkeypatch):
    times = ocrloom.remote.service.httpx.Timeout(0.2, pool=None)
    monkeypatch.setattr(ocrloom.remote.service, "_TIMES", times)
    monkeypatch.setattr(ocrloom.remote.reading, "_POLL", 0.05)
    dark = threading.Event()
    service.may_end.clear()
    service.scripts["GET events"].append(stream)
    service.scripts["GET events"].extend([lambda _: dark.wait(20)] * 100)
    with RemoteEngine(service.url, timeout=0.6) as engine:
        fails(engine, OcrNetworkError, "cannot be reached: ReadTimeout")
    dark.set()


def test_sources_wait_where_what_was_sent_before_fills_the_queue(service):
    busy = problem(429, "service_busy", Retry_After="0.3")
    service.may_end.clear()
    with RemoteEngine(service.url, timeout=0.6) as engine:
        first = engine.process_async(SOURCE)
        assert until(lambda: first.partial.pages)
        service.scripts["POST jobs"].extend([busy] * 3)
        others = [engine.process_async(SOURCE) for _ in range(2)]
        begun = time.monotonic()
        while service.scripts["POST jobs"] and time.monotonic() - begun < 10:
            engine._service.progress()  # as pages that come note it
            time.sleep(0.02)
        service.may_end.set()
        assert all(numbers(future.result().pages) == [1, 2, 3] for future in (first, *others))


def test_progress_renews_the_patience_with_a_busy_service_and_no_other():
    async def tries(error):
        service = ocrloom.remote.service.Service("http://host", None, 0.1)
        trial = ocrloom.remote.service.Trial(service)
        for _ in range(5):
            service.progress()
            await trial.pause(error)

    asyncio.run(tries(OcrServiceBusy("full")))
    with pytest.raises(OcrNetworkError):
        asyncio.run(tries(OcrNetworkError("away")))


def test_a_wrong_address_costs_the_patience_once(monkeypatch):
    monkeypatch.setattr(ocrloom.remote.service, "_STRANGER", 0.4)
    monkeypatch.setattr(ocrloom.remote.service, "_UPLOADS", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with RemoteEngine(f"http://127.0.0.1:{taken.getsockname()[1]}") as engine:
            begun = time.monotonic()
            ended = list(engine.process_many([SOURCE] * 20))
    assert all(isinstance(each.error, OcrNetworkError) for each in ended)
    assert time.monotonic() - begun < 20 * 0.4 / 2


def test_patience_begins_anew_once_the_service_was_reached(service):
    with RemoteEngine(service.url, timeout=0.5) as engine:
        away = problem(503, "service_unavailable", Retry_After="0")
        service.scripts["POST jobs"].extend([away] * 1000)
        fails(engine, OcrServiceUnavailable)
        service.scripts["POST jobs"].clear()
        engine.process(SOURCE)
        service.scripts["POST jobs"].append(away)
        assert numbers(engine.process(SOURCE).pages) == [1, 2, 3]


@pytest.mark.parametrize(
    ("answers", "kind", "said"),
    [
        ((problem(401, "unauthorized", "no such key"),), OcrUnauthorized, "no such key"),
        ((problem(403, "forbidden", "not you"),), OcrForbidden, "not you"),
        ((), OcrNetworkError, r"twice broken off .* of 3000\d* bytes.*--max-upload"),
    ],
    ids=["401", "403", "limit"],
)
def test_an_upload_that_is_broken_off_is_asked_about(tmp_path, answers, kind, said):
    """By a service that refuses what it has read the beginning of, and hangs up."""
    (tmp_path / "large.png").write_bytes(bytes(30_000_000))
    heads = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    heads.append(connection.recv(65536).split(b"\r\n")[0])
                    if heads[-1].startswith(b"GET"):
                        code = {OcrUnauthorized: 401, OcrForbidden: 403}.get(kind, 200)
                        told = {OcrUnauthorized: "unauthorized", OcrForbidden: "forbidden"}
                        body = json.dumps({"code": told.get(kind, ""), "detail": said}).encode()
                        head = f"HTTP/1.1 {code} X\r\nContent-Length: {len(body)}\r\n\r\n"
                        connection.sendall(head.encode() + body)
                    else:
                        # With bytes unread this resets the connection.
                        time.sleep(0.05)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with RemoteEngine(url, timeout=20) as engine, pytest.raises(kind, match=said) as caught:
            engine.process(tmp_path / "large.png")
        server.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert type(caught.value) is kind
    assert sum(head.startswith(b"POST") for head in heads) == (2 if kind is OcrNetworkError else 1)


# What ends while the answer to an upload is still to come


def answers_late(service, seconds):
    """Scripts an answer to an upload that comes so much later."""

    def late(handler):
        time.sleep(seconds)
        service._post_jobs(handler, None)

    service.scripts["POST jobs"].append(late)
    service.may_end.clear()


BEGIN = """
import os, signal, sys, threading, time
from ocrloom import RemoteEngine
from ocrloom.remote.upload import Upload
asked = threading.Event()
usual = Upload._parts
async def parts(self):
    async for part in usual(self):
        yield part
    asked.set()
Upload._parts = parts
engine = RemoteEngine(sys.argv[1])
"""


@pytest.mark.parametrize(
    "end",
    [
        "engine.process_async(b'bytes'); asked.wait()",
        """
threading.Thread(
    target=lambda: (asked.wait(), os.kill(os.getpid(), signal.SIGINT)), daemon=True
).start()
try:
    engine.process(b'bytes')
except KeyboardInterrupt:
    pass""",
    ],
    ids=["end", "interrupt"],
)
def test_what_was_sent_is_cancelled_though_the_process_ends(service, run_python, end):
    answers_late(service, 0.3)
    run_python(BEGIN + end, service.url)
    assert service.routes() == ["POST jobs", "DELETE job"]


def test_what_may_have_come_is_cancelled_when_it_is_sent_anew(service, engine):
    begun = threading.Event()

    def slow(handler):
        begun.set()
        time.sleep(0.2)
        service._post_jobs(handler, None)

    service.scripts["POST jobs"].extend([drop, slow])
    future = engine.process_async(SOURCE)
    assert begun.wait(10)
    future.cancel()
    assert until(lambda: service.sent("DELETE job"))


def test_what_was_refused_is_not_sent_again_to_cancel_it(service, engine):
    service.scripts["POST jobs"].append(problem(429, "service_busy", Retry_After="1"))
    future = engine.process_async(SOURCE)
    assert until(lambda: service.asked)
    time.sleep(0.05)
    future.cancel()
    engine.close()
    assert service.routes() == ["POST jobs"]


def test_closing_waits_for_nothing_that_has_not_begun(service):
    begun = time.monotonic()
    for _ in range(5):
        engine = RemoteEngine(service.url)
        engine.process_async(SOURCE)
        engine.close()
    assert time.monotonic() - begun < 2


def test_threads_read_on_after_the_main_one_has_ended(service, run_python):
    code = """
import sys, threading, time
from ocrloom import RemoteEngine
engine = RemoteEngine(sys.argv[1])
def work():
    threading.main_thread().join()
    time.sleep(0.1)
    print(len(engine.process(b"bytes").pages))
threading.Thread(target=work).start()
"""
    assert run_python(code, service.url) == "3\n"


def test_an_error_holds_no_source(service, engine):
    service.scripts["POST jobs"].extend([problem(422, "invalid_request")] * 2)
    futures = [engine.process_async(np.zeros((50, 50), np.uint8)) for _ in range(2)]
    errors = [future.exception() for future in futures]
    assert all(type(error) is OcrRequestError for error in errors)
    uploads = [each for each in gc.get_objects() if isinstance(each, ocrloom.remote.upload.Upload)]
    assert not any(each._source or each._image for each in uploads)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:1", "HTTPS_PROXY"),
        ("HTTP_PROXY", "ftp://a:1", "HTTPS_PROXY"),
        ("HTTP_PROXY", "http://a:b", "HTTPS_PROXY"),
        ("SSL_CERT_FILE", __file__, "look at SSL_CERT_FILE"),
        ("SSL_CERT_FILE", "/nowhere.pem", "look at SSL_CERT_FILE"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told_of(service, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)
    ocrloom.remote.service._tls.cache_clear()
    with RemoteEngine(service.url) as engine:
        fails(engine, OcrNetworkError, said)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
@pytest.mark.parametrize("ignored", [False, True])
def test_the_end_of_the_terminal_cancels_the_job_unless_it_is_ignored(service, tmp_path, ignored):
    service.may_end.clear()
    (tmp_path / "scan.png").write_bytes(SOURCE)
    command = [sys.executable, "-m", "ocrloom", "read", "--server", service.url, "scan.png"]
    prefix = [shutil.which("nohup") or pytest.skip("there is no nohup")] if ignored else []
    with subprocess.Popen(
        prefix + command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert until(lambda: service.sent("GET pages"))
        process.send_signal(signal.SIGHUP)
        if ignored:
            time.sleep(0.1)
            service.may_end.set()
        process.communicate(timeout=30)
    assert process.returncode == (0 if ignored else TERMINATED)
    assert bool(service.sent("DELETE job")) != ignored
