"""PDF/A-2b (ISO 19005-2), for documents made of pictures alone.

Such a document has what the standard wants and nothing that it forbids: its one font is embedded,
its text is invisible, its pictures have no transparency. What is missing is said here: which
colours are meant, and that it is PDF/A.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pikepdf import Array, Dictionary, Name, String

from ocrloom._version import __version__

if TYPE_CHECKING:
    import pikepdf

__all__ = ["declare"]

_CONDITION: Final = "sRGB IEC61966-2.1"


def declare(pdf: pikepdf.Pdf) -> None:
    """Says that a document is PDF/A-2b, and adds what that takes."""
    from PIL.ImageCms import ImageCmsProfile, createProfile

    profile = zlib.compress(ImageCmsProfile(createProfile("sRGB")).tobytes())
    intent = Dictionary(
        Type=Name.OutputIntent,
        S=Name.GTS_PDFA1,
        OutputConditionIdentifier=String(_CONDITION),
        Info=String(_CONDITION),
        DestOutputProfile=pdf.make_stream(profile, N=3, Filter=Name.FlateDecode),
    )
    pdf.Root.OutputIntents = Array([pdf.make_indirect(intent)])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
        metadata["pdfaid:part"] = "2"
        metadata["pdfaid:conformance"] = "B"
        metadata["pdf:Producer"] = f"ocrloom {__version__}"
        metadata["xmp:CreateDate"] = now
        metadata["xmp:ModifyDate"] = now
        metadata["xmp:MetadataDate"] = now
