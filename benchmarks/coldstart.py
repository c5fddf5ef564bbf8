"""Cold start: one page as a whole process, from the shell to the text."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from benchmarks.order import rotated, silent
from benchmarks.systems import AUTO, PAGE_TIMEOUT, Tesseract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ColdStart", "Program", "measure", "programs"]

OUT = "{out}"
"""Stands in a program's arguments for a fresh folder."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command line that reads one page."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None
    """Why it cannot run, and how to install it; None where it can."""


@dataclass(slots=True)
class ColdStart:
    """How long a program took."""

    program: str
    missing: str | None = None
    seconds: list[float] = field(default_factory=list)
    error: str | None = None
    """Why a run failed; its time is left out."""


def programs(page: Path, language: str, segmentation: int) -> list[Program]:
    """Return the command lines that are compared.

    Tesseract runs twice, with the threads it takes by itself and with one: which is quicker for
    a single page depends on the machine.
    """
    tesseract = Tesseract(language, segmentation=segmentation)
    missing = tesseract.available()
    command = tesseract.command(page)
    return [
        _ocrloom(page, language),
        Program("tesseract", command, missing=missing),
        Program("tesseract, one thread", command, {"OMP_THREAD_LIMIT": "1"}, missing),
    ]


def measure(
    candidates: Sequence[Program], repeats: int, on_step: Callable[[str], None] = silent
) -> list[ColdStart]:
    """Run the programs in turns and time them.

    Each runs once before, not timed: it fills the compile cache of ocrloom and the system's
    file cache, as on a machine where the program is in use.
    """
    results = {program.name: ColdStart(program.name, program.missing) for program in candidates}
    running = [program for program in candidates if program.missing is None]
    for turn in range(-1, repeats):
        for program in rotated(running, turn):
            on_step(f"{program.name}: {'warm-up' if turn < 0 else f'cold start {turn + 1}'}")
            seconds, error = _run(program)
            result = results[program.name]
            result.error = result.error or error
            if turn >= 0 and error is None:
                result.seconds.append(seconds)
    return list(results.values())


def _run(program: Program) -> tuple[float, str | None]:
    with tempfile.TemporaryDirectory() as folder:
        arguments = [folder if part == OUT else part for part in program.arguments]
        start = perf_counter()
        done = subprocess.run(
            arguments,
            capture_output=True,
            env={**os.environ, **program.environment},
            timeout=PAGE_TIMEOUT,
            check=False,
        )
        seconds = perf_counter() - start
    if done.returncode == 0:
        return seconds, None
    last_words = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
    return seconds, f"ended with {done.returncode}: {last_words[0]}"


def _ocrloom(page: Path, language: str) -> Program:
    # The command of the environment that runs this, before any other on PATH.
    beside = Path(sysconfig.get_path("scripts"))
    command = shutil.which("ocrloom", path=str(beside)) or shutil.which("ocrloom")
    if command is None:
        return Program("ocrloom read", (), missing="not installed: pip install ocrloom")
    options = [] if language == AUTO else ["-l", language]
    return Program("ocrloom read", [command, "read", str(page), "-o", OUT, *options])
