"""What may go wrong while a file is written."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pikepdf

from ocrloom.errors import OcrOutputError
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["writing"]


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Makes of what a full disk or a missing folder raises what ocrloom raises.

    Raises:
        OcrOutputError: The file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise _unwritten(target, error.strerror or str(error)) from error
    except pikepdf.PdfError as error:
        # What the system says when a disk is full comes as text.
        reason = os.strerror(errno.ENOSPC)
        raise _unwritten(target, reason if reason in str(error) else str(error)) from error


def _unwritten(target: Path, reason: str) -> OcrOutputError:
    return OcrOutputError(
        f"{shown(str(target.parent))}: a PDF cannot be written there: {reason}; check the folder's "
        "permissions and its disk"
    )
