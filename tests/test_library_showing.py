"""Where on a page a hit says that something stands, and the text that it shows of it."""

import time

import pytest
import results

from ocrloom import Library, OcrResult
from ocrloom.library.matching import Span
from ocrloom.library.pack import PackedWords, packed
from ocrloom.library.showing import hit_of
from ocrloom.library.storage.rows import Contents, PageRow

LETTER = 10.0  # pixels of a character


def page_of(*lines, wholes=None):
    """Words from left to right whose polygons tell which characters they are of."""
    words = [word for line in lines for word in line.split()]
    made = []
    for place, text in enumerate(words):
        polygon = results.box(1000 * place, 0.0, 1000 * place + LETTER * len(text), 8.0)
        made.append(results.word(text, polygon=polygon, whole=(wholes or {}).get(text)))
    return results.page(*made)


def shown(page, *spans):
    """The hit of a page that fits a search at some spans."""
    new = packed(page)
    row = PageRow(id=1, document=1, number=1, languages=())
    contents = Contents(page=row, tokens=new.tokens, words=new.words, tree=b"")
    return hit_of(None, contents, PackedWords.of(new.words), spans, 1.0)


def reached(polygon):
    """Left and right in characters from the word's left edge."""
    (left, top), (right, _), (_, bottom), _ = polygon
    assert left < right
    assert top < bottom
    return round(left % 1000 / LETTER, 3), round((right - left // 1000 * 1000) / LETTER, 3)


def only(page, span):
    """The text of one match, and which characters of its words the polygons reach over."""
    (match,) = shown(page, span).matches
    return match.text, [reached(polygon) for polygon in match.polygons]


@pytest.mark.parametrize(
    ("text", "span", "found"),
    [
        pytest.param("dayinvoice", Span(0, 1, skipped=3), ("invoice", (3, 10)), id="end"),
        pytest.param("invoiceday", Span(0, 1, taken=7), ("invoice", (0, 7)), id="beginning"),
        pytest.param("(dayinvoice),", Span(0, 1, skipped=3), ("invoice),", (4, 13)), id="brackets"),
        pytest.param("ﬁnalinvoice", Span(0, 1, skipped=5), ("invoice", (4, 11)), id="ligature"),
        pytest.param("ﬁnalinvoice", Span(0, 1, taken=5), ("ﬁnal", (0, 4)), id="before a ligature"),
        pytest.param("aﬁnal", Span(0, 1, skipped=2), ("ﬁnal", (1, 5)), id="half a ligature"),
        pytest.param("aﬁnal", Span(0, 1, taken=2), ("aﬁ", (0, 2)), id="the other half"),
        pytest.param(
            "annual\xadreport\xadtoday", Span(0, 1, skipped=12), ("today", (14, 19)), id="soft"
        ),
        pytest.param(
            "annual\xadreport", Span(0, 1, taken=6), ("annual", (0, 6)), id="before a soft hyphen"
        ),
        pytest.param(
            "e\u0301te\u0301rouge", Span(0, 1, skipped=3), ("rouge", (5, 10)), id="accents"
        ),
        pytest.param(
            "e\u0301te\u0301rouge", Span(0, 1, taken=3), ("e\u0301te\u0301", (0, 5)), id="accent"
        ),
        pytest.param("½invoiceday", Span(1, 2, skipped=1), ("invoiceday", (1, 11)), id="fraction"),
        pytest.param(
            "x.dayinvoice.y", Span(1, 2, skipped=3), ("invoice", (5, 12)), id="one of three"
        ),
        pytest.param("x.invoiceday", Span(0, 2, taken=7), ("x.invoice", (0, 9)), id="two of two"),
        pytest.param("straßedorf", Span(0, 1, skipped=7), ("dorf", (6, 10)), id="two letters"),
    ],
)
def test_a_part_of_a_word(text, span, found):
    assert only(page_of(text), span) == (found[0], [found[1]])


@pytest.mark.parametrize(
    ("lines", "whole", "span", "found"),
    [
        pytest.param(
            ("exam-", "ple"), "example", Span(0, 1), ("exam- ple", [(0, 5), (0, 3)]), id="all"
        ),
        pytest.param(
            ("to-", "dayinvoice"),
            "todayinvoice",
            Span(0, 1, skipped=5),
            ("invoice", [(3, 10)]),
            id="only the second line",
        ),
        pytest.param(
            ("day-", "invoice"),
            "dayinvoice",
            Span(0, 1, skipped=3),
            ("invoice", [(0, 7)]),
            id="all of the second line",
        ),
        pytest.param(
            ("invo-", "icetoday"),
            "invoicetoday",
            Span(0, 1, taken=7),
            ("invo- ice", [(0, 5), (0, 3)]),
            id="both lines",
        ),
        pytest.param(
            ("dayinvo-", "ice."),
            "dayinvoice.",
            Span(0, 1, skipped=3),
            ("invo- ice.", [(3, 8), (0, 4)]),
            id="from within the first line",
        ),
        pytest.param(
            ("invoiceto-", "day"),
            "invoicetoday",
            Span(0, 1, taken=7),
            ("invoice", [(0, 7)]),
            id="only the first line",
        ),
        pytest.param(
            ("self-con-", "tained"),
            "self-contained",
            Span(0, 1),
            ("self", [(0, 4)]),
            id="a word of the first line",
        ),
        pytest.param(
            ("self-con-", "tained"),
            "self-contained",
            Span(1, 2),
            ("con- tained", [(5, 9), (0, 6)]),
            id="a word of both lines",
        ),
    ],
)
def test_a_part_of_a_word_that_a_hyphen_parts(lines, whole, span, found):
    assert only(page_of(*lines, wholes={lines[0]: whole}), span) == found


def test_a_whole_that_its_parts_do_not_make_is_shown_as_its_words():
    page = page_of("o-n-", "two", wholes={"o-n-": "other"})
    for span in (Span(0, 1), Span(0, 1, skipped=2), Span(0, 1, taken=2)):
        assert only(page, span) == ("o-n- two", [(0, 4), (0, 3)])


def test_joined_words_are_found_where_they_stand(tmp_path):
    page = page_of("today invoice to-", "dayinvoice", wholes={"to-": "todayinvoice"})
    with Library(tmp_path / "a.db") as library:
        library.add(OcrResult(pages=(page,))).result()
        (hit,) = library.search("invoice~0.5")
    assert [match.text for match in hit.matches] == ["invoice", "invoice"]
    assert [reached(polygon) for polygon in hit.polygons] == [(0, 7), (3, 10)]
    assert hit.snippet.marked("[", "]") == "today [invoice] to- day[invoice]"


# Scripts that do not run from left to right


@pytest.mark.parametrize(
    ("text", "span", "found"),
    [
        pytest.param("שלום-עולם", Span(0, 1), ("שלום", (5, 9)), id="first"),
        pytest.param("שלום-עולם", Span(1, 2), ("עולם", (0, 4)), id="second"),
        pytest.param("שלום-עולם", Span(0, 2), ("שלום-עולם", (0, 9)), id="both"),
        pytest.param("ב-2024", Span(1, 2), ("2024", (0, 4)), id="number"),
        pytest.param("ה-PDF-חדש", Span(1, 2), ("PDF", (4, 7)), id="latin"),
        pytest.param("שָׁלוֹם-עולם", Span(1, 2), ("עולם", (0, 4)), id="points"),
        pytest.param("עולםשלום", Span(0, 1, taken=4), ("עולם", (4, 8)), id="joined"),
    ],
)
def test_a_part_of_a_word_from_right_to_left(text, span, found):
    # The polygon of such a word begins at its left too.
    assert only(page_of(text), span) == (found[0], [found[1]])


@pytest.mark.parametrize(
    ("text", "sides", "part"),
    [
        pytest.param("東京大阪", (10, 40), results.box(0, 20, 10, 40), id="down"),
        pytest.param("東京大阪", (40, 10), results.box(20, 0, 40, 10), id="across"),
        # Narrow letters may be higher than both are wide.
        pytest.param("i-l", (9, 12), results.box(6, 0, 9, 12), id="letters"),
        pytest.param("กขคง", (9, 12), results.box(4.5, 0, 9, 12), id="narrow runs"),
    ],
)
def test_a_part_of_a_tall_word(text, sides, part):
    page = results.page(results.word(text, polygon=results.box(0, 0, *sides)))
    tokens = len(packed(page).tokens)
    (polygon,) = shown(page, Span(tokens - tokens // 2, tokens)).polygons
    assert polygon[0] == pytest.approx(part[0])
    assert polygon[2] == pytest.approx(part[2])


def test_a_part_of_a_word_that_was_read_from_the_side():
    polygon = ((10, 0), (10, 40), (0, 40), (0, 0))
    page = results.page(results.word("東京大阪", polygon=polygon))
    assert shown(page, Span(2, 4)).polygons == (((10, 20), (10, 40), (0, 40), (0, 20)),)


# Long words


@pytest.mark.parametrize("text", ["ab." * 5000, "שב." * 5000, "½ab" * 5000, "東" * 10_000])
def test_very_many_places_in_one_word_take_little_time(text):
    page = page_of(text)
    count = len(packed(page).tokens)
    begun = time.perf_counter()
    hit = shown(page, *(Span(place, place + 1) for place in range(count)))
    # Looking at the word for each place takes minutes.
    assert time.perf_counter() - begun < 20
    assert len(hit.matches) == count


def test_a_snippet_is_cut_within_a_long_word():
    text = "a" * 99_999 + "-mark-" + "b" * 99_999
    snippet = shown(page_of(f"one {text} two"), Span(2, 3)).snippet
    assert snippet.text.startswith("…aaa")
    assert snippet.text.endswith("bbb…")
    assert snippet.marked("[", "]")[79:89] == "a-[mark]-b"
    assert 200 < len(snippet.text) < 400


def test_a_long_word_before_or_behind_what_was_found_is_cut_or_left_out():
    long = "b" * 99_999
    snippet = shown(page_of(f"one mark {long}"), Span(1, 2)).snippet
    assert snippet.marked("[", "]").startswith("one [mark] bbb")
    assert snippet.text.endswith("b…")
    assert len(snippet.text) < 400
    assert shown(page_of(f"{long} mark two"), Span(1, 2)).snippet.text == "… mark two"


def test_a_mark_that_is_longer_than_a_snippet_is_cut():
    snippet = shown(page_of("x" * 99_999 + " mark"), Span(0, 1), Span(1, 2)).snippet
    assert snippet.text == "x" * (len(snippet.text) - 1) + "…"
    assert snippet.marks == ((0, len(snippet.text) - 1),)
    assert len(snippet.text) < 400


def test_places_behind_the_cut_have_no_mark():
    page = page_of("one." + "b" * 99_999 + ".two")
    assert shown(page, Span(0, 1), Span(2, 3)).snippet.marks == ((0, 3),)


def test_a_page_that_nothing_matches_shows_its_beginning():
    assert shown(page_of("one two")).snippet.text == "one two"
    snippet = shown(page_of("c" * 99_999)).snippet
    assert (snippet.text[-2:], snippet.marks) == ("c…", ())
    assert len(snippet.text) < 400
    assert shown(results.page()).snippet.text == ""


def test_usual_words_are_never_cut():
    words = [f"number{place}" for place in range(200)]
    snippet = shown(page_of(" ".join(words)), Span(100, 101)).snippet
    assert snippet.text.startswith("… number")
    assert snippet.text.endswith(" …")
    assert set(snippet.text.strip("… ").split()) < set(words)
    assert "[number100]" in snippet.marked("[", "]")
