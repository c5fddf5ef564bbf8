"""Requests that the service sends: where to, and what it lets happen on the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import http.server
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("httpx")

from ocrloom.errors import (
    OcrForbidden,
    OcrImageTooLarge,
    OcrNetworkError,
    OcrOptionError,
    OcrRequestError,
    OcrSourceEmpty,
)
from ocrloom.service.addresses import resolved
from ocrloom.service.network import Guard

BYTES = b"x" * 100_000
HERE = ("127.0.0.0/8", "::1")


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers by the path; redirects and what was sent are the server's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.headers["Host"], self.path, dict(self.headers)))
        if self.path in self.server.redirects:
            self._send(302, b"not for you", Location=self.server.redirects[self.path])
        elif self.path == "/endless":
            self._endless()
        elif self.path == "/silent":
            self.server.ended.wait(30)
        elif self.path == "/packed":
            self._send(200, BYTES, **{"Content-Encoding": "gzip"})
        elif self.path == "/missing":
            self._send(404, b"a secret of this machine")
        else:
            body = b"" if self.path == "/empty" else BYTES
            self._send(200, body, **{"Content-Type": "Image/PNG; name=x"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.headers["Host"], self.path, dict(self.headers), body))
        self._send(int(self.path[1:]), b"", Location="/200")

    def _send(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while not self.server.ended.is_set():
                self.wfile.write(BYTES)
        except OSError:
            self.close_connection = True

    def log_message(self, *told):
        pass


@contextmanager
def serving(context=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.seen, server.redirects, server.ended = [], {}, threading.Event()
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def site():
    """A server on loopback."""
    with serving() as server:
        yield server


@pytest.fixture
def at(site):
    """The address of a path of it."""
    site.seen.clear()
    site.redirects.clear()
    return lambda path, host="127.0.0.1": f"http://{host}:{site.server_port}{path}"


@pytest.fixture
def names(monkeypatch):
    """What names stand for: for each the addresses that each further question is answered with."""
    known = {}

    def answer(host, port, **more):
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        answers = known[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return known


def fetched(guard, url, limit=10**6, seconds=10):
    """What is at an address, and what is said of it."""
    parts = []

    async def write(part):
        parts.append(part)

    found = asyncio.run(guard.fetch(url, limit, seconds, write))
    return b"".join(parts), found


def refused(guard, url, kind=OcrForbidden, **more):
    """The message of a refusal, after which nothing was sent."""
    with pytest.raises(kind) as caught:
        fetched(guard, url, **more)
    return str(caught.value)


def test_a_file_comes_as_it_is_with_what_is_said_of_it(at):
    data, found = fetched(Guard(HERE), at("/scan.png"))
    assert data == BYTES
    assert (found.size, found.media) == (len(BYTES), "image/png")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:c0a8:101::1",
        "2001::1",
        "2001:db8::1",
        "fe80::1",
        "fec0::1",
        "fd00:ec2::254",
        "ff02::1",
    ],
)
def test_what_is_not_in_public_is_refused_as_an_address_and_behind_a_name(address, names):
    names["example.org"] = [[address]]
    host = f"[{address}]" if ":" in address else address
    assert refused(Guard(), f"http://{host}/") == refused(Guard(), "http://example.org/")


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "127。0。0。1"])
def test_other_ways_to_write_loopback_are_refused(host):
    refused(Guard(HERE[1:]), f"http://{host}/")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1", "64:ff9b::808:808"]
)
def test_what_is_in_public_passes(address):
    host = f"[{address}]" if ":" in address else address
    assert Guard().check(f"https://{host}:8443/a?b").host == address


def test_a_host_is_refused_if_one_of_its_addresses_is_inside(names):
    names["example.org"] = [["8.8.8.8", "10.1.2.3"]]
    refused(Guard(), "http://example.org/")


def test_a_name_that_only_exists_inside_is_told_from_none_by_nothing(names):
    names["intranet"] = [["10.1.2.3"]]
    assert refused(Guard(), "http://intranet/") == refused(Guard(), "http://nowhere.invalid/")


def test_names_that_nobody_answers_for_hold_nothing_but_names_up(monkeypatch):
    ended = threading.Event()
    asked = []

    def silent(host, *_, **__):
        asked.append(host)
        ended.wait(30)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    async def go():
        look = [asyncio.ensure_future(resolved(f"a{number}.example", 80)) for number in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(OcrNetworkError, match="too many"):
            await resolved("one.too.many.example", 80)
        # Who does not wait any more makes room, though its question cannot be taken back.
        look.pop().cancel()
        await asyncio.sleep(0)
        look.append(asyncio.ensure_future(resolved("b.example", 80)))
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "other work"), 10) == "other work"
        assert len(asked) <= 8
        ended.set()
        assert await asyncio.gather(*look) == [[]] * 64

    try:
        asyncio.run(go())
    finally:
        ended.set()
    assert len(asked) == 64


def test_the_connection_goes_to_the_address_that_was_checked(at, site, names):
    # The second question about the name would be answered with somewhere inside.
    names["example.org"] = [["127.0.0.1"], ["10.1.2.3"]]
    data, _ = fetched(Guard(HERE), at("/", "example.org"))
    assert data == BYTES
    assert site.seen[0][0] == f"example.org:{site.server_port}"
    assert names["example.org"] == [["10.1.2.3"]]


def test_a_name_that_changes_its_meaning_is_refused_the_next_time(at, site, names):
    names["example.org"] = [["127.0.0.1"], ["10.1.2.3"]]
    guard = Guard(HERE)
    fetched(guard, at("/", "example.org"))
    refused(guard, at("/", "example.org"))
    assert len(site.seen) == 1


def test_redirects_are_followed_to_what_is_allowed_only(at, site, names):
    names["first.org"] = [["127.0.0.1"]]
    names["second.org"] = [["127.0.0.1"]]
    site.redirects["/a"] = at("/b", "second.org")
    data, _ = fetched(Guard(["first.org", "second.org"]), at("/a", "first.org"))
    assert data == BYTES
    refused(Guard(["first.org"]), at("/a", "first.org"))
    for target in ("http://169.254.169.254/latest", "http://[::1]/", "http://localhost:1/"):
        site.redirects["/a"] = target
        refused(Guard(["first.org"]), at("/a", "first.org"))
    for target in ("file:///etc/passwd", "ftp://example.org/", "http://me:secret@first.org/"):
        site.redirects["/a"] = target
        refused(Guard(["first.org"]), at("/a", "first.org"), OcrRequestError)


def test_redirects_end(at, site):
    site.redirects["/round"] = "/round"
    refused(Guard(HERE), at("/round"), OcrNetworkError)
    assert len(site.seen) == 6


@pytest.mark.parametrize(
    "url",
    [
        "",
        "scan.png",
        "//example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "http:///scan.png",
        "http://me:secret@example.org/",
        "http://me@example.org/",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://exam\nple.org/",
        "http://example.org/\r\nX-Made-Up: 1",
        "http://\ud800/",
        "http://[::1/",
        "http://example.org/" + "a" * 9000,
    ],
)
def test_what_is_no_address_is_refused_unheard(url):
    assert "made" not in refused(Guard(), url, OcrRequestError).lower()


def test_no_more_is_taken_than_allowed(at):
    refused(Guard(HERE), at("/"), OcrImageTooLarge, limit=len(BYTES) - 1)
    refused(Guard(HERE), at("/endless"), OcrImageTooLarge, limit=10**6)
    assert fetched(Guard(HERE), at("/"), limit=len(BYTES))[0] == BYTES


def test_an_address_that_is_silent_is_given_up(at):
    refused(Guard(HERE), at("/silent"), OcrNetworkError, seconds=0.2)


def test_what_does_not_come_is_told_without_what_came_instead(at):
    told = refused(Guard(HERE), at("/missing"), OcrNetworkError)
    assert "404" in told
    assert "secret" not in told
    refused(Guard(HERE), at("/packed"), OcrNetworkError)
    refused(Guard(HERE), at("/empty"), OcrSourceEmpty)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = refused(Guard(HERE), f"http://127.0.0.1:{port}/", OcrNetworkError)
    assert "127.0.0.1" not in told


def test_what_cannot_be_written_comes_through(at):
    async def write(part):
        raise TimeoutError("the disk")

    with pytest.raises(TimeoutError, match="the disk"):
        asyncio.run(Guard(HERE).fetch(at("/"), 10**6, 10, write))


def test_proxies_of_the_environment_are_not_asked(at, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetched(Guard(HERE), at("/"))[0] == BYTES


def test_what_is_sent_comes_whole_and_is_not_sent_on(at, site):
    guard = Guard(HERE)
    sent = asyncio.run(guard.post(at("/307"), b'{"a": 1}', {"X-Own": "yes"}, 10))
    assert sent == 307
    assert len(site.seen) == 1
    _, _, headers, body = site.seen[0]
    assert body == b'{"a": 1}'
    assert headers["X-Own"] == "yes"
    with pytest.raises(OcrForbidden):
        asyncio.run(Guard().post(at("/200"), b"{}", {}, 10))
    with pytest.raises(OcrNetworkError):
        asyncio.run(guard.post(at("/200"), b"{}", {"X-Own": "a\r\nX-Made-Up: 1"}, 10))
    assert len(site.seen) == 1


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://example.org", "*.example.org", "", "a b"])
def test_what_names_neither_a_host_nor_a_network_is_refused(entry):
    with pytest.raises(OcrOptionError, match=r"10\.1\.0\.0/16"):
        Guard([entry])


def test_names_and_networks_are_let_in(names):
    names["printer.local"] = [["10.9.9.9"]]
    names["other.local"] = [["10.9.9.9"]]
    guard = Guard(["Printer.local", "10.1.0.0/16", "::1"])
    assert asyncio.run(guard.addresses("printer.local", 80)) == ["10.9.9.9"]
    assert guard.check("http://10.1.2.3/")
    assert guard.check("http://[::ffff:10.1.2.3]/")
    assert guard.check("http://[::1]/")
    for host in ("other.local", "10.2.0.1"):
        refused(guard, f"http://{host}/")


def test_a_certificate_counts_for_the_name_and_not_for_the_address(tmp_path, names, monkeypatch):
    paths = made_certificate(tmp_path, "example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    names["example.org"] = names["other.org"] = [["127.0.0.1"]]
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    with serving(context) as server:
        address = f"https://example.org:{server.server_port}/"
        assert fetched(Guard(HERE), address)[0] == BYTES
        assert asked == ["example.org"]
        refused(Guard(HERE), address.replace("example", "other"), OcrNetworkError)
        monkeypatch.delenv("SSL_CERT_FILE")
        refused(Guard(HERE), address, OcrNetworkError)


def made_certificate(folder, name):
    """Files of a certificate that vouches for itself, and its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="makes the certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files
