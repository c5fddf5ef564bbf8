"""Eight-bit arithmetic for the layers that take most of the time.

Four fifths of a recogniser's time go into 1 × 1 convolutions. With their inputs and weights
rounded to eight bits, and everything else left as it is, the network takes 0.68 of the time it
takes in bf16, and errors stay as they are. Rounding every layer costs accuracy and gains no more.

The rounding needs to know how large each layer's inputs get. ``activations.json`` holds these
bounds; ``python -m benchmarks calibrate`` measures them again on the project's own sample pages.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import openvino

    from ocrloom.vision.models import Model

__all__ = ["activation_bounds", "eight_bits_pay", "heavy_convolutions", "quantise"]

_AVX512_VNNI = 23  # OpenCV's number for the instructions, cv::CpuFeatures::CPU_AVX_512VNNI
_MIN_WEIGHTS = 96 * 96  # smaller layers lose more in conversions than they gain


def eight_bits_pay() -> bool:
    """Whether the CPU multiplies bytes natively and without overflow (AVX-512 VNNI)."""
    return bool(cv2.checkHardwareSupport(_AVX512_VNNI))


def activation_bounds(card: Model) -> Mapping[str, float]:
    """Largest magnitude of each rounded layer's input, by the layer's name in the model file."""
    text = files(__package__).joinpath("activations.json").read_text(encoding="utf-8")
    bounds: Mapping[str, float] = json.loads(text)[card.file]
    return bounds


def heavy_convolutions(model: openvino.Model) -> Iterator[openvino.Node]:
    """The 1 × 1 convolutions over images that are worth rounding.

    Args:
        model: A model with a static input shape.
    """
    for op in model.get_ordered_ops():
        if op.get_type_name() != "Convolution":
            continue
        weights, image = op.input_value(1).get_shape(), op.input_value(0).get_shape()
        heavy = list(weights[2:]) == [1, 1] and weights[0] * weights[1] >= _MIN_WEIGHTS
        # Pooled vectors and sequences, one row high, are few numbers.
        if heavy and image[2] > 1:
            yield op


def quantise(model: openvino.Model, bounds: Mapping[str, float]) -> None:
    """Rounds inputs and weights of the named convolutions to eight bits, in place.

    The runtime turns the rounding nodes into byte arithmetic when it compiles the model.

    Args:
        model: The model as it was read.
        bounds: Largest magnitude of each layer's input, by the layer's name.
    """
    from openvino import opset13 as ops

    for op in model.get_ordered_ops():
        bound = bounds.get(op.get_friendly_name())
        if bound is None:
            continue
        # -128..127 for the inputs, one scale for all; -127..127 for the weights, one scale for
        # each channel.
        low, high = _constants(
            np.full((1, 1, 1, 1), -bound), np.full((1, 1, 1, 1), bound * 127 / 128)
        )
        rounded = ops.fake_quantize(op.input_value(0), low, high, low, high, 256)
        op.input(0).replace_source_output(rounded.output(0))
        weights = op.input_value(1).get_node().data
        largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
        low, high = _constants(-largest, largest)
        rounded = ops.fake_quantize(ops.constant(weights), low, high, low, high, 255)
        op.input(1).replace_source_output(rounded.output(0))
    model.validate_nodes_and_infer_types()


def _constants(*arrays: np.ndarray) -> list[openvino.Node]:
    from openvino import opset13 as ops

    return [ops.constant(array.astype(np.float32)) for array in arrays]
