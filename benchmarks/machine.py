"""What a run was measured on and with, so that published figures can be traced."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# Peers must get as many cores as ocrloom takes, so there is one way of counting them.
from ocrloom.scheduling.cpus import usable_cpus

__all__ = ["Machine", "describe", "versions"]

PACKAGES = ("ocrloom", "openvino", "rapidocr", "onnxruntime", "opencv-python-headless", "numpy")


@dataclass(frozen=True, slots=True)
class Machine:
    """The part of a machine that figures depend on. Holds no names of hosts or people."""

    cpu: str
    cores: int
    """Logical cores of the machine."""
    usable_cores: int
    """Logical cores that this process may use."""
    system: str
    python: str
    load: float | None
    """Processes waiting for a core in the minute before the run; None where not known."""
    precisions: tuple[str, ...]
    """What OpenVINO can compute in natively on this CPU, such as BF16; empty where not known."""

    def sentence(self) -> str:
        """Describe the machine in one line for people."""
        load = "" if self.load is None else f", load {self.load:.1f} before the run"
        precisions = f", {' '.join(self.precisions)}" if self.precisions else ""
        return (
            f"{self.cpu}, {self.usable_cores} of {self.cores} logical cores{precisions}, "
            f"{self.system}, Python {self.python}{load}"
        )


def describe() -> Machine:
    """Describe this machine."""
    return Machine(
        cpu=_cpu_model(),
        cores=os.cpu_count() or 1,
        usable_cores=usable_cpus(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        precisions=_precisions(),
    )


def versions() -> dict[str, str]:
    """Return the versions of the systems and of what they compute with; none if not installed."""
    found = {name: _package_version(name) for name in PACKAGES}
    found["tesseract"] = _first_line("tesseract", "--version").removeprefix("tesseract ")
    return {name: number for name, number in found.items() if number}


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu_model() -> str:
    if platform.system() == "Darwin":
        return _first_line("sysctl", "-n", "machdep.cpu.brand_string") or "unknown CPU"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown CPU"


def _precisions() -> tuple[str, ...]:
    try:
        core = import_module("openvino").Core()
    except ImportError:
        return ()
    found = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return tuple(name for name in found if name in {"FP32", "FP16", "BF16", "INT8"})


def _first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return next(iter(done.stdout.splitlines()), "")
