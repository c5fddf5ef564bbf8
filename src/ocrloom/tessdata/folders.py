"""Where Tesseract's language data lies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from ocrloom.errors import OcrLanguageNotInstalled
from ocrloom.languages import Language

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "file_name",
    "find",
    "folders",
    "has_library",
    "installed",
    "missing",
    "not_installed",
    "readable",
    "user_folder",
]

# Where the packages of Linux distributions, Homebrew, MacPorts and the installer for Windows put
# it; of several versions the newest first.
_SYSTEM = (
    "/usr/local/share/tessdata",
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract-ocr/4.00/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/opt/local/share/tessdata",
    "C:/Program Files/Tesseract-OCR/tessdata",
)


def user_folder() -> Path:
    """The folder of the user's own that downloads go to; it need not be there."""
    return Path(platformdirs.user_data_dir("ocrloom", appauthor=False)) / "tessdata"


def folders() -> tuple[Path, ...]:
    """All folders that are searched; the first that has a language wins.

    The user's own, what ``TESSDATA_PREFIX`` names, that of the Python environment, the system's.
    """
    prefix = os.environ.get("TESSDATA_PREFIX")
    # Up to Tesseract 3 it named the folder above.
    named = (Path(prefix), Path(prefix, "tessdata")) if prefix else ()
    environment = Path(sys.prefix, "share", "tessdata")
    return tuple(dict.fromkeys((user_folder(), *named, environment, *map(Path, _SYSTEM))))


def file_name(language: Language) -> str:
    """Name of the file of a language that Tesseract reads."""
    return f"{language.tesseract}.traineddata"


def find(language: Language) -> Path | None:
    """What has the name of a language's file, in the first folder that has it; None without."""
    if language.tesseract is None:
        return None
    for folder in folders():
        path = folder / file_name(language)
        with suppress(OSError):  # some folders may not be looked into
            if path.exists():
                return path
    return None


def has_library() -> bool:
    """Whether ``tesserocr`` is there; it is not loaded."""
    return find_spec("tesserocr") is not None


def installed() -> tuple[Language, ...]:
    """The languages that Tesseract reads here: those with data, if the library is there."""
    if not has_library():
        return ()
    names: set[str] = set()
    for folder in folders():
        with suppress(OSError):
            names.update(path.name for path in folder.iterdir())
    listed = (each for each in Language if each.tesseract and file_name(each) in names)
    return tuple(each for each in listed if find(each) is not None)


def stamp(languages: Iterable[Language]) -> list[tuple[str, int, int]]:
    """What tells whether the data of languages is still the same: name, bytes and time.

    Args:
        languages: Those without data are passed over.
    """
    found = []
    for language in languages:
        path = find(language)
        with suppress(OSError):
            if path is not None:
                facts = path.stat()
                found.append((language.code, facts.st_size, facts.st_mtime_ns))
    return found


def missing(languages: Iterable[Language]) -> tuple[Language, ...]:
    """Those of some languages that Tesseract does not read here."""
    library = has_library()
    return tuple(each for each in languages if not library or find(each) is None)


def readable(languages: Iterable[Language]) -> bool:
    """Whether Tesseract reads all of these here."""
    return not missing(languages)


def not_installed(languages: Iterable[Language]) -> OcrLanguageNotInstalled:
    """The error for languages that Tesseract would read, with the commands that mend it.

    Args:
        languages: At least one that is missing.
    """
    languages = tuple(languages)
    names = " and ".join(language.english_name for language in languages)
    codes = [language.code for language in languages if find(language) is None]
    lacking, commands = [], []
    if not has_library():
        lacking.append("library tesserocr")
        commands.append('pip install "ocrloom[tesseract]"')
    if codes:
        lacking.append("language data")
        commands.append(f"ocrloom languages add {' '.join(codes)}")
    return OcrLanguageNotInstalled(
        f"{names}: expected the recogniser Tesseract, found no {' and no '.join(lacking)}; "
        f"run {' and then '.join(commands)}"
    )
