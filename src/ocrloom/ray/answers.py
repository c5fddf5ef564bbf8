"""What processes of a cluster answer, in our terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ocrloom.ray.protocols import ReaderDied

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["asked", "last_line"]

T = TypeVar("T")


async def asked(answer: Awaitable[T]) -> T:
    """What a process answers.

    Args:
        answer: A reference of Ray's, or what Ray Serve gives in its place.

    Raises:
        ReaderDied: It, its machine, or what it had answered is gone.
        Exception: What it raised.
    """
    from ray import exceptions

    gone = (
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
        exceptions.NodeDiedError,
        exceptions.ObjectLostError,
        exceptions.OutOfMemoryError,
    )
    try:
        return await answer
    except gone as error:
        raise ReaderDied(last_line(error)) from None
    except exceptions.RayTaskError as error:
        raise error.cause from None


def last_line(told: object) -> str:
    """The last line of a message, which tells most of it in errors of Ray's."""
    lines = [line for line in str(told).splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(told).__name__
