"""The flag ``--ray``, whose value may be left out."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ANY", "COMMANDS", "with_address"]

ANY: Final = "auto"
"""What ``--ray`` without an address stands for."""

COMMANDS: Final = ("read", "index", "serve")
"""Those that have the flag."""

_FLAG: Final = "--ray"
# Of what else may follow, nothing is taken for an address: it is a file.
_ADDRESS: Final = re.compile(r"auto|local|ray://.*|([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")


def with_address(arguments: Sequence[str]) -> list[str]:
    """Gives ``--ray`` the value that the parser wants of every option.

    Args:
        arguments: What follows the name of a command.

    Returns:
        The same, in which ``--ray`` and its address are one word.
    """
    filled: list[str] = []
    words = deque(arguments)
    while words:
        word = words.popleft()
        if word == "--":
            return [*filled, word, *words]
        if word == _FLAG:
            address = words.popleft() if words and _ADDRESS.fullmatch(words[0]) else ANY
            word = f"{_FLAG}={address}"
        filled.append(word)
    return filled
