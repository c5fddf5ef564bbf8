"""The recognition models: what they are, where they lie, and whether they are unchanged.

PP-OCRv6 (PaddlePaddle, Apache-2.0, https://github.com/PaddlePaddle/PaddleOCR) in its small size,
as ONNX files carried by the PyPI package ``rapidocr``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ocrloom.errors import OcrEngineError
from ocrloom.once import once

__all__ = ["DETECTOR", "RECOGNISER", "Model", "locate", "verified_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model card: the file, its licence and the input that it wants."""

    name: str
    file: str
    sha256: str
    licence: str
    input_spec: str


DETECTOR = Model(
    name="PP-OCRv6 small detection",
    file="PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    licence="Apache-2.0",
    input_spec="(1, 3, H, W) float32, H and W multiples of 32, values in -1..1",
)
RECOGNISER = Model(
    name="PP-OCRv6 small recognition",
    file="PP-OCRv6_rec_small.onnx",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
    licence="Apache-2.0",
    input_spec="(1, 3, 48, W) float32, one time step every 8 pixels of W, values in -1..1",
)


def locate(model: Model) -> Path:
    """Path of the model's file inside the installed package; the package is not imported.

    Raises:
        OcrEngineError: The package or the file is missing.
    """
    spec = find_spec("rapidocr")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        path = Path(folder) / "models" / model.file
        if path.is_file():
            return path
    raise OcrEngineError(
        f"model file {model.file} expected in the installed package 'rapidocr', found none; "
        "install it again: pip install --force-reinstall 'rapidocr==3.10.*'"
    )


@once
def verified_path(model: Model) -> Path:
    """Path of the model's file after its SHA-256 was compared, once a process.

    Raises:
        OcrEngineError: The file is missing, unreadable or changed.
    """
    path = locate(model)
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OcrEngineError(f"model file {path} cannot be read: {error.strerror}") from error
    if found != model.sha256:
        raise OcrEngineError(
            f"model file {path} was changed: SHA-256 {model.sha256} expected, {found} found; "
            "install it again: pip install --force-reinstall 'rapidocr==3.10.*'"
        )
    return path
