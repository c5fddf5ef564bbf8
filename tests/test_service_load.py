"""Many callers at once: nothing is lost, nothing fails, and who is turned away gets in later."""

from __future__ import annotations

import json
import sys

import pytest
from serving import running
from typer.testing import CliRunner

from benchmarks import cli, load, load_watch, note

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="looks at processes in /proc, which Linux has"
)

CLIENTS = 200
JOBS = 220
WAITING = 60
MEMORY = 256 * 1024**2
OPTIONS = {"languages": "eng", "store": "false"}


def test_two_hundred_callers_lose_nothing(tmp_path):
    pages = load.sources(note.write_files(tmp_path, 2), "eng")
    with running("--max-queued", WAITING, "--memory", MEMORY) as server:
        with load_watch.watching(server, 8) as seen:
            report = load.measure(
                server, pages, clients=CLIENTS, seconds=60, most=JOBS, options=OPTIONS
            )
        with server.client() as client:
            figures = client.get("/metrics").text
            listed = client.get("/v1/jobs", params={"limit": 1}).json()
    assert report.accepted == report.sent == report.done == JOBS
    assert (report.lost, report.differing, report.failures, report.without_retry) == (0, 0, 0, 0)
    assert report.busy > 0
    assert report.answers[429] >= report.busy
    assert f'ocrloom_jobs{{status="succeeded"}} {report.done}.0' in figures
    assert "ocrloom_queue_length 0.0" in figures
    assert listed["items"][0]["status"] == "succeeded"
    assert seen.livez
    assert seen.before < seen.peak < seen.before + MEMORY + 200 * 1024**2


def test_the_benchmark_tells_of_load_and_of_cancels(tmp_path):
    pytest.importorskip("uvicorn", reason='needs pip install "ocrloom[server]"')
    (path,) = note.write_files(tmp_path, 1)
    path.with_suffix(".gt.txt").write_text("note")
    out = tmp_path / "out.json"
    few = ["--clients", "4", "--seconds", "1", "--pages", "1", "--queued", "2", "--cancels", "1"]
    done = CliRunner().invoke(cli.app, ["load", str(tmp_path), *few, "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "/livez p50 / p99 / most ms" in done.stdout
    found = json.loads(out.read_text(encoding="utf-8"))
    report = found["load"]
    assert report["sent"] == report["accepted"] == report["ended"]["succeeded"] >= 4
    assert report["lost"] == report["differing"] == 0
    assert set(report["answers"]) <= {"200", "202", "429"}
    assert len(found["cancels"]) == 1
    assert found["cancels"][0]["answered"] >= 0
    assert found["seen"]["peak"] >= found["seen"]["before"] > 0
