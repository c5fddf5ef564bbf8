"""Decoding suspicious frames in a helper process, which can be killed and may crash."""

from __future__ import annotations

import pickle
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, cast

from ocrloom.errors import OcrDamagedImage, OcrEngineError
from ocrloom.image.guard import guard
from ocrloom.image.lazy import Extent, Frame, Reader, go_on
from ocrloom.image.source import shown
from ocrloom.image.watch import watched
from ocrloom.scheduling.helpers import (
    Helper,
    HelperDied,
    HelperPool,
    HelperUnavailable,
    available,
    shared_helpers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ocrloom.options import Limits

__all__ = ["Given", "JudgingReader", "SandboxedReader", "sandboxed"]

_Box: TypeAlias = "tuple[int, int] | None"

# Bytes beside the frame's own cost: libraries, their threads' stacks, what costs do not know.
# It is address space that is bounded, of which more is reserved than used.
_BESIDE: Final = 1024**3


class JudgingReader(Reader, Protocol):
    """A reader that knows which of its frames it should not decode itself."""

    def is_suspicious(self, number: int) -> bool:
        """Whether a frame should be decoded elsewhere; reads headers only, see `suspicious`.

        Args:
            number: Place in the source, from 1 to ``count``.

        Raises:
            OcrImageError: The headers cannot be read.
            OcrSourceUnreadable: The file cannot be read any more.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What ``open_reader`` was called with, so that a helper can do it too."""

    source: Path | bytes
    name: str | None
    limits: Limits
    fit: _Box = None


@contextmanager
def sandboxed(reader: JudgingReader, given: Given) -> Iterator[Reader]:
    """The reader, with its suspicious frames decoded by a helper.

    In a helper, and where there can be none (see `ocrloom.scheduling.helpers.available`), it is
    the reader itself.
    """
    if _opened is not None or not available():
        yield reader
        return
    with SandboxedReader(reader, given, shared_helpers()) as safe:
        yield safe


class SandboxedReader:
    """A reader whose suspicious frames are decoded in a helper, which has the source open too.

    The helper is taken with the first such frame and given back in the end. If one dies or is
    killed, the next frame gets another one.
    """

    def __init__(self, reader: JudgingReader, given: Given, pool: HelperPool) -> None:
        self._reader = reader
        self._given = given
        self._pool = pool
        self._helper: Helper | None = None

    def __enter__(self) -> SandboxedReader:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._helper is not None and self._helper.alive:
                self._helper.run(f"{__name__}:close_source")
        except (HelperDied, HelperUnavailable):
            pass  # then nothing is open either
        finally:
            self._drop()

    @property
    def count(self) -> int:
        """See `Reader.count`."""
        return self._reader.count

    def extent(self, number: int) -> Extent:
        """See `Reader.extent`."""
        return self._reader.extent(number)

    def cost(self, number: int) -> int:
        """See `Reader.cost`; the helper's memory counts as this process's."""
        cost = self._reader.cost(number)
        if not self._reader.is_suspicious(number):
            return cost
        # The pixels are in the message and here again, which is no more than decoding takes.
        source = self._given.source
        return 2 * cost + (2 * len(source) if isinstance(source, bytes) else 0)

    def read(self, number: int, checkpoint: Callable[[], None] = go_on) -> Frame:
        """See `Reader.read`.

        Raises:
            OcrDamagedImage: The decoder crashed, or the frame is broken.
            OcrImageTooLarge: It takes more memory than it should, or more time than it may.
            OcrEngineError: There was no helper to be had.
        """
        if not self._reader.is_suspicious(number):
            return self._reader.read(number, checkpoint)
        what = f"{shown(self._given.name)}, frame {number}"
        with (
            watched(what, checkpoint, self._given.limits.max_decode_seconds) as watch,
            guard(what, "image"),
        ):
            try:
                return self._read_elsewhere(number, watch)
            except HelperDied as error:
                raise OcrDamagedImage(
                    f"{what}: expected a whole image, but its decoder crashed ({error.how}); get"
                    " or save the file again"
                ) from error
            except HelperUnavailable as error:
                raise OcrEngineError(
                    f"{what}: its format is decoded in a process of its own, and there is none:"
                    f" {error}; allow another process and more memory, or save it as PNG"
                ) from error

    def _read_elsewhere(self, number: int, watch: Callable[[], None]) -> Frame:
        memory = _BESIDE + 2 * self._reader.cost(number)
        helper = self._helper_with_source(watch)
        frame = helper.run(f"{__name__}:read_frame", number, memory=memory, checkpoint=watch)
        return cast("Frame", frame)

    def _helper_with_source(self, watch: Callable[[], None]) -> Helper:
        if self._helper is not None and self._helper.alive:
            return self._helper
        self._drop()
        given, helper = self._given, self._pool.lease()
        source = given.source
        sent = source if isinstance(source, Path) else pickle.PickleBuffer(source)
        arguments = (sent, given.name, given.limits, given.fit)
        try:
            helper.run(f"{__name__}:open_source", *arguments, checkpoint=watch)
        except BaseException:
            self._pool.give_back(helper)
            raise
        self._helper = helper
        return helper

    def _drop(self) -> None:
        helper, self._helper = self._helper, None
        if helper is not None:
            self._pool.give_back(helper)


# What runs in a helper.

_opened: ExitStack | None = None
"""The source that is open; None in every process that is no helper."""
_reader: Reader | None = None


def open_source(source: Path | bytes, name: str | None, limits: Limits, fit: _Box) -> None:
    """Open a source, in place of the last one.

    Raises:
        OcrException: See `Image.open`.
    """
    global _opened, _reader
    # Here and not at the top: it imports this module.
    from ocrloom.image.decode import open_reader

    close_source()
    _opened = ExitStack()
    _reader = _opened.enter_context(open_reader(source, name, limits, fit))


def read_frame(number: int) -> Frame:
    """Decode a frame of the source that is open.

    Raises:
        OcrException: See `Reader.read`.
    """
    assert _reader is not None  # noqa: S101  # a helper has one caller, who has opened it
    return _reader.read(number)


def close_source() -> None:
    """Close the source that is open, if one is."""
    global _reader
    if _opened is not None:
        _reader = None
        _opened.close()
