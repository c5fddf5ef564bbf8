"""Jobs over HTTP: the contract, on a real server process."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
import zipfile

import numpy as np
import PIL.Image
import pytest
from documents import LONG, pages_of
from serving import running

from ocrloom.formats import FORMATS
from ocrloom.formats.json_ import parse

PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def client(service):
    with service.client() as made:
        yield made


@pytest.fixture(scope="module")
def png(note):
    """A picture of some words."""

    def draw(text):
        made = io.BytesIO()
        PIL.Image.fromarray(note(text)).save(made, "PNG")
        return made.getvalue()

    return draw


@pytest.fixture(scope="module")
def three(note):
    """A TIFF of three pages, of which the second is damaged."""
    return pages_of([note("first of all"), note("never read"), note("last of all")], damaged=[2])


@pytest.fixture(scope="module")
def done(client, three):
    """A job that is done: two pages read, and one that cannot be."""
    job = send(client, three, "three.tif", store="false")
    found = wait(client, job)
    assert found["status"] == "partial", found
    return found


def send(client, data, name="scan.png", headers=None, **fields):
    answer = client.post("/v1/jobs", files={"file": (name, data)}, data=fields, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()


def wait(client, job):
    ends = time.monotonic() + LONG
    while (found := client.get(job["links"]["self"], params={"wait": 20}).json())["status"] in (
        "queued",
        "running",
    ):
        assert time.monotonic() < ends
    return found


def problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["detail"]
    return told


def events(client, job, **more):
    """Its events, to the end."""
    found = []
    with client.stream("GET", f"{job['links']['events']}", **more) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event = {}
        for line in answer.iter_lines():
            if line.startswith((":", "retry")):
                continue
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event:
                found.append((event.get("event"), event.get("id"), json.loads(event["data"])))
                event = {}
    return found


def test_a_file_becomes_a_job_and_the_job_a_result(service, client, png):
    answer = client.post("/v1/jobs", files={"file": ("a.png", png("hello there"))})
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert answer.headers["operation-location"] == f"{service.url}/v1/jobs/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert (job["name"], job["size"]) == ("a.png", len(png("hello there")))
    found = wait(client, job)
    assert found["status"] == "succeeded"
    assert found["progress"]["pages_done"] == found["progress"]["pages_total"] == 1
    assert found["created"] <= found["started"] <= found["finished"] < found["expires"]
    text = client.get(found["links"]["result"], params={"format": "txt"})
    assert text.text == "hello there\n"
    # As often as it is asked for.
    assert client.get(found["links"]["result"], params={"format": "txt"}).text == text.text
    document = client.get(found["links"]["document"]).json()
    assert (document["name"], document["pages"]) == ("a.png", 1)


@pytest.mark.parametrize("way", ["raw", "octets", "base64", "form"])
def test_there_are_several_ways_to_send_a_file(client, png, way):
    data = png("one of many ways")
    options = {"languages": "eng", "find_orientation": "false", "store": "false"}
    if way == "form":
        answer = client.post("/v1/jobs", files={"file": ("x.png", data)}, data=options)
    elif way == "base64":
        sent = {
            "data": base64.b64encode(data).decode(),
            "name": "x.png",
            "options": {"languages": ["eng"], "find_orientation": False},
            "store": False,
        }
        answer = client.post("/v1/jobs", json=sent)
    else:
        media = {"raw": "image/png", "octets": "application/octet-stream"}[way]
        answer = client.post(
            "/v1/jobs",
            content=data,
            headers={"Content-Type": media},
            params={**options, "name": "x.png"},
        )
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["name"] == "x.png"
    assert job["options"] == {"languages": ["eng"], "find_orientation": False}
    assert job["store"] is False
    found = wait(client, job)
    assert (found["status"], found["document"]) == ("succeeded", None)


def test_small_files_are_read_in_one_request(client, png):
    data = png("in one go")
    answer = client.post("/v1/ocr", files={"file": ("a.png", data)}, params={"format": "txt"})
    assert (answer.status_code, answer.text) == (200, "in one go\n")
    assert answer.headers["location"].startswith("/v1/jobs/")
    answer = client.post("/v1/ocr", content=data, headers={"Content-Type": "image/png"})
    assert answer.headers["content-type"] == "application/json"
    assert parse(answer.text).text == "in one go"
    for later in ({"params": {"wait": 0}}, {"headers": {"Prefer": "respond-async"}}):
        answer = client.post("/v1/ocr", files={"file": ("a.png", data)}, **later)
        assert answer.status_code == 202
        assert wait(client, answer.json())["status"] == "succeeded"
    problem(client.post("/v1/ocr", files={"file": ("a.png", b"nothing")}), 415, "format_error")


def test_the_same_request_makes_one_job(client, png):
    key = {"Idempotency-Key": "a-key-of-this-test"}
    first = send(client, png("once"), headers=key)
    assert send(client, png("once"), headers=key)["id"] == first["id"]
    answer = client.post("/v1/jobs", files={"file": ("scan.png", png("twice"))}, headers=key)
    problem(answer, 422, "idempotency_mismatch")
    bad = client.post("/v1/jobs", files={"file": ("a", b"x")}, headers={"Idempotency-Key": "a b"})
    problem(bad, 400, "request_error")
    client.delete(first["links"]["self"])


def test_every_export_can_be_had(client, done):
    at = done["links"]["result"]
    assert done["status"] == "partial"
    for name, form in FORMATS.items():
        answer = client.get(at, params={"format": name})
        if name in ("csv", "xlsx"):
            problem(answer, 400, "request_error")  # there is no table
            continue
        assert answer.status_code == 200, (name, answer.text)
        expected = "application/zip" if name == "page" else form.media_type
        assert answer.headers["content-type"] == expected
        assert 'filename="three' in answer.headers["content-disposition"]
        assert answer.content
    archive = zipfile.ZipFile(io.BytesIO(client.get(at, params={"format": "page"}).content))
    assert archive.namelist() == ["page_0001.page.xml", "page_0003.page.xml"]
    one = client.get(at, params={"format": "page", "page": 3})
    assert one.headers["content-type"] == FORMATS["page"].media_type
    assert client.get(at, params={"format": "pdfa"}).content.startswith(b"%PDF")
    assert client.get(at, params={"format": "txt", "page": 1}).text == "first of all\n"
    problem(client.get(at, params={"format": "txt", "page": 2}), 404, "not_in_library")
    problem(client.get(at, params={"format": "nothing"}), 422, "option_error")
    for accept, media in (
        ("application/pdf", "application/pdf"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("text/html;q=0.9, */*", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
    ):
        assert client.get(at, headers={"Accept": accept}).headers["content-type"] == media


def test_pages_come_as_they_are_finished(client, done):
    at = done["links"]["pages"]
    first = client.get(at, params={"limit": 2}).json()
    assert len(first["items"]) == 2
    assert not first["done"]
    rest = client.get(at, params={"limit": 2, "cursor": first["next"]}).json()
    assert rest["done"]
    again = client.get(at, params={"cursor": rest["next"]}).json()
    assert (again["items"], again["next"]) == ([], rest["next"])
    pages = {each["number"]: each for each in first["items"] + rest["items"]}
    assert pages[1]["page"]["text"] == "first of all"
    assert pages[3]["page"]["blocks"]
    assert pages[2]["page"] is None
    assert pages[2]["failure"]["kind"] == "OcrDamagedImage"
    problem(client.get(at, params={"cursor": "x"}), 400, "request_error")


def test_events_tell_everything_and_can_be_had_again(client, done):
    found = events(client, done)
    names = [name for name, _, _ in found]
    assert names[:2] == ["queued", "started"]
    assert sorted(names[2:-1]) == ["page", "page", "page_failed"]
    assert names[-1] == "partial"
    assert [number for _, number, _ in found] == [str(n) for n in range(1, len(found) + 1)]
    texts = {data["number"]: data.get("text") for name, _, data in found if "number" in data}
    assert texts == {1: "first of all", 2: None, 3: "last of all"}
    assert found[-1][2]["status"] == "partial"
    later = events(client, done, headers={"Last-Event-ID": "4"})
    assert later == found[4:]
    whole = events(client, done, params={"content": "page"})
    pages = [data["page"] for name, _, data in whole if name == "page"]
    assert {page["number"] for page in pages} == {1, 3}
    assert all(page["blocks"] for page in pages)


def test_events_come_while_the_job_is_read(client, note):
    job = send(client, pages_of([note(f"page {n}") for n in range(12)]), "many.tif")
    found = events(client, job)
    assert found[-1][0] == "succeeded"
    pages = [data["number"] for name, _, data in found if name == "page"]
    assert sorted(pages) == list(range(1, 13))
    progress = [data["progress"] for name, _, data in found if name == "progress"]
    assert any(each["pages_total"] == 12 for each in progress)


def test_pictures_fit_the_polygons(client, done):
    page = client.get(done["links"]["pages"]).json()["items"][0]["page"]
    at = f"{done['links']['self']}/pages/{page['number']}/image"
    answer = client.get(at, params={"width": 100})
    assert answer.headers["content-type"] in ("image/png", "image/jpeg")
    picture = PIL.Image.open(io.BytesIO(answer.content))
    assert picture.width == 100
    assert abs(picture.height - 100 * page["height"] / page["width"]) <= 1
    whole = PIL.Image.open(io.BytesIO(client.get(at).content))
    assert whole.size == (page["width"], page["height"])
    left, top = page["blocks"][0]["lines"][0]["words"][0]["polygon"][0]
    right, bottom = page["blocks"][0]["lines"][0]["words"][0]["polygon"][2]
    assert np.asarray(whole.convert("L").crop((left, top, right, bottom))).min() < 100
    problem(client.get(f"{done['links']['self']}/pages/9/image"), 404, "not_in_library")
    problem(client.get(f"{done['links']['self']}/pages/2/image"), 422, "damaged_image")


def test_what_takes_long_can_be_cancelled(client, note):
    job = send(client, pages_of([note(f"page {n}") for n in range(300)]), "long.tif")
    problem(client.get(job["links"]["result"]), 409, "job_not_ready")
    while not client.get(job["links"]["pages"]).json()["items"]:
        time.sleep(0.05)
    assert client.delete(job["links"]["self"]).status_code in (202, 204)
    found = wait(client, job)
    assert found["status"] == "canceled"
    assert 0 < found["progress"]["pages_done"] < 300
    # What was finished can still be had.
    text = client.get(found["links"]["result"], params={"format": "txt"})
    assert "page" in text.text
    problem(client.delete(job["links"]["self"]), 409, "job_ended")
    assert client.delete(job["links"]["self"], params={"purge": 1}).status_code == 204
    problem(client.get(job["links"]["self"]), 404, "job_not_found")


def test_purging_leaves_no_byte_on_the_disk(note):
    mark = b"a name that nobody else has"
    with running("--no-store") as server, server.client() as client:
        data = pages_of([note("Xylophonquartz")]) + mark
        job = wait(client, send(client, data, f"{mark.decode()}.tif"))
        assert job["status"] == "succeeded"
        assert holding(server, mark)
        assert client.delete(job["links"]["self"], params={"purge": 1}).status_code == 204
        until_gone(server, mark)
        # One that runs is ended first.
        job = send(client, pages_of([note(f"page {n}") for n in range(99)]) + mark, "long.tif")
        assert client.delete(job["links"]["self"], params={"purge": 1}).status_code == 204
        until_gone(server, mark)


def until_gone(server, mark):
    ends = time.monotonic() + LONG
    while found := holding(server, mark):
        assert time.monotonic() < ends, found
        time.sleep(0.1)


def holding(server, mark):
    """The files of a server in which something stands."""
    from pathlib import Path

    library = Path(server.library)
    files = [*library.parent.glob(f"{library.name}*"), *Path(server.spool).rglob("*")]
    return [path for path in files if path.is_file() and mark in path.read_bytes()]


def test_jobs_are_listed_in_parts(client, png):
    made = [wait(client, send(client, png("listed"), f"l{n}.png"))["id"] for n in range(3)]
    first = client.get("/v1/jobs", params={"limit": 2, "status": "succeeded"}).json()
    assert [job["id"] for job in first["items"]] == [made[2], made[1]]
    rest = client.get(
        "/v1/jobs", params={"limit": 1, "cursor": first["next"], "status": "succeeded"}
    ).json()
    assert rest["items"][0]["id"] == made[0]
    problem(client.get("/v1/jobs", params={"limit": 0}), 422, "invalid_request")
    problem(client.get("/v1/jobs", params={"cursor": "-1"}), 400, "request_error")


def test_what_is_wrong_is_told_and_not_repeated(client, png):
    wrong = client.post("/v1/jobs", files={"file": ("a.png", png("x"))}, data={"mode": "turbo<>"})
    assert "fast" in problem(wrong, 422, "option_error")["detail"]
    wrong = client.post("/v1/jobs", files={"file": ("a.png", png("x"))}, data={"colour": "red"})
    assert "languages" in problem(wrong, 422, "option_error")["detail"]
    wrong = client.get("/v1/jobs", params={"status": "<script>"})
    assert "<script>" not in wrong.text
    problem(wrong, 422, "invalid_request")
    problem(client.get("/v1/nothing"), 404, "not_found")
    problem(client.put("/v1/jobs"), 405, "method_not_allowed")
    problem(client.get("/v1/jobs/unknown"), 404, "job_not_found")


def test_a_password_opens_a_pdf_and_is_not_shown(client, note, tmp_path):
    import pikepdf

    path = tmp_path / "locked.pdf"
    made = io.BytesIO()
    PIL.Image.fromarray(note("behind a lock")).save(made, "PDF")
    with pikepdf.open(made) as document:
        document.save(path, encryption=pikepdf.Encryption(user="open", owner="open"))
    job = wait(client, send(client, path.read_bytes(), "locked.pdf"))
    assert (job["status"], job["error"]["code"]) == ("failed", "password_error")
    problem(client.get(job["links"]["result"]), 422, "password_error")
    job = wait(client, send(client, path.read_bytes(), "locked.pdf", password="open"))
    assert job["status"] == "succeeded"
    assert "open" not in json.dumps(job["options"])
    assert client.get(f"{job['links']['self']}/pages/1/image").status_code == 200
    text = client.get(job["links"]["result"], params={"format": "txt"}).text
    assert text == "behind a lock\n"


def test_a_full_queue_says_when_to_come_again(note):
    with running("--max-queued", 1, "--running", 1) as server, server.client() as client:
        long = pages_of([note(f"page {n}") for n in range(200)])
        first = send(client, long, "a.tif")
        while client.get(first["links"]["self"]).json()["status"] == "queued":
            time.sleep(0.02)
        send(client, long, "b.tif")
        answer = client.post("/v1/jobs", files={"file": ("c.tif", long)})
        problem(answer, 429, "service_busy")
        assert int(answer.headers["retry-after"]) >= 1
        client.delete(first["links"]["self"])
        ends = time.monotonic() + LONG
        while client.post("/v1/jobs", files={"file": ("c.tif", long)}).status_code == 429:
            assert time.monotonic() < ends
            time.sleep(0.1)


def test_several_wait_for_one_job_at_a_time(service, client, note):
    job = send(client, pages_of([note(f"page {n}") for n in range(8)]), "awaited.tif")
    found = []

    def look():
        with service.client() as own:
            found.append(wait(own, job)["status"])

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["succeeded"] * 8


def test_the_description_names_every_route(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]["/v1/jobs"]) == {"get", "post"}
    assert set(described["paths"]["/v1/jobs/{job}"]) == {"get", "delete"}
    body = described["paths"]["/v1/ocr"]["post"]["requestBody"]["content"]
    assert {"multipart/form-data", "application/json", "application/pdf"} <= set(body)
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (path, method)
            if path not in ("/livez", "/readyz"):
                assert PROBLEM in str(route["responses"]), (path, method)


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "MARK'it"},
        {"MARK": "x"},
        {"languages": "eng,MARK"},
        {"region": "MARK"},
        {"pages": "MARK"},
        {"find_orientation": "MARK"},
        {"timeout": "MARK"},
        {"min_confidence": "MARK"},
        {"user_words": '["MARK MARK"]'},
        {"options": '{"MARK": 1}'},
        {"options": '{"mode": "MARK"}'},
        {"options": '{"mode": ["MARK"]}'},
        {"options": "MARK"},
        {"store": "MARK"},
        {"webhook": '{"url": "MARK"}'},
        {"format": "MARK"},
    ],
)
def test_errors_do_not_repeat_what_was_sent(client, png, wrong):
    params = {"format": wrong.pop("format")} if "format" in wrong else {}
    answer = client.post("/v1/ocr", files={"file": ("a.png", png("x"))}, data=wrong, params=params)
    assert answer.status_code in (400, 403, 422)
    assert "MARK" not in answer.text
    assert len(answer.json()["detail"]) > 20
