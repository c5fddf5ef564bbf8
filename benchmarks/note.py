"""Notes: pages of one line of text, so small that thousands of them can be read in a benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["draw_note", "write_book", "write_files", "write_pages", "write_tiff"]

_TEXT = "Small enough to be read by the thousand"
_FONT_SIZE = 36
_MARGIN = 24


def draw_note(text: str = _TEXT) -> Image.Image:
    """Draw a note, grey, with letters as large as on a scan of 300 dpi."""
    font = ImageFont.load_default(_FONT_SIZE)
    _, _, width, height = (round(side) for side in font.getbbox(text))
    note = Image.new("L", (width + 2 * _MARGIN, height + 2 * _MARGIN), 255)
    ImageDraw.Draw(note).text((_MARGIN, _MARGIN), text, fill=0, font=font)
    return note


def write_tiff(path: Path, count: int) -> Path:
    """Write that many notes as the frames of one file."""
    note = draw_note()
    note.save(path, save_all=True, append_images=[note] * (count - 1), compression="packbits")
    return path


def write_pages(path: Path, texts: Sequence[str]) -> Path:
    """Write notes, each of another text, as the frames of one file."""
    first, *others = map(draw_note, texts)
    first.save(path, save_all=True, append_images=others, compression="packbits")
    return path


def write_files(folder: Path, count: int) -> list[Path]:
    """Write that many notes, each as a file of its own."""
    first = write_tiff(folder / "note-1.tif", 1)
    content = first.read_bytes()
    others = [folder / f"note-{number}.tif" for number in range(2, count + 1)]
    for path in others:
        path.write_bytes(content)
    return [first, *others]


def write_book(page: Path, path: Path, count: int) -> Path:
    """Write one page that many times, as the frames of one file."""
    with Image.open(page) as picture:
        picture.load()
        others = [picture] * (count - 1)
        picture.save(path, save_all=True, append_images=others, compression="packbits")
    return path
