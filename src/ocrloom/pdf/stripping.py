"""Taking an invisible text layer out of a page, as OCR programs leave one.

What is shown in text rendering mode 3 goes; whatever can be seen stays where it is. Forms that a
page draws are searched too, as some programs keep their layer in one.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import pikepdf
from pikepdf import Dictionary, Name, Operator, Stream

__all__ = ["strip_invisible"]

_Instruction: TypeAlias = tuple[Any, Operator]

_INVISIBLE: Final = 3
_DEEPEST: Final = 8  # forms within forms
_SHOWS: Final = frozenset({"Tj", "TJ", "'", '"'})
_MOVES: Final = frozenset({"Tm", "Td", "TD", "T*"})
_STATES: Final = frozenset({"Tc", "Tw", "Tz", "TL", "Tf", "Tr", "Ts"})


def strip_invisible(pdf: pikepdf.Pdf, page: pikepdf.Page) -> bool:
    """Takes the invisible text out of a page.

    Args:
        pdf: The document.
        page: One of its pages.

    Returns:
        Whether there was any; without, the page is as it was.
    """
    resources = page.obj.get("/Resources") or page.resources
    kept, forms = _Stripper(pdf).strip(_parsed(page), resources, 0, _DEEPEST)
    if kept is None and not forms:
        return False
    if kept is not None:
        page.obj.Contents = _stream(pdf, pikepdf.unparse_content_stream(kept), Dictionary())
    page.obj.Resources = _with_forms(resources, forms)
    return True


@dataclass(slots=True)
class _Text:
    """What was found between BT and ET, and which of it is to go."""

    begin: int
    shows: int = 0
    waiting: list[int] = field(default_factory=list)
    """Invisible text after which the place has not been set again."""
    gone: list[int] = field(default_factory=list)


class _Stripper:
    """Goes through contents and the forms that they draw, each form once."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._pdf = pdf
        # Forms within forms, drawn several times each, soon are more than anybody can go through.
        self._known: dict[tuple[tuple[int, int], int], pikepdf.Object | None] = {}

    def strip(
        self,
        instructions: list[_Instruction],
        resources: pikepdf.Object | None,
        mode: int,
        depth: int,
    ) -> tuple[list[_Instruction] | None, dict[str, pikepdf.Object]]:
        """The instructions without invisible text, None if there is none; and forms to replace."""
        gone: dict[int, list[_Instruction]] = {}
        forms: dict[str, pikepdf.Object] = {}
        saved: list[int] = []
        text = _Text(0)
        for index, (operands, operator) in enumerate(instructions):
            name = str(operator)
            if name == "q":
                saved.append(mode)
            elif name == "Q" and saved:
                mode = saved.pop()
            elif name == "Tr":
                mode = int(operands[0])
            elif name == "BT":
                text = _Text(index)
            elif name == "Do":
                forms |= self._strip_named(str(operands[0]), resources, mode, depth)
            elif name in _SHOWS or name in _MOVES or name == "ET":
                _note(text, index, name, visible=mode != _INVISIBLE)
                if name == "ET":
                    gone |= _settle(text, instructions, index)
        return (_without(instructions, gone) if gone else None), forms

    def _strip_named(
        self, name: str, resources: pikepdf.Object | None, mode: int, depth: int
    ) -> dict[str, pikepdf.Object]:
        """The form without invisible text under its name; nothing if it is none or has none."""
        known = resources.get("/XObject") if isinstance(resources, Dictionary) else None
        form = known.get(name) if isinstance(known, Dictionary) else None
        if not isinstance(form, Stream) or form.get("/Subtype") != Name.Form or not depth:
            return {}
        key = form.objgen, mode
        if key not in self._known:
            # A form that draws itself is not looked at again.
            self._known[key] = None
            self._known[key] = self._strip_form(form, resources, mode, depth)
        made = self._known[key]
        return {} if made is None else {name: made}

    def _strip_form(
        self, form: Stream, resources: pikepdf.Object | None, mode: int, depth: int
    ) -> pikepdf.Object | None:
        own = form.get("/Resources", resources)
        kept, forms = self.strip(_parsed(form), own, mode, depth - 1)
        if kept is None and not forms:
            return None
        data = form.read_bytes() if kept is None else pikepdf.unparse_content_stream(kept)
        made = _stream(self._pdf, data, form)
        if forms:
            made.Resources = _with_forms(own, forms)
        return made


def _without(
    instructions: list[_Instruction], gone: dict[int, list[_Instruction]]
) -> list[_Instruction]:
    return [
        each
        for index, instruction in enumerate(instructions)
        for each in gone.get(index, [instruction])
    ]


def _note(text: _Text, index: int, name: str, *, visible: bool) -> None:
    """Takes note of an instruction of a text."""
    if name not in ("Tj", "TJ"):
        # The place is set anew: what was shown before has no more influence on it.
        text.gone += text.waiting
        text.waiting.clear()
    if name not in _SHOWS:
        return
    text.shows += 1
    if visible:
        # It begins where the invisible text ends, which therefore has to stay.
        text.waiting.clear()
    else:
        text.waiting.append(index)


def _settle(
    text: _Text, instructions: list[_Instruction], end: int
) -> dict[int, list[_Instruction]]:
    """What comes in the place of the instructions that go; where a text is empty, of all of it."""
    gone = {index: _without_show(instructions[index]) for index in text.gone}
    if not gone or len(gone) < text.shows:
        return gone
    # What is set within holds on behind.
    within = range(text.begin, end)
    last = {str(instructions[index][1]): index for index in within}
    for index in range(text.begin, end + 1):
        name = str(instructions[index][1])
        is_text = name in _SHOWS or name in _MOVES or name in ("BT", "ET")
        if is_text or (name in _STATES and last[name] != index):
            gone[index] = []
    return gone


def _without_show(instruction: _Instruction) -> list[_Instruction]:
    """What an operator that shows text does besides."""
    operands, operator = instruction
    following: _Instruction = ([], Operator("T*"))
    if str(operator) == "'":
        return [following]
    if str(operator) == '"':
        return [([operands[0]], Operator("Tw")), ([operands[1]], Operator("Tc")), following]
    return []


def _parsed(what: pikepdf.Page | pikepdf.Object) -> list[_Instruction]:
    # Inline images too are pairs, of themselves and an operator.
    return [(each.operands, each.operator) for each in pikepdf.parse_content_stream(what)]


def _with_forms(
    resources: pikepdf.Object | None, forms: dict[str, pikepdf.Object]
) -> pikepdf.Object:
    """The resources with some forms replaced; what others share stays as it is."""
    made = Dictionary(dict(resources.items())) if resources is not None else Dictionary()
    if forms:
        made.XObject = Dictionary(dict(made.XObject.items()) | forms)
    return made


def _stream(pdf: pikepdf.Pdf, data: bytes, like: pikepdf.Object) -> pikepdf.Stream:
    """A stream with the dictionary of another one."""
    made = pdf.make_stream(zlib.compress(data), Filter=Name.FlateDecode)
    for key, value in like.items():
        if key not in ("/Length", "/Filter", "/DecodeParms"):
            made[key] = value
    return made
