"""What blocks are to their page, on blocks worked out by hand and on the sample pages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom.layout.frame import Frame, Span
from ocrloom.layout.kinds import classify
from ocrloom.layout.lettering import letter_size, usual_size
from ocrloom.result import Block, BlockKind, Line, Table, Word

FLAT = Frame(0.0)
EM = 30.0
STEP = 40.0
HIGH, LOW, TAIL, COMMA = 0.72, 0.5, 0.21, 0.12  # of an em


def word(text, left, baseline, em, frame):
    """A word whose ink is as high as its letters are in most faces."""
    high = any(c.isupper() or c.isdigit() or c in "bdfhklit()/:" for c in text)
    deep = TAIL if any(c in "gjpqy()/" for c in text) else COMMA if "," in text else 0.0
    top = baseline - em * (HIGH if high else LOW)
    span = Span(left, top, left + 0.5 * em * len(text), baseline + em * deep)
    return Word(text=text, polygon=frame.polygon(span), confidence=1.0, recogniser="fake")


def line(text, left, baseline, em=EM, frame=FLAT):
    words, place = [], left
    for part in text.split():
        words.append(word(part, place, baseline, em, frame))
        place += 0.5 * em * (len(part) + 1)
    span = frame.span(each.polygon for each in words)
    return Line(words=tuple(words), polygon=frame.polygon(span))


def block(text, left, top, em=EM, frame=FLAT, step=STEP):
    """Lines of a text, the first baseline an em below the top."""
    lines = tuple(
        line(each, left, top + em + number * step * em / EM, em, frame)
        for number, each in enumerate(text.split("\n"))
    )
    span = frame.span(each.polygon for each in lines)
    return Block(lines=lines, polygon=frame.polygon(span))


def paragraph(top, lines=5, left=200.0, frame=FLAT):
    text = "\n".join(["the yarn is wound around the pegs of a frame, and one turn gives"] * lines)
    return block(text, left, top, frame=frame)


def kinds(*blocks, frame=FLAT):
    """Kinds of all blocks, headings with their levels."""
    return [
        f"{each.kind} {each.level}" if each.level else str(each.kind)
        for each in classify(blocks, frame)
    ]


TEXT = "paragraph"


# Sizes of letters


@pytest.mark.parametrize(
    "text", ["sum", "Sum of all", "on a page", "JUNE 1,204", "gypsy", "a, b, c"]
)
@pytest.mark.parametrize("slope", [-4.0, 0.0, 2.5])
def test_the_size_does_not_depend_on_the_letters(text, slope):
    frame = Frame(slope)
    assert letter_size(line(text, 100, 200, 40.0, frame), frame) == pytest.approx(40.0)


def test_what_tells_no_size():
    frame = Frame(0.0)
    assert letter_size(line("- ... -", 100, 200), frame) is None
    upwards = frame.polygon(Span(100, 100, 130, 400))
    sideways = Word(text="sideways", polygon=upwards, confidence=1.0, recogniser="fake")
    assert letter_size(Line(words=(sideways,), polygon=upwards), frame) is None
    assert usual_size([], frame) == 0.0


def test_the_usual_size_is_that_of_most_characters():
    blocks = [block("Title", 100, 0, 60.0), paragraph(200), block("small print", 100, 600, 18.0)]
    assert usual_size([each.lines for each in blocks], Frame(0.0)) == pytest.approx(EM)


# Headings


@pytest.mark.parametrize("slope", [-3.0, 0.0, 2.0])
def test_large_letters_head_the_text(slope):
    frame = Frame(slope)
    page = [
        block("The Weaving House", 200, 100, 66.0, frame),
        paragraph(220, frame=frame),
        block("How a warp is made", 200, 460, 42.0, frame),
        paragraph(540, frame=frame),
        block("What was left", 200, 800, 43.0, frame),
        paragraph(880, frame=frame),
    ]
    expected = ["heading 1", TEXT, "heading 2", TEXT, "heading 2", TEXT]
    assert kinds(*page, frame=frame) == expected


@pytest.mark.parametrize(
    "text", ["1. Summary", "2.4 Rock mechanics", "IV. Later work", "CONCLUSIONS", "Chapter Two"]
)
def test_numbers_and_capitals_head_the_text_that_follows(text):
    assert kinds(paragraph(100), block(text, 200, 340), paragraph(420)) == [TEXT, "heading 1", TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "1. linen yarn, three cones;",
        "An ordinary line of text",
        "CONCLUSIONS OF ALL THIS WORK AND MORE OF IT WITH ALL THE WORDS",
        "12 March 2024",
        "52 COAL RESOURCES",
        "41.50",
        "and in the end",
    ],
)
def test_other_lines_of_the_usual_size_head_nothing(text):
    assert kinds(paragraph(100), block(text, 200, 340), paragraph(420)) == [TEXT] * 3


def test_items_of_a_list_are_no_headings():
    items = [block(f"{n}. Pattern books", 200, 340 + 60 * n) for n in range(1, 5)]
    assert kinds(paragraph(100), *items) == [TEXT] * 5


def test_what_nothing_follows_is_a_signature():
    page = [paragraph(100, 8), block("Anna Weaver", 800, 500, 60.0), block("Keeper", 800, 580)]
    assert kinds(*page) == [TEXT] * 3


SIGNED = [
    block("Anna Weaver", 800, 340, 60.0),
    block("Anna Weaver\nKeeper of Maps", 800, 420),
]


def test_a_name_below_it_makes_it_a_signature_though_text_follows():
    assert kinds(paragraph(100), *SIGNED, paragraph(560)) == [TEXT] * 4


@pytest.mark.parametrize("heading", ["Maps", "3. Maps"])
def test_headings_amid_the_text_stand_above_it(heading):
    large = block(heading, 200, 340, 45.0)
    assert kinds(paragraph(100), large, paragraph(440)) == [TEXT, "heading 1", TEXT]
    lone = block("the yarn is wound around the pegs of a frame, and one turn", 200, 440)
    page = [paragraph(100), large, lone, paragraph(500)]
    assert kinds(*page) == [TEXT, "heading 1", TEXT, TEXT]
    page = [paragraph(100), large, block("Rivers", 200, 440, 40.0), paragraph(520)]
    assert kinds(*page)[1].startswith("heading")


def test_a_number_makes_it_a_heading_whatever_follows():
    page = [paragraph(100), block("3. Maps", 200, 340, 45.0), block("of rivers", 200, 440)]
    assert kinds(*page, paragraph(520)) == [TEXT, "heading 1", TEXT, TEXT]


def test_names_and_dates_may_stand_below_a_title():
    assert kinds(*SIGNED, paragraph(560)) == ["heading 1", TEXT, TEXT]


def test_large_text_is_text_still():
    long = "\n".join(["A summary in larger letters that goes on for some lines"] * 5)
    assert kinds(block(long, 200, 100, 42.0), paragraph(500, 20)) == [TEXT, TEXT]
    assert kinds(block("It ends with a full stop.", 200, 100, 42.0), paragraph(200)) == [TEXT] * 2
    assert kinds(block("48.70 12.50 A", 200, 100, 42.0), paragraph(200)) == [TEXT] * 2


def test_a_page_of_one_size_has_no_heading():
    assert kinds(block("HELLO", 200, 100, 60.0)) == [TEXT]
    assert kinds() == []


def test_levels_end_at_six():
    page = []
    for n in range(8):
        page += [block("Some heading", 200, 400 * n, 120.0 * 0.85**n), paragraph(400 * n + 130, 6)]
    found = classify(page, Frame(0.0))
    assert [each.level for each in found[::2]] == [1, 2, 3, 4, 5, 6, 6, 6]


# Above and below


@pytest.mark.parametrize(
    "text",
    ["7", "- 31 -", "[12]", "xiv", "IV", "Page 3", "Page 3 of 10", "3 / 10", "Seite 5", "第3页"],
)
@pytest.mark.parametrize("top", [True, False])
def test_a_lone_number_is_the_pages(text, top):
    number = block(text, 600, 20 if top else 500)
    page = [number, paragraph(150)] if top else [paragraph(150), number]
    assert kinds(*page).count("page_number") == 1


@pytest.mark.parametrize("text", ["12.50", "$ 7", "mill", "vivid", "A", "20th", "1,204"])
def test_other_short_lines_are_no_page_numbers(text):
    assert kinds(paragraph(100), block(text, 600, 500)) == [TEXT, TEXT]


def test_a_number_right_below_the_text_belongs_to_it():
    assert kinds(paragraph(100, 5), block("7", 200, 100 + 5 * STEP)) == [TEXT, TEXT]


def test_a_number_between_paragraphs_is_none_of_the_pages():
    assert kinds(paragraph(100), block("7", 600, 400), paragraph(500)) == [TEXT] * 3


def test_running_heads_and_small_print():
    head = block("The Paper Mill", 200, 20)
    number = line("17", 1300, 20 + EM)
    joined = Block(
        lines=(Line(words=head.lines[0].words + number.words, polygon=head.polygon),),
        polygon=head.polygon,
    )
    foot = block("See https://example.org for more", 200, 600)
    assert kinds(joined, paragraph(150), foot) == ["header", TEXT, "footer"]
    beside = Block(lines=(number,), polygon=number.polygon)
    assert kinds(head, beside, paragraph(150)) == ["header", "page_number", TEXT]


def test_a_date_or_a_title_above_the_text_is_no_header():
    assert kinds(block("12 March 2024", 900, 20), paragraph(150)) == [TEXT, TEXT]
    assert kinds(block("WATER REPORT 1996", 400, 20), paragraph(150)) == [TEXT, TEXT]


# Beside the text


@pytest.mark.parametrize(
    "text",
    [
        "Figure 3. A loom of the old kind",
        "Fig. 12a: Threads",
        "TABLE IV",
        "Table 2.1 Lengths of cloth",
        "Abbildung 7: Der Webstuhl",
        "Tableau 1 – Longueurs",
        "Obr. 5. Stav",
        "表 3",
        "图3",
    ],
)
def test_captions(text):
    assert kinds(paragraph(100), block(text, 200, 400), paragraph(500)) == [TEXT, "caption", TEXT]


@pytest.mark.parametrize(
    "text",
    [
        "Figure 3 shows that the thread\nis wound around the pegs",
        "Table 2, which was made later,\nholds the lengths",
        "Tables are made of oak",
        "Figures of speech",
    ],
)
def test_sentences_that_begin_like_captions(text):
    assert kinds(paragraph(100), block(text, 200, 400), paragraph(500)) == [TEXT] * 3


@pytest.mark.parametrize("left", [20.0, 1250.0])
def test_notes_stand_in_the_margin(left):
    note = block("see also\nthe maps", left, 180, 20.0)
    assert kinds(paragraph(100, 12), note) == [TEXT, "note"]


def test_what_stands_in_the_text_is_no_note():
    assert kinds(paragraph(100, 12), block("see also\nthe maps", 300, 650, 20.0)) == [TEXT, TEXT]
    column = block("\n".join(["another column"] * 12), 1250, 100)
    assert kinds(paragraph(100, 12), column) == [TEXT, TEXT]
    numbers = block("\n".join(map(str, range(12))), 20, 100)
    assert kinds(paragraph(100, 12), numbers) == [TEXT, TEXT]


# Whatever there is


def test_tables_stay_what_they_are():
    table = Block(
        lines=block("Rag 12,480", 200, 400).lines,
        polygon=block("Rag 12,480", 200, 400).polygon,
        kind=BlockKind.TABLE,
        table=Table(rows=1, columns=2, cells=()),
    )
    found = classify([block("Stock of Paper", 200, 100, 60.0), paragraph(200), table], Frame(0.0))
    assert found[2] is table
    assert found[0].level == 1


texts = st.sampled_from(
    ["7", "Title", "1. Summary", "Table 1. A", "NOTE", "some words here", "-", "図1"]
)


@st.composite
def pages(draw):
    return [
        block(
            draw(texts),
            draw(st.integers(0, 900)),
            70.0 * n,
            draw(st.sampled_from([20.0, 30.0, 50.0])),
        )
        if draw(st.booleans())
        else paragraph(70.0 * n, draw(st.integers(1, 4)))
        for n in range(draw(st.integers(0, 9)))
    ]


@settings(max_examples=100)
@given(pages())
def test_only_kind_and_level_change(page):
    found = classify(page, Frame(0.0))
    assert [(each.lines, each.polygon) for each in found] == [(b.lines, b.polygon) for b in page]
    for each in found:
        assert (each.level > 0) == (each.kind is BlockKind.HEADING)
        assert each.level <= 6
    assert classify(found, Frame(0.0)) == found


@settings(max_examples=50)
@given(pages(), st.floats(-5, 5))
def test_slope_changes_nothing(page, slope):
    frame = Frame(slope)

    def turned(part):
        return frame.polygon(Frame(0.0).span([part.polygon]))

    sloped = [
        Block(
            lines=tuple(
                Line(
                    words=tuple(
                        Word(text=w.text, polygon=turned(w), confidence=1.0, recogniser="fake")
                        for w in each.words
                    ),
                    polygon=turned(each),
                )
                for each in part.lines
            ),
            polygon=turned(part),
        )
        for part in page
    ]
    assert kinds(*sloped, frame=frame) == kinds(*page)


# Sample pages


HEADINGS = [
    "Annual Report of the Paper Room",
    "1. Summary",
    "2. Work done",
    "3. Condition",
    "4. Plans",
]
CAPTIONS = [
    "Table 1. Sheets on the shelves, by kind",
    "Table 2. Rooms, their hours and their seats",
]


def found_in(page, apart=()):
    """Texts of a page by their kind; lines of these texts are made blocks of their own."""
    blocks = []
    for part in page.blocks:
        lines: list[list[Line]] = []
        for each in part.lines:
            if not lines or each.text in apart or lines[-1][0].text in apart:
                lines.append([])
            lines[-1].append(each)
        for group in lines:
            around = FLAT.polygon(FLAT.span(each.polygon for each in group))
            blocks.append(Block(lines=tuple(group), polygon=around))
    found = classify(blocks, Frame(page.skew))
    return {
        kind: [each.text for each in found if each.kind is kind]
        for kind in {each.kind for each in found}
    }


def test_a_report_has_its_headings_and_its_number(reading):
    found = found_in(reading("report.png").pages[0], HEADINGS)
    assert found[BlockKind.HEADING] == HEADINGS
    assert found[BlockKind.PAGE_NUMBER] == ["7"]
    assert set(found) == {BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.PAGE_NUMBER}


def test_tables_have_captions(reading):
    title = "Stock and Rooms of the Paper House"
    found = found_in(reading("tables.png").pages[0], [title, *CAPTIONS])
    assert found[BlockKind.CAPTION] == CAPTIONS
    assert found[BlockKind.PAGE_NUMBER] == ["12"]
    assert found[BlockKind.HEADING] == [title]


def test_a_books_pages_have_numbers(reading):
    numbers = [found_in(page)[BlockKind.PAGE_NUMBER] for page in reading("book.tif").pages]
    assert numbers == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize("name", ["letter.tif", "french.png", "german.tif", "czech.png"])
def test_plain_pages_have_no_false_kinds(reading, name):
    found = found_in(reading(name).pages[0])
    assert set(found) <= {BlockKind.PARAGRAPH, BlockKind.HEADING}
    assert all(text in reading(name).text[:60] for text in found.get(BlockKind.HEADING, []))
