"""Options and errors as JSON."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import jsonschema
import pytest
import typer.main
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrloom import Limits, OcrOptions, PdfOptions, errors, wire
from ocrloom.cli import app
from ocrloom.errors import OcrException, OcrImageTooLarge, OcrOptionError, OcrServiceError
from ocrloom.fields import field_docs

EVERY = OcrOptions(
    languages=("eng", "fra"),
    mode="best",
    region=(1, 2.5, 300, 400),
    find_orientation=False,
    context=False,
    user_words=("Ysolde", "Kestrel"),
    allowed_characters="abc",
    ignored_characters="|",
    join_hyphens=True,
    min_confidence=0.25,
    min_quality=0.75,
    timeout=2.5,
    pages="1-3,7",
    pdf=PdfOptions(password="geheim", dpi=200, text_layer="only"),
)


# Errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (OcrImageTooLarge, "image_too_large"),
        (errors.OcrSourceNotAFile, "source_not_a_file"),
        (errors.OcrJobNotFound, "job_not_found"),
        (OcrException, "error"),
        (ValueError, "internal_error"),
        (MemoryError("secret"), "internal_error"),
        (OcrImageTooLarge("the page"), "image_too_large"),
    ],
)
def test_codes_are_made_of_the_names_of_exceptions(kind, code):
    assert wire.code_of(kind) == code


@pytest.mark.parametrize("name", errors.__all__)
def test_an_exception_comes_back_as_what_it_was(name):
    kind = getattr(errors, name)
    found = wire.error_of(wire.code_of(kind), "what to do")
    assert type(found) is kind
    assert str(found) == "what to do"


def test_a_subclass_of_somebody_else_has_the_code_of_ours():
    class Special(OcrImageTooLarge):
        pass

    assert wire.code_of(Special) == "image_too_large"


@pytest.mark.parametrize("code", ["of_a_later_version", "internal_error", "", "OcrTimeout"])
def test_an_unknown_code_is_an_error_of_the_service(code):
    assert wire.class_of(code) is None
    assert type(wire.error_of(code, "")) is OcrServiceError


# Options there and back


def test_the_document_of_the_defaults_is_empty():
    assert wire.options_document(OcrOptions()) == {}
    assert wire.parse_options({}) == OcrOptions()


def test_every_option_comes_back_through_json():
    document = wire.options_document(EVERY)
    assert set(document) == set(wire.options_schema()["properties"])
    assert wire.parse_options(json.loads(json.dumps(document))) == EVERY


def test_a_password_may_be_left_out():
    document = wire.options_document(EVERY, secrets=False)
    assert "geheim" not in json.dumps(document)
    assert wire.parse_options(document) == replace(EVERY, pdf=replace(EVERY.pdf, password=None))


def test_limits_are_nobodys_but_the_services():
    assert wire.options_document(OcrOptions(limits=Limits(max_pixels=7))) == {}
    for limit in fields(Limits):
        with pytest.raises(OcrOptionError, match=f"{limit.name} is the service's to set"):
            wire.parse_options({limit.name: 1})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "options must be an object such as .*, got array"),
        (None, "got null"),
        ("eng", "got string"),
        ({"langauges": "eng"}, "some of languages, mode, .*, got 'langauges'"),
        ({"pdf": {}}, "text_layer, got 'pdf'"),
        ({"limits": {}}, "got 'limits'"),
        ({"x" * 10_000: 1}, "got 'x{,59}$"),
        ({"languages": {"eng": 1}}, "languages must be string or array, got object"),
        ({"languages": [7]}, "each of languages must be string, got integer"),
        ({"languages": None}, "languages must be string or array, got null"),
        ({"languages": "klingon"}, "klingon"),
        ({"languages": []}, "language"),
        ({"mode": "slow"}, "mode must be one of fast, balanced, best"),
        ({"mode": 1}, "mode must be string, got integer"),
        ({"context": 1}, "context must be boolean, got integer"),
        ({"context": "true"}, "context must be boolean, got string"),
        ({"min_confidence": True}, "min_confidence must be number, got boolean"),
        ({"min_confidence": float("nan")}, "min_confidence must be a number between"),
        ({"timeout": 10**400}, "timeout must be a number between"),
        ({"timeout": float("inf")}, "timeout must be a number between"),
        ({"timeout": 0}, "timeout must be a number of seconds over 0"),
        ({"dpi": 300.5}, "dpi must be integer or null, got number"),
        ({"dpi": 9}, "dpi must be a whole number from 10"),
        ({"region": [1, 2, 3]}, "region must be left, top, right and bottom"),
        ({"region": [True, 2, 3, 4]}, "each of region must be number, got boolean"),
        ({"region": [10**400, 2, 3, 4]}, "each of region must be a number between"),
        ({"user_words": "word"}, "user_words must be array, got string"),
        ({"user_words": ["\ud800"]}, "each of user_words must be characters that UTF-8 has"),
        ({"allowed_characters": "a\0"}, "allowed_characters must be characters .* without NUL"),
        ({"password": 7}, "password must be string or null, got integer"),
        ({"pages": "z"}, "pages"),
    ],
)
def test_what_no_option_can_have_is_refused(document, message):
    with pytest.raises(OcrOptionError, match=message):
        wire.parse_options(document)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("languages", "eng,fra", "eng,fra"),
        ("languages", '["eng", "fra"]', ["eng", "fra"]),
        ("mode", "best", "best"),
        ("region", "1,2.5,300,400", "1,2.5,300,400"),
        ("region", "[1, 2.5, 300, 400]", [1, 2.5, 300, 400]),
        ("user_words", " Ysolde\nKestrel ", ["Ysolde", "Kestrel"]),
        ("user_words", '["Ysolde"]', ["Ysolde"]),
        ("context", "False", False),
        ("join_hyphens", "1", True),
        ("min_quality", "0.5", 0.5),
        ("timeout", "60", 60),
        ("dpi", "200", 200),
        ("password", " x", " x"),
        ("pages", "5-", "5-"),
    ],
)
def test_options_come_as_text_too(name, text, value):
    document = wire.options_from_text({name: text})
    assert document == {name: value}
    assert wire.parse_options(document) == wire.parse_options({name: value})


def test_an_empty_field_of_a_form_counts_as_not_given():
    assert wire.options_from_text({"timeout": "", "languages": " ", "password": ""}) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("context", "maybe"),
        ("timeout", "soon"),
        ("dpi", "300.5"),
        ("region", "[1, 2"),
        ("user_words", "[" * 100_000),
        ("max_pixels", "7"),
        ("colour", "red"),
    ],
)
def test_text_that_stands_for_no_value_is_refused(name, text):
    with pytest.raises(OcrOptionError, match=name) as caught:
        wire.options_from_text({name: text})
    assert len(str(caught.value)) < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(wire.options_schema()["properties"])), JSON))
def test_any_json_is_options_or_refused_and_the_schema_takes_no_less(document):
    try:
        options = wire.parse_options(document)
    except OcrOptionError:
        return
    jsonschema.validate(document, wire.options_schema())
    assert wire.parse_options(wire.options_document(options)) == options


# The schema, the command line and the dataclass


def test_the_schema_has_the_names_defaults_and_docs_of_the_options_and_of_the_flags():
    schema = wire.options_schema()["properties"]
    command = typer.main.get_command(app.app).commands["read"]
    flags = {each.name: each for each in command.params}
    named = [
        *(f for f in fields(OcrOptions) if f.name not in ("pdf", "limits")),
        *fields(PdfOptions),
    ]
    assert list(schema) == [field.name for field in named]
    for field in named:
        said = schema[field.name]
        if field.name == "languages":
            assert said["default"] == ["auto"]
            continue
        assert said["default"] == (list(field.default) if field.default == () else field.default)
        assert said["description"] == flags[field.name].help
        assert flags[field.name].default in (field.default, None)
    assert not schema.keys() & field_docs(Limits).keys()


def test_the_schema_is_one_and_its_examples_are_options():
    schema = wire.options_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    for example in schema["examples"]:
        jsonschema.validate(example, schema)
        wire.parse_options(example)
    for name, said in schema["properties"].items():
        for example in [*said.get("examples", []), said["default"]]:
            jsonschema.validate({name: example}, schema)
            wire.parse_options({name: example})


def test_the_schema_that_is_given_out_is_the_callers_own():
    wire.options_schema()["properties"]["mode"]["enum"] = []
    wire.options_schema()["properties"].clear()
    assert wire.options_schema()["properties"]["mode"]["enum"] == ["fast", "balanced", "best"]


def test_importing_it_loads_nothing_heavy():
    loaded = "import ocrloom.wire, sys; print([m for m in ('numpy', 'httpx') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", loaded], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
