"""The service whose pages a cluster reads: what is shared, what is killed, and what is too much."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from documents import pages_of
from senders import Senders, check, settled
from serving import running

pytest.importorskip("ray", reason='needs pip install "ocrloom[ray]"')
pytest.importorskip("fastapi", reason='needs pip install "ocrloom[server]"')

import clusters

from benchmarks import load
from benchmarks import note as notes
from ocrloom.ray.serving import APPLICATION

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="looks at processes in /proc, which Linux has"
)

READER = f"ray::ServeReplica:{APPLICATION}"
LONG = 60.0
PAGES = 40


@pytest.fixture(scope="module")
def cluster():
    """A head that reads nothing, where the servers are, and two machines of one CPU."""
    with clusters.running(1, 0) as made:
        for _ in range(2):
            add(made)
        yield made


def add(cluster):
    return cluster.add_node(num_cpus=1, object_store_memory=clusters.STORE, include_dashboard=False)


@pytest.fixture(scope="module")
def flags(cluster):
    return ("--ray", cluster.address, "--ray-min-readers", 2, "--ray-max-readers", 2)


@contextmanager
def two(*flags, **where):
    """Two servers that start at the same time, as those of one deployment do."""
    with ExitStack() as last:
        with ThreadPoolExecutor(2) as hands:
            starting = [hands.submit(last.enter_context, running(*flags, **where)) for _ in "12"]
        yield [each.result() for each in starting]


@pytest.fixture(scope="module")
def pair(flags, postgres, tmp_path_factory):
    """Two servers of one database, for tests that kill neither."""
    spool = tmp_path_factory.mktemp("pair") / "spool"
    with (
        postgres.database() as library,
        two(*flags, "--max-queued", 10, library=library, spool=spool) as servers,
    ):
        yield servers


def readers(cluster, count):
    """The processes that read, once there are so many."""
    ends = time.monotonic() + LONG
    while len(found := clusters.workers(cluster, READER)) != count:
        assert time.monotonic() < ends, found
        time.sleep(0.1)
    return found


def send(server, data, **options):
    with server.client() as client:
        answer = client.post("/v1/jobs", files={"file": ("book.tif", data)}, data=options)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]


def events(server, job):
    with server.client() as client, client.stream("GET", f"/v1/jobs/{job}/events") as stream:
        return [
            line.removeprefix("event: ") for line in stream.iter_lines() if line[:6] == "event:"
        ]


def test_any_server_answers_for_what_one_set_of_readers_reads(cluster, pair, note, engine):
    book = pages_of([note(f"page {number} of a book") for number in range(12)])
    expected = [page.text.strip() for page in engine.process(book).pages]
    first, second = pair
    # The other one may have claimed it: whichever answers knows of it.
    job = send(first, book, languages="auto")
    seen = events(second, job)
    with second.client() as client:
        found = settled(client, job)
        text = client.get(found["links"]["result"], params={"format": "txt"}).text
        figures = client.get("/metrics").text
    assert found["status"] == "succeeded"
    assert [page.strip() for page in text.split("\f")] == expected
    assert (seen.count("page"), seen[-1]) == (len(expected), "succeeded")
    assert "ocrloom_cluster_readers 2.0" in figures
    assert "ocrloom_memory_budget_bytes 0.0" in figures
    assert len(readers(cluster, 2)) == 2


def test_many_callers_lose_nothing(pair, tmp_path):
    pages = load.sources(notes.write_files(tmp_path, 2), "eng")
    report = load.measure(
        pair[0], pages, clients=30, seconds=60, most=30, options={"store": "false"}
    )
    assert report.accepted == report.sent == report.done == 30
    assert (report.lost, report.differing, report.failures, report.without_retry) == (0, 0, 0, 0)
    assert report.busy > 0


def test_a_job_goes_on_where_a_killed_reader_was(cluster, pair, note):
    book = pages_of([note(f"page {number}") for number in range(PAGES)])
    readers(cluster, 2)
    job = send(pair[0], book, languages="eng", store="false")
    with pair[0].client() as client:
        ends = time.monotonic() + LONG
        while not client.get(f"/v1/jobs/{job}").json()["progress"]["pages_done"]:
            assert time.monotonic() < ends
            time.sleep(0.02)
        for reader in readers(cluster, 2):
            os.kill(reader, signal.SIGKILL)
        found = settled(client, job)
        text = client.get(found["links"]["result"], params={"format": "txt"}).text
    assert found["status"] == "succeeded", found
    assert [page.strip() for page in text.split("\f")] == [f"page {n}" for n in range(PAGES)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("where", ["postgresql"], indirect=True)
def test_whatever_is_killed_every_page_is_there_once(cluster, flags, where, tmp_path, note, opened):
    """A reader, a machine and a server, while callers send jobs all the time."""
    chance = random.Random(11)
    settings = {"library": where, "spool": tmp_path / "spool"}

    def kill_reader():
        os.kill(chance.choice(readers(cluster, 2)), signal.SIGKILL)

    def kill_machine():
        nodes = [node for node in cluster.list_all_nodes() if not node.is_head()]
        cluster.remove_node(chance.choice(nodes), allow_graceful=False)
        add(cluster)

    with ExitStack() as last:
        alive = last.enter_context(two(*flags, **settings))
        with Senders(note) as senders:
            senders.urls = [server.url for server in alive]
            for kill in (kill_reader, alive[0].kill, kill_machine):
                time.sleep(chance.uniform(0.3, 1.0))
                kill()
            alive[0] = last.enter_context(running(*flags, **settings))
            senders.urls = [server.url for server in alive]
        check(alive[0], senders, opened(writes=False))
        assert alive[1].stop() == 0
    # They stay for the servers that come next.
    assert len(readers(cluster, 2)) == 2


def test_a_cluster_that_is_not_there_is_told_in_a_line(run, tmp_path):
    serve = ("serve", "--library", tmp_path / "x.db", "--spool", tmp_path / "spool")
    code, out, err = run(*serve, "--ray", "ray://host:1")
    assert (code, out, err.count("\n")) == (30, "", 1)
    assert "on a machine of the cluster" in err
    code, _, err = run(*serve, "--ray", "local", "--workers", 2)
    assert (code, "--ray-max-readers" in err) == (30, True)
    code, _, err = run(*serve, "--ray", "local", "--ray-min-readers", 3, "--ray-max-readers", 2)
    assert (code, "at least --ray-min-readers" in err) == (30, True)
