"""What tests put into stores and look at in them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

from ocrloom.library.query.tree import Described, Loose, Phrase, Variation
from ocrloom.library.storage.rows import NewDocument, NewPage

__all__ = ["described", "digest", "found", "loose", "new", "page", "phrase", "unchanged", "whole"]


def digest(name):
    return f"{name}".encode().hex().zfill(64)


def page(number, text, *languages):
    return NewPage(
        number=number,
        languages=languages or ("eng",),
        tokens=tuple(text.split()),
        words=b"words of \0 " + text.encode(),
        tree=b"tree\xff",
    )


def new(name, *texts, **changes):
    """A document with a page for each text."""
    given = {"source": f"/scans/{name}.pdf", "description": None}
    pages = [page(number, text) for number, text in enumerate(texts, 1)]
    return NewDocument(digest=digest(name), **given | {"pages": pages} | changes)


def phrase(text, *, prefix=False, is_run=None):
    words = tuple(text.split())
    runs = (False,) * len(words) if is_run is None else is_run
    return Phrase(words=words, exact=words, is_run=runs, prefix=prefix)


def loose(text, *variations):
    """A phrase and what may stand for its words: tokens, the word's place, what they cost."""
    made = tuple(
        Variation(first=first, words=words, tokens=tuple(tokens.split()), cost=cost)
        for tokens, first, words, cost in variations
    )
    return Loose(phrase=phrase(text), tolerance=1.0, variations=made)


def described(name, text, **changes):
    words = tuple(text.split())
    return Described(field=name, words=words, is_run=(False,) * len(words), **changes)


def found(store, node, limit=None):
    """The pages that fit, best first, as document and number."""
    ranked = store.rank(node, limit)
    assert sorted(ranked.scores, reverse=True) == list(ranked.scores)
    rows = [each.page for each in store.contents(list(ranked.pages))]
    return [(each.document, each.number) for each in rows]


def whole(store):
    """All that a store has."""
    with store.reading():
        documents = store.documents(store.numbers())
        pages = [row.id for number in documents for row in store.pages_of(number)]
        return documents, store.contents(pages, whole=True)


@contextmanager
def unchanged(*stores):
    """Something fails within, and nothing has happened."""
    before = [whole(store) for store in stores]
    stats = [store.stats() for store in stores]
    yield
    assert [whole(store) for store in stores] == before
    assert [replace(store.stats(), bytes=0) for store in stores] == [
        replace(each, bytes=0) for each in stats
    ]
    assert not [problem for store in stores for problem in store.check()]
