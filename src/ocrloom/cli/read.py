"""The command ``read``."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocrloom.cli.errors import explain, full_traceback
from ocrloom.cli.inputs import (
    Kept,
    check_inputs,
    engine_at,
    engine_of,
    refuse_with_server,
    sources,
    title,
)
from ocrloom.cli.interrupts import INTERRUPTED, later, let_the_next_one_kill
from ocrloom.cli.outputs import (
    Files,
    Sink,
    StandardOutput,
    choose_formats,
    choose_targets,
)
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import Streams, own_streams
from ocrloom.cli.tally import Tally, plural
from ocrloom.cli.watch import Watch
from ocrloom.errors import (
    OcrCancelled,
    OcrException,
    OcrOptionError,
    OcrStopped,
    OcrTimeout,
)
from ocrloom.image import Image
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from ocrloom.cli.cluster import Account
    from ocrloom.engine import OcrOutcome, Outcomes
    from ocrloom.engine.base import Reads
    from ocrloom.formats import Format
    from ocrloom.image.lazy import ImageLike
    from ocrloom.options import OcrOptions

__all__ = ["Request", "read_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    names: tuple[str, ...]
    formats: tuple[Format, ...]
    output: str
    jobs: int | None
    memory: int | None
    resume: str | None
    ray: str | None
    server: str | None
    api_key: str | None = field(repr=False)
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
    check_inputs(request.names)
    engine, account = _engine(request)
    formats = choose_formats(request.names, request.output, request.formats)
    targets = choose_targets(request.names, request.output, formats)
    # Whether the inputs are needed once more when their results are written.
    keep = any(form.needs_source for form in formats)
    watch = Watch(len(request.names))
    with own_streams(chatter=request.verbose) as streams:
        # Where the result goes to the terminal, a bar would run through it.
        watched = targets is None and streams.out is not None and streams.out.isatty()
        bar = request.progress and not watched
        with Messages(streams.err, watch=watch, bar=bar) as messages:
            sink: Sink
            if targets is None:
                sink = _standard_output(request, formats[0], streams, messages, watched=watched)
            else:
                sink = Files(request.names, targets, formats)
            run = _Run(request, sink, messages, watch, keep=keep)
            if account is None:
                return run.read(engine)
            with account.telling(messages.say, greet=request.verbose or streams.err.isatty()):
                return run.read(engine)


def _engine(request: Request) -> tuple[Reads, Account | None]:
    """The engine that the flags describe; and what counts its work, where a cluster does it.

    Raises:
        OcrException: One of them has a value that it cannot have.
    """
    given = (request.options, request.jobs, request.memory, request.resume)
    if request.ray is not None:
        # Here and not at the top: few readings need it.
        from ocrloom.cli.cluster import Account, engine_on

        if request.server is not None:
            raise OcrOptionError("--ray and --server both say who reads; leave one of the two")
        engine = engine_on(request.ray, *given)
        return engine, Account(engine)
    if request.server is None:
        return engine_of(*given), None
    for name in ("jobs", "memory", "resume"):
        if getattr(request, name) is not None:
            refuse_with_server(name)
    return engine_at(request.server, request.api_key, request.options), None


class _Run:
    """Takes outcomes as they come, writes them and says what went wrong."""

    def __init__(
        self, request: Request, sink: Sink, messages: Messages, watch: Watch, *, keep: bool
    ) -> None:
        self._request = request
        self._keep = keep
        self._sink = sink
        self._messages = messages
        self._watch = watch
        self._tally = Tally(len(request.names))

    def read(self, engine: Reads) -> int:
        """Reads all inputs and gives the exit code."""
        request = self._request
        # A cluster's processes fetch for themselves what is elsewhere.
        fetch = self._keep or request.ray is None
        given = sources(request.names, request.options.limits, keep=self._keep, fetch=fetch)
        outcomes = engine.process_many(given, ordered=self._sink.shared, progress=self._watch)
        # Here the workers end with the process; others have to be told, which takes a moment.
        here = request.server is None and request.ray is None
        with nullcontext() if here else engine, outcomes:
            return self._consume(outcomes)

    def _consume(self, outcomes: Outcomes) -> int:
        try:
            for outcome in outcomes:
                # A file that is written counts as written. A pipe may hold a writer up for ever.
                with nullcontext() if self._sink.shared else later():
                    self._take(outcome)
        except KeyboardInterrupt:
            let_the_next_one_kill()
            self._end_early(outcomes.cancel())
            return INTERRUPTED
        tally = self._tally
        if tally.failed and (tally.total > 1 or tally.failed_pages):
            self._messages.say(f"ocrloom: {tally.summary()}")
        if review := tally.review():
            self._messages.say(f"ocrloom: {review}")
        return tally.exit_code

    def _take(self, outcome: OcrOutcome) -> None:
        name = title(self._request.names[outcome.index])
        error = outcome.error
        result = error.partial if isinstance(error, OcrStopped) else outcome.result
        failures = result.failures if result is not None else ()
        if result is not None and result.pages:
            try:
                self._sink.write(outcome.index, result, self._source(outcome))
            except OcrException as refused:
                if self._sink.shared:
                    raise
                result, error = None, refused
        pages = self._watch.take(outcome.name, failed=error is not None)
        self._tally.add(name, result, error, pages)
        for failure in failures:
            self._messages.say(explain(failure.error, name))
        if error is not None and not isinstance(error, OcrCancelled):
            self._say_error(error, name, pages)

    def _source(self, outcome: OcrOutcome) -> ImageLike:
        """The input as it was read, for formats that show it."""
        if not self._keep:
            return outcome.source
        kept = outcome.source
        options = self._request.options
        image = Image.load(kept.data if isinstance(kept, Kept) else kept, limits=options.limits)
        return image.defaulting_to(options.pdf)

    def _say_error(self, error: BaseException, name: str, pages: int | None) -> None:
        # What went wrong with a page is told without the place where it arose.
        if self._request.verbose and error.__traceback__ is not None:
            self._messages.say(full_traceback(error).rstrip())
        # Otherwise it is a limit of the service's, which says so itself.
        if isinstance(error, OcrTimeout) and self._request.options.timeout is not None:
            written = len(error.partial.pages) if error.partial is not None else 0
            counts = ""
            if pages is not None:
                counts = (
                    f": {written} of {plural(pages, 'page')} written, {pages - written} missing"
                )
            error = OcrTimeout(
                f"{shown(name)}: not finished within the {self._request.options.timeout:g} s of "
                f"--timeout{counts}; {self._again or 'give it more time'}"
            )
        self._messages.say(explain(error, name))

    def _end_early(self, rest: list[OcrOutcome]) -> None:
        """Keeps what there is of a single file, and says what there is."""
        tally = self._tally
        if tally.total == 1:
            # Who reads standard output is often interrupted, too.
            with suppress(BrokenPipeError):
                for outcome in rest:
                    self._take(outcome)
        text = tally.summary()
        if tally.total == 1 and tally.pages:
            name = shown(title(self._request.names[0]))
            text = f"{tally.read_pages} of {plural(tally.pages, 'page')} of {name} written"
        self._messages.say(f"ocrloom: interrupted: {text}{self._again and f'; {self._again}'}")

    @property
    def _again(self) -> str:
        """What to do when a run was ended early."""
        return "the same command goes on from there" if self._request.resume else ""


def _standard_output(
    request: Request, form: Format, streams: Streams, messages: Messages, *, watched: bool
) -> StandardOutput:
    def announce(index: int) -> None:
        if watched and len(request.names) > 1:
            messages.say(f"==> {shown(title(request.names[index]))} <==")

    return StandardOutput(streams.out, form, announce)
