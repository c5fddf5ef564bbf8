"""Strips of Group 4 made one, as a PDF wants them, without decoding them (ITU-T T.4 and T.6).

Each row is coded by how it differs from the row above, and above a strip all is white. So strips
are one picture as soon as the first row of each is coded by the lengths of its runs alone, which
takes no row above. The rows below it stay what they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["join_strips"]

# Codes of runs of 0 to 63 and then of 64, 128 ... 1728 pixels, and for both colours of longer ones
# up to 2560 (T.4, tables 2 and 3). All bits here are text: nothing cuts and joins them sooner.
_WHITE: Final = (
    "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 "
    "110101 101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 "
    "0100100 0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 "
    "00010110 00010111 00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 "
    "00001010 00001011 01010010 01010011 01010100 01010101 00100100 00100101 01011000 01011001 "
    "01011010 01011011 01001010 01001011 00110010 00110011 00110100 11011 10010 010111 0110111 "
    "00110110 00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010 011010011 "
    "011010100 011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 "
    "010011001 010011010 011000 010011011"
)
_BLACK: Final = (
    "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 "
    "00000111 000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 "
    "00000110111 00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 "
    "000011001101 000001101000 000001101001 000001101010 000001101011 000011010010 000011010011 "
    "000011010100 000011010101 000011010110 000011010111 000001101100 000001101101 000011011010 "
    "000011011011 000001010100 000001010101 000001010110 000001010111 000001100100 000001100101 "
    "000001010010 000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 "
    "000001011000 000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 "
    "0000001111 000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 "
    "0000001101100 0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 "
    "0000001110010 0000001110011 0000001110100 0000001110101 0000001110110 0000001110111 "
    "0000001010010 0000001010011 0000001010100 0000001010101 0000001011010 0000001011011 "
    "0000001100100 0000001100101"
)
_LONG: Final = (
    "00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 000000010101 "
    "000000010110 000000010111 000000011100 000000011101 000000011110 000000011111"
)
_LENGTHS: Final = (*range(64), *range(64, 2561, 64))
_LONGEST: Final = _LENGTHS[-1]
_CODES: Final[tuple[dict[int, str], ...]] = tuple(
    dict(zip(_LENGTHS, f"{codes} {_LONG}".split(), strict=True)) for codes in (_WHITE, _BLACK)
)
_RUNS: Final = tuple({code: length for length, code in codes.items()} for codes in _CODES)
_BITS: Final = range(2, 14)  # of a code

_HORIZONTAL: Final = "001"
# Pixels before the end of the row above, which below white is where the only change is.
_VERTICAL: Final = {"1": 0, "010": 1, "000010": 2, "0000010": 3}
_END: Final = "000000000001" * 2
_NEVER: Final = "0" * 11  # in no code, nor where two of them meet


def join_strips(strips: Sequence[bytes], width: int, *, reverse: bool = False) -> bytes | None:
    """One strip of several.

    Args:
        strips: The data of strips of Group 4, from the top.
        width: Of the picture in pixels.
        reverse: Whether the first pixel is in the lowest bit of a byte. In what is returned it is
            in the highest.

    Returns:
        The strip; None where one of them is damaged or coded in a way that is not usual.
    """
    parts: list[str] = []
    for strip in strips:
        bits = _unpacked(strip, reverse=reverse).rstrip("0")
        body = bits.removesuffix(_END)
        if body == bits or _NEVER in body:
            return None
        if parts:
            try:
                row, rest = _first_row(body, width)
            except ValueError:
                return None
            parts += [row, body[rest:]]
        else:
            parts.append(body)
    return _packed("".join([*parts, _END]))


def _unpacked(data: bytes, *, reverse: bool) -> str:
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little" if reverse else "big")
    return (bits + ord("0")).tobytes().decode("ascii")


def _packed(bits: str) -> bytes:
    return np.packbits(np.frombuffer(bits.encode("ascii"), np.uint8) - ord("0")).tobytes()


def _first_row(bits: str, width: int) -> tuple[str, int]:
    """The first row of a strip by its runs, and where the second one begins.

    Raises:
        ValueError: It is no row below white, or longer than the picture is wide.
    """
    runs: list[int] = []
    at = done = 0
    while done < width:
        if bits.startswith(_HORIZONTAL, at):
            at += len(_HORIZONTAL)
            for _ in range(2):
                run, at = _read_run(bits, at, len(runs) % 2)
                runs.append(run)
                done += run
        else:
            code = next((code for code in _VERTICAL if bits.startswith(code, at)), None)
            if code is None or done > width - _VERTICAL[code]:
                raise ValueError("not how a row below white is coded")
            at += len(code)
            runs.append(width - _VERTICAL[code] - done)
            done += runs[-1]
    if done > width:
        raise ValueError("more pixels than the picture is wide")
    runs += [0] * (len(runs) % 2)
    pairs = zip(runs[::2], runs[1::2], strict=True)
    return "".join(_HORIZONTAL + _coded(white, 0) + _coded(black, 1) for white, black in pairs), at


def _read_run(bits: str, at: int, colour: int) -> tuple[int, int]:
    """The length of a run, and where its code ends."""
    lengths = _RUNS[colour]
    total = 0
    while True:
        for size in _BITS:
            length = lengths.get(bits[at : at + size])
            if length is not None:
                break
        else:
            raise ValueError("no code of a run")
        at += size
        total += length
        if length < 64:
            return total, at


def _coded(run: int, colour: int) -> str:
    """The codes of a run: of as many of the longest, of a multiple of 64, and of what is left."""
    longest, run = divmod(run, _LONGEST)
    multiple = run - run % 64
    codes = _CODES[colour]
    parts = [codes[_LONGEST]] * longest + [codes[multiple]] * bool(multiple) + [codes[run % 64]]
    return "".join(parts)
