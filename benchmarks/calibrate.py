"""Measures the activation bounds that eight-bit arithmetic needs, on the project's samples."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import ocrloom.vision
from ocrloom.image import Image
from ocrloom.vision.crops import cut
from ocrloom.vision.models import RECOGNISER, verified_path
from ocrloom.vision.page import find_boxes
from ocrloom.vision.quantise import (
    gelu_input,
    gelu_like,
    heavy_convolutions,
    rounded_port,
    split,
)
from ocrloom.vision.runtime import core, network_input, openvino_module
from ocrloom.vision.widths import network_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    import openvino

__all__ = ["calibrate"]

_STATIC = [1, 3, 48, 960]  # any width
_EVERY = 2  # half of the lines tells as much as all of them
_SHARE = 99.99  # percentile of the magnitudes; the few above it may be cut
_MARGIN = 1.25  # of pages unlike the samples
# Share of a layer's variance that may be lost where GELU is replaced. More is lost at the last one
# only, where it makes spaces rarer: receipts are read a point worse.
_LOSS = 0.005


def calibrate(samples: Sequence[Path]) -> Path:
    """Measures how inputs are best rounded on these images and writes it into the package.

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
    layers = [
        f"  {json.dumps(name)}: {json.dumps(figures)}" for name, figures in _measured(lines).items()
    ]
    target = Path(ocrloom.vision.__path__[0]) / "activations.json"
    text = ",\n".join(layers)
    target.write_text(f'{{\n "{RECOGNISER.file}": {{\n{text}\n }}\n}}\n', encoding="utf-8")
    return target


def _measured(inputs: Sequence[np.ndarray]) -> dict[str, dict[str, object]]:
    """Bounds of each heavy layer's input, and for GELUs the gains and offsets of their stand-in."""
    model = core().read_model(verified_path(RECOGNISER))
    split(model)
    static = model.clone()
    static.reshape(_STATIC)
    heavy = {op.get_friendly_name() for op in heavy_convolutions(static)}
    layers = [_Layer(op) for op in model.get_ordered_ops() if op.get_friendly_name() in heavy]
    probed = [output for layer in layers for output in layer.probed]
    probe = core().compile_model(
        openvino_module().Model(probed, model.get_parameters(), "probe"),
        "CPU",
        {"INFERENCE_PRECISION_HINT": "f32"},
    )
    for tensor in inputs:
        found = iter(probe([tensor]).values())
        for layer in layers:
            layer.see(*islice(found, len(layer.probed)))
    return {layer.name: layer.figures() for layer in layers}


class _Layer:
    """What is measured of one layer's input."""

    def __init__(self, convolution: openvino.Node) -> None:
        self.name = convolution.get_friendly_name()
        before_gelu = gelu_input(convolution.input_value(0))
        self.probed = [rounded_port(convolution).get_source_output()]
        if before_gelu is not None:
            self.probed.append(before_gelu)
        self._reach: list[float] = []
        self._reach_like: list[float] = []
        self._sums = np.zeros(0)

    def see(self, values: np.ndarray, before_gelu: np.ndarray | None = None) -> None:
        """Counts one line's values, (1, C, h, w)."""
        self._reach.append(_reach(values))
        if before_gelu is not None:
            like = gelu_like(before_gelu)
            self._reach_like.append(_reach(like))
            products = (
                np.ones_like(like),
                like,
                values,
                like * like,
                like * values,
                values * values,
            )
            sums = np.stack([each.sum(axis=(0, 2, 3), dtype=np.float64) for each in products])
            self._sums = self._sums + sums if self._sums.size else sums

    def figures(self) -> dict[str, object]:
        """For ``ocrloom.vision.quantise.Rounding``: a least squares fit of every channel."""
        plain: dict[str, object] = {"bound": _bound(self._reach)}
        if not self._sums.size:
            return plain
        x, y, xx, xy, yy = self._sums[1:] / self._sums[0]
        gains = (xy - x * y) / (xx - x * x)
        variance = yy - y * y
        if (variance - gains * (xy - x * y)).sum() > _LOSS * variance.sum():
            return plain
        return {
            "bound": _bound(self._reach_like),
            "gains": gains.round(3).tolist(),
            "offsets": (y - gains * x).round(4).tolist(),
        }


def _reach(values: np.ndarray) -> float:
    """Half way from the percentile of the magnitudes to their maximum."""
    magnitude = np.abs(values)
    return float(np.percentile(magnitude, _SHARE) + magnitude.max()) / 2


def _bound(reach: Sequence[float]) -> float:
    return round(float(np.mean(reach)) * _MARGIN, 3)
