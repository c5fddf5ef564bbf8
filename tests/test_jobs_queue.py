"""Jobs as rows: submitted, claimed, read, ended, given back, forgotten; in both databases."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ocrloom import (
    OcrIdempotencyMismatch,
    OcrJobEnded,
    OcrJobExpired,
    OcrJobNotFound,
    OcrServiceBusy,
    Page,
    PageFailure,
)
from ocrloom.jobs import queue, register
from ocrloom.jobs.records import NewJob, Status
from ocrloom.jobs.rows import page_of

ROOM = (1000, None)
FAILURE = PageFailure(number=2, kind="OcrDamagedImage", message="frame 2 is cut short")


def new(name="a.tif", owner="", **more):
    values = {"size": 3, "digest": "d", "media": "image/tiff", "upload": f"{name}.spooled"}
    return NewJob(owner=owner, name=name, **{**values, **more})


def submit(store, *arguments, room=ROOM, **more):
    return register.submit(store, new(*arguments, **more), room)[0]


def page(number):
    return Page(number=number, width=10, height=20)


def pages(store, job, after, limit):
    return [page_of(row) for row in register.raw_pages(store, job, after, limit)]


def kinds(store, job):
    return [event.kind for event in register.events(store, job.id, 0, 100)]


def find(store, job):
    return register.find(store, job.id, job.owner)


def test_a_job_is_what_was_asked_for(store):
    asked = new(
        "é\u202e.tif",
        "one",
        options={"languages": ["eng"]},
        webhook={"url": "http://a", "events": [], "secret": "s"},
        store=False,
        idempotency="k",
        fingerprint="f",
    )
    before = time.time()
    job, fresh = register.submit(store, asked, ROOM)
    assert fresh
    for name in NewJob.__dataclass_fields__:
        assert getattr(job, name) == getattr(asked, name), name
    assert job.status is Status.QUEUED
    assert before <= job.created <= time.time()
    assert (job.started, job.finished, job.document, job.error) == (None, None, None, None)
    assert len(job.id) == 26
    assert find(store, job) == job
    assert kinds(store, job) == ["queued"]
    assert job.last_event == 1


def test_the_same_request_makes_one_job(store):
    first = submit(store, idempotency="k", fingerprint="f", owner="one")
    again, fresh = register.submit(
        store, new("b.tif", "one", idempotency="k", fingerprint="f"), ROOM
    )
    assert (again, fresh) == (first, False)
    with pytest.raises(OcrIdempotencyMismatch):
        submit(store, idempotency="k", fingerprint="other", owner="one")
    # Another caller's key is another one, and without one every request makes a job.
    assert submit(store, idempotency="k", fingerprint="f", owner="two").id != first.id
    assert submit(store).id != submit(store).id


def test_requests_at_the_same_moment_make_one_job(opened):
    stores = [opened() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        asked = new(idempotency="k", fingerprint="f")
        found = list(threads.map(lambda one: register.submit(one, asked, ROOM), stores))
    assert len({job.id for job, _ in found}) == 1
    assert sorted(fresh for _, fresh in found) == [False, False, False, True]


def test_a_full_queue_takes_nothing(store):
    submit(store, owner="one", room=(2, 1))
    with pytest.raises(OcrServiceBusy, match=r"this key has .* it may: 1") as busy:
        submit(store, owner="one", room=(2, 1))
    assert busy.value.retry_after > 0
    submit(store, owner="two", room=(2, 1))
    with pytest.raises(OcrServiceBusy, match="the queue is full: 2 jobs"):
        submit(store, owner="three", room=(2, 1))
    queue.claim(store, "w")
    with pytest.raises(OcrServiceBusy, match="this key"):  # it is read, and counts for its owner
        submit(store, owner="one", room=(2, 1))
    submit(store, owner="three", room=(2, 1))


def test_nobody_sees_the_job_of_another(store):
    job = submit(store, owner="one")
    for wrong in ("two", ""):
        with pytest.raises(OcrJobNotFound):
            register.find(store, job.id, wrong)
        with pytest.raises(OcrJobNotFound):
            register.cancel(store, job.id, wrong)
        with pytest.raises(OcrJobNotFound):
            register.forget(store, job.id, wrong)
        assert register.listed(store, wrong, status=None, before=None, limit=9) == []
    for strange in ("", "\0", "' OR 1=1", job.id.upper(), "é"):
        with pytest.raises(OcrJobNotFound):
            register.find(store, strange, "one")


def test_jobs_are_listed_newest_first_and_in_parts(store):
    made = [submit(store, f"{n}.tif") for n in range(5)]
    queue.claim(store, "w")
    first = register.listed(store, "", status=None, before=None, limit=3)
    assert [job.name for job in first] == ["4.tif", "3.tif", "2.tif"]
    rest = register.listed(store, "", status=None, before=first[-1].place, limit=3)
    assert [job.id for job in rest] == [made[1].id, made[0].id]
    running = register.listed(store, "", status=Status.RUNNING, before=None, limit=3)
    assert [job.name for job in running] == ["0.tif"]
    assert [register.position(store, find(store, job)) for job in made] == [None, 1, 2, 3, 4]


def test_claims_take_turns_between_callers(store):
    for owner in ("one", "one", "one", "two"):
        submit(store, owner=owner)
    claimed = [queue.claim(store, "w") for _ in range(4)]
    assert [job.owner for job in claimed] == ["one", "two", "one", "one"]
    assert all(job.status is Status.RUNNING and job.worker == "w" for job in claimed)
    assert queue.claim(store, "w") is None


def test_servers_never_claim_the_same_job(opened):
    stores = [opened() for _ in range(4)]
    made = {submit(stores[0]).id for _ in range(40)}

    def work(numbered):
        number, store = numbered
        found = []
        while (job := queue.claim(store, f"w{number}")) is not None:
            found.append(job.id)
        return found

    with ThreadPoolExecutor(4) as threads:
        found = [job for some in threads.map(work, enumerate(stores)) for job in some]
    assert len(found) == 40
    assert set(found) == made


def test_pages_are_kept_as_they_are_finished(store):
    job = submit(store)
    queue.claim(store, "w")
    assert queue.opened(store, job.id, "w", 3)
    assert queue.page_done(store, job.id, "w", page(3))
    assert queue.page_done(store, job.id, "w", FAILURE)
    assert queue.page_done(store, job.id, "w", page(1))
    kept = pages(store, job.id, 0, 9)
    assert [(each.place, each.number) for each in kept] == [(3, 3), (4, 2), (5, 1)]
    assert kept[0].page == page(3)
    assert kept[1].failure == FAILURE
    assert pages(store, job.id, 3, 1) == kept[1:2]
    assert register.page(store, job.id, 3) == page(3)
    assert register.page(store, job.id, 2) is register.page(store, job.id, 9) is None
    found = find(store, job)
    assert (found.pages, found.pages_done, found.pages_failed) == (3, 3, 1)
    assert kinds(store, job) == ["queued", "started", "page", "page_failed", "page"]
    assert [each.page for each in register.events(store, job.id, 2, 2)] == [3, 2]


def test_a_page_that_failed_may_be_read_later_and_counts_once(store):
    job = submit(store)
    queue.claim(store, "w")
    queue.page_done(store, job.id, "w", FAILURE)
    queue.page_done(store, job.id, "w", FAILURE)
    queue.page_done(store, job.id, "w", page(2))
    found = find(store, job)
    assert (found.pages_done, found.pages_failed) == (1, 0)
    # Who has seen the failure sees the page too, and a third time nothing changes.
    assert queue.page_done(store, job.id, "w", page(2))
    assert queue.page_done(store, job.id, "w", FAILURE)
    (kept,) = pages(store, job.id, 3, 9)
    assert (kept.page, kept.place) == (page(2), 4)
    assert kinds(store, job) == ["queued", "started", "page_failed", "page"]


def test_a_server_writes_only_of_jobs_that_are_its_own(store):
    job = submit(store)
    queue.claim(store, "w")
    queue.recover(store, "v", ["w"])
    assert not queue.opened(store, job.id, "w", 3)
    assert not queue.page_done(store, job.id, "w", page(1))
    assert not queue.fetched(store, job.id, "w", "x", 1, "")
    assert not queue.end(store, job.id, "w", Status.SUCCEEDED)
    assert find(store, job).status is Status.QUEUED
    assert pages(store, job.id, 0, 9) == []


def test_what_a_killed_server_leaves_waits_again(store):
    jobs = [submit(store) for _ in range(3)]
    for worker in ("dead", "alive", "silent"):
        queue.claim(store, worker)
    store.run("UPDATE jobs SET lease = ? WHERE worker = 'silent'", [time.time() - 1])
    waiting = queue.recover(store, "alive", ["dead"])
    assert sorted(waiting) == sorted([jobs[0].id, jobs[2].id])
    assert [find(store, job).status.value for job in jobs] == ["queued", "running", "queued"]
    assert kinds(store, jobs[0])[-1] == "requeued"
    assert queue.renew(store, "silent") == set()
    assert queue.renew(store, "alive") == {jobs[1].id}
    again = queue.claim(store, "alive")
    assert (again.id, again.attempts) == (jobs[0].id, 2)
    assert again.started == find(store, jobs[0]).started


def test_a_job_that_kills_servers_goes_last_and_is_given_up_in_the_end(store):
    bad = submit(store, "bad.tif")
    for _ in range(3):
        assert queue.claim(store, "w").id == bad.id
        queue.recover(store, "v", ["w"])
    good = submit(store, "good.tif")
    assert queue.claim(store, "v").id == good.id
    for _ in range(27):
        assert queue.claim(store, "w").id == bad.id
        queue.recover(store, "v", ["w"])
    found = find(store, bad)
    assert found.status is Status.FAILED
    assert found.error["code"] == "engine_error"
    assert "30 times" in found.error["detail"]


def test_what_was_read_before_is_no_sign_that_a_job_gets_on(store):
    job = submit(store)
    for _ in range(30):
        assert queue.claim(store, "w").id == job.id
        queue.page_done(store, job.id, "w", page(1))  # by the next attempts as kept before
        queue.recover(store, "v", ["w"])
    queue.claim(store, "w")
    queue.recover(store, "v", ["w"])
    assert find(store, job).status is Status.FAILED


def test_a_server_does_not_take_itself_for_dead(store):
    job = submit(store)
    queue.claim(store, "w")
    store.run("UPDATE jobs SET lease = 0")
    assert queue.recover(store, "w", []) == []
    assert queue.renew(store, "w") == {job.id}


def test_a_job_that_gets_on_is_never_given_up(store):
    job = submit(store)
    for attempt in range(1, 41):
        claimed = queue.claim(store, "w")
        assert claimed.attempts == attempt
        queue.page_done(store, job.id, "w", page(attempt))
        queue.recover(store, "v", ["w"])
    assert find(store, job).status is Status.QUEUED


def test_a_server_that_ends_gives_its_jobs_back(store):
    jobs = [submit(store) for _ in range(2)]
    queue.claim(store, "w")
    queue.claim(store, "other")
    for _ in range(40):  # ending in good order is no fault of the job
        assert queue.release(store, "w") == [jobs[0].id]
        assert queue.claim(store, "w").id == jobs[0].id
    assert queue.give_back(store, "w", jobs[0].id) == [jobs[0].id]
    assert queue.give_back(store, "w", jobs[1].id) == []


def test_cancelling_ends_what_waits_and_asks_what_runs(store):
    waiting, running = submit(store), submit(store)
    assert register.cancel(store, waiting.id, "").status is Status.CANCELED
    assert queue.claim(store, "w").id == running.id
    assert queue.canceling(store, "w") == []
    asked = register.cancel(store, running.id, "")
    assert (asked.status, asked.canceling) == (Status.RUNNING, True)
    assert register.cancel(store, running.id, "") == asked
    assert queue.canceling(store, "w") == [running.id]
    queue.end(store, running.id, "w", Status.CANCELED)
    assert kinds(store, running) == ["queued", "started", "canceling", "canceled"]
    for job in (waiting, running):
        with pytest.raises(OcrJobEnded, match="canceled already"):
            register.cancel(store, job.id, "")


def test_what_was_to_be_cancelled_does_not_wait_again(store):
    job = submit(store)
    queue.claim(store, "w")
    register.cancel(store, job.id, "")
    assert queue.recover(store, "v", ["w"]) == []
    assert find(store, job).status is Status.CANCELED


def test_forgetting_leaves_nothing(store):
    job = submit(store, "secret.tif", webhook={"url": "u", "events": ["queued"], "secret": "s"})
    queue.claim(store, "w")
    queue.page_done(store, job.id, "w", page(1))
    queue.end(store, job.id, "w", Status.SUCCEEDED)
    assert store.run("SELECT count(*) FROM deliveries")[0][0] == 1
    assert register.forget(store, job.id, "") == "secret.tif.spooled"
    for table in ("jobs", "job_pages", "job_events", "deliveries"):
        assert store.run(f"SELECT count(*) FROM {table}")[0][0] == 0
    with pytest.raises(OcrJobNotFound):
        find(store, job)


def test_old_jobs_are_forgotten_and_known_to_have_been_there(store):
    old, young, waiting = submit(store, idempotency="k"), submit(store), submit(store)
    for job in (old, young):
        queue.claim(store, "w")
        queue.page_done(store, job.id, "w", page(1))
        queue.end(store, job.id, "w", Status.SUCCEEDED, error={"code": "c", "detail": "secret"})
    now = time.time()
    store.run("UPDATE jobs SET finished = ? WHERE id = ?", [now - 100, old.id])
    assert [register.beyond(store, most) for most in (6, 5, 3, 2, 0)] == [
        None, now - 100, now - 100, find(store, young).finished, find(store, young).finished,
    ]  # fmt: skip
    assert register.expire(store, until=now - 50, tombs=now - 1000) == ["a.tif.spooled"]
    with pytest.raises(OcrJobExpired):
        find(store, old)
    with pytest.raises(OcrJobNotFound):
        register.find(store, old.id, "somebody else")
    assert pages(store, old.id, 0, 9) == register.events(store, old.id, 0, 9) == []
    assert "secret" not in str(store.run("SELECT * FROM jobs WHERE id = ?", [old.id]))
    found = register.listed(store, "", status=None, before=None, limit=9)
    assert [job.id for job in found] == [waiting.id, young.id]
    assert register.expire(store, until=now - 50, tombs=now - 50) == []
    with pytest.raises(OcrJobNotFound):
        find(store, old)


def test_ends_are_told_with_their_reasons(store):
    job = submit(store)
    queue.claim(store, "w")
    reason = {"code": "format_error", "detail": "a.tif: no image"}
    assert queue.end(store, job.id, "w", Status.FAILED, error=reason)
    found = find(store, job)
    assert (found.status, found.error, found.worker) == (Status.FAILED, reason, None)
    assert found.finished is not None
    assert not queue.end(store, job.id, "w", Status.SUCCEEDED, document=3)


def test_news_of_other_servers_are_found_by_the_last_event(store):
    one, two = submit(store), submit(store)
    queue.claim(store, "w")
    assert register.latest(store, [one.id, two.id, "gone"]) == {one.id: 2, two.id: 1}
    assert register.latest(store, []) == {}
    assert register.named(store, ["a.tif.spooled", "b"]) == {"a.tif.spooled"}
