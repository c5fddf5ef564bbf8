"""What a server has while it runs, for its routes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ocrloom.jobs.bell import Bell
    from ocrloom.jobs.jobs import Jobs
    from ocrloom.jobs.runner import Runner
    from ocrloom.jobs.spool import Spool
    from ocrloom.library import Library
    from ocrloom.service.keys import Keys
    from ocrloom.service.metrics import Metrics
    from ocrloom.service.network import Guard
    from ocrloom.service.reading import ReadBy
    from ocrloom.service.settings import Settings

__all__ = ["Service"]

_EXPORTS: Final = 2  # a result of 600 pages takes some hundred MB while it is written


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The parts of a server; routes have it as ``request.app.state.service``."""

    settings: Settings
    jobs: Jobs
    library: Library
    """Of all owners: routes use ``library.of(caller.owner)``."""
    keys: Keys
    spool: Spool
    runner: Runner
    metrics: Metrics
    guard: Guard
    reading: ReadBy
    exporting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_EXPORTS))
    """For who has whole results in memory; more wait before they load theirs."""

    @property
    def bell(self) -> Bell:
        """Tells of news of jobs."""
        return self.jobs.bell
