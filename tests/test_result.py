"""The result tree: texts joined, confidences weighted, written and read back."""

import dataclasses
import os
import pickle
import sys
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrloom import (
    Block,
    Line,
    OcrOptionError,
    OcrOutputError,
    OcrResult,
    OcrSourceIsDirectory,
    OcrSourceNotFound,
    Page,
    PageFailure,
    Word,
    result,
)
from ocrloom.formats import FORMATS

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def word(text, confidence=1.0):
    return Word(text=text, polygon=SQUARE, confidence=confidence, recogniser="fake")


def line(*words):
    return Line(words=words, polygon=SQUARE)


def block(*lines):
    return Block(lines=lines, polygon=SQUARE)


def page(*blocks, number=1):
    return Page(number=number, width=10, height=10, blocks=blocks)


words = st.builds(word, st.text("ab.é紙", min_size=1, max_size=4), st.floats(0, 1))
lines = st.lists(words, max_size=3).map(lambda parts: line(*parts))
blocks = st.lists(lines, max_size=3).map(lambda parts: block(*parts))
pages = st.lists(blocks, max_size=3).map(lambda parts: page(*parts))
results = st.lists(pages, max_size=3).map(lambda parts: OcrResult(pages=tuple(parts)))


def test_texts_are_joined_by_what_lies_between():
    first = page(block(line(word("A"), word("title"))), block(line(word("one")), line(word("two"))))
    result = OcrResult(pages=(first, page(number=2), page(block(line(word("end"))), number=3)))
    assert result.text == "A title\n\none\ntwo\f\fend"
    assert [each.text for each in first.lines] == ["A title", "one", "two"]
    assert [each.text for each in first.words] == ["A", "title", "one", "two"]


def test_confidence_is_weighted_by_length():
    parts = line(word("abc", 0.9), word("d", 0.5))
    assert parts.confidence == pytest.approx(0.8)
    assert page(block(parts)).confidence == pytest.approx(0.8)
    two = OcrResult(pages=(page(block(parts)), page(block(line(word("efgh", 1.0))))))
    assert two.confidence == pytest.approx(0.9)


def test_nothing_read_is_an_empty_result():
    empty = OcrResult(pages=(page(),))
    assert (empty.text, empty.confidence) == ("", 0.0)
    assert (page().lines, page().words, page().text) == ((), (), "")
    assert OcrResult(pages=()).text == ""


def test_the_source_is_not_compared():
    assert OcrResult(pages=(), source="a.png") == OcrResult(pages=(), source=None)


@given(results)
def test_no_word_is_lost_or_doubled(result):
    read = [each.text for part in result.pages for each in part.words]
    assert result.text.split() == read
    assert result.text.count("\f") == max(0, len(result.pages) - 1)
    for part in result.pages:
        assert part.words == tuple(each for line in part.lines for each in line.words)


@given(results)
def test_confidence_lies_between_the_words(result):
    found = [each.confidence for part in result.pages for each in part.words]
    low, high = (min(found), max(found)) if found else (0.0, 0.0)
    assert low - 1e-9 <= result.confidence <= high + 1e-9


@given(results)
def test_results_are_plain_data(result):
    assert pickle.loads(pickle.dumps(result)) == result
    assert hash(result) == hash(dataclasses.replace(result))
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.pages = ()


# --- into files and back ----------------------------------------------------------------------

TWO = OcrResult(
    pages=(page(block(line(word("one"))), number=1), page(block(line(word("two"))), number=3)),
    failures=(PageFailure(number=2, kind="OcrDamagedImage", message="cut short"),),
    source="a.tif",
)
OF_TEXT = [form for form in FORMATS.values() if not form.paged and not form.needs_source]
OF_TEXT = [form for form in OF_TEXT if form.name not in ("csv", "xlsx")]


def names_in(folder):
    return sorted(each.name for each in folder.iterdir())


def test_the_types_of_export_are_those_of_the_formats():
    texts, binaries = map(typing.get_args, (result._TextFormat, result._BinaryFormat))
    assert set(texts) == {form.name for form in FORMATS.values() if not form.binary}
    assert set(binaries) == {form.name for form in FORMATS.values() if form.binary}


@pytest.mark.parametrize("form", OF_TEXT, ids=lambda form: form.name)
def test_the_name_of_a_file_chooses_its_format(form, tmp_path):
    path = tmp_path / f"a.b{form.suffix}"
    assert TWO.save(path) == (path,)
    made = TWO.export(form.name)
    assert isinstance(made, bytes) is form.binary
    # Word's format holds the time.
    if form.name != "docx":
        assert path.read_bytes() == (made if form.binary else made.encode())
    assert names_in(tmp_path) == [path.name]


def test_a_format_that_is_given_wins(tmp_path):
    path = tmp_path / "notes.json"
    TWO.save(str(path), "txt")
    assert path.read_text("utf-8") == "one\ftwo\n"


@pytest.mark.parametrize("name", ["a.xml", "a.doc", "a"])
def test_a_name_that_chooses_no_format_is_refused(name, tmp_path):
    with pytest.raises(OcrOptionError, match=r"ending must say what to write, one of \.txt"):
        TWO.save(tmp_path / name)
    assert names_in(tmp_path) == []


def test_an_unknown_format_is_refused(tmp_path):
    for use in (lambda: TWO.export("doc"), lambda: TWO.save(tmp_path / "a.txt", "doc")):
        with pytest.raises(OcrOptionError, match="unknown format 'doc'; give one of txt"):
            use()


def test_a_format_of_single_pages_has_a_file_for_each(tmp_path):
    found = TWO.save(tmp_path / "book.PAGE.xml")
    assert [each.name for each in found] == ["book_0001.PAGE.xml", "book_0003.PAGE.xml"]
    assert names_in(tmp_path) == [each.name for each in found]
    assert "<Unicode>two</Unicode>" in found[1].read_text("utf-8")
    found = TWO.save(tmp_path / "book.xml", "page")
    assert [each.name for each in found] == ["book_0001.xml", "book_0003.xml"]
    (found,) = dataclasses.replace(TWO, pages=TWO.pages[:1]).save(tmp_path / "one.page.xml")
    assert found.name == "one.page.xml"


def test_what_cannot_be_held_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "tables.csv"
    path.write_text("old")
    with pytest.raises(OcrOutputError, match="found none on 2 pages"):
        TWO.save(path)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == [path.name]


def test_what_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OcrOutputError, match="cannot be written: No such file"):
        TWO.save(tmp_path / "none" / "a.txt")
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OcrOutputError, match="cannot be written"):
        TWO.save(tmp_path / "a.txt")
    with pytest.raises(OcrOutputError, match="cannot be written"):
        TWO.save(tmp_path / "a\0.txt")
    assert names_in(tmp_path) == ["a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link.txt").symlink_to(path)
    TWO.save(tmp_path / "link.txt")
    assert path.read_text("utf-8") == "one\ftwo\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link.txt").is_symlink()


def test_new_files_have_the_permissions_of_others(tmp_path):
    TWO.save(tmp_path / "a.txt")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b").stat().st_mode


@given(results)
def test_json_brings_a_result_back(result):
    assert OcrResult.from_json(result.export("json")) == result


def test_a_file_of_json_brings_a_result_back(tmp_path):
    (path,) = TWO.save(tmp_path / "a.json")
    for name in (path, str(path), os.fspath(path)):
        again = OcrResult.load(name)
        assert again == TWO
        assert again.source == "a.tif"


def test_what_holds_no_result_is_refused(tmp_path):
    with pytest.raises(OcrSourceNotFound):
        OcrResult.load(tmp_path / "none.json")
    with pytest.raises(OcrSourceIsDirectory):
        OcrResult.load(tmp_path)
    path = tmp_path / "bad.json"
    path.write_text("{}")
    with pytest.raises(OcrOptionError, match="'schema', which is missing"):
        OcrResult.load(path)
    path.write_bytes(b"caf\xe9")
    with pytest.raises(OcrOptionError, match=r"bad\.json: expected a JSON document in UTF-8"):
        OcrResult.load(path)
