"""Reading crops of text lines with Tesseract's LSTM, for languages that PP-OCRv6 cannot read.

In this process, through ``tesserocr``. A Tesseract object may serve one thread at a time, so every
thread has its own, and keeps the few that it used last.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import OrderedDict
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from ocrloom.bidi import is_mark, turned
from ocrloom.errors import OcrEngineError
from ocrloom.languages import TESSERACT, Language, Script
from ocrloom.once import once
from ocrloom.tessdata.folders import (
    file_name,
    find,
    missing,
    not_installed,
)
from ocrloom.tessdata.probing import is_sound
from ocrloom.vision.ctc import Reading
from ocrloom.vision.ink import all_ink, wipe_neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

__all__ = ["HEIGHT", "Tesseract", "library"]

HEIGHT = 48
"""Pixels of height that a crop should have."""

_MARGIN = 10  # white pixels around a crop in which Tesseract is to find the line
_LEAST = 3  # pixels of a side; nothing is read in less
_FAINT = 24  # levels of grey between ink and ground, in less of which nothing is written
_LONG = 1.5  # heights of its ink; what is shorter and not found may be dust
_GRAIN = 2.0  # pixels: standard deviation of what makes paper of grain
_DARKEST = 32  # what is no darker than that is ground that can be told from ink
_WIDEST = 32_000  # pixels; Tesseract refuses pictures of 32,768
_SECONDS = 20.0  # no line takes as long
_KEPT = 4  # Tesseract objects of one thread; some 20 MB each
# Without marks that say which way text runs, which follows from the text itself.
_CLEAN = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e"))
_MICRO, _MU = "\u00b5", "\u03bc"  # drawn alike; Greek data takes one for the other


@once
def library() -> ModuleType:
    """``tesserocr``, told to compute in the thread that calls it.

    Raises:
        OcrEngineError: It does not load.
    """
    name = "OMP_THREAD_LIMIT"
    before = os.environ.get(name)
    # OpenMP looks when it is loaded; what the host's other libraries do is not ours to say.
    os.environ[name] = "1"
    try:
        return import_module("tesserocr")
    except (ImportError, OSError) as error:
        raise OcrEngineError(
            f"expected the library tesserocr, which does not load: {error}; "
            "install it again: pip install --force-reinstall tesserocr"
        ) from error
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


class Tesseract:
    """Reads crops of lines in one or several languages."""

    def __init__(self, languages: tuple[Language, ...]) -> None:
        """Looks whether library and data are there; they are loaded on first use.

        Args:
            languages: At least one, the most important first.

        Raises:
            OcrLanguageNotInstalled: One of them cannot be read here.
        """
        lacking = missing(languages)
        if lacking:
            raise not_installed(lacking)
        self.languages = languages

    def read(
        self,
        crop: np.ndarray,
        allowed: frozenset[str] | None = None,
    ) -> Reading:
        """Reads one crop of text.

        Args:
            crop: (H, W) or (H, W, 3) uint8 in its natural proportions, best `HEIGHT` high.
            allowed: Characters that may occur; None for all that the languages have.

        Returns:
            The characters from left to right as they stand, also those of text that is read from
            right to left.

        Raises:
            OcrEngineError: The data is damaged, or Tesseract failed.
        """
        grey = crop if crop.ndim == 2 else cv2.extractChannel(crop, 1)
        if min(grey.shape) < _LEAST or int(grey.max()) - int(grey.min()) < _FAINT:
            return _reading([], 1)
        clean = _cleaned(grey)
        api = _objects.get(self.languages)
        # Of a list without the space it would make one word.
        listed = "" if allowed is None else "".join(sorted({*allowed, " "}))
        try:
            api.SetVariable("tessedit_char_whitelist", listed)
            words = _words(api, clean, _SECONDS)
        except (RuntimeError, UnicodeError) as error:
            raise OcrEngineError(f"Tesseract failed at a line: {error}") from error
        finally:
            api.Clear()
        reading = _reading(words, clean.shape[1])
        if any(language.script is Script.GREEK for language in self.languages):
            return replace(reading, text=reading.text.replace(_MICRO, _MU))
        return reading


def _cleaned(grey: np.ndarray) -> np.ndarray:
    """The crop as Tesseract reads it best: dark on white, and of this line only."""
    if grey.shape[1] > _WIDEST:
        grey = cv2.resize(grey, (_WIDEST, grey.shape[0]), interpolation=cv2.INTER_AREA)
    ink = all_ink(grey)
    if cv2.mean(grey, ink)[0] > cv2.mean(grey, 1 - ink)[0]:
        grey = 255 - grey
    return _without_neighbours(_on_white(grey))


def _on_white(grey: np.ndarray) -> np.ndarray:
    """Divides by the ground, whose light may change along the line."""
    side = len(grey)
    smooth = cv2.GaussianBlur(grey, (0, 0), _GRAIN)
    ground = cv2.morphologyEx(
        smooth, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE
    )
    ground = np.maximum(cv2.GaussianBlur(ground, (0, 0), side / 4), _DARKEST)
    return cv2.divide(grey, ground, scale=255)


def _without_neighbours(grey: np.ndarray) -> np.ndarray:
    """Wipes out what shows of the lines above and below, but no strokes as long as rules.

    Those are letters in some scripts.
    """
    ink = all_ink(grey)
    own = ink.copy()
    wipe_neighbours(own)
    if (ink != own).any():
        around = np.ones((3, 3), np.uint8)
        other = cv2.dilate(cv2.subtract(ink, own), around)
        other[cv2.dilate(own, around) > 0] = 0
        grey[other > 0] = 255
    return grey


class _Objects(threading.local):
    """The Tesseract objects of a thread, which end with it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, ...], Any] = OrderedDict()

    def get(self, languages: tuple[Language, ...]) -> Any:  # noqa: ANN401  # may be another version's
        """The object for some languages, made if this thread has none."""
        paths = tuple(path for each in languages if (path := find(each)) is not None)
        if len(paths) < len(languages):
            raise not_installed(missing(languages))
        if paths not in self._kept:
            self._kept[paths] = _load(languages, paths)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)[1].End()
        self._kept.move_to_end(paths)
        return self._kept[paths]


_objects = _Objects()


def _load(languages: tuple[Language, ...], paths: tuple[Path, ...]) -> Any:  # noqa: ANN401
    """A Tesseract object that has read its data."""
    tesserocr = library()
    # Tesseract wants all data in one folder, and looks at it only now.
    with TemporaryDirectory(prefix="ocrloom-") as folder:
        for language, path in zip(languages, paths, strict=True):
            _check(language, path)
            _link(path, Path(folder, file_name(language)))
        try:
            return tesserocr.PyTessBaseAPI(
                path=folder,
                lang="+".join(str(language.tesseract) for language in languages),
                psm=tesserocr.PSM.SINGLE_LINE,
                oem=tesserocr.OEM.LSTM_ONLY,
                variables={"debug_file": os.devnull},
            )
        except RuntimeError as error:
            raise OcrEngineError(f"Tesseract failed to load {paths}: {error}") from error


def _check(language: Language, path: Path) -> None:
    """Refuses a file that cannot be read, or is no data that Tesseract can use."""
    try:
        with path.open("rb"):
            pass
        sound = is_sound(language, path)
    except OSError as error:
        raise OcrEngineError(
            f"{path}: expected language data, got {error.strerror}; make it a file that you may "
            "read, or remove it"
        ) from error
    if not sound:
        raise OcrEngineError(
            f"{path}: expected language data for Tesseract 4 or later, found something else or a "
            f"damaged file; fetch it again: ocrloom languages add {language.code}"
        )


def _link(path: Path, link: Path) -> None:
    """Puts a file into another folder."""
    try:
        link.symlink_to(path.resolve())
    except OSError:  # Windows lets few users make links
        shutil.copyfile(path, link)


class _Symbol(NamedTuple):
    """What is drawn as one: a character with its marks."""

    text: str
    left: int
    right: int
    confidence: float


class _TextWord(NamedTuple):
    """Symbols without a space between them."""

    left: int
    spaced: bool
    """Whether there is a space on its left."""
    symbols: list[_Symbol]
    """From left to right."""

    def moved(self, right: int) -> _TextWord:
        """The same word elsewhere."""
        symbols = [
            symbol._replace(left=symbol.left + right, right=symbol.right + right)
            for symbol in self.symbols
        ]
        return _TextWord(self.left + right, self.spaced, symbols)


def _words(api: Any, clean: np.ndarray, seconds: float) -> list[_TextWord]:  # noqa: ANN401
    """What stands in a line, from left to right; nothing if the time is over.

    Tesseract is asked to find the line in the crop first, which reads best. It finds none where
    letters hang together in an unusual way, as in a quarter of drawn Arabic lines; then it takes
    the crop's ink for the line as it is.
    """
    psm = library().PSM
    words = _recognised(api, clean, _MARGIN, psm.SINGLE_LINE, seconds)
    ink = all_ink(clean)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if words or len(columns) < _LONG * len(rows):
        return words
    top, left = rows[0], columns[0]
    inked = clean[top : rows[-1] + 1, left : columns[-1] + 1]
    found = _recognised(api, inked, 1, psm.RAW_LINE, seconds)
    return [word.moved(int(left)) for word in found]


def _recognised(
    api: Any,  # noqa: ANN401
    image: np.ndarray,
    margin: int,
    mode: int,
    seconds: float,
) -> list[_TextWord]:
    """The words that Tesseract finds in an image, from left to right.

    Args:
        api: The Tesseract object.
        image: (H, W) uint8, dark on white.
        margin: Pixels of white to put around it.
        mode: What it is of, a page segmentation mode.
        seconds: After how long to give up.
    """
    height, width = (side + 2 * margin for side in image.shape)
    page = np.full((height, width), 255, np.uint8)
    page[margin:-margin, margin:-margin] = image
    api.SetPageSegMode(mode)
    api.SetImageBytes(page.tobytes(), width, height, 1, width)
    if not api.Recognize(max(1, round(1000 * seconds))):
        return []
    return sorted((word.moved(-margin) for word in _found(api)), key=lambda word: word.left)


def _found(api: Any) -> Iterator[_TextWord]:  # noqa: ANN401
    """The words that were recognised, in reading order."""
    levels = library().RIL
    iterator = api.GetIterator()
    if iterator is None or iterator.Empty(levels.SYMBOL):
        return
    symbols: list[_Symbol] = []
    left, spaced = 0, False
    for each in library().iterate_level(iterator, levels.SYMBOL):
        if each.IsAtBeginningOf(levels.WORD):
            if symbols:
                yield _TextWord(left, spaced, _as_drawn(symbols))
            symbols = []
            left, *_ = each.BoundingBox(levels.WORD) or (0,)
            spaced = each.BlanksBeforeWord() > 0
        box = each.BoundingBox(levels.SYMBOL)
        text = each.GetUTF8Text(levels.SYMBOL).translate(_CLEAN)
        if text and box:
            # The word's: symbols of gibberish have nearly as much as those of text, and what
            # another recogniser or another way up reads better must be told by it.
            confidence = each.Confidence(levels.WORD) / 100
            _add(symbols, _Symbol(text, box[0], box[2], confidence))
    if symbols:
        yield _TextWord(left, spaced, _as_drawn(symbols))


def _add(symbols: list[_Symbol], found: _Symbol) -> None:
    """Adds a symbol, or a mark to the symbol before it: its own place is often wrong."""
    if symbols and is_mark(found.text):
        symbols[-1] = symbols[-1]._replace(text=symbols[-1].text + found.text)
    else:
        symbols.append(found)


def _as_drawn(symbols: list[_Symbol]) -> list[_Symbol]:
    """The symbols of a word from left to right, given those in reading order."""
    return [symbols[i] for i in turned([symbol.text for symbol in symbols])]


def _reading(words: list[_TextWord], width: int) -> Reading:
    """Puts words together.

    Args:
        words: From left to right.
        width: Pixels of the crop.
    """
    texts: list[str] = []
    places: list[tuple[int, int, float]] = []
    for word in words:
        if texts and word.spaced:
            texts.append(" ")
            places.append((places[-1][1], word.left, word.symbols[0].confidence))
        for symbol in word.symbols:
            texts.append(symbol.text)
            places += [symbol[1:]] * len(symbol.text)
    lefts, rights, confidences = np.array(places, float).reshape(-1, 3).T
    # Where a symbol's place was not found it is the word's: its neighbours bound it then.
    starts = np.maximum.accumulate(lefts) / max(1, width)
    ends = np.minimum.accumulate(rights[::-1])[::-1] / max(1, width)
    return Reading(
        "".join(texts),
        starts.clip(0, 1),
        ends.clip(0, 1),
        confidences.clip(0, 1),
        recogniser=TESSERACT,
    )
