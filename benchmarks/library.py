"""A library of many pages: how fast it is made, how large it is and how fast words are found."""

from __future__ import annotations

import gc
import hashlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks import made_pages
from benchmarks.made_pages import PAGES_EACH, WORDS_EACH
from benchmarks.order import percentile
from ocrloom.library import Library
from ocrloom.library.storage.rows import NewDocument

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Build", "Questions", "Scale", "build", "measure"]

_RARE: Final = (1, 20)  # pages that have the word, as the law of the words says
_HITS: Final = 20


@dataclass(frozen=True, slots=True)
class Build:
    """Documents added one after the other, each in its own transaction."""

    pages: int
    seconds: float
    packed: bool
    """Whether the pages were packed before."""


@dataclass(frozen=True, slots=True)
class Questions:
    """Searches of one kind, from the call to the last of the first twenty hits."""

    kind: str
    example: str
    seconds: tuple[float, ...]
    found: float
    """Mean number of hits, of at most twenty."""

    @property
    def p50(self) -> float:
        """Seconds that half of them stay within."""
        return percentile(self.seconds, 0.5)

    @property
    def p95(self) -> float:
        """Seconds that 95 % of them stay within."""
        return percentile(self.seconds, 0.95)


@dataclass(frozen=True, slots=True)
class Scale:
    """A library of some size."""

    pages: int
    build: Build
    """The part of it that was added last."""
    bytes: int
    terms: int
    questions: tuple[Questions, ...]


def build(
    where: str, pages: int, writers: int, on_step: Callable[[str], None], *, packed: bool = False
) -> Build:
    """Add made documents until there are enough pages; those that are there are left alone.

    Args:
        where: A library that is empty, is not there yet, or that this has built.
        pages: A multiple of a hundred.
        writers: Processes that make documents and add them, one document after the other each.
        on_step: Told before each document.
        packed: Store pages as they come out of packing, which is less than `Library.add` does.
    """
    with Library(where) as library:
        there = {document.digest for document in library.documents()}
    missing = [each for each in range(pages // PAGES_EACH) if _digest(each) not in there]
    on_step("starting")
    fresh = get_context("spawn")
    add = _store if packed else _add
    with ProcessPoolExecutor(writers, fresh, initializer=_open, initargs=(where,)) as processes:
        # Loads and opens what is needed before the clock runs.
        list(processes.map(made_pages.share, range(writers)))
        start = perf_counter()
        for added in processes.map(add, missing):
            on_step(f"{(added + 1) * PAGES_EACH:,} pages")
        return Build(len(missing) * PAGES_EACH, perf_counter() - start, packed)


def _digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


_opened: list[Library] = []


def _open(where: str) -> None:
    _opened.append(Library(where))


def _add(number: int) -> int:
    _opened[0].add(made_pages.document(number), digest=_digest(number)).result()
    return number


def _store(number: int) -> int:
    new = NewDocument(
        digest=_digest(number),
        source=made_pages.source(number),
        description=None,
        pages=made_pages.stored(number),
    )
    _opened[0]._desk.write(lambda store: store.put(new)).result()
    return number


def measure(
    library: Library, pages: int, rounds: int, on_step: Callable[[str], None]
) -> tuple[Questions, ...]:
    """Search in different ways, a kind in each turn.

    Every search is another one, so that no kind finds its own answers in memory.

    Args:
        library: One that `build` has built.
        pages: How many it has.
        rounds: Searches of each kind.
        on_step: Told before each round.
    """
    chance = np.random.default_rng(pages)
    kinds = _kinds(pages, rounds, chance)
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    hits: dict[str, int] = dict.fromkeys(kinds, 0)
    # Opens what every later search finds open.
    list(library.search(made_pages.word(0), limit=1))
    gc.collect()
    for turn in range(rounds):
        on_step("searches")
        for kind, queries in kinds.items():
            start = perf_counter()
            found = list(library.search(queries[turn], limit=_HITS))
            seconds[kind].append(perf_counter() - start)
            hits[kind] += len(found)
    return tuple(
        Questions(kind, kinds[kind][0], tuple(seconds[kind]), hits[kind] / rounds) for kind in kinds
    )


def _kinds(pages: int, rounds: int, chance: np.random.Generator) -> dict[str, list[str]]:
    """Searches of each kind."""

    def pick(least: float, most: float) -> list[str]:
        """Words that are on so many pages, as far as the law tells."""
        ranks = _ranks(pages, least, most)
        return [made_pages.word(int(chance.integers(*ranks))) for _ in range(rounds)]

    rare, usual = pick(*_RARE), pick(0.1 * pages, 0.4 * pages)
    middle, other = pick(0.001 * pages, 0.01 * pages), pick(0.001 * pages, 0.01 * pages)
    return {
        "rare word": rare,
        "word of 0.1 to 1 % of the pages": middle,
        "common word, 10 to 40 %": usual,
        "two words": [f"{one} {two}" for one, two in zip(middle, other, strict=True)],
        "phrase": _phrases(pages, rounds, chance),
        "prefix": [f"{each[:5]}*" for each in pick(0.0001 * pages, 0.001 * pages)],
        "rare word, tolerance 1": [f"{each}~1" for each in pick(*_RARE)],
        "middle word, tolerance 1": [f"{each}~1" for each in pick(0.001 * pages, 0.01 * pages)],
        "word that nothing has": [f"{each}xq" for each in rare],
    }


def _ranks(pages: int, least: float, most: float) -> tuple[int, int]:
    """The first rank that is on at most so many pages, and the first on fewer than the least."""

    def rank_of(count: float) -> int:
        low, high = 0, made_pages.VOCABULARY - 1
        while low < high:
            middle = (low + high) // 2
            on_pages = 1 - (1 - made_pages.share(middle)) ** WORDS_EACH
            low, high = (middle + 1, high) if on_pages * pages > count else (low, middle)
        return low

    first = rank_of(most)
    return first, max(first + 1, rank_of(least))


def _phrases(pages: int, rounds: int, chance: np.random.Generator) -> list[str]:
    """Two words that stand side by side somewhere."""
    found = []
    for _ in range(rounds):
        number = int(chance.integers(pages // PAGES_EACH))
        words = made_pages.document(number, pages=1).pages[0].words
        place = int(chance.integers(len(words) - 1))
        found.append(f'"{words[place].text} {words[place + 1].text}"')
    return found
