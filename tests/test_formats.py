"""Results as text and as JSON."""

import importlib.resources
import json

import jsonschema
import pytest
from hypothesis import given
from results import SQUARE, page, results, table, word

from ocrloom.errors import OcrOptionError, OcrOutputError
from ocrloom.formats import FORMATS, ending_of, format_named, format_of, json_
from ocrloom.result import OcrResult, Page, PageFailure


def document(**changes):
    """A valid document with some values changed."""
    made = json.loads(json_.render(OcrResult(pages=(page(word()),), source="a.png")))
    return made | changes


@pytest.fixture(scope="module")
def schema():
    text = importlib.resources.files("ocrloom.formats").joinpath("result.schema.json").read_text()
    found = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_formats_are_registered_by_name():
    names = "txt json hocr alto page tsv md html docx csv xlsx pdf"
    assert " ".join(FORMATS) == names
    for name, form in FORMATS.items():
        assert form.name == name
        assert form.suffix in (f".{name}", f".{name}.xml")
        assert "/" in form.media_type
    for values in (
        {form.suffix for form in FORMATS.values()},
        {form.media_type for form in FORMATS.values()},
    ):
        assert len(values) == len(FORMATS)


@pytest.mark.parametrize("form", FORMATS.values(), ids=lambda form: form.name)
def test_a_file_is_of_the_format_that_its_ending_names(form):
    assert ending_of(f"out/a.b{form.suffix}") is form
    assert format_of(f"A{form.suffix.upper()}") is form
    assert format_named(f" {form.name.upper()} ") is form


@pytest.mark.parametrize("name", ["page.xml.bak", "scan.xml", "alto", "a.doc", "", "out.html/x"])
def test_other_endings_are_of_no_format(name):
    assert ending_of(name) is None
    with pytest.raises(OcrOptionError, match=r"one of \.txt, .*\.alto\.xml, \.page\.xml"):
        format_of(name)


def test_other_names_are_of_no_format():
    with pytest.raises(OcrOptionError, match="unknown format 'xml'; give one of txt, json, hocr"):
        format_named("xml")


TEXTS = [form for form in FORMATS.values() if not form.binary]


@given(results)
def test_all_texts_end_with_a_newline_or_are_empty(result):
    for form in TEXTS:
        try:
            text = form.render(result)
        except OcrOutputError:
            # Without pages or tables there is nothing that it could hold.
            assert form.name in ("alto", "page", "csv")
            continue
        assert not text or text.endswith("\n")


def test_a_page_has_a_file_only_where_there_are_several():
    one, two = page(word("a"), number=1), page(word("b"), number=12)
    both = OcrResult(pages=(one, two), source="a.tif")
    single = OcrResult(pages=(one,))
    assert list(FORMATS["page"].files(single)) == [("", single)]
    assert list(FORMATS["alto"].files(both)) == [("", both)]
    parts = dict(FORMATS["page"].files(both))
    assert {mark: part.pages for mark, part in parts.items()} == {"_0001": (one,), "_0012": (two,)}
    assert {part.source for part in parts.values()} == {"a.tif"}


def test_formats_load_their_libraries_when_they_are_used(run_python):
    code = """
import sys
from ocrloom import OcrResult
from ocrloom.formats import FORMATS
OcrResult(pages=()).export("html")
print(*{name.partition(".")[0] for name in sys.modules})
"""
    loaded = set(run_python(code).split())
    assert "ocrloom" in loaded
    assert not loaded & {"docx", "openpyxl", "pikepdf", "lxml", "numpy", "PIL"}


def test_text_parts_pages_by_form_feeds():
    result = OcrResult(pages=(page(word("one"), word("two")), page(word("three"), number=2)))
    assert FORMATS["txt"].render(result) == "one two\fthree\n"


def test_text_of_a_blank_page_is_empty():
    assert FORMATS["txt"].render(OcrResult(pages=(page(),))) == ""


@given(results)
def test_json_round_trip_is_exact(result):
    again = json_.parse(json_.render(result))
    assert again == result
    assert again.source == result.source


@given(results)
def test_json_obeys_its_schema(schema, result):
    schema.validate(json.loads(json_.render(result)))


def test_json_of_a_real_page_obeys_its_schema(schema, reading):
    result = reading("small.png")
    text = json_.render(result)
    schema.validate(json.loads(text))
    assert json_.parse(text) == result


@given(results)
def test_json_is_one_line(result):
    # Where several follow each other, a line is a document.
    assert json_.render(result).count("\n") == 1


def test_json_is_not_escaped_to_ascii():
    assert "Été" in json_.render(OcrResult(pages=(page(word()),)))


def test_json_says_what_the_result_says():
    result = OcrResult(pages=(page(word(), word("go")),), source="a.png")
    found = json.loads(json_.render(result))
    assert found["schema"] == "ocrloom/1"
    assert found["source"] == "a.png"
    assert found["text"] == result.text
    assert found["failures"] == []
    assert found["pages"][0]["scale"] == 1.0
    assert found["pages"][0]["text"] == result.pages[0].text
    assert found["pages"][0]["confidence"] == pytest.approx(0.9)
    line = found["pages"][0]["blocks"][0]["lines"][0]
    assert line["text"] == "Été go"
    assert line["words"][1] == {
        "text": "go",
        "polygon": [list(point) for point in SQUARE],
        "confidence": 0.9,
        "recogniser": "fake",
    }


def test_json_says_which_pages_failed(schema):
    failure = PageFailure(number=2, kind="OcrDamagedImage", message="a.tif, frame 2: cut short")
    result = OcrResult(pages=(page(word()), page(number=3)), failures=(failure,))
    found = json.loads(json_.render(result))
    schema.validate(found)
    assert found["failures"] == [
        {"number": 2, "kind": "OcrDamagedImage", "message": "a.tif, frame 2: cut short"}
    ]
    assert json_.parse(json.dumps(found)) == result


def test_older_json_has_neither_failures_nor_scales(schema):
    older = document()
    del older["failures"]
    del older["pages"][0]["scale"]
    schema.validate(older)
    assert json_.parse(json.dumps(older)) == OcrResult(pages=(page(word()),))


def test_json_holds_names_of_files_that_are_not_unicode():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    text = json_.render(OcrResult(pages=(), source=name))
    assert json_.parse(text.encode("utf-8").decode("utf-8")).source == name


def test_json_cannot_hold_what_is_no_number():
    broken = Page(number=1, width=1, height=1, skew=float("nan"))
    with pytest.raises(OcrOutputError, match="finite"):
        json_.render(OcrResult(pages=(broken,)))


def test_json_accepts_names_of_later_versions(schema):
    later = document(colour="blue")
    assert json_.parse(json.dumps(later)).pages
    schema.validate(later)


def with_page(**changes):
    made = document()
    made["pages"][0] |= changes
    return made


def with_word(**changes):
    made = document()
    made["pages"][0]["blocks"][0]["lines"][0]["words"][0] |= changes
    return made


def with_table(**changes):
    made = json.loads(json_.render(OcrResult(pages=(page(blocks=[table(["a"], ["b"])]),))))
    made["pages"][0]["blocks"][0]["table"] |= changes
    return made


PAGE = r"the document > pages\[0\]"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ([], "the document: expected an object"),
        ({}, "expected the name 'schema', which is missing"),
        (document(schema="ocrloom/9"), "schema is 'ocrloom/1', found 'ocrloom/9'"),
        (document(source=7), "the document > source: expected text, found 7"),
        (document(pages={}), "the document > pages: expected a list, found {}"),
        (document(pages=[3]), f"{PAGE}: expected an object, found 3"),
        (with_page(number=1.5), f"{PAGE} > number: expected a whole number, found 1.5"),
        (with_page(width=True), f"{PAGE} > width: expected a whole number, found True"),
        (with_page(dpi=[300]), f"{PAGE} > dpi: expected a list of 2"),
        (with_page(scale="1"), f"{PAGE} > scale: expected a number, found '1'"),
        (document(failures={}), "the document > failures: expected a list, found {}"),
        (document(failures=[{}]), r"the document > failures\[0\]: expected the name 'number'"),
        (document(failures=[{"number": "2"}]), r"failures\[0\] > number: expected a whole"),
        (with_page(skew="1"), f"{PAGE} > skew: expected a number, found '1'"),
        (with_page(skew=float("nan")), f"{PAGE} > skew: expected a number, found nan"),
        (with_page(skew=10**400), f"{PAGE} > skew: expected a number"),
        (with_table(rows=1), r"table: the cells of a table must lie within its 1 rows and 1 col"),
        (with_table(rows=10**9), r"table: a table must have 1 to 1000000 places, found 1000000000"),
        (with_word(polygon=[]), r"words\[0\] > polygon: expected a list of 4"),
        (with_word(text=None), r"words\[0\] > text: expected text, found None"),
    ],
)
def test_invalid_documents_are_refused_with_the_place(schema, broken, message):
    with pytest.raises(OcrOptionError, match=message):
        json_.parse(json.dumps(broken))


@pytest.mark.parametrize("text", ["", "plain words", '{"schema":', "[" * 100_000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(OcrOptionError, match="expected a JSON document of the schema 'ocrloom/1'"):
        json_.parse(text)
