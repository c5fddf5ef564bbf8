"""Files that come into folders or change there, each once it has settled."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from watchfiles import Change, watch

from ocrloom.errors import OcrSourceUnreadable
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ocrloom.cli.walking import Selection

__all__ = ["Follower", "State", "state_of"]

_TICK: Final = 200  # milliseconds between two looks at what has not settled

# What watchfiles says of a name; its error has no class of its own.
_UNDECODABLE: Final = "Unable to decode path"

State = tuple[int, int]
"""Size and time of the last change: while both stay, nobody is writing."""


def state_of(path: Path) -> State | None:
    """What a file is like; None if it is none, or not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns)


@dataclass(slots=True)
class _Unsettled:
    state: State
    since: float


class Follower:
    """Watches folders."""

    def __init__(
        self,
        folders: Sequence[Path],
        selection: Selection,
        seen: dict[str, State | None],
        settle: float,
        unreadable: Callable[[OcrSourceUnreadable], None],
    ) -> None:
        """Makes one that is not watching yet.

        Args:
            folders: What is watched, with all that is below.
            selection: Which files of them count.
            seen: Files that were taken already, and what they were like.
            settle: Seconds for which a file must stay as it is.
            unreadable: Told of folders that cannot be listed.
        """
        self._folders = folders
        self._selection = selection
        self._seen = seen
        self._settle = settle
        self._unreadable = unreadable
        self._unsettled: dict[str, _Unsettled] = {}

    def batches(self) -> Iterator[list[str]]:
        """Names of files that are new or changed and have settled, without end.

        Raises:
            OcrSourceUnreadable: A folder cannot be watched, or is gone.
        """
        changes: SimpleQueue[set[str] | Exception] = SimpleQueue()
        stop = threading.Event()
        # In a thread of its own, as a signal must reach this one while nothing happens.
        thread = threading.Thread(
            target=self._watch, args=(changes, stop), name="ocrloom-watch", daemon=True
        )
        thread.start()
        try:
            while True:
                self._note(self._chosen(self._next(changes)))
                if settled := self._settled():
                    yield settled
        finally:
            stop.set()
            thread.join(1.0)

    def _watch(self, changes: SimpleQueue[set[str] | Exception], stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                try:
                    self._watch_on(changes, stop)
                except RuntimeError as error:
                    # The name of one file is no Unicode: all that has changed with it is lost.
                    if _UNDECODABLE not in str(error):
                        raise
                    stop.wait(_TICK / 1000)
        except (OSError, RuntimeError) as error:
            changes.put(error)

    def _watch_on(self, changes: SimpleQueue[set[str] | Exception], stop: threading.Event) -> None:
        """Puts what changes into a queue, first the folders themselves, which are to be listed.

        Raises:
            OSError: A folder is gone, or cannot be watched.
        """
        roots = {str(folder.absolute()) for folder in self._folders}
        # Left out without a word by those below, as are folders that may not be looked into.
        watched = self._identities()
        news = set(roots)
        for found in watch(
            *roots,
            watch_filter=None,
            stop_event=stop,
            rust_timeout=_TICK,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            news.update(name for _, name in found)
            # Ticks need not wait in a row while a batch is read.
            if news or changes.empty():
                changes.put(news)
                news = set()
            # Nothing more would be told of a folder that was removed, whatever has its name now.
            if self._identities() != watched or any(
                change is Change.deleted and name in roots for change, name in found
            ):
                return

    def _identities(self) -> list[tuple[int, int]]:
        """What tells the folders from others that take their places."""
        return [(status.st_dev, status.st_ino) for status in map(Path.stat, self._folders)]

    def _next(self, changes: SimpleQueue[set[str] | Exception]) -> set[str]:
        """What has changed of late."""
        while True:
            try:
                found = changes.get(timeout=1.0)
            except Empty:
                continue
            if isinstance(found, Exception):
                names = ", ".join(shown(str(folder)) for folder in self._folders)
                raise OcrSourceUnreadable(
                    f"{names}: cannot be watched: {found}; check that the folders are there and "
                    "that the system lets one program watch so many"
                ) from found
            return found

    def _chosen(self, names: Iterable[str]) -> Iterator[Path]:
        """Files among what has changed, or below it."""
        # Some systems tell of paths without links.
        roots = [
            (root, folder)
            for folder in self._folders
            for root in {folder.absolute(), folder.resolve()}
        ]
        for path in map(Path, names):
            for root, folder in roots:
                if path.is_relative_to(root):
                    below = "" if path == root else path.relative_to(root).as_posix()
                    if path.is_dir():
                        # Moved here as a whole, it need not be told of each file in it.
                        yield from self._selection.files(folder, self._unreadable, below)
                    elif self._selection.takes(below):
                        yield folder / below
                    break

    def _note(self, paths: Iterable[Path]) -> None:
        for path in paths:
            state = state_of(path)
            if state is not None and self._seen.get(str(path)) != state:
                known = self._unsettled.get(str(path))
                if known is None or known.state != state:
                    self._unsettled[str(path)] = _Unsettled(state, time.monotonic())

    def _settled(self) -> list[str]:
        """Files that have stayed as they are for long enough; they count as taken."""
        now = time.monotonic()
        settled = []
        for name, known in sorted(self._unsettled.items()):
            state = state_of(Path(name))
            if state is None:
                del self._unsettled[name]
            elif state != known.state:
                self._unsettled[name] = _Unsettled(state, now)
            elif now - known.since >= self._settle:
                del self._unsettled[name]
                self._seen[name] = state
                settled.append(name)
        return settled
