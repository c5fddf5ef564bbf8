"""Which format a source is in, by its first bytes: names and extensions lie.

The list is one of allowed formats. Pillow opens more than forty, some of them by starting other
programs (EPS) or with little-tested parsers; nothing that is not listed here ever reaches it.
"""

from __future__ import annotations

import codecs
import re
from enum import Enum
from typing import Final

from ocrloom.errors import OcrFormatError
from ocrloom.image.source import shown

__all__ = ["HEAD_SIZE", "Format", "sniff"]

HEAD_SIZE: Final = 1024
"""Bytes that `sniff` wants: a PDF's header may come as late as this."""


class Format(Enum):
    """The allowed formats, by the names people know."""

    TIFF = "TIFF"
    PNG = "PNG"
    JPEG = "JPEG"
    WEBP = "WebP"
    BMP = "BMP"
    GIF = "GIF"
    JPEG2000 = "JPEG 2000"
    PNM = "PNM (PBM, PGM, PPM, PFM)"
    PDF = "PDF"


_ALLOWED: Final = (
    (Format.TIFF, rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    (Format.PNG, rb"\x89PNG\r\n\x1a\n"),
    (Format.JPEG, rb"\xff\xd8\xff"),
    (Format.WEBP, rb"RIFF.{4}WEBPVP8[ LX]"),
    # "BM" alone begins many a text; the size of the second header makes it sure.
    (Format.BMP, rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    (Format.GIF, rb"GIF8[79]a"),
    (Format.JPEG2000, rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    (Format.PNM, rb"P[1-6f][ \t\n\v\f\r]"),
    (Format.PDF, rb"%PDF-"),
)

_REFUSED: Final = (
    (rb"%!|\xc5\xd0\xd3\xc6|\x04%!", "PostScript or EPS; convert it with Ghostscript first"),
    (rb"\x89PNG|\x8aMNG|\x8bJNG", "a PNG or MNG whose first bytes were changed in transfer"),
    (rb"8BPS", "a Photoshop document (PSD)"),
    (rb".{4}ftyp(hei[cxms]|hev[cx]|mif1|msf1)", "HEIC or HEIF, as phones make"),
    (rb".{4}ftypavi[fs]", "AVIF"),
    (rb".{4}ftyp", "a video or another ISO media file"),
    (rb"AT&TFORM", "DjVu"),
    (rb"\0\0[\x01\x02]\0", "an icon (ICO or CUR)"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "JPEG XL"),
    (rb"II\xbc\x01", "JPEG XR"),
    (rb"P7[ \t\n\r]", "PAM; convert it to PPM or PGM"),
    (rb"PF[ \t\n\r]", "a colour PFM; convert it to TIFF or PNG"),
    (rb"\x59\xa6\x6a\x95|SIMPLE  =|\x76\x2f\x31\x01|#\?RADIANCE", "a scientific or HDR image"),
    (rb"\xd0\xcf\x11\xe0", "an old Office document (or another OLE file)"),
    (rb"PK\x03\x04|PK\x05\x06", "a ZIP archive or an Office document"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", "a compressed file; unpack it"),
    (rb"\{\\rtf", "RTF"),
    (rb"\x7fELF|MZ", "a program"),
    (rb"(?s:\s*)(?i:<!doctype html|<html)", "HTML"),
    (rb"(?s:\s*(<\?xml.*)?)<svg", "SVG, a drawing; render it as PNG first"),
    (rb"(?s:\s*)<\?xml", "XML"),
)

_LISTED: Final = ", ".join(known.value for known in Format if known is not Format.PDF)


def sniff(head: bytes, name: str | None) -> Format:
    """Tell the format by the first bytes.

    Args:
        head: The source's first `HEAD_SIZE` bytes, or all if there are fewer.
        name: The source's name, for the message.

    Raises:
        OcrFormatError: It is not an allowed format; the message says what it looks like.
    """
    for known, magic in _ALLOWED:
        if re.match(magic, head, re.DOTALL):
            return known
    refused = _refused(head)
    # Last, as what stands behind something else may be in it: a ZIP archive of PDFs is none.
    if refused is None and b"%PDF-" in head:
        return Format.PDF
    found = refused or _describe(head)
    raise OcrFormatError(f"{shown(name)}: expected an image or a PDF ({_LISTED}), found {found}")


def _refused(head: bytes) -> str | None:
    found = (known for magic, known in _REFUSED if re.match(magic, head, re.DOTALL))
    return next(found, None)


def _describe(head: bytes) -> str:
    if _is_text(head):
        return (
            "plain text; to read a file, give its name as str or Path and not as bytes"
            if len(head) < 256 and b"\n" not in head
            else "plain text"
        )
    return f"an unknown format that begins with {head[:8].hex(' ')}"


def _is_text(head: bytes) -> bool:
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        # Not final: the head may end within a character.
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
