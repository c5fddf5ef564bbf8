"""What the service answers is what its description says, whatever it is asked."""

from __future__ import annotations

import subprocess
import sys

import pytest
from serving import running

pytest.importorskip("schemathesis")

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,"
    "ensure_resource_availability,use_after_free"
)
LIMITS = ("--max-wait", 1, "--sync-seconds", 1, "--max-queued", 100_000, "--max-pixels", 1_000_000)


def explore(server, folder, *flags):
    """Asks for everything in the description, well and badly; the same each time."""
    command = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"]
    command += ["run", f"{server.url}/openapi.json", "--checks", CHECKS, "--seed", "1"]
    command += ["--max-examples", "3", "--phases", "examples,coverage,fuzzing,stateful"]
    command += ["--generation-deterministic", "--continue-on-failure", "--no-color", *flags]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=200
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr


def test_a_service_without_keys_answers_as_described(tmp_path):
    with running(*LIMITS) as server:
        explore(server, tmp_path)
        assert server.process.poll() is None


def test_a_service_with_keys_answers_as_described(tmp_path):
    library = str(tmp_path / "library.db")
    made = subprocess.run(
        [sys.executable, "-m", "ocrloom", "keys", "create", "tester", "--library", library],
        capture_output=True,
        text=True,
        check=True,
    )
    with running(*LIMITS, "--require-keys", library=library) as server:
        key = f"Authorization: Bearer {made.stdout.strip()}"
        checks = f"{CHECKS},ignored_auth"
        explore(server, tmp_path, "--phases", "fuzzing", "--checks", checks, "--header", key)
