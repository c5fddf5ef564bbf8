"""The benchmarks that look inside ocrloom: memory, scaling, profile."""

import json
import os
import threading
from contextlib import suppress

import pytest
from PIL import Image
from test_benchmarks import MACHINE, FakeSystem, drawn, row
from typer.testing import CliRunner

from benchmarks import arguments, cli, fresh, memory, note, profile, scaling, systems, tables
from ocrloom import OcrEngine

LINE = "Small enough to be read by the thousand"

linux_only = pytest.mark.skipif(
    memory.available() is not None, reason="only Linux tells a process what it holds"
)


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    return note.write_files(folder, 3)


@pytest.fixture
def in_process(monkeypatch):
    """Calls what would run in fresh processes in this one; gives the calls that were made."""
    made = []

    def call(function, **arguments):
        made.append((function.__name__, arguments))
        return json.loads(json.dumps(function(**json.loads(json.dumps(arguments)))))

    monkeypatch.setattr(fresh, "call", call)
    return made


def test_a_fresh_process_gives_what_the_function_gives():
    assert fresh.call(json.dumps, obj={"é": [1, None]}) == '{"\\u00e9": [1, null]}'


def test_a_fresh_process_that_fails_says_why():
    with pytest.raises(fresh.FreshError, match=r"loads ended with 1: json\.decoder\.JSON"):
        fresh.call(json.loads, s="{")


def test_notes_are_read_without_error(notes, engine):
    assert engine.process(notes[2]).text == LINE


def test_notes_are_written_as_files_and_as_frames(notes, tmp_path):
    assert [path.name for path in notes] == ["note-1.tif", "note-2.tif", "note-3.tif"]
    assert len({path.read_bytes() for path in notes}) == 1
    with Image.open(note.write_tiff(tmp_path / "all.tif", 7)) as picture:
        assert picture.n_frames == 7


# Memory


@linux_only
def test_the_memory_of_a_gather_is_that_of_a_fresh_process(notes):
    found = memory.measure_gather(notes, 4, "eng")
    assert found.calls == 4
    assert (found.failed, found.first_error, found.budget) == (0, None, None)
    assert 0 < found.warm <= found.peak


@linux_only
def test_a_gather_counts_failures(notes, in_process):
    missing = notes[0].with_name("missing.tif")
    found = memory.measure_gather([notes[0], missing], 5, "eng")
    assert found.failed == 2
    assert "missing.tif: no such file" in found.first_error
    kind, _, _ = found.first_error.partition(":")
    assert f"2 failed: {kind}:" in drawn(tables.gather_table([found]))


@linux_only
def test_a_long_run_looks_at_its_memory_after_some_pages(notes, in_process):
    bad = notes[0].with_name("bad.tif")
    bad.write_bytes(b"no image")
    found = memory.measure_long_run([*notes, bad], (2, 9), "auto")
    assert [mark.pages for mark in found.marks] == [2, 9]
    assert all(mark.bytes > 0 for mark in found.marks)
    assert found.in_flight >= 2
    assert found.failed == 2
    assert "OcrFormatError" in found.first_error


@linux_only
def test_the_peak_is_forgotten_between_two_looks():
    ballast = bytearray(os.urandom(1024)) * (64 * 1024)
    size = len(ballast)
    memory._forget_peak()
    with_ballast = memory._memory("VmHWM")
    del ballast
    memory._forget_peak()
    if memory._memory("VmHWM") == with_ballast:
        pytest.skip("this system's peak cannot be set back")
    assert memory._memory("VmHWM") < with_ballast - size / 2


def test_gather_table():
    few = memory.Gather(100, 2.0, 200 * 2**20, 210 * 2**20, 0, None)
    many = memory.Gather(10_100, 99.5, 200 * 2**20, 220 * 2**20, 1, "E: [x]")
    text = drawn(tables.gather_table([few, many]))
    assert row(text, "100") == ["100", "2.0", "200.0", "210.0", "0.0", "–", ""]
    # 10 MiB over 10,000 calls.
    assert row(text, "10,100")[4:] == ["10.0", "1.02", "1 failed: E: [x]"]


def test_budget_table():
    found = memory.Gather(12, 3.0, 200 * 2**20, 260 * 2**20, 0, None, budget=80 * 2**20)
    text = drawn(tables.budget_table(found))
    assert row(text, "12") == ["12", "3.0", "80.0", "200.0", "260.0", "0.75", ""]


@linux_only
def test_an_engine_is_told_its_budget(notes, in_process, monkeypatch):
    told = []
    monkeypatch.setattr(memory, "OcrEngine", lambda **named: told.append(named) or OcrEngine())
    found = memory.measure_budget(notes, "deu+eng", 5_000_000, notes[2])
    assert told == [{"language": ["deu", "eng"], "memory": 5_000_000}]
    assert (found.calls, found.budget) == (3, 5_000_000)


def test_long_run_table():
    marks = (memory.Resident(200, 100 * 2**20), memory.Resident(2000, 105 * 2**20))
    text = drawn(tables.long_run_table(memory.LongRun(4, marks, 0, None)))
    assert "4 under way" in text
    assert row(text, "200") == ["200", "100.0", "1.000", ""]
    assert row(text, "2,000") == ["2,000", "105.0", "1.050", ""]


# Scaling


def test_numbers_of_pages_grow_tenfold_up_to_the_most():
    assert scaling.counts_up_to(1) == [1]
    assert scaling.counts_up_to(100) == [1, 10, 100]
    assert scaling.counts_up_to(250) == [1, 10, 100, 250]


def test_scaling_reads_notes_in_both_kinds_in_turns(tmp_path):
    log, steps = [], []
    found = scaling.measure(FakeSystem("ocrloom", log), tmp_path, [1, 20], steps.append)
    read = [entry[1] for entry in log if isinstance(entry[1], str)]
    assert read[:5] == ["note-1", "all-1", "note-1", "note-1", "all-1"]
    assert read[11:] == ["all-20", *(f"note-{number}" for number in range(1, 21))]
    assert [(each.pages, each.kind, len(each.seconds)) for each in found] == [
        (1, "one TIFF", 5),
        (1, "single files", 5),
        (20, "one TIFF", 1),
        (20, "single files", 1),
    ]
    assert len(steps) == scaling.steps_of([1, 20]) == 12


def test_scaling_counts_failures(tmp_path):
    found = scaling.measure(FakeSystem("ocrloom", fails={"all-1"}), tmp_path, [1])
    assert [each.failed for each in found] == [5, 0]
    assert found[0].first_error == "ValueError: cannot read [all-1]"


def test_pages_table():
    many = scaling.Pages("single files", 1000, [50.0])
    one = scaling.Pages("one TIFF", 1, [0.1, 0.3, 0.2], 3, "ValueError: cannot read [x]")
    text = drawn(tables.pages_table([one, many]))
    failed = "3 failed: ValueError: cannot read [x]"
    assert row(text, "1, one TIFF") == ["1, one TIFF", "3", "0.200", "200.0", "4.00", failed]
    assert row(text, "1,000, single files")[1:5] == ["1", "50.000", "50.0", "1.00"]


def test_alone_table():
    # Rounds: 4 and 2.
    text = drawn(tables.alone_table([scaling.Alone(1, [4.0, 4.0]), scaling.Alone(4, [1.0, 2.0])]))
    assert row(text, "1") == ["1", "2", "4.000", "4.000–4.000", "1.00", ""]
    assert row(text, "4") == ["4", "2", "1.500", "1.000–2.000", "3.00", ""]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores cannot be chosen here")
def test_one_page_alone_is_timed_on_one_core_and_on_all_in_turns(monkeypatch, notes):
    made = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3, 1, 2})
    monkeypatch.setattr(fresh, "call", lambda _function, **asked: made.append(asked) or len(made))
    one, all_cores = scaling.measure_alone(notes[0], 2, "eng")
    assert [asked["cpus"] for asked in made] == [[1], [1, 2, 3], [1, 2, 3], [1]]
    assert (one.cpus, one.seconds) == (1, [1, 4])
    assert (all_cores.cpus, all_cores.seconds) == (3, [2, 3])


def test_one_page_alone_needs_a_system_that_gives_cores_out(monkeypatch, notes):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert scaling.measure_alone(notes[0], 2, "eng") == []


def test_a_page_is_timed_on_the_cores_that_were_asked_for(monkeypatch, notes):
    asked = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda *call: asked.append(call), raising=False)
    assert scaling.page_here(str(notes[0]), [2, 5], "eng") > 0
    assert asked == [(0, [2, 5])]


# Profile


@pytest.fixture
def clock(monkeypatch):
    """A clock and its time, which only the test moves on."""
    now = [0.0]
    monkeypatch.setattr(profile, "perf_counter", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return profile.Clock(), wait


def test_a_stage_does_not_count_what_the_stages_inside_it_take(clock):
    watch, wait = clock
    with watch.stage("outer"):
        wait(1)
        for _ in range(2):
            with watch.stage("inner"):
                wait(10)
                with watch.stage("innermost"):
                    wait(100)
        wait(2)
    assert watch.total("outer") == profile.Share("outer", 1, 3)
    assert watch.total("inner") == profile.Share("inner", 2, 20)
    assert watch.total("innermost") == profile.Share("innermost", 2, 200)
    assert watch.total("never") == profile.Share("never", 0, 0)


def test_a_stage_within_itself_counts_once(clock):
    watch, wait = clock
    with watch.stage("read"), watch.stage("read"):
        wait(5)
    assert watch.total("read") == profile.Share("read", 2, 5)


def test_stages_of_other_threads_are_not_inside(clock):
    watch, wait = clock

    def work():
        with watch.stage("inner"):
            wait(10)

    with watch.stage("outer"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert watch.total("outer").seconds == 10
    assert watch.total("inner").seconds == 10


def test_a_stage_that_raises_is_counted(clock):
    watch, wait = clock

    def fail():
        wait(4)
        raise KeyboardInterrupt

    with watch.stage("outer"), pytest.raises(KeyboardInterrupt):
        watch.timed("inner", fail)()
    assert watch.total("inner").seconds == 4
    assert watch.total("outer").seconds == 0


def test_every_stage_of_a_batch_is_seen_and_shares_make_up_the_whole(notes):
    bad = notes[0].with_name("bad.tif")
    bad.write_bytes(b"no image")
    found = profile.measure(systems.Ocrloom("eng"), [*notes, bad])
    calls = {stage.stage: stage.calls for stage in found.stages}
    assert all(calls[name] >= 3 for name in profile._ORDER), calls
    assert found.pages == 3
    assert sum(map(found.share, found.stages)) == pytest.approx(1)
    assert 0 < found.inference < 1
    assert (found.failed, found.first_error[:14]) == (1, "OcrFormatError")


def test_nothing_stays_wrapped():
    from ocrloom import reading
    from ocrloom.image import decode
    from ocrloom.vision import lines, page, recognisers, runtime

    def functions():
        return (
            *(
                reading.arrange,
                reading.read_frame,
                decode.open_reader,
                page.detect,
                recognisers.read,
            ),
            *(lines.cut, page.survey, lines.words_of, runtime.Network.__call__),
        )

    before = functions()
    with suppress(KeyboardInterrupt), profile.watched(profile.Clock()):
        assert not set(before) & set(functions())
        raise KeyboardInterrupt
    assert functions() == before


def test_profile_table():
    stages = (
        profile.Share("survey", 4, 2.0),
        profile.Share(profile.INFERENCES[0], 4, 5.0),
        profile.Share(profile.INFERENCES[1], 40, 10.0),
        profile.Share(profile.IDLE, 0, 3.0),
    )
    text = drawn(tables.profile_table(profile.Profile(4, 5.0, 4, stages, 0, None)))
    assert row(text, "survey") == ["survey", "4", "2.00", "10.0", ""]
    assert row(text, profile.IDLE)[1:4] == ["–", "3.00", "15.0"]
    assert row(text, "all workers")[2:4] == ["20.00", "100.0"]
    assert row(text, "inference alone")[2:4] == ["15.00", "75.0"]


# Commands


@pytest.fixture
def folder(notes, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "describe", lambda: MACHINE)
    monkeypatch.setattr(cli, "versions", lambda: {"ocrloom": "9.9"})
    for path in notes:
        path.with_suffix(".gt.txt").write_text(LINE)
    return notes[0].parent


def run(command, folder, *options):
    out = folder / "out.json"
    done = CliRunner().invoke(cli.app, [command, str(folder), *options, "--json", str(out)])
    assert done.exit_code == 0, done.output
    assert "Abacus, 2 of 4 logical cores" in done.stdout
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["command"] == command
    assert str(folder.parent) not in out.read_text(encoding="utf-8")
    return done.stdout, found


@linux_only
def test_memory_command(folder, in_process):
    options = ["--calls", "8, 4,8", "--pages", "10", "--budget", "50000000"]
    text, found = run("memory", folder, *options)
    assert row(text, "4")[4] == "0.0"
    assert row(text, "10")
    assert [each["calls"] for each in found["gathers"]] == [4, 8]
    assert [each["pages"] for each in found["long_run"]["marks"]] == [1, 10]
    assert [each["budget"] for each in found["budget"]] == [50_000_000]
    names = [name for name, _ in in_process]
    assert names == ["gather_here", "gather_here", "run_here", "gather_here"]
    assert len(in_process[2][1]["paths"]) == 3
    assert row(text, "3")[2] == "47.7"


def test_memory_command_says_where_it_cannot_run(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "status")
    done = CliRunner().invoke(cli.app, ["memory", str(folder)])
    assert done.exit_code == 1
    assert "which Linux has" in done.stderr


@linux_only
@pytest.mark.parametrize("calls", ["", "ten", "10,", "0", "-1", "1.5"])
def test_memory_command_refuses_what_is_no_number_of_calls(folder, calls):
    done = CliRunner().invoke(cli.app, ["memory", str(folder), f"--calls={calls}"])
    assert done.exit_code == 2
    assert "whole numbers of at least 1" in done.stderr


@linux_only
def test_a_fresh_process_that_died_ends_the_command(folder, monkeypatch):
    def die(*_, **__):
        raise fresh.FreshError("gather_here ended with -9: no message")

    monkeypatch.setattr(fresh, "call", die)
    done = CliRunner().invoke(cli.app, ["memory", str(folder)])
    assert done.exit_code == 1
    assert "gather_here ended with -9" in done.stderr


def test_scaling_command(folder, monkeypatch):
    monkeypatch.setattr(arguments, "Ocrloom", lambda _language: FakeSystem("ocrloom"))
    monkeypatch.setattr(fresh, "call", lambda *_, **__: 2.0)
    text, found = run("scaling", folder, "--most", "2", "--rounds", "1")
    assert row(text, "2, one TIFF")[1] == "5"
    assert [each["pages"] for each in found["pages"]] == [1, 1, 2, 2]
    assert "One page alone: note-1" in text


def test_profile_command(folder):
    text, found = run("profile", folder, "--pages", "2")
    assert row(text, "survey")[1] == "2"
    assert "2 sources, 2 pages" in text
    assert 0 < found["inference"] < 1
    assert found["profile"]["workers"] >= 1
