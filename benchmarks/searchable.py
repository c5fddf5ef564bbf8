"""Searchable PDFs: whether words are found where they are, how large the file is, what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pikepdf
from pdfminer.high_level import extract_pages
from pdfminer.layout import LTChar, LTTextLine

from benchmarks import fresh, memory
from benchmarks.systems import AUTO
from ocrloom import OcrEngine
from ocrloom.pdf import make

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ocrloom import Page
    from ocrloom.image import Image

__all__ = ["Growth", "Layer", "measure_growth", "measure_layer", "run_here"]

_Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Layer:
    """What pdfminer.six finds in a PDF of scans."""

    pages: int
    words: int
    """That were recognised."""
    found: int
    """Those of them that are extracted."""
    distance: float
    """Median distance of the boxes' centres in points."""
    image_bytes: int
    pdf_bytes: int


@dataclass(frozen=True, slots=True)
class Growth:
    """One PDF of scans made searchable in a process of its own. Sizes in bytes."""

    pages: int
    seconds: float
    before: int
    """Resident after a document of one page."""
    peak: int
    """The most that was resident afterwards."""
    helpers: int
    """The most that each helper process held, in all."""


def measure_layer(paths: Sequence[Path], language: str, target: Path) -> Layer:
    """Make one PDF of images and compare what pdfminer.six finds with what was recognised.

    Args:
        paths: Images of one page each.
        language: Codes joined by ``+``, or ``auto``.
        target: The PDF.
    """
    engine = _Watched(language)
    make(engine, paths, target)
    words = found = 0
    distances: list[float] = []
    for page, (width, height, there) in zip(engine.pages, _extracted(target), strict=True):
        scale = width / page.width, height / page.height
        for word in page.words:
            words += 1
            candidates = there.get(word.text)
            if candidates:
                found += 1
                box = _box([(x * scale[0], y * scale[1]) for x, y in word.polygon])
                distance, nearest = min((_distance(box, each), each) for each in candidates)
                candidates.remove(nearest)
                distances.append(distance)
    return Layer(
        pages=len(engine.pages),
        words=words,
        found=found,
        distance=median(distances) if distances else 0.0,
        image_bytes=sum(path.stat().st_size for path in paths),
        pdf_bytes=target.stat().st_size,
    )


def measure_growth(
    paths: Sequence[Path], counts: Sequence[int], language: str, folder: Path
) -> list[Growth]:
    """Make PDFs of ever more scans searchable, each in a fresh process.

    Args:
        paths: Images, repeated as often as needed.
        counts: Pages.
        language: Codes joined by ``+``, or ``auto``.
        folder: Where the PDFs are made.

    Raises:
        FreshError: A process died.
    """
    runs = []
    for count in counts:
        scans = _write_scans(paths, count, folder / f"scans-{count}.pdf")
        first = _write_scans(paths, 1, folder / "first.pdf")
        named = {"path": str(scans), "first": str(first), "target": str(folder / "out.pdf")}
        runs.append(Growth(pages=count, **fresh.call(run_here, language=language, **named)))
    return runs


def run_here(path: str, first: str, target: str, language: str) -> dict[str, Any]:
    """Make a PDF searchable and give what `Growth` holds of it."""
    engine = OcrEngine(language=_languages(language))
    make(engine, [first], target)
    before = memory._memory("VmRSS")
    memory._forget_peak()
    start = perf_counter()
    make(engine, [path], target)
    return {
        "seconds": perf_counter() - start,
        "before": before,
        "peak": memory._memory("VmHWM"),
        "helpers": sum(_peak(each) for each in _children()),
    }


def _children() -> list[str]:
    found = Path("/proc/self/task").glob("*/children")
    return [number for each in found for number in each.read_text(encoding="ascii").split()]


def _peak(process: str) -> int:
    """The most that a process ever held; 0 if it has ended."""
    try:
        lines = Path("/proc", process, "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


class _Watched:
    """An engine whose pages are kept."""

    def __init__(self, language: str) -> None:
        self._engine = OcrEngine(language=_languages(language))
        self.options = self._engine.options
        self.pages: list[Page] = []

    def stream(self, source: Image, **options: Any) -> _Stream:  # noqa: ANN401  # the engine's
        return _Stream(self._engine.stream(source, **options), self.pages)


class _Stream:
    def __init__(self, stream: Any, pages: list[Page]) -> None:  # noqa: ANN401  # the engine's
        self._stream = stream
        self._pages = pages

    @property
    def failures(self) -> Any:  # noqa: ANN401
        return self._stream.failures

    def __iter__(self) -> Iterator[Page]:
        for page in self._stream:
            self._pages.append(page)
            yield page

    def close(self) -> None:
        self._stream.close()


def _languages(language: str) -> list[str] | None:
    return None if language == AUTO else language.split("+")


def _write_scans(paths: Sequence[Path], count: int, target: Path) -> Path:
    """A PDF of scans without text, each page with a picture of its own."""
    import img2pdf

    with pikepdf.new() as pdf:
        for number in range(count):
            page = target.with_name(f"page-{number % len(paths)}.pdf")
            if not page.exists():
                page.write_bytes(img2pdf.convert(paths[number % len(paths)], first_frame_only=True))
            with pikepdf.open(page) as scan:
                pdf.pages.extend(scan.pages)
        pdf.save(target)
    return target


def _extracted(path: Path) -> Iterator[tuple[float, float, dict[str, list[_Box]]]]:
    """Width and height of every page and its words with their boxes, from the upper left."""
    for page in extract_pages(path):
        words: dict[str, list[_Box]] = {}
        for line in _lines(page):
            letters: list[LTChar] = []
            for letter in [*line, None]:
                if isinstance(letter, LTChar) and not letter.get_text().isspace():
                    letters.append(letter)
                elif letters:
                    corners = [
                        corner
                        for each in letters
                        for corner in (
                            (each.x0, page.height - each.y1),
                            (each.x1, page.height - each.y0),
                        )
                    ]
                    text = "".join(each.get_text() for each in letters)
                    words.setdefault(text, []).append(_box(corners))
                    letters = []
        yield page.width, page.height, words


def _lines(item: Any) -> Iterator[LTTextLine]:  # noqa: ANN401  # pdfminer's classes nest freely
    if isinstance(item, LTTextLine):
        yield item
    elif hasattr(item, "__iter__"):
        for each in item:
            yield from _lines(each)


def _box(points: Sequence[tuple[float, float]]) -> _Box:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _distance(one: _Box, other: _Box) -> float:
    across = (one[0] + one[2] - other[0] - other[2]) / 2
    down = (one[1] + one[3] - other[1] - other[3]) / 2
    return float((across**2 + down**2) ** 0.5)
