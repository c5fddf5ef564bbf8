"""What became of all inputs: the counts, the last line and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ocrloom.cli.errors import exit_code
from ocrloom.errors import OcrCancelled
from ocrloom.image.source import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocrloom.result import OcrResult

__all__ = ["Tally", "named", "named_pages", "plural"]

_NAMED_FILES = 20
_NAMED_PAGES = 5


@dataclass(slots=True)
class Tally:
    """What became of all inputs so far."""

    total: int
    """Inputs."""
    read: int = 0
    """Inputs of which every page was read."""
    pages: int = 0
    """Pages of the inputs that were not given up as a whole."""
    read_pages: int = 0
    """Those of them that were read."""
    failed_pages: int = 0
    """Those that could not be read."""
    failed: list[str] = field(default_factory=list)
    """Inputs that failed, and which of their pages did."""
    codes: set[int] = field(default_factory=set)
    """Exit codes of all failures."""
    doubtful: list[str] = field(default_factory=list)
    """Inputs with pages that are marked for review, and which of their pages are."""
    doubtful_pages: int = 0
    """Those pages."""

    def add(
        self, name: str, result: OcrResult | None, error: BaseException | None, pages: int | None
    ) -> None:
        """Counts an input.

        Args:
            name: What it is called.
            result: What was read of it.
            error: Why there is no more than that; to be cancelled is no failure.
            pages: How many it has, if that is known.
        """
        numbers = [] if result is None else [failure.number for failure in result.failures]
        if result is not None:
            settled = len(result.pages) + len(numbers)
            self.pages += settled if error is None or pages is None else pages
            self.read_pages += len(result.pages)
            self.failed_pages += len(numbers)
            self.codes.update(failure.error.exit_code for failure in result.failures)
            self._add_doubtful(name, result)
        if error is not None and not isinstance(error, OcrCancelled):
            self.codes.add(exit_code(error))
        if error is None and not numbers:
            self.read += 1
        elif not isinstance(error, OcrCancelled):
            self.failed.append(shown(name) + (f" ({named_pages(numbers)})" if numbers else ""))

    def _add_doubtful(self, name: str, result: OcrResult) -> None:
        numbers = [page.number for page in result.pages if page.review]
        if numbers:
            self.doubtful_pages += len(numbers)
            alone = len(result.pages) == 1
            self.doubtful.append(shown(name) + ("" if alone else f" ({named_pages(numbers)})"))

    @property
    def exit_code(self) -> int:
        """0 without failures, the errors' own if they have one in common, 1 otherwise."""
        return max(self.codes, default=0) if len(self.codes) <= 1 else 1

    def summary(self) -> str:
        """How many were read, and which were not."""
        text = f"{self.read} of {plural(self.total, 'file')} read"
        if self.total == 1 and self.pages:
            text = f"{self.read_pages} of {plural(self.pages, 'page')} read"
        elif self.failed_pages:
            text += f", {plural(self.failed_pages, 'page')} of {self.pages} failed"
        return f"{text}; failed: {named(self.failed)}" if self.failed else text

    def review(self) -> str | None:
        """Which pages are marked for review; None where none is."""
        if not self.doubtful:
            return None
        one = self.doubtful_pages == 1
        return (
            f"{self.doubtful_pages} of {plural(self.read_pages, 'page')} {'is' if one else 'are'} "
            f"to be reviewed: {named(self.doubtful)}"
        )


def plural(count: int, noun: str) -> str:
    """A count and what is counted."""
    return f"{count} {noun}{'s' * (count != 1)}"


def named(inputs: Sequence[str]) -> str:
    """Inputs in a row, the first of them where there are many."""
    more = len(inputs) - _NAMED_FILES
    return ", ".join(inputs[:_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def named_pages(numbers: Sequence[int]) -> str:
    """Pages of an input, the first of them where there are many."""
    named = ", ".join(map(str, numbers[:_NAMED_PAGES]))
    more = len(numbers) - _NAMED_PAGES
    return f"page{'s' * (len(numbers) != 1)} {named}{f' and {more} more' if more > 0 else ''}"
