"""The font of invisible text: one glyph, without area, for every character there is.

One font serves all scripts, because nothing of it is ever seen: viewers and readers need to know
how wide and high a character is and which one it means. It is a Type 0 font whose codes are
allotted as characters come, with a ToUnicode map that gives them their meaning (ISO 32000-1, 9.7
and 9.10.3).
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final

from ocrloom.errors import OcrOutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pikepdf

__all__ = ["EM_WIDTH", "FONT_NAME", "SPACE", "Codes", "add_font", "font_file"]

FONT_NAME: Final = "OcrloomInvisible"
"""Name of the font in the file, by which a layer of ours is known again."""

EM_WIDTH: Final = 0.5
"""Width of every character over the font's size."""

SPACE: Final = b"\0\1"
"""Code of the space, which every document has."""

_UNITS: Final = 1000  # of an em
_MOST: Final = 0xFFFF  # codes of two bytes, without 0, which means that a character is missing
_RANGE: Final = 100  # entries that a block of a CMap may have


class Codes:
    """The characters of a document and their codes, allotted as they come."""

    def __init__(self) -> None:
        self._codes = {" ": SPACE}

    @property
    def characters(self) -> tuple[str, ...]:
        """Those of the codes 1, 2, 3 ..."""
        return tuple(self._codes)

    def encode(self, character: str) -> bytes:
        """The two bytes that stand for a character.

        Raises:
            OcrOutputError: The document has more different characters than a font can hold.
        """
        code = self._codes.get(character)
        if code is None:
            number = len(self._codes) + 1
            if number > _MOST:
                raise OcrOutputError(
                    f"the text has more than {_MOST} different characters, which is more than a "
                    "font can hold; write it as several PDFs"
                )
            code = self._codes[character] = number.to_bytes(2)
        return code


def add_font(pdf: pikepdf.Pdf, characters: Sequence[str]) -> pikepdf.Object:
    """Adds the font to a document.

    Args:
        pdf: The document.
        characters: What the codes mean, see `Codes.characters`.

    Returns:
        The font, for the resources of pages.
    """
    from pikepdf import Array, Dictionary, Name, String

    name = Name(f"/{FONT_NAME}")
    file = pdf.make_stream(font_file())
    file.Length1 = len(font_file())
    descriptor = Dictionary(
        Type=Name.FontDescriptor,
        FontName=name,
        Flags=5,  # of one width, and with characters of its own
        FontBBox=Array([0, 0, round(_UNITS * EM_WIDTH), _UNITS]),
        ItalicAngle=0,
        # A box reaches from the baseline up. Not 0: some readers take that for a mistake.
        Ascent=_UNITS - 1,
        Descent=-1,
        CapHeight=_UNITS - 1,
        StemV=80,
        FontFile2=file,
    )
    # Every code has the one glyph.
    glyphs = b"\0\0" + b"\0\1" * len(characters)
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=Dictionary(
            Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0
        ),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=round(_UNITS * EM_WIDTH),
        CIDToGIDMap=_stream(pdf, glyphs),
    )
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.Type0,
            BaseFont=name,
            Encoding=Name("/Identity-H"),
            DescendantFonts=Array([pdf.make_indirect(descendant)]),
            ToUnicode=_stream(pdf, _to_unicode(characters)),
        )
    )


def _stream(pdf: pikepdf.Pdf, data: bytes) -> pikepdf.Stream:
    from pikepdf import Name

    return pdf.make_stream(zlib.compress(data), Filter=Name.FlateDecode)


def _to_unicode(characters: Sequence[str]) -> bytes:
    """The CMap from codes to characters in UTF-16 (Adobe Technical Note 5411)."""
    entries = [
        f"<{code:04X}> <{character.encode('utf-16-be').hex().upper()}>"
        for code, character in enumerate(characters, 1)
    ]
    blocks = []
    for start in range(0, len(entries), _RANGE):
        block = entries[start : start + _RANGE]
        blocks += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    lines = (
        "/CIDInit /ProcSet findresource begin",
        "12 dict begin",
        "begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def",
        "/CMapType 2 def",
        "1 begincodespacerange",
        "<0000> <FFFF>",
        "endcodespacerange",
        *blocks,
        "endcmap",
        "CMapName currentdict /CMap defineresource pop",
        "end",
        "end",
    )
    return "\n".join(lines).encode("ascii")


def font_file() -> bytes:
    """A TrueType font of two equal glyphs (OpenType 1.9, the tables that PDF wants).

    A glyph is a stroke without width from corner to corner of its box: some readers take the box
    of a character from its outline and leave out what has none.
    """
    advance = round(_UNITS * EM_WIDTH)
    # One contour: the box, the last point's number, no instructions, two points on the curve, and
    # each from the one before.
    glyph = struct.pack(">5hHHBB4h", 1, 0, 0, advance, _UNITS, 1, 0, 1, 1, 0, advance, 0, _UNITS)
    tables = {
        b"glyf": glyph * 2,
        # Version 1.0, revision, checksum to come, magic, flags, units, two dates, box, style,
        # smallest size, direction, short offsets to glyphs.
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh",
            *(0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _UNITS, 0, 0),
            *(0, 0, advance, _UNITS, 0, 1, 2, 0, 0),
        ),
        # Ascent, descent, widest advance, and one width for all.
        b"hhea": struct.pack(
            ">IhhhHhhhhhhhhhhhH", 0x10000, _UNITS - 1, -1, 0, advance, 0, 0, advance, *[0] * 8, 1
        ),
        b"hmtx": struct.pack(">Hhh", advance, 0, 0),
        b"loca": struct.pack(">3H", 0, len(glyph) // 2, len(glyph)),
        b"maxp": struct.pack(">I14H", 0x10000, 2, 2, 1, 0, 0, 1, *[0] * 8),
    }
    return _with_checksum(_font_of(tables))


def _font_of(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = 1 << count.bit_length() - 1
    head = struct.pack(
        ">IHHHH", 0x10000, count, 16 * power, power.bit_length() - 1, 16 * (count - power)
    )
    at = len(head) + 16 * count
    entries, parts = [], []
    for tag, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        entries.append(tag + struct.pack(">III", _checksum(padded), at, len(data)))
        parts.append(padded)
        at += len(padded)
    return b"".join([head, *entries, *parts])


def _with_checksum(font: bytes) -> bytes:
    """The font with the checksum of the whole in its table ``head``."""
    entry = font.index(b"head")
    (start,) = struct.unpack_from(">I", font, entry + 8)
    whole = struct.pack(">I", (0xB1B0AFBA - _checksum(font)) & 0xFFFFFFFF)
    return font[: start + 8] + whole + font[start + 12 :]


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f">{len(data) // 4}I", data))
    return total & 0xFFFFFFFF
