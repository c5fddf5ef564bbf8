"""What is closed in the end, in ``with`` and in ``async with`` blocks alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

__all__ = ["Closing"]


class Closing(ABC):
    """Gives a class that has ``close`` the rest: blocks, and ``aclose`` as generators have it."""

    @abstractmethod
    def close(self) -> None:
        """Ends it; ending it again does nothing."""

    async def aclose(self) -> None:
        """The same as `close`, in an event loop."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
