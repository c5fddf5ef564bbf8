"""The forms in which callers send what is to be read, each taken apart while it comes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

from python_multipart.multipart import parse_options_header

from ocrloom.errors import OcrFormatError, OcrRequestError
from ocrloom.service.forms import ALLOWANCE, Form
from ocrloom.service.lifting import Lifter
from ocrloom.wire import options_from_text

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Asked", "Body", "body_of"]

T = TypeVar("T")
Write: TypeAlias = Callable[[bytes], None]

_ROUTES: Final = frozenset({"wait", "format"})  # parameters of a query that are no options
_MEMBERS: Final = frozenset({"url", "data", "name", "options", "store", "webhook"})
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}
_MEDIA: Final = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,60}", re.ASCII)
_RAW: Final = frozenset({"application/pdf", "application/octet-stream"})


class Body(Protocol):
    """A body of one form or another."""

    def allowance(self, limit: int) -> int:
        """Bytes that it may have more than its file."""
        ...

    def feed(self, data: bytes) -> None:
        """Takes its next bytes, in a thread."""
        ...

    def asked(self) -> Asked:
        """What it asked for, once all of it was taken."""
        ...


@dataclass(kw_only=True)
class Asked:
    """What a request asks for, as it was written."""

    has_file: bool = True
    url: str | None = None
    name: str | None = None
    media: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    store: bool | None = None
    webhook: object = None


class _RawBody:
    """The file itself; everything else is in the query."""

    def __init__(self, media: str, fields: Mapping[str, str], write: Write) -> None:
        self._fields = fields
        self.feed = write
        self._media = media

    def allowance(self, limit: int) -> int:
        return 0

    def asked(self) -> Asked:
        return _of_fields(self._fields, Asked(media=self._media))


class _FormBody:
    """A form; what is not in it may be in the query."""

    def __init__(self, boundary: bytes, fields: Mapping[str, str], write: Write) -> None:
        self._fields = fields
        self._form = Form(boundary, write)
        self.feed = self._form.feed

    def allowance(self, limit: int) -> int:
        return ALLOWANCE

    def asked(self) -> Asked:
        self._form.end()
        fields = _disjoint(self._fields, self._form.fields)
        return _of_fields(fields, Asked(name=self._form.file_name, media=self._form.media))


class _JsonBody:
    """An object with the file in base64, or with its address."""

    def __init__(self, fields: Mapping[str, str], write: Write) -> None:
        self._fields = fields
        self._lifter = Lifter(write)
        self.feed = self._lifter.feed

    def allowance(self, limit: int) -> int:
        # Four characters for three bytes, line breaks among them, and what else there is.
        return limit // 2 + (2 << 20)

    def asked(self) -> Asked:
        self._lifter.end()
        document = _object(bytes(self._lifter.rest), "the body")
        if unknown := document.keys() - _MEMBERS:
            raise OcrRequestError(
                f"expected {', '.join(sorted(_MEMBERS))} in the body and nothing else, got"
                f" {len(unknown)} others; options belong into options"
            )
        if self._lifter.found == (document.get("url") is not None):
            raise OcrRequestError("expected one of data and url in the body, got both or none")
        asked = Asked(
            has_file=self._lifter.found,
            url=_member(document, "url", str),
            name=_member(document, "name", str),
            options=_member(document, "options", dict) or {},
            store=_member(document, "store", bool),
            webhook=document.get("webhook"),
        )
        return _of_fields(self._fields, asked)


def body_of(request: Request, write: Write) -> Body:
    """The body of a request, of which nothing has been taken yet.

    Args:
        request: What its headers and its query say counts.
        write: Given the bytes of the file, part by part, in a thread.

    Raises:
        OcrFormatError: Its media type is none of those that are known.
        OcrRequestError: Its query has something twice.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise OcrFormatError("expected a body that is not packed for transport, got one that is")
    kind, named = parse_options_header(request.headers.get("content-type"))
    media = kind.decode("latin-1")
    fields = _query(request)
    if media == "multipart/form-data":
        return _FormBody(named.get(b"boundary", b""), fields, write)
    if media == "application/json":
        return _JsonBody(fields, write)
    if media in _RAW or (media.startswith("image/") and _MEDIA.fullmatch(media)):
        return _RawBody(media, fields, write)
    raise OcrFormatError(
        "expected a body of the type multipart/form-data with a part called file, application/json"
        " with data or url, application/pdf, image/* or application/octet-stream, got another one;"
        " name it in the header Content-Type"
    )


def _query(request: Request) -> dict[str, str]:
    given = [each for each in request.query_params.multi_items() if each[0] not in _ROUTES]
    fields = dict(given)
    if len(fields) < len(given):
        raise _twice()
    return fields


def _of_fields(fields: Mapping[str, str], asked: Asked) -> Asked:
    """Adds what fields of a form or a query say to what else was asked for."""
    given = dict(fields)
    asked.name = given.pop("name", asked.name)
    options = dict(asked.options)
    if (text := given.pop("options", "")).strip():
        options = _disjoint(options, _object(text.encode(), "options"))
    if (text := given.pop("store", "").strip().lower()) != "":
        if text not in _FLAGS:
            raise OcrRequestError("expected true or false for store, got something else")
        asked.store = _FLAGS[text]
    if (text := given.pop("webhook", "")).strip():
        asked.webhook = _object(text.encode(), "webhook")
    asked.options = _disjoint(options, options_from_text(given))
    return asked


def _disjoint(one: Mapping[str, T], other: Mapping[str, T]) -> dict[str, T]:
    if one.keys() & other.keys():
        raise _twice()
    return {**one, **other}


def _twice() -> OcrRequestError:
    return OcrRequestError("expected each option once, got one twice; give it in one place")


def _object(text: bytes, what: str) -> dict[str, Any]:
    """An object of JSON, which holds nothing that cannot be written down again."""
    try:
        found = json.loads(text.decode("utf-8"))
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise OcrRequestError(f"expected JSON in {what}, got something else") from error
    if not isinstance(found, dict):
        raise OcrRequestError(f"expected an object of JSON in {what}, got something else")
    return found


def _member(document: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = document.get(name)
    if value is not None and not isinstance(value, kind):
        raise OcrRequestError(f"expected {_KINDS[kind]} as {name} in the body, got something else")
    return value


_KINDS: Final[Mapping[type, str]] = {str: "a string", dict: "an object", bool: "true or false"}
