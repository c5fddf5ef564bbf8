"""Results for tests: some made by hand, and any at all."""

from __future__ import annotations

import hypothesis.strategies as st

from ocrloom.languages import Language
from ocrloom.result import (
    Block,
    BlockKind,
    Cell,
    Line,
    OcrResult,
    Page,
    PageFailure,
    ReadBy,
    Table,
    Word,
)

__all__ = [
    "SQUARE",
    "block",
    "box",
    "failures",
    "line",
    "numbers",
    "page",
    "pages",
    "polygons",
    "results",
    "table",
    "word",
]

SQUARE = ((0.0, 0.0), (9.5, 0.0), (9.5, 4.0), (0.0, 4.0))


def box(left, top, right, bottom):
    """An upright rectangle as a polygon."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def word(text="Été", **changes):
    given = {"polygon": SQUARE, "confidence": 0.9, "recogniser": "fake"}
    return Word(text=text, **given | changes)


def line(text, polygon=SQUARE, **changes):
    """A line of the text's words, each of which takes its share of the line's width."""
    texts = text.split()
    (left, top), (right, end), (last, bottom), (first, base) = polygon
    step = 1 / max(1, len(texts))

    def between(one, other, share):
        return one + (other - one) * share

    def part(number):
        a, b = number * step, (number + 1) * step
        return (
            (between(left, right, a), between(top, end, a)),
            (between(left, right, b), between(top, end, b)),
            (between(first, last, b), between(base, bottom, b)),
            (between(first, last, a), between(base, bottom, a)),
        )

    words = tuple(word(each, polygon=part(n), **changes) for n, each in enumerate(texts))
    return Line(words=words, polygon=polygon)


def block(*texts, kind=BlockKind.PARAGRAPH, level=0, polygon=SQUARE):
    return Block(
        lines=tuple(line(text, polygon) for text in texts), polygon=polygon, kind=kind, level=level
    )


def table(*rows, polygon=SQUARE, spans=None):
    """A block of a table; ``spans`` maps a place to the rows and columns that its cell covers."""
    spans = spans or {}
    lines, cells = [], []
    for r, texts in enumerate(rows):
        words = []
        for c, text in enumerate(texts):
            if text:
                made = line(text, polygon).words
                down, across = spans.get((r, c), (1, 1))
                cells.append(
                    Cell(
                        row=r,
                        column=c,
                        row_span=down,
                        column_span=across,
                        words=made,
                        polygon=polygon,
                    )
                )
                words += made
        lines.append(Line(words=tuple(words), polygon=polygon))
    made = Table(rows=len(rows), columns=max(map(len, rows)), cells=tuple(cells))
    return Block(lines=tuple(lines), polygon=polygon, kind=BlockKind.TABLE, table=made)


def page(*words, number=1, blocks=None, **changes):
    """A page of one line of words, or of blocks."""
    if blocks is None:
        lines = (Line(words=words, polygon=SQUARE),)
        blocks = (Block(lines=lines, polygon=SQUARE),) if words else ()
    return Page(**{"number": number, "width": 10, "height": 5, "blocks": tuple(blocks)} | changes)


numbers = st.floats(allow_nan=False, allow_infinity=False)
polygons = st.tuples(*[st.tuples(numbers, numbers)] * 4)
words = st.builds(
    Word,
    text=st.text(),
    polygon=polygons,
    confidence=st.floats(0, 1),
    recogniser=st.text(max_size=9),
    raw=st.none() | st.text(max_size=9),
    whole=st.none() | st.text(max_size=9),
)
lines = st.builds(Line, words=st.lists(words, max_size=3).map(tuple), polygon=polygons)


@st.composite
def tables(draw, held):
    """A table of these words, whose cells lie in it and not over each other."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    free = {(row, column) for row in range(rows) for column in range(columns)}
    places = []
    for row, column in sorted(free):
        down, across = draw(st.integers(1, 2)), draw(st.integers(1, 2))
        covered = {(row + y, column + x) for y in range(down) for x in range(across)}
        if covered <= free and draw(st.booleans()):
            free -= covered
            places.append((row, column, down, across))
    owners = [draw(st.integers(0, len(places) - 1)) if places else -1 for _ in held]
    cells = [
        Cell(
            row=row,
            column=column,
            row_span=down,
            column_span=across,
            words=tuple(word for word, owner in zip(held, owners, strict=True) if owner == place),
            polygon=draw(polygons),
        )
        for place, (row, column, down, across) in enumerate(places)
    ]
    return Table(rows=rows, columns=columns, cells=tuple(cells))


@st.composite
def blocks(draw):
    made = draw(st.lists(lines, max_size=3).map(tuple))
    held = [word for line in made for word in line.words]
    return Block(
        lines=made,
        polygon=draw(polygons),
        kind=draw(st.sampled_from(BlockKind)),
        level=draw(st.integers(0, 6)),
        table=draw(st.none() | tables(held)),
    )


pages = st.builds(
    Page,
    number=st.integers(1, 10**9),
    width=st.integers(1, 10**6),
    height=st.integers(1, 10**6),
    dpi=st.none() | st.tuples(*[st.floats(1, 10**5)] * 2),
    rotation=st.sampled_from([0, 90, 180, 270]),
    scale=st.floats(0, 1, exclude_min=True),
    skew=numbers,
    languages=st.lists(st.sampled_from(Language), max_size=3).map(tuple),
    read_by=st.sampled_from(ReadBy),
    reason=st.text(max_size=9),
    review=st.booleans(),
    blocks=st.lists(blocks(), max_size=3).map(tuple),
)
failures = st.builds(
    PageFailure, number=st.integers(1, 10**9), kind=st.text(max_size=9), message=st.text()
)


def in_order(parts):
    return tuple(sorted(parts, key=lambda part: part.number))


def distinct(parts, **sizes):
    return st.lists(parts, unique_by=lambda part: part.number, **sizes).map(in_order)


results = st.builds(
    OcrResult,
    pages=distinct(pages, max_size=3),
    failures=distinct(failures, max_size=3),
    source=st.none() | st.text(),
)
