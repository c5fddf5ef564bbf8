"""No network: nothing opens a socket, and all works where there is no interface."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

# Runs a recognition with every door to the network watched, then proves that the watch works.
WATCHED = """
import asyncio, json, sys
met = []
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.bind",
           "socket.sendto", "socket.sendmsg", "socket.getnameinfo", "urllib.Request",
           "http.client.connect")
def watch(event, arguments):
    if event.startswith(NETWORK):
        met.append(event)
    elif event == "socket.__new__" and arguments[1] != 1:  # AF_UNIX: the event loop's own pair
        met.append(f"{event} {arguments[1]}")
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"):
        met.append(event)
sys.addaudithook(watch)

import ocrloom
async def main():
    engine = ocrloom.OcrEngine()
    return await engine.process_async(sys.argv[1])
text = asyncio.run(main()).text + ocrloom.OcrEngine(language="fra+jpn").process(sys.argv[1]).text
quiet = list(met)

import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)
except OSError:
    pass
print(json.dumps([text, quiet, met]))
"""
PLAIN = """
import sys, ocrloom
print(ocrloom.OcrEngine().process(sys.argv[1]).text)
"""


def without_network():
    """The start of a command that runs the rest in a namespace without interfaces, or None."""
    unshare = shutil.which("unshare")
    for options in (["-n"], ["-r", "-n"]):
        command = [unshare or "unshare", *options]
        if unshare and not subprocess.run([*command, "true"], capture_output=True).returncode:
            return command
    return None


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


def test_nothing_opens_a_socket_or_starts_a_program(run_python, scan, truth, cer, cache):
    text, quiet, met = json.loads(run_python(WATCHED, scan("cmyk.jpg")))
    assert quiet == []
    assert {"socket.getaddrinfo", "socket.connect"} <= set(met)
    assert cer(truth("cmyk.jpg") * 2, text) < 0.02
    if sys.platform == "linux":
        assert list(cache.rglob("*.blob"))


def test_it_works_without_any_interface(run_python, scan, truth, cer, cache):
    prefix = without_network()
    if prefix is None:
        pytest.skip("`unshare -n` is not there or not permitted")
    interfaces = "import socket, os; print(os.listdir('/proc/self/net') and socket.if_nameindex())"
    assert run_python(interfaces, prefix=prefix) == "[(1, 'lo')]\n"
    text = run_python(PLAIN, scan("cmyk.jpg"), prefix=prefix)
    assert cer(truth("cmyk.jpg"), text) < 0.01
    assert not cache.exists() or any(cache.rglob("*"))


@pytest.mark.skipif(sys.platform != "linux", reason="the cache lies elsewhere")
def test_without_a_cache_folder_it_works_too(run_python, scan, truth, cer, cache):
    cache.write_text("a file where the folder should be")
    assert cer(truth("cmyk.jpg"), run_python(PLAIN, scan("cmyk.jpg"))) < 0.01
    assert cache.read_text() == "a file where the folder should be"


@pytest.mark.skipif(sys.platform != "linux", reason="the cache lies elsewhere")
def test_a_broken_cache_is_made_anew(run_python, scan, truth, cer, cache):
    first = run_python(PLAIN, scan("cmyk.jpg"))
    blobs = list(cache.rglob("*.blob"))
    assert blobs
    for blob in blobs:
        blob.write_bytes(blob.read_bytes()[:1000])
    assert run_python(PLAIN, scan("cmyk.jpg")) == first
    assert cer(truth("cmyk.jpg"), first) < 0.01
