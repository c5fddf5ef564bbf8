"""Ruled lines found in pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom.image.bilevel import Bilevel
from ocrloom.vision.rules import Rule
from ocrloom.vision.survey import survey

SIZE = 1200, 1600  # width and height of the pages drawn here


def find_rules(pixels):
    return list(survey(pixels).rules)


def page(*lines, thickness=2, ink=0):
    """White pixels with horizontal and vertical lines (x, y, x, y)."""
    pixels = np.full(SIZE[::-1], 255, np.uint8)
    for left, top, right, bottom in lines:
        if top == bottom:
            bottom, top = top - thickness // 2 + thickness, top - thickness // 2
        else:
            right, left = left - thickness // 2 + thickness, left - thickness // 2
        pixels[top:bottom, left:right] = ink
    return pixels


def skewed(pixels, degrees):
    turn = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), -degrees, 1)
    return cv2.warpAffine(pixels, turn, SIZE, flags=cv2.INTER_CUBIC, borderValue=255), turn


def grid():
    """Lines of a table of three columns and four rows."""
    rows = [(200, y, 1000, y) for y in range(300, 701, 100)]
    columns = [(x, 300, x, 700) for x in (200, 400, 700, 1000)]
    return rows + columns


def assert_same(rules, lines, within=4.0):
    """That there is a rule for every line, and none besides; in the order that is promised."""
    assert len(rules) == len(lines)
    for rule, line in zip(rules, lines, strict=True):
        assert (*rule.start, *rule.end) == pytest.approx(line, abs=within)


def test_a_table_has_its_lines_in_order():
    rules = find_rules(page(*reversed(grid())))
    assert_same(rules, grid())
    assert [rule.horizontal for rule in rules] == [True] * 5 + [False] * 4
    assert [rule.length for rule in rules] == pytest.approx([800] * 5 + [400] * 4, abs=8)


@given(st.floats(-5, 5), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_skewed_lines_of_any_thickness(degrees, thickness):
    pixels, turn = skewed(page(*grid(), thickness=thickness), degrees)
    expected = []
    for left, top, right, bottom in grid():
        start, end = (turn @ (x, y, 1) for x, y in ((left, top), (right, bottom)))
        expected.append((*start, *end))
    rules = find_rules(pixels)
    horizontal = sorted(expected[:5], key=lambda line: line[1])
    vertical = sorted(expected[5:], key=lambda line: line[0])
    assert_same(rules, horizontal + vertical, within=8)
    for rule in rules:
        assert rule.thickness == pytest.approx(thickness, abs=1.5)


@given(st.integers(120, 255 - 40))
@settings(max_examples=10, deadline=None)
def test_light_lines(ink):
    assert_same(find_rules(page(*grid(), ink=ink)), grid())


def test_broken_lines_of_a_noisy_copy():
    random = np.random.default_rng(1)
    pixels, _ = skewed(page(*grid(), thickness=3), 1.5)
    pixels = cv2.GaussianBlur(pixels, (0, 0), 0.9) + random.normal(0, 40, pixels.shape)
    pixels = np.where(pixels < 130, 0, 255).astype(np.uint8)
    pixels[:, 500:520] = 255  # a fold
    assert len(find_rules(pixels)) == len(grid())


def test_parts_far_from_one_another_are_lines_of_their_own():
    lines = [(100, 400, 400, 400), (600, 400, 1000, 400)]
    assert_same(find_rules(page(*lines)), lines)


def test_letters_on_a_line_are_left_out_of_it():
    pixels = page((100, 400, 1100, 400))
    text = "Typography, jumping gypsy quips"
    cv2.putText(pixels, text, (120, 398), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 3)
    assert_same(find_rules(pixels), [(100, 400, 1100, 400)])


@pytest.mark.parametrize(
    ("name", "count"), [("letter.tif", 1), ("small.png", 0), ("german.tif", 0)]
)
def test_text_has_no_lines_but_those_that_are_ruled(scan, name, count):
    with PIL.Image.open(scan(name)) as image:
        rules = find_rules(np.asarray(image.convert("L")))
        assert len(rules) == count
        assert all(rule.length > image.width / 2 for rule in rules)


def test_neither_bars_nor_dots_are_lines():
    pixels = page()
    cv2.rectangle(pixels, (200, 200), (1000, 260), 0, cv2.FILLED)
    pixels[600:604, 200:1000:24] = 0
    pixels[600:604, 201:1000:24] = 0
    assert find_rules(pixels) == []


def test_positions_are_those_of_the_page_whatever_its_size():
    large = cv2.resize(page(*grid(), thickness=3), None, fx=3, fy=3)
    assert_same(find_rules(large), [tuple(3 * x for x in line) for line in grid()], within=12)
    coloured = np.stack([page(*grid())] * 3, axis=2)
    assert_same(find_rules(coloured), grid())
    bits = np.packbits(large > 127, axis=1)
    assert_same(
        find_rules(Bilevel(bits, large.shape[1])),
        [tuple(3 * x for x in line) for line in grid()],
        within=12,
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 700), (700, 3), (20, 30_000), (30_000, 20)])
@pytest.mark.parametrize("value", [0, 255])
def test_every_shape_can_be_searched(shape, value):
    assert find_rules(np.full(shape, value, np.uint8)) == []


def test_a_rule_knows_its_length_and_direction():
    rule = Rule((10.0, 20.0), (13.0, 420.0), 2.0)
    assert rule.length == pytest.approx(math.hypot(3, 400))
    assert not rule.horizontal
