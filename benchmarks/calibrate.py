"""Measures the activation bounds that eight-bit arithmetic needs, on the project's samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import ocrloom.vision
from ocrloom.image import Image
from ocrloom.vision.crops import cut
from ocrloom.vision.models import RECOGNISER, verified_path
from ocrloom.vision.page import find_boxes
from ocrloom.vision.quantise import heavy_convolutions
from ocrloom.vision.runtime import core, network_input, openvino_module
from ocrloom.vision.widths import network_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import openvino

__all__ = ["calibrate"]

_STATIC = [1, 3, 48, 960]  # any width: only whether a layer has rows matters
_EVERY = 4  # a quarter of the lines tells as much as all of them
_SHARE = 99.99  # percentile of the magnitudes; the few above it may be cut


def calibrate(samples: Sequence[Path]) -> Path:
    """Measures the bounds on these images and writes them into the package.

    Args:
        samples: Image files; the project's own sample pages.

    Returns:
        The file that was written.
    """
    lines = []
    for path in samples:
        for frame in Image.load(path).frames():
            found = find_boxes(frame.pixels)
            for box in [box for box in found if box.width > 2 * box.height][::_EVERY]:
                crop = cut(frame.pixels, box, network_width(box.width, box.height))
                lines.append(network_input(crop.pixels))
    bounds = {RECOGNISER.file: _bounds(lines)}
    target = Path(ocrloom.vision.__path__[0]) / "activations.json"
    target.write_text(json.dumps(bounds, indent=1) + "\n", encoding="utf-8")
    return target


def _bounds(inputs: Sequence[np.ndarray]) -> dict[str, float]:
    """Mean over the inputs of each layer's bound: half way from its percentile to its maximum."""
    ov = openvino_module()
    model = core().read_model(verified_path(RECOGNISER))
    static = model.clone()
    static.reshape(_STATIC)
    names = [op.get_friendly_name() for op in heavy_convolutions(static)]
    by_name = {op.get_friendly_name(): op for op in model.get_ordered_ops()}
    outputs: list[openvino.Output] = [by_name[name].input_value(0) for name in names]
    probe = core().compile_model(
        ov.Model(outputs, model.get_parameters(), "probe"),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    found = np.array([list(_reach(probe([tensor]).values())) for tensor in inputs])
    return {
        name: round(float(bound), 4) for name, bound in zip(names, found.mean(axis=0), strict=True)
    }


def _reach(activations: Iterator[np.ndarray]) -> Iterator[float]:
    for array in activations:
        magnitude = np.abs(array)
        yield (float(np.percentile(magnitude, _SHARE)) + float(magnitude.max())) / 2
