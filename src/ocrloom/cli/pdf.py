"""The command ``pdf``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ocrloom.cli.errors import exit_code, explain, full_traceback
from ocrloom.cli.inputs import check_inputs, engine_of, sources, title
from ocrloom.cli.interrupts import INTERRUPTED, let_the_next_one_kill
from ocrloom.cli.outputs import choose_targets
from ocrloom.cli.progress import Messages
from ocrloom.cli.streams import Streams, own_streams
from ocrloom.cli.tally import Tally, plural
from ocrloom.cli.watch import Watch
from ocrloom.errors import OcrException, OcrOptionError, OcrOutputError
from ocrloom.formats import FORMATS
from ocrloom.image.source import shown
from ocrloom.pdf import Mode, make

if TYPE_CHECKING:
    from typing import BinaryIO

    from ocrloom.options import OcrOptions
    from ocrloom.pdf import Made, Taken, Verification

__all__ = ["Request", "write_pdf"]

_ENOUGH: Final = 0.99
"""Of the words must be found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; the fields are the flags."""

    names: tuple[str, ...]
    output: str
    skip_text: bool
    redo: bool
    force: bool
    archival: bool
    verify: bool
    jobs: int | None
    memory: int | None
    resume: str | None
    options: OcrOptions
    progress: bool
    verbose: bool

    @property
    def mode(self) -> Mode:
        """What becomes of pages that have text.

        Raises:
            OcrOptionError: Two are asked for.
        """
        flags = {
            Mode.SKIP_TEXT: self.skip_text,
            Mode.REDO: self.redo,
            Mode.FORCE: self.force,
        }
        chosen = [mode for mode, given in flags.items() if given]
        if len(chosen) > 1:
            names = " and ".join(f"--{mode}" for mode in chosen)
            raise OcrOptionError(f"{names} exclude each other; give one of them")
        return chosen[0] if chosen else Mode.AUTO


def write_pdf(request: Request) -> int:
    """Reads files, writes one PDF and says what went wrong.

    Returns:
        The exit code.

    Raises:
        OcrException: Nothing could be begun, or the PDF could not be written.
        BrokenPipeError: Who was to read standard output has gone.
    """
    check_inputs(request.names)
    mode = request.mode
    engine = engine_of(request.options, request.jobs, request.memory, request.resume)
    target = _target(request)
    watch = Watch(len(request.names))
    with own_streams(chatter=request.verbose) as streams:
        out = target or _standard_output(streams)
        with Messages(streams.err, watch=watch, bar=request.progress) as messages:
            run = _Run(request, messages, watch)
            try:
                made = make(
                    engine,
                    sources(request.names, request.options.limits),
                    out,
                    mode=mode,
                    archival=request.archival,
                    verify=request.verify,
                    progress=watch,
                    took=run.take,
                )
            except KeyboardInterrupt:
                let_the_next_one_kill()
                run.interrupted()
                return INTERRUPTED
            except OcrException:
                if run.said_why:
                    return run.nothing()
                raise
            except BrokenPipeError:
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is, it is told as by `read`
                return run.failed(error)
            code = run.end(made)
        if made.verification is not None:
            line = _report(target, made.pages, made.verification)
            if target is not None and streams.out is not None:
                streams.out.write(line.encode("utf-8"))
                streams.out.flush()
            else:
                streams.err.write(line)
        return code


class _Run:
    """Says what becomes of the sources, and counts it."""

    def __init__(self, request: Request, messages: Messages, watch: Watch) -> None:
        self._request = request
        self._messages = messages
        self._watch = watch
        self._tally = Tally(len(request.names))
        self._lacking: list[str] = []

    @property
    def said_why(self) -> bool:
        """Whether nothing was read, and the reasons were told."""
        return bool(self._tally.codes) and not self._tally.read_pages

    def take(self, taken: Taken) -> None:
        """Takes note of a source."""
        name = title(self._request.names[taken.index])
        result = taken.result
        if result is not None:
            known = {failure.number for failure in result.failures}
            more = [failure for failure in taken.missing if failure.number not in known]
            result = replace(result, failures=(*result.failures, *more))
        pages = self._watch.take(taken.name, failed=taken.error is not None)
        self._tally.add(name, result, taken.error, pages)
        missing = {failure.number for failure in taken.missing}
        for failure in result.failures if result is not None else ():
            self._messages.say(explain(failure.error, name))
            what = "not in the PDF" if failure.number in missing else "in the PDF without text"
            self._lacking.append(f"ocrloom: {shown(name)}: page {failure.number} is {what}")
        if taken.error is not None:
            self._say_error(taken.error, name)

    def interrupted(self) -> None:
        """Says that the user has ended it."""
        state = self._watch.snapshot()
        again = "; the same command goes on from there" if self._request.resume else ""
        self._messages.say(
            f"ocrloom: interrupted: {plural(state.pages, 'page')} read, no PDF written{again}"
        )

    def nothing(self) -> int:
        """Says that there is no PDF, and gives the exit code."""
        self._messages.say("ocrloom: no page could be read, so no PDF is written")
        return self._tally.exit_code

    def failed(self, error: Exception) -> int:
        """Says what nobody expected, and gives the exit code."""
        self._say_error(error, None)
        return exit_code(error)

    def end(self, made: Made) -> int:
        """Says what is to be known of the PDF, and gives the exit code."""
        for line in (*self._lacking, *(f"ocrloom: {note}" for note in made.notes)):
            self._messages.say(line)
        tally = self._tally
        if tally.failed and (tally.total > 1 or tally.failed_pages):
            self._messages.say(f"ocrloom: {tally.summary()}")
        if review := tally.review():
            self._messages.say(f"ocrloom: {review}")
        verified = made.verification
        if verified is not None and verified.recall < _ENOUGH:
            self._messages.say(
                f"ocrloom: {_percent(verified.recall)} of the words were found in the PDF, "
                f"expected {_percent(_ENOUGH)} at least; it is written, but a search in it will "
                "miss words"
            )
            return tally.exit_code or OcrOutputError.exit_code
        return tally.exit_code

    def _say_error(self, error: Exception, name: str | None) -> None:
        if self._request.verbose and error.__traceback__ is not None:
            self._messages.say(full_traceback(error).rstrip())
        self._messages.say(explain(error, name))


def _target(request: Request) -> Path | None:
    """The file to write; None for standard output.

    Raises:
        OcrOutputError: It cannot be written there, or is one of the inputs.
    """
    form = FORMATS["pdf"]
    chosen = choose_targets(request.names[:1], request.output, (form,))
    if chosen is None:
        return None
    target = Path(chosen[0][0]) if isinstance(chosen[0], tuple) else Path(chosen[0])
    for name in request.names[1:]:
        choose_targets((name,), str(target), (form,))
    return target


def _standard_output(streams: Streams) -> BinaryIO:
    if streams.out is None or streams.out.isatty():
        where = "closed" if streams.out is None else "a terminal, which cannot show a PDF"
        raise OcrOutputError(
            f"standard output is {where}; redirect it, or name a file with --output"
        )
    return streams.out


def _report(target: Path | None, pages: int, found: Verification) -> str:
    name = shown(str(target)) if target is not None else "the PDF"
    if not found.words:
        return f"{name}: {plural(pages, 'page')}, and no text was added that could be found again\n"
    return (
        f"{name}: {plural(pages, 'page')}, {found.found} of {plural(found.words, 'word')} found "
        f"again ({_percent(found.recall)}), their boxes off by {found.median_error:.2f} pt in the "
        f"median and {found.high_error:.2f} pt at 95 %\n"
    )


def _percent(part: float) -> str:
    # Rounded down: what is not all of them must not look so.
    return f"{int(part * 10_000) / 100:g} %"
