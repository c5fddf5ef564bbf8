"""What a result can be written as: pure functions from an ``OcrResult`` to text or bytes.

They open no files. The names of ``FORMATS`` are what ``ocrloom read --format`` and
``OcrResult.save`` take. A format's module is imported when it is first used: some need large
libraries.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ocrloom.errors import OcrOptionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ocrloom.image.lazy import ImageLike
    from ocrloom.result import OcrResult

__all__ = ["FORMATS", "Format", "ending_of", "format_named", "format_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a result."""

    name: str
    """What the user calls it."""
    suffix: str
    """Ending of its files, with the dot; some have two parts."""
    media_type: str
    """What a service says in ``Content-Type``."""
    module: str
    """Where its function ``render`` is."""
    binary: bool = False
    """Whether it is bytes that no terminal can show."""
    stackable: bool = False
    """Whether several documents may follow each other in one stream."""
    paged: bool = False
    """Whether a file holds one page only."""
    needs_source: bool = False
    """Whether it shows what was read, and not only the text of it."""

    def render(self, result: OcrResult, source: ImageLike | None = None) -> str | bytes:
        """Makes the whole document; text ends with a newline unless it is empty.

        Args:
            result: What was read.
            source: What it was read from, for formats that show it.

        Raises:
            OcrOutputError: The format cannot hold this result.
        """
        made: str | bytes
        render = import_module(self.module).render
        made = render(result, source) if self.needs_source else render(result)
        return made

    def encode(self, result: OcrResult, source: ImageLike | None = None) -> bytes:
        """Makes the whole document as what a file of it holds; text is UTF-8.

        Raises:
            OcrOutputError: The format cannot hold this result.
        """
        made = self.render(result, source)
        # Halves of surrogate pairs, as in file names that are not Unicode, have no UTF-8.
        return made.encode("utf-8", errors="replace") if isinstance(made, str) else made

    def files(self, result: OcrResult) -> Iterable[tuple[str, OcrResult]]:
        """The results of which each makes a file, and what its name has before the ending."""
        if not self.paged or len(result.pages) < 2:
            return (("", result),)
        return ((f"_{page.number:04}", replace(result, pages=(page,))) for page in result.pages)


_ALL = (
    Format(
        name="txt",
        suffix=".txt",
        media_type="text/plain; charset=utf-8",
        module="ocrloom.formats.txt",
        stackable=True,
    ),
    Format(
        name="json",
        suffix=".json",
        media_type="application/json",
        module="ocrloom.formats.json_",
        stackable=True,
    ),
    Format(
        name="hocr",
        suffix=".hocr",
        media_type="text/vnd.hocr+html; charset=utf-8",
        module="ocrloom.formats.hocr",
    ),
    Format(
        name="alto",
        suffix=".alto.xml",
        media_type="application/alto+xml",
        module="ocrloom.formats.alto",
    ),
    Format(
        name="page",
        suffix=".page.xml",
        media_type="application/vnd.prima.page+xml",
        module="ocrloom.formats.page",
        paged=True,
    ),
    Format(
        name="tsv",
        suffix=".tsv",
        media_type="text/tab-separated-values; charset=utf-8",
        module="ocrloom.formats.tsv",
    ),
    Format(
        name="md",
        suffix=".md",
        media_type="text/markdown; charset=utf-8",
        module="ocrloom.formats.md",
        stackable=True,
    ),
    Format(
        name="html",
        suffix=".html",
        media_type="text/html; charset=utf-8",
        module="ocrloom.formats.html_",
    ),
    Format(
        name="docx",
        suffix=".docx",
        media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        module="ocrloom.formats.docx_",
        binary=True,
    ),
    Format(
        name="csv",
        suffix=".csv",
        media_type="text/csv; charset=utf-8",
        module="ocrloom.formats.csv_",
    ),
    Format(
        name="xlsx",
        suffix=".xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        module="ocrloom.formats.xlsx",
        binary=True,
    ),
    Format(
        name="pdf",
        suffix=".pdf",
        media_type="application/pdf",
        module="ocrloom.pdf",
        binary=True,
        needs_source=True,
    ),
)

FORMATS: Mapping[str, Format] = MappingProxyType({form.name: form for form in _ALL})


def format_named(name: str) -> Format:
    """The format of a name.

    Raises:
        OcrOptionError: There is none; the message lists them.
    """
    found = FORMATS.get(name.strip().lower())
    if found is None:
        raise OcrOptionError(f"unknown format {name!r}; give one of {', '.join(FORMATS)}")
    return found


def ending_of(path: str | os.PathLike[str]) -> Format | None:
    """The format that a file's name ends like, or None; case does not matter."""
    name = Path(os.fsdecode(path)).name.lower()
    # Of several that fit the longest is meant.
    fitting = [form for form in _ALL if name.endswith(form.suffix)]
    return max(fitting, key=lambda form: len(form.suffix), default=None)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's name asks for.

    Raises:
        OcrOptionError: The ending belongs to none, or to more than one; the message lists them.
    """
    found = ending_of(path)
    if found is None:
        name = os.fsdecode(path)
        raise OcrOptionError(
            f"{name!r}: the name's ending must say what to write, one of "
            f"{', '.join(form.suffix for form in _ALL)}; or name the format"
        )
    return found
