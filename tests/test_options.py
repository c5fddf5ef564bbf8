"""Options: frozen, keyword-only, checked when they are made."""

import ast
import dataclasses
import inspect

import pytest

from ocrloom import (
    Language,
    Limits,
    Mode,
    OcrOptionError,
    OcrOptions,
    OcrUnknownLanguage,
    PdfOptions,
    TextLayer,
    options,
)

both = pytest.mark.parametrize("cls", [OcrOptions, PdfOptions, Limits])


@both
def test_unknown_names_are_refused(cls):
    with pytest.raises(TypeError, match="unexpected keyword argument 'langauge'"):
        cls(langauge="eng")


@both
def test_values_are_given_by_name(cls):
    with pytest.raises(TypeError, match="positional"):
        cls("eng")


@both
def test_options_are_frozen_and_comparable(cls):
    first = cls()
    for field in dataclasses.fields(cls):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(first, field.name, getattr(first, field.name))
    assert first == cls()
    assert hash(first) == hash(cls())
    with pytest.raises((AttributeError, TypeError)):
        first.something = 1


@both
def test_every_field_is_described_beneath_it(cls):
    (tree,) = ast.parse(inspect.getsource(cls)).body
    pairs = list(zip(tree.body, tree.body[1:], strict=False))
    described = [
        field.target.id
        for field, after in pairs
        if isinstance(field, ast.AnnAssign)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and after.value.value.endswith(".")
    ]
    assert described == [field.name for field in dataclasses.fields(cls)]


def test_every_options_class_is_listed():
    defined = [
        name
        for name, cls in inspect.getmembers(options, inspect.isclass)
        if cls.__module__ == options.__name__
    ]
    assert sorted(defined) == sorted(options.__all__)


COUNTS = [field.name for field in dataclasses.fields(Limits) if field.name != "max_decode_seconds"]


@pytest.mark.parametrize("value", [0, -1, float("nan"), "9", None, True])
@pytest.mark.parametrize("name", ["max_decode_seconds", "timeout"])
def test_a_time_is_a_number_over_zero(name, value):
    owner = OcrOptions if name == "timeout" else Limits
    if (owner, value) == (OcrOptions, None):
        assert OcrOptions(timeout=None).timeout is None
        return
    with pytest.raises(OcrOptionError, match=f"{name} must be a number .*over 0, got {value!r}"):
        owner(**{name: value})


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 1.5, "9", None, True])
def test_a_limit_is_a_whole_number(name, value):
    with pytest.raises(OcrOptionError, match=f"{name} must be .* at least 1, got {value!r}"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Limits)])
def test_a_limit_may_be_one(name):
    assert getattr(Limits(**{name: 1}), name) == 1


SHARES = pytest.mark.parametrize("name", ["min_confidence", "min_quality"])


@SHARES
@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf"), "1", None])
def test_a_share_lies_between_zero_and_one(name, value):
    with pytest.raises(OcrOptionError, match=f"{name} must lie between 0 and 1, got"):
        OcrOptions(**{name: value})


@SHARES
@pytest.mark.parametrize("value", [0, 1, 0.25])
def test_the_bounds_of_a_share_are_allowed(name, value):
    assert getattr(OcrOptions(**{name: value}), name) == value


@pytest.mark.parametrize("name", ["find_orientation", "context", "join_hyphens"])
@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_a_switch_is_a_bool(name, value):
    with pytest.raises(OcrOptionError, match=f"{name} must be a bool, got {value!r}"):
        OcrOptions(**{name: value})


@pytest.mark.parametrize("value", list(Mode))
def test_a_mode_is_named_or_a_member(value):
    assert OcrOptions(mode=value).mode is value
    assert OcrOptions(mode=value.value).mode is value


@pytest.mark.parametrize("value", ["", "FAST", "better", None, 1])
def test_other_modes_are_refused(value):
    with pytest.raises(OcrOptionError, match="mode must be one of fast, balanced, best, got"):
        OcrOptions(mode=value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], ()),
        (["Ysolde", "Hale", "Ysolde"], ("Ysolde", "Hale")),
        ((word for word in (" Ysolde ", "naïve-ish")), ("Ysolde", "naïve-ish")),
    ],
)
def test_user_words_come_once_and_in_their_order(given, words):
    assert OcrOptions(user_words=given).user_words == words


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Ysolde", "'Ysolde'"),
        (None, "None"),
        (7, "7"),
        ([""], "''"),
        (["two words"], "'two words'"),
        ([b"Hale"], "b'Hale'"),
    ],
)
def test_other_user_words_are_refused(value, found):
    with pytest.raises(OcrOptionError, match=f"user_words must be .*, got {found}"):
        OcrOptions(user_words=value)


def test_characters_are_text():
    assert OcrOptions(allowed_characters="0123", ignored_characters="3").ignored_characters == "3"
    for name, value in (("allowed_characters", 7), ("ignored_characters", None)):
        with pytest.raises(OcrOptionError, match=f"{name} must be a str such as .*, got {value}"):
            OcrOptions(**{name: value})


@pytest.mark.parametrize(("allowed", "ignored"), [("", ""), (" ", ""), ("|/", "/\\|")])
def test_some_character_must_be_left(allowed, ignored):
    with pytest.raises(OcrOptionError, match="must leave a character that may be read"):
        OcrOptions(allowed_characters=allowed, ignored_characters=ignored)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (Language.FRENCH, (Language.FRENCH,)),
        ("fr", (Language.FRENCH,)),
        ("fra+eng", (Language.FRENCH, Language.ENGLISH)),
        (["English", "deu"], (Language.ENGLISH, Language.GERMAN)),
        ({"pol", "ces"}, (Language.CZECH, Language.POLISH)),
        ((code for code in ("swe", "swe")), (Language.SWEDISH,)),
    ],
)
def test_languages_are_found_by_any_name(given, found):
    assert OcrOptions(languages=given).languages == found


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("klingon", OcrUnknownLanguage),
        (["eng", "klingon"], OcrUnknownLanguage),
        ([], OcrOptionError),
        (["auto", "eng"], OcrOptionError),
        (5, OcrOptionError),
        ([None], OcrOptionError),
    ],
)
def test_wrong_languages_are_refused(given, error):
    with pytest.raises(OcrOptionError) as caught:
        OcrOptions(languages=given)
    assert type(caught.value) is error


@pytest.mark.parametrize("value", [9, 2401, 0, -300, 300.0, "300", True])
def test_a_resolution_is_a_whole_number_within_reason(value):
    with pytest.raises(OcrOptionError, match="dpi must be a whole number from 10 to 2400, got"):
        PdfOptions(dpi=value)


@pytest.mark.parametrize("value", [10, 300, 2400])
def test_resolutions_within_reason_are_allowed(value):
    assert PdfOptions(dpi=value).dpi == value


@pytest.mark.parametrize("value", list(TextLayer))
def test_a_text_layer_is_named_or_a_member(value):
    assert PdfOptions(text_layer=value).text_layer is value
    assert PdfOptions(text_layer=value.value).text_layer is value


@pytest.mark.parametrize("value", ["", "AUTO", "never", None, 1])
def test_other_text_layers_are_refused(value):
    with pytest.raises(OcrOptionError, match="text_layer must be one of auto, ignore, only, got"):
        PdfOptions(text_layer=value)


def test_a_password_is_never_shown():
    assert "geheim" not in repr(OcrOptions(pdf=PdfOptions(password="geheim")))
    with pytest.raises(OcrOptionError, match=r"password must be a str, got bytes$"):
        PdfOptions(password=b"geheim")


@pytest.mark.parametrize("value", ["", "0", "3-1", "a", 3, ("1",)])
def test_pages_are_written_as_people_do(value):
    with pytest.raises(OcrOptionError, match="pages must be"):
        OcrOptions(pages=value)


@pytest.mark.parametrize(
    ("name", "value"), [("pdf", None), ("pdf", Limits()), ("limits", PdfOptions())]
)
def test_options_within_options_are_of_their_class(name, value):
    with pytest.raises(OcrOptionError, match=f"{name} must be a "):
        OcrOptions(**{name: value})


def test_replacing_checks_again():
    changed = dataclasses.replace(OcrOptions(), languages="spa")
    assert changed.languages == (Language.SPANISH,)
    with pytest.raises(OcrOptionError):
        dataclasses.replace(changed, min_confidence=2)
