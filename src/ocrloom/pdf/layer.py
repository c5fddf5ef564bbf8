"""The invisible text of a page as a content stream. Pure: a ``Page`` in, bytes out.

Each word is shown in the font's size that is its line's height, stretched to its width, from its
lower left corner along its line; a word from right to left mirrored, from its lower right corner.
So all characters come in logical order, each at its own place: readers that take them as they come
have the text, and those that sort them by place have it too.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, replace
from math import hypot
from typing import TYPE_CHECKING, Final

from ocrloom.pdf.font import EM_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ocrloom.pdf.font import Codes
    from ocrloom.result import Page, Word

__all__ = ["LAYER_FONT", "layer"]

LAYER_FONT: Final = "OcrLoom"
"""Name of the font in the resources of a page."""

_LEAST: Final = 0.5  # points: what a word is high and wide at least, as no text has no size
_GAP: Final = 0.2  # of the height: readers see no space in less than 0.15
_LOW: Final = 0.25  # of the words reach lower, and as many higher, than the line
_UNKNOWN: Final = "\N{REPLACEMENT CHARACTER}"
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_ROOM: Final = 0.08  # of the height: readers add a space where there is more
_STEEP: Final = 1.6
_STRAIGHT: Final = 0.05  # points by which a line may rise from end to end and count as level


def layer(page: Page, size: tuple[float, float], codes: Codes, font: str = LAYER_FONT) -> bytes:
    """The words of a page as invisible text.

    Args:
        page: What was read.
        size: Width and height in points of the page as a viewer shows it; the content stream
            counts from its lower left corner.
        codes: Of the document; characters that are new to it are added.
        font: Name of the font in the resources of the page.

    Returns:
        A content stream that leaves the graphics state as it was; nothing for a page without text.
    """
    scale = size[0] / max(1, page.width), size[1] / max(1, page.height)
    pen = _Pen(codes, font)
    for line in page.lines:
        runs = [_Run.of(word, scale, size[1]) for word in line.words]
        pen.line([run for run in runs if run.text])
    return pen.finish()


@dataclass(frozen=True, slots=True)
class _Run:
    """A word on the page: its characters, its corners in points from the lower left."""

    text: str
    corners: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, word: Word, scale: tuple[float, float], height: float) -> _Run:
        text = word.text
        if not _is_plain(text):
            text = "".join(map(_meant, text))
        return cls(text, tuple((x * scale[0], height - y * scale[1]) for x, y in word.polygon))

    @property
    def along(self) -> tuple[float, float]:
        """From its beginning to its end, twice."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        return bx - ax + cx - dx, by - ay + cy - dy


@dataclass(frozen=True, slots=True)
class _Place:
    """A word's place on its line: from where to where, its foot and its height, in points."""

    left: float
    right: float
    foot: float
    height: float

    @classmethod
    def of(cls, run: _Run, turn: tuple[float, float]) -> _Place:
        c, s = turn
        along = [x * c + y * s for x, y in run.corners]
        across = [y * c - x * s for x, y in run.corners]
        left, foot = min(along), min(across)
        return cls(left, max(max(along), left + _LEAST), foot, max(max(across) - foot, _LEAST))

    def shares(self, other: _Place) -> bool:
        """Whether more than half of what is less high is beside what is higher."""
        low = max(self.foot, other.foot)
        high = min(self.foot + self.height, other.foot + other.height)
        return high - low > min(self.height, other.height) / 2

    def before(self, following: _Place | None) -> _Place:
        """The same place, a little narrower where the next word is too near to be another one."""
        gap = _GAP * self.height
        if following is None:
            return self
        if self.left < following.left < self.right + gap:
            return replace(self, right=max(following.left - gap, (self.left + self.right) / 2))
        if following.left < self.left < following.right + gap:
            left = min(following.right + gap, (self.left + self.right) / 2)
            return replace(self, left=left)
        return self


class _Pen:
    """Writes a content stream, saying nothing twice: layers are to be small."""

    def __init__(self, codes: Codes, font: str) -> None:
        self._codes = codes
        self._font = font
        self._parts: list[str | bytes] = []
        self._turn = (1.0, 0.0)
        self._turned = (0, self._turn)
        self._matrix = ""
        self._at = (0.0, 0.0)
        self._size = self._stretch = ""

    def line(self, runs: list[_Run]) -> None:
        """Adds the words of a line."""
        if not runs:
            return
        self._turn = _turn(runs)
        places = _levelled([_Place.of(run, self._turn) for run in runs])
        leftwards = any(_goes_left(run.text) for run in runs)
        for run, place, following in zip(runs, places, [*places[1:], None], strict=True):
            self._size_to(place.height)
            if _goes_left(run.text):
                spaced = self._word_to_left(run.text, place, following)
            else:
                spaced = self._word_to_right(run.text, place, following, whole=leftwards)
            if following is not None and not spaced:
                self._space(place, following)

    def finish(self) -> bytes:
        """All that was written."""
        if not self._parts:
            return b""
        body = b"".join(
            part if isinstance(part, bytes) else part.encode("ascii") for part in self._parts
        )
        return b"q BT 3 Tr\n" + body + b"ET Q\n"

    def _word_to_right(
        self, text: str, place: _Place, following: _Place | None, *, whole: bool
    ) -> bool:
        """Shows a word, and if it fits a space behind it; whether it did."""
        # In a line from right to left readers would lose the way back over single characters.
        pieces = [text] if whole else list(text)
        unit = (place.right - place.left) / len(pieces)
        gap = None if following is None or whole else following.left - place.right
        spaced = _fills(unit, gap, place.height)
        self._show([*pieces, " "] if spaced else pieces, place.left, unit, place.foot)
        return spaced

    def _word_to_left(self, text: str, place: _Place, following: _Place | None) -> bool:
        """The same for a word from right to left; numbers in it go from left to right."""
        unit = (place.right - place.left) / len(text)
        gap = None if following is None else place.left - following.right
        right = place.right
        spaced = False
        for goes_right, group in itertools.groupby(text, _goes_right):
            part = "".join(group)
            left = right - unit * len(part)
            if goes_right:
                self._show([part], left, right - left, place.foot)
                spaced = False
            else:
                spaced = left < place.left + unit / 2 and _fills(unit, gap, place.height)
                self._show(part + " " * spaced, right, unit, place.foot, mirrored=True)
            right = left
        return spaced

    def _space(self, place: _Place, following: _Place) -> None:
        """Fills what is between two words, wherever the second one is."""
        if following.left > place.left:
            width = max(following.left - place.right, _LEAST)
            self._show(" ", place.right, width, place.foot)
            return
        width = max(place.left - following.right, _LEAST)
        # Not quite: readers that put in order what begins at one place would swap it.
        inset = width / 10
        self._show(" ", place.left - inset, width - 2 * inset, place.foot, mirrored=True)

    def _show(
        self,
        pieces: Sequence[str],
        start: float,
        unit: float,
        foot: float,
        *,
        mirrored: bool = False,
    ) -> None:
        """Shows characters, or strings that count as one, each ``unit`` points wide.

        Mirrored they follow each other to the left: so they can be told in their order, and
        readers know what it means.
        """
        sign = -1 if mirrored else 1
        self._stretch_to(unit)
        self._turn_to(sign)
        self._move(start * sign, foot)
        self._parts += [_string(b"".join(map(self._codes.encode, pieces))), "Tj\n"]

    def _turn_to(self, sign: int) -> None:
        if self._turned == (sign, self._turn):
            return
        self._turned = sign, self._turn
        c, s = self._turn
        numbers = (c * sign, s * sign, -s, c)
        matrix = " ".join(_number(number, 5) for number in numbers)
        if matrix != self._matrix:
            self._matrix = matrix
            self._parts.append(f"{matrix} 0 0 Tm\n")
            self._at = (0.0, 0.0)

    def _move(self, x: float, y: float) -> None:
        dx, dy = _number(x - self._at[0]), _number(y - self._at[1])
        # What was written, so that what is rounded does not add up.
        self._at = self._at[0] + float(dx), self._at[1] + float(dy)
        if (dx, dy) != ("0", "0"):
            self._parts.append(f"{dx} {dy} Td ")

    def _size_to(self, height: float) -> None:
        size = _number(height)
        if size != self._size:
            self._size = size
            self._parts.append(f"/{self._font} {size} Tf ")

    def _stretch_to(self, unit: float) -> None:
        stretch = _number(100 * unit / (EM_WIDTH * float(self._size)))
        if stretch != self._stretch:
            self._stretch = stretch
            self._parts.append(f"{stretch} Tz ")


def _fills(unit: float, gap: float | None, height: float) -> bool:
    """Whether a space as wide as a word's characters leaves no room for another one."""
    return gap is not None and -height < gap < unit + _ROOM * height


def _levelled(places: list[_Place]) -> list[_Place]:
    """The words of a line on one foot and of one height, with room between them.

    Readers take what stands higher, or is smaller, for another line, and words with little between
    them for one. A word that has not half of its height in common with the line stays where it is.
    """
    foot = _middle([place.foot for place in places], _LOW)
    top = _middle([place.foot + place.height for place in places], 1 - _LOW)
    band = _Place(0.0, 0.0, foot, max(top - foot, _LEAST))
    # What reaches so much further than its highest word is no line.
    if band.height < _STEEP * max(place.height for place in places):
        places = [
            replace(place, foot=foot, height=band.height) if place.shares(band) else place
            for place in places
        ]
    return [
        place.before(following)
        for place, following in zip(places, [*places[1:], None], strict=True)
    ]


def _middle(values: list[float], part: float) -> float:
    """What so many of the values are below."""
    return sorted(values)[round(part * (len(values) - 1))]


def _turn(runs: Iterable[_Run]) -> tuple[float, float]:
    """Cosine and sine of a line's angle: that of its words, the longer ones counting for more."""
    along = [run.along for run in runs]
    dx, dy = sum(x for x, _ in along), sum(y for _, y in along)
    length = hypot(dx, dy)
    if length < _LEAST or (dx > 0 and abs(dy) / 2 < _STRAIGHT):
        return 1.0, 0.0
    return dx / length, dy / length


def _is_plain(text: str) -> bool:
    """Whether it is nothing but letters and the like that ASCII has."""
    return text.isascii() and text.isprintable() and " " not in text


def _goes_left(text: str) -> bool:
    return not text.isascii() and any(
        unicodedata.bidirectional(character) in ("R", "AL") for character in text
    )


def _goes_right(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("L", "EN", "AN")


def _meant(character: str) -> str:
    """The character if it has a place of its own, or shapes its neighbours; nothing otherwise."""
    kind = unicodedata.category(character)
    if kind == "Cs":
        return _UNKNOWN  # half of a pair, which no text can hold
    # Marks of direction: here places tell it.
    is_mark = kind == "Cf" and character not in _JOINERS
    return "" if character.isspace() or kind == "Cc" or is_mark else character


def _string(data: bytes) -> bytes:
    for plain, escaped in ((b"\\", b"\\\\"), (b"(", b"\\("), (b")", b"\\)"), (b"\r", b"\\r")):
        data = data.replace(plain, escaped)
    return b"(" + data + b")"


def _number(value: float, digits: int = 1) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
