"""Makes PDFs for tests: text, scans, forms, what is encrypted, broken or meant to do harm."""

from __future__ import annotations

import functools
import io
import zlib

import img2pdf
import numpy as np
import pikepdf
import PIL.Image
from pikepdf import Array, Dictionary, Name

A4 = (0, 0, 595, 842)
LETTER = (0, 0, 612, 792)


def saved(pdf: pikepdf.Pdf, **options: object) -> bytes:
    """The bytes of a PDF."""
    buffer = io.BytesIO()
    pdf.save(buffer, **options)
    return buffer.getvalue()


def helvetica() -> Dictionary:
    """A font that every reader has."""
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type1,
        BaseFont=Name.Helvetica,
        Encoding=Name.WinAnsiEncoding,
    )


def add_page(
    pdf: pikepdf.Pdf,
    content: bytes,
    *,
    box: tuple[float, ...] = LETTER,
    crop: tuple[float, ...] | None = None,
    rotate: int = 0,
    unit: float | None = None,
    **resources: object,
) -> pikepdf.Page:
    """Adds a page whose font F1 is Helvetica."""
    page = pdf.add_blank_page(page_size=(72, 72))
    page.obj.MediaBox = Array(box)
    if crop is not None:
        page.obj.CropBox = Array(crop)
    if rotate:
        page.obj.Rotate = rotate
    if unit is not None:
        page.obj.UserUnit = unit
    page.obj.Resources = Dictionary(Font=Dictionary(F1=helvetica()), **resources)
    page.obj.Contents = pdf.make_stream(content)
    return page


def pdf_of(*contents: bytes, encryption: pikepdf.Encryption | None = None, **page: object) -> bytes:
    """A PDF with a page for each content."""
    pdf = pikepdf.new()
    for content in contents:
        add_page(pdf, content, **page)
    return saved(pdf) if encryption is None else saved(pdf, encryption=encryption)


def lines(
    texts: list[str], *, left: float = 72, top: float = 700, size: float = 12, mode: int = 0
) -> bytes:
    """The content of lines of text in Latin letters; mode 3 hides them."""
    shown = b" T* ".join(b"(" + _escaped(text) + b") Tj" for text in texts)
    return b"BT %d Tr /F1 %g Tf %g TL %g %g Td %b ET\n" % (
        *(mode, size, 1.4 * size, left, top, shown),
    )


def _escaped(text: str) -> bytes:
    data = text.encode("cp1252")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


PARAGRAPH = [
    "The committee met on the first of March and heard the reports of all its",
    "members. Nothing was decided, but much was said about the roof, the cellar",
    "and the garden behind the house, which had not been looked after in years.",
]


def scan(picture: np.ndarray | PIL.Image.Image, *, dpi: float = 200, kind: str = "PNG") -> bytes:
    """A PDF of one page that a picture covers."""
    return scans([picture], dpi=dpi, kind=kind)


def scans(pictures: list, *, dpi: float = 200, kind: str = "PNG") -> bytes:
    """A PDF with a page for each picture, which covers it."""
    files = []
    for picture in pictures:
        if isinstance(picture, np.ndarray):
            picture = PIL.Image.fromarray(picture)
        buffer = io.BytesIO()
        options = {"compression": "group4"} if kind == "TIFF" else {}
        picture.save(buffer, kind, **options)
        files.append(buffer.getvalue())
    layout = img2pdf.get_fixed_dpi_layout_fun((dpi, dpi))
    made: bytes = img2pdf.convert(files, layout_fun=layout)
    return made


def with_text(data: bytes, content: bytes, number: int = 1) -> bytes:
    """A PDF with more content on one of its pages, as OCR adds it."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        page = pdf.pages[number - 1]
        if Name.Resources not in page.obj:
            page.obj.Resources = Dictionary()
        page.obj.Resources.Font = Dictionary(F1=helvetica())
        page.contents_add(content)
        return saved(pdf)


def encrypted(data: bytes, *, user: str, owner: str = "owner") -> bytes:
    """The same PDF behind passwords."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return saved(pdf, encryption=pikepdf.Encryption(user=user, owner=owner, R=6))


def garbage(count: int = 300) -> bytes:
    """A page of text whose font says of no glyph which character it is."""
    pdf = pikepdf.new()
    page = add_page(pdf, b"")
    page.obj.Resources.Font.F1.ToUnicode = pdf.make_stream(
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange\n"
        b"1 beginbfrange <21> <7e> <e021> endbfrange\n"
        b"endcmap end end\n"
    )
    words = ["abcdefgh"] * 8
    page.obj.Contents = pdf.make_stream(lines([" ".join(words)] * max(1, count // 64)))
    return saved(pdf)


@functools.cache
def bomb() -> bytes:
    """A page in less than 1,000 bytes whose content grows to a gigabyte."""
    packer = zlib.compressobj(9)
    part = b"q " * 2**23
    data = b"".join(packer.compress(part) for _ in range(64)) + packer.flush()
    pdf = pikepdf.new()
    page = add_page(pdf, b"")
    page.obj.Contents = pikepdf.Stream(
        pdf, zlib.compress(zlib.compress(data, 9), 9), Filter=Array([Name.FlateDecode] * 3)
    )
    return saved(pdf, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)


def nested_forms(levels: int = 28, times: int = 10) -> bytes:
    """Forms that draw the next one several times each: times to the power of levels."""
    pdf = pikepdf.new()
    inner = pdf.make_stream(b"0 0 9 9 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array(A4))
    for _ in range(levels):
        content = b"/X Do " * times
        inner = pdf.make_stream(
            content,
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array(A4),
            Resources=Dictionary(XObject=Dictionary(X=inner)),
        )
    add_page(pdf, b"/X Do", XObject=Dictionary(X=inner))
    return saved(pdf)


def without_pages() -> bytes:
    """A PDF that is whole and has no page."""
    return saved(pikepdf.new())


def form(value: str) -> bytes:
    """A page with a text field that is filled in, and its appearance."""
    pdf = pikepdf.new()
    page = add_page(pdf, lines(PARAGRAPH))
    font = page.obj.Resources.Font.F1
    appearance = pdf.make_stream(
        b"/Tx BMC " + lines([value], left=4, top=6) + b" EMC",
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, 300, 24]),
        Resources=Dictionary(Font=Dictionary(F1=font)),
    )
    field = pdf.make_indirect(
        Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Tx,
            T="name",
            V=value,
            F=4,
            Rect=Array([72, 500, 372, 524]),
            DA="/F1 12 Tf 0 g",
            AP=Dictionary(N=appearance),
        )
    )
    page.obj.Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(
        Fields=Array([field]), DR=Dictionary(Font=Dictionary(F1=font)), DA="/F1 12 Tf 0 g"
    )
    return saved(pdf)


def xfa() -> bytes:
    """A form that only Adobe's reader shows."""
    pdf = pikepdf.new()
    add_page(pdf, lines(["Please wait..."]))
    pdf.Root.NeedsRendering = True
    packet = pdf.make_stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'></xdp:xdp>")
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=packet)
    return saved(pdf)


def portfolio() -> bytes:
    """Files in a cover."""
    pdf = pikepdf.new()
    add_page(pdf, lines(["Open this in another reader."]))
    pdf.Root.Collection = Dictionary(Type=Name.Collection, View=Name.D)
    return saved(pdf)


def endless(times: int = 5000) -> bytes:
    """A page that takes hours: shadings all over it, one on the other."""
    pdf = pikepdf.new()
    function = pdf.make_stream(
        b"{ sin exch cos add abs dup dup }",
        FunctionType=4,
        Domain=Array([0, 1000, 0, 1000]),
        Range=Array([0, 1, 0, 1, 0, 1]),
    )
    shading = Dictionary(
        ShadingType=1,
        ColorSpace=Name.DeviceRGB,
        Domain=Array([0, 1000, 0, 1000]),
        Function=function,
    )
    add_page(pdf, b"/S sh " * times, Shading=Dictionary(S=shading))
    return saved(pdf)
