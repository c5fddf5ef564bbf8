"""Tables that alignment makes: columns of short texts and numbers with white space between.

Columns are what stands between tubes, rows what shares a baseline (after Shigarov et al.,
"Configurable Table Structure Recognition in Untagged PDF Documents", DocEng 2016, who cluster
blocks by the white space between them). To be a table it takes more than alignment, for columns
of running text are aligned too: numbers, or rules that run across.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ocrloom.layout.cells import Draft, without_signs
from ocrloom.layout.chunks import Chunk, flows, lines_of
from ocrloom.layout.evidence import ACROSS, MIN_ROWS, distinct, is_table
from ocrloom.layout.frame import around
from ocrloom.layout.narrow import with_narrow_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ocrloom.layout.cells import White
    from ocrloom.layout.frame import Span
    from ocrloom.layout.tubes import Tube

__all__ = ["aligned_tables"]

_SHARED = 2  # chunks that two tubes have between them, if they belong to one table
_SENTENCE = 5  # words from which a chunk is more than a label
_MAX_SENTENCES = 0.5  # share of them beside a tube from which that side is running text
_MAX_LABELS = 0.6  # share of labels right of values from which they label a table of their own
_MIN_FILLED = 0.3  # share of the columns that the first and the last row fill
_BESIDE = 4.0  # line heights by which a border between columns goes on beyond its ends
_FURTHER = 1.3  # times the usual distance of rows, of one that may part two tables
_ASIDE = 1.0  # line heights from a table's middle: what stands nearer to it is its title
_NEAR = 2.5  # row heights within which a line above belongs to the table
_SLACK = 1.0  # line heights by which a chunk may stick out of the table's width


def aligned_tables(
    rows: Sequence[Sequence[Chunk]], tubes: Sequence[Tube], rules: Sequence[Span]
) -> list[Draft]:
    """Tables without, or not only with, ruled lines.

    Args:
        rows: Rows of chunks from top to bottom.
        tubes: The tubes between them.
        rules: Horizontal rules.
    """
    borders = [tube for tube in tubes if _parts_texts(tube, rules)]
    groups = _groups([tube for tube in tubes if tube not in borders and _is_safe(tube)])
    drafts = [
        draft
        for group in groups
        if (members := _members(group, borders))
        for draft in _Search(group, rows, rules).tables(members)
    ]
    return _apart(drafts)


def _apart(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts without those that share something with a larger one."""
    taken: set[Chunk] = set()
    kept = []
    for draft in sorted(drafts, key=lambda draft: -sum(map(len, draft.rows))):
        chunks = {chunk for row in draft.rows for chunk in row}
        if not chunks & taken:
            kept.append(draft)
            taken |= chunks
    return kept


def _is_safe(tube: Tube) -> bool:
    """Whether a tube of few rows has numbers or single words on one side, as labels are."""
    return len(tube.gaps) >= MIN_ROWS or any(
        side and all(chunk.is_value or len(chunk.part.words) == 1 for chunk in side)
        for side in (tube.before, tube.after)
    )


def _members(tubes: Sequence[Tube], borders: Sequence[Tube]) -> set[Chunk]:
    """What stands beside tubes, on this side of those that are no borders of cells."""
    members = set()
    for tube in tubes:
        right = [border for border in borders if border.left >= tube.right]
        left = [border for border in borders if border.right <= tube.left]
        members |= {
            chunk
            for chunk in tube.after
            if not any(b.centre < chunk.span.left and b.passes(chunk.span, _BESIDE) for b in right)
        }
        members |= {
            chunk
            for chunk in tube.before
            if not any(b.centre > chunk.span.right and b.passes(chunk.span, _BESIDE) for b in left)
        }
    return members


def _parts_texts(tube: Tube, rules: Sequence[Span]) -> bool:
    """Whether running text stands beside a tube, so that it is no border between cells."""
    before, after = tube.before, tube.after
    if flows(before) or flows(after):
        return True
    if _sentences(after) >= _MAX_SENTENCES:
        return _sentences(before) >= _MAX_SENTENCES or not _crossing(tube, rules)
    return _divides(tube, rules)


def _sentences(chunks: Sequence[Chunk]) -> float:
    long = sum(chunk.is_text and len(chunk.part.words) >= _SENTENCE for chunk in chunks)
    return long / max(1, len(chunks))


def _crossing(tube: Tube, rules: Sequence[Span]) -> bool:
    """Whether rules run over a tube above, below and in between: top, head and foot."""
    top, bottom = tube.gaps[0].after.span, tube.gaps[-1].after.span
    reach = _NEAR * top.height
    across = [
        rule.middle
        for rule in rules
        if rule.left < tube.left
        and rule.right > tube.right
        and top.top - 2 * reach < rule.middle < bottom.bottom + reach
    ]
    return len(distinct(across, top.height / 2)) >= 3


def _divides(tube: Tube, rules: Sequence[Span]) -> bool:
    """Whether a table ends at a tube and another begins.

    The rules of one table that both end there and go on stand at the same heights; those of two
    may do so too, but the one on the right begins with labels.
    """
    top, bottom = tube.gaps[0].after.span, tube.gaps[-1].after.span
    slack = top.height
    near = [rule for rule in rules if top.top - slack < rule.middle < bottom.bottom + slack]
    crossing = [rule for rule in near if rule.left < tube.left and rule.right > tube.right]
    ending = [rule for rule in near if tube.left - slack <= rule.right <= tube.right + slack]
    beginning = [rule for rule in near if tube.left - slack <= rule.left <= tube.right + slack]
    if len(crossing) > 1 or not ending or not beginning:
        return False
    if not any(abs(a.middle - b.middle) < slack for a in ending for b in beginning):
        return True
    labels = sum(not chunk.is_value for chunk in tube.after)
    values = sum(chunk.is_value for chunk in tube.before)
    return labels > _MAX_LABELS * len(tube.after) and values > _MAX_LABELS * len(tube.before)


def _groups(tubes: Sequence[Tube]) -> list[list[Tube]]:
    """Tubes that have columns between them, together."""
    sides = [(set(tube.before), set(tube.after), set(tube.gaps)) for tube in tubes]
    groups = [{number} for number in range(len(tubes))]
    of = list(range(len(tubes)))
    for a in range(len(tubes)):
        for b in range(a):
            shared = max(
                len(sides[a][1] & sides[b][0]),
                len(sides[a][0] & sides[b][1]),
                len(sides[a][2] & sides[b][2]),
            )
            if shared >= _SHARED and of[a] != of[b]:
                groups[of[a]] |= groups[of[b]]
                groups[of[b]], old = set(), of[b]
                for number in groups[of[a]]:
                    if of[number] == old:
                        of[number] = of[a]
    return [[tubes[number] for number in sorted(group)] for group in groups if group]


@dataclass(frozen=True, slots=True)
class _Search:
    """Looks for the tables of one group of tubes."""

    tubes: Sequence[Tube]
    rows: Sequence[Sequence[Chunk]]
    rules: Sequence[Span]

    def tables(self, members: Iterable[Chunk]) -> Iterator[Draft]:
        """The tables that what stands beside the tubes is in.

        Where something sticks out over both sides, one ends and another may begin.
        """
        span = around(chunk.span for chunk in members)
        numbers = [chunk.row for chunk in members]
        part: list[Chunk] = []
        for number in range(min(numbers), max(numbers) + 1):
            inside = _inside(self.rows[number], span.left, span.right)
            if inside is None:
                yield from self._tables_in(part)
            part = [] if inside is None else [*part, *inside]
        yield from self._tables_in(part)

    def _tables_in(self, chunks: Sequence[Chunk]) -> Iterator[Draft]:
        """The table that these are, or those above and below the widest step between their rows."""
        whites = _whites(self.tubes, {chunk.row for chunk in chunks})
        lines = _trimmed(_regrouped(chunks), len(whites) + 1)
        if len(lines) < MIN_ROWS or not whites:
            return
        grown = tuple(_with_head(lines, self.rows, whites, self.rules))
        draft = without_signs(with_narrow_columns(Draft(grown, whites)))
        if is_table(draft, self.rules):
            yield draft
            return
        step = _widest_step(lines)
        if step is not None:
            for part in (lines[:step], lines[step:]):
                yield from self._tables_in([chunk for line in part for chunk in line])


def _widest_step(lines: Sequence[tuple[Chunk, ...]]) -> int | None:
    """Number of the line that is farther below the one above it than all others are, if any."""
    middles = [median(chunk.span.middle for chunk in line) for line in lines]
    steps = [below - above for above, below in itertools.pairwise(middles)]
    widest = max(steps)
    return steps.index(widest) + 1 if widest > _FURTHER * median(steps) else None


def _regrouped(chunks: Sequence[Chunk]) -> list[tuple[Chunk, ...]]:
    """Rows of a table alone: those of the page may bind two, by what stands beside the table."""
    of = {id(chunk.part): chunk for chunk in chunks}
    return [tuple(of[id(part)] for part in row) for row in lines_of([c.part for c in chunks])]


def _trimmed(lines: list[tuple[Chunk, ...]], columns: int) -> list[tuple[Chunk, ...]]:
    """The lines without those above and below that fill few columns."""

    def fills(line: tuple[Chunk, ...]) -> bool:
        return len(line) >= max(2, _MIN_FILLED * columns)

    full = [number for number, line in enumerate(lines) if fills(line)]
    return lines[full[0] : full[-1] + 1] if full else []


def _inside(row: Sequence[Chunk], left: float, right: float) -> tuple[Chunk, ...] | None:
    """What of a row stands between two positions; None if something reaches over one of them."""
    found = []
    for chunk in row:
        slack = _SLACK * chunk.span.height
        if chunk.span.right <= left or chunk.span.left >= right:
            continue
        if chunk.span.left < left - slack or chunk.span.right > right + slack:
            return None
        found.append(chunk)
    return tuple(found)


def _with_head(
    part: Sequence[tuple[Chunk, ...]],
    rows: Sequence[Sequence[Chunk]],
    whites: Sequence[White],
    rules: Sequence[Span],
) -> list[tuple[Chunk, ...]]:
    """A table's rows and those right above it that head its columns."""
    grown = list(part)
    span = around(chunk.span for row in part for chunk in row)
    for number in range(min(chunk.row for chunk in part[0]) - 1, -1, -1):
        inside = _inside(rows[number], span.left, span.right)
        if inside == ():
            continue
        below = around(chunk.span for chunk in grown[0])
        if inside is None or below.middle - inside[0].span.middle > _NEAR * below.height:
            break
        if len(inside) == 1 and not (
            _heads_columns(inside[0], whites[0], span) or _ruled_above(inside[0], span, rules)
        ):
            break
        grown.insert(0, inside)
    return grown


def _heads_columns(chunk: Chunk, first: White, table: Span) -> bool:
    """Whether a lone text heads some of the columns but the first, and is no title of them all."""
    aside = abs(chunk.span.centre - table.centre)
    return chunk.span.left > first[0] and aside > _ASIDE * chunk.span.height


def _ruled_above(chunk: Chunk, table: Span, rules: Sequence[Span]) -> bool:
    """Whether the table's top rule is right above a chunk."""
    return any(
        0 < chunk.span.middle - rule.middle < 2 * chunk.span.height
        and min(rule.right, table.right) - max(rule.left, table.left) > ACROSS * table.width
        for rule in rules
    )


def _whites(tubes: Sequence[Tube], rows: set[int]) -> tuple[White, ...]:
    """What the tubes leave white between the columns of these rows."""
    whites: list[White] = []
    for tube in sorted(tubes, key=lambda tube: (tube.width, tube.left)):
        if sum(gap.before.row in rows for gap in tube.gaps) < 2:
            continue
        left, right = tube.left, tube.right
        for index, (start, end) in enumerate(whites):
            if min(end, right) > max(start, left):
                whites[index] = max(start, left), min(end, right)
                break
        else:
            whites.append((left, right))
    return tuple(sorted(whites))
