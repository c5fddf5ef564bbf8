"""Searches in stores: the pages that fit, best first, the same in SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import ExitStack

import pytest
from stores import described, found, loose, new, phrase

from ocrloom.library import opening
from ocrloom.library.documents import Description
from ocrloom.library.query.tree import (
    And,
    Between,
    InDocument,
    InLanguage,
    Not,
    OnPage,
    Or,
)

TEXTS = {
    "a": ["the invoice of may 2019", "the end"],
    "b": ["the invoice the invoice the invoice and no more", "invoicing in voice"],
    "c": ["of may the year 2019 in", "発票番 票番号 番号 号", "the invoicc 2o19"],
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def searched(request, tmp_path_factory):
    """A store with some pages that no test changes, and the numbers of their documents by name."""
    descriptions = {
        "a": Description(title="May bill", date=dt.date(2019, 5, 31)),
        "b": Description(title="Mayor", metadata={"customer": "ysolde marchetti"}),
        "c": None,
    }
    with ExitStack() as closing:
        if request.param == "sqlite":
            where = str(tmp_path_factory.mktemp("searched") / "library.db")
        else:
            where = closing.enter_context(request.getfixturevalue("postgres").database())
        store = opening.connector(where)(True)
        closing.callback(store.close)
        yield (
            store,
            {
                name: store.put(new(name, *texts, description=descriptions[name])).id
                for name, texts in TEXTS.items()
            },
        )


INVOICE = phrase("invoice")
ANY = loose(
    "invoice",
    ("invoice", 0, 1, 0.0),
    ("invoicc", 0, 1, 0.5),
    ("in voice", 0, 1, 1.0),
)
SEARCHES = {
    "a word": (INVOICE, "a1 b1"),
    "no word": (phrase("absent"), ""),
    "words in a row": (phrase("may 2019"), "a1"),
    "the same word in a row": (phrase("the the"), ""),
    "a row of three": (phrase("the invoice of"), "a1"),
    "a beginning": (phrase("invoic", prefix=True), "a1 b1 b2 c3"),
    "a beginning in a row": (phrase("the in", prefix=True), "a1 b1 c3"),
    "a run": (phrase("発票番号", is_run=(True,)), "c2"),
    "a short run": (phrase("票", is_run=(True,)), "c2"),
    "a run that is none": (phrase("番票", is_run=(True,)), ""),
    "both": (And((INVOICE, phrase("may"))), "a1"),
    "either": (Or((INVOICE, phrase("may"))), "a1 b1 c1"),
    "not": (And((phrase("the"), Not(INVOICE))), "a2 c1 c3"),
    "not in a row": (And((phrase("the"), Not(phrase("may 2019")))), "a2 b1 c1 c3"),
    "none of two": (And((Not(INVOICE), phrase("the"), Not(phrase("end")))), "c1 c3"),
    "nothing but not": (Not(phrase("the")), "b2 c2"),
    "not and not": (And((Not(phrase("the")), Not(phrase("voice")))), "c2"),
    "or not": (Or((phrase("end"), Not(phrase("the")))), "a2 b2 c2"),
    "nested": (And((Or((INVOICE, phrase("end"))), Or((phrase("may"), phrase("the"))))), "a1 a2 b1"),
    "tolerant": (ANY, "a1 b1 b2 c3"),
    "tolerant of a phrase": (
        loose("invoice 2019", ("invoicc", 0, 1, 0.5), ("2o19", 1, 1, 0.5), ("2019", 1, 1, 0.0)),
        "c3",
    ),
    "joined": (loose("in voice", ("invoice", 0, 2, 1.0), ("in", 0, 1, 0), ("voice", 1, 1, 0)),
               "a1 b1 b2"),
    "tolerant of nothing": (loose("zzz"), ""),
    "not tolerant": (And((phrase("the"), Not(ANY))), "a1 a2 b1 c1 c3"),  # the caller decides
    "only not tolerant": (Not(ANY), "a1 a2 b1 b2 c1 c2 c3"),
    "tolerant or not": (Or((ANY, Not(phrase("the")))), "a1 b1 b2 c2 c3"),
    "title": (described("title", "may"), "a1 a2"),
    "beginning of a title": (described("title", "may", prefix=True), "a1 a2 b1 b2"),
    "title in a row": (described("title", "may bill"), "a1 a2"),
    "source": (described("source", "b pdf"), "b1 b2"),
    "metadata": (described("customer", "marchetti"), "b1 b2"),
    "metadata of another name": (described("client", "marchetti"), ""),
    "word in a title": (And((INVOICE, described("title", "may"))), "a1"),
    "word or title": (Or((phrase("year"), described("title", "may"))), "c1 a1 a2"),
    "word and not title": (And((INVOICE, Not(described("title", "may")))), "b1"),
    "date": (Between(field="date", first="2019-05", after="2019-06"), "a1 a2"),
    "no date": (Between(field="date", first=None, after=None), "a1 a2"),
    "not date": (Not(Between(field="date", first="2019", after=None)), "b1 b2 c1 c2 c3"),
    "too early": (Between(field="date", first=None, after="2019-05-31"), ""),
    "added": (Between(field="added", first="2020", after=None), "a1 a2 b1 b2 c1 c2 c3"),
    "language": (InLanguage(code="eng"), "a1 a2 b1 b2 c1 c2 c3"),
    "another language": (InLanguage(code="en"), ""),
    "page": (OnPage(first=3, last=None), "c3"),
    "pages": (OnPage(first=2, last=3), "a2 b2 c2 c3"),
    "word on a page": (And((phrase("the"), OnPage(first=1, last=1))), "a1 b1 c1"),
    "page far away": (OnPage(first=10**9, last=None), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_the_pages_that_fit(searched, name):
    store, numbers = searched
    node, expected = SEARCHES[name]
    pages = [(numbers[each[0]], int(each[1:])) for each in expected.split()]
    assert sorted(found(store, node)) == sorted(pages)
    assert found(store, node, 2) == found(store, node)[:2]
    with store.reading():
        assert sorted(found(store, node)) == sorted(pages)


def test_a_search_in_a_document(searched):
    store, numbers = searched
    for node in (InDocument(document=numbers["b"]), And((ANY, InDocument(document=numbers["b"])))):
        assert sorted(found(store, node)) == [(numbers["b"], 1), (numbers["b"], 2)]
    assert found(store, InDocument(document=10**15)) == []


def test_the_best_comes_first(store):
    """More of the word, a rarer word and a shorter page count; what is the same stays in order."""
    rest = [new(f"rest{n}", "the usual words of a page") for n in range(30)]
    texts = {
        "long": "rare " + "word " * 40,
        "twice": "rare rare word word word",
        "once": "rare word word word word",
        "other": "usual usual usual word word",
    }
    numbers = {store.put(each).id: "rest" for each in rest}
    numbers |= {store.put(new(name, text)).id: name for name, text in texts.items()}
    numbers |= {store.put(new("once more", texts["once"])).id: "once more"}

    def order(node, limit=None):
        return [numbers[document] for document, _ in found(store, node, limit)]

    assert order(phrase("rare")) == ["twice", "once", "once more", "long"]
    both = order(Or((phrase("rare"), phrase("usual"))))
    assert both[:5] == ["twice", "once", "once more", "long", "other"]
    assert both[5:] == ["rest"] * 30
    either = loose("rare", ("rare", 0, 1, 0.0), ("usual", 0, 1, 1.0))
    assert order(either, 3) == ["twice", "other", "once"]
    first = [document for document, _ in found(store, phrase("the"))]
    assert first == sorted(first)
    unworded = [document for document, _ in found(store, OnPage(first=1, last=1))]
    assert unworded == sorted(numbers)


def test_long_pages_are_searched_as_others(store):
    """Longer than an index of places may be: see `Vector.whole`."""
    chance = random.Random(5)
    usual = [chance.choice("abc") for _ in range(17_000)]
    usual[40:43] = "x", "y", "z"
    usual[16_900:16_903] = "far", "away", "indeed"
    number = store.put(new("long", " ".join(usual), "x z y")).id
    first, second = (number, 1), (number, 2)
    assert found(store, phrase("x y z")) == [first]
    assert found(store, phrase("far away")) == [first]
    assert found(store, phrase("away ind", prefix=True)) == [first]
    assert found(store, phrase("away far")) == []
    assert found(store, phrase("far awa")) == []
    assert sorted(found(store, Not(phrase("far away")))) == [second]
    assert found(store, And((phrase("x"), Not(phrase("y z"))))) == [second]
    assert found(store, loose("faraway", ("far away", 0, 1, 1.0))) == [first]
    assert sorted(found(store, phrase("x"))) == [first, second]
    assert list(store.check()) == []


def test_pages_of_very_many_words(store):
    """Over what PostgreSQL keeps with places: 1 MB of words."""
    words = [f"{n:047}" for n in range(21_000)]
    number = store.put(new("many", " ".join(words))).id
    last = " ".join(words[-2:])
    assert found(store, phrase(last)) == [(number, 1)]
    assert found(store, phrase(f"{words[0]} {words[-1]}")) == []
    assert list(store.check()) == []
