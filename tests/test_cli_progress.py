"""What ``ocrloom read`` shows while it works."""

import io
import threading
import time

import pytest
from rich.console import Console

from ocrloom import Progress, Stage
from ocrloom.cli import progress
from ocrloom.cli.progress import Messages
from ocrloom.cli.watch import Watch

LONG = 20


class Terminal(io.StringIO):
    def isatty(self):
        return True


def event(stage, page=None, *, source="a.tif", done=0, failed=0, pages=300):
    return Progress(
        source=source, stage=stage, page=page, pages_done=done, pages_failed=failed, pages=pages
    )


@pytest.fixture
def watch():
    """Has heard that two of 300 pages of one file are done and three are read."""
    watch = Watch(1)
    watch(event(Stage.OPENED))
    for page in range(1, 6):
        watch(event(Stage.DECODING, page))
        watch(event(Stage.READING, page))
    watch(event(Stage.PAGE_DONE, 2, done=1))
    watch(event(Stage.PAGE_DONE, 1, done=2))
    return watch


def test_a_single_file_is_counted_in_pages(watch):
    state = watch.snapshot()
    assert (state.pages, state.completed, state.total) == (2, 2.0, 300)
    assert state.lines == ("a.tif: pages 3, 4, 5",)
    assert watch.take("a.tif") == 300
    assert watch.snapshot().total == 300
    assert watch.snapshot().lines == ()


def test_several_files_are_counted_in_files_and_their_parts():
    watch = Watch(8)
    for number, name in enumerate("abcdefg"):
        watch(event(Stage.OPENED, source=name, pages=4 if number else 1))
        watch(event(Stage.READING, 1, source=name))
    watch(event(Stage.PAGE_DONE, 1, source="b", done=1))
    watch(event(Stage.READING, 2, source="b"))
    assert watch.take("g") == 4
    state = watch.snapshot()
    assert (state.files, state.pages, state.completed, state.total) == (1, 1, 1.25, 8)
    assert state.lines == (
        *("a", "b: page 2", "c: page 1", "d: page 1"),
        "and 2 more",
    )


def test_failures_are_counted_pages_and_files_that_do_not_open():
    watch = Watch(3)
    watch(event(Stage.OPENED, source="a", pages=3))
    for page, failed in ((1, 0), (2, 1), (3, 2)):
        watch(event(Stage.PAGE_DONE, page, source="a", done=page, failed=failed))
    assert watch.snapshot().failed == 2
    # All that is wrong with it are its pages, which were counted.
    watch.take("a", failed=True)
    watch.take("b", failed=True)
    watch.take("c")
    assert watch.snapshot().failed == 3


def test_nothing_is_known_before_a_file_is_opened():
    state = Watch(1).snapshot()
    assert (state.pages, state.total, state.lines) == (0, None, ())


def test_a_file_that_could_not_be_opened_is_taken_all_the_same():
    watch = Watch(2)
    watch(event(Stage.DONE, pages=None))
    assert watch.take("a.tif") is None
    assert watch.snapshot().files == 1


def test_late_events_of_a_file_that_was_given_up_show_nothing(watch):
    watch.files = 2
    watch.take("a.tif")
    watch(event(Stage.READING, 7, done=2))
    assert watch.snapshot().lines == ()


def test_names_are_shown_on_one_line():
    watch = Watch(1)
    watch(event(Stage.OPENED, source="a\nb.tif"))
    watch(event(Stage.READING, 1, source="a\nb.tif"))
    assert watch.snapshot().lines == ("'a\\nb.tif': page 1",)


def test_many_threads_may_tell_at_once():
    watch = Watch(1)
    watch(event(Stage.OPENED, pages=8 * 500))

    def tell(first):
        for page in range(first, first + 500):
            watch(event(Stage.READING, page, pages=8 * 500))
            watch.snapshot()
            watch(event(Stage.PAGE_DONE, page, pages=8 * 500))

    threads = [threading.Thread(target=tell, args=(1 + 500 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert watch.snapshot().pages == 8 * 500
    assert watch.snapshot().lines == ()


@pytest.mark.parametrize(
    ("stream", "bar", "patience", "shown"),
    [
        (Terminal, True, 0.01, True),
        (Terminal, True, LONG, False),
        (Terminal, False, 0.01, False),
        (io.StringIO, True, 0.01, False),
    ],
)
def test_a_bar_is_for_those_who_wait_at_a_terminal(
    monkeypatch, watch, stream, bar, patience, shown
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(progress, "_PATIENCE", patience)
    err = stream()
    with Messages(err, watch=watch, bar=bar) as messages:
        deadline = time.monotonic() + (LONG if shown else 0.2)
        while "a.tif: pages" not in err.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        messages.say("ocrloom: [bold]a.png[/bold]: bad")
    assert ("Reading" in err.getvalue()) == shown
    assert ("2/300 pages" in err.getvalue()) == shown
    assert "ocrloom: [bold]a.png[/bold]: bad" in err.getvalue()


def rendered(bar):
    console = Console(file=io.StringIO(), width=100)
    console.print(bar.render())
    return console.file.getvalue()


def test_the_bar_shows_pace_and_time_left(monkeypatch, watch):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    bar = progress._Bar(watch)
    first = rendered(bar)
    assert "2/300 pages" in first
    assert "left" not in first
    for number in range(3, 13):
        clock[0] += 0.5
        watch(event(Stage.PAGE_DONE, number, done=number))
        last = rendered(bar)
    assert "12/300 pages 2.0 pages/s 0:02:24 left" in last


def test_the_bar_of_several_files_shows_both_counts():
    watch = Watch(40)
    watch(event(Stage.OPENED, source="[b]c.tif"))
    watch(event(Stage.READING, 1, source="[b]c.tif"))
    watch(event(Stage.PAGE_DONE, 1, source="[b]c.tif", done=1))
    watch(event(Stage.READING, 2, source="[b]c.tif"))
    text = rendered(progress._Bar(watch))
    assert "0/40 files 1 page " in text
    assert "  [b]c.tif: page 2" in text


def test_the_bar_shows_failures_where_there_are_any():
    watch = Watch(40)
    assert "failed" not in rendered(progress._Bar(watch))
    watch.take("a.tif", failed=True)
    assert "1/40 files 0 pages 1 failed" in rendered(progress._Bar(watch))


def test_the_pace_is_that_of_late():
    pace = progress._Pace()
    pace.time_left(0.0, 0.0, 400)
    assert pace.time_left(1.0, 300.0, 400) == "0:00:00 left"
    for second in range(2, 62):
        left = pace.time_left(float(second), 300.0 + second / 2, 400)
    assert left == "0:02:19 left"


def test_the_pace_of_slow_pages_is_known_too():
    pace = progress._Pace()
    pace.per_second(0.0, 0.0)
    pace.per_second(60.0, 1.0)
    pace.per_second(120.0, 2.0)
    assert pace.time_left(130.0, 2.0, 10) == "0:09:20 left"
