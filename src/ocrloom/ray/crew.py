"""Readers that belong to one process, as many as it has work for; they end with it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ocrloom._version import __version__
from ocrloom.errors import OcrClusterUnavailable, OcrEngineError, OcrOptionError
from ocrloom.loop import shared_loop
from ocrloom.ray.answers import asked, last_line
from ocrloom.ray.cluster import Cluster, connect, nodes, ray_module
from ocrloom.ray.protocols import Look, ReaderDied, Reading
from ocrloom.ray.reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from ocrloom.ray.parcel import Parcel

__all__ = ["Crew", "usual_cpus"]

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_CPUS: Final = 4  # of one process, by default: more share little and are lost together
_AHEAD: Final = 1  # slices that wait in a reader, so that it never waits for one
_IDLE: Final = 30.0  # seconds after which a reader that has nothing to do gives its CPUs back
_LOOK: Final = 5.0  # seconds between two looks at what the cluster has
_TRIES: Final = 3  # readers in a row that cannot be started
_PATIENCE: Final = 30.0  # seconds between two words about CPUs that are waited for


@dataclass(slots=True, eq=False)
class _Member:
    """A process that reads."""

    actor: Any
    ready: bool = False
    busy: int = 0
    """Slices that it has."""
    proven: bool = False
    """Whether it has ever been ready."""
    since: float = 0.0
    """When it had something to do last."""


class Crew:
    """Actors of Ray, one for a group of CPUs. All is done in one event loop."""

    def __init__(
        self, address: str | None, *, workers: int | None, cpus: int | None, memory: int | None
    ) -> None:
        """Makes it without connecting.

        Args:
            address: See `connect`.
            workers: Pages that are read at a time on the whole cluster; by default one for each CPU
                that it has.
            cpus: Of one process; by default 4, or those of the smallest machine.
            memory: Bytes of decoded pages in one process; by default its share of half of what the
                machine has.
        """
        self._address = address
        self._workers = workers
        self._given_cpus = cpus
        self._memory = memory
        self._cpus = cpus or 1
        self._actor: Any = None
        self._most = 1  # readers
        self._members: list[_Member] = []
        self._closed = False
        self._failed = 0
        self._error: OcrClusterUnavailable | None = None
        self._waiting = 0  # for a process that has room
        self._changed = asyncio.Condition()
        self._cluster: Cluster | None = None
        self._connecting: asyncio.Task[Cluster] | None = None
        self._duty: asyncio.Task[None] | None = None
        self._welcomes: set[asyncio.Task[None]] = set()

    async def connect(self) -> Cluster:
        """See `Readers.connect`."""
        if self._cluster is not None:
            return self._cluster
        if self._connecting is None:
            self._connecting = asyncio.ensure_future(self._connect())
        try:
            return await asyncio.shield(self._connecting)
        finally:
            if self._connecting is not None and self._connecting.done():
                self._connecting = None

    @property
    def places(self) -> int:
        """See `Readers.places`."""
        return self._most * (self._cpus + _AHEAD)

    @property
    def cpus(self) -> int:
        """See `Readers.cpus`."""
        return self._cpus

    async def look(self, parcel: Parcel, *, key: bool) -> Look:
        """See `Readers.look`."""
        async with self._lend() as member:
            found: Look = await asked(member.actor.look.remote(parcel, key=key))
            return found

    async def read(
        self, parcel: Parcel, numbers: tuple[int, ...], *, alone: bool
    ) -> AsyncGenerator[Reading | None]:
        """See `Readers.read`."""
        async with self._lend() as member:
            method = member.actor.read.options(num_returns="streaming")
            pages = method.remote(parcel, numbers, alone=alone)
            done = False
            try:
                while True:
                    try:
                        reading: Reading | None = await asked(_next(pages))
                    except StopAsyncIteration:
                        break
                    yield reading
                done = True
            finally:
                if not done:
                    ray_module().cancel(pages)

    async def aclose(self) -> None:
        """See `Readers.aclose`."""
        self._closed = True
        for each in (self._connecting, self._duty):
            if each is not None:
                each.cancel()
        await self._notify()
        members, self._members = self._members, []
        for member in members:
            _end(member)

    def retire(self) -> None:
        """Lets go of the processes, from any thread and without waiting for it."""
        if self._cluster is not None:
            shared_loop().begin(self.aclose())

    # Who reads

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[_Member]:
        """The process that has the least to do, once one has room."""
        await self.connect()
        member = await self._free()
        member.busy += 1
        try:
            yield member
        except ReaderDied:
            self._drop(member)
            self._doubt()
            raise
        finally:
            member.busy -= 1
            member.since = time.monotonic()
            await self._notify()

    async def _free(self) -> _Member:
        """Waits for a process that has room."""
        async with self._changed:
            self._waiting += 1
            try:
                while True:
                    if self._closed:
                        raise OcrEngineError("this engine was closed; make another RayEngine")
                    if (member := self._idlest()) is not None:
                        return member
                    if self._error is not None:
                        raise self._error
                    try:
                        async with asyncio.timeout(_PATIENCE):
                            await self._changed.wait()
                    except TimeoutError:
                        self._say_what_is_waited_for()
            finally:
                self._waiting -= 1
                if not self._waiting:
                    # Who comes later tries it again.
                    self._error = None

    def _idlest(self) -> _Member | None:
        """The process that has the least to do, if it has room; more are started if it has much."""
        ready = [member for member in self._members if member.ready]
        member = min(ready, key=lambda each: each.busy, default=None)
        if member is None or member.busy >= self._cpus:
            wanted = -(-self._waiting // self._cpus)
            while len(self._members) < min(self._most, len(ready) + wanted):
                self._start()
        return member if member and member.busy < self._cpus + _AHEAD else None

    def _doubt(self) -> None:
        """Asks those that have nothing to do whether they live: a whole machine may be lost."""
        for member in self._members:
            if member.ready and not member.busy:
                member.ready = False
                self._await(member)

    def _start(self) -> None:
        member = _Member(self._actor.remote(self._cpus, self._memory))
        self._members.append(member)
        self._await(member)

    def _await(self, member: _Member) -> None:
        task = asyncio.ensure_future(self._welcome(member))
        # The loop itself knows tasks only weakly.
        self._welcomes.add(task)
        task.add_done_callback(self._welcomes.discard)

    def _say_what_is_waited_for(self) -> None:
        if not any(member.ready for member in self._members):
            _LOG.warning(
                "%d CPUs of one machine are waited for: others use them, or no machine of the "
                "cluster has so many; ray status says more",
                self._cpus,
            )

    async def _welcome(self, member: _Member) -> None:
        """Waits until a process is there, and looks whether it will do."""
        try:
            version = await asked(member.actor.version.remote())
        except Exception as error:  # noqa: BLE001  # whatever it is, there is no reader
            self._drop(member)
            self._failed += not member.proven
            if self._failed >= _TRIES and not any(each.ready for each in self._members):
                self._give_up(f"its readers do not start: {last_line(error)}")
        else:
            self._failed = 0
            member.since = time.monotonic()
            member.ready = member.proven = version == __version__
            if not member.ready:
                self._drop(member)
                self._give_up(
                    f"its machines have ocrloom {version}, and this one has {__version__}; "
                    "install the same version everywhere"
                )
        await self._notify()

    def _give_up(self, why: str) -> None:
        self._failed = 0
        self._error = OcrClusterUnavailable(f"the cluster cannot read: {why}")

    def _drop(self, member: _Member) -> None:
        if member in self._members:
            self._members.remove(member)
            _end(member)

    # What there is

    async def _connect(self) -> Cluster:
        cluster = await asyncio.to_thread(connect, self._address)
        await self._measure()
        ray = ray_module()
        self._actor = ray.remote(
            num_cpus=self._cpus,
            max_restarts=0,
            max_concurrency=10_000,
            scheduling_strategy="SPREAD",
        )(Reader)
        self._duty = asyncio.ensure_future(self._look_after())
        self._cluster = cluster
        return cluster

    async def _measure(self) -> None:
        """Looks how many processes there may be."""
        groups = [int(node["Resources"].get("CPU", 0)) for node in await asyncio.to_thread(nodes)]
        # A head that is not for work counts as none; where it is alone, machines may be on the way.
        working = [count for count in groups if count]
        if self._cluster is None:
            usual = min(usual_cpus(working), self._workers or usual_cpus(working))
            self._cpus = self._given_cpus or usual
            if working and max(working) < self._cpus:
                raise OcrOptionError(
                    f"cpus must be what one machine of the cluster has, up to {max(working)}, got "
                    f"{self._cpus}"
                )
        room = sum(count // self._cpus for count in working)
        self._most = max(1, room if self._workers is None else -(-self._workers // self._cpus))

    async def _look_after(self) -> None:
        """Notes machines that come and go, and lets processes go that have nothing to do."""
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self._measure()
            except Exception:  # noqa: BLE001  # the head may be away for a while
                _LOG.debug("the cluster does not answer", exc_info=True)
                continue
            now = time.monotonic()
            for member in [each for each in self._members if each.ready and not each.busy]:
                if now - member.since > _IDLE:
                    self._drop(member)
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def usual_cpus(groups: list[int]) -> int:
    """How many CPUs one process has where nobody says.

    Args:
        groups: CPUs of the machines that have some.
    """
    return min(_MOST_CPUS, *groups) if groups else 1


async def _next(pages: Any) -> Reading | None:  # noqa: ANN401  # Ray's generator of references
    reading: Reading | None = await (await anext(pages))
    return reading


def _end(member: _Member) -> None:
    try:
        ray_module().kill(member.actor)
    except Exception:  # noqa: BLE001  # it, or the cluster, is gone
        _LOG.debug("a reader could not be ended", exc_info=True)
