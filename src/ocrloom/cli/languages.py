"""The command ``languages``."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict

import typer

from ocrloom.cli.errors import explain
from ocrloom.cli.tables import print_table
from ocrloom.errors import OcrException
from ocrloom.languages import PPOCR, Language, parse_languages
from ocrloom.tessdata.fetching import fetch, remove
from ocrloom.tessdata.folders import find, has_library
from ocrloom.tessdata.release import entry, is_current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["add_languages", "print_languages", "remove_languages"]

_HEADERS = ("Code", "ISO 639-1", "ISO 639-3", "Script", "Readable", "Data", "Read by", "Language")


class _Entry(TypedDict):
    code: str
    iso639_1: str | None
    iso639_3: str
    name: str
    script: str
    recognisers: list[str]
    readable: bool
    data: str | None
    """The file for Tesseract."""
    download_bytes: int | None
    """Size of what ``add`` would download."""


def _entry(language: Language) -> _Entry:
    path, offered = find(language), entry(language)
    return _Entry(
        code=language.code,
        iso639_1=language.iso639_1,
        iso639_3=language.iso639_3,
        name=language.english_name,
        script=language.script.value,
        recognisers=list(language.recognisers),
        readable=PPOCR in language.recognisers or (path is not None and has_library()),
        data=None if path is None else str(path),
        download_bytes=None if offered is None else offered.bytes,
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
    library = "" if has_library() else 'pip install "ocrloom[tesseract]" and '
    # On standard error, so that a pipe gets nothing but the table.
    typer.echo(
        f"{readable} of {len(entries)} can be read now. The others are for the recogniser "
        f"Tesseract: run {library}ocrloom languages add with their codes.",
        err=True,
    )


def _row(entry: _Entry) -> tuple[str, ...]:
    size = entry["download_bytes"]
    offered = "-" if size is None else f"{size / 1e6:.1f} MB"
    return (
        entry["code"],
        entry["iso639_1"] or "-",
        entry["iso639_3"],
        entry["script"],
        "yes" if entry["readable"] else "no",
        "there" if entry["data"] else offered,
        ", ".join(entry["recognisers"]),
        entry["name"],
    )


def add_languages(names: Sequence[str], *, address: str | None, progress: bool) -> None:
    """Downloads data; one that fails does not stop the others.

    Args:
        names: Languages, by name or code.
        address: The folder with the files; None for the release's own.
        progress: Whether a bar is wanted if standard error is a terminal.

    Raises:
        OcrUnknownLanguage: No such language.
        OcrException: The first that could not be had.
    """
    failures: list[OcrException] = []
    for language in parse_languages(names):
        path, offered = find(language), entry(language)
        if path is not None and offered is not None and is_current(path, offered):
            typer.echo(f"{language.english_name} is there: {path}", err=True)
            continue
        try:
            with _bar(language, offered.bytes if offered else 0, wanted=progress) as tell:
                path = fetch(language, address, tell)
            typer.echo(f"{language.english_name} is in {path}", err=True)
        except OcrException as error:
            failures.append(error)
    _tell(failures)
    if not has_library():
        typer.echo(
            'To read with it run pip install "ocrloom[tesseract]": there is no tesserocr.', err=True
        )


@contextmanager
def _bar(language: Language, size: int, *, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for a download, and what moves it."""
    if not (wanted and sys.stderr.isatty()):
        yield lambda _: None
        return
    # Here and not at the top: a pipe does not need it.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(language.english_name, total=size)
        yield lambda size: bar.advance(task, size)


def remove_languages(names: Sequence[str]) -> None:
    """Removes data that was downloaded.

    Args:
        names: Languages, by name or code.

    Raises:
        OcrUnknownLanguage: No such language.
        OcrOptionError: The data of one is not there; the others are removed.
    """
    failures: list[OcrException] = []
    for language in parse_languages(names):
        try:
            typer.echo(f"{language.english_name} was removed: {remove(language)}", err=True)
        except OcrException as error:
            failures.append(error)
    _tell(failures)


def _tell(failures: Sequence[OcrException]) -> None:
    """Raises the first, after saying what the others are."""
    for each in failures[1:]:
        typer.echo(explain(each), err=True)
    if failures:
        raise failures[0]
