"""Reading order, on pieces of lines whose places are worked out by hand."""

from __future__ import annotations

import dataclasses
import enum
import math
import random
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom.layout import Piece, arrange
from ocrloom.layout.frame import Frame, Span
from ocrloom.result import Word
from ocrloom.vision.geometry import page_slope
from ocrloom.vision.rules import Rule

LETTER = 12.0  # width of every letter in these pages
INK = 22.0  # height of every word
LINE = 30.0  # height of every line, with ascenders and descenders
STEP = 40.0  # from one line to the next
RIGHT = 680.0  # where a second column begins; the first ends at 628


def turned(x, y, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return x * c - y * s, x * s + y * c


def piece(text, x, y, slope=0.0):
    """Words in one piece, its upper left corner at (x, y) on a page that is turned afterwards."""
    words, left = [], x
    top = y + (LINE - INK) / 2
    for part in text.split():
        right = left + LETTER * len(part)
        corners = ((left, top), (right, top), (right, top + INK), (left, top + INK))
        polygon = tuple(turned(*corner, slope) for corner in corners)
        words.append(Word(text=part, polygon=polygon, confidence=1.0, recogniser="fake"))
        left = right + LETTER
    width = left - LETTER - x
    middle = turned(x + width / 2, y + LINE / 2, slope)
    return Piece(tuple(words), slope, width, LINE, middle)


def column(prefix, count, x, y, slope=0.0, words=9):
    """Lines of running text, each with its own words."""
    lines = [
        " ".join(
            f"{prefix}{chr(97 + n // 26)}{chr(97 + n % 26)}{chr(97 + w)}" for w in range(words)
        )
        for n in range(count)
    ]
    return lines, [piece(text, x, y + n * STEP, slope) for n, text in enumerate(lines)]


def lines_of(pieces, bars=()):
    """Texts of the lines in reading order, from pieces in a random order."""
    pieces = list(pieces)
    random.Random(3).shuffle(pieces)
    bars = [Rule(start, end, 0.0) for start, end in bars]
    return [line.text for block in arrange(pieces, bars, bars)[0] for line in block.lines]


# Frames


finite = st.floats(-5000, 5000)


@given(st.floats(-45, 45), finite, finite, st.floats(0, 3000), st.floats(0, 3000))
def test_a_span_survives_the_way_to_the_page_and_back(slope, left, top, width, height):
    span = Span(left, top, left + width, top + height)
    frame = Frame(slope)
    back = frame.span([frame.polygon(span)])
    for name in ("left", "top", "right", "bottom"):
        assert getattr(back, name) == pytest.approx(getattr(span, name), abs=1e-6)


@given(st.floats(-45, 45), st.lists(st.tuples(finite, finite), min_size=4, max_size=4))
def test_a_span_holds_all_points(slope, points):
    frame = Frame(slope)
    span = frame.span([tuple(points)])
    a, b, c, d = frame.polygon(span)
    for point in points:
        for start, end in ((a, b), (b, c), (c, d), (d, a)):
            cross = (end[0] - start[0]) * (point[1] - start[1]) - (end[1] - start[1]) * (
                point[0] - start[0]
            )
            assert cross >= -1e-3  # clockwise, y down: inside is on the right of every side


def test_a_flat_frame_is_the_page():
    corners = ((3.0, 4.0), (9.0, 4.0), (9.0, 6.0), (3.0, 6.0))
    span = Frame(0.0).span([corners])
    assert (span.left, span.top, span.right, span.bottom) == (3.0, 4.0, 9.0, 6.0)
    assert (span.middle, span.centre, span.width, span.height) == (5.0, 6.0, 6.0, 2.0)
    assert Frame(0.0).polygon(span) == corners


@pytest.mark.parametrize(
    ("angles", "lengths", "expected"),
    [
        ([], [], 0.0),
        ([1.5], [10.0], 1.5),
        ([-2.0, 3.0], [100.0, 1.0], -2.0),
        ([1.0, 2.0, 40.0], [50.0, 50.0, 20.0], 2.0),
        ([40.0, 1.1, 0.9, 1.0], [5.0, 100.0, 100.0, 100.0], 1.0),
    ],
)
def test_the_slope_is_the_median_weighted_by_length(angles, lengths, expected):
    assert page_slope(angles, lengths) == expected


@given(
    st.lists(st.tuples(st.floats(-45, 45), st.floats(0.1, 2000)), min_size=1, max_size=30),
    st.randoms(),
)
def test_the_slope_does_not_depend_on_the_order(lines, chance):
    slope = page_slope(*zip(*lines, strict=True))
    chance.shuffle(lines)
    assert page_slope(*zip(*lines, strict=True)) == slope
    assert slope in [angle for angle, _ in lines]


def test_sums_of_lengths_are_exact():
    # Added up in another order, these lengths give another sum, just beside its half.
    angles = (5.0, 3.0, 3.0, 6.0, 5.0, 9.0, 2.0, 7.0)
    lengths = (0.1, 0.1, 66.6, 0.2, 0.3, 99.9, 33.3, 0.3)
    lines = list(zip(angles, lengths, strict=True))
    chance = random.Random(4)
    slopes = {page_slope(*zip(*chance.sample(lines, 8), strict=True)) for _ in range(300)}
    assert len(slopes) == 1


# Any pieces


@st.composite
def scattered(draw):
    """Pieces anywhere, on common baselines or not, some running up or down the page."""
    found = []
    for number in range(draw(st.integers(0, 14))):
        text = draw(st.sampled_from(["word", "two words", "12.50", "several words on a line"]))
        x, y = draw(st.integers(0, 12)) * 50, draw(st.integers(0, 40)) * 10
        slope = draw(st.sampled_from([0.0, 0.0, 0.0, 1.3, -2.0, 90.0]))
        found.append(piece(f"{number} {text}", x, y, slope))
    return found


points = st.tuples(st.integers(0, 900), st.integers(0, 450))
drawn = st.lists(st.builds(Rule, points, points, st.just(2.0)), max_size=6)


@settings(max_examples=200)
@given(scattered(), drawn, st.randoms())
def test_the_order_of_the_input_does_not_matter(pieces, rules, chance):
    expected = arrange(pieces, rules)
    again, rules_again = list(pieces), list(rules)
    chance.shuffle(again)
    chance.shuffle(rules_again)
    assert arrange(again, rules_again) == expected


@settings(max_examples=200)
@given(scattered(), drawn)
def test_every_word_comes_out_once(pieces, rules):
    blocks, _ = arrange(pieces, rules)
    out = Counter(word for block in blocks for line in block.lines for word in line.words)
    assert out == Counter(word for each in pieces for word in each.words)
    assert all(block.lines and all(line.words for line in block.lines) for block in blocks)


@given(scattered())
def test_polygons_hold_what_is_in_them(pieces):
    blocks, slope = arrange(pieces)
    frame = Frame(slope)
    for block in blocks:
        outer = frame.span([block.polygon])
        for line in block.lines:
            span = frame.span([line.polygon])
            assert outer.left <= span.left + 1e-6
            assert outer.bottom >= span.bottom - 1e-6
            for word in line.words:
                inner = frame.span([word.polygon])
                assert span.left <= inner.left + 1e-6
                assert span.right >= inner.right - 1e-6
                assert span.top <= inner.top + 1e-6
                assert span.bottom >= inner.bottom - 1e-6


def steps(pieces):
    """Calls of functions that it takes to arrange pieces: the same on every machine."""
    taken = 0

    def count(frame, event, arg):
        nonlocal taken
        taken += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        arrange(pieces)
    finally:
        sys.setprofile(before)
    return taken


def cells(rows, columns):
    return [piece("12", c * 60, r * STEP) for r in range(rows) for c in range(columns)]


@pytest.mark.parametrize(
    "made",
    [
        lambda size: cells(1, 10 * size),
        lambda size: cells(size, 10),
        lambda size: [piece("12", 60 * (n % 9), 30 * n) for n in range(10 * size)],
        lambda size: [piece for at in (0, 700) for piece in column("a", size, at, 0)[1]],
        lambda size: [piece("word", 30 * n, 0, 90.0) for n in range(size)],
    ],
    ids=["one row", "a table", "stairs", "columns of text", "up the page"],
)
def test_twice_the_words_take_no_more_than_about_twice_the_steps(made):
    assert steps(made(80)) < 2.5 * steps(made(40))


def test_nothing_gives_nothing():
    assert arrange([]) == ((), 0.0)
    assert arrange([Piece((), 0.0, 100.0, 30.0, (50.0, 50.0))]) == ((), 0.0)


def test_a_single_piece():
    ((block,), slope) = arrange([piece("one single line of text", 100, 100, 1.5)])
    (line,) = block.lines
    assert (line.text, slope) == ("one single line of text", 1.5)
    for inner, outer in zip(line.polygon, block.polygon, strict=True):
        assert inner == pytest.approx(outer)


def test_two_pieces_at_one_place_do_not_swap():
    twins = [piece("beta", 100, 100), piece("alpha", 100, 100)]
    assert lines_of(twins) == lines_of(reversed(twins))
    assert len(lines_of(twins)) == 1


# Pages


@pytest.mark.parametrize("slope", [-5.0, -3.0, -1.0, 0.0, 0.5, 2.5, 5.0])
def test_rows_of_a_skewed_grid_stay_together(slope):
    rows = [[f"{r}{c}.{r * c:03d}" for c in range(6)] for r in range(1, 16)]
    pieces = [
        piece(cell, 100 + 260 * c, 100 + STEP * r, slope)
        for r, row in enumerate(rows)
        for c, cell in enumerate(row)
    ]
    # Cells are too short to tell a slope; a heading has one.
    heading = "Metres of yarn by month and by kind of fibre"
    pieces.append(piece(heading, 100, 40, slope))
    assert lines_of(pieces) == [heading, *(" ".join(row) for row in rows)]


@pytest.mark.parametrize("slope", [-5.0, -2.5, 0.0, 2.5, 5.0])
def test_lines_of_a_skewed_page_do_not_swap(slope):
    texts, pieces = column("w", 30, 120, 150, slope, words=16)
    found, measured = arrange(random.Random(1).sample(pieces, len(pieces)))
    assert [line.text for block in found for line in block.lines] == texts
    assert measured == slope


@pytest.mark.parametrize("slope", [-3.0, 0.0, 3.0])
def test_a_line_in_several_pieces_is_one_line(slope):
    pieces = []
    for n in range(8):
        pieces += [
            piece(f"left{n} part of the line", 100, n * STEP, slope),
            piece(f"right{n} part", 420, n * STEP + 4, slope),  # detection is never exact
        ]
    assert lines_of(pieces) == [f"left{n} part of the line right{n} part" for n in range(8)]


TITLE, UNDER = "News From The Loom And The Paper Mill", "for all members, and for their friends too"


@pytest.mark.parametrize("slope", [-2.0, 0.0, 2.0])
@pytest.mark.parametrize("shift", [0, 7, 20])
def test_columns_are_read_one_after_the_other(slope, shift):
    left, first = column("l", 14, 100, 200, slope)
    right, second = column("r", 14, RIGHT, 200 + shift, slope)
    foot = "page 3"
    across = [piece(TITLE, 320, 60, slope), piece(UNDER, 290, 110, slope)]
    pieces = [*across, *first, *second, piece(foot, 618, 820, slope)]
    assert lines_of(pieces) == [TITLE, UNDER, *left, *right, foot]


def test_a_heading_whose_word_space_lies_over_the_gutter_stays_whole():
    left, first = column("l", 14, 100, 200)
    right, second = column("r", 14, RIGHT, 200)
    # Of the gutter, 628 to 680, the word on the right leaves enough, the one on the left does not.
    start = piece("the heading across of", 656 - 21 * LETTER, 130)
    rest = piece("both columns stays whole", 660, 130)
    middle = (656 - 21 * LETTER + 660 + 24 * LETTER) / 2
    heading = Piece(start.words + rest.words, 0.0, 45 * LETTER + 4, LINE, (middle, 130 + LINE / 2))
    assert lines_of([heading, *first, *second]) == [
        "the heading across of both columns stays whole",
        *left,
        *right,
    ]


def test_three_columns():
    texts, pieces = [], []
    for number in range(3):
        lines, found = column("abc"[number], 12, 100 + 580 * number, 100)
        texts += lines
        pieces += found
    assert lines_of(pieces) == texts


def test_line_numbers_stay_with_their_lines_in_two_columns():
    left, first = column("l", 12, 160, 100)
    right, second = column("r", 12, 860, 100)
    numbers = [piece(f"{n + 1}", x, 100 + n * STEP) for n in range(12) for x in (100, 760)]
    assert lines_of([*first, *second, *numbers]) == [
        *(f"{n + 1} {text}" for n, text in enumerate(left)),
        *(f"{n + 1} {text}" for n, text in enumerate(right)),
    ]


def test_a_full_line_between_columns_parts_them():
    upper, first = column("l", 8, 100, 100)
    upper_right, second = column("r", 8, RIGHT, 100)
    between = "a heading that runs across both of the columns of this long page here"
    lower, third = column("m", 8, 100, 520)
    lower_right, fourth = column("s", 8, RIGHT, 520)
    pieces = [*first, *second, piece(between, 150, 450), *third, *fourth]
    assert lines_of(pieces) == [*upper, *upper_right, between, *lower, *lower_right]


@pytest.mark.parametrize("slope", [-2.0, 0.0, 2.0])
def test_tables_of_figures_are_read_row_by_row(slope):
    rows = [(f"Month {n:02d} of the year", f"{n * 317 % 1000}.{n:02d}", f"{n}%") for n in range(12)]
    pieces = [
        piece(text, x, 100 + n * STEP, slope)
        for n, row in enumerate(rows)
        for text, x in zip(row, (100, 500, 700), strict=True)
    ]
    assert lines_of(pieces) == [" ".join(row) for row in rows]


def test_labels_and_amounts_far_apart_share_their_lines():
    items = [("Linen yarn, three cones", "41.50"), ("Reed hook", "7.20"), ("TOTAL", "48.70")] * 3
    pieces = []
    for n, (label, amount) in enumerate(items):
        pieces += [piece(label, 50, n * STEP), piece(amount, 700, n * STEP + 3)]
    assert lines_of(pieces) == [f"{label} {amount}" for label, amount in items]


def test_indents_keep_their_places():
    lines, pieces = [], []
    for n in range(12):
        text = f"line{n:02d} of a paragraph that goes on"
        lines.append(text)
        pieces.append(piece(text, 100 + (60 if n % 4 == 0 else 0), n * STEP))
    assert lines_of(pieces) == lines


def test_hanging_labels_come_before_their_text():
    lines, pieces = [], []
    for n in range(1, 6):
        texts = (f"item {n} begins with some words of text", "and goes on below the first line")
        pieces.append(piece(f"{n}.", 100, n * 2 * STEP + 2))
        pieces += [piece(text, 170, (n * 2 + k) * STEP) for k, text in enumerate(texts)]
        lines += [f"{n}. {texts[0]}", texts[1]]
    assert lines_of(pieces) == lines


def test_a_wide_space_between_lines_begins_a_block():
    first, above = column("a", 4, 100, 100)
    second, below = column("b", 3, 100, 100 + 4 * STEP + 35)
    blocks, _ = arrange([*below, *above])
    assert [block.text for block in blocks] == ["\n".join(first), "\n".join(second)]


def test_lines_of_two_sizes_on_one_baseline_do_not_merge_with_the_next():
    big = Piece(piece("Heading", 100, 100).words, 0.0, 400.0, 60.0, (300.0, 115.0))
    lines, body = column("b", 5, 100, 165)
    assert lines_of([big, *body]) == ["Heading", *lines]


def test_text_that_runs_up_the_margin_comes_last_and_disturbs_no_line():
    lines, body = column("b", 10, 200, 100)
    words = piece("Copyright notice along the edge", 0, 0).words
    tall = ((100.0, 100.0), (130.0, 100.0), (130.0, 480.0), (100.0, 480.0))
    side = tuple(
        Word(text=word.text, polygon=tall, confidence=1.0, recogniser="fake") for word in words
    )
    found = lines_of([Piece(side, -90.0, 380.0, 30.0, (115.0, 290.0)), *body])
    assert found == [*lines, "Copyright notice along the edge"]


def two_columns(rows, y, names="lr"):
    left, first = column(names[0], rows, 100, y)
    right, second = column(names[1], rows, RIGHT, y + 7)
    return [*left, *right], [*first, *second]


@pytest.mark.parametrize("slope", [-3.0, 0.0, 3.0])
def test_a_rule_across_columns_parts_them(slope):
    upper, first = two_columns(8, 100)
    lower, second = two_columns(8, 100 + 8 * STEP + 15, "ms")
    rule = (80.0, 100 + 8 * STEP + 6), (1300.0, 100 + 8 * STEP + 6)
    pieces = [*first, *second]
    whole = sorted([*upper, *lower])
    assert sorted(lines_of(pieces)) == whole
    assert lines_of(pieces) != [*upper, *lower]
    assert lines_of(pieces, [rule]) == [*upper, *lower]


def test_a_rule_over_one_column_parts_nothing():
    lines, pieces = two_columns(12, 100)
    rule = (80.0, 100 + 6 * STEP - 3), (640.0, 100 + 6 * STEP - 3)
    assert lines_of(pieces, [rule]) == lines


def test_a_rule_through_words_parts_nothing():
    lines, pieces = two_columns(12, 100)
    rule = (80.0, 100 + 6 * STEP + LINE / 2), (1300.0, 100 + 6 * STEP + LINE / 2)
    assert lines_of(pieces, [rule]) == lines


def test_what_stands_far_above_both_columns_comes_before_them():
    head = [piece("The Weekly Weaver", 100, 0), piece("Linen edition", RIGHT, 10)]
    lines, pieces = two_columns(12, 160)
    assert lines_of([*head, *pieces])[:2] == ["The Weekly Weaver Linen edition", lines[0]]


def test_paragraphs_that_end_side_by_side_do_not_part_columns():
    upper, first = two_columns(9, 100)
    left, last_left = column("m", 3, 100, 100 + 12 * STEP)
    right, last_right = column("s", 3, RIGHT, 100 + 12 * STEP)
    found = lines_of([*first, *last_left, *last_right])
    assert found == [*upper[:9], *left, *upper[9:], *right]


def test_lines_with_wide_spaces_between_them_do_not_part_columns():
    left, first = column("l", 12, 100, 100)
    right, second = column("r", 12, RIGHT, 100)
    spread = [
        Piece(each.words, each.angle, each.width, each.height, each.middle)
        for each in first + second
    ]
    tall = [_lowered(each, 2.5) for each in spread]
    assert lines_of(tall) == [*left, *right]


def _lowered(each, factor):
    """The piece at so many times its distance from the top, of the same size."""
    shift = (each.middle[1] - 100) * (factor - 1)
    words = tuple(
        Word(
            text=word.text,
            polygon=tuple((x, y + shift) for x, y in word.polygon),
            confidence=1.0,
            recogniser="fake",
        )
        for word in each.words
    )
    return Piece(
        words, each.angle, each.width, each.height, (each.middle[0], each.middle[1] + shift)
    )


def test_a_line_of_another_height_begins_a_block():
    big = Piece(piece("Heading", 100, 100).words, 0.0, 400.0, 60.0, (300.0, 115.0))
    _, body = column("b", 5, 100, 145)
    blocks, _ = arrange([big, *body])
    assert [len(block.lines) for block in blocks] == [1, 5]


def test_lines_of_a_large_heading_stay_together():
    lines = [
        Piece(piece(text, 100, y).words, 0.0, 400.0, 60.0, (300.0, y + 15.0))
        for text, y in (("The first line", 100), ("and the second", 172))
    ]
    _, body = column("b", 9, 100, 280)
    blocks, _ = arrange([*lines, *body])
    assert [len(block.lines) for block in blocks] == [2, 9]


def indented(shifts):
    """A column of lines of which each begins so much further to the right."""
    lines, _ = column("p", len(shifts), 0, 0, words=6)
    return [
        piece(text, 200 + x, 100 + n * STEP)
        for n, (text, x) in enumerate(zip(lines, shifts, strict=True))
    ]


@pytest.mark.parametrize(
    ("shifts", "lengths"),
    [
        ([60, 0, 0, 60, 0, 0, 0, 60, 0], [3, 4, 2]),  # first lines moved in
        ([0, 60, 60, 0, 60, 0, 60, 60], [3, 2, 3]),  # items of a list, moved out
        ([0, 0, 0, 0, 0], [5]),
        ([60, 30, 0, 20, 70, 10], [6]),  # centred
        ([0, 60, 60, 0, 0, 60, 60, 0], [8]),  # a verse
        ([0, 0, 8, 0, 0], [5]),  # ragged
    ],
)
def test_first_lines_begin_paragraphs(shifts, lengths):
    blocks, _ = arrange(indented(shifts))
    assert [len(block.lines) for block in blocks] == lengths


@pytest.mark.parametrize(
    ("words", "lengths"),
    [
        ([2, 9, 9, 5], [1, 3]),  # a heading, and a paragraph below it
        ([9, 9, 3, 9, 9, 4], [3, 3]),  # paragraphs without indents
        ([3, 4, 2, 3], [4]),  # an address
        ([9, 9, 9, 8], [4]),
        ([9, 8, 9, 8, 9], [5]),  # ragged, as far as the next word leaves it
    ],
)
def test_lines_that_end_early_end_paragraphs(words, lengths):
    pieces = []
    for n, (count, after) in enumerate(zip(words, [*words[1:], 0], strict=True)):
        # As long as a line may be, the next word would not have fitted.
        long = count == 8 and after
        text = " ".join(["wordly"] * count + (["a"] if long else []))
        pieces.append(piece(text, 100, 100 + n * STEP))
    blocks, _ = arrange(pieces)
    assert [len(block.lines) for block in blocks] == lengths


# What comes out


def numbers_in(value, place=""):
    """All numbers of a result, with the names of what they are in."""
    if dataclasses.is_dataclass(value):
        for each in dataclasses.fields(value):
            yield from numbers_in(getattr(value, each.name), f"{place}.{each.name}")
    elif isinstance(value, tuple):
        for each in value:
            yield from numbers_in(each, place)
    elif value is not None and not isinstance(value, (str, enum.Enum)):
        yield place, type(value)


@pytest.mark.parametrize("name", ["report.png", "tables.png"])
def test_a_result_holds_plain_numbers(reading, name):
    found = set(numbers_in(reading(name)))
    assert {kind for _, kind in found} == {bool, int, float}
    assert {place for place, _ in found} >= {".pages.blocks.lines.words.polygon", ".pages.skew"}
