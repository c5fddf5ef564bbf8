"""The tables of the plan for many pages, as Markdown: those of the documentation, to the letter."""

from __future__ import annotations

import re
from math import ceil, inf, log10
from typing import TYPE_CHECKING, Final

from benchmarks.scale_model import (
    ENGINE_LIMITS,
    ENGINE_PLAN,
    MANY_PLAN,
    limits,
    page_seconds,
    vain,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.scale_figures import Assumed, Measured
    from benchmarks.scale_model import Outcome

__all__ = ["EXPORTS", "tables", "written"]

EXPORTS: Final = ("txt", "json", "hocr", "pdf")
"""Formats that are shown; the others cost less than the dearest of them."""

_BLOCK: Final = re.compile(r"(<!-- scale: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_HOUR, _DAY = 3600.0, 86_400.0
_NONE: Final = "–"


def tables(
    measured: Measured, assumed: Assumed, pages: float, outcomes: Sequence[Outcome]
) -> dict[str, str]:
    """Draw every table, by the name of its place in the documentation."""
    cores = list(dict.fromkeys(each.cores for each in outcomes))
    return {
        "stages": _stages(measured, pages),
        "paces": _paces(outcomes),
        "limits": _limits(measured, assumed),
        "storage": _storage(measured, pages),
        "network": _network(measured, assumed, cores),
        "failures": _failures(measured, assumed, outcomes),
        "searches": _searches(measured, assumed, pages),
        "assumed": _assumed(assumed),
    }


def written(text: str, drawn: Mapping[str, str]) -> str:
    """Put tables in their places of a page of documentation.

    Args:
        text: With ``<!-- scale: NAME -->`` before each place and ``<!-- end -->`` after it.
        drawn: The tables.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{drawn[found['name']]}\n{found[3]}", text)


def _stages(measured: Measured, pages: float) -> str:
    whole = sum(measured.stages.values())
    rows = [(stage, seconds, seconds / whole) for stage, seconds in measured.stages.items()]
    rows.append(("**all stages**", whole, 1.0))
    for name, overhead in (
        ("engine, files", measured.files),
        ("engine, books", measured.book),
        ("datasets", measured.dataset),
    ):
        beside = overhead.driver + overhead.control + overhead.nodes
        rows.append((f"the cluster beside it: {name}", beside, beside / whole))
    rows += [
        (f"export: {name}", seconds, seconds / whole)
        for name, (seconds, _) in measured.exports.items()
        if name in EXPORTS
    ]
    rows.append(("library: packing a page", measured.packing, measured.packing / whole))
    return _table(
        ("what", "CPU ms a page", "% of all stages", f"core-hours for {_count(pages)} pages"),
        [
            (name, _short(1000 * seconds), f"{100 * share:.1f}", _count(pages * seconds / _HOUR))
            for name, seconds, share in rows
        ],
    )


def _paces(outcomes: Sequence[Outcome]) -> str:
    heads = "cores", "plan", "callers", "clusters", "prefixes", "pages/s", "days"
    rows = [
        (
            _count(each.cores),
            each.plan,
            *(f"{count:,}" for count in (each.callers, each.clusters, each.prefixes)),
            _count(each.pace),
            _count(each.days),
            f"{100 * each.busy['driver']:.0f} %",
            f"{100 * each.busy['cores']:.0f} %",
            each.bottleneck,
        )
        for each in outcomes
    ]
    return _table((*heads, "driver busy", "cores busy", "bottleneck"), rows, left=(1, 9))


def _limits(measured: Measured, assumed: Assumed) -> str:
    rows = []
    for name, rate in sorted(limits(measured, assumed).items(), key=lambda each: each[1]):
        is_engine = any(word in name for word in ENGINE_LIMITS)
        cores = rate * page_seconds(measured, ENGINE_PLAN if is_engine else MANY_PLAN)
        rows.append((name, *map(_count, (rate, cores, assumed.busy * cores))))
    heads = "one", "pages/s", "cores that fill it", f"cores at {100 * assumed.busy:.0f} %"
    return _table(heads, rows)


def _storage(measured: Measured, pages: float) -> str:
    places = [("sources, as they come", measured.in_bytes)]
    places += [
        ("Parquet, with everything", measured.parquet.bytes),
        ("library in SQLite, words and index", measured.sqlite.bytes),
        ("library in PostgreSQL, words and index", measured.postgresql.bytes),
        ("results on their way to an engine's caller", measured.out_bytes),
    ]
    places += [(f"export: {name}", measured.exports[name][1]) for name in EXPORTS]
    return _table(
        ("what", "bytes a page", f"TB for {_count(pages)} pages"),
        [(name, f"{size:,.0f}", _short(size * pages / 1e12)) for name, size in places],
    )


def _network(measured: Measured, assumed: Assumed, cores: Sequence[int]) -> str:
    held = assumed.slice_pages * assumed.in_flight * measured.out_bytes * assumed.node_cores
    rows = []
    for count in cores:
        rates = (
            measured.in_bytes / page_seconds(measured),
            measured.out_bytes / page_seconds(measured, ENGINE_PLAN),
            measured.parquet.bytes / page_seconds(measured),
        )
        rows.append((_count(count), *(_short(8 * count * rate / 1e9) for rate in rates)))
    node = assumed.node_cores / page_seconds(measured)
    # Both ways are as wide, so the one that more goes is the one that counts.
    share = node * max(measured.in_bytes, measured.out_bytes) / assumed.node_network
    text = _table(
        ("cores", "sources in, Gbit/s", "results to a driver, Gbit/s", "Parquet out, Gbit/s"), rows
    )
    return (
        f"{text}\n\nA node of {assumed.node_cores} cores uses {100 * share:.2f} % of its network "
        f"one way, and results in flight take {100 * held / assumed.node_store:.2f} % of its "
        "object store."
    )


def _failures(measured: Measured, assumed: Assumed, outcomes: Sequence[Outcome]) -> str:
    rows = []
    for each in outcomes:
        if each.plan != MANY_PLAN:
            continue
        nodes = ceil(each.cores / assumed.node_cores)
        lost = nodes / assumed.node_days
        on_node = min(each.cores, assumed.node_cores)
        share = ceil(each.cores / each.callers)
        engine, dataset = (vain(assumed, plan, share) for plan in (ENGINE_PLAN, MANY_PLAN))
        # Until another has loaded the models, and then what is read again.
        absent = assumed.repair + measured.starting + dataset * page_seconds(measured)
        rows.append(
            (
                *map(_count, (each.cores, nodes)),
                *(_short(figure) for figure in (lost, lost * on_node * engine)),
                _short(lost * on_node * dataset),
                f"{100 * lost * on_node * absent / (each.cores * _DAY):.4f} %",
            )
        )
    again = "pages read again a day"
    heads = "cores", "nodes", "nodes lost a day", f"{again}, engine", f"{again}, datasets"
    return _table((*heads, "of all core time, datasets"), rows)


def _searches(measured: Measured, assumed: Assumed, pages: float) -> str:
    shards = ceil(pages / assumed.shard_pages)
    sizes = sorted(measured.searches[0].p50)
    rows = []
    for search in measured.searches:
        times = [search.p50[size] for size in sizes]
        growth = times[-1] / times[-2]
        # As much again for every tenfold size as the last one brought.
        steps = log10(assumed.shard_pages / sizes[-1]) / log10(sizes[-1] / sizes[-2])
        shard = times[-1] * max(1.0, growth) ** steps
        rows.append(
            (
                search.kind,
                *(_short(1000 * time) for time in times),
                _short(growth),
                _short(1000 * shard),
                _short(shard * shards),
            )
        )
    heads = (f"{size:,} pages, ms" for size in sizes)
    ends = "last growth", f"{_count(assumed.shard_pages)} pages, ms", f"{shards} shards, core-s"
    return _table(("search, p50", *heads, *ends), rows)


def _assumed(assumed: Assumed) -> str:
    rows = [
        ("cores of a node", _count(assumed.node_cores)),
        ("network of a node", f"{8 * assumed.node_network / 1e9:.0f} Gbit/s each way"),
        ("object store of a node", f"{assumed.node_store / 2**30:.0f} GiB"),
        ("nodes of a Ray cluster", _count(assumed.cluster_nodes)),
        ("requests a second to one prefix of a store", f"{assumed.gets:,.0f}"),
        ("objects a second into one prefix", f"{assumed.puts:,.0f}"),
        ("pages of a part of Parquet, at most", f"{assumed.part_pages:,}"),
        ("pages of a part for each core, at most", f"{assumed.part_core_pages:g}"),
        ("pages of a slice of an engine, at most", str(assumed.slice_pages)),
        ("slices in flight for each core", str(assumed.in_flight)),
        ("pages of a bundle of a dataset", str(assumed.bundle_pages)),
        ("cores of a dataset's process", str(assumed.process_cores)),
        ("bundles that it reads side by side", str(assumed.bundles)),
        ("days until a node is lost", f"{assumed.node_days:g}"),
        ("seconds until it is replaced", f"{assumed.repair:g}"),
        ("a part is planned to be busy up to", f"{100 * assumed.busy:.0f} %"),
        ("pages of one shard of a library", _count(assumed.shard_pages)),
    ]
    return _table(("assumed", "value"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    marks = ["---" if place in left else "---:" for place in range(len(heads))]
    lines = [heads, marks, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _count(value: float) -> str:
    """A number of things with three digits that count."""
    if value == inf:
        return _NONE
    if value >= 1e9:
        return f"{value / 1e9:.3g} billion"
    if value >= 1e6:
        return f"{value / 1e6:.3g} million"
    return _short(value) if value < 1000 else f"{_rounded(value):,.0f}"


def _short(value: float) -> str:
    if value == inf:
        return _NONE
    return f"{_rounded(value):,.0f}" if value >= 100 else f"{value:.3g}"


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
