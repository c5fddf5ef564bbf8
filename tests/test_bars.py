"""Dark areas across a page, drawn where their edges are known."""

import cv2
import numpy as np
import pytest

from ocrloom import Language, OcrOptions
from ocrloom.vision.dotted import find_on_dots
from ocrloom.vision.geometry import Box
from ocrloom.vision.page import read_page
from ocrloom.vision.survey import survey


def find_bars(pixels):
    return list(survey(pixels).bars)


def sheet(height=2200, width=1700):
    return np.full((height, width), 255, np.uint8)


def write(pixels, text, x, y, colour=0, size=1.2):
    cv2.putText(pixels, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 3)


def heights(pixels):
    return [(rule.start[1] + rule.end[1]) / 2 for rule in find_bars(pixels)]


@pytest.fixture
def text_page():
    pixels = sheet()
    for y in range(300, 2000, 60):
        write(pixels, "Running text of a page without any bars on it, line by line", 150, y)
    return pixels


def test_text_is_no_bar(text_page):
    assert find_bars(text_page) == []


@pytest.mark.parametrize(("fill", "letters"), [(0, 255), (130, 0), (130, 255)])
def test_a_bar_with_a_title_has_edges(text_page, fill, letters):
    text_page[100:180, 100:1600] = fill
    write(text_page, "The title of this page", 150, 155, letters)
    found = heights(text_page)
    assert min(found) == pytest.approx(100, abs=8)
    assert max(found) == pytest.approx(180, abs=8)
    for rule in find_bars(text_page):
        assert rule.start[0] == pytest.approx(100, abs=12)
        assert rule.end[0] == pytest.approx(1600, abs=12)


def test_a_dithered_bar_is_a_bar(text_page):
    rows, columns = np.indices((80, 1500))
    text_page[100:180, 100:1600] = np.where((rows + columns) % 2, 255, 0)
    assert max(heights(text_page)) == pytest.approx(180, abs=8)


def test_edges_of_a_skewed_bar_are_skewed(text_page):
    text_page[400:500, 100:1600] = 40
    turn = cv2.getRotationMatrix2D((850, 1100), -2.0, 1.0)
    turned = cv2.warpAffine(text_page, turn, (1700, 2200), borderValue=255)
    for rule in find_bars(turned):
        (left, top), (right, bottom) = rule.start, rule.end
        assert np.degrees(np.arctan2(bottom - top, right - left)) == pytest.approx(2.0, abs=0.4)


def test_a_short_bar_is_none(text_page):
    text_page[100:180, 100:420] = 0
    assert find_bars(text_page) == []


def test_a_colour_page_and_a_tiny_one_are_looked_at():
    assert find_bars(np.zeros((1, 1), np.uint8)) == []
    coloured = np.full((900, 700, 3), (255, 250, 240), np.uint8)
    coloured[100:160, 50:650] = (120, 20, 20)
    assert len(find_bars(coloured)) == 2


def dotted_title(text, dots):
    """A page with a white title on a bar of dots, read at 200 dots per inch or more."""
    pixels = sheet()
    for y in range(420, 2050, 60):
        write(pixels, "Running text of a page without any bars on it, line by line", 150, y)
    rows, columns = np.indices((64, 1460))
    pixels[220:284, 120:1580] = np.where(dots(rows, columns), 255, 0)
    write(pixels, text, 140, 265, 255, 1.3)
    return pixels


@pytest.mark.parametrize(
    "dots",
    [
        pytest.param(lambda rows, columns: (rows + columns) % 3 == 0, id="lines"),
        pytest.param(lambda rows, columns: (rows % 4 < 2) & (columns % 4 < 2), id="squares"),
        pytest.param(
            lambda rows, columns: np.cos(rows * 1.8) + np.cos(columns * 1.8) > 0.3, id="halftone"
        ),
    ],
)
def test_a_title_on_dots_is_read(dots):
    pixels = dotted_title("Quarterly results and outlook", dots)
    found = read_page(pixels, OcrOptions(languages=Language.ENGLISH)).segments
    on_bar = [segment for segment in found if 220 < segment.box.y < 284]
    words = [word.text for segment in on_bar for word in segment.words]
    assert words == ["Quarterly", "results", "and", "outlook"]


def test_on_a_plain_bar_there_is_no_second_look():
    pixels = dotted_title("Quarterly results and outlook", lambda rows, _: rows < 0)
    box = Box(600, 250, 400, 40, 0.0)
    assert survey(pixels).bars
    assert find_on_dots(pixels, survey(pixels), [box]) == ([box], frozenset())


def test_what_was_found_on_dots_gives_way_to_the_second_look_only():
    pixels = dotted_title("Quarterly results", lambda rows, columns: (rows + columns) % 3 == 0)
    part, elsewhere = Box(200, 250, 60, 40, 0.0), Box(600, 800, 900, 40, 0.0)
    boxes, dotted = find_on_dots(pixels, survey(pixels), [part, elsewhere])
    assert part not in boxes
    assert elsewhere in boxes
    assert dotted == {*boxes} - {elsewhere}
    assert dotted
