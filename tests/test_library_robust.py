"""A library among processes that are killed, that write and read at once, and on a full disk."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import crowd
import pytest
from stores import found, new, phrase, unchanged

from ocrloom import Library, OcrCancelled, OcrLibraryFull
from ocrloom.library import opening

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs processes that fork")


@pytest.fixture
def crowd_of(tmp_path):
    """Runs a function of crowd.py as a program; what it has seen."""

    def run(name, where, *, prefix=()):
        folder = tmp_path / name
        folder.mkdir()
        done = subprocess.run(
            [*prefix, sys.executable, "-W", "error", crowd.__file__, name, where, str(folder)],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return run


def test_kills_at_any_moment_lose_and_double_nothing(where, crowd_of):
    sizes = crowd_of("killed", where)["sizes"]
    assert len(sizes) == crowd.KILLS
    assert len(set(sizes)) > crowd.KILLS / 3  # runs came to something before they were killed


def test_readers_beside_a_writer_see_whole_documents_and_no_error(where, crowd_of):
    assert len(crowd_of("readers", where)["searches"]) == crowd.READERS


def test_processes_that_write_at_once(where, crowd_of):
    crowd_of("writers", where)


def test_threads_and_tasks_share_a_library(where):
    async def search(library, number):
        return [hit async for hit in library.search(f"document{number}")]

    async def all_at_once(library):
        adding = [library.add(crowd.made(n), digest=crowd.digest(n)) for n in range(8)]
        await asyncio.gather(*(search(library, n) for n in range(8)))
        await asyncio.gather(*adding)
        return await asyncio.gather(*(search(library, n) for n in range(8)))

    with Library(where) as library:
        found = asyncio.run(all_at_once(library))
        assert [len(hits) for hits in found] == [crowd.PAGES] * 8
        with ThreadPoolExecutor(8) as threads:
            again = threads.map(lambda n: list(library.search(f"document{n}")), range(8))
            assert list(again) == found
    crowd.check(where, range(8))


# A full disk


def test_a_database_that_may_not_grow_says_so_and_stays_whole(tmp_path):
    store = opening.connector(str(tmp_path / "library.db"))(True)
    number = store.put(new("a", "some words")).id
    size = store.run("PRAGMA page_count")[0][0]
    store.run(f"PRAGMA max_page_count = {size + 4}")
    many = [" ".join(f"word{n}x{m}" for m in range(200)) for n in range(40)]
    for name in "ab":
        with unchanged(store), pytest.raises(OcrLibraryFull, match=r"no room.*make room"):
            store.put(new(name, *many))
    assert found(store, phrase("words")) == [(number, 1)]
    store.run("PRAGMA max_page_count = 1000000")
    store.put(new("b", *many))
    assert list(store.check()) == []
    store.close()


def own_mounts():
    """The start of a command that may mount what nobody else sees, or None."""
    unshare = shutil.which("unshare")
    for options in (["-m"], ["-r", "-m"]):
        command = [unshare or "unshare", *options]
        test = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
        if unshare and not subprocess.run(test, capture_output=True).returncode:
            return command
    return None


def test_a_full_disk_says_so_and_leaves_the_library_whole(tmp_path, crowd_of):
    prefix = own_mounts()
    if prefix is None:
        pytest.skip("only some users may mount a small disk")
    seen = crowd_of("full", str(tmp_path / "full" / "library.db"), prefix=prefix)
    assert seen["added"] > 5
    assert "no room" in seen["message"]


def test_a_quota_that_is_used_up_says_so_and_leaves_the_library_whole(tmp_path, crowd_of):
    seen = crowd_of("limited", str(tmp_path / "library.db"))
    assert seen["added"] > 5
    assert "no room" in seen["message"]


# Cancelling


def test_a_cancelled_write_is_as_if_it_had_never_begun(where):
    with Library(where) as library:
        first = library.add(crowd.made(1), digest=crowd.digest(1)).result(crowd.LONG)
        for n in range(20):
            pending = library.add(crowd.made(1, n), digest=crowd.digest(1))
            threading.Event().wait(n / 2000)
            pending.cancel()
            version = library.document(first.id).result(crowd.LONG).version
            # Where the cancel came too late, it is stored and says so.
            with suppress(OcrCancelled):
                assert pending.result(crowd.LONG).version >= version
            add_again = library.find(crowd.digest(1)).result(crowd.LONG)
            assert add_again.version >= version
    crowd.check(where, [1])
