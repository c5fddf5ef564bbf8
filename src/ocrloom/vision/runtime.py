"""The inference runtime: OpenVINO on the CPU, loaded on first use and shared by the process.

One inference uses one thread; as many run side by side as the process may use CPUs. Measured
on two cores: two single-threaded inferences at once do 1.97 times the work of one.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import platformdirs

from ocrloom.errors import OcrEngineError
from ocrloom.once import once
from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    import openvino

__all__ = ["Network", "cache_folder", "core", "network_input", "openvino_module", "precision"]


@once
def openvino_module() -> ModuleType:
    """The ``openvino`` module, imported so that it sends nothing home.

    Importing OpenVINO imports its model converter, which reports the import over the network
    when the package ``openvino_telemetry`` is there. With that name blocked during the import
    OpenVINO takes the silent stand-in that it carries for this case.

    Raises:
        OcrEngineError: OpenVINO is not installed or does not load on this machine.
    """
    name = "openvino_telemetry"
    blocked = name not in sys.modules
    if blocked:
        sys.modules[name] = None  # type: ignore[assignment]  # the documented way to block a name
    try:
        openvino = import_module("openvino")
    except (ImportError, OSError) as error:
        raise OcrEngineError(
            f"the inference runtime OpenVINO does not load: {error}; "
            "install it again: pip install --force-reinstall openvino"
        ) from error
    finally:
        if blocked:
            del sys.modules[name]
    # The first call fills a table that every inference reads, and two threads that fill it at once
    # lock each other out for good (OpenVINO 2026.4): so it is filled here, where only one can be.
    openvino.Type.f32.to_dtype()
    return openvino


def cache_folder() -> Path | None:
    """The user's cache folder for compiled models, made if needed; None where none can be."""
    folder = Path(platformdirs.user_cache_dir("ocrloom", appauthor=False)) / "compiled"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.touch()
    except OSError:
        return None
    return folder


@once
def core() -> openvino.Core:
    """The process's OpenVINO core, with compiled models kept in the user's cache folder."""
    runtime = openvino_module().Core()
    folder = cache_folder()
    if folder is not None:
        runtime.set_property({"CACHE_DIR": str(folder)})
    return runtime


@once
def precision() -> str:
    """``bf16`` where the CPU computes in it natively (1.6 to 2.9 times as fast), else ``f32``."""
    return "bf16" if "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"


def network_input(image: np.ndarray) -> np.ndarray:
    """An image as both networks want it.

    Args:
        image: (h, w) or (h, w, 3) BGR uint8.

    Returns:
        (1, 3, h, w) float32 in -1..1.
    """
    planes = cv2.dnn.blobFromImage(image, 1 / 127.5, mean=(127.5, 127.5, 127.5))
    return planes if image.ndim == 3 else np.repeat(planes, 3, axis=1)


class Network:
    """A compiled model with one input, called by many threads, each with its own request."""

    def __init__(self, model: openvino.Model) -> None:
        """Compiles; a copy from the cache folder is taken where there is one.

        Args:
            model: A model with one input of which some dimensions may be open.

        Raises:
            OcrEngineError: The runtime refused the model.
        """
        threads = usable_cpus()
        config = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "INFERENCE_PRECISION_HINT": precision(),
            # Pinned streams fight over one core when several processes run side by side.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            self._compiled = core().compile_model(model, "CPU", config)
        except RuntimeError as error:
            raise OcrEngineError(
                f"OpenVINO could not compile {model.get_friendly_name()}: {error}"
            ) from error
        self._local = threading.local()

    def __call__(
        self, array: np.ndarray, checkpoint: Callable[[], None] | None = None
    ) -> list[np.ndarray]:
        """Runs one inference.

        Args:
            array: The input, in the shape and dtype that the model declares.
            checkpoint: Called before and after. Not in between: where an inference is cancelled
                inside the network, OpenVINO has been seen to fail all that follow for shapes which
                their inputs do not have. The longest takes some tenths of a second.

        Returns:
            The outputs. They are views of the calling thread's buffers, overwritten by its
            next call.

        Raises:
            OcrEngineError: The inference failed.
        """
        request = getattr(self._local, "request", None) or self._new_request()
        if checkpoint is not None:
            checkpoint()
        try:
            # Handing the array to `infer` instead costs a tenth of a millisecond in Python.
            request.set_input_tensor(openvino_module().Tensor(array, shared_memory=True))
            request.infer()
        except RuntimeError as error:
            # It keeps what has failed.
            del self._local.request
            raise OcrEngineError(f"inference failed in OpenVINO: {error}") from error
        if checkpoint is not None:
            checkpoint()
        return [tensor.data for tensor in request.output_tensors]

    def _new_request(self) -> openvino.InferRequest:
        request = self._local.request = self._compiled.create_infer_request()
        return request
