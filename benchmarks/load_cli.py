"""The command ``load`` of ``python -m benchmarks``."""

# Annotations are not postponed here: Typer reads them at run time.
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from benchmarks import corpus, load_watch, note
from benchmarks import load as load_run
from benchmarks.arguments import (
    SAMPLES,
    Corpus,
    JsonFile,
    LanguageCode,
    Only,
    settings_of,
    single_frames_in,
)
from benchmarks.load import LoadReport, Source
from benchmarks.load_watch import CancelOverHttp, Seen
from benchmarks.machine import describe, versions
from benchmarks.order import percentile, progress
from benchmarks.report import print_report, write_json
from benchmarks.serving import Server, started

__all__ = ["load"]

_BOOK = 200  # pages of the job that is cancelled


def load(
    folder: Corpus = SAMPLES,
    clients: Annotated[int, typer.Option(min=1, help="Callers at once.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="For which they send.")] = 120.0,
    pages: Annotated[int, typer.Option(min=1, help="Different pages, evenly spread.")] = 24,
    queued: Annotated[int, typer.Option(min=1, help="Jobs that may wait.")] = 100,
    memory: Annotated[int, typer.Option(min=1, help="Bytes for decoded pages.")] = 512 * 1024**2,
    cancels: Annotated[int, typer.Option(min=0, help="Jobs that are cancelled.")] = 20,
    ray: Annotated[str | None, typer.Option(help="Cluster that reads, HOST:PORT or local.")] = None,
    only: Only = "*",
    language: LanguageCode = "eng",
    json_file: JsonFile = None,
) -> None:
    """Let many callers at once send pages to a server, and cancel jobs of another one.

    With --ray none is cancelled: when CPUs of a cluster are free cannot be seen from here.
    """
    cancels = cancels if ray is None else 0
    paths = [each.path for each in corpus.spread(single_frames_in(folder, only), pages)]
    machine = describe()
    with progress(3 + cancels) as step:
        step("the pages' texts")
        sources = load_run.sources(paths, language)
        flags = ("--max-queued", queued, "--memory", memory, "--log-level", "warning")
        cluster = () if ray is None else ("--ray", ray)
        with started(*flags, *cluster) as server:
            _warm(server, sources[0], language)
            step(f"{clients} callers")
            with load_watch.watching(server, seconds) as seen:
                report = load_run.measure(
                    server,
                    sources,
                    clients=clients,
                    seconds=seconds,
                    options={"languages": language, "store": "false"},
                )
        step("another server")
        stopped = _cancel(paths[0], cancels, step)
    tables = [_answers(report), _busy(report, seen, memory), *_stops(stopped)]
    print_report(tables, _notes(folder, len(paths), queued), machine, versions())
    if json_file:
        settings = settings_of(folder, only, language, None, pages=len(paths), clients=clients)
        settings |= {"seconds": seconds, "queued": queued, "memory": memory, "ray": ray}
        figures = {"load": report, "seen": seen, "cancels": stopped}
        write_json(json_file, "load", settings, figures, machine, versions())


def _warm(server: Server, page: Source, language: str) -> None:
    with server.client() as client:
        client.post(
            "/v1/ocr",
            params={"languages": language, "store": "false"},
            headers={"Content-Type": page.media},
            content=page.content,
        ).raise_for_status()


def _cancel(page: Path, rounds: int, step: Callable[[str], None]) -> list[CancelOverHttp]:
    if not rounds:
        return []
    with tempfile.TemporaryDirectory() as made, started("--log-level", "warning") as server:
        book = note.write_book(page, Path(made) / "book.tif", _BOOK).read_bytes()
        return load_watch.measure_cancels(server, book, rounds, step)


def _answers(report: LoadReport) -> Table:
    table = Table(title="What became of the jobs", title_justify="left")
    cells = {
        "Sent": report.sent,
        "Accepted": report.accepted,
        "Succeeded": report.done,
        "Lost": report.lost,
        "Other text": report.differing,
        "Answers": sum(report.answers.values()),
        "5xx": report.failures,
        "429": report.answers.get(429, 0),
        "Refused, then accepted": report.busy,
        "429 without Retry-After": report.without_retry,
    }
    for name in cells:
        table.add_column(name, justify="right")
    table.add_row(*(f"{count:,}" for count in cells.values()))
    return table


def _busy(report: LoadReport, seen: Seen, budget: int) -> Table:
    table = Table(title="The server meanwhile", title_justify="left")
    cells = {
        "Seconds": f"{report.seconds:.1f}",
        "Pages/s": f"{report.done / report.seconds:.2f}",
        "Accepting p50 / p99 ms": _milliseconds(report.percentile(0.5), report.percentile(0.99)),
        "/livez p50 / p99 / most ms": _milliseconds(*map(seen.percentile, (0.5, 0.99, 1.0))),
        "Budget MiB": _mebibytes(budget),
        "Before MiB": _mebibytes(seen.before),
        "Peak MiB": _mebibytes(seen.peak),
        "With helpers MiB": _mebibytes(seen.family),
    }
    for name in cells:
        table.add_column(name, justify="right")
    table.add_row(*cells.values())
    return table


def _stops(stopped: Sequence[CancelOverHttp]) -> list[Table]:
    if not stopped:
        return []
    table = Table(title="Cancels over HTTP: p50 / most in ms", title_justify="left")
    for name in ("Jobs", "Answered", "CPU free"):
        table.add_column(name, justify="right")
    kinds = [each.answered for each in stopped], [each.free for each in stopped]
    figures = [_milliseconds(percentile(kind, 0.5), max(kind)) for kind in kinds]
    table.add_row(str(len(stopped)), *figures)
    return [table]


def _notes(folder: Path, pages: int, queued: int) -> list[str]:
    return [
        f"{folder.resolve().name}: {pages} pages, over loopback; callers share the CPU.",
        f"Each caller sends a page, waits for its text and goes on; {queued} may wait.",
        "Peak: of the server's process from its start; the budget is what decoded pages may take.",
        f"Cancelled: a job of {_BOOK} pages, at random moments, on an idle server.",
    ]


def _milliseconds(*seconds: float) -> str:
    return " / ".join(f"{1000 * each:.1f}" for each in seconds)


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.0f}"
