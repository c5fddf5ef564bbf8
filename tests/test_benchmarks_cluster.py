"""The benchmarks of a cluster, the simulation of a large one, and the page that is made of it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmarks import cli, cluster, cluster_cli, cluster_kills, scale_tables
from benchmarks.cluster import PARTIES, Identical, Pace, Party
from benchmarks.cluster_kills import Killed
from benchmarks.cluster_turns import DATASET, ENGINE, LOCAL, Turn
from benchmarks.note import write_files, write_pages
from benchmarks.scale_cli import CORES, PAGES
from benchmarks.scale_figures import CLUSTER, RESULTS, Assumed, SourceMissing, load
from benchmarks.scale_model import (
    ENGINE_PLAN,
    MANY_PLAN,
    PLANS,
    limits,
    outcomes,
    page_seconds,
    vain,
)
from benchmarks.scale_simulation import Part, Plan, simulate

PLAN_PAGE = Path(__file__).resolve().parent.parent / "docs" / "billion-pages.md"
COUNTS = [int(each) for each in CORES.split(",")]


def turn(party, **more):
    took = {"driver": 0.5, "readers": 40.0, "control": 0.2, "nodes": 1.0}
    idle = {"driver": 0.0, "readers": 0.0, "control": 0.001 + 0.0005 * party.nodes, "nodes": 0.02}
    figures = {
        "seconds": 25.0,
        "pages": 50,
        "starting": 3.0,
        "cpu": took,
        "idle": idle if party.way == ENGINE else {},
        "in_bytes": 50 * 60_000,
        "out_bytes": 50 * 45_000,
        "packing": 0.2,
        "parquet_bytes": 50 * 20_000,
        "cpu_before": dict.fromkeys(took, 0.1) if party.way == DATASET else {},
        "page_seconds": [0.5, 0.7, 0.9],
    }
    return Turn(
        way=party.way,
        nodes=party.nodes,
        pinned=party.pinned,
        cores=party.cores,
        batch=party.batch,
        **(figures | more),
    )


@pytest.fixture
def results(tmp_path):
    """The committed runs, with a run of a cluster whose figures are round."""
    for path in RESULTS.glob("*.json"):
        shutil.copy(path, tmp_path)
    paces = [{"turns": [as_json(turn(party))]} for party in PARTIES]
    (tmp_path / CLUSTER).write_text(json.dumps({"paces": paces}), encoding="utf-8")
    return tmp_path


def as_json(each):
    return {name: getattr(each, name) for name in Turn.__slots__}


# What was measured.


def test_what_was_killed_is_judged_page_by_page():
    expected = [(0, 1, "a", "A"), (0, 2, "b", "B"), (1, 1, "c", "C"), (1, 2, "d", "D")]
    read = [(0, 1, "a", "A"), (0, 2, "b", "B"), (0, 2, "b", "B"), (1, 1, "OcrReaderLost", "")]
    killed = Killed(way=ENGINE, victim="a node", pages=4)
    cluster_kills.judge(killed, read, expected)
    assert (killed.lost, killed.doubled, killed.differing) == (1, 1, 0)
    assert killed.failures == {"OcrReaderLost": 1}


def test_another_text_is_told_from_another_place():
    expected = [(0, 1, "a", "A"), (0, 2, "b", "B"), (1, 1, "c", "C")]
    read = [(0, 1, "a", "A"), (0, 2, "b", "other"), (1, 1, "x", "X")]
    found = cluster.identical("pages", ENGINE, ["one.tif", "two.tif"], expected, read)
    assert (found.pages, found.texts, found.everything) == (3, 2, 1)
    assert found.different == ["two.tif"]


def test_a_page_that_came_twice_is_another():
    expected = [(0, 1, "a", "A")]
    found = cluster.identical("pages", ENGINE, ["one.tif"], expected, expected * 2)
    assert (found.texts, found.different) == (0, ["one.tif"])


def test_ratios_are_of_the_rounds():
    one, two = Party(ENGINE, nodes=1), Party(ENGINE)
    slow = Pace(one, [turn(one, seconds=each) for each in (50.0, 100.0, 50.0)])
    fast = Pace(two, [turn(two, seconds=each) for each in (25.0, 50.0, 40.0)])
    assert cluster.ratio(fast, slow) == 2.0
    assert cluster.ratio(fast, None) is None
    assert cluster.pace_of([slow, fast], two) is fast


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks at /proc, as on Linux")
def test_a_cluster_reads_notes_and_outlives_a_reader(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    books = [
        write_pages(tmp_path / f"{book}.tif", [f"Page {each} of book {book}" for each in range(9)])
        for book in "ab"
    ]
    monkeypatch.setattr(cluster_kills, "BOOK", 9)
    took, expected = cluster_kills.take(LOCAL, books, "eng")
    assert (took.pages, took.failed) == (18, 0)
    assert took.cpu["driver"] > 0
    killed = cluster_kills.read_and_kill(ENGINE, cluster_kills.READER, books, expected)
    assert (killed.error, killed.lost, killed.doubled, killed.differing) == (None, 0, 0, 0)
    assert (killed.processes, killed.failures) == (1, {})


def test_the_command_draws_tables_and_writes_what_the_plan_reads(results, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    notes, figures = tmp_path / "notes", results / CLUSTER
    notes.mkdir()
    write_files(notes, 2)
    for number in (1, 2):
        (notes / f"note-{number}.gt.txt").write_text("Small", encoding="utf-8")
    given = {}

    def measure(batches, *_):
        given.update(batches)
        return [Pace(party, [turn(party)]) for party in PARTIES]

    same = Identical(corpus="notes", way=ENGINE, sources=2, pages=2, texts=2, everything=1)
    killed = Killed(way=ENGINE, victim="a node", pages=500, processes=4, done=166)
    monkeypatch.setattr(cluster, "measure", measure)
    monkeypatch.setattr(cluster, "compare", lambda *_: [same])
    monkeypatch.setattr(cluster_kills, "measure", lambda *_: [killed])
    monkeypatch.setattr(cluster_cli, "_missing", lambda: None)
    flags = ["--rounds", "1", "--notes", "60", "--json", str(figures)]
    done = CliRunner().invoke(cli.app, ["cluster", str(notes), *flags])
    assert done.exit_code == 0, done.output
    assert {party.batch for party in PARTIES} == set(given)
    assert "Kill -9 in the middle" in done.output
    assert "a node" in done.output
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert written["settings"]["notes"] == 60
    assert written["kills"][0]["processes"] == 4
    assert load(results).reading == pytest.approx(40 / 50)


def test_the_cluster_command_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster_cli, "usable_cores", lambda: [0])
    monkeypatch.setattr(cluster_cli, "find_spec", lambda _: object())
    done = CliRunner().invoke(cli.app, ["cluster", str(tmp_path)])
    assert done.exit_code == 1
    assert "one for each node" in done.output or "Linux" in done.output


# What is simulated.

plans = st.builds(
    Plan,
    cores=st.integers(1, 40) | st.just(600),
    seconds=st.floats(0.1, 2.0),
    parts=st.tuples(
        st.builds(Part, st.just("sources"), st.floats(1.0, 1e5), st.just(True)),
        st.builds(Part, st.just("driver"), st.floats(1.0, 1e5)),
        st.builds(Part, st.just("sink"), st.floats(1.0, 1e5)),
    ),
    spread=st.floats(0.0, 1.0),
    slices=st.integers(2, 6),
    together=st.booleans(),
    node_cores=st.integers(1, 64),
    node_seconds=st.floats(300.0, 1e6),
    repair=st.floats(0.0, 300.0),
)


@settings(max_examples=25, deadline=None)
@given(plan=plans, seed=st.integers(0, 99))
def test_every_page_is_done_once(plan, seed):
    run = simulate(plan, seed)
    done = sorted(run.done)
    ends = list(accumulate(count for _, count in done))
    assert [first for first, _ in done] == [0, *ends[:-1]]
    assert ends[-1] == run.pages
    if plan.together:
        assert len({count for _, count in done}) == 1


@settings(max_examples=25, deadline=None)
@given(plan=plans, seed=st.integers(0, 99))
def test_nothing_is_busier_than_always_and_nothing_faster_than_its_parts(plan, seed):
    run = simulate(plan, seed)
    assert all(0 <= share <= 1 + 1e-9 for share in run.busy.values())
    for part in plan.parts:
        assert run.pages / run.seconds <= part.rate * (1 + 1e-9)


def test_cores_alone_bound_the_pace():
    free = Part("driver", 1e9)
    run = simulate(Plan(cores=640, seconds=0.5, parts=(free,), spread=0.6))
    assert run.bottleneck == "cores"
    assert run.pace == pytest.approx(640 / 0.5, rel=0.03)


@settings(max_examples=10, deadline=None)
@given(
    cores=st.sampled_from([8, 60]),
    rates=st.tuples(*[st.floats(10.0, 1e4)] * 3),
    spread=st.floats(0.0, 0.8),
)
def test_relief_of_the_bottleneck_is_what_helps(cores, rates, spread):
    names = "sources", "driver", "sink"
    seconds = 0.5
    able = sorted([*rates, cores / seconds])
    # Where two are nearly as narrow, relief of either shows the other.
    assume(able[1] > 1.5 * able[0])

    def pace(relieved=None):
        faster = [
            rate * (2 if name == relieved else 1) for name, rate in zip(names, rates, strict=True)
        ]
        plan = Plan(
            cores=cores * (2 if relieved == "cores" else 1),
            seconds=seconds,
            parts=tuple(map(Part, names, faster)),
            spread=spread,
        )
        return simulate(plan)

    run = pace()
    for name in (*names, "cores"):
        gain = pace(name).pace / run.pace
        assert (gain > 1.25) == (name == run.bottleneck), name


def test_lost_nodes_cost_time_and_no_page():
    calm = Plan(cores=128, seconds=0.5, parts=(), node_cores=32)
    rough = replace(calm, node_seconds=200.0, repair=60.0)
    first, second = simulate(calm), simulate(rough)
    assert first.repeated == 0 < second.repeated
    assert second.pages == first.pages
    assert second.seconds > first.seconds


def test_pages_that_come_together_are_lost_together():
    plan = Plan(cores=128, seconds=0.5, parts=(), node_cores=32, node_seconds=200.0, slice_pages=64)
    one_by_one, together = simulate(plan), simulate(replace(plan, together=True))
    # Of each slice half, of all that were read.
    more = (together.seconds - one_by_one.seconds) / one_by_one.seconds
    assert more == pytest.approx(32 * 0.5 / 200.0, rel=0.6)


def test_the_same_seed_gives_the_same_run():
    plan = Plan(cores=64, seconds=0.5, parts=(Part("driver", 100.0),), spread=0.5)
    assert simulate(plan, 7) == simulate(plan, 7)
    assert simulate(plan, 7).done != simulate(plan, 8).done


# What is planned.


def test_figures_are_those_of_the_runs(results):
    measured = load(results)
    assert measured.reading == pytest.approx(40 / 50)
    assert (measured.idle_alone, measured.idle_control) == pytest.approx((0.001, 0.0005))
    # What the cluster takes when idle is no part of what a page takes.
    assert measured.files.control == pytest.approx((0.2 - 0.002 * 25) / 50)
    assert measured.files.driver == pytest.approx(0.5 / 50)
    # And what beginning takes is none of it either.
    assert measured.dataset.driver == pytest.approx((0.5 - 0.1) / 50)
    assert measured.parquet.bytes == 20_000
    assert set(measured.stages) >= {"decode", "detector inference", "recogniser inference"}
    assert not set(measured.stages) & {"waiting for helpers", "outside of pages, waiting"}
    assert measured.postgresql.rate > 0 < measured.sqlite.bytes


def test_a_run_that_is_missing_is_named(results):
    (results / CLUSTER).unlink()
    with pytest.raises(SourceMissing, match=CLUSTER):
        load(results)


def test_plans_meet_what_limits_them(results):
    measured, assumed = load(results), Assumed()
    found = {(each.cores, each.plan): each for each in outcomes(measured, assumed, 1e9, COUNTS)}
    assert len(found) == len(COUNTS) * len(PLANS)
    driver = limits(measured, assumed)["driver of an engine that indexes"]
    for (cores, plan), each in found.items():
        assert each.pace <= cores / measured.reading * 1.03
        assert each.callers >= each.clusters
        assert each.days == pytest.approx(1e9 / each.pace / 86_400)
        if plan == ENGINE_PLAN:
            assert each.pace <= driver * 1.03
        if plan == MANY_PLAN:
            assert each.bottleneck == "cores"
            assert each.cores / each.clusters <= assumed.cluster_nodes * assumed.node_cores
    largest = found[COUNTS[-1], MANY_PLAN]
    assert largest.pace > 20 * found[COUNTS[-1], ENGINE_PLAN].pace


def test_what_a_lost_node_costs_is_what_it_had_given_and_not_written():
    assumed = Assumed()
    assert vain(assumed, ENGINE_PLAN, 64) == 0.5
    # Two bundles of 64 pages in a process of four cores, half done; and half a part.
    assert vain(assumed, MANY_PLAN, 64) == 16 + 15 / 2
    assert vain(assumed, MANY_PLAN, 4096) == 16 + 1 / 2


def test_pages_of_datasets_have_the_overhead_of_datasets(results):
    measured = load(results)
    nodes = replace(measured.dataset, nodes=0.25)
    measured = replace(measured, dataset=nodes, files=replace(nodes, nodes=0.5))
    assert page_seconds(measured) == measured.reading + 0.25
    assert page_seconds(measured, ENGINE_PLAN) == measured.reading + 0.5


def test_a_network_is_as_wide_each_way(results):
    measured = replace(load(results), in_bytes=1e6, out_bytes=2e6)
    seconds = page_seconds(measured)
    assumed = Assumed(node_network=64 * 2e6 / seconds * 10)
    drawn = scale_tables.tables(measured, assumed, 1e9, outcomes(measured, assumed, 1e9, [16]))
    assert "uses 10.00 % of its network one way" in drawn["network"]


def test_tables_go_to_their_places():
    text = "before\n\n<!-- scale: one -->\nold\n<!-- end -->\n\nbetween <!-- end -->"
    drawn = {"one": "| new |", "two": "| other |"}
    once = scale_tables.written(text, drawn)
    assert once == "before\n\n<!-- scale: one -->\n| new |\n<!-- end -->\n\nbetween <!-- end -->"
    assert scale_tables.written(once, drawn) == once


def test_the_command_writes_a_page_and_figures(results, tmp_path):
    page, figures = tmp_path / "page.md", tmp_path / "scale.json"
    page.write_text("<!-- scale: paces -->\n<!-- end -->\n", encoding="utf-8")
    flags = ["--results", str(results), "--docs", str(page), "--json", str(figures)]
    done = CliRunner().invoke(cli.app, ["scale", "--cores", "16,1000", *flags])
    assert done.exit_code == 0, done.output
    table = page.read_text(encoding="utf-8")
    assert table.count("\n| ") == 2 + 2 * len(PLANS) - 1 + 1
    assert table.split("\n", 1)[1].rpartition("\n<!--")[0] in done.output
    written = json.loads(figures.read_text(encoding="utf-8"))
    assert Counter(each["plan"] for each in written["outcomes"]) == dict.fromkeys(PLANS, 2)


def test_the_command_says_what_is_missing(tmp_path):
    done = CliRunner().invoke(cli.app, ["scale", "--results", str(tmp_path)])
    assert done.exit_code == 1
    assert "english-profile.json" in done.output


def test_the_page_has_what_the_simulation_says():
    measured, assumed = load(), Assumed()
    drawn = scale_tables.tables(
        measured, assumed, PAGES, outcomes(measured, assumed, PAGES, COUNTS)
    )
    text = PLAN_PAGE.read_text(encoding="utf-8")
    for name, table in drawn.items():
        assert f"<!-- scale: {name} -->\n{table}\n<!-- end -->" in text, (
            "python -m benchmarks scale --docs docs/billion-pages.md draws it anew"
        )


def test_the_committed_cluster_did_what_it_must():
    run = json.loads((RESULTS / CLUSTER).read_text(encoding="utf-8"))
    ways = {each["way"] for each in run["identical"]}
    assert ways == {ENGINE, DATASET}
    assert all(each["texts"] == each["pages"] for each in run["identical"])
    assert {each["way"] for each in run["kills"]} == ways
    for each in run["kills"]:
        assert each["error"] is None
        assert each["processes"] > 0
        assert (each["lost"], each["doubled"], each["differing"]) == (0, 0, 0)
