"""Results as Parquet files in a folder: each page once, whatever was killed.

A part's name follows from the pages that are in it, so that one that is written again replaces
itself. Pages that could not be read are in parts of their own, ``failures-….parquet``, beside
``pages-….parquet``: the next run tries them again.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.image.source import shown
from ocrloom.locations import below, is_location, local_path, names_in, opened, remove, write_bytes
from ocrloom.ray.table import SCHEMA, whole
from ocrloom.result import PageFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["PAGES", "Done", "Folder", "Receipt", "identity"]

PAGES: Final = "pages-"
FAILURES: Final = "failures-"
_ENDING: Final = ".parquet"
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")
_MARK: Final = b"ocrloom"  # in the metadata of `SCHEMA`
_IDENTITY: Final = 16  # bytes: two of a billion pages are the same once in 10^20 runs
_FORGOTTEN: Final = 3600.0  # seconds; writing a part takes a few

# One page of which document, read how.
_COLUMNS: Final = ("document", "key", "page", "review")


def identity(document: str, key: str, page: int) -> bytes:
    """What tells a page that was read in one way from all others; 16 bytes."""
    name = f"{whole(document)}\0{key}\0{page}".encode()
    return hashlib.blake2b(name, digest_size=_IDENTITY).digest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What has become of one page, once it is written."""

    document: str
    """Path or location, as the column ``document`` has it."""
    page: int
    """Place in the document, from 1; 0 where the document does not open."""
    failure: PageFailure | None = None
    """Why it could not be read."""
    review: bool = False
    """Whether more errors are to be expected than ``OcrOptions.min_quality`` allows."""
    cpu_seconds: float = 0.0
    """CPU time that reading it took."""
    resumed: bool = False
    """Whether it was there already: in the folder, or in the journal."""
    pages: int = 0
    """How many of the document were asked for; 0 where it does not open."""


@dataclass(frozen=True, slots=True)
class Done:
    """Which pages an earlier run has written: 17 bytes each."""

    identities: NDArray[np.bytes_]
    """In order, shape (pages,)."""
    review: NDArray[np.bool_]
    """Whether each is for review, shape (pages,)."""

    def of(self, document: str, key: str, numbers: Sequence[int]) -> tuple[tuple[int, bool], ...]:
        """Which pages of a document are there, each with whether it is for review."""
        if not len(self.identities):
            return ()
        wanted = _array([identity(document, key, number) for number in numbers])
        places = np.searchsorted(self.identities, wanted)
        places[places == len(self.identities)] = 0
        there = self.identities[places] == wanted
        return tuple(
            (number, bool(self.review[place]))
            for number, place, found in zip(numbers, places, there, strict=True)
            if found
        )

    @classmethod
    def joined(cls, parts: Iterable[Done]) -> Done:
        """All of them."""
        all_of = [*parts]
        identities = np.concatenate([_array([]), *(each.identities for each in all_of)])
        review = np.concatenate([np.zeros(0, bool), *(each.review for each in all_of)])
        identities, first = np.unique(identities, return_index=True)
        return cls(identities, review[first])


def _done(table: pa.Table) -> Done:
    documents, keys, pages, review = (table[name].to_pylist() for name in _COLUMNS)
    identities = [identity(*row) for row in zip(documents, keys, pages, strict=True)]
    return Done(_array(identities), np.array(review, dtype=bool))


def _array(identities: list[bytes]) -> NDArray[np.bytes_]:
    return np.array(identities, dtype=f"S{_IDENTITY}")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of parts, here or elsewhere. Can be pickled."""

    location: str
    """With a scheme, also where it is a path."""

    @classmethod
    def at(cls, name: str) -> Folder:
        """The folder with that name, which is made when something is written.

        Raises:
            OcrOptionError: The name is empty.
            OcrOutputError: It is a file.
        """
        if not name:
            raise OcrOptionError("the folder's name is empty; give the name of a folder")
        if is_location(name):
            return cls(name)
        path = Path(name).absolute()
        if path.exists() and not path.is_dir():
            raise OcrOutputError(
                f"{shown(name)}: expected a folder for the results, found a file; give another name"
            )
        return cls(path.as_uri())

    @property
    def is_local(self) -> bool:
        """Whether it is a path, which only some machines may have."""
        return local_path(self.location) is not None

    def parts(self, kind: str) -> list[str]:
        """The names of the parts of a kind, sorted; other files are left alone."""
        return [
            name
            for name in names_in(self.location)
            if name.startswith(kind)
            and name.endswith(_ENDING)
            and _DIGEST.fullmatch(name, len(kind), len(name) - len(_ENDING))
        ]

    def write(self, table: pa.Table) -> list[Receipt]:
        """Writes a part, in the place of the one that had the same pages before.

        Args:
            table: Of `SCHEMA`; pages that were read and that were not.

        Returns:
            One for each page.

        Raises:
            OcrOutputError: It cannot be written.
        """
        name = _name(table)
        failed = table["failure"].is_valid()
        for kind, rows in (
            (PAGES, table.filter(pc.invert(failed))),
            (FAILURES, table.filter(failed)),
        ):
            place = below(self.location, f"{kind}{name}{_ENDING}")
            if rows.num_rows:
                write_bytes(place, _encoded(rows))
            else:
                # The same pages may have been written before by a task that was killed, and
                # have had another fate.
                remove(place)
        return list(_receipts(table))

    def done(self, names: Iterable[str]) -> Done:
        """Which pages some parts have; a part that is torn has none.

        Raises:
            OcrOutputError: One is a file of others, of another version, or cannot be read.
        """
        tables = (self._table(name, _COLUMNS) for name in names)
        return Done.joined(_done(table) for table in tables if table is not None)

    def failures(self) -> tuple[pa.Table, list[str]]:
        """All pages that could not be read, and the names of the parts that have them.

        Raises:
            OcrOutputError: As for `done`.
        """
        tables = {name: self._table(name, None) for name in self.parts(FAILURES)}
        read = {name: table for name, table in tables.items() if table is not None}
        return pa.concat_tables([SCHEMA.empty_table(), *read.values()]), [*read]

    def replace_failures(self, table: pa.Table, parts: Iterable[str]) -> None:
        """Keeps these failures in place of some parts.

        Args:
            table: The failures.
            parts: What `failures` named.
        """
        new = f"{FAILURES}{_name(table)}{_ENDING}"
        if table.num_rows:
            write_bytes(below(self.location, new), _encoded(table))
        for name in parts:
            if name != new or not table.num_rows:
                remove(below(self.location, name))

    def sweep(self) -> None:
        """Removes what killed processes had begun to write."""
        folder = local_path(self.location)
        for path in () if folder is None else folder.glob(".ocrloom-*.tmp"):
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                path.unlink(missing_ok=True)

    def _table(self, name: str, columns: Sequence[str] | None) -> pa.Table | None:
        place = below(self.location, name)
        try:
            with opened(place) as file:
                return _read(file, place, columns)
        except pa.ArrowInvalid:
            # Torn, as parts are not where files are written whole.
            return None
        except OSError as error:
            raise OcrOutputError(
                f"{shown(place)}: what an earlier run has written cannot be read: {error}; "
                "remove it, so that its pages are read again, or give another folder"
            ) from error


def _read(file: BinaryIO, place: str, columns: Sequence[str] | None) -> pa.Table:
    part = pq.ParquetFile(pa.PythonFile(file, mode="r"))
    mark = (part.schema_arrow.metadata or {}).get(_MARK)
    if mark != SCHEMA.metadata[_MARK]:
        found = "a file of something else" if mark is None else mark.decode(errors="replace")
        raise OcrOutputError(
            f"{shown(place)}: expected pages in the schema {SCHEMA.metadata[_MARK].decode()}, "
            f"found {found}; give another folder"
        )
    return part.read(columns=None if columns is None else [*columns])


def _receipts(table: pa.Table) -> Iterator[Receipt]:
    for row in table.select(
        ["document", "page", "pages", "failure", "review", "provenance"]
    ).to_pylist():
        failure = row["failure"]
        seconds = row["provenance"]["cpu_seconds"]
        yield Receipt(
            document=row["document"],
            page=row["page"],
            failure=None if failure is None else PageFailure(number=row["page"], **failure),
            review=row["review"],
            cpu_seconds=seconds,
            resumed=failure is None and not seconds,
            pages=row["pages"],
        )


def _name(table: pa.Table) -> str:
    """What the name of a part with these pages has, whatever has become of them."""
    rows = zip(*(table[each].to_pylist() for each in ("document", "key", "page")), strict=True)
    digest = hashlib.sha256()
    for each in sorted(identity(*row) for row in rows):
        digest.update(each)
    return digest.hexdigest()[:32]


def _encoded(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()
