"""The command ``doctor``: what is installed, what works and what to do where it does not."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections import defaultdict
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, TypeAlias

import typer

from ocrloom._version import __version__
from ocrloom.cli.streams import own_streams
from ocrloom.cli.tables import print_table
from ocrloom.errors import OcrEngineError
from ocrloom.scheduling.cpus import usable_cpus
from ocrloom.tessdata.folders import folders, has_library, installed
from ocrloom.vision.models import DETECTOR, RECOGNISER, Model, locate, verified_path
from ocrloom.vision.runtime import cache_folder, core, openvino_module, precision
from ocrloom.vision.tesseract import library

__all__ = ["examine", "print_examination"]

Facts: TypeAlias = dict[str, Any]

_LIBRARIES = {
    "numpy": "NumPy",
    "cv2": "OpenCV",
    "PIL": "Pillow",
    "pikepdf": "pikepdf",
    "pypdfium2": "pypdfium2",
}
_EXTRAS = {
    "tesseract": "reads Vietnamese, Cyrillic, Greek, Arabic, Indic and more scripts by Tesseract",
    "postgres": "keeps a library of texts that several machines share and search",
    "server": "adds the command serve: jobs over HTTP, and a page for people",
    "ray": "reads on a cluster of machines, and opens addresses such as s3://",
}
_REQUIREMENT = re.compile(r"""([\w.-]+).*;.*\bextra\s*==\s*['"]([\w.-]+)['"]""")


def print_examination(*, as_json: bool) -> None:
    """Prints what was found.

    Args:
        as_json: As one JSON object; otherwise as text.

    Raises:
        OcrEngineError: Something that reading needs is missing or broken.
    """
    with own_streams(chatter=False):
        facts = examine()
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        _print_text(facts)
    problems = facts["problems"]
    if problems:
        raise OcrEngineError("; ".join(problems))


def examine() -> Facts:
    """Examines the installation.

    Returns:
        Facts that JSON can hold. ``problems`` lists what keeps ocrloom from reading.
    """
    problems: list[str] = []
    return {
        "ocrloom": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "models": [_model(model, problems) for model in (DETECTOR, RECOGNISER)],
        "runtime": _runtime(problems),
        "libraries": _libraries(problems),
        "cache": _cache(),
        "extras": _extras(),
        "tesseract": _tesseract(problems),
        "problems": problems,
    }


def _model(model: Model, problems: list[str]) -> Facts:
    facts: Facts = {
        "name": model.name,
        "licence": model.licence,
        "path": None,
        "bytes": None,
        "sha256": model.sha256,
        "unchanged": False,
    }
    try:
        path = locate(model)
        facts.update(path=str(path), bytes=path.stat().st_size)
        verified_path(model)
        facts["unchanged"] = True
    except OcrEngineError as error:
        problems.append(str(error))
    return facts


def _runtime(problems: list[str]) -> Facts:
    facts: Facts = {
        "openvino": None,
        "device": None,
        "precision": None,
        "features": [],
        "cpus": usable_cpus(),
    }
    try:
        facts["openvino"] = openvino_module().__version__
        facts["device"] = core().get_property("CPU", "FULL_DEVICE_NAME")
        facts["features"] = sorted(core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        facts["precision"] = precision()
    except OcrEngineError as error:
        problems.append(str(error))
    except RuntimeError as error:
        problems.append(
            f"OpenVINO cannot use this CPU: {error}; it needs one of the kinds that its "
            "documentation lists"
        )
    return facts


def _libraries(problems: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for module, name in _LIBRARIES.items():
        try:
            version = getattr(import_module(module), "__version__", None)
            found[name] = str(version or metadata.version(module))
        except (ImportError, OSError) as error:
            found[name] = None
            problems.append(
                f"{name} does not load: {error}; install it again: "
                "pip install --force-reinstall ocrloom"
            )
    return found


def _tesseract(problems: list[str]) -> Facts:
    facts: Facts = {
        "tesserocr": None,
        "tesseract": None,
        "folders": list(map(str, folders())),
        "languages": [language.code for language in installed()],
    }
    if has_library():
        try:
            module = library()
            facts["tesserocr"] = module.__version__
            facts["tesseract"] = module.tesseract_version().split()[1]
        except OcrEngineError as error:
            problems.append(str(error))
    return facts


def _cache() -> Facts:
    folder = cache_folder()
    return {"path": None if folder is None else str(folder), "writable": folder is not None}


def _extras() -> list[Facts]:
    packages = defaultdict(set)
    try:
        requirements = metadata.requires("ocrloom") or []
    except metadata.PackageNotFoundError:
        # Run from its sources, ocrloom does not know what its extras bring.
        requirements = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match:
            packages[match[2]].add(match[1])
    return [
        {
            "name": name,
            "adds": adds,
            "packages": {each: _version_of(each) for each in sorted(packages[name])},
        }
        for name, adds in _EXTRAS.items()
    ]


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _print_text(facts: Facts) -> None:
    runtime, cache, tesseract = facts["runtime"], facts["cache"], facts["tesseract"]
    rows = [
        ("ocrloom", facts["ocrloom"]),
        ("Python", f"{facts['python']} ({sys.executable})"),
        ("System", facts["system"]),
        *((name, version or "does not load") for name, version in facts["libraries"].items()),
        ("OpenVINO", runtime["openvino"] or "does not load"),
        ("CPU", runtime["device"] or "unknown"),
        ("CPU features", " ".join(runtime["features"]) or "unknown"),
        ("Precision", runtime["precision"] or "unknown"),
        ("Usable CPUs", str(runtime["cpus"])),
        ("Cache", cache["path"] or "no folder can be written; models compile anew each time"),
        *((model["name"], _model_line(model)) for model in facts["models"]),
        ("Tesseract", _tesseract_line(tesseract)),
        ("Ray", _version_of("ray") or "not installed"),
        ("Language data", " ".join(tesseract["languages"]) or "none"),
        (
            "Data folders",
            ", ".join(folder for folder in tesseract["folders"] if Path(folder).exists()),
        ),
    ]
    print_table(("Part", "Found"), rows)
    typer.echo()
    print_table(
        ("Extra", "Packages", "What it adds"),
        [(extra["name"], _packages_line(extra), extra["adds"]) for extra in facts["extras"]],
    )
    if not facts["problems"]:
        typer.echo("\nAll that reading needs is well.")


def _model_line(model: Facts) -> str:
    if model["path"] is None:
        return "missing"
    state = "SHA-256 as expected" if model["unchanged"] else "changed, cannot be used"
    return f"{model['bytes']} bytes, {state}: {model['path']}"


def _tesseract_line(tesseract: Facts) -> str:
    if tesseract["tesseract"] is None:
        return "does not load" if has_library() else "not installed"
    return f"{tesseract['tesseract']}, by tesserocr {tesseract['tesserocr']}"


def _packages_line(extra: Facts) -> str:
    packages = extra["packages"]
    missing = [name for name, version in packages.items() if version is None]
    if not packages:
        return "unknown"
    return f"missing: {', '.join(missing)}" if missing else "installed"
