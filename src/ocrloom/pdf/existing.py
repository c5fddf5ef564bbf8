"""Layers on pages that there are already, with everything else of the document as it was."""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator

from ocrloom.pdf.layer import LAYER_FONT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["lay", "losses", "replace_contents", "signatures"]

_DIGITS: Final = 6
_MOST_FIELDS: Final = 100_000  # of a form; more are a circle


def lay(
    pdf: pikepdf.Pdf,
    page: pikepdf.Page,
    font: pikepdf.Object,
    content: bytes,
    size: tuple[float, float],
) -> None:
    """Puts a layer below all else on a page; the page's own content streams stay what they are.

    Args:
        pdf: The document.
        page: One of its pages.
        font: What `LAYER_FONT` is to be.
        content: See `ocrloom.pdf.layer.layer`.
        size: Width and height in points for which the content was made.
    """
    resources = _own(page.obj, "/Resources", page)
    fonts = _own(resources, "/Font")
    name = f"/{LAYER_FONT}"
    number = 1
    while name in fonts:
        number += 1
        name = f"/{LAYER_FONT}{number}"
    if number > 1:
        content = _renamed(pdf, content, name)
    fonts[name] = font
    # First, while nothing has changed the graphics state. That it is below does not matter: it is
    # not seen anyway.
    layer = _stream(pdf, _shown(page, size) + content + b"Q\n")
    page.obj.Contents = Array([layer, *_contents(page)])


def replace_contents(
    pdf: pikepdf.Pdf, page: pikepdf.Page, made: pikepdf.Page, size: tuple[float, float]
) -> None:
    """Shows another page in place of what a page shows; its boxes and its notes stay.

    Args:
        pdf: The document.
        page: One of its pages.
        made: The other one, of the same document.
        size: Width and height in points of the other one.
    """
    begin, end = _stream(pdf, _shown(page, size)), _stream(pdf, b"Q\n")
    page.obj.Resources = made.obj.Resources
    page.obj.Contents = Array([begin, *_contents(made), end])
    # What else tells of the old content.
    for key in ("/StructParents", "/Group", "/PieceInfo", "/Thumb"):
        if key in page.obj:
            del page.obj[key]


def signatures(pdf: pikepdf.Pdf) -> bool:
    """Whether somebody has signed the document, which any change makes void."""
    return any(
        field.get("/FT") == Name.Sig and "/V" in field
        for field in _fields(pdf.Root.get("/AcroForm"))
    )


def losses(pdf: pikepdf.Pdf) -> tuple[str, ...]:
    """What a document has that its pages do not take along into another one."""
    root = pdf.Root
    outlines, names = (_dictionary(root.get(key)) for key in ("/Outlines", "/Names"))
    has = {
        "bookmarks": "/First" in outlines,
        "form fields": any(True for _ in _fields(root.get("/AcroForm"))),
        "attachments": "/EmbeddedFiles" in names,
        "page labels": "/PageLabels" in root,
        "a structure for screen readers": "/StructTreeRoot" in root,
        "layers that can be switched": "/OCProperties" in root,
    }
    return tuple(what for what, there in has.items() if there)


def _fields(form: pikepdf.Object | None) -> Iterator[pikepdf.Object]:
    """All fields of a form."""
    open_ = _items(_dictionary(form).get("/Fields"))
    for _ in range(_MOST_FIELDS):
        if not open_:
            return
        field = open_.pop()
        if isinstance(field, Dictionary):
            yield field
            open_ += _items(field.get("/Kids"))


def _dictionary(value: pikepdf.Object | None) -> pikepdf.Object:
    """The value if it is a dictionary; an empty one if a broken document has something else."""
    return value if isinstance(value, Dictionary) else Dictionary()


def _items(value: pikepdf.Object | None) -> list[pikepdf.Object]:
    """The same for an array."""
    return list(value) if isinstance(value, Array) else []


def _shown(page: pikepdf.Page, size: tuple[float, float]) -> bytes:
    """Begins a content that counts from the lower left corner of the page as viewers show it."""
    x0, y0, x1, y1 = _box(page)
    turn = int((_numbers([_inherited(page, "/Rotate")]) or (0.0,))[0]) % 360
    sides = (x1 - x0, y1 - y0) if turn % 180 == 0 else (y1 - y0, x1 - x0)
    across, up = sides[0] / size[0], sides[1] / size[1]
    matrix = {
        0: (across, 0, 0, up, x0, y0),
        90: (0, across, -up, 0, x1, y0),
        180: (-across, 0, 0, -up, x1, y1),
        270: (0, -across, up, 0, x0, y1),
    }.get(turn, (across, 0, 0, up, x0, y0))
    numbers = " ".join(f"{number:.{_DIGITS}f}" for number in matrix)
    return f"q {numbers} cm\n".encode("ascii")


def _box(page: pikepdf.Page) -> tuple[float, float, float, float]:
    """What viewers show of a page: the crop box as far as it lies in the media box."""
    media, crop = (_sorted(_inherited(page, key)) for key in ("/MediaBox", "/CropBox"))
    media = media or (0.0, 0.0, 612.0, 792.0)
    if crop is None:
        return media
    low = max(media[0], crop[0]), max(media[1], crop[1])
    high = min(media[2], crop[2]), min(media[3], crop[3])
    return (*low, *high) if low[0] < high[0] and low[1] < high[1] else media


def _sorted(box: pikepdf.Object | None) -> tuple[float, float, float, float] | None:
    corners = _numbers(_items(box))
    if corners is None or len(corners) != 4:
        return None
    (x0, x1), (y0, y1) = sorted(corners[::2]), sorted(corners[1::2])
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _numbers(values: Sequence[object]) -> tuple[float, ...] | None:
    """The values as numbers; None if one of them is none."""
    if all(isinstance(value, (int, float, Decimal)) for value in values):
        return tuple(map(float, cast("Sequence[float]", values)))
    return None


def _inherited(page: pikepdf.Page, key: str) -> pikepdf.Object | None:
    node: pikepdf.Object = page.obj
    # No tree is so deep that is not a circle.
    for _ in range(100):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node.Parent
    return None


def _own(owner: pikepdf.Object, key: str, page: pikepdf.Page | None = None) -> pikepdf.Object:
    """A dictionary of the owner's alone, with what it had: others may share the old one."""
    old = _inherited(page, key) if page is not None else owner.get(key)
    owner[key] = Dictionary(dict(old.items())) if isinstance(old, Dictionary) else Dictionary()
    return owner[key]


def _contents(page: pikepdf.Page) -> Iterable[pikepdf.Object]:
    contents = page.obj.get("/Contents")
    if contents is None:
        return ()
    return tuple(contents) if isinstance(contents, Array) else (contents,)


def _renamed(pdf: pikepdf.Pdf, content: bytes, name: str) -> bytes:
    """The layer with another name for its font."""
    instructions: list[Any] = [
        ([Name(name), each.operands[1]], each.operator) if each.operator == Operator("Tf") else each
        for each in pikepdf.parse_content_stream(pdf.make_stream(content))
    ]
    return pikepdf.unparse_content_stream(instructions) + b"\n"


def _stream(pdf: pikepdf.Pdf, data: bytes) -> pikepdf.Stream:
    return pdf.make_stream(zlib.compress(data), Filter=Name.FlateDecode)
