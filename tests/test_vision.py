"""The stages from pixels to pieces of lines, each by itself."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import math
import sys
import threading
import time

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from ocrloom import Language, OcrEngine, OcrEngineError
from ocrloom.once import once
from ocrloom.result import Word
from ocrloom.vision import detect, models, runtime
from ocrloom.vision import survey as survey_module
from ocrloom.vision.alphabets import alphabet_of, everything, is_latin
from ocrloom.vision.crops import Crop, cut
from ocrloom.vision.ctc import Reading, collapse
from ocrloom.vision.dashes import SHAPE, find_dashes
from ocrloom.vision.geometry import Box
from ocrloom.vision.ink import Columns, gaps, line_ink
from ocrloom.vision.orientation import find_rotation
from ocrloom.vision.quantise import gelu_input, gelu_like, quantise, roundings, split
from ocrloom.vision.recognise import dictionary
from ocrloom.vision.rules import Rule
from ocrloom.vision.segment import Segment
from ocrloom.vision.shrink import shrunk
from ocrloom.vision.survey import survey
from ocrloom.vision.widths import HEIGHT, WIDTHS, network_width, plan_widths
from ocrloom.vision.words import words_of

# Decoding


CHARACTERS = np.array(["", "a", "b", " "], dtype=object)


@pytest.mark.parametrize(
    ("classes", "text", "starts", "ends"),
    [
        ([0, 0, 0, 0], "", [], []),
        ([1, 1, 1, 1], "a", [0], [1]),
        ([1, 0, 1, 0], "aa", [0, 0.5], [0.25, 0.75]),
        ([1, 1, 2, 2], "ab", [0, 0.5], [0.5, 1]),
        ([0, 1, 1, 0, 1, 2, 0, 0], "aab", [0.125, 0.5, 0.625], [0.375, 0.625, 0.75]),
        ([1, 3, 0, 2], "a b", [0, 0.25, 0.75], [0.25, 0.5, 1]),
        ([3, 3, 3, 3], " ", [0], [1]),
        ([2], "b", [0], [1]),
    ],
)
def test_steps_collapse_to_characters(classes, text, starts, ends):
    reading = collapse(np.array(classes), np.full(len(classes), 0.5), CHARACTERS)
    assert reading.text == text
    assert reading.starts.tolist() == starts
    assert reading.ends.tolist() == ends
    assert len(reading.confidences) == len(text)


def test_a_character_is_as_sure_as_its_best_step():
    reading = collapse(
        np.array([1, 1, 0, 2, 3]), np.array([0.5, 0.75, 1.0, 0.25, 0.125]), CHARACTERS
    )
    assert reading.confidences.tolist() == [0.75, 0.25, 0.125]
    assert reading.confidence == 0.5  # spaces tell nothing


def test_nothing_read_has_no_confidence():
    for classes in ([0, 0], [3, 3]):
        assert collapse(np.array(classes), np.ones(2), CHARACTERS).confidence == 0.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_characters_follow_one_another(classes):
    reading = collapse(np.array(classes), np.linspace(0, 1, len(classes)), CHARACTERS)
    assert len(reading.text) == len(reading.starts) == len(reading.ends)
    edges = np.stack([reading.starts, reading.ends], axis=1).ravel()
    assert (np.diff(edges) >= 0).all()
    assert set(reading.text) == {CHARACTERS[c] for c in classes if c}


# Boxes


sides = st.floats(5, 2000)
boxes = st.builds(Box, st.floats(0, 3000), st.floats(0, 3000), sides, sides, st.floats(-180, 180))


@given(boxes, st.floats(0, 1), st.floats(0, 1), st.integers(8, 2000), st.integers(8, 100))
def test_a_place_in_the_box_is_the_same_place_in_the_crop(box, across, down, width, height):
    x, y = box.point(across * box.width, down * box.height)
    # Both count from corners; the map counts from pixel centres.
    found = box.to_crop(width, height) @ (x - 0.5, y - 0.5, 1.0) + 0.5
    assert found == pytest.approx((across * width, down * height), abs=1e-5)


@given(boxes)
def test_the_middle_of_a_box_is_its_centre(box):
    assert box.point(box.width / 2, box.height / 2) == pytest.approx((box.x, box.y))
    grown = box.grown(3, 5)
    assert (grown.width, grown.height) == (box.width + 6, box.height + 10)
    assert grown.point(3, 5) == pytest.approx(box.point(0, 0), abs=1e-6)


def test_text_that_falls_to_the_right_has_a_positive_angle():
    left, right = (Box(100, 100, 80, 20, 10).point(x, 10) for x in (0, 80))
    assert right[1] - left[1] == pytest.approx(80 * math.sin(math.radians(10)))


# Crops and words


def drawn(*rectangles, shape=(48, 200)):
    """White pixels with black rectangles (left, top, right, bottom)."""
    pixels = np.full((*shape, 3), 255, np.uint8)
    for left, top, right, bottom in rectangles:
        pixels[top:bottom, left:right] = 0
    return pixels


@pytest.mark.parametrize("colours", ["dark on light", "light on dark"])
def test_spans_are_tight_around_the_ink(colours):
    pixels = drawn((10, 12, 50, 40), (60, 5, 61, 30), (120, 16, 160, 24))[:, :, 0]
    if colours == "light on dark":
        pixels = 255 - pixels
    edges = np.array([0, 30, 70, 110, 200])
    assert Columns.of(line_ink(pixels)).spans(edges).tolist() == [
        [10, 12, 30, 40],
        [30, 5, 61, 40],
        [70, 0, 110, 48],  # nothing there: the columns and the full height
        [120, 16, 160, 24],
    ]


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 1)),
    st.data(),
)
def test_spans_hold_all_ink_between_their_edges_and_no_more(mask, data):
    edges = sorted(data.draw(st.sets(st.integers(0, mask.shape[1]), min_size=2)))
    columns = Columns.of(mask)
    rows = np.flatnonzero(mask.any(axis=1))
    assert columns.tall == (rows[-1] - rows[0] + 1 if len(rows) else len(mask))
    found = columns.spans(np.array(edges)).astype(int).tolist()
    for (start, end), (left, top, right, bottom) in zip(
        itertools.pairwise(edges), found, strict=True
    ):
        down, across = np.nonzero(mask[:, start:end])
        if len(down):
            assert (left, right) == (start + across.min(), start + across.max() + 1)
            assert (top, bottom) == (down.min(), down.max() + 1)
        else:
            assert (left, top, right, bottom) == (start, 0, end, len(mask))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((0, 44, 200, 46), id="ruled line"),
        pytest.param((60, 41, 130, 43), id="underline"),
        pytest.param((70, 0, 80, 9), id="descender above"),
        pytest.param((70, 40, 80, 48), id="ascender below"),
        pytest.param((70, 5, 71, 7), id="speck"),
    ],
)
def test_what_is_not_of_the_line_is_no_ink(other):
    line = [(10, 12, 50, 38), (60, 18, 90, 38), (150, 10, 190, 38)]
    alone, together = (line_ink(drawn(*parts)[:, :, 0]) for parts in (line, [*line, other]))
    assert (alone == together).all()
    assert alone.sum() == sum((right - left) * (down - top) for left, top, right, down in line)


def test_a_dash_is_ink_however_long():
    mask = line_ink(drawn((20, 22, 180, 25))[:, :, 0])
    assert Columns.of(mask).spans(np.array([0, 200])).tolist() == [[20, 22, 180, 25]]


def test_letters_that_the_crop_cuts_are_ink():
    mask = line_ink(drawn((20, 0, 40, 48), (60, 0, 90, 40))[:, :, 0])
    assert Columns.of(mask).spans(np.array([0, 50, 200])).tolist() == [
        [20, 0, 40, 48],
        [60, 0, 90, 40],
    ]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.data())
def test_gaps_are_the_widest_between_their_places(inked, data):
    columns = st.lists(st.integers(0, len(inked) - 1), min_size=1, max_size=6)
    places = sorted(data.draw(columns))
    found = gaps(np.array(inked), np.array(places))
    assert len(found) == len(places) - 1
    for (start, end), (first, last) in zip(itertools.pairwise(places), found.tolist(), strict=True):
        assert start <= first <= last <= end
        assert not any(inked[first:last])
        lengths = [len([*run]) for ink, run in itertools.groupby(inked[start:end]) if not ink]
        assert last - first == max(lengths, default=0)


RULE = Rule((150.0, 0.0), (152.0, 400.0), 2.0)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_ruled_line_across_a_crop_is_left_out_of_it(degrees):
    page = np.full((400, 400), 255, np.uint8)
    page[190:210, 60:140] = 0
    plain = cut(page, Box(110, 200, 120, 40, 0), 120).pixels
    page[:, 149:153] = 0
    turns = degrees // 90
    page = np.rot90(page, -turns)
    box, rule = (_turned_about(part, turns) for part in (Box(110, 200, 120, 40, 0), RULE))
    assert (cut(page, box, 120).pixels != plain).any()
    assert (cut(page, box, 120, [rule]).pixels == plain).all()


def _turned_about(part, quarters):
    """A box or a rule on a page of 400 by 400 pixels that was turned clockwise."""

    def point(x, y):
        for _ in range(quarters):
            x, y = 400 - y, x
        return x, y

    if isinstance(part, Rule):
        return Rule(*sorted((point(*part.start), point(*part.end))), part.thickness)
    return Box(*point(part.x, part.y), part.width, part.height, part.angle + 90 * quarters)


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(Rule((150.0, 150.0), (150.0, 230.0), 2.0), id="stroke of a letter"),
        pytest.param(Rule((80.0, 0.0), (80.0, 400.0), 2.0), id="not there"),
        pytest.param(Rule((0.0, 200.0), (400.0, 200.0), 2.0), id="along the text"),
    ],
)
def test_other_rules_change_nothing(rule):
    page = np.full((400, 400), 255, np.uint8)
    page[185:215, 149:153] = 0
    page[180:190, 76:84] = 0
    box = Box(110, 200, 120, 40, 0)
    assert (cut(page, box, 120, [rule]).pixels == cut(page, box, 120).pixels).all()


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=5),
    st.floats(-40, 40),
    st.integers(1, 3),
)
def test_words_are_split_at_spaces_and_lie_in_their_crop(parts, angle, spaces):
    text = (" " * spaces).join(parts)
    step = 200 / len(text)
    # A letter is an H: more ink than paper would be light text on dark ground.
    ink = [
        stroke
        for n, letter in enumerate(text)
        for left, right in [(math.ceil(n * step), math.floor((n + 1) * step))]
        for stroke in (
            (left, 10, left + 1, 38),
            (left, 24, right, 25),
            (right - 1, 10, right, 38),
        )
        if letter != " "
    ]
    places = np.arange(len(text))
    reading = Reading(
        text, places / len(text), (places + 1) / len(text), np.linspace(0.5, 1, len(text))
    )
    box = Box(500, 400, 600, 96, angle)
    words = words_of(Crop(box, drawn(*ink)), reading)
    assert [word.text for word in words] == parts
    at = 0
    for word in words:
        start = text.index(word.text, at)
        at = start + len(word.text)
        assert word.confidence == pytest.approx(reading.confidences[start:at].mean())
        left, top = _back(box, word.polygon[0])
        right, bottom = _back(box, word.polygon[2])
        # The crop is scaled by 3 along and by 2 across.
        assert left / 3 == pytest.approx(start * step, abs=2.0)
        assert right / 3 == pytest.approx(at * step, abs=2.0)
        assert (top / 2, bottom / 2) == pytest.approx((10, 38))


def read_as(text, places, spaces):
    """A reading of characters at columns of a crop of 240, a step every 8."""
    starts = np.array(places) / 240
    return Reading(text, starts, starts + 8 / 240, np.ones(len(text)), np.array(spaces))


@pytest.mark.parametrize(
    ("text", "gap", "chance", "expected"),
    [
        ("abcd", 3, 0.01, ["abcd"]),
        ("abcd", 12, 0.0, ["abcd"]),
        ("abcd", 12, 0.4, ["ab", "cd"]),
        ("abcd", 40, 0.0, ["ab", "cd"]),
        ("ab:d", 9, 0.45, ["ab:d"]),  # in old type colons stand off
        ("ab:d", 14, 0.45, ["ab", ":d"]),
        ("1234", 9, 0.45, ["1234"]),  # digits are as wide as the widest
        ("日本語文", 40, 0.4, ["日本語文"]),
    ],
)
def test_a_gap_is_a_space_the_more_so_the_likelier_one_is(text, gap, chance, expected):
    lefts = [10, 30, 48 + gap, 68 + gap]
    pixels = drawn(*((left, 10, left + 18, 40) for left in lefts), shape=(48, 240))
    spaces = np.zeros(30)
    spaces[5 : (48 + gap) // 8] = chance
    reading = read_as(text, [left + 5 for left in lefts], spaces)
    words = words_of(Crop(Box(120, 24, 240, 48, 0), pixels), reading)
    assert [word.text for word in words] == expected
    # Whatever was found, boxes end where the ink does.
    assert words[0].polygon[0][0] == pytest.approx(10)
    assert words[-1].polygon[1][0] == pytest.approx(86 + gap)


def test_a_words_box_holds_no_part_of_its_neighbour():
    # The spikes of the recogniser stand off the middles of the letters.
    pixels = drawn((10, 10, 14, 40), (26, 10, 60, 40), shape=(48, 240))
    reading = read_as("I am", [6, 18, 34, 50], np.zeros(30))
    first, second = words_of(Crop(Box(120, 24, 240, 48, 0), pixels), reading)
    assert (first.polygon[0][0], first.polygon[1][0]) == pytest.approx((10, 14))
    assert (second.polygon[0][0], second.polygon[1][0]) == pytest.approx((26, 60))


def test_white_letters_on_halftone_are_read_smoothed(note, engine):
    letters = np.pad(note("Quarterly Review 2013"), 40, constant_values=255) < 128
    page = np.where(np.indices(letters.shape).sum(axis=0) // 2 % 2, 255, 0).astype(np.uint8)
    page[letters] = 255
    assert engine.process(page).text == "Quarterly Review 2013"


def test_short_boxes_lie_as_the_long_ones_do():
    scores = np.full((300, 600), -9.0, np.float32)
    slanted = cv2.boxPoints(((300, 80), (400, 10), 4.0)).astype(int)
    cv2.fillConvexPoly(scores, slanted, 9.0)
    diamond = np.array([[100, 190], [110, 200], [100, 210], [90, 200]])
    cv2.fillConvexPoly(scores, diamond, 9.0)
    long, short = sorted(detect._boxes(scores), key=lambda box: -box.width)
    assert long.angle == pytest.approx(4.0, abs=0.5)
    assert short.angle == long.angle
    assert (short.x, short.y) == pytest.approx((100.5, 200.5), abs=1)


def test_components_of_a_tall_page_are_counted_once():
    ink = np.zeros((1500, 1200), np.uint8)
    for top in range(10, 1490, 20):
        ink[top : top + 12, 100:108] = 1
    stats = survey_module._components(ink)
    assert stats[:, cv2.CC_STAT_TOP].tolist() == [*range(10, 1490, 20)]
    assert (stats[:, cv2.CC_STAT_HEIGHT] == 12).all()


# Dashes


def cell(text, left, top, right, bottom):
    """A segment of one word, with the margins that detection leaves."""
    word = Word(
        text=text,
        polygon=((left, top), (right, top), (right, bottom), (left, bottom)),
        confidence=1.0,
        recogniser="test",
    )
    box = Box((left + right) / 2, (top + bottom) / 2, right - left + 20, bottom - top + 20, 0.0)
    return Segment(box=box, words=(word,))


CELLS = [
    cell("Rent", 100, 100, 180, 120),
    cell("200", 400, 100, 440, 120),
    cell("Heat", 100, 150, 180, 170),
    cell("Tax", 100, 200, 150, 220),
]


def table_page(*dashes):
    page = np.full((400, 600), 255, np.uint8)
    for segment in CELLS:
        (left, top), _, (right, bottom), _ = segment.words[0].polygon
        page[top:bottom, left:right] = 0
    for left, top, right, bottom in dashes:
        page[top:bottom, left:right] = 0
    return page


def dashes_of(page):
    return [segment.words[0] for segment in find_dashes(page, survey(page).strokes, CELLS)]


def test_a_dash_in_a_cell_is_read_and_those_below_it():
    found = dashes_of(table_page((428, 159, 438, 161), (428, 209, 438, 211)))
    assert [(word.text, word.recogniser) for word in found] == [("-", SHAPE)] * 2
    assert [(*word.polygon[0], *word.polygon[2]) for word in found] == [
        (428, 159, 438, 161),
        (428, 209, 438, 211),
    ]


@pytest.mark.parametrize(
    "stroke",
    [
        pytest.param((428, 300, 438, 302), id="in no row"),
        pytest.param((528, 159, 538, 161), id="in no column"),
        pytest.param((428, 168, 438, 170), id="below the middle"),
        pytest.param((400, 158, 440, 160), id="too long"),
        pytest.param((428, 154, 438, 166), id="too thick"),
        pytest.param((120, 159, 130, 161), id="in a word"),
    ],
)
def test_other_strokes_are_no_dashes(stroke):
    assert dashes_of(table_page(stroke)) == []


def test_a_dashed_line_is_none():
    assert dashes_of(table_page(*((x, 159, x + 10, 161) for x in range(300, 500, 16)))) == []


def _back(box, point):
    """Place in the box of a point on the page."""
    c, s = math.cos(math.radians(box.angle)), math.sin(math.radians(box.angle))
    x, y = point[0] - box.x, point[1] - box.y
    return x * c + y * s + box.width / 2, y * c - x * s + box.height / 2


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_no_letters_make_no_word(text):
    places = np.arange(len(text)) / max(1, len(text))
    reading = Reading(text, places, places, np.ones(len(text)))
    assert words_of(Crop(Box(100, 24, 200, 48, 0), drawn()), reading) == ()


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("angle", [0.0, 7.0, -30.0, 90.0])
def test_a_crop_is_upright_and_holds_its_box(angle, colour):
    page = np.full((600, 600), 255, np.uint8)
    corners = [Box(300, 300, 200, 40, angle).point(x, y) for x, y in ((0, 0), (200, 0), (200, 40))]
    corners.append(Box(300, 300, 200, 40, angle).point(0, 40))
    cv2.fillConvexPoly(page, np.rint(corners).astype(np.int32), 0)
    if colour:
        page = np.stack([page] * 3, axis=2)
    crop = cut(page, Box(300, 300, 240, 80, angle), 120)
    assert crop.pixels.shape == ((HEIGHT, 120, 3) if colour else (HEIGHT, 120))
    ink = (crop.pixels[:, :, 0] if colour else crop.pixels) < 128
    assert ink[HEIGHT // 2, ink.shape[1] // 2]
    assert ink.mean() == pytest.approx(200 * 40 / (crop.box.width * crop.box.height), abs=0.03)
    assert not np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]]).any()


# Widths


@given(st.floats(1, 4000), st.floats(0, 100), st.floats(10, 200))
def test_a_longer_line_never_gets_less_room(width, more, height):
    assert network_width(width + more, height) >= network_width(width, height)


@given(st.floats(1, 1e5), st.floats(1, 500))
def test_the_width_is_near_the_natural_one(width, height):
    natural = width / height * HEIGHT
    assume(0.8 * natural <= WIDTHS[-1])
    found = network_width(width, height)
    assert found % 8 == 0
    # Design: squeezed below 0.7 of it accuracy suffers; wider than it only costs.
    assert max(32, 0.7 * natural) <= found <= max(32, 1.1 * natural + 8)


@given(st.lists(st.sampled_from([w for w in WIDTHS if w < 3000]), max_size=60))
def test_a_page_is_read_at_few_of_its_own_widths(widths):
    plan = plan_widths(widths)
    assert plan.keys() == set(widths)
    assert set(plan.values()) <= set(widths)
    for width, planned in plan.items():
        assert width <= planned <= 1.25 * width


def cheapest(widths: list[int], change: int) -> float:
    """Least cost over all ways to part the sorted widths into groups, tried one by one."""
    ascending = sorted(set(widths))
    costs = []
    for cuts in itertools.product([False, True], repeat=max(0, len(ascending) - 1)):
        groups: list[list[int]] = [[]]
        for width, cut_here in zip(ascending, [*cuts, True], strict=True):
            groups[-1].append(width)
            if cut_here:
                groups.append([])
        groups.pop()
        if all(group[-1] <= 1.25 * group[0] for group in groups):
            read = sum(group[-1] * sum(widths.count(w) for w in group) for group in groups)
            costs.append(read + change * len(groups))
    return min(costs)


@given(st.lists(st.sampled_from([104, 112, 120, 136, 144, 160, 176, 192]), min_size=1, max_size=9))
def test_the_plan_is_the_cheapest_one(widths):
    plan = plan_widths(widths)
    cost = sum(plan[width] for width in widths) + 220 * len(set(plan.values()))
    assert cost == cheapest(widths, 220)


def test_there_are_few_widths():
    assert len({network_width(pixels, HEIGHT) for pixels in range(1, 4000)}) < 90


# Alphabets


LATIN = [
    each
    for each in Language
    if each.script.name == "LATIN" and "pp-ocrv6-small" in each.recognisers
]


@pytest.mark.parametrize(
    "language",
    [*LATIN, Language.JAPANESE, Language.CHINESE_SIMPLIFIED, Language.CHINESE_TRADITIONAL],
    ids=lambda each: each.name,
)
def test_an_alphabet_is_part_of_the_dictionary(language):
    characters = alphabet_of([language]).characters
    assert characters < set(dictionary())
    assert {*"abcxyzABCXYZ0123456789 .,:;-()/%&"} <= characters


def test_auto_is_everything():
    assert alphabet_of([Language.AUTO]) is everything()
    assert everything().characters == set(dictionary()[1:])
    assert dictionary()[0] == ""
    assert dictionary()[-1] == " "


def test_several_languages_have_all_their_characters():
    both = alphabet_of([Language.ENGLISH, Language.JAPANESE]).characters
    assert both == alphabet_of([Language.JAPANESE]).characters | (
        alphabet_of([Language.ENGLISH]).characters
    )


@pytest.mark.parametrize(
    ("language", "letters"),
    [
        (Language.FRENCH, "àâçéèêëîïôœùûüÿÀÉŒ«»’"),
        (Language.GERMAN, "äöüßÄÖÜ»«"),
        (Language.POLISH, "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"),
        (Language.CZECH, "áčďéěíňóřšťúůýžÁČŘŽ"),
        (Language.TURKISH, "çğıİöşüÇĞÖŞÜ"),
        (Language.SWEDISH, "åäöÅÄÖ"),
        (Language.SPANISH, "áéíñóúü¿ªº"),
        (Language.ENGLISH, "$€£©®°±×÷—–“”‘’…•"),
        (Language.JAPANESE, "あいうえおアイウエオんンー、。「」日本語"),
        (Language.CHINESE_TRADITIONAL, "紙與線的房間，。"),
        (Language.CHINESE_SIMPLIFIED, "纸与线的房间，。"),
    ],
)
def test_a_language_has_its_letters(language, letters):
    assert set(letters) <= alphabet_of([language]).characters


def test_latin_leaves_other_scripts_out():
    characters = alphabet_of([Language.ENGLISH]).characters
    assert not characters & {*"紙的日本あいアイ中（），。０ＡаБжЖ한글"}
    assert len(characters) < 0.2 * len(everything().characters)
    for character in characters:
        assert not 0x2E80 <= ord(character[0]) <= 0x9FFF
        assert not 0x0400 <= ord(character[0]) <= 0x04FF
        assert is_latin(character)


# Models


@pytest.mark.parametrize("model", [models.DETECTOR, models.RECOGNISER], ids=lambda each: each.name)
def test_the_models_are_there_and_unchanged(model):
    path = models.verified_path(model)
    assert path == models.locate(model)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256
    assert model.licence == "Apache-2.0"


def test_a_changed_model_is_refused():
    changed = dataclasses.replace(models.DETECTOR, sha256="0" * 64)
    with pytest.raises(OcrEngineError, match=f"was changed: SHA-256 {'0' * 64} expected") as caught:
        models.verified_path(changed)
    assert models.DETECTOR.sha256 in str(caught.value)
    assert "pip install" in str(caught.value)


@pytest.mark.parametrize("missing", ["package", "file"])
def test_a_missing_model_is_said(monkeypatch, missing):
    model = dataclasses.replace(models.DETECTOR, file="another.onnx")
    if missing == "package":
        model = dataclasses.replace(models.DETECTOR, name="not asked for yet")
        monkeypatch.setattr(models, "find_spec", lambda _: None)
    with pytest.raises(OcrEngineError, match=f"{model.file} expected in .* 'rapidocr'") as caught:
        models.verified_path(model)
    assert "pip install --force-reinstall" in str(caught.value)


def test_an_unreadable_model_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(models, "locate", lambda _: tmp_path)  # a folder cannot be read
    with pytest.raises(OcrEngineError, match="cannot be read"):
        models.verified_path(dataclasses.replace(models.DETECTOR, name="a folder"))


# The runtime


TELEMETRY = """
import sys
from ocrloom.vision.runtime import openvino_module
openvino_module()
print("openvino" in sys.modules, "openvino_telemetry" in sys.modules)
import importlib.util
print(importlib.util.find_spec("openvino_telemetry") is not None)
"""


def test_openvino_comes_without_its_telemetry(run_python):
    from importlib.util import find_spec

    loaded, installed = run_python(TELEMETRY).splitlines()
    assert loaded == "True False"
    # Whoever else wants the package still finds it.
    assert installed == str(find_spec("openvino_telemetry") is not None)


def test_a_runtime_that_does_not_load_is_said(run_python):
    code = (
        "import sys; sys.modules['openvino'] = None\n"
        "from ocrloom import OcrEngineError\n"
        "from ocrloom.vision.runtime import openvino_module\n"
        "try: openvino_module()\n"
        "except OcrEngineError as error: print(error)\n"
        "print('openvino_telemetry' in sys.modules)"
    )
    message, left = run_python(code).splitlines()
    assert message.startswith("the inference runtime OpenVINO does not load: ")
    assert "pip install" in message
    assert left == "False"


def test_the_precision_is_one_that_the_cpu_has():
    assert runtime.precision() in ("bf16", "f32")


@pytest.mark.skipif(sys.platform == "win32", reason="the cache lies elsewhere")
def test_the_cache_folder(monkeypatch, tmp_path):
    if sys.platform == "darwin":
        monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = runtime.cache_folder()
    assert folder.is_dir()
    assert tmp_path in folder.parents
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    if sys.platform != "darwin":
        assert runtime.cache_folder() is None


# Eight bits


def gelu(values):
    return values * (1 + np.vectorize(math.erf)(values / math.sqrt(2))) / 2


def test_what_stands_in_for_gelu_is_near_it():
    values = np.linspace(-3, 1, 401)
    assert np.abs(0.468 * gelu_like(values) + 0.005 - gelu(values)).max() < 0.04


def test_roundings_fit_the_model():
    model = runtime.core().read_model(models.verified_path(models.RECOGNISER))
    split(model)
    by_name = {op.get_friendly_name(): op for op in model.get_ordered_ops()}
    layers = roundings(models.RECOGNISER)
    assert len(layers) == 30
    for name, layer in layers.items():
        assert layer.bound > 0
        channels = by_name[name].input_value(1).get_shape()[1]
        if layer.gains:
            assert gelu_input(by_name[name].input_value(0)) is not None
            assert len(layer.gains) == len(layer.offsets) == channels


def test_a_parted_convolution_gives_the_same():
    from openvino import opset13 as ops

    rng = np.random.default_rng(0)
    image = ops.parameter([1, 4, 8, 8], np.float32)
    joined = ops.concat([image, ops.relu(image)], 1)
    weights = ops.constant(rng.standard_normal((6, 8, 3, 3), np.float32))
    convolved = ops.convolution(joined, weights, [2, 2], [1, 1], [1, 1], [1, 1])
    whole = runtime.openvino_module().Model([convolved.output(0)], [image], "whole")
    parted = whole.clone()
    split(parted)
    assert not any(op.get_type_name() == "Concat" for op in parted.get_ordered_ops())
    values = rng.standard_normal((1, 4, 8, 8), np.float32)
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    one, other = (
        runtime.core().compile_model(model, "CPU", config)([values])[0] for model in (whole, parted)
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_grey_and_colour_are_the_same_to_a_network():
    grey = np.random.default_rng(5).integers(0, 256, (48, 64), dtype=np.uint8)
    coloured = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    one, other = (runtime.network_input(image) for image in (grey, coloured))
    assert one.shape == (1, 3, 48, 64)
    assert one.flags.c_contiguous
    np.testing.assert_array_equal(one, other)
    assert abs(one).max() <= 1


def test_eight_bits_read_what_floats_read():
    pixels = np.full((48, 320, 3), 255, np.uint8)
    cv2.putText(pixels, "Invoice 2041", (8, 36), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    tensor = runtime.network_input(pixels)
    found = []
    for eight_bits in (False, True):
        model = runtime.core().read_model(models.verified_path(models.RECOGNISER))
        if eight_bits:
            quantise(model, roundings(models.RECOGNISER))
        compiled = runtime.core().compile_model(model, "CPU")
        found.append(compiled([tensor])[0][0].argmax(axis=1))
    assert (found[0] == found[1]).mean() > 0.9
    characters = np.array(dictionary(), dtype=object)
    assert collapse(found[1], np.ones(len(found[1])), characters).text == "Invoice 2041"


# Orientation


def sure(rotation, low=0.3, high=0.95):
    """A reader that is sure of boxes that are turned as the page must be."""
    return lambda boxes: high if all(_turn(box) == rotation for box in boxes) else low


def _turn(box):
    return round(-box.angle) % 360


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_found_by_the_readers_confidence(rotation):
    size = (600, 40) if rotation % 180 == 0 else (40, 600)
    lines = [Box(400, 100 + 60 * n, *size, 0.0) for n in range(10)]
    assert find_rotation(lines, sure(rotation)) == rotation


def test_without_evidence_a_page_stays_as_it_lies():
    assert find_rotation([], sure(180)) == 0
    lines = [Box(400, 100 + 60 * n, 600, 40, 0.0) for n in range(10)]
    assert find_rotation(lines, lambda _: 0.4) == 0


@pytest.mark.parametrize("size", [(30, 30), (30, 40), (40, 30), (30, 60), (60, 30)])
def test_a_single_speck_is_no_evidence(size):
    def confidence(boxes):
        assert boxes  # the mean of nothing is an error
        return 0.2

    assert find_rotation([Box(100, 100, *size, 0.0)], confidence) == 0


@pytest.fixture(scope="module")
def upright(scan):
    pixels = np.asarray(PIL.Image.open(scan("french.png")))[:900]
    return pixels, OcrEngine(language="fra").process(pixels).pages[0]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_pages_are_read_and_their_words_stay_on_the_ink(upright, quarters):
    pixels, expected = upright
    lying = np.ascontiguousarray(np.rot90(pixels, quarters))  # counterclockwise
    page = OcrEngine(language="fra").process(lying).pages[0]
    assert page.rotation == 90 * quarters
    assert (page.height, page.width) == lying.shape
    assert page.text == expected.text
    for word, straight in zip(page.words, expected.words, strict=True):
        mapped = [_turned_point(*corner, quarters, *pixels.shape) for corner in straight.polygon]
        # Corner by corner: a polygon begins where its text begins.
        assert np.abs(np.array(word.polygon) - mapped).max() < 8
        assert _ink_share(lying, word.polygon) > 0.08


def test_an_upright_page_is_left_alone(upright):
    pixels, page = upright
    assert page.rotation == 0
    assert all(_ink_share(pixels, word.polygon) > 0.08 for word in page.words)


def test_turning_can_be_left_out(upright):
    from ocrloom import OcrOptions

    options = OcrOptions(languages="fra", find_orientation=False)
    page = OcrEngine(options=options).process(np.ascontiguousarray(upright[0][::-1, ::-1])).pages[0]
    assert page.rotation == 0
    assert page.text != upright[1].text


def _turned_point(x, y, quarters, height, width):
    """Where a point lies after the page was turned counterclockwise."""
    for _ in range(quarters):
        x, y, height, width = y, width - x, width, height
    return x, y


def _ink_share(pixels, polygon):
    xs, ys = zip(*polygon, strict=True)
    part = pixels[int(min(ys)) : math.ceil(max(ys)), int(min(xs)) : math.ceil(max(xs))]
    return float((part < 140).mean())


# Loading once


def test_eight_threads_load_once():
    calls, results = [], []
    gate = threading.Barrier(8)

    @once
    def load(name):
        time.sleep(0.02)
        calls.append(name)
        return object()

    def ask():
        gate.wait()
        results.append(load("model"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["model"]
    assert len(results) == 8
    assert len(set(results)) == 1
    assert load("another") is not results[0]


def test_a_failure_is_not_remembered():
    attempts = []

    @once
    def load():
        attempts.append(1)
        if len(attempts) < 3:
            raise OSError("not yet")
        return "loaded"

    for _ in range(2):
        with pytest.raises(OSError, match="not yet"):
            load()
    assert (load(), load(), len(attempts)) == ("loaded", "loaded", 3)


def test_what_is_loaded_may_load_more():
    @once
    def inner():
        return "inner"

    @once
    def outer():
        return inner() + " and outer"

    assert outer() == "inner and outer"
    assert outer.__name__ == "outer"


@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    across=st.floats(0.05, 2.0),
    down=st.floats(0.05, 2.0),
)
@settings(max_examples=60, deadline=None)
def test_a_shrunk_image_has_the_size_asked_for_and_the_same_mean(width, height, across, down):
    image = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    size = max(1, round(width * across)), max(1, round(height * down))
    small = shrunk(image, *size)
    assert small.shape == size[::-1]
    # What a whole factor leaves over at the right, and the enlarging of few pixels, move the mean.
    assert abs(float(small.mean()) - float(image.mean())) <= 255 * (1 / size[0] + 2 / width)


@pytest.mark.parametrize("shape", [(20, 30_000), (30_000, 20), (1, 1), (3, 700), (700, 3)])
def test_a_survey_keeps_something_of_every_shape(shape):
    pixels = np.full(shape, 255, np.uint8)
    pixels[shape[0] // 2, shape[1] // 2] = 0
    view = survey(pixels)
    assert 0 <= view.left < view.right <= shape[1]
    assert 0 <= view.top < view.bottom <= shape[0]


@pytest.fixture(scope="module")
def doubling():
    """A network that doubles numbers, as many as there are."""
    import openvino
    import openvino.opset13 as ops

    given = ops.parameter([-1], np.float32)
    doubled = ops.multiply(given, np.float32(2))
    return runtime.Network(openvino.Model([doubled], [given], "doubling"))


def test_an_inference_that_fails_is_told_and_harms_no_other(doubling):
    with pytest.raises(OcrEngineError, match="inference failed"):
        doubling(np.ones((2, 2, 2), np.float32))
    assert doubling(np.array([4], np.float32))[0].tolist() == [8]


def test_readings_that_are_cancelled_harm_no_other(note):
    engine = OcrEngine()
    for attempt in range(15):
        future = engine.process_async(note("cancelled before its end"))
        time.sleep(attempt % 5 / 100)
        future.cancel()
        text = " ".join(["weaving"] * (1 + attempt % 4))
        assert engine.process(note(text)).text == text
