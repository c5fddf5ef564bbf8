"""The command ``plan``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import typer

from ocrloom.cli.errors import explain, full_traceback
from ocrloom.cli.inputs import check_inputs, sources, title
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import own_streams
from ocrloom.cli.tables import print_table
from ocrloom.cli.tally import Tally, plural
from ocrloom.cli.watch import Watch
from ocrloom.engine.planning import PagePlan, missing_recognisers, plan_pages
from ocrloom.errors import OcrException
from ocrloom.image import Image
from ocrloom.image.source import shown
from ocrloom.progress import Progress, Stage
from ocrloom.result import OcrResult, PageFailure
from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from ocrloom.image.lazy import ImageLike
    from ocrloom.languages import Script
    from ocrloom.options import OcrOptions

__all__ = ["Request", "print_plan"]

_HEADERS = ("File", "Page", "OCR", "Why", "Megapixels", "dpi", "Script")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    names: tuple[str, ...]
    options: OcrOptions
    as_json: bool
    progress: bool
    verbose: bool


@dataclass(slots=True)
class _FilePlan:
    """What was found out about one input."""

    name: str
    pages: list[PagePlan] = field(default_factory=list)
    failures: list[PageFailure] = field(default_factory=list)
    error: OcrException | None = None

    @property
    def recognised(self) -> list[PagePlan]:
        return [page for page in self.pages if page.needs_ocr]

    @property
    def scripts(self) -> list[Script]:
        """What its pages that have text are written in, so that one may expect it on others."""
        return list(dict.fromkeys(script for page in self.pages for script in page.scripts))


def print_plan(request: Request) -> int:
    """Prints what reading the inputs would be, without reading them.

    Returns:
        The exit code that `read` would have for inputs and pages that cannot be read.
    """
    check_inputs(request.names)
    watch = Watch(len(request.names))
    tally = Tally(len(request.names))
    plans = []
    with (
        own_streams(chatter=request.verbose) as streams,
        Messages(streams.err, watch=watch, bar=request.progress) as messages,
    ):
        for name, source in zip(
            request.names, sources(request.names, request.options.limits), strict=True
        ):
            plan = _plan_file(title(name), source, request.options, watch)
            plans.append(plan)
            _count(plan, tally)
            for line in _complaints(plan, verbose=request.verbose):
                messages.say(line)
    if request.as_json:
        typer.echo(json.dumps(_document(plans, request.options), ensure_ascii=False, indent=2))
    else:
        _print_tables(plans, request.options)
    return tally.exit_code


def _plan_file(name: str, source: ImageLike, options: OcrOptions, watch: Watch) -> _FilePlan:
    plan = _FilePlan(name)

    def tell(stage: Stage, page: int | None = None, pages: int | None = None) -> None:
        done = len(plan.pages) + len(plan.failures)
        watch(Progress(source=name, stage=stage, page=page, pages=pages, pages_done=done))

    try:
        image = Image.load(source, limits=options.limits, pdf=options.pdf)
        for found in plan_pages(image, options, lambda count: tell(Stage.OPENED, pages=count)):
            if isinstance(found, PagePlan):
                plan.pages.append(found)
            else:
                plan.failures.append(found)
            tell(Stage.PAGE_DONE, found.number)
    except OcrException as error:
        plan.error = error
    watch.take(name, failed=plan.error is not None)
    return plan


def _count(plan: _FilePlan, tally: Tally) -> None:
    result = None if plan.error else OcrResult(pages=(), failures=tuple(plan.failures))
    tally.add(plan.name, result, plan.error, None)


def _complaints(plan: _FilePlan, *, verbose: bool) -> list[str]:
    errors = [failure.error for failure in plan.failures]
    lines = []
    if plan.error is not None:
        errors.append(plan.error)
        if verbose:
            lines.append(full_traceback(plan.error).rstrip())
    return [*lines, *(explain(error, plan.name) for error in errors)]


def _missing(plans: list[_FilePlan], options: OcrOptions) -> dict[str, tuple[str, ...]]:
    scripts = (script for plan in plans if plan.recognised for script in plan.scripts)
    return missing_recognisers(options.languages, scripts)


def _seconds(plans: list[_FilePlan]) -> float:
    """An estimate of how long it takes with a page on each CPU."""
    seconds = [page.seconds for plan in plans for page in plan.pages]
    return max(sum(seconds) / usable_cpus(), max(seconds, default=0.0))


def _document(plans: list[_FilePlan], options: OcrOptions) -> dict[str, Any]:
    return {
        "files": [_file(plan) for plan in plans],
        "pages": sum(len(plan.pages) for plan in plans),
        "needs_ocr": sum(len(plan.recognised) for plan in plans),
        "estimated_seconds": round(_seconds(plans), 1),
        "missing_recognisers": {
            name: list(recognisers) for name, recognisers in _missing(plans, options).items()
        },
    }


def _file(plan: _FilePlan) -> dict[str, Any]:
    error = plan.error
    return {
        "source": plan.name,
        "pages": [
            {
                "number": page.number,
                "needs_ocr": page.needs_ocr,
                "reason": page.reason,
                "width": page.width,
                "height": page.height,
                "megapixels": round(page.megapixels, 2),
                "dpi": None if page.dpi is None else list(page.dpi),
                "scripts": [script.value for script in page.scripts],
                "estimated_seconds": round(page.seconds, 2),
            }
            for page in plan.pages
        ],
        "failures": [
            {"number": each.number, "kind": each.kind, "message": each.message}
            for each in plan.failures
        ],
        "error": None if error is None else {"kind": type(error).__name__, "message": str(error)},
    }


def _print_tables(plans: list[_FilePlan], options: OcrOptions) -> None:
    rows = [_row(plan.name, page) for plan in plans for page in plan.pages]
    if not rows:
        return
    print_table(_HEADERS, rows)
    pages = sum(len(plan.pages) for plan in plans)
    recognised = sum(len(plan.recognised) for plan in plans)
    # On standard error, so that a pipe gets nothing but the table.
    typer.echo(
        f"{plural(recognised, 'page')} of {pages} would be recognised; an estimate of the time: "
        f"{timedelta(seconds=max(1, round(_seconds(plans))))} on {plural(usable_cpus(), 'CPU')}.",
        err=True,
    )
    for name, recognisers in _missing(plans, options).items():
        typer.echo(
            f"Cannot be read now: {name}, which is for the recogniser {', '.join(recognisers)}; "
            'run pip install "ocrloom[tesseract]" and ocrloom languages add with its code.',
            err=True,
        )


def _row(name: str, page: PagePlan) -> tuple[str, ...]:
    dpi = "-" if page.dpi is None else " × ".join(dict.fromkeys(f"{each:.0f}" for each in page.dpi))
    return (
        shown(name),
        str(page.number),
        "yes" if page.needs_ocr else "no",
        page.reason,
        f"{page.megapixels:.1f}",
        dpi,
        ", ".join(script.value for script in page.scripts) or "-",
    )
