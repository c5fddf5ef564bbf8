"""``ocrloom serve``: its flags are the service's settings, and starting and ending are in order."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest
from documents import LONG, pages_of
from serving import running

pytest.importorskip("fastapi", reason='needs pip install "ocrloom[server]"')

COMMAND = [sys.executable, "-m", "ocrloom", "serve"]


def test_every_setting_is_a_flag_with_its_default_and_its_docstring(monkeypatch):
    from ocrloom.cli.serve_commands import _with_flags
    from ocrloom.service.settings import Settings

    parameters = {each.name: each for each in _with_flags().params}
    assert set(parameters) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        flag = parameters[name]
        assert flag.opts == [f"--{name.replace('_', '-')}"]
        # None is "not given": then the environment, or the default, counts.
        assert flag.default is None
        assert flag.help == " ".join(field.description.split()), name
        if field.default not in (None, ()):
            shown = field.default if not isinstance(field.default, bool) else str(field.default)
            assert str(flag.show_default).lower() == str(shown).lower()


def test_settings_come_from_flags_and_from_the_environment(monkeypatch):
    from ocrloom.cli import serve

    found = []
    monkeypatch.setattr("ocrloom.service.server.serve", found.append)
    monkeypatch.setenv("OCRLOOM_MAX_UPLOAD", "1.5M")
    monkeypatch.setenv("OCRLOOM_HOSTS", "a.example, b.example")
    monkeypatch.setenv("OCRLOOM_PORT", "1")
    serve.serve({"port": "9000", "store": False, "memory": "2G"})
    (settings,) = found
    assert (settings.port, settings.store, settings.memory) == (9000, False, 2 * 1024**3)
    assert settings.max_upload == 1.5 * 1024**2
    assert settings.hosts == ("a.example", "b.example")
    assert settings.limits.max_bytes == settings.max_upload


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--port", "70000"], "--port: Input should be less than or equal to 65535"),
        (["--max-upload", "lots"], "--max-upload: Input should be a valid integer"),
        (["--log-format", "xml"], "--log-format: Input should be 'json' or 'text'"),
        (["--library", "/"], "must be the name of a file"),
        (["--network-allow", "not an address!"], "not an address"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(run, flags, told, tmp_path):
    code, out, err = run("serve", "--spool", tmp_path, *flags)
    assert code == 30
    assert out == ""
    assert told in err
    assert err.startswith("ocrloom: ")
    assert err.count("\n") == 1


def test_without_the_extra_it_is_said_what_to_install(run_python):
    code = """
import sys
sys.modules["fastapi"] = None
from ocrloom.cli import main
try:
    main(["serve"])
except SystemExit as ended:
    assert ended.code == 30, ended.code
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "ocrloom[server]" in done.stderr, done.stderr


def test_help_of_the_program_loads_no_service(run_python):
    code = """
import sys
from ocrloom.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = {"fastapi", "pydantic", "uvicorn", "httpx", "numpy", "openvino"} & set(sys.modules)
assert not heavy, heavy
"""
    assert "serve" in run_python(code)


def test_a_port_that_is_taken_is_told(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, "--port", str(port), "--spool", tmp_path / "s", "--library", tmp_path / "l"],
            capture_output=True,
            text=True,
            timeout=LONG,
        )
    assert done.returncode != 0
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_is_to_end_finishes_its_jobs_and_takes_no_others(note):
    data = pages_of([note(f"page {n}") for n in range(40)])
    with running("--drain-seconds", 60) as server, server.client() as client:
        job = client.post("/v1/jobs", files={"file": ("a.tif", data)}).json()
        while not client.get(job["links"]["pages"]).json()["items"]:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        ends = time.monotonic() + LONG
        while client.get("/readyz").status_code == 200:
            assert time.monotonic() < ends
        refused = client.post("/v1/jobs", files={"file": ("b.tif", data)})
        assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        # Who waits is told of the end.
        found = client.get(job["links"]["self"], params={"wait": 60}).json()
        assert found["status"] == "succeeded"
        assert server.process.wait(LONG) == 0


def test_what_is_not_finished_in_time_waits_for_the_next_server(note, tmp_path):
    data = pages_of([note(f"page {n}") for n in range(60)])
    where = {"library": tmp_path / "l.db", "spool": tmp_path / "s"}
    with running("--drain-seconds", 0, **where) as server, server.client() as client:
        job = client.post("/v1/jobs", files={"file": ("a.tif", data)}).json()
        while not client.get(job["links"]["pages"]).json()["items"]:
            time.sleep(0.02)
        assert server.stop() == 0
    with running(**where) as server, server.client() as client:
        found = client.get(job["links"]["self"], params={"wait": 60}).json()
        assert (found["status"], found["attempts"]) == ("succeeded", 2)
        text = client.get(job["links"]["result"], params={"format": "txt"}).text
        assert text.count("page") == 60
        events = client.get(job["links"]["events"], params={"content": "none"}).text
    assert events.count("event: page\r\n") == 60
    assert events.count("event: requeued\r\n") == 1


def test_a_second_signal_ends_it_at_once(note, tmp_path):
    data = pages_of([note(f"page {n}") for n in range(300)])
    where = {"library": tmp_path / "l.db", "spool": tmp_path / "s"}
    with running("--drain-seconds", 600, **where) as server, server.client() as client:
        job = client.post("/v1/jobs", files={"file": ("a.tif", data)}).json()
        while not client.get(job["links"]["pages"]).json()["items"]:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        while client.get("/readyz").status_code == 200:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(LONG)
    with running(**where) as server, server.client() as client:
        ends = time.monotonic() + LONG
        while client.get(job["links"]["self"]).json()["attempts"] < 2:
            assert time.monotonic() < ends
        assert client.delete(job["links"]["self"], params={"purge": 1}).status_code == 204
