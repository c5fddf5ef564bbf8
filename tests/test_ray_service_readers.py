"""Which readers of a cluster a server joins, and when it deploys others; Serve is stood in for."""

from __future__ import annotations

import asyncio
import re
import warnings
from types import SimpleNamespace

import pytest

pytest.importorskip("ray", reason='needs pip install "ocrloom[ray]"')
pytest.importorskip("fastapi", reason='needs pip install "ocrloom[server]"')

import ocrloom
from ocrloom import OcrClusterUnavailable, OcrServiceUnavailable
from ocrloom.ray import serving
from ocrloom.ray.engine import RayEngine
from ocrloom.ray.protocols import ReaderDied
from ocrloom.service.metrics import Metrics
from ocrloom.service.reading import reading_by
from ocrloom.service.routes import health
from ocrloom.service.settings import Settings

MACHINES = [0, 8, 2]  # CPUs


class Serve:
    """Applications, and how often one was deployed."""

    RunTarget = staticmethod(lambda target, **names: (target, names))

    def __init__(self):
        self.applications = {}
        self.deployed = []
        self.options = {}

    def status(self):
        return SimpleNamespace(applications=self.applications)

    def deployment(self, _, **options):
        self.options = options
        return SimpleNamespace(bind=lambda *arguments: (options["name"], arguments))

    def run_many(self, targets, **_):
        (((name, _), names),) = targets
        self.deployed.append(name)
        self.there(name, names["name"])

    def there(self, name, application=serving.APPLICATION, status="RUNNING"):
        deployment = SimpleNamespace(replica_states={"RUNNING": 2}, message="out of luck")
        self.applications[application] = SimpleNamespace(
            status=status, message="", deployments={name: deployment}
        )

    def get_app_handle(self, application):
        (name,) = self.applications[application].deployments
        return SimpleNamespace(deployment_name=name)


@pytest.fixture
def serve(monkeypatch):
    made = Serve()
    monkeypatch.setattr(serving, "_serve_module", lambda: made)
    nodes = [{"Resources": {"CPU": count} if count else {}} for count in MACHINES]
    monkeypatch.setattr(serving, "nodes", lambda: nodes)
    return made


def test_the_first_deploys_and_the_others_join(serve):
    first, second = serving.Serving(None), serving.Serving(None)
    first._join(anew=True)
    assert len(serve.deployed) == 1
    # Two CPUs each, as the smallest machine that reads has.
    assert (first.cpus, first.most, first.places) == (2, 5, 15)
    assert serve.options["ray_actor_options"] == {"num_cpus": 2}
    scaling = serve.options["autoscaling_config"]
    assert (scaling["min_replicas"], scaling["max_replicas"]) == (1, 5)
    MACHINES.append(64)
    try:
        second._join(anew=True)
    finally:
        MACHINES.pop()
    assert len(serve.deployed) == 1
    assert (second.cpus, second.most, second.running, second.trouble) == (2, 5, 2, None)


def test_other_settings_replace_the_readers_once(serve):
    first, second = serving.Serving(None), serving.Serving(None, least=0, most=3, cpus=4)
    first._join(anew=True)
    second._join(anew=True)
    assert len(serve.deployed) == 2
    assert (second.cpus, second.most) == (4, 3)
    # Who was there before takes what is there now.
    first._join()
    assert len(serve.deployed) == 2
    assert (first.cpus, first.most) == (4, 3)


def test_readers_that_are_gone_are_deployed_again(serve):
    mine = serving.Serving(None)
    mine._join(anew=True)
    serve.applications.clear()
    mine._join()
    assert len(serve.deployed) == 2


def test_those_of_another_version_are_left_alone(serve):
    serve.there("reader-9_8_7-1_auto_auto_auto-4x1")
    expected = (
        f"9.8.7, and this server of {re.escape(ocrloom.__version__)}; .*{serving.APPLICATION}"
    )
    with pytest.raises(OcrClusterUnavailable, match=expected):
        serving.Serving(None)._join(anew=True)
    assert serve.deployed == []


@pytest.mark.parametrize("status", ["DEPLOY_FAILED", "DELETING"])
def test_those_that_do_not_start_are_told_of_and_tried_anew_at_the_next_start(serve, status):
    mine = serving.Serving(None)
    mine._join(anew=True)
    serve.there(serve.deployed[0], status=status)
    with pytest.raises(OcrClusterUnavailable, match="do not run: out of luck"):
        mine._join()
    serving.Serving(None)._join(anew=True)
    assert len(serve.deployed) == 2


def test_a_machine_with_another_version_starts_no_reader():
    with pytest.raises(RuntimeError, match="install the same version everywhere"):
        serving._Replica(1, None, "0.0.0")


# What is asked of them


class Pages:
    """What a reader answers to a slice, as Serve gives it: one answer after the other."""

    def __init__(self, answers):
        self._answers = iter(answers)
        self.cancelled = False

    async def __anext__(self):
        answer = next(self._answers, StopAsyncIteration())
        if isinstance(answer, Exception):
            raise answer
        return answer

    def cancel(self):
        self.cancelled = True


@pytest.fixture(scope="module")
def gone():
    """What Serve raises where readers are replaced or cannot be had."""
    with warnings.catch_warnings():
        # It warns of its own use of Pydantic when it is loaded.
        warnings.simplefilter("ignore", DeprecationWarning)
        from ray.serve.exceptions import RayServeException
    return RayServeException("gone")


@pytest.fixture
def asked(monkeypatch, gone):
    """Reads a slice; what came, what was raised, and what was asked for."""
    monkeypatch.setattr(serving, "_PAUSE", 0)
    monkeypatch.setattr(serving.Serving, "_join", lambda _: None)
    monkeypatch.setattr(serving.Serving, "connect", lambda _: asyncio.sleep(0))

    def read(*attempts):
        coming, slices = iter(attempts), []

        def remote(*_, alone):
            slices.append(Pages(next(coming)))
            return slices[-1]

        async def taken():
            mine = serving.Serving(None)
            handle = SimpleNamespace(read=SimpleNamespace(remote=remote))
            mine._handle = SimpleNamespace(options=lambda *, stream: handle)
            found = []
            try:
                async for each in mine.read(None, (1, 2), alone=False):
                    # One by one: those before an error count.
                    found.append(each)  # noqa: PERF401
            except (ReaderDied, type(gone)) as error:
                return found, type(error), slices
            return found, None, slices

        return asyncio.run(taken())

    return read


def test_readers_that_were_replaced_are_asked_again_before_anything_has_come(asked, gone):
    found, raised, slices = asked([gone], [None, "page 1", "page 2"])
    assert (found, raised, len(slices)) == ([None, "page 1", "page 2"], None, 2)
    assert not slices[-1].cancelled
    assert asked(*[[gone]] * 9)[:2] == ([], ReaderDied)


@pytest.mark.parametrize("before", [[None], [None, "page 1"]])
def test_readers_that_go_away_later_count_as_dead(asked, gone, before):
    found, raised, slices = asked([*before, gone])
    assert (found, raised) == (before, ReaderDied)
    assert slices[-1].cancelled


def test_a_server_whose_machine_has_left_the_cluster_is_to_be_started_anew(serve, monkeypatch):
    monkeypatch.setattr(serving, "_LOOK", 0)
    monkeypatch.setattr(serving, "nodes", lambda: [{"NodeID": "another"}])
    mine = serving.Serving(None)
    mine._node = "this"
    there = SimpleNamespace(address="head:1", nodes=1, cpus=1)
    monkeypatch.setattr(serving, "Serving", lambda *_, **__: mine)
    monkeypatch.setattr(RayEngine, "at", lambda _: SimpleNamespace(cluster=there))
    reading = reading_by(Settings(ray="head:1"), Metrics())
    request = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(service=SimpleNamespace(reading=reading)))
    )

    async def lives():
        assert (await health.livez(request)).status == "ok"
        duty = asyncio.ensure_future(mine._look_after())
        await asyncio.wait_for(mine._lost.wait(), 20)
        await asyncio.sleep(0)
        duty.cancel()
        await health.livez(request)

    with pytest.raises(OcrServiceUnavailable, match=r"has left the cluster.*started anew"):
        asyncio.run(lives())
