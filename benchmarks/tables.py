"""What people read: tables of results. Everything here is a pure function of results."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.accuracy import SystemAccuracy
    from benchmarks.coldstart import ColdStart
    from benchmarks.exports import Exports
    from benchmarks.lag import LagReport
    from benchmarks.memory import Gather, LongRun
    from benchmarks.profile import Profile
    from benchmarks.reliability import Reliability
    from benchmarks.scaling import Alone, Pages
    from benchmarks.searchable import Growth, Layer
    from benchmarks.speed import SystemSpeed
    from benchmarks.stopping import CancelReport, DeadlineReport

__all__ = [
    "BASE",
    "accuracy_table",
    "alone_table",
    "bins_table",
    "budget_table",
    "cold_start_table",
    "expected_table",
    "exports_table",
    "gather_table",
    "growth_table",
    "lag_table",
    "layer_table",
    "long_run_table",
    "pages_table",
    "profile_table",
    "reliability_table",
    "speed_table",
]

BASE = "ocrloom"
"""The system that ratios are given against."""

NONE = "–"


def accuracy_table(
    results: Sequence[SystemAccuracy], references: Sequence[SystemAccuracy] = ()
) -> Table:
    """Draw the accuracy of systems, then of texts that others published."""
    columns = "Pages", "CER mean", "median", "p90", "WER mean", "F1", "No text", "Failed pages"
    table = _table("Accuracy", (*columns, f"CER ÷ {BASE}'s", f"WER ÷ {BASE}'s"))
    base = next((result for result in results if result.system == BASE), None)
    for result in results:
        _add(table, result.system, _accuracy_cells(result, base), _accuracy_remark(result))
    if references:
        table.add_section()
    for result in references:
        _add(table, result.system, _accuracy_cells(result, base), "published text")
    return table


def speed_table(results: Sequence[SystemSpeed]) -> Table:
    """Draw the speed of systems."""
    columns = "Pages a round", "Rounds", "Failed pages", "Pages/s median", "min–max"
    table = _table("Speed, all usable cores", (*columns, f"Speed ÷ {BASE}'s"))
    base = next((result for result in results if result.system == BASE), None)
    for result in results:
        remark = result.missing or result.first_error or ""
        _add(table, result.system, _speed_cells(result, base), remark)
    return table


def cold_start_table(results: Sequence[ColdStart]) -> Table:
    """Draw how long whole processes took for one page; the first result is the base."""
    table = _table(
        "Cold start: one page, whole process",
        ("Runs", "Seconds median", "min–max", f"Time ÷ {BASE}'s"),
    )
    base = median(results[0].seconds) if results and results[0].seconds else 0.0
    for result in results:
        cells = None
        if result.seconds:
            middle = median(result.seconds)
            extent = f"{min(result.seconds):.2f}–{max(result.seconds):.2f}"
            ratio = _ratio(middle, base)
            cells = (str(len(result.seconds)), f"{middle:.2f}", extent, ratio)
        _add(table, result.program, cells, result.missing or result.error or "")
    return table


def lag_table(report: LagReport) -> Table:
    """Draw how late the ticks of an idle and of a busy event loop were."""
    table = _table("Lag of the event loop", ("Seconds", "Ticks", "p50 ms", "p99 ms", "max ms"))
    for lags in (report.idle, report.busy):
        figures = (f"{lags.percentile(share):.2f}" for share in (0.5, 0.99, 1.0))
        cells = (f"{lags.seconds:.2f}", str(len(lags.milliseconds)), *figures)
        failed = _failed(report.failed, report.first_error)
        _add(table, lags.label, cells, failed if lags is report.busy else "")
    return table


def cancel_table(report: CancelReport) -> Table:
    """Draw how soon a worker was free."""
    table = _table("From a cancel to a free worker", ("p50 ms", "p95 ms", "max ms"), "Cancels")
    figures = [f"{report.percentile(share) * 1000:.0f}" for share in (0.5, 0.95, 1.0)]
    _add(table, str(len(report.seconds)), figures, "")
    return table


def deadline_table(report: DeadlineReport) -> Table:
    """Draw how soon a call came back whose time was over, and with what."""
    table = _table("A deadline", ("Back after s", "Pages", "Finished"), "Timeout s")
    figures = f"{report.seconds:.2f}", str(report.pages), str(report.finished)
    _add(table, f"{report.timeout:g}", figures, "")
    return table


def gather_table(results: Sequence[Gather]) -> Table:
    """Draw what was resident during many calls at once; the first result is the base."""
    columns = "Seconds", "Before MiB", "Peak MiB", "Peak − first", "KiB a further call"
    table = _table("Memory: all calls in one gather", columns, "Calls")
    first = results[0]
    for result in results:
        more, calls = result.peak - first.peak, result.calls - first.calls
        cells = (
            f"{result.seconds:.1f}",
            _mebibytes(result.warm),
            _mebibytes(result.peak),
            _mebibytes(more),
            f"{more / calls / 1024:.2f}" if calls else NONE,
        )
        _add(table, f"{result.calls:,}", cells, _failed(result.failed, result.first_error))
    return table


def budget_table(result: Gather) -> Table:
    """Draw what was resident while an engine kept to a budget."""
    columns = "Seconds", "Budget MiB", "Before MiB", "Peak MiB", "(Peak − before) ÷ budget"
    table = _table("Memory: all sources at once, under a budget", columns, "Sources")
    budget = result.budget or 0
    cells = (
        f"{result.seconds:.1f}",
        _mebibytes(budget),
        _mebibytes(result.warm),
        _mebibytes(result.peak),
        _ratio(result.peak - result.warm, budget),
    )
    _add(table, f"{result.calls:,}", cells, _failed(result.failed, result.first_error))
    return table


def long_run_table(result: LongRun) -> Table:
    """Draw what was resident as a process read on; the first look is the base."""
    title = f"Memory: page after page, {result.in_flight} under way"
    table = _table(title, ("Resident MiB", "÷ first"), "After pages")
    for mark in result.marks:
        cells = (_mebibytes(mark.bytes), f"{mark.bytes / result.marks[0].bytes:.3f}")
        failed = _failed(result.failed, result.first_error)
        _add(table, f"{mark.pages:,}", cells, failed if mark is result.marks[-1] else "")
    return table


def pages_table(results: Sequence[Pages]) -> Table:
    """Draw what a page costs among few and many."""
    columns = "Rounds", "Seconds median", "Milliseconds a page", "÷ cheapest"
    table = _table("Scaling: notes, all usable cores", columns, "Pages")
    cheapest = min(result.seconds_per_page for result in results)
    for result in results:
        cells = (
            str(len(result.seconds)),
            f"{median(result.seconds):.3f}",
            f"{result.seconds_per_page * 1000:.1f}",
            _ratio(result.seconds_per_page, cheapest),
        )
        name = f"{result.pages:,}, {result.kind}"
        _add(table, name, cells, _failed(result.failed, result.first_error))
    return table


def alone_table(results: Sequence[Alone]) -> Table:
    """Draw how fast one page is on some cores; the first result is the base."""
    columns = "Rounds", "Seconds median", "min–max", "Speed ÷ first's"
    table = _table("Scaling: one page alone", columns, "Cores")
    for result in results:
        cells = (
            str(len(result.seconds)),
            f"{median(result.seconds):.3f}",
            f"{min(result.seconds):.3f}–{max(result.seconds):.3f}",
            f"{result.speed_ratio_to(results[0]):.2f}",
        )
        _add(table, str(result.cpus), cells, "")
    return table


def profile_table(result: Profile) -> Table:
    """Draw which stage takes which share of the workers' time."""
    table = _table("Profile, all usable cores", ("Calls", "Seconds", "Share %"), "Stage")
    for stage in result.stages:
        cells = (
            str(stage.calls) if stage.calls else NONE,
            f"{stage.seconds:.2f}",
            f"{100 * result.share(stage):.1f}",
        )
        _add(table, stage.stage, cells, "")
    table.add_section()
    remark = _failed(result.failed, result.first_error)
    total = result.seconds * result.workers
    _add(table, "all workers", (NONE, f"{total:.2f}", "100.0"), remark)
    inference = (NONE, f"{total * result.inference:.2f}", f"{100 * result.inference:.1f}")
    _add(table, "inference alone", inference, "")
    return table


def exports_table(result: Exports) -> Table:
    """Draw what each format takes beside the recognition."""
    title = f"Exports: {result.pages} pages, {result.words:,} words"
    table = _table(title, ("Milliseconds", "MiB", "% of recognition"), "Format")
    for export in result.formats:
        if not export.seconds:
            _add(table, export.format, None, export.error or "")
            continue
        seconds = median(export.seconds)
        cells = (
            f"{seconds * 1000:.1f}",
            f"{export.bytes / 1024**2:.2f}",
            f"{100 * result.share(seconds):.3f}",
        )
        _add(table, export.format, cells, "")
    table.add_section()
    together = (f"{result.together * 1000:.1f}", NONE, f"{100 * result.share(result.together):.3f}")
    _add(table, "all formats", together, "")
    recognition = (f"{result.recognition * 1000:.1f}", NONE, "100.000")
    _add(table, "recognition", recognition, _failed(result.failed, result.first_error))
    return table


def layer_table(result: Layer) -> Table:
    """Draw how a searchable PDF of images compares with what was recognised."""
    columns = "Words", "Found %", "Box distance pt", "Images MiB", "PDF ÷ images"
    table = _table("Searchable PDF of images, read by pdfminer.six", columns, "Pages")
    cells = (
        f"{result.words:,}",
        f"{100 * result.found / max(1, result.words):.3f}",
        f"{result.distance:.2f}",
        _mebibytes(result.image_bytes),
        f"{result.pdf_bytes / max(1, result.image_bytes):.3f}",
    )
    _add(table, str(result.pages), cells, "distance: median, between centres")
    return table


def growth_table(results: Sequence[Growth]) -> Table:
    """Draw what was resident while PDFs were made searchable."""
    columns = "Seconds", "Before MiB", "Peak MiB", "Helpers MiB", "KiB a further page"
    table = _table("Memory: a scanned PDF made searchable", columns, "Pages")
    first = results[0]
    for result in results:
        more = result.peak + result.helpers - first.peak - first.helpers
        pages = result.pages - first.pages
        cells = (
            f"{result.seconds:.1f}",
            _mebibytes(result.before),
            _mebibytes(result.peak),
            _mebibytes(result.helpers),
            f"{more / pages / 1024:.0f}" if pages else NONE,
        )
        _add(table, f"{result.pages:,}", cells, "")
    return table


def reliability_table(results: Mapping[str, Reliability]) -> Table:
    """Draw how true confidences are; each result has a name."""
    columns = "Words", "Untold", "Right", "Mean confidence", "ECE"
    table = _table("Reliability", columns, "Confidence")
    for name, result in results.items():
        shares = (result.right, result.confidence, result.ece)
        cells = (f"{result.words:,}", f"{result.untold:,}", *(f"{each:.4f}" for each in shares))
        _add(table, name, cells, "")
    return table


def bins_table(result: Reliability) -> Table:
    """Draw the share of right words by their confidence."""
    table = _table("Words by confidence", ("Words", "Mean confidence", "Right"), "Confidence")
    for each in result.bins:
        cells = (f"{each.words:,}", f"{each.confidence:.3f}", f"{each.right:.3f}")
        _add(table, f"{each.low:g} to {each.high:g}", cells, "")
    return table


def expected_table(result: Reliability) -> Table:
    """Draw how well the pages' error rates were foretold."""
    columns = "Expected, median", "Measured, median", "Mean distance", "Rank correlation"
    table = _table("Character error rates of pages", columns, "Pages")
    expected, measured = result.medians
    figures = (expected, measured, result.off)
    cells = (*(f"{each:.4f}" for each in figures), f"{result.ranks:.2f}")
    _add(table, f"{len(result.pages):,}", cells, "")
    return table


def _table(title: str, columns: Sequence[str], first: str = "System") -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    table.add_column("Remarks", overflow="fold", min_width=16)
    return table


def _add(table: Table, name: str, cells: Sequence[str] | None, remark: str) -> None:
    filled = cells or [NONE] * (len(table.columns) - 2)
    # As plain text: an error message may hold square brackets, which Rich takes for markup.
    table.add_row(Text(name), *filled, Text(remark))


def _accuracy_cells(result: SystemAccuracy, base: SystemAccuracy | None) -> Sequence[str] | None:
    if not result.pages:
        return None
    return (
        str(len(result.pages)),
        f"{result.cer_mean:.4f}",
        f"{result.cer_median:.4f}",
        f"{result.cer_p90:.4f}",
        f"{result.wer_mean:.4f}",
        f"{result.f1_mean:.4f}",
        str(result.empty_pages),
        str(len(result.errors)),
        *_accuracy_ratios(result, base),
    )


def _accuracy_ratios(result: SystemAccuracy, base: SystemAccuracy | None) -> tuple[str, str]:
    # Published texts may cover only part of the pages; the rest must not weigh on one side.
    common = base.on_pages_of(result) if base else None
    if common is None or not common.pages:
        return NONE, NONE
    return (
        _ratio(result.cer_mean, common.cer_mean),
        _ratio(result.wer_mean, common.wer_mean),
    )


def _accuracy_remark(result: SystemAccuracy) -> str:
    if result.missing or not result.errors:
        return result.missing or ""
    return f"{result.errors[0].page}: {result.errors[0].error}"


def _speed_cells(result: SystemSpeed, base: SystemSpeed | None) -> Sequence[str] | None:
    if not result.batches:
        return None
    pace = result.pages_per_second
    ratio = result.ratio_to(base) if base and base.batches else None
    return (
        str(result.batches[0].pages),
        str(len(result.batches)),
        str(result.failed),
        f"{median(pace):.2f}",
        f"{min(pace):.2f}–{max(pace):.2f}",
        NONE if ratio is None else f"{ratio:.2f}",
    )


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else NONE


def _mebibytes(size: int) -> str:
    return f"{size / 1024**2:.1f}"


def _failed(count: int, first_error: str | None) -> str:
    return f"{count} failed: {first_error}" if count else ""
