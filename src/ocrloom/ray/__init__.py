"""Reading on the machines of a Ray cluster: the extra ``ray``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ocrloom.ray.cluster import Cluster
from ocrloom.ray.engine import Cost, RayEngine

if TYPE_CHECKING:
    from ocrloom.ray.documents import read_documents, write_pages
    from ocrloom.ray.parts import Receipt
    from ocrloom.ray.table import SCHEMA, page_of

__all__ = [
    "SCHEMA",
    "Cluster",
    "Cost",
    "RayEngine",
    "Receipt",
    "page_of",
    "read_documents",
    "write_pages",
]

# By name, as these bring Ray Data, Arrow and NumPy.
_APART = {
    "SCHEMA": "table",
    "Receipt": "parts",
    "page_of": "table",
    "read_documents": "documents",
    "write_pages": "documents",
}


def __getattr__(name: str) -> object:
    if name not in _APART:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_APART[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
