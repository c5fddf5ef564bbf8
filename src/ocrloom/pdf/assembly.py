"""Putting a document together from pictures, existing documents and layers.

These functions run in a helper process: what they read is as hostile as any file. Pages of pictures
come as files of one page each; some dozens at a time are bound into a larger one, so that neither
the memory nor the number of open files grows with the pages.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pikepdf
from pikepdf import Dictionary, Name

from ocrloom._version import __version__
from ocrloom.errors import OcrDamagedImage, OcrImageTooLarge, OcrPasswordError
from ocrloom.image.source import shown
from ocrloom.pdf import archive
from ocrloom.pdf.existing import lay, losses, replace_contents, signatures
from ocrloom.pdf.font import Codes, add_font
from ocrloom.pdf.layer import LAYER_FONT, layer
from ocrloom.pdf.plan import Existing, Finding, Pictures, Plan
from ocrloom.pdf.sizes import page_size
from ocrloom.pdf.stripping import strip_invisible
from ocrloom.pdf.writing import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ocrloom.result import Page

__all__ = ["bind", "finish", "inspect", "write_layer"]

_VERSION: Final = "1.7"
_GROWN: Final = 256 * 1024**2  # bytes: no content of a page is as much


def inspect(existing: Existing) -> Finding:
    """Looks at a PDF.

    Raises:
        OcrImageError: It cannot be opened.
    """
    with _opened(existing) as pdf:
        return Finding(
            pages=len(pdf.pages),
            signed=signatures(pdf),
            encrypted=pdf.is_encrypted,
            losses=losses(pdf),
        )


def bind(pages: Sequence[Path], target: Path) -> None:
    """Writes pages into one file.

    Raises:
        OcrOutputError: It cannot be written.
    """
    with ExitStack() as closing, writing(target), pikepdf.Pdf.new() as pdf:
        for page in pages:
            pdf.pages.extend(closing.enter_context(pikepdf.open(page)).pages)
        _save(pdf, target)


def finish(plan: Plan, target: Path) -> int:
    """Writes the document.

    Returns:
        How many pages it has.

    Raises:
        OcrImageError: A PDF among the sources cannot be read.
        OcrOutputError: It cannot be written.
    """
    with ExitStack() as closing:
        bound = [closing.enter_context(pikepdf.open(path)) for path in plan.bound]
        first = plan.parts[0]
        # The first document keeps all that belongs to no page.
        if isinstance(first, Existing):
            pdf = closing.enter_context(_opened(first))
        else:
            pdf = closing.enter_context(pikepdf.Pdf.new())
            pdf.docinfo[Name.Producer] = f"ocrloom {__version__}"
        font = add_font(pdf, plan.characters)
        made = [page for file in bound for page in file.pages]
        for part in plan.parts:
            if isinstance(part, Pictures):
                _add_pictures(pdf, made[part.first : part.last], font)
                continue
            begin = 0
            if part is not first:
                begin = len(pdf.pages)
                pdf.pages.extend(closing.enter_context(_opened(part)).pages)
            with _mapped(part):
                _change(pdf, begin, part, made, font)
        if plan.archival:
            archive.declare(pdf)
        with writing(target):
            _save(pdf, target)
        return len(pdf.pages)


def write_layer(page: Page, target: Path, font: str) -> None:
    """Writes a PDF of one page with nothing but a layer, as large as the page says.

    Args:
        page: What was read.
        target: The file to write.
        font: Name of the font in the resources of the page.

    Raises:
        OcrOutputError: It cannot be written.
    """
    size = page_size(page.width, page.height, page.dpi)
    codes = Codes()
    content = layer(page, size, codes, font)
    with pikepdf.Pdf.new() as pdf, writing(target):
        pdf.add_blank_page(page_size=size)
        made = pdf.pages[0].obj
        fonts = Dictionary({f"/{font}": add_font(pdf, codes.characters)})
        made.Resources = Dictionary(Font=fonts)
        made.Contents = pdf.make_stream(content)
        _save(pdf, target)


def _add_pictures(pdf: pikepdf.Pdf, made: Sequence[pikepdf.Page], font: pikepdf.Object) -> None:
    for page in made:
        pdf.pages.append(page)
        _set_font(pdf.pages[-1], font)


def _set_font(page: pikepdf.Page, font: pikepdf.Object) -> None:
    if "/Font" in page.obj.Resources:
        page.obj.Resources.Font = Dictionary({f"/{LAYER_FONT}": font})


def _change(
    pdf: pikepdf.Pdf,
    begin: int,
    part: Existing,
    made: Sequence[pikepdf.Page],
    font: pikepdf.Object,
) -> None:
    """Gives the pages of an existing document what they are to get."""
    for number in sorted(part.strip):
        strip_invisible(pdf, pdf.pages[begin + number - 1])
    for number, laid in sorted(part.layers.items()):
        lay(pdf, pdf.pages[begin + number - 1], font, laid.content.read_bytes(), laid.size)
    for number, (index, size) in sorted(part.pictures.items()):
        copy = pikepdf.Page(pdf.copy_foreign(made[index].obj))
        _set_font(copy, font)
        replace_contents(pdf, pdf.pages[begin + number - 1], copy, size)


@contextmanager
def _opened(existing: Existing) -> Iterator[pikepdf.Pdf]:
    name = existing.path
    with _limits(), _mapped(existing), pikepdf.open(name, password=existing.password or "") as pdf:
        yield pdf


@contextmanager
def _limits() -> Iterator[None]:
    """Bounds what streams may grow to; pictures are not among those that are decoded."""
    filters = ("flate", "run_length", "png", "tiff")
    grown: dict[str, Any] = {f"{name}_max_memory": _GROWN for name in filters}
    previous: dict[str, Any] = pikepdf.settings.set_qpdf_limits(**grown)
    try:
        yield
    finally:
        pikepdf.settings.set_qpdf_limits(**previous)


@contextmanager
def _mapped(existing: Existing) -> Iterator[None]:
    """Makes of what pikepdf raises about a source what ocrloom raises."""
    name = shown(existing.name)
    try:
        yield
    except pikepdf.PasswordError as error:
        raise OcrPasswordError(
            f"{name}: is encrypted, and the password is missing or wrong; give the right one with "
            "PdfOptions(password=…), --password or the variable OCRLOOM_PASSWORD"
        ) from error
    except MemoryError as error:
        raise OcrImageTooLarge(
            f"{name}: putting a text layer on it takes more memory than a PDF of its size should; "
            "get or save it again"
        ) from error
    except (pikepdf.PdfError, pikepdf.DataDecodingError, ValueError, TypeError) as error:
        # Said already, and perhaps of a file that only we know.
        found = str(error).removeprefix(str(existing.path)).lstrip(": ")
        raise OcrDamagedImage(
            f"{name}: expected a whole PDF, found a damaged one: {found}; get or save it again"
        ) from error


def _save(pdf: pikepdf.Pdf, target: Path) -> None:
    pdf.save(
        target,
        min_version=_VERSION,
        # What was there stays as it is stored.
        compress_streams=False,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
    )
