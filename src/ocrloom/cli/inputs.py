"""What the commands that read have in common: their inputs, and the engine that reads them."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, NoReturn

from ocrloom.cli.outputs import STANDARD_STREAM
from ocrloom.engine import OcrEngine
from ocrloom.errors import OcrOptionError, OcrSourceUnreadable
from ocrloom.locations import is_location
from ocrloom.options import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.image.lazy import ImageLike
    from ocrloom.image.source import Readable
    from ocrloom.journal import Journal
    from ocrloom.options import OcrOptions
    from ocrloom.remote import RemoteEngine

__all__ = [
    "Kept",
    "check_inputs",
    "engine_at",
    "engine_of",
    "journal_in",
    "refuse_with_server",
    "sources",
    "title",
]


def check_inputs(names: tuple[str, ...]) -> None:
    """Refuses standard input where it cannot be read.

    Raises:
        OcrOptionError: It is named twice.
        OcrSourceUnreadable: It is closed.
    """
    if names.count(STANDARD_STREAM) > 1:
        raise OcrOptionError("standard input can be read only once; name - only once")
    if STANDARD_STREAM in names and sys.stdin is None:
        raise OcrSourceUnreadable("standard input is closed; give a file's name instead of -")


class Kept:
    """Standard input, which can be read only once, for those who need it again."""

    name = "<stdin>"

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._parts: list[bytes] = []

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        part = self._stream.read(size)
        self._parts.append(part)
        return part

    @property
    def data(self) -> bytes:
        """All that was read."""
        return b"".join(self._parts)


def sources(
    names: tuple[str, ...], limits: Limits, *, keep: bool = False, fetch: bool = True
) -> Iterator[ImageLike]:
    """What the names stand for.

    Args:
        names: Files, locations and what stands for standard input.
        limits: What each may claim.
        keep: Whether standard input is wanted as `Kept`.
        fetch: Whether what is at locations is fetched here; otherwise the engine gets their names.
    """
    away = (name for name in names if fetch and is_location(name))
    files: Iterator[ImageLike] | None = None
    for name in names:
        if name == STANDARD_STREAM:
            yield Kept(sys.stdin.buffer) if keep else sys.stdin.buffer
        elif fetch and is_location(name):
            files = files or _fetched(away, limits)
            yield next(files)
        else:
            yield name


def _fetched(locations: Iterator[str], limits: Limits) -> Iterator[ImageLike]:
    # Here and not at the top: most files are on this machine.
    from ocrloom.cli.fetching import fetched

    return fetched(locations, limits)


def title(name: str) -> str:
    """What an input is called in messages."""
    return "<stdin>" if name == STANDARD_STREAM else name


def engine_of(
    options: OcrOptions, jobs: int | None, memory: int | None, resume: str | None
) -> OcrEngine:
    """The engine that the flags describe.

    Raises:
        OcrException: One of them has a value that it cannot have.
    """
    return OcrEngine(options=options, workers=jobs, memory=memory, journal=journal_in(resume))


def journal_in(folder: str | None) -> Journal | None:
    """Where finished pages are kept, if they are.

    Raises:
        OcrException: It cannot be a folder or cannot be written to.
    """
    if folder is None:
        return None
    # Here and not at the top: few readings keep one.
    from ocrloom.journal import Journal

    return Journal(folder)


def engine_at(url: str, api_key: str | None, options: OcrOptions) -> RemoteEngine:
    """The engine whose pages a service reads.

    Raises:
        OcrException: One of the flags has a value that it cannot have.
    """
    # The file's own size counts here too: what is too large need not be sent.
    for limit in fields(Limits):
        if limit.name != "max_bytes" and getattr(options.limits, limit.name) != limit.default:
            refuse_with_server(limit.name)
    # Here and not at the top: only this needs what talks to services.
    from ocrloom.remote import RemoteEngine

    return RemoteEngine(url, api_key=api_key, options=options)


def refuse_with_server(name: str) -> NoReturn:
    """Refuses a flag that is about reading in this process.

    Args:
        name: Of the flag's parameter.

    Raises:
        OcrOptionError: Always.
    """
    raise OcrOptionError(
        f"--{name.replace('_', '-')} is for reading here, and with --server a service reads, which "
        "has settings of its own; leave one of the two"
    )
