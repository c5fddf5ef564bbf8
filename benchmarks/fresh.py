"""Calls a function in a process of its own: nothing that ran before is in its memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FreshError", "call", "serve"]

_ROOT = Path(__file__).resolve().parent.parent


class FreshError(Exception):
    """The process ended without a result; the message holds its last words."""


def call(function: Callable[..., Any], **arguments: object) -> Any:  # noqa: ANN401  # what it gives
    """Call a function in a fresh interpreter and wait for what it gives.

    Args:
        function: Public in a module that can be imported.
        arguments: Plain data, as its result must be: both travel as JSON.

    Raises:
        FreshError: The function raised, or its process died.
    """
    known = os.environ.get("PYTHONPATH")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from benchmarks.fresh import serve; serve()"),
            *(function.__module__, function.__name__),
        ],
        input=json.dumps(arguments),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        env={
            **os.environ,
            "PYTHONPATH": f"{_ROOT}{os.pathsep}{known}" if known else str(_ROOT),
            "PYTHONUTF8": "1",
        },
        check=False,
    )
    if done.returncode:
        last_words = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise FreshError(f"{function.__name__} ended with {done.returncode}: {last_words[0]}")
    # The last line: a library may have written to the same stream before.
    return json.loads(done.stdout.splitlines()[-1])


def serve() -> None:
    """Do what `call` asks, in the fresh process."""
    module, name = sys.argv[1:3]
    result = getattr(import_module(module), name)(**json.load(sys.stdin))
    print(json.dumps(result))
