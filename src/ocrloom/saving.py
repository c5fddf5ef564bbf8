"""Results into files and back."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.image.source import check_file, file_error, shown
from ocrloom.options import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from ocrloom.formats import Format
    from ocrloom.image.lazy import ImageLike
    from ocrloom.result import OcrResult

__all__ = ["read_text", "replacing", "save"]


def save(
    result: OcrResult,
    path: str | os.PathLike[str],
    form: Format,
    source: ImageLike | None = None,
    check: Callable[[Path], None] = lambda _: None,
) -> tuple[Path, ...]:
    """Writes a result, each file whole or not there.

    Args:
        result: What to write.
        path: The file; where the format has a file for every page, each gets its page's number.
        form: How to write it.
        source: What was read, for formats that show it.
        check: Called with each path before anything is written; may refuse it by raising.

    Returns:
        The files that were written.

    Raises:
        OcrOutputError: A file cannot be written, or the format cannot hold this result.
    """
    target = Path(path)
    files = [(_inserted(target, form, mark), part) for mark, part in form.files(result)]
    for file, _ in files:
        check(file)
    for file, part in files:
        data = form.encode(part, source)
        try:
            with replacing(file) as out:
                out.write(data)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OcrOutputError(
                f"{shown(str(file))}: cannot be written: {reason}; check the folder's "
                "permissions and its disk"
            ) from error
    return tuple(file for file, _ in files)


def _inserted(target: Path, form: Format, mark: str) -> Path:
    """The path with a mark before its ending."""
    name = target.name
    ending = form.suffix if name.lower().endswith(form.suffix) else target.suffix
    stem = name[: len(name) - len(ending)]
    return target.with_name(f"{stem}{mark}{name[len(stem) :]}") if mark else target


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A file to write, which comes in the place of another one once it is whole.

    It is whole or not there; a link's target is replaced, not the link. What is no file, such as a
    device or a FIFO, is written to: replacing it would destroy it.

    Raises:
        OSError: It cannot be written.
    """
    mode = _mode_of(target)
    if mode is not None and not stat.S_ISREG(mode):
        with target.open("wb") as file:
            yield file
        return
    target = target.resolve()
    # Not by `tempfile`, whose files only their owner may read.
    temporary = target.with_name(f".ocrloom-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode & 0o777)
            yield file
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _mode_of(path: Path) -> int | None:
    """What it is and who may do what with it; None if it is not there."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def read_text(path: str | os.PathLike[str], what: str = "a JSON document") -> str:
    """Reads a file of UTF-8.

    Args:
        path: The file.
        what: What it holds, for messages.

    Raises:
        OcrSourceError: It is missing, no regular file, unreadable or empty.
        OcrOptionError: It is not UTF-8.
    """
    name = os.fsdecode(path)
    try:
        return check_file(name, Limits()).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise OcrOptionError(
            f"{shown(name)}: expected {what} in UTF-8: {error}; give a file of that encoding"
        ) from error
    except OSError as error:
        raise file_error(error, name) from error
