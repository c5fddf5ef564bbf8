"""Eight-bit arithmetic for the layers that take most of the time.

Nine tenths of a recogniser's multiplications are in its 1 × 1 convolutions and in the three
convolutions at its start. With their inputs and weights rounded to eight bits, and everything else
left as it is, the network takes 0.59 of the time it takes in bf16, and errors stay as they are.
Rounding every layer costs accuracy and gains no more. What it takes to get there, in milliseconds
of one inference 1,024 pixels wide on a Zen 4 (34.6 in bf16):

====  =============================================================================================
23.8  the 1 × 1 convolutions rounded
23.4  tensors with other readers rounded through an operation that the runtime can fuse: ``_round``
21.5  GELU replaced by cheaper operations: ``gelu_like``; the last one stays, which adds 0.1
20.3  the convolutions at the start rounded, that of a concatenation in parts: ``split``; and the
      best characters found by NumPy
====  =============================================================================================

The rounding needs to know how large each layer's inputs get, and the replaced GELU what corrects it
best. ``activations.json`` holds these figures; ``python -m benchmarks calibrate`` measures them
again on the project's own sample pages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from importlib.resources import files
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ocrloom.errors import OcrEngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import openvino

    from ocrloom.vision.models import Model

__all__ = [
    "Rounding",
    "eight_bits_pay",
    "gelu_input",
    "gelu_like",
    "heavy_convolutions",
    "quantise",
    "rounded_port",
    "roundings",
    "split",
]

_AVX512_VNNI = 23  # OpenCV's number for the instructions, cv::CpuFeatures::CPU_AVX_512VNNI
# Multiplications for each pixel of the input's width; smaller layers lose more in conversions
# than they gain.
_HEAVY = 20_000

# gelu_like: found by minimising the squared error over the values that GELU gets in the recogniser.
_SCALE, _OFFSET, _SLOPE, _SHIFT = 2.1214, 1.7801, 0.4363, -1.7881
_LOWEST = -0.375  # of a hard-swish


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """How the inputs of one convolution are rounded."""

    bound: float
    """Largest magnitude that is told apart from larger ones."""
    gains: tuple[float, ...] = ()
    """What ``gelu_like`` of each channel is multiplied by in place of a GELU; none: it stays."""
    offsets: tuple[float, ...] = ()
    """What is added then."""


def eight_bits_pay() -> bool:
    """Whether the CPU multiplies bytes natively and without overflow (AVX-512 VNNI)."""
    return bool(cv2.checkHardwareSupport(_AVX512_VNNI))


def roundings(card: Model) -> Mapping[str, Rounding]:
    """The roundings of a model's layers, by the names of the convolutions after ``split``."""
    text = files(__package__).joinpath("activations.json").read_text(encoding="utf-8")
    return {
        name: Rounding(
            bound=layer["bound"],
            gains=tuple(layer.get("gains", ())),
            offsets=tuple(layer.get("offsets", ())),
        )
        for name, layer in json.loads(text)[card.file].items()
    }


def gelu_like(values: np.ndarray) -> np.ndarray:
    """What stands in for GELU: a hard-swish of a leaky ReLU.

    Times 0.468 plus 0.005 it is GELU with a root mean square error of 0.005 over the values that
    occur, about what rounding GELU itself to eight bits costs, and less than 0.04 off below 1.
    With the gain and the offset that suit each channel it reads as well as GELU does. GELU's error
    function takes an eighth of the recogniser's time, this a third of that. A hard-swish alone is
    three times as far off and doubles the recogniser's deviations.

    Args:
        values: Any shape, float.
    """
    bent = _SCALE * values + _OFFSET
    bent = np.where(bent > 0, bent, _SLOPE * bent) + _SHIFT
    swished: np.ndarray = bent * np.clip(bent + 3, 0, 6) / 6
    return swished


def split(model: openvino.Model) -> None:
    """Parts convolutions over a concatenation into sums of one for each of its inputs, in place.

    Inputs of different sizes need different scales; and nothing has to be copied together.
    The parts are named after the convolution: ``NAME/0``, ``NAME/1`` and so on.
    """
    from openvino import opset13 as ops

    for op in model.get_ordered_ops():
        if op.get_type_name() != "Convolution":
            continue
        joined = _source(op.input_value(0))
        if joined.get_type_name() != "Concat" or joined.get_attributes()["axis"] != 1:
            continue
        how = op.get_attributes()
        weights = _constant(op.input_value(1))
        start, parts = 0, []
        for number, part in enumerate(joined.input_values()):
            stop = start + part.get_partial_shape()[1].get_length()
            convolved = ops.convolution(
                part,
                ops.constant(np.ascontiguousarray(weights[:, start:stop])),
                how["strides"],
                how["pads_begin"],
                how["pads_end"],
                how["dilations"],
                how["auto_pad"],
            )
            convolved.set_friendly_name(f"{op.get_friendly_name()}/{number}")
            parts.append(convolved)
            start = stop
        total = reduce(ops.add, parts)
        for target in op.output(0).get_target_inputs():
            target.replace_source_output(total.output(0))
    model.validate_nodes_and_infer_types()


def heavy_convolutions(model: openvino.Model) -> Iterator[openvino.Node]:
    """The convolutions that are worth rounding.

    Args:
        model: A model with a static input shape.
    """
    width = model.inputs[0].get_shape()[3]
    for op in model.get_ordered_ops():
        if op.get_type_name() == "Convolution":
            image, weights = op.get_output_shape(0), op.input_value(1).get_shape()
            if np.prod(image) * np.prod(weights[1:]) >= _HEAVY * width:
                yield op


def rounded_port(convolution: openvino.Node) -> openvino.Input:
    """The input at which the values that enter a convolution are best rounded.

    It is the convolution's own, or that of a maximum before it: the result is the same and others
    that read the same values share it.
    """
    before = _source(convolution.input_value(0))
    return before.input(0) if before.get_type_name() == "MaxPool" else convolution.input(0)


def gelu_input(output: openvino.Output) -> openvino.Output | None:
    """What GELU is taken of, if the output is a GELU as the models spell it, else None.

    They say ``x * (1 + erf(x / 1.414)) * 0.5``.
    """
    node = output.get_node()
    for kind, port in (("Multiply", 0), ("Multiply", 1), ("Add", 0), ("Erf", 0), ("Divide", 0)):
        if node.get_type_name() != kind:
            return None
        entered = node.input_value(port)
        node = entered.get_node()
    return entered


def quantise(model: openvino.Model, layers: Mapping[str, Rounding]) -> None:
    """Rounds inputs and weights of the named convolutions to eight bits, in place.

    The runtime turns the rounding nodes into byte arithmetic when it compiles the model.

    Args:
        model: The model as it was read.
        layers: How to round, by the names of the convolutions after ``split``.
    """
    split(model)
    found = [op for op in model.get_ordered_ops() if op.get_friendly_name() in layers]
    for convolution in found:
        layer = layers[convolution.get_friendly_name()]
        if layer.gains:
            _replace_gelu(convolution, np.array(layer.gains), np.array(layer.offsets))
    ports: dict[str, list[openvino.Input]] = {}
    bounds: dict[str, float] = {}
    for convolution in found:
        _round_weights(convolution)
        port = rounded_port(convolution)
        name = port.get_source_output().get_node().get_friendly_name()
        ports.setdefault(name, []).append(port)
        bounds[name] = layers[convolution.get_friendly_name()].bound
    for name, readers in ports.items():
        _round(readers, bounds[name])
    model.validate_nodes_and_infer_types()


def _round(readers: list[openvino.Input], bound: float) -> None:
    """Rounds what these inputs read, all of them the same, in 256 steps."""
    from openvino import opset13 as ops

    values = readers[0].get_source_output()
    kind = _source(values).get_type_name()
    if kind == "Relu":
        low, high = 0.0, bound
    elif kind == "HSwish":
        low, high = _LOWEST, bound
    else:
        low, high = -bound, bound * 127 / 128
    if len(values.get_target_inputs()) > len(readers):
        # The runtime fuses rounding into what makes the values, but not where others read them
        # too: there it converts back and forth. So it gets something to fuse into, that changes
        # nothing.
        values = ops.maximum(values, _scalar(low)).output(0)
    # Bytes without sign are the faster ones: the next layer's bias makes up for the shift.
    shift = -low if kind == "HSwish" else 0.0
    limits = [_scalar(limit) for limit in (low, high, low + shift, high + shift)]
    rounded = ops.fake_quantize(values, *limits, 256)
    for reader in readers:
        reader.replace_source_output(rounded.output(0))


def _round_weights(convolution: openvino.Node) -> None:
    """Rounds weights to -127..127, with one scale for each channel."""
    from openvino import opset13 as ops

    weights = _constant(convolution.input_value(1))
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    low, high = ops.constant(-largest), ops.constant(largest)
    rounded = ops.fake_quantize(ops.constant(weights), low, high, low, high, 255)
    convolution.input(1).replace_source_output(rounded.output(0))


def _replace_gelu(convolution: openvino.Node, gains: np.ndarray, offsets: np.ndarray) -> None:
    """Puts ``gelu_like`` in place of the GELU before a 1 × 1 convolution.

    Scales and constants go into the weights and biases of the convolutions around it, also the
    shift that makes the result positive.
    """
    from openvino import opset13 as ops

    values = gelu_input(convolution.input_value(0))
    if values is None:
        raise OcrEngineError(
            f"a GELU expected before {convolution.get_friendly_name()}; "
            "measure again: python -m benchmarks calibrate"
        )
    biased = _source(values)
    _change(biased.input_value(0).get_node().input(1), lambda weights: weights * _SCALE)
    _change(biased.input(1), lambda bias: bias * _SCALE + _OFFSET)
    bent = ops.add(ops.prelu(values, _scalar(_SLOPE)), _scalar(_SHIFT))
    convolution.input(0).replace_source_output(ops.hswish(bent).output(0))
    added = _constant(convolution.input_value(1))[:, :, 0, 0] @ (offsets + _LOWEST * gains)
    _change(convolution.input(1), lambda weights: weights * gains.reshape(1, -1, 1, 1))
    (following,) = convolution.output(0).get_target_inputs()
    _change(following.get_node().input(1), lambda bias: bias + added.reshape(bias.shape))


def _source(output: openvino.Output) -> openvino.Node:
    """The node that makes the values, behind nodes that only hand them on."""
    node = output.get_node()
    while node.get_type_name() == "Identity":
        node = node.input_value(0).get_node()
    return node


def _constant(output: openvino.Output) -> np.ndarray:
    values: np.ndarray = output.get_node().data
    return values


def _change(port: openvino.Input, change: Callable[[np.ndarray], np.ndarray]) -> None:
    from openvino import opset13 as ops

    changed = change(_constant(port.get_source_output())).astype(np.float32)
    port.replace_source_output(ops.constant(changed).output(0))


def _scalar(value: float) -> openvino.Node:
    from openvino import opset13 as ops

    return ops.constant(np.full((1, 1, 1, 1), value, np.float32))
