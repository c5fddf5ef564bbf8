"""The commands of ``python -m benchmarks``: tables on stdout only."""

# Annotations are not postponed here: Typer reads them at run time.
import asyncio
import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import accuracy as accuracy_run
from benchmarks import coldstart, corpus, note, tables
from benchmarks import exports as exports_run
from benchmarks import lag as lag_run
from benchmarks import memory as memory_run
from benchmarks import profile as profile_run
from benchmarks import scaling as scaling_run
from benchmarks import searchable as searchable_run
from benchmarks import speed as speed_run
from benchmarks import stopping as stopping_run
from benchmarks.arguments import (
    ALL_SYSTEMS,
    SAMPLES,
    Corpus,
    Folder,
    JsonFile,
    LanguageCode,
    Only,
    Segmentation,
    SystemNames,
    deaths,
    fail_if_nothing_ran,
    numbers,
    our_system,
    samples_in,
    settings_of,
    single_frames_in,
    systems_named,
)
from benchmarks.cluster_cli import cluster
from benchmarks.driver_memory_cli import drivermemory
from benchmarks.library_cli import library
from benchmarks.load_cli import load
from benchmarks.machine import describe, versions
from benchmarks.order import progress
from benchmarks.ray_service_cli import rayservice
from benchmarks.reliability_cli import reliability
from benchmarks.report import print_report, write_json
from benchmarks.scale_cli import scale
from ocrloom.scheduling.cpus import usable_cpus

__all__ = ["app"]

app = typer.Typer(
    help="Measure ocrloom beside its peers: same pages, same machine, same run.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (cluster, drivermemory, library, load, rayservice, reliability, scale):
    app.command()(command)

SHORT_BATCH = 4
"""Pages for each core below which a batch's end, when cores fall idle, weighs much."""


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
    chosen = systems_named(systems, language, psm)
    samples = corpus.spread(samples_in(folder, only), pages)
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
        settings = settings_of(folder, only, language, psm, pages=len(samples))
        figures = {"systems": results, "published": published}
        write_json(json_file, "accuracy", settings, figures, machine, versions())
    fail_if_nothing_ran(results)


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
    chosen = systems_named(systems, language, psm)
    samples = single_frames_in(folder, only)
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
        settings = settings_of(folder, only, language, psm, pages=count, rounds=rounds)
        figures = {"systems": results, "cold_starts": starts}
        write_json(json_file, "speed", settings, figures, machine, versions())
    fail_if_nothing_ran(results)


@app.command()
def lag(
    folder: Corpus = SAMPLES,
    calls: Annotated[int, typer.Option(min=1, help="Recognitions at once.")] = 50,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Watch a 5 ms ticker in the event loop beside many recognitions."""
    system = our_system(language)
    paths = [sample.path for sample in samples_in(folder, only)]
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
        settings = settings_of(folder, only, language, None, calls=calls)
        write_json(json_file, "lag", settings, {"lag": report}, machine, versions())


@app.command()
def memory(
    folder: Corpus = SAMPLES,
    calls: Annotated[str, typer.Option(help="Calls at once, with commas between.")] = "100,10000",
    pages: Annotated[
        int, typer.Option(min=10, help="Pages of a long run, looked at after a tenth too.")
    ] = 2000,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Bytes: reads the folder too, by an engine that keeps to them."),
    ] = None,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Look at what many calls, a long run and a budget hold, each in a fresh process."""
    if missing := memory_run.available():
        typer.echo(f"memory: {missing}", err=True)
        raise typer.Exit(1)
    counts = numbers(calls)
    everything = [sample.path for sample in samples_in(folder, only)]
    sources = [sample.path for sample in single_frames_in(folder, only)]
    machine = describe()
    gathers, limited = [], []
    with progress(len(counts) + 2) as step, tempfile.TemporaryDirectory() as made, deaths():
        notes = note.write_files(Path(made), 1)
        for count in counts:
            step(f"{count} calls")
            gathers.append(memory_run.measure_gather(notes, count, language))
        step(f"{pages} pages")
        long_run = memory_run.measure_long_run(sources, (pages // 10, pages), language)
        if budget:
            step("the folder under a budget")
            limited.append(memory_run.measure_budget(everything, language, budget, notes[0]))
    drawn = [tables.gather_table(gathers), tables.long_run_table(long_run)]
    drawn += map(tables.budget_table, limited)
    remarks = [
        "The calls of one gather read notes of one line each, and their results are kept.",
        "Before: resident after one note, with the models. Peak: the most from then on.",
        "Page after page: the sources of one frame in turn, no result kept.",
        "Budget: what the engine may take for decoded pages; the models are there before.",
        (
            f"{folder.resolve().name}: {len(everything)} sources, {len(sources)} of them of one "
            f"frame, language {language}."
        ),
    ]
    print_report(drawn, remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, calls=counts, pages=pages)
        figures = {"gathers": gathers, "long_run": long_run, "budget": limited}
        write_json(json_file, "memory", settings, figures, machine, versions())


@app.command()
def scaling(
    folder: Corpus = SAMPLES,
    most: Annotated[int, typer.Option(min=1, help="Pages of the largest batch.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Processes for one page alone.")] = 3,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Time a page among few and many, and one page alone on one core and on all."""
    system = our_system(language)
    page = single_frames_in(folder, only)[0]
    counts = scaling_run.counts_up_to(most)
    machine = describe()
    steps = scaling_run.steps_of(counts) + 2 * rounds
    with progress(steps) as step, tempfile.TemporaryDirectory() as made, deaths():
        pages = scaling_run.measure(system, Path(made), counts, step)
        alone = scaling_run.measure_alone(page.path, rounds, language, step)
    drawn = [tables.pages_table(pages)]
    drawn += [tables.alone_table(alone)] if alone else []
    remarks = [
        "Notes of one line each, as the frames of one TIFF and as files of their own.",
        f"One page alone: {page.name}, in turns, a fresh process each round.",
        f"Its figure is the median of {scaling_run.ALONE_REPEATS} readings; one before, not timed.",
    ]
    print_report(drawn, remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, most=most, rounds=rounds)
        figures = {"pages": pages, "alone": alone}
        write_json(json_file, "scaling", settings, figures, machine, versions())


@app.command()
def stopping(
    folder: Corpus = SAMPLES,
    cancels: Annotated[int, typer.Option(min=1, help="Pages that are cancelled.")] = 100,
    timeout: Annotated[float, typer.Option(help="Seconds that 100 pages may take.")] = 1.0,
    only: Only = "*",
    json_file: JsonFile = None,
) -> None:
    """Time how soon a worker is free after a cancel, and how soon a deadline is kept."""
    paths = [sample.path for sample in single_frames_in(folder, only)]
    machine = describe()
    with progress(cancels + 1) as step, tempfile.TemporaryDirectory() as made:
        notes = note.write_files(Path(made), 1)
        cancelled = stopping_run.measure_cancels(paths, notes[0], cancels, step)
        step("deadline")
        book = note.write_book(paths[0], Path(made) / "book.tif", 100)
        late = stopping_run.measure_deadline(book, 100, timeout)
    drawn = [tables.cancel_table(cancelled), tables.deadline_table(late)]
    remarks = [
        "Each page is cancelled within half a second of its beginning, on an engine of one worker.",
        "Free: the worker has opened the next source.",
        f"The book: {paths[0].name}, 100 times.",
    ]
    print_report(drawn, remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, "eng", None, cancels=cancels, timeout=timeout)
        figures = {"cancels": cancelled, "deadline": late}
        write_json(json_file, "stopping", settings, figures, machine, versions())


@app.command()
def exports(
    folder: Corpus = SAMPLES,
    pages: Annotated[int, typer.Option(min=1, help="Pages of the document.")] = 100,
    rounds: Annotated[int, typer.Option(min=1, help="How often each format is made.")] = 5,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Time every format beside the recognition of the same document."""
    samples = corpus.repeat_to(single_frames_in(folder, only), pages)
    machine = describe()
    with progress(rounds + 4) as step, tempfile.TemporaryDirectory() as made:
        step("a document of the pages")
        book = exports_run.write_book([each.path for each in samples], Path(made) / "book.tif")
        result = exports_run.measure(language, book, rounds, step)
    remarks = [
        f"{folder.resolve().name}: {pages} pages in one TIFF, language {language}.",
        "Recognition: on all usable cores. Formats: on one, in memory, median of the rounds.",
        "Everything was done once before, not timed.",
    ]
    print_report([tables.exports_table(result)], remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, pages=pages, rounds=rounds)
        write_json(json_file, "exports", settings, {"exports": result}, machine, versions())


@app.command()
def searchable(
    folder: Corpus = SAMPLES,
    pages: Annotated[int, typer.Option(min=1, help="Images for one PDF.")] = 50,
    growth: Annotated[
        str, typer.Option(help="Pages of PDFs for a look at memory, with commas between.")
    ] = "30,300",
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Read searchable PDFs with another reader, and look at the memory that making them takes."""
    paths = [sample.path for sample in corpus.spread(single_frames_in(folder, only), pages)]
    counts = numbers(growth)
    machine = describe()
    with progress(2) as step, tempfile.TemporaryDirectory() as made, deaths():
        step(f"{len(paths)} images")
        layer = searchable_run.measure_layer(paths, language, Path(made) / "images.pdf")
        step("memory")
        runs = searchable_run.measure_growth(paths, counts, language, Path(made))
    drawn = [tables.layer_table(layer), tables.growth_table(runs)]
    remarks = [
        f"{folder.resolve().name}: {len(paths)} images, language {language}.",
        "Memory: each PDF in a fresh process, after one of one page.",
        "Helpers: the processes in which PDFs are read and written, the most that each held.",
    ]
    print_report(drawn, remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, pages=len(paths), growth=counts)
        figures = {"layer": layer, "growth": runs}
        write_json(json_file, "searchable", settings, figures, machine, versions())


@app.command()
def profile(
    folder: Corpus = SAMPLES,
    pages: Annotated[int | None, typer.Option(min=1, help="Pick so many, evenly spread.")] = None,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Find out which stage takes which share of the time, and how much is inference."""
    system = our_system(language)
    samples = corpus.spread(samples_in(folder, only), pages)
    machine = describe()
    with progress(1) as step:
        step(f"{len(samples)} sources, twice")
        result = profile_run.measure(system, [sample.path for sample in samples])
    remarks = [
        f"{folder.resolve().name}: {len(samples)} sources, {result.pages} pages, in one gather.",
        f"It took {result.seconds:.1f} s on {result.workers} workers.",
        "Each stage's own time, without that of the stages inside it.",
        "Everything was read once before, not watched.",
    ]
    print_report([tables.profile_table(result)], remarks, machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, sources=len(samples))
        figures = {"profile": result, "inference": result.inference}
        write_json(json_file, "profile", settings, figures, machine, versions())


@app.command()
def calibrate(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The sample pages.")
    ] = SAMPLES,
) -> None:
    """Measure the bounds of eight-bit arithmetic on the project's samples, into the package."""
    from benchmarks.calibrate import calibrate as measure

    typer.echo(measure([sample.path for sample in samples_in(folder, "*")]))


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
