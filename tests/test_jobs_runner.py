"""A server at work, in this process: jobs are read, cancelled, given back and forgotten."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest
from documents import LONG, frames

from ocrloom import (
    Library,
    Limits,
    OcrClusterUnavailable,
    OcrDamagedImage,
    OcrEngine,
    OcrJobExpired,
    OcrNetworkError,
)
from ocrloom.jobs import queue
from ocrloom.jobs.jobs import Jobs
from ocrloom.jobs.records import NewJob, Status
from ocrloom.jobs.runner import Retention, Runner, Shop
from ocrloom.jobs.spool import Spool

ROOM = (1000, None)


class Counts:
    """Notes what a runner tells."""

    def __init__(self):
        self.begun, self.pages, self.done = [], [], []

    def started(self, job):
        self.begun.append(job.id)

    def progress(self, job, event):
        pass

    def page(self, outcome):
        self.pages.append(outcome.number)

    def ended(self, job):
        self.done.append((job.id, job.status))


@asynccontextmanager
async def server(where, folder, *, start=True, fetch=None, retention=None, seconds=60.0, **more):
    """A runner and what it has, until the block ends."""
    spool = Spool(folder)
    jobs, library = Jobs(where, spool), Library(where, keep=spool.documents)
    shop = Shop(
        jobs=jobs,
        engine=OcrEngine(workers=2),
        library=library,
        limits=Limits(),
        seconds=seconds,
        running=4,
        retention=retention or Retention(seconds=3600, bytes=2**40),
        watcher=Counts(),
        fetch=fetch,
        **more,
    )
    runner = Runner(shop)
    if start:
        await runner.start()
    try:
        yield runner, shop
    finally:
        if start and not runner.draining:
            await runner.stop(0)
        await library.aclose()
        await jobs.close()
        spool.leave()
        shop.engine.close()


async def submit(shop, data, **more):
    file = shop.jobs.spool.new()
    file.write(data)
    digest = file.finish()
    new = NewJob(
        **{
            "owner": "",
            "name": "scan.tif",
            "size": file.size,
            "digest": digest,
            "media": "",
            "upload": file.name,
            **more,
        }
    )
    return (await shop.jobs.submit(new, ROOM))[0]


async def until(condition):
    ends = time.monotonic() + LONG
    while not (found := condition()):
        assert time.monotonic() < ends
        await asyncio.sleep(0.01)
    return found


async def end_of(shop, job):
    found = await shop.jobs.ended(job, LONG)
    assert found.status.ended
    return found


def test_a_job_is_read_and_becomes_a_document(tmp_path, where, recogniser):
    async def main():
        async with server(where, tmp_path / "spool") as (runner, shop):
            job = await end_of(shop, await submit(shop, frames(3)))
            assert (job.status, job.pages, job.pages_done, job.error) == (
                Status.SUCCEEDED, 3, 3, None,
            )  # fmt: skip
            result = await shop.jobs.result(job.id, "")
            assert [page.number for page in result.pages] == [1, 2, 3]
            assert result.source == "scan.tif"
            document = await shop.library.of("").document(job.document)
            assert (document.source, document.pages) == ("scan.tif", 3)
            assert (await shop.library.of("").export(job.document, "pdf")).startswith(b"%PDF")
            await until(lambda: runner.running == 0)
            assert sorted(shop.watcher.pages) == [1, 2, 3]
            assert shop.watcher.done == [(job.id, Status.SUCCEEDED)]
            return job

    asyncio.run(main())


def test_pages_that_fail_do_not_take_the_others_with_them(tmp_path, recogniser):
    async def main():
        async with server(tmp_path / "l.db", tmp_path / "spool") as (_, shop):
            job = await end_of(shop, await submit(shop, frames(4, damaged=[2])))
            assert (job.status, job.pages_done, job.pages_failed) == (Status.PARTIAL, 4, 1)
            result = await shop.jobs.result(job.id, "")
            assert [failure.number for failure in result.failures] == [2]
            # Where nothing can be read, why is the job's own error; no path of the server is in it.
            job = await end_of(shop, await submit(shop, frames(2, damaged=[1, 2])))
            assert (job.status, job.error["code"]) == (Status.FAILED, "damaged_image")
            assert str(tmp_path) not in job.error["detail"]
            job = await end_of(shop, await submit(shop, b"no image at all"))
            assert (job.status, job.error["code"]) == (Status.FAILED, "format_error")
            assert "scan.tif" in job.error["detail"]
            assert str(tmp_path) not in job.error["detail"]
            assert job.document is None

    asyncio.run(main())


def test_a_cancelled_job_keeps_its_pages_and_frees_the_workers(tmp_path, recogniser):
    async def main():
        async with server(tmp_path / "l.db", tmp_path / "spool") as (runner, shop):
            recogniser.hold()
            recogniser.let(1)
            job = await submit(shop, frames(8))
            await until(lambda: 1 in shop.watcher.pages and len(recogniser.begun) > 1)
            await shop.jobs.cancel(job.id, "")
            runner.cancel(job.id)
            job = await end_of(shop, job)
            assert job.status is Status.CANCELED
            assert job.document is None
            assert [page.number for page in (await shop.jobs.result(job.id, "")).pages] == [1]
            await until(lambda: shop.engine.pool.used == 0)
            recogniser.let_all()
            # So does one that another server was asked to cancel.
            recogniser.hold()
            job = await submit(shop, frames(2))
            await until(lambda: job.id in shop.watcher.begun)
            await shop.jobs.cancel(job.id, "")
            assert (await end_of(shop, job)).status is Status.CANCELED
            recogniser.let_all()

    asyncio.run(main())


def test_a_stopped_server_leaves_its_job_to_the_next_one_which_reads_only_the_rest(
    tmp_path, where, recogniser
):
    async def main():
        recogniser.hold()
        recogniser.let(1, 2)
        async with server(where, tmp_path / "spool") as (runner, shop):
            job = await submit(shop, frames(4))
            await until(lambda: sorted(shop.watcher.pages) == [1, 2])
            await runner.stop(0)
            assert runner.draining
            assert not runner.alive
            found = await shop.jobs.get(job.id, "")
            assert (found.status, found.pages_done) == (Status.QUEUED, 2)
        recogniser.let_all()
        recogniser.done.clear()
        async with server(where, tmp_path / "spool") as (runner, shop):
            job = await end_of(shop, job)
            assert (job.status, job.pages_done, job.attempts) == (Status.SUCCEEDED, 4, 2)
            assert [page.number for page in (await shop.jobs.result(job.id, "")).pages] == [
                1, 2, 3, 4,
            ]  # fmt: skip
            assert set(recogniser.done) <= {3, 4}
            events = await shop.jobs.events(job.id)
            pages = [event.page for event in events if event.kind == "page"]
            assert sorted(pages) == [1, 2, 3, 4]

    asyncio.run(main())


def test_a_server_that_drains_finishes_what_it_can(tmp_path, recogniser):
    async def main():
        async with server(tmp_path / "l.db", tmp_path / "spool") as (runner, shop):
            recogniser.hold()
            job = await submit(shop, frames(2))
            await until(lambda: runner.running == 1)
            ending = asyncio.create_task(runner.stop(LONG))
            await asyncio.sleep(0.05)
            late = await submit(shop, frames(1))
            recogniser.let_all()
            await ending
            assert (await shop.jobs.get(job.id, "")).status is Status.SUCCEEDED
            assert (await shop.jobs.get(late.id, "")).status is Status.QUEUED

    asyncio.run(main())


def test_jobs_of_a_killed_server_are_taken_up_at_once(tmp_path, recogniser):
    spool = Spool(tmp_path / "spool")
    code = f"""
import sys, time
from pathlib import Path
from ocrloom.jobs.spool import Spool
spool = Spool(Path({str(spool.folder)!r}))
spool.live()
spool.new().write(b"half of an upload")
print(spool.worker, flush=True)
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    worker = process.stdout.readline().strip()

    async def main():
        async with server(tmp_path / "l.db", spool.folder, start=False) as (runner, shop):
            job = await submit(shop, frames(1))
            await shop.jobs.desk.write(lambda store: queue.claim(store, worker))
            assert shop.jobs.spool.dead() == []
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            assert shop.jobs.spool.dead() == [worker]
            await runner.start()
            assert (await end_of(shop, job)).status is Status.SUCCEEDED
            left = {path.name for path in (spool.folder / "uploads").iterdir()}
            assert left == {job.upload}
            await runner.stop(0)

    try:
        asyncio.run(main())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_job_that_only_names_its_file_is_fetched_once(tmp_path, recogniser):
    calls = []

    async def main():
        async def fetch(job):
            calls.append(job.url)
            if job.url == "http://bad":
                raise OcrNetworkError("the address did not answer")
            file = shop.jobs.spool.new()
            file.write(frames(1))
            file.finish()
            return file.path

        async with server(tmp_path / "l.db", tmp_path / "s", fetch=fetch) as (_, shop):
            job = await submit(shop, b"", upload=None, url="http://good")
            job = await end_of(shop, job)
            assert (job.status, job.size) == (Status.SUCCEEDED, len(frames(1)))
            bad = await end_of(shop, await submit(shop, b"", upload=None, url="http://bad"))
            assert (bad.status, bad.error["code"]) == (Status.FAILED, "network_error")
            assert calls == ["http://good", "http://bad"]

    asyncio.run(main())


def test_what_takes_too_long_keeps_its_pages(tmp_path, recogniser):
    async def main():
        async with server(tmp_path / "l.db", tmp_path / "s", seconds=0.5) as (_, shop):
            recogniser.hold()
            recogniser.let(1)
            job = await end_of(shop, await submit(shop, frames(3)))
            assert (job.status, job.pages_done) == (Status.PARTIAL, 1)
            assert job.error["code"] == "timeout"
            recogniser.let_all()

    asyncio.run(main())


def test_what_is_old_or_too_much_is_forgotten_on_the_disk_too(tmp_path, recogniser, monkeypatch):
    monkeypatch.setattr("ocrloom.jobs.runner._TIDY", 0.05)
    data = frames(1)

    async def main():
        keep = Retention(seconds=3600, bytes=2 * len(data))
        async with server(tmp_path / "l.db", tmp_path / "s", retention=keep) as (_, shop):
            jobs = [await end_of(shop, await submit(shop, data)) for _ in range(3)]
            uploads = tmp_path / "s" / "uploads"
            await until(lambda: len(list(uploads.iterdir())) == 2)
            with pytest.raises(OcrJobExpired):
                await shop.jobs.get(jobs[0].id, "")
            assert (await shop.jobs.get(jobs[2].id, "")).status is Status.SUCCEEDED
            await shop.jobs.desk.write(
                lambda store: store.run("UPDATE jobs SET finished = 1 WHERE id = ?", [jobs[2].id])
            )
            await until(lambda: len(list(uploads.iterdir())) == 1)
            await shop.jobs.purge(jobs[1].id, "")
            assert list(uploads.iterdir()) == []

    asyncio.run(main())


def test_a_defect_ends_the_job_and_not_the_server(tmp_path, recogniser):
    recogniser.errors[1] = ZeroDivisionError("oh")
    recogniser.errors[2] = OcrDamagedImage("page 2 is broken")

    async def main():
        async with server(tmp_path / "l.db", tmp_path / "s") as (runner, shop):
            job = await end_of(shop, await submit(shop, frames(1)))
            assert (job.status, job.error["code"]) == (Status.FAILED, "internal_error")
            assert runner.alive
            recogniser.errors.clear()
            assert (await end_of(shop, await submit(shop, frames(1)))).status is Status.SUCCEEDED

    asyncio.run(main())


def test_a_job_that_was_let_fall_waits_again(tmp_path, recogniser, monkeypatch):
    monkeypatch.setattr("ocrloom.jobs.runner._RENEW", 0.05)
    failed = []
    whole = queue.end

    def end(*arguments, **more):
        if not failed:
            failed.append(1)
            raise RuntimeError("the database went away")
        return whole(*arguments, **more)

    monkeypatch.setattr(queue, "end", end)

    async def main():
        async with server(tmp_path / "l.db", tmp_path / "s") as (_, shop):
            job = await end_of(shop, await submit(shop, frames(1)))
            assert (job.status, job.attempts) == (Status.SUCCEEDED, 2)

    asyncio.run(main())


def test_jobs_wait_while_no_cluster_can_read(tmp_path, recogniser, monkeypatch):
    monkeypatch.setattr("ocrloom.jobs.runner._RENEW", 0.05)
    able, errors = [], [OcrClusterUnavailable("it went away")]
    like = OcrEngine.like

    def once_unlike(engine, *arguments, **more):
        if errors:
            raise errors.pop()
        return like(engine, *arguments, **more)

    monkeypatch.setattr(OcrEngine, "like", once_unlike)

    async def main():
        async with server(tmp_path / "l.db", tmp_path / "s", able=lambda: bool(able)) as (
            runner,
            shop,
        ):
            sent = await submit(shop, frames(1))
            assert (await shop.jobs.ended(sent, 0.3)).status is Status.QUEUED
            able.append(True)
            job = await end_of(shop, sent)
            assert (job.status, job.attempts) == (Status.SUCCEEDED, 2)
            assert runner.alive

    asyncio.run(main())


def test_two_servers_share_a_queue(tmp_path, where, recogniser):
    async def main():
        async with (
            server(where, tmp_path / "s") as (_, one),
            server(where, tmp_path / "s") as (_, two),
        ):
            jobs = [await submit(one, frames(1)) for _ in range(12)]
            for job in jobs:
                # Any of them can answer.
                assert (await end_of(two, job)).status is Status.SUCCEEDED
            begun = one.watcher.begun + two.watcher.begun
            assert sorted(begun) == sorted(job.id for job in jobs)
            pages = await one.jobs.desk.read(
                lambda store: store.run("SELECT count(*) FROM job_pages")
            )
            assert pages[0][0] == 12

    asyncio.run(main())
