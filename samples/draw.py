"""A sheet of paper that text is set on, and that remembers what it says."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Colour = int | tuple[int, int, int]

A4 = (210.0, 297.0)
A5 = (148.0, 210.0)
A6 = (105.0, 148.0)

_FACES = {
    "serif": "STIXGeneral.ttf",
    "serif-bold": "STIXGeneralBol.ttf",
    "serif-italic": "STIXGeneralItalic.ttf",
    "book": "DejaVuSerif.ttf",
    "book-bold": "DejaVuSerif-Bold.ttf",
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "mono-bold": "DejaVuSansMono-Bold.ttf",
}
_SHARES = {"left": 0, "centre": 0.5, "right": 1}
_NEVER_FIRST = "、。，．：；！？）」』ぁぃぅぇぉっゃゅょァィゥェォッャュョー"
_NEVER_LAST = "（「『"


@dataclass(frozen=True)
class Style:
    """How text looks: face, size in points, line distance as a multiple of the size, colour."""

    face: str
    size: float
    leading: float = 1.35
    colour: Colour = 0


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its first row and column from 0, its text, what it spans, its side."""

    row: int
    column: int
    text: str
    """With a line feed where the line is broken."""
    rows: int = 1
    columns: int = 1
    align: str = "left"

    @property
    def lines(self) -> list[str]:
        """Its text line by line."""
        return self.text.split("\n")


def _sums(parts: Iterable[float]) -> list[float]:
    return list(itertools.accumulate(parts, initial=0.0))


@functools.cache
def _font(face: str, pixels: int) -> ImageFont.FreeTypeFont:
    path = Path(mpl.get_data_path(), "fonts", "ttf", _FACES[face])
    # The basic layout engine is in every build of Pillow, so pages look alike everywhere.
    return ImageFont.truetype(path, pixels, layout_engine=ImageFont.Layout.BASIC)


class Sheet:
    """A sheet that is filled from top to bottom.

    Attributes:
        image: The pixels, grey or RGB after the colour of the paper.
        lines: What was set so far, in reading order.
        left, right, top, bottom: The area for text, in pixels.
        y: Where the next line begins, in pixels.
    """

    def __init__(
        self, size: tuple[float, float], dpi: int, margin: float, paper: Colour = 255
    ) -> None:
        """Cut a sheet.

        Args:
            size: Width and height in millimetres.
            dpi: Pixels per inch.
            margin: Empty border in millimetres.
            paper: Colour of the paper.
        """
        self.dpi = dpi
        width, height = (self.mm(side) for side in size)
        self.image = Image.new("L" if isinstance(paper, int) else "RGB", (width, height), paper)
        self.lines: list[str] = []
        self.left = self.top = self.mm(margin)
        self.right, self.bottom = width - self.left, height - self.top
        self.y = float(self.top)
        self._pen = ImageDraw.Draw(self.image)

    def mm(self, length: float) -> int:
        """Pixels of a length in millimetres."""
        return round(length * self.dpi / 25.4)

    def pt(self, length: float) -> float:
        """Pixels of a length in points."""
        return length * self.dpi / 72

    def font(self, style: Style) -> ImageFont.FreeTypeFont:
        """The font of a style at this sheet's resolution."""
        return _font(style.face, round(self.pt(style.size)))

    def skip(self, points: float) -> None:
        """Leave an empty space."""
        self.y += self.pt(points)

    def rule(self, width: float = 0.6) -> None:
        """Draw a line across the area for text."""
        height = max(1, round(self.pt(width)))
        self._pen.rectangle((self.left, self.y, self.right, self.y + height - 1), fill=0)
        self.y += height

    def band(self, height: float, colour: Colour) -> None:
        """Colour a band over the whole width, from here on down, and stay above it."""
        self._pen.rectangle((0, self.y, self.image.width, self.y + self.mm(height)), fill=colour)

    def line(self, text: str, style: Style, align: str = "left", indent: float = 0) -> None:
        """Set one line; ``indent`` in points."""
        left = self.left + self.pt(indent)
        room = self.right - left - self.font(style).getlength(text)
        self._place([(left + room * _SHARES[align], text)], style)
        self.lines.append(text)

    def foot(self, text: str, style: Style) -> None:
        """Set one line centred in the lower margin, as page numbers are."""
        self.y, self.bottom = self.bottom + self.pt(style.size), self.image.height
        self.line(text, style, align="centre")

    def row(self, cells: Iterable[tuple[str, float]], style: Style) -> None:
        """Set cells on one line, the first from the left, the others ending at a position.

        Args:
            cells: Texts, and where each ends as a fraction of the width of the area for text.
            style: How it looks.
        """
        (first, _), *others = cells
        places: list[tuple[float, str]] = [(self.left, first)]
        for text, end in others:
            right = self.left + end * (self.right - self.left)
            places.append((right - self.font(style).getlength(text), text))
        self._place(places, style)
        self.lines.append(" ".join(text for _, text in places))

    def grid(
        self, cells: Iterable[Cell], widths: Sequence[float], style: Style, *, ruled: bool
    ) -> None:
        """Set a table; its lines are what stands side by side.

        Args:
            cells: What stands in it; the places of a row above each other are filled from its top.
            widths: Of the columns, as fractions of the width of the area for text.
            style: How it looks.
            ruled: Whether all cells are enclosed by lines.
        """
        cells = sorted(cells, key=lambda cell: (cell.row, cell.column))
        edges = [self.left + part * (self.right - self.left) for part in _sums(widths)]
        heights = [0] * max(cell.row + cell.rows for cell in cells)
        for cell in cells:
            if cell.rows == 1:
                heights[cell.row] = max(heights[cell.row], len(cell.lines))
        step, pad = self.pt(style.size * style.leading), self.pt(4 if ruled else 0)
        tops = [self.y + top for top in _sums(height * step + 2 * pad for height in heights)]
        for row, count in enumerate(heights):
            for line in range(count):
                self.y = tops[row] + pad + line * step
                beside = [c for c in cells if c.row == row and line < len(c.lines)]
                self._place([self._in_cell(c, line, edges, style) for c in beside], style)
                self.lines.append(" ".join(cell.lines[line] for cell in beside))
        self.y = tops[-1]
        for cell in cells if ruled else ():
            corner = edges[cell.column], tops[cell.row]
            end = edges[cell.column + cell.columns], tops[cell.row + cell.rows]
            self._pen.rectangle((*corner, *end), outline=0, width=max(1, round(self.pt(0.6))))

    def _in_cell(
        self, cell: Cell, line: int, edges: Sequence[float], style: Style
    ) -> tuple[float, str]:
        pad = self.pt(5)
        left, right = edges[cell.column] + pad, edges[cell.column + cell.columns] - pad
        room = right - left - self.font(style).getlength(cell.lines[line])
        if room < 0:
            raise ValueError(f"does not fit its cell: {cell.lines[line]!r}")
        return left + room * _SHARES[cell.align], cell.lines[line]

    def paragraph(
        self, text: str, style: Style, *, justified: bool = False, indent: float = 0
    ) -> None:
        """Set a paragraph.

        Args:
            text: Words between single spaces.
            style: How it looks.
            justified: Whether both edges are straight.
            indent: How far the first line is moved in, in points.
        """
        start = self.left + self.pt(indent)
        for words, last in self._break(text.split(" "), style, self.right - start):
            self._set_words(words, style, start, justified=justified and not last)
            start = float(self.left)

    def han(self, text: str, size: float, *, leading: float = 1.7) -> None:
        """Set a paragraph of Chinese or Japanese on a grid, with OpenCV's own font."""
        em = round(self.pt(size))
        canvas = np.asarray(self.image).copy()
        for line in _break_han(text, (self.right - self.left) // em):
            self._check(self.y + em)
            for place, character in enumerate(line):
                corner = (self.left + place * em, round(self.y + 0.88 * em))
                cv2.putText(canvas, character, corner, (0,), _han_face(), em)
            self.lines.append(line)
            self.y += em * leading
        self.image.paste(Image.fromarray(canvas))

    def _break(
        self, words: list[str], style: Style, room: float
    ) -> Iterator[tuple[list[str], bool]]:
        """Break words into lines; the first has ``room`` pixels, later ones the full width."""
        font = self.font(style)
        line: list[str] = []
        for word in words:
            if line and font.getlength(" ".join([*line, word])) > room:
                yield line, False
                line, room = [], self.right - self.left
            line.append(word)
        yield line, True

    def _set_words(self, words: list[str], style: Style, start: float, *, justified: bool) -> None:
        text = " ".join(words)
        self.lines.append(text)
        if not justified or len(words) == 1:
            self._place([(start, text)], style)
            return
        widths = [self.font(style).getlength(word) for word in words]
        gap = (self.right - start - sum(widths)) / (len(words) - 1)
        starts = itertools.accumulate((width + gap for width in widths), initial=start)
        self._place(list(zip(starts, words, strict=False)), style)

    def _place(self, places: list[tuple[float, str]], style: Style) -> None:
        font = self.font(style)
        self._check(self.y + self.pt(style.size))
        for x, text in places:
            if x < 0 or x + font.getlength(text) > self.image.width:
                raise ValueError(f"does not fit the width of the sheet: {text!r}")
            baseline = (round(x), round(self.y + self.pt(style.size)))
            self._pen.text(baseline, text, fill=style.colour, font=font, anchor="ls")
        self.y += self.pt(style.size * style.leading)

    def _check(self, end: float) -> None:
        if end > self.bottom:
            raise ValueError(f"the sheet is full after {self.lines[-1:]}")


@functools.cache
def _han_face() -> cv2.FontFace:
    return cv2.FontFace("uni")


def _break_han(text: str, room: int) -> Iterator[str]:
    """Break where Chinese and Japanese allow it; a mark that may not begin a line hangs out."""
    while text:
        cut = room
        while cut < len(text) and text[cut] in _NEVER_FIRST:
            cut += 1
        while cut < len(text) and text[cut - 1] in _NEVER_LAST:
            cut -= 1
        yield text[:cut]
        text = text[cut:]
