"""Where engines of one process have their sources read: readers, and whose turn it is."""

from __future__ import annotations

import itertools
import secrets
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrClusterUnavailable
from ocrloom.ray.answers import last_line
from ocrloom.ray.cluster import ray_module
from ocrloom.ray.turns import Turns

if TYPE_CHECKING:
    from ocrloom.image.lazy import Source
    from ocrloom.ray.protocols import Readers, Reading

__all__ = ["Site"]

_FREIGHT: Final = 256 * 1024**2
"""Bytes of sources that are put into the cluster's memory at a time: a fraction of what a machine
has for such things, and enough for hundreds of pages."""


class Site:
    """What engines share that read in the same place."""

    def __init__(self, readers: Readers) -> None:
        """Makes it.

        Args:
            readers: The processes that read.
        """
        self.readers = readers
        self.turns = Turns(lambda: readers.places)
        """For slices."""
        self.freight = Turns(lambda: _FREIGHT)
        """For sources that are on their way, in bytes."""
        self.pages = 0
        """Pages that were read."""
        self.cpu_seconds = 0.0
        """CPU time that the readers took for them."""
        self._begin = secrets.token_hex(8)
        self._numbers = itertools.count()

    def next_id(self) -> str:
        """Tells a source from all others, also from those of other processes."""
        return f"{self._begin}-{next(self._numbers)}"

    def count(self, reading: Reading) -> None:
        """Notes that a page was read."""
        self.pages += 1
        self.cpu_seconds += reading.seconds

    @staticmethod
    def put(content: Source) -> Any:  # noqa: ANN401  # a reference of Ray's
        """Puts what a source holds where every reader can get it; blocks.

        Raises:
            OcrClusterUnavailable: There is no room for it, or no connection any more.
        """
        try:
            return ray_module().put(content)
        except Exception as error:
            raise OcrClusterUnavailable(
                f"a source cannot be put into the memory of the cluster: {last_line(error)}; give "
                "its machines more of it (ray start --object-store-memory)"
            ) from error
