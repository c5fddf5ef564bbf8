"""HTTP by hand, for what no client would send."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["Answer", "Line", "exchange", "request"]


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self):
        """The body as JSON."""
        return json.loads(self.body)


class Line:
    """A connection to a server."""

    def __init__(self, url, patience=20.0):
        parts = urlsplit(url)
        self.host = parts.netloc
        self._socket = socket.create_connection((parts.hostname, parts.port), patience)
        self._data = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, data):
        """Sends something; whether it could be."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def answer(self):
        """The next answer; None if the connection ends without one."""
        head, found, self._data = self._until(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        size = int(headers.get("content-length", 0))
        while len(self._data) < size and self._more():
            pass
        body, self._data = self._data[:size], self._data[size:]
        return Answer(int(first.split()[1]), headers, body)

    def ended(self, within=20.0):
        """Whether the other side ends the connection in so many seconds."""
        end = time.monotonic() + within
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                if not self._socket.recv(1 << 16):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def _until(self, mark):
        while mark not in self._data and self._more():
            pass
        return self._data.partition(mark)

    def _more(self):
        try:
            part = self._socket.recv(1 << 16)
        except OSError:
            return b""
        self._data += part
        return part


def request(line, method, path, *headers, body=b""):
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {line.host}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def exchange(url, method, path, *headers, body=b"", sized=True):
    """The answer to one request."""
    with Line(url) as line:
        size = (f"Content-Length: {len(body)}",) if body and sized else ()
        line.send(request(line, method, path, *headers, *size, body=body))
        return line.answer()
