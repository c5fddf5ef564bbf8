"""Options and errors as JSON, the same for the service and for those who call it.

Pages and failures are those of the JSON format, see ``formats.json_``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from ocrloom import errors
from ocrloom.errors import OcrException, OcrOptionError, OcrServiceError, OcrStopped
from ocrloom.fields import is_choice, leaves, without_none
from ocrloom.options import Limits, OcrOptions, PdfOptions

__all__ = [
    "class_of",
    "code_of",
    "error_of",
    "options_document",
    "options_from_text",
    "options_schema",
    "parse_options",
    "told",
]

_FOR_CALLERS: Final = (OcrServiceError, OcrStopped)
_ROOT_CODE: Final = "error"
_INTERNAL_CODE: Final = "internal_error"

# Where a word of a class's name begins, single letters included.
_WORD: Final = re.compile("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_LARGEST: Final = 1e300  # of a number; Python has larger whole ones, which clocks cannot take

# What neither a database nor every language's JSON can hold.
_UNFIT: Final = re.compile("[\0\ud800-\udfff]")

_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

_LIMITS: Final = frozenset(field.name for field in fields(Limits))
_PDF: Final = frozenset(field.name for field in fields(PdfOptions))
_SECRETS: Final = frozenset({"password"})

_TYPES: Final = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}

_SHARE: Final = {"minimum": 0, "maximum": 1}

_FURTHER: Final[Mapping[str, Mapping[str, object]]] = {
    "languages": {"type": ["string", "array"], "items": {"type": "string"}},
    "region": {"type": ["string", "array", "null"], "items": {"type": "number"}},
    "user_words": {"type": ["array"], "items": {"type": "string"}},
    "min_confidence": _SHARE,
    "min_quality": _SHARE,
    "timeout": {"exclusiveMinimum": 0},
    "dpi": {"minimum": 10, "maximum": 2400},
    "password": {"format": "password"},
}
"""What the schema says beside what the fields do."""

_EXAMPLES: Final[Mapping[str, object]] = {
    "languages": ["eng", "fra"],
    "region": [100, 200, 1600, 900],
    "user_words": ["Ysolde", "Kestrel"],
    "allowed_characters": "0123456789",
    "ignored_characters": "|",
    "min_quality": 0.9,
    "timeout": 60,
    "pages": "1-3,7",
    "dpi": 300,
}


# Errors


def code_of(error: type[BaseException] | BaseException) -> str:
    """The name of an error in answers, such as ``image_too_large`` of `OcrImageTooLarge`.

    Args:
        error: An exception or its class; what is none of ours is an ``internal_error``.
    """
    kind = error if isinstance(error, type) else type(error)
    ours = next((each for each in kind.__mro__ if each.__name__ in errors.__all__), None)
    if ours is None:
        return _INTERNAL_CODE
    if ours is OcrException:
        return _ROOT_CODE
    return _WORD.sub("_", ours.__name__.removeprefix("Ocr")).lower()


def class_of(code: str) -> type[OcrException] | None:
    """The exception that a code stands for; None where it is no code of ours."""
    return _CLASSES.get(code)


def error_of(code: str, detail: str) -> OcrException:
    """The exception that an answer tells of.

    Args:
        code: As `code_of` gives it; an unknown one, of a later version, is an `OcrServiceError`.
        detail: The message.
    """
    return (class_of(code) or OcrServiceError)(detail)


_CLASSES: Final[Mapping[str, type[OcrException]]] = {
    code_of(getattr(errors, name)): getattr(errors, name) for name in errors.__all__
}


# Options


def told(error: OcrException) -> str:
    """What a service tells of an error: of one that is its own, nothing about its inside.

    Messages of those may name files and hosts; they are for its log.
    """
    if error.http_status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, _FOR_CALLERS):
        return str(error)
    return f"{(type(error).__doc__ or '').splitlines()[0]} The service's log says more."


def options_document(options: OcrOptions, *, secrets: bool = True) -> dict[str, Any]:
    """What differs from the defaults, as it is written in JSON; limits are left out.

    Args:
        options: How to read.
        secrets: Whether a password is among it.
    """
    usual = OcrOptions()
    return {
        name: _plain(_value(options, name))
        for name in _schemas()
        if _value(options, name) != _value(usual, name) and (secrets or name not in _SECRETS)
    }


def parse_options(document: object) -> OcrOptions:
    """Makes options of what `options_document` gives, or of what somebody wrote by hand.

    Args:
        document: As `json.loads` gives it; what is not in it has its default.

    Raises:
        OcrOptionError: It is no object, has a name that no option has, or a value that the option
            cannot have.
    """
    if not isinstance(document, Mapping):
        raise OcrOptionError(
            f'options must be an object such as {{"languages": "eng"}}, got {_type_of(document)}'
        )
    _check_names(document)
    schemas = _schemas()
    for name, value in document.items():
        _check(name, value, schemas[name])
    values = dict(document)
    pdf = PdfOptions(**{name: values.pop(name) for name in _PDF & values.keys()})
    return OcrOptions(**values, pdf=pdf)


def options_from_text(given: Mapping[str, str]) -> dict[str, Any]:
    """Makes the document that `parse_options` takes of the fields of a form or a query.

    Args:
        given: Text by the names of options. Several values are a JSON list; languages and a
            region may be written as on the command line, words with white space between them.
            An empty one counts as not given.

    Raises:
        OcrOptionError: No option has such a name, or it cannot be what the text says.
    """
    _check_names(given)
    schemas = _schemas()
    return {name: _read(name, text, schemas[name]) for name, text in given.items() if text.strip()}


def options_schema() -> dict[str, Any]:
    """The JSON Schema of an options document, with what the fields' docstrings say."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {**schema, "type": types[0] if len(types := schema["type"]) == 1 else types}
            for name, schema in _schemas().items()
        },
        "examples": [{"languages": ["eng", "fra"], "pages": "1-3", "timeout": 60}],
    }


@cache
def _schemas() -> Mapping[str, Mapping[str, Any]]:
    """The schemas of the options that a request may have; limits are the service's own."""
    usual = OcrOptions()
    return {
        field.name: _schema(field.name, kind, doc, _plain(_value(usual, field.name)))
        for field, kind, doc in leaves(OcrOptions)
        if field.name not in _LIMITS
    }


def _schema(name: str, kind: object, doc: str, default: object) -> dict[str, Any]:
    known = without_none(kind)
    schema: dict[str, Any] = {"default": default}
    if is_choice(kind):
        schema |= {"type": ["string"], "enum": [each.value for each in kind]}
    elif isinstance(known, type) and known in _TYPES:
        schema["type"] = [_TYPES[known], *(["null"] if known is not kind else [])]
    if doc:
        schema["description"] = doc
    if name in _EXAMPLES:
        schema["examples"] = [_EXAMPLES[name]]
    return {**schema, **_FURTHER.get(name, {})}


def _value(options: OcrOptions, name: str) -> object:
    return getattr(options.pdf if name in _PDF else options, name)


def _plain(value: object) -> object:
    """The same without classes that JSON does not know: lists for tuples, text for members."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _check_names(document: Mapping[Any, object]) -> None:
    known = _schemas()
    for name in document:
        if name in _LIMITS:
            raise OcrOptionError(f"{name} is the service's to set and not its callers'; leave it")
        if name not in known:
            raise OcrOptionError(f"options must be some of {', '.join(known)}, got {name!r:.60}")


def _check(name: str, value: object, schema: Mapping[str, Any]) -> None:
    """Refuses what is of another type; the options themselves judge what the value says."""
    found = _type_of(value)
    if found not in schema["type"] and not (found == "integer" and "number" in schema["type"]):
        raise OcrOptionError(f"{name} must be {' or '.join(schema['type'])}, got {found}")
    if isinstance(value, list):
        for item in value:
            _check(f"each of {name}", item, {"type": [schema["items"]["type"]]})
    elif isinstance(value, (int, float)) and not -_LARGEST < value < _LARGEST:
        raise OcrOptionError(f"{name} must be a number between -{_LARGEST:g} and {_LARGEST:g}")
    elif isinstance(value, str) and _UNFIT.search(value):
        raise OcrOptionError(f"{name} must be characters that UTF-8 has, without NUL")


def _type_of(value: object) -> str:
    """What JSON calls it."""
    return "null" if value is None else _TYPES.get(type(value), "object")


def _read(name: str, text: str, schema: Mapping[str, Any]) -> object:
    """What the text of an option stands for."""
    types = schema["type"]
    if "array" in types:
        return _read_list(name, text, schema)
    if "string" in types:
        return text
    if types[0] == "boolean":
        if text.strip().lower() in _FLAGS:
            return _FLAGS[text.strip().lower()]
        raise OcrOptionError(f"{name} must be true or false, got {text!r:.60}")
    try:
        return int(text) if types[0] == "integer" else float(text)
    except ValueError:
        raise OcrOptionError(f"{name} must be of the type {types[0]}, got {text!r:.60}") from None


def _read_list(name: str, text: str, schema: Mapping[str, Any]) -> object:
    if not text.lstrip().startswith("["):
        return text if "string" in schema["type"] else text.split()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise OcrOptionError(f"{name} must be a JSON list, got {text!r:.60}") from None
