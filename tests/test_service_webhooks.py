"""Webhooks: what may be asked for, what is sent, and what happens where nobody takes it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.server
import io
import json
import threading
import time
from itertools import pairwise

import PIL.Image
import pytest
from serving import running

pytest.importorskip("fastapi")

from ocrloom.errors import OcrForbidden, OcrRequestError
from ocrloom.jobs import deliveries, queue, register
from ocrloom.jobs.records import NewJob, Status
from ocrloom.library import opening
from ocrloom.library.desk import Desk
from ocrloom.service.network import Guard
from ocrloom.service.settings import Settings
from ocrloom.service.webhooks import ENDS, EVENTS, Deliverer, checked_webhook

SECRET = "correct horse battery"
HERE = ("127.0.0.1",)
SHARE = deliveries.Share(owner=4, target=2)
LONG = 20.0  # seconds after which a call must have come


class Receiver(http.server.BaseHTTPRequestHandler):
    """Writes down what comes, and answers as it was told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.calls.append((self.path, dict(self.headers), body))
            answers = self.server.answers.get(self.path, [204])
            status = answers.pop(0) if len(answers) > 1 else answers[0]
        if status is None:
            self.server.ended.wait(LONG)
            return
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *told):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.calls, server.answers = [], {}
    server.lock, server.ended = threading.Lock(), threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def desk(where):
    made = Desk(opening.connector(opening.checked(where)))
    yield made
    made.close()


def hook(receiver, path="/", **more):
    return {"url": f"{receiver.url}{path}", "events": ENDS, "secret": SECRET, "headers": {}, **more}


def claim(desk, worker="one", share=SHARE):
    """The next call; while it can be had, there is one to wait for."""
    waits = desk.read(lambda store: deliveries.waiting(store, worker, share)).result()
    found = desk.write(lambda store: deliveries.claim(store, worker, share)).result()
    assert waits == (found is not None)
    return found


def ended(store, webhook, status=Status.SUCCEEDED, owner=""):
    """A job that was read and is done."""
    asked = NewJob(owner=owner, name="a", size=1, digest="d", media="", upload="a", webhook=webhook)
    job, _ = register.submit(store, asked, (1000, None))
    claimed = queue.claim(store, "reader")
    assert claimed is not None
    queue.end(store, claimed.id, "reader", status)
    return job.id


def calls_of(desk, job):
    return desk.read(lambda store: deliveries.listed(store, job, 0, 100)).result()


def deliver(desk, until, guard=None, **more):
    """Has calls made until something is so."""
    values = {"pause": 0.02, "patience": 5.0, **more}
    workers = values.pop("workers", ["one"])

    async def go():
        made = [Deliverer(desk, guard or Guard(HERE), name, **values) for name in workers]
        running = [asyncio.create_task(each.run()) for each in made]
        await asyncio.to_thread(wait, until)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(go())


def wait(until):
    end = time.monotonic() + LONG
    while not until() and time.monotonic() < end:
        time.sleep(0.01)


def settled(desk, *jobs):
    """Whether no call of some jobs is due any more."""
    return lambda: all(call.due is None for job in jobs for call in calls_of(desk, job))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("ocrloom.service.webhooks._LOOK", 0.02)


# What may be asked for


def asked(**more):
    return {"url": "https://example.org/hook", "secret": SECRET, **more}


def check(document):
    return checked_webhook(document, Settings(webhooks=True), Guard())


def test_a_webhook_is_told_of_ends_where_it_says_nothing_else():
    found = check(asked())
    assert set(found["events"]) == {"succeeded", "partial", "failed", "canceled"}
    assert check(asked(events=["page", "failed"]))["events"] == ["page", "failed"]
    assert check(asked(events=list(EVENTS)))["events"] == list(EVENTS)


def test_webhooks_are_off_unless_the_operator_has_them_on():
    with pytest.raises(OcrForbidden, match="--webhooks"):
        checked_webhook(asked(), Settings(), Guard())


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        asked(url=None),
        asked(url="ftp://example.org/"),
        asked(url="https://me:secret@example.org/"),
        asked(secret=None),
        asked(secret="short"),
        asked(secret="x" * 15 + "\n"),
        asked(events=[]),
        asked(events="failed"),
        asked(events=["finished"]),
        asked(events=[["failed"]]),
        asked(more=1),
        asked(headers=[]),
        asked(headers={f"X-{number}": "x" for number in range(21)}),
        asked(headers={"X-A": 1}),
        *(
            asked(headers={"X-A": value})
            for value in ("", " x", "a\r\nX-B: 1", "a\0", "é", "x" * 2000)
        ),
        *(
            asked(headers={name: "x"})
            for name in ("", "X A", "X:A", "X\r\nB", "Host", "content-length", "Content-Type",
                         "Transfer-Encoding", "connection", "Ocrloom-Signature", "é")
        ),
    ],
)  # fmt: skip
def test_what_is_no_webhook_is_refused(document):
    with pytest.raises(OcrRequestError):
        check(document)


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "10.0.0.1:8080"])
def test_a_webhook_to_the_inside_is_refused(host):
    with pytest.raises(OcrForbidden):
        check(asked(url=f"http://{host}/"))


# What is sent


def test_a_call_says_what_happened_and_is_signed(desk, receiver):
    webhook = hook(receiver, "/a?b=c", headers={"X-Own": "yes"})
    job = desk.write(lambda store: ended(store, webhook)).result()
    deliver(desk, settled(desk, job))
    (path, headers, body), *others = receiver.calls
    assert not others
    assert path == "/a?b=c"
    document = json.loads(body)
    assert document.pop("time").endswith("Z")
    event = document.pop("id")
    assert document == {
        "event": "succeeded",
        "job": job,
        "status": "succeeded",
        "number": 3,
        "page": None,
        "links": {"self": f"/v1/jobs/{job}", "result": f"/v1/jobs/{job}/result"},
    }
    assert headers["Ocrloom-Event-Id"] == event
    assert headers["X-Own"] == "yes"
    assert headers["Content-Type"] == "application/json"
    assert abs(int(headers["Ocrloom-Timestamp"]) - time.time()) < LONG
    signed = headers["Ocrloom-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["Ocrloom-Signature"] == f"v1={expected}"
    (call,) = calls_of(desk, job)
    assert call.delivered is not None
    assert [(each.status, each.error) for each in call.log] == [(204, None)]


def test_only_events_that_were_chosen_are_told_of(desk, receiver):
    webhooks = [hook(receiver, f"/{event}", events=[event]) for event in ("started", "failed")]
    jobs = [desk.write(lambda store, hook=hook: ended(store, hook)).result() for hook in webhooks]
    deliver(desk, settled(desk, *jobs))
    assert [(path, json.loads(body)["status"]) for path, _, body in receiver.calls] == [
        ("/started", "running")
    ]


def test_what_is_not_taken_is_sent_again_unchanged(desk, receiver):
    receiver.answers["/"] = [500, 302, 200]
    job = desk.write(lambda store: ended(store, hook(receiver))).result()
    deliver(desk, settled(desk, job))
    assert len({body for _, _, body in receiver.calls}) == 1
    assert [path for path, _, _ in receiver.calls] == ["/"] * 3
    (call,) = calls_of(desk, job)
    told = [(each.status, each.error) for each in call.log]
    assert told == [(500, "refused"), (302, "refused"), (200, None)]
    assert call.delivered is not None


def test_pauses_grow(desk, receiver):
    receiver.answers["/"] = [500]
    job = desk.write(lambda store: ended(store, hook(receiver))).result()
    deliver(desk, settled(desk, job), tries=4, pause=0.05)
    (call,) = calls_of(desk, job)
    assert (call.attempts, call.delivered, len(call.log)) == (4, None, 4)
    times = [each.time for each in call.log]
    pauses = [after - before for before, after in pairwise(times)]
    assert all(pause > 0.8 * 0.05 * 3**number for number, pause in enumerate(pauses))


def test_who_is_gone_is_called_no_more(desk, receiver):
    receiver.answers["/"] = [410]
    job = desk.write(lambda store: ended(store, hook(receiver))).result()
    deliver(desk, settled(desk, job))
    assert len(receiver.calls) == 1
    assert calls_of(desk, job)[0].delivered is None


def test_why_there_was_no_answer_is_written_down(desk, receiver):
    receiver.answers["/silent"] = [None]
    webhooks = [hook(receiver, "/silent"), hook(receiver), hook(receiver)]
    webhooks[1]["url"] = "http://127.0.0.1:1/"
    webhooks[2]["url"] = "http://10.0.0.1/"
    jobs = [desk.write(lambda store, hook=hook: ended(store, hook)).result() for hook in webhooks]
    deliver(desk, settled(desk, *jobs), tries=1, patience=0.2)
    errors = [calls_of(desk, job)[0].log[0].error for job in jobs]
    assert errors == ["network_error", "network_error", "forbidden"]


def test_an_address_that_is_silent_holds_nobody_else_up(desk, receiver):
    receiver.answers["/silent"] = [None]
    silent = hook(receiver, "/silent", events=list(EVENTS))
    webhooks = [silent, *[hook(receiver)] * 5]
    jobs = [desk.write(lambda store, hook=hook: ended(store, hook)).result() for hook in webhooks]
    deliver(desk, settled(desk, *jobs[1:]), at_once=8, patience=LONG)
    assert [path for path, _, _ in receiver.calls].count("/silent") == 1


def test_an_address_and_an_owner_have_their_share_of_the_calls(desk):
    def sent(owner, place):
        webhook = {"url": f"http://{place}/{owner}", "events": ENDS, "secret": SECRET}
        return desk.write(lambda store: ended(store, webhook, owner=owner)).result()

    for place in ("a", "A", "a", "b:81", "b:82", "c"):
        sent("many", place)
    few = [sent("few", "a"), sent("few", "d")]
    calls = [claim(desk) for _ in range(6)]
    targets = [call[1]["url"].split("/")[2] for call in calls]
    assert targets == ["a", "A", "b:81", "b:82", "a", "d"]
    assert [call[0].job for call in calls[4:]] == few
    assert claim(desk) is None
    # Another server has its own.
    assert claim(desk, "two")[1]["url"] == "http://a/many"
    done = deliveries.Attempt(time=1.0, status=200, error=None, seconds=1.0)
    desk.write(lambda store: deliveries.noted(store, calls[0][0], "one", done, None)).result()
    assert claim(desk)[1]["url"] == "http://c/many"
    assert claim(desk) is None


def test_servers_share_the_calls(desk, receiver):
    jobs = [desk.write(lambda store: ended(store, hook(receiver))).result() for _ in range(12)]
    deliver(desk, settled(desk, *jobs), workers=["one", "two", "three"])
    sent = [json.loads(body)["job"] for _, _, body in receiver.calls]
    assert sorted(sent) == sorted(jobs)


def test_what_a_killed_server_was_sending_is_sent_by_another_one(desk, receiver):
    job = desk.write(lambda store: ended(store, hook(receiver))).result()
    claimed = claim(desk, "killed")
    assert claimed is not None
    assert claim(desk, "two") is None
    desk.write(lambda store: store.run("UPDATE deliveries SET lease = 1.0")).result()
    deliver(desk, settled(desk, job), workers=["two"])
    assert len(receiver.calls) == 1
    # The one that was thought dead changes nothing any more.
    late = deliveries.Attempt(time=1.0, status=500, error="refused", seconds=1.0)
    desk.write(lambda store: deliveries.noted(store, claimed[0], "killed", late, 5.0)).result()
    assert calls_of(desk, job)[0].delivered is not None


def test_a_job_that_is_forgotten_takes_its_calls_along(desk, receiver):
    job = desk.write(lambda store: ended(store, hook(receiver))).result()
    desk.write(lambda store: register.forget(store, job, "")).result()
    assert not desk.read(lambda store: deliveries.waiting(store, "one", SHARE)).result()


# With the server


def test_a_server_calls_and_tells_how_it_went(receiver):
    receiver.answers["/"] = [200]
    settings = {"OCRLOOM_WEBHOOKS": "true", "OCRLOOM_NETWORK_ALLOW": "127.0.0.1"}
    picture = io.BytesIO()
    PIL.Image.new("L", (40, 30), 255).save(picture, "PNG")
    with running(env=settings) as server, server.client() as client:
        asked = {"url": receiver.url, "secret": SECRET, "events": ["page", "succeeded"]}
        sent = client.post(
            "/v1/jobs",
            files={"file": ("a.png", picture.getvalue())},
            data={"webhook": json.dumps(asked)},
        )
        assert sent.status_code == 202, sent.text
        job = sent.json()["id"]
        end = time.monotonic() + LONG
        while True:
            listed = client.get(f"/v1/jobs/{job}/deliveries", params={"limit": 1})
            assert time.monotonic() < end, listed.text
            found = listed.json()["items"]
            if listed.json()["next"]:
                cursor = {"cursor": listed.json()["next"]}
                found += client.get(f"/v1/jobs/{job}/deliveries", params=cursor).json()["items"]
            if len(found) == 2 and all(each["delivered"] for each in found):
                break
            time.sleep(0.05)
        told = [client.get(f"/v1/jobs/{job}{rest}").text for rest in ("", "/deliveries", "/result")]
        assert not any(SECRET in text for text in [*told, sent.text, server.log()])
    assert [each["event"] for each in found] == ["page", "succeeded"]
    assert [each["attempts"][0]["status"] for each in found] == [200, 200]
    bodies = sorted(
        (json.loads(body) for _, _, body in receiver.calls), key=lambda each: each["number"]
    )
    assert [each["id"] for each in bodies] == [each["id"] for each in found]
    assert [each["page"] for each in bodies] == [1, None]
