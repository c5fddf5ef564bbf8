"""Whether language data that is not the release's can be loaded, found out in another process.

Damaged in some ways it would end the process that loads it.
"""

from __future__ import annotations

import os
import threading
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Final

from ocrloom.scheduling.helpers import HelperDied, HelperUnavailable, available, shared_helpers
from ocrloom.tessdata.release import entry, is_current

if TYPE_CHECKING:
    from pathlib import Path

    from ocrloom.languages import Language

__all__ = ["is_sound", "load"]

_PATIENCE: Final = 30.0  # seconds; it takes a fifth of one
_ROW: Final = (b"\xff" * 8 + b"\0" * 4) * 30  # of a picture that is not blank
_ROWS: Final = 40


def is_sound(language: Language, path: Path) -> bool:
    """Whether the data of a language can be loaded in this process.

    Args:
        language: Whose it is.
        path: The file, by the name that Tesseract expects.
    """
    return _is_known_sound(language, path, path.stat())


# A lock of their own, as asking takes long and other things are loaded meanwhile.
_lock = threading.Lock()
_known: dict[tuple[Path, int, int], bool] = {}


def _is_known_sound(language: Language, path: Path, stamp: os.stat_result) -> bool:
    key = path, stamp.st_mtime_ns, stamp.st_size
    with _lock:
        if key not in _known:
            expected = entry(language)
            _known[key] = (
                (expected is not None and is_current(path, expected))
                # Without helpers Tesseract's own judgement has to do.
                or not available()
                or _loads_elsewhere(str(path.parent), str(language.tesseract))
            )
        return _known[key]


def _forget_lock() -> None:
    """Gives a forked child a lock that no thread of its parent holds."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)


def _loads_elsewhere(folder: str, name: str) -> bool:
    end = monotonic() + _PATIENCE

    def checkpoint() -> None:
        if monotonic() > end:
            raise TimeoutError

    pool = shared_helpers()
    try:
        helper = pool.lease()
    except HelperUnavailable:
        return True
    try:
        helper.run(f"{__name__}:load", folder, name, checkpoint=checkpoint)
    except (HelperDied, RuntimeError, TimeoutError, UnicodeError):
        return False
    except HelperUnavailable:
        return True
    finally:
        pool.give_back(helper)
    return True


def load(folder: str, name: str) -> None:
    """Loads data and reads something with it; to be called in a helper.

    Raises:
        RuntimeError: Tesseract refuses it.
    """
    tesserocr = import_module("tesserocr")
    api = tesserocr.PyTessBaseAPI(
        path=folder,
        lang=name,
        psm=tesserocr.PSM.RAW_LINE,
        oem=tesserocr.OEM.LSTM_ONLY,
        variables={"debug_file": os.devnull},
    )
    api.SetImageBytes(_ROW * _ROWS, len(_ROW), _ROWS, 1, len(_ROW))
    api.Recognize(round(1000 * _PATIENCE))
    api.End()
