"""The command ``languages``."""

from __future__ import annotations

import json
from typing import TypedDict

import typer

from ocrloom.cli.tables import print_table
from ocrloom.languages import PPOCR, Language

__all__ = ["print_languages"]

_HEADERS = ("Code", "ISO 639-1", "ISO 639-3", "Script", "Readable", "Read by", "Language")


class _Entry(TypedDict):
    code: str
    iso639_1: str | None
    iso639_3: str
    name: str
    script: str
    recognisers: list[str]
    readable: bool


def _entry(language: Language) -> _Entry:
    return _Entry(
        code=language.code,
        iso639_1=language.iso639_1,
        iso639_3=language.iso639_3,
        name=language.english_name,
        script=language.script.value,
        recognisers=list(language.recognisers),
        readable=PPOCR in language.recognisers,
    )


def print_languages(*, as_json: bool) -> None:
    """Prints all languages, by name, and whether this installation reads them.

    Args:
        as_json: As a JSON list of objects; otherwise as a table.
    """
    entries = [_entry(language) for language in Language]
    if as_json:
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
        return
    print_table(_HEADERS, [_row(entry) for entry in entries])
    readable = sum(entry["readable"] for entry in entries)
    # On standard error, so that a pipe gets nothing but the table.
    typer.echo(
        f"{readable} of {len(entries)} can be read now. The others are for the recogniser "
        "Tesseract, the extra 'tesseract', which a later version will use.",
        err=True,
    )


def _row(entry: _Entry) -> tuple[str, ...]:
    return (
        entry["code"],
        entry["iso639_1"] or "-",
        entry["iso639_3"],
        entry["script"],
        "yes" if entry["readable"] else "no",
        ", ".join(entry["recognisers"]),
        entry["name"],
    )
