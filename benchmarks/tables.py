"""What people read: tables of results. Everything here is a pure function of results."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.accuracy import SystemAccuracy
    from benchmarks.coldstart import ColdStart
    from benchmarks.lag import LagReport
    from benchmarks.speed import SystemSpeed

__all__ = ["BASE", "accuracy_table", "cold_start_table", "lag_table", "speed_table"]

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
        failed = f"{report.failed} failed: {report.first_error}" if report.failed else ""
        _add(table, lags.label, cells, failed if lags is report.busy else "")
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("System", no_wrap=True)
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
