"""A PostgreSQL server of the tests' own, on loopback, and databases on it."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

__all__ = ["GUEST", "Server", "free_port", "server"]

GUEST = ("guest", "correct horse battery staple")
"""A user that needs a password, and may only connect."""

LONG = 60.0  # seconds after which the server must run
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "log_min_messages": "warning",
}
# Ends the server when its input ends, so that it outlives the tests in no case.
WATCH = """
"$@" </dev/null & server=$!
read -r _
kill -QUIT "$server"
wait "$server"
"""


class Server:
    """A server that runs, and its databases."""

    def __init__(self, port):
        self.port = port
        self._numbers = itertools.count(1)

    def address(self, database, user="postgres", password=""):
        who = f"{user}:{quote(password)}" if password else user
        return f"postgresql://{who}@127.0.0.1:{self.port}/{database}"

    def run(self, sql, database="postgres"):
        """Runs a statement beside everything else."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def database(self, options="ENCODING 'UTF8'"):
        """An empty database, dropped in the end; its address."""
        name = f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        try:
            yield self.address(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def server():
    """Starts a server and ends it; skips where PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason='needs pip install "ocrloom[postgres]"')
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server; it is in the package postgresql")
    # Not pytest's own folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="ocrloom-postgres-"))
    try:
        who = _who(folder)
        data = folder / "data"
        begin = ["--pgdata", data, "--username=postgres", "--auth=trust", "--no-sync"]
        subprocess.run(
            [programs / "initdb", *begin, "--encoding=UTF8", "--locale=C"],
            check=True,
            capture_output=True,
            cwd=folder,
            **who,
        )
        access = data / "pg_hba.conf"
        access.write_text(
            f"host all {GUEST[0]} 127.0.0.1/32 scram-sha-256\n{access.read_text(encoding='utf-8')}",
            encoding="utf-8",
        )
        with _running(programs, folder, data, who) as started:
            started.run(f"CREATE ROLE {GUEST[0]} LOGIN PASSWORD '{GUEST[1]}'")
            yield started
    finally:
        shutil.rmtree(folder)


def _programs():
    """The folder of the server's programs, which is seldom in PATH."""
    folders = [Path(found).parent for found in [shutil.which("initdb")] if found]
    if shutil.which("pg_config"):
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True).stdout
        folders.append(Path(found.strip()))
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(installed, key=lambda each: float(each.parent.name), reverse=True)
    both = ("initdb", "postgres")
    return next((each for each in folders if all((each / one).exists() for one in both)), None)


def _who(folder):
    """Whom to run it as: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    import pwd  # where there is no such module nobody is root

    names = {each.pw_name for each in pwd.getpwall()}
    name = "postgres" if "postgres" in names else "nobody"
    user = pwd.getpwnam(name)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def _running(programs, folder, data, who):
    port = free_port()
    options = {**SETTINGS, "port": str(port), "unix_socket_directories": str(folder)}
    command = [programs / "postgres", "-D", data]
    command += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", WATCH, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            **who,
        )
    with process:  # closes its input and waits
        started = Server(port)
        _await(started, process, folder / "log")
        yield started


def free_port():
    """A port that nothing listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def _await(started, process, log):
    import psycopg

    end = time.monotonic() + LONG
    while True:
        try:
            started.run("SELECT 1")
        except psycopg.OperationalError:
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        else:
            return
