"""The command ``read``."""

from __future__ import annotations

import signal
import threading
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocrloom.cli.batch import Outcome, Tally, outcomes, title
from ocrloom.cli.errors import INTERRUPTED, explain, full_traceback, shown
from ocrloom.cli.outputs import (
    STANDARD_STREAM,
    Files,
    Sink,
    StandardOutput,
    choose_targets,
)
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import Streams, own_streams
from ocrloom.engine import OcrEngine
from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.scheduling.cpus import usable_cpus

if TYPE_CHECKING:
    from ocrloom.formats import Format
    from ocrloom.options import OcrOptions

__all__ = ["Request", "read_files"]

# Inputs begun for each worker: enough that none ever waits for the next.
_AHEAD = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    names: tuple[str, ...]
    format: Format
    output: str
    jobs: int | None
    options: OcrOptions
    progress: bool
    verbose: bool


def read_files(request: Request) -> int:
    """Reads files, writes their results and says what went wrong.

    Returns:
        The exit code.

    Raises:
        OcrException: Nothing could be begun or all had to be given up.
        BrokenPipeError: Who was to read standard output has gone.
    """
    if request.names.count(STANDARD_STREAM) > 1:
        raise OcrOptionError("standard input can be read only once; name - only once")
    targets = choose_targets(request.names, request.output, request.format.suffix)
    tally = Tally(len(request.names))
    with own_streams(chatter=request.verbose) as streams:
        # Where the result goes to the terminal, a bar would run through it.
        watched = targets is None and streams.out is not None and streams.out.isatty()
        bar = request.progress and not watched
        with Messages(streams.err, total=tally.total, bar=bar) as messages:
            sink: Sink
            if targets is None:
                headed = watched and tally.total > 1
                sink = _standard_output(request, streams, messages, headed=headed)
            else:
                sink = Files(targets, request.format)
            try:
                _read_all(request, sink, messages, tally)
            except KeyboardInterrupt:
                _let_the_next_interrupt_kill()
                messages.say(f"ocrloom: interrupted: {tally.summary()}")
                return INTERRUPTED
            if tally.failed and tally.total > 1:
                messages.say(f"ocrloom: {tally.summary()}")
    return tally.exit_code


def _standard_output(
    request: Request, streams: Streams, messages: Messages, *, headed: bool
) -> StandardOutput:
    def announce(index: int) -> None:
        if headed:
            messages.say(f"==> {shown(title(request.names[index]))} <==")

    return StandardOutput(streams.out, request.format, announce)


def _read_all(request: Request, sink: Sink, messages: Messages, tally: Tally) -> None:
    with OcrEngine(options=request.options, workers=request.jobs) as engine:
        ahead = _AHEAD * (request.jobs or usable_cpus())

        def tick() -> None:
            messages.update(tally.read + len(tally.failed))

        found = outcomes(engine, request.names, ahead=ahead, ordered=sink.shared, waiting=tick)
        with closing(found):
            for outcome in found:
                _take(outcome, request, sink, messages, tally)
                tick()


def _take(outcome: Outcome, request: Request, sink: Sink, messages: Messages, tally: Tally) -> None:
    error = outcome.error
    if outcome.result is not None:
        try:
            sink.write(outcome.index, outcome.result)
        except OcrOutputError as refused:
            if sink.shared:
                raise
            error = refused
    if error is None:
        tally.read += 1
        return
    name = title(request.names[outcome.index])
    tally.fail(name, error)
    if request.verbose:
        messages.say(full_traceback(error).rstrip())
    messages.say(explain(error, name))


def _let_the_next_interrupt_kill() -> None:
    """Workers end at their next checkpoint, within a second; who cannot wait need not."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
