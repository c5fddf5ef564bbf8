"""Draw sample scans with their true text: ``python samples/make_samples.py OUT``.

Beside every picture lies NAME.gt.txt with what it says, line by line in reading order; form feeds
part the pages of a file with several. Every run draws the same pages: chance is seeded by the name.
The README, the demo, the tests and the benchmarks use them; no picture has to be kept.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import degrade as do
import numpy as np
import pages
import texts
from draw import A5, A6, Sheet, Style
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one sample is made."""

    file: str
    """Name of the picture; its ending chooses the format."""
    draw: Callable[[], Sheet | list[Sheet]]
    """Fills the sheets."""
    steps: tuple[do.Step, ...] = ()
    """What happens to each sheet, in this order."""
    encode: Callable[[do.Pixels], Image.Image] = Image.fromarray
    """From pixels to the kind of image that is stored."""
    save: dict[str, Any] = field(default_factory=dict)
    """Options of Pillow's writer."""
    han: bool = False
    """Whether it needs the Chinese and Japanese font of OpenCV 5."""


def _bilevel(pixels: do.Pixels) -> Image.Image:
    return Image.fromarray(pixels).convert("1", dither=Image.Dither.NONE)


def _palette(pixels: do.Pixels) -> Image.Image:
    return Image.fromarray(pixels).quantize(24, dither=Image.Dither.NONE)


def _twelve_bits(pixels: do.Pixels) -> Image.Image:
    """16 bits a pixel of which a scanner fills the lower 12, so that white is 4095."""
    return Image.fromarray((pixels.astype(np.uint16) << 4) | (pixels >> 4))


def _cmyk(pixels: do.Pixels) -> Image.Image:
    """Separate for print: what the three colours have in common goes to black."""
    ink = 255 - pixels.astype(np.int16)
    black = ink.min(axis=2, keepdims=True)
    colours = (ink - black) * 255 // np.maximum(255 - black, 1)
    planes = np.concatenate([colours, black], axis=2).astype(np.uint8)
    return Image.merge("CMYK", [Image.fromarray(plane) for plane in np.moveaxis(planes, 2, 0)])


_G4 = {"compression": "group4"}
_SCANNED = (do.blur(0.7), do.fade(12, 248), do.noise(1.5))
_COPIED = (do.blur(0.9), do.noise(22), do.threshold(150), do.speckle(25))


def _plain(
    size: tuple[float, float], dpi: int, margin: float, what: str, body: Style, **options: bool
) -> Callable[[], Sheet]:
    """A page of one title and the paragraphs below, both named ``what`` in the texts."""
    title, paragraphs = getattr(texts, f"{what}_TITLE"), getattr(texts, what)
    return lambda: pages.plain(Sheet(size, dpi, margin), title, paragraphs, body, **options)


_SERIF, _BOOK, _SANS = Style("serif", 14, 1.45), Style("book", 12, 1.5), Style("sans", 12, 1.5)

RECIPES = (
    Recipe(
        file="letter.tif",
        draw=pages.letter,
        steps=(do.skew(0.6), do.blur(0.9), do.noise(18), do.threshold(150), do.speckle(12)),
        encode=_bilevel,
        save=_G4,
    ),
    Recipe(file="report.png", draw=pages.report, steps=_SCANNED),
    Recipe(file="table.png", draw=pages.table, steps=_SCANNED),
    Recipe(file="tables.png", draw=pages.tables, steps=_SCANNED),
    Recipe(
        file="columns.jpg",
        draw=pages.columns,
        steps=(do.blur(0.6), do.fade(25, 235), do.light(0.86, 20), do.noise(4)),
        save={"quality": 80},
    ),
    Recipe(
        file="receipt.jpg",
        draw=pages.receipt,
        steps=(
            *(do.fade(45, 245), do.tint((252, 248, 238)), do.desk((122, 92, 66), 1.6)),
            *(do.blur(0.8), do.light(0.5, 55), do.noise(5)),
        ),
        save={"quality": 75},
    ),
    Recipe(
        file="skewed.png",
        draw=_plain(A5, 300, 16, "SKEWED", Style("serif", 12), justified=True),
        steps=(do.skew(2.5), *_COPIED),
        encode=_bilevel,
    ),
    Recipe(
        file="turned.jpg",
        draw=_plain(A5, 200, 18, "TURNED", _BOOK),
        steps=(do.quarter_turns(1), do.blur(0.7), do.fade(20, 240), do.noise(4)),
        save={"quality": 70},
    ),
    Recipe(
        file="upside.png",
        draw=_plain(A5, 200, 20, "UPSIDE", _SERIF),
        steps=(do.quarter_turns(2), *_SCANNED),
    ),
    Recipe(file="french.png", draw=_plain(A5, 200, 18, "FRENCH", _SERIF), steps=_SCANNED),
    Recipe(
        file="german.tif",
        draw=_plain(A5, 300, 18, "GERMAN", _SERIF, justified=True),
        steps=_COPIED,
        encode=_bilevel,
        save=_G4,
    ),
    Recipe(
        file="polish.png",
        draw=_plain(A5, 300, 18, "POLISH", _BOOK),
        steps=_COPIED,
        encode=_bilevel,
    ),
    Recipe(file="swedish.png", draw=_plain(A5, 200, 18, "SWEDISH", _SANS), steps=_SCANNED),
    Recipe(
        file="czech.png",
        draw=_plain(A5, 300, 18, "CZECH", _SERIF),
        steps=(do.skew(-0.8), *_COPIED),
        encode=_bilevel,
    ),
    Recipe(file="spanish.png", draw=_plain(A5, 200, 18, "SPANISH", _BOOK), steps=_SCANNED),
    Recipe(
        file="chinese.png",
        draw=partial(pages.han, texts.CHINESE_TITLE, texts.CHINESE),
        steps=_SCANNED,
        han=True,
    ),
    Recipe(
        file="japanese.png",
        draw=partial(pages.han, texts.JAPANESE_TITLE, texts.JAPANESE),
        steps=_SCANNED,
        han=True,
    ),
    Recipe(
        file="book.tif",
        draw=pages.book,
        steps=(do.blur(0.9), do.noise(20), do.threshold(140), do.speckle(20)),
        encode=_bilevel,
        save=_G4,
    ),
    Recipe(file="colour.png", draw=pages.colour, steps=(do.blur(0.5),)),
    Recipe(
        file="small.png",
        draw=_plain(A6, 150, 10, "SMALL", Style("serif", 9, 1.4)),
        steps=(do.blur(0.4), do.fade(20, 248), do.noise(1.5)),
    ),
    Recipe(file="blank.png", draw=pages.blank, steps=(do.fade(0, 246), do.noise(1.2))),
    Recipe(
        file="palette.gif",
        draw=partial(pages.card, texts.PALETTE_TITLE, texts.PALETTE),
        steps=(do.blur(0.5), do.tint((246, 232, 200))),
        encode=_palette,
    ),
    Recipe(
        file="grey16.tif",
        draw=_plain(A6, 200, 12, "GREY16", Style("book", 10.5, 1.6)),
        steps=(do.blur(0.7), do.fade(30, 225), do.light(0.8, 90), do.noise(1)),
        encode=_twelve_bits,
        save={"compression": "tiff_adobe_deflate"},
    ),
    Recipe(
        file="cmyk.jpg",
        draw=_plain(A6, 200, 12, "CMYK", Style("sans", 12, 1.6)),
        steps=(do.blur(0.5), do.fade(18, 255), do.tint((222, 238, 226))),
        encode=_cmyk,
        save={"quality": 85},
    ),
)


def _frames(recipe: Recipe) -> Iterator[tuple[Image.Image, int, str]]:
    """Make the frames of a sample, each with its resolution and its text."""
    drawn = recipe.draw()
    random = np.random.default_rng(zlib.crc32(recipe.file.encode()))
    for sheet in [drawn] if isinstance(drawn, Sheet) else drawn:
        pixels = np.asarray(sheet.image)
        for step in recipe.steps:
            pixels = step(pixels, random)
        yield recipe.encode(pixels), sheet.dpi, "".join(f"{line}\n" for line in sheet.lines)


def make(recipe: Recipe, folder: Path) -> Path:
    """Make one sample.

    Args:
        recipe: What to make.
        folder: Where to write the picture and its text.

    Returns:
        The path of the picture.
    """
    images, resolutions, truths = zip(*_frames(recipe), strict=True)
    path = folder / recipe.file
    options: dict[str, Any] = {"dpi": (resolutions[0],) * 2, **recipe.save}
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    images[0].save(path, **options)
    path.with_suffix(".gt.txt").write_text("\f".join(truths), encoding="utf-8", newline="\n")
    return path


def make_all(folder: Path) -> Iterator[Path]:
    """Make all samples, in the order of the list.

    Args:
        folder: Where to write them; made if there is none.

    Yields:
        The path of each picture once it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        if recipe.han and not hasattr(cv2, "FontFace"):
            print(f"{recipe.file}: left out, its font comes with OpenCV 5", file=sys.stderr)
            continue
        yield make(recipe, folder)


def main() -> None:
    """Make all samples and name them on standard output."""
    parser = argparse.ArgumentParser(description="Draw sample scans with their true text.")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    for path in make_all(parser.parse_args().out):
        print(path)


if __name__ == "__main__":
    main()
