"""Asynchronous OCR: text from scans, with the place of every word.

    import ocrloom as ocr

    engine = ocr.OcrEngine()
    engine.language = ocr.Language.ENGLISH
    result = await engine.process_async(ocr.Image.load("scan.tif"))
    print(result.text)

Importing this package loads no runtime; names are fetched when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ocrloom._version import __version__

if TYPE_CHECKING:
    from ocrloom.engine import Events, OcrEngine, OcrFuture, OcrOutcome, Outcomes, PageStream
    from ocrloom.errors import (
        OcrCancelled,
        OcrClusterUnavailable,
        OcrDamagedImage,
        OcrEngineError,
        OcrException,
        OcrForbidden,
        OcrFormatError,
        OcrIdempotencyMismatch,
        OcrImageError,
        OcrImageTooLarge,
        OcrJobEnded,
        OcrJobError,
        OcrJobExpired,
        OcrJobNotFound,
        OcrJobNotReady,
        OcrLanguageNotInstalled,
        OcrLibraryDamaged,
        OcrLibraryError,
        OcrLibraryFull,
        OcrLibraryUnavailable,
        OcrNetworkError,
        OcrNotInLibrary,
        OcrOptionError,
        OcrOutputError,
        OcrPagesFailed,
        OcrPasswordError,
        OcrQueryError,
        OcrReaderLost,
        OcrRequestError,
        OcrServiceBusy,
        OcrServiceError,
        OcrServiceUnavailable,
        OcrSourceEmpty,
        OcrSourceError,
        OcrSourceIsDirectory,
        OcrSourceNotAFile,
        OcrSourceNotFound,
        OcrSourceUnreadable,
        OcrStopped,
        OcrTimeout,
        OcrUnauthorized,
        OcrUnknownLanguage,
    )
    from ocrloom.image import Image
    from ocrloom.journal import Journal
    from ocrloom.languages import Language
    from ocrloom.library import Library
    from ocrloom.options import Limits, Mode, OcrOptions, PdfOptions, TextLayer
    from ocrloom.progress import Progress, Stage
    from ocrloom.remote import RemoteEngine
    from ocrloom.result import (
        Block,
        BlockKind,
        Cell,
        Line,
        OcrResult,
        Page,
        PageFailure,
        Point,
        Polygon,
        ReadBy,
        Table,
        Word,
    )

__all__ = [
    "Block",
    "BlockKind",
    "Cell",
    "Events",
    "Image",
    "Journal",
    "Language",
    "Library",
    "Limits",
    "Line",
    "Mode",
    "OcrCancelled",
    "OcrClusterUnavailable",
    "OcrDamagedImage",
    "OcrEngine",
    "OcrEngineError",
    "OcrException",
    "OcrForbidden",
    "OcrFormatError",
    "OcrFuture",
    "OcrIdempotencyMismatch",
    "OcrImageError",
    "OcrImageTooLarge",
    "OcrJobEnded",
    "OcrJobError",
    "OcrJobExpired",
    "OcrJobNotFound",
    "OcrJobNotReady",
    "OcrLanguageNotInstalled",
    "OcrLibraryDamaged",
    "OcrLibraryError",
    "OcrLibraryFull",
    "OcrLibraryUnavailable",
    "OcrNetworkError",
    "OcrNotInLibrary",
    "OcrOptionError",
    "OcrOptions",
    "OcrOutcome",
    "OcrOutputError",
    "OcrPagesFailed",
    "OcrPasswordError",
    "OcrQueryError",
    "OcrReaderLost",
    "OcrRequestError",
    "OcrResult",
    "OcrServiceBusy",
    "OcrServiceError",
    "OcrServiceUnavailable",
    "OcrSourceEmpty",
    "OcrSourceError",
    "OcrSourceIsDirectory",
    "OcrSourceNotAFile",
    "OcrSourceNotFound",
    "OcrSourceUnreadable",
    "OcrStopped",
    "OcrTimeout",
    "OcrUnauthorized",
    "OcrUnknownLanguage",
    "Outcomes",
    "Page",
    "PageFailure",
    "PageStream",
    "PdfOptions",
    "Point",
    "Polygon",
    "Progress",
    "ReadBy",
    "RemoteEngine",
    "Stage",
    "Table",
    "TextLayer",
    "Word",
    "__version__",
]

_MODULES = (
    "engine",
    "errors",
    "image",
    "journal",
    "languages",
    "options",
    "progress",
    "result",
)

# By name, as others need not load what these bring: NumPy, and what talks to services.
_APART = {"Library": "library", "RemoteEngine": "remote"}


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in (_APART[name],) if name in _APART else _MODULES:
            loaded = import_module(f"{__name__}.{module}")
            if name in loaded.__all__:
                value = getattr(loaded, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
