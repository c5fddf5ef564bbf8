"""The systems that are compared, behind one small protocol.

Each is used as its own users would use it for a pile of pages on all cores; the choices, which
decide whether the comparison is fair, are in the docstrings of the classes.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

__all__ = ["AUTO", "SYSTEMS", "Ocrloom", "Outcome", "RapidOcr", "System", "Tesseract", "settle"]

AUTO = "auto"
"""In place of a language: the system finds it, or uses its own default."""

Outcome: TypeAlias = str | BaseException
"""A page's text, or why there is none."""

PAGE_TIMEOUT = 600
"""Seconds after which a peer's process is taken for hung."""


class System(Protocol):
    """Something that reads pages."""

    name: str

    def available(self) -> str | None:
        """Return None if the system can run, else what is missing and how to install it."""

    def read(self, path: Path) -> str:
        """Return the text of one source; any exception means that it could not be read."""

    def read_all(self, paths: Sequence[Path]) -> list[Outcome]:
        """Read sources on all cores; outcomes in the order of the paths."""


def settle(
    read: Callable[[Path], str], paths: Sequence[Path], *, workers: int = 1
) -> list[Outcome]:
    """Read pages in threads; a page that fails puts its exception in its place."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        futures = [pool.submit(read, path) for path in paths]
    return [future.exception() or future.result() for future in futures]


class Ocrloom:
    """ocrloom through its public API, in process, all pages of a batch in one ``gather``."""

    name = "ocrloom"

    def __init__(self, language: str) -> None:
        self._language = language
        self._engine: Any = None

    def available(self) -> str | None:
        """Return None if the package with its engine can be imported."""
        try:
            found = getattr(importlib.import_module("ocrloom"), "OcrEngine", None)
        except ImportError as error:
            return f"not installed: pip install ocrloom ({error})"
        return (
            None if found else "not installed: pip install ocrloom (no OcrEngine in the one here)"
        )

    def submit(self, path: Path) -> Awaitable[Any]:
        """Begin a recognition, as a user's coroutine would."""
        image = importlib.import_module("ocrloom").Image.load(path)
        if self._engine is None:
            self._engine = _engine(self._language)
        future: Awaitable[Any] = self._engine.process_async(image)
        return future

    def read(self, path: Path) -> str:
        """Read one source."""
        return asyncio.run(self._text(path))

    def read_all(self, paths: Sequence[Path]) -> list[Outcome]:
        """Read sources all at once; ocrloom itself decides what runs when."""

        async def together() -> list[Outcome]:
            texts = (self._text(path) for path in paths)
            return await asyncio.gather(*texts, return_exceptions=True)

        return asyncio.run(together())

    async def _text(self, path: Path) -> str:
        return str((await self.submit(path)).text)


class Tesseract:
    """The Tesseract program, one process for a page, as many as there are usable cores.

    One thread each: with several processes at once its OpenMP threads only fight for cores.
    """

    name = "tesseract"

    def __init__(self, language: str, *, segmentation: int = 3) -> None:
        self._language = language
        self._segmentation = segmentation

    def available(self) -> str | None:
        """Return None if the program and the data of the language are installed."""
        if shutil.which("tesseract") is None:
            return "not installed: apt-get install tesseract-ocr, or brew install tesseract"
        if self._language == AUTO:
            return None
        listed = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True, check=False
        ).stdout.split()
        missing = [code for code in self._language.split("+") if code not in listed]
        if not missing:
            return None
        packages = " ".join(f"tesseract-ocr-{code.replace('_', '-')}" for code in missing)
        return f"language data not installed: apt-get install {packages}"

    def command(self, path: Path) -> list[str]:
        """Return the command that reads a source to its standard output."""
        language = [] if self._language == AUTO else ["-l", self._language]
        return ["tesseract", str(path), "-", *language, "--psm", str(self._segmentation)]

    def read(self, path: Path) -> str:
        """Read one source."""
        done = subprocess.run(
            self.command(path),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
            timeout=PAGE_TIMEOUT,
            check=False,
        )
        if done.returncode:
            last_words = done.stderr.strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(f"tesseract ended with {done.returncode}: {last_words[0]}")
        return done.stdout

    def read_all(self, paths: Sequence[Path]) -> list[Outcome]:
        """Read sources, one process each."""
        return settle(self.read, paths, workers=usable_cpus())


class RapidOcr:
    """RapidOCR as it comes: one engine, one call after another, its own threads and defaults.

    Its default models read Latin, Chinese and Japanese without being told the language. Lines
    come in its own order, each on a line of its own.
    """

    def __init__(self, name: str, *, classify: bool) -> None:
        self.name = name
        # Without the classifier that turns lines by 180 degrees, which many users switch off.
        self._params: dict[str, object] = {} if classify else {"Global.use_cls": False}
        self._engine: Any = None

    def available(self) -> str | None:
        """Return None if the package and the runtime that it uses by default are installed."""
        missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
        return f"not installed: pip install {' '.join(missing)}" if missing else None

    def read(self, path: Path) -> str:
        """Read one source; of a multi-frame one RapidOCR takes the first frame."""
        if self._engine is None:
            rapidocr: Any = importlib.import_module("rapidocr")
            self._engine = rapidocr.RapidOCR(
                params={"Global.log_level": "critical", **self._params}
            )
        # A page without text comes as an output without lines.
        return "\n".join(getattr(self._engine(str(path)), "txts", None) or ())

    def read_all(self, paths: Sequence[Path]) -> list[Outcome]:
        """Read sources one after another; the cores are kept busy by the runtime's threads."""
        return settle(self.read, paths)


SYSTEMS: dict[str, Callable[[str, int], System]] = {
    "ocrloom": lambda language, _segmentation: Ocrloom(language),
    "tesseract": lambda language, psm: Tesseract(language, segmentation=psm),
    "rapidocr": lambda _language, _segmentation: RapidOcr("rapidocr", classify=True),
    "rapidocr-nocls": lambda _language, _segmentation: RapidOcr("rapidocr-nocls", classify=False),
}
"""How each system is made from a language code and Tesseract's page segmentation mode."""


def _engine(language: str) -> object:
    engine = importlib.import_module("ocrloom").OcrEngine()
    if language != AUTO:
        languages = importlib.import_module("ocrloom.languages")
        engine.language = languages.parse_languages(language.split("+"))
    return engine
