"""A server that is asked how it is, is told to end, and does what its pages say."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import PIL.Image
import pytest
from serving import running

httpx = pytest.importorskip("httpx")

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
HERE = "http://localhost:8000"
LONG = 30.0


@pytest.fixture
def book(note):
    """A TIFF of so many pages of one line."""

    def make(count):
        page = PIL.Image.fromarray(note("one line on each page"))
        file = io.BytesIO()
        page.save(file, "TIFF", save_all=True, append_images=[page] * (count - 1))
        return file.getvalue()

    return make


def submit(client, body, **params):
    answer = client.post(
        "/v1/jobs",
        params={"languages": "eng", **params},
        content=body,
        headers={"Content-Type": "image/tiff"},
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def until(client, job, done):
    """A job as soon as it is as it should be."""
    ends = time.monotonic() + LONG
    while time.monotonic() < ends:
        found = client.get(job["links"]["self"]).json()
        if done(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_a_server_says_that_it_is_well(service):
    with service.client() as client:
        assert client.get("/livez").json() == client.get("/readyz").json() == {"status": "ok"}


def test_figures_tell_what_happened(service, book):
    with service.client() as client:
        answer = client.post(
            "/v1/ocr",
            params={"languages": "eng", "format": "txt"},
            content=book(2),
            headers={"Content-Type": "image/tiff"},
        )
        assert answer.status_code == 200, answer.text
        client.get("/v1/jobs/secret-in-a-path")
        answer = client.get("/metrics")
    figures = dict(re.findall(r"^(\S+) ([0-9.e+-]+)$", answer.text, re.MULTILINE))
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert float(figures['ocrloom_pages_total{outcome="read"}']) >= 2
    assert float(figures['ocrloom_stage_seconds_count{stage="reading"}']) >= 2
    assert float(figures['ocrloom_stage_seconds_count{stage="waiting"}']) >= 1
    assert float(figures['ocrloom_stage_seconds_count{stage="export"}']) >= 1
    assert float(figures["ocrloom_upload_bytes_total"]) > 0
    assert float(figures["ocrloom_memory_budget_bytes"]) > 0
    assert float(figures["ocrloom_jobs_running"]) == 0
    assert float(figures["process_resident_memory_bytes"]) > 0
    assert 'route="/v1/jobs/{job}",status="404"' in re.sub(r"\{\w+\}", "{job}", answer.text)
    assert "secret-in-a-path" not in answer.text


def test_requests_that_are_refused_are_counted(service):
    with service.client() as client:
        assert client.get("/v1/languages", headers={"Host": "elsewhere.example"}).status_code == 403
        figures = client.get("/metrics").text
    assert 'requests_total{method="GET",route="other",status="403"}' in figures


def test_a_server_without_keys_on_other_addresses_shows_no_figures():
    with running("--require-keys") as server, server.client() as client:
        assert client.get("/livez").status_code == client.get("/readyz").status_code == 200
        assert client.get("/metrics").status_code == 401


def test_the_log_tells_of_requests_and_jobs_and_no_secrets(book):
    with running("--log-format", "json", "--log-level", "debug") as server:
        with server.client() as client:
            job = submit(client, book(1), name="secret-name.tif")
            client.get("/v1/search", params={"q": "secret-query"})
            client.get("/livez", headers={"X-Request-Id": "mine-1", "X-Api-Key": "ocrl_secret_key"})
            until(client, job, lambda found: found["status"] == "succeeded")
        assert server.stop() == 0
        log = server.log()
    entries = [json.loads(line) for line in log.splitlines()]
    assert "secret" not in log
    assert "one line on each page" not in log
    requests = [entry for entry in entries if entry.get("event") == "request"]
    by_path = {entry["path"]: entry for entry in requests}
    assert by_path["/v1/jobs"]["method"] == "POST"
    assert by_path["/v1/jobs"]["status"] == 202
    assert by_path["/v1/jobs"]["level"] == "info"
    assert by_path["/livez"]["level"] == "debug"
    mine = [entry for entry in requests if entry["request_id"] == "mine-1"]
    assert [entry["path"] for entry in mine] == ["/livez"]
    assert len({entry["request_id"] for entry in requests}) == len(requests)
    assert any(entry.get("job_id") == job["id"] for entry in entries)


# The end


def test_a_cancelled_job_is_left(service, book):
    with service.client() as client:
        job = submit(client, book(400))
        until(client, job, lambda found: found["progress"]["pages_done"] >= 2)
        assert client.delete(job["links"]["self"]).status_code in (202, 204)
        found = until(client, job, lambda found: found["status"] == "canceled")
        assert 2 <= found["progress"]["pages_done"] < 400
        other = submit(client, book(1))
        until(client, other, lambda found: found["status"] == "succeeded")


# What the documentation shows


def examples():
    found = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        for number, match in enumerate(BLOCK.finditer(page.read_text(encoding="utf-8")), 1):
            if HERE in match[2]:
                found.append(pytest.param(*match.groups(), id=f"{page.stem}-{number}"))
    return found


@pytest.mark.parametrize(("kind", "code"), examples())
def test_the_example_runs(kind, code, service, samples, tmp_path, monkeypatch):
    for sample in samples.iterdir():
        shutil.copy(sample, tmp_path)
    monkeypatch.chdir(tmp_path)
    code = code.replace(HERE, service.url)
    if kind == "python":
        exec(compile(code, "example", "exec"), {"__name__": "__main__"})
        return
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    strict = f"set -e\ncurl() {{ command curl --fail --noproxy '*' \"$@\"; }}\n{code}"
    done = subprocess.run(
        ["bash", "-c", strict], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
