"""Where results go: standard output, one file, or a folder with files for every input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ocrloom.errors import OcrException, OcrOptionError, OcrOutputError
from ocrloom.formats import FORMATS, ending_of, format_of
from ocrloom.image.source import shown
from ocrloom.locations import file_name, is_location
from ocrloom.saving import save

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ocrloom.formats import Format
    from ocrloom.image.lazy import ImageLike
    from ocrloom.result import OcrResult

__all__ = [
    "STANDARD_STREAM",
    "Files",
    "Sink",
    "StandardOutput",
    "choose_formats",
    "choose_targets",
]

STANDARD_STREAM = "-"
"""What people write for standard input and standard output."""

# While we work, the descriptor of this name leads elsewhere.
_OUTPUT_NAMES = (STANDARD_STREAM, "/dev/stdout")


class Sink(Protocol):
    """Takes results."""

    @property
    def shared(self) -> bool:
        """Whether all go to one place: their order matters, and an error there ends it all."""

    def write(self, index: int, result: OcrResult, source: ImageLike) -> None:
        """Writes the result of the input of that index.

        Args:
            index: Place among the inputs.
            result: What was read of it.
            source: The input, for formats that show it.

        Raises:
            OcrOutputError: It cannot be written.
            OcrException: A format needs the input again, which cannot be had any more.
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
            OcrOutputError: Standard output is closed, or a terminal and the format is not text.
        """
        if out is None:
            raise OcrOutputError(
                "standard output is closed; redirect it, or name a file with --output"
            )
        if form.binary and out.isatty():
            raise OcrOutputError(
                f"{form.name} is not for a terminal; redirect standard output, or name a file with "
                "--output"
            )
        self._out = out
        self._form = form
        self._announce = announce

    def write(self, index: int, result: OcrResult, source: ImageLike) -> None:
        """Writes at once what it is given; see `Sink`."""
        data = self._form.encode(result, source)
        self._announce(index)
        try:
            self._out.write(data)
            # At once: who reads it is waiting, and only now a full disk shows.
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OcrOutputError(
                f"standard output cannot be written: {error.strerror}; check its disk"
            ) from error


class Files:
    """A file for every result and format, complete or not there at all."""

    shared = False

    def __init__(
        self,
        names: Sequence[str],
        targets: Sequence[Sequence[Path]],
        formats: Sequence[Format],
    ) -> None:
        """Makes a sink.

        Args:
            names: The inputs.
            targets: For every input a path for every format.
            formats: How to write.
        """
        self._names = names
        self._targets = targets
        self._formats = formats
        self._owners = {
            path: name for name, paths in zip(names, targets, strict=True) for path in paths
        }

    def write(self, index: int, result: OcrResult, source: ImageLike) -> None:
        """Writes files that are whole or not there; one that cannot be stops no other."""

        def check(path: Path) -> None:
            # Where every page has a file, its name was not known before.
            owner = self._owners.setdefault(path, self._names[index])
            _refuse_clashes((owner, self._names[index]), (path, path))
            _refuse_inputs(self._names, (path,))

        refused: list[OcrException] = []
        for form, target in zip(self._formats, self._targets[index], strict=True):
            try:
                save(result, target, form, source, check)
            except OcrException as error:
                refused.append(error)
        if len(refused) > 1:
            raise OcrOutputError("; ".join(map(str, refused))) from refused[0]
        if refused:
            raise refused[0]


def choose_formats(
    names: Sequence[str], output: str, given: Sequence[Format]
) -> tuple[Format, ...]:
    """Finds what to write.

    Args:
        names: The inputs.
        output: As the user named it; its ending decides where no format is given.
        given: What the user asked for; may be empty.

    Raises:
        OcrOptionError: Standard output cannot take it, or the ending belongs to several formats.
    """
    if not given:
        if output in _OUTPUT_NAMES or _is_folder(names, output):
            return (FORMATS["txt"],)
        # Any other name is one for text; only of this ending two formats are known.
        ambiguous = output.lower().endswith(".xml")
        return (format_of(output) if ambiguous else ending_of(output) or FORMATS["txt"],)
    formats = tuple(dict.fromkeys(given))
    if output not in _OUTPUT_NAMES:
        return formats
    if len(formats) > 1:
        raise OcrOptionError(
            "standard output takes one format, got "
            f"{', '.join(form.name for form in formats)}; name a folder with --output"
        )
    if len(names) > 1 and not formats[0].stackable:
        raise OcrOptionError(
            f"documents of the format {formats[0].name} cannot follow each other on standard "
            "output; name a folder with --output"
        )
    return formats


def choose_targets(
    names: Sequence[str], output: str, formats: Sequence[Format]
) -> list[tuple[Path, ...]] | None:
    """Finds the files for every input, and makes the folder for them where one is meant.

    Args:
        names: The inputs.
        output: As the user named it.
        formats: What to write; several need a folder.

    Returns:
        For every input a path for every format, or None for standard output.

    Raises:
        OcrOutputError: Nothing can be written there, two inputs would be written to one file, or
            an input would be overwritten.
    """
    if output in _OUTPUT_NAMES:
        return None
    folder = Path(output)
    if _is_folder(names, output) or len(formats) > 1:
        _make_folder(folder, len(names), len(formats))
        targets = [
            tuple(folder / f"{_stem(name)}{form.suffix}" for form in formats) for name in names
        ]
    else:
        _check_parent(folder)
        targets = [(folder,)]
    for paths in zip(*targets, strict=True):
        _refuse_clashes(names, paths)
        _refuse_inputs(names, paths)
    return targets


def _is_folder(names: Sequence[str], output: str) -> bool:
    return len(names) > 1 or output.endswith(("/", os.sep)) or Path(output).is_dir()


def _stem(name: str) -> str:
    if name == STANDARD_STREAM:
        return "stdin"
    return Path(file_name(name) if is_location(name) else name).stem


def _make_folder(folder: Path, inputs: int, formats: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OcrOutputError(
            f"{shown(str(folder))}: expected a folder for {_counted(inputs, formats)}, found a "
            "file; give another name to --output"
        ) from error
    except OSError as error:
        raise OcrOutputError(
            f"{shown(str(folder))}: this folder cannot be made: {error.strerror}; give another "
            "name to --output"
        ) from error


def _counted(inputs: int, formats: int) -> str:
    if inputs == 1 and formats > 1:
        return f"{formats} formats"
    return f"{inputs} input{'s' * (inputs > 1)}"


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
