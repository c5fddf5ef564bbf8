"""Which documents are meant: files, folders and locations."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from ocrloom.errors import OcrException, OcrOptionError
from ocrloom.locations import find, is_folder, is_location, local_path
from ocrloom.result import PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ocrloom.cli.walking import Selection

__all__ = ["CHUNK", "Found", "Sources", "chunks", "found_in", "names_of", "plain"]

Sources: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"
CHUNK: Final = 64
"""Documents that are planned one after the other."""


@dataclass(frozen=True, slots=True)
class Found:
    """A document, or a folder that cannot be looked into."""

    name: str
    """An absolute path, or a location."""
    failure: PageFailure | None = None


def names_of(sources: Sources) -> tuple[str, ...]:
    """What was given, as absolute paths and locations, each once.

    Raises:
        OcrOptionError: Something else was given.
    """
    if isinstance(sources, (str, os.PathLike)) or not isinstance(sources, Iterable):
        return (_name(sources),)
    return tuple(dict.fromkeys(_name(each) for each in sources))


def _name(source: object) -> str:
    if not isinstance(source, (str, os.PathLike)):
        raise OcrOptionError(
            "read_documents takes paths, locations such as s3://bucket/scans/ or a Dataset, got "
            f"{type(source).__name__}; for bytes give a Dataset with the column bytes"
        )
    name = os.fsdecode(source)
    if not name:
        raise OcrOptionError("a source's name is empty; give the name of a file or folder")
    name = plain(name)
    return name if is_location(name) else os.path.abspath(name)  # noqa: PTH100  # without links


def plain(name: str) -> str:
    """A name as it was given, but of ``file://…`` the path."""
    path = local_path(name) if is_location(name) else None
    return name if path is None else str(path)


def found_in(names: Iterable[str], selection: Selection) -> Iterator[Found]:
    """The documents; one that was named twice, or lies in two folders, comes once.

    Args:
        names: What `names_of` gave; its files come first.
        selection: Which files of folders are meant.
    """
    files: set[str] = set()
    folders: list[str] = []
    for name in names:
        try:
            inside = is_folder(name) if is_location(name) else os.path.isdir(name)  # noqa: PTH112  # of any length
        except OcrException as error:
            yield Found(name, PageFailure.of(0, error))
            continue
        if inside:
            folders.append(_without_slash(name))
        else:
            files.add(name)
            yield Found(name)
    for place, folder in enumerate(folders):
        for found in _files(folder, selection):
            # Those of all folders would be too many to note.
            if found.name not in files and not _came(found.name, folders[:place], selection):
                yield found


def _without_slash(folder: str) -> str:
    found = folder.rstrip("/" + os.sep)
    # Of a root nothing would be left, or a scheme.
    return found if found and not found.endswith(":") else folder


def _files(folder: str, selection: Selection) -> Iterator[Found]:
    if is_location(folder):
        try:
            for location in find(folder, selection.takes):
                yield Found(location)
        except OcrException as error:
            yield Found(folder, PageFailure.of(0, error))
        return
    closed: list[OcrException] = []
    for path in selection.files(Path(folder), closed.append):
        yield Found(str(path))
        yield from _closed(folder, closed)
    yield from _closed(folder, closed)


def _closed(folder: str, errors: list[OcrException]) -> Iterator[Found]:
    while errors:
        error = errors.pop(0)
        # Its message begins with the name of the folder that is closed.
        yield Found(str(error).partition(": ")[0] or folder, PageFailure.of(0, error))


def _came(name: str, folders: Iterable[str], selection: Selection) -> bool:
    """Whether a file was found in a folder that came before."""
    for folder in folders:
        inside = name.removeprefix(folder)
        path = inside.lstrip("/" + os.sep)
        ends = folder.endswith(("/", os.sep)) or path != inside
        if inside != name and ends and selection.takes(path.replace(os.sep, "/")):
            return True
    return False


def chunks(found: Iterable[Found]) -> Iterator[list[Found]]:
    """So many as are planned one after the other."""
    rest = iter(found)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
