"""Pages like those of a document."""

import pytest
from results import page, word

from ocrloom import OcrNotInLibrary, OcrOptionError, OcrResult
from ocrloom.library import Library, opening
from ocrloom.library.query.tree import And, Not, Or
from ocrloom.library.similar import similar_query

COMMON = ["the", "of", "and", "in", "a", "to", "is", "for", "with", "on"]
SUBJECTS = {
    "gardens": "roses tulips soil watering pruning compost beds seedlings",
    "gardens too": "roses tulips soil hedges pruning lawns beds spades",
    "engines": "pistons valves torque crankshaft soil gearbox fuel camshaft",
    "engines too": "pistons valves torque crankshaft exhaust gearbox fuel oil",
    "letters": "dear sincerely regards yours enclosed thanks faithfully truly",
}


def made(*texts):
    return OcrResult(
        pages=tuple(
            page(*map(word, text.split()), number=number) for number, text in enumerate(texts, 1)
        )
    )


@pytest.fixture
def library(where):
    with Library(where) as opened:
        yield opened


@pytest.fixture
def add(library):
    """Stores pages of texts, and gives the document's number."""
    names = iter(range(100))

    def add(*texts, name=None):
        digest = f"{next(names) if name is None else name:064}"
        return library.add(made(*texts), digest=digest).result(60).id

    return add


@pytest.fixture
def shelf(add):
    return {
        name: add(" ".join(f"{a} {b}" for a, b in zip(text.split(), COMMON, strict=False)))
        for name, text in SUBJECTS.items()
    }


def names_of(hits, shelf):
    numbers = {number: name for name, number in shelf.items()}
    return [numbers[hit.document.id] for hit in hits]


def asked(library, document, page=None):
    """The words that are looked for."""
    store = opening.connector(library.where)(False)
    try:
        node = similar_query(store, document, page)
    finally:
        store.close()
    if node is None:
        return None
    wanted, left_out = node.nodes
    assert isinstance(node, And)
    assert isinstance(left_out, Not)
    return {each.words[0] for each in (wanted.nodes if isinstance(wanted, Or) else [wanted])}


def test_the_most_alike_come_first_and_the_document_itself_does_not(library, shelf):
    found = names_of(library.similar(shelf["gardens"]), shelf)
    assert found[0] == "gardens too"
    assert "gardens" not in found
    assert names_of(library.similar(shelf["engines"], limit=1), shelf) == ["engines too"]


def test_hits_show_the_words_that_are_alike(library, shelf):
    best = next(library.similar(shelf["gardens"]))
    assert {"roses", "tulips", "pruning"} <= {match.text for match in best.matches}


def test_words_that_tell_nothing_are_not_looked_for(library, add):
    first = add("roses 2019 a4 x unique")
    add("roses 2019 a4 x others")
    assert asked(library, first) == {"roses"}


def test_rare_words_come_before_usual_ones(library, add):
    usual = [f"usual{chr(97 + n)}" for n in range(25)]
    rare = [f"rare{chr(97 + n)}" for n in range(25)]
    for _ in range(9):
        add(" ".join(usual))
    add(" ".join(rare))
    both = add(" ".join(usual + rare))
    assert asked(library, both) == set(rare)


def test_a_document_that_was_read_twice_is_not_like_itself(library, add):
    for _ in range(3):
        document = add("singular shared", name=7)
    add("shared other")
    assert asked(library, document) == {"shared"}


def test_one_page_of_a_document(library, add):
    document = add("roses tulips", "pistons valves")
    garden, engine = add("roses tulips"), add("pistons valves")
    assert [hit.document.id for hit in library.similar(document, page=1)] == [garden]
    assert [hit.document.id for hit in library.similar(document, page=2)] == [engine]
    assert {hit.document.id for hit in library.similar(document)} == {garden, engine}


def test_chinese_is_alike_by_its_characters(library, add):
    one = add("東京都庭園美術館 東京都庭園美術館")
    other, unlike = add("新東京都庭園美術館"), add("北海道大学")
    found = [hit.document.id for hit in library.similar(one)]
    assert found == [other]
    assert unlike not in found


def test_nothing_to_compare(library, add):
    add("roses", "lilies")
    empty, alone, gone = add(""), add("tulips"), add("singular tulips")
    library.remove(gone).result(60)
    assert list(library.similar(empty)) == []
    assert list(library.similar(alone)) == []


@pytest.mark.parametrize(("document", "page"), [(99, None), (1, 2)])
def test_what_is_not_in_the_library(library, add, document, page):
    number = add("roses")
    with pytest.raises(OcrNotInLibrary):
        next(library.similar(number if document == 1 else document, page=page))


def test_no_such_limit(library, add):
    document, _ = add("roses"), add("roses")
    with pytest.raises(OcrOptionError, match="limit"):
        list(library.similar(document, limit=-1))
