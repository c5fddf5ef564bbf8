"""What each block is to its page: heading, caption, page number, header, footer or marginal note.

Told by size, place and wording, as people tell them at a glance; weight and slant of the letters
are not known. All rules ask for more than one sign, for a paragraph that is called a heading is
worse than a heading that is called a paragraph.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.lettering import letter_size, usual_size
from ocrloom.result import Block, BlockKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.layout.frame import Frame, Span

__all__ = ["classify"]

_HEADING = 1.2  # times the usual size of letters, of a heading by size alone
_HEADING_LINE = 1.1  # the same, of each of its lines, and of a heading that is numbered
_SAME = 0.93  # times the usual size, the least of a heading by its words
_SMALL = 0.65  # the same of one that is numbered and in capitals
_LEVEL = 0.88  # times the size of a level's largest heading, the least of the same level
_LEVELS = 6
_HEADING_LINES = 3
_HEADING_LENGTH = 120  # characters
_MIN_LETTERS = 3
_LETTERS = 0.65  # share of letters in the signs of a text
_SURE = 0.75  # mean confidence of a heading, 0..1
_NEXT = 4  # blocks below a heading, in one of which its text begins
_HEADED = 80  # characters of a block of text that has a heading
_MIN_LINES = 4  # of a page on which sizes can be compared
_SHORT = 0.75  # of the text's width, the most of a heading by its words
_CAPTION_LINES = 6
_APART = 0.8  # line heights between the text and what stands above or below it
_FAR = 2.0  # the same of a last line with a number, which may be an item of a list
_NUMBER_GAP = 1.0  # line heights between the number and the text of a running head
_NOTE_WIDTH = 0.4  # of the text's width
_NOTE_LINES = 12
_NOTE_SHARE = 0.15  # of the page's characters, the most in all notes
_MIN_TEXT = 200  # characters of a page that may have marginal notes

_ROMAN = r"[ivxlc]{1,7}|[IVXLC]{1,7}"
_OF = r"(?:/|of|von|de|di|sur|van|av|af|z|ze|od)"
_PAGE = (
    r"(?:page|pages|pg\.?|p\.|seite|s\.|página|pág\.?|pagina|pag\.?|side|sida|sivu|strona|str\.|"
    r"strana|stran|oldal|sayfa|trang)"
)
_PAGE_NUMBER = re.compile(
    rf"[-–—\[(|·•]*\s*(?:{_PAGE}\s*)?(?:\d{{1,4}}|{_ROMAN})(?:\s*{_OF}\s*\d{{1,4}})?\s*"
    rf"[-–—\])|·•]*|第?\s*\d{{1,4}}\s*[页頁ページ]+",
    re.IGNORECASE,
)
_PAGE_OF = re.compile(rf"\b{_PAGE}\s*\d{{1,4}}(?:\s*{_OF}\s*\d{{1,4}})?(?!\w)", re.IGNORECASE)
_SMALL_PRINT = re.compile(r"https?://|\bwww\.|©|\(c\)\s|copyright|\bISSN\b|\bdoi:", re.IGNORECASE)
_CAPTION = re.compile(
    r"(?:fig(?:ure|ura|uur|ur)?|tab(?:le|leau|elle|lla|la|ela|el|ell|ulka|uľka)?|cuadro|quadro|"
    r"abb(?:ildung)?|afb(?:eelding)?|bild|kuva|taulukko|obr(?:ázek|ázok)?|rys(?:unek)?|"
    r"sl(?:ika)?|ábra|táblázat|şekil|tablo|resim|hình|bảng|plate|chart|exhibit|scheme|illus"
    r"(?:tration)?|photo|foto|map)\.?\s*(?:no\.?\s*|nr\.?\s*|n[°º]\s*)?"
    rf"(?:\d+(?:[.-]\d+)*[a-z]?|{_ROMAN})(?:\s*[.:)–—-](?:\s|$)|\s*$|\s+(?=(?-i:[^a-z0-9,;(])))|"
    r"[图圖図表]\s*\d+",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    rf"(?:(?:chapter|section|part|article|appendix|kapitel|abschnitt|teil|anhang|chapitre|partie|"
    r"annexe|capítulo|sección|parte|capitolo|sezione|hoofdstuk|kapitola|rozdział|bölüm|chương)\s+"
    rf"(?:\w+)|\d{{1,2}}\.|\d(?:\.\d{{1,2}}){{0,3}}\.?|\d{{2}}(?:\.\d{{1,2}}){{1,3}}\.?|{_ROMAN.split('|')[1]}\.)(?:\s+\S|$)",
    re.IGNORECASE,
)
_GOES_ON = (".", ",", ";", "-", "–")


@dataclass(frozen=True, eq=False)
class _Part:
    """A block and what is measured on it."""

    block: Block
    frame: Frame

    @cached_property
    def span(self) -> Span:
        return self.frame.span([self.block.polygon])

    @cached_property
    def sizes(self) -> list[float]:
        """Sizes of its lines that can be measured."""
        sizes = (letter_size(line, self.frame) for line in self.block.lines)
        return [size for size in sizes if size is not None]

    @cached_property
    def size(self) -> float:
        """Usual size of its letters, 0 where it cannot be measured."""
        return median(self.sizes) if self.sizes else 0.0

    @cached_property
    def text(self) -> str:
        return " ".join(line.text for line in self.block.lines)

    @property
    def is_running(self) -> bool:
        """Whether it has the number of a page at one end, as running heads do."""
        words = self.text.split()
        return any(re.fullmatch(r"\d{2,4}", word) is not None for word in (words[0], words[-1]))

    @property
    def is_numbered(self) -> bool:
        """Whether it begins as the headings of chapters and sections do."""
        return _NUMBERED.match(self.text) is not None and len(self.text) > _MIN_LETTERS

    @property
    def is_text(self) -> bool:
        """Whether it is long enough to have a heading."""
        return len(self.block.lines) > 1 and len(self.text) >= _HEADED

    def is_large(self, usual: float) -> bool:
        """Whether all its letters are as much larger than the usual ones as a heading's."""
        if not self.sizes:
            return False
        return self.size >= _HEADING * usual and min(self.sizes) >= _HEADING_LINE * usual

    @property
    def is_table(self) -> bool:
        return self.block.kind is BlockKind.TABLE

    @cached_property
    def letters(self) -> int:
        return sum(map(str.isalpha, self.text))

    @cached_property
    def signs(self) -> int:
        return len(self.text.replace(" ", ""))


def classify(blocks: Sequence[Block], frame: Frame) -> tuple[Block, ...]:
    """Says of each block of a page what it is.

    Args:
        blocks: The page's blocks in reading order; tables are known.
        frame: The frame they were found in.

    Returns:
        The same blocks with ``kind`` and ``level``; tables as they are.
    """
    parts = [_Part(block, frame) for block in blocks]
    usual = usual_size(
        [block.lines for block in blocks if block.kind is not BlockKind.TABLE], frame
    )
    kinds: dict[int, BlockKind] = {}
    for index, kind in (*_at_the_ends(parts), *_captions(parts), *_notes(parts, usual)):
        kinds.setdefault(index, kind)
    flow = [index for index, part in enumerate(parts) if index not in kinds]
    headings = _headings([parts[index] for index in flow], usual)
    levels = _levels([parts[flow[place]].size for place in headings])
    level_of = {flow[place]: level for place, level in zip(headings, levels, strict=True)}
    return tuple(
        block
        if block.kind is BlockKind.TABLE
        else replace(
            block,
            kind=BlockKind.HEADING if index in level_of else kinds.get(index, BlockKind.PARAGRAPH),
            level=level_of.get(index, 0),
        )
        for index, block in enumerate(blocks)
    )


# Above and below the text


def _at_the_ends(parts: Sequence[_Part]) -> list[tuple[int, BlockKind]]:
    """Page numbers, headers and footers, from the outside inwards.

    Behind a page number only what stands beside it, or is no other number, is looked at.
    """
    found = []
    for top in (True, False):
        left = [(index, part) for index, part in enumerate(parts) if part.text]
        number: _Part | None = None
        while len(left) > 1:
            index, part = _outermost(left, top=top)
            left = [other for other in left if other[0] != index]
            rest = [other for _, other in left if _overlap(other.span, part.span) <= 0]
            beside = [
                other
                for other in parts
                if other is not part and _overlap(other.span, part.span) > 0
            ]
            kind = _end_kind(part, beside, rest, top=top)
            if kind is None:
                break
            if kind is BlockKind.PAGE_NUMBER:
                if number is not None and _overlap(number.span, part.span) <= 0:
                    break
                number = part
            found.append((index, kind))
    return found


def _outermost(parts: Sequence[tuple[int, _Part]], *, top: bool) -> tuple[int, _Part]:
    """What stands above, or below, all others."""
    if top:
        return min(parts, key=lambda each: (each[1].span.middle, each[1].span.left))
    return max(parts, key=lambda each: (each[1].span.middle, each[1].span.left))


def _end_kind(
    part: _Part, beside: Sequence[_Part], rest: Sequence[_Part], *, top: bool
) -> BlockKind | None:
    """What a line above, or below, all the rest is, None if it is text as they are."""
    if not rest or any(other.is_table or len(other.block.lines) != 1 for other in (part, *beside)):
        return None
    height = part.span.height
    if top:
        apart = min(other.span.top for other in rest) - part.span.bottom
    else:
        apart = part.span.top - max(other.span.bottom for other in rest)
    if apart < _APART * height:
        return None
    if _PAGE_NUMBER.fullmatch(part.text):
        return BlockKind.PAGE_NUMBER
    numbered = part.letters >= _MIN_LETTERS and (
        any(_PAGE_NUMBER.fullmatch(other.text) for other in beside)
        or (_has_number_apart(part, height) and (top or apart > _FAR * height))
    )
    if numbered or _PAGE_OF.search(part.text) or _SMALL_PRINT.search(part.text):
        return BlockKind.HEADER if top else BlockKind.FOOTER
    return None


def _has_number_apart(part: _Part, height: float) -> bool:
    """Whether a line has a number at one of its ends, far from the text."""
    words = part.block.lines[0].words
    if len(words) < 2:
        return False
    spans = [part.frame.span([word.polygon]) for word in words]
    ends = (
        (words[0], spans[1].left - spans[0].right),
        (words[-1], spans[-1].left - spans[-2].right),
    )
    return any(
        _PAGE_NUMBER.fullmatch(word.text) is not None and gap > _NUMBER_GAP * height
        for word, gap in ends
    )


def _overlap(a: Span, b: Span) -> float:
    return min(a.bottom, b.bottom) - max(a.top, b.top)


# Beside the text


def _captions(parts: Sequence[_Part]) -> list[tuple[int, BlockKind]]:
    return [
        (index, BlockKind.CAPTION)
        for index, part in enumerate(parts)
        if not part.is_table
        and len(part.block.lines) <= _CAPTION_LINES
        and _CAPTION.match(part.text)
    ]


def _notes(parts: Sequence[_Part], usual: float) -> list[tuple[int, BlockKind]]:
    """Small blocks wholly left or right of all the text."""
    total = sum(len(part.text) for part in parts)
    if total < _MIN_TEXT:
        return []
    text = [part.span for part in parts if len(part.text) > _NOTE_SHARE * total]
    if not text:
        return []
    left, right = min(span.left for span in text), max(span.right for span in text)
    top, bottom = min(span.top for span in text), max(span.bottom for span in text)
    found = [
        index
        for index, part in enumerate(parts)
        if not part.is_table
        and (part.span.right < left or part.span.left > right)
        and top - part.span.height < part.span.middle < bottom + part.span.height
        and part.span.width < _NOTE_WIDTH * (right - left)
        and len(part.block.lines) <= _NOTE_LINES
        and part.letters >= max(_MIN_LETTERS, _LETTERS * part.signs)
        and 0 < part.size <= _HEADING_LINE * usual
    ]
    if sum(len(parts[index].text) for index in found) > _NOTE_SHARE * total:
        return []  # a column, or a table that was not seen as one
    return [(index, BlockKind.NOTE) for index in found]


# Headings


def _headings(parts: Sequence[_Part], usual: float) -> list[int]:
    """Places of the headings among the parts of the text in reading order."""
    lines = sum(len(part.block.lines) for part in parts)
    if lines < _MIN_LINES or not usual:
        return []
    width = max(part.span.right for part in parts) - min(part.span.left for part in parts)
    found = []
    for place, (part, next_) in enumerate(itertools.zip_longest(parts, parts[1:])):
        if not _may_be_heading(part) or not _heads_text(parts[place + 1 :]):
            continue
        by_size = part.is_large(usual) and _is_above_text(parts, place, usual)
        by_size = by_size or (part.is_numbered and part.size >= _HEADING_LINE * usual)
        if by_size or _is_worded_as_heading(part, next_, usual, width):
            found.append(place)
    return found


def _is_above_text(parts: Sequence[_Part], place: int, usual: float) -> bool:
    """Whether a large line is a page's title, or stands right above what it heads.

    Between a title and the text there may be names and dates. Amid the text there are only other
    headings: a large line with a name below it is a signature.
    """
    widths = [part.span.width for part in parts[:place] if part.is_text]
    if not widths:
        return True
    below = (part for part in parts[place + 1 :] if not part.is_large(usual))
    first = next(below, None)
    return first is not None and (
        first.is_table
        or first.is_text
        or first.text.isupper()
        or first.span.width >= _SHORT * median(widths)
    )


def _may_be_heading(part: _Part) -> bool:
    return (
        not part.is_table
        and bool(part.sizes)
        and len(part.sizes) == len(part.block.lines) <= _HEADING_LINES
        and len(part.text) <= _HEADING_LENGTH
        and part.letters >= max(_MIN_LETTERS, _LETTERS * part.signs)
        and not part.text.endswith(_GOES_ON)
        and (part.text.isupper() or not part.text.endswith(":"))
        and not part.text[0].islower()
        and min(line.confidence for line in part.block.lines) >= _SURE
    )


def _heads_text(below: Sequence[_Part]) -> bool:
    """Whether a table, or more text than a name and an address, follows: it is no signature."""
    return any(part.is_table or part.is_text for part in below[:_NEXT])


def _is_worded_as_heading(part: _Part, next_: _Part | None, usual: float, width: float) -> bool:
    """Whether a short line of the usual size is numbered, or in capitals, and text follows."""
    if next_ is None or next_.is_table or len(next_.block.lines) < 2:
        return False
    if len(part.block.lines) > 1:
        return False
    if part.span.width > _SHORT * width or next_.span.top < part.span.middle:
        return False
    if part.span.left > next_.span.right or part.span.right < next_.span.left:
        return False
    capitals = part.text.isupper() and part.letters > _MIN_LETTERS and not part.is_running
    # Small capitals are lower than the letters of the text.
    least = _SMALL if capitals and part.is_numbered else _SAME
    return (capitals or part.is_numbered) and part.size >= least * usual


def _levels(sizes: Sequence[float]) -> list[int]:
    """For each size its level, 1 for the largest; sizes that are nearly the same share one."""
    levels: dict[float, int] = {}
    largest, level = 0.0, 0
    for size in sorted(set(sizes), reverse=True):
        if level == 0 or size < _LEVEL * largest:
            largest, level = size, min(level + 1, _LEVELS)
        levels[size] = level
    return [levels[size] for size in sizes]
