"""How a search that is being typed may go on."""

import asyncio

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings
from results import page, word

from ocrloom import OcrOptionError, OcrResult
from ocrloom.library import Library
from ocrloom.library.analysis import units

TEXTS = {
    1: "annual report reports Réponse report",
    2: "report replies annual 東京都 сlоuds",
    3: "report reports re annuaire",
}


@pytest.fixture
def library(where):
    with Library(where) as opened:
        for number, text in TEXTS.items():
            result = OcrResult(pages=(page(*map(word, text.split())),))
            opened.add(result, digest=f"{number:064}").result(60)
        yield opened


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("rep", ["report", "reports", "replies", "reponse"]),
        ("annual rep", [f"annual {end}" for end in ("report", "reports", "replies", "reponse")]),
        ("Annual REPL", ["Annual replies"]),
        ("Rép", ["report", "reports", "replies", "reponse"]),
        ("report", ["reports"]),
        ('"annual repl', ['"annual replies']),
        ("(annual OR repl", ["(annual OR replies"]),
        ("annual -repl", ["annual -replies"]),
        ("d'annuai", ["d'annuaire"]),
        ("e\u0301t annuai", ["e\u0301t annuaire"]),
        ("annuaires", []),
        ("", []),
        ("  ", []),
        ("report ", []),
        ("rep*", []),
        ("rep~1", []),
        ("title:rep", []),
        ("—", []),
        ("東", []),
        ("½", []),
    ],
)
def test_the_last_word_is_completed(library, typed, found):
    assert library.suggest(typed).result(60) == found


def test_no_more_than_asked_for(library):
    assert library.suggest("re", limit=2).result(60) == ["report", "reports"]
    assert library.suggest("re", limit=0).result(60) == []


def test_what_was_removed_is_not_suggested(library):
    number = next(each.id for each in library.documents() if each.digest.endswith("2"))
    library.remove(number).result(60)
    assert library.suggest("repl").result(60) == []
    assert library.suggest("rep", limit=3).result(60) == ["report", "reports", "reponse"]


def test_much_that_was_removed_does_not_hide_what_is_left(library):
    gone = OcrResult(pages=(page(*(word(f"res{n}") for n in range(50))),))
    document = library.add(gone, digest="f" * 64).result(60)
    assert len(library.suggest("res").result(60)) == 10
    library.remove(document.id).result(60)
    kept = OcrResult(pages=(page(word("resz")),))
    library.add(kept, digest="e" * 64).result(60)
    assert library.suggest("res").result(60) == ["resz"]


@pytest.mark.parametrize(("typed", "limit"), [(None, 1), (b"re", 1), ("re", -1), ("re", 1.5)])
def test_what_cannot_be_typed(library, typed, limit):
    with pytest.raises(OcrOptionError):
        library.suggest(typed, limit=limit).result(60)


def test_await(library):
    async def suggested():
        return await library.suggest("annuai")

    assert asyncio.run(suggested()) == ["annuaire"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(st.characters(codec=None), max_size=9),
    st.sampled_from(["", " ", '"', "(", "-", "*", ":", "~", "'", "a"]),
    st.sampled_from(["r", "re", "Ré", "annu", "東", "", "é"]),
)
@example("\xad", "", "r")
def test_anything_may_be_typed(library, before, mark, typed):
    text = before + mark + typed
    for found in library.suggest(text).result(60):
        (last,), begun = units(found)[-1:], units(text)[-1]
        # What nobody sees, such as a soft hyphen, may belong to the word that is typed.
        assert found.startswith(text[: begun.start])
        assert last.text in " ".join(TEXTS.values()).replace("é", "e").lower()
        assert last.text.startswith(begun.text)
