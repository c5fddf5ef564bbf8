"""Files elsewhere: what has a scheme, such as ``s3://bucket/scan.tif``, opened by fsspec.

Which server is asked and with which keys is said where the packages for each scheme look for it,
such as the variables ``AWS_ENDPOINT_URL`` and ``AWS_ACCESS_KEY_ID``; nothing here is told of it.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, Final
from urllib.parse import quote, unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from ocrloom.errors import (
    OcrException,
    OcrOptionError,
    OcrOutputError,
    OcrSourceIsDirectory,
    OcrSourceNotFound,
    OcrSourceUnreadable,
)
from ocrloom.image.source import check_file, check_size, file_error, open_file, read_stream, shown
from ocrloom.options import Limits
from ocrloom.saving import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "below",
    "fetch",
    "file_name",
    "find",
    "is_folder",
    "is_location",
    "local_path",
    "names_in",
    "opened",
    "remove",
    "write_bytes",
]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(?:::[A-Za-z][A-Za-z0-9+.-]+)*://")
# A file there is whole or not there by itself; anywhere else it is written beside its place first.
_WHOLE: Final = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "r2"})
_HTTP: Final = frozenset({"http", "https"})
_LOCAL: Final = frozenset({"file", "local"})


def is_location(name: object) -> bool:
    """Whether a name is one with a scheme: ``s3://…``, ``https://…``, ``file://…``."""
    return isinstance(name, str) and _SCHEME.match(name) is not None


def below(folder: str, name: str) -> str:
    """The location of what a folder has under a name, which may have slashes."""
    if local_path(folder) is not None:
        # What has a meaning of its own there may be part of a name here.
        name = quote(os.fsencode(name))
    # What follows the first :: says in which other file the folder is.
    first, chain, rest = folder.partition("::")
    return f"{first.rstrip('/')}/{name}{chain}{rest}"


def file_name(location: str) -> str:
    """What a file there is called, without the folders; never empty."""
    # The first part that has a name has this one; ways of access, such as simplecache::, have none.
    first = next(part for part in location.split("::") if "://" in part)
    path, host = first.partition("://")[2], None
    if _scheme(first) in _HTTP:
        parts = urlsplit(first)
        path, host = parts.path, parts.hostname
    return path.rstrip("/").rpartition("/")[2] or host or "file"


def fetch(location: str, limits: Limits | None = None) -> bytes:
    """All of a file; blocks.

    Args:
        location: Where it is, with a scheme.
        limits: ``max_bytes`` is compared with its size, before it is fetched where the size is
            known; ``Limits()`` if not given.

    Raises:
        OcrSourceError: There is no such file, it is a folder, empty, or cannot be read.
        OcrImageTooLarge: It is over ``limits.max_bytes``.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    limits = limits or Limits()
    if (path := local_path(location)) is not None:
        return _local_bytes(path, location, limits)
    with _reading(location):
        system, path_there = _opened(location)
        scheme = _scheme(location)
        if scheme in _HTTP:
            # As one stream, and not by what the server says beforehand: it may have packed what it
            # sends, or not tell the truth. Who says what the size is has nobody asked for it.
            with system.open(path_there, "rb", block_size=0, size=1) as file:
                return read_stream(_Stream(file, location), location, limits)
        known = system.info(path_there)
        if known.get("type") == "directory":
            raise IsADirectoryError(location)
        if (size := known.get("size")) is not None:
            check_size(size, limits, shown(location))
            if scheme in _WHOLE:
                data: bytes = system.cat_file(path_there)
                check_size(len(data), limits, shown(location))
                return data
        with system.open(path_there, "rb") as file:
            return read_stream(_Stream(file, location), location, limits)


def is_folder(location: str) -> bool:
    """Whether files can be below it; blocks. What is not there is no folder.

    Raises:
        OcrSourceUnreadable: It cannot be found out.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    if (path := local_path(location)) is not None:
        # `Path.is_dir` raises where a name is too long.
        return os.path.isdir(path)  # noqa: PTH112
    if _scheme(location) in _HTTP:
        return False
    with _reading(location):
        system, path_there = _opened(location)
        system.invalidate_cache()
        return bool(system.isdir(path_there))


def find(location: str, takes: Callable[[str], bool]) -> Iterator[str]:
    """The files below a folder, by name, those of a folder where its name comes.

    One folder is listed at a time, when what was before it has been taken.

    Args:
        location: The folder.
        takes: Whether a file is wanted, by its path below the folder, with slashes.

    Raises:
        OcrSourceError: The folder is not there, is none, or cannot be listed.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    # Not by recursion, as folders may lie deeper in each other than Python's calls may.
    waiting = [iter(_entries(location, ""))]
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        path, has_more = entry
        if has_more:
            waiting.append(iter(_entries(below(location, path), f"{path}/")))
        elif takes(path):
            yield below(location, path)


def names_in(location: str) -> list[str]:
    """The names of the files directly in a folder, sorted; none where it is not there.

    Raises:
        OcrSourceError: It cannot be listed.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    try:
        return [name for name, has_more in _entries(location, "") if not has_more]
    except OcrSourceNotFound:
        return []


@contextmanager
def opened(location: str) -> Iterator[BinaryIO]:
    """A file to read parts of, for those who need not all of it.

    Raises:
        OcrSourceError: There is no such file, or it cannot be opened.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    with _reading(location):
        if (path := local_path(location)) is not None:
            file: Any = path.open("rb")
        else:
            system, path_there = _opened(location)
            file = system.open(path_there, "rb")
    with file:
        yield file


def write_bytes(location: str, data: bytes) -> None:
    """Writes a file, which is whole or not there, in the place of another one; blocks.

    Raises:
        OcrOutputError: It cannot be written.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    try:
        if (path := local_path(location)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path) as file:
                file.write(data)
            return
        system, path_there = _opened(location)
        if _scheme(location) in _WHOLE:
            system.pipe_file(path_there, data)
            return
        folder, _, name = path_there.rpartition("/")
        system.makedirs(folder, exist_ok=True)
        beside = f"{folder}/.ocrloom-{secrets.token_hex(8)}-{name}.tmp"
        try:
            system.pipe_file(beside, data)
            system.mv(beside, path_there)
        except BaseException:
            with suppress(Exception):
                system.rm_file(beside)
            raise
    except OcrException:
        raise
    # Each package raises its own: of the network, of the keys, of the store.
    except Exception as error:
        raise OcrOutputError(
            f"{shown(location)}: cannot be written: {_reason(error)}; check the name, the keys "
            "in the environment and the network"
        ) from error


def remove(location: str) -> None:
    """Removes a file; nothing where it is not there.

    Raises:
        OcrOutputError: It cannot be removed.
        OcrOptionError: Nothing that is installed knows the scheme.
    """
    try:
        if (path := local_path(location)) is not None:
            path.unlink(missing_ok=True)
            return
        system, path_there = _opened(location)
        system.rm_file(path_there)
    except FileNotFoundError:
        pass
    except OcrException:
        raise
    except Exception as error:
        raise OcrOutputError(
            f"{shown(location)}: cannot be removed: {_reason(error)}; check the keys in the "
            "environment and the network"
        ) from error


def _entries(location: str, above: str) -> list[tuple[str, bool]]:
    """What is directly in a folder, each name after what is above; and whether it is a folder."""
    if (path := local_path(location)) is not None:
        with _reading(location):
            found = [
                (each.name, each.is_dir() and not each.is_symlink()) for each in path.iterdir()
            ]
    else:
        with _reading(location):
            system, path_there = _opened(location)
            # Packages keep listings, and others write there too.
            system.invalidate_cache(path_there)
            rows = system.ls(path_there, detail=True)
            if [(row["name"].strip("/"), row["type"]) for row in rows] == [
                (path_there.strip("/"), "file")
            ]:
                raise NotADirectoryError("a file, where a folder was expected")
            found = [
                (row["name"].rstrip("/").rpartition("/")[2], row["type"] == "directory")
                for row in rows
                # A store has folders as empty files too, which list themselves.
                if row["name"].strip("/") != path_there.strip("/")
            ]
    return [(above + name, has_more) for name, has_more in sorted(found)]


def _scheme(location: str) -> str:
    found = _SCHEME.match(location)
    if found is None:
        raise OcrOptionError(
            f"{shown(location)}: expected a location with a scheme, such as s3://bucket/scan.tif"
        )
    return found[1].lower()


def local_path(location: str) -> Path | None:
    """The path of what is in this machine's folders, ``file://…``; None for all else."""
    if _scheme(location) not in _LOCAL or "::" in location:
        return None
    from pathlib import Path

    parts = urlsplit(location)
    where = parts.netloc.removeprefix("localhost") + parts.path
    if os.name == "nt":
        return Path(url2pathname(where))
    # Not by the same, which takes names to be UTF-8.
    return Path(os.fsdecode(unquote_to_bytes(os.fsencode(where))))


def _local_bytes(path: Path, location: str, limits: Limits) -> bytes:
    check_file(str(path), limits)
    try:
        with open_file(path, location, limits) as file:
            return file.read()
    except OSError as error:
        raise file_error(error, location) from error


def _opened(location: str) -> tuple[Any, str]:
    """What fsspec opens it with, and its name there.

    Raises:
        OcrOptionError: Nothing that is installed knows the scheme.
        Exception: What packages raise, of which some look there at once.
    """
    scheme = _scheme(location)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise OcrOptionError(
            f'{shown(location)}: needs the package fsspec; pip install "ocrloom[ray]" adds it, or '
            "copy the file to this machine"
        ) from error
    try:
        system, path = url_to_fs(location)
    except (ImportError, ValueError) as error:
        raise OcrOptionError(
            f"{shown(location)}: {scheme}:// cannot be opened: {_reason(error)}; {_remedy(scheme)}"
        ) from error
    return system, path


def _remedy(scheme: str) -> str:
    packages = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
    packages |= dict.fromkeys(_HTTP, "aiohttp") | dict.fromkeys(("az", "abfs", "abfss"), "adlfs")
    if scheme in packages:
        return f"pip install {packages[scheme]} adds what opens it"
    return "install the package that fsspec opens it with, or check the name"


class _Stream:
    """A file whose package raises what it likes."""

    def __init__(self, file: Any, location: str) -> None:  # noqa: ANN401  # each package's own
        self._file = file
        self._location = location

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""
        with _reading(self._location):
            part: bytes = self._file.read(size)
            return part


@contextmanager
def _reading(location: str) -> Iterator[None]:
    """Maps what packages raise about a file that is read or a folder that is listed."""
    name = shown(location)
    try:
        yield
    except OcrException:
        raise
    except FileNotFoundError as error:
        # What HTTP servers that cannot be reached are called too.
        if isinstance(error.__cause__, OSError):
            raise _unreadable(name, error.__cause__) from error
        raise OcrSourceNotFound(f"{name}: no such file; check the name and the folder") from error
    except IsADirectoryError as error:
        raise OcrSourceIsDirectory(f"{name}: a folder; give the name of one image file") from error
    # Each package raises its own: of the network, of the keys, of the store.
    except Exception as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: Exception) -> OcrSourceUnreadable:
    return OcrSourceUnreadable(
        f"{name}: cannot be read: {_reason(error)}; check the name, the keys in the environment "
        "and the network"
    )


def _reason(error: Exception) -> str:
    return shown(" ".join(str(error).split())) or type(error).__name__
