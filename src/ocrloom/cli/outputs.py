"""Where results go: standard output, one file, or a folder with a file for every input."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ocrloom.cli.errors import shown
from ocrloom.errors import OcrOutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocrloom.formats import Format
    from ocrloom.result import OcrResult

__all__ = ["STANDARD_STREAM", "Files", "Sink", "StandardOutput", "choose_targets"]

STANDARD_STREAM = "-"
"""What people write for standard input and standard output."""

# While we work, the descriptor of this name leads elsewhere.
_OUTPUT_NAMES = (STANDARD_STREAM, "/dev/stdout")


class Sink(Protocol):
    """Takes results."""

    @property
    def shared(self) -> bool:
        """Whether all go to one place: their order matters, and an error there ends it all."""

    def write(self, index: int, result: OcrResult) -> None:
        """Writes the result of the input of that index.

        Raises:
            OcrOutputError: It cannot be written.
            BrokenPipeError: Who was to read it has gone.
        """


class StandardOutput:
    """One result after the other."""

    shared = True

    def __init__(self, out: BinaryIO | None, form: Format, announce: Callable[[int], None]) -> None:
        """Makes a sink.

        Args:
            out: Standard output, None where it is closed.
            form: How to write.
            announce: Called with the index before each result.

        Raises:
            OcrOutputError: Standard output is closed.
        """
        if out is None:
            raise OcrOutputError(
                "standard output is closed; redirect it, or name a file with --output"
            )
        self._out = out
        self._form = form
        self._announce = announce

    def write(self, index: int, result: OcrResult) -> None:
        """Writes at once what it is given; see `Sink`."""
        self._announce(index)
        try:
            self._out.write(_encoded(self._form, result))
            # At once: who reads it is waiting, and only now a full disk shows.
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OcrOutputError(
                f"standard output cannot be written: {error.strerror}; check its disk"
            ) from error


class Files:
    """One file for every result, complete or not there at all."""

    shared = False

    def __init__(self, targets: Sequence[Path], form: Format) -> None:
        """Makes a sink of a target for every input."""
        self._targets = targets
        self._form = form

    def write(self, index: int, result: OcrResult) -> None:
        """Writes a file that is whole or not there; see `Sink`."""
        target = self._targets[index]
        try:
            _write(target, _encoded(self._form, result))
        except OSError as error:
            raise OcrOutputError(
                f"{shown(str(target))}: cannot be written: {error.strerror}; check the folder's "
                "permissions and its disk"
            ) from error


def _encoded(form: Format, result: OcrResult) -> bytes:
    return form.render(result).encode("utf-8", errors="replace")


def _write(target: Path, data: bytes) -> None:
    if target.exists() and not target.is_file():
        # A device or a FIFO is written to; replacing it would destroy it.
        target.write_bytes(data)
        return
    # What a link points to is replaced, not the link.
    target = target.resolve()
    temporary = target.with_name(f".ocrloom-{secrets.token_hex(8)}.tmp")
    # Not by `tempfile`, whose files only their owner may read.
    mode = target.stat().st_mode & 0o777 if target.exists() else None
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(data)
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def choose_targets(names: Sequence[str], output: str, suffix: str) -> tuple[Path, ...] | None:
    """Finds the file for every input, and makes the folder for them where one is meant.

    Args:
        names: The inputs.
        output: As the user named it.
        suffix: Ending of the files to write.

    Returns:
        The paths, or None for standard output.

    Raises:
        OcrOutputError: Nothing can be written there, two inputs would be written to one file, or
            an input would be overwritten.
    """
    if output in _OUTPUT_NAMES:
        return None
    folder = Path(output)
    if len(names) > 1 or output.endswith(("/", os.sep)) or folder.is_dir():
        _make_folder(folder, len(names))
        targets = tuple(folder / f"{_stem(name)}{suffix}" for name in names)
    else:
        _check_parent(folder)
        targets = (folder,)
    _refuse_clashes(names, targets)
    _refuse_inputs(names, targets)
    return targets


def _stem(name: str) -> str:
    return "stdin" if name == STANDARD_STREAM else Path(name).stem


def _make_folder(folder: Path, inputs: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OcrOutputError(
            f"{shown(str(folder))}: expected a folder for {inputs} input{'s' * (inputs > 1)}, "
            "found a file; give another name to --output"
        ) from error
    except OSError as error:
        raise OcrOutputError(
            f"{shown(str(folder))}: this folder cannot be made: {error.strerror}; give another "
            "name to --output"
        ) from error


def _check_parent(target: Path) -> None:
    if not target.parent.is_dir():
        raise OcrOutputError(
            f"{shown(str(target))}: there is no folder {shown(str(target.parent))}; make it, or "
            "end the name with a slash to have a folder of that name made"
        )


def _refuse_clashes(names: Sequence[str], targets: Sequence[Path]) -> None:
    taken: dict[str, str] = {}
    # Names that differ in nothing but capitals are one file on most disks of these systems.
    fold = sys.platform in ("win32", "darwin")
    for name, target in zip(names, targets, strict=True):
        key = target.name.casefold() if fold else target.name
        other = taken.setdefault(key, name)
        if other is not name:
            raise OcrOutputError(
                f"{shown(other)} and {shown(name)} would both be written to "
                f"{shown(str(target))}; read them in two runs with a folder for each"
            )


def _refuse_inputs(names: Iterable[str], targets: Iterable[Path]) -> None:
    inputs = {_identity(name): name for name in names if name != STANDARD_STREAM}
    inputs.pop(None, None)
    for target in targets:
        overwritten = inputs.get(_identity(str(target)))
        if overwritten is not None:
            raise OcrOutputError(
                f"{shown(str(target))}: this would overwrite the input {shown(overwritten)}; "
                "give another name to --output"
            )


def _identity(name: str) -> tuple[int, int] | None:
    """What two names of one file have in common; None where there is no file."""
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return None
    return status.st_dev, status.st_ino
