"""The commands ``accuracy``, ``speed``, ``lag`` and ``calibrate``: tables on stdout only."""

# Annotations are not postponed here: Typer reads them at run time.
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import accuracy as accuracy_run
from benchmarks import coldstart, corpus, tables
from benchmarks import lag as lag_run
from benchmarks import speed as speed_run
from benchmarks.machine import describe, versions
from benchmarks.order import progress
from benchmarks.report import print_report, write_json
from benchmarks.systems import SYSTEMS, Ocrloom, System
from ocrloom.scheduling.cpus import usable_cpus

__all__ = ["app"]

app = typer.Typer(
    help="Measure ocrloom beside its peers: same pages, same machine, same run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

SAMPLES = Path("build/samples")
"""Where `make samples` draws the project's own pages."""

SHORT_BATCH = 4
"""Pages for each core below which a batch's end, when cores fall idle, weighs much."""

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

ALL_SYSTEMS = ",".join(SYSTEMS)


@app.command()
def accuracy(
    folder: Folder,
    pages: Annotated[int | None, typer.Option(min=1, help="Pick so many, evenly spread.")] = None,
    only: Only = "*",
    language: LanguageCode = "eng",
    systems: SystemNames = ALL_SYSTEMS,
    psm: Segmentation = 3,
    against: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Published texts: {NAME: {SYSTEM: text}}."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Score the systems' texts against the truth, page by page in turns."""
    chosen = _systems(systems, language, psm)
    samples = corpus.spread(_samples(folder, only), pages)
    references = json.loads(against.read_text(encoding="utf-8")) if against else {}
    machine = describe()
    with progress(len(chosen) * len(samples)) as step:
        results = accuracy_run.measure(chosen, samples, step)
    published = accuracy_run.published(samples, references)
    notes = [
        f"{folder.resolve().name}: {len(samples)} sources, language {language}.",
        "CER, WER: edits over the truth's length. A failed page counts as one without text.",
    ]
    if several := len(samples) - len(corpus.single_frames(samples)):
        notes.append(f"{several} have several frames, of which RapidOCR reads only the first.")
    print_report([tables.accuracy_table(results, published)], notes, machine, versions())
    if json_file:
        settings = _settings(folder, only, language, psm, pages=len(samples))
        figures = {"systems": results, "published": published}
        write_json(json_file, "accuracy", settings, figures, machine, versions())
    _fail_if_nothing_ran(results)


@app.command()
def speed(
    folder: Folder,
    rounds: Annotated[int, typer.Option(min=1, help="How often each system reads the batch.")] = 3,
    pages: Annotated[
        int | None, typer.Option(min=1, help="Size of the batch; default 4 for each usable core.")
    ] = None,
    only: Only = "*",
    language: LanguageCode = "eng",
    systems: SystemNames = ALL_SYSTEMS,
    psm: Segmentation = 3,
    cold_runs: Annotated[int, typer.Option(min=0, help="Timed cold starts; 0: none.")] = 3,
    json_file: JsonFile = None,
) -> None:
    """Time the systems on all usable cores, batch by batch in turns, and their cold starts."""
    chosen = _systems(systems, language, psm)
    samples = corpus.single_frames(_samples(folder, only))
    if not samples:
        raise typer.BadParameter(f"every source in {folder} has several frames")
    count = pages or SHORT_BATCH * usable_cpus()
    paths = [sample.path for sample in corpus.repeat_to(samples, count)]
    starters = coldstart.programs(paths[0], language, psm) if cold_runs else []
    machine = describe()
    steps = len(chosen) * (rounds + 1) + len(starters) * (cold_runs + 1)
    with progress(steps) as step:
        results = speed_run.measure(chosen, paths, rounds, step)
        starts = coldstart.measure(starters, cold_runs, step)
    drawn = [tables.speed_table(results)]
    drawn += [tables.cold_start_table(starts)] if starts else []
    print_report(drawn, _speed_notes(folder, len(samples), count), machine, versions())
    if json_file:
        settings = _settings(folder, only, language, psm, pages=count, rounds=rounds)
        figures = {"systems": results, "cold_starts": starts}
        write_json(json_file, "speed", settings, figures, machine, versions())
    _fail_if_nothing_ran(results)


@app.command()
def lag(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A corpus.")
    ] = SAMPLES,
    calls: Annotated[int, typer.Option(min=1, help="Recognitions at once.")] = 50,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Watch a 5 ms ticker in the event loop beside many recognitions."""
    system = Ocrloom(language)
    if missing := system.available():
        typer.echo(f"ocrloom: {missing}", err=True)
        raise typer.Exit(1)
    paths = [sample.path for sample in _samples(folder, only)]
    machine = describe()
    with progress(1) as step:
        step(f"{calls} recognitions")
        report = asyncio.run(lag_run.measure(system.submit, paths, calls))
    notes = [
        f"A tick every {lag_run.INTERVAL * 1000:.0f} ms; lag is how late it came.",
        "One recognition ran before, not measured.",
        f"Making the {calls} calls, in one go, took {report.submit_milliseconds:.1f} ms.",
    ]
    print_report([tables.lag_table(report)], notes, machine, versions())
    if json_file:
        settings = _settings(folder, only, language, None, calls=calls)
        write_json(json_file, "lag", settings, {"lag": report}, machine, versions())


@app.command()
def calibrate(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The sample pages.")
    ] = SAMPLES,
) -> None:
    """Measure the bounds of eight-bit arithmetic on the project's samples, into the package."""
    from benchmarks.calibrate import calibrate as measure

    typer.echo(measure([sample.path for sample in _samples(folder, "*")]))


def _samples(folder: Path, only: str) -> list[corpus.Sample]:
    try:
        return corpus.load(folder, only)
    except corpus.CorpusError as error:
        raise typer.BadParameter(str(error)) from error


def _systems(names: str, language: str, segmentation: int) -> list[System]:
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in chosen if name not in SYSTEMS]
    if unknown:
        raise typer.BadParameter(
            f"expected systems among {ALL_SYSTEMS}, got {', '.join(map(repr, unknown))}"
        )
    return [SYSTEMS[name](language, segmentation) for name in chosen]


def _speed_notes(folder: Path, available: int, count: int) -> list[str]:
    notes = [
        f"{folder.resolve().name}: the same {count} pages for every system each round, in turns.",
        "Sources of several frames left out. One page each before, not timed.",
        "ocrloom: all pages in one gather. RapidOCR: one engine as it comes, its own threads.",
        "Tesseract: one process a page, one thread each, as many at once as usable cores.",
        "Speed ratio: median of the rounds' own ratios.",
        "Cold starts: one run each before, not timed, so ocrloom's compile cache is filled.",
    ]
    if count > available:
        notes.append(f"The corpus has only {available} such pages, so pages repeat.")
    if count < SHORT_BATCH * usable_cpus():
        notes.append(
            f"The batch is short for {usable_cpus()} cores, which flatters systems that spread "
            f"one page over several; --pages {SHORT_BATCH * usable_cpus()} or more is fair."
        )
    return notes


def _settings(
    folder: Path, only: str, language: str, segmentation: int | None, **more: object
) -> dict[str, object]:
    named = {"corpus": folder.resolve().name, "only": only, "language": language}
    return {**named, "psm": segmentation, **more}


def _fail_if_nothing_ran(results: Sequence[Any]) -> None:
    if all(result.missing for result in results):
        raise typer.Exit(1)
