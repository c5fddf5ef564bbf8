"""Prints a run for people and writes its raw figures for machines."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.table import Table

    from benchmarks.machine import Machine

__all__ = ["print_report", "write_json"]

PLAIN_WIDTH = 160
"""Columns where stdout is no terminal: wide enough that no figure is cut."""


def print_report(
    tables: Sequence[Table],
    notes: Sequence[str],
    machine: Machine,
    versions: Mapping[str, str],
    console: Console | None = None,
) -> None:
    """Print tables and what must be known to read them."""
    console = console or _stdout()
    for table in tables:
        console.print(table)
    used = ", ".join(f"{name} {number}" for name, number in versions.items())
    lines = (
        *notes,
        f"Measured on {machine.sentence()}.",
        f"With {used or 'nothing installed'}.",
        (
            "Only ratios within one run mean anything: absolute figures change with the machine "
            "and with what else it does."
        ),
    )
    for line in lines:
        console.print(line, markup=False, highlight=False)


def write_json(
    path: Path,
    command: str,
    settings: Mapping[str, object],
    results: Mapping[str, object],
    machine: Machine,
    versions: Mapping[str, str],
) -> None:
    """Write everything that the tables were made from.

    Args:
        path: Where to.
        command: Which benchmark it was.
        settings: What the run was asked for; folders by name only, not by place.
        results: Dataclasses, or lists of them, by name.
        machine: What it ran on.
        versions: What it ran with.
    """
    document = {
        "command": command,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": dict(settings),
        "machine": machine,
        "versions": dict(versions),
        **results,
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"expected a dataclass or plain data, got {type(value).__name__}")


def _stdout() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=PLAIN_WIDTH)
