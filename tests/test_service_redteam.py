"""What somebody who means harm would try against a server that runs."""

from __future__ import annotations

import http.server
import importlib
import io
import pkgutil
import re
import struct
import threading
import time
import zlib
from pathlib import Path
from urllib.parse import quote

import pikepdf
import PIL.Image
import pytest
from raw_http import Line, exchange
from serving import running

pytest.importorskip("fastapi")
import ocrloom.service.routes
from ocrloom.service.keys import Keys

LONG = 60.0  # seconds after which a job must be done
ENDS = {"succeeded", "partial", "failed", "canceled"}
RAW = "Content-Type: application/octet-stream"
EVIL_NAME = '../../<img src=x onerror=alert(1)>\r\nSet-Cookie: a=b\u202e".png'
SCRIPT = "<script>alert(1)</script>"
ROUTERS = [
    importlib.import_module(f"ocrloom.service.routes.{module.name}").router
    for module in pkgutil.iter_modules(ocrloom.service.routes.__path__)
]
ROUTES = sorted(
    {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        for method in route.methods
    }
)
OPEN = {"/livez", "/readyz", "/login", "/logout"}
"""Paths that answer whoever asks."""
BODIES = {"PATCH": {"json": {"title": "stolen"}}, "POST": {"content": b"x"}}


def is_page(path):
    return not path.startswith(("/v1/", "/metrics"))


def filled(path, job, document):
    """A path with the ids of somebody."""
    own = str(document) if "documents" in path else job
    return re.sub(r"{\w+}", "1", re.sub(r"{\w+}", own, path, count=1))


def picture(width=40, height=30):
    file = io.BytesIO()
    PIL.Image.new("L", (width, height), 255).save(file, "PNG")
    return file.getvalue()


def done(client, answer):
    """A job that was sent, once it has ended."""
    assert answer.status_code == 202, answer.text
    job = answer.json()["id"]
    end = time.monotonic() + LONG
    while True:
        found = client.get(f"/v1/jobs/{job}", params={"wait": 10}).json()
        if found["status"] in ENDS:
            return found
        assert time.monotonic() < end, found


class Secrets(http.server.BaseHTTPRequestHandler):
    """Something inside that answers everybody, and a door to it."""

    def do_GET(self):
        self.server.seen.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(picture(800, 600) if self.path == "/large.png" else picture())

    def log_message(self, *told):
        pass


@pytest.fixture(scope="module")
def inside():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Secrets)
    server.seen = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A library, and keys to it; the last one may send little."""
    where = str(tmp_path_factory.mktemp("guarded") / "library.db")
    made = Keys(where)
    texts = [made.create(name).result()[1] for name in ("owner", "other")]
    texts.append(made.create("small", max_upload=100).result()[1])
    made.close()
    return where, *texts


@pytest.fixture(scope="module")
def guarded(keys, tmp_path_factory):
    """A server that wants keys, and may fetch from one name; its folder of uploads is known."""
    settings = {
        "OCRLOOM_REQUIRE_KEYS": "true",
        "OCRLOOM_FETCH": "true",
        "OCRLOOM_NETWORK_ALLOW": "localhost",
        "OCRLOOM_MAX_PIXELS": "20000000",
    }
    spool = tmp_path_factory.mktemp("guarded-spool")
    with running(env=settings, library=keys[0], spool=spool) as server:
        yield server


@pytest.fixture(scope="module")
def owner(guarded, keys):
    with guarded.client(keys[1], cookies={"ocrloom_key": keys[1]}) as client:
        yield client


@pytest.fixture(scope="module")
def other(guarded, keys):
    with guarded.client(keys[2], cookies={"ocrloom_key": keys[2]}) as client:
        yield client


@pytest.fixture(scope="module")
def nobody(guarded):
    with guarded.client(follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def anybody(service):
    """A caller of a server that wants no keys."""
    with service.client() as client:
        yield client


@pytest.fixture(scope="module")
def read(owner, note):
    """A job of the owner's that was read and stored, with evil in its name and its text."""
    file = io.BytesIO()
    PIL.Image.fromarray(note(SCRIPT)).save(file, "PNG")
    sent = owner.post(
        "/v1/jobs",
        params={"name": EVIL_NAME, "languages": "eng"},
        content=file.getvalue(),
        headers={"content-type": "image/png"},
    )
    job = done(owner, sent)
    assert job["status"] == "succeeded", job
    assert job["document"]
    return job


# Other people's


@pytest.mark.parametrize(("method", "path"), [each for each in ROUTES if "{" in each[1]])
def test_another_keys_ids_do_not_exist(other, owner, read, method, path):
    at = filled(path, read["id"], read["document"])
    nothing = filled(path, "a" * 26, 10**9)
    answers = [other.request(method, each, **BODIES.get(method, {})) for each in (at, nothing)]
    assert [answer.status_code for answer in answers] == [404, 404], at
    # Nor is it told in any other way that they do.
    own, none = (re.sub(rf"\d+|a{{26}}|{read['id']}", "", answer.text) for answer in answers)
    assert own == none
    mine = owner.get(read["links"]["self"])
    assert mine.json() == read


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/documents", "/v1/search?q=script"])
def test_lists_hold_only_what_is_ones_own(owner, other, read, path):
    assert owner.get(path).json()["items"]
    assert other.get(path).json()["items"] == []


@pytest.mark.parametrize(("method", "path"), [each for each in ROUTES if each[1] not in OPEN])
def test_without_a_key_nothing_is_answered(nobody, read, method, path):
    at = filled(path, read["id"], read["document"])
    for headers in ({}, {"x-api-key": "ocrl_0_0"}, {"cookie": "ocrloom_key=ocrl_0_0"}):
        answer = nobody.request(method, at, headers=headers, **BODIES.get(method, {}))
        if is_page(path):
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/login")
        else:
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"


def test_ids_cannot_be_guessed(owner, read):
    assert re.fullmatch(r"[a-z2-7]{26}", read["id"])


@pytest.mark.parametrize("path", sorted({path for _, path in ROUTES if "{" in path}))
def test_ids_that_are_none_are_not_found(owner, path):
    dots = "..%2f..%2fetc%2fpasswd"
    long = ("a" * 3000, "0" * 5000, "9" * 30)
    for number in ("%00", dots, "%2e%2e", "-1", "1;x", "%ff", "1%0d%0aA:b", *long):
        at = re.sub(r"{\w+}", "1", re.sub(r"{\w+}", number, path, count=1))
        answer = owner.get(at)
        assert answer.status_code in (404, 405, 422), answer.text


@pytest.mark.parametrize("path", [path for method, path in ROUTES if method == "GET"])
def test_queries_that_mean_nothing_harm_nothing(owner, read, path):
    names = ("limit", "cursor", "format", "content", "next")
    if "events" not in path:
        names += ("q", "offset", "status", "page", "width", "tolerance", "accents")
    at = filled(path, read["id"], read["document"])
    for name in names:
        for value in ("%00", "%ff", "9" * 40, "nan"):
            with owner.stream("GET", f"{at}?{name}={value}") as answer:
                assert answer.status_code < 500, (at, name, value)


# Files


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e/%2e%2e/app.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/..%5capp.py",
        "/static/%00",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/v1/jobs/..%2f..%2f..%2fetc%2fpasswd/result",
    ],
)
def test_no_path_leads_out(guarded, keys, path):
    answer = exchange(guarded.url, "GET", path, f"X-Api-Key: {keys[1]}")
    assert answer.status in (404, 405), answer.body
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


def test_names_of_files_name_no_files(guarded, owner, read):
    spool = Path(guarded.spool)
    assert read["name"].endswith(".png")
    assert "/" not in read["name"]
    stems = [path.name for path in spool.rglob("*") if path.is_file()]
    assert stems
    assert not [name for name in stems if "img" in name or "alert" in name]
    assert {path.name for path in spool.iterdir()} == {"documents", "servers", "uploads"}
    assert not list(spool.parent.rglob("*alert*"))


def test_a_key_that_may_send_little_sends_no_more(guarded, keys):
    headers = (RAW, f"X-Api-Key: {keys[3]}")
    for more in ((), ("Transfer-Encoding: chunked",)):
        body = b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n" if more else b"x" * 101
        answer = exchange(
            guarded.url, "POST", "/v1/jobs", *headers, *more, body=body, sized=not more
        )
        assert answer.status == 413
    assert exchange(guarded.url, "POST", "/v1/jobs", *headers, body=b"x" * 100).status == 202


# Answers


def test_names_end_no_header(guarded, owner, read):
    for form in ("txt", "json", "hocr", "html", "pdf"):
        for base in (read["links"]["self"], f"/v1/documents/{read['document']}"):
            answer = owner.get(f"{base}/result", params={"format": form})
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers
            kept = answer.headers["content-disposition"]
            assert kept.startswith("attachment; ")
            assert re.fullmatch(r"[ -~]+", kept)
            assert not set("<>\\/") & set(kept)


@pytest.mark.parametrize("form", ["txt", "json", "hocr", "alto", "page", "tsv", "md", "html"])
def test_what_was_read_runs_nowhere(owner, read, form):
    for base in (read["links"]["self"], f"/v1/documents/{read['document']}"):
        answer = owner.get(f"{base}/result", params={"format": form})
        assert answer.status_code == 200
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-disposition"].startswith("attachment")
        policy = answer.headers["content-security-policy"]
        assert "sandbox" in policy
        assert "default-src 'none'" in policy
        if form in ("hocr", "alto", "page", "html"):
            assert "<script" not in answer.text.lower()
            assert "onerror=alert" not in answer.text.replace("&lt;img src=x onerror=alert", "")


@pytest.mark.parametrize(
    ("method", "path"), [each for each in ROUTES if each[0] in ("GET", "POST")]
)
def test_every_answer_keeps_browsers_careful(owner, read, method, path):
    at = filled(path, read["id"], read["document"])
    with owner.stream(method, at, follow_redirects=False) as answer:
        headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"].startswith("no-")
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in headers if name.startswith("access-control-")]
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
    assert "server" not in headers


def test_nothing_is_let_through_to_other_origins(owner):
    headers = {"origin": "https://evil.example", "access-control-request-method": "DELETE"}
    answer = owner.options("/v1/jobs", headers=headers)
    assert answer.status_code in (403, 404, 405)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("given", ["mine-1.2_3", "a b", "a" * 65, "<x>", "é", ""])
def test_only_an_id_that_is_one_is_taken_over(owner, given):
    answer = owner.get("/livez", headers={"x-request-id": given.encode("latin-1")})
    taken = answer.headers["x-request-id"]
    assert taken == given if given == "mine-1.2_3" else re.fullmatch(r"[0-9a-f]{16}", taken)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/%0d%0aX:y",
        "/a\r\nX-A: b",
        "javascript:alert(1)",
    ],
)
def test_signing_in_leads_nowhere_else(owner, keys, target):
    headers = {"sec-fetch-site": "same-origin"}
    sent = {"key": keys[1], "next": target}
    answer = owner.post("/login", data=sent, headers=headers, follow_redirects=False)
    assert answer.status_code == 303
    assert re.match(r"/(?![/\\])", answer.headers["location"])
    assert not re.search(r"[\r\n]", answer.headers["location"])
    assert "x-a" not in answer.headers
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_nothing_that_was_sent_comes_back_in_an_error(owner):
    probes = [
        owner.post(
            "/v1/jobs", params={"dpi": SCRIPT}, content=b"x", headers={"content-type": "image/png"}
        ),
        owner.get("/v1/jobs", params={"status": SCRIPT, "limit": SCRIPT}),
        owner.get(f"/v1/jobs/{quote(SCRIPT, safe='')}"),
        owner.get(f"/v1/documents/{quote(SCRIPT, safe='')}"),
        owner.get(f"/nowhere/{quote(SCRIPT, safe='')}"),
        owner.get("/v1/search", params={"q": "a", "tolerance": SCRIPT}),
        owner.post("/v1/jobs", json={"data": SCRIPT, "name": SCRIPT}),
        owner.post("/v1/jobs", json={SCRIPT: SCRIPT}),
        owner.patch("/v1/documents/1", json={"title": [SCRIPT], SCRIPT: 1}),
        owner.post("/v1/ocr", params={"format": SCRIPT}, content=b"x"),
    ]
    for answer in probes:
        assert 400 <= answer.status_code < 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        # Names and values of options are repeated as text at most.
        assert "secret" not in answer.text


# Addresses


def test_a_redirect_to_the_inside_is_not_followed(owner, inside):
    port = inside.server_port
    allowed = owner.post("/v1/jobs", json={"url": f"http://localhost:{port}/public.png"})
    found = done(owner, allowed)
    assert (found["status"], found["name"]) == ("succeeded", "public.png")
    for target in (f"http://127.0.0.1:{port}/secret", f"http://[::ffff:7f00:1]:{port}/secret",
                   f"http://0.0.0.0:{port}/secret", "file:///etc/passwd"):  # fmt: skip
        sent = owner.post("/v1/jobs", json={"url": f"http://localhost:{port}/to/{target}"})
        job = done(owner, sent)
        assert job["status"] == "failed"
        assert job["error"]["code"] in ("forbidden", "request_error")
        assert "127.0.0.1" not in job["error"]["detail"]
    assert "/secret" not in inside.seen


def test_a_key_that_may_send_little_has_no_more_fetched(guarded, keys, owner, inside):
    large = {"url": f"http://localhost:{inside.server_port}/large.png"}
    with guarded.client(keys[3]) as small:
        assert done(small, small.post("/v1/jobs", json=large))["error"]["code"] == "image_too_large"
    assert done(owner, owner.post("/v1/jobs", json=large))["size"] > 100


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://127.0.0.1/", 403),
        ("http://169.254.169.254/latest/meta-data/", 403),
        ("http://[::1]/", 403),
        ("file:///etc/passwd", 400),
        ("gopher://localhost/", 400),
        ("http://me:secret@localhost/", 400),
        ("http://localhost\r\n@evil.example/", 400),
    ],
)
def test_addresses_that_are_plainly_inside_are_refused_at_once(owner, url, status):
    answer = owner.post("/v1/jobs", json={"url": url})
    assert answer.status_code == status
    assert "me:secret" not in answer.text


# Who calls


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        "[::1",
        "[::1]evil.example",
        "@localhost",
        "localhost@evil.example",
        "localhost, evil.example",
        "10.0.0.1",
    ],
)
def test_a_name_that_leads_here_by_dns_is_refused(service, host):
    with Line(service.url) as line:
        for path in ("/", "/v1/jobs", "/v1/languages"):
            line.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert line.answer().status in (400, 403)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "localhost."]
)
def test_names_of_this_machine_are_its_own(service, host):
    with Line(service.url) as line:
        line.send(f"GET /v1/languages HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert line.answer().status == 200


def test_headers_of_proxies_change_no_address(anybody):
    headers = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    headers["content-type"] = "image/png"
    answer = anybody.post("/v1/jobs", content=picture(), headers=headers)
    assert "evil" not in str(answer.headers) + answer.text


@pytest.mark.parametrize(
    ("method", "path"), [each for each in ROUTES if each[0] not in ("GET", "HEAD")]
)
def test_other_sites_have_a_browser_change_nothing(anybody, method, path):
    at = filled(path, "a" * 26, 1)
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "http://127.0.0.1.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ):
        answer = anybody.request(method, at, headers=headers, **BODIES.get(method, {}))
        assert answer.status_code == 403
        assert answer.json()["code"] == "forbidden"


def test_the_own_page_may_send(anybody, service):
    vouched = {"origin": "https://x", "sec-fetch-site": "same-origin"}
    for given in ({"origin": service.url}, vouched, {"sec-fetch-site": "none"}, {}):
        headers = {**given, "content-type": "image/png"}
        assert anybody.post("/v1/jobs", content=picture(), headers=headers).status_code == 202


def test_the_cookie_counts_for_the_own_page_only(nobody, keys):
    cookie = {"cookie": f"ocrloom_key={keys[1]}"}
    assert nobody.get("/v1/jobs", headers=cookie).status_code == 200
    for foreign in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
    ):
        assert nobody.get("/v1/jobs", headers={**cookie, **foreign}).status_code == 401


# Bombs


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(size):
    """As many zeros, packed a thousand times smaller, without ever having them."""
    packer = zlib.compressobj(9)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    whole, rest = divmod(size, 1 << 20)
    last = zlib.compressobj(9, zlib.DEFLATED, -15)
    sum_of_zeros = (size % 65521) << 16 | 1
    return (
        block
        + block[2:] * (whole - 1)
        + last.compress(bytes(rest))
        + last.flush()
        + struct.pack(">I", sum_of_zeros)
    )


def png_bomb(width=60_000, height=60_000):
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zeros((1 + (width + 7) // 8) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def tiff(width, height, data, strips=1):
    """A TIFF of deflated grey whose directory comes after its data."""
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 8),
               (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height),
               (279, 4, 1, len(data))]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", *each) for each in entries
    )
    at = 8 + len(data)
    return (
        b"II*\0"
        + struct.pack("<I", at)
        + data
        + directory
        + struct.pack("<I", at if strips > 1 else 0)
    )


def pdf_bomb(side=200, unit=1, content=(b"0 0 9 9 re f", ()), **image):
    """A page that is large, or has large things on it."""
    pdf = pikepdf.new()
    page = pdf.add_blank_page(page_size=(200, 200))
    page.obj.MediaBox = [0, 0, side, side]
    page.obj.UserUnit = unit
    filters = [pikepdf.Name.FlateDecode] * len(content[1])
    page.obj.Contents = pdf.make_stream(b"")
    page.obj.Contents.write(content[0], filter=filters or None)
    if image:
        drawn = pdf.make_stream(b"")
        drawn.write(zeros(image["Width"] // 8 * image["Height"]), filter=pikepdf.Name.FlateDecode)
        for name, value in image.items():
            drawn[f"/{name}"] = value
        drawn.Subtype, drawn.ColorSpace = pikepdf.Name.Image, pikepdf.Name.DeviceGray
        drawn.BitsPerComponent = 1
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(A=drawn))
    file = io.BytesIO()
    pdf.save(file, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    return file.getvalue()


def packed_pdf_bomb():
    """A page whose content is a gigabyte once it is unpacked, twice."""
    return pdf_bomb(content=(zlib.compress(zeros(1 << 30)), (1, 2)))


BOMBS = {
    "png": png_bomb,
    "tiff": lambda: tiff(50_000, 50_000, zeros(50_000 * 50_000)),
    "tiff that says little": lambda: tiff(100, 100, zeros(1 << 30)),
    "tiff without an end": lambda: tiff(20, 20, zlib.compress(bytes(400)), strips=2),
    "pdf of a large page": lambda: pdf_bomb(14_400, 1000),
    "pdf of a larger page": lambda: pdf_bomb(10**9),
    "pdf that unpacks": packed_pdf_bomb,
    "pdf of a large image": lambda: pdf_bomb(
        content=(b"200 0 0 200 0 0 cm /A Do", ()), Width=60_000, Height=60_000
    ),
    "zip": lambda: b"PK\x03\x04" + zeros(1 << 24),
    "gzip": lambda: b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zeros(1 << 24)[2:],
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
}


def peak(server):
    """The most memory that the server has had, in bytes; 0 where this system does not tell."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        return 0
    return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) << 10


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_do_not_go_off(guarded, owner, read, kind):
    before = peak(guarded)
    sent = owner.post(
        "/v1/jobs",
        content=BOMBS[kind](),
        headers={"content-type": "image/png"},
        params={"store": "false", "languages": "eng"},
    )
    began = time.monotonic()
    assert owner.get("/livez").status_code == 200
    job = done(owner, sent)
    assert time.monotonic() - began < LONG / 2
    if job["status"] == "failed":
        assert job["error"]["code"] in ("image_too_large", "damaged_image", "format_error")
    assert peak(guarded) - before < 600 << 20
    assert owner.get("/livez").status_code == 200


# Many


def test_those_who_say_nothing_hold_nobody_up(service):
    lines = [Line(service.url) for _ in range(150)]
    try:
        for line in lines:
            line.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b")
        with service.client() as client:
            began = time.monotonic()
            assert client.get("/livez").status_code == 200
            assert time.monotonic() - began < 5
    finally:
        for line in lines:
            line.__exit__()


def test_headers_have_an_end(service):
    with Line(service.url) as line:
        line.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 20_000)
        answer = line.answer()
        assert answer is None or answer.status in (400, 431)
