"""Readers that all servers of a service share: an application of Ray Serve, which outlives them."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ocrloom._version import __version__
from ocrloom.errors import OcrClusterUnavailable
from ocrloom.ray.answers import asked, last_line
from ocrloom.ray.cluster import Cluster, connect, nodes, ray_module
from ocrloom.ray.crew import usual_cpus
from ocrloom.ray.protocols import Look, ReaderDied, Reading
from ocrloom.ray.reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from types import ModuleType

    from ocrloom.ray.parcel import Parcel

__all__ = ["APPLICATION", "Serving"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

APPLICATION: Final = "ocrloom-readers"
"""Its name in Ray Serve."""

_AHEAD: Final = 1  # slices of a server that wait in a reader, so that it never waits for one
_INSIDE: Final = 32  # for each CPU of a reader: what it has been given waits there, where every
# source gets its turn with each page; in Serve's own queue it would wait for whole slices of others
_LOOK: Final = 2.0  # seconds between two looks at what has become of the readers
_SILENCE: Final = 10.0  # seconds after which a cluster that says nothing counts as gone
_TRIES: Final = 3  # deployments in a row that went away while something was asked of them
_PAUSE: Final = 1.0  # seconds in which Serve tells its handles of a change
_HEALTH: Final = 2.0  # seconds after which a killed reader is noticed, and replaced
_FINISHING: Final = 120.0  # seconds in which a reader that is let go ends what it reads
# Many short jobs must not begin and end readers, which load models, all the time.
_SCALING: Final = {
    "upscale_delay_s": 2.0,
    "downscale_delay_s": 120.0,
    "metrics_interval_s": 1.0,
    "look_back_period_s": 5.0,
}
_LEFT: Final = "this machine has left the cluster; start Ray on it again, and then the server"
# Ray shortens the names of busy processes at dots.
_VERSION: Final = __version__.replace(".", "_")
_DEPLOYED: Final = re.compile(
    r"(?P<asked>reader-(?P<version>[^-]+)-.+)-(?P<most>\d+)x(?P<cpus>\d+)"
)


class _Replica(Reader):
    """A reader as Serve keeps it."""

    def __init__(self, cpus: int, memory: int | None, version: str) -> None:
        if version != __version__:
            raise RuntimeError(
                f"a machine of the cluster has ocrloom {__version__}, and the server {version}; "
                "install the same version everywhere"
            )
        super().__init__(cpus, memory)


class Serving:
    """Readers that the first server deploys, and others of the same settings join.

    They stay when the last server ends, as many as are to stay warm. All but making it is done in
    one event loop.
    """

    def __init__(
        self,
        address: str | None,
        *,
        least: int = 1,
        most: int | None = None,
        cpus: int | None = None,
        memory: int | None = None,
    ) -> None:
        """Makes it without connecting.

        Args:
            address: See `connect`.
            least: Processes that stay though there is nothing to read.
            most: Processes that there may be; by default as many as the cluster has CPUs for when
                they are deployed.
            cpus: Of one process; by default 4, or those of the smallest machine.
            memory: Bytes of decoded pages in one process; by default its share of half of what the
                machine has.
        """
        self._address = address
        self._least = least
        self._given = most, cpus, memory
        self._most, self._cpus = most or 1, cpus or 1
        self._handle: Any = None
        self._cluster: asyncio.Task[Cluster] | None = None
        self._duty: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()
        self._seen = 0.0  # when the cluster answered last
        self._trouble: str | None = None
        self._running = 0
        self._node = ""  # this process's
        self._lost = asyncio.Event()

    @property
    def places(self) -> int:
        """See `Readers.places`."""
        return self._most * (self._cpus + _AHEAD)

    @property
    def cpus(self) -> int:
        """See `Readers.cpus`."""
        return self._cpus

    @property
    def most(self) -> int:
        """Processes that there may be."""
        return self._most

    @property
    def running(self) -> int:
        """Processes that there are, of all servers."""
        return self._running

    @property
    def trouble(self) -> str | None:
        """Why nothing can be read at the moment; None if nothing is known against it."""
        if time.monotonic() - self._seen > _SILENCE:
            return "the cluster does not answer"
        return self._trouble

    @property
    def lost(self) -> bool:
        """Whether the process has lost the cluster for good: its own machine has left it."""
        return self._lost.is_set()

    async def connect(self) -> Cluster:
        """See `Readers.connect`; deploys the readers where nobody has."""
        if self._cluster is None:
            self._cluster = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(self._cluster)
        except BaseException:
            if self._cluster is not None and self._cluster.done():
                self._cluster = None
            raise

    async def look(self, parcel: Parcel, *, key: bool) -> Look:
        """See `Readers.look`."""
        await self.connect()

        async def look() -> Look:
            response = self._handle.look.remote(parcel, key=key)
            done = False
            try:
                found: Look = await self._answer(response)
                done = True
            finally:
                if not done:
                    response.cancel()
            return found

        return await self._persisting(look)

    async def read(
        self, parcel: Parcel, numbers: tuple[int, ...], *, alone: bool
    ) -> AsyncGenerator[Reading | None]:
        """See `Readers.read`."""
        await self.connect()
        from ray.serve.exceptions import RayServeException

        pages: Any = None

        async def first() -> Reading | None:
            nonlocal pages
            method = self._handle.options(stream=True).read
            pages = method.remote(parcel, numbers, alone=alone)
            return await self._answer(anext(pages))

        done = False
        try:
            reading = await self._persisting(first)
            while True:
                yield reading
                reading = await self._answer(anext(pages))
        except StopAsyncIteration:
            done = True
        except RayServeException as error:
            # Whoever asks has what was read before, and asks for no more than the rest.
            raise ReaderDied(last_line(error)) from None
        finally:
            if not done and pages is not None:
                pages.cancel()

    async def aclose(self) -> None:
        """Leaves the readers to the other servers."""
        if self._duty is not None:
            self._duty.cancel()

    async def _answer(self, answer: Awaitable[T]) -> T:
        """What a process answers, as long as answers can come."""
        waiting = asyncio.ensure_future(asked(answer))
        losing = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((waiting, losing), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise OcrClusterUnavailable(_LEFT)
            return waiting.result()
        finally:
            losing.cancel()
            waiting.cancel()

    async def _persisting(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Asks again where the readers were deployed anew meanwhile."""
        from ray.serve.exceptions import RayServeException

        for left in reversed(range(_TRIES)):
            handle = self._handle
            try:
                return await ask()
            except RayServeException as error:
                if not left:
                    raise ReaderDied(last_line(error)) from None
            await asyncio.sleep(_PAUSE)
            async with self._joining:
                if self._handle is handle:
                    await asyncio.to_thread(self._join)
        raise AssertionError

    # What is deployed

    async def _connect(self) -> Cluster:
        cluster = await asyncio.to_thread(connect, self._address)
        async with self._joining:
            await asyncio.to_thread(self._join, anew=True)
        self._node = ray_module().get_runtime_context().get_node_id()
        self._duty = asyncio.ensure_future(self._look_after())
        return cluster

    async def _look_after(self) -> None:
        """Notes what becomes of the readers."""
        while True:
            await asyncio.sleep(_LOOK)
            async with self._joining:
                try:
                    alive = {node["NodeID"] for node in await asyncio.to_thread(nodes)}
                    if self._node not in alive:
                        self._lost.set()
                        raise OcrClusterUnavailable(_LEFT)
                    await asyncio.to_thread(self._join)
                except OcrClusterUnavailable as error:
                    self._trouble, self._seen = str(error), time.monotonic()
                except Exception:  # noqa: BLE001  # the head may be away for a while
                    _LOG.debug("the cluster does not answer", exc_info=True)

    def _join(self, *, anew: bool = False) -> None:
        """Takes the readers that are deployed, or deploys them; blocks for a moment.

        Args:
            anew: Whether those that differ from what is wanted, or could not be started, are
                replaced.

        Raises:
            OcrClusterUnavailable: They cannot be started, or are of another version.
        """
        serve = _serve_module()
        found = serve.status().applications.get(APPLICATION)
        name = next(iter(found.deployments), "") if found else ""
        known = _DEPLOYED.fullmatch(name)
        if known and known["version"] != _VERSION:
            other = known["version"].replace("_", ".")
            raise OcrClusterUnavailable(
                f"the cluster's readers are of ocrloom {other}, and this server of "
                f"{__version__}; end the servers of the other version, delete the application "
                f"{APPLICATION} of Ray Serve, and start this one again"
            )
        failed = found is not None and found.status in ("DEPLOY_FAILED", "DELETING")
        if failed and not anew:
            raise OcrClusterUnavailable(f"the cluster's readers do not run: {_why(found)}")
        if known is None or failed or (anew and known["asked"] != self._asked):
            known = self._deploy(serve)
            found = None
        if self._handle is None or self._handle.deployment_name != known[0]:
            self._most, self._cpus = int(known["most"]), int(known["cpus"])
            self._handle = serve.get_app_handle(APPLICATION)
        states = found.deployments[name].replica_states if found else {}
        self._running = states.get("RUNNING", 0)
        self._trouble, self._seen = None, time.monotonic()

    @property
    def _asked(self) -> str:
        """What is wanted, as the name of a deployment begins."""
        given = "_".join(str(each or "auto") for each in self._given)
        return f"reader-{_VERSION}-{self._least}_{given}"

    def _deploy(self, serve: ModuleType) -> re.Match[str]:
        """Has the readers started; their name tells servers that come later of what kind they are.

        Returns:
            The parts of that name.
        """
        most, given_cpus, memory = self._given
        groups = [int(node["Resources"].get("CPU", 0)) for node in nodes()]
        cpus = given_cpus or usual_cpus([count for count in groups if count])
        most = max(1, self._least, most or sum(count // cpus for count in groups))
        name = f"{self._asked}-{most}x{cpus}"
        scaling = {
            **_SCALING,
            "min_replicas": self._least,
            "max_replicas": most,
            "target_ongoing_requests": cpus,
        }
        replicas = serve.deployment(
            _Replica,
            name=name,
            ray_actor_options={"num_cpus": cpus},
            max_ongoing_requests=_INSIDE * cpus,
            autoscaling_config=scaling,
            health_check_period_s=_HEALTH,
            graceful_shutdown_timeout_s=_FINISHING,
            graceful_shutdown_wait_loop_s=_PAUSE,
        )
        target = serve.RunTarget(
            replicas.bind(cpus, memory, __version__), name=APPLICATION, route_prefix=None
        )
        try:
            serve.run_many([target], wait_for_applications_running=False)
        except RuntimeError as error:
            raise OcrClusterUnavailable(
                f"the cluster's readers cannot be deployed: {last_line(error)}"
            ) from error
        parts = _DEPLOYED.fullmatch(name)
        if parts is None:
            raise AssertionError(name)
        return parts


def _serve_module() -> ModuleType:
    """Ray Serve, which runs on the cluster then; whoever has started it, and with what."""
    # Machines that read have all their CPUs busy, and answer late whether they have room.
    os.environ.setdefault("RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S", "1")
    from ray import serve

    # It is the application's business where lines of the log go to.
    logger = logging.getLogger("ray.serve")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)
    # Requests come by way of our servers.
    serve.start(proxy_location="Disabled")
    return serve


def _why(found: Any) -> str:  # noqa: ANN401  # Serve's overview of an application
    told = [found.message, *(each.message for each in found.deployments.values())]
    return next((last_line(each) for each in told if each), str(found.status))
