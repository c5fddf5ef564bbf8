"""The same engine from afar: a service reads, and this process asks it."""

from __future__ import annotations

from ocrloom.remote.engine import RemoteEngine

__all__ = ["RemoteEngine"]
