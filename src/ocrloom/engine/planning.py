"""What reading a source would take, found out without recognising anything."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrException
from ocrloom.image.source import shown
from ocrloom.image.text import TextReader
from ocrloom.languages import PPOCR, Language, Script
from ocrloom.result import PageFailure
from ocrloom.selection import select_pages
from ocrloom.tessdata.folders import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ocrloom.image import Image, PageText, Reader
    from ocrloom.options import OcrOptions

__all__ = ["PagePlan", "missing_recognisers", "plan_pages"]

_PICTURE: Final = "it is a picture"

# Seconds that a page takes on one CPU: measured on scans of full pages of 2 to 15 megapixels with
# the arithmetic of a recent CPU, within a factor of two. An older one takes two to three times it.
_PAGE, _MEGAPIXEL, _MOST = 0.15, 0.08, 20
_TEXT: Final = 0.02

# What the names of characters begin with, where that is not the name of their script.
_NAMED: Final = {
    "CJK": Script.HANS,
    "HIRAGANA": Script.JAPANESE,
    "KATAKANA": Script.JAPANESE,
    "HANGUL": Script.KOREAN,
    "CANADIAN": Script.CANADIAN_SYLLABICS,
    "ORIYA": Script.ODIA,
}
_SHARE: Final = 0.05  # of a page's letters, below which a script is but a quotation


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePlan:
    """What reading one page would be."""

    number: int
    """Place in the source, from 1."""
    needs_ocr: bool
    """Whether it would be recognised; otherwise its own text would be taken."""
    reason: str
    """Why, for people."""
    width: int
    """Pixels that would be read."""
    height: int
    """Pixels that would be read."""
    dpi: tuple[float, float] | None
    """Their resolution, if it is known."""
    scripts: tuple[Script, ...]
    """What its own text is written in, the most frequent first; none where it has no text."""
    seconds: float
    """An estimate for one CPU."""

    @property
    def megapixels(self) -> float:
        """Millions of pixels."""
        return self.width * self.height / 1e6


def plan_pages(
    image: Image, options: OcrOptions, opened: Callable[[int], None] = lambda _: None
) -> Iterator[PagePlan | PageFailure]:
    """Looks at the pages that would be read, one when it is asked for.

    Args:
        image: The source.
        options: How it would be read.
        opened: Told how many pages that are.

    Raises:
        OcrException: The source cannot be opened; what is wrong with one page is its failure.
    """
    with image.open() as reader:
        numbers = select_pages(options.pages, reader.count, shown(image.name))
        opened(len(numbers))
        for number in numbers:
            try:
                yield _plan_page(reader, number)
            except OcrException as error:
                yield PageFailure.of(number, error)


def missing_recognisers(
    languages: Iterable[Language], scripts: Iterable[Script]
) -> dict[str, tuple[str, ...]]:
    """What is wanted and cannot be read: names of languages and scripts, with what reads them.

    Args:
        languages: Those that were asked for.
        scripts: Those of sources that are to be recognised.
    """
    asked = {each.english_name: each.recognisers for each in languages if not _is_readable(each)}
    scripts_read = {language.script for language in Language if _is_readable(language)}
    seen = {
        f"the script {script.value}": tuple(
            dict.fromkeys(
                recogniser
                for language in Language
                if language.script is script
                for recogniser in language.recognisers
            )
        )
        for script in scripts
        if script not in scripts_read
    }
    return asked | seen


def _is_readable(language: Language) -> bool:
    return PPOCR in language.recognisers or readable([language])


def _plan_page(reader: Reader, number: int) -> PagePlan:
    text = reader.text(number) if isinstance(reader, TextReader) else None
    extent = reader.extent(number)
    needs_ocr = text is None or text.needs_ocr
    if needs_ocr:
        # Says what reading would say: that it is over a limit, say.
        reader.cost(number)
    return PagePlan(
        number=number,
        needs_ocr=needs_ocr,
        reason=_PICTURE if text is None else text.reason,
        width=extent.width,
        height=extent.height,
        dpi=extent.dpi,
        scripts=() if text is None else _scripts(text),
        seconds=_seconds(extent.width * extent.height / 1e6) if needs_ocr else _TEXT,
    )


def _seconds(megapixels: float) -> float:
    return _PAGE + _MEGAPIXEL * min(megapixels, _MOST)


def _scripts(text: PageText) -> tuple[Script, ...]:
    letters = Counter(
        script
        for stretch in text.stretches
        for word in stretch.words
        for letter in word.text
        if (script := _script(letter)) is not None
    )
    return tuple(
        script for script, count in letters.most_common() if count >= _SHARE * letters.total()
    )


def _script(letter: str) -> Script | None:
    if not letter.isalpha():
        return None
    first = unicodedata.name(letter, "").partition(" ")[0]
    return _NAMED.get(first) or Script.__members__.get(first)
