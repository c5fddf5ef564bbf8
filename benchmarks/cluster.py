"""A cluster beside the local engine: pace, identical texts, a second node, and what it takes.

Every turn is a fresh process with a cluster of its own, so nothing idle takes time from another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.cluster_turns import BOOK, DATASET, ENGINE, FILES, LOCAL, NOTES, Turn, take
from benchmarks.order import rotated, silent
from benchmarks.systems import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.cluster_turns import Read

__all__ = [
    "PARTIES",
    "Identical",
    "Pace",
    "Party",
    "compare",
    "identical",
    "measure",
    "pace_of",
    "ratio",
]


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes a turn."""

    way: str
    nodes: int = 2
    pinned: bool = False
    cores: int = 2
    batch: str = FILES


PARTIES = (
    Party(LOCAL),
    Party(ENGINE),
    Party(ENGINE, nodes=1),
    Party(ENGINE, pinned=True),
    Party(ENGINE, nodes=1, pinned=True, cores=1),
    Party(ENGINE, batch=BOOK),
    Party(DATASET),
    Party(DATASET, batch=NOTES),
)
"""On two cores: the local engine, clusters of two nodes and of one, and datasets."""


@dataclass(slots=True)
class Pace:
    """The turns of one party, one for each round."""

    party: Party
    turns: list[Turn] = field(default_factory=list)

    @property
    def pages_per_second(self) -> list[float]:
        """One figure for each round."""
        return [turn.pages_per_second for turn in self.turns]


@dataclass(slots=True, kw_only=True)
class Identical:
    """How far what a cluster reads is what the local engine reads."""

    corpus: str
    way: str
    sources: int
    pages: int
    texts: int = 0
    """Pages with the same text, or with the same kind of failure."""
    everything: int = 0
    """Pages of which all is the same: words, places, confidences."""
    different: list[str] = field(default_factory=list)
    """Names of sources with a page whose text is another."""


def measure(
    batches: Mapping[str, Sequence[Path]],
    rounds: int,
    language: str,
    on_step: Callable[[str], None] = silent,
    parties: Sequence[Party] = PARTIES,
) -> list[Pace]:
    """Let the parties read their pages in turns.

    Args:
        batches: Sources, each once, of every batch that the parties name.
        rounds: How often each reads them.
        language: Codes joined by ``+``, or ``auto``.
        on_step: Told who reads, before.
        parties: Who.

    Raises:
        FreshError: A turn's process died.
    """
    paces = [Pace(party) for party in parties]
    for turn in range(rounds):
        for pace in rotated(paces, turn):
            party = pace.party
            on_step(f"round {turn + 1}: {party.way}, {party.batch}, nodes {party.nodes}")
            took, _ = take(
                party.way,
                batches[party.batch],
                language,
                nodes=party.nodes,
                cores=party.cores,
                pinned=party.pinned,
                batch=party.batch,
                first=batches[NOTES if party.batch == NOTES else FILES][0],
            )
            pace.turns.append(took)
    return paces


def compare(
    corpus: str, paths: Sequence[Path], on_step: Callable[[str], None] = silent
) -> list[Identical]:
    """Read every page of some sources by the local engine, by a cluster and by datasets.

    Args:
        corpus: Name of the sources together.
        paths: Sources, of one page or of several.
        on_step: Told who reads, before.

    Raises:
        FreshError: A turn's process died.
    """
    on_step(f"{corpus}: {LOCAL}")
    _, expected = take(LOCAL, paths, AUTO)
    found = []
    for way in (ENGINE, DATASET):
        on_step(f"{corpus}: {way}")
        _, read = take(way, paths, AUTO)
        found.append(identical(corpus, way, [path.name for path in paths], expected, read))
    return found


def identical(corpus: str, way: str, names: Sequence[str], expected: Read, read: Read) -> Identical:
    """Compare page by page; a page that came twice, or not at all, is another one."""
    wanted, came = _by_page(expected), _by_page(read)
    same = {
        page
        for page, texts in wanted.items()
        if [each[0] for each in came.get(page, [])] == [each[0] for each in texts]
    }
    return Identical(
        corpus=corpus,
        way=way,
        sources=len(names),
        pages=len(wanted),
        texts=len(same),
        everything=sum(came.get(page) == texts for page, texts in wanted.items()),
        different=sorted({names[page[0]] for page in (wanted.keys() | came.keys()) - same}),
    )


def pace_of(paces: Iterable[Pace], party: Party) -> Pace | None:
    """The turns of a party; None where it took none."""
    return next((pace for pace in paces if pace.party == party), None)


def ratio(mine: Pace | None, other: Pace | None) -> float | None:
    """How many times as fast one was as the other: the median of the rounds' own ratios."""
    if mine is None or other is None:
        return None
    paired = zip(mine.pages_per_second, other.pages_per_second, strict=True)
    ratios = [one / two for one, two in paired if two > 0]
    return median(ratios) if ratios else None


def _by_page(read: Read) -> dict[tuple[int, int], list[tuple[str, str]]]:
    pages: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for source, number, text, whole in read:
        pages.setdefault((source, number), []).append((text, whole))
    return pages
