"""Pages to fit on: drawn, worn and told by chance, and like none that anything is judged on.

Python's own manual gives the prose, chance the names, numbers and codes between, the texts of the
samples paragraphs in other languages. Every run with one seed and one version of Python draws the
same pages.
"""

from __future__ import annotations

import string
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from numpy.typing import NDArray

__all__ = ["draw_pages"]

Step: TypeAlias = "Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]"

_SCRIPTS = Path(__file__).resolve().parents[1] / "samples"
_FACES = ("serif", "serif", "serif-bold", "serif-italic", "book", "book-bold", "sans", "mono")
_LANGUAGES = ("FRENCH", "GERMAN", "POLISH", "SWEDISH", "CZECH", "SPANISH")
_MADE_UP = 0.06  # of the words: names, numbers and codes that no dictionary has
_LEAST, _MOST = 25, 70  # words of a paragraph


def draw_pages(folder: Path, count: int, seed: int = 1, *, foreign: float = 0.15) -> Iterator[Path]:
    """Draws pages, NAME.png with NAME.gt.txt beside each.

    Args:
        folder: Where to write them.
        count: How many.
        seed: Of chance.
        foreign: Of the paragraphs, the share in another language than English.

    Yields:
        The path of each picture once it is written.
    """
    texts = _prose()
    for number in range(count):
        random = np.random.default_rng((seed, number))
        pixels, truth = _page(random, texts, foreign)
        path = folder / f"drawn-{number:04}.png"
        Image.fromarray(pixels).save(path)
        path.with_suffix(".gt.txt").write_text(truth, encoding="utf-8")
        yield path


def _script(name: str) -> ModuleType:
    """A module of the samples, which are scripts and no package."""
    if str(_SCRIPTS) not in sys.path:
        sys.path.append(str(_SCRIPTS))
    return import_module(name)


def _prose() -> list[list[str]]:
    """The words of each paragraph of prose in Python's manual."""
    from pydoc_data.topics import topics

    found = []
    for _, text in sorted(topics.items()):
        for paragraph in text.split("\n\n"):
            words = paragraph.split()
            letters = sum(word.strip(".,;:()").isalpha() for word in words)
            # Tables and code are no prose.
            if (
                not paragraph.startswith(" ")
                and len(words) >= _LEAST
                and letters > 0.8 * len(words)
            ):
                found.append(words[:_MOST])
    return found


def _page(
    random: np.random.Generator, prose: list[list[str]], foreign: float
) -> tuple[NDArray[np.uint8], str]:
    draw, texts = _script("draw"), _script("texts")
    dpi = int(random.choice([100, 150, 200, 200, 300, 300]))
    sheet = draw.Sheet(draw.A5, dpi, 12)
    size = random.uniform(7.5, 13)
    style = draw.Style(str(random.choice(_FACES)), size, random.uniform(1.15, 1.6))
    justified = bool(random.random() < 0.5)
    while True:
        words = prose[random.integers(len(prose))]
        if random.random() < foreign:
            words = getattr(texts, str(random.choice(_LANGUAGES)))[0].split()
        text = " ".join(_made_up(random) if random.random() < _MADE_UP else word for word in words)
        try:
            sheet.paragraph(text, style, justified=justified)
        except ValueError:
            sheet.lines.pop()  # the first line that has no room
            break
        sheet.skip(size / 2)
    pixels = np.asarray(sheet.image)
    for step in _wear(random, _script("degrade"), dpi):
        pixels = step(pixels, random)
    return pixels, "".join(f"{line}\n" for line in sheet.lines)


def _made_up(random: np.random.Generator) -> str:
    """A name, a number, a date, a sum or a code."""

    def some(characters: str, least: int, most: int) -> str:
        return "".join(random.choice(list(characters), random.integers(least, most + 1)))

    digits, capitals, small = string.digits, string.ascii_uppercase, string.ascii_lowercase
    kind = random.integers(6)
    if kind == 0:
        return some(capitals, 1, 1) + some(small, 2, 8)
    if kind == 1:
        return some(digits, 1, 6)
    if kind == 2:
        return f"{some('123', 1, 1)}{some(digits, 1, 2)}.{some(digits, 2, 2)}"
    if kind == 3:
        return f"{random.integers(1, 32)}/{random.integers(1, 13)}/{random.integers(1900, 2030)}"
    if kind == 4:
        return some(capitals + digits, 4, 9)
    return some(capitals, 2, 9)


def _wear(random: np.random.Generator, degrade: ModuleType, dpi: int) -> Iterator[Step]:
    """What befalls a page: from next to nothing to hardly legible."""
    wear = random.random() ** 1.5
    if random.random() < 0.5:
        yield degrade.skew(random.normal(0, 0.8))
    yield degrade.blur(0.3 + wear * random.uniform(0.5, 2.0) * dpi / 200)
    kind = random.random()
    if kind < 0.6:  # a photocopy
        yield degrade.noise(4 + 40 * wear * random.random())
        yield degrade.threshold(int(random.normal(150, 10 + 35 * wear)))
        yield degrade.speckle(random.uniform(0, 60) * wear)
    else:  # a photograph or a grey scan
        yield degrade.fade(int(120 * wear * random.random()), int(255 - 60 * random.random()))
        yield degrade.light(1 - 0.5 * random.random(), random.uniform(0, 360))
        yield degrade.noise(1 + 18 * wear * random.random())
