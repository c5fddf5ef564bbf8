"""A corpus: a folder with NAME.tif (or png, jpg, …) and NAME.gt.txt for every source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["CorpusError", "Sample", "load", "repeat_to", "single_frames", "spread"]

TRUTH_SUFFIX = ".gt.txt"
# In order of preference where a name has several images.
IMAGE_SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".jp2")


class CorpusError(Exception):
    """The folder is no corpus; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One source and what stands on it."""

    name: str
    path: Path
    truth: str


def load(folder: Path, only: str = "*") -> list[Sample]:
    """Find the sources of a corpus, ordered by name.

    Args:
        folder: Holds NAME.gt.txt with an image NAME.* beside each.
        only: Shell pattern that names must match, such as ``deu-*``.

    Raises:
        CorpusError: If there is no truth, or a truth without an image.
    """
    truths = sorted(folder.glob(f"{only}{TRUTH_SUFFIX}"))
    if not truths:
        raise CorpusError(f"expected {only}{TRUTH_SUFFIX} files in {folder}, found none")
    samples = []
    for truth in truths:
        name = truth.name.removesuffix(TRUTH_SUFFIX)
        path = _image_of(folder, name)
        # A page left out silently would change the mean.
        if path is None:
            raise CorpusError(f"{truth.name} has no image {name}.* beside it in {folder}")
        samples.append(Sample(name, path, truth.read_text(encoding="utf-8")))
    return samples


def spread(samples: Sequence[Sample], count: int | None) -> list[Sample]:
    """Pick that many samples, evenly from the whole list, as names often group the kinds."""
    if count is None or count >= len(samples):
        return list(samples)
    return [samples[index * len(samples) // count] for index in range(count)]


def repeat_to(samples: Sequence[Sample], count: int) -> list[Sample]:
    """Repeat a short list up to that many samples; pick from a longer one."""
    if count <= len(samples):
        return spread(samples, count)
    return [samples[index % len(samples)] for index in range(count)]


def single_frames(samples: Sequence[Sample]) -> list[Sample]:
    """Leave out sources of several frames: a system that reads only the first would look fast."""
    return [sample for sample in samples if _frame_count(sample.path) == 1]


def _image_of(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for suffix in IMAGE_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _frame_count(path: Path) -> int:
    with Image.open(path) as image:
        return getattr(image, "n_frames", 1)
