"""The pages that large libraries are made of, and the searches in them."""

import pytest

from benchmarks import library as library_run
from benchmarks import made_pages
from benchmarks.order import silent
from ocrloom import Library
from ocrloom.library.pack import packed


def test_words_are_all_different():
    words = [made_pages.word(rank) for rank in range(20_000)]
    assert len(set(words)) == len(words)
    assert sorted(words, key=len) == words


def test_usual_words_are_usual():
    found = [word.text for page in made_pages.document(3).pages for word in page.words]
    first = made_pages.word(0)
    expected = made_pages.share(0) * len(found)
    assert 0.8 * expected < found.count(first) < 1.2 * expected


@pytest.mark.parametrize("number", [0, 7])
def test_pages_are_stored_as_they_would_be_packed(number):
    assert made_pages.stored(number, 20) == [
        packed(page) for page in made_pages.document(number, 20).pages
    ]


@pytest.mark.parametrize("first", [False, True])
def test_a_library_is_built_and_searched(where, first):
    built = library_run.build(where, 200, 1, silent, packed=first)
    assert built.pages == 200
    assert library_run.build(where, 300, 1, silent, packed=not first).pages == 100
    with Library(where) as library:
        assert library.stats().result().pages == 300
        assert library.check().result() == []
        found = {each.kind: each for each in library_run.measure(library, 300, 4, silent)}
    assert found["rare word"].found > 0
    assert found["phrase"].found >= 1
    assert found["rare word, tolerance 1"].found >= found["rare word"].found
    assert found["word that nothing has"].found == 0
    assert all(len(each.seconds) == 4 for each in found.values())
