"""``python -m ocrloom`` is the command ``ocrloom``."""

from __future__ import annotations

from ocrloom.cli import main

main()
