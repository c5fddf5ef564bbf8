"""The command ``index``."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ocrloom.cli.errors import explain, full_traceback
from ocrloom.cli.inputs import check_inputs, engine_of, sources, title
from ocrloom.cli.interrupts import INTERRUPTED, later, let_the_next_one_kill
from ocrloom.cli.outputs import STANDARD_STREAM
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import own_streams
from ocrloom.cli.tally import Tally, named, plural
from ocrloom.cli.walking import Selection
from ocrloom.cli.watch import Watch
from ocrloom.errors import OcrException, OcrLibraryError, OcrOptionError
from ocrloom.image.source import shown
from ocrloom.library import Description, Library
from ocrloom.locations import find, is_folder, is_location

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from ocrloom.cli.cluster import Account
    from ocrloom.cli.following import State
    from ocrloom.cli.streams import Streams
    from ocrloom.engine import OcrEngine
    from ocrloom.library import Addition
    from ocrloom.options import OcrOptions
    from ocrloom.ray import RayEngine

__all__ = ["Request", "index_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    names: tuple[str, ...]
    library: str
    keep: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    again: bool
    title: str
    date: dt.date | None
    metadata: dict[str, str]
    watch: bool
    settle: float
    jobs: int | None
    memory: int | None
    resume: str | None
    ray: str | None
    options: OcrOptions
    progress: bool
    verbose: bool


@dataclass(slots=True)
class _Counts:
    """What became of all files so far."""

    tally: Tally = field(default_factory=lambda: Tally(0))
    added: int = 0
    renewed: int = 0
    there: int = 0
    pages: int = 0
    failed: list[str] = field(default_factory=list)
    """Files that did not come into the library."""

    def summary(self) -> str:
        """All of it on one line."""
        parts = [f"{self.added} added"]
        if self.renewed:
            parts.append(f"{self.renewed} read anew")
        if self.pages:
            parts[-1] += f" ({plural(self.pages, 'page')})"
        if self.there:
            parts.append(f"{self.there} {'was' if self.there == 1 else 'were'} there")
        if self.failed:
            parts.append(f"{len(self.failed)} failed: {named(self.failed)}")
        if self.tally.failed_pages:
            parts.append(f"{plural(self.tally.failed_pages, 'page')} failed")
        return ", ".join(parts)


def index_files(request: Request) -> int:
    """Reads files into a library, says what became of them, and follows folders if asked to.

    Returns:
        The exit code.

    Raises:
        OcrException: Nothing could be begun, or the library takes no more.
    """
    check_inputs(request.names)
    folders = [Path(name) for name in request.names if _is_folder(name)]
    if request.watch:
        _check_followed(request.names, folders)
    engine, account = _engine(request)
    description = _description(request)
    with (
        own_streams(chatter=request.verbose) as streams,
        Library(request.library, keep=request.keep) as library,
        nullcontext() if account is None else engine,
    ):
        run = _Run(request, library, engine, description, streams)
        if account is None:
            return _index(run, folders)
        with account.telling(run.say, greet=request.verbose or streams.err.isatty()):
            return _index(run, folders)


def _engine(request: Request) -> tuple[OcrEngine | RayEngine, Account | None]:
    """The engine that the flags describe; and what counts its work, where a cluster does it.

    Raises:
        OcrException: One of them has a value that it cannot have.
    """
    given = (request.options, request.jobs, request.memory, request.resume)
    if request.ray is None:
        return engine_of(*given), None
    # Here and not at the top: few runs need it.
    from ocrloom.cli.cluster import Account, engine_on

    engine = engine_on(request.ray, *given)
    return engine, Account(engine)


def _index(run: _Run, folders: Sequence[Path]) -> int:
    try:
        run.index(run.files())
        if not run.follows:
            return run.end()
        run.follow(folders)
    except OcrException:
        run.end()
        raise
    except KeyboardInterrupt:
        let_the_next_one_kill()
        run.say(f"ocrloom: interrupted: {run.counts.summary()}{run.advice}")
    return INTERRUPTED


def _check_followed(names: Sequence[str], folders: Sequence[Path]) -> None:
    """Refuses to follow what cannot be.

    Raises:
        OcrException: No folder is named, or one of those elsewhere is.
    """
    for name in filter(is_location, names):
        if is_folder(name):
            raise OcrOptionError(
                f"{shown(name)}: --watch follows folders of this machine's disks only; index this "
                "one without it, again when there is more"
            )
    if not folders:
        raise OcrOptionError("--watch follows folders, and none is named; name one")


def _is_folder(name: str) -> bool:
    # `Path("")` is the working directory, and `Path.is_dir` raises where a name is too long.
    return name != STANDARD_STREAM and os.path.isdir(name)  # noqa: PTH112


def _description(request: Request) -> Description | None:
    """What the flags say of the documents; None where they say nothing."""
    description = Description(title=request.title, date=request.date, metadata=request.metadata)
    return None if description == Description() else description


class _Run:
    """Indexes batches of files into one library and counts them."""

    def __init__(
        self,
        request: Request,
        library: Library,
        engine: OcrEngine | RayEngine,
        description: Description | None,
        streams: Streams,
    ) -> None:
        self.counts = _Counts()
        self._request = request
        self._library = library
        self._engine = engine
        self._description = description
        self._streams = streams
        self._selection = Selection(include=request.include, exclude=request.exclude)
        self._seen: dict[str, State | None] = {}
        self._messages: Messages | None = None
        self._following = False
        self._folders = 0

    @property
    def follows(self) -> bool:
        """Whether it goes on with what comes into the folders."""
        return self._request.watch

    @property
    def advice(self) -> str:
        """What to do after an interrupt."""
        return "" if self._following else "; the same command goes on from there"

    def say(self, text: str) -> None:
        """Writes a line to standard error, above a bar where there is one."""
        if self._messages is None:
            self._streams.err.write(f"{text}\n")
            self._streams.err.flush()
        else:
            self._messages.say(text)

    def files(self) -> tuple[str, ...]:
        """The files that are named, and those in folders that are."""
        names, globs = self._request.names, self._request.include
        files = tuple(name for given in names for name in self._files_of(given))
        if globs and self._folders and set(files) <= set(names):
            self.say(
                f"ocrloom: no file of the folders fits --include {' '.join(globs)}; a glob with a "
                "slash is held against the path below the folder"
            )
        return files

    def _files_of(self, given: str) -> Iterator[str]:
        if is_location(given):
            yield from self._files_at(given)
            return
        if not _is_folder(given):
            yield given
            return
        self._folders += 1
        for path in self._selection.files(Path(given), self._cannot_list):
            if self._request.watch:
                from ocrloom.cli.following import state_of

                self._seen[str(path)] = state_of(path)
            yield str(path)

    def _files_at(self, location: str) -> Iterator[str]:
        try:
            if not is_folder(location):
                yield location
                return
        except OcrException:
            # What keeps it from being asked for keeps it from being fetched, which says so.
            yield location
            return
        self._folders += 1
        try:
            yield from find(location, self._selection.takes)
        except OcrException as error:
            self._cannot_list(error)

    def _cannot_list(self, error: OcrException) -> None:
        self.counts.tally.codes.add(error.exit_code)
        self.say(explain(error))

    def index(self, names: tuple[str, ...]) -> None:
        """Indexes files.

        Raises:
            OcrLibraryError: The library takes no more; those after are not tried.
        """
        watch = Watch(len(names))
        with (
            Messages(self._streams.err, watch=watch, bar=self._request.progress) as messages,
            self._library.index(
                self._engine,
                sources(names, self._request.options.limits),
                again=self._request.again,
                describe=lambda _: self._description,
                progress=watch,
            ) as additions,
        ):
            self._messages = messages
            try:
                for addition in additions:
                    with later():
                        self._take(addition, watch)
            except KeyboardInterrupt:
                # What came into the library and was not told of yet.
                for addition in additions.cancel():
                    if addition.document is not None:
                        self._take(addition, watch)
                raise
            finally:
                self._messages = None

    def follow(self, folders: Sequence[Path]) -> None:
        """Indexes what comes into folders, until an interrupt.

        Raises:
            OcrException: A folder cannot be watched, or the library takes no more.
        """
        # Here and not at the top: few runs follow anything.
        from ocrloom.cli.following import Follower

        self.say(f"ocrloom: {self.counts.summary()}; waiting for more, Ctrl-C ends")
        self._following = True
        settle = self._request.settle
        follower = Follower(folders, self._selection, self._seen, settle, self._cannot_list)
        for names in follower.batches():
            self.index(tuple(names))

    def _take(self, addition: Addition, watch: Watch) -> None:
        counts = self.counts
        name = title(addition.name or STANDARD_STREAM)
        outcome, error, document = addition.outcome, addition.error, addition.document
        pages = watch.take(addition.name, failed=error is not None)
        result = outcome.result if outcome is not None and error is None else None
        for failure in result.failures if result is not None else ():
            self.say(explain(failure.error, name))
        if error is not None:
            counts.tally.add(name, None, error, pages)
            self._fail(name, error)
        elif addition.was_there:
            counts.there += 1
        elif result is not None and document is not None:
            counts.tally.add(name, result, None, pages)
            counts.pages += len(result.pages)
            if document.version == 1:
                counts.added += 1
            else:
                counts.renewed += 1
            if self._following:
                self.say(f"ocrloom: added {shown(name)} ({plural(len(result.pages), 'page')})")

    def _fail(self, name: str, error: Exception) -> None:
        # What the database refuses for one it refuses for all, and each would be read in vain.
        if isinstance(error, OcrLibraryError):
            raise error
        if self._request.verbose and error.__traceback__ is not None:
            self.say(full_traceback(error).rstrip())
        self.counts.failed.append(shown(name))
        self.say(explain(error, name))

    def end(self) -> int:
        """Says what became of all and gives the exit code."""
        tally = self.counts.tally
        self.say(f"ocrloom: {self.counts.summary()}")
        if review := tally.review():
            self.say(f"ocrloom: {review}")
        return tally.exit_code
