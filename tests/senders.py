"""Callers who send jobs all the time, and a look at what has become of every one."""

from __future__ import annotations

import io
import itertools
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image
import pytest

__all__ = ["Senders", "check", "settled"]

httpx = pytest.importorskip("httpx")

SENDERS = 3
PAGES = 5  # of every fifth job
LONG = 90.0
WORDS = ["harbour", "pilot", "lantern", "meadow", "copper", "saddle", "window", "orchard"]


@dataclass
class Sent:
    """A job that a server has accepted, or may have."""

    key: str
    pages: list[str]
    ids: set[str] = field(default_factory=set)


class Senders:
    """Callers who send pages all the time, to whichever server runs."""

    def __init__(self, note, most=40):
        self.urls = []
        self.sent = []
        self._note = note
        self._most = most  # jobs
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join(LONG)
            assert not thread.is_alive()

    def _send(self):
        chance = random.Random(threading.get_ident())
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not self._over.is_set() and (job := self._next()) is not None:
                body = self._drawn(job.pages)
                for _ in range(chance.choice((1, 1, 2))):
                    self._submit(client, job, body)

    def _next(self):
        with self._lock:
            number = next(self._numbers)
            if number >= self._most:
                return None
            words = [WORDS[(number + turn) % len(WORDS)] for turn in range(3)]
            count = 1 if number % 5 else PAGES
            job = Sent(
                f"job-{number}", [f"{' '.join(words)} {number}{each}" for each in range(count)]
            )
            self.sent.append(job)
            return job

    def _drawn(self, texts):
        first, *others = (PIL.Image.fromarray(self._note(text)) for text in texts)
        file = io.BytesIO()
        first.save(file, "TIFF", save_all=True, append_images=others)
        return file.getvalue()

    def _submit(self, client, job, body):
        """Sends it until a server has accepted it, also when none runs any more at the end."""
        headers = {"Content-Type": "image/tiff", "Idempotency-Key": job.key}
        ends = time.monotonic() + LONG
        while time.monotonic() < ends:
            urls = list(self.urls)
            for url in urls:
                try:
                    answer = client.post(
                        f"{url}/v1/jobs",
                        params={"languages": "eng", "name": f"{job.key}.tif"},
                        content=body,
                        headers=headers,
                    )
                except httpx.TransportError:
                    continue
                assert answer.status_code in (202, 429, 503), answer.text
                if answer.status_code == 202:
                    job.ids.add(answer.json()["id"])
                    return
            time.sleep(0.05)


def settled(client, job):
    """A job at its end."""
    ends = time.monotonic() + LONG
    while time.monotonic() < ends:
        found = client.get(f"/v1/jobs/{job}", params={"wait": 30}).raise_for_status().json()
        if found["status"] not in ("queued", "running"):
            return found
    raise AssertionError(found)


def check(server, senders, store):
    """Every job has one result, which is right, and the spool holds nothing else."""
    with server.client() as client:
        for job in senders.sent:
            assert len(job.ids) == 1, job
            found = settled(client, *job.ids)
            assert found["status"] == "succeeded", found
            text = client.get(found["links"]["result"], params={"format": "txt"}).text
            assert [page.strip() for page in text.split("\f")] == job.pages
    jobs, pages = len(senders.sent), sum(len(job.pages) for job in senders.sent)
    events = Counter()
    for job, kind, page, count in store.run(
        "SELECT job, kind, page, count(*) FROM job_events GROUP BY job, kind, page"
    ):
        events[kind] += count
        assert count == 1 or kind in ("started", "requeued"), (job, kind, page)
    assert [events[kind] for kind in ("queued", "page", "succeeded")] == [jobs, pages, jobs]
    assert store.run("SELECT count(*) FROM job_pages") == [(pages,)]
    assert store.run("SELECT count(*) FROM documents") == [(jobs,)]
    named = {name for (name,) in store.run("SELECT upload FROM jobs")}
    assert {path.name for path in Path(server.spool, "uploads").iterdir()} == named
    return events
