"""What holds for every request: ids, headers, who may call, and what becomes of failures."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

pytest.importorskip("fastapi")

from ocrloom.service.logs import job_id, key_id, request_id
from ocrloom.service.middleware import Bodies, Envelope, Heads, Visitors
from ocrloom.service.settings import Settings


def asked(app, path="/", method="GET", body=(b"",), **headers):
    """The messages that an application sends for a request."""
    sent = []
    named = {
        "host": "localhost",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }
    parts = [*body]

    async def receive():
        if not parts:
            await asyncio.sleep(30)
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


def headers_of(sent):
    return {name.decode(): value.decode() for name, value in sent[0]["headers"]}


def answering(*parts, **headers):
    """An application that sends an answer in parts."""

    async def app(scope, receive, send):
        named = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": named})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return app


def visited(settings, method="POST", **headers):
    """The status of the answer to a visitor."""
    return asked(Visitors(answering(), settings), method=method, **headers)[0]["status"]


def test_what_nothing_catches_becomes_an_answer_like_others():
    async def broken(scope, receive, send):
        raise RuntimeError("a secret")

    sent = asked(Envelope(broken), x_request_id="mine")
    assert sent[0]["status"] == 500
    headers = headers_of(sent)
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-request-id"] == "mine"
    assert headers["x-content-type-options"] == "nosniff"
    assert json.loads(sent[1]["body"])["code"] == "internal_error"
    assert b"secret" not in sent[1]["body"]


def test_what_breaks_within_an_answer_breaks_it_off():
    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("late")

    with pytest.raises(RuntimeError, match="late"):
        asked(Envelope(broken))


def test_parts_of_an_answer_go_out_as_they_come():
    sent = asked(Envelope(Bodies(answering(b"1", b"2"), 1.0, 1.0)))
    assert [message.get("body") for message in sent] == [None, b"1", b"2", b""]


def test_each_request_has_an_id_of_its_own_and_nothing_of_the_one_before():
    seen = []

    async def app(scope, receive, send):
        seen.append((request_id.get(), job_id.get(), key_id.get()))
        job_id.set("of this one")
        key_id.set("of this one")
        await answering()(scope, receive, send)

    async def both():
        # Requests of one connection may begin with what was current in the one before.
        for _ in range(2):
            await Envelope(app)(scope, None, send)

    async def send(message):
        if message["type"] == "http.response.start":
            ids.append(dict(message["headers"])[b"x-request-id"].decode())

    ids = []
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(both())
    assert [each[0] for each in seen] == ids
    assert len(set(ids)) == 2
    assert {each[1:] for each in seen} == {(None, None)}
    assert all(re.fullmatch("[0-9a-f]{16}", each) for each in ids)


def test_headers_that_a_route_sets_stay():
    sent = asked(Envelope(answering(**{"cache-control": "max-age=60"})))
    headers = headers_of(sent)
    assert headers["cache-control"] == "max-age=60"
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize(
    ("path", "kept", "scripts"),
    [
        ("/", "no-store", "'self'"),
        ("/static/app.js", "no-cache", "'self'"),
        ("/v1/jobs", "no-store", "'none'"),
    ],
)
def test_each_kind_of_path_has_its_policy(path, kept, scripts):
    headers = headers_of(asked(Envelope(answering()), path))
    assert headers["cache-control"] == kept
    assert headers["content-security-policy"].startswith(f"default-src {scripts}")


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({}, "localhost:8000", 200),
        ({}, "[::1]:8000", 200),
        ({}, "ocr.example.org", 403),
        ({"host": "127.0.0.2"}, "127.0.0.2:8000", 200),
        # Somebody who has no key gets nothing by calling the service by another name.
        ({"require_keys": True}, "ocr.example.org", 200),
        ({"host": "0.0.0.0"}, "ocr.example.org", 200),
        ({"host": "0.0.0.0", "hosts": "ocr.example.org"}, "OCR.example.org.:443", 200),
        ({"host": "0.0.0.0", "hosts": "ocr.example.org"}, "localhost", 200),
        ({"host": "0.0.0.0", "hosts": "ocr.example.org"}, "evil.example", 403),
        ({"host": "0.0.0.0", "hosts": "[2001:db8::1]"}, "[2001:db8::1]:80", 200),
    ],
)
def test_the_name_that_is_called_counts(settings, host, status):
    assert visited(Settings(**settings), "GET", host=host) == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://localhost"}, 200),
        ({"origin": "http://localhost:80"}, 200),
        ({"origin": "https://localhost"}, 200),
        ({"origin": "https://localhost", "host": "localhost:443"}, 200),
        ({"origin": "http://LOCALHOST:8000", "host": "localhost:8000"}, 200),
        ({"origin": "http://[::1]:8000", "host": "[::1]:8000"}, 200),
        ({"origin": "http://localhost:8001", "host": "localhost:8000"}, 403),
        ({"origin": "http://localhost", "host": "localhost:8000"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ""}, 403),
        ({"origin": "http://localhost:99999"}, 403),
        ({"origin": "http://[::1"}, 403),
        ({"origin": "http://localhost.evil.example"}, 403),
        ({"origin": "http://localhost@evil.example"}, 403),
        ({"sec_fetch_site": "same-origin"}, 200),
        ({"sec_fetch_site": "none"}, 200),
        ({"sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "cross-site", "origin": "http://localhost"}, 403),
        # Behind a proxy that calls the service by another name the browser still knows.
        ({"sec_fetch_site": "same-origin", "origin": "https://ocr.example.org"}, 200),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "PUT"])
def test_pages_of_others_change_nothing(method, headers, status):
    assert visited(Settings(), method, **headers) == status
    assert visited(Settings(), "GET", **headers) == 200


@pytest.mark.parametrize("port", [b"\xb2", b"9" * 5000, b"x", b"-1", b" 1"])
def test_a_host_whose_port_is_none_breaks_nothing(port):
    anywhere = Settings(require_keys=True)
    host = (b"localhost:" + port).decode("latin-1")
    assert visited(anywhere, host=host, origin="http://localhost") == 403
    assert visited(anywhere, host=host) == 200
    assert visited(Settings(), host=host) == 403


def test_a_question_for_the_head_is_answered_as_one_for_all_of_it():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["method"])
        await answering(b"1", b"2", **{"content-length": "2"})(scope, receive, send)

    sent = asked(Heads(app), "/livez", "HEAD")
    assert headers_of(sent)["content-length"] == "2"
    assert [message.get("body") for message in sent] == [None, b"", b"", b""]
    # These do not end.
    assert asked(Heads(app), "/v1/jobs/a/events", "HEAD")[1]["body"] == b"1"
    assert asked(Heads(app), "/v1/jobs/events", "DELETE")[1]["body"] == b"1"
    assert seen == ["GET", "HEAD", "DELETE"]


def test_an_answer_before_the_end_of_a_body_ends_the_connection():
    app = Bodies(answering(b"no"), 1.0, 1.0)
    parts = [b"x" * 1000] * 50
    sent = asked(app, method="POST", body=parts, content_length="50000")
    assert headers_of(sent)["connection"] == "close"
    # The rest was taken meanwhile, so that the caller gets to see the answer.
    assert [message.get("body") for message in sent] == [None, b"no", b"", b""]
    sent = asked(app, method="GET")
    assert "connection" not in headers_of(sent)


def test_nothing_else_than_requests_is_touched():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    async def go():
        for made in (Heads(app), Envelope(app), Visitors(app, Settings()), Bodies(app, 1.0, 1.0)):
            await made({"type": "lifespan"}, None, None)

    asyncio.run(go())
    assert seen == ["lifespan"] * 4
