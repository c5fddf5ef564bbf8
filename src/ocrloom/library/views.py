"""A library as one of several people sees it who keep their documents in it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NoReturn, TypeVar

from ocrloom.errors import OcrOptionError
from ocrloom.library import crops
from ocrloom.library.desk import Desk
from ocrloom.library.hits import Hit
from ocrloom.library.library import Library
from ocrloom.library.owners import check_owner

if TYPE_CHECKING:
    from collections.abc import Callable

    import PIL.Image

    from ocrloom.image.lazy import ImageLike
    from ocrloom.library.pending import Pending
    from ocrloom.library.storage.base import Store

__all__ = ["OwnersLibrary"]

T = TypeVar("T")


class OwnersLibrary(Library):
    """The documents of one owner; see `Library.of`."""

    def __init__(self, parent: Library, owner: str) -> None:
        """Makes the view.

        Args:
            parent: The whole library, which must stay open.
            owner: Whose documents there are.

        Raises:
            OcrOptionError: It is no owner.
        """
        # What the parent's own makes is the parent's: threads, connections, and their end.
        self.where = parent.where
        self.keep = parent.keep
        self.owner = check_owner(owner)
        self._parent = parent
        self._desk = _OwnersDesk(parent._desk, self.owner)

    def of(self, owner: str) -> Library:
        """The documents of another owner are none of this one's.

        Raises:
            OcrOptionError: It is another one.
        """
        if owner != self.owner:
            raise OcrOptionError(
                f"the documents of {self.owner!r} are none of another owner; ask the whole library"
            )
        return self

    def crop(
        self,
        hit: Hit,
        *,
        source: ImageLike | None = None,
        margin: float = crops.MARGIN,
        highlight: bool = True,
    ) -> Pending[PIL.Image.Image]:
        """As `Library.crop`; the document must still be this owner's."""

        def crop(store: Store) -> PIL.Image.Image:
            # Anybody can make a hit; what it is of is for the database to say.
            known = hit
            if isinstance(hit, Hit):
                known = replace(hit, document=store.document(hit.document.id))
            return crops.crop(known, self.keep, source=source, margin=margin, highlight=highlight)

        return self._desk.read(crop)

    def suggest(self, beginning: str, *, limit: int = 10) -> NoReturn:
        """Not for one owner: the words of a library are counted for all of them together.

        Raises:
            OcrOptionError: Always.
        """
        del beginning, limit
        raise _whole("suggestions come from the words of everybody's pages")

    def check(self) -> NoReturn:
        """Not for one owner.

        Raises:
            OcrOptionError: Always.
        """
        raise _whole("a library is checked as a whole")

    def clean(self) -> NoReturn:
        """Not for one owner: copies are shared by all who have the same content.

        Raises:
            OcrOptionError: Always.
        """
        raise _whole("copies belong to everybody who has their content")

    def close(self) -> None:
        """Does nothing: the whole library stays open."""

    def __repr__(self) -> str:
        return f"{self._parent!r}.of({self.owner!r})"


class _OwnersDesk(Desk):
    """A desk at which there are only the documents of one owner."""

    def __init__(self, desk: Desk, owner: str) -> None:
        self._desk = desk
        self._owner = owner

    def read(self, work: Callable[[Store], T]) -> Pending[T]:
        return self._desk.read(partial(self._within, work))

    def write(self, work: Callable[[Store], T]) -> Pending[T]:
        return self._desk.write(partial(self._within, work))

    def _within(self, work: Callable[[Store], T], store: Store) -> T:
        with store.owned_by(self._owner):
            return work(store)

    def close(self) -> None:
        pass


def _whole(why: str) -> OcrOptionError:
    return OcrOptionError(f"{why}; ask the whole library, not that of one owner")
