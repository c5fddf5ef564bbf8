"""Which frames are decoded in a process of their own. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocrloom.image.formats import Format

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["suspicious"]

# Uncompressed, CCITT in its four forms, LZW, Deflate by both its numbers, PackBits.
_PLAIN: Final = frozenset({1, 2, 3, 4, 32771, 5, 8, 32946, 32773})


def suspicious(known: Format, compressions: Collection[int] = (1,)) -> bool:
    """Whether a frame's decoder might not return, or take the process with it.

    Most formats are decoded piece by piece as the file is read, so that a checkpoint in between
    ends a decoder that works for ever. What is left does all in one native call:

    - JPEG 2000: code blocks, tiles and layers by the million in a small file; OpenJPEG has a
      record of crashes, and it keeps Python's lock while it decodes, so that in this process not
      even another thread would run.
    - TIFF with JPEG inside (6, 7): every strip may be a progressive JPEG of a hundred scans, and
      6 is a variant that was never well defined.
    - TIFF with any other rare codec (LERC, LZMA, Zstandard, WebP, JBIG, SGI Log, …): each is one
      more library or little-tested decoder, and none comes from a scanner.

    The usual codecs of TIFF do a little for each byte they are given, and have been tried on
    broken files for decades.

    Args:
        known: The source's format.
        compressions: What a TIFF frame states about its compression; all values if several tags
            do, because readers differ in which one they take. Unknown values are suspicious.
    """
    if known is Format.TIFF:
        return not _PLAIN.issuperset(compressions)
    return known is Format.JPEG2000
