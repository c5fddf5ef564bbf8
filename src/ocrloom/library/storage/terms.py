"""The terms of a library, and on about how many pages each is."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ocrloom.library.analysis import is_gram
from ocrloom.library.batches import batched
from ocrloom.library.skeletons import skeleton

__all__ = ["TermCounts"]

Run: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
RunMany: TypeAlias = Callable[[str, Iterable[Sequence[object]]], None]

_REMEMBERED: Final = 500_000  # terms: some 100 MB
_MANY: Final = 500  # values in one statement
_EXACT: Final = 2.0  # a step's share of the count is one over this


class TermCounts:
    """Counts pages by chance, so that the count of a usual word is seldom written.

    For a page more a count of n goes up by n / 2 in one of n / 2 cases (Morris, "Counting large
    numbers of events in small registers", 1978): right on average, and the writes grow with its
    logarithm. A word as usual as ``the`` would otherwise be written anew with every document.
    """

    def __init__(self, run: Run, run_many: RunMany) -> None:
        """Makes one.

        Args:
            run: Runs one statement of SQL with its values.
            run_many: Runs one for each row of values.
        """
        self._run = run
        self._run_many = run_many
        self._counts: dict[str, float] = {}
        self._removals = 0
        # Of its own, as the program that uses the library may have seeded the shared one.
        self._chance = random.Random()  # noqa: S311  # no secret

    def add(self, pages: Mapping[str, int]) -> None:
        """Counts a document; within the transaction that stores it.

        Args:
            pages: On how many of its pages each token is.
        """
        self._notice_removals()
        terms = {token for token in pages if not is_gram(token)}
        unknown = [term for term in terms if term not in self._counts]
        if len(self._counts) + len(unknown) > _REMEMBERED:
            self._counts.clear()
            unknown = list(terms)
        self._counts.update(self.stored(unknown))
        new = {term: pages[term] for term in unknown if term not in self._counts}
        more = {
            term: step for term in terms.difference(new) if (step := self._step(term, pages[term]))
        }
        self._counts.update(new)
        for term, step in more.items():
            self._counts[term] += step
        # In one order, as others may be adding the same terms.
        self._run_many(
            "INSERT INTO terms (term, skeleton, mirrored, pages) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (term) DO UPDATE SET pages = terms.pages + excluded.pages",
            [(term, form := skeleton(term), form[::-1], new[term]) for term in sorted(new)],
        )
        # To what others have counted meanwhile; any step is right on average.
        self._run_many(
            "UPDATE terms SET pages = pages + ? WHERE term = ?",
            [(more[term], term) for term in sorted(more)],
        )

    def remove(self, terms: Iterable[str]) -> None:
        """Forgets terms that no page has any more, within the transaction that notes a removal.

        Args:
            terms: Grams among them are passed over.
        """
        gone = sorted(term for term in terms if not is_gram(term))
        for term in gone:
            self._counts.pop(term, None)
        self._run_many("DELETE FROM terms WHERE term = ?", [(term,) for term in gone])

    def _notice_removals(self) -> None:
        """Forgets what was counted where somebody may have removed a term of it."""
        removals = self._run("SELECT number FROM removals", ())[0][0]
        if removals != self._removals:
            self._counts.clear()
            self._removals = removals

    def forget(self) -> None:
        """Forgets what was counted; the transaction that it belongs to was given up."""
        self._counts.clear()
        self._removals = -1

    def stored(self, terms: Iterable[str]) -> dict[str, float]:
        """The counts of those terms that there are."""
        counts: dict[str, float] = {}
        for some in batched(dict.fromkeys(terms), _MANY):
            marks = ", ".join("?" * len(some))
            counts.update(self._run(f"SELECT term, pages FROM terms WHERE term IN ({marks})", some))
        return counts

    def _step(self, term: str, pages: int) -> float:
        """By how much the count of a term goes up for some pages more, which may be nothing."""
        step = max(pages, self._counts[term] / _EXACT)
        return step if self._chance.random() * step < pages else 0.0
