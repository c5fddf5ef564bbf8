"""The command ``reliability`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated
from unittest import mock

import typer
from rich.table import Table

from benchmarks import corpus, drawn, tables
from benchmarks import reliability as reliability_run
from benchmarks.arguments import SAMPLES, JsonFile, LanguageCode, Only, samples_in, settings_of
from benchmarks.machine import describe, versions
from benchmarks.order import progress
from benchmarks.reliability import Found, Reliability
from benchmarks.report import print_report, write_json
from ocrloom.calibration import CURVES, Curve, calibrated
from ocrloom.languages import Language
from ocrloom.options import OcrOptions
from ocrloom.tessdata.folders import missing
from ocrloom.vision.recognisers import Team, TesseractLines

__all__ = ["reliability"]


def reliability(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)] = SAMPLES,
    fit: Annotated[
        bool, typer.Option("--fit", help="Draw and read pages first, and fit curves to them.")
    ] = False,
    drawings: Annotated[int, typer.Option(min=1, help="Pages that are drawn for that.")] = 160,
    only: Only = "*",
    language: LanguageCode = "auto",
    plot: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Picture to draw, .svg or .png.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Find out how many of the words of some confidence are right, before and after calibration."""
    samples = samples_in(folder, only)
    machine = describe()
    curves = CURVES
    notes = [
        f"{folder.resolve().name}: {len(samples)} sources, language {language}.",
        "Right: as in the truth at its place, or anywhere in the truth if no other word is that.",
        "Untold: the truth has nothing in the word's place. These are not in the figures.",
        "ECE: of ten bins the mean distance between confidence and share of right words.",
    ]
    if fit:
        found = _drawn(drawings)
        edits = reliability_run.edits_of(found)
        curves = {**CURVES, **reliability_run.fit([*found, *_drawn_for_tesseract(drawings)])}
        notes += [*_lines(curves), f"Changes for each wrong word: {edits:.2f}."]
    with progress(len(samples)) as step:
        found = reliability_run.measure(samples, language, step)
    before = reliability_run.judged_by(found, reliability_run.raw)
    after = reliability_run.judged_by(found, partial(calibrated, curves=curves))
    print_report(_tables(before, after), notes, machine, versions())
    if plot:
        reliability_run.plot(
            plot, before, after, f"{folder.resolve().name}, {before.words:,} words"
        )
    if json_file:
        settings = settings_of(folder, only, language, None, fit=drawings if fit else 0)
        figures = {"before": before, "after": after, "curves": dict(curves)}
        write_json(json_file, "reliability", settings, figures, machine, versions())


def _drawn(count: int) -> list[Found]:
    with progress(2 * count) as step, tempfile.TemporaryDirectory() as made:
        for path in drawn.draw_pages(Path(made), count):
            step(path.name)
        return reliability_run.measure(corpus.load(Path(made)), "auto", step)


def _drawn_for_tesseract(count: int) -> list[Found]:
    """The same of English pages, read by the recogniser that would read none of them by itself."""

    def team(options: OcrOptions) -> Team:
        return Team(first=TesseractLines((Language.ENGLISH,)), options=options)

    if missing([Language.ENGLISH]):
        typer.echo("Tesseract is not here, so no curve is fitted to it", err=True)
        return []
    with (
        progress(2 * count) as step,
        tempfile.TemporaryDirectory() as made,
        mock.patch("ocrloom.vision.page.team_of", team),
    ):
        for path in drawn.draw_pages(Path(made), count, seed=2, foreign=0):
            step(path.name)
        return reliability_run.measure(corpus.load(Path(made)), "eng", step)


def _lines(curves: Mapping[str, Curve]) -> list[str]:
    return [f"Fitted, for ocrloom.calibration: {name}: {curve}" for name, curve in curves.items()]


def _tables(before: Reliability, after: Reliability) -> list[Table]:
    named = {"the recogniser's own": before, "Word.confidence": after}
    return [
        tables.reliability_table(named),
        tables.bins_table(after),
        tables.expected_table(after),
    ]
