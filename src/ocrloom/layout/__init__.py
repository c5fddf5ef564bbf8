"""From pieces of lines in no order to blocks of lines in reading order. Pure."""

from __future__ import annotations

from ocrloom.layout.order import Piece, arrange

__all__ = ["Piece", "arrange"]
