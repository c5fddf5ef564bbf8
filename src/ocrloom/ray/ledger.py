"""What one process keeps for all that read a dataset: who has begun what, and files of its own."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocrloom.errors import OcrException
from ocrloom.image.source import check_file, file_error

if TYPE_CHECKING:
    from ocrloom.options import Limits

__all__ = ["Ledger", "ledger", "own"]


class Ledger:
    """Counts how often something was begun and not ended, which is how often it was lost.

    And it knows which documents of a dataset have come: some 150 bytes for each.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: Counter[str] = Counter()
        self._claims: dict[bytes, str] = {}

    def begin(self, what: str) -> int:
        """Notes that it was begun.

        Args:
            what: Tells it from everything else.

        Returns:
            How often it has been begun by now, since it was ended last.
        """
        with self._lock:
            self._begun[what] += 1
            return self._begun[what]

    def end(self, what: str) -> None:
        """Notes that it was ended, well or not: nobody was killed."""
        with self._lock:
            del self._begun[what]

    def first(self, what: bytes, task: str, attempt: str) -> bool:
        """Whether something came for the first time, or again as its task was killed.

        Args:
            what: Tells it from everything else.
            task: Which one it came to; the same when that is run again.
            attempt: Tells runs of a task from each other.
        """
        mine = sys.intern(f"{task} {attempt}")
        with self._lock:
            before = self._claims.get(what)
            is_first = before is None or (before != mine and before.startswith(f"{task} "))
            if is_first:
                self._claims[what] = mine
            return is_first

    def content(self, name: str, limits: Limits) -> bytes:
        """A file of the machine that called, for machines that do not have it.

        Args:
            name: Its absolute path.
            limits: ``max_bytes`` is compared with its size.

        Raises:
            OcrSourceError: It cannot be read here either.
            OcrImageTooLarge: It is over the limit.
        """
        check_file(name, limits)
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise file_error(error, name) from error


def ledger(home: str) -> Any:  # noqa: ANN401  # a handle, as Ray makes it
    """Starts one that lives as long as somebody holds it.

    Args:
        home: The node that it is to run on, by its id.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return (
        ray.remote(Ledger)
        .options(
            num_cpus=0,
            max_concurrency=16,
            # What it has counted is lost with it, and counted anew.
            max_restarts=-1,
            max_task_retries=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(home, soft=False),
        )
        .remote()
    )


def own(error: OcrException) -> OcrException:
    """The exception of ours that Ray has wrapped in a class of its own, or the same."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, OcrException) else error
