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
    from ocrloom.engine import OcrEngine, OcrFuture
    from ocrloom.errors import (
        OcrDamagedImage,
        OcrEngineError,
        OcrException,
        OcrFormatError,
        OcrImageError,
        OcrImageTooLarge,
        OcrLanguageNotInstalled,
        OcrOptionError,
        OcrOutputError,
        OcrSourceEmpty,
        OcrSourceError,
        OcrSourceIsDirectory,
        OcrSourceNotAFile,
        OcrSourceNotFound,
        OcrSourceUnreadable,
        OcrUnknownLanguage,
    )
    from ocrloom.image import Image
    from ocrloom.languages import Language
    from ocrloom.options import Limits, OcrOptions
    from ocrloom.result import Block, Line, OcrResult, Page, Point, Polygon, Word

__all__ = [
    "Block",
    "Image",
    "Language",
    "Limits",
    "Line",
    "OcrDamagedImage",
    "OcrEngine",
    "OcrEngineError",
    "OcrException",
    "OcrFormatError",
    "OcrFuture",
    "OcrImageError",
    "OcrImageTooLarge",
    "OcrLanguageNotInstalled",
    "OcrOptionError",
    "OcrOptions",
    "OcrOutputError",
    "OcrResult",
    "OcrSourceEmpty",
    "OcrSourceError",
    "OcrSourceIsDirectory",
    "OcrSourceNotAFile",
    "OcrSourceNotFound",
    "OcrSourceUnreadable",
    "OcrUnknownLanguage",
    "Page",
    "Point",
    "Polygon",
    "Word",
    "__version__",
]

_MODULES = ("engine", "errors", "image", "languages", "options", "result")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            loaded = import_module(f"{__name__}.{module}")
            if name in loaded.__all__:
                value = getattr(loaded, name)
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
