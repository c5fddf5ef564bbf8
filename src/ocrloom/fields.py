"""What the fields of options say of themselves, for those who derive flags or schemas of them."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, TypeGuard, get_args, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["bytes_of", "field_docs", "is_choice", "is_group", "leaves", "without_none"]

_SIZE: Final = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)([KMGT]?)", re.IGNORECASE)


def leaves(owner: type) -> Iterator[tuple[Field[Any], object, str]]:
    """The fields of a dataclass with their types and docstrings; groups of them taken apart.

    Args:
        owner: The dataclass.
    """
    hints = get_type_hints(owner)
    docs = field_docs(owner)
    for field in fields(owner):
        kind = hints[field.name]
        if is_group(kind):
            yield from leaves(kind)
        else:
            # So that one line of it does not keep the docstring's own breaks.
            yield field, kind, " ".join(docs.get(field.name, "").split())


def is_group(kind: object) -> TypeGuard[type]:
    """Whether a field's type holds options of its own."""
    return isinstance(kind, type) and is_dataclass(kind)


def is_choice(kind: object) -> TypeGuard[type[StrEnum]]:
    """Whether a field has one of a few names."""
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def without_none(kind: object) -> object:
    """What a field has where it is not None."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    return kinds[0] if isinstance(kind, UnionType) and len(kinds) == 1 else kind


def field_docs(owner: type) -> dict[str, str]:
    """Docstrings below the fields of a class, by name; none where its source is not installed."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except OSError:
        return {}
    definition = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        before.target.id: inspect.cleandoc(after.value.value)
        for before, after in zip(definition.body, definition.body[1:], strict=False)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def bytes_of(given: str) -> int | None:
    """A number of bytes, such as 1000000, 512M or 1.5G; None where it is none."""
    found = _SIZE.fullmatch(given.strip())
    size = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    return size or None
