"""The result tree: ``OcrResult`` > ``Page`` > ``Block`` > ``Line`` > ``Word``.

Plain immutable data; every export, index and view is made from it later, without a second
recognition. A polygon is a tuple of four ``(x, y)`` points in pixels of the source frame as a
viewer shows it (EXIF orientation applied), origin at its top left corner, clockwise, beginning
with the corner that is the upper left one of the upright text. Confidences are in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

from ocrloom import errors
from ocrloom.errors import OcrException, OcrOptionError
from ocrloom.wholes import whole_lines

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Self

    from ocrloom.image.lazy import ImageLike
    from ocrloom.languages import Language

__all__ = [
    "Block",
    "BlockKind",
    "Cell",
    "Line",
    "OcrResult",
    "Page",
    "PageFailure",
    "Point",
    "Polygon",
    "ReadBy",
    "Table",
    "Word",
]

Point: TypeAlias = tuple[float, float]
Polygon: TypeAlias = tuple[Point, Point, Point, Point]

_TextFormat: TypeAlias = Literal["txt", "json", "hocr", "alto", "page", "tsv", "md", "html", "csv"]
_BinaryFormat: TypeAlias = Literal["docx", "xlsx", "pdf"]

# Many more than a page can show; a document that claims more would fill the memory.
_MOST_PLACES = 1_000_000

# Characters to change in a word that is wrong, as `python -m benchmarks reliability` counts them on
# the pages that confidences are fitted on.
_EDITS = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Characters without white space between them."""

    text: str
    polygon: Polygon
    confidence: float
    """Chance that all of the word is right, 0..1: of words with 0.9 about nine in ten are."""
    recogniser: str
    """Provenance: the name of the recogniser that read the word."""
    raw: str | None = None
    """What the recogniser read, where context made another text of it."""
    whole: str | None = None
    """The word that this one and the first of the next line are parts of, where a hyphen parts
    them and ``OcrOptions.join_hyphens`` asked for whole words: `Block.text` has it instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Words on one baseline, in reading order."""

    words: tuple[Word, ...]
    polygon: Polygon

    @property
    def text(self) -> str:
        """The words, one space between each two."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return mean_confidence(self.words)


class BlockKind(StrEnum):
    """What a block is to the page."""

    PARAGRAPH = "paragraph"
    """Running text, and whatever is nothing else."""
    HEADING = "heading"
    """The title of what follows; ``Block.level`` says of how much."""
    TABLE = "table"
    """Rows and columns, in ``Block.table``."""
    CAPTION = "caption"
    """What stands below or above a figure or a table and names it."""
    NOTE = "note"
    """Beside the text, in its margin."""
    HEADER = "header"
    """Above the text, the same on many pages."""
    FOOTER = "footer"
    """Below the text, the same on many pages."""
    PAGE_NUMBER = "page_number"
    """The number that the page gives itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What stands where a row and a column of a table meet; empty ones are not kept."""

    row: int
    """From 0, counted from the top."""
    column: int
    """From 0, counted from the left."""
    row_span: int = 1
    """Rows that it reaches over."""
    column_span: int = 1
    """Columns that it reaches over."""
    words: tuple[Word, ...]
    """In reading order; each is also in a line of the table's block."""
    polygon: Polygon

    @property
    def text(self) -> str:
        """The words, one space between each two."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows and columns of a block whose kind is a table."""

    rows: int
    columns: int
    cells: tuple[Cell, ...]
    """Row by row, those of a row from left to right; no two cover one place. Together they hold
    every word of the block's lines, each once."""

    def __post_init__(self) -> None:
        """Refuses cells that lie outside of the table or over each other.

        Raises:
            OcrOptionError: A table cannot be so.
        """
        places = self.rows * self.columns
        if min(self.rows, self.columns) < 1 or places > _MOST_PLACES:
            raise OcrOptionError(
                f"a table must have 1 to {_MOST_PLACES} places, found {self.rows} rows and "
                f"{self.columns} columns"
            )
        taken: set[tuple[int, int]] = set()
        for cell in self.cells:
            covered = set(self._covered(cell))
            if not covered or taken & covered:
                raise OcrOptionError(
                    f"the cells of a table must lie within its {self.rows} rows and "
                    f"{self.columns} columns and not over each other, found one at row "
                    f"{cell.row}, column {cell.column} that does not"
                )
            taken |= covered

    def _covered(self, cell: Cell) -> Iterable[tuple[int, int]]:
        """The places that a cell reaches over; none where one of them is not in the table."""
        below, beside = cell.row + cell.row_span, cell.column + cell.column_span
        if min(cell.row, cell.column) < 0 or below > self.rows or beside > self.columns:
            return ()
        return (
            (row, column) for row in range(cell.row, below) for column in range(cell.column, beside)
        )

    @property
    def grid(self) -> tuple[tuple[Cell | None, ...], ...]:
        """For every row and column the cell that covers the place, or None where it is empty."""
        cells = {place: cell for cell in self.cells for place in self._covered(cell)}
        return tuple(
            tuple(cells.get((row, column)) for column in range(self.columns))
            for row in range(self.rows)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that belong together: a paragraph, a heading, a column's part, a table."""

    lines: tuple[Line, ...]
    """From top to bottom; a table's are what stands side by side, across all its columns."""
    polygon: Polygon
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0
    """Of a heading: 1 for the largest of the page, up to 6; of anything else 0."""
    table: Table | None = None
    """The cells of a table; None for all other kinds."""

    @property
    def text(self) -> str:
        """The lines, each on a line of its own, with `Word.whole` in place of the parts."""
        texts = zip(self.lines, whole_lines(self.lines), strict=True)
        return "\n".join(text for line, text in texts if text or not line.words)


class ReadBy(StrEnum):
    """Where the text of a page comes from."""

    OCR = "ocr"
    """It was recognised in the page's picture."""
    TEXT_LAYER = "text_layer"
    """The source holds it as text: a PDF that was never a scan, or one that OCR has been over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One frame of the source. A frame without text is a page without blocks."""

    number: int
    """Place in the source, from 1."""
    width: int
    """Pixels, as a viewer shows the frame."""
    height: int
    """Pixels, as a viewer shows the frame."""
    dpi: tuple[float, float] | None = None
    """Horizontal and vertical resolution that the source states, if it states one."""
    rotation: int = 0
    """Degrees, clockwise, by which the frame was turned to stand upright: 0, 90, 180 or 270."""
    scale: float = 1.0
    """Side of the picture that was read over the frame's side; below 1 only where a smaller copy
    was asked for."""
    skew: float = 0.0
    """Slope of the text lines on the upright page in degrees; positive falls to the right."""
    languages: tuple[Language, ...] = ()
    """Those it was read in: named, or found on the page by AUTO; none where nothing is known."""
    blocks: tuple[Block, ...] = ()
    read_by: ReadBy = ReadBy.OCR
    reason: str = ""
    """Of a page of a PDF: why its text was recognised, or why its own was taken."""
    review: bool = False
    """Whether more errors are to be expected than ``OcrOptions.min_quality`` allows."""

    @property
    def effective_dpi(self) -> tuple[float, float] | None:
        """The resolution at which the page was read; None where the source states none."""
        return self.dpi and (self.dpi[0] * self.scale, self.dpi[1] * self.scale)

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines in reading order."""
        return tuple(line for block in self.blocks for line in block.lines)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in reading order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def text(self) -> str:
        """The blocks, an empty line between each two."""
        return "\n\n".join(block.text for block in self.blocks)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return mean_confidence(self.words)

    @property
    def expected_cer(self) -> float:
        """The share of the page's characters that are expected to be wrong, 0..1.

        It follows from the words' confidences; 0 without words. Text that was not found on the page
        is not in it.
        """
        edits = characters = 0.0
        for word in self.words:
            edits += (1 - word.confidence) * min(_EDITS, len(word.text))
            characters += len(word.text) + 1  # and a space
        return min(1.0, edits / max(1.0, characters - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFailure:
    """A frame that could not be read, while others of its source could."""

    number: int
    """Place in the source, from 1."""
    kind: str
    """Name of the exception's class, such as ``OcrDamagedImage``."""
    message: str
    """What was expected, what was found and what to do; it names the source and the frame."""

    @classmethod
    def of(cls, number: int, error: OcrException) -> PageFailure:
        """The failure that an exception tells of."""
        return cls(number=number, kind=type(error).__name__, message=str(error))

    @property
    def error(self) -> OcrException:
        """An exception of that class with that message, to be raised or asked for its codes."""
        known = getattr(errors, self.kind, OcrException)
        # A parsed document may say anything.
        is_ours = isinstance(known, type) and issubclass(known, OcrException)
        return known(self.message) if is_ours else OcrException(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class OcrResult:
    """What was read from one source."""

    pages: tuple[Page, ...]
    """The pages that were read, in the order of the source."""
    failures: tuple[PageFailure, ...] = ()
    """The frames that could not be read, in the same order; no page stands for them."""
    source: str | None = field(default=None, compare=False)
    """Name of the source for people: a path, or None for bytes and arrays."""

    @property
    def text(self) -> str:
        """The pages' texts, a form feed between each two."""
        return "\f".join(page.text for page in self.pages)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, weighted by their lengths, 0..1; 0 without words."""
        return mean_confidence(word for page in self.pages for word in page.words)

    @overload
    def export(self, format: _TextFormat, *, source: ImageLike | None = None) -> str: ...

    @overload
    def export(self, format: _BinaryFormat, *, source: ImageLike | None = None) -> bytes: ...

    @overload
    def export(self, format: str, *, source: ImageLike | None = None) -> str | bytes: ...

    def export(self, format: str, *, source: ImageLike | None = None) -> str | bytes:  # noqa: A002  # as the flag
        """Makes another document of the result, without a second recognition.

        Args:
            format: Name of a format: ``txt``, ``json``, ``hocr``, ``alto``, ``page``, ``tsv``,
                ``md``, ``html``, ``docx``, ``csv``, ``xlsx`` or ``pdf``.
            source: What was read; only ``pdf`` needs it, and only where `OcrResult.source`
                does not name it any more.

        Returns:
            Text, or bytes for ``docx``, ``xlsx`` and ``pdf``.

        Raises:
            OcrOptionError: There is no such format.
            OcrOutputError: The format cannot hold this result: no table for ``csv`` and
                ``xlsx``, several pages for ``page``.
        """
        from ocrloom.formats import format_named

        return format_named(format).render(self, source)

    def save(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,  # noqa: A002
        *,
        source: ImageLike | None = None,
    ) -> tuple[Path, ...]:
        """Writes the result to a file, which is whole or not there.

        Args:
            path: The file. Its folder must exist; a file of that name is replaced.
            format: Name of a format as for `export`; by the ending of ``path`` if not given:
                ``.alto.xml``, ``.page.xml``, or a dot and the name of another format.
            source: As for `export`.

        Returns:
            The files that were written. There are several where a format has a file for every
            page: ``book.page.xml`` becomes ``book_0001.page.xml`` and so on.

        Raises:
            OcrOptionError: There is no such format, or the ending belongs to none.
            OcrOutputError: The file cannot be written, or the format cannot hold this result.
        """
        from ocrloom.formats import format_named, format_of
        from ocrloom.saving import save

        return save(self, path, format_named(format) if format else format_of(path), source)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Makes the result of which ``export("json")`` made the document; nothing is lost.

        Raises:
            OcrOptionError: It is no such document; the message says where and what was expected.
        """
        from ocrloom.formats.json_ import parse

        found = parse(text)
        return cls(pages=found.pages, failures=found.failures, source=found.source)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Reads the result that ``save("NAME.json")`` has written.

        Raises:
            OcrSourceError: The file cannot be read; each reason has its own class.
            OcrOptionError: It holds no such document.
        """
        from ocrloom.saving import read_text

        return cls.from_json(read_text(path))


def mean_confidence(words: Iterable[Word]) -> float:
    """Mean confidence of words, weighted by their lengths, 0..1; 0 without words."""
    total = characters = 0.0
    for word in words:
        total += word.confidence * len(word.text)
        characters += len(word.text)
    return total / characters if characters else 0.0
