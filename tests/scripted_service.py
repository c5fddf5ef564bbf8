"""A service that answers as it is told: what networks and strangers do, and when."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from ocrloom import Page
from ocrloom.formats.json_ import page_document

SOURCE = b"the bytes of a file"


def fails(engine, kind, match=None):
    """The error that a reading ends with; nothing more specific, nothing less."""
    with pytest.raises(kind, match=match) as caught:
        engine.process(SOURCE)
    assert type(caught.value) is kind
    return caught.value


class Asked:
    """A request that came."""

    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method, self.path = handler.command, parts.path
        self.query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.headers = handler.headers
        length = int(self.headers.get("content-length", 0))
        self.body = handler.rfile.read(length) if length else b""

    @property
    def route(self):
        last = self.path.rpartition("/")[2]
        return f"{self.method} {last if last in ('jobs', 'events', 'pages') else 'job'}"


class Scripted:
    """One job, whose pages are finished in the given order, unless a script says otherwise."""

    def __init__(self, pages):
        self.pages = list(pages)
        """Numbers of the pages, in the order in which they are finished."""
        self.scripts = defaultdict(deque)
        """By route what answers in place of the usual, each once: called with the handler."""
        self.asked = []
        self.status = "succeeded"
        """How the job ends."""
        self.error = None
        """What the job says of itself in the end."""
        self.may_end = threading.Event()
        """Set when the job may end."""
        self.may_end.set()
        self.url = ""

    def routes(self):
        return [each.route for each in self.asked]

    def sent(self, route):
        return [each for each in self.asked if each.route == route]

    def answer(self, handler):
        asked = Asked(handler)
        self.asked.append(asked)
        script = self.scripts[asked.route]
        if script:
            script.popleft()(handler)
            return
        getattr(self, "_" + asked.route.replace(" ", "_").lower())(handler, asked)

    def _post_jobs(self, handler, asked):
        reply(handler, 202, self._document("queued"))

    def _get_job(self, handler, asked):
        reply(handler, 200, self._document(self.status if self.may_end.is_set() else "running"))

    def _delete_job(self, handler, asked):
        reply(handler, 204)

    def _get_pages(self, handler, asked):
        begin, limit = int(asked.query["cursor"]), int(asked.query["limit"])
        some = self.pages[begin : begin + limit]
        items = [{"number": number, "page": page(number), "failure": None} for number in some]
        last = begin + len(some)
        done = self.may_end.is_set() and len(some) < limit
        reply(handler, 200, {"items": items, "next": str(last), "done": done})

    def _get_events(self, handler, asked):
        stream(handler)
        after = int(asked.headers.get("last-event-id", 0))
        for number, kind in enumerate(["queued", "started", *["page"] * len(self.pages)], 1):
            if number > after:
                self.say(handler, kind, number)
        self.may_end.wait(30)
        self.say(handler, self.status, len(self.pages) + 3)

    def say(self, handler, kind, number):
        data = {"job": "J", "status": "running", "progress": self._progress(max(0, number - 2))}
        handler.wfile.write(f"id: {number}\r\nevent: {kind}\r\n".encode())
        handler.wfile.write(f": ping\ndata: {json.dumps(data)}\r\n\r\n".encode())

    def _progress(self, done):
        return {"pages_done": min(done, len(self.pages)), "pages_total": len(self.pages)}

    def _document(self, status):
        progress = self._progress(len(self.pages) if status != "queued" else 0)
        known = {"id": "J", "status": status, "progress": progress, "error": self.error}
        return {**known, "name": "scan.png"}


def page(number):
    return page_document(Page(number=number, width=8, height=6))


def reply(handler, status, document=None, **headers):
    """Answers with JSON."""
    body = b"" if document is None else json.dumps(document).encode()
    plain(handler, status, body, "application/json", **headers)


def plain(handler, status, body=b"", kind="text/html", **headers):
    """Answers with any bytes."""
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def problem(status, code, detail="so it is", **headers):
    """What refuses a request."""
    return lambda handler: reply(handler, status, {"code": code, "detail": detail}, **headers)


def stream(handler):
    """Begins an answer whose end is that of the connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()


def drop(handler):
    """Ends the connection without a word."""
    handler.close_connection = True
    handler.connection.close()


@contextmanager
def scripted(*pages):
    """A service on loopback whose job has these pages."""
    service = Scripted(pages or (1,))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _do(self):
            service.answer(self)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815  # as the base class calls them

        def log_message(self, *_):
            pass

        def handle(self):
            # The other side may end connections as it likes.
            with suppress(OSError):
                super().handle()

        def finish(self):
            with suppress(OSError, ValueError):
                super().finish()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        service.may_end.set()
        server.shutdown()
        server.server_close()
        thread.join()
