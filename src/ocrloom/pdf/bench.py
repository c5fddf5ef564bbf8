"""Where the work on a PDF is done: a helper process, and a folder that is gone afterwards."""

from __future__ import annotations

import tempfile
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ocrloom.errors import OcrDamagedImage, OcrEngineError, OcrImageTooLarge, OcrOutputError
from ocrloom.image.lazy import go_on
from ocrloom.image.source import shown
from ocrloom.image.watch import watched
from ocrloom.scheduling.helpers import (
    Helper,
    HelperDied,
    HelperUnavailable,
    available,
    shared_helpers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["Bench"]

# Bytes of address space: libraries, and what a page of usual size takes.
_BESIDE: Final = 1024**3


class Bench:
    """A helper process of one's own and a folder for files in between, to be used as a context."""

    def __init__(self, checkpoint: Callable[[], None] = go_on) -> None:
        """Takes no process yet.

        Args:
            checkpoint: Called often while the helper works; what it raises ends that.
        """
        self.checkpoint = checkpoint
        self._helper: Helper | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._temporary is not None:
                self._temporary.cleanup()
        finally:
            self._drop()

    @property
    def folder(self) -> Path:
        """The folder.

        Raises:
            OcrOutputError: There is no room for one.
        """
        if self._temporary is None:
            try:
                self._temporary = tempfile.TemporaryDirectory(prefix="ocrloom-")
            except OSError as error:
                raise OcrOutputError(
                    f"no folder for temporary files can be made: {error.strerror}; make room, or "
                    "name another place by the environment variable TMPDIR"
                ) from error
        return Path(self._temporary.name)

    def write(self, name: str, data: bytes) -> Path:
        """Writes a file into the folder.

        Raises:
            OcrOutputError: There is no room for it.
        """
        path = self.folder / name
        try:
            path.write_bytes(data)
        except OSError as error:
            raise OcrOutputError(
                f"{shown(str(path.parent))}: a temporary file cannot be written: {error.strerror}; "
                "make room, or name another place by the environment variable TMPDIR"
            ) from error
        return path

    def run(
        self,
        function: str,
        *arguments: object,
        what: str | None,
        memory: int = 0,
        seconds: float = inf,
    ) -> Any:  # noqa: ANN401  # what it gives
        """Calls a function in the helper.

        Args:
            function: Its module within this package and its name, as ``"images:place"``.
            arguments: For the function.
            what: The source that it is about, for messages.
            memory: Bytes that it may take beside what every call may, on Linux.
            seconds: How long it may take.

        Returns:
            What it returns.

        Raises:
            OcrImageError: The source takes too much memory or time, or crashes who reads it.
            OcrEngineError: There is no helper to be had.
            Exception: What the function raises.
        """
        name = f"ocrloom.pdf.{function}"
        try:
            if not available():
                module, _, call = name.partition(":")
                return getattr(import_module(module), call)(*arguments)
            with watched(shown(what), self.checkpoint, seconds) as watch:
                return self._lease().run(
                    name, *arguments, memory=_BESIDE + memory, checkpoint=watch
                )
        except MemoryError as error:
            raise OcrImageTooLarge(
                f"{shown(what)}: making a PDF of it takes more memory than it should; get or save "
                "the file again"
            ) from error
        except HelperDied as error:
            raise OcrDamagedImage(
                f"{shown(what)}: expected a whole file, but what reads it crashed ({error.how}); "
                "get or save the file again"
            ) from error
        except HelperUnavailable as error:
            raise OcrEngineError(
                f"{shown(what)}: PDFs are made in a process of its own, and there is none: "
                f"{error}; allow another process and more memory"
            ) from error

    def _lease(self) -> Helper:
        if self._helper is None or not self._helper.alive:
            self._drop()
            self._helper = shared_helpers().lease()
        return self._helper

    def _drop(self) -> None:
        helper, self._helper = self._helper, None
        if helper is not None:
            shared_helpers().give_back(helper)
