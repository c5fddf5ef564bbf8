"""What the commands have in common: their arguments, and what is made of them."""

# Annotations are not postponed here: Typer reads them at run time.
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import corpus
from benchmarks.fresh import FreshError
from benchmarks.systems import SYSTEMS, Ocrloom, System

__all__ = [
    "ALL_SYSTEMS",
    "SAMPLES",
    "Corpus",
    "Folder",
    "JsonFile",
    "LanguageCode",
    "Only",
    "Segmentation",
    "SystemNames",
    "deaths",
    "fail_if_nothing_ran",
    "numbers",
    "our_system",
    "samples_in",
    "settings_of",
    "single_frames_in",
    "systems_named",
]

SAMPLES = Path("build/samples")
"""Where `make samples` draws the project's own pages."""

Folder = Annotated[
    Path,
    typer.Argument(
        exists=True, file_okay=False, help="Folder with NAME.tif, .png, .jpg … and NAME.gt.txt."
    ),
]
Only = Annotated[str, typer.Option(help="Shell pattern for names, such as 'deu-*'.")]
LanguageCode = Annotated[
    str,
    typer.Option(
        "--language", "-l", help="eng, or several as deu+eng; auto: each system's own default."
    ),
]
SystemNames = Annotated[str, typer.Option("--systems", help="Names, with commas between.")]
Segmentation = Annotated[int, typer.Option("--psm", help="Tesseract's page segmentation mode.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="File for the raw figures.", dir_okay=False)
]

Corpus = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A corpus.")]

ALL_SYSTEMS = ",".join(SYSTEMS)


def samples_in(folder: Path, only: str) -> list[corpus.Sample]:
    """The pages of a corpus whose names match a pattern."""
    try:
        return corpus.load(folder, only)
    except corpus.CorpusError as error:
        raise typer.BadParameter(str(error)) from error


def single_frames_in(folder: Path, only: str) -> list[corpus.Sample]:
    """The same, without sources of several frames."""
    samples = corpus.single_frames(samples_in(folder, only))
    if not samples:
        raise typer.BadParameter(f"every source in {folder} has several frames")
    return samples


def numbers(text: str) -> list[int]:
    """Whole numbers with commas between, each once, in order."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise typer.BadParameter(f"expected whole numbers of at least 1, got {text!r}")
    return sorted({int(part) for part in parts})


@contextmanager
def deaths() -> Iterator[None]:
    """Says what became of a fresh process that died, and ends with 1."""
    try:
        yield
    except FreshError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def our_system(language: str) -> Ocrloom:
    """The engine as a system; ends with 1 where it cannot run."""
    system = Ocrloom(language)
    if missing := system.available():
        typer.echo(f"ocrloom: {missing}", err=True)
        raise typer.Exit(1)
    return system


def systems_named(names: str, language: str, segmentation: int) -> list[System]:
    """Systems by their names."""
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in chosen if name not in SYSTEMS]
    if unknown:
        raise typer.BadParameter(
            f"expected systems among {ALL_SYSTEMS}, got {', '.join(map(repr, unknown))}"
        )
    return [SYSTEMS[name](language, segmentation) for name in chosen]


def settings_of(
    folder: Path, only: str, language: str, segmentation: int | None, **more: object
) -> dict[str, object]:
    """What a run was asked for, for its raw figures."""
    named = {"corpus": folder.resolve().name, "only": only, "language": language}
    return {**named, "psm": segmentation, **more}


def fail_if_nothing_ran(results: Sequence[Any]) -> None:
    """Ends with 1 if no system could run."""
    if all(result.missing for result in results):
        raise typer.Exit(1)
