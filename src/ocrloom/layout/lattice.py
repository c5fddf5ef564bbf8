"""Tables whose cells ruled lines enclose.

Rules that cross or touch make a lattice; its cells are what walls enclose on all sides, so a
missing wall makes a cell that spans (after Nurminen, "Algorithmic Extraction of Data in Tables in
PDF Documents", 2013, whose grids are found in the same way).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ocrloom.layout.frame import Span, middle_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ocrloom.layout.frame import Placed

__all__ = ["Block", "Lattice", "find_lattices", "without_letters"]

_EDGE = 0.2  # of a word's height, from above and below, in which a rule may touch it
_IN_LETTERS = 0.5  # share of a rule that lies in words
_TOUCH = 0.6  # line heights between the ends of rules that meet
_SAME = 0.4  # line heights between rules that are one, such as a double one
_OPEN = 0.7  # line heights by which rules reach beyond the last one across, where a side is open
_MOST_PLACES = 20_000  # rows times columns; what has more is a screen or a pattern
_WALL = 0.6  # share of a cell's side that a rule covers where there is a wall


Block: TypeAlias = tuple[int, int, int, int]
"""First row, first column, one past the last row and column."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """Positions of the lines of a lattice and the cells that walls enclose."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    places: Mapping[tuple[int, int], Block]
    """The cell at each row and column."""

    @property
    def span(self) -> Span:
        """Its borders."""
        return Span(self.xs[0], self.ys[0], self.xs[-1], self.ys[-1])

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(set(self.places.values()))

    def cell_at(self, x: float, y: float) -> Block | None:
        """The cell that holds a point, None outside."""
        place = bisect_right(self.ys, y) - 1, bisect_right(self.xs, x) - 1
        return self.places.get(place)


def without_letters(rules: Sequence[Span], pieces: Sequence[Placed]) -> list[Span]:
    """Rules without those that are strokes of letters, or lines through them.

    Args:
        rules: Ruled lines.
        pieces: All pieces of lines, sorted by their middles.
    """
    reach = max((piece.span.height for piece in pieces), default=0.0) / 2
    kept = []
    for rule in rules:
        start = bisect_left(pieces, rule.top - reach, key=middle_of)
        end = bisect_right(pieces, rule.bottom + reach, lo=start, key=middle_of)
        if not _is_in_letters(rule, (ink for piece in pieces[start:end] for ink in piece.ink)):
            kept.append(rule)
    return kept


def _is_in_letters(rule: Span, words: Iterable[Span]) -> bool:
    crossed = 0.0
    for ink in words:
        margin = _EDGE * ink.height
        if ink.top + margin < rule.middle < ink.bottom - margin:
            crossed += max(0.0, min(rule.right, ink.right) - max(rule.left, ink.left))
        if rule.height > rule.width and ink.left < rule.centre < ink.right:
            crossed += max(0.0, min(rule.bottom, ink.bottom) - max(rule.top, ink.top))
    return crossed > _IN_LETTERS * max(rule.width, rule.height)


def find_lattices(across: Sequence[Span], walls: Sequence[Span], unit: float) -> list[Lattice]:
    """Lattices of at least two rows and two columns.

    Args:
        across: Horizontal rules.
        walls: Vertical rules.
        unit: Usual height of a line.
    """
    found = []
    for rules in _components(across, walls, _TOUCH * unit):
        lying = [rule for rule in rules if rule.width >= rule.height]
        standing = [rule for rule in rules if rule.width < rule.height]
        xs = _lines(
            [(wall.centre, wall.height) for wall in standing],
            [place for rule in lying for place in (rule.left, rule.right)],
            unit,
        )
        ys = _lines(
            [(rule.middle, rule.width) for rule in lying],
            [place for wall in standing for place in (wall.top, wall.bottom)],
            unit,
        )
        if len(xs) > 2 and len(ys) > 2 and len(xs) * len(ys) <= _MOST_PLACES:
            places = _cells(xs, ys, lying, standing, unit)
            found.append(Lattice(tuple(xs), tuple(ys), places))
    return found


def _components(across: Sequence[Span], walls: Sequence[Span], reach: float) -> list[list[Span]]:
    """Rules that meet, directly or through others."""
    left = [*across, *walls]
    components = []
    while left:
        component, new = [], [left.pop()]
        while new:
            rule = new.pop()
            component.append(rule)
            touching = [other for other in left if _meet(rule, other, reach)]
            left = [other for other in left if not _meet(rule, other, reach)]
            new += touching
        components.append(component)
    return components


def _meet(a: Span, b: Span, reach: float) -> bool:
    """Whether two rules touch, or the ends of two that are parts of one nearly do."""
    return (
        a.left - reach <= b.right
        and b.left - reach <= a.right
        and a.top - reach <= b.bottom
        and b.top - reach <= a.bottom
    )


def _lines(rules: Sequence[tuple[float, float]], ends: Sequence[float], unit: float) -> list[float]:
    """Positions of the rules of one direction, and of the open sides that the others reach to."""
    groups: list[list[tuple[float, float]]] = []
    for place, length in sorted(rules):
        if groups and place - groups[-1][-1][0] < _SAME * unit:
            groups[-1].append((place, length))
        else:
            groups.append([(place, length)])
    lines = [
        sum(place * length for place, length in group) / sum(length for _, length in group)
        for group in groups
    ]
    if not lines or not ends:
        return lines
    if min(ends) < lines[0] - _OPEN * unit:
        lines.insert(0, min(ends))
    if max(ends) > lines[-1] + _OPEN * unit:
        lines.append(max(ends))
    return lines


def _cells(
    xs: Sequence[float],
    ys: Sequence[float],
    across: Sequence[Span],
    walls: Sequence[Span],
    unit: float,
) -> dict[tuple[int, int], Block]:
    """Places without a wall between them as one cell, each cell made a rectangle."""
    at = {
        (row, column): (row, column, row + 1, column + 1)
        for row in range(len(ys) - 1)
        for column in range(len(xs) - 1)
    }
    sides = [[(w.top, w.bottom) for w in walls if abs(w.centre - x) < _SAME * unit] for x in xs]
    floors = [[(r.left, r.right) for r in across if abs(r.middle - y) < _SAME * unit] for y in ys]
    for row, column in list(at):
        side, floor = sides[column + 1], floors[row + 1]
        if column + 2 < len(xs) and _covered(ys[row], ys[row + 1], side) < _WALL:
            _merge(at, at[row, column], at[row, column + 1])
        if row + 2 < len(ys) and _covered(xs[column], xs[column + 1], floor) < _WALL:
            _merge(at, at[row, column], at[row + 1, column])
    return at


def _merge(at: dict[tuple[int, int], Block], a: Block, b: Block) -> None:
    """Makes two blocks, and all others that their rectangle meets, one rectangle."""
    if a == b:
        return
    block, met = a, {b}
    while not met <= {block}:
        block = _hull([block, *met])
        inside = [(r, c) for r in range(block[0], block[2]) for c in range(block[1], block[3])]
        met = {at[place] for place in inside if not _holds(block, at[place])}
        if not met:
            at.update(dict.fromkeys(inside, block))


def _hull(blocks: Sequence[Block]) -> Block:
    tops, lefts, bottoms, rights = zip(*blocks, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _holds(outer: Block, inner: Block) -> bool:
    return _hull([outer, inner]) == outer


def _covered(start: float, end: float, parts: Iterable[tuple[float, float]]) -> float:
    """Share of a stretch that others cover."""
    covered, reached = 0.0, start
    for left, right in sorted(parts):
        left, right = max(left, reached), min(right, end)
        if right > left:
            covered, reached = covered + right - left, right
    return covered / (end - start)
