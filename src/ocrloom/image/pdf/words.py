"""The characters of a page as words on the stretches of its lines. Pure.

PDFium gives characters in the order in which the page draws them, with spaces and ends of lines
put in where it sees them. Neither is relied on: a word also ends at a gap, and a stretch where the
next character stands elsewhere, runs another way or is far off.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from math import cos, radians, sin
from statistics import median
from typing import TYPE_CHECKING, Final

import numpy as np

from ocrloom.image.text import Stretch
from ocrloom.result import Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from ocrloom.image.pdf.sheet import Letters, Sheet
    from ocrloom.result import Point, Polygon

__all__ = ["RECOGNISER", "stretches_of"]

RECOGNISER: Final = "text-layer"
"""Provenance of the words that a source holds itself."""

_WORD_GAP: Final = 0.2  # of a line's height, as wide as a narrow space
_STRETCH_GAP: Final = 1.0  # of a line's height: a wider one parts columns or cells, not words
_OVERLAP: Final = 0.4  # of the lower character's height, that two of one line share
_TURN: Final = 3.0  # degrees by which characters of one line may differ
_OBLIQUE: Final = 0.5  # of cos² - sin²: nearer to 45° an upright box tells no sides
_FLAT: Final = 0.05  # pixels; ink without extent
_USUAL: Final = 1.4  # a line's height over that of a glyph's ink, where the font does not tell

# A hyphen at the end of a line: PDFium's own sign, one it had before, and Unicode's, which as a
# glyph is visible.
_HYPHENS: Final = frozenset("\x02\ufffe\u00ad")
_JOINERS: Final = frozenset("\u200c\u200d")
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs"})


@dataclass(frozen=True, slots=True)
class _Cut:
    """A rectangle that lies at its letter's angle: centre and half sides in pixels."""

    x: float
    y: float
    across: float
    down: float


@dataclass(frozen=True, slots=True)
class _Glyph:
    text: str
    """What it stands for; may be several characters, or none."""
    angle: float
    ink: _Cut
    cell: _Cut


class _Direction:
    """Coordinates along and across a line."""

    def __init__(self, angle: float) -> None:
        self.angle = angle
        self._c, self._s = cos(radians(angle)), sin(radians(angle))

    def span(self, cut: _Cut) -> tuple[float, float, float, float]:
        """Left, top, right and bottom as one sees them who reads the line."""
        u, v = cut.x * self._c + cut.y * self._s, cut.y * self._c - cut.x * self._s
        return u - cut.across, v - cut.down, u + cut.across, v + cut.down

    def point(self, u: float, v: float) -> Point:
        return u * self._c - v * self._s, u * self._s + v * self._c

    def polygon(self, spans: Iterable[tuple[float, float, float, float]]) -> Polygon:
        """Around all of them."""
        lefts, tops, rights, bottoms = zip(*spans, strict=True)
        left, top, right, bottom = min(lefts), min(tops), max(rights), max(bottoms)
        return (
            self.point(left, top),
            self.point(right, top),
            self.point(right, bottom),
            self.point(left, bottom),
        )


@dataclass(slots=True)
class _Line:
    """Glyphs on one stretch so far, word by word."""

    direction: _Direction
    words: list[list[_Glyph]] = field(default_factory=lambda: [[]])

    def end_word(self) -> None:
        if self.words[-1]:
            self.words.append([])

    def takes(self, last: _Glyph, glyph: _Glyph) -> bool:
        """Whether a glyph stands on the same line, not far from the last one."""
        turn = abs(glyph.angle - self.direction.angle) % 360
        if min(turn, 360 - turn) > _TURN:
            return False
        a, b = self.direction.span(last.cell), self.direction.span(glyph.cell)
        lower = min(a[3] - a[1], b[3] - b[1])
        if min(a[3], b[3]) - max(a[1], b[1]) < _OVERLAP * lower:
            return False
        gap = self._gap(last, glyph)
        height = max(a[3] - a[1], b[3] - b[1])
        if gap > _STRETCH_GAP * height:
            return False
        if gap > _WORD_GAP * height:
            self.end_word()
        return True

    def _gap(self, last: _Glyph, glyph: _Glyph) -> float:
        """Distance along the line, whichever way the script runs; negative where they overlap."""
        a, b = self.direction.span(last.cell), self.direction.span(glyph.cell)
        return max(b[0] - a[2], a[0] - b[2])

    def stretch(self) -> Stretch | None:
        """What it has become; None without any word."""
        words = tuple(word for glyphs in self.words if (word := self._word(glyphs)) is not None)
        if not words:
            return None
        spans = [self.direction.span(glyph.cell) for glyphs in self.words for glyph in glyphs]
        left, right = min(span[0] for span in spans), max(span[2] for span in spans)
        across = median((span[1] + span[3]) / 2 for span in spans)
        return Stretch(
            words=words,
            angle=(self.direction.angle + 180) % 360 - 180,
            width=right - left,
            height=median(span[3] - span[1] for span in spans),
            middle=self.direction.point((left + right) / 2, across),
        )

    def _word(self, glyphs: list[_Glyph]) -> Word | None:
        text = "".join(glyph.text for glyph in glyphs)
        if not text:
            return None
        polygon = self.direction.polygon(
            self.direction.span(glyph.ink) for glyph in glyphs if glyph.text
        )
        return Word(text=text, polygon=polygon, confidence=1.0, recogniser=RECOGNISER)


def stretches_of(sheet: Sheet, letters: Letters, size: tuple[int, int]) -> tuple[Stretch, ...]:
    """The words of a page.

    Args:
        sheet: The page.
        letters: Its characters.
        size: Width and height in pixels of the frame that the page is drawn as.

    Returns:
        Stretches of lines in the order of the characters; what lies outside the frame, as a
        cropped page may have it, is left out.
    """
    return tuple(
        stretch for line in _lines(sheet, letters, size) if (stretch := line.stretch()) is not None
    )


def _lines(sheet: Sheet, letters: Letters, size: tuple[int, int]) -> Iterator[_Line]:
    line: _Line | None = None
    last: _Glyph | None = None
    for glyph in _glyphs(sheet, letters, size):
        if glyph is None:
            if line is not None:
                line.end_word()
            continue
        if line is None or last is None or not line.takes(last, glyph):
            if line is not None:
                yield line
            line = _Line(_Direction(glyph.angle))
        line.words[-1].append(glyph)
        last = glyph
    if line is not None:
        yield line


def _glyphs(sheet: Sheet, letters: Letters, size: tuple[int, int]) -> Iterator[_Glyph | None]:
    """The characters that are seen on the page; None where a word ends."""
    angles = (letters.angles + sheet.rotation) % 360
    ink = _upright(_in_pixels(letters.ink, sheet, size), angles)
    cells = _upright(_in_pixels(letters.cells, sheet, size), angles)
    ink, cells = _whole(ink, cells)
    texts = _texts(letters.codes.tolist())
    rows = zip(texts, angles.tolist(), ink.tolist(), cells.tolist(), strict=True)
    for text, angle, inked, cell in rows:
        if text.isspace():
            yield None
        elif 0 <= cell[0] <= size[0] and 0 <= cell[1] <= size[1]:
            yield _Glyph(text, angle, _Cut(*inked), _Cut(*cell))


def _in_pixels(
    boxes: NDArray[np.float32], sheet: Sheet, size: tuple[int, int]
) -> NDArray[np.float64]:
    """(N, 4) left, top, right, bottom in the frame, of boxes in the page's own units."""
    left, bottom, right, top = sheet.box
    x = (boxes[:, [0, 2]].astype(np.float64) - left) / (right - left)
    y = (top - boxes[:, [1, 3]].astype(np.float64)) / (top - bottom)
    if sheet.rotation == 90:
        x, y = 1 - y, x
    elif sheet.rotation == 180:
        x, y = 1 - x, 1 - y
    elif sheet.rotation == 270:
        x, y = y, 1 - x
    x, y = x * size[0], y * size[1]
    return np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)


def _upright(boxes: NDArray[np.float64], angles: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 4) centre and half sides of rectangles at an angle, of the upright boxes around them.

    A rectangle of sides w and h has a box of the sides w·c + h·s and w·s + h·c, which can be
    solved unless it stands on its corner; there both sides are taken for equal.
    """
    turned = np.radians(angles.astype(np.float64))
    c, s = np.abs(np.cos(turned)), np.abs(np.sin(turned))
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    ratio = c * c - s * s
    clear = np.abs(ratio) > _OBLIQUE
    safe = np.where(clear, ratio, 1.0)
    even = (wide + high) / (2 * (c + s))
    across = np.where(clear, (wide * c - high * s) / safe, even)
    down = np.where(clear, (high * c - wide * s) / safe, even)
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return np.stack([x, y, np.maximum(across, 0) / 2, np.maximum(down, 0) / 2], axis=1)


def _whole(
    ink: NDArray[np.float64], cells: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same with each taken for the other where one has no extent.

    Fonts of hidden layers have no ink, and broken fonts have no height.
    """
    no_cell = (cells[:, 3] < _FLAT) | ~np.isfinite(cells).all(axis=1)
    grown = ink * np.array([1.0, 1.0, 1.0, _USUAL])
    cells = np.where(no_cell[:, None], grown, cells)
    no_ink = (ink[:, 2:].min(axis=1) < _FLAT) | ~np.isfinite(ink).all(axis=1)
    return np.where(no_ink[:, None], cells, ink), np.nan_to_num(cells)


def _texts(codes: list[int]) -> Iterator[str]:
    """What each character is read as: none for half a pair and for what is not seen."""
    for index, code in enumerate(codes):
        if 0xDC00 <= code <= 0xDFFF:
            yield ""
        elif 0xD800 <= code <= 0xDBFF:
            low = codes[index + 1] if index + 1 < len(codes) else 0
            paired = 0xDC00 <= low <= 0xDFFF
            yield chr(0x10000 + ((code - 0xD800) << 10) + low - 0xDC00) if paired else "\ufffd"
        else:
            yield _text(code)


def _text(code: int) -> str:
    character = chr(code) if code < 0x110000 else "\ufffd"
    if character in _HYPHENS:
        return "-"
    if character.isspace():
        return " "
    if character in _JOINERS:
        return character
    # Of Latin, Armenian and Hebrew: to be found by who searches for the letters.
    if "\ufb00" <= character <= "\ufb17":
        return unicodedata.normalize("NFKC", character)
    nothing = unicodedata.category(character) in _DROPPED or code & 0xFFFE == 0xFFFE
    return "" if nothing else character
