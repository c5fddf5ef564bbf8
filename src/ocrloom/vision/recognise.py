"""Reading crops of text lines with PP-OCRv6, its output layer cut down to an alphabet.

The output layer knows 18,710 classes. For each alphabet that is needed the network is compiled with
only its columns of that layer, which takes a third off the time and keeps look-alikes of other
scripts out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ocrloom.errors import OcrEngineError
from ocrloom.once import once
from ocrloom.vision.ctc import Reading, collapse, lattice_of
from ocrloom.vision.letters import Spelling
from ocrloom.vision.models import RECOGNISER, verified_path
from ocrloom.vision.quantise import eight_bits_pay, quantise, roundings
from ocrloom.vision.runtime import Network, core, network_input, openvino_module

if TYPE_CHECKING:
    import openvino

    from ocrloom.vision.alphabets import Alphabet

__all__ = ["dictionary", "read"]


@once
def _model() -> openvino.Model:
    model = core().read_model(verified_path(RECOGNISER))
    if eight_bits_pay():
        quantise(model, roundings(RECOGNISER))
    return model


@once
def dictionary() -> tuple[str, ...]:
    """The recogniser's characters in the order of its classes; class 0, the blank, is ``""``."""
    listed = _model().get_rt_info(["framework", "character"]).astype(str)
    return ("", *listed.split("\n"), " ")


@once
def _last_layer() -> tuple[openvino.Output, np.ndarray, np.ndarray]:
    """The features that enter the output layer, its weights (120, K) and its bias (K,)."""
    product = [op for op in _model().get_ordered_ops() if op.get_type_name() == "MatMul"][-1]
    (target,) = product.output(0).get_target_inputs()
    weights = product.input_value(1).get_node().data
    bias = target.get_node().input_value(1).get_node().data
    if weights.shape[1] != len(dictionary()):
        raise OcrEngineError(
            f"the recogniser has {weights.shape[1]} classes, its dictionary {len(dictionary())}"
        )
    return product.input_value(0), weights, bias.reshape(-1)


@once
def _network(wanted: frozenset[str]) -> tuple[Network, np.ndarray]:
    """The network that ends in the probabilities of some characters, and these by class."""
    from openvino import opset13 as ops

    features, weights, bias = _last_layer()
    known = dictionary()
    classes = np.array([0, *(i for i, c in enumerate(known) if i and c in wanted)], np.int64)
    scores = ops.add(
        ops.matmul(features, ops.constant(np.ascontiguousarray(weights[:, classes])), False, False),
        ops.constant(bias[classes]),
    )
    model = openvino_module().Model(
        [ops.softmax(scores, 2).output(0)], _model().get_parameters(), "recogniser"
    )
    return Network(model), np.array(known, dtype=object)[classes]


@once
def _spelling(alphabet: Alphabet) -> Spelling:
    _, characters = _network(alphabet.characters)
    return Spelling(characters.tolist(), alphabet.letters or frozenset())


def read(crop: np.ndarray, alphabet: Alphabet) -> Reading:
    """Reads one crop of text.

    Args:
        crop: (48, W) or (48, W, 3) BGR uint8, W one of ``ocrloom.vision.widths.WIDTHS``.
        alphabet: Characters that may occur.

    Raises:
        OcrEngineError: The runtime failed.
    """
    network, characters = _network(alphabet.characters)
    (probabilities,) = network(network_input(crop))
    # NumPy finds the best in a twelfth of the time that the runtime takes.
    if alphabet.letters is None:
        classes = probabilities[0].argmax(axis=1)
    else:
        classes = _spelling(alphabet).settle(probabilities[0])
    spaces = probabilities[0][:, characters == " "].max(axis=1, initial=0.0)
    best = probabilities[0, np.arange(len(classes)), classes]
    return collapse(classes, best, characters, spaces, lattice_of(probabilities[0], characters))
