"""Searches of any kind find what a search finds that looks at every word."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from dataclasses import dataclass
from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from naive_search import Seen, fits, places, spots

from ocrloom import OcrQueryError, OcrResult
from ocrloom.bidi import clusters_of, turned
from ocrloom.languages import Language
from ocrloom.library import Description, Library
from ocrloom.library.query.parser import parse
from ocrloom.library.skeletons import CONFUSIONS
from ocrloom.result import Block, Line, Page, Word

# Words and what becomes of them when they are read, so that many are near each other.
WORDS = (
    *("modern", "rnodern", "modem", "rnodem", "clear", "dear", "cl", "ear", "2019", "2Ol9", "20"),
    *("19", "invoice", "lnvoice", "in", "voice", "invoices", "theinvoice", "the", "invoicethe"),
    *("form", "forrn", "for", "m", "fonn", "burn", "bum", "bun", "annual", "annua1", "report"),
    *("rep", "ort", "annualreport", "annual-report", "don't", "3.50", "(a)", "—", "½", "Été"),
    *("ete", "étés", "straße", "ﬁne", "fine", "x", "東京都", "東京", "大阪", "ABC東京", "ｶﾞｽ"),
    *("שָׁלוֹם", "שלום", "कि", "की", "สวัสดี", "한국어", "كَتَبَ", "كتب", "١٢", "12", "AND", "title:a"),
)
TITLES = ("", "Annual report", "Étés à Łódź", "東京都の報告", "report 2019")
DATES = (None, *map(dt.date.fromisoformat, ("2019-05-17", "2019-12-31", "2020-02-29")))
LANGUAGES = ((), (Language.FRENCH,), (Language.FRENCH, Language.CHINESE_SIMPLIFIED))
LETTER = 8.0  # pixels of a character, so that a polygon tells which characters it is of
STEP = 1024.0  # from a word to the next

text = st.sampled_from(WORDS)
certain = st.sampled_from((0.2, 0.5, 0.7, 0.95, 1.0))


@dataclass(frozen=True)
class Made:
    """A document that is to be stored."""

    pages: tuple
    """Words and languages of each; words are texts, what they begin, confidences."""
    description: Description
    source: str | None


def changed(word):
    """A word that was read wrong, or right where it was wrong."""
    pairs = [("m", "rn"), ("o", "0"), ("l", "1"), ("d", "cl"), ("n", "ri"), ("in", ""), ("r", "x")]
    ways = [word.replace(a, b, 1) for one in pairs for a, b in (one, one[::-1]) if a and a in word]
    return st.sampled_from([word, *filter(None, ways), word + "the", "the" + word])


@st.composite
def made_pages(draw):
    some = draw(st.lists(st.one_of(text, text.flatmap(changed)), max_size=9))
    words = [(each, None, draw(certain)) for each in some]
    if draw(st.integers(0, 3)) == 0:
        # A word that a hyphen parts.
        parted = draw(st.sampled_from(["information", "annual", "théâtre"]))
        cut = draw(st.integers(1, len(parted) - 1))
        at = draw(st.integers(0, len(words)))
        words[at:at] = [(f"{parted[:cut]}-", parted, draw(certain)), (parted[cut:], None, 1.0)]
    return tuple(words), draw(st.sampled_from(LANGUAGES))


documents = st.builds(
    Made,
    pages=st.lists(made_pages(), max_size=3).map(tuple),
    description=st.builds(
        Description,
        title=st.sampled_from(TITLES),
        date=st.sampled_from(DATES),
        metadata=st.dictionaries(
            st.sampled_from(["customer", "名"]), st.sampled_from(TITLES), max_size=2
        ),
    ),
    source=st.sampled_from([None, "/scans/Report 12.tif", "東京.pdf"]),
)


@st.composite
def written_leaves(draw, libraries):
    """Something that may stand in one of the documents, written as a search."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        field = draw(st.sampled_from(["title", "source", "customer", "名"]))
        value = draw(
            st.sampled_from(["report", '"annual rep*"', "etes", "東京", "2019", "12", "té*"])
        )
        return f"{field}:{value}"
    if kind == 1:
        return draw(
            st.sampled_from(
                [
                    *("date:2019", "date:2019-05-17", "date:2019-06..2020-02", "date:>2019-12"),
                    *("date:<=2019-12", "date:..2020-01", "added:>=2026", "added:<2026"),
                    *("language:fra", "language:chi_sim", "page:1", "page:2-", "document:1"),
                ]
            )
        )
    pages = [words for made in libraries for words, _ in made.pages if words]
    words = [draw(text)]
    if pages and draw(st.integers(0, 3)):
        near = [each for each, _, _ in draw(st.sampled_from(pages))]
        start = draw(st.integers(0, len(near) - 1))
        words = near[start : start + draw(st.integers(1, 3))]
    if draw(st.integers(0, 2)) == 0:
        place = draw(st.integers(0, len(words) - 1))
        words[place] = draw(changed(words[place]))
    body = " ".join(words)
    if draw(st.integers(0, 9)) == 0:
        body = body[: draw(st.integers(1, len(body)))] + "*"
    ending = draw(st.sampled_from(["", "~", "~0", "~0.5", "~1", "~1.5", "~2", "~3"]))
    return f'"{body}"{ending}' if " " in body or draw(st.booleans()) else f"{body}{ending}"


def written(leaves):
    return st.recursive(
        leaves,
        lambda some: st.one_of(
            st.lists(some, min_size=2, max_size=3).map(" ".join),
            st.lists(some, min_size=2, max_size=3).map(" OR ".join),
            st.tuples(some, some, some).map(lambda each: "{} ({} OR {})".format(*each)),
            some.map(lambda one: f"NOT ({one})"),
            some.map(lambda one: f"-({one})"),
            some.map(lambda one: f"({one})"),
        ),
        max_leaves=5,
    )


def polygon(place, start, stop):
    left, right = place * STEP + start * LETTER, place * STEP + stop * LETTER
    return ((left, 0.0), (right, 0.0), (right, 16.0), (left, 16.0))


def page(number, words, languages):
    line = Line(
        words=tuple(
            Word(
                text=each,
                whole=whole,
                confidence=confidence,
                polygon=polygon(place, 0, len(each)),
                recogniser="fake",
            )
            for place, (each, whole, confidence) in enumerate(words)
        ),
        polygon=polygon(0, 0, 1),
    )
    blocks = (Block(lines=(line,), polygon=line.polygon),) if words else ()
    return Page(number=number, width=9, height=9, languages=languages, blocks=blocks)


NUMBERS = itertools.count()


def stored(library, given):
    """Stores documents, and gives what a search may see of them."""
    seen = []
    terms = frozenset(
        spot.text for made in given for words, _ in made.pages for spot in spots(words)
        if not spot.is_run
    )  # fmt: skip
    for made in given:
        result = OcrResult(
            pages=tuple(page(number, *each) for number, each in enumerate(made.pages, 1)),
            source=made.source,
        )
        digest = hashlib.sha256(str(next(NUMBERS)).encode()).hexdigest()
        document = library.add(result, description=made.description, digest=digest).result(60)
        seen += [
            Seen(
                document=document,
                number=number,
                languages=tuple(language.code for language in languages),
                texts=tuple(each for each, _, _ in words),
                spots=spots(words),
                terms=terms,
            )
            for number, (words, languages) in enumerate(made.pages, 1)
        ]
    return seen


def read_off(match):
    """Which characters of which words the polygons of a match are of."""
    parts = []
    for (left, _), (right, _), _, _ in match.polygons:
        place = int(left // STEP)
        parts.append(
            (place, round((left - place * STEP) / LETTER), round((right - place * STEP) / LETTER))
        )
    return tuple(parts)


def standing(part, texts):
    """A word and which of its characters, as they stand from left to right."""
    place, start, stop = part
    read = list(clusters_of(texts[place]))
    ends = [*itertools.accumulate(map(len, read), initial=0)]
    chosen = [number for number in range(len(read)) if start <= ends[number] < stop]
    stands = turned(read)
    ends = [*itertools.accumulate((len(read[number]) for number in stands), initial=0)]
    slots = [stands.index(number) for number in chosen]
    return place, ends[min(slots)], ends[max(slots) + 1]


def check_matches(hit, wanted, texts):
    """What a hit shows is what stands there, and all of it."""
    shown = {(read_off(match), round(match.cost, 3)) for match in hit.matches}
    assert len(shown) == len(hit.matches)
    right = {
        (tuple(standing(part, texts) for part in found.parts), round(found.cost, 3))
        for ways in wanted
        for found in ways
    }
    assert shown <= right
    least = {}
    for parts, cost in shown:
        words = frozenset(word for word, _, _ in parts)
        least[words] = min(cost, least.get(words, cost))
    for ways in wanted:
        # Another phrase may have the same words for less.
        assert any(
            least.get(frozenset(word for word, _, _ in found.parts), inf) <= found.cost + 0.001
            for found in ways
        )


def check_search(library, seen, query, *, tolerance=0.0, accents=False):
    options = {"tolerance": tolerance, "accents": accents}
    try:
        node = parse(query)
    except OcrQueryError:
        with pytest.raises(OcrQueryError):
            library.search(query, **options)
        return
    hits = list(library.search(query, limit=None, **options))
    found = {(hit.document.digest, hit.page): hit for hit in hits}
    assert len(found) == len(hits)
    expected = {
        (each.document.digest, each.number): each for each in seen if fits(node, each, **options)
    }
    assert set(found) == set(expected)
    for key, each in expected.items():
        check_matches(found[key], places(node, each, **options), each.texts)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    some = list(library.search(query, limit=2, offset=1, **options))
    assert some == hits[1:3]


def empty(library):
    for document in library.documents():
        library.remove(document.id).result(60)


@pytest.fixture
def library(where):
    with Library(where) as opened:
        yield opened


searching = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@searching
@given(data=st.data(), given_documents=st.lists(documents, min_size=1, max_size=4))
def test_a_search_finds_what_looking_at_every_word_finds(library, data, given_documents):
    seen = stored(library, given_documents)
    try:
        for _ in range(data.draw(st.integers(3, 8))):
            query = data.draw(written(written_leaves(given_documents)))
            tolerance = data.draw(st.sampled_from([0.0, 0.5, 1.0, 2.0]))
            check_search(
                library, seen, query, tolerance=tolerance, accents=data.draw(st.booleans())
            )
    finally:
        empty(library)


BASES = ("modern", "clear", "mill", "2019", "the", "in", "no", "été", "Ete", "naïve", "naive")


def misread(chance, word, odd):
    """A word with some usual confusions in it, and perhaps another error."""
    for _ in range(chance.randrange(3)):
        one, other = chance.choice(CONFUSIONS)[:: chance.choice([1, -1])]
        word = word.replace(one, other, 1)
    if odd and chance.random() < 0.4:
        cut = chance.randrange(len(word) + 1)
        word = word[:cut] + chance.choice(["", "x", "e"]) + word[cut + chance.randrange(2) :]
    return word


def scanned(chance):
    """One of a few words, or what may become of it."""
    word, kind = chance.choice(BASES), chance.randrange(5)
    if kind == 0:
        cut = chance.randrange(1, len(word))
        return [misread(chance, word[:cut], False), misread(chance, word[cut:], False)]
    if kind == 1:
        return [misread(chance, word + chance.choice(BASES), False)]
    return [word if kind == 2 else misread(chance, word, True) or "—"]


@searching
@given(
    chance=st.randoms(use_true_random=False),
    tolerance=st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0]),
    accents=st.booleans(),
)
def test_what_was_read_wrong_is_found_for_what_it_costs(library, chance, tolerance, accents):
    pages = tuple(
        (
            tuple(
                (each, None, chance.choice([0.3, 0.6, 0.8, 1.0]))
                for _ in range(chance.randrange(1, 12))
                for each in scanned(chance)
            ),
            (),
        )
        for _ in range(chance.randrange(1, 5))
    )
    seen = stored(library, [Made(pages=pages, description=Description(), source=None)])
    try:
        for _ in range(6):
            words = " ".join(chance.choices(BASES, k=chance.choice([1, 1, 1, 2, 2, 3])))
            check_search(library, seen, f'"{words}"', tolerance=tolerance, accents=accents)
            check_search(library, seen, f'"{words}"~0', tolerance=tolerance, accents=accents)
    finally:
        empty(library)


PIECES = st.sampled_from(
    [
        *WORDS,
        *("AND", "OR", "NOT", "-", "(", ")", '"', "*", "~", "~2", ":", "'", ";", "%", "_", "\\"),
        *("title:", "date:", "language:", "page:", "document:", "customer:", "2019", "1", "fra"),
        *("NEAR(", "{", "}", "^", "+", "--", "/*", "');", "DROP TABLE pages", "\0", "\ud800", "$1"),
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(codec=None), max_size=30),
    st.lists(st.one_of(PIECES, st.just(" ")), max_size=15).map("".join),
)
SHELF = (
    Made(
        pages=(
            (tuple((word, None, 0.9) for word in WORDS), (Language.FRENCH,)),
            (tuple((word, None, 0.6) for word in reversed(WORDS)), ()),
            ((("x", None, 0.9),) * 501, ()),
        ),
        description=Description(
            title="Annual report", date=dt.date(2019, 5, 17), metadata={"customer": "東京 Été"}
        ),
        source="/scans/Report 12.tif",
    ),
    Made(pages=(((), ()),), description=Description(), source=None),
)


@pytest.fixture
def shelf(library):
    return library, stored(library, SHELF)


@searching
@given(text=TEXTS, tolerance=st.sampled_from([0.0, 1.0, 3.0]), accents=st.booleans())
def test_any_text_finds_what_it_says_or_is_refused(shelf, text, tolerance, accents):
    library, seen = shelf
    check_search(library, seen, text, tolerance=tolerance, accents=accents)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(" ".join(f"w{n}" for n in range(200)), id="many words"),
        pytest.param(" OR ".join(["modern", *(f"w{n}" for n in range(199))]), id="many choices"),
        pytest.param(" OR ".join(f"(modern -w{n})" for n in range(100)), id="many pairs"),
        pytest.param(" ".join(f"(x OR w{n})" for n in range(100)), id="many pairs the other way"),
        pytest.param("modern " + " ".join(f"-w{n}" for n in range(199)), id="many denied"),
        pytest.param(" ".join(f"-w{n}" for n in range(200)), id="only denied"),
        pytest.param(" OR ".join(f"-w{n}" for n in range(200)), id="any denied"),
        pytest.param(" ".join(f"title:w{n}" for n in range(200)), id="many fields"),
        pytest.param(" OR ".join(f"title:annual -page:{n}" for n in range(1, 101)), id="mixed"),
        pytest.param(" OR ".join(f"(w{n} title:w)" for n in range(100)), id="mixed pairs"),
        pytest.param(
            "".join(f"(x {'OR ' * (n % 2)}" for n in range(20)) + "x" + ")" * 20, id="deep"
        ),
        pytest.param(
            "".join(f"(x -(w{n} OR " for n in range(10)) + "x" + "))" * 10, id="deep and denied"
        ),
        pytest.param(
            "".join(f"(title:annual -(w{n} OR " for n in range(10)) + "x" + "))" * 10,
            id="deep and mixed",
        ),
        pytest.param('"' + "x " * 500 + '"', id="long phrase"),
        pytest.param('"' + "x " * 500 + '"~3', id="long tolerant phrase"),
        pytest.param("東京" * 250, id="long run"),
        pytest.param("title:" + "東京" * 250, id="long run in a title"),
        pytest.param('title:"' + ("x" * 60 + " ") * 160 + '"', id="long title"),
        pytest.param("a" * 10_000, id="long word"),
        pytest.param("a" * 9_998 + "~3", id="long tolerant word"),
        pytest.param(" ".join(f"{word}~3" for word in ("modern", "invoice")), id="most tolerant"),
        pytest.param("page:999999999 document:999999999999999999", id="large numbers"),
        pytest.param("date:0001..9999 added:>=0001", id="all times"),
    ],
)
def test_large_searches(shelf, query):
    library, seen = shelf
    check_search(library, seen, query)


def test_a_phrase_that_may_stand_in_very_many_ways(library):
    # Each three words stand there in two ways, so that all of them do in 2 to the power of 100.
    words = tuple((each, None, 1.0) for _ in range(100) for each in ("yyyy", "l", "lxxxx"))
    stored(library, [Made(pages=((words, ()),), description=Description(), source=None)])
    assert list(library.search('"' + "yyyyl l xxxx " * 100 + '"~3')) == []
    assert len(list(library.search('"' + "yyyyl l xxxx " * 2 + '"~3'))) == 1
