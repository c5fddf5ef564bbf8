"""The library: documents kept, found again, shown and given back."""

from __future__ import annotations

import asyncio
import weakref
from functools import partial
from typing import TYPE_CHECKING

from ocrloom.engine.closing import Closing
from ocrloom.errors import OcrOptionError
from ocrloom.library import crops, intake, keeping, opening
from ocrloom.library.additions import Additions
from ocrloom.library.checking import check_pages
from ocrloom.library.desk import Desk
from ocrloom.library.listing import Listing, export_of, page_of, result_of
from ocrloom.library.pending import Pending, Stream
from ocrloom.library.query.parser import parse
from ocrloom.library.search import Search
from ocrloom.library.similar import Similar
from ocrloom.library.suggest import suggest
from ocrloom.scheduling.finalizers import call_soon, prepare

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Callable, Iterable
    from pathlib import Path

    import PIL.Image

    from ocrloom.engine.base import Reads
    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.documents import Description, Document, Stats
    from ocrloom.library.hits import Hit
    from ocrloom.library.storage.base import Store
    from ocrloom.progress import Progress
    from ocrloom.result import OcrResult, Page

__all__ = ["Library"]

_FEW = 20


class Library(Closing):
    """Documents, pages and words in a database.

    Every call begins at once and returns something that comes: ``await`` it, or call ``result()``
    without an event loop. Several threads, tasks and processes may use one library at a time; a
    search gives what fitted when it began, but for documents that were removed or read anew since.
    """

    def __init__(
        self, where: str | os.PathLike[str], *, keep: str | os.PathLike[str] | None = None
    ) -> None:
        """Names a library; it is opened, or made, by the first call.

        Args:
            where: A file for SQLite, or ``postgresql://user@host/database`` (needs
                ``pip install "ocrloom[postgres]"``).
            keep: Folder for copies of the sources, so that hits can be shown when the files are
                gone; without it the library only knows where they were.

        Raises:
            OcrOptionError: What was given is no name.
        """
        self.where = opening.checked(where)
        self.keep = keeping.checked_folder(keep)
        self._desk = Desk(opening.connector(self.where))
        # Forgotten without being closed, it lets the database go all the same.
        prepare()
        self._end = weakref.finalize(self, call_soon, self._desk.close)
        self._end.atexit = False

    def of(self, owner: str) -> Library:
        """The documents of one owner, as a library of their own.

        What is added to it becomes that owner's, and nothing done with it sees or changes what is
        another's. The same content may be a document of each of several owners. The order of hits
        and what a tolerance takes for a word come from everybody's pages.

        Args:
            owner: Any name; ``""`` for what was added to the whole library.

        Returns:
            A view, which needs no closing; it has neither `suggest` nor `check` nor `clean`.

        Raises:
            OcrOptionError: It is no text of at most 200 printable characters.
        """
        from ocrloom.library.views import OwnersLibrary

        return OwnersLibrary(self, owner)

    # Documents

    def add(
        self,
        result: OcrResult,
        *,
        source: ImageLike | None = None,
        description: Description | None = None,
        digest: str | None = None,
    ) -> Pending[Document]:
        """Stores what was read, as a whole or not at all.

        Args:
            result: Pages and failures. Where the library has the same content already, this takes
                the place of what was read of it before, as the document's next version.
            source: What was read; by default the file that ``result.source`` names, if it is there.
            description: A title, a date, metadata; what the document has already if not given.
            digest: SHA-256 of the source's content, as `ocrloom.journal.content_digest` gives it,
                if it is known. Without a source it is one of the result's own content.

        Returns:
            The document as it is stored.

        Raises:
            OcrSourceError: The source that was given cannot be read.
            OcrLibraryError: It could not be stored; nothing of it was.
        """
        return self._store(intake.Intake(result, source, description, digest, self.keep))

    def _store(self, new: intake.Intake | intake.Return) -> Pending[Document]:
        return self._desk.write(new.store)

    def index(
        self,
        engine: Reads,
        sources: Iterable[ImageLike] | AsyncIterable[ImageLike],
        *,
        again: bool = False,
        describe: Callable[[ImageLike], Description | None] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Additions:
        """Reads sources and stores what was read, a few of them at a time.

        Args:
            engine: Reads, with its options.
            sources: What ``OcrEngine.process_many`` takes; asked for as there is room.
            again: Whether content is read that the library has already, as its next version.
            describe: Called with each source that was read; gives its title, date and metadata. Of
                a document that is read anew, what it does not say stays.
            progress: Called with what the engine says of its progress.

        Returns:
            An `Addition` for each source, as it is settled, for ``async for`` and for ``for``.
        """
        return Additions(self, engine, sources, again=again, describe=describe, progress=progress)

    def document(self, number: int) -> Pending[Document]:
        """What is known of a document.

        Raises:
            OcrNotInLibrary: There is none of that number.
        """
        return self._desk.read(lambda store: store.document(number))

    def documents(self, *, after: int = 0, newest_first: bool = False) -> Stream[Document]:
        """All documents, in the order in which they came.

        Args:
            after: Number of the document that the first one follows.
            newest_first: In the opposite order.
        """
        return Stream(partial(self._desk.read, Listing(after, newest_first=newest_first)), self)

    def find(self, digest: str) -> Pending[Document | None]:
        """The document of a content, by its SHA-256 in hexadecimal digits, if there is one.

        Where owners have that content too, it is the one of nobody in particular that is meant.

        Raises:
            OcrOptionError: It is no such digest; at once.
        """
        intake.check_digest(digest)

        def find(store: Store) -> Document | None:
            with store.reading():
                return store.find(digest)

        return self._desk.read(find)

    def result(self, number: int) -> Pending[OcrResult]:
        """What was read of a document, as `add` was given it.

        Polygons are exact to an eighth of a pixel, confidences to four digits.

        Raises:
            OcrNotInLibrary: There is no such document.
        """
        return self._desk.read(lambda store: result_of(store, number))

    def page(self, number: int, page: int) -> Pending[Page]:
        """What was read of one page of a document, by its number there.

        Raises:
            OcrNotInLibrary: There is no such document or page.
        """
        return self._desk.read(lambda store: page_of(store, number, page))

    def export(
        self,
        number: int,
        format: str,  # noqa: A002  # as that of a result
        *,
        source: ImageLike | None = None,
    ) -> Pending[str | bytes]:
        """Makes another document of one, as `OcrResult.export` does.

        Args:
            number: That of the document.
            format: Name of a format.
            source: What was read, for ``pdf``; by default the copy that the library keeps, or the
                file where it was.

        Raises:
            OcrNotInLibrary: There is no such document; or what was read is to be shown, and is gone
                or has changed.
            OcrOptionError: There is no such format.
            OcrOutputError: The format cannot hold this document.
        """
        return self._desk.read(lambda store: export_of(store, number, format, self.keep, source))

    def describe(self, number: int, description: Description) -> Pending[Document]:
        """Takes another description in place of the one a document has.

        Raises:
            OcrNotInLibrary: There is no such document.
            OcrOptionError: It is no description; at once.
        """
        # None says nothing of a document that is added, and here nothing at all.
        if description is None:
            raise OcrOptionError("description must be a Description, got None")
        intake.check_description("description", description)
        return self._desk.write(lambda store: store.describe(number, description))

    def remove(self, number: int) -> Pending[None]:
        """Forgets a document, its pages, and the copy of its source if the library keeps one.

        Raises:
            OcrNotInLibrary: There is no such document.
        """

        def remove(store: Store) -> None:
            document = store.document(number)
            store.remove(number)
            if self.keep is None:
                return
            # While nobody can add it: another process may have done so meanwhile.
            with store.transaction():
                if document.kept and not store.is_kept(document.digest, document.kept):
                    keeping.forget(document, self.keep)

        return self._desk.write(remove)

    # Searching

    def search(
        self,
        query: str,
        *,
        limit: int | None = _FEW,
        offset: int = 0,
        tolerance: float = 0.0,
        accents: bool = False,
    ) -> Stream[Hit]:
        """Finds pages, best first.

        Args:
            query: Words, ``"phrases"``, ``beginnings*``, AND, OR, NOT, ``field:value``, ``word~1``;
                docs/search.md has all of it.
            limit: No more hits than this; None for all.
            offset: So many of the first are left out.
            tolerance: What may be wrong with words that say nothing of it themselves, 0 to 3: a
                usual confusion such as rn for m costs a half.
            accents: Whether they count; ``resume`` finds ``résumé`` if not.

        Returns:
            The hits, for ``async for`` and for ``for``.

        Raises:
            OcrQueryError: It is not written as searches are; at once. While iterating, where a
                tolerance makes more of a word than can be looked for.
            OcrOptionError: An option has a value that it cannot have; at once.
        """
        found = Search(
            parse(query), limit=limit, offset=offset, tolerance=tolerance, accents=accents
        )
        return Stream(partial(self._desk.read, found.more), self)

    def similar(
        self, number: int, *, page: int | None = None, limit: int | None = _FEW
    ) -> Stream[Hit]:
        """Finds pages of other documents with the same telling words, best first.

        Args:
            number: That of the document.
            page: Of one page of it rather than of all.
            limit: No more hits than this; None for all.

        Returns:
            The hits; iterating raises `OcrNotInLibrary` where there is no such document or page.
        """
        found = Similar(number, page, limit)
        return Stream(partial(self._desk.read, found.more), self)

    def suggest(self, beginning: str, *, limit: int = 10) -> Pending[list[str]]:
        """Ways in which a search may go on that is being typed, the most usual first.

        Args:
            beginning: What was typed; its last word is completed.
            limit: No more than this.
        """
        return self._desk.read(lambda store: suggest(store, beginning, limit))

    def crop(
        self,
        hit: Hit,
        *,
        source: ImageLike | None = None,
        margin: float = crops.MARGIN,
        highlight: bool = True,
    ) -> Pending[PIL.Image.Image]:
        """A picture of the place that a hit has found.

        Args:
            hit: What a search gave.
            source: What was read; by default the copy that the library keeps, or the file where it
                was.
            margin: What is shown around the words, in heights of theirs.
            highlight: Whether the words are marked.

        Raises:
            OcrNotInLibrary: The source is gone or has changed, and no copy of it is kept.
            OcrImageError: It cannot be decoded any more.
        """
        return self._desk.read(
            lambda _: crops.crop(hit, self.keep, source=source, margin=margin, highlight=highlight)
        )

    # The whole

    def stats(self) -> Pending[Stats]:
        """How much the library holds."""
        return self._desk.read(lambda store: store.stats())

    def check(self) -> Pending[list[str]]:
        """Compares everything with everything.

        Returns:
            What is wrong, a sentence each; nothing where all is well.
        """

        def check(store: Store) -> list[str]:
            found = [*store.check(), *check_pages(store)]
            return found if self.keep is None else found + keeping.check(store, self.keep)

        return self._desk.write(check)

    def clean(self) -> Pending[list[Path]]:
        """Removes copies of sources that belong to no document, which killed processes leave.

        Returns:
            What was removed; nothing of the last hour, which may be of a document that comes.

        Raises:
            OcrLibraryError: A copy cannot be removed.
        """
        keep = self.keep
        return self._desk.read(lambda store: [] if keep is None else keeping.clean(store, keep))

    def scrub(self, *, rewrite: bool | None = None) -> Pending[bool]:
        """Takes from the disk what removed documents have left in the index, in gaps and the log.

        Call it once for many of them. With PostgreSQL it does nothing.

        Args:
            rewrite: Whether the whole file is written anew, which nobody can write to meanwhile;
                otherwise gaps stay. By default if it has up to 256 MiB.

        Returns:
            Whether it is done; if not, others were using the log: call it again.

        Raises:
            OcrLibraryError: The library cannot be written to.
        """
        return self._desk.write(lambda store: store.scrub(rewrite=rewrite))

    def close(self) -> None:
        """Waits for what was begun and lets the database go; the library is of no use any more."""
        self._desk.close()
        self._end.detach()

    async def aclose(self) -> None:
        """The same as `close`, without holding up the event loop."""
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"Library({opening.shown(self.where)!r})"
