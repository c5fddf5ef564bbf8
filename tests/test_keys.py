"""API keys: made, revoked and checked; how often their callers may ask; the commands."""

from __future__ import annotations

import asyncio
import json
import re
import time

import pytest

from ocrloom import OcrException, OcrOptionError
from ocrloom.library import opening
from ocrloom.service import keys as module
from ocrloom.service.keys import Caller, Key, Keys

LONG = 30.0


@pytest.fixture
def keys(where):
    with Keys(where) as made:
        yield made


def check(keys, text):
    return asyncio.run(keys.check(text))


def test_a_key_is_known_again(keys, where):
    key, text = keys.create("scanner", rate=5, max_upload=10, max_queued=3).result()
    assert re.fullmatch(rf"ocrl_{key.id}_[A-Za-z0-9_-]{{43}}", text)
    assert abs(time.time() - key.created) < LONG
    assert key == Key(id=key.id, name="scanner", owner=key.id, created=key.created, rate=5,
                      max_upload=10, max_queued=3)  # fmt: skip
    expected = Caller(owner=key.id, key=key.id, name="scanner", rate=5, max_upload=10, max_queued=3)
    assert check(keys, text) == expected
    with Keys(where) as others:
        assert check(others, text) == expected
    assert keys.create("again").result()[0].id != key.id


def test_the_database_does_not_have_the_secret(keys, where):
    _, text = keys.create("scanner").result()
    secret = text[-43:]
    store = opening.connector(where)(False)
    (row,) = store.run("SELECT * FROM keys")
    assert all(secret not in str(value) for value in row)
    store.close()


def test_what_is_no_key(keys):
    key, text = keys.create("scanner").result()
    assert check(keys, text) is not None
    other = keys.create("other").result()[1]
    wrong = [
        "",
        text[:-1],
        f"{text}x",
        f" {text}",
        text[:-1] + ("A" if text[-1] != "A" else "B"),
        f"ocrl_{key.id}_{other[-43:]}",
        f"ocrl_{'0' * 12}_{text[-43:]}",
        f"ocrl_{key.id}_{'é' * 43}",
        "ocrl_' OR 1=1 --_" + "A" * 43,
        "\0",
    ]
    for each in wrong:
        assert check(keys, each) is None, each
        assert check(keys, each) is None, each  # also from memory


def test_owners_of_keys(keys):
    assert keys.create("a", owner="").result()[0].owner == ""
    (one, first), (two, second) = (keys.create(name, owner="ann").result() for name in "bc")
    assert one.id != two.id
    assert check(keys, first).owner == check(keys, second).owner == "ann"


@pytest.mark.parametrize(
    ("name", "changes", "expected"),
    [
        ("", {}, "name of a key"),
        ("  ", {}, "name of a key"),
        ("x" * 201, {}, "name of a key"),
        ("a\nb", {}, "name of a key"),
        (None, {}, "name of a key"),
        ("a", {"owner": "b\0"}, "an owner must"),
        ("a", {"rate": 0}, "rate must"),
        ("a", {"max_upload": -1}, "max_upload must"),
        ("a", {"max_queued": True}, "max_queued must"),
        ("a", {"max_queued": 2**63}, "max_queued must"),
    ],
)
def test_what_cannot_be_a_key(tmp_path, name, changes, expected):
    with Keys(tmp_path / "l.db") as keys, pytest.raises(OcrOptionError, match=expected):
        keys.create(name, **changes)


def test_a_revoked_key_is_refused_soon_by_every_server(keys, where, monkeypatch):
    monkeypatch.setattr(module, "_KNOWN", 0.2)
    key, text = keys.create("scanner").result()
    with Keys(where) as others:
        assert check(others, text) is not None
        revoked = keys.revoke(key.id).result()
        assert revoked.revoked >= key.created
        assert check(keys, text) is None  # at once where it was revoked
        time.sleep(0.25)
        assert check(others, text) is None
        assert [each.revoked for each in others.list().result()] == [revoked.revoked]
    assert keys.revoke(key.id).result().revoked == revoked.revoked
    with pytest.raises(OcrOptionError, match="there is no key 'absent'"):
        keys.revoke("absent").result()


def test_what_is_known_is_not_asked_again(keys, monkeypatch):
    assert module._KNOWN < 5
    _, text = keys.create("scanner").result()
    asked = []
    read = keys._desk.read
    monkeypatch.setattr(keys._desk, "read", lambda work: asked.append(work) or read(work))
    for _ in range(5):
        assert check(keys, text)
        assert check(keys, f"ocrl_{'0' * 12}_{'A' * 43}") is None
    assert len(asked) == 2
    monkeypatch.setattr(module, "_REMEMBERED", 1)
    check(keys, f"ocrl_{'1' * 12}_{'A' * 43}")
    assert len(keys._known) == 1


def test_when_a_key_was_used(keys, monkeypatch):
    key, text = keys.create("scanner").result()
    assert keys.list().result()[0].used is None
    begun = time.time()
    written = []
    write = keys._desk.write

    def note(work):
        written.append(write(work))
        return written[-1]

    monkeypatch.setattr(keys._desk, "write", note)
    for _ in range(3):
        check(keys, text)
    (noted,) = written
    noted.result(LONG)
    assert begun <= keys.list().result()[0].used <= time.time()
    keys._noted[key.id] = begun - module._NOTED - 1
    check(keys, text)
    assert len(written) == 2


def test_buckets():
    pytest.importorskip("fastapi")
    from ocrloom.service.limits import Buckets

    now = [0.0]
    buckets = Buckets(lambda: now[0])
    assert [buckets.take("a", 3) for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a", 3) == pytest.approx(20)
    assert buckets.take("b", 3) == 0
    now[0] = 10
    assert buckets.take("a", 3) == pytest.approx(10)
    now[0] = 20.1
    assert buckets.take("a", 3) == 0
    assert buckets.take("a", 3) > 0
    now[0] = 10_000
    assert [buckets.take("a", 3) > 0 for _ in range(4)] == [False, False, False, True]


def test_addresses_share_buckets_by_network(monkeypatch):
    pytest.importorskip("fastapi")
    from ocrloom.service import limits

    class Request:
        def __init__(self, host):
            self.client = type("Client", (), {"host": host})()

    def who(host, key=None):
        return limits._who(Request(host), key)

    assert who("10.0.0.1") != who("10.0.0.2")
    assert who("2001:db8::1") == who("2001:db8::ffff:1") != who("2001:db8:0:1::1")
    assert who("10.0.0.1", "k") == who("10.0.0.2", "k") != who("10.0.0.1")
    assert who("testclient") == "testclient"
    monkeypatch.setattr(limits, "_REMEMBERED", 1)
    buckets = limits.Buckets()
    buckets.take("a", 1)
    buckets.take("b", 1)
    assert buckets.take("a", 1) == 0  # forgotten


def test_loopback():
    pytest.importorskip("fastapi")
    from ocrloom.service.auth import is_loopback

    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"]))
    assert not any(
        map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.0.0.1.x"])
    )


def test_who_needs_a_key():
    pytest.importorskip("pydantic_settings")
    from ocrloom.service.auth import needs_keys
    from ocrloom.service.settings import Settings

    assert not needs_keys(Settings())
    assert needs_keys(Settings(host="0.0.0.0"))
    assert needs_keys(Settings(require_keys=True))
    assert not needs_keys(Settings(host="0.0.0.0", require_keys=False))


# The commands


def test_keys_need_nothing_of_a_server(run_python, tmp_path):
    """They are made where the database is, which may be another machine."""
    code = """
import sys
for name in ("fastapi", "starlette", "uvicorn", "pydantic_settings"):
    sys.modules[name] = None
from ocrloom.cli import main
main(["keys", "list", "--library", sys.argv[1]])
"""
    with Keys(tmp_path / "l.db") as keys:
        keys.create("scanner").result()
    assert "scanner" in run_python(code, tmp_path / "l.db")


def test_keys_on_the_command_line(run, tmp_path):
    where = ("--library", tmp_path / "l.db")
    code, text, told = run("keys", "create", *where, "scanner in room 4", "--rate", 120,
                           "--max-upload", "1.5K", "--max-queued", 4, "--owner", "é")  # fmt: skip
    assert code == 0
    assert re.fullmatch(r"ocrl_\w+_\S{43}\n", text)
    number = text.split("_")[1]
    assert f"Made the key {number} for scanner in room 4" in told
    assert text.strip() not in told
    run("keys", "create", *where, "other")
    code, listed, _ = run("keys", "list", *where)
    assert code == 0
    first = next(line for line in listed.splitlines() if line.startswith(number))
    assert re.split(r"\s{2,}", first)[1:3] == ["scanner in room 4", "é"]
    assert first.split()[-5:] == ["-", "-", "120", "1536", "4"]
    code, told, _ = run("keys", "list", *where, "--json")
    entries = [json.loads(line) for line in told.splitlines()]
    assert [entry["name"] for entry in entries] == ["scanner in room 4", "other"]
    assert entries[0]["id"] == number
    assert entries[0]["revoked"] is None
    assert text.strip()[-43:] not in told
    with Keys(where[1]) as keys:
        assert check(keys, text.strip()).max_upload == 1536
    assert run("keys", "revoke", *where, number)[0] == 0
    with Keys(where[1]) as keys:
        assert check(keys, text.strip()) is None
    assert json.loads(run("keys", "list", *where, "--json")[1].splitlines()[0])["revoked"]


def test_what_the_commands_refuse(run, tmp_path):
    absent = ("--library", tmp_path / "absent.db")
    assert run("keys", "list", *absent)[0] == 81
    assert run("keys", "revoke", *absent, "x")[0] == 81
    assert not absent[1].exists()
    code, out, told = run("keys", "create", *absent, "a\tb")
    assert (code, out) == (OcrOptionError.exit_code, "")
    assert "printable" in told
    assert run("keys", "create", *absent, "a", "--rate", 0)[0] == 2
    run("keys", "create", *absent, "a")
    code, _, told = run("keys", "revoke", *absent, "x")
    assert (code, told.count("\n")) == (OcrOptionError.exit_code, 1)


def test_keys_of_a_database_that_is_none(tmp_path):
    (tmp_path / "l.db").write_bytes(b"no database" * 100)
    with Keys(tmp_path / "l.db") as keys, pytest.raises(OcrException):
        check(keys, f"ocrl_{'0' * 12}_{'A' * 43}")
