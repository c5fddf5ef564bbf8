"""The release of language data that is downloaded, every file known by its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from ocrloom.once import once

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.languages import Language

__all__ = ["ADDRESS", "Entry", "entry", "is_current"]

_TAG = "4.1.0"
_CHUNK = 1 << 16
ADDRESS = f"https://github.com/tesseract-ocr/tessdata_fast/raw/{_TAG}"
"""Where the files are, each by its name; Apache-2.0."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the release."""

    bytes: int
    digest: str
    """SHA-256 or, twice as long, SHA-512; hexadecimal."""

    def hasher(self) -> hashlib._Hash:
        """What computes a digest of the same kind."""
        return hashlib.sha256() if len(self.digest) == 64 else hashlib.sha512()


def entry(language: Language) -> Entry | None:
    """The file of a language; None where the release has none."""
    return _entries().get(language.tesseract or "")


def is_current(path: Path, expected: Entry) -> bool:
    """Whether a file is the release's, to the bit."""
    hasher = expected.hasher()
    try:
        with path.open("rb") as file:
            while part := file.read(_CHUNK):
                hasher.update(part)
    except OSError:
        return False
    return hasher.hexdigest() == expected.digest


@once
def _entries() -> dict[str, Entry]:
    table = files("ocrloom.tessdata").joinpath(f"fast-{_TAG}.txt").read_text(encoding="utf-8")
    rows = (line.split() for line in table.splitlines() if not line.startswith("#"))
    return {name: Entry(int(size), digest) for name, size, digest in rows}
