"""What is sent to be read: the forms in which it comes, and what is refused without a trace."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import socket
import struct
import time
from contextlib import suppress
from pathlib import Path

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_http import Line, exchange, request
from serving import running

pytest.importorskip("fastapi")

import uvicorn

from ocrloom.errors import OcrRequestError
from ocrloom.service.connections import impatient
from ocrloom.service.forms import Form
from ocrloom.service.lifting import Lifter
from ocrloom.service.uploads import display_name

MOST = 1_000_000
IDLE = 0.6
LONGEST = 1.5
FORM = "Content-Type: multipart/form-data; boundary=xyz"
RAW = "Content-Type: application/octet-stream"
JSON = "Content-Type: application/json"
MANY = [(f'name="a{number}"', b"") for number in range(51)]


def png(width=40, height=30):
    """A small picture with nothing on it."""
    file = io.BytesIO()
    PIL.Image.new("L", (width, height), 255).save(file, "PNG")
    return file.getvalue()


def form(*parts, end=True):
    """The body of a form: for each part what its disposition says, and its content."""
    found = b"".join(
        b"--xyz\r\nContent-Disposition: form-data; " + told.encode() + b"\r\n\r\n" + data + b"\r\n"
        for told, data in parts
    )
    return found + (b"--xyz--\r\n" if end else b"")


def file_part(data, name="scan.png"):
    return f'name="file"; filename="{name}"', data


@pytest.fixture(scope="module")
def server():
    """One with small limits."""
    limits = {"MAX_UPLOAD": MOST, "BODY_IDLE_SECONDS": IDLE, "BODY_SECONDS": LONGEST}
    with running(env={f"OCRLOOM_{name}": str(value) for name, value in limits.items()}) as found:
        yield found


@pytest.fixture
def client(server):
    with server.client() as found:
        yield found


@pytest.fixture
def kept(server):
    """Names of the files that were sent and are there."""
    return lambda: sorted(path.name for path in (Path(server.spool) / "uploads").iterdir())


@pytest.fixture
def untouched(kept):
    """Fails where a file is left behind that was not there before."""
    before = kept()
    yield
    end = time.monotonic() + 10
    while kept() != before and time.monotonic() < end:
        time.sleep(0.02)
    assert kept() == before


def told(answer, status, code):
    """The detail of a problem, after a look at what it is."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    return problem["detail"]


# The forms in which it comes


def test_each_form_makes_the_same_job(client):
    data = png()
    encoded = base64.b64encode(data).decode()
    options = {"languages": ["eng"], "dpi": 300}
    wrapped = "\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    plain = {"name": "a b.png", "store": False, "options": options}
    asked = {"name": "a b.png", "store": "false", "languages": "eng", "dpi": "300"}
    media = {"content-type": "application/json"}
    answers = [
        client.post("/v1/jobs", content=data, headers={"content-type": "image/png"}, params=asked),
        client.post("/v1/jobs", content=data, headers={"content-type": "IMAGE/PNG"}, params=asked),
        client.post(
            "/v1/jobs",
            files={"file": ("x/a b.png", data)},
            data={"store": "0", "options": json.dumps(options)},
        ),
        client.post(
            "/v1/jobs", files={"file": ("a b.png", data)}, data=asked | {"name": "a b.png"}
        ),
        client.post("/v1/jobs", files={"file": ("c.png", data)}, params=asked),
        client.post("/v1/jobs", json=plain | {"data": encoded}),
        client.post("/v1/jobs", json=plain | {"data": wrapped}),
        client.post(
            "/v1/jobs", json=plain | {"data": encoded.rstrip("=").translate({43: "-", 47: "_"})}
        ),
        client.post(
            "/v1/jobs",
            content=json.dumps(plain | {"data": encoded})
            .replace("/", "\\/")
            .replace("+", "\\u002b"),
            headers=media,
        ),
    ]
    found = []
    for answer in answers:
        assert answer.status_code == 202, answer.text
        job = answer.json()
        found.append([job[name] for name in ("name", "size", "store", "options")])
    assert found == [["a b.png", len(data), False, options]] * len(answers)


def test_the_same_key_with_the_same_content_in_another_form_makes_no_second_job(client, kept):
    data = png(41)
    headers = {"Idempotency-Key": "same"}
    one = client.post("/v1/jobs", files={"file": ("a.png", data)}, headers=headers)
    body = {"data": base64.b64encode(data).decode(), "name": "a.png"}
    before = kept()
    other = client.post("/v1/jobs", json=body, headers=headers)
    assert other.json()["id"] == one.json()["id"]
    assert kept() == before
    body["options"] = {"dpi": 300}
    changed = client.post("/v1/jobs", json=body, headers=headers)
    assert changed.status_code == 422
    assert kept() == before


def test_a_large_file_comes_whole_in_every_form(client):
    # Not from a generator of the whole: every form has to be put together from many parts.
    data = (b"II*\0" + bytes(range(256)) * 4000)[:MOST]
    sent = [
        client.post(
            "/v1/jobs",
            content=iter([data[at : at + 7919] for at in range(0, len(data), 7919)]),
            headers={"content-type": "image/tiff"},
        ),
        client.post("/v1/jobs", files={"file": ("a.tif", data)}),
        client.post("/v1/jobs", json={"data": base64.b64encode(data).decode()}),
    ]
    assert [answer.json()["size"] for answer in sent] == [len(data)] * 3


def test_a_caller_who_asks_first_is_told_to_go_on(server):
    with Line(server.url) as line:
        data = png()
        head = (RAW, "Expect: 100-continue", f"Content-Length: {len(data)}")
        line.send(request(line, "POST", "/v1/jobs", *head))
        assert line.answer().status == 100
        line.send(data)
        assert line.answer().status == 202


# What is refused


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ((), b"abc", 415, "format_error"),
        (("Content-Type: application/x-www-form-urlencoded",), b"abc", 415, "format_error"),
        (("Content-Type: text/plain",), b"abc", 415, "format_error"),
        (("Content-Type: image/",), b"abc", 415, "format_error"),
        ((RAW, "Content-Encoding: gzip"), b"abc", 415, "format_error"),
        ((RAW,), b"", 422, "source_empty"),
        ((FORM,), form(file_part(b"")), 422, "source_empty"),
        ((JSON,), b'{"data": ""}', 422, "source_empty"),
        ((FORM,), b"", 400, "request_error"),
        ((FORM,), b"no form", 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), end=False), 400, "request_error"),
        ((FORM,), form(('name="dpi"', b"300")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), file_part(b"abc")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="a"; filename="b"', b"")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), *[('name="dpi"', b"300")] * 2), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ("nameless", b"300")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="dpi"', b"3" * 70_000)), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), *MANY), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="dpi"', b"\xff")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="store"', b"perhaps")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="options"', b"[]")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="options"', b"{")), 400, "request_error"),
        ((FORM,), form(file_part(b"abc"), ('name="colour"', b"red")), 422, "option_error"),
        ((FORM,), form(file_part(b"abc"), ('name="dpi"', b"many")), 422, "option_error"),
        ((FORM,), form(file_part(b"a"), ('name="languages"', b"xx-no")), 422, "unknown_language"),
        (("Content-Type: multipart/form-data",), form(file_part(b"abc")), 400, "request_error"),
        ((f"{FORM}{'x' * 300}",), form(file_part(b"abc")), 400, "request_error"),
        ((JSON,), b"", 400, "request_error"),
        ((JSON,), b"{", 400, "request_error"),
        ((JSON,), b"[1]", 400, "request_error"),
        ((JSON,), b"\xff\xfe{\0}\0", 400, "request_error"),
        ((JSON,), b"[" * 100_000, 400, "request_error"),
        ((JSON,), b"{}", 400, "request_error"),
        ((JSON,), b'{"data": null}', 400, "request_error"),
        ((JSON,), b'{"data": 1}', 400, "request_error"),
        ((JSON,), b'{"data": "!!!!"}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj=YWJj"}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "data": "YWJj"}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "url": "http://example.org/"}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "more": 1}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "name": 1}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "name": "\\ud800"}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "options": {"dpi": NaN}}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "options": {"dpi": 1e999}}', 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "options": [' + b"0," * 150_000, 400, "request_error"),
        ((JSON,), b'{"data": "YWJj", "options": {"max_pixels": 9}}', 422, "option_error"),
        ((JSON,), b'{"url": "http://example.org/scan.png"}', 403, "forbidden"),
        ((JSON,), b'{"data": "YWJj", "webhook": {"url": "http://a.org/"}}', 403, "forbidden"),
        ((RAW, f"Content-Length: {MOST + 1}"), b"", 413, "image_too_large"),
        ((RAW, "Content-Length: 99999999999999"), b"", 413, "image_too_large"),
        ((RAW,), b"x" * (MOST + 1), 413, "image_too_large"),
        ((FORM,), form(file_part(b"x" * (MOST + 1))), 413, "image_too_large"),
        ((JSON,), b'{"data": "' + b"YWJj" * (MOST // 3 + 1) + b'"}', 413, "image_too_large"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_told_so_and_leaves_nothing(
    server, untouched, headers, body, status, code
):
    for path in ("/v1/jobs", "/v1/ocr"):
        detail = told(exchange(server.url, "POST", path, *headers, body=body), status, code)
        assert "abc" not in detail


@pytest.mark.parametrize("query", ["?dpi=300&dpi=200", "?colour=red", "?store=x", "?options=%7B"])
def test_a_query_that_says_what_it_cannot_is_refused(server, untouched, query):
    answer = exchange(server.url, "POST", f"/v1/jobs{query}", RAW, body=png())
    assert answer.status in (400, 422)


def test_a_body_that_never_ends_is_cut_off_and_its_caller_gets_to_know(server, untouched):
    for head in (RAW, FORM, JSON):
        with Line(server.url) as line:
            line.send(request(line, "POST", "/v1/jobs", head, "Transfer-Encoding: chunked"))
            start = {FORM: form(file_part(b"", "a"), end=False)[:-2], JSON: b'{"data": "'}.get(
                head, b""
            )
            line.send(b"%x\r\n%s\r\n" % (len(start), start) if start else b"")
            part = b"YWJj" * 5000
            sent = 0
            while sent < 100 * MOST and line.send(b"%x\r\n%s\r\n" % (len(part), part)):
                sent += len(part)
            assert sent < 60 * MOST
            told(line.answer(), 413, "image_too_large")
            assert line.ended()


def test_a_refused_caller_gets_the_answer_though_it_sends_on(client, untouched):
    answer = client.post(
        "/v1/jobs", content=b"x" * (20 * MOST), headers={"content-type": "image/png"}
    )
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_a_refused_caller_who_asks_first_sends_nothing(server, untouched):
    with Line(server.url) as line:
        head = (RAW, "Expect: 100-continue", f"Content-Length: {MOST + 1}")
        line.send(request(line, "POST", "/v1/jobs", *head))
        told(line.answer(), 413, "image_too_large")
        assert line.ended(1.0)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/documents/1"])
def test_a_body_that_stops_coming_is_given_up(server, untouched, path):
    method = "POST" if path == "/v1/jobs" else "PATCH"
    with Line(server.url) as line:
        line.send(request(line, method, path, JSON, "Content-Length: 1000", body=b'{"data": "YWJj'))
        began = time.monotonic()
        told(line.answer(), 408, "upload_too_slow")
        assert time.monotonic() - began > IDLE * 0.9


def test_a_body_that_comes_too_slowly_is_given_up(server, untouched):
    with Line(server.url) as line:
        line.send(request(line, "POST", "/v1/jobs", RAW, "Content-Length: 1000"))
        began = time.monotonic()
        line._socket.settimeout(0.1)
        while not line._data and time.monotonic() - began < 10 * LONGEST:
            line.send(b"x")
            line._more()
        line._socket.settimeout(10)
        told(line.answer(), 408, "upload_too_slow")
        assert time.monotonic() - began > LONGEST * 0.9


def test_a_caller_who_leaves_leaves_nothing(server, untouched, kept):
    before = kept()
    for head in (RAW, FORM, JSON):
        with Line(server.url) as line:
            line.send(request(line, "POST", "/v1/jobs", head, f"Content-Length: {MOST}"))
            start = {FORM: form(file_part(b"", "a"), end=False)[:-2], JSON: b'{"data": "'}.get(
                head, b""
            )
            line.send(start + b"YWJj" * 20_000)
            # Ends at once, as where the caller's machine fails.
            line._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert kept() == before


@pytest.mark.parametrize("start", [b"", b"G", b"GET /livez HTTP/1.1\r\nX-A: b"])
def test_a_request_that_does_not_get_to_its_body_is_given_up(server, start):
    with Line(server.url) as line:
        if start:
            line.send(request(line, "GET", "/livez"))
            assert line.answer().status == 200
        began = time.monotonic()
        line.send(start)
        while time.monotonic() - began < 15 and not line.ended(0.1):
            # Dribbling gives no more time.
            line.send(start[-1:])
        assert time.monotonic() - began < 14


def test_a_caller_who_takes_nothing_is_given_up(server):
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = server.url.removeprefix("http://").split(":")
        taker.connect((host, int(port)))
        taker.settimeout(0.2)
        asking = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        end = time.monotonic() + 15
        with pytest.raises(ConnectionError):  # noqa: PT012  # some of many fails
            while time.monotonic() < end:
                with suppress(TimeoutError):
                    taker.sendall(asking)
                time.sleep(0.01)


def test_a_caller_who_takes_slowly_is_not_given_up_however_much_more_is_written():
    parts, size, idle = 200, 16_384, 0.3

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        for _ in range(parts):
            await send({"type": "http.response.body", "body": bytes(size), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    def take(address):
        taken = 0
        with socket.create_connection(address, 10) as taker:
            taker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            taker.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while part := taker.recv(size):
                taken += len(part)
                time.sleep(0.005)
        return taken

    async def go():
        config = uvicorn.Config(app, lifespan="off", log_config=None)
        config.load()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            # Little room in between, so that what is taken is seen soon.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * size)
            state = uvicorn.server.ServerState()
            server = await asyncio.get_running_loop().create_server(
                lambda: impatient(idle)(config, state, {}), sock=listening
            )
            async with server:
                return await asyncio.to_thread(take, listening.getsockname())

    began = time.monotonic()
    assert asyncio.run(go()) > parts * size
    assert time.monotonic() - began > 2 * idle


def test_a_body_that_is_no_upload_is_small(server):
    body = b'{"title": "' + b"x" * (2 << 20) + b'"}'
    told(
        exchange(server.url, "PATCH", "/v1/documents/1", JSON, body=body), 413, "request_too_large"
    )


# The parts of it


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("scan.png", "scan.png"),
        ("/etc/passwd", "passwd"),
        ("../../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\scan.png", "scan.png"),
        ("..", "upload"),
        ("a/..", "upload"),
        ("", "upload"),
        (None, "upload"),
        ("a\0b\r\nc\x1b[31m\x7f", "abc[31m"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2066b\u2028c\ud800d", "abcd"),
        ("  a b  ", "a b"),
        ("सर्\u200dवे.png", "सर्\u200dवे.png"),
        ("x" * 300, "x" * 255),
        ('<img src=x onerror="alert(1)">', '<img src=x onerror="alert(1)">'),
    ],
)
def test_a_name_is_for_people_and_no_path(given, shown):
    assert display_name(given) == shown


def lifted(text, cuts):
    """What `Lifter` makes of a text that comes in parts: the file, and the rest as JSON."""
    parts = []
    lifter = Lifter(parts.append)
    begin = 0
    for cut in [*sorted(cut % (len(text) + 1) for cut in cuts), len(text)]:
        lifter.feed(text[begin:cut])
        begin = cut
    lifter.end()
    return b"".join(parts), json.loads(lifter.rest)


names = st.text(max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names | st.just("data"), inner, max_size=3)
    ),
    max_leaves=6,
)
others = st.dictionaries(names.filter(lambda name: name != "data"), values, max_size=3)


@settings(max_examples=80, deadline=None)
@given(
    before=others,
    after=others,
    data=st.binary(max_size=40),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
    escaped=st.booleans(),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_file_is_taken_out_of_json_wherever_it_is_cut(
    before, after, data, indent, ascii_only, escaped, cuts
):
    after = {name: value for name, value in after.items() if name not in before}
    encoded = base64.b64encode(data).decode()
    document = {**before, "data": "MARK", **after}
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)
    if escaped:
        encoded = encoded.replace("/", "\\/").replace("+", "\\u002b")
        text = text.replace('"data": "MARK"', '"d\\u0061ta": "MARK"')
    text = text.replace('"MARK"', f'"{encoded}"').encode("utf-8", "surrogatepass")
    assert lifted(text, cuts) == (data, {**before, "data": "", **after})


@settings(max_examples=80, deadline=None)
@given(text=st.binary(max_size=60), cuts=st.lists(st.integers(0, 60), max_size=4))
def test_what_is_no_json_is_nothing_that_harms(text, cuts):
    with suppress(OcrRequestError, ValueError):
        lifted(b'{"data": "YWJj' + text, cuts)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=60) | st.sampled_from([b"\r\n--xy", b"--xyz", b"\r\n--xy\r\n-"]),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_form_is_taken_apart_wherever_it_is_cut(data, cuts):
    body = form(('name="dpi"', b"300"), file_part(data, "ä/\\b.png"), ('name="x"', b""))
    parts = []
    made = Form(b"xyz", parts.append)
    begin = 0
    for cut in [*sorted(cut % (len(body) + 1) for cut in cuts), len(body)]:
        made.feed(body[begin:cut])
        begin = cut
    made.end()
    assert b"".join(parts) == data
    assert made.fields == {"dpi": "300", "x": ""}
    assert display_name(made.file_name) == "b.png"
