"""Which store a library's name stands for."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ocrloom.library.storage.base import Store

__all__ = ["checked", "connector", "is_address", "shown"]

_PASSWORD = re.compile(r"(://[^/@]*?:)[^/]*(?=@)|((?<=[?&])password=)[^&]*")
_ADDRESSES = ("postgresql://", "postgres://")


def is_address(where: str) -> bool:
    """Whether it is a database on a server, and no file."""
    return where.startswith(_ADDRESSES)


def checked(where: str | os.PathLike[str]) -> str:
    """The absolute name of the file, or the address, that a user has given.

    Raises:
        OcrOptionError: It is neither.
    """
    if not isinstance(where, (str, os.PathLike)):
        raise OcrOptionError(
            "a library must be the name of a file or an address such as postgresql://host/database,"
            f" got {type(where).__name__}"
        )
    name = os.fsdecode(where)
    if is_address(name):
        return name
    if not name or "\0" in name or "://" in name:
        raise OcrOptionError(
            "a library must be the name of a file or an address such as postgresql://host/database,"
            f" got {name!r}"
        )
    if os.path.isdir(name):  # noqa: PTH112  # `Path.is_dir` raises where a name is too long
        raise OcrOptionError(
            f"a library must be the name of a file, and {name!r} is a folder; name a file in it,"
            " such as scans.db"
        )
    # Absolute, so that a later change of the working directory does no harm.
    return str(Path(name).absolute())


def shown(where: str) -> str:
    """The name without a password, for messages."""
    return _PASSWORD.sub(r"\1\2***", where) if is_address(where) else where


def connector(where: str) -> Callable[[bool], Store]:
    """What opens a store there, told whether it is for writing.

    Args:
        where: What `checked` gave.
    """
    return partial(_connect, where)


def _connect(where: str, writes: bool) -> Store:  # by `Desk`
    # Here and not at the top: who has one needs none of the other.
    if is_address(where):
        from ocrloom.library.storage.postgres import PostgresStore

        return PostgresStore(where, writes=writes)
    from ocrloom.library.storage.sqlite import SqliteStore

    return SqliteStore(Path(where), writes=writes)
