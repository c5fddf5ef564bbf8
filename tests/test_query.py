"""Searches as people write them, and the trees that they are."""

import re
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings

from ocrloom import OcrOptionError, OcrQueryError
from ocrloom.library.analysis import units
from ocrloom.library.query.parser import parse
from ocrloom.library.query.tree import (
    And,
    Between,
    Described,
    InDocument,
    InLanguage,
    Not,
    OnPage,
    Or,
    Phrase,
)


def phrase(*words, runs=(), exact=None, **changes):
    return Phrase(
        words=words,
        exact=exact or words,
        is_run=tuple(word in runs for word in words),
        **changes,
    )


def said(field, *words, **changes):
    return Described(field=field, words=words, is_run=(False,) * len(words), **changes)


def only(number):
    return OnPage(first=number, last=number)


def date(first, after, field="date"):
    return Between(field=field, first=first, after=after)


A, B, C, D = map(phrase, "abcd")

PAGE = Path(__file__).parents[1] / "docs" / "search.md"


def shown(heading):
    """The searches in the first columns of the tables under a heading of the page."""
    under = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^|]+)` \|", under, re.MULTILINE)


@pytest.mark.parametrize("heading", ["Words", "Words that were read wrong", "Fields"])
def test_the_page_shows_searches(heading):
    assert len(shown(heading)) >= 5
    for text in shown(heading):
        parse(text)


def test_the_page_shows_what_is_refused():
    assert len(shown("Searches that are refused")) >= 9
    for text in shown("Searches that are refused"):
        with pytest.raises(OcrQueryError):
            parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("roof AND tiles", "roof tiles"),
        ("roof NOT tiles", "roof -tiles"),
        ("roof tiles OR mill", "(roof tiles) OR mill"),
        ("3.50 don't a/b", '"3 50" "don t" "a b"'),
        ("harbour~", "harbour~1"),
    ],
)
def test_what_the_page_calls_the_same(one, other):
    assert parse(one) == parse(other)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("Report", phrase("report")),
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a and b", And((A, phrase("and"), B))),
        ("a OR b", Or((A, B))),
        ("a OR b c", Or((A, And((B, C))))),
        ("a b OR c", Or((And((A, B)), C))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("NOT a", Not(A)),
        ("a NOT b", And((A, Not(B)))),
        ("a AND NOT b OR c", Or((And((A, Not(B))), C))),
        ("NOT a b", And((Not(A), B))),
        ("NOT NOT a", A),
        ("NOT -a", A),
        ("-a b", And((Not(A), B))),
        ("-(a b)", Not(And((A, B)))),
        ('-"a b" c', And((Not(phrase("a", "b")), C))),
        ("-title:a b", And((Not(said("title", "a")), B))),
        ("a -- b --c - d", And((A, B, C, D))),
        ("a-b", phrase("a", "b")),
        ("c(-a)", And((C, Not(A)))),
        ("a a", A),
        ("a (b (c d))", And((A, B, C, D))),
        ("a OR (b OR (c OR d))", Or((A, B, C, D))),
        ("-(-(a b)) c", And((A, B, C))),
        ("a(b)", And((A, B))),
    ],
)
def test_words_and_operators(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('"a b"', phrase("a", "b")),
        ("“a b”", phrase("a", "b")),
        ("„a b“", phrase("a", "b")),
        ('"a b"c', And((phrase("a", "b"), C))),
        ('"NOT (a) OR -b: ~ *"', phrase("not", "a", "or", "b")),
        ("inv*", phrase("inv", prefix=True)),
        ("inv.*", phrase("inv", prefix=True)),
        ('"annual rep*"', phrase("annual", "rep", prefix=True)),
        ('"annual rep"*', phrase("annual", "rep", prefix=True)),
        ('"annual rep *"', phrase("annual", "rep")),
        ("word~", phrase("word", tolerance=1.0)),
        ("word~1", phrase("word", tolerance=1.0)),
        ("word~0", phrase("word", tolerance=0.0)),
        ("word~.5", phrase("word", tolerance=0.5)),
        ('"a b"~2.5', phrase("a", "b", tolerance=2.5)),
        ("inv*~1", phrase("inv", prefix=True, tolerance=1.0)),
        ('"a inv*"~', phrase("a", "inv", prefix=True, tolerance=1.0)),
        ("about ~5", And((phrase("about"), phrase("5")))),
        ("don't", phrase("don", "t")),
        ("3.50", phrase("3", "50")),
        ("a/b", phrase("a", "b")),
        ("Été", phrase("ete", exact=("été",))),
        ("ﬁn", phrase("fin")),
        ("２０１９", phrase("2019")),
        ("१२", phrase("12")),
        ("שָׁלוֹם", phrase("שלום", exact=("שָׁלוֹם",))),
        ("東京", phrase("東京", runs=("東京",))),
        ("東京*", phrase("東京", runs=("東京",))),
        ('"東京 大阪"', phrase("東京大阪", runs=("東京大阪",))),
        ("ABC東京", phrase("abc", "東京", runs=("東京",))),
        ("ｶﾞｽ", phrase("ガス", runs=("ガス",))),
    ],
)
def test_words_phrases_and_what_ends_them(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("title:report", said("title", "report")),
        ("Title:Report", said("title", "report")),
        ('title:"two words"', said("title", "two", "words")),
        ("title:rep*", said("title", "rep", prefix=True)),
        ("title:(a OR b)", Or((said("title", "a"), said("title", "b")))),
        ("title:(a -b) c", And((said("title", "a"), Not(said("title", "b")), C))),
        ("page:(1 (2 OR 3))", And((only(1), Or((only(2), only(3)))))),
        ("title:OR", said("title", "or")),
        ("source:/scans/2019", said("source", "scans", "2019")),
        ("customer:marchetti", said("customer", "marchetti")),
        ("Customer:marchetti", said("Customer", "marchetti")),
        ('customer:"Ysolde M*"', said("customer", "ysolde", "m", prefix=True)),
        ("名:a", said("名", "a")),
        ("language:fra", InLanguage(code="fra")),
        ("language:FR", InLanguage(code="fra")),
        ("language:french", InLanguage(code="fra")),
        ("language:zh-TW", InLanguage(code="chi_tra")),
        ('language:"Chinese (Simplified)"', InLanguage(code="chi_sim")),
        ("language:(fra OR deu)", Or((InLanguage(code="fra"), InLanguage(code="deu")))),
        ("document:12", InDocument(document=12)),
        ("document:١٢", InDocument(document=12)),
        ("page:3", only(3)),
        ("page:1-10", OnPage(first=1, last=10)),
        ("page:5-", OnPage(first=5, last=None)),
        ("page:-3", OnPage(first=1, last=3)),
    ],
)
def test_fields(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("date:2019", date("2019", "2020")),
        ("date:2019-05", date("2019-05", "2019-06")),
        ("date:2019-12", date("2019-12", "2020-01")),
        ("date:2019-05-17", date("2019-05-17", "2019-05-18")),
        ("date:2020-02-28", date("2020-02-28", "2020-02-29")),
        ("date:2019-12-31", date("2019-12-31", "2020-01-01")),
        ("date:2019-01..2019-06", date("2019-01", "2019-07")),
        ("date:2019..2019-06-30", date("2019", "2019-07-01")),
        ("date:2019..", date("2019", None)),
        ("date:..2019", date(None, "2020")),
        ("date:>=2019", date("2019", None)),
        ("date:>2019", date("2020", None)),
        ("date:<2020-03", date(None, "2020-03")),
        ("date:<=2020-03", date(None, "2020-04")),
        ("date:9999", date("9999", None)),
        ("date:..9999-12-31", date(None, None)),
        ("date:२०१९", date("2019", "2020")),
        ("added:2026-11", date("2026-11", "2026-12", "added")),
        ("date:(>=2019 <2020)", And((date("2019", None), date(None, "2020")))),
    ],
)
def test_times(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12:30", ["12", "30"]),
        ("http://example.org/~user", ["http", "example", "org", "user"]),
        (r"C:\scans", ["c", "scans"]),
        ("std::vector", ["std", "vector"]),
        ("a@b.org", ["a", "b", "org"]),
    ],
)
def test_colons_that_are_text(text, words):
    assert parse(text) == phrase(*words)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a & b", And((A, B))),
        ("& a ---", A),
        ("a OR & b", Or((A, B))),
        ("NOT & a", Not(A)),
        ("a () b (&)", And((A, B))),
        ('a "" "&"', A),
        ("a -& b", And((A, B))),
        ("a -(&) b", And((A, B))),
        ("a * b", And((A, B))),
        ("Rechnung: a", And((phrase("rechnung"), A))),
        ("\0a\ud800", A),
        ("title:(a &)", said("title", "a")),
    ],
)
def test_what_has_no_letters_and_digits_asks_for_nothing(text, tree):
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("", 0, "expected words"),
        ("  ", 0, "expected words"),
        ("& -", 0, "expected words"),
        ("a AND", 5, "got the end"),
        ("AND a", 0, "got 'AND'; write it small"),
        ("a OR OR b", 5, "got 'OR'"),
        ("NOT", 3, "got the end"),
        ("(a", 2, "closing parenthesis for that of character 1"),
        ("a (b OR (c)", 11, "closing parenthesis for that of character 3"),
        ("a) b", 1, "no parenthesis is open"),
        ("(a OR )", 6, r"got '\)'"),
        ('a "b', 2, "another quotation mark"),
        ("*a", 0, r"expected a \* only after"),
        ("a*b", 1, r"expected a \* only after"),
        ('"a* b"', 2, r"expected a \* only after"),
        ("word~9", 5, "from 0 to 3 after ~, such as 1 or 0.5, got '9'"),
        ('"a b"~3.1', 6, "got '3.1'"),
        ("word~1.", 5, "got '1.'"),
        ("word~x", 4, "got 'x'"),
        ("word~1*", 4, r"got '1\*'"),
        ("date: 2019", 5, "right after date: what it is to be, as in date:2019-05"),
        ("x title:", 8, "right after title:"),
        ("title:&", 6, "for title: at least one word"),
        ("title:()", 0, "for title: at least one word"),
        ("title:(a source:b)", 9, "another field, source:"),
        ("title:a~1", 6, "words without ~"),
        ("date:2019-13", 5, "a day, month or year that there is"),
        ("date:2019-02-29", 5, "a day, month or year that there is"),
        ("date:0000", 5, "a day, month or year that there is"),
        ("date:17.5.2019", 5, "as in date:2019-05-17"),
        ("date:2019*", 5, r"got '2019\*'"),
        ("date:..", 5, "got ''"),
        ("date:2019..x", 11, "got 'x'"),
        ("date:2020..2019", 5, "ends after it begins"),
        ("date:>9999", 5, "something after it"),
        ("date:(>= 2019)", 6, "got ''"),
        ("document:x", 9, "its number"),
        ("document:0", 9, "its number"),
        ("document:" + "9" * 19, 9, "its number"),
        ("page:0", 5, "a number from 1"),
        ("page:5-2", 5, "got '5-2'"),
        ("page:-", 5, "a number from 1"),
        ("page:" + "9" * 5000, 5, "a number from 1"),
        ("language:englsh", 9, "did you mean English"),
        ("language:auto", 9, "name one"),
    ],
)
def test_what_is_wrong_and_where(text, place, says):
    with pytest.raises(OcrQueryError, match=says) as raised:
        parse(text)
    assert raised.value.place == place
    assert f"at character {place + 1}: expected" in str(raised.value)


@pytest.mark.parametrize("given", [None, b"a", 3])
def test_a_search_is_a_str(given):
    with pytest.raises(OcrOptionError, match="must be a str"):
        parse(given)


def test_how_large_a_search_may_be():
    assert isinstance(parse("(" * 20 + "a" + ")" * 20), Phrase)
    assert len(parse(" OR ".join(f"w{n}" for n in range(200))).nodes) == 200
    assert parse("NOT " * 2001 + "a") == Not(A)
    for large, says in [
        ("(" * 21 + "a" + ")" * 21, "20 parentheses"),
        (" ".join(f"w{n}" for n in range(201)), "200 words"),
        ('"' + "a " * 501 + '"', "500 words"),
        ("字" * 501, "500 words"),
        ("a" * 10_001, "10000 characters"),
    ]:
        with pytest.raises(OcrQueryError, match=says):
            parse(large)


PIECES = st.sampled_from(
    [
        *("a", "Été", "東京", "สวัสดี", "שָׁ", "3.50", "2019", "2019-05", "fra"),
        *("AND", "OR", "NOT", "-", "--", "(", ")", '"', "“", "*", "~", "~1", "~9", ":"),
        *("title:", "date:", "added:", "language:", "page:", "document:", "x:"),
        *("..", ">=", "<", "&", "\0", "\ud800", "/", "\\", "'"),
    ]
)
SEARCHES = st.one_of(
    st.text(st.characters(codec=None), max_size=40),
    st.lists(st.one_of(PIECES, st.just(" ")), max_size=25).map("".join),
)


def leaves(node):
    if isinstance(node, Not):
        return leaves(node.node)
    if isinstance(node, And | Or):
        return [leaf for each in node.nodes for leaf in leaves(each)]
    return [node]


def check_form(node):
    """What the docstring of `parse` promises, and what stores rely on."""
    if isinstance(node, Not):
        assert not isinstance(node.node, Not)
        check_form(node.node)
    elif isinstance(node, And | Or):
        assert len(node.nodes) >= 2
        assert len(set(node.nodes)) == len(node.nodes)
        for each in node.nodes:
            assert not isinstance(each, type(node))
            check_form(each)
    elif isinstance(node, Phrase | Described):
        assert node.words
        assert len(node.words) == len(node.is_run)
        for word, is_run in zip(node.words, node.is_run, strict=True):
            found = units(word)
            assert "".join(unit.text for unit in found) == word
            assert all(unit.is_run == is_run for unit in found)
            assert is_run or len(found) == 1
        if isinstance(node, Phrase):
            assert len(node.exact) == len(node.words)


@settings(max_examples=500)
@given(SEARCHES)
@example("a" * 9_999 + "*")
@example("~" * 9_999)
@example("-" * 9_999 + "a")
@example("(" * 5_000)
@example(")" * 5_000)
@example('"' * 9_999)
@example("title:" * 1_000)
@example("date:>=" * 1_000)
@example("NOT " * 2_000)
def test_any_text_is_a_search_or_is_refused(text):
    try:
        node = parse(text)
    except OcrQueryError as caught:
        error = caught
    else:
        check_form(node)
        return
    assert 0 <= error.place <= len(text)
    assert re.match(r"the search goes wrong at character \d+: expected", str(error))


def written(node, inner=False):
    """A tree as somebody may write it."""
    match node:
        case Not(each):
            return f"NOT {written(each, inner=True)}"
        case And(nodes):
            text = " ".join(written(each, inner=True) for each in nodes)
        case Or(nodes):
            text = " OR ".join(written(each, inner=True) for each in nodes)
        case Phrase():
            ending = "" if node.tolerance is None else f"~{node.tolerance}"
            return f'"{" ".join(node.words)}{"*" if node.prefix else ""}"{ending}'
        case Described():
            return f'{node.field}:"{" ".join(node.words)}{"*" if node.prefix else ""}"'
        case OnPage():
            return f"page:{node.first}-{node.last or ''}"
    return f"({text})" if inner else text


WORDS = st.lists(st.sampled_from(["or", "and", "2019", "ete", "क", "שלום", "a1"]), min_size=1).map(
    tuple
)
LEAVES = st.one_of(
    st.builds(
        lambda words, prefix, tolerance: phrase(*words, prefix=prefix, tolerance=tolerance),
        WORDS,
        st.booleans(),
        st.sampled_from([None, 0.0, 0.5, 3.0]),
    ),
    st.builds(
        lambda field, words, prefix: said(field, *words, prefix=prefix),
        st.sampled_from(["title", "source", "customer"]),
        WORDS,
        st.booleans(),
    ),
    st.builds(
        lambda first, more: OnPage(first=first, last=None if more is None else first + more),
        st.integers(1, 99),
        st.sampled_from([None, 0, 7]),
    ),
)


def flat(kind):
    def made(nodes):
        some = dict.fromkeys(
            inner for each in nodes for inner in (each.nodes if isinstance(each, kind) else [each])
        )
        return kind(tuple(some)) if len(some) > 1 else next(iter(some))

    return made


TREES = st.recursive(
    LEAVES,
    lambda some: st.one_of(
        some.map(lambda node: node.node if isinstance(node, Not) else Not(node)),
        st.lists(some, min_size=2, max_size=4).map(flat(And)),
        st.lists(some, min_size=2, max_size=4).map(flat(Or)),
    ),
    max_leaves=12,
)


@given(TREES)
def test_what_is_written_is_read_as_it_was_meant(tree):
    assert parse(written(tree)) == tree


@pytest.mark.parametrize("query", ["title:-draft", "source:-x", "shelf:-9"])
def test_a_minus_after_the_colon_is_not_lost(query):
    with pytest.raises(OcrQueryError, match="put it before the field"):
        parse(query)
    assert parse("page:-3") == OnPage(first=1, last=3)
