"""Exports: what each format takes beside the recognition of the same pages."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import PIL.Image
from PIL.TiffImagePlugin import AppendingTiffWriter

from benchmarks.order import rotated
from benchmarks.systems import AUTO
from ocrloom import OcrEngine, OcrException
from ocrloom.formats import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ocrloom import OcrResult

__all__ = ["Export", "Exports", "measure", "write_book"]


@dataclass(frozen=True, slots=True)
class Export:
    """What one format took."""

    format: str
    seconds: tuple[float, ...]
    """One for each round; none where the format cannot hold the result."""
    bytes: int
    error: str | None
    """Why it cannot."""


@dataclass(frozen=True, slots=True)
class Exports:
    """One document, recognised once and written in every format."""

    pages: int
    words: int
    recognition: float
    """Seconds, on all usable cores."""
    formats: tuple[Export, ...]
    failed: int
    first_error: str | None

    @property
    def together(self) -> float:
        """Seconds that all formats take, on one core."""
        return sum(median(export.seconds) for export in self.formats if export.seconds)

    def share(self, seconds: float) -> float:
        """Return a time over that of the recognition, 0..1."""
        return seconds / self.recognition


def measure(language: str, book: Path, rounds: int, on_step: Callable[[str], None]) -> Exports:
    """Recognise a document and write it in every format, the formats in turns.

    It is recognised once before, not timed: models are loaded when the first page needs them, and
    compiled for the alphabets and shapes of the pages. Each format is made once before, too.

    Args:
        language: Its language, or several as deu+eng.
        book: A file of many pages.
        rounds: How often every format is made.
        on_step: Told before each reading and each round.
    """
    engine = OcrEngine(language=None if language == AUTO else language.split("+"))
    on_step("a reading before")
    engine.process(book)
    on_step("reading")
    start = perf_counter()
    result = engine.process(book)
    recognition = perf_counter() - start
    seconds: dict[str, list[float]] = {name: [] for name in FORMATS}
    sizes: dict[str, int] = {}
    errors: dict[str, str] = {}
    for turn in range(-1, rounds):
        on_step("formats")
        for name in rotated(list(FORMATS), turn):
            start = perf_counter()
            try:
                sizes[name] = _size(result, name, book)
            except OcrException as error:
                errors[name] = str(error)
                continue
            if turn >= 0:
                seconds[name].append(perf_counter() - start)
    failures = result.failures
    return Exports(
        pages=len(result.pages),
        words=sum(len(page.words) for page in result.pages),
        recognition=recognition,
        formats=tuple(
            Export(name, tuple(seconds[name]), sizes.get(name, 0), errors.get(name))
            for name in FORMATS
        ),
        failed=len(failures),
        first_error=failures[0].message if failures else None,
    )


def _size(result: OcrResult, name: str, book: Path) -> int:
    form = FORMATS[name]
    return sum(len(form.encode(part, book)) for _, part in form.files(result))


def write_book(paths: Sequence[Path], book: Path) -> Path:
    """Write pages as the frames of one TIFF, compressed without loss as scanners do it.

    Args:
        paths: Pictures of one frame each.
        book: The file to write.
    """
    # One at a time: a hundred decoded scans would fill the memory.
    with AppendingTiffWriter(str(book), True) as writer:
        for path in paths:
            with PIL.Image.open(path) as picture:
                plain = picture if picture.mode in ("1", "L", "RGB") else picture.convert("RGB")
                kind = "group4" if plain.mode == "1" else "tiff_lzw"
                dpi = picture.info.get("dpi")
                plain.save(writer, "TIFF", compression=kind, **({"dpi": dpi} if dpi else {}))
            writer.newFrame()
    return book
