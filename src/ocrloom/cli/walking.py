"""Which files of folders are meant."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrSourceUnreadable
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Selection"]

# Of the formats in `ocrloom.image.formats`. Only what is in folders is chosen by its name.
_ENDINGS: Final = (
    *(".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif"),
    *(".jp2", ".j2k", ".jpf", ".jpx", ".jpc", ".pnm", ".pbm", ".pgm", ".ppm", ".pfm", ".pdf"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which files below a folder are taken.

    A glob without a slash is held against the name of a file or folder, one with a slash against
    its path below the folder that was named; ``*`` stands for slashes too. A slash at its end
    counts for nothing.
    """

    include: tuple[str, ...] = ()
    """Globs of files, of which one must fit; by default the ending must be of an image or PDF."""
    exclude: tuple[str, ...] = ()
    """Globs of files and folders, of which none may fit."""

    def takes(self, below: str) -> bool:
        """Whether a file is taken, and all folders on its way.

        Args:
            below: Its path below the folder that was named, with slashes.
        """
        folders, _, name = below.rpartition("/")
        return self._reaches(folders) and self._takes(below, name)

    def files(
        self, folder: Path, unreadable: Callable[[OcrSourceUnreadable], None], below: str = ""
    ) -> Iterator[Path]:
        """The files, in the order of their names, those of a folder where its name comes.

        Links are followed, and each folder is entered once.

        Args:
            folder: The folder that was named.
            unreadable: Told of each folder that cannot be listed.
            below: The only folder in it that is looked at, with slashes; all if not given.
        """
        if not self._reaches(below):
            return
        entered: set[tuple[int, int]] = set()
        # Not by recursion, as folders may lie deeper in each other than Python's calls may.
        open_folders = [_entries(folder / below, entered, unreadable)]
        while open_folders:
            entry = next(open_folders[-1], None)
            if entry is None:
                open_folders.pop()
                continue
            path = Path(entry.path)
            below = path.relative_to(folder).as_posix()
            if not _is_folder(entry):
                if self._takes(below, entry.name):
                    yield path
            elif self._enters(below):
                open_folders.append(_entries(path, entered, unreadable))

    def _reaches(self, below: str) -> bool:
        """Whether a folder is looked into, and those on the way to it are."""
        steps = below.split("/") if below else []
        return all(self._enters("/".join(steps[:count])) for count in range(1, len(steps) + 1))

    def _enters(self, below: str) -> bool:
        name = below.rpartition("/")[2]
        return not name.startswith(".") and not _fits(self.exclude, below, name)

    def _takes(self, below: str, name: str) -> bool:
        if name.startswith(".") or _fits(self.exclude, below, name):
            return False
        if self.include:
            return _fits(self.include, below, name)
        return name.lower().endswith(_ENDINGS)


def _entries(
    folder: Path,
    entered: set[tuple[int, int]],
    unreadable: Callable[[OcrSourceUnreadable], None],
) -> Iterator[os.DirEntry[str]]:
    """What is in a folder, by name; nothing where it was entered already."""
    try:
        status = folder.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in entered:
            return iter(())
        entered.add(identity)
        with os.scandir(folder) as entries:
            return iter(sorted(entries, key=lambda entry: entry.name))
    except OSError as error:
        unreadable(
            OcrSourceUnreadable(
                f"{shown(str(folder))}: the folder cannot be listed: {error.strerror}; check its "
                "permissions"
            )
        )
        return iter(())


def _fits(globs: tuple[str, ...], below: str, name: str) -> bool:
    bare = (glob.rstrip("/") for glob in globs)
    return any(fnmatchcase(below if "/" in glob else name, glob) for glob in bare)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
