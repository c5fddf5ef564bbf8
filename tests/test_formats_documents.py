"""Results as Markdown, HTML, DOCX, CSV and XLSX, read back by others' libraries."""

import csv
import html.parser
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from results import SQUARE, block, box, line, page, results, table, word

from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.formats import FORMATS
from ocrloom.formats.flow import table_of
from ocrloom.formats.markup import clean
from ocrloom.formats.prose import joined, running
from ocrloom.formats.scripts import language, rtl
from ocrloom.result import Block, BlockKind, Cell, Line, OcrResult, Page, PageFailure, Table

FAILURE = PageFailure(number=2, kind="OcrDamagedImage", message="a.tif, frame 2: <cut> *short*")
SPANS = table(
    ["Name", "Q1", "Q2"],
    ["Ann", "1", "=2+3"],
    ["Bob", "", "4|5"],
    spans={(1, 0): (1, 1), (2, 0): (1, 2)},
)
REPORT = OcrResult(
    pages=(
        page(
            blocks=[
                block("Annual report", kind=BlockKind.HEADING, level=1),
                block("The harbour was qui-", "et & small <then>."),
                block("Sums", kind=BlockKind.HEADING, level=2),
                block("Table 1: sums", kind=BlockKind.CAPTION),
                SPANS,
                block("A note", kind=BlockKind.NOTE),
            ]
        ),
        page(blocks=[block("Last page"), block("- 3 -", kind=BlockKind.PAGE_NUMBER)], number=3),
    ),
    failures=(FAILURE,),
    source="report.tif",
)


def render(name, result):
    return FORMATS[name].render(result)


def squeezed(text):
    return " ".join(clean(text).split())


def expected_texts(result):
    """What the blocks of a result say to one who reads on."""
    for part in result.pages:
        for each in part.blocks:
            whole = table_of(each)
            if whole is None:
                yield joined(each.lines)
            else:
                yield from (cell.text for cell in whole.cells)


# --- running text -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["one two", "three"], "one two three"),
        (["the har-", "bour was"], "the harbour was"),
        (["the har\u00ad", "bour"], "the harbour"),
        (["Anglo-", "American"], "Anglo- American"),
        (["pages 3-", "and on"], "pages 3- and on"),
        (["wait -", "now"], "wait - now"),
        (["日本", "語です。", "「はい」"], "日本語です。「はい」"),
        (["日本", "OCR"], "日本 OCR"),
        (["한국어", "문장"], "한국어 문장"),
        (["", "one", ""], "one"),
        ([], ""),
    ],
)
def test_lines_run_on(texts, expected):
    assert joined([line(text) for text in texts]) == expected


def column(*lines):
    """Lines below each other, with letters ten pixels wide and twenty high."""
    made = []
    for row, text in enumerate(lines):
        words, at = [], 0.0
        for part in text.split(" "):
            end = at + 10 * len(part)
            if part:
                words.append(word(part, polygon=box(at, 30.0 * row, end, 30.0 * row + 20)))
            at = end + 10
        polygon = box(0.0, 30.0 * row, at - 10, 30.0 * row + 20)
        made.append(Line(words=tuple(words), polygon=polygon))
    return made


def turned(lines):
    """The same on a page that lies on its side."""

    def turn(polygon):
        return tuple((500 - y, x) for x, y in polygon)

    return [
        Line(
            words=tuple(replace(each, polygon=turn(each.polygon)) for each in part.words),
            polygon=turn(part.polygon),
        )
        for part in lines
    ]


BROKEN = [
    (
        ["The harbour was quiet and the", "boats lay in rows. Nobody was", "to be seen."],
        ["The harbour was quiet and the boats lay in rows. Nobody was to be seen."],
    ),
    (["12 Mill Lane", "Old Harbour Town"], ["12 Mill Lane Old Harbour Town"]),
    (["Mill Lane 12", "4 Old Harbour Town"], ["Mill Lane 12", "4 Old Harbour Town"]),
    (
        ["in stock are now:", "- pattern books of the school", "- maps"],
        ["in stock are now:", "- pattern books of the school", "- maps"],
    ),
    (["Linen yarn        14.50", "Wool               9.80"], ["Linen yarn 14.50", "Wool 9.80"]),
    (["the exam-", "ple is a long one"], ["the example is a long one"]),
    ([], []),
]


@pytest.mark.parametrize(("texts", "expected"), BROKEN)
def test_only_breaks_that_are_meant_remain(texts, expected):
    assert running(column(*texts)) == expected
    assert running(turned(column(*texts))) == expected


def test_breaks_that_are_meant_are_breaks_in_documents():
    texts = ("Mill Lane", "1. Old Town", "=====", "--- | ---", "a | b is the longest")
    lines = tuple(column(*texts))
    result = OcrResult(pages=(page(blocks=[Block(lines=lines, polygon=SQUARE)]),))
    assert render("md", result) == (
        "Mill Lane\\\n1\\. Old Town\\\n\\=====\\\n\\--- | ---\\\na | b is the longest\n"
    )
    assert shown(render("md", result)) == [" ".join(texts)]
    assert render("html", result).count("<br>") == 4
    (found,) = opened(result).paragraphs
    assert found.text == "\n".join(texts)


@given(results)
def test_breaks_change_no_text(result):
    for part in result.pages:
        for each in part.blocks:
            assert " ".join(running(each.lines)) == joined(each.lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain text", ""),
        ("", ""),
        ("12 % …", ""),
        ("日本語です", "ja"),
        ("中文文本", "zh"),
        ("한국어 문장", "ko"),
        ("the sign 日本 means Japan", ""),
    ],
)
def test_the_script_tells_some_languages(text, code):
    assert language(text) == code


def test_the_first_letter_tells_the_direction():
    assert rtl("12 שלום hello")
    assert rtl("(العربية)")
    assert not rtl("hello שלום")
    assert not rtl("12 + 3")


def test_words_in_no_cell_are_in_a_row_of_their_own():
    stray = line("left over")
    with_stray = replace(SPANS, lines=(*SPANS.lines, stray))
    whole = table_of(with_stray)
    assert (whole.rows, whole.columns) == (4, 3)
    assert whole.cells[-1].text == "left over"
    assert (whole.cells[-1].row, whole.cells[-1].column_span) == (3, 3)
    assert table_of(SPANS) is SPANS.table
    assert table_of(block("text")) is None


# --- tables -----------------------------------------------------------------------------------


def cell(row, column, down=1, across=1):
    return Cell(row=row, column=column, row_span=down, column_span=across, words=(), polygon=SQUARE)


def test_the_grid_of_a_table_has_each_cell_where_it_reaches():
    wide, tall = cell(0, 0, 1, 2), cell(1, 0, 2, 1)
    assert Table(rows=3, columns=2, cells=(wide, tall)).grid == (
        (wide, wide),
        (tall, None),
        (tall, None),
    )


@pytest.mark.parametrize(
    "cells",
    [
        [cell(2, 0)],
        [cell(-1, 0)],
        [cell(0, 0, 1, 3)],
        [cell(0, 0, 0, 1)],
        [cell(0, 0, 10**9, 1)],
        [cell(0, 0, 2, 1), cell(1, 0)],
    ],
)
def test_cells_beside_a_table_or_over_each_other_are_refused(cells):
    with pytest.raises(OcrOptionError, match="must lie within its 2 rows and 2 columns"):
        Table(rows=2, columns=2, cells=tuple(cells))


@pytest.mark.parametrize("size", [(0, 1), (1, 0), (-1, -1), (10**6, 2)])
def test_tables_have_a_size(size):
    with pytest.raises(OcrOptionError, match="a table must have 1 to 1000000 places"):
        Table(rows=size[0], columns=size[1], cells=())


# --- Markdown ---------------------------------------------------------------------------------

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def plain(token):
    """What an inline token shows."""
    known = {"text", "text_special", "em_open", "em_close", "hardbreak"}
    assert {each.type for each in token.children} <= known
    return "".join(" " if each.type == "hardbreak" else each.content for each in token.children)


def shown(text):
    return [plain(token) for token in MARKDOWN.parse(text) if token.type == "inline"]


def test_markdown_has_headings_tables_captions_and_pages():
    assert render("md", REPORT) == (
        "<!-- page 1 -->\n\n"
        "# Annual report\n\n"
        "The harbour was quiet & small \\<then>.\n\n"
        "## Sums\n\n"
        "*Table 1: sums*\n\n"
        "| Name | Q1 | Q2 |\n| --- | --- | --- |\n| Ann | 1 | =2+3 |\n| Bob |  | 4\\|5 |\n\n"
        "A note\n\n"
        "<!-- page 2 -->\n\n"
        "> Page 2 could not be read: a.tif, frame 2: \\<cut> \\*short\\*\n\n"
        "<!-- page 3 -->\n\n"
        "Last page\n\n"
        "\\- 3 -\n"
    )


def test_markdown_is_what_a_parser_reads():
    tokens = MARKDOWN.parse(render("md", REPORT))
    kinds = [token.type for token in tokens if token.level == 0 and token.nesting >= 0]
    assert kinds == [
        *("html_block", "heading_open", "paragraph_open", "heading_open", "paragraph_open"),
        *("table_open", "paragraph_open", "html_block", "blockquote_open", "html_block"),
        *("paragraph_open", "paragraph_open"),
    ]
    cells = [plain(each) for each in tokens if each.type == "inline" and each.level == 4]
    assert cells == ["Name", "Q1", "Q2", "Ann", "1", "=2+3", "Bob", "", "4|5"]


MARKS = st.text(st.sampled_from("#*_`~[]()<>&|\\-+=1.:!x; \"'/") | st.characters(), max_size=20)


@given(MARKS, st.sampled_from(BlockKind), st.integers(0, 6))
def test_any_text_is_only_text_in_markdown(text, kind, level):
    result = OcrResult(pages=(page(blocks=[block(text, kind=kind, level=level)]),))
    wanted = joined(result.pages[0].blocks[0].lines)
    made = render("md", result)
    assert shown(made) == ([wanted] if wanted else [])
    expected = {
        BlockKind.HEADING: f"h{max(level, 1)}",
    }.get(kind, "p")
    if wanted:
        assert MARKDOWN.parse(made)[0].tag == expected


@given(st.lists(st.lists(MARKS, min_size=2, max_size=2), min_size=1, max_size=3))
def test_any_text_is_only_text_in_markdown_tables(rows):
    result = OcrResult(pages=(page(blocks=[table(*rows)]),))
    assert shown(render("md", result)) == [
        squeezed(" ".join(text.split())) for row in rows for text in row
    ]


def test_markdown_of_one_page_has_no_comment():
    assert render("md", OcrResult(pages=(page(word("one"), number=4),))) == "one\n"
    assert render("md", OcrResult(pages=(page(),))) == ""


# --- HTML -------------------------------------------------------------------------------------


class Reader(html.parser.HTMLParser):
    """The elements with their attributes and texts, in order; checks that all are closed."""

    VOID = frozenset({"meta"})

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        if tag == "br":
            self.open[-1][2] += " "
            return
        self.found.append([tag, dict(attributes), ""])
        if tag not in self.VOID:
            self.open.append(self.found[-1])

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            self.open[-1][2] += data

    def all(self, *tags):
        return [(tag, text) for tag, _, text in self.found if tag in tags]


def test_html_has_headings_tables_captions_and_pages():
    read = Reader(render("html", REPORT))
    assert read.all("h1", "h2", "p", "aside", "caption") == [
        ("h1", "Annual report"),
        ("p", "The harbour was quiet & small <then>."),
        ("h2", "Sums"),
        ("caption", "Table 1: sums"),
        ("aside", "A note"),
        ("p", "Page 2 could not be read: a.tif, frame 2: <cut> *short*"),
        ("p", "Last page"),
        ("p", "- 3 -"),
    ]
    sections = [found[1] for found in read.found if found[0] == "section"]
    assert [each["id"] for each in sections] == ["page-1", "page-2", "page-3"]
    cells = [(text, attributes) for tag, attributes, text in read.found if tag == "td"]
    assert [text for text, _ in cells] == ["Name", "Q1", "Q2", "Ann", "1", "=2+3", "Bob", "4|5"]
    assert dict(cells)["Bob"] == {"colspan": "2"}
    assert read.found[0][1] == {"lang": "", "dir": "ltr"}
    assert read.all("title") == [("title", "report.tif")]
    assert read.all("link", "script", "img") == []


def test_html_says_which_text_runs_from_right_to_left():
    mixed = OcrResult(pages=(page(blocks=[block("שלום"), block("English"), block("עולם")]),))
    read = Reader(render("html", mixed))
    assert read.found[0][1]["dir"] == "rtl"
    assert [found[1] for found in read.found if found[0] == "p"] == [{}, {"dir": "ltr"}, {}]
    japanese = Reader(render("html", OcrResult(pages=(page(word("日本語です")),))))
    assert japanese.found[0][1] == {"lang": "ja", "dir": "ltr"}


def test_captions_belong_to_the_table_beside_them():
    above, below = (block(text, kind=BlockKind.CAPTION) for text in ("above", "below"))
    away = block("away", kind=BlockKind.CAPTION)
    blocks = [above, SPANS, SPANS, below, block("text"), away]
    read = Reader(render("html", OcrResult(pages=(page(blocks=blocks),))))
    assert read.all("caption", "p") == [
        ("caption", "above"),
        ("caption", "below"),
        ("p", "text"),
        ("p", "away"),
    ]


@given(results)
def test_all_text_is_in_html(result):
    read = Reader(render("html", result).replace("\r", "&#13;"))
    tags = {"p", "aside", "td", "caption", *(f"h{level}" for level in range(1, 7))}
    found = sorted(squeezed(text) for tag, _, text in read.found if tag in tags)
    notes = [f"Page {each.number} could not be read: {each.message}" for each in result.failures]
    expected = sorted(squeezed(text) for text in (*expected_texts(result), *notes))
    assert [text for text in found if text] == [text for text in expected if text]


# --- DOCX -------------------------------------------------------------------------------------


def opened(result):
    return docx.Document(io.BytesIO(render("docx", result)))


def test_docx_has_headings_tables_captions_and_pages():
    document = opened(REPORT)
    found = [(each.style.name, each.text) for each in document.paragraphs if each.text.strip()]
    assert found == [
        ("Heading 1", "Annual report"),
        ("Normal", "The harbour was quiet & small <then>."),
        ("Heading 2", "Sums"),
        ("Caption", "Table 1: sums"),
        ("Quote", "A note"),
        ("Intense Quote", "Page 2 could not be read: a.tif, frame 2: <cut> *short*"),
        ("Normal", "Last page"),
        ("Footer", "- 3 -"),
    ]
    (found,) = document.tables
    assert [[each.text for each in row.cells] for row in found.rows] == [
        ["Name", "Q1", "Q2"],
        ["Ann", "1", "=2+3"],
        ["Bob", "Bob", "4|5"],
    ]
    assert found.style.name == "Table Grid"
    breaks = document.element.body.findall(f".//{qn('w:br')}")
    assert [each.get(qn("w:type")) for each in breaks] == ["page", "page"]


def test_docx_joins_cells_over_rows():
    rows = table(["a", "b"], ["", "c"], spans={(0, 0): (2, 1)})
    (found,) = opened(OcrResult(pages=(page(blocks=[rows]),))).tables
    assert [[each.text for each in row.cells] for row in found.rows] == [["a", "b"], ["a", "c"]]


def test_docx_says_what_it_is():
    properties = opened(replace(REPORT, source="x" * 999)).core_properties
    assert properties.title == "x" * 255
    assert properties.author.startswith("ocrloom ")
    # It may come back with a time zone or without.
    age = datetime.now(UTC) - properties.created.replace(tzinfo=UTC)
    assert abs(age) < timedelta(hours=1)


def test_docx_says_which_text_runs_from_right_to_left():
    document = opened(OcrResult(pages=(page(blocks=[block("שלום"), block("English")]),)))
    first, second = document.paragraphs
    assert first._p.pPr.find(qn("w:bidi")) is not None
    assert first.runs[0]._r.rPr.find(qn("w:rtl")) is not None
    assert second._p.pPr is None


@given(results)
def test_all_text_is_in_docx(result):
    document = opened(result)
    found = [each.text for each in document.paragraphs]
    # python-docx shows a cell that reaches over places in each of them.
    for each in document.tables:
        every = {part._tc: part.text for row in each.rows for part in row.cells}
        found += every.values()
    notes = [f"Page {each.number} could not be read: {each.message}" for each in result.failures]
    expected = sorted(squeezed(text) for text in (*expected_texts(result), *notes))
    assert sorted(filter(None, map(squeezed, found))) == [text for text in expected if text]


# --- CSV and XLSX -----------------------------------------------------------------------------


def test_csv_has_the_tables():
    text = render("csv", REPORT)
    assert text == "Name,Q1,Q2\nAnn,1,=2+3\nBob,,4|5\n"
    both = OcrResult(pages=(page(blocks=[SPANS, table(['say "a, b"'], ["2\u00a0000"])]),))
    rows = list(csv.reader(io.StringIO(render("csv", both))))
    assert rows[3:] == [[], ['say "a, b"'], ["2 000"]]


def workbook(result):
    return openpyxl.load_workbook(io.BytesIO(render("xlsx", result)))


def test_xlsx_has_a_sheet_for_each_table():
    other = page(blocks=[table(["x"]), block("text"), table(["y", "01"])], number=12)
    book = workbook(replace(REPORT, pages=(*REPORT.pages, other)))
    assert book.sheetnames == ["Page 1", "Page 12", "Page 12 (2)"]
    assert [[each.value for each in row] for row in book["Page 1"].rows] == [
        ["Name", "Q1", "Q2"],
        ["Ann", "1", "=2+3"],
        ["Bob", None, "4|5"],
    ]
    assert [str(each) for each in book["Page 1"].merged_cells.ranges] == ["A3:B3"]
    assert [each.value for each in book["Page 12 (2)"][1]] == ["y", "01"]


def test_xlsx_has_no_formulas():
    (sheet,) = workbook(REPORT)
    assert {each.data_type for row in sheet.rows for each in row if each.value} == {"s"}


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_without_a_table_there_is_nothing_to_write(name):
    result = OcrResult(pages=(page(word("text")),))
    with pytest.raises(
        OcrOutputError, match=rf"{name.upper()} holds tables, found none on 1 page;"
    ):
        render(name, result)
    with pytest.raises(OcrOutputError, match="found none on 0 pages"):
        render(name, OcrResult(pages=()))


def test_xlsx_refuses_what_excel_cannot_hold():
    with pytest.raises(OcrOutputError, match="holds 32767 characters, found 32768"):
        render("xlsx", OcrResult(pages=(page(blocks=[table(["x" * 32_768])]),)))
    wide = Block(
        lines=(),
        polygon=SQUARE,
        kind=BlockKind.TABLE,
        table=Table(rows=1, columns=16_385, cells=()),
    )
    with pytest.raises(OcrOutputError, match=r"16384 columns, found a table of 1 and 16385"):
        render("xlsx", OcrResult(pages=(page(blocks=[wide]),)))


@given(results)
def test_all_cells_are_in_csv_and_xlsx(result):
    tables = [table_of(each) for part in result.pages for each in part.blocks if each.table]
    if not tables:
        return
    expected = sorted(squeezed(each.text) for whole in tables for each in whole.cells)
    expected = [text for text in expected if text]
    rows = csv.reader(io.StringIO(render("csv", result), newline=""))
    assert sorted(filter(None, (squeezed(text) for row in rows for text in row))) == expected
    book = workbook(result)
    assert len(book.sheetnames) == len(tables)
    values = [each.value for sheet in book for row in sheet.rows for each in row]
    assert sorted(filter(None, (squeezed(text or "") for text in values))) == expected


def test_a_real_page_in_every_document(reading):
    result = reading("small.png")
    wanted = " ".join(joined(each.lines) for each in result.pages[0].blocks)
    assert " ".join(shown(render("md", result))) == wanted
    read = Reader(render("html", result))
    assert squeezed(" ".join(text for _, text in read.all("p", "h1", "h2", "h3"))) == wanted
    assert squeezed(" ".join(each.text for each in opened(result).paragraphs)) == wanted


def test_a_real_table_in_every_format(reading):
    result = reading("table.png")
    (found,) = (each for each in result.pages[0].blocks if each.table)
    first = [cell.text for cell in found.table.cells if cell.row == 0]
    assert render("csv", result).splitlines()[0] == ",".join(first)
    assert [each.value for each in workbook(result)["Page 1"][1]] == first
    assert [each.text for each in opened(result).tables[0].rows[0].cells] == first
    assert [text for _, text in Reader(render("html", result)).all("td")][: len(first)] == first
    assert f"| {' | '.join(first)} |\n| --- |" in render("md", result)
    # Numbers must be Python's own to be written and read back.
    assert OcrResult.from_json(render("json", result)) == result


def test_pages_without_blocks_are_pages_too():
    empty = OcrResult(pages=(Page(number=1, width=1, height=1), page(number=2)))
    assert len(Reader(render("html", empty)).all("section")) == 2
    assert len(opened(empty).element.body.findall(f".//{qn('w:br')}")) == 1
