"""Pages as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom import OcrOptionError
from ocrloom.selection import check_pages, place_of, select_pages


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ("1", [1]),
        ("1-3,7", [1, 2, 3, 7]),
        ("8-", [8, 9, 10]),
        ("-2", [1, 2]),
        ("7, 1 - 2 ,7,2-3", [1, 2, 3, 7]),
        ("10-10", [10]),
        ("1-", list(range(1, 11))),
    ],
)
def test_pages_come_once_and_in_their_order(pages, numbers):
    check_pages(pages)
    assert list(select_pages(pages, 10, "a.pdf")) == numbers


@pytest.mark.parametrize(
    "pages", ["", " ", ",", "1,", "-", "0", "0-3", "1--3", "1 2", "a", "1.5", "+1", "１", "3-2"]
)
def test_anything_else_is_refused(pages):
    with pytest.raises(OcrOptionError, match="pages must be numbers from 1 and ranges of them"):
        check_pages(pages)


@pytest.mark.parametrize("pages", ["11", "1-11", "11-", "-11", "3,99999999"])
def test_a_page_that_is_not_there_is_an_error_that_says_how_many_there_are(pages):
    with pytest.raises(OcrOptionError, match=r"^a\.pdf: page \d+ was asked for .* it has 10 pages"):
        select_pages(pages, 10, "a.pdf")
    with pytest.raises(OcrOptionError, match="it has 1 page;"):
        select_pages(pages, 1, "a.pdf")


@given(numbers=st.sets(st.integers(1, 500), min_size=1), more=st.integers(0, 50))
def test_what_is_listed_is_selected(numbers, more):
    text = ",".join(map(str, numbers))
    assert select_pages(text, max(numbers) + more, "x") == tuple(sorted(numbers))


RANGES = st.tuples(st.integers(1, 12), st.integers(1, 12)).map(sorted)
PARTS = st.one_of(
    RANGES.map(lambda both: f"{both[0]}"),
    RANGES.map(lambda both: f"{both[0]}-{both[1]}"),
    RANGES.map(lambda both: f"{both[0]}-"),
    RANGES.map(lambda both: f"-{both[1]}"),
)


@given(st.none() | st.lists(PARTS, min_size=1, max_size=5).map(",".join))
def test_the_place_of_a_page_is_known_without_the_number_of_pages(pages):
    for place, number in enumerate(select_pages(pages, 12, "a.pdf"), 1):
        assert place_of(number, pages) == place
