"""A cluster that reads, event by event: where slices of pages wait, and what that leaves of a pace.

Slices go round: each is fetched, read on a core, and passes whatever has to handle it, one after
the other; a core takes no more of them than it may have in flight. That bound is what makes a slow
part hold up the fast ones, here as in a cluster.
"""

from __future__ import annotations

import heapq
import random
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from itertools import accumulate
from math import inf
from typing import Final

__all__ = ["CORES", "Part", "Plan", "Run", "simulate"]

CORES: Final = "cores"
"""The bottleneck that one wants."""

_TEAMS: Final = 256  # that are told apart; more cores than that are simulated in equal teams
_ALIKE: Final = 1e-3  # spread below which pages take the same time
_FIRST, _LAST = 0.25, 0.75  # of the pages, between which the pace is taken


@dataclass(frozen=True, slots=True)
class Part:
    """Something that every slice passes, one at a time."""

    name: str
    rate: float
    """Pages a second that it can handle; infinite if it is never in the way."""
    before: bool = False
    """Whether a slice passes it before it is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A cluster and its work."""

    cores: int
    seconds: float
    """A page takes on a core, on average."""
    parts: tuple[Part, ...]
    spread: float = 0.0
    """Standard deviation of a page's time over its mean."""
    slice_pages: int = 16
    in_flight: int = 2
    together: bool = False
    """Whether the pages of a slice come when all of them are read, and not one by one."""
    slices: int = 40
    """That each core reads: so many are simulated, whatever there is to do."""
    node_cores: int = 64
    node_seconds: float = inf
    """After which a node is lost, on average."""
    repair: float = 0.0
    """Seconds until another has taken its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of it."""

    pages: int
    """Simulated."""
    seconds: float
    """From the first slice to the last."""
    pace: float
    """Pages a second when all is under way."""
    busy: dict[str, float]
    """Share of the time in which each part, and the cores, had work: 0..1."""
    repeated: int
    """Slices of which a lost node left something to do again."""
    done: tuple[tuple[int, int], ...]
    """First page and number of pages of everything that came, in the order in which it came."""

    @property
    def bottleneck(self) -> str:
        """Who had the most to do."""
        return max(self.busy, key=self.busy.__getitem__)


def simulate(plan: Plan, seed: int = 0) -> Run:
    """Run a plan; the same every time for one seed."""
    return _Simulation(plan, seed).run()


@dataclass(slots=True)
class _Token:
    """Room for a slice: whose core will read it, and which slice it is just now."""

    team: int
    first: int = 0
    count: int = 0


class _Simulation:
    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._chance = random.Random(seed)  # noqa: S311  # nothing is secret
        self._teams = min(plan.cores, _TEAMS)
        # A team is so many cores that work alike; what it has in hand is as much larger.
        self._size = plan.cores / self._teams
        self._lot = round(plan.slice_pages * self._size)
        before = [part for part in plan.parts if part.before]
        after = [part for part in plan.parts if not part.before]
        self._way: list[Part | None] = [*before, None, *after]
        self._free = [0.0] * len(self._way)
        self._used = [0.0] * len(self._way)
        self._cores = [0.0] * self._teams
        self._lost_at = [self._lifetime() for _ in range(self._teams)]
        self._repeated = 0
        self._waiting: deque[tuple[int, int]] = deque()
        self._events: list[tuple[float, int, int, _Token]] = []
        self._count = 0
        self._done: list[tuple[float, int, int]] = []

    def run(self) -> Run:
        lots = self._teams * self._plan.slices
        self._waiting.extend((lot * self._lot, self._lot) for lot in range(lots))
        lap = self._lot * self._plan.seconds / self._size
        for _ in range(self._plan.in_flight):
            for team in range(self._teams):
                # Not all at once: nor do they in a cluster that has been at it for a while.
                self._next(_Token(team), self._chance.random() * lap)
        while self._events:
            now, _, place, token = heapq.heappop(self._events)
            if place == len(self._way):
                self._done.append((now, token.first, token.count))
                self._next(token, now)
            else:
                self._pass(token, place, now)
        return self._result()

    def _next(self, token: _Token, now: float) -> None:
        if self._waiting:
            token.first, token.count = self._waiting.popleft()
            self._at(now, 0, token)

    def _at(self, time: float, place: int, token: _Token) -> None:
        self._count += 1  # in the order of their making where times are equal
        heapq.heappush(self._events, (time, self._count, place, token))

    def _pass(self, token: _Token, place: int, now: float) -> None:
        part = self._way[place]
        if part is None:
            self._read(token, place, now)
            return
        taken = token.count / part.rate
        start = max(now, self._free[place])
        self._free[place] = start + taken
        self._used[place] += taken
        self._at(start + taken, place + 1, token)

    def _read(self, token: _Token, place: int, now: float) -> None:
        team = token.team
        start = max(now, self._cores[team])
        if self._lost_at[team] <= start:
            # While it had nothing to do. How often does not matter: lifetimes have no memory.
            start = max(start, self._lost_at[team] + self._absence)
            self._lost_at[team] = start + self._lifetime()
        taken = self._time(token.count)
        lost = self._lost_at[team]
        if start + taken <= lost:
            self._cores[team] = start + taken
            self._used[place] += taken / self._teams
            self._at(start + taken, place + 1, token)
            return
        # Pages that were finished may have gone on already; of the others nothing is left.
        finished = min(token.count - 1, int(token.count * (lost - start) / taken))
        finished = 0 if self._plan.together else finished
        self._repeated += 1
        self._waiting.appendleft((token.first + finished, token.count - finished))
        self._used[place] += (lost - start) / self._teams
        self._cores[team] = lost + self._absence
        self._lost_at[team] = self._cores[team] + self._lifetime()
        if finished:
            token.count = finished
            self._at(lost, place + 1, token)
        else:
            self._next(token, lost)

    @property
    def _absence(self) -> float:
        """Seconds for which a team has nobody, if one of its nodes is lost."""
        return self._plan.repair * min(1.0, self._plan.node_cores / self._size)

    def _lifetime(self) -> float:
        plan = self._plan
        if plan.node_seconds == inf:
            return inf
        nodes = max(1.0, self._size / plan.node_cores)
        return self._chance.expovariate(nodes / plan.node_seconds)

    def _time(self, pages: int) -> float:
        plan = self._plan
        mean = pages * plan.seconds / self._size
        if plan.spread < _ALIKE:
            return mean
        shape = pages / plan.spread**2  # of the sum of so many pages
        return self._chance.gammavariate(shape, mean / shape)

    def _result(self) -> Run:
        pages = self._lot * self._teams * self._plan.slices
        end = self._done[-1][0]
        names = [part.name if part else CORES for part in self._way]
        return Run(
            pages=pages,
            seconds=end,
            pace=self._pace(pages),
            busy={name: used / end for name, used in zip(names, self._used, strict=True)},
            repeated=self._repeated,
            done=tuple((first, count) for _, first, count in self._done),
        )

    def _pace(self, pages: int) -> float:
        times = [time for time, _, _ in self._done]
        came = list(accumulate(count for _, _, count in self._done))
        first, last = (bisect_left(came, share * pages) for share in (_FIRST, _LAST))
        if times[first] == times[last]:
            return pages / times[-1]  # all came at once
        return (came[last] - came[first]) / (times[last] - times[first])
