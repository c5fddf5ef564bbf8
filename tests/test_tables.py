"""Tables, on pieces of lines whose places are worked out by hand, and on a sample page."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom.layout import Piece, arrange
from ocrloom.layout.frame import Frame, Placed, Span
from ocrloom.layout.tables import find_tables, placed_rules, table_block, without
from ocrloom.options import OcrOptions
from ocrloom.result import BlockKind, Word
from ocrloom.vision.page import read_page
from ocrloom.vision.rules import Rule
from ocrloom.vision.survey import survey

LETTER = 12.0  # width of every letter in these pages
INK = 22.0  # height of every word
LINE = 30.0  # height of every line, with ascenders and descenders
STEP = 38.0  # from one line to the next


def placed(text, x, y):
    """Words in one piece, its upper left corner at (x, y); two spaces make a gap twice as wide."""
    words, ink, left = [], [], x
    top = y + (LINE - INK) / 2
    for part in text.split(" "):
        if part:
            span = Span(left, top, left + LETTER * len(part), top + INK)
            polygon = Frame(0.0).polygon(span)
            words.append(Word(text=part, polygon=polygon, confidence=1.0, recogniser="fake"))
            ink.append(span)
        left += LETTER * (len(part) + 1)
    return Placed(tuple(words), Span(x, y, ink[-1].right, y + LINE), tuple(ink))


def ending(text, x, y):
    """The same, its upper right corner at (x, y)."""
    return placed(text, x - LETTER * len(text), y)


def centred(text, x, y):
    """The same, the middle of its upper side at (x, y)."""
    return placed(text, x - LETTER * len(text) / 2, y)


def prose(prefix, count, x, y, words=9):
    """Lines of running text, each with its own words."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        placed(
            " ".join(f"{prefix}{letters[n]}{letters[w]}" * (1 + (n + w) % 2) for w in range(words)),
            x,
            y + n * STEP,
        )
        for n in range(count)
    ]


def lying(y, left, right):
    """A horizontal rule."""
    return Span(left, y, right, y)


def standing(x, top, bottom):
    """A vertical rule."""
    return Span(x, top, x, bottom)


def rows_of(region):
    """A table's cells, row by row; '' where there is none, what spans with its size."""
    rows = [[""] * region.grid.columns for _ in range(region.grid.rows)]
    for cell in region.grid.cells:
        size = (cell.row_span, cell.column_span)
        text = " ".join(word.text for word in cell.words)
        rows[cell.row][cell.column] = text if size == (1, 1) else f"{text} {size[0]}x{size[1]}"
    return rows


def tables(pieces, rules=()):
    """Cells of all tables, from pieces in a random order."""
    pieces = list(pieces)
    random.Random(5).shuffle(pieces)
    return [rows_of(region) for region in find_tables(pieces, rules)]


STOCK = [
    ["Kind", "Used for", "2022", "2023"],
    ["Rag", "Prints", "12,480", "11,905"],
    ["Hemp", "Bindings", "3,150", "3,420"],
    ["Straw", "Packing", "870", "45"],
    ["Silk", "Covers", "95", "102"],
]


def stock(x=100, y=100, rows=STOCK):
    """Pieces of that table, numbers ending at the right of their columns."""
    return [
        piece
        for n, row in enumerate(rows)
        for text, piece in zip(
            row,
            (
                placed(row[0] or "-", x, y + n * STEP),
                placed(row[1] or "-", x + 150, y + n * STEP),
                ending(row[2] or "-", x + 450, y + n * STEP),
                ending(row[3] or "-", x + 600, y + n * STEP),
            ),
            strict=True,
        )
        if text
    ]


# Without rules


def test_a_table_of_labels_and_numbers():
    assert tables(stock()) == [STOCK]


def test_between_paragraphs():
    above, below = prose("a", 5, 100, 100), prose("b", 5, 100, 600, words=11)
    pieces = [*above, *stock(y=330), *below]
    (region,) = find_tables(pieces, ())
    assert rows_of(region) == STOCK
    left = [word.text for piece in without(pieces, [region]) for word in piece.words]
    assert left == [word.text for piece in (*above, *below) for word in piece.words]


@pytest.mark.parametrize("shift", [0, 9, 19])
@pytest.mark.parametrize("side", ["left", "right"])
def test_beside_running_text(side, shift):
    text = prose("t", 14, 760 if side == "right" else 100, 100 + shift)
    assert tables([*text, *stock(x=100 if side == "right" else 760, y=176)]) == [STOCK]


def test_empty_cells():
    rows = [list(row) for row in STOCK]
    rows[2][1] = rows[3][2] = rows[3][3] = rows[4][2] = ""
    assert tables(stock(rows=rows)) == [rows]


def test_a_heading_over_two_columns_spans_them():
    pieces = [*stock(y=138), centred("Sheets", 100 + 500, 100)]
    assert tables(pieces) == [[["", "", "Sheets 1x2", ""], *STOCK]]


def test_a_title_over_the_whole_table_is_no_part_of_it():
    assert tables([*stock(y=138), centred("Sheets on the shelves", 400, 100)]) == [STOCK]


def test_a_heading_inside_is_a_row_of_its_own():
    rows = STOCK[1:3]
    pieces = [
        *stock(y=100, rows=STOCK),
        placed("Kept in the other rooms of the house", 100, 100 + 5 * STEP),
        *stock(y=100 + 6 * STEP, rows=rows),
    ]
    (found,) = tables(pieces)
    assert [row for row in found if row[0].startswith("Kept")] == [
        ["Kept in the other rooms of the house 1x3", "", "", ""]
    ]
    assert [row for row in found if not row[0].startswith("Kept")] == [*STOCK, *rows]


def test_a_text_goes_on_in_the_line_below():
    lower = [list(row) for row in STOCK[3:]]
    pieces = [
        *stock(rows=STOCK[:2]),
        *stock(y=100 + 2 * STEP, rows=[["Hemp", "Bindings and", "3,150", "3,420"]]),
        placed("the repairs", 250, 100 + 3 * STEP),
        *stock(y=100 + 4 * STEP, rows=lower),
    ]
    wrapped = ["Hemp", "Bindings and the repairs", "3,150", "3,420"]
    assert tables(pieces) == [[*STOCK[:2], wrapped, *lower]]


def test_numbers_below_numbers_are_rows():
    rows = [
        ["2022", "first", "1,204", "886"],
        ["", "second", "1,178", "914"],
        ["2023", "first", "1,350", "790"],
        ["", "second", "1,422", "655"],
    ]
    assert tables(stock(rows=rows)) == [rows]


def test_pieces_over_a_column_gap_are_cut_between_words():
    pieces = stock()
    joined = placed("Prints, and maps,  12,480", 250, 100 + STEP)  # as detection may see it
    rest = [piece for piece in pieces if piece.words[0].text not in ("Prints", "12,480")]
    (found,) = tables([*rest, joined])
    assert found == [STOCK[0], ["Rag", "Prints, and maps,", "12,480", "11,905"], *STOCK[2:]]


def test_a_currency_sign_is_in_the_cell_of_its_amount():
    pieces = stock()
    pieces.append(placed("$", 100 + 470, 100 + STEP))
    (found,) = tables(pieces)
    assert found[1] == ["Rag", "Prints", "12,480", "$ 11,905"]
    assert [len(row) for row in found] == [4] * 5


def test_two_tables_side_by_side_with_rules_of_their_own():
    rules = [
        lying(y, left, right)
        for left, right, ys in ((100, 700, (90, 300)), (760, 1360, (128, 340)))
        for y in ys
    ]
    pieces = [*stock(x=100, y=100), *stock(x=760, y=100 + STEP)]
    assert tables(pieces, rules) == [STOCK, STOCK]


BOOKTABS = [
    ["Variable", "Definition"],
    ["ADIR", "Rank of the area of influence; measures the strength of its market"],
    ["MDHINC", "Median income of a household"],
    ["POPDEN", "Population over square miles"],
    ["PP", "Average monthly price"],
]


def booktabs(rows=BOOKTABS):
    return [
        piece
        for n, row in enumerate(rows)
        for piece in (placed(row[0], 110, 110 + n * STEP), placed(row[1], 300, 110 + n * STEP))
    ]


def test_two_columns_of_text_take_rules_above_below_and_under_the_head():
    top, head, foot = (lying(y, 100, 1150) for y in (100, 144, 305))
    assert tables(booktabs(), [top, head, foot]) == [BOOKTABS]
    assert tables(booktabs(), [top, foot]) == []
    assert tables(booktabs()) == []


def test_two_columns_with_amounts_take_rules_above_and_below():
    rows = [("Linen", "41.50"), ("Reed hook", "7.20"), ("Wax", "3.90"), ("Total", "52.60")]
    pieces = [
        piece
        for n, (label, amount) in enumerate(rows)
        for piece in (placed(label, 100, 100 + n * STEP), ending(amount, 500, 100 + n * STEP))
    ]
    rules = [lying(90, 95, 505), lying(100 + 4 * STEP, 95, 505)]
    assert tables(pieces, rules) == [[list(row) for row in rows]]
    assert tables(pieces) == []


# With rules

XS, YS = (100, 340, 540, 740, 1100), (100, 150, 200, 290, 340, 470)


def box(left, top, right, bottom):
    """The rules around columns and rows, by the numbers of their lines."""
    return [
        lying(YS[top], XS[left], XS[right]),
        lying(YS[bottom], XS[left], XS[right]),
        standing(XS[left], YS[top], YS[bottom]),
        standing(XS[right], YS[top], YS[bottom]),
    ]


ROOMS = [
    ["Room 2x1", "Open 1x2", "", "Remarks 2x1"],
    ["", "Winter", "Summer", ""],
    ["Reading room", "10 to 4", "9 to 6", "24 seats, and lamps with cold light"],
    ["Print shop", "", "9 to 12", "No heating"],
    ["Garden", "All day 1x2", "", "The bench by the wall is dry even after rain"],
]


def rooms():
    """Pieces and rules of that table."""
    cells = [
        (0, 0, 2, 1, "Room"),
        (0, 1, 1, 2, "Open"),
        (0, 3, 2, 1, "Remarks"),
        (1, 1, 1, 1, "Winter"),
        (1, 2, 1, 1, "Summer"),
        (2, 0, 1, 1, "Reading room"),
        (2, 1, 1, 1, "10 to 4"),
        (2, 2, 1, 1, "9 to 6"),
        (2, 3, 1, 1, "24 seats, and lamps\nwith cold light"),
        (3, 0, 1, 1, "Print shop"),
        (3, 1, 1, 1, ""),
        (3, 2, 1, 1, "9 to 12"),
        (3, 3, 1, 1, "No heating"),
        (4, 0, 1, 1, "Garden"),
        (4, 1, 1, 2, "All day"),
        (4, 3, 1, 1, "The bench by the\nwall is dry even\nafter rain"),
    ]
    pieces, rules = [], []
    for row, column, down, along, text in cells:
        rules += box(column, row, column + along, row + down)
        for number, line in enumerate(filter(None, text.split("\n"))):
            pieces.append(placed(line, XS[column] + 12, YS[row] + 8 + number * STEP))
    return pieces, rules


def test_ruled_cells_span_where_a_wall_is_missing():
    pieces, rules = rooms()
    (region,) = find_tables(pieces, rules)
    assert rows_of(region) == ROOMS


def test_a_ruled_table_without_its_outer_sides():
    pieces, rules = rooms()
    inner = [rule for rule in rules if rule.width or XS[0] < rule.left < XS[-1]]
    assert tables(pieces, inner) == [ROOMS]


def test_cells_that_are_no_rectangles_become_one():
    # Without the wall left of "Summer" and the one below it, three places are open to each other.
    pieces, rules = rooms()
    xs, ys = (XS[2], XS[3]), (YS[1], YS[2])
    kept = [
        rule
        for rule in _cut_up(rules)
        if not (rule.width == 0 and rule.left == xs[0] and ys[0] <= rule.top < ys[1])
        and not (rule.height == 0 and rule.top == ys[1] and xs[0] <= rule.left < xs[1])
    ]
    (found,) = tables(pieces, kept)
    assert found[1] == ["", "Winter Summer 10 to 4 9 to 6 2x2", "", ""]


def _cut_up(rules):
    """Rules from each line of the lattice to the next."""
    return [
        part
        for rule in rules
        for part in (
            [
                lying(rule.top, a, b)
                for a, b in itertools.pairwise(XS)
                if rule.left <= a and b <= rule.right
            ]
            if rule.width
            else [
                standing(rule.left, a, b)
                for a, b in itertools.pairwise(YS)
                if rule.top <= a and b <= rule.bottom
            ]
        )
    ]


def test_double_rules_are_one():
    pieces, rules = rooms()
    again = [Span(rule.left + 4, rule.top + 4, rule.right + 4, rule.bottom + 4) for rule in rules]
    assert tables(pieces, [*rules, *again]) == [ROOMS]


def test_broken_rules_are_walls_still():
    pieces, rules = rooms()
    broken = []
    for rule in rules:
        x, y = rule.centre, rule.middle
        if rule.width:
            broken += [lying(y, rule.left, x - 5), lying(y, x + 5, rule.right)]
        else:
            broken += [standing(x, rule.top, y - 5), standing(x, y + 5, rule.bottom)]
    assert tables(pieces, broken) == [ROOMS]


def test_a_piece_over_a_wall_is_cut():
    pieces, rules = rooms()
    kept = [p for p in pieces if p.words[0].text not in ("Winter", "Summer")]
    joined = placed("Winter         Summer", XS[1] + 12, YS[1] + 8)
    assert tables([*kept, joined], rules) == [ROOMS]


def test_rows_without_rules_between_them_are_rows():
    head, *body = STOCK
    xs = (90, 235, 400, 560, 710)
    rules = [lying(y, 90, 710) for y in (96, 136, 290)] + [standing(x, 96, 290) for x in xs]
    assert tables(stock(), rules) == [[head, *body]]


def test_a_frame_around_running_text_is_no_table():
    pieces = [
        *(p for x in (112, 612) for y in (110, 610) for p in prose("p", 12, x, y, words=4)),
    ]
    rules = [lying(y, 100, 1100) for y in (100, 600, 1100)]
    rules += [standing(x, 100, 1100) for x in (100, 600, 1100)]
    assert tables(pieces, rules) == []


def test_boxes_beside_each_other_are_no_table():
    pieces, rules = [], []
    for column, x in enumerate((100, 500, 900)):
        for row, y in enumerate((100, 300)):
            names = (f"Name {column}{row}", "District Manager", f"1{row}/1{column}/2010")
            pieces += [centred(text, x + 150, y + 10 + n * STEP) for n, text in enumerate(names)]
            rules += [lying(end, x, x + 300) for end in (y, y + 140)]
            rules += [standing(end, y, y + 140) for end in (x, x + 300)]
    assert tables(pieces, rules) == []


def test_strokes_of_letters_are_no_rules():
    text = prose("t", 6, 100, 100)
    rules = [lying(100 + n * STEP + 15, 100, 500) for n in range(6)]
    rules += [standing(x, 100, 300) for x in (130, 300, 470)]
    assert tables(text, rules) == []


# What is no table


def test_columns_of_running_text():
    left, right = prose("l", 14, 100, 100, words=6), prose("r", 14, 700, 100, words=6)
    assert tables([*left, *right]) == []
    assert tables([*left, *right, *prose("m", 14, 1300, 100, words=6)]) == []


def test_numbered_lines():
    numbers = [ending(str(n + 1), x, 100 + n * STEP) for n in range(12) for x in (130, 900)]
    text = [*prose("l", 12, 160, 100, words=8), *prose("r", 12, 930, 100, words=8)]
    assert tables([*numbers, *text]) == []


def test_references():
    pieces = []
    for n in range(6):
        pieces.append(placed(f"[{n + 1}]", 100, 100 + 2 * n * STEP))
        pieces += prose("abcdef"[n], 2, 170, 100 + 2 * n * STEP)
    assert tables(pieces) == []


def test_contents_with_dotted_leaders():
    pieces = [
        piece
        for n in range(10)
        for piece in (
            placed(f"{n + 1}.", 100, 100 + n * STEP),
            placed("Chapter " + "." * (30 + n % 3), 180, 100 + n * STEP),
            ending(str(7 * n), 900, 100 + n * STEP),
        )
    ]
    assert tables(pieces) == []


def test_a_receipt_of_labels_and_amounts():
    items = [("Linen yarn, three cones", "41.50"), ("Reed hook", "7.20"), ("TOTAL", "48.70")] * 3
    pieces = [
        piece
        for n, (label, amount) in enumerate(items)
        for piece in (placed(label, 50, n * STEP), ending(amount, 700, n * STEP))
    ]
    assert tables(pieces) == []


def test_labels_and_values_in_pairs():
    pairs = [
        ("Name:", "Anna Weaver", "Born:", "3 May 1961"),
        ("Street:", "At the Mill 4", "Town:", "Lower Valley"),
        ("Trade:", "Papermaker", "Since:", "1979"),
        ("Member no.", "4711", "Letters:", "by post"),
    ]
    pieces = [
        placed(text, x, 100 + n * STEP)
        for n, row in enumerate(pairs)
        for text, x in zip(row, (100, 250, 600, 750), strict=True)
    ]
    assert tables(pieces) == []


def test_too_little_for_a_table():
    assert find_tables([], ()) == []
    assert tables([], [lying(100, 0, 500), standing(100, 0, 500)]) == []
    assert tables(stock(rows=STOCK[:2])) == []
    assert tables([placed("one line of text", 100, 100)]) == []


# Any pieces


@st.composite
def scattered(draw):
    """Cells of a grid, some missing, some long, with rules or not, and text around them."""
    pieces, columns = [], draw(st.integers(1, 5))
    for row in range(draw(st.integers(0, 7))):
        for column in range(columns):
            text = draw(st.sampled_from(["", "12.50", "word", "two words", "7", "a longer label"]))
            if text:
                x, y = 100 + 190 * column, 100 + STEP * row
                pieces.append(placed(text, x + draw(st.integers(0, 40)), y))
    pieces += prose("p", draw(st.integers(0, 4)), draw(st.integers(0, 900)), 220)
    rules = [
        rule
        for at in draw(st.lists(st.integers(0, 6), max_size=6))
        for rule in (lying(90 + STEP * at, 90, 900), standing(90 + 190 * at, 90, 330))
    ]
    return pieces, rules


@settings(max_examples=100)
@given(scattered(), st.randoms())
def test_the_order_of_the_input_does_not_matter(page, chance):
    pieces, rules = page
    expected = find_tables(pieces, rules)
    pieces, rules = list(pieces), list(rules)
    chance.shuffle(pieces)
    chance.shuffle(rules)
    assert find_tables(pieces, rules) == expected


@settings(max_examples=100)
@given(scattered())
def test_every_word_is_in_one_cell_or_outside(page):
    pieces, rules = page
    regions = find_tables(pieces, rules)
    outside = [word for piece in without(pieces, regions) for word in piece.words]
    cells = [word for region in regions for cell in region.grid.cells for word in cell.words]
    everything = Counter(id(word) for piece in pieces for word in piece.words)
    assert Counter(map(id, [*outside, *cells])) == everything
    for region in regions:
        inside = [word for part in region.pieces for word in part.words]
        words = [word for cell in region.grid.cells for word in cell.words]
        assert Counter(map(id, inside)) == Counter(map(id, words))


@settings(max_examples=100)
@given(scattered())
def test_no_two_cells_cover_one_place(page):
    for region in find_tables(*page):
        grid = region.grid
        places = [
            (row, column)
            for cell in grid.cells
            for row in range(cell.row, cell.row + cell.row_span)
            for column in range(cell.column, cell.column + cell.column_span)
        ]
        assert len(places) == len(set(places))
        assert all(0 <= r < grid.rows and 0 <= c < grid.columns for r, c in places)
        assert [(c.row, c.column) for c in grid.cells] == sorted(
            (c.row, c.column) for c in grid.cells
        )


# As a block


def test_rules_keep_their_direction_in_a_sloped_frame():
    c, s = math.cos(math.radians(2)), math.sin(math.radians(2))

    def turned(x, y):
        return x * c - y * s, x * s + y * c

    flat = Rule(start=turned(100, 50), end=turned(900, 50), thickness=3)
    upright = Rule(start=turned(100, 50), end=turned(100, 700), thickness=3)
    lying_, standing_ = placed_rules([flat, upright], Frame(2.0))
    assert (lying_.left, lying_.right) == pytest.approx((100, 900))
    assert lying_.height == pytest.approx(0, abs=1e-9)
    assert (standing_.top, standing_.bottom) == pytest.approx((50, 700))
    assert standing_.width == pytest.approx(0, abs=1e-9)


def test_a_block_reads_across_all_columns():
    pieces, rules = rooms()
    (region,) = find_tables(pieces, rules)
    block = table_block(region, Frame(0.0))
    assert block.kind is BlockKind.TABLE
    assert block.text.split("\n") == [
        "Room Open Remarks",
        "Winter Summer",
        "Reading room 10 to 4 9 to 6 24 seats, and lamps",
        "with cold light",
        "Print shop 9 to 12 No heating",
        "Garden All day The bench by the",
        "wall is dry even",
        "after rain",
    ]
    assert (block.table.rows, block.table.columns) == (5, 4)
    assert [cell.text for cell in block.table.cells if cell.row == 4] == [
        "Garden",
        "All day",
        "The bench by the wall is dry even after rain",
    ]


def test_polygons_hold_their_words():
    frame = Frame(0.0)
    (region,) = find_tables(stock(), ())
    block = table_block(region, frame)
    outer = frame.span([block.polygon])
    for part in (*block.lines, *block.table.cells):
        span = frame.span([part.polygon])
        inner = frame.span(word.polygon for word in part.words)
        for side in ("left", "top"):
            assert getattr(outer, side) <= getattr(span, side) <= getattr(inner, side)
        for side in ("right", "bottom"):
            assert getattr(outer, side) >= getattr(span, side) >= getattr(inner, side)


# Sample pages


@pytest.fixture
def drawn(scan, monkeypatch):
    """Blocks of the sample page with two tables, turned by some degrees, and what it says."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "samples"))
    import degrade
    import texts

    with PIL.Image.open(scan("tables.png")) as image:
        pixels = np.asarray(image)

    def blocks(degrees):
        turned_ = degrade.skew(degrees)(pixels, np.random.default_rng(0)) if degrees else pixels
        pieces = [
            Piece(
                each.words,
                each.box.angle,
                each.box.width,
                each.box.height,
                (each.box.x, each.box.y),
            )
            for each in read_page(turned_, OcrOptions(find_orientation=False)).segments
        ]
        return arrange(pieces, survey(turned_).rules)[0]

    return blocks, texts


@pytest.mark.parametrize("degrees", [0.0, 3.0])
def test_the_cells_of_the_sample_page_come_out_exactly(drawn, degrees):
    blocks, texts = drawn
    found = [block.table for block in blocks(degrees) if block.kind is BlockKind.TABLE]
    wanted = [
        sorted((r, c, down, along, text.replace("\n", " ")) for r, c, text, down, along in cells)
        for cells in (texts.TABLES_STOCK, texts.TABLES_ROOMS)
    ]
    assert [(table.rows, table.columns) for table in found] == [(7, 5), (5, 4)]
    assert [
        [
            (cell.row, cell.column, cell.row_span, cell.column_span, cell.text)
            for cell in table.cells
        ]
        for table in found
    ] == wanted
